//! Indexes that a commit does not fit: nobody sees them again, and the next read gets a new one. Commits that wait.
//! Upkeep.

use super::ledger::Ledger;
use super::look::Look;
use super::{LOGS, names};
use crate::indexes::Indexes;
use crate::origin::{Lease, Since};
use crate::slot::Slot;
use crate::snapshots::Snapshots;
use crate::{Change, CollectionNumber, CommitNumber};
use evalset_model::Result;
use evalset_model::field::Field;
use evalset_model::ids::{LogId, RowNumber};
use evalset_model::limits::Limits;
use evalset_model::log::Log;
use evalset_model::scalar::Scalar;
use evalset_model::score::ComparedScores;
use evalset_store::conformance::samples::{Dice, log};
use hashbrown::HashMap;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

/// Rows in the collection of request logs.
fn ledger(rows: usize) -> Arc<Ledger> {
    let (ledger, mut dice) = (Ledger::new(&names()), Dice(1));
    ledger.add(LOGS, (0..rows).map(|number| log(number, &mut dice)).collect());
    ledger
}

/// Three metadata columns and small chunks, whose files lie in this folder.
fn indexes(folder: &Path, snapshot_rows: u64) -> Indexes {
    let bounds = Limits { metadata_columns: 3, ..Limits::default() };
    Indexes::new(&bounds, 64, Snapshots::new(folder, snapshot_rows, 0))
}

/// Five rows, and indexes that need no files.
fn five() -> (Look, Indexes) {
    (ledger(5).read(), indexes(Path::new("/nowhere"), u64::MAX))
}

fn append(row: i64) -> (CollectionNumber, Change) {
    let row = RowNumber::new(row);
    (LOGS, Change::Append(row, Box::new(Log::new(LogId(format!("new-{row}")))), ComparedScores::none()))
}

/// The commit that comes so many after this one.
fn after(seq: CommitNumber, more: i64) -> CommitNumber {
    CommitNumber(seq.0 + more)
}

/// As an origin that pushes does with a commit.
fn apply(indexes: &Indexes, seq: CommitNumber, changes: Vec<(CollectionNumber, Change)>) {
    indexes.settle_noted(&indexes.note(seq, changes));
}

/// All commits are noted.
#[expect(clippy::unnecessary_wraps, reason = "what an origin that is asked gives")]
fn pushed(_seq: CommitNumber) -> Result<Option<Since>> {
    Ok(None)
}

/// Rows and commit of the index that readers get now.
fn seen(indexes: &Indexes) -> Option<(u64, CommitNumber)> {
    indexes.get(LOGS)?.read().map(|index| (index.columns.len(), index.seq))
}

#[test]
fn a_commit_that_does_not_fit_makes_way_for_a_new_index() {
    let (lease, indexes) = five();
    indexes.load(LOGS, &lease).unwrap();
    let (rows, seq) = seen(&indexes).unwrap();
    assert_eq!(rows, 5);
    apply(&indexes, after(seq, 1), vec![append(100)]);
    assert_eq!(seen(&indexes), Some((6, after(seq, 1))));
    for misfit in [Change::Remove(RowNumber::new(77)), Change::Panic] {
        let held = indexes.get(LOGS).unwrap();
        apply(&indexes, after(seq, 2), vec![append(101), (LOGS, misfit)]);
        // Not even to those who had it before.
        assert!(held.read().is_none());
        assert_eq!(seen(&indexes), None);
        indexes.load(LOGS, &lease).unwrap();
        assert_eq!(seen(&indexes), Some((5, seq)));
    }
}

#[test]
fn a_panic_at_the_end_of_loading_is_not_for_ever() {
    let (lease, indexes) = five();
    let slot = Arc::new(Slot::default());
    slot.pending.lock().push(CommitNumber(99), vec![Change::Panic]);
    indexes.slots.lock().insert(LOGS, slot.clone());
    indexes.load(LOGS, &lease).unwrap();
    assert_eq!(seen(&indexes), None);
    indexes.load(LOGS, &lease).unwrap();
    assert!(seen(&indexes).is_some());
    // One that was given up does not stay in the way either.
    slot.give_up();
    indexes.slots.lock().insert(LOGS, slot);
    indexes.load(LOGS, &lease).unwrap();
    indexes.load(LOGS, &lease).unwrap();
    assert!(seen(&indexes).is_some());
}

#[test]
fn forgetting_an_old_index_leaves_the_new_one() {
    let (lease, indexes) = five();
    indexes.load(LOGS, &lease).unwrap();
    let old = indexes.get(LOGS).unwrap();
    indexes.forget(LOGS, &old);
    indexes.load(LOGS, &lease).unwrap();
    indexes.forget(LOGS, &old);
    assert!(seen(&indexes).is_some());
}

#[test]
fn who_waits_for_a_loading_may_leave() {
    let (_, indexes) = five();
    let (indexes, slot) = (&indexes, Arc::new(Slot::default()));
    indexes.slots.lock().insert(LOGS, slot.clone());
    // Somebody loads and never ends.
    std::mem::forget(slot.loading.lock());
    let gone = Arc::<AtomicBool>::default();
    let lease = ledger(5).lease(&gone);
    std::thread::scope(|scope| {
        let waiting = scope.spawn(move || indexes.load(LOGS, &lease));
        std::thread::sleep(Duration::from_millis(100));
        assert!(!waiting.is_finished());
        gone.store(true, Ordering::Relaxed);
        assert!(waiting.join().unwrap().is_err());
    });
}

/// All rows of the collection.
fn all_rows(indexes: &Indexes) -> Vec<RowNumber> {
    let slot = indexes.get(LOGS).unwrap();
    slot.read().map(|index| index.columns.row_numbers(&index.columns.everything())).unwrap()
}

/// Removes rows from the ledger; the commit and what it did.
fn removed(ledger: &Arc<Ledger>, rows: &[RowNumber]) -> (CommitNumber, Vec<(CollectionNumber, Change)>) {
    for row in rows {
        ledger.remove(LOGS, *row);
    }
    let seq = ledger.read().commit(LOGS).unwrap().unwrap();
    (seq, rows.iter().map(|row| (LOGS, Change::Remove(*row))).collect())
}

#[test]
fn removed_rows_make_room() {
    let (ledger, files) = (ledger(200), tempfile::tempdir().unwrap());
    let (lease, indexes) = (ledger.read(), indexes(files.path(), u64::MAX));
    indexes.load(LOGS, &lease).unwrap();
    assert!(indexes.wasteful().is_none());
    let (seq, changes) = removed(&ledger, &all_rows(&indexes)[..90]);
    apply(&indexes, seq, changes);
    let (collection, wasteful) = indexes.wasteful().unwrap();
    indexes.compact(collection, &wasteful, &lease).unwrap();
    assert_eq!(seen(&indexes), Some((110, seq)));
    let slot = indexes.get(LOGS).unwrap();
    let kept = slot.read().map(|index| (index.columns.removed(), index.columns.files().len())).unwrap();
    assert_eq!(kept.0, 0);
    assert!(kept.1 > 0, "full chunks rest in files");
    assert!(indexes.wasteful().is_none() && slot.successor.lock().is_none());
}

#[test]
fn changed_parts_wait_until_they_rest_or_take_too_much_memory() {
    let directory = tempfile::tempdir().unwrap();
    let (lease, indexes) = (ledger(200).read(), indexes(directory.path(), u64::MAX));
    indexes.load(LOGS, &lease).unwrap();
    assert_eq!(indexes.changed_bytes(), 0, "three chunks are full, and lie in files");
    let (_, seq) = seen(&indexes).unwrap();
    let write = |time: i64| {
        let changed = |row: i64| {
            let mut log = Log::new(LogId(format!("{row:030x}{time:02x}")));
            log.scalars.set(Field::Cost, Some(Scalar::Float(0.5)));
            (LOGS, Change::Replace { row: RowNumber::new(row), log: Box::new(log), text: false })
        };
        apply(&indexes, after(seq, time), vec![changed(1), changed(150)]);
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
    let slot = indexes.get(LOGS).unwrap();
    let index = slot.read().unwrap();
    let kept = std::fs::read_dir(directory.path().join("index/1")).unwrap().count();
    assert_eq!(kept, index.columns.files().len(), "files that were moved out of are gone");
    let ids: Vec<_> =
        index.columns.ids(&[1, 150, 999].map(RowNumber::new)).into_iter().map(|id| id.map(|id| id.0)).collect();
    assert_eq!(ids, [Some(format!("{:030x}04", 1)), Some(format!("{:030x}04", 150)), None]);
}

#[test]
fn a_snapshot_holds_no_full_part_even_while_parts_are_moved() {
    let directory = tempfile::tempdir().unwrap();
    let (lease, indexes) = (ledger(200).read(), indexes(directory.path(), 1));
    indexes.load(LOGS, &lease).unwrap();
    let (_, seq) = seen(&indexes).unwrap();
    let log = Box::new(Log::new(LogId(format!("{:032x}", 7))));
    apply(&indexes, after(seq, 1), vec![(LOGS, Change::Replace { row: RowNumber::new(1), log, text: false })]);
    assert!(indexes.changed_bytes() > 0);
    // As the keeper does while the store closes.
    let sealing = indexes.sealing.lock();
    indexes.save(LOGS, Duration::from_secs(10), |_| Ok(())).unwrap();
    drop(sealing);
    assert_eq!(indexes.changed_bytes(), 0);
}

/// A transaction in which the collection is at this commit.
fn at(seq: CommitNumber) -> impl FnMut(bool) -> Result<Option<CommitNumber>> {
    move |_| Ok(Some(seq))
}

#[test]
fn a_reader_brings_the_index_to_its_own_commit_and_no_further() {
    let (lease, indexes) = five();
    indexes.load(LOGS, &lease).unwrap();
    let (_, seq) = seen(&indexes).unwrap();
    let slot = indexes.get(LOGS).unwrap();
    for more in 1..=3 {
        indexes.note(after(seq, more), vec![append(100 + more), (LOGS, Change::Touch)]);
    }
    assert_eq!(seen(&indexes), Some((5, seq)), "noted, not applied");
    let look = indexes.agreed(LOGS, &slot, at(after(seq, 2)), pushed).unwrap().unwrap();
    assert_eq!((look.columns.len(), look.seq), (7, after(seq, 2)));
    // Beside it: one who is at the same commit. What is further waits for both.
    let beside = indexes.agreed(LOGS, &slot, at(after(seq, 2)), pushed).unwrap().unwrap();
    indexes.settle(LOGS, &slot);
    indexes.settle_all();
    assert_eq!((beside.columns.len(), look.columns.len()), (7, 7));
    drop((look, beside));
    indexes.settle_all();
    assert_eq!(seen(&indexes), Some((8, after(seq, 3))));
    assert!(slot.pending.lock().is_empty());
}

/// A commit may be seen in the file a moment before it is noted.
#[test]
fn a_reader_that_is_ahead_of_the_notes_waits_for_them() {
    let (lease, indexes) = five();
    indexes.load(LOGS, &lease).unwrap();
    let (_, seq) = seen(&indexes).unwrap();
    let slot = indexes.get(LOGS).unwrap();
    let begin = |noted| {
        if noted {
            indexes.note(after(seq, 1), vec![append(100)]);
        }
        Ok(Some(after(seq, 1)))
    };
    let look = indexes.agreed(LOGS, &slot, begin, pushed).unwrap().unwrap();
    assert_eq!((look.columns.len(), look.seq), (6, after(seq, 1)));
    drop(look);
    // One that is noted nowhere is a fault: the index is not believed any more.
    assert!(indexes.agreed(LOGS, &slot, at(after(seq, 9)), pushed).unwrap().is_none());
    assert_eq!(seen(&indexes), None);
    assert!(slot.read().is_none());
}

#[test]
fn a_commit_that_waited_and_does_not_fit_makes_way_for_a_new_index() {
    let (lease, indexes) = five();
    for misfit in [Change::Remove(RowNumber::new(77)), Change::Panic] {
        indexes.load(LOGS, &lease).unwrap();
        let (rows, seq) = seen(&indexes).unwrap();
        let slot = indexes.get(LOGS).unwrap();
        let look = slot.read().unwrap();
        apply(&indexes, after(seq, 1), vec![append(100)]);
        apply(&indexes, after(seq, 2), vec![(LOGS, misfit)]);
        apply(&indexes, after(seq, 3), vec![append(101)]);
        assert_eq!((look.columns.len(), look.seq), (rows, seq), "who looks goes on");
        drop(look);
        assert!(indexes.agreed(LOGS, &slot, at(after(seq, 3)), pushed).unwrap().is_none());
        assert!(slot.read().is_none() && indexes.get(LOGS).is_none());
    }
}

#[test]
fn a_successor_makes_up_for_what_waits() {
    let (ledger, files) = (ledger(200), tempfile::tempdir().unwrap());
    let (lease, indexes) = (ledger.read(), indexes(files.path(), u64::MAX));
    indexes.load(LOGS, &lease).unwrap();
    let (slot, all) = (indexes.get(LOGS).unwrap(), all_rows(&indexes));
    for (waits, gone) in [(false, 0..90), (true, 90..100)] {
        let (seq, changes) = removed(&ledger, &all[gone]);
        let noted = indexes.note(seq, changes);
        if !waits {
            indexes.settle_noted(&noted);
        }
    }
    let (_, seq) = seen(&indexes).unwrap();
    indexes.compact(LOGS, &slot, &lease).unwrap();
    let (rows, newer) = seen(&indexes).unwrap();
    assert_eq!((rows, newer > seq), (100, true));
    assert_eq!(slot.read().map(|index| index.columns.removed()), Some(0), "it took its place");
    assert!(slot.pending.lock().is_empty() && slot.successor.lock().is_none());
}

#[test]
fn an_index_that_is_looked_at_is_kept_another_time() {
    let directory = tempfile::tempdir().unwrap();
    let (lease, indexes) = (ledger(200).read(), indexes(directory.path(), 1));
    indexes.load(LOGS, &lease).unwrap();
    let (_, seq) = seen(&indexes).unwrap();
    let slot = indexes.get(LOGS).unwrap();
    let look = slot.read().unwrap();
    indexes.note(after(seq, 1), vec![append(1_000)]);
    let before = indexes.saved.lock().get(&LOGS).copied();
    indexes.save(LOGS, Duration::from_millis(1), |_| Ok(())).unwrap();
    assert_eq!(indexes.saved.lock().get(&LOGS).copied(), before);
    drop(look);
    indexes.save(LOGS, Duration::from_secs(10), |_| Ok(())).unwrap();
    assert_eq!(indexes.saved.lock().get(&LOGS).copied(), Some(after(seq, 1)), "with what waited");
}
