//! Datasets: their life, their counts, emptying and deleting.

use super::samples::*;
use crate::Stores;
use crate::jobs::Renewal;
use crate::logs::With;
use evalset_model::Error;
use evalset_model::dataset::{DatasetPatch, Status, Tag};
use evalset_model::filter::Tree;
use evalset_model::ids::LogId;
use evalset_model::job::{Lane, State};
use evalset_model::page::Window;

pub async fn life_of_a_dataset(stores: &Stores) {
    let mine = organization(1);
    let mut wanted = dataset(mine, dataset_id(1), 5);
    wanted.tags = vec![Tag { id: "1".to_owned(), name: "one".to_owned(), color: String::new() }];
    wanted.running_at = Some(4);
    stores.datasets.create(wanted.clone(), None).await.unwrap();
    assert_eq!(stores.datasets.get(mine, wanted.id).await.unwrap(), Some(wanted.clone()));
    let patch = DatasetPatch { name: Some("new".to_owned()), starred: Some(true), ..DatasetPatch::default() };
    let patched = stores.datasets.update(mine, wanted.id, patch, 9).await.unwrap();
    wanted.name = "new".to_owned();
    wanted.starred = true;
    wanted.updated_at = 9;
    assert_eq!(patched, wanted);
    let patch =
        DatasetPatch { tags: Some(Vec::new()), description: Some("text".to_owned()), ..DatasetPatch::default() };
    stores.datasets.update(mine, wanted.id, patch, 10).await.unwrap();
    wanted.tags = Vec::new();
    wanted.description = "text".to_owned();
    wanted.updated_at = 10;
    assert_eq!(stores.datasets.get(mine, wanted.id).await.unwrap(), Some(wanted.clone()));
    for (organization, id) in [(mine, dataset_id(2)), (organization(2), wanted.id)] {
        let missing = stores.datasets.update(organization, id, DatasetPatch::default(), 11).await;
        assert!(matches!(missing, Err(Error::NotFound(_))), "{missing:?}");
    }
    assert_eq!(stores.datasets.get(mine, wanted.id).await.unwrap(), Some(wanted));
}

pub async fn list_is_newest_first(stores: &Stores) {
    let mine = organization(1);
    for (number, at) in [(1, 10), (2, 30), (3, 20), (4, 20)] {
        stores.datasets.create(dataset(mine, dataset_id(number), at), None).await.unwrap();
    }
    stores.datasets.create(dataset(organization(2), dataset_id(5), 99), None).await.unwrap();
    fill(stores, rows_of(mine, dataset_id(3)), 0..7, 1).await;
    let list = stores.datasets.list(mine).await.unwrap();
    let seen: Vec<_> = list.iter().map(|dataset| (dataset.id, dataset.log_count)).collect();
    assert_eq!(seen, [(dataset_id(2), 0), (dataset_id(4), 0), (dataset_id(3), 7), (dataset_id(1), 0)]);
}

pub async fn create_with_a_job(stores: &Stores) {
    let mine = organization(1);
    let mut new = dataset(mine, dataset_id(1), 5);
    new.status = Status::Initializing;
    let job = import_job(1, mine, new.id, 5);
    stores.datasets.create(new.clone(), Some(job.clone())).await.unwrap();
    assert_eq!(stores.jobs.get(mine, job.id).await.unwrap(), Some(job.clone()));
    // Neither without the other.
    let other = dataset(mine, dataset_id(2), 6);
    let refused = stores.datasets.create(other.clone(), Some(job)).await;
    assert!(matches!(refused, Err(Error::Conflict(_))), "{refused:?}");
    assert_eq!(stores.datasets.get(mine, other.id).await.unwrap(), None);
}

pub async fn conflicts(stores: &Stores) {
    let mine = organization(1);
    stores.datasets.create(dataset(mine, dataset_id(1), 5), None).await.unwrap();
    let again =
        stores.datasets.create(dataset(mine, dataset_id(1), 6), Some(import_job(1, mine, dataset_id(1), 1))).await;
    assert!(matches!(again, Err(Error::Conflict(_))), "{again:?}");
    assert_eq!(stores.jobs.get(mine, job_id(1)).await.unwrap(), None);
    assert_eq!(stores.datasets.list(mine).await.unwrap().len(), 1);
}

pub async fn clear_hides_at_once_and_purges_later(stores: &Stores) {
    let mine = organization(1);
    let (id, rows) = (dataset_id(1), rows_of(mine, dataset_id(1)));
    stores.datasets.create(dataset(mine, id, 5), None).await.unwrap();
    fill(stores, rows, 0..10, 1).await;
    assert_eq!(all(stores, rows).await.len(), 10);
    let before = stores.logs.watermark(rows).await.unwrap();
    let old = stores.logs.get(rows, &log_id(1)).await.unwrap().unwrap().number;
    assert_eq!(stores.datasets.clear(mine, id, 6).await.unwrap(), 10);
    assert!(all(stores, rows).await.is_empty());
    assert_eq!(stores.logs.get(rows, &log_id(1)).await.unwrap(), None);
    assert_eq!(stores.logs.read(rows, &[old], With::EVERYTHING).await.unwrap(), []);
    assert_eq!(stores.logs.sums(rows, Tree::all()).await.unwrap().rows, 0);
    let counted = stores.datasets.get(mine, id).await.unwrap().unwrap();
    assert_eq!((counted.log_count, counted.completed_annotation_count), (0, 0));
    // The same ids can come back before the old rows are purged, under new numbers.
    let new = fill(stores, rows, 0..3, 2).await;
    assert!(stores.logs.watermark(rows).await.unwrap() > before);
    keep_house(stores).await;
    assert_eq!(all(stores, rows).await, new);
    assert_eq!(stores.datasets.get(mine, id).await.unwrap().unwrap().log_count, 3);
    let missing = stores.datasets.clear(mine, dataset_id(9), 7).await;
    assert!(matches!(missing, Err(Error::NotFound(_))), "{missing:?}");
}

pub async fn delete_hides_at_once_and_cancels(stores: &Stores) {
    let mine = organization(1);
    let (id, rows) = (dataset_id(1), rows_of(mine, dataset_id(1)));
    stores.datasets.create(dataset(mine, id, 5), None).await.unwrap();
    stores.datasets.create(dataset(mine, dataset_id(2), 5), None).await.unwrap();
    fill(stores, rows, 0..9, 1).await;
    stores.jobs.enqueue(remove_job(1, mine, id, 1), None).await.unwrap();
    stores.jobs.claim(Lane::Rows, &worker(1), 2, LEASE).await.unwrap().unwrap();
    stores.jobs.enqueue(import_job(2, mine, id, 3), None).await.unwrap();
    stores.jobs.enqueue(import_job(3, mine, dataset_id(2), 4), None).await.unwrap();
    assert!(stores.datasets.delete(mine, id, 7).await.unwrap());
    assert!(!stores.datasets.delete(mine, id, 8).await.unwrap());
    assert_eq!(stores.datasets.get(mine, id).await.unwrap(), None);
    assert!(all(stores, rows).await.is_empty());
    for number in [1, 2] {
        let job = stores.jobs.get(mine, job_id(number)).await.unwrap().unwrap();
        assert_eq!((job.state, job.completed_at), (State::Cancelled, Some(7)));
    }
    assert_eq!(stores.jobs.renew(job_id(1), 1, 8, LEASE).await.unwrap(), Renewal::Lost);
    let other = stores.jobs.claim(Lane::Rows, &worker(1), 9, LEASE).await.unwrap().unwrap();
    assert_eq!(other.id, job_id(3));
    keep_house(stores).await;
    assert_eq!(stores.jobs.claim(Lane::Rows, &worker(1), 10, LEASE).await.unwrap(), None);
}

pub async fn empty_datasets_need_no_purge(stores: &Stores) {
    let mine = organization(1);
    stores.datasets.create(dataset(mine, dataset_id(1), 5), None).await.unwrap();
    assert_eq!(stores.datasets.clear(mine, dataset_id(1), 6).await.unwrap(), 0);
    assert!(stores.datasets.delete(mine, dataset_id(1), 7).await.unwrap());
    assert_eq!(keep_house(stores).await, 1);
    // The id is free again.
    stores.datasets.create(dataset(mine, dataset_id(1), 9), None).await.unwrap();
}

pub async fn purging_goes_in_bounded_units(stores: &Stores) {
    let mine = organization(1);
    assert!(!stores.housekeeping.next(1).await.unwrap(), "nothing was removed yet");
    for set in [1, 2] {
        stores.datasets.create(dataset(mine, dataset_id(set), 1), None).await.unwrap();
        fill(stores, rows_of(mine, dataset_id(set)), 0..25, 1).await;
    }
    stores.datasets.clear(mine, dataset_id(1), 2).await.unwrap();
    stores.datasets.delete(mine, dataset_id(2), 3).await.unwrap();
    assert!(stores.housekeeping.next(4).await.unwrap());
    // What is added meanwhile stays.
    let new = fill(stores, rows_of(mine, dataset_id(1)), 0..3, 2).await;
    // Two who ask at once.
    let (first, second) = tokio::join!(stores.housekeeping.next(5), stores.housekeeping.next(5));
    assert!(first.unwrap() && second.unwrap());
    assert!(keep_house(stores).await >= 3);
    assert!(!stores.housekeeping.next(6).await.unwrap());
    assert_eq!(all(stores, rows_of(mine, dataset_id(1))).await, new);
    assert_eq!(stores.jobs.list(mine, None, Window { offset: 0, limit: 9 }).await.unwrap().total, 0);
}

pub async fn newest_rows_of_many_datasets(stores: &Stores) {
    let mine = organization(1);
    for number in 1..=3 {
        stores.datasets.create(dataset(mine, dataset_id(number), 5), None).await.unwrap();
    }
    let newest = async |ids: &[u128], limit: usize| {
        let ids: Vec<_> = ids.iter().map(|number| dataset_id(*number)).collect();
        stores.datasets.newest_rows(mine, &ids, limit).await.unwrap()
    };
    let none: Vec<LogId> = Vec::new();
    assert_eq!(newest(&[1, 9], 3).await, [none.clone(), none.clone()]);
    assert!(newest(&[], 3).await.is_empty());
    fill(stores, rows_of(mine, dataset_id(1)), 0..5, 1).await;
    fill(stores, rows_of(mine, dataset_id(3)), 7..9, 1).await;
    stores.logs.delete(rows_of(mine, dataset_id(1)), &[log_id(4)]).await.unwrap();
    let rows = |numbers: &[usize]| numbers.iter().map(|number| log_id(*number)).collect::<Vec<_>>();
    assert_eq!(newest(&[3, 2, 1], 3).await, [rows(&[8, 7]), none.clone(), rows(&[3, 2, 1])]);
    assert_eq!(newest(&[1], 99).await, [rows(&[3, 2, 1, 0])]);
    let theirs = stores.datasets.newest_rows(organization(2), &[dataset_id(1)], 3).await.unwrap();
    assert_eq!(theirs, [none]);
}
