//! Which text of the inputs a rule looks at, and what it is compared with.
//!
//! Shared by the rules that compare or search texts; does not know how they judge.

use super::parameters::{Given, Parameter, invalid};
use crate::inputs::{input_text, output_text, text_of};
use evalset_model::Result;
use evalset_model::evaluator::EvalInputs;
use evalset_model::filter::meaning::lookup;
use std::borrow::Cow;

/// The text looked at.
pub(super) const FIELD: Parameter = Parameter {
    name: "field",
    kind: "`output`, `input`, `expected_output` or `metadata.KEY`",
    default: Some("`output`"),
    description: "The text looked at.",
};
/// The text compared with.
pub(super) const AGAINST: Parameter = Parameter {
    name: "against",
    kind: "as `field`",
    default: Some("`expected_output`"),
    description: "The text compared with.",
};
/// A fixed text in place of `against`.
pub(super) const VALUE: Parameter = Parameter {
    name: "value",
    kind: "text",
    default: None,
    description: "A fixed text to compare with, in place of `against`.",
};
/// Whether case matters.
pub(super) const IGNORE_CASE: Parameter = Parameter {
    name: "ignore_case",
    kind: "boolean",
    default: Some("false"),
    description: "Lower-case both texts first (Unicode).",
};
/// Whether white space around matters.
pub(super) const TRIM: Parameter = Parameter {
    name: "trim",
    kind: "boolean",
    default: Some("false"),
    description: "Remove white space at both ends of both texts first.",
};

/// A part of the inputs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Field {
    Input,
    Output,
    ExpectedOutput,
    Metadata(String),
}

impl Field {
    /// Reads the parameter `name`.
    pub(super) fn read(given: &Given<'_>, name: &str, default: Self) -> Result<Self> {
        match given.text(name)? {
            None => Ok(default),
            Some("input") => Ok(Self::Input),
            Some("output") => Ok(Self::Output),
            Some("expected_output") => Ok(Self::ExpectedOutput),
            Some(text) => match text.strip_prefix("metadata.").filter(|key| !key.is_empty()) {
                Some(key) => Ok(Self::Metadata(key.to_owned())),
                None => Err(invalid(
                    name,
                    &format!(
                        "must be `output`, `input`, `expected_output` or `metadata.KEY`, got `{}`",
                        crate::convert::cut(text, 100)
                    ),
                )),
            },
        }
    }

    /// The text, or that the row has none.
    pub(super) fn text<'a>(&self, inputs: &'a EvalInputs) -> Result<Cow<'a, str>, String> {
        match self {
            Self::Input if !inputs.input.json().is_null() => Ok(input_text(&inputs.input)),
            Self::Output if !inputs.output.json().is_null() => Ok(output_text(&inputs.output)),
            Self::ExpectedOutput if !inputs.expected_output.json().is_null() => {
                Ok(output_text(&inputs.expected_output))
            }
            Self::Metadata(key) => lookup(&inputs.metadata, key).map(text_of).ok_or_else(|| self.missing()),
            _ => Err(self.missing()),
        }
    }

    fn missing(&self) -> String {
        let name = match self {
            Self::Input => "input".to_owned(),
            Self::Output => "output".to_owned(),
            Self::ExpectedOutput => "expected_output".to_owned(),
            Self::Metadata(key) => format!("metadata.{key}"),
        };
        format!("the row has no `{name}`, which this evaluator needs")
    }
}

/// Two texts of a row, made alike.
#[derive(Clone, Debug)]
pub(super) struct Pair {
    field: Field,
    against: Against,
    alike: Alike,
}

#[derive(Clone, Debug)]
enum Against {
    Field(Field),
    Value(String),
}

impl Pair {
    /// Reads `field`, `against` or `value`, `ignore_case` and `trim`.
    pub(super) fn read(given: &Given<'_>) -> Result<Self> {
        let alike = Alike::read(given)?;
        let against = match given.text("value")? {
            Some(_) if given.get("against").is_some() => {
                return Err(invalid("value", "and `against` exclude each other: give one of them"));
            }
            Some(text) => Against::Value(alike.make(Cow::Borrowed(text)).into_owned()),
            None => Against::Field(Field::read(given, "against", Field::ExpectedOutput)?),
        };
        Ok(Self { field: Field::read(given, "field", Field::Output)?, against, alike })
    }

    /// The text looked at and the one compared with.
    pub(super) fn texts<'a>(&'a self, inputs: &'a EvalInputs) -> Result<(Cow<'a, str>, Cow<'a, str>), String> {
        let left = self.alike.make(self.field.text(inputs)?);
        let right = match &self.against {
            Against::Field(field) => self.alike.make(field.text(inputs)?),
            Against::Value(text) => Cow::Borrowed(text.as_str()),
        };
        Ok((left, right))
    }
}

/// What differences between texts do not count.
#[derive(Clone, Copy, Debug)]
pub(super) struct Alike {
    ignore_case: bool,
    trim: bool,
}

impl Alike {
    pub(super) fn read(given: &Given<'_>) -> Result<Self> {
        Ok(Self { ignore_case: given.flag("ignore_case", false)?, trim: given.flag("trim", false)? })
    }

    pub(super) fn make(self, text: Cow<'_, str>) -> Cow<'_, str> {
        let text = match text {
            Cow::Borrowed(text) if self.trim => Cow::Borrowed(text.trim()),
            Cow::Owned(text) if self.trim => Cow::Owned(text.trim().to_owned()),
            text => text,
        };
        if self.ignore_case { Cow::Owned(text.to_lowercase()) } else { text }
    }
}
