//! A log in the making: the steps from the members of a body to a whole log, the same for a new row, a new request log
//! and a change of a row. Their order is the contract: what is given beats what is lifted, what is lifted beats what is
//! computed, and what the server derives comes last.
//!
//! Does not know where members come from, see [`Body`](super::Body), nor how each is read: a step is in the file of its
//! name.

use super::measures::{self, Given};
use super::members::{Members, Stated};
use super::{Context, aliases, content, credentials, size};
use crate::error::{Error, Result};
use crate::field::Field;
use crate::json::Json;
use crate::log::{Log, annotation, derive, payload};
use crate::scalar::Scalar;
use serde_json::{Map, Value};

/// What the log is made for.
#[derive(Clone, Copy)]
pub(crate) enum Purpose<'a> {
    /// A new dataset row.
    Row(&'a Context<'a>),
    /// A new request log.
    Span(&'a Context<'a>),
    /// A change of a row that is there, at this time (microseconds since the epoch).
    Change(i64),
}

/// A log in the making.
pub(crate) struct Draft<'a> {
    log: Log,
    members: Members<'a>,
    purpose: Purpose<'a>,
    /// Fields that the body gave, so that weaker sources leave them alone.
    given: Given,
    /// What a change has to know of the annotation as it was.
    before: annotation::Before,
}

impl<'a> Draft<'a> {
    /// Of these members, over a log that is empty or there already.
    pub fn new(log: Log, members: Members<'a>, purpose: Purpose<'a>) -> Self {
        let before = annotation::Before::of(&log);
        Self { log, members, purpose, given: Given::new(), before }
    }

    /// All steps.
    pub fn finish(mut self) -> Result<Log> {
        self.set_fields()?;
        let mut input = content::input(&self.members)?;
        let mut output = content::output(&self.members)?;
        self.require_content(&input, &output)?;
        input.set_value(&mut self.log);
        output.set_value(&mut self.log);
        self.keep_structures()?;
        let merge = self.is_change();
        set_metadata(&mut self.log, &self.members, merge)?;
        measures::metrics(&mut self.log, &self.members, &mut self.given)?;
        measures::usage(&mut self.log, &self.members, &mut self.given)?;
        aliases::lift(&mut self.log, &self.members, &mut self.given)?;
        self.promote_metadata()?;
        self.complete();
        input.set_views(&mut self.log);
        output.set_views(&mut self.log);
        self.annotate()?;
        settle(&mut self.log);
        self.check_depth()?;
        Ok(self.log)
    }

    fn is_change(&self) -> bool {
        matches!(self.purpose, Purpose::Change(_))
    }

    fn set_fields(&mut self) -> Result<()> {
        for (field, value) in self.members.fields()? {
            if field == Field::Timestamp && value.is_none() && self.is_change() {
                return Err(Error::invalid("timestamp", "`timestamp` cannot be null: every log has one"));
            }
            self.given.insert(field);
            self.log.scalars.set(field, value);
        }
        Ok(())
    }

    fn require_content(&self, input: &content::Said, output: &content::Said) -> Result<()> {
        if input.has_value() || self.is_change() {
            return Ok(());
        }
        let traced = self.log.text(Field::TraceUniqueId).is_some() || self.log.text(Field::SpanUniqueId).is_some();
        match self.purpose {
            Purpose::Row(_) => {
                Err(Error::invalid("input", "`input` is required: a string, object or array that is not null"))
            }
            Purpose::Span(_) if !output.has_value() && !traced => Err(Error::invalid(
                "input",
                "a log needs `input`, `output`, `messages`, or a trace place (`trace_unique_id`, `span_unique_id`)",
            )),
            Purpose::Span(_) | Purpose::Change(_) => Ok(()),
        }
    }

    /// Keeps structured members under their own names, and the target for evaluation.
    fn keep_structures(&mut self) -> Result<()> {
        for (name, mut value) in self.members.kept()? {
            if matches!(name, "full_request" | "full_response") {
                value = credentials::remove(value);
            }
            self.log.payload.set(name, Some(value));
        }
        content::set_expected(&mut self.log, &self.members);
        Ok(())
    }

    fn promote_metadata(&mut self) -> Result<()> {
        match self.purpose {
            Purpose::Row(_) => aliases::promote(&mut self.log, &self.members, &mut self.given),
            Purpose::Span(_) | Purpose::Change(_) => Ok(()),
        }
    }

    /// Fills what was not given, or makes true again what follows from what was.
    fn complete(&mut self) {
        let log = &mut self.log;
        match self.purpose {
            Purpose::Change(_) => refresh(log, &self.given),
            Purpose::Row(context) | Purpose::Span(context) => {
                if log.text(Field::LogType).is_none() {
                    let is_row = matches!(self.purpose, Purpose::Row(_));
                    log.scalars.set_text(Field::LogType, if is_row { type_by_input(log) } else { "chat" });
                }
                aliases::session(log);
                measures::defaults(log, context.now);
                stamp(log, context);
            }
        }
    }

    fn annotate(&mut self) -> Result<()> {
        match self.purpose {
            Purpose::Row(context) => annotation::created(&mut self.log, &self.members, context.now),
            Purpose::Change(now) => annotation::changed(&mut self.log, &self.before, &self.members, now),
            Purpose::Span(_) => {
                annotation::clear(&mut self.log);
                Ok(())
            }
        }
    }

    /// A changed log is held to all bounds of its size by who changes it.
    fn check_depth(&self) -> Result<()> {
        if self.is_change() { Ok(()) } else { size::check_depth(&self.log) }
    }
}

/// Metadata of a new log is what the body says. In a change keys of the body are added, and a null removes its key.
pub(crate) fn set_metadata(log: &mut Log, members: &Members<'_>, merge: bool) -> Result<()> {
    match members.metadata()? {
        Stated::Absent => {}
        Stated::Null => log.metadata.clear(),
        Stated::Value(metadata) if merge => merge_into(&mut log.metadata, metadata),
        Stated::Value(metadata) => log.metadata = metadata,
    }
    Ok(())
}

fn merge_into(metadata: &mut Map<String, Value>, changes: Map<String, Value>) {
    for (key, value) in changes {
        if value.is_null() {
            metadata.shift_remove(&key);
        } else {
            metadata.insert(key, value);
        }
    }
}

fn type_by_input(log: &Log) -> &'static str {
    if log.payload.get(payload::INPUT).is_some_and(derive::reads_as_messages) { "chat" } else { "custom" }
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
        log.scalars.set_text(Field::LogType, type_by_input(log));
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
fn settle(log: &mut Log) {
    // Calls that only repeat what the output says are read from it, so that they cannot go stale.
    let repeats = |said: Json<'_>| {
        derive::lifted_tool_calls(log).is_some_and(|lifted| crate::json::same(Json::written(&lifted), said))
    };
    if log.payload.get(derive::TOOL_CALLS).is_some_and(repeats) {
        log.payload.remove(derive::TOOL_CALLS);
    }
    let calls = derive::tool_calls(log).is_some_and(|calls| Json::written(&calls).items().next().is_some());
    let warned = log.payload.get("warnings").is_some_and(|warnings| !warnings.is_empty());
    let failed = log.text(Field::Status) == Some("error");
    let root = log.text(Field::SpanParentId).is_none();
    for (field, value) in
        [(Field::HasToolCalls, calls), (Field::HasWarnings, warned), (Field::Failed, failed), (Field::IsRootSpan, root)]
    {
        log.scalars.set(field, Some(Scalar::Bool(value)));
    }
}
