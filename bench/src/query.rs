//! The lists that are measured, each with the right answer computed from the generator: total, order and filter.
//!
//! A [`Query`] has several variants (other values, other pages), so that no single answer can be served from a cache.
//! Knows facts and JSON; sends nothing.

use crate::generate::{Facts, Generator, MODELS, TIERS};
use crate::score;
use crate::top::Top;
use anyhow::{Context, Result, bail, ensure};
use serde_json::{Value, json};
use std::cmp::Ordering;

/// Rows of a page.
pub const PAGE_SIZE: u64 = 25;

/// The value a list is sorted by, in one row.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Key {
    /// A number.
    Number(f64),
    /// A timestamp, as `Facts::micros`.
    Time(u64),
    /// A string.
    Text(&'static str),
    /// The row lacks it: last in both directions (contract A.6).
    Missing,
}

impl Key {
    fn order(&self, other: &Self, descending: bool) -> Ordering {
        let ascending = match (self, other) {
            (Self::Missing, Self::Missing) => return Ordering::Equal,
            (Self::Missing, _) => return Ordering::Greater,
            (_, Self::Missing) => return Ordering::Less,
            (Self::Number(one), Self::Number(other)) => one.total_cmp(other),
            (Self::Time(one), Self::Time(other)) => one.cmp(other),
            (Self::Text(one), Self::Text(other)) => one.cmp(other),
            _ => Ordering::Equal,
        };
        if descending { ascending.reverse() } else { ascending }
    }
}

/// What a list is sorted by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sort {
    /// `timestamp`
    Timestamp,
    /// `cost`
    Cost,
    /// `latency`
    Latency,
    /// `model`
    Model,
    /// `metadata__confidence`
    Confidence,
    /// The score that `scenarios::score` gives.
    Score,
}

impl Sort {
    fn name(self) -> &'static str {
        match self {
            Self::Timestamp => "timestamp",
            Self::Cost => "cost",
            Self::Latency => "latency",
            Self::Model => "model",
            Self::Confidence => "metadata__confidence",
            Self::Score => score::SORT,
        }
    }

    fn key(self, facts: &Facts) -> Key {
        match self {
            Self::Timestamp => Key::Time(facts.micros),
            Self::Cost => Key::Number(facts.cost),
            Self::Latency => Key::Number(facts.latency),
            Self::Model => Key::Text(facts.model),
            Self::Confidence => facts.confidence.map_or(Key::Missing, Key::Number),
            Self::Score => Key::Number(f64::from(u8::from(score::passes(facts)))),
        }
    }
}

type Predicate = Box<dyn Fn(&Facts) -> bool + Send + Sync>;

/// One list request.
pub struct Ask {
    /// The filter, as it is sent.
    pub filters: Value,
    matches: Predicate,
    sort: Sort,
    descending: bool,
    page: u64,
}

impl Ask {
    /// Rows under a filter, newest first. `matches` says what the filter means.
    pub fn new(filters: Value, matches: impl Fn(&Facts) -> bool + Send + Sync + 'static) -> Self {
        Self { filters, matches: Box::new(matches), sort: Sort::Timestamp, descending: true, page: 1 }
    }

    fn all() -> Self {
        Self::new(json!({}), |_| true)
    }

    /// The same in another order.
    pub fn sorted(self, sort: Sort, descending: bool) -> Self {
        Self { sort, descending, ..self }
    }

    fn page(self, page: u64) -> Self {
        Self { page, ..self }
    }

    /// Query string of the request.
    pub fn parameters(&self) -> String {
        let sign = if self.descending { "-" } else { "" };
        format!("page={}&page_size={PAGE_SIZE}&sort_by={sign}{}", self.page, self.sort.name())
    }

    /// Body of the list request, and of the summary request with the same filter.
    pub fn body(&self) -> Vec<u8> {
        json!({ "filters": self.filters }).to_string().into_bytes()
    }

    /// Whether a row is in the answer.
    pub fn matches(&self, facts: &Facts) -> bool {
        (self.matches)(facts)
    }
}

/// A named list with its variants.
pub struct Query {
    /// Name of the scenario.
    pub name: &'static str,
    /// The same question with other values.
    pub asks: Vec<Ask>,
}

/// The right answer to one [`Ask`].
#[derive(Clone, Debug, PartialEq)]
pub struct Answer {
    /// Matching rows.
    pub total: u64,
    /// Sort keys of the page, in order. Rows of equal key may stand in any order, so keys are compared, not rows.
    pub keys: Vec<Key>,
}

/// The lists of design section 9 at `rows` rows.
pub fn queries(rows: u64) -> Vec<Query> {
    let middle = (rows / 2 / PAGE_SIZE).max(1);
    vec![
        Query { name: "page.plain", asks: (1..=4).map(|page| Ask::all().page(page)).collect() },
        Query { name: "page.typed", asks: (0..4).map(typed).collect() },
        Query { name: "page.metadata", asks: TIERS.map(tier).into() },
        Query { name: "page.or_bundle", asks: (0..4).map(or_bundle).collect() },
        Query { name: "page.missing", asks: (0..4).map(missing).collect() },
        Query { name: "page.customer", asks: [0, 10, 100, 1_000].map(customer).into() },
        Query { name: "page.sort_cost", asks: (0..4).map(|n| typed(n).sorted(Sort::Cost, n % 2 == 0)).collect() },
        Query {
            name: "page.sort_latency",
            asks: TIERS.map(|name| tier(name).sorted(Sort::Latency, name.len() == 4)).into(),
        },
        Query { name: "page.sort_model", asks: (0..4).map(|n| missing(n).sorted(Sort::Model, n % 2 == 0)).collect() },
        Query {
            name: "page.sort_metadata",
            asks: (0..4).map(|n| or_bundle(n).sorted(Sort::Confidence, n % 2 == 0)).collect(),
        },
        Query { name: "page.deep", asks: (0..4).map(|n| Ask::all().page(middle + n)).collect() },
        Query {
            name: "page.deep_sort",
            asks: (0..4).map(|n| Ask::all().sorted(Sort::Cost, n % 2 == 0).page(middle + n)).collect(),
        },
    ]
}

/// The lists asked beside a writer, in turn.
pub const MIXED: [&str; 5] = ["page.plain", "page.typed", "page.metadata", "page.or_bundle", "page.sort_cost"];

/// A model, status 200 and a range of latencies.
pub fn typed(variant: usize) -> Ask {
    let model = MODELS[variant];
    let filters = json!({
        "model": { "operator": "", "value": [model] },
        "status_code": { "operator": "eq", "value": 200 },
        "latency": [{ "operator": "gte", "value": 0.5 }, { "operator": "lt", "value": 3.0 }],
    });
    Ask::new(filters, move |facts| {
        facts.model == model && facts.status_code == 200 && facts.latency >= 0.5 && facts.latency < 3.0
    })
}

fn tier(name: &'static str) -> Ask {
    let filters = json!({
        "metadata__tier": { "operator": "", "value": [name] },
        "metadata__turn": { "operator": "gte", "value": [3] },
    });
    Ask::new(filters, move |facts| facts.tier == name && facts.turn >= 3)
}

fn or_bundle(variant: usize) -> Ask {
    let models = [MODELS[variant], MODELS[variant + 4]];
    let cost = 0.004 / (variant + 1) as f64;
    let filters = json!({
        "model": { "operator": "in", "value": models },
        "either": { "connector": "AND", "filter_params": {
            "cost": { "operator": "gt", "value": cost },
            "latency": { "operator": "gt", "value": 4.0, "connector": "OR" },
            "metadata__cached": { "operator": "", "value": [true], "connector": "OR" },
        } },
    });
    Ask::new(filters, move |facts| {
        models.contains(&facts.model) && (facts.cost > cost || facts.latency > 4.0 || facts.cached)
    })
}

fn missing(variant: usize) -> Ask {
    let model = MODELS[variant];
    let filters = json!({
        "trace_unique_id": { "operator": "isnull", "value": [true] },
        "model": { "operator": "not", "value": [model] },
        "metadata__confidence": { "operator": "isnull", "value": [false] },
    });
    Ask::new(filters, move |facts| facts.trace.is_none() && facts.model != model && facts.confidence.is_some())
}

fn customer(number: usize) -> Ask {
    let filters = json!({ "customer_identifier": { "operator": "", "value": [format!("customer_{number}")] } });
    Ask::new(filters, move |facts| facts.customer == number)
}

impl Query {
    /// The right answers over the first `rows` rows, one pass for all variants.
    pub fn answers(&self, generator: &Generator, rows: u64) -> Vec<Answer> {
        let end = |ask: &Ask| (ask.page * PAGE_SIZE) as usize;
        let mut tops: Vec<_> = self
            .asks
            .iter()
            .map(|ask| Top::new(end(ask), |one: &Key, other: &Key| one.order(other, ask.descending)))
            .collect();
        for index in 0..rows {
            let facts = generator.facts(index);
            for (ask, top) in self.asks.iter().zip(&mut tops) {
                if ask.matches(&facts) {
                    top.push(ask.sort.key(&facts));
                }
            }
        }
        let answers = self.asks.iter().zip(tops).map(|(ask, top)| {
            let total = top.count;
            let keys = top.first();
            let first = keys.len().min(end(ask) - PAGE_SIZE as usize);
            Answer { total, keys: keys[first..].to_vec() }
        });
        answers.collect()
    }
}

/// Fails unless `page`, a list reply, is the right one: exact total, keys in order, every row real and matching.
pub fn check(ask: &Ask, answer: &Answer, page: &Value, generator: &Generator) -> Result<()> {
    let count = page["count"].as_u64().context("the reply has no count")?;
    ensure!(count == answer.total, "count is {count}, the generator made {} matching rows", answer.total);
    let results = page["results"].as_array().context("the reply has no results")?;
    ensure!(results.len() == answer.keys.len(), "{} results, expected {}", results.len(), answer.keys.len());
    for (place, (row, expected)) in results.iter().zip(&answer.keys).enumerate() {
        let name = row["custom_identifier"].as_str().context("a row has no custom_identifier")?;
        let index = name.strip_prefix("log-").and_then(|number| number.parse().ok());
        let facts = generator.facts(index.with_context(|| format!("{name} is not a row of the generator"))?);
        ensure!(ask.matches(&facts), "row {place} ({name}) does not match the filter");
        let key = ask.sort.key(&facts);
        ensure!(key == *expected, "row {place} ({name}) sorts by {key:?}, expected {expected:?}");
        check_row(row, &facts).with_context(|| format!("row {place} ({name})"))?;
    }
    Ok(())
}

/// Fails unless a list row carries the values it was made with.
fn check_row(row: &Value, facts: &Facts) -> Result<()> {
    let pairs = [
        ("model", &row["model"], json!(facts.model)),
        ("status_code", &row["status_code"], json!(facts.status_code)),
        ("timestamp", &row["timestamp"], json!(facts.timestamp())),
        ("prompt_tokens", &row["prompt_tokens"], json!(facts.prompt_tokens)),
        ("cost", &row["cost"], json!(facts.cost)),
        ("latency", &row["latency"], json!(facts.latency)),
        ("metadata.tier", &row["metadata"]["tier"], json!(facts.tier)),
        ("metadata.confidence", &row["metadata"]["confidence"], json!(facts.confidence)),
    ];
    for (name, got, made) in pairs {
        let equal = *got == made || (got.as_f64().is_some() && got.as_f64() == made.as_f64());
        if !equal {
            bail!("{name} is {got}, was sent as {made}");
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A list reply as a right server would give it, from the generator.
    fn reply(ask: &Ask, generator: &Generator, rows: u64) -> Value {
        let mut matching: Vec<Facts> =
            (0..rows).map(|index| generator.facts(index)).filter(|facts| ask.matches(facts)).collect();
        matching.sort_by(|one, other| ask.sort.key(one).order(&ask.sort.key(other), ask.descending));
        let page = matching.iter().skip(((ask.page - 1) * PAGE_SIZE) as usize).take(PAGE_SIZE as usize);
        let results: Vec<Value> = page
            .map(|facts| {
                json!({
                    "custom_identifier": facts.custom_identifier(), "model": facts.model,
                    "status_code": facts.status_code, "timestamp": facts.timestamp(),
                    "prompt_tokens": facts.prompt_tokens, "cost": facts.cost, "latency": facts.latency,
                    "metadata": { "tier": facts.tier, "confidence": facts.confidence },
                })
            })
            .collect();
        json!({ "count": matching.len(), "results": results })
    }

    #[test]
    fn right_replies_pass_and_every_query_matches_something() {
        let generator = Generator::new(1);
        for query in queries(3_000) {
            let answers = query.answers(&generator, 3_000);
            assert!(answers.iter().any(|answer| answer.total > 0), "{}", query.name);
            for (ask, answer) in query.asks.iter().zip(&answers) {
                check(ask, answer, &reply(ask, &generator, 3_000), &generator).unwrap();
            }
        }
    }

    #[test]
    fn wrong_replies_are_told() {
        let generator = Generator::new(1);
        let queries = queries(3_000);
        let query = queries.iter().find(|query| query.name == "page.sort_cost").unwrap();
        let (ask, answer) = (&query.asks[0], &query.answers(&generator, 3_000)[0]);
        let right = reply(ask, &generator, 3_000);
        let complaint = |reply: Value| check(ask, answer, &reply, &generator).unwrap_err().to_string();

        let mut total = right.clone();
        total["count"] = json!(answer.total + 1);
        assert!(complaint(total).contains("the generator made"));

        let mut order = right.clone();
        order["results"].as_array_mut().unwrap().swap(0, 24);
        assert!(complaint(order).contains("sorts by"));

        let mut short = right.clone();
        short["results"].as_array_mut().unwrap().pop();
        assert!(complaint(short).contains("24 results"));

        let mut value = right;
        value["results"][3]["model"] = json!("another");
        assert!(complaint(value).starts_with("row 3"));
    }

    #[test]
    fn nulls_sort_last_in_both_directions() {
        let (number, missing) = (Key::Number(1.0), Key::Missing);
        assert_eq!(number.order(&missing, false), Ordering::Less);
        assert_eq!(number.order(&missing, true), Ordering::Less);
        assert_eq!(number.order(&Key::Number(2.0), true), Ordering::Greater);
    }
}
