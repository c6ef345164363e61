//! One test on one value. The only place where a test is given its meaning; stores reuse it on dictionary entries.

use super::super::literal::Literal;
use super::super::tree::Test;
use super::{similar, words};
use serde_json::Value;
use std::borrow::Cow;

/// A value to test.
#[derive(Clone, Debug, PartialEq)]
pub enum Operand<'a> {
    /// Null or absent.
    Null,
    /// Text of a typed field.
    Text(Cow<'a, str>),
    /// Text from the payload, where `[]` and `{}` are the text of empty structures.
    Document(Cow<'a, str>),
    /// Number.
    Number(f64),
    /// Boolean.
    Bool(bool),
    /// Instant, microseconds since the epoch.
    Time(i64),
    /// Metadata value, never null.
    Json(&'a Value),
    /// Several texts, such as the ids and names of tags: a test holds when it holds on one of them; none is null and
    /// empty.
    Many(Vec<Cow<'a, str>>),
    /// The choices of a score: equal to a literal when one of them is; without an order and without a text.
    Choices(Cow<'a, [String]>),
}

impl<'a> Operand<'a> {
    /// A JSON value; null is [`Operand::Null`].
    pub fn of_json(value: &'a Value) -> Self {
        if value.is_null() { Self::Null } else { Self::Json(value) }
    }

    fn is_null(&self) -> bool {
        match self {
            Self::Null | Self::Json(Value::Null) => true,
            Self::Many(texts) => texts.is_empty(),
            _ => false,
        }
    }

    fn is_empty(&self) -> bool {
        match self {
            Self::Text(text) => text.is_empty(),
            Self::Document(text) => matches!(text.as_ref(), "" | "[]" | "{}"),
            Self::Json(Value::String(text)) => text.is_empty(),
            Self::Json(Value::Array(list)) => list.is_empty(),
            Self::Json(Value::Object(members)) => members.is_empty(),
            Self::Choices(names) => names.is_empty(),
            other => other.is_null(),
        }
    }

    /// What text tests see. Typed numbers, booleans and times have no text: such tests are refused by `check`.
    fn text(&self) -> Option<Cow<'_, str>> {
        match self {
            Self::Text(text) | Self::Document(text) => Some(Cow::Borrowed(text)),
            Self::Json(value) => super::json_or_text(value),
            Self::Null | Self::Number(_) | Self::Bool(_) | Self::Time(_) | Self::Many(_) | Self::Choices(_) => None,
        }
    }

    /// Equality with one literal, as far as it can be read as a value of this type.
    fn equals(&self, literal: &Literal) -> bool {
        match self {
            Self::Text(text) | Self::Document(text) => literal.text() == Some(text),
            Self::Number(number) => literal.number() == Some(*number),
            Self::Bool(flag) => literal.boolean() == Some(*flag),
            Self::Time(micros) => literal.time() == Some(*micros),
            Self::Json(Value::Array(list)) => list.iter().any(|element| element_equals(element, literal)),
            Self::Json(value) => element_equals(value, literal),
            Self::Choices(names) => names.iter().any(|name| literal.text() == Some(name)),
            Self::Null | Self::Many(_) => false,
        }
    }

    /// How the value stands to the literal, when they have an order.
    fn against(&self, literal: &Literal) -> Option<std::cmp::Ordering> {
        match self {
            Self::Text(text) | Self::Document(text) => Some(text.as_ref().cmp(literal.text()?)),
            Self::Number(number) => number.partial_cmp(&literal.number()?),
            Self::Time(micros) => Some(micros.cmp(&literal.time()?)),
            Self::Json(Value::String(text)) => Some(text.as_str().cmp(literal.text()?)),
            Self::Json(Value::Number(number)) => number.as_f64()?.partial_cmp(&literal.number()?),
            Self::Json(_) | Self::Null | Self::Bool(_) | Self::Many(_) | Self::Choices(_) => None,
        }
    }
}

/// A scalar by the reading of its own type; structures equal nothing.
fn element_equals(value: &Value, literal: &Literal) -> bool {
    match value {
        Value::String(text) => literal.text() == Some(text),
        Value::Number(number) => number.as_f64().is_some() && literal.number() == number.as_f64(),
        Value::Bool(flag) => literal.boolean() == Some(*flag),
        Value::Null | Value::Array(_) | Value::Object(_) => false,
    }
}

/// Whether the value passes the test. `HasKeys` holds on objects only.
pub fn test_holds(test: &Test, operand: &Operand<'_>) -> bool {
    match (test, operand) {
        (Test::IsNull, _) => operand.is_null(),
        (Test::Empty, _) => operand.is_empty(),
        (_, Operand::Many(texts)) => texts.iter().any(|text| test_holds(test, &Operand::Text(Cow::Borrowed(text)))),
        (Test::AnyOf(literals), _) => literals.iter().any(|literal| operand.equals(literal)),
        (Test::AnyOfFolded(texts), Operand::Json(Value::Array(list))) => {
            list.iter().filter_map(super::json_or_text).any(|text| texts.contains(&text.to_lowercase()))
        }
        (Test::Ordered(order, literal), _) => operand.against(literal).is_some_and(|ordering| order.holds(ordering)),
        (Test::HasKeys(keys), Operand::Json(Value::Object(map))) => super::has_keys(map, keys),
        (Test::HasKeys(_), _) => false,
        (test, _) => operand.text().is_some_and(|text| text_holds(test, &text)),
    }
}

fn text_holds(test: &Test, text: &str) -> bool {
    match test {
        Test::AnyOfFolded(texts) => texts.contains(&text.to_lowercase()),
        Test::Contains { needles, fold: false } => needles.iter().any(|needle| text.contains(needle.as_str())),
        Test::Contains { needles, fold: true } => {
            let text = text.to_lowercase();
            needles.iter().any(|needle| text.contains(needle.as_str()))
        }
        Test::StartsWith(prefixes) => prefixes.iter().any(|prefix| text.starts_with(prefix.as_str())),
        Test::EndsWith(suffixes) => suffixes.iter().any(|suffix| text.ends_with(suffix.as_str())),
        Test::Regex(pattern) => pattern.is_match(text),
        Test::Like(like) => like.is_match(text),
        Test::Words(wanted) => words::has_all(text, wanted),
        Test::Similar(query) => similar::similar(query, text),
        Test::AnyOf(_) | Test::Ordered(..) | Test::IsNull | Test::Empty | Test::HasKeys(_) => false,
    }
}
