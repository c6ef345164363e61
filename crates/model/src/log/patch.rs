//! Changes to a log: PATCH and PUT of a dataset row (contract B.11, B.12) and PATCH of a request log (contract E.4).
//!
//! Pure functions of the present record and the body, so that a store may run them again when another write came between.
//! They do not bound the size of the result: see [`check_size`](crate::log::ingest::check_size).

use crate::error::{Error, Result};
use crate::field::Field;
use crate::log::ingest::measures::{self, Given};
use crate::log::ingest::members::{Members, Stated, scalar};
use crate::log::ingest::{aliases, content, keep, settle};
use crate::log::{Log, annotation, derive, payload};
use serde_json::{Map, Value};

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

/// PATCH of a row: absent keeps, null clears, metadata merges (a null deletes its key), anything else replaces. Members of
/// `parameters`, from an older form of the body, count as members of the body that give way to the others. `now` is when an
/// annotation that the body completes was completed.
pub fn merge(mut log: Log, body: &Map<String, Value>, now: i64) -> Result<Log> {
    let before = annotation::Before::of(&log);
    let members = Members::new(body, &["parameters"], true)?;
    let mut given = Given::new();
    let mut fields = members.fields()?;
    for (field, value) in &mut fields {
        if *field == Field::Timestamp && value.is_none() {
            return Err(Error::invalid("timestamp", "`timestamp` cannot be null: every log has one"));
        }
        given.insert(*field);
        log.scalars.set(*field, value.take());
    }
    let mut input = content::input(&members)?;
    let mut output = content::output(&members)?;
    input.set_value(&mut log);
    output.set_value(&mut log);
    keep(&mut log, &members)?;
    merge_metadata(&mut log, &members)?;
    measures::metrics(&mut log, &members, &mut given)?;
    measures::usage(&mut log, &members, &mut given)?;
    aliases::lift(&mut log, &members, &mut given)?;
    refresh(&mut log, &given);
    input.set_views(&mut log);
    output.set_views(&mut log);
    annotation::changed(&mut log, &before, &members, now)?;
    settle(&mut log);
    Ok(log)
}

/// PUT of a row: content the body leaves out is removed; identity, times, measures, scores and annotation stay.
pub fn replace(mut log: Log, body: &Map<String, Value>, now: i64) -> Result<Log> {
    for name in CONTENT {
        log.payload.shift_remove(*name);
    }
    log.metadata.clear();
    log.scalars.set(Field::ErrorCode, None);
    log.scalars.set(Field::ErrorMessage, None);
    merge(log, body, now)
}

/// PATCH of a request log: the caller's notes on it and its metadata; other members are ignored.
pub fn annotate_span(mut log: Log, body: &Map<String, Value>) -> Result<Log> {
    for field in NOTES {
        if let Some(value) = body.get(field.name()) {
            log.scalars.set(*field, scalar(*field, value, field.name())?);
        }
    }
    merge_metadata(&mut log, &Members::new(body, &[], true)?)?;
    Ok(log)
}

fn merge_metadata(log: &mut Log, members: &Members<'_>) -> Result<()> {
    match members.object("metadata")? {
        Stated::Absent => {}
        Stated::Null => log.metadata.clear(),
        Stated::Value(changes) => {
            for (key, value) in changes {
                if value.is_null() {
                    log.metadata.shift_remove(key);
                } else {
                    log.metadata.insert(key.clone(), value.clone());
                }
            }
        }
    }
    Ok(())
}

/// Recomputes what follows from a changed field, unless the body states it too.
fn refresh(log: &mut Log, given: &Given) {
    let changed = |fields: &[Field]| fields.iter().any(|field| given.contains(field));
    if changed(&[Field::PromptTokens, Field::CompletionTokens]) && !given.contains(&Field::TotalRequestTokens) {
        measures::total_tokens(log);
    }
    if changed(&[Field::CompletionTokens, Field::Latency]) && !given.contains(&Field::TokensPerSecond) {
        measures::tokens_per_second(log);
    }
    if log.text(Field::Status).is_none() || (given.contains(&Field::StatusCode) && !given.contains(&Field::Status)) {
        measures::status(log);
    }
    if log.text(Field::LogType).is_none() {
        let chat = log.payload.get(payload::INPUT).is_some_and(derive::reads_as_messages);
        log.scalars.set_text(Field::LogType, if chat { "chat" } else { "custom" });
    }
}

#[cfg(test)]
mod tests;
