//! JSON of sums: the nine keys of contract B.17 and the groups of E.7.

use evalset_model::summary::{Group, ScoreSum, Sums};
use serde::Serialize;
use serde_json::{Map, Value};
use std::collections::BTreeMap;
use utoipa::ToSchema;

/// Summary of matching rows. No member is ever null.
#[derive(Debug, Serialize, ToSchema)]
pub struct SummaryObject {
    /// Matching rows.
    pub number_of_requests: u64,
    /// USD.
    pub total_cost: f64,
    /// All tokens.
    pub total_tokens: i64,
    /// Prompt tokens.
    pub total_prompt_tokens: i64,
    /// Completion tokens.
    pub total_completion_tokens: i64,
    /// Mean latency, seconds, over rows that have it; 0 when none.
    pub avg_latency: f64,
    /// Mean tokens a second, over rows that have it; 0 when none.
    pub avg_tps: f64,
    /// Mean time to first token, seconds, over rows that have it; 0 when none.
    pub avg_ttft: f64,
    /// Evaluator id (or custom slug) → summary of its scores; numbers have an average, booleans two counts, other types
    /// are left out.
    pub scores: BTreeMap<String, ScoreSummaryObject>,
}

/// The scores of one evaluator over matching rows (contract B.17).
#[derive(Debug, Serialize, ToSchema)]
pub struct ScoreSummaryObject {
    /// The evaluator; null for a custom slug.
    pub evaluator_id: Option<String>,
    /// Its slug.
    pub evaluator_slug: String,
    /// Its name.
    pub evaluator_name: String,
    /// The evaluator, whatever its version.
    pub evaluator_family_id: Option<String>,
    /// What its scores hold.
    pub score_value_type: &'static str,
    /// Mean of its numbers; null for booleans.
    pub avg_score: Option<f64>,
    /// How many are true; null for numbers.
    pub true_count: Option<u64>,
    /// How many are false; null for numbers.
    pub false_count: Option<u64>,
}

impl From<ScoreSum> for ScoreSummaryObject {
    fn from(ScoreSum { source, totals }: ScoreSum) -> Self {
        let evaluator_id = source.evaluator_id.map(|id| id.to_string());
        let flags = totals.true_count + totals.false_count > 0;
        Self {
            evaluator_family_id: evaluator_id.clone(),
            evaluator_id,
            evaluator_slug: source.slug,
            evaluator_name: source.name,
            score_value_type: source.value_type.name(),
            avg_score: (totals.numbers.count > 0).then(|| finite(totals.numbers.value())),
            true_count: flags.then_some(totals.true_count),
            false_count: flags.then_some(totals.false_count),
        }
    }
}

impl From<Sums> for SummaryObject {
    fn from(sums: Sums) -> Self {
        Self {
            number_of_requests: sums.rows,
            total_cost: finite(sums.cost),
            total_tokens: sums.total_tokens,
            total_prompt_tokens: sums.prompt_tokens,
            total_completion_tokens: sums.completion_tokens,
            avg_latency: finite(sums.latency.value()),
            avg_tps: finite(sums.tokens_per_second.value()),
            avg_ttft: finite(sums.time_to_first_token.value()),
            scores: sums.scores.into_iter().map(|sum| (sum.source.key(), sum.into())).collect(),
        }
    }
}

/// A sum beyond the greatest float, as that float: JSON has no infinity, and null is never sent here.
fn finite(sum: f64) -> f64 {
    sum.clamp(f64::MIN, f64::MAX)
}

/// One group of `request-logs/groups/`: the grouping field under its own name, and these.
#[derive(Debug, Serialize, ToSchema)]
pub struct GroupObject {
    /// The grouping field and its value, null for logs without one.
    #[serde(flatten)]
    #[schema(value_type = Object)]
    pub key: Map<String, Value>,
    /// Not grouped by date: always null.
    pub date_group: Option<String>,
    /// Logs.
    pub number_of_requests: u64,
    /// Logs.
    pub span_count: u64,
    /// USD.
    pub total_cost: f64,
    /// All tokens.
    pub total_tokens: i64,
    /// Logs whose status is `error`.
    pub error_count: u64,
    /// Share of those, percent.
    pub error_percentage: f64,
    /// USD a log.
    pub average_cost: f64,
    /// Tokens a log, rounded.
    pub average_tokens: i64,
    /// Seconds.
    pub average_latency: f64,
    /// Seconds.
    pub average_ttft: f64,
    /// Tokens a second.
    pub average_tps: f64,
    /// Share of logs answered by the cache, percent.
    pub cache_hit_percentage: f64,
}

impl GroupObject {
    /// The object of a group under the name it was grouped by.
    pub fn new(group_by: &str, group: Group) -> Self {
        let Group { key, sums } = group;
        Self {
            key: Map::from_iter([(group_by.to_owned(), key.map_or(Value::Null, Value::from))]),
            date_group: None,
            number_of_requests: sums.rows,
            span_count: sums.rows,
            total_cost: finite(sums.cost),
            total_tokens: sums.total_tokens,
            error_count: sums.errors,
            error_percentage: sums.error_percentage(),
            average_cost: finite(sums.mean_cost()),
            average_tokens: sums.mean_tokens(),
            average_latency: finite(sums.latency.value()),
            average_ttft: finite(sums.time_to_first_token.value()),
            average_tps: finite(sums.tokens_per_second.value()),
            cache_hit_percentage: sums.cache_hit_percentage(),
        }
    }
}
