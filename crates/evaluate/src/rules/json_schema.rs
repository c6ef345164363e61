//! `json_schema`: the text is JSON that a schema describes.
//!
//! Schemas never reach beyond themselves: a reference to another document is refused.

use super::parameters::{Given, Parameter, invalid, wrong};
use super::regex::PATTERN_BYTES_MAX;
use super::texts::{FIELD, Field};
use super::{Info, Natural};
use crate::convert::{Raw, cut};
use evalset_model::Result;
use evalset_model::evaluator::EvalInputs;
use jsonschema::{PatternOptions, Validator};
use serde_json::Value;
use std::sync::Arc;

/// Bytes of a schema, as JSON text.
const SCHEMA_BYTES_MAX: usize = 256 * 1024;
/// Bytes of a validator's complaint in an explanation.
const COMPLAINT_BYTES_MAX: usize = 500;

pub(super) const INFO: Info = Info {
    name: "json_schema",
    natural: Natural::Boolean,
    description: "Whether the text is JSON that follows a JSON Schema.",
    formula: "true when the text is one JSON value that `schema` accepts (drafts 4 to 2020-12, by `$schema`; 2020-12 when it \
              names none); else false, with the first complaint as explanation",
    parameters: &[
        FIELD,
        Parameter {
            name: "schema",
            kind: "JSON, needed",
            default: None,
            description: "The JSON Schema. `$ref` may point into it, not to other documents.",
        },
    ],
};

#[derive(Clone, Debug)]
pub(super) struct JsonSchema {
    field: Field,
    schema: Arc<Validator>,
}

impl JsonSchema {
    pub(super) fn compile(given: &Given<'_>) -> Result<Self> {
        let schema = given.needed("schema")?;
        if !schema.is_object() && !schema.is_boolean() {
            return Err(wrong("schema", "a JSON Schema: an object", schema));
        }
        if schema.to_string().len() > SCHEMA_BYTES_MAX {
            return Err(invalid("schema", &format!("may have at most {SCHEMA_BYTES_MAX} bytes")));
        }
        let patterns = PatternOptions::regex().size_limit(PATTERN_BYTES_MAX);
        let built = jsonschema::options().with_pattern_options(patterns).offline().build(schema);
        let schema = built.map_err(|error| {
            let error = cut(&error.to_string(), COMPLAINT_BYTES_MAX);
            invalid("schema", &format!("is not a usable JSON Schema: {error}"))
        })?;
        Ok(Self { field: Field::read(given, "field", Field::Output)?, schema: Arc::new(schema) })
    }

    pub(super) fn score(&self, inputs: &EvalInputs) -> Result<Raw, String> {
        let text = self.field.text(inputs)?;
        let complaint = match serde_json::from_str::<Value>(&text) {
            Err(error) => Some(format!("not JSON: {error}")),
            Ok(value) => self.schema.validate(&value).err().map(|error| {
                let place = error.instance_path().to_string();
                let place = if place.is_empty() { String::new() } else { format!("at {place}: ") };
                cut(&format!("{place}{}", error.masked()), COMPLAINT_BYTES_MAX)
            }),
        };
        Ok(Raw { value: Value::Bool(complaint.is_none()), explanation: complaint })
    }
}
