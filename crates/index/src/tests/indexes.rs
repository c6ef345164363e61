//! Indexes that a commit does not fit: nobody sees them again, and the next read gets a new one.

use super::ledger::{Ledger, Look};
use super::{LOGS, names};
use crate::indexes::{Indexes, Slot, State};
use crate::origin::Lease;
use crate::snapshots::Snapshots;
use crate::{Change, CollectionNumber, CommitNumber};
use evalset_model::field::Field;
use evalset_model::ids::{LogId, RowNumber};
use evalset_model::log::Log;
use evalset_model::scalar::Scalar;
use evalset_model::score::RowScores;
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

/// Small chunks whose files lie in this folder.
fn indexes(folder: &Path, snapshot_rows: u64) -> Indexes {
    Indexes::new(3, 64, Snapshots::new(folder, snapshot_rows, 0))
}

/// Five rows, and indexes that need no files.
fn five() -> (Look, Indexes) {
    (ledger(5).read(), indexes(Path::new("/nowhere"), u64::MAX))
}

fn append(row: RowNumber) -> (CollectionNumber, Change) {
    (LOGS, Change::Append(row, Box::new(Log::new(LogId(format!("new-{row}")))), RowScores::new()))
}

/// The commit that comes so many after this one.
fn after(seq: CommitNumber, more: i64) -> CommitNumber {
    CommitNumber(seq.0 + more)
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
    indexes.apply(after(seq, 1), vec![append(100)]);
    assert_eq!(seen(&indexes), Some((6, after(seq, 1))));
    for misfit in [Change::Remove(77), Change::Panic] {
        let held = indexes.get(LOGS).unwrap();
        indexes.apply(after(seq, 2), vec![append(101), (LOGS, misfit)]);
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
    let waiting = State::Loading(vec![(CommitNumber(99), vec![Change::Panic])]);
    let slot = Arc::new(Slot::new(waiting));
    indexes.slots.lock().insert(LOGS, slot.clone());
    indexes.load(LOGS, &lease).unwrap();
    assert_eq!(seen(&indexes), None);
    indexes.load(LOGS, &lease).unwrap();
    assert!(seen(&indexes).is_some());
    // One that was given up does not stay in the way either.
    *slot.state.write() = State::Gone;
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
    let indexes = &indexes;
    let slot = Arc::new(Slot::new(State::Loading(Vec::new())));
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

#[test]
fn removed_rows_make_room() {
    let (ledger, files) = (ledger(200), tempfile::tempdir().unwrap());
    let (lease, indexes) = (ledger.read(), indexes(files.path(), u64::MAX));
    indexes.load(LOGS, &lease).unwrap();
    assert!(indexes.wasteful().is_none());
    let slot = indexes.get(LOGS).unwrap();
    let all = slot.read().map(|index| index.columns.row_numbers(&index.columns.everything())).unwrap();
    for row in &all[..90] {
        ledger.remove(LOGS, *row);
    }
    let seq = lease.commit(LOGS).unwrap().unwrap();
    indexes.apply(seq, all[..90].iter().map(|row| (LOGS, Change::Remove(*row))).collect());
    let (collection, wasteful) = indexes.wasteful().unwrap();
    indexes.compact(collection, &wasteful, &lease).unwrap();
    assert_eq!(seen(&indexes), Some((110, seq)));
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
        let changed = |row: RowNumber| {
            let mut log = Log::new(LogId(format!("{row:030x}{time:02x}")));
            log.scalars.set(Field::Cost, Some(Scalar::Float(0.5)));
            (LOGS, Change::Replace { row, log: Box::new(log), text: false })
        };
        indexes.apply(after(seq, time), vec![changed(1), changed(150)]);
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
    let ids: Vec<_> = index.columns.ids(&[1, 150, 999]).into_iter().map(|id| id.map(|id| id.0)).collect();
    assert_eq!(ids, [Some(format!("{:030x}04", 1)), Some(format!("{:030x}04", 150)), None]);
}

#[test]
fn a_snapshot_holds_no_full_part_even_while_parts_are_moved() {
    let directory = tempfile::tempdir().unwrap();
    let (lease, indexes) = (ledger(200).read(), indexes(directory.path(), 1));
    indexes.load(LOGS, &lease).unwrap();
    let (_, seq) = seen(&indexes).unwrap();
    let log = Box::new(Log::new(LogId(format!("{:032x}", 7))));
    indexes.apply(after(seq, 1), vec![(LOGS, Change::Replace { row: 1, log, text: false })]);
    assert!(indexes.changed_bytes() > 0);
    // As the keeper does while the store closes.
    let sealing = indexes.sealing.lock();
    indexes.save(LOGS, |_| Ok(())).unwrap();
    drop(sealing);
    assert_eq!(indexes.changed_bytes(), 0);
}
