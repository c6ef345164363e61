//! `filters_data`: the fields a filter may name and the operators each of them takes, for building filter forms
//! (contract A.5).

use super::check::{NamedField, Shape, shape};
use super::operator::Operator;
use super::tree::LogField;
use super::{datasets, evaluators};
use crate::field::{Field, TextField};
use crate::scalar::Kind;
use serde_json::{Map, Value, json};
use std::sync::LazyLock;

/// Of logs and dataset rows. Metadata and scores are open sets of names and are not listed, but for `metadata` itself.
pub fn logs() -> &'static Value {
    static CHOICES: LazyLock<Value> = LazyLock::new(|| {
        let fields = std::iter::once(LogField::Id)
            .chain(Field::ALL.iter().copied().map(LogField::Scalar))
            .chain(TextField::ALL.iter().copied().map(LogField::Text))
            .chain([LogField::MetadataMap]);
        let entries = fields.filter_map(|field| {
            let name = field.name();
            let entry = entry(&name, shape(&field)?);
            Some((name, entry))
        });
        Value::Object(entries.collect())
    });
    &CHOICES
}

/// Of datasets.
pub fn datasets() -> &'static Value {
    static CHOICES: LazyLock<Value> = LazyLock::new(|| fields(datasets::FIELDS));
    &CHOICES
}

/// Of evaluators.
pub fn evaluators() -> &'static Value {
    static CHOICES: LazyLock<Value> = LazyLock::new(|| fields(evaluators::FIELDS));
    &CHOICES
}

/// Of a noun with a fixed list of fields.
pub fn fields(list: &[NamedField]) -> Value {
    let entries = list.iter().map(|field| (field.name.to_owned(), entry(field.name, Shape::Typed(field.kind))));
    Value::Object(entries.collect::<Map<_, _>>())
}

fn entry(name: &str, shape: Shape) -> Value {
    let operators: Vec<Value> = shape
        .operators()
        .iter()
        .map(|operator| json!({"name": Operator::shown(*operator), "value": operator.name()}))
        .collect();
    json!({
        "display_name": display_name(name),
        "metric": name,
        "operator_choices": operators,
        "value_choices": [],
        "value_field_type": field_type(shape),
        "hidden": false,
    })
}

fn field_type(shape: Shape) -> &'static str {
    match shape {
        Shape::Typed(Kind::Text) | Shape::LowerText | Shape::Dynamic => "text",
        Shape::Typed(Kind::Int | Kind::Float) | Shape::Score => "number",
        Shape::Typed(Kind::Bool) => "boolean",
        Shape::Typed(Kind::Time) => "datetime",
    }
}

/// `status_code` → `Status code`.
fn display_name(name: &str) -> String {
    let words = name.replace('_', " ");
    let mut letters = words.chars();
    letters.next().map_or_else(String::new, |first| first.to_uppercase().chain(letters).collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::filter::check::{self, Unknown};
    use crate::filter::testing::{compile, parse};

    #[test]
    fn an_entry_has_the_shape_of_the_contract() {
        let entry = &logs()["cache_hit"];
        assert_eq!(entry["display_name"], "Cache hit");
        assert_eq!(entry["metric"], "cache_hit");
        assert_eq!(entry["value_field_type"], "boolean");
        assert_eq!(entry["value_choices"], json!([]));
        assert_eq!(entry["hidden"], false);
        assert_eq!(entry["operator_choices"][0], json!({"name": "is", "value": ""}));
        let kinds = ["model", "cost", "timestamp", "input"].map(|name| logs()[name]["value_field_type"].as_str());
        assert_eq!(kinds, [Some("text"), Some("number"), Some("datetime"), Some("text")]);
    }

    #[test]
    fn every_choice_is_accepted_and_every_operator_left_out_is_refused() {
        let value = |kind: &Value, operator: &str| match (operator, kind.as_str()) {
            ("isnull", _) | (_, Some("boolean")) => json!(true),
            (_, Some("number")) => json!(1),
            (_, Some("datetime")) => json!("2026-01-01"),
            _ => json!("a"),
        };
        let offered = |entry: &Value, operator: &Operator| {
            entry["operator_choices"].as_array().unwrap().iter().any(|choice| choice["value"] == operator.name())
        };
        for (name, entry) in logs().as_object().unwrap() {
            for operator in Operator::ALL {
                let filter = json!({name: {"operator": operator.name(), "value": value(&entry["value_field_type"], operator.name())}});
                assert_eq!(compile(&filter, Unknown::Refuse).is_ok(), offered(entry, operator), "{filter}");
            }
        }
        for (choices, fields) in [(datasets(), datasets::FIELDS), (evaluators(), evaluators::FIELDS)] {
            for (name, entry) in choices.as_object().unwrap() {
                for operator in Operator::ALL {
                    let filter = json!({name: {"operator": operator.name(), "value": value(&entry["value_field_type"], operator.name())}});
                    let checked = check::fields(&parse(&filter).unwrap(), fields);
                    assert_eq!(checked.is_ok(), offered(entry, operator), "{filter}");
                }
            }
            assert_eq!(choices.as_object().unwrap().len(), fields.len());
        }
    }
}
