//! The filter language over scores (contract C.8, F.5): their fields, values and order. The reference that stores agree with.

use super::check::NamedField;
use super::meaning::{Operand, test_holds, tree_holds};
use super::tree::Tree;
use crate::ids::Place;
use crate::scalar::Kind;
use crate::score::Score;
use serde_json::Value;
use std::borrow::Cow;
use std::cmp::Ordering;

const fn field(name: &'static str, kind: Kind) -> NamedField {
    NamedField { name, kind }
}

/// The log that a score is about.
pub const LOG_ID: NamedField = field("log_id", Kind::Text);

/// When a score was first written.
pub const CREATED_AT: NamedField = field("created_at", Kind::Time);

/// Fields a score filter may name.
pub const FIELDS: &[NamedField] = &[
    field("id", Kind::Text),
    LOG_ID,
    field("dataset_id", Kind::Text),
    field("evaluator_id", Kind::Text),
    field("evaluator_slug", Kind::Text),
    field("evaluator_name", Kind::Text),
    field("scorer", Kind::Text),
    field("type", Kind::Text),
    field("status", Kind::Text),
    field("environment", Kind::Text),
    field("numerical_value", Kind::Float),
    field("boolean_value", Kind::Bool),
    field("string_value", Kind::Text),
    field("categorical_value", Kind::Text),
    field("json_value", Kind::Text),
    field("is_passed", Kind::Bool),
    field("cost", Kind::Float),
    field("error_message", Kind::Text),
    field("explanation", Kind::Text),
    field("prompt_id", Kind::Text),
    field("automation_id", Kind::Text),
    field("run_id", Kind::Text),
    CREATED_AT,
    field("updated_at", Kind::Time),
];

/// Fields scores can be sorted by (contract A.6).
pub const SORTABLE: &[NamedField] =
    &[CREATED_AT, field("updated_at", Kind::Time), field("numerical_value", Kind::Float), field("cost", Kind::Float)];

/// What a score shows as `dataset_id`: none for a score of a request log.
pub fn dataset_id(score: &Score) -> Option<String> {
    match score.subject.place {
        Place::RequestLogs => None,
        place => place.dataset_id_text(),
    }
}

/// Whether the score passes a filter made by `check::fields` over [`FIELDS`].
pub fn holds(filter: &Tree<NamedField>, score: &Score) -> bool {
    tree_holds(filter, &mut |part| test_holds(&part.test, &operand(part.field.name, score)))
}

/// The order of two scores by one of [`SORTABLE`]: nulls last, ties by id ascending.
pub fn compare(field: NamedField, descending: bool, left: &Score, right: &Score) -> Ordering {
    let order = match (operand(field.name, left), operand(field.name, right)) {
        (Operand::Null, Operand::Null) => Ordering::Equal,
        (Operand::Null, _) => Ordering::Greater,
        (_, Operand::Null) => Ordering::Less,
        (Operand::Number(left), Operand::Number(right)) if descending => right.total_cmp(&left),
        (Operand::Number(left), Operand::Number(right)) => left.total_cmp(&right),
        (Operand::Time(left), Operand::Time(right)) if descending => right.cmp(&left),
        (Operand::Time(left), Operand::Time(right)) => left.cmp(&right),
        _ => Ordering::Equal,
    };
    order.then_with(|| left.id.cmp(&right.id))
}

/// The value of a field; null for names not in [`FIELDS`].
fn operand<'a>(name: &str, score: &'a Score) -> Operand<'a> {
    let text = |text: &'a str| Operand::Text(Cow::Borrowed(text));
    let maybe = |value: Option<&'a str>| value.map_or(Operand::Null, |value| Operand::Text(Cow::Borrowed(value)));
    let owned = |value: Option<String>| value.map_or(Operand::Null, |value| Operand::Text(Cow::Owned(value)));
    let flag = |value: Option<bool>| value.map_or(Operand::Null, Operand::Bool);
    let echoed = |value: &'a Option<Value>| maybe(value.as_ref().and_then(Value::as_str));
    let values = &score.values;
    match name {
        "id" => owned(Some(score.id.to_string())),
        "log_id" => text(score.subject.log_id.as_str()),
        "dataset_id" => owned(dataset_id(score)),
        "evaluator_id" => owned(score.source.evaluator_id.map(|id| id.to_string())),
        "evaluator_slug" => text(&score.source.slug),
        "evaluator_name" => text(&score.source.name),
        "scorer" => text(&score.scorer),
        "type" => text(&score.kind),
        "status" => text(score.status.name()),
        "environment" => text(&score.environment),
        "numerical_value" => values.numerical.map_or(Operand::Null, Operand::Number),
        "boolean_value" => flag(values.boolean),
        "string_value" => maybe(values.string.as_deref()),
        "categorical_value" => values.categorical.as_ref().map_or(Operand::Null, |names| {
            Operand::Many(names.iter().map(|name| Cow::Borrowed(name.as_str())).collect())
        }),
        "json_value" => maybe(values.json.as_deref()),
        "is_passed" => flag(score.is_passed),
        "cost" => Operand::Number(score.cost),
        "error_message" => maybe(score.error_message.as_deref()),
        "explanation" => maybe(score.explanation.as_deref()),
        "prompt_id" => echoed(&score.extra.prompt_id),
        "automation_id" => echoed(&score.extra.automation_id),
        "run_id" => owned(score.run.map(|id| id.to_string())),
        "created_at" => Operand::Time(score.created_at),
        "updated_at" => Operand::Time(score.updated_at),
        _ => Operand::Null,
    }
}
