//! The place of one collection's index: the columns, the commits that they do not have yet, and who may have them when.
//!
//! The index is held for reading as long as somebody looks at it, and for writing while commits come to it. Knows locks
//! and changes of rows, neither files nor transactions.

use crate::change::{Change, Commits};
use crate::number::CommitNumber;
use crate::pending::{Commit, Pending};
use evalset_columns::{Columns, LogRef};
use evalset_model::log::Log;
use evalset_model::score::ComparedScores;
use parking_lot::{MappedRwLockReadGuard, Mutex, RwLock, RwLockReadGuard};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

/// The index of one collection as of one commit.
pub(crate) struct Index {
    /// Number of the last commit that changed the collection.
    pub seq: CommitNumber,
    /// The columns.
    pub columns: Columns,
}

/// An index that is looked at: it stays at its commit meanwhile.
pub(crate) type Look<'s> = MappedRwLockReadGuard<'s, Index>;

/// The place of one collection's index.
#[derive(Default)]
pub(crate) struct Slot {
    /// Held by the one reader that loads the index.
    pub(crate) loading: Mutex<()>,
    /// None until it is loaded.
    pub(crate) state: RwLock<Option<Box<Index>>>,
    /// Commits that the index does not have yet. Taken with `state` held for writing, so that they come to it in order;
    /// nothing is waited for under this lock.
    pub(crate) pending: Mutex<Pending>,
    /// Held by the one reader that waits to bring the index up to date: the others find it so when it is their turn,
    /// and then look side by side.
    pub(crate) turn: Mutex<()>,
    /// Given up: a new slot takes its place. Who looks at it goes on.
    gone: AtomicBool,
    /// Commits that an index in the making has to make up for before it takes the place of the open one. Locked with
    /// `state` held for writing.
    pub(crate) successor: Mutex<Option<Commits>>,
}

impl Slot {
    /// The index as it is, once it is loaded.
    pub fn read(&self) -> Option<Look<'_>> {
        self.shown(self.state.read())
    }

    /// The same, unless it takes longer than this to get at it; without a time it may.
    pub fn read_within(&self, patience: Option<Duration>) -> Option<Look<'_>> {
        match patience {
            None => self.read(),
            Some(patience) => self.shown(self.state.try_read_for(patience)?),
        }
    }

    /// What is held for reading, unless there is none or it was given up.
    pub fn shown<'s>(&self, state: RwLockReadGuard<'s, Option<Box<Index>>>) -> Option<Look<'s>> {
        // Asked with the lock held: what did not take a commit whole is given up before it is let go.
        if self.is_gone() {
            return None;
        }
        RwLockReadGuard::try_map(state, Option::as_deref).ok()
    }

    /// Has commits wait that nobody noted here. With the index held for writing.
    pub fn wait_for(&self, commits: Commits) {
        let mut pending = self.pending.lock();
        for (seq, changes) in commits {
            pending.push(seq, changes);
        }
    }

    /// Gives it up: a new slot takes its place. Who looks at it goes on.
    pub fn give_up(&self) {
        self.gone.store(true, Ordering::Release);
    }

    /// Whether it was given up.
    pub fn is_gone(&self) -> bool {
        self.gone.load(Ordering::Acquire)
    }

    /// Brings the index, which is held for writing, to the commits that wait, up to a number. One that is not loaded
    /// stays as it is. False when a commit does not fit: then nobody sees the index any more.
    pub fn advance(&self, index: &mut Option<Box<Index>>, up_to: CommitNumber) -> bool {
        let Some(index) = index else { return true };
        // Let go of before they are applied: the writer notes the next commit meanwhile.
        let commits = self.pending.lock().take(up_to);
        for Commit { seq, changes, .. } in commits {
            if let Some(waiting) = &mut *self.successor.lock() {
                waiting.push((seq, changes.clone()));
            }
            if !catch_up(index, seq, changes) {
                self.give_up();
                return false;
            }
        }
        true
    }
}

/// Applies commits in order. False when one does not fit.
pub(crate) fn catch_up_all(index: &mut Index, commits: Commits) -> bool {
    commits.into_iter().all(|(seq, changes)| catch_up(index, seq, changes))
}

/// Applies a commit unless the index has it already. False when it does not fit: the index is of no use then.
pub(crate) fn catch_up(index: &mut Index, seq: CommitNumber, changes: Vec<Change>) -> bool {
    if seq <= index.seq {
        return true;
    }
    let columns = &mut index.columns;
    let sound = catch_unwind(AssertUnwindSafe(|| changes.into_iter().all(|change| apply(columns, change))));
    let sound = sound.unwrap_or(false);
    if sound {
        index.seq = seq;
    }
    sound
}

/// Makes a change; false when it does not fit.
fn apply(columns: &mut Columns, change: Change) -> bool {
    match change {
        Change::Append(row, log, scores) if row > columns.last_row() => {
            columns.append(row, as_ref(&log, Some(&scores)));
        }
        Change::Replace { row, log, .. } if columns.contains(row) => columns.replace(row, as_ref(&log, None)),
        // A damaged row has no place in the columns; its scores have none either.
        Change::Scores(row, scores) => columns.set_scores(row, &scores),
        Change::Score(row, key, slug, value) => columns.put_score(row, &key, slug.as_deref(), &value),
        Change::Remove(row) if columns.contains(row) => columns.remove(row),
        Change::Touch => {}
        #[cfg(test)]
        Change::Panic => panic!("a bug of the columns"),
        Change::Append(..) | Change::Replace { .. } | Change::Remove(_) | Change::Reload => return false,
    }
    true
}

pub(crate) fn as_ref<'a>(log: &'a Log, scores: Option<&'a ComparedScores>) -> LogRef<'a> {
    LogRef { id: log.id.as_str(), scalars: &log.scalars, metadata: &log.metadata, scores }
}
