//! The reference meaning of a filter on one record: naive on purpose. Every store must give the same answers.
//!
//! Pinned here: a null or absent field fails every test but the null tests; numbers compare as 64-bit floats; text
//! order is by bytes; case is folded by Unicode lower-casing of both sides; a metadata array equals a literal when one
//! of its elements does, and otherwise arrays and objects are tested as their compact JSON text.
//!
//! Three decisions that no database shares. A store that filters by itself finds a superset where its own functions
//! differ, and has this module decide the rest:
//! - **Keys with a dot.** [`lookup`] takes a metadata key literally first, on every level, and only then as a path; a
//!   literal key wins even when its value is null. An engine that reads `a.b` and `{"a": {"b": …}}` as one path cannot
//!   tell them apart.
//! - **Case.** Operators that ignore case compare the full Unicode lower case of both sides (`str::to_lowercase`: `İ`
//!   becomes two characters, `Σ` depends on what follows). Patterns fold one character at a time (simple case folding:
//!   `ſ` is an `s`), see [`Pattern`](super::Pattern) and [`Like`](super::Like).
//! - **Similarity.** The trigrams and the threshold of [`similar`] are our own; no engine's function is taken for it.

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
use crate::score::{ComparedScore, ComparedScores};
use serde_json::{Map, Value};
use std::borrow::Cow;

/// Whether the record with these scores passes.
pub fn holds(filter: &LogFilter, log: &Log, scores: &ComparedScores) -> bool {
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
pub fn compare_holds(part: &Compare<LogField>, log: &Log, scores: &ComparedScores) -> bool {
    field_holds(&part.field, &part.test, log, scores)
}

/// Whether the field of the record passes the test.
pub fn field_holds(field: &LogField, test: &Test, log: &Log, scores: &ComparedScores) -> bool {
    if let Test::HasKeys(keys) = test {
        return match field {
            LogField::MetadataMap => has_keys(&log.metadata, keys),
            LogField::Metadata(path) => {
                lookup(&log.metadata, path).and_then(Value::as_object).is_some_and(|map| has_keys(map, keys))
            }
            LogField::ScoreMap => keys.iter().all(|key| scores.get(key).is_some()),
            LogField::Text(field) => {
                log.payload.get(field.name()).is_some_and(|map| map.is_object() && has_names(map, keys))
            }
            LogField::Id | LogField::Scalar(_) | LogField::Score(_) => false,
        };
    }
    test_holds(test, &operand(field, log, scores))
}

/// The value of a field, ready to be tested.
pub fn operand<'a>(field: &LogField, log: &'a Log, scores: &'a ComparedScores) -> Operand<'a> {
    match field {
        LogField::Id => Operand::Text(Cow::Borrowed(log.id.as_str())),
        LogField::Scalar(field) => log.scalars.get(*field).map_or(Operand::Null, Operand::of_scalar),
        LogField::Text(field) => text_of(log, *field).map_or(Operand::Null, Operand::Document),
        LogField::Metadata(path) => lookup(&log.metadata, path).map_or(Operand::Null, Operand::of_json),
        LogField::MetadataMap => Operand::Document(Cow::Owned(json_text(&log.metadata))),
        LogField::Score(key) => scores.get(key).map_or(Operand::Null, Operand::of_score),
        LogField::ScoreMap => Operand::Null,
    }
}

/// The metadata value under `path`: the literal key if there is one; else, split at the first `.`, the tail is looked
/// up in the object under the head. A null value is as good as absent.
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

    /// The value of a score; booleans are 1 and 0 (contract C.4).
    pub fn of_score(score: &'a ComparedScore) -> Self {
        match score {
            ComparedScore::Number(number) => Self::Number(*number),
            ComparedScore::Bool(flag) => Self::Number(f64::from(u8::from(*flag))),
            ComparedScore::Text(text) => Self::Text(Cow::Borrowed(text)),
            ComparedScore::Choices(names) => Self::Choices(Cow::Borrowed(names)),
            ComparedScore::None => Self::Null,
        }
    }
}
