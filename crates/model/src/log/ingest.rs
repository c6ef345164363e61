//! A wire body becomes a [`Log`]: dataset rows (contract B.7) and request logs (contract E.1), with all defaults.
//!
//! Does not know where the log will be kept, who asks, or what time it is: the [`Context`] says so.

pub(crate) mod aliases;
pub(crate) mod content;
mod credentials;
pub(crate) mod measures;
pub(crate) mod members;
mod size;

pub use members::{MAX_INT, SPAN_NAME_CHARS};
pub use size::{MAX_DEPTH, check_size, stored_bytes};

use crate::error::{Error, Result};
use crate::field::Field;
use crate::ids::LogId;
use crate::limits::Limits;
use crate::log::{Log, annotation, derive, payload};
use crate::scalar::{Scalar, read_bool};
use measures::Given;
use members::{Members, Stated, wrong};
use serde_json::{Map, Value};

/// Longest `unique_id` a caller may give, in characters.
pub const UNIQUE_ID_CHARS: usize = 255;

/// Namespaces of a request log whose members give way to those of the body (contract E.1).
const NAMESPACES: &[&str] = &["respan_params", "keywordsai_params"];

/// What the server knows of a log beside its body.
#[derive(Clone, Debug)]
pub struct Context<'a> {
    /// Id of the log, unless a request log brings its own `unique_id`.
    pub id: LogId,
    /// Microseconds since the epoch.
    pub now: i64,
    /// Name of the key's environment (contract A.3); what the body says of it is ignored.
    pub environment: &'static str,
    /// Id of the key.
    pub key_id: String,
    /// Name of the key.
    pub key_name: &'a str,
    /// How the log came in (contract D.1).
    pub log_method: &'static str,
    /// Size limits.
    pub limits: &'a Limits,
}

#[derive(Clone, Copy, PartialEq)]
enum Kind {
    Row,
    Span,
}

/// Reads a dataset row (contract B.7). Takes a detail row too: members the server derives are ignored.
pub fn row(body: &Map<String, Value>, context: &Context<'_>) -> Result<Log> {
    size::check(body, context.limits)?;
    build(&Members::new(body, &[], false)?, Kind::Row, context.id.clone(), context)
}

/// Reads a request log (contract E.1). `None` when the caller asks for it not to be kept.
pub fn span(body: &Map<String, Value>, context: &Context<'_>) -> Result<Option<Log>> {
    size::check(body, context.limits)?;
    let members = Members::new(body, NAMESPACES, false)?;
    if let Some(member) = members.find("disable_log") {
        let path = member.path();
        if read_bool(member.value).ok_or_else(|| wrong(&path, "true or false", member.value))? {
            return Ok(None);
        }
    }
    let id = match members.find("unique_id") {
        Some(member) => unique_id(member.value, &member.path())?,
        None => context.id.clone(),
    };
    build(&members, Kind::Span, id, context).map(Some)
}

/// Last path segments that are routes of their own: a log of such an id could not be read.
const ROUTE_NAMES: &[&str] =
    &["list", "bulk", "batch", "batch-update", "create", "delete", "export", "groups", "import", "summary"];

/// Reads an id given by the caller: 1 to 255 characters, none of them a control character, and no route's name.
pub fn unique_id(value: &Value, path: &str) -> Result<LogId> {
    if let Some(name) = value.as_str().filter(|text| ROUTE_NAMES.contains(text)) {
        return Err(Error::invalid(path, format!("`{name}` is the name of a route and cannot be an id")));
    }
    value
        .as_str()
        .filter(|text| (1..=UNIQUE_ID_CHARS).contains(&text.chars().count()) && !text.chars().any(char::is_control))
        .map(|text| LogId(text.to_owned()))
        .ok_or_else(|| {
            let allowed = format!("a string of 1 to {UNIQUE_ID_CHARS} characters without control characters");
            wrong(path, &allowed, value)
        })
}

fn build(members: &Members<'_>, kind: Kind, id: LogId, context: &Context<'_>) -> Result<Log> {
    let mut log = Log::new(id);
    let mut given = Given::new();
    for (field, value) in members.fields()? {
        given.insert(field);
        log.scalars.set(field, value);
    }
    let mut input = content::input(members)?;
    let mut output = content::output(members)?;
    require(kind, &input, &output, &log)?;
    input.set_value(&mut log);
    output.set_value(&mut log);
    keep(&mut log, members)?;
    if let Stated::Value(metadata) = members.object("metadata")? {
        log.metadata.clone_from(metadata);
    }
    measures::metrics(&mut log, members, &mut given)?;
    measures::usage(&mut log, members, &mut given)?;
    aliases::lift(&mut log, members, &mut given)?;
    if kind == Kind::Row {
        aliases::promote(&mut log, members, &mut given)?;
    }
    if log.text(Field::LogType).is_none() {
        log.scalars.set_text(Field::LogType, default_log_type(&log, kind));
    }
    input.set_views(&mut log);
    output.set_views(&mut log);
    aliases::session(&mut log);
    measures::defaults(&mut log, context.now);
    stamp(&mut log, context);
    match kind {
        Kind::Row => annotation::created(&mut log, members, context.now)?,
        Kind::Span => annotation::clear(&mut log),
    }
    settle(&mut log);
    size::check_depth(&log)?;
    Ok(log)
}

fn require(kind: Kind, input: &content::Said, output: &content::Said, log: &Log) -> Result<()> {
    if input.has_value() {
        return Ok(());
    }
    let traced = log.text(Field::TraceUniqueId).is_some() || log.text(Field::SpanUniqueId).is_some();
    match kind {
        Kind::Row => Err(Error::invalid("input", "`input` is required: a string, object or array that is not null")),
        Kind::Span if output.has_value() || traced => Ok(()),
        Kind::Span => Err(Error::invalid(
            "input",
            "a log needs `input`, `output`, `messages`, or a trace place (`trace_unique_id`, `span_unique_id`)",
        )),
    }
}

/// Stores structured members under their own names, and the target for evaluation.
pub(crate) fn keep(log: &mut Log, members: &Members<'_>) -> Result<()> {
    for (name, mut value) in members.kept()? {
        if matches!(name, "full_request" | "full_response") {
            credentials::remove(&mut value);
        }
        content::set(log, name, Some(value));
    }
    content::set_expected(log, members);
    Ok(())
}

fn default_log_type(log: &Log, kind: Kind) -> &'static str {
    match kind {
        Kind::Span => "chat",
        Kind::Row if log.payload.get(payload::INPUT).is_some_and(derive::reads_as_messages) => "chat",
        Kind::Row => "custom",
    }
}

/// What the server says of the log, whatever the body says.
fn stamp(log: &mut Log, context: &Context<'_>) {
    log.scalars.set_text(Field::Environment, context.environment);
    log.scalars.set_text(Field::OrganizationKeyId, context.key_id.as_str());
    log.scalars.set_text(Field::OrganizationKeyName, context.key_name);
    log.scalars.set_text(Field::LogMethod, context.log_method);
    log.scalars.set(Field::Blurred, Some(Scalar::Bool(false)));
}

/// Makes the derived fields true again after any change.
pub(crate) fn settle(log: &mut Log) {
    // Calls that only repeat what the output says are read from it, so that they cannot go stale.
    if log.payload.get(derive::TOOL_CALLS).is_some_and(|said| derive::lifted_tool_calls(log).as_deref() == Some(said)) {
        log.payload.shift_remove(derive::TOOL_CALLS);
    }
    let calls = derive::tool_calls(log).is_some_and(|calls| calls.get(0).is_some());
    let warned = log.payload.get("warnings").is_some_and(|warnings| !is_empty(warnings));
    let failed = log.text(Field::Status) == Some("error");
    let root = log.text(Field::SpanParentId).is_none();
    for (field, value) in
        [(Field::HasToolCalls, calls), (Field::HasWarnings, warned), (Field::Failed, failed), (Field::IsRootSpan, root)]
    {
        log.scalars.set(field, Some(Scalar::Bool(value)));
    }
}

fn is_empty(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::String(text) => text.is_empty(),
        Value::Array(items) => items.is_empty(),
        Value::Object(members) => members.is_empty(),
        _ => false,
    }
}

#[cfg(test)]
mod tests;
