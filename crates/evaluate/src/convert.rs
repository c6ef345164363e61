//! A raw value → the value fields of a score, by the definition's value type (contract F.2, end of F.4).
//!
//! Knows definitions, not evaluators: the same rules serve what a rule, a program, a model or a person says.

use evalset_model::evaluator::{Choice, Definition, ScoreValueType};
use evalset_model::scalar::brief;
use evalset_model::score::ScoreValues;
use serde_json::{Map, Value};

/// Bytes of `string_value` and `json_value`.
pub const TEXT_BYTES_MAX: usize = 1024 * 1024;
/// Bytes of an explanation; a longer one is cut.
pub const EXPLANATION_BYTES_MAX: usize = 64 * 1024;
/// Largest number, and smallest below zero, that a score holds: sums and squares of millions of them are still numbers.
pub const NUMBER_MAX: f64 = 1e100;
/// Choices of one score.
pub const CHOICES_MAX: usize = 1_000;

/// What an evaluator said: a JSON value and perhaps why.
#[derive(Clone, Debug, PartialEq)]
pub struct Raw {
    /// The score.
    pub value: Value,
    /// Why it is what it is.
    pub explanation: Option<String>,
}

impl Raw {
    /// A value that needs no explanation.
    pub fn bare(value: impl Into<Value>) -> Self {
        Self { value: value.into(), explanation: None }
    }
}

/// What becomes of a number outside the definition's range.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Range {
    /// The nearest bound is taken: a model's answer.
    Clamp,
    /// An error: programs and people are to know their range.
    Refuse,
}

/// Takes a score out of an object that holds one under `score`, with its `explanation` or `reasoning`. An object
/// without `score` is left as it is: for value type `json` it is itself the value.
pub fn unwrap(value: Value) -> Raw {
    let Value::Object(mut members) = value else { return Raw::bare(value) };
    let Some(score) = members.shift_remove("score") else { return Raw::bare(Value::Object(members)) };
    let said = ["explanation", "reasoning"].iter().find_map(|name| members.get(*name).filter(|value| !value.is_null()));
    let explanation = said.map(|value| match value {
        Value::String(text) => cut(text, EXPLANATION_BYTES_MAX),
        other => cut(&other.to_string(), EXPLANATION_BYTES_MAX),
    });
    Raw { value: score, explanation: explanation.filter(|text| !text.is_empty()) }
}

/// The value fields for a raw value. The error says what was got and what is allowed.
pub fn convert(value: &Value, definition: &Definition, range: Range) -> Result<ScoreValues, String> {
    let mut values = ScoreValues::default();
    match definition.score_value_type {
        ScoreValueType::Numerical | ScoreValueType::Percentage => {
            values.numerical = Some(number(value, definition, range)?);
        }
        ScoreValueType::Boolean => values.boolean = Some(boolean(value)?),
        ScoreValueType::SingleSelect | ScoreValueType::MultiSelect | ScoreValueType::Categorical => {
            values.categorical = Some(choices(value, definition)?);
        }
        ScoreValueType::Text | ScoreValueType::Comment => values.string = Some(text(value)?),
        ScoreValueType::Json => values.json = Some(bounded(value.to_string())?),
    }
    Ok(values)
}

/// A number within the definition's bounds; a boolean is 1 or 0, except as a percentage, where it could mean either
/// scale.
fn number(value: &Value, definition: &Definition, range: Range) -> Result<f64, String> {
    let percentage = definition.score_value_type == ScoreValueType::Percentage;
    let number = match value {
        Value::Bool(flag) if !percentage => f64::from(u8::from(*flag)),
        Value::Number(number) => number.as_f64().unwrap_or(f64::NAN),
        other => {
            let wanted = if percentage { "a number from 0 to 100" } else { "a number" };
            return Err(format!("the score must be {wanted}, got {}", brief(other)));
        }
    };
    within(number, definition, range)
}

/// The number if it is finite and inside the bounds, or the nearest bound.
pub(crate) fn within(number: f64, definition: &Definition, range: Range) -> Result<f64, String> {
    if !number.is_finite() {
        return Err(format!("the score must be a finite number, got {number}"));
    }
    let (lowest, highest) = definition.bounds();
    let nearest = number.max(lowest.unwrap_or(f64::MIN)).min(highest.unwrap_or(f64::MAX));
    if range == Range::Clamp || (nearest - number).abs() == 0.0 {
        return held(nearest);
    }
    let side = |bound: Option<f64>, none: &str| bound.map_or(none.to_owned(), |bound| bound.to_string());
    let (lowest, highest) = (side(lowest, "any"), side(highest, "any"));
    Err(format!("the score {number} is outside its range (lowest {lowest}, highest {highest})"))
}

/// A number that a score can hold.
pub(crate) fn held(number: f64) -> Result<f64, String> {
    if number.abs() <= NUMBER_MAX {
        return Ok(number);
    }
    Err(format!("the score {number:e} is too large: numbers from -{NUMBER_MAX:e} to {NUMBER_MAX:e} are kept"))
}

fn boolean(value: &Value) -> Result<bool, String> {
    match value {
        Value::Bool(flag) => Ok(*flag),
        Value::Number(number) if number.as_f64() == Some(1.0) => Ok(true),
        Value::Number(number) if number.as_f64() == Some(0.0) => Ok(false),
        other => Err(format!("the score must be true or false (or 1 or 0), got {}", brief(other))),
    }
}

fn text(value: &Value) -> Result<String, String> {
    match value {
        Value::String(text) => bounded(text.clone()),
        Value::Number(_) | Value::Bool(_) => Ok(value.to_string()),
        other => Err(format!("the score must be a text, got {}", brief(other))),
    }
}

/// A text of allowed length.
pub(crate) fn bounded(text: String) -> Result<String, String> {
    if text.len() <= TEXT_BYTES_MAX {
        return Ok(text);
    }
    Err(format!("the score has {} bytes, at most {TEXT_BYTES_MAX} are kept", text.len()))
}

/// Names of the choices that a value or a list of values stands for, each once.
pub(crate) fn choices(value: &Value, definition: &Definition) -> Result<Vec<String>, String> {
    let allowed = definition.choices();
    let given = match value {
        Value::Array(list) => list.as_slice(),
        one => std::slice::from_ref(one),
    };
    if given.len() > CHOICES_MAX {
        return Err(format!("the score has {} choices, at most {CHOICES_MAX} are taken", given.len()));
    }
    let mut names: Vec<String> = Vec::with_capacity(given.len());
    for each in given {
        let choice = named(each, allowed).ok_or_else(|| unknown(each, allowed))?;
        if !names.contains(&choice.name) {
            names.push(choice.name.clone());
        }
    }
    if definition.score_value_type == ScoreValueType::SingleSelect && names.len() != 1 {
        return Err(format!("the score must be exactly one choice, got {}", brief(value)));
    }
    Ok(names)
}

/// The choice of this name, else the one of this value (H49). Numbers equal by what they are worth.
fn named<'a>(said: &Value, allowed: &'a [Choice]) -> Option<&'a Choice> {
    let by_name = || said.as_str().and_then(|text| allowed.iter().find(|choice| choice.name == text));
    let same = |value: &Value| match (value.as_f64(), said.as_f64()) {
        (Some(left), Some(right)) => (left - right).abs() == 0.0,
        _ => value == said,
    };
    by_name().or_else(|| (!said.is_null()).then(|| allowed.iter().find(|choice| same(&choice.value)))?)
}

fn unknown(said: &Value, allowed: &[Choice]) -> String {
    const SHOWN: usize = 50;
    let mut names: Vec<String> = allowed.iter().take(SHOWN).map(|choice| format!("`{}`", choice.name)).collect();
    if allowed.len() > SHOWN {
        names.push("…".to_owned());
    }
    format!("{} is not a choice; allowed: {}", brief(said), names.join(", "))
}

/// A text cut at a character boundary to at most `bytes`, with an ellipsis when something was cut.
pub(crate) fn cut(text: &str, bytes: usize) -> String {
    if text.len() <= bytes {
        return text.to_owned();
    }
    let mut end = bytes.saturating_sub('…'.len_utf8());
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    format!("{}…", &text[..end])
}

/// The object's non-null member.
pub(crate) fn member<'a>(map: &'a Map<String, Value>, name: &str) -> Option<&'a Value> {
    map.get(name).filter(|value| !value.is_null())
}

#[cfg(test)]
mod tests;
