//! Background jobs: making, admitting, listing and cancelling them. What a job does is in `crate::jobs`.

use crate::actor::Actor;
use crate::app::App;
use evalset_model::dataset::Status;
use evalset_model::ids::{DatasetId, JobId};
use evalset_model::job::{Job, Progress, State, Task};
use evalset_model::page::{Page, Window};
use evalset_model::{Error, Result};
use evalset_store::shared::Notice;

/// Seconds after which a caller refused for too many open jobs may try again.
const RETRY_SECONDS: u64 = 5;

/// A job not yet queued.
pub fn new(app: &App, actor: &Actor, dataset: Option<DatasetId>, task: Task) -> Job {
    Job {
        id: JobId(app.clock.new_id()),
        organization: actor.organization(),
        dataset,
        task,
        state: State::Queued,
        progress: Progress::default(),
        cancel_requested: false,
        attempts: 0,
        lease: None,
        error_message: None,
        created_at: app.clock.now(),
        started_at: None,
        completed_at: None,
    }
}

/// Whether the organization may have so many more open jobs: `Busy` when that were more than `limits.open_jobs`.
pub async fn admit(app: &App, actor: &Actor, more: usize) -> Result<()> {
    let limit = app.limits.open_jobs;
    if app.stores.jobs.open(actor.organization()).await?.saturating_add(more as u64) <= limit as u64 {
        return Ok(());
    }
    Err(Error::Busy {
        message: format!(
            "no more than {limit} jobs may be queued or running (`limits.open_jobs`); wait for some to end or cancel them"
        ),
        retry_after: RETRY_SECONDS,
    })
}

/// Queues a job, with the status its dataset has from now on, and wakes a worker.
pub async fn enqueue(app: &App, actor: &Actor, job: Job, dataset: Option<(DatasetId, Status)>) -> Result<Job> {
    admit(app, actor, 1).await?;
    app.stores.jobs.enqueue(job.clone(), dataset).await?;
    app.stores.shared.wake(job.task.lane());
    Ok(job)
}

/// One job.
pub async fn get(app: &App, actor: &Actor, id: JobId) -> Result<Job> {
    app.stores.jobs.get(actor.organization(), id).await?.ok_or_else(Error::not_found)
}

/// A page of the organization's jobs, newest first; only those of `kind`, when given.
pub async fn list(app: &App, actor: &Actor, kind: Option<&'static str>, window: Window) -> Result<Page<Job>> {
    app.stores.jobs.list(actor.organization(), kind, window).await
}

/// Asks a job to stop. What it did stays done. A job that has ended stays as it is.
pub async fn cancel(app: &App, actor: &Actor, id: JobId) -> Result<Job> {
    get(app, actor, id).await?;
    let job = app.stores.jobs.cancel(actor.organization(), id, app.clock.now()).await?.ok_or_else(Error::not_found)?;
    app.stores.shared.tell(Notice::Stop);
    Ok(job)
}
