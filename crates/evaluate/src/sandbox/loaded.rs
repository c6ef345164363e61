//! What a child has loaded: a source of any language, ready for rows.
//!
//! Knows which language is whose; neither pipes nor limits of the process.

use super::source::Language;
use super::{Refusal, Settings};
use crate::convert::Raw;
use crate::inputs;
use crate::python::Program;
use crate::rules::Schema;
use crate::template::Template;
use evalset_model::evaluator::EvalInputs;
use serde_json::{Value, json};

/// A source that can be called.
pub(super) enum Loaded {
    Python(Box<Program>),
    Template(Box<Template>),
    JsonSchema(Box<Schema>),
}

impl Loaded {
    /// Compiles a source.
    pub(super) fn load(language: Language, source: &str, settings: &Settings) -> Result<Self, Refusal> {
        let plain = |message: String| Refusal { message, line: None };
        match language {
            Language::Python => Program::load(source, settings).map(|program| Self::Python(Box::new(program))),
            Language::Template => {
                Template::compile(source).map(|template| Self::Template(Box::new(template))).map_err(plain)
            }
            Language::JsonSchema => {
                Schema::load(source).map(|schema| Self::JsonSchema(Box::new(schema))).map_err(plain)
            }
        }
    }

    /// Calls it on a row; JSON text of what comes out.
    pub(super) fn call(&mut self, row: &[u8], settings: &Settings) -> Result<Vec<u8>, String> {
        let value = match self {
            Self::Python(program) => return program.call(row, settings),
            Self::Template(template) => Value::String(template.render(&read(row)?)?),
            Self::JsonSchema(schema) => {
                let Raw { value, explanation } = schema.score(&read(row)?)?;
                json!({"score": value, "explanation": explanation})
            }
        };
        let text = serde_json::to_vec(&value).map_err(|error| error.to_string())?;
        let most = settings.output_bytes;
        if text.len() > most { Err(format!("the result has more than {most} bytes as JSON")) } else { Ok(text) }
    }
}

fn read(row: &[u8]) -> Result<EvalInputs, String> {
    inputs::of_dictionary(row).map_err(|error| format!("the row cannot be read: {error}"))
}
