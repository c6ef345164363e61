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

/// Of an index with three metadata columns.
fn bounds() -> Limits {
    Limits { metadata_columns: 3, ..Limits::default() }
}

/// As the writer does with a commit.
fn apply(indexes: &Indexes, seq: i64, changes: Vec<(i64, Change)>) {
    for (collection, slot) in indexes.note(seq, changes) {
        indexes.settle(collection, &slot);
    }
}

/// Rows and commit of the index that readers get now.
fn seen(indexes: &Indexes) -> Option<(u64, i64)> {
    indexes.get(COLLECTION)?.read().map(|index| (index.columns.len(), index.seq))
}

#[tokio::test]
async fn a_commit_that_does_not_fit_makes_way_for_a_new_index() {
    let (_directory, readers) = file().await;
    let lease = readers.spare().unwrap();
    let indexes = Indexes::new(&bounds(), 64, Snapshots::new(std::path::Path::new("/nowhere"), u64::MAX, 0));
    indexes.load(COLLECTION, &lease).unwrap();
    let (rows, seq) = seen(&indexes).unwrap();
    assert_eq!(rows, 5);
    apply(&indexes, seq + 1, vec![append(100)]);
    assert_eq!(seen(&indexes), Some((6, seq + 1)));
    for misfit in [Change::Remove(77), Change::Panic] {
        let held = indexes.get(COLLECTION).unwrap();
        apply(&indexes, seq + 2, vec![append(101), (COLLECTION, misfit)]);
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
    let indexes = Indexes::new(&bounds(), 64, Snapshots::new(std::path::Path::new("/nowhere"), u64::MAX, 0));
    let slot = Arc::new(Slot::default());
    slot.pending.lock().push(99, vec![Change::Panic]);
    indexes.slots.lock().insert(COLLECTION, slot.clone());
    indexes.load(COLLECTION, &lease).unwrap();
    assert_eq!(seen(&indexes), None);
    indexes.load(COLLECTION, &lease).unwrap();
    assert!(seen(&indexes).is_some());
    // One that was given up does not stay in the way either.
    slot.give_up();
    indexes.slots.lock().insert(COLLECTION, slot);
    indexes.load(COLLECTION, &lease).unwrap();
    indexes.load(COLLECTION, &lease).unwrap();
    assert!(seen(&indexes).is_some());
}

#[tokio::test]
async fn forgetting_an_old_index_leaves_the_new_one() {
    let (_directory, readers) = file().await;
    let lease = readers.spare().unwrap();
    let indexes = Indexes::new(&bounds(), 64, Snapshots::new(std::path::Path::new("/nowhere"), u64::MAX, 0));
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
    let indexes = Arc::new(Indexes::new(&bounds(), 64, Snapshots::new(std::path::Path::new("/nowhere"), u64::MAX, 0)));
    let slot = Arc::new(Slot::default());
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
    let indexes = Indexes::new(&bounds(), 64, Snapshots::new(files.path(), u64::MAX, 0));
    indexes.load(COLLECTION, &lease).unwrap();
    assert!(indexes.wasteful().is_none());
    let slot = indexes.get(COLLECTION).unwrap();
    let all = slot.read().map(|index| index.columns.row_numbers(&index.columns.everything())).unwrap();
    let gone: Vec<LogId> = logs[..90].iter().map(|log| log.id.clone()).collect();
    stores.logs.delete(requests, &gone).await.unwrap();
    let seq = commit_of(lease.begin().unwrap(), COLLECTION).unwrap().unwrap();
    lease.end().unwrap();
    apply(&indexes, seq, all[..90].iter().map(|row| (COLLECTION, Change::Remove(*row))).collect());
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
    let indexes = Indexes::new(&bounds(), 64, Snapshots::new(directory.path(), u64::MAX, 0));
    indexes.load(COLLECTION, &lease).unwrap();
    assert_eq!(indexes.changed_bytes(), 0, "three chunks are full, and lie in files");
    let (_, seq) = seen(&indexes).unwrap();
    let write = |time: i64| {
        let changed = |row: RowNumber| {
            let mut log = Log::new(LogId(format!("{row:030x}{time:02x}")));
            log.scalars.set(Field::Cost, Some(Scalar::Float(0.5)));
            (COLLECTION, Change::Replace { row, log: Box::new(log), text: false })
        };
        apply(&indexes, seq + time, vec![changed(1), changed(150)]);
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
    let indexes = Indexes::new(&bounds(), 64, Snapshots::new(directory.path(), 1, 0));
    indexes.load(COLLECTION, &lease).unwrap();
    let (_, seq) = seen(&indexes).unwrap();
    let log = Box::new(Log::new(LogId(format!("{:032x}", 7))));
    apply(&indexes, seq + 1, vec![(COLLECTION, Change::Replace { row: 1, log, text: false })]);
    assert!(indexes.changed_bytes() > 0);
    let connection = Connection::open(directory.path().join("evalset.db")).unwrap();
    // As the keeper does while the store closes.
    let sealing = indexes.sealing.lock();
    indexes.save(&connection, COLLECTION, Duration::from_secs(10)).unwrap();
    drop(sealing);
    assert_eq!(indexes.changed_bytes(), 0);
}

/// A transaction in which the collection is at this commit.
fn at(seq: i64) -> impl FnMut(bool) -> Result<Option<i64>> {
    move |_| Ok(Some(seq))
}

#[tokio::test]
async fn a_reader_brings_the_index_to_its_own_commit_and_no_further() {
    let (_directory, readers) = file().await;
    let lease = readers.spare().unwrap();
    let indexes = Indexes::new(&bounds(), 64, Snapshots::new(std::path::Path::new("/nowhere"), u64::MAX, 0));
    indexes.load(COLLECTION, &lease).unwrap();
    let (_, seq) = seen(&indexes).unwrap();
    let slot = indexes.get(COLLECTION).unwrap();
    for more in 1..=3 {
        indexes.note(seq + more, vec![append(100 + more), (COLLECTION, Change::Touch)]);
    }
    assert_eq!(seen(&indexes), Some((5, seq)), "noted, not applied");
    let look = indexes.agreed(COLLECTION, &slot, at(seq + 2)).unwrap().unwrap();
    assert_eq!((look.columns.len(), look.seq), (7, seq + 2));
    // Beside it: one who is at the same commit. What is further waits for both.
    let beside = indexes.agreed(COLLECTION, &slot, at(seq + 2)).unwrap().unwrap();
    indexes.settle(COLLECTION, &slot);
    indexes.settle_all();
    assert_eq!((beside.columns.len(), look.columns.len()), (7, 7));
    drop((look, beside));
    indexes.settle_all();
    assert_eq!(seen(&indexes), Some((8, seq + 3)));
    assert!(slot.pending.lock().is_empty());
}

/// A commit may be seen in the file a moment before it is noted.
#[tokio::test]
async fn a_reader_that_is_ahead_of_the_notes_waits_for_them() {
    let (_directory, readers) = file().await;
    let lease = readers.spare().unwrap();
    let indexes = Indexes::new(&bounds(), 64, Snapshots::new(std::path::Path::new("/nowhere"), u64::MAX, 0));
    indexes.load(COLLECTION, &lease).unwrap();
    let (_, seq) = seen(&indexes).unwrap();
    let slot = indexes.get(COLLECTION).unwrap();
    let begin = |noted| {
        if noted {
            indexes.note(seq + 1, vec![append(100)]);
        }
        Ok(Some(seq + 1))
    };
    let look = indexes.agreed(COLLECTION, &slot, begin).unwrap().unwrap();
    assert_eq!((look.columns.len(), look.seq), (6, seq + 1));
    drop(look);
    // One that is noted nowhere is a fault: the index is not believed any more.
    assert!(indexes.agreed(COLLECTION, &slot, at(seq + 9)).unwrap().is_none());
    assert_eq!(seen(&indexes), None);
    assert!(slot.read().is_none());
}

#[tokio::test]
async fn a_commit_that_waited_and_does_not_fit_makes_way_for_a_new_index() {
    let (_directory, readers) = file().await;
    let lease = readers.spare().unwrap();
    let indexes = Indexes::new(&bounds(), 64, Snapshots::new(std::path::Path::new("/nowhere"), u64::MAX, 0));
    for misfit in [Change::Remove(77), Change::Panic] {
        indexes.load(COLLECTION, &lease).unwrap();
        let (rows, seq) = seen(&indexes).unwrap();
        let slot = indexes.get(COLLECTION).unwrap();
        let look = slot.read().unwrap();
        apply(&indexes, seq + 1, vec![append(100)]);
        apply(&indexes, seq + 2, vec![(COLLECTION, misfit)]);
        apply(&indexes, seq + 3, vec![append(101)]);
        assert_eq!((look.columns.len(), look.seq), (rows, seq), "who looks goes on");
        drop(look);
        assert!(indexes.agreed(COLLECTION, &slot, at(seq + 3)).unwrap().is_none());
        assert!(slot.read().is_none() && indexes.get(COLLECTION).is_none());
    }
}

#[tokio::test]
async fn a_successor_makes_up_for_what_waits() {
    let directory = tempfile::tempdir().unwrap();
    let stores = open_store(Options::new(directory.path())).await.unwrap();
    let requests = request_logs(organization(1));
    let logs = fill(&stores, requests, 0..200, 1).await;
    let readers = Readers::new(directory.path().join("evalset.db"), 2, Arc::default());
    let lease = readers.spare().unwrap();
    let files = tempfile::tempdir().unwrap();
    let indexes = Indexes::new(&bounds(), 64, Snapshots::new(files.path(), u64::MAX, 0));
    indexes.load(COLLECTION, &lease).unwrap();
    let slot = indexes.get(COLLECTION).unwrap();
    let all = slot.read().map(|index| index.columns.row_numbers(&index.columns.everything())).unwrap();
    for (waits, gone) in [(false, 0..90), (true, 90..100)] {
        let names: Vec<LogId> = logs[gone.clone()].iter().map(|log| log.id.clone()).collect();
        stores.logs.delete(requests, &names).await.unwrap();
        let seq = commit_of(lease.begin().unwrap(), COLLECTION).unwrap().unwrap();
        lease.end().unwrap();
        let noted = indexes.note(seq, all[gone].iter().map(|row| (COLLECTION, Change::Remove(*row))).collect());
        if !waits {
            for (collection, slot) in &noted {
                indexes.settle(*collection, slot);
            }
        }
    }
    let (_, seq) = seen(&indexes).unwrap();
    indexes.compact(COLLECTION, &slot, &lease).unwrap();
    let (rows, newer) = seen(&indexes).unwrap();
    assert_eq!((rows, newer > seq), (100, true));
    assert_eq!(slot.read().map(|index| index.columns.removed()), Some(0), "it took its place");
    assert!(slot.pending.lock().is_empty() && slot.successor.lock().is_none());
}

#[tokio::test]
async fn an_index_that_is_looked_at_is_kept_another_time() {
    let (directory, readers) = file_of(200).await;
    let lease = readers.spare().unwrap();
    let indexes = Indexes::new(&bounds(), 64, Snapshots::new(directory.path(), 1, 0));
    indexes.load(COLLECTION, &lease).unwrap();
    let (_, seq) = seen(&indexes).unwrap();
    let connection = Connection::open(directory.path().join("evalset.db")).unwrap();
    let slot = indexes.get(COLLECTION).unwrap();
    let look = slot.read().unwrap();
    indexes.note(seq + 1, vec![append(1_000)]);
    let before = indexes.saved.lock().get(&COLLECTION).copied();
    indexes.save(&connection, COLLECTION, Duration::from_millis(1)).unwrap();
    assert_eq!(indexes.saved.lock().get(&COLLECTION).copied(), before);
    drop(look);
    indexes.save(&connection, COLLECTION, Duration::from_secs(10)).unwrap();
    assert_eq!(indexes.saved.lock().get(&COLLECTION).copied(), Some(seq + 1), "with what waited");
}
