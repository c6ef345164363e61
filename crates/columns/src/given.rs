//! What another index says of comparisons that the columns cannot answer. Knows neither that index nor its fields.

use crate::rows::Rows;
use evalset_model::filter::{Compare, LogField};

/// Answers to single comparisons of one filter, found again by their place in it.
#[derive(Default)]
pub struct Given<'f> {
    answers: Vec<(&'f Compare<LogField>, Answer)>,
}

/// What is known of one comparison.
#[derive(Clone, Debug, Default)]
pub struct Answer {
    /// Rows that pass.
    pub yes: Rows,
    /// Rows of which only the whole row can tell. Disjoint from `yes`.
    pub maybe: Rows,
}

impl<'f> Given<'f> {
    /// Adds an answer to a comparison of the filter.
    pub fn add(&mut self, compare: &'f Compare<LogField>, answer: Answer) {
        self.answers.push((compare, answer));
    }

    /// The answer to this very comparison, not one like it.
    pub(crate) fn to(&self, compare: &Compare<LogField>) -> Option<&Answer> {
        self.answers.iter().find(|(given, _)| std::ptr::eq(*given, compare)).map(|(_, answer)| answer)
    }
}
