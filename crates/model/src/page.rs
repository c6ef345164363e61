//! Order and paging (contract A.6).

use crate::filter::LogField;
use crate::filter::meaning::{SortKey, compare_keys};
use crate::ids::LogId;
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

/// The place of a row in an ordered list, whether or not the row is still there.
#[derive(Clone, Debug, PartialEq)]
pub struct Mark {
    /// What the row was ordered by.
    pub key: SortKey<'static>,
    /// Its id, which orders rows with the same key.
    pub id: LogId,
}

impl Mark {
    /// Whether a row with this key and id comes after the place.
    pub fn is_before(&self, key: &SortKey<'_>, id: &str, descending: bool) -> bool {
        compare_keys(&self.key, key, descending).then_with(|| self.id.as_str().cmp(id)).is_lt()
    }
}

/// Which rows of an ordered list of logs.
#[derive(Clone, Debug, PartialEq)]
pub enum Part {
    /// By count from the front.
    Page(Window),
    /// From a place on. Costs the same however deep that is, and loses or repeats no row when others come and go.
    After {
        /// After this place; from the front when none.
        mark: Option<Mark>,
        /// Rows to return.
        limit: u64,
    },
}

/// One page of a list.
#[derive(Clone, Debug, PartialEq)]
pub struct Page<T> {
    /// Rows of this page.
    pub rows: Vec<T>,
    /// Rows that match, exactly.
    pub total: u64,
}
