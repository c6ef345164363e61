//! A collection at one commit: its column index and a read transaction of the origin that agree.
//!
//! Everything read through a view belongs together: totals, order, sums and the rows themselves.

use crate::Answers;
use crate::number::{CollectionNumber, CommitNumber};
use crate::origin::{Found, Lease, Since};
use evalset_columns::Columns;
use evalset_model::ids::Collection;
use evalset_model::{Error, Result};

/// Attempts to get origin and index at the same commit: more than one is needed only while indexes come and go.
const ATTEMPTS: usize = 32;

/// More leases for a long look at rows: at most this many threads work for one request.
const HELPERS_MAX: usize = 3;

/// What was seen, and the transactions it was seen in.
pub struct View<T> {
    /// The store's number of the collection.
    pub collection: CollectionNumber,
    /// What the look at the columns gave.
    pub seen: T,
    /// More leases at the same commit, if asked for and free.
    pub helpers: Vec<Box<dyn Lease>>,
}

impl Answers {
    /// Looks at the columns of a collection at a commit and leaves `lease` in a read transaction at that commit. The
    /// columns stay as they are during `look` only; writers do not wait for it. `None` when the collection was never
    /// written to. `helped`: rows will be read in number, so more leases are taken along.
    pub fn view<T>(
        &self,
        lease: &dyn Lease,
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
                let mut index = slot.read().filter(|index| index.seq == found.seq);
                if index.is_none() {
                    let begin = |noted| {
                        let found = self.begin(lease, &helpers, name, noted)?;
                        Ok(found.filter(|found| found.id == collection).map(|found| found.seq))
                    };
                    index = self.indexes.agreed(collection, &slot, begin, |seq| self.since(lease, collection, seq))?;
                }
                if let Some(index) = index {
                    let at = Found { id: collection, seq: index.seq };
                    if !self.origin.pushes() {
                        self.texts.follow(at, lease)?;
                    }
                    let seen = look(&index.columns);
                    return Ok(Some(View { collection, seen, helpers: agreeing(helpers, name, at)? }));
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
    fn begin(
        &self,
        lease: &dyn Lease,
        helpers: &[Box<dyn Lease>],
        name: Collection,
        noted: bool,
    ) -> Result<Option<Found>> {
        lease.stop().go_on()?;
        for helper in helpers {
            helper.end()?;
        }
        lease.end()?;
        let _gate = (noted || !helpers.is_empty()).then(|| self.gate.lock());
        for helper in helpers {
            // The first read fixes what the transaction sees.
            helper.begin()?;
            helper.find(name)?;
        }
        lease.begin()?;
        lease.find(name)
    }

    /// What became of a collection after a commit, from an origin that has to be asked.
    fn since(&self, lease: &dyn Lease, collection: CollectionNumber, seq: CommitNumber) -> Result<Option<Since>> {
        if self.origin.pushes() {
            return Ok(None);
        }
        lease.since(collection, seq).map(Some)
    }

    /// Free leases. Taken before the gate is: commits wait for moments only.
    fn helpers(&self) -> Vec<Box<dyn Lease>> {
        let most = self.helpers_max.min(HELPERS_MAX);
        std::iter::from_fn(|| self.origin.spare()).take(most).collect()
    }
}

/// Those whose transaction is at this commit: the commits of an origin that does not push are not held back by the
/// gate.
fn agreeing(helpers: Vec<Box<dyn Lease>>, name: Collection, at: Found) -> Result<Vec<Box<dyn Lease>>> {
    let mut agreeing = Vec::with_capacity(helpers.len());
    for helper in helpers {
        if helper.find(name)? == Some(at) {
            agreeing.push(helper);
        }
    }
    Ok(agreeing)
}
