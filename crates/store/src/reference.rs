//! Parts of the meaning of reads that every store must give the same answer to, computed on records.

use evalset_model::filter::{LogField, LogFilter, meaning};
use evalset_model::log::Log;
use evalset_model::scalar::Scalar;
use serde_json::Value;

/// Whether the filter asks for scores: when not, they need not be looked up.
pub fn asks_for_scores(filter: &LogFilter) -> bool {
    let mut asks = false;
    filter.visit(&mut |compare| asks |= matches!(compare.field, LogField::Score(_) | LogField::ScoreMap));
    asks
}

/// The group of I10 that a record belongs to: texts as they are, other values as their JSON text, `None` for null.
pub fn group_key(log: &Log, by: &LogField) -> Option<String> {
    let value = match by {
        LogField::Id => return Some(log.id.as_str().to_owned()),
        LogField::Scalar(field) => log.scalars.get(*field).map(Scalar::to_json),
        LogField::Metadata(path) => meaning::lookup(&log.metadata, path).cloned(),
        LogField::Text(_) | LogField::MetadataMap | LogField::Score(_) | LogField::ScoreMap => None,
    };
    match value? {
        Value::Null => None,
        Value::String(text) => Some(text),
        other => Some(other.to_string()),
    }
}
