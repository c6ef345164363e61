//! A log as columns take it in. Knows no columns.

use evalset_model::log::Scalars;
use evalset_model::score::ComparedScores;
use serde_json::{Map, Value};

/// What the columns need to know of a log.
#[derive(Clone, Copy, Debug)]
pub struct LogRef<'a> {
    /// Its id.
    pub id: &'a str,
    /// Its typed fields.
    pub scalars: &'a Scalars,
    /// Its metadata, `_` keys included.
    pub metadata: &'a Map<String, Value>,
    /// Its scores; `None` leaves those of a row that is replaced.
    pub scores: Option<&'a ComparedScores>,
}
