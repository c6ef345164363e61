//! Scores of rows: the one place where the index and the filters of this store ask for them.
//!
//! Scores are not stored yet, so that every row has none.

use serde_json::{Map, Value};
use std::sync::LazyLock;

/// The scores of a row, by evaluator id and slug.
pub(super) fn of_row() -> &'static Map<String, Value> {
    static NONE: LazyLock<Map<String, Value>> = LazyLock::new(Map::new);
    &NONE
}
