//! Which rows: filters as a caller sent them, or as a job keeps them, checked for the collection they are asked of.
//! Knows no job.

use evalset_model::Result;
use evalset_model::filter::LogFilter;
use evalset_model::filter::check::{self, LogScope};
use evalset_model::filter::wire::{self, Filters};
use evalset_model::ids::Collection;
use serde_json::Value;

pub use evalset_model::filter::build::window;
pub use evalset_model::filter::check::Unknown;

/// Checks filters over rows of `collection` as a caller sent them. With [`Unknown::Metadata`] names that are no field
/// are metadata keys, as in every read (contract C.4); with [`Unknown::Refuse`] they are errors, as in a removal
/// (B.16).
pub fn check(collection: Collection, filters: &Filters, unknown: Unknown) -> Result<LogFilter> {
    check::logs(filters, &LogScope::of(collection, unknown))
}

/// Checks the filters that a job keeps.
pub fn stored(collection: Collection, filters: &Value, unknown: Unknown) -> Result<LogFilter> {
    check(collection, &wire::parse_stored(filters)?, unknown)
}
