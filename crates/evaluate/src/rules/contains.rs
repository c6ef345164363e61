//! `contains`: the text holds one or all of some texts.

use super::parameters::{Given, Parameter, invalid, wrong};
use super::texts::{AGAINST, Alike, FIELD, Field, IGNORE_CASE, TRIM};
use super::{Info, Natural, Scoring, compiled};
use crate::convert::{Raw, cut};
use evalset_model::Result;
use evalset_model::evaluator::EvalInputs;
use serde_json::Value;
use std::borrow::Cow;

/// Texts looked for.
const VALUES_MAX: usize = 1_000;
/// Bytes of each missing text, and of how many, that an explanation shows.
const SHOWN_BYTES: usize = 80;
const SHOWN: usize = 10;

pub(super) const INFO: Info = Info {
    name: "contains",
    natural: Natural::Boolean,
    compile: |given| compiled(Contains::compile(given)),
    description: "Whether the text holds any or all of some texts.",
    formula: "true when any (or, with `mode` `all`, each) of `values` is a substring of the text; without `values`, when the \
              text of `against` is",
    parameters: &[
        FIELD,
        Parameter {
            name: "values",
            kind: "text or list of texts",
            default: None,
            description: "The texts looked for, in place of `against`.",
        },
        Parameter {
            name: "mode",
            kind: "`any` or `all`",
            default: Some("`any`"),
            description: "How many of `values` are needed.",
        },
        AGAINST,
        IGNORE_CASE,
        TRIM,
    ],
};

#[derive(Clone, Debug)]
pub(super) struct Contains {
    field: Field,
    wanted: Wanted,
    alike: Alike,
}

#[derive(Clone, Debug)]
enum Wanted {
    Field(Field),
    Values { values: Vec<String>, all: bool },
}

impl Contains {
    fn compile(given: &Given<'_>) -> Result<Self> {
        let alike = Alike::read(given)?;
        let all = given.word("mode", &["any", "all"])? == "all";
        let wanted = match given.get("values") {
            Some(_) if given.get("against").is_some() => {
                return Err(invalid("values", "and `against` exclude each other: give one of them"));
            }
            Some(values) => Wanted::Values { values: read(values, alike)?, all },
            None => Wanted::Field(Field::read(given, "against", Field::ExpectedOutput)?),
        };
        Ok(Self { field: Field::read(given, "field", Field::Output)?, wanted, alike })
    }
}

impl Scoring for Contains {
    fn score(&self, inputs: &EvalInputs) -> Result<Raw, String> {
        let text = self.alike.make(self.field.text(inputs)?);
        match &self.wanted {
            Wanted::Field(field) => {
                let other = self.alike.make(field.text(inputs)?);
                Ok(Raw::bare(text.contains(other.as_ref())))
            }
            Wanted::Values { values, all: false } => {
                Ok(Raw::bare(values.iter().any(|value| text.contains(value.as_str()))))
            }
            Wanted::Values { values, all: true } => {
                let missing: Vec<&str> =
                    values.iter().map(String::as_str).filter(|value| !text.contains(value)).take(SHOWN).collect();
                let list = missing.iter().map(|value| format!("`{}`", cut(value, SHOWN_BYTES)));
                let explanation =
                    (!missing.is_empty()).then(|| format!("missing: {}", list.collect::<Vec<_>>().join(", ")));
                Ok(Raw { value: Value::Bool(missing.is_empty()), explanation })
            }
        }
    }
}

fn read(values: &Value, alike: Alike) -> Result<Vec<String>> {
    let list = match values {
        Value::Array(list) => list.as_slice(),
        one => std::slice::from_ref(one),
    };
    if list.is_empty() || list.len() > VALUES_MAX {
        return Err(invalid("values", &format!("must hold 1 to {VALUES_MAX} texts, got {}", list.len())));
    }
    let text = |value: &Value| {
        let text = value.as_str().ok_or_else(|| wrong("values", "a list of texts", value))?;
        Ok(alike.make(Cow::Borrowed(text)).into_owned())
    };
    list.iter().map(text).collect()
}
