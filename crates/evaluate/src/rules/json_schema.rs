//! `json_schema`: the text is JSON that a schema describes.
//!
//! Schemas never reach beyond themselves: a reference to another document is refused.

use super::parameters::{Given, Parameter, invalid, wrong};
use super::regex::PATTERN_BYTES_MAX;
use super::texts::{FIELD, Field};
use super::{Info, Natural, Scoring, compiled};
use crate::convert::{Raw, cut};
use crate::sandbox::{Language, Source};
use evalset_model::evaluator::EvalInputs;
use jsonschema::{PatternOptions, Validator};
use serde_json::{Map, Value};

/// Bytes of a schema, as JSON text.
const SCHEMA_BYTES_MAX: usize = 256 * 1024;
/// Bytes of a validator's complaint in an explanation.
const COMPLAINT_BYTES_MAX: usize = 500;

pub(super) const INFO: Info = Info {
    name: "json_schema",
    natural: Natural::Boolean,
    compile: |given| compiled(JsonSchema::compile(given)),
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

/// The rule as its parameters say. The schema is used in a child process only: one may take as long as it likes, and
/// the library that checks it has no bound of its own.
#[derive(Clone, Debug)]
pub(super) struct JsonSchema {
    source: Source,
}

impl JsonSchema {
    fn compile(given: &Given<'_>) -> evalset_model::Result<Self> {
        let schema = given.needed("schema")?;
        if !schema.is_object() && !schema.is_boolean() {
            return Err(wrong("schema", "a JSON Schema: an object", schema));
        }
        if schema.to_string().len() > SCHEMA_BYTES_MAX {
            return Err(invalid("schema", &format!("may have at most {SCHEMA_BYTES_MAX} bytes")));
        }
        Field::read(given, "field", Field::Output)?;
        Ok(Self { source: Source::new(Language::JsonSchema, &given.text_of_all()) })
    }
}

impl Scoring for JsonSchema {
    fn score(&self, inputs: &EvalInputs) -> Result<Raw, String> {
        Schema::load(self.source.text())?.score(inputs)
    }

    fn source(&self) -> Option<&Source> {
        Some(&self.source)
    }
}

/// A schema made ready, in the child.
pub(crate) struct Schema {
    field: Field,
    schema: Validator,
}

impl Schema {
    /// Reads the parameters and builds the schema; else what is wrong with it, to be said after the name of its member.
    pub(crate) fn load(parameters: &str) -> Result<Self, String> {
        let map: Map<String, Value> = serde_json::from_str(parameters).map_err(|error| error.to_string())?;
        let given = Given::new(&INFO, &map).map_err(|error| error.to_string())?;
        let schema = given.needed("schema").map_err(|error| error.to_string())?;
        let patterns = PatternOptions::regex().size_limit(PATTERN_BYTES_MAX);
        let built = jsonschema::options().with_pattern_options(patterns).offline().build(schema);
        let schema = built.map_err(|error| {
            let error = cut(&error.to_string(), COMPLAINT_BYTES_MAX);
            format!("is not a usable JSON Schema: {error}")
        })?;
        let field = Field::read(&given, "field", Field::Output).map_err(|error| error.to_string())?;
        Ok(Self { field, schema })
    }

    /// Whether the text of a row is as the schema says, with the first complaint when it is not.
    pub(crate) fn score(&self, inputs: &EvalInputs) -> Result<Raw, String> {
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
