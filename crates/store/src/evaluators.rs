//! The store of evaluators and their versions (contract F.1).

use async_trait::async_trait;
use evalset_model::Result;
use evalset_model::evaluator::Evaluator;
use evalset_model::ids::{EvaluatorId, OrganizationId, VersionId};
use evalset_model::page::{Page, Window};

/// Evaluators of organizations. Each has versions numbered without gaps; all but the last are committed, the last is
/// the draft. `version_count` is kept by the store.
#[async_trait]
pub trait Evaluators: Send + Sync {
    /// Adds an evaluator with its first version. False when the organization has one with this slug already; `Conflict`
    /// when the id is taken.
    async fn create(&self, evaluator: Evaluator) -> Result<bool>;

    /// How many evaluators the organization has.
    async fn count(&self, organization: OrganizationId) -> Result<u64>;

    /// The last version of an evaluator.
    async fn get(&self, organization: OrganizationId, id: EvaluatorId) -> Result<Option<Evaluator>>;

    /// The last version of the evaluator with this slug.
    async fn by_slug(&self, organization: OrganizationId, slug: &str) -> Result<Option<Evaluator>>;

    /// One version by its number.
    async fn version(&self, organization: OrganizationId, id: EvaluatorId, version: u32) -> Result<Option<Evaluator>>;

    /// One version by its own id.
    async fn by_version_id(&self, organization: OrganizationId, version: VersionId) -> Result<Option<Evaluator>>;

    /// The last versions of all evaluators, newest first. (An organization has few: filters and sorts run on this.)
    async fn list(&self, organization: OrganizationId) -> Result<Vec<Evaluator>>;

    /// Versions of an evaluator, newest first; no rows when there is none.
    async fn versions(&self, organization: OrganizationId, id: EvaluatorId, window: Window) -> Result<Page<Evaluator>>;

    /// Writes the draft anew, with the star and the tags of its evaluator, if it is still as it was last changed at
    /// `seen`. False when it was changed, committed or deleted since: look again. Ids, slug, number and creation stay
    /// as they are.
    async fn update(&self, draft: Evaluator, seen: i64) -> Result<bool>;

    /// Commits the draft `committed` under `description` at `next.created_at`, and in the same step adds `next` as the
    /// new draft, with the star and the tags of the evaluator. False as for `update`.
    async fn commit(
        &self,
        committed: VersionId,
        seen: i64,
        description: Option<String>,
        next: Evaluator,
    ) -> Result<bool>;

    /// Removes an evaluator with all its versions; its scores stay. False when there is none.
    async fn delete(&self, organization: OrganizationId, id: EvaluatorId) -> Result<bool>;
}
