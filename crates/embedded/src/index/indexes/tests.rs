//! Indexes that a commit does not fit: nobody sees them again, and the next read gets a new one.

use super::*;
use crate::engine::readers::Readers;
use crate::{Options, open as open_store};
use evalset_model::field::Field;
use evalset_model::ids::LogId;
use evalset_model::scalar::Scalar;
use evalset_store::conformance::samples::{fill, organization, request_logs};
use tempfile::TempDir;

const COLLECTION: i64 = 1;

/// A file with five rows in its only collection.
async fn file() -> (TempDir, Arc<Readers>) {
    file_of(5).await
}

/// A file with rows in its only collection.
async fn file_of(rows: usize) -> (TempDir, Arc<Readers>) {
    let directory = tempfile::tempdir().unwrap();
    let stores = open_store(Options::new(directory.path())).await.unwrap();
    fill(&stores, request_logs(organization(1)), 0..rows, 1).await;
    stores.health.close().await;
    let path = directory.path().join("evalset.db");
    (directory, Readers::new(path, 2, Arc::default()))
}

fn append(row: RowNumber) -> (i64, Change) {
    (COLLECTION, Change::Append(row, Box::new(Log::new(LogId(format!("new-{row}")))), RowScores::new()))
}

/// Rows and commit of the index that readers get now.
fn seen(indexes: &Indexes) -> Option<(u64, i64)> {
    indexes.get(COLLECTION)?.read().map(|index| (index.columns.len(), index.seq))
}

#[tokio::test]
async fn a_commit_that_does_not_fit_makes_way_for_a_new_index() {
    let (_directory, readers) = file().await;
    let lease = readers.spare().unwrap();
    let indexes = Indexes::new(3, 64, Snapshots::new(std::path::Path::new("/nowhere"), u64::MAX, 0));
    indexes.load(COLLECTION, &lease).unwrap();
    let (rows, seq) = seen(&indexes).unwrap();
    assert_eq!(rows, 5);
    indexes.apply(seq + 1, vec![append(100)]);
    assert_eq!(seen(&indexes), Some((6, seq + 1)));
    for misfit in [Change::Remove(77), Change::Panic] {
        let held = indexes.get(COLLECTION).unwrap();
        indexes.apply(seq + 2, vec![append(101), (COLLECTION, misfit)]);
        // Not even to those who had it before.
        assert!(held.read().is_none());
        assert_eq!(seen(&indexes), None);
        indexes.load(COLLECTION, &lease).unwrap();
        assert_eq!(seen(&indexes), Some((5, seq)));
    }
}

#[tokio::test]
async fn a_panic_at_the_end_of_loading_is_not_for_ever() {
    let (_directory, readers) = file().await;
    let lease = readers.spare().unwrap();
    let indexes = Indexes::new(3, 64, Snapshots::new(std::path::Path::new("/nowhere"), u64::MAX, 0));
    let waiting = State::Loading(vec![(99, vec![Change::Panic])]);
    let slot = Arc::new(Slot::new(waiting));
    indexes.slots.lock().insert(COLLECTION, slot.clone());
    indexes.load(COLLECTION, &lease).unwrap();
    assert_eq!(seen(&indexes), None);
    indexes.load(COLLECTION, &lease).unwrap();
    assert!(seen(&indexes).is_some());
    // One that was given up does not stay in the way either.
    *slot.state.write() = State::Gone;
    indexes.slots.lock().insert(COLLECTION, slot);
    indexes.load(COLLECTION, &lease).unwrap();
    indexes.load(COLLECTION, &lease).unwrap();
    assert!(seen(&indexes).is_some());
}

#[tokio::test]
async fn forgetting_an_old_index_leaves_the_new_one() {
    let (_directory, readers) = file().await;
    let lease = readers.spare().unwrap();
    let indexes = Indexes::new(3, 64, Snapshots::new(std::path::Path::new("/nowhere"), u64::MAX, 0));
    indexes.load(COLLECTION, &lease).unwrap();
    let old = indexes.get(COLLECTION).unwrap();
    indexes.forget(COLLECTION, &old);
    indexes.load(COLLECTION, &lease).unwrap();
    indexes.forget(COLLECTION, &old);
    assert!(seen(&indexes).is_some());
}

#[tokio::test]
async fn who_waits_for_a_loading_may_leave() {
    let (_directory, readers) = file().await;
    let all = readers.free();
    let indexes = Arc::new(Indexes::new(3, 64, Snapshots::new(std::path::Path::new("/nowhere"), u64::MAX, 0)));
    let slot = Arc::new(Slot::new(State::Loading(Vec::new())));
    indexes.slots.lock().insert(COLLECTION, slot.clone());
    // Somebody loads and never ends.
    std::mem::forget(slot.loading.lock());
    let waiting = readers.run_long(move |lease| indexes.load(COLLECTION, lease));
    assert!(tokio::time::timeout(Duration::from_millis(100), waiting).await.is_err());
    tokio::time::timeout(Duration::from_secs(10), readers.await_free(all)).await.unwrap();
}

#[tokio::test]
async fn removed_rows_make_room() {
    let directory = tempfile::tempdir().unwrap();
    let stores = open_store(Options::new(directory.path())).await.unwrap();
    let requests = request_logs(organization(1));
    let logs = fill(&stores, requests, 0..200, 1).await;
    let readers = Readers::new(directory.path().join("evalset.db"), 2, Arc::default());
    let lease = readers.spare().unwrap();
    let files = tempfile::tempdir().unwrap();
    let indexes = Indexes::new(3, 64, Snapshots::new(files.path(), u64::MAX, 0));
    indexes.load(COLLECTION, &lease).unwrap();
    assert!(indexes.wasteful().is_none());
    let slot = indexes.get(COLLECTION).unwrap();
    let all = slot.read().map(|index| index.columns.row_numbers(&index.columns.everything())).unwrap();
    let gone: Vec<LogId> = logs[..90].iter().map(|log| log.id.clone()).collect();
    stores.logs.delete(requests, &gone).await.unwrap();
    let seq = commit_of(lease.begin().unwrap(), COLLECTION).unwrap().unwrap();
    lease.end().unwrap();
    indexes.apply(seq, all[..90].iter().map(|row| (COLLECTION, Change::Remove(*row))).collect());
    let (collection, wasteful) = indexes.wasteful().unwrap();
    indexes.compact(collection, &wasteful, &lease).unwrap();
    assert_eq!(seen(&indexes), Some((110, seq)));
    let kept = slot.read().map(|index| (index.columns.removed(), index.columns.files().len())).unwrap();
    assert_eq!(kept.0, 0);
    assert!(kept.1 > 0, "full chunks rest in files");
    assert!(indexes.wasteful().is_none() && slot.successor.lock().is_none());
}

#[tokio::test]
async fn changed_parts_wait_until_they_rest_or_take_too_much_memory() {
    let (directory, readers) = file_of(200).await;
    let lease = readers.spare().unwrap();
    let indexes = Indexes::new(3, 64, Snapshots::new(directory.path(), u64::MAX, 0));
    indexes.load(COLLECTION, &lease).unwrap();
    assert_eq!(indexes.changed_bytes(), 0, "three chunks are full, and lie in files");
    let (_, seq) = seen(&indexes).unwrap();
    let write = |time: i64| {
        let changed = |row: RowNumber| {
            let mut log = Log::new(LogId(format!("{row:030x}{time:02x}")));
            log.scalars.set(Field::Cost, Some(Scalar::Float(0.5)));
            (COLLECTION, Change::Replace { row, log: Box::new(log), text: false })
        };
        indexes.apply(seq + time, vec![changed(1), changed(150)]);
    };
    write(1);
    let changed = indexes.changed_bytes();
    assert!(changed > 0);
    let mut before = HashMap::new();
    assert!(!indexes.seal(&mut before, changed), "nobody knows whether they rest");
    write(2);
    assert!(!indexes.seal(&mut before, usize::MAX), "they were written to since");
    write(3);
    assert!(indexes.seal(&mut before, 1), "they take too much");
    assert_eq!(indexes.changed_bytes(), 0);
    write(4);
    assert!(!indexes.seal(&mut before, usize::MAX));
    assert!(indexes.seal(&mut before, usize::MAX), "they rest");
    assert_eq!(indexes.changed_bytes(), 0);
    let slot = indexes.get(COLLECTION).unwrap();
    let index = slot.read().unwrap();
    let kept = std::fs::read_dir(directory.path().join("index/1")).unwrap().count();
    assert_eq!(kept, index.columns.files().len(), "files that were moved out of are gone");
    let ids: Vec<_> = index.columns.ids(&[1, 150, 999]).into_iter().map(|id| id.map(|id| id.0)).collect();
    assert_eq!(ids, [Some(format!("{:030x}04", 1)), Some(format!("{:030x}04", 150)), None]);
}

#[tokio::test]
async fn a_snapshot_holds_no_full_part_even_while_parts_are_moved() {
    let (directory, readers) = file_of(200).await;
    let lease = readers.spare().unwrap();
    let indexes = Indexes::new(3, 64, Snapshots::new(directory.path(), 1, 0));
    indexes.load(COLLECTION, &lease).unwrap();
    let (_, seq) = seen(&indexes).unwrap();
    let log = Box::new(Log::new(LogId(format!("{:032x}", 7))));
    indexes.apply(seq + 1, vec![(COLLECTION, Change::Replace { row: 1, log, text: false })]);
    assert!(indexes.changed_bytes() > 0);
    let connection = Connection::open(directory.path().join("evalset.db")).unwrap();
    // As the keeper does while the store closes.
    let sealing = indexes.sealing.lock();
    indexes.save(&connection, COLLECTION).unwrap();
    drop(sealing);
    assert_eq!(indexes.changed_bytes(), 0);
}
