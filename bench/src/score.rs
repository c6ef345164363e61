//! The lists that look at scores. The score is that of a built-in evaluator whose verdict the generator knows.

use crate::generate::Facts;
use crate::query::{Ask, Query, Sort, typed};
use serde_json::{Value, json};

/// Slug of the evaluator.
pub const SLUG: &str = "bench_latency";
/// The score as a sort.
pub const SORT: &str = "scores__bench_latency";
/// The evaluator says whether a row took at most this many seconds.
const SECONDS_MAX: f64 = 1.4;

/// Body that makes the evaluator.
pub fn evaluator() -> Value {
    json!({
        "name": "bench latency", "evaluator_slug": SLUG, "type": "code", "score_value_type": "boolean",
        "code_config": { "builtin": "latency", "parameters": { "max_seconds": SECONDS_MAX } },
    })
}

/// What it says of a row.
pub fn passes(facts: &Facts) -> bool {
    facts.latency <= SECONDS_MAX
}

/// Lists over a dataset whose first `scored` rows have the score.
pub fn queries(scored: u64) -> Vec<Query> {
    let verdict = move |wanted: bool| {
        let filters = json!({ SORT: { "operator": "eq", "value": [u8::from(wanted)] } });
        Ask::new(filters, move |facts| facts.index < scored && passes(facts) == wanted)
    };
    let of_model = move |variant: usize| {
        let Ask { mut filters, .. } = typed(variant);
        filters[SORT] = json!({ "operator": "isnull", "value": [false] });
        let plain = typed(variant);
        Ask::new(filters, move |facts| facts.index < scored && plain.matches(facts))
    };
    vec![
        Query { name: "page.score", asks: vec![verdict(true), of_model(0), verdict(false), of_model(1)] },
        Query {
            name: "page.sort_score",
            asks: (0..4).map(|variant| of_model(variant).sorted(Sort::Score, variant % 2 == 0)).collect(),
        },
    ]
}
