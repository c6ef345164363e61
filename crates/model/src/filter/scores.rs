//! The filter language over scores (contract C.8, F.5): their fields, values and order. The reference that stores agree
//! with.

use super::check::NamedField;
use super::meaning::{Operand, test_holds, tree_holds};
use super::tree::Tree;
use crate::scalar::Scalar;
use crate::score::{Score, ScoreField, ScoreFieldValue, ScoreSpec};
use std::borrow::Cow;
use std::cmp::Ordering;
use std::sync::LazyLock;

/// The log that a score is about.
pub const LOG_ID: NamedField = named(ScoreField::LogId);

/// When a score was first written.
pub const CREATED_AT: NamedField = named(ScoreField::CreatedAt);

const fn named(field: ScoreField) -> NamedField {
    let spec = field.spec();
    NamedField::new(spec.name, spec.kind)
}

/// Fields a score filter may name.
pub fn fields() -> &'static [NamedField] {
    static FIELDS: LazyLock<Vec<NamedField>> = LazyLock::new(|| those(|spec| spec.filtered));
    &FIELDS
}

/// Fields scores can be sorted by (contract A.6).
pub fn sortable() -> &'static [NamedField] {
    static SORTABLE: LazyLock<Vec<NamedField>> = LazyLock::new(|| those(|spec| spec.sortable));
    &SORTABLE
}

fn those(wanted: fn(&ScoreSpec) -> bool) -> Vec<NamedField> {
    ScoreField::ALL.iter().filter(|field| wanted(field.spec())).map(|field| named(*field)).collect()
}

/// Whether the score passes a filter made by `check::fields` over [`fields`].
pub fn holds(filter: &Tree<NamedField>, score: &Score) -> bool {
    tree_holds(filter, &mut |part| test_holds(&part.test, &operand(part.field.name, score)))
}

/// The order of two scores by one of [`sortable`]: nulls last, ties by id ascending.
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

/// The value of a field; null for names that are none.
fn operand<'a>(name: &str, score: &'a Score) -> Operand<'a> {
    let Some(field) = ScoreField::named(name) else { return Operand::Null };
    match field.value(score) {
        ScoreFieldValue::Null => Operand::Null,
        ScoreFieldValue::Scalar(Scalar::Text(text)) => Operand::Text(Cow::Owned(text)),
        ScoreFieldValue::Scalar(Scalar::Int(number)) => Operand::Number(number as f64),
        ScoreFieldValue::Scalar(Scalar::Float(number)) => Operand::Number(number),
        ScoreFieldValue::Scalar(Scalar::Bool(flag)) => Operand::Bool(flag),
        ScoreFieldValue::Scalar(Scalar::Time(micros)) => Operand::Time(micros),
        ScoreFieldValue::Text(text) => Operand::Text(text),
        ScoreFieldValue::Names(names) => Operand::Many(names.iter().map(|name| name.as_str().into()).collect()),
        // Only texts can be asked for; they are given back whatever they are.
        ScoreFieldValue::Echoed(value) => value.as_str().map_or(Operand::Null, |text| Operand::Text(text.into())),
    }
}
