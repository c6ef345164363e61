//! Changes to a log: PATCH and PUT of a dataset row (contract B.11, B.12) and PATCH of a request log (contract E.4).
//!
//! Pure functions of the present record and the body, so that a store may run them again when another write came
//! between. They do not bound the size of the result: see [`check_size`](crate::log::ingest::check_size).

use crate::error::Result;
use crate::field::Field;
use crate::log::ingest::Body;
use crate::log::ingest::draft::{Draft, Purpose, set_metadata};
use crate::log::ingest::members::{Members, stated};
use crate::log::{Log, derive, payload};

/// Members that PUT removes when its body leaves them out (H12), beside `metadata`.
const CONTENT: &[&str] = &[
    payload::INPUT,
    payload::OUTPUT,
    payload::EXPECTED_OUTPUT,
    derive::PROMPT,
    derive::COMPLETION,
    derive::PROMPT_MESSAGES,
    derive::COMPLETION_MESSAGE,
    "completion_messages",
    derive::TOOL_CALLS,
];

/// Members of a request log that may be changed after ingestion (contract E.4), beside `metadata`.
const NOTES: &[Field] = &[Field::IsPinned, Field::PositiveFeedback, Field::Note, Field::Category];

/// PATCH of a row: absent keeps, null clears, metadata merges (a null deletes its key), anything else replaces. Members
/// of `parameters`, from an older form of the body, count as members of the body that give way to the others. `now` is
/// when an annotation that the body completes was completed.
pub fn merge(log: Log, body: &Body, now: i64) -> Result<Log> {
    Draft::new(log, Members::new(body, &["parameters"], true)?, Purpose::Change(now)).finish()
}

/// PUT of a row: content the body leaves out is removed; identity, times, measures, scores and annotation stay.
pub fn replace(mut log: Log, body: &Body, now: i64) -> Result<Log> {
    for name in CONTENT {
        log.payload.remove(name);
    }
    log.metadata.clear();
    log.scalars.set(Field::ErrorCode, None);
    log.scalars.set(Field::ErrorMessage, None);
    merge(log, body, now)
}

/// PATCH of a request log: the caller's notes on it and its metadata; other members are ignored.
pub fn annotate_span(mut log: Log, body: &Body) -> Result<Log> {
    for field in NOTES {
        if let Some(value) = body.get(field.name()) {
            log.scalars.set(*field, stated(*field, value, field.name())?);
        }
    }
    set_metadata(&mut log, &Members::new(body, &[], true)?, true)?;
    Ok(log)
}

#[cfg(test)]
mod tests;
