//! The store of scores.

use async_trait::async_trait;
use evalset_model::Result;
use evalset_model::filter::Tree;
use evalset_model::filter::check::NamedField;
use evalset_model::ids::{OrganizationId, ScoreId};
use evalset_model::page::{Page, Window};
use evalset_model::score::Score;
use std::sync::Arc;

/// A read of an ordered, filtered list of scores, by the fields of `evalset_model::filter::scores`.
#[derive(Clone, Debug)]
pub struct ScoreQuery {
    /// Which.
    pub filter: Tree<NamedField>,
    /// By what.
    pub sort: NamedField,
    /// Greatest first.
    pub descending: bool,
    /// Which part.
    pub window: Window,
}

/// Computes the new form of a score from the present one. Subject, source, scorer, id and creation stay whatever it
/// says.
pub type ScoreChange = Arc<dyn Fn(Score) -> Result<Score> + Send + Sync>;

/// Scores of logs and rows (contract F.5). One per subject, source and scorer. A subject need not exist; one in a
/// dataset that is gone fails with `NotFound`.
#[async_trait]
pub trait Scores: Send + Sync {
    /// Writes a score: new, or over the one of the same subject, source and scorer, which keeps its id and creation.
    /// Returns it as it is then, and whether it is new.
    async fn put(&self, score: Score) -> Result<(Score, bool)>;

    /// One score.
    async fn get(&self, organization: OrganizationId, id: ScoreId) -> Result<Option<Score>>;

    /// Changes one score atomically and returns its new form; `NotFound` when there is none.
    async fn update(&self, organization: OrganizationId, id: ScoreId, change: ScoreChange) -> Result<Score>;

    /// Removes a score; false when there is none.
    async fn delete(&self, organization: OrganizationId, id: ScoreId) -> Result<bool>;

    /// A page of the organization's scores with the exact total. Nulls last, ties by id ascending.
    async fn list(&self, organization: OrganizationId, query: ScoreQuery) -> Result<Page<Score>>;
}
