//! Files of others as logs: JSONL and CSV, plain or compressed, a bounded batch of lines at a time; a line that cannot
//! be read is told by its number and does not end the reading. Knows what columns and keys mean; does not know where
//! logs go.

pub mod csv_map;
pub mod json_map;
pub mod names;
pub mod reader;

pub use names::Mapping;
pub use reader::{Batch, Format, Line, Source};

/// What was asked of a file and cannot be meant: a column that is not there, a format that nothing tells.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct Refused(pub String);

#[cfg(test)]
mod tests;
