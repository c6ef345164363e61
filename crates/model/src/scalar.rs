//! One typed value of a log field.

use crate::error::{Error, Result};
use chrono::{DateTime, NaiveDate, NaiveDateTime, SecondsFormat, Utc};
use serde_json::Value;
use std::fmt::{self, Write as _};

/// Type of a scalar field.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Kind {
    /// UTF-8 text.
    Text,
    /// Signed 64-bit integer.
    Int,
    /// 64-bit float, never NaN or infinite.
    Float,
    /// Boolean.
    Bool,
    /// Instant, microseconds since 1970-01-01 UTC.
    Time,
}

impl Kind {
    /// The error that `field` holds `value`, which is of another type.
    pub(crate) fn refused(self, field: &str, value: &impl fmt::Display) -> Error {
        let wanted = match self {
            Self::Text => "a string",
            Self::Int => "an integer",
            Self::Float => "a number",
            Self::Bool => "true or false",
            Self::Time => "an ISO 8601 date and time",
        };
        Error::invalid(field, format!("`{field}` must be {wanted}, got {}", brief(value)))
    }
}

/// A value of a scalar field. Absent and null are the same: there is no scalar then.
#[derive(Clone, Debug, PartialEq)]
pub enum Scalar {
    /// See [`Kind::Text`].
    Text(String),
    /// See [`Kind::Int`].
    Int(i64),
    /// See [`Kind::Float`].
    Float(f64),
    /// See [`Kind::Bool`].
    Bool(bool),
    /// See [`Kind::Time`].
    Time(i64),
}

impl Scalar {
    /// The type of this value.
    pub fn kind(&self) -> Kind {
        match self {
            Self::Text(_) => Kind::Text,
            Self::Int(_) => Kind::Int,
            Self::Float(_) => Kind::Float,
            Self::Bool(_) => Kind::Bool,
            Self::Time(_) => Kind::Time,
        }
    }

    /// The value as it goes over the wire (contract A.2: times as ISO 8601 UTC with six digits).
    pub fn to_json(&self) -> Value {
        match self {
            Self::Text(text) => Value::from(text.as_str()),
            Self::Int(number) => Value::from(*number),
            Self::Float(number) => Value::from(*number),
            Self::Bool(flag) => Value::from(*flag),
            Self::Time(micros) => Value::from(format_time(*micros)),
        }
    }

    /// Reads a JSON value as `kind`. `null` is `None`. Numeric strings, integral floats and the boolean forms of
    /// contract C.3 are accepted; anything else is an error that names `field`.
    pub fn from_json(kind: Kind, value: &Value, field: &str) -> Result<Option<Self>> {
        let wrong = || kind.refused(field, value);
        Ok(Some(match (kind, value) {
            (_, Value::Null) => return Ok(None),
            (Kind::Text, Value::String(text)) => Self::Text(text.clone()),
            (Kind::Text, Value::Number(number)) => Self::Text(number.to_string()),
            (Kind::Text, Value::Bool(flag)) => Self::Text(flag.to_string()),
            (Kind::Int, _) => Self::Int(read_int(value).ok_or_else(wrong)?),
            (Kind::Float, _) => Self::Float(read_number(value).ok_or_else(wrong)?),
            (Kind::Bool, _) => Self::Bool(read_bool(value).ok_or_else(wrong)?),
            (Kind::Time, Value::String(text)) => Self::Time(parse_time(text).ok_or_else(wrong)?),
            (Kind::Text | Kind::Time, _) => return Err(wrong()),
        }))
    }
}

/// A value shortened for an error message; what is cut off is not written first.
pub fn brief(value: &impl fmt::Display) -> String {
    let mut begin = Beginning { text: String::new(), left: BRIEF_CHARS };
    // It fails where there is no more room.
    match write!(begin, "{value}") {
        Ok(()) => begin.text,
        Err(fmt::Error) => begin.text + "…",
    }
}

/// Characters of a value in an error message.
const BRIEF_CHARS: usize = 60;

struct Beginning {
    text: String,
    left: usize,
}

impl fmt::Write for Beginning {
    fn write_str(&mut self, more: &str) -> fmt::Result {
        let end = more.char_indices().nth(self.left).map(|(end, _)| end);
        let fits = &more[..end.unwrap_or(more.len())];
        self.left -= fits.chars().count();
        self.text.push_str(fits);
        if end.is_some() { Err(fmt::Error) } else { Ok(()) }
    }
}

/// What kind of JSON value this is, for messages.
pub fn type_name(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "a boolean",
        Value::Number(_) => "a number",
        Value::String(_) => "a string",
        Value::Array(_) => "an array",
        Value::Object(_) => "an object",
    }
}

/// Reads a number: JSON number or numeric string; finite only.
pub fn read_number(value: &Value) -> Option<f64> {
    match value {
        Value::Number(number) => number.as_f64(),
        Value::String(text) => text.trim().parse().ok(),
        _ => None,
    }
    .filter(|number: &f64| number.is_finite())
}

/// Reads an integer: JSON integer, integral float or string of either.
pub fn read_int(value: &Value) -> Option<i64> {
    let exact = match value {
        Value::Number(number) => number.as_i64(),
        Value::String(text) => text.trim().parse().ok(),
        _ => None,
    };
    exact.or_else(|| {
        let number = read_number(value)?;
        (number.fract() == 0.0 && number.abs() <= 9_007_199_254_740_992.0).then_some(number as i64)
    })
}

/// Reads a boolean: `true`/`false`, their strings, 1/0 and their strings (contract C.3).
pub fn read_bool(value: &Value) -> Option<bool> {
    match value {
        Value::Bool(flag) => Some(*flag),
        Value::Number(number) if number.as_f64() == Some(1.0) => Some(true),
        Value::Number(number) if number.as_f64() == Some(0.0) => Some(false),
        Value::String(text) => match text.trim().to_ascii_lowercase().as_str() {
            "true" | "1" => Some(true),
            "false" | "0" => Some(false),
            _ => None,
        },
        _ => None,
    }
}

/// Microseconds since the epoch of any form in contract A.2: ISO 8601 with `Z` or an offset, naive ISO and
/// `YYYY-MM-DD HH:MM:SS` (read as UTC), or a bare date (its midnight UTC).
pub fn parse_time(text: &str) -> Option<i64> {
    let text = text.trim();
    if let Ok(at) = DateTime::parse_from_rfc3339(text) {
        return Some(at.timestamp_micros());
    }
    for form in ["%Y-%m-%dT%H:%M:%S%.f%#z", "%Y-%m-%d %H:%M:%S%.f%#z"] {
        if let Ok(at) = DateTime::parse_from_str(text, form) {
            return Some(at.timestamp_micros());
        }
    }
    let bare = text.strip_suffix(['Z', 'z']).unwrap_or(text);
    for form in ["%Y-%m-%dT%H:%M:%S%.f", "%Y-%m-%d %H:%M:%S%.f", "%Y-%m-%dT%H:%M", "%Y-%m-%d %H:%M"] {
        if let Ok(at) = NaiveDateTime::parse_from_str(bare, form) {
            return Some(at.and_utc().timestamp_micros());
        }
    }
    let date = NaiveDate::parse_from_str(text, "%Y-%m-%d").ok()?;
    Some(date.and_hms_opt(0, 0, 0)?.and_utc().timestamp_micros())
}

/// ISO 8601 UTC with six fractional digits and `Z`. Out-of-range instants print as the epoch's nearest bound.
pub fn format_time(micros: i64) -> String {
    DateTime::<Utc>::from_timestamp_micros(micros)
        .unwrap_or(if micros < 0 { DateTime::<Utc>::MIN_UTC } else { DateTime::<Utc>::MAX_UTC })
        .to_rfc3339_opts(SecondsFormat::Micros, true)
}
