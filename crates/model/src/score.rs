//! A score: what an evaluator, a program or a person says of one record (contract F.5, F.6).
//!
//! Does not know how scores are made or kept.

use crate::evaluator::{Evaluator, ScoreValueType};
use crate::ids::{Collection, EvaluatorId, JobId, LogId, OrganizationId, Place, ScoreId};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// One score, as stored. Times are microseconds since the epoch. Unique by subject, source and `scorer`.
#[derive(Clone, Debug, PartialEq)]
pub struct Score {
    /// Id; kept when the score is written again.
    pub id: ScoreId,
    /// What it is about.
    pub subject: Subject,
    /// Whose it is.
    pub source: Source,
    /// Who or what produced it: a model, `code`, a person.
    pub scorer: String,
    /// `type` of the wire: `llm`, `human`, `code`, `custom`, …
    pub kind: String,
    /// `prod` or `test`.
    pub environment: String,
    /// What it says.
    pub values: ScoreValues,
    /// Whether the evaluator's conditions hold; none when they do not tell (F.3).
    pub is_passed: Option<bool>,
    /// USD spent on it.
    pub cost: f64,
    /// How its making ended.
    pub status: ScoreStatus,
    /// Why it failed.
    pub error_message: Option<String>,
    /// Why it is what it is.
    pub explanation: Option<String>,
    /// Version of the evaluator that made it.
    pub evaluator_version: Option<u32>,
    /// The run that made it.
    pub run: Option<JobId>,
    /// Echoed members: `prompt_id`, `prompt_version_number`, `automation_id`, `timestamp`.
    pub extra: Map<String, Value>,
    /// First written.
    pub created_at: i64,
    /// Last written.
    pub updated_at: i64,
}

impl Score {
    /// What is kept when this score is changed to another: what it is about and whose it is stay.
    #[must_use]
    pub fn changed_to(self, changed: Self) -> Self {
        Self {
            id: self.id,
            subject: self.subject,
            source: Source { value_type: changed.source.value_type, ..self.source },
            scorer: self.scorer,
            created_at: self.created_at,
            ..changed
        }
    }
}

/// What a score is about.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Subject {
    /// Owner.
    pub organization: OrganizationId,
    /// The dataset row or `_saved_logs` row it is about; [`Place::RequestLogs`] when it names no dataset.
    pub place: Place,
    /// The log or row. Need not exist.
    pub log_id: LogId,
}

impl Subject {
    /// The collection the record is in, if it is anywhere.
    pub fn collection(&self) -> Collection {
        Collection { organization: self.organization, place: self.place }
    }
}

/// Whose scores these are: an evaluator's, or those under a custom slug (contract F.5).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Source {
    /// The evaluator; none for a custom slug.
    pub evaluator_id: Option<EvaluatorId>,
    /// Its slug, or the custom one.
    pub slug: String,
    /// Its name as it was when last written; the slug for custom ones.
    pub name: String,
    /// What its scores hold.
    pub value_type: ScoreValueType,
}

impl Source {
    /// The source that scores of an evaluator have.
    pub fn of(evaluator: &Evaluator) -> Self {
        Self {
            evaluator_id: Some(evaluator.id),
            slug: evaluator.slug.clone(),
            name: evaluator.definition.name.clone(),
            value_type: evaluator.definition.score_value_type,
        }
    }
}

impl Source {
    /// The key of its score on a record: evaluator id, or the custom slug (contract F.6).
    pub fn key(&self) -> String {
        self.evaluator_id.map_or_else(|| self.slug.clone(), |id| id.to_string())
    }
}

/// The five value fields (contract F.2, T19).
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct ScoreValues {
    /// Finite.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub numerical: Option<f64>,
    /// Boolean.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub boolean: Option<bool>,
    /// Text.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub string: Option<String>,
    /// Names of choices.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub categorical: Option<Vec<String>>,
    /// JSON text.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub json: Option<String>,
}

impl ScoreValues {
    /// What `scores__…` compares and sorts by (contract C.4): the number, else the boolean, the text, the choices; none when it
    /// has none of these.
    pub fn compared(&self) -> Option<Value> {
        (self.numerical.map(Value::from))
            .or(self.boolean.map(Value::Bool))
            .or_else(|| self.string.clone().map(Value::String))
            .or_else(|| self.categorical.clone().map(Value::from))
    }

    /// The number that means and comparisons use: the number itself, or 1 and 0 for a boolean.
    pub fn number(&self) -> Option<f64> {
        self.numerical.or(self.boolean.map(|flag| f64::from(u8::from(flag))))
    }

    /// Whether no field is set.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

/// How the making of a score ended.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ScoreStatus {
    /// It has a value.
    #[default]
    Completed,
    /// It has none; `error_message` says why.
    Failed,
}

impl ScoreStatus {
    /// Name on the wire.
    pub fn name(self) -> &'static str {
        match self {
            Self::Completed => "completed",
            Self::Failed => "failed",
        }
    }
}

/// Scores of one record as lists show them: evaluator id or custom slug → summary (contract F.6).
pub type RowScores = Map<String, Value>;

/// The summaries of a record's scores, given all scores that concern it: those of `place` win over those that name no dataset,
/// and of several by the same source the one written last is shown, a failed one only when there is no other. Newest first.
pub fn of_row(scores: Vec<Score>, place: Place) -> RowScores {
    shown(scores, place).iter().map(|score| (score.source.key(), summary(score))).collect()
}

/// The scores of a record that [`of_row`] shows.
pub fn shown(mut scores: Vec<Score>, place: Place) -> Vec<Score> {
    scores.sort_by(|left, right| {
        let last = |score: &Score| (score.subject.place != place, score.status == ScoreStatus::Failed);
        last(left).cmp(&last(right)).then_with(|| newest_first(left, right))
    });
    let mut shown: Vec<Score> = Vec::with_capacity(scores.len());
    for score in scores {
        if !shown.iter().any(|other| other.source.key() == score.source.key()) {
            shown.push(score);
        }
    }
    shown.sort_by(newest_first);
    shown
}

/// What filters, sorts and means need of a record's scores: key and slug → value, `{}` for a score without one. The same to
/// `filter::meaning` as what [`of_row`] gives, and much cheaper.
pub fn compared(shown: &[Score]) -> RowScores {
    let mut values = RowScores::new();
    for score in shown {
        values.insert(score.source.key(), compared_value(&score.values));
    }
    for score in shown.iter().filter(|score| score.source.evaluator_id.is_some()) {
        if !values.contains_key(&score.source.slug) {
            values.insert(score.source.slug.clone(), compared_value(&score.values));
        }
    }
    values
}

/// One value of [`compared`].
pub fn compared_value(values: &ScoreValues) -> Value {
    values.compared().unwrap_or_else(|| Value::Object(Map::new()))
}

fn newest_first(left: &Score, right: &Score) -> std::cmp::Ordering {
    (right.updated_at, right.id).cmp(&(left.updated_at, left.id))
}

/// A score as it is shown on a record (contract F.6).
pub fn summary(score: &Score) -> Value {
    let values = &score.values;
    let value = values.compared().or_else(|| values.json.clone().map(Value::String));
    let members = [
        ("id", Value::from(score.id.to_string())),
        ("evaluator_id", score.source.evaluator_id.map(|id| id.to_string()).into()),
        ("evaluator_slug", score.source.slug.as_str().into()),
        ("evaluator_name", score.source.name.as_str().into()),
        ("score_value_type", score.source.value_type.name().into()),
        ("numerical_value", values.numerical.into()),
        ("boolean_value", values.boolean.into()),
        ("string_value", values.string.clone().into()),
        ("categorical_value", values.categorical.clone().into()),
        ("json_value", values.json.clone().into()),
        ("score_value", value.into()),
        ("is_passed", score.is_passed.into()),
        ("status", score.status.name().into()),
        ("error_message", score.error_message.clone().into()),
        ("explanation", score.explanation.clone().into()),
        ("scorer", score.scorer.as_str().into()),
        ("type", score.kind.as_str().into()),
        ("cost", score.cost.into()),
    ];
    Value::Object(members.into_iter().map(|(name, value)| (name.to_owned(), value)).collect())
}
