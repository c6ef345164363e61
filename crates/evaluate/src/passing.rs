//! Whether a score is a pass: filters over its values (contract F.3), in the full filter language (contract C).
//!
//! Knows definitions and score values. The grammar and the meaning of a filter are the model's.

use evalset_model::evaluator::{Definition, ScoreValueType};
use evalset_model::filter::check::{self, NamedField, Shape};
use evalset_model::filter::meaning::{Operand, test_holds, tree_holds};
use evalset_model::filter::{Tree, wire};
use evalset_model::limits::Limits;
use evalset_model::scalar::{Kind, brief};
use evalset_model::score::ScoreValues;
use evalset_model::{Error, Result};
use serde_json::Value;
use std::borrow::Cow;

const fn field(name: &'static str) -> NamedField {
    NamedField::new(name, Kind::Text)
}

/// What passing conditions may name. The kinds are not used: [`shape_of`] tells them by the value type.
const FIELDS: &[NamedField] = &[
    field("primary_score"),
    field("secondary_score"),
    field("tertiary_score"),
    field("quaternary_score"),
    field("numerical_value"),
    field("string_value"),
    field("boolean_value"),
    field("categorical_value"),
    field("json_value"),
];

/// The compiled conditions of an evaluator.
#[derive(Clone, Debug)]
pub struct Passing {
    rule: PassingRule,
    value_type: ScoreValueType,
}

#[derive(Clone, Debug)]
enum PassingRule {
    /// `passing_conditions`.
    Conditions(Tree<NamedField>),
    /// A boolean score is its own answer.
    OwnValue,
    /// Legacy `configurations.passing_score`.
    AtLeast(f64),
    /// Nothing says.
    Unknown,
}

impl Passing {
    /// Compiles what a definition says of passing. Errors name the member under `passing_conditions`.
    pub fn compile(definition: &Definition) -> Result<Self> {
        let value_type = definition.score_value_type;
        let conditions = definition.passing_conditions.as_ref().filter(|map| !map.is_empty());
        let rule = if let Some(map) = conditions {
            let map = Value::Object(map.clone());
            let filters = wire::parse("passing_conditions", Some(&map), None, &unbounded())?;
            PassingRule::Conditions(check::shaped(&filters, FIELDS, &|field| shape_of(field.name, value_type))?)
        } else if value_type == ScoreValueType::Boolean {
            PassingRule::OwnValue
        } else {
            passing_score(definition)?.map_or(PassingRule::Unknown, PassingRule::AtLeast)
        };
        Ok(Self { rule, value_type })
    }

    /// Whether the score passes; none when nothing says so, or there is no score.
    pub fn is_passed(&self, values: &ScoreValues) -> Option<bool> {
        if values.is_empty() {
            return None;
        }
        match &self.rule {
            PassingRule::Conditions(tree) => Some(tree_holds(tree, &mut |part| {
                test_holds(&part.test, &operand(part.field.name, self.value_type, values))
            })),
            PassingRule::OwnValue => values.boolean,
            PassingRule::AtLeast(lowest) => values.number().map(|number| number >= *lowest),
            PassingRule::Unknown => None,
        }
    }
}

/// Conditions were held to the configured limits when they were stored, which may be others than the present ones.
fn unbounded() -> Limits {
    Limits { filter_depth: usize::MAX, filter_conditions: usize::MAX, ..Limits::default() }
}

fn passing_score(definition: &Definition) -> Result<Option<f64>> {
    match definition.configurations.get("passing_score") {
        None | Some(Value::Null) => Ok(None),
        Some(value) => value.as_f64().map(Some).ok_or_else(|| {
            let field = "configurations.passing_score";
            Error::invalid(field, format!("`{field}` must be a number, got {}", brief(value)))
        }),
    }
}

/// The field that the primary score stands for.
fn primary(value_type: ScoreValueType) -> &'static str {
    crate::posted::field_of(value_type)
}

/// What can be asked of a field. Booleans count as 1 and 0, as in filters over scores (contract C.4).
fn shape_of(name: &str, value_type: ScoreValueType) -> Shape {
    match name {
        "primary_score" => shape_of(primary(value_type), value_type),
        "numerical_value" => Shape::Typed(Kind::Float),
        "boolean_value" => Shape::Score,
        "string_value" | "categorical_value" | "json_value" => Shape::Typed(Kind::Text),
        _ => Shape::Dynamic,
    }
}

/// The value of a field. Scores have one value here: the secondary to quaternary ones are null.
fn operand<'a>(name: &str, value_type: ScoreValueType, values: &'a ScoreValues) -> Operand<'a> {
    match name {
        "primary_score" => operand(primary(value_type), value_type, values),
        "numerical_value" => values.numerical.map_or(Operand::Null, Operand::Number),
        "boolean_value" => values.boolean.map_or(Operand::Null, |flag| Operand::Number(f64::from(u8::from(flag)))),
        "string_value" => values.string.as_deref().map_or(Operand::Null, |text| Operand::Text(Cow::Borrowed(text))),
        "json_value" => values.json.as_deref().map_or(Operand::Null, |text| Operand::Document(Cow::Borrowed(text))),
        "categorical_value" => match &values.categorical {
            Some(names) => Operand::Many(names.iter().map(|name| Cow::Borrowed(name.as_str())).collect()),
            None => Operand::Null,
        },
        _ => Operand::Null,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn definition(value_type: ScoreValueType, conditions: &Value) -> Definition {
        Definition {
            score_value_type: value_type,
            passing_conditions: conditions.as_object().cloned(),
            ..Definition::default()
        }
    }

    fn passed(value_type: ScoreValueType, conditions: &Value, values: &Value) -> Option<bool> {
        let values: ScoreValues = serde_json::from_value(values.clone()).unwrap();
        Passing::compile(&definition(value_type, conditions)).unwrap().is_passed(&values)
    }

    #[test]
    fn conditions() {
        use ScoreValueType as T;
        let three = json!({"numerical": 3.0});
        let good = json!({"categorical": ["Good", "Fast"]});
        for (value_type, conditions, values, expected) in [
            (T::Numerical, json!({"primary_score": {"operator": "gte", "value": 3}}), three.clone(), true),
            (T::Numerical, json!({"primary_score": {"operator": "gt", "value": [3]}}), three.clone(), false),
            (T::Numerical, json!({"primary_score": {"gte": 1, "lt": 3.5}}), three.clone(), true),
            (T::Numerical, json!({"numerical_value": 3}), three.clone(), true),
            (
                T::Numerical,
                json!({"primary_score": [{"operator": "lt", "value": 1}, {"operator": "eq", "value": 3, "connector": "OR"}]}),
                three.clone(),
                true,
            ),
            (
                T::Numerical,
                json!({"primary_score": 9, "label": {"connector": "OR", "filter_params": {"primary_score": {"operator": "in", "value": [2, 3]}}}}),
                three.clone(),
                true,
            ),
            (T::Numerical, json!({"secondary_score": {"operator": "gte", "value": 0}}), three.clone(), false),
            (T::Numerical, json!({"tertiary_score": {"operator": "isnull", "value": true}}), three.clone(), true),
            (T::Percentage, json!({"primary_score": {"operator": "not", "value": 3}}), three, false),
            (T::Boolean, json!({"primary_score": false}), json!({"boolean": false}), true),
            (
                T::Boolean,
                json!({"boolean_value": {"operator": "eq", "value": "true"}}),
                json!({"boolean": false}),
                false,
            ),
            (T::Boolean, json!({"primary_score": {"operator": "gte", "value": 1}}), json!({"boolean": true}), true),
            (
                T::SingleSelect,
                json!({"primary_score": {"operator": "in", "value": ["Good", "Fine"]}}),
                good.clone(),
                true,
            ),
            (T::MultiSelect, json!({"categorical_value": {"operator": "not", "value": "Fast"}}), good.clone(), false),
            (T::MultiSelect, json!({"primary_score": "Slow"}), good.clone(), false),
            (T::MultiSelect, json!({"primary_score": {"operator": "empty"}}), json!({"categorical": []}), true),
            (T::MultiSelect, json!({"primary_score": {"operator": "startswith", "value": "Fa"}}), good, true),
            (
                T::Text,
                json!({"primary_score": {"operator": "icontains", "value": "REFUND"}}),
                json!({"string": "a refund"}),
                true,
            ),
            (
                T::Comment,
                json!({"string_value": {"operator": "regex", "value": "^a .*d$"}}),
                json!({"string": "a refund"}),
                true,
            ),
            (
                T::Json,
                json!({"primary_score": {"operator": "contains", "value": "\"a\":1"}}),
                json!({"json": "{\"a\":1}"}),
                true,
            ),
            (T::Json, json!({"json_value": {"operator": "not_empty"}}), json!({"json": "{}"}), false),
        ] {
            assert_eq!(passed(value_type, &conditions, &values), Some(expected), "{conditions} {values}");
        }
    }

    #[test]
    fn without_conditions() {
        use ScoreValueType as T;
        for none in [json!(null), json!({})] {
            assert_eq!(passed(T::Boolean, &none, &json!({"boolean": true})), Some(true));
            assert_eq!(passed(T::Boolean, &none, &json!({"boolean": false})), Some(false));
            assert_eq!(passed(T::Numerical, &none, &json!({"numerical": 1.0})), None);
            assert_eq!(passed(T::Boolean, &none, &json!({})), None);
        }
        let mut legacy = definition(T::Numerical, &json!(null));
        legacy.configurations.insert("passing_score".to_owned(), json!(3));
        let passing = Passing::compile(&legacy).unwrap();
        let of = |number| passing.is_passed(&ScoreValues { numerical: Some(number), ..ScoreValues::default() });
        assert_eq!((of(2.9), of(3.0)), (Some(false), Some(true)));
    }

    #[test]
    fn what_cannot_be_meant_is_named() {
        use ScoreValueType as T;
        for (value_type, conditions, field) in [
            (T::Numerical, json!({"score": 3}), "passing_conditions.score"),
            (
                T::Numerical,
                json!({"primary_score": {"operator": "roughly", "value": 3}}),
                "passing_conditions.primary_score.operator",
            ),
            (
                T::Numerical,
                json!({"primary_score": {"operator": "gte", "value": "many"}}),
                "passing_conditions.primary_score.value",
            ),
            (
                T::Numerical,
                json!({"primary_score": {"operator": "contains", "value": "3"}}),
                "passing_conditions.primary_score.operator",
            ),
            (
                T::Text,
                json!({"primary_score": {"operator": "regex", "value": "("}}),
                "passing_conditions.primary_score.value",
            ),
        ] {
            let error = Passing::compile(&definition(value_type, &conditions)).unwrap_err();
            assert_eq!(error.by_field().keys().collect::<Vec<_>>(), [field], "{conditions}");
        }
        let mut legacy = definition(T::Numerical, &json!(null));
        legacy.configurations.insert("passing_score".to_owned(), json!("3"));
        assert!(Passing::compile(&legacy).unwrap_err().by_field().contains_key("configurations.passing_score"));
    }
}
