//! Members that are lifted to fields: metadata keys, `customer_params`, prompt references, session ids (contract D.1,
//! D.4).

use crate::error::Result;
use crate::field::Field;
use crate::json::Json;
use crate::log::Log;
use crate::log::ingest::measures::{Given, offer};
use crate::log::ingest::members::{Members, scalar, wrong};
use crate::scalar::{Kind, Scalar};

/// Metadata keys lifted to fields on dataset rows (contract D.4).
const PROMOTED: &[(&str, Field)] = &[
    ("model", Field::Model),
    ("log_type", Field::LogType),
    ("custom_identifier", Field::CustomIdentifier),
    ("session_id", Field::SessionIdentifier),
    ("customer_identifier", Field::CustomerIdentifier),
    ("thread_identifier", Field::ThreadIdentifier),
    ("group_identifier", Field::GroupIdentifier),
    ("trace_unique_id", Field::TraceUniqueId),
    ("prompt_id", Field::PromptId),
    ("prompt_name", Field::PromptName),
    ("timestamp", Field::Timestamp),
    ("start_time", Field::StartTime),
    ("status_code", Field::StatusCode),
    ("status", Field::Status),
    ("error_message", Field::ErrorMessage),
    ("error_code", Field::ErrorCode),
    ("provider", Field::ProviderId),
];

/// Lifts known metadata keys to fields not given better. Metadata is free context and keeps every key, so a value that
/// cannot be the field's stays metadata only; but a time that cannot be read is an error, as it would misdate the row.
///
/// A field the body states as null stays unset: so is a row's export read back as it was.
pub(crate) fn promote(log: &mut Log, members: &Members<'_>, given: &mut Given) -> Result<()> {
    for (key, field) in PROMOTED.iter().filter(|(_, field)| !members.names(field.name())) {
        let Some(value) = log.metadata.get(*key).filter(|value| !value.is_null()) else { continue };
        let read = scalar(*field, value, &format!("metadata.{key}"));
        let read = if field.kind() == Kind::Time && !value.is_object() && !value.is_array() {
            read?
        } else {
            read.ok().flatten()
        };
        if let Some(read) = read
            && given.insert(*field)
        {
            log.scalars.set(*field, Some(read));
        }
    }
    Ok(())
}

/// Lifts `customer_params` and a `prompt` reference object to fields not given better.
pub(crate) fn lift(log: &mut Log, members: &Members<'_>, given: &mut Given) -> Result<()> {
    if let Some(customer) = log.payload.text("customer_params").cloned() {
        let names = [
            ("customer_identifier", Field::CustomerIdentifier),
            ("email", Field::CustomerEmail),
            ("name", Field::CustomerName),
        ];
        from(log, customer.json(), "customer_params", &names, given)?;
    }
    if let Some(prompt) = members.find("prompt").map(|member| member.value).filter(|prompt| prompt.is_object()) {
        let names = [
            ("prompt_id", Field::PromptId),
            ("prompt_name", Field::PromptName),
            ("prompt_version_number", Field::PromptVersionNumber),
        ];
        from(log, prompt, "prompt", &names, given)?;
        match prompt.get("variables").filter(|variables| !variables.is_null()) {
            None => {}
            Some(variables) if variables.is_object() && log.payload.get("variables").is_none() => {
                log.payload.set("variables", Some(members.keep(variables)));
            }
            Some(variables) if variables.is_object() => {}
            Some(other) => return Err(wrong("prompt.variables", "an object", &other)),
        }
    }
    Ok(())
}

/// A thread or a trace group is also the session, the trace group winning, unless a session was given.
pub(crate) fn session(log: &mut Log) {
    if log.scalars.get(Field::SessionIdentifier).is_none() {
        let session = log.text(Field::TraceGroupIdentifier).or_else(|| log.text(Field::ThreadIdentifier));
        let session = session.map(|text| Scalar::Text(text.to_owned()));
        log.scalars.set(Field::SessionIdentifier, session);
    }
}

fn from(log: &mut Log, source: Json<'_>, path: &str, names: &[(&str, Field)], given: &mut Given) -> Result<()> {
    for (name, field) in names {
        if let Some(value) = source.get(name) {
            offer(log, *field, value, &format!("{path}.{name}"), given)?;
        }
    }
    Ok(())
}
