//! One attempt at a job, as its task sees it: how far it is, and whether to go on. Knows no task.

use crate::app::App;
use evalset_model::Result;
use evalset_model::job::{Job, Progress, Step};
use evalset_store::jobs::Renewal;
use evalset_store::logs::PickOrder;
use std::time::Duration;

/// How an attempt ended without an error.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum End {
    /// Nothing is left to do.
    Done,
    /// Nothing is left to do, though not all of it went well: this says what did not.
    Partly(String),
    /// A caller asked it to stop.
    Cancelled,
    /// The process shuts down: the job goes back to the queue and resumes at the next start.
    Stopping,
    /// The job is not this attempt's any more: it was ended by somebody else, is gone, or another worker took it over.
    /// There is no end to record.
    Lost,
}

/// How long a worker holds a job without a sign of life.
pub(super) fn lease(app: &App) -> Duration {
    Duration::from_secs(app.limits.job_lease_seconds)
}

/// The same in microseconds, as stores count.
pub(super) fn lease_micros(app: &App) -> i64 {
    i64::try_from(lease(app).as_micros()).unwrap_or(i64::MAX)
}

/// A sign of life of the attempt at `job`.
pub(super) async fn renew(app: &App, job: &Job) -> Result<Renewal> {
    app.stores.jobs.renew(job.id, job.attempts, app.clock.now(), lease_micros(app)).await
}

/// A running attempt.
pub struct Attempt<'a> {
    /// The application.
    pub app: &'a App,
    /// The job as it was claimed.
    pub job: &'a Job,
    /// How far it is.
    pub progress: Progress,
}

impl<'a> Attempt<'a> {
    /// An attempt that goes on where the stored progress ends.
    pub fn new(app: &'a App, job: &'a Job) -> Self {
        Self { app, job, progress: job.progress.clone() }
    }

    /// Asked between units: `Some` when the attempt must end here.
    pub async fn interrupted(&self) -> Result<Option<End>> {
        if self.app.stopping.is_cancelled() {
            return Ok(Some(End::Stopping));
        }
        Ok(match renew(self.app, self.job).await? {
            Renewal::GoOn => None,
            Renewal::Stop => Some(End::Cancelled),
            Renewal::Lost => Some(End::Lost),
        })
    }

    /// The progress that a unit of work is added to as it is committed. After that, [`Progress::add`] adds it here as
    /// well.
    pub fn step(&self) -> Step {
        Step { job: self.job.id, attempt: self.job.attempts, progress: self.progress.clone() }
    }

    /// Commits the progress by itself.
    pub async fn save(&self) -> Result<()> {
        self.app.stores.jobs.save(self.step()).await
    }

    /// The order of a selection whose rows before the cursor are done.
    pub fn rest(&self) -> PickOrder {
        PickOrder::Falling { after: self.progress.cursor }
    }

    /// Most rows of a unit of work.
    pub fn unit(&self) -> usize {
        self.app.limits.job_batch_rows.max(1)
    }
}
