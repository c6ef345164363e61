//! Lists whose rows are written out as they are read, so that one row is held at a time, however large rows are.

use evalset_model::filter::LogFilter;
use evalset_model::ids::RowNumber;
use evalset_model::log::Log;
use evalset_model::page::{Mark, Part, Sort};
use evalset_model::score::ShownScores;
use evalset_model::{Error, Result};
use std::fmt;
use std::sync::Arc;

/// A record to be written.
#[derive(Clone, Copy, Debug)]
pub struct TextRow<'a> {
    /// Where it stands in its store.
    pub number: RowNumber,
    /// The record; its payload is empty when it was not asked for.
    pub log: &'a Log,
    /// The scores it shows; none when they were not asked for.
    pub scores: &'a ShownScores,
}

/// Adds one row to the text of a list.
pub type WriteRow = Arc<dyn Fn(&TextRow<'_>, &mut Vec<u8>) -> Result<()> + Send + Sync>;

/// How rows are written.
#[derive(Clone)]
pub struct Writing {
    /// Called for each row, in order.
    pub row: WriteRow,
    /// Whether it looks at the payload.
    pub payload: bool,
    /// Whether it looks at the scores.
    pub scores: bool,
    /// How much text is enough.
    pub bound: Bound,
}

/// A bound on the bytes of text. A single row may have more.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Bound {
    /// With more the read fails as `TooLarge`.
    Refuse(usize),
    /// With so many the read ends.
    Stop(usize),
}

impl fmt::Debug for Writing {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { payload, scores, bound, .. } = self;
        write!(out, "Writing {{ payload: {payload}, scores: {scores}, bound: {bound:?} }}")
    }
}

/// A read of an ordered, filtered list.
#[derive(Clone, Debug)]
pub struct List {
    /// Which rows.
    pub filter: LogFilter,
    /// Order.
    pub sort: Sort,
    /// Which part.
    pub part: Part,
    /// In what form.
    pub writing: Writing,
}

/// Rows as text.
#[derive(Debug, Default, PartialEq)]
pub struct Written {
    /// What [`Writing::row`] wrote.
    pub text: Vec<u8>,
    /// Rows in it.
    pub rows: u64,
    /// Row numbers passed, those of rows that are gone included.
    pub passed: usize,
}

/// A part of a list.
#[derive(Debug, Default, PartialEq)]
pub struct Listed {
    /// Its rows.
    pub written: Written,
    /// Rows that match, exactly.
    pub total: u64,
    /// Where the next part begins; none when this one reaches the end.
    pub next: Option<Mark>,
}

impl Written {
    /// Adds a row, unless the text gets too large by it.
    pub fn add(&mut self, row: &TextRow<'_>, writing: &Writing) -> Result<()> {
        (writing.row)(row, &mut self.text)?;
        self.rows += 1;
        match writing.bound {
            Bound::Refuse(most) if self.text.len() > most && self.rows > 1 => Err(too_large(most)),
            Bound::Refuse(_) | Bound::Stop(_) => Ok(()),
        }
    }

    /// Whether the read is to end.
    pub fn is_full(&self, writing: &Writing) -> bool {
        matches!(writing.bound, Bound::Stop(enough) if self.text.len() >= enough)
    }
}

fn too_large(bytes_max: usize) -> Error {
    Error::TooLarge(format!(
        "the rows of this page have more than {bytes_max} bytes (`limits.page_bytes`): ask for fewer, with a smaller \
         `page_size`, for some members only, with `include_fields`, or for the beginnings of long values, with `preview`"
    ))
}
