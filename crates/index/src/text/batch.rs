//! Rows read for a new segment, and how many are enough. Knows no transactions.

use crate::number::CommitNumber;
use evalset_model::ids::RowNumber;
use evalset_text::Builder;

/// Rows of a new segment.
pub(super) const SEGMENT_ROWS: usize = 50_000;
/// About the memory of a new segment; the row that passes it is still in it.
pub(super) const SEGMENT_BYTES: usize = 48 * 1024 * 1024;

/// Rows of a new segment.
pub(super) struct Batch {
    /// Their texts.
    pub builder: Builder,
    /// Rows up to this one have been looked at.
    pub above: RowNumber,
    /// The commit at which, or after which, all of them were read.
    pub seq: CommitNumber,
    /// Rows that were looked at again.
    pub again: Vec<RowNumber>,
    /// More rows wait.
    pub more: bool,
}

impl Batch {
    /// Whether it has enough for a segment.
    pub fn is_full(&self) -> bool {
        self.builder.rows().len() >= SEGMENT_ROWS || self.builder.bytes() >= SEGMENT_BYTES
    }
}
