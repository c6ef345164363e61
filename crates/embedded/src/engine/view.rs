//! A collection at one commit: its column index and a read transaction of the file that agree.
//!
//! Everything read through a view belongs together: totals, order, sums and the rows themselves.

use crate::Engine;
use crate::engine::readers::Lease;
use crate::file::collection::{self, Found};
use crate::file::error::Sql;
use evalset_columns::Columns;
use evalset_model::ids::Collection;
use evalset_model::{Error, Result};

/// Attempts to get file and index at the same commit: more than one is needed only while indexes come and go.
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
    /// Looks at the columns of a collection at a commit and leaves `lease` in a read transaction at that commit. The
    /// columns stay as they are during `look` only; writers do not wait for it. `None` when the collection was never
    /// written to. `helped`: rows will be read in number, so more connections are taken along.
    pub(crate) fn view<T>(
        &self,
        lease: &Lease,
        name: Collection,
        helped: bool,
        look: impl FnOnce(&Columns) -> T,
    ) -> Result<Option<View<T>>> {
        for _ in 0..ATTEMPTS {
            let helpers = if helped { self.helpers() } else { Vec::new() };
            let Some(found) = self.begin(lease, &helpers, name, false)? else { return Ok(None) };
            let collection = found.id;
            if let Some(slot) = self.indexes.get(collection) {
                // Mostly nothing was written in between; else the index is held while the transaction begins.
                let as_it_is = slot.read().filter(|index| index.seq == found.seq);
                let index = match as_it_is {
                    Some(index) => Some(index),
                    None => self.indexes.agreed(collection, &slot, |noted| {
                        let found = self.begin(lease, &helpers, name, noted)?;
                        Ok(found.filter(|found| found.id == collection).map(|found| found.seq))
                    })?,
                };
                if let Some(index) = index {
                    let seen = look(&index.columns);
                    return Ok(Some(View { collection, seen, helpers }));
                }
            }
            drop(helpers);
            lease.end()?;
            self.indexes.load(collection, lease)?;
        }
        Err(Error::Busy { message: "the collection changes too fast to be read".to_owned(), retry_after: 1 })
    }

    /// Begins a transaction anew, with those of the helpers at the same commit, and says where the collection is in it.
    /// `noted`: all that it sees has been noted at the indexes.
    fn begin(&self, lease: &Lease, helpers: &[Lease], name: Collection, noted: bool) -> Result<Option<Found>> {
        lease.stop().go_on()?;
        for ended in helpers.iter().chain([lease]) {
            ended.end()?;
        }
        let _gate = (noted || !helpers.is_empty()).then(|| self.gate.lock());
        for helper in helpers {
            // The first read fixes what the transaction sees.
            helper.begin()?.query_row("SELECT count(*) FROM meta", [], |_| Ok(())).sql()?;
        }
        collection::find(lease.begin()?, name)
    }

    /// Free connections. Opened before the gate is taken: the writer waits for moments only.
    fn helpers(&self) -> Vec<Lease> {
        let most = self.helpers_max.min(HELPERS_MAX);
        std::iter::from_fn(|| self.readers.spare()).take(most).collect()
    }
}
