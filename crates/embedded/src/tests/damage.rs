//! Stored records that cannot be read: they are errors for who asks for them, and nothing to who asks for all.

use super::*;
use crate::doctor;
use evalset_model::Error;
use evalset_model::dataset::Status;
use evalset_model::field::TextField;
use evalset_model::filter::{LogField, Tree};
use evalset_model::ids::RowNumber;
use evalset_model::job::{Lane, State};
use evalset_model::page::{Sort, Window};
use evalset_store::logs::{Added, Existing, GroupBound, Pick, PickOrder, With};
use rusqlite::Connection;

/// Runs SQL on a closed store.
fn meddle(directory: &Path, sql: &str) {
    Connection::open(directory.join("evalset.db")).unwrap().execute_batch(sql).unwrap();
}

fn unreadable(stores: &Stores) -> f64 {
    let gauges = stores.health.gauges();
    gauges.into_iter().find(|(name, _)| *name == "evalset_store_unreadable_rows").unwrap().1
}

/// 200 request logs, of which the rows 11, 12 and 13 have bad columns, 5 has no payload and 9 a bad one.
async fn damaged() -> (TempDir, Stores) {
    let directory = tempfile::tempdir().unwrap();
    let stores = open(quiet(directory.path())).await.unwrap();
    stores.datasets.create(dataset(organization(1), dataset_id(1), 1), None).await.unwrap();
    fill(&stores, request_logs(organization(1)), 0..200, 1).await;
    stores.health.close().await;
    meddle(
        directory.path(),
        "DELETE FROM payload WHERE row = 5; UPDATE payload SET codec = 1, body = x'00' WHERE row = 9; \
         UPDATE log SET status_code = 'text' WHERE row = 11; UPDATE log SET metadata = '{' WHERE row = 12; \
         UPDATE log SET unique_id = x'ff' WHERE row = 13;",
    );
    let stores = open(quiet(directory.path())).await.unwrap();
    (directory, stores)
}

async fn numbers(stores: &Stores, filter: evalset_model::filter::LogFilter, sort: Option<Sort>) -> Vec<RowNumber> {
    let order = sort.map_or(PickOrder::Falling { after: None }, PickOrder::By);
    select(stores, request_logs(organization(1)), Pick { order, ..Pick::of(filter) }).await.rows
}

#[tokio::test]
async fn reads_of_many_rows_go_on_without_the_bad_ones() {
    let (_directory, stores) = damaged().await;
    let requests = request_logs(organization(1));
    let listed = all(&stores, requests).await;
    assert_eq!(listed.len(), 195);
    assert!(![5, 9, 11, 12, 13].iter().any(|row: &usize| listed.iter().any(|log| log.id == log_id(row - 1))));
    assert_eq!(unreadable(&stores).round() as i64, 5);
    // Where the payload does not matter, neither does its damage.
    assert_eq!(stores.logs.sums(requests, Tree::all()).await.unwrap().rows, 197);
    let groups = stores
        .logs
        .groups(requests, Tree::all(), LogField::Metadata("mixed".to_owned()), GroupBound::all())
        .await
        .unwrap();
    assert_eq!(groups.groups.iter().map(|group| group.sums.rows).sum::<u64>(), 197);
    let by_metadata = Sort { field: LogField::Metadata("key3".to_owned()), descending: false };
    assert_eq!(numbers(&stores, Tree::all(), Some(by_metadata)).await.len(), 197);
    let text = contains(TextField::Output, "refund", false);
    let with = numbers(&stores, text.clone(), None).await;
    let without = numbers(&stores, Tree::Not(Box::new(text)), None).await;
    assert!(!with.is_empty() && !without.is_empty());
    assert_eq!(with.len() + without.len(), 195);
    assert_eq!(
        stores.logs.read(requests, &[4, 5, 6, 9, 10, 11].map(RowNumber::new), With::EVERYTHING).await.unwrap().len(),
        3
    );
    // Asked for one by one they are errors.
    for row in [5, 9, 11, 12] {
        let one = stores.logs.get(requests, &log_id(row - 1)).await;
        assert!(matches!(one, Err(Error::Internal(_))), "{row}: {one:?}");
    }
    assert_eq!(unreadable(&stores).round() as i64, 5);
}

#[tokio::test]
async fn bad_rows_can_be_copied_replaced_and_removed() {
    let (directory, stores) = damaged().await;
    let (requests, rows) = (request_logs(organization(1)), rows_of(organization(1), dataset_id(1)));
    assert!(all(&stores, rows).await.is_empty());
    let copied =
        stores.logs.copy(requests, &(1..=200).map(RowNumber::new).collect::<Vec<_>>(), rows, None).await.unwrap();
    assert_eq!(copied, Added { written: 199, skipped: 1, replaced: 0 });
    assert_eq!(all(&stores, rows).await.len(), 195);
    assert_eq!(stores.datasets.newest_rows(organization(1), &[dataset_id(1)], 300).await.unwrap()[0].len(), 198);
    // Half of them are replaced, the others removed.
    let mut dice = Dice(3);
    let new = [5, 11, 12].map(|row| log(row - 1, &mut dice)).to_vec();
    all(&stores, requests).await;
    stores.logs.insert(requests, new.clone(), Existing::Replace).await.unwrap();
    assert_eq!(get(&stores, requests, &log_id(10)).await, Some(new[1].clone()));
    assert_eq!(all(&stores, requests).await.len(), 198);
    assert_eq!(stores.logs.remove(requests, &[9, 13].map(RowNumber::new), None).await.unwrap(), 2);
    assert_eq!(all(&stores, requests).await.len(), 198);
    assert_eq!(stores.logs.delete(rows, &[8, 10, 11].map(log_id)).await.unwrap(), 3);
    let bad = all(&stores, rows).await.len();
    stores.datasets.delete(organization(1), dataset_id(1), 5).await.unwrap();
    assert_eq!(keep_house(&stores).await, 20);
    assert_eq!(bad, 195);
    stores.health.close().await;
    assert_eq!(doctor(directory.path(), true).unwrap().findings, [""; 0]);
}

#[tokio::test]
async fn a_bad_dataset_spares_the_others() {
    let directory = tempfile::tempdir().unwrap();
    let mine = organization(1);
    let stores = open(quiet(directory.path())).await.unwrap();
    for number in [1, 2, 3] {
        stores.datasets.create(dataset(mine, dataset_id(number), number as i64), None).await.unwrap();
    }
    stores.health.close().await;
    meddle(
        directory.path(),
        "UPDATE dataset SET tags = 'x' WHERE created_at = 2; UPDATE dataset SET name = x'ff' WHERE created_at = 3",
    );
    let stores = open(quiet(directory.path())).await.unwrap();
    let listed = stores.datasets.list(mine).await.unwrap();
    assert_eq!(listed.iter().map(|dataset| dataset.id).collect::<Vec<_>>(), [dataset_id(1)]);
    assert!(matches!(stores.datasets.get(mine, dataset_id(2)).await, Err(Error::Internal(_))));
    // It can still be deleted.
    assert!(stores.datasets.delete(mine, dataset_id(2), 5).await.unwrap());
}

#[tokio::test]
async fn a_bad_job_spares_the_others_and_lets_its_dataset_go() {
    let directory = tempfile::tempdir().unwrap();
    let mine = organization(1);
    let stores = open(quiet(directory.path())).await.unwrap();
    for number in [1, 2] {
        stores.datasets.create(dataset(mine, dataset_id(number), 1), None).await.unwrap();
    }
    for (number, set) in [(1, 1), (2, 2), (3, 2)] {
        let job = import_job(number, mine, dataset_id(set), number as i64);
        stores.jobs.enqueue(job, Some((dataset_id(set), Status::Loading))).await.unwrap();
    }
    stores.health.close().await;
    meddle(directory.path(), "UPDATE job SET task = '{\"kind\":\"dance\"}' WHERE created_at IN (1, 2)");
    let stores = open(quiet(directory.path())).await.unwrap();
    let listed = stores.jobs.list(mine, None, Window { offset: 0, limit: 10 }).await.unwrap();
    assert_eq!((listed.rows.len(), listed.rows[0].id, listed.total), (1, job_id(3), 3));
    assert!(matches!(stores.jobs.get(mine, job_id(1)).await, Err(Error::Internal(_))));
    let claimed = stores.jobs.claim(Lane::Rows, &worker(1), 9, LEASE).await.unwrap().unwrap();
    assert_eq!((claimed.id, claimed.state), (job_id(3), State::Running));
    assert_eq!(stores.jobs.open(mine).await.unwrap(), 1);
    let status = async |number| stores.datasets.get(mine, dataset_id(number)).await.unwrap().unwrap().status;
    assert_eq!((status(1).await, status(2).await), (Status::Failed, Status::Loading));
    assert_eq!(stores.jobs.claim(Lane::Rows, &worker(1), 10, LEASE).await.unwrap(), None);
}

#[tokio::test]
async fn a_purge_that_fails_does_not_hold_up_the_others() {
    let directory = tempfile::tempdir().unwrap();
    let mine = organization(1);
    let stores = open(quiet(directory.path())).await.unwrap();
    for number in [1, 2] {
        stores.datasets.create(dataset(mine, dataset_id(number), 1), None).await.unwrap();
        fill(&stores, rows_of(mine, dataset_id(number)), 0..5, 1).await;
        stores.datasets.delete(mine, dataset_id(number), 2).await.unwrap();
    }
    stores.health.close().await;
    meddle(
        directory.path(),
        "CREATE TRIGGER stuck BEFORE DELETE ON log WHEN old.collection = (SELECT min(id) FROM collection WHERE hidden = 1) \
         BEGIN SELECT RAISE(ABORT, 'stuck'); END",
    );
    let stores = open(quiet(directory.path())).await.unwrap();
    assert!(stores.housekeeping.next(3).await.is_err());
    assert!(stores.housekeeping.next(3).await.unwrap(), "the other one is purged, this one is left");
    assert!(stores.housekeeping.next(3).await.is_err());
    stores.health.close().await;
    meddle(directory.path(), "DROP TRIGGER stuck");
    let report = doctor(directory.path(), true).unwrap();
    assert_eq!(report.collections.iter().filter(|collection| collection.hidden).count(), 1);
    let stores = open(quiet(directory.path())).await.unwrap();
    assert_eq!(keep_house(&stores).await, 1);
    stores.health.close().await;
    assert!(doctor(directory.path(), true).unwrap().collections.iter().all(|collection| !collection.hidden));
}

#[tokio::test]
async fn files_older_than_a_field_are_examined_as_they_are() {
    let directory = tempfile::tempdir().unwrap();
    let stores = open(quiet(directory.path())).await.unwrap();
    fill(&stores, request_logs(organization(1)), 0..20, 1).await;
    stores.health.close().await;
    meddle(directory.path(), "ALTER TABLE log DROP COLUMN latency; ALTER TABLE log DROP COLUMN category");
    let report = doctor(directory.path(), true).unwrap();
    assert_eq!((report.findings, report.payloads_read), (Vec::new(), 20));
    let path = directory.path().join("evalset.db");
    for connection in [crate::file::reader(&path).unwrap(), crate::file::writer(&path).unwrap()] {
        let text = connection.query_row("SELECT \"latency\" FROM log", [], |line| line.get::<_, String>(0));
        assert!(text.unwrap_err().to_string().contains("no such column"));
    }
}

#[tokio::test]
async fn large_rows_are_copied_in_several_steps() {
    let directory = tempfile::tempdir().unwrap();
    let mut options = options(directory.path());
    options.copy_bytes = 4_000;
    let mine = organization(1);
    let (requests, rows) = (request_logs(mine), rows_of(mine, dataset_id(1)));
    let stores = open(options).await.unwrap();
    stores.datasets.create(dataset(mine, dataset_id(1), 1), None).await.unwrap();
    let mut dice = Dice(1);
    let logs: Vec<_> = (0..10)
        .map(|number| {
            let mut log = log(number, &mut dice);
            // The third is larger than the bound.
            let noise: Vec<_> = (0..if number == 2 { 900 } else { 20 }).map(|_| dice.roll()).collect();
            log.payload.insert("noise".to_owned(), serde_json::json!(noise));
            log
        })
        .collect();
    stores.logs.insert(requests, logs, Existing::Keep).await.unwrap();
    stores.jobs.enqueue(import_job(1, mine, dataset_id(1), 1), None).await.unwrap();
    let mut progress = stores.jobs.claim(Lane::Rows, &worker(1), 2, LEASE).await.unwrap().unwrap().progress;
    let all_rows: Vec<RowNumber> = (1..=10).map(RowNumber::new).collect();
    let (mut rest, mut parts) = (&all_rows[..], Vec::new());
    while !rest.is_empty() {
        let step = evalset_model::job::Step { job: job_id(1), attempt: 1, progress };
        let added = stores.logs.copy(requests, rest, rows, Some(step)).await.unwrap();
        let (taken, later) = rest.split_at(added.rows());
        progress = stores.jobs.get(mine, job_id(1)).await.unwrap().unwrap().progress;
        assert_eq!((progress.done, progress.cursor), (10 - later.len() as u64, taken.last().copied()));
        parts.push(taken.len());
        rest = later;
    }
    assert_eq!(progress.affected, 10);
    assert_eq!(parts, [2, 1, 2, 2, 2, 1]);
    assert_eq!(all(&stores, rows).await.len(), 10);
    // Without a job all rows are copied by one call.
    stores.datasets.create(dataset(mine, dataset_id(2), 2), None).await.unwrap();
    let copied = stores.logs.copy(requests, &all_rows, rows_of(mine, dataset_id(2)), None).await.unwrap();
    assert_eq!(copied, Added { written: 10, ..Added::default() });
    assert_eq!(stores.logs.copy(requests, &[], rows, None).await.unwrap(), Added::default());
    // What is skipped uses up no row numbers: they are bits of every text search.
    let mut numbers = Vec::new();
    for new in [50, 51] {
        stores.logs.insert(requests, vec![log(new, &mut dice)], Existing::Keep).await.unwrap();
        numbers.push(stores.logs.get(requests, &log_id(new)).await.unwrap().unwrap().number);
        let again = stores.logs.copy(requests, &all_rows, rows, None).await.unwrap();
        assert_eq!(again, Added { skipped: 10, ..Added::default() });
    }
    assert_eq!(numbers[1].get(), numbers[0].get() + 1);
}
