//! The reference order of rows (contract A.6): nulls last in both directions, ties by `unique_id` ascending.
//!
//! Values of one metadata key may have several types: numbers come before texts, texts before booleans, booleans before
//! arrays and objects, which compare as their compact JSON text. Descending turns all of this around, but for the
//! nulls.

use super::{Operand, lookup};
use crate::filter::tree::LogField;
use crate::log::Log;
use crate::page::Sort;
use crate::scalar::Scalar;
use crate::score::{ComparedScore, ComparedScores};
use serde_json::{Value, json};
use std::borrow::Cow;
use std::cmp::Ordering;

/// What a row is ordered by.
#[derive(Clone, Debug, PartialEq)]
pub enum SortKey<'a> {
    /// Integer or instant of a typed field.
    Int(i64),
    /// Number; 0 and -0 are equal, NaN does not occur.
    Number(f64),
    /// Text, by bytes.
    Text(Cow<'a, str>),
    /// False before true.
    Bool(bool),
    /// Array or object, by the bytes of its compact JSON text.
    Structure(String),
    /// No value.
    Null,
}

impl SortKey<'_> {
    /// The same key, borrowing nothing.
    pub fn into_owned(self) -> SortKey<'static> {
        match self {
            SortKey::Int(number) => SortKey::Int(number),
            SortKey::Number(number) => SortKey::Number(number),
            SortKey::Text(text) => SortKey::Text(Cow::Owned(text.into_owned())),
            SortKey::Bool(flag) => SortKey::Bool(flag),
            SortKey::Structure(text) => SortKey::Structure(text),
            SortKey::Null => SortKey::Null,
        }
    }

    /// Place of its type among the types, in rising order. Null comes last either way.
    pub fn rank(&self) -> u8 {
        match self {
            SortKey::Int(_) | SortKey::Number(_) => 0,
            SortKey::Text(_) => 1,
            SortKey::Bool(_) => 2,
            SortKey::Structure(_) => 3,
            SortKey::Null => 4,
        }
    }
}

/// The key of a typed value.
pub fn scalar_key(scalar: Option<&Scalar>) -> SortKey<'_> {
    match scalar {
        Some(Scalar::Text(text)) => SortKey::Text(Cow::Borrowed(text)),
        Some(Scalar::Int(number) | Scalar::Time(number)) => SortKey::Int(*number),
        Some(Scalar::Float(number)) => SortKey::Number(*number),
        Some(Scalar::Bool(flag)) => SortKey::Bool(*flag),
        None => SortKey::Null,
    }
}

/// The key of a row for an order by `field`; null for fields that are not [`LogField::sortable`].
pub fn order<'a>(field: &LogField, log: &'a Log, scores: &'a ComparedScores) -> SortKey<'a> {
    match field {
        LogField::Id => SortKey::Text(Cow::Borrowed(log.id.as_str())),
        LogField::Scalar(field) => scalar_key(log.scalars.get(*field)),
        LogField::Metadata(path) => lookup(&log.metadata, path).map_or(SortKey::Null, json_key),
        LogField::Score(key) => scores.get(key).map_or(SortKey::Null, score_key),
        LogField::Text(_) | LogField::MetadataMap | LogField::ScoreMap => SortKey::Null,
    }
}

/// How two values of the same field of a noun with few records stand, ties aside. Its sortable fields are never null.
pub fn compare_operands(left: &Operand<'_>, right: &Operand<'_>, descending: bool) -> Ordering {
    let order = match (left, right) {
        (Operand::Text(left), Operand::Text(right)) => left.cmp(right),
        (Operand::Number(left), Operand::Number(right)) => left.total_cmp(right),
        (Operand::Time(left), Operand::Time(right)) => left.cmp(right),
        (Operand::Bool(left), Operand::Bool(right)) => left.cmp(right),
        _ => Ordering::Equal,
    };
    if descending { order.reverse() } else { order }
}

/// How the rows of two keys stand, ties aside.
pub fn compare_keys(left: &SortKey<'_>, right: &SortKey<'_>, descending: bool) -> Ordering {
    match (left, right) {
        (SortKey::Null, SortKey::Null) => Ordering::Equal,
        (SortKey::Null, _) => Ordering::Greater,
        (_, SortKey::Null) => Ordering::Less,
        (left, right) if descending => ascending(right, left),
        (left, right) => ascending(left, right),
    }
}

/// The reference order of two rows, each with its scores.
pub fn compare_logs(sort: &Sort, left: (&Log, &ComparedScores), right: (&Log, &ComparedScores)) -> Ordering {
    let keys = (order(&sort.field, left.0, left.1), order(&sort.field, right.0, right.1));
    compare_keys(&keys.0, &keys.1, sort.descending).then_with(|| left.0.id.cmp(&right.0.id))
}

fn ascending(left: &SortKey<'_>, right: &SortKey<'_>) -> Ordering {
    match (left, right) {
        (SortKey::Int(left), SortKey::Int(right)) => left.cmp(right),
        (SortKey::Number(left), SortKey::Number(right)) => left.partial_cmp(right).unwrap_or(Ordering::Equal),
        (SortKey::Text(left), SortKey::Text(right)) => left.cmp(right),
        (SortKey::Bool(left), SortKey::Bool(right)) => left.cmp(right),
        (SortKey::Structure(left), SortKey::Structure(right)) => left.cmp(right),
        (left, right) => left.rank().cmp(&right.rank()),
    }
}

/// The key of a score. Booleans count as numbers; choices are ordered as their compact JSON text.
fn score_key(score: &ComparedScore) -> SortKey<'_> {
    match score {
        ComparedScore::Number(number) => SortKey::Number(*number),
        ComparedScore::Bool(flag) => SortKey::Number(f64::from(u8::from(*flag))),
        ComparedScore::Text(text) => SortKey::Text(Cow::Borrowed(text)),
        ComparedScore::Choices(names) => SortKey::Structure(json!(names).to_string()),
        ComparedScore::None => SortKey::Null,
    }
}

/// The key of a metadata value.
pub fn json_key(value: &Value) -> SortKey<'_> {
    match value {
        Value::Null => SortKey::Null,
        Value::Number(number) => number.as_f64().map_or(SortKey::Null, SortKey::Number),
        Value::String(text) => SortKey::Text(Cow::Borrowed(text)),
        Value::Bool(flag) => SortKey::Bool(*flag),
        structure => SortKey::Structure(structure.to_string()),
    }
}
