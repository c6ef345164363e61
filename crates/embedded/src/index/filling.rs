//! Columns made from the rows of the data file: all of them, or those that came after a snapshot. Knows rows and columns, neither
//! commits nor who waits.

use crate::engine::readers::Lease;
use crate::file::collection;
use crate::file::error::Sql;
use crate::file::row::{self, Stored};
use crate::file::schema::SELECT;
use crate::index::indexes::{Indexes, as_ref};
use crate::scores::row_scores::Sight;
use evalset_columns::Columns;
use evalset_model::ids::RowNumber;
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
type Portion = Vec<Stored>;

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

    /// Makes columns of all rows, with a thread that fills them while this one reads. The lease must be in a transaction.
    pub(crate) fn read_rows(&self, collection: i64, lease: &Lease) -> Result<Columns> {
        let _one_more = Filling::begin(&self.filling);
        let (sender, portions) = sync_channel::<Portion>(PORTIONS);
        let (done, spent) = channel::<Portion>();
        let mut columns = thread::scope(|scope| {
            let filling = scope.spawn(move || self.fill(collection, &portions, &done));
            let (mut portion, mut bytes) = (Portion::new(), 0);
            let read = each_row(lease, collection, 0, |stored| {
                bytes += stored.metadata_bytes;
                portion.push(stored);
                if portion.len() < PORTION_ROWS && bytes < PORTION_BYTES {
                    return Ok(());
                }
                bytes = 0;
                // Dropped where they were made, and so their memory is used again: allocators are slow when one thread gives back
                // what another took.
                drop(spent.try_iter().collect::<Vec<_>>());
                sender.send(take(&mut portion)).map_err(Error::internal)
            });
            let sent = read.and_then(|()| sender.send(portion).map_err(Error::internal));
            drop(sender);
            let columns = filling.join().map_err(|_| Error::internal("filling the columns failed"))?;
            sent.map(|()| columns)
        })?;
        let connection = lease.connection()?;
        if let Some(name) = collection::name(connection, collection)? {
            Sight::of(connection, name, collection)?.load(connection, collection, &mut columns)?;
        }
        Ok(columns)
    }

    /// Columns of the rows that come, in the order in which they come.
    fn fill(&self, collection: i64, portions: &Receiver<Portion>, spent: &Sender<Portion>) -> Columns {
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
pub(crate) fn add_newer(lease: &Lease, collection: i64, columns: &mut Columns) -> Result<()> {
    let connection = lease.connection()?;
    let Some(name) = collection::name(connection, collection)? else { return Ok(()) };
    let sight = Sight::of(connection, name, collection)?;
    each_row(lease, collection, columns.last_row(), |stored| {
        let scores = sight.compared(connection, &stored.log.id)?;
        columns.append(stored.row, as_ref(&stored.log, Some(&scores)));
        Ok(())
    })
}

/// Visits the rows of a collection above a number in row order, without payloads.
fn each_row(
    lease: &Lease,
    collection: i64,
    above: RowNumber,
    mut visit: impl FnMut(Stored) -> Result<()>,
) -> Result<()> {
    let sql = format!("{} WHERE collection = ?1 AND row > ?2 ORDER BY row", *SELECT);
    let mut statement = lease.connection()?.prepare(&sql).sql()?;
    let mut lines = statement.query([collection, above]).sql()?;
    while let Some(line) = lines.next().sql()? {
        match row::decode(line) {
            Ok(stored) => visit(stored)?,
            Err(unreadable) => lease.damage().note(collection, &unreadable),
        }
    }
    Ok(())
}
