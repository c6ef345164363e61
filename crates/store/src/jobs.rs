//! The store of background jobs.

use async_trait::async_trait;
use evalset_model::Result;
use evalset_model::dataset::Status;
use evalset_model::ids::{DatasetId, JobId, OrganizationId, WorkerId};
use evalset_model::job::{Job, Lane, State, Step};
use evalset_model::page::{Page, Window};

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

/// What a worker learns of the attempt that it is at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Renewal {
    /// The job is still its own.
    GoOn,
    /// The job is still its own, and somebody asked it to stop: it is to end it as cancelled.
    Stop,
    /// The job is not its own any more: its lease ran out and it was given back or to another, it has ended, or it is
    /// gone. What it would write is refused; it drops its work and records no end.
    Lost,
}

/// Jobs.
///
/// A running job is held by one worker under a lease. Each claim begins a new attempt, whose number (`attempts` of the
/// claimed job) fences what that worker writes: every call that names an attempt does nothing when another one has
/// begun, or when the job is not running. So a worker that was taken for dead and comes back can do no harm.
#[async_trait]
pub trait Jobs: Send + Sync {
    /// Adds a job and, in the same step, sets the status of its dataset.
    async fn enqueue(&self, job: Job, dataset: Option<(DatasetId, Status)>) -> Result<()>;

    /// One job of the organization.
    async fn get(&self, organization: OrganizationId, id: JobId) -> Result<Option<Job>>;

    /// Jobs of the organization, newest first. Only those of this [`Task::kind`](evalset_model::job::Task::kind), when
    /// given.
    async fn list(&self, organization: OrganizationId, kind: Option<&'static str>, window: Window)
    -> Result<Page<Job>>;

    /// Jobs of the organization that have not ended.
    async fn open(&self, organization: OrganizationId) -> Result<u64>;

    /// The same of all organizations together.
    async fn open_everywhere(&self) -> Result<u64>;

    /// One job by its id alone, of any organization: for work of the server's own, never to answer a caller.
    async fn find(&self, id: JobId) -> Result<Option<Job>>;

    /// Gives the oldest queued job of the lane, of any organization, to `worker` and marks it running: `attempts` + 1,
    /// `started_at` when not set, a lease until `at` + `lease` (microseconds). Of two who claim at once only one gets
    /// it. The dataset that it fills becomes `loading` in the same step, so that nothing that ends the job can come
    /// between.
    async fn claim(&self, lane: Lane, worker: &WorkerId, at: i64, lease: i64) -> Result<Option<Job>>;

    /// A sign of life of the worker at this attempt: whether it is to go on. Its lease ends no sooner than three
    /// quarters of `lease` after `at` then, unless it has lost the job: so it can be asked often and costs a write only
    /// now and then. A lease that has run out is renewed as long as nobody took the job back.
    async fn renew(&self, id: JobId, attempt: u32, at: i64, lease: i64) -> Result<Renewal>;

    /// Saves progress that came with no row change, as it is.
    async fn save(&self, step: Step) -> Result<()>;

    /// Records how this attempt at a job ended. Nothing happens when the job is not running or at another attempt.
    async fn finish(&self, id: JobId, attempt: u32, outcome: Outcome) -> Result<()>;

    /// Asks a job to stop: a queued one becomes `cancelled` at once, a running one gets `cancel_requested`. Returns the
    /// job as it is then; `None` when there is none.
    async fn cancel(&self, organization: OrganizationId, id: JobId, at: i64) -> Result<Option<Job>>;

    /// Running jobs whose lease ended before `at` go back to the queue; returns how many. To be asked now and then by
    /// everyone who has workers. A store that only one process can have open ends the leases of the process before when
    /// it is opened.
    async fn requeue_expired(&self, at: i64) -> Result<u64>;
}
