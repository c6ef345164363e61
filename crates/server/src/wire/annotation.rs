//! JSON of the annotation queue and its progress.

use super::log;
use evalset_model::scalar::format_time;
use evalset_product::ops::annotation::{Person, Progress};
use evalset_rows::shape::DetailRow;
use serde::Serialize;
use utoipa::ToSchema;

/// A row handed out by the queue.
#[derive(Serialize, ToSchema)]
pub struct HandedRow<'a> {
    /// The row, with everything it holds; null when nothing is left for this annotator.
    #[schema(value_type = Option<log::DetailRow>)]
    pub row: Option<DetailRow<'a>>,
    /// The row is theirs until then, ISO 8601 UTC; null without a row.
    pub lease_until: Option<String>,
    /// Matching rows that are left to be handed out beside this one.
    pub remaining: u64,
}

/// How far the annotation of a dataset is.
#[derive(Debug, Serialize, ToSchema)]
pub struct AnnotationProgressObject {
    /// All rows.
    pub total: u64,
    /// Rows that nobody completed and nobody holds now.
    pub pending: u64,
    /// Rows that somebody holds now: leases that ran out do not count.
    pub in_progress: u64,
    /// Rows done.
    pub completed: u64,
    /// Who did and does what: most completed first.
    pub annotators: Vec<AnnotatorObject>,
}

/// Progress of one annotator.
#[derive(Debug, Serialize, ToSchema)]
pub struct AnnotatorObject {
    /// E-mail address or name; null for rows whose completion names nobody.
    pub annotator: Option<String>,
    /// Rows they completed.
    pub completed: u64,
    /// Rows they hold now.
    pub in_progress: u64,
    /// When they last completed one, ISO 8601 UTC.
    pub last_completed_at: Option<String>,
}

impl From<Progress> for AnnotationProgressObject {
    fn from(progress: Progress) -> Self {
        let Progress { total, in_progress, completed, annotators } = progress;
        // The counts are taken one after the other while people work.
        let pending = total.saturating_sub(in_progress + completed);
        Self { total, pending, in_progress, completed, annotators: annotators.into_iter().map(Into::into).collect() }
    }
}

impl From<Person> for AnnotatorObject {
    fn from(person: Person) -> Self {
        Self {
            annotator: person.annotator,
            completed: person.completed,
            in_progress: person.in_progress,
            last_completed_at: person.last_completed_at.map(format_time),
        }
    }
}
