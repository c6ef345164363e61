//! A score: what an evaluator, a program or a person says of one record (contract F.5, F.6).
//!
//! Two things are made of the scores of a record: what it shows of them ([`ShownScores`]) and what filters and orders
//! compare ([`ComparedScores`]). Does not know how scores are made or kept, nor how they look on the wire.

mod compared;
mod field;
mod shown;

pub use compared::{ComparedScore, ComparedScores};
pub use field::{Score, ScoreField, ScoreFieldValue, ScoreSpec};
pub use shown::ShownScores;

#[cfg(test)]
mod tests;

use crate::evaluator::{Evaluator, ScoreValueType};
use crate::ids::{Collection, EvaluatorId, LogId, OrganizationId, Place};
use serde::{Deserialize, Serialize};
use serde_json::Value;

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
    /// The number that means and comparisons use: the number itself, or 1 and 0 for a boolean.
    pub fn number(&self) -> Option<f64> {
        self.numerical.or(self.boolean.map(|flag| f64::from(u8::from(flag))))
    }

    /// Whether no field is set.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

/// Members of a written score that are kept and given back as they are, of whatever type.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Echoed {
    /// The prompt it came about with.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub prompt_id: Option<Value>,
    /// That prompt's version.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub prompt_version_number: Option<Value>,
    /// The automation that wrote it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub automation_id: Option<Value>,
    /// The time it is about.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub timestamp: Option<Value>,
}

impl Echoed {
    /// Whether nothing was given.
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
