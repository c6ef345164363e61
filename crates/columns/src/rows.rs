//! A set of rows of one collection, one bit a row. Knows nothing of values; its positions mean something only to the
//! [`Columns`](crate::Columns) that made it.

use crate::bits;

/// A set of rows. Stays valid when rows are appended or removed later: new rows are not in it, removed ones no longer
/// count.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Rows {
    pub(crate) words: Vec<u64>,
}

impl Rows {
    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        bits::none(&self.words)
    }

    /// Adds the rows of `other`.
    pub fn union(&mut self, other: &Self) {
        if self.words.len() < other.words.len() {
            self.words.resize(other.words.len(), 0);
        }
        bits::or(&mut self.words, &other.words);
    }

    /// Keeps only rows that `other` has too.
    pub fn intersect(&mut self, other: &Self) {
        bits::and(&mut self.words, &other.words);
    }

    /// Takes out the rows of `other`.
    pub fn subtract(&mut self, other: &Self) {
        bits::minus(&mut self.words, &other.words);
    }
}
