//! A wire body becomes a [`Log`]: dataset rows (contract B.7) and request logs (contract E.1), with all defaults.
//!
//! Does not know where the log will be kept, who asks, or what time it is: the [`Context`] says so.

mod aliases;
mod body;
mod content;
mod credentials;
pub(crate) mod draft;
mod measures;
pub(crate) mod members;
mod size;

pub use body::{Body, NoBody};
pub use members::{MAX_INT, SPAN_NAME_CHARS};
pub use size::{MAX_DEPTH, check_size, stored_bytes};

use crate::error::{Error, Result};
use crate::ids::LogId;
use crate::json::Json;
use crate::limits::Limits;
use crate::log::Log;
use crate::scalar::read_bool;
use draft::{Draft, Purpose};
use members::{Members, wrong};
use serde_json::Value;
use std::fmt::Display;

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

/// Reads a dataset row (contract B.7). Takes a detail row too: members the server derives are ignored.
pub fn row(body: &Body, context: &Context<'_>) -> Result<Log> {
    let members = Members::new(body, &[], false)?;
    Draft::new(Log::new(context.id.clone()), members, Purpose::Row(context)).finish()
}

/// Reads a request log (contract E.1). `None` when the caller asks for it not to be kept.
pub fn span(body: &Body, context: &Context<'_>) -> Result<Option<Log>> {
    let members = Members::new(body, NAMESPACES, false)?;
    if let Some(member) = members.find("disable_log") {
        let path = member.path();
        let flag = member.value.scalar().as_ref().and_then(read_bool);
        if flag.ok_or_else(|| wrong(&path, "true or false", &member.value))? {
            return Ok(None);
        }
    }
    let id = match members.find("unique_id") {
        Some(member) => given_id(member.value, &member.path())?,
        None => context.id.clone(),
    };
    Draft::new(Log::new(id), members, Purpose::Span(context)).finish().map(Some)
}

/// Last path segments that are routes of their own: a log of such an id could not be read.
const ROUTE_NAMES: &[&str] =
    &["list", "bulk", "batch", "batch-update", "create", "delete", "export", "groups", "import", "summary"];

/// Reads an id given by the caller: 1 to 255 characters, none of them a control character, and no route's name.
pub fn unique_id(value: &Value, path: &str) -> Result<LogId> {
    checked_id(value.as_str(), value, path)
}

/// [`unique_id`] of text.
pub fn given_id(value: Json<'_>, path: &str) -> Result<LogId> {
    checked_id(value.string().as_deref(), &value, path)
}

fn checked_id(id: Option<&str>, value: &impl Display, path: &str) -> Result<LogId> {
    if let Some(name) = id.filter(|text| ROUTE_NAMES.contains(text)) {
        return Err(Error::invalid(path, format!("`{name}` is the name of a route and cannot be an id")));
    }
    id.filter(|text| (1..=UNIQUE_ID_CHARS).contains(&text.chars().count()) && !text.chars().any(char::is_control))
        .map(|text| LogId(text.to_owned()))
        .ok_or_else(|| {
            let allowed = format!("a string of 1 to {UNIQUE_ID_CHARS} characters without control characters");
            wrong(path, &allowed, value)
        })
}

#[cfg(test)]
mod tests;
