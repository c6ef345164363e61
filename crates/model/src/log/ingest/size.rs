//! Size of a row as JSON text, counted without building the text, and how deep it is nested.

use crate::error::{Error, Result};
use crate::limits::Limits;
use crate::log::Log;
use serde::Serialize;
use serde_json::Value;
use std::io::{self, Write};

/// Deepest nesting of a member. JSON readers stop at 128: what is stored must stay readable inside a reply, a line of
/// an export or a stored record, each of which adds levels of its own.
pub const MAX_DEPTH: usize = 100;

struct Counter {
    left: usize,
}

impl Write for Counter {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.left = self.left.checked_sub(bytes.len()).ok_or(io::ErrorKind::FileTooLarge)?;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Refuses a body larger than one row may be.
pub(crate) fn check(body: &impl Serialize, limits: &Limits) -> Result<()> {
    // Counting stops at the limit, so an oversize body costs no more than the greatest allowed one.
    let mut counter = Counter { left: limits.max_row_bytes };
    serde_json::to_writer(&mut counter, body).map_err(|_| too_large(limits))
}

/// The error of a row that is larger than one may be.
pub(super) fn too_large(limits: &Limits) -> Error {
    let most = limits.max_row_bytes;
    Error::TooLarge(format!("one log may have at most {most} bytes of JSON (`limits.max_row_bytes`)"))
}

/// Refuses metadata of too many values, which are held as a tree.
pub(super) fn check_metadata(values: usize, most: usize) -> Result<()> {
    if values <= most {
        return Ok(());
    }
    let message = format!("`metadata` may be made of at most {most} values (`limits.metadata_values`)");
    Err(Error::TooLarge(message))
}

/// Refuses a stored form larger or deeper than one row may be: a PATCH may grow a row in steps.
pub fn check_size(log: &Log, limits: &Limits) -> Result<()> {
    check_depth(log)?;
    check_metadata(log.metadata.values().map(values).sum(), limits.metadata_values)?;
    if stored_bytes(log) > limits.max_row_bytes { Err(too_large(limits)) } else { Ok(()) }
}

/// How many values a tree is made of.
fn values(value: &Value) -> usize {
    match value {
        Value::Array(items) => 1 + items.iter().map(values).sum::<usize>(),
        Value::Object(members) => 1 + members.values().map(|member| 1 + values(member)).sum::<usize>(),
        _ => 1,
    }
}

/// Bytes of JSON that the structured part of a stored log comes to.
pub fn stored_bytes(log: &Log) -> usize {
    let mut counter = Counter { left: usize::MAX };
    // Maps of JSON values with text keys always serialise, and no log comes near the end of the counter.
    serde_json::to_writer(&mut counter, &log.metadata).ok();
    usize::MAX - counter.left + log.payload.bytes() + 3
}

/// Refuses members nested too deep to be read back.
pub(crate) fn check_depth(log: &Log) -> Result<()> {
    let member = log.payload.iter().find(|(_, value)| !value.is_within(MAX_DEPTH)).map(|(name, _)| name);
    let metadata = || log.metadata.values().any(|value| !is_within(value, MAX_DEPTH)).then_some("metadata");
    match member.or_else(metadata) {
        None => Ok(()),
        Some(name) => Err(Error::invalid(name, format!("`{name}` may be nested at most {MAX_DEPTH} levels deep"))),
    }
}

fn is_within(value: &Value, levels: usize) -> bool {
    match value {
        Value::Array(items) => levels > 0 && items.iter().all(|item| is_within(item, levels - 1)),
        Value::Object(members) => levels > 0 && members.values().all(|member| is_within(member, levels - 1)),
        _ => true,
    }
}
