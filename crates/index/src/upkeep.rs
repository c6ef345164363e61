//! Upkeep of open column indexes beside the work of callers: full parts move to files, removed rows make room, memory
//! stays within a bound. What callers are told never depends on it.

use crate::indexes::Indexes;
use crate::number::{CollectionNumber, CommitNumber};
use crate::origin::Lease;
use crate::slot::{Index, Slot, catch_up_all};
use evalset_columns::{Columns, Part};
use evalset_model::Result;
use hashbrown::HashMap;
use std::io;
use std::sync::Arc;
use std::time::Duration;

/// An index with more than this share of removed rows is made anew.
const REMOVED_SHARE_MAX: f64 = 0.3;

/// Orders of chunks made in one look, which others than callers wait for.
const ORDERS_MADE_AT_ONCE: usize = 16;

fn orders_bytes(slot: &Slot) -> usize {
    slot.read().map_or(0, |index| index.columns.orders_bytes())
}

/// Gives up orders, those that were asked for least recently first, until `more` bytes fit into `most`; false when only
/// orders would be left that were asked for at `asked` or later.
fn make_room(slots: &[Arc<Slot>], more: usize, most: usize, asked: u64) -> bool {
    while slots.iter().map(|slot| orders_bytes(slot)).sum::<usize>() + more > most {
        let oldest = slots.iter().filter_map(|slot| Some((slot, slot.read()?.columns.oldest_orders()?)));
        match oldest.min_by_key(|(_, oldest)| *oldest) {
            Some((slot, oldest)) if oldest < asked => {
                if let Some(index) = slot.read() {
                    index.columns.drop_oldest_orders();
                }
            }
            _ => return false,
        }
    }
    true
}

impl Indexes {
    /// Moves full parts of open indexes to files. Those written to since the last look wait, unless changed parts take
    /// more than `most` bytes of memory: `before` has the parts of that look with the number of writes they had seen,
    /// and gets those of this one. Says whether any was moved.
    pub(crate) fn seal(&self, before: &mut HashMap<(CollectionNumber, Part), u64>, most: usize) -> bool {
        let _sealing = self.sealing.lock();
        let slots: Vec<_> = self.slots.lock().iter().map(|(id, slot)| (*id, slot.clone())).collect();
        let (mut now, mut moved) = (HashMap::new(), false);
        let crowded = self.changed_bytes() > most;
        for (collection, slot) in slots {
            let unsealed = slot.read().map(|index| index.columns.unsealed()).unwrap_or_default();
            let mut some = false;
            for (part, writes) in unsealed {
                now.insert((collection, part), writes);
                if !crowded && before.get(&(collection, part)) != Some(&writes) {
                    continue;
                }
                if let Err(error) = self.seal_part(collection, &slot, part, None) {
                    // The disk is full, or the like: the others would fare no better.
                    tracing::warn!(%collection, %error, "parts of column indexes stay in memory");
                    return moved || some;
                }
                some = true;
            }
            if some {
                self.sweep(collection, &slot);
            }
            moved |= some;
        }
        *before = now;
        moved
    }

    /// Removes the files that an open index no longer rests in. A snapshot that refers to one is out of date: its rows
    /// were changed. Whoever calls it holds [`Indexes::sealing`].
    fn sweep(&self, collection: CollectionNumber, slot: &Slot) {
        let Some(_none_written) = self.saving.try_lock() else { return };
        if let Some(index) = slot.read() {
            self.snapshots.sweep_parts(collection, &index.columns);
        }
    }

    /// Bytes of memory of full parts of open indexes that do not lie in a file as they are.
    pub(crate) fn changed_bytes(&self) -> usize {
        let slots: Vec<_> = self.slots.lock().values().cloned().collect();
        let own = |slot: &Arc<Slot>| slot.read().map_or(0, |index| index.columns.unsealed_bytes());
        self.snapshots.files().written_bytes() + slots.iter().map(own).sum::<usize>()
    }

    /// Moves all full parts of one index to files, waiting so long for those who look at it; false when that was not
    /// enough. Somebody else may be doing the same: of two files of a part one stays unused.
    pub(crate) fn seal_changed(&self, collection: CollectionNumber, slot: &Slot, patience: Duration) -> bool {
        let Some(index) = slot.read_within(Some(patience)) else { return false };
        let unsealed = index.columns.unsealed();
        drop(index);
        for (part, _) in unsealed {
            match self.seal_part(collection, slot, part, Some(patience)) {
                Ok(true) => {}
                Ok(false) => return false,
                Err(error) => {
                    tracing::warn!(%collection, %error, "parts of a column index stay in memory");
                    return true;
                }
            }
        }
        true
    }

    /// Moves a part to a file. False when the time was not enough for those who look at the index; without a time it
    /// waits for them.
    fn seal_part(
        &self,
        collection: CollectionNumber,
        slot: &Slot,
        part: Part,
        patience: Option<Duration>,
    ) -> io::Result<bool> {
        let draft = slot.read_within(patience).map(|index| index.columns.draft(&[part]));
        let Some(draft) = draft else { return Ok(patience.is_none()) };
        let sealed = self.snapshots.write(collection, draft?)?;
        let held = match patience {
            None => Some(slot.state.write()),
            Some(patience) => slot.state.try_write_for(patience),
        };
        let Some(mut state) = held else { return Ok(false) };
        if let Some(index) = &mut *state {
            index.columns.adopt(sealed);
            // The snapshot there is holds the part itself, and each start would move it to a file anew.
            self.saved.lock().remove(&collection);
        }
        Ok(true)
    }

    /// Moves full parts of an index that nobody has yet to files.
    pub(crate) fn seal_all(&self, collection: CollectionNumber, columns: &mut Columns) {
        for (part, _) in columns.unsealed() {
            let sealed = columns.draft(&[part]).and_then(|draft| self.snapshots.write(collection, draft));
            match sealed {
                Ok(sealed) => columns.adopt(sealed),
                Err(error) => {
                    tracing::warn!(%collection, %error, "a part of a column index stays in memory");
                    return;
                }
            }
        }
    }

    /// Brings indexes up to date that commits wait for, which a look was in the way of, and nobody has asked for since.
    pub fn settle_all(&self) {
        let slots: Vec<_> = self.slots.lock().iter().map(|(id, slot)| (*id, slot.clone())).collect();
        for (collection, slot) in slots {
            if let Some(mut state) = slot.state.try_write().filter(|_| !slot.pending.lock().is_empty()) {
                self.advance(collection, &slot, &mut state, CommitNumber::LAST);
            }
        }
    }

    /// Makes some of the orders of chunks that pages would have used and that were wanted at the last look too: chunks
    /// that are written to all the time are left alone. All orders together take at most `most` bytes.
    pub(crate) fn make_orders(&self, most: usize) {
        let slots: Vec<_> = self.slots.lock().values().cloned().collect();
        let wanted = slots.iter().flat_map(|slot| {
            let wanted = slot.read().map(|index| index.columns.wanted_orders()).unwrap_or_default();
            wanted.into_iter().map(move |wanted| (slot, wanted))
        });
        for (slot, wanted) in wanted.take(ORDERS_MADE_AT_ONCE) {
            let room = slot.read().map_or(0, |index| index.columns.order_bytes_max());
            let fits = make_room(&slots, room, most, wanted.asked());
            // Who has to bring the index up to date waits for one order at most.
            match slot.read() {
                Some(index) if fits => index.columns.make_order(&wanted),
                Some(index) => index.columns.refuse_order(&wanted),
                None => {}
            }
        }
    }

    /// Bytes of memory that orders of chunks take, of all open indexes.
    pub fn orders_bytes(&self) -> usize {
        let slots: Vec<_> = self.slots.lock().values().cloned().collect();
        slots.iter().map(|slot| orders_bytes(slot)).sum()
    }

    /// Keeps the memory that files take within its bound. Says whether it was more than half of that.
    pub(crate) fn keep_within(&self) -> bool {
        self.snapshots.files().keep_within()
    }

    /// An open index in which removed rows take much room.
    pub(crate) fn wasteful(&self) -> Option<(CollectionNumber, Arc<Slot>)> {
        let slots: Vec<_> = self.slots.lock().iter().map(|(id, slot)| (*id, slot.clone())).collect();
        slots.into_iter().find(|(_, slot)| {
            slot.read().is_some_and(|index| {
                let (there, removed) = (index.columns.len(), index.columns.removed());
                removed >= self.chunk_rows as u64 && removed as f64 > REMOVED_SHARE_MAX * (there + removed) as f64
            })
        })
    }

    /// Makes an index anew from the rows while the old one answers, and puts it in its place. Nothing happens when the
    /// old one is given up meanwhile.
    pub(crate) fn compact(&self, collection: CollectionNumber, slot: &Arc<Slot>, lease: &dyn Lease) -> Result<()> {
        // Its files are not those of the index that a snapshot would be written of.
        let _sealing = self.sealing.lock();
        {
            let _no_commit = slot.state.write();
            *slot.successor.lock() = Some(Vec::new());
        }
        let made = self.made_anew(collection, lease);
        let ended = lease.end();
        let mut state = slot.state.write();
        // What waits has to come to both.
        self.advance(collection, slot, &mut state, CommitNumber::LAST);
        let waiting = slot.successor.lock().take().unwrap_or_default();
        let Some(mut made) = made? else { return Ok(()) };
        ended?;
        let sound = catch_up_all(&mut made, waiting);
        let old = match &mut *state {
            Some(open) if sound && open.seq <= made.seq => Some(std::mem::replace(open, Box::new(made))),
            _ => None,
        };
        // Not under the lock: it may be large.
        drop(state);
        drop(old);
        Ok(())
    }

    fn made_anew(&self, collection: CollectionNumber, lease: &dyn Lease) -> Result<Option<Index>> {
        lease.begin()?;
        let Some(seq) = lease.commit(collection)? else { return Ok(None) };
        self.read_rows(collection, lease).map(|columns| Some(Index { seq, columns }))
    }
}
