//! Background jobs: list, watch, cancel (design section 6). Not part of the hosted service's API.

use crate::http::auth::Caller;
use crate::http::error::Answer;
use crate::http::extract::IdPath;
use crate::http::listing::{Bounds, Envelope, Listing};
use crate::http::openapi::Failures;
use crate::http::schema::PagingParameters;
use axum::Json;
use axum::extract::State;
use evalset_model::ids::JobId;
use evalset_model::job::{Job, Progress, State as JobState, Task};
use evalset_model::scalar::format_time;
use evalset_product::app::App;
use evalset_product::ops::jobs;
use serde::Serialize;
use serde_json::Map;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

/// The routes of this noun.
pub fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(list)).routes(routes!(retrieve)).routes(routes!(cancel))
}

/// Rows a page of job and export lists.
pub(super) const PAGE_SIZE: u64 = 50;

/// A background job.
#[derive(Debug, Serialize, ToSchema)]
pub struct JobObject {
    /// Id.
    pub id: String,
    /// `import`, `duplicate`, `remove`, `export` or `evaluate`.
    pub kind: &'static str,
    /// `queued`, `running`, `completed`, `failed` or `cancelled`.
    pub status: &'static str,
    /// The dataset it works on, if any.
    pub dataset_id: Option<String>,
    /// How far it is.
    pub progress: JobProgressObject,
    /// Rows a second since it started.
    pub rate: Option<f64>,
    /// It was asked to stop and will at the next unit of work.
    pub cancel_requested: bool,
    /// Why it failed.
    pub error_message: Option<String>,
    /// When it was queued, ISO 8601 UTC.
    pub created_at: String,
    /// When it first started.
    pub started_at: Option<String>,
    /// When it ended.
    pub completed_at: Option<String>,
    /// Where the file of a completed export is.
    pub download_url: Option<String>,
}

/// How far a job is. Units are rows.
#[derive(Debug, Serialize, ToSchema)]
pub struct JobProgressObject {
    /// Rows to do; null until known.
    pub total: Option<u64>,
    /// Rows looked at.
    pub done: u64,
    /// Rows added, removed or written.
    pub affected: u64,
    /// Rows passed over, such as those already in the dataset.
    pub skipped: u64,
    /// Whole percent, rounded down; 100 only when completed.
    pub percent: u8,
}

impl JobProgressObject {
    fn new(progress: &Progress, state: JobState) -> Self {
        let percent = match (state, progress.total) {
            (JobState::Completed, _) => 100,
            (_, Some(total)) if total > 0 => (progress.done.saturating_mul(100) / total).min(99) as u8,
            _ => 0,
        };
        let Progress { total, done, affected, skipped, .. } = *progress;
        Self { total, done, affected, skipped, percent }
    }
}

impl JobObject {
    fn new(app: &App, listing: &Listing, job: &Job) -> Self {
        let end = job.completed_at.unwrap_or_else(|| app.clock.now());
        let seconds =
            job.started_at.map(|start| end.saturating_sub(start) as f64 / 1e6).filter(|seconds| *seconds > 0.0);
        Self {
            id: job.id.to_string(),
            kind: job.task.kind(),
            status: job.state.name(),
            dataset_id: job.dataset.map(|id| id.to_string()),
            progress: JobProgressObject::new(&job.progress, job.state),
            rate: seconds.map(|seconds| (job.progress.done as f64 / seconds * 10.0).round() / 10.0),
            cancel_requested: job.cancel_requested,
            error_message: job.error_message.clone(),
            created_at: format_time(job.created_at),
            started_at: job.started_at.map(format_time),
            completed_at: job.completed_at.map(format_time),
            download_url: download_url(listing, job),
        }
    }
}

/// Where the file of a completed export is.
pub(super) fn download_url(listing: &Listing, job: &Job) -> Option<String> {
    let has_file = matches!(job.task, Task::Export { .. }) && job.state == JobState::Completed;
    has_file.then(|| listing.url(&format!("/api/exports/{}/download/", job.id)))
}

/// List background jobs, newest first.
#[utoipa::path(get, path = "/api/jobs/", tag = "Jobs", params(PagingParameters),
    responses((status = 200, body = Envelope<JobObject>), Failures))]
async fn list(State(app): State<App>, caller: Caller, listing: Listing) -> Answer<Json<Envelope<JobObject>>> {
    let bounds = Bounds { page_size: PAGE_SIZE, max_page_size: app.limits.max_page_size };
    let paging = listing.paging(&Map::new(), bounds)?;
    let page = jobs::list(&app, caller.actor(), None, paging.window()).await?;
    let rows = page.rows.iter().map(|job| JobObject::new(&app, &listing, job)).collect();
    Ok(Json(listing.envelope(paging, rows, page.total)))
}

/// Watch a background job.
#[utoipa::path(get, path = "/api/jobs/{job_id}/", tag = "Jobs", params(("job_id" = String, Path)),
    responses((status = 200, body = JobObject), Failures))]
async fn retrieve(
    State(app): State<App>,
    caller: Caller,
    listing: Listing,
    IdPath(id): IdPath<JobId>,
) -> Answer<Json<JobObject>> {
    let job = jobs::get(&app, caller.actor(), id).await?;
    Ok(Json(JobObject::new(&app, &listing, &job)))
}

/// Stop a background job. What it did stays done; a running job stops at its next unit of work. A job that has ended
/// stays as it is.
#[utoipa::path(post, path = "/api/jobs/{job_id}/cancel/", tag = "Jobs", params(("job_id" = String, Path)),
    responses((status = 200, body = JobObject), Failures))]
async fn cancel(
    State(app): State<App>,
    caller: Caller,
    listing: Listing,
    IdPath(id): IdPath<JobId>,
) -> Answer<Json<JobObject>> {
    let job = jobs::cancel(&app, caller.actor(), id).await?;
    Ok(Json(JobObject::new(&app, &listing, &job)))
}
