//! Names of log fields (contract C.4): columns, payload texts, metadata, scores, and the constants of the request.

use super::super::literal::Literal;
use super::super::meaning::{self, Operand};
use super::super::operator::{Operator, shorten};
use super::super::tree::{Compare, LogField, LogFilter, Test, Tree};
use super::super::wire::{Condition, Filters};
use super::value::{Shape, compile};
use super::{any_of, bound_patterns, no_keys, not, tree};
use crate::error::{Error, Result};
use crate::field::{Field, TextField};
use crate::ids::{Collection, Place};
use crate::scalar::Kind;
use std::borrow::Cow;

/// What a filter over logs is asked of.
#[derive(Clone, Debug)]
pub struct LogScope {
    /// Value of `organization_id` and `unique_organization_id` in every row.
    pub organization_id: String,
    /// Value of `dataset_id` in every row, if they have one.
    pub dataset_id: Option<String>,
    /// What a plain name means that is no field.
    pub unknown: Unknown,
    /// Dataset or saved rows, which have `dataset_id` and the annotation fields; request logs refuse these (contract
    /// C.8).
    pub rows: bool,
}

impl LogScope {
    /// The rows of a collection.
    pub fn of(collection: Collection, unknown: Unknown) -> Self {
        Self {
            organization_id: collection.organization.to_string(),
            dataset_id: collection.place.dataset_id_text(),
            unknown,
            rows: collection.place != Place::RequestLogs,
        }
    }
}

/// What a plain name means that is no field (contract C.4, H39).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unknown {
    /// A metadata key: lists, summaries, imports.
    Metadata,
    /// An error: removals, which must not take more than was meant.
    Refuse,
}

/// Checks a filter over logs or dataset rows.
pub fn logs(filters: &Filters, scope: &LogScope) -> Result<LogFilter> {
    bound_patterns(filters)?;
    tree(filters, &|key, condition| match resolve(key, condition, scope)? {
        Name::Field(field) => field_condition(field, condition),
        Name::Constant(value) => constant(value, key, condition),
        Name::Evaluator => evaluator(condition),
    })
}

enum Name<'a> {
    Field(LogField),
    /// The same in every row.
    Constant(Option<&'a str>),
    /// `evaluator_id`: rows that have a score by that evaluator.
    Evaluator,
}

/// Whether rows have the field and request logs do not.
fn is_rows_only(key: &str) -> bool {
    key == "dataset_id" || Field::ANNOTATION.iter().any(|field| field.name() == key)
}

fn resolve<'a>(key: &str, condition: &Condition, scope: &'a LogScope) -> Result<Name<'a>> {
    if !scope.rows && is_rows_only(key) {
        let path = &condition.place.path;
        return Err(Error::invalid(path, format!("`{key}` is a field of dataset rows; request logs do not have it")));
    }
    match key {
        "organization_id" | "unique_organization_id" => return Ok(Name::Constant(Some(&scope.organization_id))),
        "dataset_id" => return Ok(Name::Constant(scope.dataset_id.as_deref())),
        "evaluator_id" => return Ok(Name::Evaluator),
        _ => {}
    }
    if let Some(field) = named(key) {
        return with_key(field, condition).map(Name::Field);
    }
    match scope.unknown {
        Unknown::Metadata => Ok(Name::Field(LogField::Metadata(key.to_owned()))),
        Unknown::Refuse => Err(unknown(key, condition)),
    }
}

/// Refuses `metadata__` and `scores__` with nothing behind them.
pub(super) fn with_key(field: LogField, condition: &Condition) -> Result<LogField> {
    match &field {
        LogField::Metadata(key) | LogField::Score(key) if key.is_empty() => {
            let path = &condition.place.path;
            let text = format!("`{path}` ends without a key; write `metadata__KEY` or `scores__EVALUATOR_ID`");
            Err(Error::invalid(path, text))
        }
        _ => Ok(field),
    }
}

/// Whether a filter over logs or rows gives the name a meaning of its own.
pub(super) fn is_known(key: &str) -> bool {
    named(key).is_some()
        || is_rows_only(key)
        || matches!(key, "organization_id" | "unique_organization_id" | "evaluator_id")
}

/// The field of this name, alias or prefixed key; not for names whose value is the same in every row.
pub(super) fn named(key: &str) -> Option<LogField> {
    let after = |double: &str, dot: &str| key.strip_prefix(double).or_else(|| key.strip_prefix(dot)).map(str::to_owned);
    match key {
        "id" | "unique_id" => Some(LogField::Id),
        "metadata" => Some(LogField::MetadataMap),
        "scores" => Some(LogField::ScoreMap),
        _ => Field::named(key)
            .map(LogField::Scalar)
            .or_else(|| TextField::named(key).map(LogField::Text))
            .or_else(|| after("metadata__", "metadata.").map(LogField::Metadata))
            .or_else(|| after("scores__", "scores.").map(LogField::Score)),
    }
}

fn unknown(key: &str, condition: &Condition) -> Error {
    let names = Field::ALL.iter().map(|field| field.name()).chain(TextField::ALL.iter().map(|field| field.name()));
    let near: Vec<_> = names
        .filter(|name| meaning::similar::likeness(key, name) >= 0.3)
        .map(|name| format!("`{name}`"))
        .take(5)
        .collect();
    let key = shorten(key);
    let near = if near.is_empty() { String::new() } else { format!("; near it: {}", near.join(", ")) };
    Error::invalid(
        &condition.place.path,
        format!("`{key}` is not a field{near}. A metadata key is named as `metadata__{key}`"),
    )
}

/// What kind of values the field holds; `None` for the score map, which has keys only.
pub(in crate::filter) fn shape(field: &LogField) -> Option<Shape> {
    Some(match field {
        LogField::Scalar(Field::LogType) => Shape::LowerText,
        LogField::Scalar(field) => Shape::Typed(field.kind()),
        LogField::Id | LogField::Text(_) | LogField::MetadataMap => Shape::Typed(Kind::Text),
        LogField::Metadata(_) => Shape::Dynamic,
        LogField::Score(_) => Shape::Score,
        LogField::ScoreMap => return None,
    })
}

pub(super) fn field_condition(field: LogField, condition: &Condition) -> Result<LogFilter> {
    let name = field.name();
    if let Some(keys) = &condition.keys {
        return has_keys(field, keys, condition);
    }
    let Some(shape) = shape(&field) else {
        return Err(Error::invalid(
            &condition.place.operator,
            "`scores` takes only `mapContainsKey`; name one score as `scores__EVALUATOR_ID`",
        ));
    };
    let field = match field {
        // Words are looked for in the whole conversation, whichever part of it is named (contract C.2).
        LogField::Text(TextField::Input | TextField::Output | TextField::Messages)
            if condition.operator == Operator::Words =>
        {
            LogField::Text(TextField::FullText)
        }
        field => field,
    };
    compile(field, shape, condition, &name)
}

fn has_keys(field: LogField, keys: &[String], condition: &Condition) -> Result<LogFilter> {
    let is_map = matches!(
        field,
        LogField::MetadataMap
            | LogField::Metadata(_)
            | LogField::ScoreMap
            | LogField::Text(TextField::Variables | TextField::Properties)
    );
    if !is_map {
        no_keys(condition, &field.name())?;
    }
    // Whether the map has the keys is itself a boolean that the condition compares with its value (contract C.4).
    let asked = compile((), Shape::Typed(Kind::Bool), condition, "mapContainsKey")?;
    let answer = |has| meaning::tree_holds(&asked, &mut |part| meaning::test_holds(&part.test, &Operand::Bool(has)));
    let has = Tree::Compare(Compare { field, test: Test::HasKeys(keys.to_vec()) });
    Ok(match (answer(true), answer(false)) {
        (true, true) => Tree::all(),
        (true, false) => has,
        (false, true) => not(has),
        (false, false) => Tree::none(),
    })
}

/// A value that is the same in every row makes the condition all or nothing.
pub(super) fn constant<F>(value: Option<&str>, key: &str, condition: &Condition) -> Result<Tree<F>> {
    no_keys(condition, key)?;
    let tree = compile((), Shape::Typed(Kind::Text), condition, key)?;
    let operand = value.map_or(Operand::Null, |text| Operand::Text(Cow::Borrowed(text)));
    let holds = meaning::tree_holds(&tree, &mut |part| meaning::test_holds(&part.test, &operand));
    Ok(if holds { Tree::all() } else { Tree::none() })
}

fn evaluator(condition: &Condition) -> Result<LogFilter> {
    no_keys(condition, "evaluator_id")?;
    let (operator, negated) = condition.operator.positive();
    if !matches!(operator, Operator::Equal | Operator::In) {
        return Err(Error::invalid(
            &condition.place.operator,
            format!(
                "`{}` cannot be asked of `evaluator_id`; allowed: eq, not, in, not_in",
                condition.operator.visible()
            ),
        ));
    }
    let mut any = Tree::none();
    let mut null = false;
    compile((), Shape::Typed(Kind::Text), condition, "evaluator_id")?.visit(&mut |part| match &part.test {
        Test::AnyOf(ids) => {
            for id in ids.iter().filter_map(Literal::text) {
                let one = Compare { field: LogField::ScoreMap, test: Test::HasKeys(vec![id.to_owned()]) };
                any = any_of(std::mem::replace(&mut any, Tree::none()), Tree::Compare(one));
            }
        }
        _ => null = true,
    });
    if null {
        let path = &condition.place.value;
        return Err(Error::invalid(path, format!("`{path}` must be evaluator ids, not null")));
    }
    Ok(if negated { not(any) } else { any })
}
