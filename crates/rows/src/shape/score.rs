//! A score as it is shown on its record (contract F.6). Does not know which scores are shown.

use evalset_model::score::{Score, ScoreValues};
use serde::Serialize;
use serde::ser::Serializer;
use serde_json::Value;

/// The summary of one score.
pub(crate) struct Summary<'a>(pub &'a Score);

/// The members of a summary, in order.
#[derive(Serialize)]
struct Members<'a> {
    id: String,
    evaluator_id: Option<String>,
    evaluator_slug: &'a str,
    evaluator_name: &'a str,
    score_value_type: &'static str,
    numerical_value: Option<f64>,
    boolean_value: Option<bool>,
    string_value: Option<&'a str>,
    categorical_value: Option<&'a [String]>,
    json_value: Option<&'a str>,
    score_value: Value,
    is_passed: Option<bool>,
    status: &'static str,
    error_message: Option<&'a str>,
    explanation: Option<&'a str>,
    scorer: &'a str,
    #[serde(rename = "type")]
    kind: &'a str,
    cost: f64,
}

impl Serialize for Summary<'_> {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        let Score { source, values, .. } = self.0;
        let members = Members {
            id: self.0.id.to_string(),
            evaluator_id: source.evaluator_id.map(|id| id.to_string()),
            evaluator_slug: &source.slug,
            evaluator_name: &source.name,
            score_value_type: source.value_type.name(),
            numerical_value: values.numerical,
            boolean_value: values.boolean,
            string_value: values.string.as_deref(),
            categorical_value: values.categorical.as_deref(),
            json_value: values.json.as_deref(),
            score_value: score_value(values),
            is_passed: self.0.is_passed,
            status: self.0.status.name(),
            error_message: self.0.error_message.as_deref(),
            explanation: self.0.explanation.as_deref(),
            scorer: &self.0.scorer,
            kind: &self.0.kind,
            cost: self.0.cost,
        };
        members.serialize(to)
    }
}

/// The one value of a score, of whatever type it is; null when it has none.
pub fn score_value(values: &ScoreValues) -> Value {
    (values.numerical.map(Value::from))
        .or(values.boolean.map(Value::Bool))
        .or_else(|| values.string.clone().map(Value::String))
        .or_else(|| values.categorical.clone().map(Value::from))
        .or_else(|| values.json.clone().map(Value::String))
        .unwrap_or_default()
}

#[cfg(test)]
pub(crate) mod tests {
    //! A score for tests of rows, and the summary of it.

    use super::*;
    use evalset_model::evaluator::ScoreValueType;
    use evalset_model::ids::{EvaluatorId, LogId, OrganizationId, Place, ScoreId};
    use evalset_model::score::{ShownScores, Source, Subject};
    use serde_json::json;
    use uuid::Uuid;

    /// A score of each type of value, by an evaluator and under a custom slug, the first the newest.
    pub(crate) fn shown() -> ShownScores {
        let number = ScoreValues { numerical: Some(0.1), ..ScoreValues::default() };
        let choices = ScoreValues { categorical: Some(vec!["red".to_owned()]), ..ScoreValues::default() };
        let tone = Score { explanation: Some("because ".repeat(50)), ..score(Some(1), "tone", number, 2) };
        ShownScores::of(vec![tone, score(None, "plain", choices, 1)], Place::RequestLogs)
    }

    fn score(evaluator: Option<u128>, slug: &str, values: ScoreValues, at: i64) -> Score {
        let subject = Subject {
            organization: OrganizationId(Uuid::nil()),
            place: Place::RequestLogs,
            log_id: LogId("9a".to_owned()),
        };
        let source = Source {
            evaluator_id: evaluator.map(|id| EvaluatorId(Uuid::from_u128(id))),
            slug: slug.to_owned(),
            name: slug.to_uppercase(),
            value_type: ScoreValueType::Numerical,
        };
        Score {
            scorer: "code".to_owned(),
            kind: "custom".to_owned(),
            environment: "prod".to_owned(),
            values,
            is_passed: Some(true),
            cost: 0.5,
            evaluator_version: Some(2),
            ..Score::unsaid(ScoreId(Uuid::from_u128(at as u128)), subject, source, at)
        }
    }

    #[test]
    fn a_summary_has_the_members_of_the_contract_in_their_order() {
        let score = score(None, "free", ScoreValues { boolean: Some(false), ..ScoreValues::default() }, 7);
        assert_eq!(
            serde_json::to_string(&Summary(&score)).unwrap(),
            json!({
                "id": "00000000-0000-0000-0000-000000000007",
                "evaluator_id": null,
                "evaluator_slug": "free",
                "evaluator_name": "FREE",
                "score_value_type": "numerical",
                "numerical_value": null,
                "boolean_value": false,
                "string_value": null,
                "categorical_value": null,
                "json_value": null,
                "score_value": false,
                "is_passed": true,
                "status": "completed",
                "error_message": null,
                "explanation": null,
                "scorer": "code",
                "type": "custom",
                "cost": 0.5
            })
            .to_string()
        );
    }

    #[test]
    fn the_one_value_is_the_first_that_is_set() {
        let json = ScoreValues { json: Some("[1]".to_owned()), ..ScoreValues::default() };
        assert_eq!(score_value(&ScoreValues::default()), Value::Null);
        assert_eq!(score_value(&json), json!("[1]"));
        assert_eq!(score_value(&ScoreValues { categorical: Some(vec!["a".to_owned()]), ..json }), json!(["a"]));
    }
}
