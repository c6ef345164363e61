//! Bodies of score writes, read member by member so that errors can name them (contract F.5).

use crate::http::extract::type_name;
use crate::http::members;
use crate::ops::scores::NewScore;
use evalset_model::scalar::{brief, read_number};
use evalset_model::score::{ScorePatch, ScoreValues};
use evalset_model::{Error, Result};
use serde_json::{Map, Value};

/// Members that are kept and given back as they are.
const ECHOED: &[&str] = &["prompt_id", "prompt_version_number", "automation_id", "timestamp"];

/// A new score (S1, S9).
pub fn new_score(body: &Map<String, Value>) -> Result<NewScore> {
    if let Some(timestamp) = members::present(body, "timestamp") {
        members::time_text("timestamp", timestamp.as_str().unwrap_or_default())?;
    }
    let echoed = ECHOED.iter().filter_map(|name| Some(((*name).to_owned(), members::present(body, name)?.clone())));
    Ok(NewScore {
        log_id: members::text(body, "log_id")?,
        dataset_id: members::text(body, "dataset_id")?,
        evaluator_id: members::text(body, "evaluator_id")?,
        evaluator_slug: members::text(body, "evaluator_slug")?,
        scorer: members::text(body, "scorer")?.filter(|scorer| !scorer.is_empty()),
        environment: members::text(body, "environment")?,
        values: values(body)?,
        explanation: members::text(body, "explanation")?,
        cost: number(body, "cost")?,
        extra: echoed.collect(),
    })
}

/// The change that PATCH asks for: absent members stay, null empties.
pub fn patch(body: &Map<String, Value>) -> Result<ScorePatch> {
    let given = |name: &str| body.contains_key(name);
    let ScoreValues { numerical, boolean, string, categorical, json } = values(body)?;
    Ok(ScorePatch {
        numerical: given("numerical_value").then_some(numerical),
        boolean: given("boolean_value").then_some(boolean),
        string: given("string_value").then_some(string),
        categorical: given("categorical_value").then_some(categorical),
        json: given("json_value").then_some(json),
        explanation: given("explanation").then_some(members::text(body, "explanation")?),
    })
}

/// The change that PUT asks for: values that are absent are emptied.
pub fn replacement(body: &Map<String, Value>) -> Result<ScorePatch> {
    let ScoreValues { numerical, boolean, string, categorical, json } = values(body)?;
    Ok(ScorePatch {
        numerical: Some(numerical),
        boolean: Some(boolean),
        string: Some(string),
        categorical: Some(categorical),
        json: Some(json),
        explanation: Some(members::text(body, "explanation")?),
    })
}

fn values(body: &Map<String, Value>) -> Result<ScoreValues> {
    Ok(ScoreValues {
        numerical: number(body, "numerical_value")?,
        boolean: members::flag(body, "boolean_value")?,
        string: members::text(body, "string_value")?,
        categorical: members::texts(body, "categorical_value")?,
        json: json(body)?,
    })
}

fn number(body: &Map<String, Value>, name: &str) -> Result<Option<f64>> {
    let wrong = |value: &Value| Error::invalid(name, format!("`{name}` must be a finite number, got {}", brief(value)));
    let read = |value: &Value| match value {
        Value::Bool(_) => Err(wrong(value)),
        value => read_number(value).filter(|number| number.is_finite()).ok_or_else(|| wrong(value)),
    };
    members::present(body, name).map(read).transpose()
}

/// `json_value` is JSON as text; an object or array is taken as its text.
fn json(body: &Map<String, Value>) -> Result<Option<String>> {
    match members::present(body, "json_value") {
        None => Ok(None),
        Some(Value::String(text)) => match serde_json::from_str::<serde::de::IgnoredAny>(text) {
            Ok(_) => Ok(Some(text.clone())),
            Err(error) => Err(Error::invalid("json_value", format!("`json_value` is not valid JSON: {error}"))),
        },
        Some(value @ (Value::Object(_) | Value::Array(_))) => Ok(Some(value.to_string())),
        Some(other) => {
            Err(Error::invalid("json_value", format!("`json_value` must be JSON as text, got {}", type_name(other))))
        }
    }
}
