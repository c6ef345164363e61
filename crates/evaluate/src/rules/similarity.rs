//! `similarity`: how close two texts are by edit distance.

use super::levenshtein::{CELLS_MAX, distance};
use super::parameters::Given;
use super::texts::{AGAINST, FIELD, IGNORE_CASE, Pair, TRIM, VALUE};
use super::{Info, Natural, Scoring, compiled};
use crate::convert::Raw;
use evalset_model::Result;
use evalset_model::evaluator::EvalInputs;

pub(super) const INFO: Info = Info {
    name: "similarity",
    natural: Natural::Ratio,
    compile: |given| compiled(Similarity::compile(given)),
    description: "How close the text is to the expected one, by edit distance.",
    formula: "1 - d / max(m, n), where d is the Levenshtein distance (insertions, deletions and substitutions cost 1) and m, n \
              the lengths, all in Unicode code points; 1 when both texts are empty. Exact. Rows whose texts need more than \
              4e10 table cells (two entirely different texts of 200,000 characters) fail",
    parameters: &[FIELD, AGAINST, VALUE, IGNORE_CASE, TRIM],
};

#[derive(Clone, Debug)]
pub(super) struct Similarity(Pair);

impl Similarity {
    fn compile(given: &Given<'_>) -> Result<Self> {
        Pair::read(given).map(Self)
    }
}

impl Scoring for Similarity {
    fn score(&self, inputs: &EvalInputs) -> Result<Raw, String> {
        let (left, right) = self.0.texts(inputs)?;
        match distance(&left, &right) {
            Some((_, 0)) => Ok(Raw::bare(1.0)),
            Some((distance, longest)) => Ok(Raw::bare(1.0 - distance as f64 / longest as f64)),
            None => Err(format!("the texts are too long to compare: their lengths multiply to more than {CELLS_MAX}")),
        }
    }
}
