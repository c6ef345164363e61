//! What becomes of the jobs of the process before when the file is opened.

use super::*;
use crate::doctor;
use crate::file::schema::APPLICATION_ID;
use evalset_model::job::{Lane, State};
use evalset_model::page::Window;
use rusqlite::Connection;

#[tokio::test]
async fn opening_the_file_ends_the_leases_of_the_process_before() {
    let directory = tempfile::tempdir().unwrap();
    let mine = organization(1);
    let stores = open(quiet(directory.path())).await.unwrap();
    stores.datasets.create(dataset(mine, dataset_id(1), 1), None).await.unwrap();
    for number in [1, 2] {
        stores.jobs.enqueue(import_job(number, mine, dataset_id(1), number as i64), None).await.unwrap();
    }
    let far = 1_000_000 * LEASE;
    stores.jobs.claim(Lane::Rows, &worker(1), 5, far).await.unwrap();
    assert_eq!(stores.jobs.requeue_expired(6).await.unwrap(), 0);
    stores.health.close().await;
    let stores = open(quiet(directory.path())).await.unwrap();
    // One that is claimed before anybody looks is no job of the process before.
    assert_eq!(stores.jobs.claim(Lane::Rows, &worker(2), 6, far).await.unwrap().unwrap().id, job_id(2));
    assert_eq!(stores.jobs.requeue_expired(6).await.unwrap(), 1);
    assert_eq!(stores.jobs.requeue_expired(7).await.unwrap(), 0);
    let again = stores.jobs.claim(Lane::Rows, &worker(2), 7, far).await.unwrap().unwrap();
    assert_eq!((again.id, again.attempts), (job_id(1), 2));
}

#[tokio::test]
async fn purge_jobs_of_older_files_are_made_over() {
    let directory = tempfile::tempdir().unwrap();
    let mine = organization(1);
    let old = Connection::open(directory.path().join("evalset.db")).unwrap();
    for migration in [
        include_str!("../file/migrations/0001_tables.sql"),
        include_str!("../file/migrations/0002_evaluation.sql"),
        include_str!("../file/migrations/0003_snapshots.sql"),
        include_str!("../file/migrations/0004_text.sql"),
    ] {
        old.execute_batch(migration).unwrap();
    }
    old.pragma_update(None, "application_id", APPLICATION_ID).unwrap();
    old.pragma_update(None, "user_version", 4).unwrap();
    // A removed dataset whose purge was under way, one whose purge had failed, and a running removal.
    let (owner, gone) = (mine.to_string(), dataset_id(8).to_string());
    for (collection, row, job, state) in [(7, 4, 1, "running"), (8, 5, 2, "failed")] {
        old.execute(
            "INSERT INTO collection (id, organization, place, hidden, log_count) VALUES (?1, ?2, ?3, 1, 1)",
            (collection, &owner, &gone),
        )
        .unwrap();
        old.execute(
            "INSERT INTO log (row, collection, unique_id, metadata) VALUES (?1, ?2, 'a', '{}')",
            (row, collection),
        )
        .unwrap();
        old.execute("INSERT INTO payload VALUES (?1, 0, CAST('{}' AS BLOB))", [row]).unwrap();
        let task = format!(r#"{{"kind":"purge","collection":{collection}}}"#);
        let sql = "INSERT INTO job (id, organization, kind, task, state, progress, cancel_requested, attempts, created_at) \
                   VALUES (?1, ?2, 'purge', ?3, ?4, '{}', 0, 1, 3)";
        old.execute(sql, (job_id(job).to_string(), &owner, &task, state)).unwrap();
    }
    let removal = remove_job(3, mine, dataset_id(1), 3);
    let task = serde_json::to_string(&removal.task).unwrap();
    let sql = "INSERT INTO job (id, organization, kind, task, state, progress, cancel_requested, attempts, created_at) \
               VALUES (?1, ?2, 'remove', ?3, 'running', '{}', 0, 1, 3)";
    old.execute(sql, (job_id(3).to_string(), &owner, task)).unwrap();
    drop(old);

    let stores = open(quiet(directory.path())).await.unwrap();
    let jobs = stores.jobs.list(mine, None, Window { offset: 0, limit: 9 }).await.unwrap();
    assert_eq!((jobs.total, jobs.rows[0].id, jobs.rows[0].state), (1, job_id(3), State::Running));
    assert_eq!(stores.jobs.requeue_expired(5).await.unwrap(), 1);
    assert_eq!(keep_house(&stores).await, 2);
    stores.health.close().await;
    let report = doctor(directory.path(), true).unwrap();
    assert!(report.healthy() && report.collections.iter().all(|collection| !collection.hidden));
    let file = Connection::open(directory.path().join("evalset.db")).unwrap();
    assert_eq!(file.query_row("SELECT count(*) FROM payload", [], |line| line.get::<_, i64>(0)).unwrap(), 0);
}
