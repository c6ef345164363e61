//! `exact_match`: the text equals the other.

use super::parameters::Given;
use super::texts::{AGAINST, FIELD, IGNORE_CASE, Pair, TRIM, VALUE};
use super::{Info, Natural, Scoring, compiled};
use crate::convert::Raw;
use evalset_model::Result;
use evalset_model::evaluator::EvalInputs;

pub(super) const INFO: Info = Info {
    name: "exact_match",
    natural: Natural::Boolean,
    compile: |given| compiled(ExactMatch::compile(given)),
    description: "Whether the text equals the expected one.",
    formula: "true when both text views hold the same characters, after `trim` and `ignore_case`; else false",
    parameters: &[FIELD, AGAINST, VALUE, IGNORE_CASE, TRIM],
};

#[derive(Clone, Debug)]
pub(super) struct ExactMatch(Pair);

impl ExactMatch {
    fn compile(given: &Given<'_>) -> Result<Self> {
        Pair::read(given).map(Self)
    }
}

impl Scoring for ExactMatch {
    fn score(&self, inputs: &EvalInputs) -> Result<Raw, String> {
        let (left, right) = self.0.texts(inputs)?;
        Ok(Raw::bare(left == right))
    }
}
