//! The workers: claim, run, finish. Retries, cancellation, panics and shutdown are handled here, for every task alike.
//!
//! Knows no task but by name: what a job does is in the file of its kind.

use super::run::{End, Run};
use super::{copy, evaluate, export, purge, remove};
use crate::app::App;
use crate::exports_folder;
use evalset_model::dataset::Status;
use evalset_model::ids::JobId;
use evalset_model::job::{Job, Lane, State, Task};
use evalset_model::{Error, Result};
use evalset_store::jobs::Outcome;
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
/// How often export files are looked through for expired ones.
const HOUSEKEEPING: Duration = Duration::from_hours(1);

/// Starts the workers on `app.tasks`: first the jobs of a process that died go back to the queue.
pub fn start(app: &App) {
    app.tasks.spawn(supervise(app.clone()));
}

async fn supervise(app: App) {
    loop {
        match app.stores.jobs.requeue_running(app.clock.now()).await {
            Ok(0) => break,
            Ok(jobs) => {
                tracing::info!(jobs, "interrupted jobs go on");
                break;
            }
            Err(error) => tracing::error!(%error, "cannot read the job queue"),
        }
        if pause(&app, IDLE).await {
            return;
        }
    }
    if let Err(error) = exports_folder::clear_leftovers(&app).await {
        tracing::warn!(%error, "cannot clear the export folder");
    }
    for (lane, workers) in [(Lane::Rows, app.limits.concurrent_jobs), (Lane::Runs, app.limits.concurrent_runs)] {
        for _ in 0..workers.max(1) {
            app.tasks.spawn(work(app.clone(), lane));
        }
    }
    while !pause(&app, HOUSEKEEPING).await {
        if let Err(error) = exports_folder::expire(&app).await {
            tracing::warn!(%error, "cannot remove expired exports");
        }
    }
}

/// One worker, until shutdown.
async fn work(app: App, lane: Lane) {
    while !app.stopping.is_cancelled() {
        match run_next(&app, lane).await {
            Ok(true) => continue,
            Ok(false) => {}
            Err(error) => tracing::error!(%error, "cannot claim a job"),
        }
        tokio::select! {
            () = app.stopping.cancelled() => {}
            () = app.wake.notified(lane) => {}
            () = tokio::time::sleep(IDLE) => {}
        }
    }
}

/// Claims the oldest queued job of a lane and runs it to its end; false when none is queued.
pub async fn run_next(app: &App, lane: Lane) -> Result<bool> {
    let Some(job) = app.stores.jobs.claim(lane, app.clock.now()).await? else { return Ok(false) };
    // One wake may stand for several jobs: let an idle worker look too.
    app.wake.notify();
    let (id, kind) = (job.id, job.task.kind());
    tracing::info!(job = %id, kind, attempt = job.attempts, "job starts");
    if let Some(outcome) = run_to_end(app, job).await {
        // Not its message, which may quote what a model or an evaluator said.
        tracing::info!(job = %id, kind, state = outcome.state.name(), "job ends");
        record(app, id, outcome).await;
    } else {
        tracing::info!(job = %id, kind, "job is gone");
    }
    Ok(true)
}

/// Runs a claimed job, trying again after passing faults. `None` when the job ended or vanished under way.
async fn run_to_end(app: &App, mut job: Job) -> Option<Outcome> {
    let mut failures = 0;
    loop {
        let error = match AssertUnwindSafe(attempt(app, &job)).catch_unwind().await {
            Ok(Ok(end)) => return Some(ended(app, &job, end)),
            Ok(Err(error)) => error,
            Err(panic) => {
                let cause = panic_text(panic.as_ref());
                tracing::error!(job = %job.id, cause, "job panicked");
                return Some(failed(app, &job, internal_text(&job)));
            }
        };
        if !is_transient(&error) {
            return Some(failed(app, &job, error.to_string()));
        }
        tracing::warn!(job = %job.id, %error, "job attempt failed");
        match app.stores.jobs.get(job.organization, job.id).await {
            Ok(Some(current)) if current.state == State::Running => {
                failures = if current.progress == job.progress { failures + 1 } else { 1 };
                job = current;
            }
            Ok(_) => return None,
            Err(_) => failures += 1,
        }
        if failures >= MAX_FAILURES {
            let text = if matches!(error, Error::Internal(_)) { internal_text(&job) } else { error.to_string() };
            return Some(failed(app, &job, text));
        }
        if pause(app, FIRST_BACKOFF * 2_u32.pow(failures - 1)).await {
            return Some(ended(app, &job, End::Stopping));
        }
    }
}

async fn attempt(app: &App, job: &Job) -> Result<End> {
    let mut run = Run::new(app, job);
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
        Task::Purge { collection } => purge::run(&mut run, *collection).await,
    }
}

fn ended(app: &App, job: &Job, end: End) -> Outcome {
    let (state, status, text) = match end {
        End::Done => (State::Completed, Some(Status::Ready), None),
        End::Partly(text) => (State::Completed, Some(Status::Ready), Some(text)),
        End::Cancelled => (State::Cancelled, Some(Status::Ready), None),
        End::Stopping => (State::Queued, None, None),
    };
    outcome(app, job, state, status, text)
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

/// Stores the end of a job, however long the store cannot, such as on a full disk: until then it stays `running`, and when the
/// process ends before, it goes on at the next start.
async fn record(app: &App, id: JobId, outcome: Outcome) {
    let mut backoff = FIRST_BACKOFF;
    while let Err(error) = app.stores.jobs.finish(id, outcome.clone()).await {
        tracing::error!(job = %id, %error, "cannot store the end of a job; trying again");
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
