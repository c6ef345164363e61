//! The workers: claim, run, finish. Signs of life, retries, cancellation, panics and shutdown are handled here, for
//! every task alike; and what is looked after now and then: jobs of workers that died, what the store has to clear up,
//! expired exports.
//!
//! Knows no task but by name: what a job does is in the file of its kind.

use super::attempt::{self, Attempt, End};
use super::{copy, evaluate, export, remove};
use crate::app::App;
use crate::export_files;
use evalset_model::dataset::Status;
use evalset_model::ids::WorkerId;
use evalset_model::job::{Job, Lane, State, Task};
use evalset_model::{Error, Result};
use evalset_store::jobs::{Outcome, Renewal};
use evalset_store::shared::Notice;
use futures::FutureExt;
use std::panic::AssertUnwindSafe;
use std::time::Duration;

/// An idle worker looks for work this often, should a wake have been lost.
const IDLE: Duration = Duration::from_secs(5);
/// Failures in a row, without a unit done between them, after which a job is given up.
const MAX_FAILURES: u32 = 5;
/// Pause after the first failure; it doubles with each more.
const FIRST_BACKOFF: Duration = Duration::from_secs(1);
/// Longest pause before the end of a job is stored once more.
const LONGEST_BACKOFF: Duration = Duration::from_secs(30);
/// Signs of life of a worker in the time that it may hold a job without one.
const SIGNS_OF_LIFE: u32 = 4;
/// Looks for jobs of workers that died, in the same time.
const LOOKS_FOR_EXPIRED: u32 = 3;
/// How often export files are looked through for expired ones.
const EXPIRE_EXPORTS: Duration = Duration::from_hours(1);

/// Starts the workers on `app.tasks`: first the jobs of a process that died go back to the queue.
pub fn start(app: &App) {
    app.tasks.spawn(supervise(app.clone()));
}

async fn supervise(app: App) {
    while !take_over(&app).await {
        if pause(&app, IDLE).await {
            return;
        }
    }
    if let Err(error) = export_files::clear_leftovers(&app).await {
        tracing::warn!(%error, "cannot clear the export folder");
    }
    for (lane, workers) in [(Lane::Rows, app.limits.concurrent_jobs), (Lane::Runs, app.limits.concurrent_runs)] {
        for _ in 0..workers.max(1) {
            app.tasks.spawn(work(app.clone(), lane));
        }
    }
    app.tasks.spawn(watch(app.clone()));
    app.tasks.spawn(heed(app.clone()));
    app.tasks.spawn(keep_house(app.clone()));
    while !pause(&app, EXPIRE_EXPORTS).await {
        if let Err(error) = export_files::expire(&app).await {
            tracing::warn!(%error, "cannot remove expired exports");
        }
    }
}

/// Has jobs whose workers died go back to the queue; false when the store cannot.
async fn take_over(app: &App) -> bool {
    match app.stores.jobs.requeue_expired(app.clock.now()).await {
        Ok(0) => true,
        Ok(jobs) => {
            tracing::info!(jobs, "interrupted jobs go on");
            app.stores.shared.wake(Lane::Rows);
            app.stores.shared.wake(Lane::Runs);
            true
        }
        Err(error) => {
            tracing::error!(%error, "cannot read the job queue");
            false
        }
    }
}

/// Looks for jobs whose workers died, in this process or another.
async fn watch(app: App) {
    while !pause(&app, attempt::lease(&app) / LOOKS_FOR_EXPIRED).await {
        take_over(&app).await;
    }
}

/// Heeds what other nodes tell: runs under way here ask their provider as its settings are now.
async fn heed(app: App) {
    let mut notices = app.stores.shared.notices();
    loop {
        let notice = tokio::select! {
            () = app.stopping.cancelled() => return,
            notice = notices.next() => notice,
        };
        let renewed = match notice {
            Notice::Provider(organization) => app.evaluators.renew(organization).await,
            Notice::Missed => app.evaluators.renew_all().await,
            Notice::Stop => Ok(()),
        };
        if let Err(error) = renewed {
            tracing::warn!(%error, "cannot take over the settings of a provider");
        }
    }
}

/// Has the store do its own work, as long as there is some.
async fn keep_house(app: App) {
    while !app.stopping.is_cancelled() {
        let rest = match app.stores.housekeeping.next(app.clock.now()).await {
            Ok(true) => continue,
            Ok(false) => IDLE,
            Err(error) => {
                tracing::warn!(%error, "the store cannot clear up");
                LONGEST_BACKOFF
            }
        };
        pause(&app, rest).await;
    }
}

/// One worker, until shutdown.
async fn work(app: App, lane: Lane) {
    let worker = WorkerId(app.clock.new_id().to_string());
    while !app.stopping.is_cancelled() {
        match run_next(&app, lane, &worker).await {
            Ok(true) => continue,
            Ok(false) => {}
            Err(error) => tracing::error!(%error, "cannot claim a job"),
        }
        tokio::select! {
            () = app.stopping.cancelled() => {}
            () = app.stores.shared.woken(lane) => {}
            () = tokio::time::sleep(IDLE) => {}
        }
    }
}

/// Claims the oldest queued job of a lane for `worker` and runs it to its end; false when none is queued.
pub async fn run_next(app: &App, lane: Lane, worker: &WorkerId) -> Result<bool> {
    let claimed = app.stores.jobs.claim(lane, worker, app.clock.now(), attempt::lease_micros(app)).await?;
    let Some(job) = claimed else { return Ok(false) };
    // One wake may stand for several jobs: let an idle worker look too.
    app.stores.shared.wake(lane);
    let (id, kind) = (job.id, job.task.kind());
    tracing::info!(job = %id, kind, attempt = job.attempts, "job starts");
    let ended = tokio::select! {
        ended = run_and_record(app, &job) => ended,
        () = until_lost(app, &job) => false,
    };
    if !ended {
        tracing::info!(job = %id, kind, attempt = job.attempts, "job is gone, or another worker has it");
    }
    Ok(true)
}

/// Gives signs of life for an attempt, until it turns out that the job is not its own any more.
async fn until_lost(app: &App, job: &Job) {
    loop {
        tokio::time::sleep(attempt::lease(app) / SIGNS_OF_LIFE).await;
        match attempt::renew(app, job).await {
            Ok(Renewal::Lost) => return,
            Ok(Renewal::GoOn | Renewal::Stop) => {}
            // Whoever takes the job over meanwhile is kept from harm by the number of the attempt.
            Err(error) => tracing::warn!(job = %job.id, %error, "cannot renew the lease of a job"),
        }
    }
}

/// Runs a claimed job and records its end; false when it was lost under way.
async fn run_and_record(app: &App, job: &Job) -> bool {
    let Some(outcome) = run_to_end(app, job.clone()).await else { return false };
    // Not its message, which may quote what a model or an evaluator said.
    tracing::info!(job = %job.id, kind = job.task.kind(), state = outcome.state.name(), "job ends");
    record(app, job, outcome).await;
    true
}

/// Runs a claimed job, trying again after passing faults. `None` when the job was lost under way.
async fn run_to_end(app: &App, mut job: Job) -> Option<Outcome> {
    let mut failures = 0;
    loop {
        let error = match AssertUnwindSafe(attempt(app, &job)).catch_unwind().await {
            Ok(Ok(end)) => return ended(app, &job, end),
            Ok(Err(error)) => error,
            Err(panic) => {
                let cause = panic_text(panic.as_ref());
                tracing::error!(job = %job.id, cause, "job panicked");
                return Some(failed(app, &job, internal_text(&job)));
            }
        };
        let transient = is_transient(&error);
        if transient {
            tracing::warn!(job = %job.id, %error, "job attempt failed");
        }
        match app.stores.jobs.get(job.organization, job.id).await {
            Ok(Some(current)) if current.state == State::Running && current.attempts == job.attempts => {
                failures = if current.progress == job.progress { failures + 1 } else { 1 };
                job = current;
            }
            Ok(_) => return None,
            Err(_) => failures += 1,
        }
        if !transient {
            return Some(failed(app, &job, error.to_string()));
        }
        if failures >= MAX_FAILURES {
            let text = if matches!(error, Error::Internal(_)) { internal_text(&job) } else { error.to_string() };
            return Some(failed(app, &job, text));
        }
        if pause(app, FIRST_BACKOFF * 2_u32.pow(failures - 1)).await {
            return ended(app, &job, End::Stopping);
        }
    }
}

async fn attempt(app: &App, job: &Job) -> Result<End> {
    let mut run = Attempt::new(app, job);
    if let Some(end) = run.interrupted().await? {
        return Ok(end);
    }
    match &job.task {
        Task::Import { .. } => copy::import(&mut run).await,
        Task::Duplicate { source, dataset, watermark } => {
            copy::duplicate(&mut run, *source, *dataset, *watermark).await
        }
        Task::Remove { .. } => remove::run(&mut run).await,
        Task::Export { .. } => export::run(&mut run).await,
        Task::Evaluate(task) => evaluate::run(&mut run, task).boxed().await,
    }
}

/// What is recorded of the end of an attempt; nothing when it was lost.
fn ended(app: &App, job: &Job, end: End) -> Option<Outcome> {
    let (state, status, text) = match end {
        End::Done => (State::Completed, Some(Status::Ready), None),
        End::Partly(text) => (State::Completed, Some(Status::Ready), Some(text)),
        End::Cancelled => (State::Cancelled, Some(Status::Ready), None),
        End::Stopping => (State::Queued, None, None),
        End::Lost => return None,
    };
    Some(outcome(app, job, state, status, text))
}

fn failed(app: &App, job: &Job, message: String) -> Outcome {
    outcome(app, job, State::Failed, Some(Status::Failed), Some(message))
}

fn outcome(app: &App, job: &Job, state: State, status: Option<Status>, error_message: Option<String>) -> Outcome {
    Outcome { state, error_message, at: app.clock.now(), dataset: job.task.fills().zip(status) }
}

/// Whether the same attempt may succeed later.
fn is_transient(error: &Error) -> bool {
    matches!(error, Error::Busy { .. } | Error::StorageFull(_) | Error::Internal(_))
}

fn internal_text(job: &Job) -> String {
    format!("Internal error. The server's log has the cause under the job id {}.", job.id)
}

fn panic_text(panic: &(dyn std::any::Any + Send)) -> &str {
    let text = panic.downcast_ref::<&str>().copied();
    text.or_else(|| panic.downcast_ref::<String>().map(String::as_str)).unwrap_or("no text")
}

/// Stores the end of a job, however long the store cannot, such as on a full disk: until then it stays `running`, and
/// when the process ends before, it goes on at the next start.
async fn record(app: &App, job: &Job, outcome: Outcome) {
    let mut backoff = FIRST_BACKOFF;
    while let Err(error) = app.stores.jobs.finish(job.id, job.attempts, outcome.clone()).await {
        tracing::error!(job = %job.id, %error, "cannot store the end of a job; trying again");
        if pause(app, backoff).await {
            return;
        }
        backoff = (backoff * 2).min(LONGEST_BACKOFF);
    }
}

/// Waits; true when the process shuts down meanwhile.
async fn pause(app: &App, time: Duration) -> bool {
    tokio::select! {
        () = app.stopping.cancelled() => true,
        () = tokio::time::sleep(time) => false,
    }
}
