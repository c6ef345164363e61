//! The value that a checked filter compares with, typed by the field it is compared with.

use crate::scalar::Scalar;

/// A value to compare with: of the field's own type, or, where the values of a field have types of their own, all that
/// it can be read as.
#[derive(Clone, Debug, PartialEq)]
pub enum Literal {
    /// Of a text field.
    Text(String),
    /// Of an integer or float field; never NaN.
    Number(f64),
    /// Of a boolean field.
    Bool(bool),
    /// Of a field of instants, microseconds since the epoch.
    Time(i64),
    /// Of metadata and scores.
    Dynamic(Readings),
}

/// What a literal can be read as. A value is compared with the reading of its own type; without one it is not equal and
/// has no order to it.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Readings {
    /// As text: the string itself, or the JSON text of a number or boolean.
    pub text: Option<String>,
    /// As number, never NaN.
    pub number: Option<f64>,
    /// As boolean.
    pub boolean: Option<bool>,
}

impl Literal {
    /// As text, if it is one.
    pub fn text(&self) -> Option<&str> {
        match self {
            Self::Text(text) => Some(text),
            Self::Dynamic(readings) => readings.text.as_deref(),
            Self::Number(_) | Self::Bool(_) | Self::Time(_) => None,
        }
    }

    /// As number, if it is one.
    pub fn number(&self) -> Option<f64> {
        match self {
            Self::Number(number) => Some(*number),
            Self::Dynamic(readings) => readings.number,
            Self::Text(_) | Self::Bool(_) | Self::Time(_) => None,
        }
    }

    /// As boolean, if it is one.
    pub fn boolean(&self) -> Option<bool> {
        match self {
            Self::Bool(flag) => Some(*flag),
            Self::Dynamic(readings) => readings.boolean,
            Self::Text(_) | Self::Number(_) | Self::Time(_) => None,
        }
    }

    /// As instant, if it is one.
    pub fn time(&self) -> Option<i64> {
        match self {
            Self::Time(micros) => Some(*micros),
            Self::Text(_) | Self::Number(_) | Self::Bool(_) | Self::Dynamic(_) => None,
        }
    }
}

impl From<&str> for Literal {
    fn from(text: &str) -> Self {
        Self::Text(text.to_owned())
    }
}

impl From<Scalar> for Literal {
    fn from(scalar: Scalar) -> Self {
        match scalar {
            Scalar::Text(text) => Self::Text(text),
            Scalar::Int(number) => Self::Number(number as f64),
            Scalar::Float(number) => Self::Number(number),
            Scalar::Bool(flag) => Self::Bool(flag),
            Scalar::Time(micros) => Self::Time(micros),
        }
    }
}
