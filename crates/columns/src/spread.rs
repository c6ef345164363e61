//! How the values of a field are spread over a set of rows. Knows columns and their types, not what is asked for in the
//! end.

use crate::bits;
use crate::columns::Columns;
use crate::key::{Source, float_of_key, int_of_key};
use crate::rows::Rows;
use evalset_model::filter::LogField;
use evalset_model::page::Sort;

/// Rows whose value is no number.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct NoNumbers {
    /// It is something else.
    pub others: u64,
    /// There is none.
    pub nulls: u64,
}

impl Columns {
    /// Visits the numbers that a field has in the alive rows, in no particular order; times are microseconds, and
    /// booleans numbers only among scores. Rows that are [`Columns::doubtful`] must not be among them.
    pub fn each_number(&self, rows: &Rows, field: &LogField, mut visit: impl FnMut(f64)) -> NoNumbers {
        let rows = self.alive_of(rows);
        let mut rest = NoNumbers::default();
        for part in self.parts(&Sort { field: field.clone(), descending: false }) {
            for chunk in 0..self.chunks() {
                let rows = bits::part(&rows, self.grid.start(chunk) / bits::WORD, self.grid.words());
                part.each(chunk, rows, |_, key| match &part.source {
                    Source::Int(_) => visit(int_of_key(key) as f64),
                    Source::Float(_) | Source::DynamicNumber(_) => visit(float_of_key(key)),
                    Source::Missing(_) => rest.nulls += 1,
                    _ => rest.others += 1,
                });
                self.watch.passed();
            }
        }
        rest
    }
}
