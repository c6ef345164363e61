//! A collection at one commit: its column index and a read transaction of the origin that agree.
//!
//! Everything read through a view belongs together: totals, order, sums and the rows themselves.

use crate::Answers;
use crate::indexes::Slot;
use crate::number::CollectionNumber;
use crate::origin::{Found, Lease, Since};
use evalset_columns::Columns;
use evalset_model::ids::Collection;
use evalset_model::{Error, Result};
use std::sync::Arc;

/// Attempts to get origin and index at the same commit; from the second on commits that are pushed are held back meanwhile, so that more
/// are needed only while indexes come and go.
const ATTEMPTS: usize = 32;

/// More leases for a long look at rows: at most this many threads work for one request.
const HELPERS_MAX: usize = 3;

/// What was seen, and the transactions it was seen in.
pub(crate) struct View<T> {
    /// The store's number of the collection.
    pub collection: CollectionNumber,
    /// What the look at the columns gave.
    pub seen: T,
    /// More leases at the same commit, if asked for and free.
    pub helpers: Vec<Box<dyn Lease>>,
}

impl Answers {
    /// Looks at the columns of a collection at a commit and leaves `lease` in a read transaction at that commit. The columns
    /// are locked during `look` only. `None` when the collection was never written to. `helped`: rows will be read in
    /// number, so more leases are taken along.
    pub(crate) fn view<T>(
        &self,
        lease: &dyn Lease,
        name: Collection,
        helped: bool,
        look: impl FnOnce(&Columns) -> T,
    ) -> Result<Option<View<T>>> {
        for attempt in 0..ATTEMPTS {
            let gate = (helped || attempt > 0).then(|| self.gate.lock());
            lease.end()?;
            lease.begin()?;
            let Some(found) = lease.find(name)? else { return Ok(None) };
            let slot = self.indexes.get(found.id);
            if let Some(slot) = slot.as_ref().filter(|_| !self.origin.pushes()) {
                self.follow(found, slot, lease)?;
            }
            let Some((slot, index)) = slot.as_ref().and_then(|slot| Some((slot, slot.read()?))) else {
                drop(gate);
                lease.end()?;
                self.indexes.load(found.id, lease)?;
                continue;
            };
            if index.seq == found.seq {
                let helpers = if helped { self.helpers(name, found)? } else { Vec::new() };
                drop(gate);
                let seen = look(&index.columns);
                return Ok(Some(View { collection: found.id, seen, helpers }));
            }
            if gate.is_some() && self.origin.pushes() {
                tracing::error!(
                    collection = %found.id,
                    "a column index is not at the commit of its origin: it is read anew"
                );
                drop(index);
                self.indexes.forget(found.id, slot);
            }
        }
        Err(Error::Busy { message: "the collection changes too fast to be read".to_owned(), retry_after: 1 })
    }

    /// Brings an index and the notes of changed texts, where they are behind, to the commit of the transaction.
    fn follow(&self, found: Found, slot: &Arc<Slot>, lease: &dyn Lease) -> Result<()> {
        self.texts.follow(found, lease)?;
        let Some(seq) = slot.read().map(|index| index.seq).filter(|seq| *seq < found.seq) else { return Ok(()) };
        match lease.since(found.id, seq)? {
            Since::Commits(commits) => self.indexes.follow(found.id, slot, commits),
            Since::Added | Since::Unknown => self.indexes.forget(found.id, slot),
        }
        Ok(())
    }

    /// Free leases, each in a read transaction at this commit. The gate must be held.
    fn helpers(&self, name: Collection, found: Found) -> Result<Vec<Box<dyn Lease>>> {
        let mut helpers = Vec::new();
        while helpers.len() < self.helpers_max.min(HELPERS_MAX) {
            let Some(helper) = self.origin.spare() else { break };
            helper.begin()?;
            // The first read fixes what the transaction sees. Commits that are not pushed are not held back by the gate.
            if helper.find(name)? != Some(found) {
                break;
            }
            helpers.push(helper);
        }
        Ok(helpers)
    }
}
