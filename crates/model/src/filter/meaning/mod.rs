//! The reference meaning of a filter on one record: naive on purpose. Every store must give the same answers.
//!
//! Pinned here: a null or absent field fails every test but the null tests; numbers compare as 64-bit floats; text order is
//! by bytes; case is folded by Unicode lower-casing of both sides; a metadata array equals a literal when one of its
//! elements does, and otherwise arrays and objects are tested as their compact JSON text.

mod operand;
mod order;
pub mod similar;
pub mod words;

#[cfg(test)]
mod tests;

pub use operand::{Operand, test_holds};
pub use order::{SortKey, compare_keys, compare_logs, compare_operands, json_key, order, scalar_key};

use super::tree::{Compare, LogField, LogFilter, Test, Tree};
use crate::field::TextField;
use crate::json::Json;
use crate::log::derive::{self, Prose};
use crate::log::{Log, payload};
use crate::scalar::Scalar;
use serde_json::{Map, Value};
use std::borrow::Cow;

/// Whether the record passes. `scores` is the row's scores as contract F.6 shows them in lists: evaluator id, or slug of a
/// custom evaluator, → score summary (a bare value is taken as the score itself).
pub fn holds(filter: &LogFilter, log: &Log, scores: &Map<String, Value>) -> bool {
    tree_holds(filter, &mut |part| compare_holds(part, log, scores))
}

/// Whether a filter holds when its comparisons are answered by `holds`.
pub fn tree_holds<F>(tree: &Tree<F>, holds: &mut impl FnMut(&Compare<F>) -> bool) -> bool {
    match tree {
        Tree::And(parts) => parts.iter().all(|part| tree_holds(part, holds)),
        Tree::Or(parts) => parts.iter().any(|part| tree_holds(part, holds)),
        Tree::Not(part) => !tree_holds(part, holds),
        Tree::Compare(compare) => holds(compare),
    }
}

/// Whether one comparison holds on the record.
pub fn compare_holds(part: &Compare<LogField>, log: &Log, scores: &Map<String, Value>) -> bool {
    field_holds(&part.field, &part.test, log, scores)
}

/// Whether the field of the record passes the test.
pub fn field_holds(field: &LogField, test: &Test, log: &Log, scores: &Map<String, Value>) -> bool {
    if let Test::HasKeys(keys) = test {
        return match field {
            LogField::MetadataMap => has_keys(&log.metadata, keys),
            LogField::Metadata(path) => {
                lookup(&log.metadata, path).and_then(Value::as_object).is_some_and(|map| has_keys(map, keys))
            }
            LogField::ScoreMap => keys.iter().all(|key| score(scores, key).is_some()),
            LogField::Text(field) => {
                log.payload.get(field.name()).is_some_and(|map| map.is_object() && has_names(map, keys))
            }
            LogField::Id | LogField::Scalar(_) | LogField::Score(_) => false,
        };
    }
    test_holds(test, &operand(field, log, scores))
}

/// The value of a field, ready to be tested.
pub fn operand<'a>(field: &LogField, log: &'a Log, scores: &'a Map<String, Value>) -> Operand<'a> {
    match field {
        LogField::Id => Operand::Text(Cow::Borrowed(log.id.as_str())),
        LogField::Scalar(field) => log.scalars.get(*field).map_or(Operand::Null, Operand::of_scalar),
        LogField::Text(field) => text_of(log, *field).map_or(Operand::Null, Operand::Document),
        LogField::Metadata(path) => lookup(&log.metadata, path).map_or(Operand::Null, Operand::of_json),
        LogField::MetadataMap => Operand::Document(Cow::Owned(json_text(&log.metadata))),
        LogField::Score(key) => score(scores, key).map_or(Operand::Null, score_operand),
        LogField::ScoreMap => Operand::Null,
    }
}

/// The metadata value under `path`: the literal key if there is one; else, split at the first `.`, the tail is looked up in
/// the object under the head. A null value is as good as absent.
pub fn lookup<'a>(map: &'a Map<String, Value>, path: &str) -> Option<&'a Value> {
    if let Some(value) = map.get(path) {
        return Some(value).filter(|value| !value.is_null());
    }
    let (head, tail) = path.split_once('.')?;
    lookup(map.get(head)?.as_object()?, tail)
}

/// The text of a payload field: a string as it is, a structure as compact JSON text; `None` when absent.
pub fn text_of(log: &Log, field: TextField) -> Option<Cow<'_, str>> {
    let member = |name: &str| log.payload.get(name).map(|value| Prose::Value(value).text());
    match field {
        TextField::Input => member(payload::INPUT),
        TextField::Output => member(payload::OUTPUT),
        TextField::ExpectedOutput => member(payload::EXPECTED_OUTPUT),
        TextField::Messages => derive::input_messages(log),
        TextField::Prompt => derive::prompt(log).map(Prose::text),
        TextField::Completion => derive::completion(log).map(Prose::text),
        TextField::FullText => match (member(payload::INPUT), member(payload::OUTPUT)) {
            (None, None) => None,
            (input, output) => {
                Some(Cow::Owned(format!("{}\n{}", input.unwrap_or_default(), output.unwrap_or_default())))
            }
        },
        TextField::Tools | TextField::Variables | TextField::Properties => member(field.name()),
    }
}

/// The score under an evaluator's id, else the one that names this slug.
pub fn score<'a>(scores: &'a Map<String, Value>, key: &str) -> Option<&'a Value> {
    let by_slug = || scores.values().find(|score| score.get("evaluator_slug").and_then(Value::as_str) == Some(key));
    scores.get(key).or_else(by_slug).filter(|score| !score.is_null())
}

/// The value of a score: `numerical_value`, else `boolean_value` as 1 or 0, else `string_value`, else the elements of
/// `categorical_value` (contract C.4).
pub fn score_operand(score: &Value) -> Operand<'_> {
    let value = match score {
        Value::Object(summary) => ["numerical_value", "boolean_value", "string_value", "categorical_value"]
            .iter()
            .find_map(|name| summary.get(*name).filter(|value| !value.is_null())),
        value => Some(value),
    };
    match value {
        Some(Value::Bool(flag)) => Operand::Number(f64::from(u8::from(*flag))),
        Some(value) => Operand::of_json(value),
        None => Operand::Null,
    }
}

fn has_keys(map: &Map<String, Value>, keys: &[String]) -> bool {
    keys.iter().all(|key| map.contains_key(key))
}

fn has_names(object: Json<'_>, names: &[String]) -> bool {
    names.iter().all(|name| {
        let quoted = Value::from(name.as_str()).to_string();
        object.members().any(|(known, _)| quoted[1..quoted.len() - 1] == *known)
    })
}

/// A string as it is, anything else as compact JSON text; null is absent.
fn json_or_text(value: &Value) -> Option<Cow<'_, str>> {
    match value {
        Value::Null => None,
        Value::String(text) => Some(Cow::Borrowed(text)),
        structure => Some(Cow::Owned(structure.to_string())),
    }
}

fn json_text(map: &Map<String, Value>) -> String {
    // Maps of JSON values with text keys always serialise.
    serde_json::to_string(map).unwrap_or_default()
}

impl<'a> Operand<'a> {
    /// The value of a typed column.
    pub fn of_scalar(scalar: &'a Scalar) -> Self {
        match scalar {
            Scalar::Text(text) => Self::Text(Cow::Borrowed(text)),
            Scalar::Int(number) => Self::Number(*number as f64),
            Scalar::Float(number) => Self::Number(*number),
            Scalar::Bool(flag) => Self::Bool(*flag),
            Scalar::Time(micros) => Self::Time(*micros),
        }
    }
}
