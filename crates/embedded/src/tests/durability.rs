//! What was acknowledged survives closing, crashing and a full disk.

use super::*;
use crate::{doctor, open_keys_only};
use evalset_model::Error;
use evalset_model::filter::Tree;
use evalset_model::job::{Lane, State};
use evalset_model::page::Window;
use evalset_store::conformance::evaluators::{after, evaluator};
use evalset_store::conformance::keys::key;
use evalset_store::logs::Existing;
use serde_json::json;

#[tokio::test]
async fn everything_survives_a_restart() {
    let directory = tempfile::tempdir().unwrap();
    let mine = organization(1);
    let rows = rows_of(mine, dataset_id(1));
    let stores = open(options(directory.path())).await.unwrap();
    stores.keys.create_organization(mine, "first", 1).await.unwrap();
    stores.keys.create_key(key(1, 1, 1)).await.unwrap();
    stores.datasets.create(dataset(mine, dataset_id(1), 1), None).await.unwrap();
    let logs = fill(&stores, rows, 0..50, 1).await;
    fill(&stores, request_logs(mine), 0..5, 2).await;
    stores.jobs.enqueue(import_job(1, mine, dataset_id(1), 5), None).await.unwrap();
    stores.jobs.claim(Lane::Rows, &worker(1), 6, LEASE).await.unwrap();
    let last = stores.logs.watermark(request_logs(mine)).await.unwrap();
    stores.logs.delete(request_logs(mine), &[log_id(4)]).await.unwrap();
    let set = stores.datasets.get(mine, dataset_id(1)).await.unwrap();
    let judge = evaluator(mine, 1, 5);
    stores.evaluators.create(judge.clone()).await.unwrap();
    stores.evaluators.commit(judge.version_id, 5, None, after(&judge, 1, 6)).await.unwrap();
    let versions = stores.evaluators.versions(mine, judge.id, Window { offset: 0, limit: 9 }).await.unwrap();
    stores.health.close().await;
    assert!(stores.logs.get(rows, &log_id(1)).await.is_err());
    assert!(stores.health.writable().await.rows.is_err());
    assert!(stores.health.readable().await.is_err());

    // `stores` still exists, but it has let go of the directory.
    let stores = open(options(directory.path())).await.unwrap();
    assert_eq!(all(&stores, rows).await, logs);
    assert_eq!(stores.datasets.get(mine, dataset_id(1)).await.unwrap(), set);
    let again = stores.evaluators.versions(mine, judge.id, Window { offset: 0, limit: 9 }).await.unwrap();
    assert_eq!((again.total, again), (2, versions));
    assert!(stores.keys.by_hash(&[1; 32]).await.unwrap().is_some());
    assert_eq!(stores.jobs.get(mine, job_id(1)).await.unwrap().unwrap().state, State::Running);
    assert_eq!(stores.jobs.requeue_expired(7).await.unwrap(), 1);
    // The number of a row that is gone is not given out again.
    fill(&stores, request_logs(mine), 9..10, 3).await;
    assert!(stores.logs.watermark(request_logs(mine)).await.unwrap() > last);
}

#[tokio::test]
async fn a_crash_loses_nothing_acknowledged() {
    let directory = tempfile::tempdir().unwrap();
    let mine = organization(1);
    // Without text indexes, whose commits would come last.
    let stores = open(quiet(directory.path())).await.unwrap();
    let logs = fill(&stores, request_logs(mine), 0..50, 1).await;
    // What a killed process leaves: the files as they are while it runs.
    let left = tempfile::tempdir().unwrap();
    for name in ["evalset.db", "evalset.db-wal"] {
        std::fs::copy(directory.path().join(name), left.path().join(name)).unwrap();
    }
    let after = open(options(left.path())).await.unwrap();
    assert_eq!(all(&after, request_logs(mine)).await, logs);
    fill(&after, request_logs(mine), 50..60, 2).await;
    // Half a commit at the end of the log is no commit.
    let torn = tempfile::tempdir().unwrap();
    let wal = std::fs::read(directory.path().join("evalset.db-wal")).unwrap();
    std::fs::copy(directory.path().join("evalset.db"), torn.path().join("evalset.db")).unwrap();
    std::fs::write(torn.path().join("evalset.db-wal"), &wal[..wal.len() - 5_000]).unwrap();
    let after = open(options(torn.path())).await.unwrap();
    assert_eq!(all(&after, request_logs(mine)).await, []);
    after.health.close().await;
    assert!(doctor(torn.path(), true).unwrap().healthy());
}

#[tokio::test]
async fn a_full_disk_refuses_writes_and_keeps_reading() {
    let directory = tempfile::tempdir().unwrap();
    let mut options = options(directory.path());
    options.pages_max = Some(80);
    let mine = organization(1);
    let stores = open(options.clone()).await.unwrap();
    stores.datasets.create(dataset(mine, dataset_id(1), 1), None).await.unwrap();
    let rows = rows_of(mine, dataset_id(1));
    let mut stored = 0;
    let mut dice = Dice(1);
    let refused = loop {
        let logs: Vec<_> = (stored..stored + 10)
            .map(|number| {
                let mut log = log(number, &mut dice);
                log.payload.insert("noise".to_owned(), json!((0..40).map(|_| dice.roll()).collect::<Vec<_>>()));
                log
            })
            .collect();
        match stores.logs.insert(rows, logs, Existing::Keep).await {
            Ok(_) => stored += 10,
            Err(error) => break error,
        }
        assert!(stored < 10_000, "the bound did not hold");
    };
    assert!(matches!(refused, Error::StorageFull(_)), "{refused:?}");
    assert!(stored > 10);
    // Reads go on, what was acknowledged is there, what was refused is not.
    assert_eq!(all(&stores, rows).await.len(), stored);
    assert_eq!(stores.datasets.get(mine, dataset_id(1)).await.unwrap().unwrap().log_count, stored as u64);
    let big = {
        let mut log = log(99_999, &mut dice);
        log.payload.insert("noise".to_owned(), json!((0..40_000).map(|_| dice.roll()).collect::<Vec<_>>()));
        vec![log]
    };
    assert!(matches!(stores.logs.insert(rows, big.clone(), Existing::Keep).await, Err(Error::StorageFull(_))));
    stores.health.readable().await.unwrap();
    // Room that is freed can be written again.
    let ids: Vec<_> = (0..stored / 2).map(log_id).collect();
    assert_eq!(stores.logs.delete(rows, &ids).await.unwrap(), ids.len() as u64);
    fill(&stores, rows, 0..1, 7).await;
    stores.health.writable().await.rows.unwrap();
    stores.health.close().await;
    options.pages_max = None;
    let stores = open(options).await.unwrap();
    assert_eq!(all(&stores, rows).await.len(), stored - stored / 2 + 1);
    stores.logs.insert(rows, big, Existing::Keep).await.unwrap();
    stores.health.close().await;
    assert!(doctor(directory.path(), true).unwrap().healthy());
}

#[tokio::test]
async fn keys_of_another_process_are_seen() {
    let directory = tempfile::tempdir().unwrap();
    // Before the first start.
    let beside = open_keys_only(directory.path()).unwrap();
    beside.create_organization(organization(1), "first", 1).await.unwrap();
    let stores = open(options(directory.path())).await.unwrap();
    assert_eq!(stores.keys.organizations().await.unwrap().len(), 1);
    assert_eq!(stores.keys.by_hash(&[1; 32]).await.unwrap(), None);
    // Beside a running server.
    let beside = open_keys_only(directory.path()).unwrap();
    beside.create_key(key(1, 1, 1)).await.unwrap();
    assert_eq!(stores.keys.by_hash(&[1; 32]).await.unwrap().unwrap().0, key(1, 1, 1));
    assert!(beside.revoke(key(1, 1, 1).id, 9).await.unwrap());
    assert_eq!(stores.keys.by_hash(&[1; 32]).await.unwrap().unwrap().0.revoked_at, Some(9));
    // And the other way round; the numbers go on.
    let second = stores.keys.create_organization(organization(2), "second", 2).await.unwrap();
    assert_eq!(second.number, 2);
    assert_eq!(beside.organizations().await.unwrap().len(), 2);
    assert_eq!(beside.keys(None).await.unwrap().len(), 1);
    fill(&stores, request_logs(organization(1)), 0..3, 1).await;
    assert_eq!(stores.logs.sums(request_logs(organization(1)), Tree::all()).await.unwrap().rows, 3);
}

#[tokio::test]
async fn gauges_tell_sizes() {
    let directory = tempfile::tempdir().unwrap();
    let stores = open(quiet(directory.path())).await.unwrap();
    let requests = request_logs(organization(1));
    fill(&stores, requests, 0..10, 1).await;
    all(&stores, requests).await;
    let gauges = stores.health.gauges();
    let gauge = |wanted: &str| gauges.iter().find(|(name, _)| *name == wanted).unwrap().1;
    assert_eq!((gauge("evalset_store_index_open"), gauge("evalset_store_index_rows")), (1.0, 10.0));
    assert!(gauge("evalset_store_file_bytes") + gauge("evalset_store_log_bytes") > 8_192.0);
    assert!(gauge("evalset_store_index_bytes") > 0.0);
    assert!(gauge("evalset_store_write_queue") < 1.0);
}
