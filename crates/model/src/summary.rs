//! Sums over matching rows (contract B.17, E.7).

use crate::score::{Score, ShownScores, Source};
use serde::{Deserialize, Serialize};

/// Raw sums, from which the means of the wire are computed.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Sums {
    /// Matching rows.
    pub rows: u64,
    /// USD.
    pub cost: f64,
    /// Sum of `total_request_tokens`.
    pub total_tokens: i64,
    /// Sum of `prompt_tokens`.
    pub prompt_tokens: i64,
    /// Sum of `completion_tokens`.
    pub completion_tokens: i64,
    /// Rows whose `status` is `error`.
    pub errors: u64,
    /// Rows whose `cache_hit` is true.
    pub cache_hits: u64,
    /// Seconds, over rows that have it.
    pub latency: Mean,
    /// Tokens a second, over rows that have it.
    pub tokens_per_second: Mean,
    /// Seconds, over rows that have it.
    pub time_to_first_token: Mean,
    /// Of each source of scores that any of the rows has a number or boolean of, by rising key. Groups have none.
    pub scores: Vec<ScoreSum>,
}

/// The scores of one source over matching rows.
#[derive(Clone, Debug, PartialEq)]
pub struct ScoreSum {
    /// Whose scores.
    pub source: Source,
    /// Their totals.
    pub totals: ScoreTotals,
}

/// Totals of scores.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct ScoreTotals {
    /// Of the numbers.
    pub numbers: Mean,
    /// Booleans that are true.
    pub true_count: u64,
    /// Booleans that are false.
    pub false_count: u64,
}

impl ScoreTotals {
    /// Adds a number.
    pub fn add_number(&mut self, number: f64) {
        self.numbers.add(Some(number));
    }

    /// Counts a boolean.
    pub fn add_flag(&mut self, flag: bool) {
        self.true_count += u64::from(flag);
        self.false_count += u64::from(!flag);
    }

    /// Whether nothing was added.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

/// A running mean.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Mean {
    /// Sum of the values.
    pub sum: f64,
    /// How many.
    pub count: u64,
}

impl Mean {
    /// Adds a value, if there is one.
    pub fn add(&mut self, value: Option<f64>) {
        if let Some(value) = value {
            self.sum += value;
            self.count += 1;
        }
    }

    /// The mean; 0 when there is no value (contract B.17).
    pub fn value(&self) -> f64 {
        if self.count == 0 { 0.0 } else { self.sum / self.count as f64 }
    }
}

/// One group of I10: the value of the grouping field (`None` for null) and its sums.
#[derive(Clone, Debug, PartialEq)]
pub struct Group {
    /// Value of the grouping field.
    pub key: Option<String>,
    /// Sums over the group.
    pub sums: Sums,
}

impl Sums {
    /// USD a row; 0 without rows, as the others.
    pub fn mean_cost(&self) -> f64 {
        self.cost / self.rows_or_one()
    }

    /// Tokens a row, rounded.
    pub fn mean_tokens(&self) -> i64 {
        (self.total_tokens as f64 / self.rows_or_one()).round() as i64
    }

    /// Share of rows with an error, percent.
    pub fn error_percentage(&self) -> f64 {
        self.errors as f64 * 100.0 / self.rows_or_one()
    }

    /// Share of rows answered by the cache, percent.
    pub fn cache_hit_percentage(&self) -> f64 {
        self.cache_hits as f64 * 100.0 / self.rows_or_one()
    }

    fn rows_or_one(&self) -> f64 {
        self.rows.max(1) as f64
    }

    /// Adds the scores that one record shows.
    pub fn add_scores(&mut self, shown: &ShownScores) {
        shown.iter().for_each(|score| self.add_score(score));
    }

    /// Adds one score; only numbers and booleans count.
    pub fn add_score(&mut self, score: &Score) {
        let values = &score.values;
        if values.numerical.is_none() && values.boolean.is_none() {
            return;
        }
        let key = score.source.key();
        let at = self.scores.binary_search_by_key(&key, |sum| sum.source.key()).unwrap_or_else(|at| {
            self.scores.insert(at, ScoreSum { source: score.source.clone(), totals: ScoreTotals::default() });
            at
        });
        match (values.numerical, values.boolean) {
            (Some(number), _) => self.scores[at].totals.add_number(number),
            (None, Some(flag)) => self.scores[at].totals.add_flag(flag),
            (None, None) => {}
        }
    }

    /// Adds one record.
    pub fn add(&mut self, log: &crate::log::Log) {
        use crate::field::Field;
        use crate::scalar::Scalar;
        self.rows += 1;
        self.cost += log.float(Field::Cost).unwrap_or(0.0);
        self.total_tokens = self.total_tokens.saturating_add(log.int(Field::TotalRequestTokens).unwrap_or(0));
        self.prompt_tokens = self.prompt_tokens.saturating_add(log.int(Field::PromptTokens).unwrap_or(0));
        self.completion_tokens = self.completion_tokens.saturating_add(log.int(Field::CompletionTokens).unwrap_or(0));
        self.errors += u64::from(log.text(Field::Status) == Some("error"));
        self.cache_hits += u64::from(log.scalars.get(Field::CacheHit) == Some(&Scalar::Bool(true)));
        self.latency.add(log.float(Field::Latency));
        self.tokens_per_second.add(log.float(Field::TokensPerSecond));
        self.time_to_first_token.add(log.float(Field::TimeToFirstToken));
    }
}
