//! A collection at one commit: its column index and a read transaction of the file that agree.
//!
//! Everything read through a view belongs together: totals, order, sums and the rows themselves.

use crate::Engine;
use crate::engine::readers::Lease;
use crate::file::collection;
use crate::file::error::Sql;
use evalset_columns::Columns;
use evalset_model::ids::Collection;
use evalset_model::{Error, Result};

/// Attempts to get file and index at the same commit; from the second on the writer is held back meanwhile, so that more
/// are needed only while indexes come and go.
const ATTEMPTS: usize = 32;

/// More connections for a long look at rows: at most this many threads work for one request.
const HELPERS_MAX: usize = 3;

/// What was seen, and the transactions it was seen in.
pub(crate) struct View<T> {
    /// The store's number of the collection.
    pub collection: i64,
    /// What the look at the columns gave.
    pub seen: T,
    /// More connections at the same commit, if asked for and free.
    pub helpers: Vec<Lease>,
}

impl Engine {
    /// Looks at the columns of a collection at a commit and leaves `lease` in a read transaction at that commit. The columns
    /// are locked during `look` only. `None` when the collection was never written to. `helped`: rows will be read in
    /// number, so more connections are taken along.
    pub(crate) fn view<T>(
        &self,
        lease: &Lease,
        name: Collection,
        helped: bool,
        look: impl FnOnce(&Columns) -> T,
    ) -> Result<Option<View<T>>> {
        for attempt in 0..ATTEMPTS {
            let gate = (helped || attempt > 0).then(|| self.gate.lock());
            lease.end()?;
            let connection = lease.begin()?;
            let Some(found) = collection::find(connection, name)? else { return Ok(None) };
            let slot = self.indexes.get(found.id);
            let Some((slot, index)) = slot.as_ref().and_then(|slot| Some((slot, slot.read()?))) else {
                drop(gate);
                lease.end()?;
                self.indexes.load(found.id, lease)?;
                continue;
            };
            if index.seq == found.seq {
                let helpers = if helped { self.helpers()? } else { Vec::new() };
                drop(gate);
                let seen = look(&index.columns);
                return Ok(Some(View { collection: found.id, seen, helpers }));
            }
            if gate.is_some() {
                tracing::error!(
                    collection = found.id,
                    "a column index is not at the commit of the file: it is read anew"
                );
                drop(index);
                self.indexes.forget(found.id, slot);
            }
        }
        Err(Error::Busy { message: "the collection changes too fast to be read".to_owned(), retry_after: 1 })
    }

    /// Free connections, each in a read transaction that has begun. The gate must be held.
    fn helpers(&self) -> Result<Vec<Lease>> {
        let mut helpers = Vec::new();
        while helpers.len() < self.helpers_max.min(HELPERS_MAX) {
            let Some(helper) = self.readers.spare() else { break };
            // The first read fixes what the transaction sees.
            helper.begin()?.query_row("SELECT count(*) FROM meta", [], |_| Ok(())).sql()?;
            helpers.push(helper);
        }
        Ok(helpers)
    }
}
