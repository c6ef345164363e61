//! `latency` and `cost`: a metric of the row is at most a threshold.

use super::parameters::{Given, Parameter, wrong};
use super::{Info, Natural, Scoring, compiled};
use crate::convert::Raw;
use evalset_model::Result;
use evalset_model::evaluator::EvalInputs;

/// Threshold on `metrics.latency`.
pub(super) const LATENCY: Info = Info {
    name: "latency",
    natural: Natural::Boolean,
    compile: |given| compiled(Threshold::compile(given, "latency", "max_seconds")),
    description: "Whether the call was fast enough.",
    formula: "true when `metrics.latency` <= `max_seconds`",
    parameters: &[Parameter {
        name: "max_seconds",
        kind: "number, 0 or more, needed",
        default: None,
        description: "Longest time allowed, seconds.",
    }],
};

/// Threshold on `metrics.cost`.
pub(super) const COST: Info = Info {
    name: "cost",
    natural: Natural::Boolean,
    compile: |given| compiled(Threshold::compile(given, "cost", "max_usd")),
    description: "Whether the call was cheap enough.",
    formula: "true when `metrics.cost` <= `max_usd`",
    parameters: &[Parameter {
        name: "max_usd",
        kind: "number, 0 or more, needed",
        default: None,
        description: "Highest cost allowed, USD.",
    }],
};

#[derive(Clone, Debug)]
pub(super) struct Threshold {
    metric: &'static str,
    highest: f64,
}

impl Threshold {
    fn compile(given: &Given<'_>, metric: &'static str, parameter: &'static str) -> Result<Self> {
        let value = given.needed(parameter)?;
        let highest = given.amount(parameter)?.ok_or_else(|| wrong(parameter, "a number", value))?;
        Ok(Self { metric, highest })
    }
}

impl Scoring for Threshold {
    fn score(&self, inputs: &EvalInputs) -> Result<Raw, String> {
        match inputs.metrics.get(self.metric).and_then(serde_json::Value::as_f64) {
            Some(number) => Ok(Raw::bare(number <= self.highest)),
            None => Err(format!("the row has no number in `metrics.{}`, which this evaluator needs", self.metric)),
        }
    }
}
