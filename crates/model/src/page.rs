//! Order and paging (contract A.6).

use crate::filter::LogField;
use serde::{Deserialize, Serialize};

/// Order of log rows: nulls last in both directions, ties by `unique_id` ascending.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Sort {
    /// By what. Only [`LogField::sortable`] fields.
    pub field: LogField,
    /// Greatest first.
    pub descending: bool,
}

impl Sort {
    /// By falling `timestamp`: the order of rows when none is asked for.
    pub fn newest_first() -> Self {
        Self { field: LogField::Scalar(crate::field::Field::Timestamp), descending: true }
    }
}

/// Which rows of an ordered list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Window {
    /// Rows to pass over.
    pub offset: u64,
    /// Rows to return.
    pub limit: u64,
}

/// One page of a list.
#[derive(Clone, Debug, PartialEq)]
pub struct Page<T> {
    /// Rows of this page.
    pub rows: Vec<T>,
    /// Rows that match, exactly.
    pub total: u64,
}
