//! Scores, sources, runs and score filters for tests. Small pools, so that sources, scorers and slugs meet on the same
//! rows.

use super::samples::*;
use crate::Stores;
use crate::scores::ScoreQuery;
use evalset_model::evaluator::{Definition, Evaluator, Method, ScoreValueType};
use evalset_model::filter::check::{self, NamedField};
use evalset_model::filter::{LogField, LogFilter, Test, Tree, scores as meaning, wire};
use evalset_model::ids::{
    Collection, DatasetId, EvaluatorId, JobId, LogId, OrganizationId, ScoreId, VersionId, Watermark,
};
use evalset_model::job::{Job, Progress, Step, Task};
use evalset_model::limits::Limits;
use evalset_model::page::{Page, Window};
use evalset_model::run::{RunTask, Unit};
use evalset_model::scalar::Kind;
use evalset_model::score::{Echoed, Score, ScoreStatus, ScoreValues, Source, Subject};
use serde_json::{Value, json};
use uuid::Uuid;

pub fn score_id(number: u128) -> ScoreId {
    ScoreId(Uuid::from_u128(0x4000 + number))
}

pub fn evaluator_id(number: u128) -> EvaluatorId {
    EvaluatorId(Uuid::from_u128(0x5000 + number))
}

/// The source of an evaluator: its value type goes by its number.
pub fn source(number: u128) -> Source {
    let types = [ScoreValueType::Numerical, ScoreValueType::Boolean, ScoreValueType::Text, ScoreValueType::MultiSelect];
    Source {
        evaluator_id: Some(evaluator_id(number)),
        slug: format!("slug{number}"),
        name: format!("Evaluator {number}"),
        value_type: types[number as usize % types.len()],
    }
}

pub fn custom(slug: &str) -> Source {
    Source { evaluator_id: None, slug: slug.to_owned(), name: slug.to_owned(), value_type: ScoreValueType::Numerical }
}

pub fn number_value(number: f64) -> ScoreValues {
    ScoreValues { numerical: Some(number), ..ScoreValues::default() }
}

pub fn flag_value(flag: bool) -> ScoreValues {
    ScoreValues { boolean: Some(flag), ..ScoreValues::default() }
}

/// A completed score by the scorer `first`.
pub fn score(number: u128, on: Collection, log_id: LogId, source: Source, values: ScoreValues) -> Score {
    let subject = Subject { organization: on.organization, place: on.place, log_id };
    Score {
        scorer: "first".to_owned(),
        kind: "llm".to_owned(),
        environment: "prod".to_owned(),
        values,
        cost: 0.25,
        evaluator_version: Some(1),
        ..Score::unsaid(score_id(number), subject, source, number as i64)
    }
}

/// The same without a value.
pub fn failed(score: Score) -> Score {
    Score {
        values: ScoreValues::default(),
        status: ScoreStatus::Failed,
        error_message: Some("no answer".to_owned()),
        ..score
    }
}

fn values(dice: &mut Dice, of: ScoreValueType) -> ScoreValues {
    let none = ScoreValues::default();
    match of {
        _ if dice.one_in(12) => ScoreValues { json: Some("{\"a\":1}".to_owned()), ..none },
        ScoreValueType::Boolean => flag_value(dice.one_in(2)),
        ScoreValueType::Text => ScoreValues { string: Some(dice.text(WORDS).to_owned()), ..none },
        ScoreValueType::MultiSelect => {
            let names = (0..dice.below(3)).map(|_| dice.text(WORDS).to_owned()).collect();
            ScoreValues { categorical: Some(names), ..none }
        }
        // Sums of multiples of a power of two do not depend on the order.
        _ => number_value(dice.below(64) as f64 / 16.0),
    }
}

/// A score whose source, scorer, values and status are drawn; written at `at`, or a little before.
pub fn any_score(number: u128, on: Collection, log_id: LogId, at: i64, dice: &mut Dice) -> Score {
    let source = match dice.below(8) {
        0 => custom("free"),
        // Reads like the slug of an evaluator.
        1 => custom("slug1"),
        _ => source(dice.below(4) as u128),
    };
    let values = values(dice, source.value_type);
    let drawn = score(number, on, log_id, source, values);
    let words = |dice: &mut Dice| dice.one_in(2).then(|| dice.text(WORDS).to_owned());
    let mut extra = Echoed::default();
    if dice.one_in(3) {
        extra.prompt_id = Some(json!(dice.text(&["p1", "p2"])));
        extra.prompt_version_number = Some(json!(3));
    }
    if dice.one_in(4) {
        extra.automation_id = Some(json!("a1"));
    }
    let drawn = Score {
        scorer: dice.text(&["first", "first", "second"]).to_owned(),
        kind: dice.text(&["llm", "human", "code"]).to_owned(),
        environment: dice.text(&["prod", "test"]).to_owned(),
        is_passed: *dice.pick(&[None, Some(true), Some(false)]),
        cost: dice.below(8) as f64 / 8.0,
        explanation: words(dice),
        evaluator_version: dice.one_in(2).then_some(2),
        run: dice.one_in(4).then(|| job_id(dice.below(3) as u128)),
        extra,
        created_at: at,
        // Not always the newest.
        updated_at: at - dice.below(4) as i64 * 3,
        ..drawn
    };
    if dice.one_in(6) { failed(drawn) } else { drawn }
}

/// The keys that scores of [`any_score`] may be found under, and one more.
fn any_key(dice: &mut Dice) -> String {
    match dice.below(8) {
        0 => "free".to_owned(),
        1 => "nobody".to_owned(),
        2..=4 => format!("slug{}", dice.below(4)),
        _ => evaluator_id(dice.below(4) as u128).to_string(),
    }
}

pub fn any_score_field(dice: &mut Dice) -> LogField {
    LogField::Score(any_key(dice))
}

/// One comparison with scores, as `scores__…`, `evaluator_id` and `mapContainsKey` become it.
pub fn score_test(dice: &mut Dice) -> LogFilter {
    use evalset_model::filter::{Literal, Order, Readings};
    let order = *dice.pick(&[Order::Greater, Order::GreaterOrEqual, Order::Less, Order::LessOrEqual]);
    let field = any_score_field(dice);
    match dice.below(8) {
        0 => compare(field, Test::IsNull),
        1 => compare(field, Test::Empty),
        2 => compare(LogField::ScoreMap, Test::HasKeys((0..=dice.below(2)).map(|_| any_key(dice)).collect())),
        3 | 4 => number(order, field, dice.below(64) as f64 / 16.0),
        5 => {
            let text = dice.text(WORDS).to_owned();
            compare(field, Test::AnyOf(vec![Literal::Text(text)]))
        }
        6 => {
            let flag = dice.one_in(2);
            let number = Some(f64::from(u8::from(flag)));
            let readings = Readings { number, boolean: Some(flag), text: None };
            compare(field, Test::AnyOf(vec![Literal::Dynamic(readings)]))
        }
        _ => compare(field, Test::Contains { needles: vec!["e".to_owned()], fold: dice.one_in(2) }),
    }
}

/// A filter of a few levels over scores and other fields, with or without text tests.
pub fn scored_filter(dice: &mut Dice, text: bool) -> LogFilter {
    let part = |dice: &mut Dice| match dice.below(5) {
        0 => filter(dice, 1, text),
        1 => Tree::Not(Box::new(score_test(dice))),
        _ => score_test(dice),
    };
    match dice.below(4) {
        0 => part(dice),
        1 => Tree::Or((0..=dice.below(3)).map(|_| part(dice)).collect()),
        _ if text => Tree::And(vec![part(dice), Tree::Or(vec![text_test(dice), part(dice)])]),
        _ => Tree::And((0..=dice.below(3)).map(|_| part(dice)).collect()),
    }
}

/// A filter over scores, from its wire form.
pub fn over_scores(filters: &Value) -> Tree<NamedField> {
    let parsed = wire::parse("filters", Some(filters), None, &Limits::default()).unwrap();
    check::fields(&parsed, meaning::fields()).unwrap_or_else(|error| panic!("{filters}: {error}"))
}

/// A wire filter on one field of scores, with a value that `any` has if possible.
pub fn any_score_filter(dice: &mut Dice, all: &[Score]) -> Value {
    let field = dice.pick(meaning::fields());
    let dates = ["1970-01-01T00:00:00.000010Z", "1970-01-01T00:00:00.000030Z", "1970-01-01T00:00:00.000050Z"];
    let value = match (field.name, all.is_empty()) {
        ("id", false) => json!(dice.pick(all).id.to_string()),
        ("log_id", false) => json!(dice.pick(all).subject.log_id.as_str()),
        ("run_id", _) => json!(job_id(dice.below(3) as u128).to_string()),
        ("evaluator_id", _) => json!(evaluator_id(dice.below(4) as u128).to_string()),
        ("dataset_id", _) => json!(dice.pick(&[dataset_id(1).to_string(), "_saved_logs".to_owned()])),
        ("evaluator_slug" | "evaluator_name", _) => json!(dice.text(&["slug1", "free", "Evaluator 2"])),
        _ => match field.kind {
            Kind::Bool => json!(dice.one_in(2)),
            Kind::Time => json!(dice.pick(&dates)),
            Kind::Float | Kind::Int => json!(dice.below(16) as f64 / 8.0),
            Kind::Text => json!(dice.text(&["first", "llm", "failed", "prod", "refund", "Order", "no answer", "p1"])),
        },
    };
    let operators: &[&str] = match field.kind {
        Kind::Bool => &["", "not", "isnull"],
        Kind::Text => &["", "not", "in", "icontains", "isnull"],
        Kind::Time | Kind::Float | Kind::Int => &["", "gt", "gte", "lt", "lte", "isnull"],
    };
    let operator = dice.text(operators);
    let value = if operator == "isnull" { json!(dice.one_in(2)) } else { value };
    json!({ field.name: {"operator": operator, "value": [value]} })
}

pub fn score_query(filter: Tree<NamedField>, sort: NamedField, descending: bool) -> ScoreQuery {
    ScoreQuery { filter, sort, descending, window: Window { offset: 0, limit: 100_000 } }
}

/// All scores of an organization by rising creation.
pub async fn all_scores(stores: &Stores, organization: OrganizationId) -> Vec<Score> {
    let query = score_query(Tree::all(), meaning::sortable()[0], false);
    let Page { rows, total } = stores.scores.list(organization, query).await.unwrap();
    assert_eq!(rows.len() as u64, total);
    rows
}

/// A run of evaluator `evaluator` over a dataset.
pub fn run_job(number: u128, organization: OrganizationId, dataset: DatasetId, evaluator: u128, at: i64) -> Job {
    let Source { evaluator_id, slug, name, value_type } = source(evaluator);
    let evaluator = Evaluator {
        id: evaluator_id.unwrap(),
        version_id: VersionId(Uuid::from_u128(0x6000 + evaluator)),
        organization,
        slug,
        version: 1,
        is_read_only: true,
        version_description: None,
        definition: Definition { name, score_value_type: value_type, ..Definition::default() },
        starred: false,
        tags: Vec::new(),
        created_at: 1,
        updated_at: 1,
        version_count: 1,
    };
    let task = RunTask {
        collection: rows_of(organization, dataset),
        evaluator,
        method: Method::Auto,
        filters: json!({"model": "a"}),
        sampling_percentage: 12.5,
        watermark: Watermark::new(1_000),
        spending_limit: Some(2.0),
        experiment_id: Some("x".to_owned()),
        environment: "test".to_owned(),
    };
    job(number, organization, Some(dataset), Task::Evaluate(Box::new(task)), at)
}

/// A step of a run that has come as far as its job says.
pub async fn step_of(stores: &Stores, organization: OrganizationId, run: JobId) -> Step {
    let job = stores.jobs.get(organization, run).await.unwrap().unwrap();
    Step { job: run, attempt: job.attempts, progress: job.progress }
}

/// Records units on top of what the run has.
pub async fn record(stores: &Stores, organization: OrganizationId, run: JobId, units: Vec<Unit>) -> Progress {
    let step = step_of(stores, organization, run).await;
    stores.runs.record(units, step).await.unwrap();
    stores.jobs.get(organization, run).await.unwrap().unwrap().progress
}
