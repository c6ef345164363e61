//! Snapshots of column indexes: whatever became of their files, answers are those of the rows.

use super::scores::run_over;
use super::*;
use evalset_model::field::Field;
use evalset_model::filter::{LogField, LogFilter, Test};
use evalset_model::ids::{Collection, LogId};
use evalset_model::log::Log;
use evalset_model::score::Source;
use evalset_model::summary::Sums;
use evalset_store::conformance::score_samples::*;
use evalset_store::logs::{Existing, With};
use std::fs;
use std::path::PathBuf;
use std::sync::Arc;

/// What a killed process leaves: the files as they are while it runs.
pub(super) fn left_behind(from: &Path) -> TempDir {
    let left = tempfile::tempdir().unwrap();
    for name in ["evalset.db", "evalset.db-wal"] {
        if from.join(name).exists() {
            fs::copy(from.join(name), left.path().join(name)).unwrap();
        }
    }
    for file in files(from) {
        let to = left.path().join(file.strip_prefix(from).unwrap());
        fs::create_dir_all(to.parent().unwrap()).unwrap();
        // The keeper may take it away meanwhile, as it may when the process is killed.
        fs::copy(&file, to).ok();
    }
    super::text::copy(from, left.path());
    left
}

fn files(data: &Path) -> Vec<PathBuf> {
    let list = |folder: PathBuf| fs::read_dir(folder).into_iter().flatten().map(|entry| entry.unwrap().path());
    let mut files: Vec<_> = list(data.join("index")).flat_map(list).collect();
    files.sort();
    files
}

/// Does something else to the files each time: nothing, cut, one bit turned, gone.
pub(super) fn harm(data: &Path, turn: usize) {
    for file in files(data) {
        harm_file(&file, turn);
    }
}

/// One of four things, by number.
pub(super) fn harm_file(file: &Path, turn: usize) {
    let mut bytes = fs::read(file).unwrap();
    match turn % 4 {
        0 => return,
        1 => bytes.truncate(bytes.len() / 2),
        2 => {
            let middle = bytes.len() / 2;
            bytes[middle] ^= 4;
        }
        _ => return fs::remove_file(file).unwrap(),
    }
    fs::write(file, bytes).unwrap();
}

/// A store with rows in one collection, closed in order, so that there is a snapshot.
async fn closed(rows: usize) -> (TempDir, Vec<Log>) {
    let directory = tempfile::tempdir().unwrap();
    let stores = open(options(directory.path())).await.unwrap();
    let logs = fill(&stores, request_logs(organization(1)), 0..rows, 1).await;
    assert_eq!(all(&stores, request_logs(organization(1))).await, logs);
    stores.health.close().await;
    assert!(files(directory.path()).iter().any(|file| file.ends_with("columns")));
    (directory, logs)
}

/// Indexes that were read from a snapshot need no row: with the rows' columns spoilt, only such an index still answers.
async fn answers_without_rows(data: &Path) -> bool {
    let connection = rusqlite::Connection::open(data.join("evalset.db")).unwrap();
    connection.execute("UPDATE log SET metadata = 'spoilt'", []).unwrap();
    drop(connection);
    let stores = open(options(data)).await.unwrap();
    let sums = stores.logs.sums(request_logs(organization(1)), LogFilter::all()).await.unwrap();
    stores.health.close().await;
    sums.rows > 0
}

#[tokio::test]
async fn a_snapshot_stands_for_the_rows_until_they_change() {
    let (directory, _) = closed(30).await;
    assert!(answers_without_rows(directory.path()).await);

    let (directory, _) = closed(30).await;
    harm(directory.path(), 2);
    assert!(!answers_without_rows(directory.path()).await);

    // Rows that are added leave it of use; a change does not.
    let (directory, mut logs) = closed(30).await;
    let mine = request_logs(organization(1));
    let stores = open(options(directory.path())).await.unwrap();
    logs.extend(fill(&stores, mine, 30..40, 2).await);
    let added = left_behind(directory.path());
    let other: evalset_store::logs::Change = Arc::new(|mut log: Log| {
        log.scalars.set_text(Field::Model, "changed");
        Ok(log)
    });
    stores.logs.update(mine, &logs[3].id, other).await.unwrap();
    let changed = left_behind(directory.path());
    stores.health.close().await;

    for (data, found) in [(&added, 0), (&changed, 1)] {
        let stores = open(options(data.path())).await.unwrap();
        assert_eq!(all(&stores, mine).await.len(), 40);
        assert_eq!(stores.logs.sums(mine, model_is("changed")).await.unwrap().rows, found);
    }
    let stores = open(options(added.path())).await.unwrap();
    assert_eq!(all(&stores, mine).await, logs);
}

/// What a collection's index says, without a row being read.
async fn told(stores: &Stores, collection: Collection) -> (Sums, u64, Vec<String>) {
    let sums = stores.logs.sums(collection, LogFilter::all()).await.unwrap();
    let renamed = compare(LogField::Score("renamed".to_owned()), Test::IsNull);
    let unnamed = stores.logs.sums(collection, renamed).await.unwrap().rows;
    let rows = numbers(stores, collection).await;
    let read = stores.logs.read(collection, &rows, With::PAYLOAD).await.unwrap();
    (sums, unnamed, read.into_iter().map(|row| row.log.id.0).collect())
}

/// Everything that changes what an index holds: each alone must make its snapshot useless, or be read on top of it.
#[tokio::test]
async fn no_kind_of_change_is_missed() {
    let mine = organization(1);
    let (logs, rows) = (request_logs(mine), rows_of(mine, dataset_id(1)));
    let said = |collection, number| score(number, collection, log_id(2), source(4), number_value(number as f64));
    for kind in 0..9 {
        let directory = tempfile::tempdir().unwrap();
        let stores = open(options(directory.path())).await.unwrap();
        stores.datasets.create(dataset(mine, dataset_id(1), 1), None).await.unwrap();
        for collection in [logs, rows] {
            fill(&stores, collection, 0..20, 1).await;
        }
        for (collection, number) in [(rows, 1), (logs, 2)] {
            stores.scores.put(said(collection, number)).await.unwrap();
        }
        let before = (told(&stores, logs).await, told(&stores, rows).await);
        stores.health.close().await;
        let stores = open(options(directory.path())).await.unwrap();
        assert_eq!((told(&stores, logs).await, told(&stores, rows).await), before);
        match kind {
            0 => drop(fill(&stores, rows, 20..25, 2).await),
            1 => drop(stores.logs.delete(logs, &[log_id(2)]).await.unwrap()),
            2 => drop(stores.logs.delete(rows, &[log_id(3)]).await.unwrap()),
            3 => drop(stores.scores.put(score(9, rows, log_id(5), source(2), number_value(7.0))).await.unwrap()),
            4 => drop(stores.scores.put(score(9, logs, log_id(5), source(2), number_value(7.0))).await.unwrap()),
            5 => drop(stores.scores.delete(mine, score_id(1)).await.unwrap()),
            6 => {
                let picked = told(&stores, logs).await.2.len();
                let numbers = numbers(&stores, logs).await;
                assert_eq!(numbers.len(), picked);
                let target = rows_of(mine, dataset_id(2));
                stores.datasets.create(dataset(mine, dataset_id(2), 1), None).await.unwrap();
                stores.logs.copy(logs, &numbers, target, None).await.unwrap();
            }
            // The slug of a source that other rows have scores by.
            7 => {
                let renamed = Source { slug: "renamed".to_owned(), ..source(4) };
                stores
                    .scores
                    .put(score(9, logs, LogId("nobody".to_owned()), renamed, number_value(1.0)))
                    .await
                    .unwrap();
            }
            _ => drop(run_over(&stores, 1, 0, 1).await),
        }
        let left = left_behind(directory.path());
        let after = (told(&stores, logs).await, told(&stores, rows).await);
        assert!(kind == 6 || after != before, "change {kind} changes nothing");
        // An index that is read anew while the process lives may take the snapshot too.
        assert_eq!(after.1.1, if kind == 7 { 19 } else { after.1.2.len() as u64 });
        let again = open(options(left.path())).await.unwrap();
        assert_eq!((told(&again, logs).await, told(&again, rows).await), after, "change {kind}");
    }
}

#[tokio::test]
async fn a_snapshot_of_another_data_file_is_not_believed() {
    let (directory, logs) = closed(30).await;
    let mine = request_logs(organization(1));
    let backup = left_behind(directory.path());
    // The original goes on and is closed again; its newer snapshot stays when the data file is brought back.
    let stores = open(options(directory.path())).await.unwrap();
    stores.logs.delete(mine, &[logs[0].id.clone()]).await.unwrap();
    assert_eq!(all(&stores, mine).await.len(), 29);
    stores.health.close().await;
    for file in files(directory.path()) {
        fs::copy(&file, backup.path().join(file.strip_prefix(directory.path()).unwrap())).unwrap();
    }
    let stores = open(options(backup.path())).await.unwrap();
    assert_eq!(all(&stores, mine).await, logs);
}

#[tokio::test]
async fn useless_files_are_removed() {
    let (directory, _) = closed(30).await;
    let index = directory.path().join("index");
    fs::create_dir(index.join("99")).unwrap();
    for name in ["99/columns", "1.columns", "1.part", "notes.txt"] {
        fs::write(index.join(name), "x").unwrap();
    }
    let stores = open(options(directory.path())).await.unwrap();
    let mut names: Vec<_> =
        fs::read_dir(&index).unwrap().map(|entry| entry.unwrap().file_name().to_string_lossy().into_owned()).collect();
    names.sort();
    assert_eq!(names, ["1", "notes.txt"]);
    stores.health.close().await;
}

/// A part that was changed just before the end moves to a file with the snapshot, not at every start.
#[tokio::test]
async fn a_changed_part_moves_to_a_file_once() {
    let directory = tempfile::tempdir().unwrap();
    let mine = request_logs(organization(1));
    // The keeper does not come to it before the store closes.
    let mut slow = options(directory.path());
    slow.keeper_look = Duration::from_mins(1);
    let stores = open(slow).await.unwrap();
    fill(&stores, mine, 0..200, 1).await;
    all(&stores, mine).await;
    let mut dice = Dice(9);
    stores.logs.insert(mine, vec![log(3, &mut dice)], Existing::Replace).await.unwrap();
    stores.health.close().await;
    let parts = || -> Vec<PathBuf> {
        let mut parts = files(directory.path());
        parts.retain(|file| file.extension().is_some_and(|kind| kind == "part"));
        parts
    };
    let rested = parts();
    for start in 0..3 {
        let stores = open(options(directory.path())).await.unwrap();
        all(&stores, mine).await;
        // Many times as long as a part that nobody writes to stays in memory.
        tokio::time::sleep(Duration::from_secs(2)).await;
        stores.health.close().await;
        let now = parts();
        assert!(!now.is_empty());
        assert_eq!(now, rested, "start {start}");
    }
}
