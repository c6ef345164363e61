//! The column indexes of open collections: loaded on first use, brought to the commit that a reader has.
//!
//! The writer notes each commit at the indexes that it concerns and brings up to date those that nobody looks at. What
//! a long look is in the way of waits there: whoever looks next brings the index to the commit of its own transaction
//! first, and the keeper those that nobody asks for. Loading reads the file in a transaction of its own while commits
//! go on, which wait likewise. A snapshot saves reading the rows it has. Knows rows and commits, not filters.

use crate::engine::readers::Lease;
use crate::file::error::Sql;
use crate::index::filling::add_newer;
use crate::index::slot::{Index, Look, Slot};
use crate::index::snapshots::Snapshots;
use evalset_columns::{ColumnLimits, Columns};
use evalset_model::Result;
use evalset_model::ids::RowNumber;
use evalset_model::limits::Limits;
use evalset_model::log::Log;
use evalset_model::score::RowScores;
use hashbrown::HashMap;
use parking_lot::{Mutex, RwLockWriteGuard};
use rusqlite::{Connection, OptionalExtension};
use serde_json::Value;
use std::sync::Arc;
use std::sync::atomic::AtomicUsize;
use std::time::Duration;

/// How often one who waits for another's loading looks whether its own caller is still there.
const LOAD_LOOK: Duration = Duration::from_millis(20);

/// What a commit did to one collection, in order. Logs come without payload.
#[derive(Clone)]
pub(crate) enum Change {
    /// A new row, with a number above all others, and the scores that wait for it.
    Append(RowNumber, Box<Log>, RowScores),
    /// New values of a row, and whether its payload is another one too; its scores stay.
    Replace { row: RowNumber, log: Box<Log>, text: bool },
    /// All scores of a row, as `score::compared` gives them.
    Scores(RowNumber, RowScores),
    /// One score of a row, the newest: row, key, slug when it is found under that too, value.
    Score(RowNumber, Arc<str>, Option<Arc<str>>, Value),
    /// The row is gone.
    Remove(RowNumber),
    /// Nothing that columns hold: the index only moves on to this commit.
    Touch,
    /// Rows changed that are not spelled out: the index is read anew when next asked for.
    Reload,
    /// Stands for a bug of the columns.
    #[cfg(test)]
    Panic,
}

/// All open indexes.
pub(crate) struct Indexes {
    pub(crate) slots: Mutex<HashMap<i64, Arc<Slot>>>,
    pub(crate) limits: ColumnLimits,
    pub(crate) chunk_rows: usize,
    pub(crate) snapshots: Snapshots,
    /// Collection → commit that its newest snapshot stands for, as far as this process read or wrote one.
    pub(crate) saved: Mutex<HashMap<i64, i64>>,
    /// Held while files are written that no index rests in yet.
    pub(crate) sealing: Mutex<()>,
    /// Held while a snapshot is made, which may write such files too.
    pub(crate) saving: Mutex<()>,
    /// Indexes that are being made from their rows.
    pub(crate) filling: AtomicUsize,
    /// What may wait of commits while one index is looked at (bytes).
    pending_max: usize,
}

impl Indexes {
    /// None open yet.
    pub fn new(bounds: &Limits, chunk_rows: usize, snapshots: Snapshots) -> Self {
        let (limits, pending_max) = (bounds.into(), bounds.pending_memory_bytes);
        let (slots, saved) = (Mutex::default(), Mutex::default());
        let (sealing, saving, filling) = (Mutex::default(), Mutex::default(), AtomicUsize::new(0));
        Self { slots, limits, chunk_rows, snapshots, saved, sealing, saving, filling, pending_max }
    }

    /// Open collections whose snapshot is missing or out of date, with the commit that each stands at.
    pub fn unsaved(&self) -> Vec<(i64, i64)> {
        let slots: Vec<_> = self.slots.lock().iter().map(|(id, slot)| (*id, slot.clone())).collect();
        let unsaved = slots.into_iter().filter_map(|(id, slot)| {
            let index = slot.read()?;
            let known = self.saved.lock().get(&id) == Some(&index.seq);
            (!known && self.snapshots.wants(&index)).then_some((id, index.seq))
        });
        unsaved.collect()
    }

    /// Writes a snapshot of a collection's index, if it is open. Inside a transaction of the writer, which waits so
    /// long for those who look at the index: then there is none this time.
    pub fn save(&self, connection: &Connection, collection: i64, patience: Duration) -> Result<()> {
        let Some(slot) = self.get(collection) else { return Ok(()) };
        let _saving = self.saving.lock();
        let waits = !slot.pending.lock().is_empty();
        if waits {
            let Some(mut state) = slot.state.try_write_for(patience) else { return Ok(()) };
            self.advance(collection, &slot, &mut state, i64::MAX);
        }
        // A full part in the snapshot itself would come back into memory with it.
        if !self.seal_changed(collection, &slot, patience) {
            return Ok(());
        }
        let Some(index) = slot.read_within(Some(patience)) else { return Ok(()) };
        self.snapshots.save(connection, collection, &index)?;
        self.saved.lock().insert(collection, index.seq);
        if let Some(_none_written) = self.sealing.try_lock() {
            self.snapshots.sweep_parts(collection, &index.columns);
        }
        Ok(())
    }

    /// The slot of a collection that is open or being opened.
    pub fn get(&self, collection: i64) -> Option<Arc<Slot>> {
        self.slots.lock().get(&collection).cloned()
    }

    /// Whether changes of this collection are wanted row by row.
    pub fn tracks(&self, collection: i64) -> bool {
        self.slots.lock().contains_key(&collection)
    }

    /// Drops this index of a collection; the next read loads it anew. One that has taken its place meanwhile stays. Who
    /// looks at it is not waited for: its memory goes with the last of them.
    pub fn forget(&self, collection: i64, slot: &Arc<Slot>) {
        let mut slots = self.slots.lock();
        if slots.get(&collection).is_some_and(|present| Arc::ptr_eq(present, slot)) {
            slots.remove(&collection);
        }
        drop(slots);
        slot.give_up();
    }

    /// Sees to it that the collection is open, or gone. The lease must not be in a transaction. One caller loads,
    /// others wait for it, as long as theirs do. Loading itself goes on without a caller: the next one needs it, and
    /// callers with little patience would else begin it again and again.
    pub fn load(&self, collection: i64, lease: &Lease) -> Result<()> {
        let slot = self.slots.lock().entry(collection).or_default().clone();
        let _loading = loop {
            if let Some(loading) = slot.loading.try_lock_for(LOAD_LOOK) {
                break loading;
            }
            lease.stop().go_on()?;
        };
        if slot.read().is_some() {
            return Ok(());
        }
        if slot.is_gone() {
            self.forget(collection, &slot);
            return Ok(());
        }
        let loaded = self.read_all(collection, lease);
        let closed = lease.end();
        let useful = match (loaded, closed) {
            (Ok(Some(index)), Ok(())) => Ok(self.open(collection, &slot, index)),
            (Ok(None), Ok(())) => Ok(false),
            (Err(error), _) | (_, Err(error)) => Err(error),
        };
        if !matches!(useful, Ok(true)) {
            self.forget(collection, &slot);
        }
        useful.map(|_| ())
    }

    /// Reads the columns of all rows; `None` when the collection is hidden or gone.
    fn read_all(&self, collection: i64, lease: &Lease) -> Result<Option<Index>> {
        let connection = lease.begin()?;
        let Some(seq) = commit_of(connection, collection)? else { return Ok(None) };
        if let Some((saved, mut columns)) = self.snapshots.load(connection, collection, self.limits)? {
            add_newer(lease, collection, &mut columns)?;
            self.snapshots.sweep_parts(collection, &columns);
            self.saved.lock().insert(collection, saved);
            return Ok(Some(Index { seq, columns }));
        }
        self.snapshots.sweep_parts(collection, &Columns::new(&self.limits));
        self.read_rows(collection, lease).map(|columns| Some(Index { seq, columns }))
    }

    /// Ends the loading: commits that it did not see are applied first. False when the slot is of no use.
    fn open(&self, collection: i64, slot: &Arc<Slot>, index: Index) -> bool {
        let mut state = slot.state.write();
        if slot.is_gone() {
            return false;
        }
        *state = Some(Box::new(index));
        self.advance(collection, slot, &mut state, i64::MAX)
    }

    /// Brings an index that is held for writing up to a commit; it is given up when that fails.
    pub(crate) fn advance(
        &self,
        collection: i64,
        slot: &Arc<Slot>,
        index: &mut Option<Box<Index>>,
        up_to: i64,
    ) -> bool {
        let sound = slot.advance(index, up_to);
        if !sound {
            tracing::error!(collection, "the column index did not take a commit and is read anew");
            self.forget(collection, slot);
        }
        sound
    }

    /// Notes a commit at the indexes that it concerns, which takes a moment whoever looks at them: what those who begin
    /// to read now need is noted when this returns. Gives the indexes that [`Indexes::settle`] is to bring up to date.
    pub fn note(&self, seq: i64, changes: Vec<(i64, Change)>) -> Vec<(i64, Arc<Slot>)> {
        let mut by_collection: Vec<(i64, Vec<Change>)> = Vec::new();
        for (collection, change) in changes {
            match by_collection.iter_mut().find(|(id, _)| *id == collection) {
                Some((_, list)) => list.push(change),
                None => by_collection.push((collection, vec![change])),
            }
        }
        let mut noted = Vec::with_capacity(by_collection.len());
        for (collection, changes) in by_collection {
            let Some(slot) = self.get(collection) else { continue };
            if changes.iter().any(|change| matches!(change, Change::Reload)) {
                self.forget(collection, &slot);
            } else {
                slot.pending.lock().push(seq, changes);
            }
            noted.push((collection, slot));
        }
        noted
    }

    /// Brings an index up to date, unless somebody looks at it. Only when what waits takes too much memory is that
    /// waited for.
    pub fn settle(&self, collection: i64, slot: &Arc<Slot>) {
        if slot.is_gone() {
            return;
        }
        let free = slot.state.try_write();
        if free.is_none() && slot.pending.lock().weigh() <= self.pending_max {
            return;
        }
        let mut state = free.unwrap_or_else(|| slot.state.write());
        self.advance(collection, slot, &mut state, i64::MAX);
    }

    /// The index at the commit of a transaction that is begun for it: `begin` does so and says at which commit the
    /// collection is then, if asked to after everything was noted that was committed before. The index is held first
    /// and does not move meanwhile, so that it cannot be too far. `None` when there is none, for now.
    pub fn agreed<'s>(
        &self,
        collection: i64,
        slot: &'s Arc<Slot>,
        mut begin: impl FnMut(bool) -> Result<Option<i64>>,
    ) -> Result<Option<Look<'s>>> {
        let _turn = slot.turn.lock();
        let Some(index) = slot.read() else { return Ok(None) };
        let Some(seq) = begin(false)? else { return Ok(None) };
        if index.seq == seq {
            return Ok(Some(index));
        }
        drop(index);
        // Waits for those who look; others who come now wait too, so that no stream of them is in the way for ever.
        let mut state = slot.state.write();
        for noted in [false, true] {
            let Some(seq) = begin(noted)? else { return Ok(None) };
            self.advance(collection, slot, &mut state, seq);
            if slot.is_gone() {
                return Ok(None);
            }
            if state.as_ref().is_some_and(|index| index.seq == seq) {
                return Ok(slot.shown(RwLockWriteGuard::downgrade(state)));
            }
        }
        tracing::error!(collection, "a column index is not at the commit of the file: it is read anew");
        self.forget(collection, slot);
        Ok(None)
    }

    /// Open collections, their rows and the bytes of their columns.
    pub fn size(&self) -> (usize, u64, usize) {
        let slots: Vec<_> = self.slots.lock().values().cloned().collect();
        slots
            .iter()
            .filter_map(|slot| slot.read().map(|index| (index.columns.len(), index.columns.memory_bytes())))
            .fold((0, 0, 0), |(open, rows, bytes), (more_rows, more_bytes)| {
                (open + 1, rows + more_rows, bytes + more_bytes)
            })
    }
}

/// Number of the last commit that changed a collection; `None` when it is hidden or gone.
pub(crate) fn commit_of(connection: &Connection, collection: i64) -> Result<Option<i64>> {
    connection
        .prepare_cached("SELECT seq FROM collection WHERE id = ?1 AND hidden = 0")
        .sql()?
        .query_row([collection], |line| line.get(0))
        .optional()
        .sql()
}

#[cfg(test)]
mod tests;
