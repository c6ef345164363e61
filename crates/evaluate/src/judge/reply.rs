//! What a model said → a raw score, leniently: JSON alone, in a fenced block or inside prose, `Score: 4`, or a bare
//! value.
//!
//! Knows value types only as far as they say what a bare word can mean; bounds and choices are held in `convert`.

use crate::convert::{Raw, cut, unwrap};
use crate::inputs::text_of;
use evalset_model::evaluator::{Definition, ScoreValueType};
use regex::Regex;
use serde_json::{Deserializer, Map, Value};
use std::borrow::Cow;
use std::sync::LazyLock;

/// Bytes of a reply that an error quotes.
const QUOTED_BYTES: usize = 200;
/// Places in a text where an object is looked for.
const OPENINGS_MAX: usize = 200;

/// Reads a reply. The error quotes what came, shortened.
pub(super) fn parse(reply: &str, definition: &Definition) -> Result<Raw, String> {
    let text = without_thoughts(reply);
    if text.is_empty() {
        return Err("the model's reply is empty".to_owned());
    }
    let found =
        as_json(text, definition).or_else(|| in_fences(text, definition)).or_else(|| in_prose(text, definition));
    let found = found.or_else(|| labelled(text, definition)).or_else(|| bare(text, definition).map(Raw::bare));
    found.ok_or_else(|| {
        let kind = definition.score_value_type.name();
        format!("no score of type `{kind}` can be read from the model's reply: {}", quoted(text))
    })
}

/// A text in quotes, shortened, as one line.
pub(super) fn quoted(text: &str) -> String {
    Value::from(cut(text.trim(), QUOTED_BYTES)).to_string()
}

/// The reply after what a reasoning model thought aloud.
fn without_thoughts(reply: &str) -> &str {
    let text = reply.trim();
    let after =
        text.strip_prefix("<think>").and_then(|rest| rest.split_once("</think>")).map(|(_, after)| after.trim());
    after.unwrap_or(text)
}

/// The whole text as JSON.
fn as_json(text: &str, definition: &Definition) -> Option<Raw> {
    let value: Value = serde_json::from_str(text).ok()?;
    match value {
        Value::Object(members) => scored(members, definition),
        // A text score may look like anything: it is the reply itself.
        _ if is_text(definition) => None,
        other => lenient(other, definition).map(Raw::bare),
    }
}

/// The score in an object; for value type `json` an object without one is the value.
fn scored(mut members: Map<String, Value>, definition: &Definition) -> Option<Raw> {
    for name in ["score", "explanation", "reasoning"] {
        let said = members.keys().find(|key| key.eq_ignore_ascii_case(name) && key.as_str() != name).cloned();
        if let Some(value) = said.filter(|_| !members.contains_key(name)).and_then(|key| members.shift_remove(&key)) {
            members.insert(name.to_owned(), value);
        }
    }
    if !members.contains_key("score") {
        let json = definition.score_value_type == ScoreValueType::Json;
        return json.then_some(Raw::bare(Value::Object(members)));
    }
    let raw = unwrap(Value::Object(members));
    Some(Raw { value: lenient(raw.value, definition)?, explanation: raw.explanation })
}

/// The last fenced block that holds a score.
fn in_fences(text: &str, definition: &Definition) -> Option<Raw> {
    // Odd pieces are inside; the language stands on the first line.
    let blocks: Vec<&str> = text.split("```").skip(1).step_by(2).collect();
    blocks.into_iter().rev().find_map(|block| {
        let body = block.split_once('\n').map_or(block, |(_, body)| body);
        as_json(body.trim(), definition).or_else(|| as_json(block.trim(), definition))
    })
}

/// The last object inside prose that holds a score.
fn in_prose(text: &str, definition: &Definition) -> Option<Raw> {
    let mut found = None;
    let mut rest = text;
    for _ in 0..OPENINGS_MAX {
        let Some(start) = rest.find('{') else { break };
        rest = &rest[start..];
        let mut stream = Deserializer::from_str(rest).into_iter::<Map<String, Value>>();
        if let Some(Ok(members)) = stream.next() {
            rest = &rest[stream.byte_offset()..];
            if members.keys().any(|key| key.eq_ignore_ascii_case("score")) {
                found = scored(members, definition).or(found);
            }
        } else {
            rest = &rest[1..];
        }
    }
    found
}

/// `Score: 4`, `**Final score** = 4/5`; the last one counts, what follows it is the value.
static LABEL: LazyLock<Option<Regex>> =
    LazyLock::new(|| Regex::new(r#"(?i)\b(?:score|rating)\b["*_` ]*(?:[:=]|\bis\b)[ *_`"]*([^\r\n]+)"#).ok());

fn labelled(text: &str, definition: &Definition) -> Option<Raw> {
    if is_text(definition) {
        return None;
    }
    let said = LABEL.as_ref()?.captures_iter(text).last()?.get(1)?;
    let value = word(said.as_str(), definition)?;
    let around = text.len() > said.as_str().len() + 40;
    Some(Raw { value, explanation: around.then(|| cut(text, crate::convert::EXPLANATION_BYTES_MAX)) })
}

/// The whole reply as a value.
fn bare(text: &str, definition: &Definition) -> Option<Value> {
    match definition.score_value_type {
        ScoreValueType::Text | ScoreValueType::Comment => Some(Value::from(text)),
        ScoreValueType::Json => None,
        _ => lenient(Value::from(stripped(text)), definition),
    }
}

fn is_text(definition: &Definition) -> bool {
    matches!(definition.score_value_type, ScoreValueType::Text | ScoreValueType::Comment)
}

fn stripped(text: &str) -> &str {
    let ornament = |letter: char| letter.is_whitespace() || "\"'`*_!".contains(letter);
    // A point at the end ends a sentence; at the beginning it may begin a number.
    text.trim_start_matches(ornament).trim_end_matches(|letter| letter == '.' || ornament(letter))
}

/// A value as the type needs it: models put numbers and booleans into strings, and choices into other case.
fn lenient(value: Value, definition: &Definition) -> Option<Value> {
    let Value::String(text) = &value else {
        return match (definition.score_value_type, &value) {
            // Null says that the model gave no score.
            (kind, Value::Null) if kind != ScoreValueType::Json => None,
            (kind, Value::Array(list)) if kind.is_select() => {
                let names = list.iter().map(|each| {
                    each.as_str().and_then(|text| choice(text, definition)).unwrap_or_else(|| each.clone())
                });
                Some(names.collect())
            }
            _ => Some(value),
        };
    };
    match definition.score_value_type {
        ScoreValueType::Numerical | ScoreValueType::Percentage => number(stripped(text)).map(Value::from),
        ScoreValueType::Boolean => boolean(stripped(text)).map(Value::Bool),
        ScoreValueType::SingleSelect => choice(text, definition),
        ScoreValueType::MultiSelect | ScoreValueType::Categorical => choice(text, definition).or_else(|| {
            text.split(',').map(|part| choice(part, definition)).collect::<Option<Vec<Value>>>().map(Value::from)
        }),
        ScoreValueType::Text | ScoreValueType::Comment | ScoreValueType::Json => Some(value),
    }
}

/// The value that a line begins with.
fn word(line: &str, definition: &Definition) -> Option<Value> {
    if let Some(value) = lenient(Value::from(stripped(line)), definition) {
        return Some(value);
    }
    match definition.score_value_type {
        ScoreValueType::Numerical | ScoreValueType::Percentage => {
            let found = FIRST_NUMBER.as_ref()?.captures(line)?;
            let unclear = UNCLEAR_REST.as_ref()?.is_match(&line[found.get(0)?.end()..]);
            number(found.get(1)?.as_str()).filter(|_| !unclear).map(Value::from)
        }
        ScoreValueType::Boolean => {
            let first = line.split_whitespace().next()?;
            let (said, ends) =
                (stripped(first.trim_end_matches([',', ';', ':'])), first.ends_with([',', ';', ':', '.', '!']));
            // "No doubt" is no "no".
            let unclear = said.eq_ignore_ascii_case("no") && !ends && line.trim() != first;
            boolean(said).filter(|_| !unclear).map(Value::Bool)
        }
        ScoreValueType::SingleSelect => {
            let line = line.to_lowercase();
            let starts = |name: &str| {
                let rest = line.strip_prefix(&name.to_lowercase());
                rest.is_some_and(|rest| !rest.starts_with(char::is_alphanumeric))
            };
            let names = definition.choices().iter().map(|choice| choice.name.as_str()).filter(|name| starts(name));
            names.max_by_key(|name| name.len()).map(Value::from)
        }
        _ => None,
    }
}

/// The number that a line begins with.
static FIRST_NUMBER: LazyLock<Option<Regex>> = LazyLock::new(|| {
    Regex::new(r"^\s*([+-]?(?:\d{1,3}(?:,\d{3})+(?:\.\d+)?|\d+(?:\.\d+)?|\.\d+)(?:[eE][+-]?\d+)?)").ok()
});
/// What makes it doubtful where that number ends: `1 000`, `1,5`.
static UNCLEAR_REST: LazyLock<Option<Regex>> = LazyLock::new(|| Regex::new(r"^(?:,\d|[ \u{a0}\u{202f}]\d{3}\b)").ok());
/// A number with commas between thousands.
static THOUSANDS: LazyLock<Option<Regex>> =
    LazyLock::new(|| Regex::new(r"^[+-]?\d{1,3}(?:,\d{3})+(?:\.\d+)?(?:[eE][+-]?\d+)?$").ok());

/// A number, `4/5` as 4, `85%` as 85, `1,234` as 1234.
fn number(text: &str) -> Option<f64> {
    let text = text.split_once('/').map_or(text, |(above, _)| above).trim();
    let text = text.strip_suffix('%').unwrap_or(text).trim();
    let grouped = text.contains(',') && THOUSANDS.as_ref()?.is_match(text);
    let text = if grouped { Cow::Owned(text.replace(',', "")) } else { Cow::Borrowed(text) };
    text.parse().ok().filter(|number: &f64| number.is_finite())
}

fn boolean(text: &str) -> Option<bool> {
    match text.to_lowercase().as_str() {
        "true" | "yes" | "pass" | "passed" | "1" => Some(true),
        "false" | "no" | "fail" | "failed" | "0" => Some(false),
        _ => None,
    }
}

/// The choice of exactly this name or value, else the only one of this name in another case.
fn choice(text: &str, definition: &Definition) -> Option<Value> {
    let choices = definition.choices();
    if choices.iter().any(|choice| choice.name == text || choice.value == text) {
        return Some(Value::from(text));
    }
    let folded = stripped(text).to_lowercase();
    let same = |text: &str| text.to_lowercase() == folded;
    let mut alike = choices.iter().filter(|choice| same(&choice.name) || same(&text_of(&choice.value)));
    match (alike.next(), alike.next()) {
        (Some(only), None) => Some(Value::from(only.name.as_str())),
        _ => None,
    }
}

#[cfg(test)]
mod tests;
