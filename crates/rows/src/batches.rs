//! The rows of a selection in batches of bounded size. Knows neither why they are read nor by whom.

use evalset_model::Result;
use evalset_model::ids::{Collection, RowNumber};
use evalset_model::log::Log;
use evalset_model::log::ingest::stored_bytes;
use evalset_store::Logs;
use evalset_store::logs::{Row, Selected, With};
use std::mem::size_of;

/// Rows read at once at most.
const BATCH_ROWS: usize = 200;
/// Bytes of rows held at once, as far as the rows before tell.
const BATCH_BYTES: usize = 4 * 1024 * 1024;
/// The first batch is small, since nothing is known of the rows yet.
const FIRST_BATCH_ROWS: usize = 16;

/// The rows of a selection, read in batches whose size follows the size of the rows seen.
pub struct Batches {
    collection: Collection,
    with: With,
    selected: Box<dyn Selected>,
    done: u64,
    last: Option<RowNumber>,
    size: usize,
    largest: usize,
}

impl Batches {
    /// Batches over the selected rows of `collection`, in their order.
    pub fn new(collection: Collection, selected: Box<dyn Selected>, with: With) -> Self {
        Self { collection, with, selected, done: 0, last: None, size: FIRST_BATCH_ROWS, largest: BATCH_ROWS }
    }

    /// With at most this many rows a batch.
    #[must_use]
    pub fn of_at_most(mut self, rows: usize) -> Self {
        self.largest = rows.clamp(1, BATCH_ROWS);
        self.size = self.size.min(self.largest);
        self
    }

    /// Rows passed so far.
    pub fn done(&self) -> u64 {
        self.done
    }

    /// The last row passed.
    pub fn last(&self) -> Option<RowNumber> {
        self.last
    }

    /// The next rows; those deleted since the selection are left out. `None` at the end.
    pub async fn next(&mut self, logs: &dyn Logs) -> Result<Option<Vec<Row>>> {
        let rows = self.selected.next(self.size).await?;
        if rows.is_empty() {
            return Ok(None);
        }
        let read = logs.read(self.collection, &rows, self.with).await?;
        self.done += rows.len() as u64;
        self.last = rows.last().copied();
        Ok(Some(read))
    }

    /// Tells how many bytes the last batch came to, from which follows the size of the next.
    pub fn measured(&mut self, rows: usize, bytes: usize) {
        if let Some(each) = bytes.checked_div(rows) {
            self.size = (BATCH_BYTES / each.max(size_of::<Log>())).clamp(1, self.largest);
        }
    }

    /// [`Batches::measured`] for rows as they are.
    pub fn measured_logs(&mut self, rows: &[Row]) {
        self.measured(rows.len(), rows.iter().map(|row| stored_bytes(row)).sum());
    }
}
