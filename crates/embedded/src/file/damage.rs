//! Stored rows that cannot be read: who asks for one of them gets an error, who asks for many gets the others.
//!
//! Knows what was found, not where to look. Faults of the file itself are never taken for damage of a row.

use evalset_index::CollectionNumber;
use evalset_model::ids::RowNumber;
use evalset_model::{Error, Result};
use hashbrown::HashSet;
use parking_lot::Mutex;
use std::fmt;

/// So many unreadable rows are told apart; a file with more than these is beyond counting.
const NOTED_MAX: usize = 10_000;

/// A stored row that does not decode.
#[derive(Debug)]
pub(crate) struct Unreadable {
    /// Its number.
    pub row: RowNumber,
    /// What is wrong with it, after "row 5".
    pub what: String,
}

impl fmt::Display for Unreadable {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "row {} {}", self.row, self.what)
    }
}

/// Why a row was not read.
#[derive(Debug)]
pub(crate) enum Fault {
    /// It is damaged.
    Row(Unreadable),
    /// The store failed.
    Store(Error),
}

impl From<Unreadable> for Fault {
    fn from(row: Unreadable) -> Self {
        Self::Row(row)
    }
}

impl From<Error> for Fault {
    fn from(error: Error) -> Self {
        Self::Store(error)
    }
}

impl From<Fault> for Error {
    fn from(fault: Fault) -> Self {
        match fault {
            Fault::Row(row) => Error::internal(row),
            Fault::Store(error) => error,
        }
    }
}

/// The unreadable rows met since the store was opened.
#[derive(Default)]
pub(crate) struct Damage {
    rows: Mutex<HashSet<RowNumber>>,
}

impl Damage {
    /// For reads of many rows: a damaged one is logged once, counted, and as good as not there.
    pub fn pass_over<T>(&self, collection: CollectionNumber, read: Result<Option<T>, Fault>) -> Result<Option<T>> {
        match read {
            Ok(value) => Ok(value),
            Err(Fault::Store(error)) => Err(error),
            Err(Fault::Row(unreadable)) => {
                self.note(collection, &unreadable);
                Ok(None)
            }
        }
    }

    /// Counts a row, and logs it the first time.
    pub fn note(&self, collection: CollectionNumber, unreadable: &Unreadable) {
        let mut rows = self.rows.lock();
        if rows.len() < NOTED_MAX && rows.insert(unreadable.row) {
            let Unreadable { row, what } = unreadable;
            tracing::error!(row = row.get(), %collection, what, "a stored row cannot be read and is passed over");
        }
    }

    /// How many there were.
    pub fn rows(&self) -> usize {
        self.rows.lock().len()
    }
}
