//! Built-in evaluators that need no model, one file each (latency and cost share one): the catalogue, and their dispatch.
//!
//! A rule is compiled once, where everything that can be wrong with its parameters is refused, and then scores rows. A row
//! that lacks what the rule needs is an error of that row, not a score. Does not know score value types beyond what a rule
//! gives by nature, nor where rows come from.

mod contains;
mod exact_match;
mod json_schema;
mod json_valid;
mod levenshtein;
mod numeric_tolerance;
mod parameters;
mod regex;
mod similarity;
mod texts;
mod thresholds;
mod token_f1;

#[cfg(test)]
mod tests;

pub(crate) use json_schema::Schema;
pub use parameters::Parameter;

use crate::convert::Raw;
use crate::sandbox::Source;
use evalset_model::evaluator::EvalInputs;
use evalset_model::{Error, Result};
use parameters::Given;
use serde_json::{Map, Value};

/// What kind of value a rule gives.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Natural {
    /// True or false.
    Boolean,
    /// A number from 0 to 1.
    Ratio,
}

impl Natural {
    /// The score value type that fits it best, as named on the wire.
    pub fn score_value_type(self) -> &'static str {
        match self {
            Self::Boolean => "boolean",
            Self::Ratio => "numerical",
        }
    }
}

/// A line of the catalogue.
#[derive(Clone, Copy, Debug)]
pub struct Info {
    /// Value of `code_config.builtin`.
    pub name: &'static str,
    /// What it gives.
    pub natural: Natural,
    /// One line for people.
    pub description: &'static str,
    /// Exactly what it computes.
    pub formula: &'static str,
    /// What it can be told.
    pub parameters: &'static [Parameter],
}

/// Every built-in evaluator.
pub const CATALOGUE: &[Info] = &[
    exact_match::INFO,
    contains::INFO,
    regex::INFO,
    json_valid::INFO,
    json_schema::INFO,
    similarity::INFO,
    token_f1::INFO,
    numeric_tolerance::INFO,
    thresholds::LATENCY,
    thresholds::COST,
];

/// A built-in evaluator, ready to score.
#[derive(Clone, Debug)]
pub struct Rule {
    info: &'static Info,
    kind: Kind,
}

#[derive(Clone, Debug)]
enum Kind {
    ExactMatch(exact_match::ExactMatch),
    Contains(contains::Contains),
    Regex(regex::Pattern),
    JsonValid(json_valid::JsonValid),
    JsonSchema(json_schema::JsonSchema),
    Similarity(similarity::Similarity),
    TokenF1(token_f1::TokenF1),
    NumericTolerance(numeric_tolerance::NumericTolerance),
    Threshold(thresholds::Threshold),
}

impl Rule {
    /// Compiles a rule. Errors name `code_config.builtin` or the parameter at fault.
    pub fn compile(name: &str, parameters: &Map<String, Value>) -> Result<Self> {
        let Some(info) = CATALOGUE.iter().find(|info| info.name == name) else {
            let names = CATALOGUE.iter().map(|info| info.name).collect::<Vec<_>>().join(", ");
            let name = crate::convert::cut(name, 100);
            let message = format!("`{name}` is not a built-in evaluator; there are: {names}");
            return Err(Error::invalid("code_config.builtin", message));
        };
        let given = Given::new(info, parameters)?;
        let kind = match info.name {
            "exact_match" => Kind::ExactMatch(exact_match::ExactMatch::compile(&given)?),
            "contains" => Kind::Contains(contains::Contains::compile(&given)?),
            "regex" => Kind::Regex(regex::Pattern::compile(&given)?),
            "json_valid" => Kind::JsonValid(json_valid::JsonValid::compile(&given)?),
            "json_schema" => Kind::JsonSchema(json_schema::JsonSchema::compile(&given)?),
            "similarity" => Kind::Similarity(similarity::Similarity::compile(&given)?),
            "token_f1" => Kind::TokenF1(token_f1::TokenF1::compile(&given)?),
            "numeric_tolerance" => Kind::NumericTolerance(numeric_tolerance::NumericTolerance::compile(&given)?),
            "latency" => Kind::Threshold(thresholds::Threshold::latency(&given)?),
            "cost" => Kind::Threshold(thresholds::Threshold::cost(&given)?),
            other => return Err(Error::internal(format!("the catalogue names `{other}`, which no rule answers"))),
        };
        Ok(Self { info, kind })
    }

    /// Its line of the catalogue.
    pub fn info(&self) -> &'static Info {
        self.info
    }

    /// What to run it by in a child process, for a rule that could be made to take all time or memory there is.
    pub fn source(&self) -> Option<&Source> {
        if let Kind::JsonSchema(rule) = &self.kind { Some(&rule.source) } else { None }
    }

    /// The score of a row, or what the row lacks.
    pub fn score(&self, inputs: &EvalInputs) -> Result<Raw, String> {
        match &self.kind {
            Kind::ExactMatch(rule) => rule.score(inputs),
            Kind::Contains(rule) => rule.score(inputs),
            Kind::Regex(rule) => rule.score(inputs),
            Kind::JsonValid(rule) => rule.score(inputs),
            Kind::JsonSchema(rule) => rule.score(inputs),
            Kind::Similarity(rule) => rule.score(inputs),
            Kind::TokenF1(rule) => rule.score(inputs),
            Kind::NumericTolerance(rule) => rule.score(inputs),
            Kind::Threshold(rule) => rule.score(inputs),
        }
    }
}
