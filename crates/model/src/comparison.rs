//! Comparison of two evaluations of the same rows: what either came to, how they differ row by row, and how sure that
//! is.
//!
//! Pure and repeatable: the same values and the same seed give the same answer, in whatever order the values come. Does
//! not know where the values are from; a greater value is taken as the better one.

mod bootstrap;
mod labels;
mod pairs;
mod random;
#[cfg(test)]
mod tests;

pub use bootstrap::Interval;
pub use labels::{Agreement, Cell, agreement};

use crate::error::{Error, Result};
use crate::limits::Limits;
use pairs::Pairs;
use std::cmp::Ordering;

/// How to compare.
#[derive(Clone, Debug, PartialEq)]
pub struct Options {
    /// Start of the pseudo-random choices of the bootstrap.
    pub seed: u64,
    /// Times that the values are drawn again.
    pub resamples: u32,
    /// Share of the bootstrap distribution inside an interval, between 0 and 1.
    pub confidence: f64,
    /// Differences up to this are ties.
    pub epsilon: f64,
    /// Rows to list that changed most; `limit` of the wire.
    pub listed: usize,
}

impl Default for Options {
    fn default() -> Self {
        Self { seed: 0, resamples: 2_000, confidence: 0.95, epsilon: 1e-9, listed: 20 }
    }
}

impl Options {
    /// Refuses options that mean nothing or ask for more than the limits allow; errors name the member.
    pub fn check(&self, limits: &Limits) -> Result<()> {
        let most = limits.comparison_resamples;
        if !(1..=most).contains(&self.resamples) {
            let allowed = format!("must be 1 to {most} (`limits.comparison_resamples`), got {}", self.resamples);
            return Err(Error::invalid("resamples", format!("`resamples` {allowed}")));
        }
        if !(self.confidence > 0.0 && self.confidence < 1.0) {
            let message = format!("`confidence` must be between 0 and 1, such as 0.95, got {}", self.confidence);
            return Err(Error::invalid("confidence", message));
        }
        if !(self.epsilon.is_finite() && self.epsilon >= 0.0) {
            let message = format!("`epsilon` must be a number from 0, got {}", self.epsilon);
            return Err(Error::invalid("epsilon", message));
        }
        let most = limits.comparison_listed;
        if self.listed > most {
            let message = format!("`limit` must be at most {most} (`limits.comparison_listed`), got {}", self.listed);
            return Err(Error::invalid("limit", message));
        }
        Ok(())
    }
}

/// Two evaluations, A and B, compared.
#[derive(Clone, Debug, PartialEq)]
pub struct Comparison<K> {
    /// All values of A, whether or not B has one for the row.
    pub a: Summary,
    /// All values of B.
    pub b: Summary,
    /// Rows of which both have a value; all that follows is about these.
    pub pairs: u64,
    /// The mean of B − A, and how sure it is when pairs are drawn again together.
    pub difference: Estimate,
    /// Pairs in which B is greater by more than epsilon.
    pub wins: u64,
    /// Pairs in which A is greater by more than epsilon.
    pub losses: u64,
    /// The other pairs.
    pub ties: u64,
    /// Which rows could not be compared.
    pub unpaired: Unpaired,
    /// The pairs that differ most, by more than epsilon: greatest difference first, ties by key.
    pub changed: Vec<Changed<K>>,
}

/// The values of one side.
#[derive(Clone, Debug, PartialEq)]
pub struct Summary {
    /// Values.
    pub count: u64,
    /// Their mean.
    pub mean: Estimate,
}

/// A mean and how sure it is.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Estimate {
    /// None without values.
    pub value: Option<f64>,
    /// Percentile bootstrap interval; none for fewer than two values, which tell nothing of their spread.
    pub interval: Option<Interval>,
}

/// Rows that are not compared.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Unpaired {
    /// Keys that only A has.
    pub only_in_a: u64,
    /// Keys that only B has.
    pub only_in_b: u64,
    /// Keys that both have, at least one of them without a value.
    pub without_value: u64,
    /// Entries of A passed over, since a later one has the same key.
    pub repeated_in_a: u64,
    /// Entries of B passed over, since a later one has the same key.
    pub repeated_in_b: u64,
}

/// A row that changed.
#[derive(Clone, Debug, PartialEq)]
pub struct Changed<K> {
    /// Which row.
    pub key: K,
    /// Its value in A.
    pub a: f64,
    /// Its value in B.
    pub b: f64,
}

impl<K> Changed<K> {
    /// B − A.
    pub fn difference(&self) -> f64 {
        self.b - self.a
    }
}

/// How many of the rows that were judged passed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct PassRate {
    /// Rows with a verdict.
    pub judged: u64,
    /// Rows that passed.
    pub passed: u64,
}

impl PassRate {
    /// Of these verdicts (contract F.3, `is_passed`); none is no verdict. How two sides' verdicts agree, tells
    /// [`agreement`].
    pub fn of(verdicts: impl IntoIterator<Item = Option<bool>>) -> Self {
        verdicts.into_iter().flatten().fold(Self::default(), |sum, passed| Self {
            judged: sum.judged + 1,
            passed: sum.passed + u64::from(passed),
        })
    }

    /// Share that passed, 0 to 1; none without verdicts.
    pub fn rate(self) -> Option<f64> {
        (self.judged > 0).then(|| self.passed as f64 / self.judged as f64)
    }
}

/// Compares two lists of values by key. Values that are not finite count as none; of several entries with one key the
/// last counts. The options are taken as they are, see [`Options::check`].
pub fn compare<K: Ord + Clone>(a: &[(K, Option<f64>)], b: &[(K, Option<f64>)], options: &Options) -> Comparison<K> {
    let joined = Pairs::new(a, b, |value| value.is_finite());
    let differences: Vec<f64> = joined.both.iter().map(|(_, a, b)| **b - **a).collect();
    let count =
        |holds: &dyn Fn(f64) -> bool| differences.iter().filter(|difference| holds(**difference)).count() as u64;
    let wins = count(&|difference| difference > options.epsilon);
    let losses = count(&|difference| -difference > options.epsilon);
    let pairs = differences.len() as u64;
    // Streams of their own: a side's interval does not depend on what it is compared with.
    let estimate = |values: &[f64], stream| Estimate {
        value: bootstrap::mean(values),
        interval: bootstrap::interval_of_mean(values, options, stream),
    };
    let summary = |values: &[&f64]| {
        let values: Vec<f64> = values.iter().map(|value| **value).collect();
        Summary { count: values.len() as u64, mean: estimate(&values, SIDE) }
    };
    Comparison {
        a: summary(&joined.a),
        b: summary(&joined.b),
        pairs,
        difference: estimate(&differences, DIFFERENCE),
        wins,
        losses,
        ties: pairs - wins - losses,
        unpaired: joined.unpaired,
        changed: most_changed(&joined.both, options),
    }
}

/// Random streams of a comparison.
const SIDE: u64 = 1;
const DIFFERENCE: u64 = 2;

fn most_changed<K: Ord + Clone>(pairs: &[(&K, &f64, &f64)], options: &Options) -> Vec<Changed<K>> {
    let size = |(_, a, b): &(&K, &f64, &f64)| (*b - *a).abs();
    let mut changed: Vec<_> = pairs.iter().filter(|pair| size(pair) > options.epsilon).collect();
    let order = |left: &&(&K, &f64, &f64), right: &&(&K, &f64, &f64)| -> Ordering {
        size(right).total_cmp(&size(left)).then_with(|| left.0.cmp(right.0))
    };
    if changed.len() > options.listed {
        // Only those that are listed need an order.
        changed.select_nth_unstable_by(options.listed, order);
        changed.truncate(options.listed);
    }
    changed.sort_by(order);
    changed.into_iter().map(|(key, a, b)| Changed { key: (*key).clone(), a: **a, b: **b }).collect()
}
