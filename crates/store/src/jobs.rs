//! The store of background jobs.

use async_trait::async_trait;
use evalset_model::Result;
use evalset_model::dataset::Status;
use evalset_model::ids::{DatasetId, JobId, OrganizationId};
use evalset_model::job::{Job, Lane, Progress, State, Step, Task};
use uuid::{NoContext, Timestamp, Uuid};

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

    /// Takes the oldest queued job of the lane, of any organization, and marks it running: `attempts` + 1, `started_at` when not set. The
    /// dataset that it fills becomes `loading` in the same step, so that nothing that ends the job can come between.
    async fn claim(&self, lane: Lane, at: i64) -> Result<Option<Job>>;

    /// Saves progress that came with no row change, as it is.
    async fn save(&self, step: Step) -> Result<()>;

    /// Records how a running job ended. Nothing happens to a job that has already ended.
    async fn finish(&self, id: JobId, outcome: Outcome) -> Result<()>;

    /// Asks a job to stop: a queued one becomes `cancelled` at once, a running one gets `cancel_requested`. Returns the job
    /// as it is then; `None` when there is none.
    async fn cancel(&self, organization: OrganizationId, id: JobId, at: i64) -> Result<Option<Job>>;

    /// Whether a running job was asked to stop or is gone.
    async fn should_stop(&self, id: JobId) -> Result<bool>;

    /// At start: jobs left `running` by a dead process go back to the queue, and hidden rows whose `Purge` job failed or was
    /// lost get a new one, with an id made from `at` (microseconds since the epoch). Returns how many jobs that are.
    async fn requeue_running(&self, at: i64) -> Result<u64>;

    /// Deletes for good up to `limit` rows of the hidden collection `collection`; returns how many went.
    async fn purge(&self, collection: i64, limit: usize) -> Result<u64>;
}

/// The job that deletes `rows` hidden rows.
pub fn purge_job(id: JobId, organization: OrganizationId, collection: i64, rows: u64, at: i64) -> Job {
    Job {
        id,
        organization,
        // Not the dataset's: it outlives it.
        dataset: None,
        task: Task::Purge { collection },
        state: State::Queued,
        progress: Progress { total: Some(rows), ..Progress::default() },
        cancel_requested: false,
        attempts: 0,
        error_message: None,
        created_at: at,
        started_at: None,
        completed_at: None,
    }
}

/// A new id for a job of the store's own making.
pub fn purge_id(at: i64) -> JobId {
    let micros = u64::try_from(at).unwrap_or(0);
    let nanos = u32::try_from(micros % 1_000_000 * 1_000).unwrap_or(0);
    JobId(Uuid::new_v7(Timestamp::from_unix(NoContext, micros / 1_000_000, nanos)))
}
