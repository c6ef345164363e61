//! JSON of a score: the object of contract F.5, the same everywhere; reading one alone adds what it was given and its evaluator.

use evalset_model::evaluator::EvalInputs;
use evalset_model::filter::scores::dataset_id;
use evalset_model::json::Text;
use evalset_model::scalar::format_time;
use evalset_model::score::Score;
use indexmap::IndexMap;
use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;

/// A score on the wire. Of the five value fields, those of its type are set.
#[derive(Debug, Serialize, ToSchema)]
pub struct ScoreObject {
    /// Id.
    pub id: String,
    /// First written, ISO 8601 UTC.
    pub created_at: String,
    /// Last written, ISO 8601 UTC.
    pub updated_at: String,
    /// `llm`, `human`, `code`, `custom`, …
    #[serde(rename = "type")]
    pub kind: String,
    /// `prod` or `test`.
    pub environment: String,
    /// Number.
    pub numerical_value: Option<f64>,
    /// Text.
    pub string_value: Option<String>,
    /// Yes or no.
    pub boolean_value: Option<bool>,
    /// Names of choices.
    pub categorical_value: Option<Vec<String>>,
    /// JSON as text (T19).
    pub json_value: Option<String>,
    /// Whether the evaluator's conditions hold.
    pub is_passed: Option<bool>,
    /// USD spent on it.
    pub cost: f64,
    /// The evaluator; null for a custom slug.
    pub evaluator_id: Option<String>,
    /// Its slug.
    pub evaluator_slug: String,
    /// Its name.
    pub evaluator_name: String,
    /// Version of the evaluator that made it.
    pub evaluator_version: Option<u32>,
    /// What its scores hold.
    pub score_value_type: &'static str,
    /// Who or what produced it.
    pub scorer: String,
    /// The log or row it is about.
    pub log_id: String,
    /// The dataset that the row is in; null for a request log.
    pub dataset_id: Option<String>,
    /// As given.
    pub prompt_id: Value,
    /// As given.
    pub prompt_version_number: Value,
    /// As given.
    pub automation_id: Value,
    /// `completed` or `failed`.
    pub status: &'static str,
    /// Why it failed.
    pub error_message: Option<String>,
    /// Why it is what it is.
    pub explanation: Option<String>,
    /// The evaluation run that made it.
    pub run_id: Option<String>,
    /// `timestamp` as given; of a score read alone also what the evaluator was given, and the evaluator.
    #[serde(flatten)]
    #[schema(value_type = Object)]
    pub more: IndexMap<String, Text>,
}

impl From<Score> for ScoreObject {
    fn from(score: Score) -> Self {
        let dataset_id = dataset_id(&score);
        let extra = |name: &str| score.extra.get(name).cloned().unwrap_or_default();
        let timestamp = extra("timestamp");
        Self {
            id: score.id.to_string(),
            created_at: format_time(score.created_at),
            updated_at: format_time(score.updated_at),
            prompt_id: extra("prompt_id"),
            prompt_version_number: extra("prompt_version_number"),
            automation_id: extra("automation_id"),
            kind: score.kind,
            environment: score.environment,
            numerical_value: score.values.numerical,
            string_value: score.values.string,
            boolean_value: score.values.boolean,
            categorical_value: score.values.categorical,
            json_value: score.values.json,
            is_passed: score.is_passed,
            cost: score.cost,
            evaluator_id: score.source.evaluator_id.map(|id| id.to_string()),
            evaluator_slug: score.source.slug,
            evaluator_name: score.source.name,
            evaluator_version: score.evaluator_version,
            score_value_type: score.source.value_type.name(),
            scorer: score.scorer,
            log_id: score.subject.log_id.0,
            dataset_id,
            status: score.status.name(),
            error_message: score.error_message,
            explanation: score.explanation,
            run_id: score.run.map(|id| id.to_string()),
            more: IndexMap::from_iter([("timestamp".to_owned(), timestamp.into())]),
        }
    }
}

impl ScoreObject {
    /// With what the evaluator is given of the record, when that is there.
    #[must_use]
    pub fn with_inputs(mut self, inputs: Option<&EvalInputs>) -> Self {
        self.more.insert("inputs".to_owned(), inputs.map(inputs_json).unwrap_or_default());
        self
    }

    /// With the object of its evaluator, null when it has none any more.
    #[must_use]
    pub fn with_evaluator(mut self, evaluator: Value) -> Self {
        self.more.insert("evaluator".to_owned(), evaluator.into());
        self
    }
}

/// What an evaluator is given (contract F.4).
pub fn inputs_json(inputs: &EvalInputs) -> Text {
    let EvalInputs { input, output, expected_output, metrics, metadata } = inputs;
    let [metrics, metadata] = [metrics, metadata].map(|map| Value::Object(map.clone()).to_string());
    Text::written(format!(
        r#"{{"input":{},"output":{},"expected_output":{},"metrics":{metrics},"metadata":{metadata}}}"#,
        input.json(),
        output.json(),
        expected_output.json()
    ))
}
