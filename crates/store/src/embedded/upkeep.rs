//! Upkeep of open column indexes beside the work of callers: full parts move to files, removed rows make room, memory stays within
//! a bound. What callers are told never depends on it.

use super::indexes::{Index, Indexes, Slot, State, catch_up, commit_of};
use super::parts;
use super::readers::Lease;
use evalset_columns::{Columns, Part, WantedOrder};
use evalset_model::Result;
use hashbrown::HashMap;
use std::io;
use std::sync::Arc;

/// An index with more than this share of removed rows is made anew.
const REMOVED_SHARE_MAX: f64 = 0.3;

fn orders_bytes(slot: &Slot) -> usize {
    slot.read().map_or(0, |index| index.columns.orders_bytes())
}

impl Indexes {
    /// Moves full parts of open indexes to files, but for those written to since the last look: `before` has the parts of that
    /// look with the number of writes they had seen, and gets those of this one.
    pub fn seal(&self, before: &mut HashMap<(i64, Part), u64>) {
        let _sealing = self.sealing.lock();
        let slots: Vec<_> = self.slots.lock().iter().map(|(id, slot)| (*id, slot.clone())).collect();
        let mut now = HashMap::new();
        for (collection, slot) in slots {
            let unsealed = slot.read().map(|index| index.columns.unsealed()).unwrap_or_default();
            for (part, writes) in unsealed {
                now.insert((collection, part), writes);
                if before.get(&(collection, part)) == Some(&writes)
                    && let Err(error) = self.seal_part(collection, &slot, part)
                {
                    // The disk is full, or the like: the others would fare no better.
                    tracing::warn!(collection, %error, "parts of column indexes stay in memory");
                    return;
                }
            }
        }
        *before = now;
    }

    fn seal_part(&self, collection: i64, slot: &Slot, part: Part) -> io::Result<()> {
        let Some(draft) = slot.read().map(|index| index.columns.draft(&[part])) else { return Ok(()) };
        let sealed = self.snapshots.write(collection, draft?)?;
        if let State::Open(index) = &mut *slot.state.write() {
            index.columns.adopt(sealed);
        }
        Ok(())
    }

    /// Moves full parts of an index that nobody has yet to files.
    pub(super) fn seal_all(&self, collection: i64, columns: &mut Columns) {
        for (part, _) in columns.unsealed() {
            let sealed = columns.draft(&[part]).and_then(|draft| self.snapshots.write(collection, draft));
            match sealed {
                Ok(sealed) => columns.adopt(sealed),
                Err(error) => {
                    tracing::warn!(collection, %error, "a part of a column index stays in memory");
                    return;
                }
            }
        }
    }

    /// Makes orders of chunks that pages would have used and that were wanted at the last look too, `before`, which gets what is wanted
    /// now: chunks that are written to all the time are left alone. All orders together take at most `most` bytes.
    pub fn make_orders(&self, before: &mut Vec<(i64, WantedOrder)>, most: usize) {
        let slots: Vec<_> = self.slots.lock().iter().map(|(id, slot)| (*id, slot.clone())).collect();
        let mut now = Vec::new();
        for (collection, slot) in &slots {
            let wanted = slot.read().map(|index| index.columns.wanted_orders()).unwrap_or_default();
            if wanted.is_empty() {
                continue;
            }
            let others: usize =
                slots.iter().filter(|(id, _)| id != collection).map(|(_, slot)| orders_bytes(slot)).sum();
            for wanted in wanted {
                let wanted = (*collection, wanted);
                // The writer waits for one order at most.
                if before.contains(&wanted)
                    && let Some(index) = slot.read()
                {
                    index.columns.make_order(&wanted.1, most.saturating_sub(others));
                } else {
                    now.push(wanted);
                }
            }
        }
        *before = now;
    }

    /// Bytes of memory that orders of chunks take, of all open indexes.
    pub fn orders_bytes(&self) -> usize {
        let slots: Vec<_> = self.slots.lock().values().cloned().collect();
        slots.iter().map(|slot| orders_bytes(slot)).sum()
    }

    /// Lets go of memory that files take when all files of the process take more than `most` bytes of it.
    pub fn keep_within(&self, most: usize) {
        let files = self.snapshots.files();
        if files.mapped_bytes() > 0 && parts::resident_bytes().is_some_and(|bytes| bytes > most) {
            files.release();
        }
    }

    /// An open index in which removed rows take much room.
    pub fn wasteful(&self) -> Option<(i64, Arc<Slot>)> {
        let slots: Vec<_> = self.slots.lock().iter().map(|(id, slot)| (*id, slot.clone())).collect();
        slots.into_iter().find(|(_, slot)| {
            slot.read().is_some_and(|index| {
                let (there, removed) = (index.columns.len(), index.columns.removed());
                removed >= self.chunk_rows as u64 && removed as f64 > REMOVED_SHARE_MAX * (there + removed) as f64
            })
        })
    }

    /// Makes an index anew from the rows while the old one answers, and puts it in its place. Nothing happens when the old one is
    /// given up meanwhile.
    pub fn compact(&self, collection: i64, slot: &Slot, lease: &Lease) -> Result<()> {
        // Its files are not those of the index that a snapshot would be written of.
        let _sealing = self.sealing.lock();
        {
            let _no_commit = slot.state.write();
            *slot.successor.lock() = Some(Vec::new());
        }
        let made = self.made_anew(collection, lease);
        let ended = lease.end();
        let mut state = slot.state.write();
        let waiting = slot.successor.lock().take().unwrap_or_default();
        let Some(mut made) = made? else { return Ok(()) };
        ended?;
        let sound = waiting.into_iter().all(|(seq, changes)| catch_up(&mut made, seq, changes));
        let old = match &mut *state {
            State::Open(open) if sound && open.seq == made.seq => Some(std::mem::replace(open, Box::new(made))),
            _ => None,
        };
        // Not under the lock: it may be large.
        drop(state);
        drop(old);
        Ok(())
    }

    fn made_anew(&self, collection: i64, lease: &Lease) -> Result<Option<Index>> {
        let Some(seq) = commit_of(lease.begin()?, collection)? else { return Ok(None) };
        self.read_rows(collection, lease).map(|columns| Some(Index { seq, columns }))
    }
}
