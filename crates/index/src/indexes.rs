//! The column indexes of open collections: loaded on first use, brought to the commit that a reader has.
//!
//! An origin that pushes notes each commit at the indexes that it concerns and brings up to date those that nobody
//! looks at. What a long look is in the way of waits there: whoever looks next brings the index to the commit of its
//! own transaction first, and the keeper those that nobody asks for. Loading reads the origin in a transaction of its
//! own while commits go on, which wait likewise. A snapshot saves reading the rows it has. Knows rows and commits, not
//! filters.

use crate::change::{Change, reloads};
use crate::filling::add_newer;
use crate::number::{CollectionNumber, CommitNumber};
use crate::origin::{Kept, Lease, Since};
use crate::slot::{Index, Look, Slot, catch_up_all};
use crate::snapshots::Snapshots;
use evalset_columns::{ColumnLimits, Columns};
use evalset_model::Result;
use evalset_model::limits::Limits;
use hashbrown::HashMap;
use parking_lot::{Mutex, RwLockWriteGuard};
use std::sync::Arc;
use std::sync::atomic::AtomicUsize;
use std::time::Duration;

/// How often one who waits for another's loading looks whether its own caller is still there.
const LOAD_LOOK: Duration = Duration::from_millis(20);

/// Indexes at which a commit was noted.
pub struct Noted(pub(crate) Vec<(CollectionNumber, Arc<Slot>)>);

/// All open indexes.
pub struct Indexes {
    pub(crate) slots: Mutex<HashMap<CollectionNumber, Arc<Slot>>>,
    pub(crate) limits: ColumnLimits,
    pub(crate) chunk_rows: usize,
    pub(crate) snapshots: Snapshots,
    /// Collection → commit that its newest snapshot stands for, as far as this process read or wrote one.
    pub(crate) saved: Mutex<HashMap<CollectionNumber, CommitNumber>>,
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
    pub(crate) fn new(bounds: &Limits, chunk_rows: usize, snapshots: Snapshots) -> Self {
        let (limits, pending_max) = (bounds.into(), bounds.pending_memory_bytes);
        let (slots, saved) = (Mutex::default(), Mutex::default());
        let (sealing, saving, filling) = (Mutex::default(), Mutex::default(), AtomicUsize::new(0));
        Self { slots, limits, chunk_rows, snapshots, saved, sealing, saving, filling, pending_max }
    }

    /// Open collections whose snapshot is missing or out of date, with the commit that each stands at.
    pub fn unsaved(&self) -> Vec<(CollectionNumber, CommitNumber)> {
        let slots: Vec<_> = self.slots.lock().iter().map(|(id, slot)| (*id, slot.clone())).collect();
        let unsaved = slots.into_iter().filter_map(|(id, slot)| {
            let index = slot.read()?;
            let known = self.saved.lock().get(&id) == Some(&index.seq);
            (!known && self.snapshots.wants(&index)).then_some((id, index.seq))
        });
        unsaved.collect()
    }

    /// Writes a snapshot of a collection's index, if it is open, and has `keep` remember it: from then on it is
    /// believed, and the one before it is not. Waits so long for those who look at the index: when that is not enough,
    /// there is none this time.
    pub fn save(
        &self,
        collection: CollectionNumber,
        patience: Duration,
        keep: impl FnOnce(Kept) -> Result<()>,
    ) -> Result<()> {
        let Some(slot) = self.get(collection) else { return Ok(()) };
        let _saving = self.saving.lock();
        let waits = !slot.pending.lock().is_empty();
        if waits {
            let Some(mut state) = slot.state.try_write_for(patience) else { return Ok(()) };
            self.advance(collection, &slot, &mut state, CommitNumber::LAST);
        }
        // A full part in the snapshot itself would come back into memory with it.
        if !self.seal_changed(collection, &slot, patience) {
            return Ok(());
        }
        let Some(index) = slot.read_within(Some(patience)) else { return Ok(()) };
        keep(self.snapshots.save(collection, &index)?)?;
        self.saved.lock().insert(collection, index.seq);
        if let Some(_none_written) = self.sealing.try_lock() {
            self.snapshots.sweep_parts(collection, &index.columns);
        }
        Ok(())
    }

    /// The slot of a collection that is open or being opened.
    pub(crate) fn get(&self, collection: CollectionNumber) -> Option<Arc<Slot>> {
        self.slots.lock().get(&collection).cloned()
    }

    /// Whether changes of this collection are wanted row by row.
    pub fn tracks(&self, collection: CollectionNumber) -> bool {
        self.slots.lock().contains_key(&collection)
    }

    /// Drops this index of a collection; the next read loads it anew. One that has taken its place meanwhile stays. Who
    /// looks at it is not waited for: its memory goes with the last of them.
    pub(crate) fn forget(&self, collection: CollectionNumber, slot: &Arc<Slot>) {
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
    pub(crate) fn load(&self, collection: CollectionNumber, lease: &dyn Lease) -> Result<()> {
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
    fn read_all(&self, collection: CollectionNumber, lease: &dyn Lease) -> Result<Option<Index>> {
        lease.begin()?;
        let Some(seq) = lease.commit(collection)? else { return Ok(None) };
        if let Some(index) = self.read_snapshot(collection, seq, lease)? {
            return Ok(Some(index));
        }
        self.snapshots.sweep_parts(collection, &Columns::new(&self.limits));
        self.read_rows(collection, lease).map(|columns| Some(Index { seq, columns }))
    }

    /// The index of a snapshot and of what came after it; `None` when there is none of use.
    fn read_snapshot(
        &self,
        collection: CollectionNumber,
        seq: CommitNumber,
        lease: &dyn Lease,
    ) -> Result<Option<Index>> {
        let Some(kept) = lease.snapshot(collection)? else { return Ok(None) };
        let since = lease.since(collection, kept.seq)?;
        if matches!(since, Since::Unknown) {
            return Ok(None);
        }
        let Some(columns) = self.snapshots.load(collection, kept.token, self.limits) else { return Ok(None) };
        let mut index = Index { seq: kept.seq, columns };
        let sound = match since {
            Since::Added => {
                add_newer(lease, collection, &mut index.columns)?;
                true
            }
            Since::Commits(commits) => catch_up_all(&mut index, commits),
            Since::Unknown => false,
        };
        index.seq = seq;
        if sound {
            self.snapshots.sweep_parts(collection, &index.columns);
            self.saved.lock().insert(collection, kept.seq);
        }
        Ok(sound.then_some(index))
    }

    /// Ends the loading: commits that it did not see are applied first. False when the slot is of no use.
    fn open(&self, collection: CollectionNumber, slot: &Arc<Slot>, index: Index) -> bool {
        let mut state = slot.state.write();
        if slot.is_gone() {
            return false;
        }
        *state = Some(Box::new(index));
        self.advance(collection, slot, &mut state, CommitNumber::LAST)
    }

    /// Brings an index that is held for writing up to a commit; it is given up when that fails.
    pub(crate) fn advance(
        &self,
        collection: CollectionNumber,
        slot: &Arc<Slot>,
        index: &mut Option<Box<Index>>,
        up_to: CommitNumber,
    ) -> bool {
        let sound = slot.advance(index, up_to);
        if !sound {
            tracing::error!(%collection, "the column index did not take a commit and is read anew");
            self.forget(collection, slot);
        }
        sound
    }

    /// Notes a commit at the indexes that it concerns, which takes a moment whoever looks at them: what those who begin
    /// to read now need is noted when this returns. Gives what [`Indexes::settle_noted`] is to bring up to date.
    pub fn note(&self, seq: CommitNumber, changes: Vec<(CollectionNumber, Change)>) -> Noted {
        let mut by_collection: Vec<(CollectionNumber, Vec<Change>)> = Vec::new();
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
        Noted(noted)
    }

    /// Brings indexes up to date that commits were noted at, unless somebody looks at them.
    pub fn settle_noted(&self, noted: &Noted) {
        for (collection, slot) in &noted.0 {
            self.settle(*collection, slot);
        }
    }

    /// Brings an index up to date, unless somebody looks at it. Only when what waits takes too much memory is that
    /// waited for.
    pub(crate) fn settle(&self, collection: CollectionNumber, slot: &Arc<Slot>) {
        if slot.is_gone() {
            return;
        }
        let free = slot.state.try_write();
        if free.is_none() && slot.pending.lock().weigh() <= self.pending_max {
            return;
        }
        let mut state = free.unwrap_or_else(|| slot.state.write());
        self.advance(collection, slot, &mut state, CommitNumber::LAST);
    }

    /// The index at the commit of a transaction that is begun for it: `begin` does so and says at which commit the
    /// collection is then, if asked to after everything was noted that was committed before. The index is held first
    /// and does not move meanwhile, so that it cannot be too far. `since` gives the commits after one that nobody
    /// noted, from an origin that has to be asked. `None` when there is none, for now.
    pub(crate) fn agreed<'s>(
        &self,
        collection: CollectionNumber,
        slot: &'s Arc<Slot>,
        mut begin: impl FnMut(bool) -> Result<Option<CommitNumber>>,
        since: impl Fn(CommitNumber) -> Result<Option<Since>>,
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
            let behind = state.as_ref().map(|index| index.seq).filter(|at| *at < seq);
            match behind.map(&since).transpose()?.flatten() {
                None => {}
                Some(Since::Commits(commits)) if !reloads(&commits) => slot.wait_for(commits),
                Some(_) => {
                    self.forget(collection, slot);
                    return Ok(None);
                }
            }
            self.advance(collection, slot, &mut state, seq);
            if slot.is_gone() {
                return Ok(None);
            }
            if state.as_ref().is_some_and(|index| index.seq == seq) {
                return Ok(slot.shown(RwLockWriteGuard::downgrade(state)));
            }
        }
        tracing::error!(%collection, "a column index is not at the commit of its origin: it is read anew");
        self.forget(collection, slot);
        Ok(None)
    }

    /// Whether commits wait to come to the index of a collection.
    pub fn waits(&self, collection: CollectionNumber) -> bool {
        self.get(collection).is_some_and(|slot| !slot.pending.lock().is_empty())
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
