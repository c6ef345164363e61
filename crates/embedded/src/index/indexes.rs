//! The column indexes of open collections: loaded on first use, kept in step by the writer.
//!
//! Loading reads the file in a transaction of its own while commits go on; what they change is buffered and applied after, by
//! commit number. A snapshot saves reading the rows it has. Knows rows and commits, not filters.

use crate::engine::readers::Lease;
use crate::file::error::Sql;
use crate::index::filling::add_newer;
use crate::index::snapshots::Snapshots;
use evalset_columns::{ColumnLimits, Columns, LogRef};
use evalset_model::Result;
use evalset_model::ids::RowNumber;
use evalset_model::log::Log;
use evalset_model::score::RowScores;
use hashbrown::HashMap;
use parking_lot::{MappedRwLockReadGuard, Mutex, RwLock, RwLockReadGuard};
use rusqlite::{Connection, OptionalExtension};
use serde_json::Value;
use std::panic::{AssertUnwindSafe, catch_unwind};
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

/// Commits by number, with what they did to one collection.
pub(crate) type Commits = Vec<(i64, Vec<Change>)>;

/// The index of one collection as of one commit.
pub(crate) struct Index {
    /// Number of the last commit that changed the collection.
    pub seq: i64,
    /// The columns.
    pub columns: Columns,
}

pub(crate) enum State {
    /// Being read; commits since wait here.
    Loading(Commits),
    Open(Box<Index>),
    /// Given up; a new slot takes its place.
    Gone,
}

/// The place of one collection's index.
pub(crate) struct Slot {
    loading: Mutex<()>,
    pub(crate) state: RwLock<State>,
    /// Commits that an index in the making has to make up for before it takes the place of the open one. Locked with `state`
    /// held for writing.
    pub(crate) successor: Mutex<Option<Commits>>,
}

impl Slot {
    fn new(state: State) -> Self {
        Self { loading: Mutex::default(), state: RwLock::new(state), successor: Mutex::default() }
    }

    /// The index, once it is loaded.
    pub fn read(&self) -> Option<MappedRwLockReadGuard<'_, Index>> {
        RwLockReadGuard::try_map(self.state.read(), |state| match state {
            State::Open(index) => Some(&**index),
            State::Loading(_) | State::Gone => None,
        })
        .ok()
    }
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
}

impl Indexes {
    /// None open yet.
    pub fn new(metadata_columns: usize, chunk_rows: usize, snapshots: Snapshots) -> Self {
        let limits = ColumnLimits { metadata_columns };
        let (slots, saved) = (Mutex::default(), Mutex::default());
        let (sealing, saving, filling) = (Mutex::default(), Mutex::default(), AtomicUsize::new(0));
        Self { slots, limits, chunk_rows, snapshots, saved, sealing, saving, filling }
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

    /// Writes a snapshot of a collection's index, if it is open. Inside a transaction of the writer.
    pub fn save(&self, connection: &Connection, collection: i64) -> Result<()> {
        let Some(slot) = self.get(collection) else { return Ok(()) };
        let _saving = self.saving.lock();
        // A full part in the snapshot itself would come back into memory with it.
        self.seal_changed(collection, &slot);
        let Some(index) = slot.read() else { return Ok(()) };
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

    /// Drops this index of a collection; the next read loads it anew. One that has taken its place meanwhile stays.
    pub fn forget(&self, collection: i64, slot: &Arc<Slot>) {
        let mut slots = self.slots.lock();
        if slots.get(&collection).is_some_and(|present| Arc::ptr_eq(present, slot)) {
            slots.remove(&collection);
        }
        drop(slots);
        *slot.state.write() = State::Gone;
    }

    /// Sees to it that the collection is open, or gone. The lease must not be in a transaction. One caller loads, others
    /// wait for it, as long as theirs do. Loading itself goes on without a caller: the next one needs it, and callers with
    /// little patience would else begin it again and again.
    pub fn load(&self, collection: i64, lease: &Lease) -> Result<()> {
        let slot = self
            .slots
            .lock()
            .entry(collection)
            .or_insert_with(|| Arc::new(Slot::new(State::Loading(Vec::new()))))
            .clone();
        let _loading = loop {
            if let Some(loading) = slot.loading.try_lock_for(LOAD_LOOK) {
                break loading;
            }
            lease.stop().go_on()?;
        };
        if slot.read().is_some() {
            return Ok(());
        }
        if matches!(*slot.state.read(), State::Gone) {
            self.forget(collection, &slot);
            return Ok(());
        }
        let loaded = self.read_all(collection, lease);
        let closed = lease.end();
        let useful = match (loaded, closed) {
            (Ok(Some(index)), Ok(())) => Ok(open(&slot, index)),
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

    /// Shows a commit to the indexes it concerns.
    pub fn apply(&self, seq: i64, changes: Vec<(i64, Change)>) {
        let mut by_collection: Vec<(i64, Vec<Change>)> = Vec::new();
        for (collection, change) in changes {
            match by_collection.iter_mut().find(|(id, _)| *id == collection) {
                Some((_, list)) => list.push(change),
                None => by_collection.push((collection, vec![change])),
            }
        }
        for (collection, changes) in by_collection {
            let Some(slot) = self.get(collection) else { continue };
            if changes.iter().any(|change| matches!(change, Change::Reload)) {
                self.forget(collection, &slot);
                continue;
            }
            let mut state = slot.state.write();
            let sound = match &mut *state {
                State::Loading(waiting) => {
                    waiting.push((seq, changes));
                    true
                }
                State::Open(index) => {
                    if let Some(waiting) = &mut *slot.successor.lock() {
                        waiting.push((seq, changes.clone()));
                    }
                    catch_up(index, seq, changes)
                }
                State::Gone => true,
            };
            if !sound {
                // Under the same lock: no reader sees what was half applied.
                *state = State::Gone;
                drop(state);
                tracing::error!(collection, seq, "the column index did not take a commit and is read anew");
                self.forget(collection, &slot);
            }
        }
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

/// Ends the loading: commits that the snapshot did not see are applied first. False when the slot is of no use.
fn open(slot: &Slot, mut index: Index) -> bool {
    let mut state = slot.state.write();
    let State::Loading(waiting) = std::mem::replace(&mut *state, State::Gone) else { return false };
    let sound = waiting.into_iter().all(|(seq, changes)| catch_up(&mut index, seq, changes));
    if sound {
        *state = State::Open(Box::new(index));
    }
    sound
}

/// Applies a commit unless the index has it already. False when it does not fit: the index is of no use then.
pub(crate) fn catch_up(index: &mut Index, seq: i64, changes: Vec<Change>) -> bool {
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

pub(crate) fn as_ref<'a>(log: &'a Log, scores: Option<&'a RowScores>) -> LogRef<'a> {
    LogRef { id: log.id.as_str(), scalars: &log.scalars, metadata: &log.metadata, scores }
}

#[cfg(test)]
mod tests;
