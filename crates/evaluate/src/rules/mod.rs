//! Built-in evaluators that need no model, one file each (latency and cost share one), and their catalogue.
//!
//! A rule is compiled once, where everything that can be wrong with its parameters is refused, and then scores rows. A
//! row that lacks what the rule needs is an error of that row, not a score. Does not know score value types beyond what
//! a rule gives by nature, nor where rows come from.

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
use std::fmt::Debug;
use std::sync::Arc;

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
    /// Makes it of what it is told.
    compile: Compile,
}

/// Makes a rule of its parameters. Errors name the parameter at fault.
type Compile = for<'a, 'b> fn(&'a Given<'b>) -> Result<Arc<dyn Scoring>>;

/// What every rule does.
trait Scoring: Debug + Send + Sync {
    /// The score of a row, or what the row lacks.
    fn score(&self, inputs: &EvalInputs) -> Result<Raw, String>;

    /// What to run it by in a child process, for a rule that could be made to take all time or memory there is.
    fn source(&self) -> Option<&Source> {
        None
    }
}

/// A rule, if it could be made.
fn compiled<S: Scoring + 'static>(rule: Result<S>) -> Result<Arc<dyn Scoring>> {
    Ok(Arc::new(rule?))
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
    scoring: Arc<dyn Scoring>,
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
        let scoring = (info.compile)(&Given::new(info, parameters)?)?;
        Ok(Self { info, scoring })
    }

    /// Its line of the catalogue.
    pub fn info(&self) -> &'static Info {
        self.info
    }

    /// What to run it by in a child process, for a rule that could be made to take all time or memory there is.
    pub fn source(&self) -> Option<&Source> {
        self.scoring.source()
    }

    /// The score of a row, or what the row lacks.
    pub fn score(&self, inputs: &EvalInputs) -> Result<Raw, String> {
        self.scoring.score(inputs)
    }
}
