//! `numeric_tolerance`: a number in the text is near enough to the expected one.

use super::parameters::{Given, Parameter};
use super::texts::{AGAINST, FIELD, Field};
use super::{Info, Natural, Scoring, compiled};
use crate::convert::{Raw, cut};
use evalset_model::Result;
use evalset_model::evaluator::EvalInputs;
use evalset_model::scalar::read_number;
use regex::Regex;
use serde_json::Value;
use std::sync::LazyLock;

use super::parameters::{invalid, wrong};

pub(super) const INFO: Info = Info {
    name: "numeric_tolerance",
    natural: Natural::Boolean,
    compile: |given| compiled(NumericTolerance::compile(given)),
    description: "Whether a number is near enough to the expected one.",
    formula: "true when |a - b| <= `tolerance`, or |a - b| <= `relative` * |b|, where a is the number in the text and b the \
              expected one, as 64-bit floats; false when the text holds no number; a row whose expected text is no number fails",
    parameters: &[
        FIELD,
        AGAINST,
        Parameter {
            name: "value",
            kind: "number",
            default: None,
            description: "A fixed number, in place of `against`.",
        },
        Parameter {
            name: "tolerance",
            kind: "number, 0 or more",
            default: Some("0"),
            description: "Largest absolute difference.",
        },
        Parameter {
            name: "relative",
            kind: "number, 0 or more",
            default: None,
            description: "Largest difference as a share of the expected number; enough by itself.",
        },
        Parameter {
            name: "extract",
            kind: "`whole`, `first` or `last`",
            default: Some("`whole`"),
            description: "The whole text is the number, or the first or last number in it is taken (commas between \
                          thousands are left out).",
        },
    ],
};

/// Numbers in prose, with commas between thousands.
static NUMBER: LazyLock<Option<Regex>> =
    LazyLock::new(|| Regex::new(r"[-+]?(?:\d{1,3}(?:,\d{3})+(?:\.\d+)?|\d+(?:\.\d+)?|\.\d+)(?:[eE][-+]?\d+)?").ok());

#[derive(Clone, Debug)]
pub(super) struct NumericTolerance {
    field: Field,
    expected: Expected,
    tolerance: f64,
    relative: f64,
    extract: Extract,
}

#[derive(Clone, Debug)]
enum Expected {
    Field(Field),
    Value(f64),
}

#[derive(Clone, Copy, Debug)]
enum Extract {
    Whole,
    First,
    Last,
}

impl NumericTolerance {
    fn compile(given: &Given<'_>) -> Result<Self> {
        let expected = match given.get("value") {
            Some(_) if given.get("against").is_some() => {
                return Err(invalid("value", "and `against` exclude each other: give one of them"));
            }
            Some(value) => Expected::Value(value.as_f64().ok_or_else(|| wrong("value", "a number", value))?),
            None => Expected::Field(Field::read(given, "against", Field::ExpectedOutput)?),
        };
        Ok(Self {
            field: Field::read(given, "field", Field::Output)?,
            expected,
            tolerance: given.amount("tolerance")?.unwrap_or_default(),
            relative: given.amount("relative")?.unwrap_or_default(),
            extract: match given.word("extract", &["whole", "first", "last"])? {
                "first" => Extract::First,
                "last" => Extract::Last,
                _ => Extract::Whole,
            },
        })
    }
}

impl Scoring for NumericTolerance {
    fn score(&self, inputs: &EvalInputs) -> Result<Raw, String> {
        let expected = match &self.expected {
            Expected::Value(number) => *number,
            Expected::Field(field) => {
                let text = field.text(inputs)?;
                let no_number = || format!("the expected text is no number: `{}`", cut(&text, SHOWN_BYTES));
                self.extract.number(&text).ok_or_else(no_number)?
            }
        };
        let text = self.field.text(inputs)?;
        let Some(number) = self.extract.number(&text) else {
            let explanation = format!("no number: `{}`", cut(&text, SHOWN_BYTES));
            return Ok(Raw { value: Value::Bool(false), explanation: Some(explanation) });
        };
        let difference = (number - expected).abs();
        Ok(Raw::bare(difference <= self.tolerance || difference <= self.relative * expected.abs()))
    }
}

/// Bytes of a text in a message.
const SHOWN_BYTES: usize = 80;

impl Extract {
    fn number(self, text: &str) -> Option<f64> {
        if matches!(self, Self::Whole) {
            return text.trim().parse().ok().filter(|number: &f64| number.is_finite());
        }
        let pattern = NUMBER.as_ref()?;
        let found = match self {
            Self::Last => pattern.find_iter(text).last()?,
            Self::First | Self::Whole => pattern.find(text)?,
        };
        read_number(&Value::from(found.as_str().replace(',', "")))
    }
}
