//! The store of background jobs.

use async_trait::async_trait;
use evalset_model::Result;
use evalset_model::dataset::Status;
use evalset_model::ids::{DatasetId, JobId, OrganizationId};
use evalset_model::job::{Job, State, Step};

/// How a job ended, or that it goes back to the queue.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Outcome {
    /// The new state: an ended one, or `Queued` to try again.
    pub state: State,
    /// For the caller, when it failed.
    pub error_message: Option<String>,
    /// Microseconds since the epoch.
    pub at: i64,
    /// New dataset status, set in the same step, unless another unended copy job of the dataset holds it `loading`.
    pub dataset: Option<(DatasetId, Status)>,
}

/// Jobs.
#[async_trait]
pub trait Jobs: Send + Sync {
    /// Adds a job and, in the same step, sets the status of its dataset.
    async fn enqueue(&self, job: Job, dataset: Option<(DatasetId, Status)>) -> Result<()>;

    /// One job of the organization.
    async fn get(&self, organization: OrganizationId, id: JobId) -> Result<Option<Job>>;

    /// Jobs of the organization, newest first: the rows `offset..offset+limit` and the total. Only those of this
    /// [`Task::kind`](evalset_model::job::Task::kind), when given; `Purge` jobs are left out.
    async fn list(
        &self,
        organization: OrganizationId,
        kind: Option<&'static str>,
        offset: u64,
        limit: u64,
    ) -> Result<(Vec<Job>, u64)>;

    /// Jobs of the organization that have not ended, `Purge` jobs left out.
    async fn open(&self, organization: OrganizationId) -> Result<u64>;

    /// Takes the oldest queued job of any organization and marks it running: `attempts` + 1, `started_at` when not set.
    async fn claim(&self, at: i64) -> Result<Option<Job>>;

    /// Saves progress that came with no row change.
    async fn save(&self, step: Step) -> Result<()>;

    /// Records how a running job ended. Nothing happens to a job that has already ended.
    async fn finish(&self, id: JobId, outcome: Outcome) -> Result<()>;

    /// Sets the status of a dataset by the rule of [`Outcome::dataset`], apart from a job's end: `loading` when a copy job
    /// starts, `ready` when a queued one was cancelled. Nothing happens when the dataset is gone.
    async fn set_status(&self, dataset: DatasetId, status: Status) -> Result<()>;

    /// Asks a job to stop: a queued one becomes `cancelled` at once, a running one gets `cancel_requested`. Returns the job
    /// as it is then; `None` when there is none.
    async fn cancel(&self, organization: OrganizationId, id: JobId, at: i64) -> Result<Option<Job>>;

    /// Whether a running job was asked to stop or is gone.
    async fn should_stop(&self, id: JobId) -> Result<bool>;

    /// At start: jobs left `running` by a dead process go back to the queue. Returns how many.
    async fn requeue_running(&self) -> Result<u64>;

    /// Deletes for good up to `limit` rows of the hidden collection `collection`; returns how many went.
    async fn purge(&self, collection: i64, limit: usize) -> Result<u64>;
}
