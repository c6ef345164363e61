//! Columns made from the rows of the origin: all of them, or those that came after a snapshot. Knows rows and columns,
//! neither commits nor who waits.

use crate::indexes::Indexes;
use crate::number::CollectionNumber;
use crate::origin::{Fields, Lease, Sight};
use crate::slot::as_ref;
use evalset_columns::Columns;
use evalset_model::ids::RowNumber;
use evalset_model::score::ShownScores;
use evalset_model::{Error, Result};
use std::mem::take;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel, sync_channel};
use std::thread;

/// Rows that go from the reader to the filler at once.
const PORTION_ROWS: usize = 512;
/// Bytes of metadata from which fewer go at once.
const PORTION_BYTES: usize = 1024 * 1024;
/// Portions that may lie between them.
const PORTIONS: usize = 4;

/// Rows on their way from the reader to the filler.
type Portion = Vec<Fields>;

/// Counts an index that is being made, for as long as it lives.
struct Filling<'a>(&'a AtomicUsize);

impl<'a> Filling<'a> {
    fn begin(count: &'a AtomicUsize) -> Self {
        count.fetch_add(1, Ordering::Relaxed);
        Self(count)
    }
}

impl Drop for Filling<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

impl Indexes {
    /// Whether callers wait for an index that is being made.
    pub(crate) fn filling(&self) -> bool {
        self.filling.load(Ordering::Relaxed) > 0
    }

    /// Makes columns of all rows, with a thread that fills them while this one reads. The lease must be in a
    /// transaction.
    pub(crate) fn read_rows(&self, collection: CollectionNumber, lease: &dyn Lease) -> Result<Columns> {
        let _one_more = Filling::begin(&self.filling);
        let (sender, portions) = sync_channel::<Portion>(PORTIONS);
        let (done, spent) = channel::<Portion>();
        let mut columns = thread::scope(|scope| {
            let filling = scope.spawn(move || self.fill(collection, &portions, &done));
            let (mut portion, mut bytes) = (Portion::new(), 0);
            let read = lease.each_row(collection, RowNumber::new(0), &mut |stored| {
                bytes += stored.metadata_bytes;
                portion.push(stored);
                if portion.len() < PORTION_ROWS && bytes < PORTION_BYTES {
                    return Ok(());
                }
                bytes = 0;
                // Dropped where they were made, and so their memory is used again: allocators are slow when one thread
                // gives back what another took.
                drop(spent.try_iter().collect::<Vec<_>>());
                sender.send(take(&mut portion)).map_err(Error::internal)
            });
            let sent = read.and_then(|()| sender.send(portion).map_err(Error::internal));
            drop(sender);
            let columns = filling.join().map_err(|_| Error::internal("filling the columns failed"))?;
            sent.map(|()| columns)
        })?;
        if let Some(name) = lease.name(collection)? {
            add_scores(lease, collection, &lease.sight(name, collection)?, &mut columns)?;
        }
        Ok(columns)
    }

    /// Columns of the rows that come, in the order in which they come.
    fn fill(&self, collection: CollectionNumber, portions: &Receiver<Portion>, spent: &Sender<Portion>) -> Columns {
        let mut columns = Columns::with_chunk_rows(&self.limits, self.chunk_rows);
        let mut unsealed = 0;
        for portion in portions {
            unsealed += portion.len();
            for stored in &portion {
                columns.append(stored.row, as_ref(&stored.log, None));
            }
            // At the end nobody takes it any more.
            spent.send(portion).ok();
            if unsealed >= self.chunk_rows {
                unsealed = 0;
                self.seal_all(collection, &mut columns);
                // Nobody asks these columns yet.
                self.snapshots.files().release_some(&columns.files());
            }
        }
        columns
    }
}

/// Adds the rows that came after those of a snapshot.
pub(crate) fn add_newer(lease: &dyn Lease, collection: CollectionNumber, columns: &mut Columns) -> Result<()> {
    let Some(name) = lease.name(collection)? else { return Ok(()) };
    let sight = lease.sight(name, collection)?;
    lease.each_row(collection, columns.last_row(), &mut |stored| {
        let scores = sight.compared(lease, &stored.log.id)?;
        columns.append(stored.row, as_ref(&stored.log, Some(&scores)));
        Ok(())
    })
}

/// Writes the scores of all rows into their columns.
fn add_scores(lease: &dyn Lease, collection: CollectionNumber, sight: &Sight, columns: &mut Columns) -> Result<()> {
    if sight.is_empty() {
        return Ok(());
    }
    lease.each_scored(collection, sight, &mut |row, scores| {
        columns.set_scores(row, &ShownScores::of(scores, sight.place).compared());
        Ok(())
    })
}
