//! `token_f1`: overlap of words, as the SQuAD benchmark measures answers.

use super::parameters::Given;
use super::texts::{AGAINST, FIELD, Pair, VALUE};
use super::{Info, Natural, Scoring, compiled};
use crate::convert::Raw;
use evalset_model::Result;
use evalset_model::evaluator::EvalInputs;
use hashbrown::HashMap;

pub(super) const INFO: Info = Info {
    name: "token_f1",
    natural: Natural::Ratio,
    compile: |given| compiled(TokenF1::compile(given)),
    description: "Overlap of words between the text and the expected one (F1).",
    formula: "2PR / (P + R), with P = c / words of the text, R = c / words of the other, c = the size of the multiset \
              intersection of both; words are the runs of Unicode letters and digits of the lower-cased text. 1 when neither \
              has words, 0 when one has none or nothing is shared",
    parameters: &[FIELD, AGAINST, VALUE],
};

#[derive(Clone, Debug)]
pub(super) struct TokenF1(Pair);

impl TokenF1 {
    fn compile(given: &Given<'_>) -> Result<Self> {
        Pair::read(given).map(Self)
    }
}

impl Scoring for TokenF1 {
    fn score(&self, inputs: &EvalInputs) -> Result<Raw, String> {
        let (left, right) = self.0.texts(inputs)?;
        Ok(Raw::bare(f1(&left.to_lowercase(), &right.to_lowercase())))
    }
}

fn words(text: &str) -> impl Iterator<Item = &str> {
    text.split(|letter: char| !letter.is_alphanumeric()).filter(|word| !word.is_empty())
}

/// F1 of two lower-cased texts.
fn f1(left: &str, right: &str) -> f64 {
    let mut left_over: HashMap<&str, usize> = HashMap::new();
    let mut expected = 0_usize;
    for word in words(right) {
        *left_over.entry(word).or_default() += 1;
        expected += 1;
    }
    let (mut said, mut shared) = (0_usize, 0_usize);
    for word in words(left) {
        said += 1;
        if let Some(count) = left_over.get_mut(word).filter(|count| **count > 0) {
            *count -= 1;
            shared += 1;
        }
    }
    match (said, expected, shared) {
        (0, 0, _) => 1.0,
        (_, _, 0) => 0.0,
        _ => {
            let (precision, recall) = (shared as f64 / said as f64, shared as f64 / expected as f64);
            2.0 * precision * recall / (precision + recall)
        }
    }
}
