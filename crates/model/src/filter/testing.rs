//! What the tests of this module share: one log, and a filter's way from JSON to an answer.

use super::check::{self, LogScope, Unknown};
use super::{LogFilter, meaning, wire};
use crate::error::{Error, Result};
use crate::field::Field;
use crate::ids::LogId;
use crate::limits::Limits;
use crate::log::{Log, payload};
use crate::scalar::Scalar;
use crate::score::{ComparedScore, ComparedScores};
use serde_json::{Value, json};

pub(super) fn rows(unknown: Unknown) -> LogScope {
    LogScope { organization_id: "org-1".to_owned(), dataset_id: Some("set-1".to_owned()), unknown, rows: true }
}

/// A log of typed fields, `metadata` and payload members under their wire names.
pub(crate) fn log(id: &str, members: Value) -> Log {
    let mut log = Log::new(LogId(id.to_owned()));
    let Value::Object(members) = members else { panic!("a log is an object") };
    for (name, value) in members {
        if let Some(field) = Field::named(&name) {
            log.scalars.set(field, Scalar::from_json(field.kind(), &value, &name).unwrap());
        } else if let ("metadata", Value::Object(metadata)) = (name.as_str(), &value) {
            log.metadata = metadata.clone();
        } else {
            log.payload.insert(name, value);
        }
    }
    log
}

/// A row with something in most kinds of field.
pub(super) fn sample() -> Log {
    log(
        "a1",
        json!({
            "timestamp": "2026-01-15T10:00:00Z", "model": "gpt-4o-mini", "log_type": "chat", "status": "success",
            "status_code": 200, "environment": "prod", "latency": 1.5, "cost": 0.2, "cache_hit": true,
            "span_workflow_name": "chat_support", "error_message": "request timed out after 30 ms",
            "custom_identifier": "", "annotation_status": "completed",
            "metadata": {
                "tier": "gold", "turns": 4, "vip": true, "tags": ["a", "b", 3], "none": null, "blank": "", "void": {},
                "list": [], "a.b": "literal", "a": {"b": "nested", "c": {"d": 5}}, "Σtadt": "STRASSE", "number": "10",
                "_hidden": "x"
            },
            payload::INPUT: [{"role": "user", "content": "How do I reset my Password?"}],
            payload::OUTPUT: {"role": "assistant", "content": "Ask for a REFUND, Zoë"},
            "variables": {"name": "Ann"}
        }),
    )
}

pub(super) fn scores() -> ComparedScores {
    let choices = ["red", "blue"].map(str::to_owned).to_vec();
    ComparedScores::from_iter([
        ("e1", ComparedScore::Number(2.0)),
        ("quality", ComparedScore::Number(2.0)),
        ("e2", ComparedScore::Bool(true)),
        ("e3", ComparedScore::Text("good".to_owned())),
        ("e4", ComparedScore::Choices(choices)),
        ("e5", ComparedScore::None),
    ])
}

pub(super) fn parse(filters: &Value) -> Result<wire::Filters> {
    wire::parse("filters", Some(filters), None, &Limits::default())
}

pub(super) fn compile(filters: &Value, unknown: Unknown) -> Result<LogFilter> {
    check::logs(&parse(filters)?, &rows(unknown))
}

/// Whether the sample row passes.
pub(super) fn passes(filters: &Value) -> bool {
    let filter = compile(filters, Unknown::Metadata).unwrap_or_else(|error| panic!("{filters}: {error}"));
    meaning::holds(&filter, &sample(), &scores())
}

/// Field and message of an error.
pub(super) fn complaint(error: &Error) -> (String, String) {
    match error {
        Error::Invalid { field: Some(field), message } => (field.clone(), message.clone()),
        other => panic!("not an `Invalid` with a field: {other:?}"),
    }
}
