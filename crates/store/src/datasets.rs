//! The store of datasets.

use async_trait::async_trait;
use evalset_model::Result;
use evalset_model::dataset::{Dataset, DatasetPatch};
use evalset_model::ids::{DatasetId, LogId, OrganizationId};
use evalset_model::job::Job;

/// Datasets of organizations. `log_count` and `completed_annotation_count` are kept by the store.
#[async_trait]
pub trait Datasets: Send + Sync {
    /// Adds a dataset and, in the same step, the job that fills it.
    async fn create(&self, dataset: Dataset, job: Option<Job>) -> Result<()>;

    /// One dataset of the organization.
    async fn get(&self, organization: OrganizationId, id: DatasetId) -> Result<Option<Dataset>>;

    /// All datasets of the organization, newest first. (An organization has few: filters and sorts run on this.)
    async fn list(&self, organization: OrganizationId) -> Result<Vec<Dataset>>;

    /// Changes the given fields and `updated_at`; `NotFound` when there is none.
    async fn update(
        &self,
        organization: OrganizationId,
        id: DatasetId,
        patch: DatasetPatch,
        at: i64,
    ) -> Result<Dataset>;

    /// Removes the dataset with its rows, hidden at once. Its jobs not yet ended become `cancelled` at `at`. Rows are
    /// deleted for good by [`Housekeeping`](crate::Housekeeping). False when there is none.
    async fn delete(&self, organization: OrganizationId, id: DatasetId, at: i64) -> Result<bool>;

    /// Removes all rows, hidden at once; as `delete`, but the dataset stays. Returns how many rows there were.
    async fn clear(&self, organization: OrganizationId, id: DatasetId, at: i64) -> Result<u64>;

    /// The ids of the newest `limit` rows of each dataset (contract B.1 `log_ids`), in the order of the datasets, with
    /// one question for all of them; none of one that is not there.
    async fn newest_rows(
        &self,
        organization: OrganizationId,
        datasets: &[DatasetId],
        limit: usize,
    ) -> Result<Vec<Vec<LogId>>>;
}
