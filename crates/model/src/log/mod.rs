//! The log: one LLM call, span or dataset row; they are the same record seen from different places (contract D).

pub mod annotation;
pub mod derive;
pub mod ingest;
pub mod patch;
mod text;

pub use text::Payload;

use crate::field::Field;
use crate::ids::LogId;
use crate::scalar::Scalar;
use serde_json::{Map, Value};

/// One record. Which collection it is in is not part of it.
#[derive(Clone, Debug, PartialEq)]
pub struct Log {
    /// `id` = `unique_id`.
    pub id: LogId,
    /// Typed fields; absent is null.
    pub scalars: Scalars,
    /// `metadata` as sent, including `_` keys, which are hidden on read (contract A.3).
    pub metadata: Map<String, Value>,
    /// Everything structured: `input`, `output`, `expected_output`, `metrics` extras, `tools`, … under their wire
    /// names, as text. Never holds a null.
    pub payload: Payload,
}

impl Log {
    /// A record with nothing but an id.
    pub fn new(id: LogId) -> Self {
        Self { id, scalars: Scalars::default(), metadata: Map::new(), payload: Payload::default() }
    }

    /// A text field, when set.
    pub fn text(&self, field: Field) -> Option<&str> {
        match self.scalars.get(field) {
            Some(Scalar::Text(text)) => Some(text),
            _ => None,
        }
    }

    /// An integer field, when set.
    pub fn int(&self, field: Field) -> Option<i64> {
        match self.scalars.get(field) {
            Some(Scalar::Int(number)) => Some(*number),
            _ => None,
        }
    }

    /// A float field, when set.
    pub fn float(&self, field: Field) -> Option<f64> {
        match self.scalars.get(field) {
            Some(Scalar::Float(number)) => Some(*number),
            _ => None,
        }
    }

    /// An instant, microseconds since the epoch, when set.
    pub fn time(&self, field: Field) -> Option<i64> {
        match self.scalars.get(field) {
            Some(Scalar::Time(micros)) => Some(*micros),
            _ => None,
        }
    }
}

/// The typed fields of a log, by [`Field`].
#[derive(Clone, Debug, PartialEq)]
pub struct Scalars(Vec<Option<Scalar>>);

impl Default for Scalars {
    fn default() -> Self {
        Self(vec![None; Field::ALL.len()])
    }
}

impl Scalars {
    /// The value, when set.
    pub fn get(&self, field: Field) -> Option<&Scalar> {
        self.0[field.index()].as_ref()
    }

    /// Sets or, with `None`, clears. The value must be of the field's kind.
    pub fn set(&mut self, field: Field, value: Option<Scalar>) {
        debug_assert!(
            value.as_ref().is_none_or(|value| value.kind() == field.kind()),
            "{} has another type",
            field.name()
        );
        self.0[field.index()] = value;
    }

    /// Sets a text field.
    pub fn set_text(&mut self, field: Field, value: impl Into<String>) {
        self.set(field, Some(Scalar::Text(value.into())));
    }

    /// Fields that are set, in table order.
    pub fn iter(&self) -> impl Iterator<Item = (Field, &Scalar)> {
        Field::ALL.iter().copied().zip(&self.0).filter_map(|(field, value)| value.as_ref().map(|value| (field, value)))
    }
}

/// Names the server uses inside [`Log::payload`].
pub mod payload {
    /// Universal input.
    pub const INPUT: &str = "input";
    /// Universal output.
    pub const OUTPUT: &str = "output";
    /// Target for evaluation.
    pub const EXPECTED_OUTPUT: &str = "expected_output";
    /// Measurements that are no known field (contract D.5).
    pub const METRICS: &str = "metrics";
    /// Structured members kept as sent under their own name (contract D.1).
    pub const KEPT: &[&str] = &[
        "prompt_messages",
        "completion_message",
        "completion_messages",
        "full_request",
        "full_response",
        "tools",
        "tool_calls",
        "tool_choice",
        "reasoning",
        "variables",
        "usage",
        "properties",
        "warnings",
        "stop",
        "response_format",
        "embedding",
        "encoding_format",
        "dimensions",
        "audio_input_file",
        "audio_output_file",
        "cache_enabled",
        "cache_options",
        "cache_ttl",
        "span_handoffs",
        "span_tools",
        "span_links",
        "customer_params",
        "prompt_unit_price",
        "completion_unit_price",
        "ideal_output",
        "limit_info",
    ];
}
