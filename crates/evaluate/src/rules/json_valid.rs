//! `json_valid`: the text is JSON.

use super::parameters::Given;
use super::texts::{FIELD, Field};
use super::{Info, Natural, Scoring, compiled};
use crate::convert::Raw;
use evalset_model::Result;
use evalset_model::evaluator::EvalInputs;
use serde::de::IgnoredAny;
use serde_json::Value;

pub(super) const INFO: Info = Info {
    name: "json_valid",
    natural: Natural::Boolean,
    compile: |given| compiled(JsonValid::compile(given)),
    description: "Whether the text is valid JSON.",
    formula: "true when the whole text is one JSON value (RFC 8259: no NaN, no comments, no trailing comma), with white space \
              around; else false",
    parameters: &[FIELD],
};

#[derive(Clone, Debug)]
pub(super) struct JsonValid(Field);

impl JsonValid {
    fn compile(given: &Given<'_>) -> Result<Self> {
        Field::read(given, "field", Field::Output).map(Self)
    }
}

impl Scoring for JsonValid {
    fn score(&self, inputs: &EvalInputs) -> Result<Raw, String> {
        let text = self.0.text(inputs)?;
        let error = serde_json::from_str::<IgnoredAny>(&text).err();
        Ok(Raw { value: Value::Bool(error.is_none()), explanation: error.map(|error| error.to_string()) })
    }
}
