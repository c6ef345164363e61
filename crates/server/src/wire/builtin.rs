//! JSON of the catalogue of built-in evaluators.

use evalset_evaluate::rules::{Info, Parameter};
use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;

/// All built-in evaluators.
#[derive(Debug, Serialize, ToSchema)]
pub struct CatalogueObject {
    /// One line each.
    pub results: Vec<BuiltinObject>,
    /// How many there are.
    pub count: usize,
}

/// A built-in evaluator.
#[derive(Debug, Serialize, ToSchema)]
pub struct BuiltinObject {
    /// Value of `code_config.builtin`.
    pub name: &'static str,
    /// Names it where a run names its evaluators.
    pub reference: String,
    /// The score value type that fits it best.
    pub score_value_type: &'static str,
    /// One line.
    pub description: &'static str,
    /// Exactly what it computes.
    pub formula: &'static str,
    /// Members of `code_config.parameters`.
    pub parameters: Vec<ParameterObject>,
}

/// A parameter of a built-in evaluator.
#[derive(Debug, Serialize, ToSchema)]
pub struct ParameterObject {
    /// Name.
    pub name: &'static str,
    /// What it holds.
    pub r#type: &'static str,
    /// What holds when it is absent; null: nothing, or it is needed.
    pub default: Option<Value>,
    /// What it does.
    pub description: &'static str,
}

impl CatalogueObject {
    /// Of these lines.
    pub fn new(catalogue: &[Info]) -> Self {
        let results: Vec<_> = catalogue.iter().map(BuiltinObject::from).collect();
        Self { count: results.len(), results }
    }
}

impl From<&Info> for BuiltinObject {
    fn from(info: &Info) -> Self {
        Self {
            name: info.name,
            reference: format!("builtin:{}", info.name),
            score_value_type: info.natural.score_value_type(),
            description: info.description,
            formula: info.formula,
            parameters: info.parameters.iter().map(ParameterObject::from).collect(),
        }
    }
}

impl From<&Parameter> for ParameterObject {
    fn from(Parameter { name, kind, default, description }: &Parameter) -> Self {
        // Words of fixed meaning stand between back-ticks there, for people.
        let word = |text: &str| Value::from(text.trim_matches('`'));
        let default = default.map(|text| serde_json::from_str(text).unwrap_or_else(|_| word(text)));
        Self { name, r#type: kind, default, description }
    }
}
