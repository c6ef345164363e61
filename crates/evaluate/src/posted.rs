//! The five value fields of a score that a program or a person posts, checked against its definition (contract F.2,
//! F.5).
//!
//! The rules are those of `convert`; the errors name the member at fault. Does not know how the score is kept.

use crate::convert::{Range, bounded, choices, held, member, within};
use evalset_model::evaluator::{Definition, ScoreValueType};
use evalset_model::scalar::brief;
use evalset_model::score::ScoreValues;
use evalset_model::{Error, Result};
use serde_json::{Map, Value};

/// Reads the value fields of a body. Each must be of its own type. With a definition the field of its value type also
/// keeps to bounds and choices, and other fields may only stand beside it. No value field at all is no error here.
pub fn check_posted(body: &Map<String, Value>, definition: Option<&Definition>) -> Result<ScoreValues> {
    let values = ScoreValues {
        numerical: read(body, "numerical_value", |value| {
            let number = value.as_f64().filter(|_| value.is_number());
            held(number.ok_or_else(|| format!("must be a number, got {}", brief(value)))?)
        })?,
        boolean: read(body, "boolean_value", |value| {
            value.as_bool().ok_or_else(|| format!("must be true or false, got {}", brief(value)))
        })?,
        string: read(body, "string_value", |value| match value {
            Value::String(text) => bounded(text.clone()),
            other => Err(format!("must be a string, got {}", brief(other))),
        })?,
        categorical: read(body, "categorical_value", texts)?,
        json: read(body, "json_value", json_text)?,
    };
    match definition {
        Some(definition) if !values.is_empty() => against(values, body, definition),
        _ => Ok(values),
    }
}

/// The wire name of the field that a value type writes (contract F.2).
pub fn field_of(value_type: ScoreValueType) -> &'static str {
    match value_type {
        ScoreValueType::Numerical | ScoreValueType::Percentage => "numerical_value",
        ScoreValueType::Boolean => "boolean_value",
        ScoreValueType::SingleSelect | ScoreValueType::MultiSelect | ScoreValueType::Categorical => "categorical_value",
        ScoreValueType::Text | ScoreValueType::Comment => "string_value",
        ScoreValueType::Json => "json_value",
    }
}

fn against(mut values: ScoreValues, body: &Map<String, Value>, definition: &Definition) -> Result<ScoreValues> {
    let field = field_of(definition.score_value_type);
    let Some(said) = member(body, field) else {
        let kind = definition.score_value_type.name();
        return Err(Error::invalid(
            field,
            format!("`{field}` is missing: scores of this evaluator are of type `{kind}`"),
        ));
    };
    let at_field = |message: String| Error::invalid(field, format!("`{field}`: {message}"));
    match field {
        "numerical_value" => {
            let number = values.numerical.unwrap_or_default();
            values.numerical = Some(within(number, definition, Range::Refuse).map_err(at_field)?);
        }
        "categorical_value" => values.categorical = Some(choices(said, definition).map_err(at_field)?),
        _ => {}
    }
    Ok(values)
}

fn read<T>(body: &Map<String, Value>, name: &str, parse: impl Fn(&Value) -> Result<T, String>) -> Result<Option<T>> {
    let at_name = |message: String| Error::invalid(name, format!("`{name}` {message}"));
    member(body, name).map(|value| parse(value).map_err(at_name)).transpose()
}

/// A list of texts; one alone is a list of one, and choice values that are no texts are kept as their JSON text.
fn texts(value: &Value) -> Result<Vec<String>, String> {
    let list = match value {
        Value::Array(list) => list.as_slice(),
        one => std::slice::from_ref(one),
    };
    let each = list.iter().map(|each| match each {
        Value::String(text) => bounded(text.clone()),
        Value::Number(_) | Value::Bool(_) => Ok(each.to_string()),
        other => Err(format!("must be a list of strings, got {}", brief(other))),
    });
    each.collect()
}

/// JSON text, or a structure, which is kept as its compact text.
fn json_text(value: &Value) -> Result<String, String> {
    match value {
        Value::String(text) if serde_json::from_str::<serde::de::IgnoredAny>(text).is_err() => {
            Err(format!("must be a string that holds JSON, got {}", brief(value)))
        }
        Value::String(text) => bounded(text.clone()),
        other => bounded(other.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use evalset_model::evaluator::{Choice, ScoreConfig};
    use serde_json::json;

    fn definition(value_type: ScoreValueType) -> Definition {
        let choice = |name: &str, value: Value| Choice { name: name.to_owned(), value };
        let choices = vec![choice("Good", json!(1)), choice("Bad", json!("b"))];
        let bounded = value_type == ScoreValueType::Numerical;
        Definition {
            score_value_type: value_type,
            score_config: Some(ScoreConfig {
                min_score: bounded.then_some(1.0),
                max_score: bounded.then_some(5.0),
                choices,
            }),
            ..Definition::default()
        }
    }

    #[test]
    fn good_values() {
        use ScoreValueType as T;
        for (value_type, body, expected) in [
            (T::Numerical, json!({"numerical_value": 5}), json!({"numerical": 5.0})),
            (T::Percentage, json!({"numerical_value": 99.5}), json!({"numerical": 99.5})),
            (
                T::Boolean,
                json!({"boolean_value": false, "numerical_value": 900}),
                json!({"boolean": false, "numerical": 900.0}),
            ),
            (T::Text, json!({"string_value": ""}), json!({"string": ""})),
            (T::SingleSelect, json!({"categorical_value": "b"}), json!({"categorical": ["Bad"]})),
            (T::Categorical, json!({"categorical_value": ["Good", 1]}), json!({"categorical": ["Good"]})),
            (T::MultiSelect, json!({"categorical_value": []}), json!({"categorical": []})),
            (T::Json, json!({"json_value": "{\"a\": 1}"}), json!({"json": "{\"a\": 1}"})),
            (T::Json, json!({"json_value": {"a": 1}}), json!({"json": "{\"a\":1}"})),
            (T::Numerical, json!({"numerical_value": null, "explanation": "x"}), json!({})),
        ] {
            let values = check_posted(body.as_object().unwrap(), Some(&definition(value_type))).unwrap();
            assert_eq!(serde_json::to_value(values).unwrap(), expected, "{body}");
        }
    }

    #[test]
    fn bad_values_name_their_field() {
        use ScoreValueType as T;
        for (value_type, body, field) in [
            (T::Numerical, json!({"numerical_value": 0.9}), "numerical_value"),
            (T::Numerical, json!({"numerical_value": "3"}), "numerical_value"),
            (T::Numerical, json!({"boolean_value": true}), "numerical_value"),
            (T::Percentage, json!({"numerical_value": 100.1}), "numerical_value"),
            (T::Boolean, json!({"boolean_value": 1}), "boolean_value"),
            (T::SingleSelect, json!({"categorical_value": ["Good", "Bad"]}), "categorical_value"),
            (T::SingleSelect, json!({"categorical_value": []}), "categorical_value"),
            (T::MultiSelect, json!({"categorical_value": ["Ugly"]}), "categorical_value"),
            (T::MultiSelect, json!({"categorical_value": [null]}), "categorical_value"),
            (T::Text, json!({"string_value": 3}), "string_value"),
            (T::Json, json!({"json_value": "{"}), "json_value"),
        ] {
            let error = check_posted(body.as_object().unwrap(), Some(&definition(value_type))).unwrap_err();
            assert_eq!(error.by_field().keys().collect::<Vec<_>>(), [field], "{body}");
        }
    }

    #[test]
    fn without_a_definition_only_types_are_checked() {
        let body = json!({"numerical_value": 1e9, "categorical_value": ["any"]});
        let values = check_posted(body.as_object().unwrap(), None).unwrap();
        assert_eq!((values.numerical, values.categorical), (Some(1e9), Some(vec!["any".to_owned()])));
        assert!(check_posted(json!({"boolean_value": "true"}).as_object().unwrap(), None).is_err());
    }
}
