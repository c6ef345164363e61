//! Copies and removals by row number, and the steps of jobs that go with them.

use super::samples::*;
use crate::Stores;
use crate::jobs::Outcome;
use crate::logs::Added;
use evalset_model::Error;
use evalset_model::field::Field;
use evalset_model::ids::{Collection, RowNumber};
use evalset_model::job::{Lane, Progress, State, Step};
use evalset_model::log::Log;

/// Request logs with rows, and an empty dataset.
async fn places(stores: &Stores, rows: usize) -> (Collection, Collection, Vec<Log>) {
    let mine = organization(1);
    stores.datasets.create(dataset(mine, dataset_id(1), 1), None).await.unwrap();
    let logs = fill(stores, request_logs(mine), 0..rows, 1).await;
    (request_logs(mine), rows_of(mine, dataset_id(1)), logs)
}

fn unannotated(log: &Log) -> Log {
    let mut log = log.clone();
    log.scalars.set_text(Field::AnnotationStatus, "pending");
    for field in &Field::ANNOTATION[1..] {
        log.scalars.set(*field, None);
    }
    log
}

/// A step of a job that has looked at `done` rows before, one of which was there already.
fn step(job: u128, done: u64) -> Step {
    let progress = Progress { done, affected: done.saturating_sub(1), skipped: done.min(1), ..Progress::default() };
    Step { job: job_id(job), attempt: 1, progress }
}

/// A running import job of the dataset.
async fn running(stores: &Stores, number: u128) {
    stores.jobs.enqueue(import_job(number, organization(1), dataset_id(1), 1), None).await.unwrap();
    assert_eq!(stores.jobs.claim(Lane::Rows, &worker(1), 2, LEASE).await.unwrap().unwrap().id, job_id(number));
}

/// Rows looked at, changed and skipped, and the cursor.
async fn progress(stores: &Stores, number: u128) -> (u64, u64, u64, Option<RowNumber>) {
    let job = stores.jobs.get(organization(1), job_id(number)).await.unwrap().unwrap();
    (job.progress.done, job.progress.affected, job.progress.skipped, job.progress.cursor)
}

pub async fn copy_keeps_ids_and_resets_annotation(stores: &Stores) {
    let (requests, rows, logs) = places(stores, 40).await;
    let source = numbers(stores, requests).await;
    // Looked at before: an open index has to learn of the copies as well.
    assert!(all(stores, rows).await.is_empty());
    let copied = stores.logs.copy(requests, &source[..30], rows, None).await.unwrap();
    assert_eq!(copied, Added { written: 30, ..Added::default() });
    let wanted: Vec<_> = logs[10..].iter().map(unannotated).collect();
    assert_eq!(all(stores, rows).await, wanted);
    assert_eq!(all(stores, requests).await, logs);
    // In the order given: the last one copied is the newest.
    let newest = stores.datasets.newest_rows(organization(1), &[dataset_id(1)], 2).await.unwrap();
    assert_eq!(newest, [[log_id(10), log_id(11)]]);
    // A copy is a row of its own.
    stores.logs.delete(requests, &[log_id(20)]).await.unwrap();
    assert_eq!(all(stores, rows).await.len(), 30);
    // An index not open yet is read with the copies.
    let other = rows_of(organization(1), dataset_id(2));
    stores.datasets.create(dataset(organization(1), dataset_id(2), 2), None).await.unwrap();
    stores.logs.copy(rows, &numbers(stores, rows).await, other, None).await.unwrap();
    assert_eq!(all(stores, other).await, wanted);
}

pub async fn copy_skips_what_is_there_or_gone(stores: &Stores) {
    let (requests, rows, _) = places(stores, 10).await;
    let source = numbers(stores, requests).await;
    stores.logs.copy(requests, &source[..4], rows, None).await.unwrap();
    stores.logs.delete(requests, &[log_id(0)]).await.unwrap();
    let mut again = source.clone();
    again.push(source[5]);
    again.push(RowNumber::new(1_000_000));
    let copied = stores.logs.copy(requests, &again, rows, None).await.unwrap();
    assert_eq!(copied, Added { written: 5, skipped: 7, replaced: 0 });
    assert_eq!(all(stores, rows).await.len(), 9);
    let dataset = stores.datasets.get(organization(1), dataset_id(1)).await.unwrap().unwrap();
    assert_eq!((dataset.log_count, dataset.completed_annotation_count), (9, 0));
    let theirs = request_logs(organization(2));
    assert_eq!(stores.logs.copy(theirs, &source, rows, None).await.unwrap(), Added { skipped: 10, ..Added::default() });
}

pub async fn a_copied_unit_counts_with_its_job(stores: &Stores) {
    let (requests, rows, _) = places(stores, 10).await;
    let source = numbers(stores, requests).await;
    running(stores, 1).await;
    stores.logs.copy(requests, &source[1..2], rows, None).await.unwrap();
    let copied = stores.logs.copy(requests, &source[..5], rows, Some(step(1, 10))).await.unwrap();
    assert_eq!((copied.rows(), copied), (5, Added { written: 4, skipped: 1, replaced: 0 }));
    // What the unit did is stored with it.
    assert_eq!(progress(stores, 1).await, (15, 13, 2, Some(source[4])));
    let theirs = request_logs(organization(2));
    stores.logs.copy(theirs, &source[5..6], rows, Some(step(1, 15))).await.unwrap();
    assert_eq!(progress(stores, 1).await, (16, 14, 2, Some(source[5])));
    stores.jobs.save(Step { job: job_id(1), attempt: 1, progress: Progress::default() }).await.unwrap();
    assert_eq!(progress(stores, 1).await, (0, 0, 0, None));
    let outcome = Outcome { state: State::Cancelled, error_message: None, at: 9, dataset: None };
    stores.jobs.finish(job_id(1), 1, outcome).await.unwrap();
    let late = stores.logs.copy(requests, &source[5..], rows, Some(step(1, 10))).await;
    assert!(matches!(late, Err(Error::Conflict(_))), "{late:?}");
    assert_eq!((all(stores, rows).await.len(), progress(stores, 1).await), (5, (0, 0, 0, None)));
}

pub async fn a_removed_unit_counts_with_its_job(stores: &Stores) {
    let (requests, rows, _) = places(stores, 10).await;
    stores.logs.copy(requests, &numbers(stores, requests).await, rows, None).await.unwrap();
    let source = numbers(stores, rows).await;
    running(stores, 1).await;
    let twice = [source[0], source[1], source[0], RowNumber::new(1_000_000)];
    assert_eq!(stores.logs.remove(rows, &twice, Some(step(1, 10))).await.unwrap(), 2);
    let stored = (14, 11, 3, Some(RowNumber::new(1_000_000)));
    assert_eq!(progress(stores, 1).await, stored);
    stores.jobs.requeue_expired(3 + LEASE).await.unwrap();
    let late = stores.logs.remove(rows, &source[2..], Some(step(1, 10))).await;
    assert!(matches!(late, Err(Error::Conflict(_))), "{late:?}");
    assert_eq!((all(stores, rows).await.len(), progress(stores, 1).await), (8, stored));
    let dataset = stores.datasets.get(organization(1), dataset_id(1)).await.unwrap().unwrap();
    assert_eq!(dataset.log_count, 8);
}

/// A worker that did not get the answer asks for the same unit again, whoever wrote meanwhile.
pub async fn a_copy_done_twice_counts_once(stores: &Stores) {
    let (requests, rows, _) = places(stores, 10).await;
    let source = numbers(stores, requests).await;
    stores.logs.copy(requests, &source[1..2], rows, None).await.unwrap();
    running(stores, 1).await;
    stores.logs.copy(requests, &source[..2], rows, Some(step(1, 0))).await.unwrap();
    let before = stores.jobs.get(organization(1), job_id(1)).await.unwrap().unwrap().progress;
    let unit = || Step { progress: before.clone(), ..step(1, 0) };
    let first = stores.logs.copy(requests, &source[2..6], rows, Some(unit())).await.unwrap();
    let counted = progress(stores, 1).await;
    assert_eq!((first, counted), (Added { written: 4, ..first }, (6, 5, 1, Some(source[5]))));
    // One of its rows is edited away in between: it does not come back.
    stores.logs.delete(rows, &[log_id(5)]).await.unwrap();
    assert_eq!(stores.logs.copy(requests, &source[2..6], rows, Some(unit())).await.unwrap(), first);
    assert_eq!((all(stores, rows).await.len(), progress(stores, 1).await), (5, counted));
    let dataset = stores.datasets.get(organization(1), dataset_id(1)).await.unwrap().unwrap();
    assert_eq!(dataset.log_count, 5);
    // The next unit goes on from there.
    let progress_now = stores.jobs.get(organization(1), job_id(1)).await.unwrap().unwrap().progress;
    let next = Step { progress: progress_now, ..unit() };
    assert_eq!(stores.logs.copy(requests, &source[6..], rows, Some(next)).await.unwrap().written, 4);
    assert_eq!(progress(stores, 1).await, (10, 9, 1, Some(source[9])));
}

pub async fn a_removal_done_twice_counts_once(stores: &Stores) {
    let (requests, rows, _) = places(stores, 10).await;
    stores.logs.copy(requests, &numbers(stores, requests).await, rows, None).await.unwrap();
    let source = numbers(stores, rows).await;
    running(stores, 1).await;
    let unit = [source[0], source[1], RowNumber::new(1_000_000)];
    for _ in 0..2 {
        let removed = stores.logs.remove(rows, &unit, Some(Step { progress: Progress::default(), ..step(1, 0) })).await;
        assert_eq!(removed.unwrap(), 2);
        assert_eq!(
            (all(stores, rows).await.len(), progress(stores, 1).await),
            (8, (3, 2, 1, Some(RowNumber::new(1_000_000))))
        );
    }
}

pub async fn steps_need_a_running_job(stores: &Stores) {
    let (requests, rows, _) = places(stores, 3).await;
    let source = numbers(stores, requests).await;
    let unknown = stores.logs.copy(requests, &source, rows, Some(step(7, 3))).await;
    assert!(matches!(unknown, Err(Error::Conflict(_))), "{unknown:?}");
    stores.jobs.enqueue(import_job(1, organization(1), dataset_id(1), 1), None).await.unwrap();
    let queued = stores.logs.copy(requests, &source, rows, Some(step(1, 3))).await;
    assert!(matches!(queued, Err(Error::Conflict(_))), "{queued:?}");
    assert!(all(stores, rows).await.is_empty());
}

pub async fn moves_into_the_void(stores: &Stores) {
    let (requests, rows, _) = places(stores, 3).await;
    let source = numbers(stores, requests).await;
    running(stores, 1).await;
    stores.datasets.delete(organization(1), dataset_id(1), 5).await.unwrap();
    let gone = stores.logs.copy(requests, &source, rows, Some(step(1, 3))).await;
    assert!(matches!(gone, Err(Error::NotFound(_) | Error::Conflict(_))), "{gone:?}");
    assert!(matches!(stores.logs.copy(requests, &source, rows, None).await, Err(Error::NotFound(_))));
    assert_eq!(all(stores, requests).await.len(), 3);
}
