//! Evaluation runs of a dataset: D17, D18, L12–L14 (contract B.18, B.20), and what we add: results by row, cancel,
//! continue.

use crate::http::auth::Caller;
use crate::http::error::{Answer, Failure};
use crate::http::extract::{Body, DatasetPath, DatasetRef};
use crate::http::listing::{Bounds, Envelope, Listing};
use crate::http::members;
use crate::http::openapi::Failures;
use crate::http::schema::{ContinueBody, PagingParameters, RunBody};
use crate::wire::run::{RunObject, RunResultObject, StartedRuns};
use axum::Json;
use axum::extract::{FromRequestParts, Path, State};
use axum::http::request::Parts;
use evalset_model::evaluator::Method;
use evalset_model::ids::{DatasetId, JobId};
use evalset_model::job::Job;
use evalset_model::scalar::{brief, read_number};
use evalset_model::{Error, Result};
use evalset_product::app::App;
use evalset_product::ops::jobs;
use evalset_product::ops::runs::{self, RunRequest};
use serde_json::{Map, Value};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::saved_logs::dataset_only;

/// The routes of this noun.
pub fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(create))
        .routes(routes!(list))
        .routes(routes!(retrieve))
        .routes(routes!(results))
        .routes(routes!(cancel))
        .routes(routes!(resume))
}

/// Runs a page.
const PAGE: Bounds = Bounds { page_size: 25, max_page_size: 0 };

/// `{dataset_id}/eval-reports/{task_id}` of a path.
struct RunPath(DatasetId, JobId);

impl<S: Send + Sync> FromRequestParts<S> for RunPath {
    type Rejection = Failure;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Failure> {
        let Path((dataset, run)) =
            Path::<(String, String)>::from_request_parts(parts, state).await.map_err(|_| Error::not_found())?;
        Ok(Self(dataset_only(dataset.parse::<DatasetRef>()?)?, run.parse().map_err(|_| Error::not_found())?))
    }
}

/// Run evaluators over the rows of a dataset, in the background: one run per evaluator. `filters` and
/// `sampling_percentage` narrow the rows; `spending_limit` bounds what each run may spend.
#[utoipa::path(post, path = "/api/datasets/{dataset_id}/eval-reports/create/", tag = "Evaluation runs",
    params(("dataset_id" = String, Path)), request_body = RunBody,
    responses((status = 200, body = StartedRuns), Failures))]
async fn create(
    State(app): State<App>,
    caller: Caller,
    DatasetPath(dataset): DatasetPath,
    Body(body): Body,
) -> Answer<Json<StartedRuns>> {
    let request = request(&body)?;
    Ok(Json(started(&app, &caller, dataset_only(dataset)?, request).await?))
}

/// Starts runs and says which.
pub(super) async fn started(
    app: &App,
    caller: &Caller,
    dataset: DatasetId,
    request: RunRequest,
) -> Result<StartedRuns> {
    let started = runs::start(app, caller.actor(), dataset, request).await?;
    let errors = started.errors.iter().map(|(name, error)| (name.clone(), error.to_string().into())).collect();
    Ok(StartedRuns::new(&started.runs, errors))
}

/// Reads what to run.
pub(super) fn request(body: &Map<String, Value>) -> Result<RunRequest> {
    let mut evaluators = members::texts(body, "evaluator_ids")?.unwrap_or_default();
    evaluators.extend(members::texts(body, "evaluator_slugs")?.unwrap_or_default());
    let method = members::text(body, "generation_method")?;
    Ok(RunRequest {
        evaluators,
        method: method.map(|text| Method::parse(&text)).transpose()?.unwrap_or_default(),
        filters: members::given(body, "filters").cloned().unwrap_or_default(),
        sampling_percentage: members::percent(body, "sampling_percentage")?.unwrap_or(100.0),
        spending_limit: spending_limit(body)?,
        experiment_id: members::text(body, "experiment_id")?,
    })
}

fn spending_limit(body: &Map<String, Value>) -> Result<Option<f64>> {
    let Some(value) = members::present(body, "spending_limit") else { return Ok(None) };
    let limit = read_number(value).filter(|limit| limit.is_finite() && *limit > 0.0 && !value.is_boolean());
    let wrong =
        || Error::invalid("spending_limit", format!("`spending_limit` must be USD above 0, got {}", brief(value)));
    limit.map(Some).ok_or_else(wrong)
}

fn object(job: &Job) -> Result<RunObject> {
    RunObject::new(job).ok_or_else(Error::not_found)
}

/// List the evaluation runs of a dataset, newest first.
#[utoipa::path(get, path = "/api/datasets/{dataset_id}/eval-reports/list/", tag = "Evaluation runs",
    params(("dataset_id" = String, Path), PagingParameters),
    responses((status = 200, body = Envelope<RunObject>), Failures))]
async fn list(
    State(app): State<App>,
    caller: Caller,
    DatasetPath(dataset): DatasetPath,
    listing: Listing,
) -> Answer<Json<Envelope<RunObject>>> {
    let paging = listing.paging(&Map::new(), Bounds { max_page_size: app.limits.max_page_size, ..PAGE })?;
    let page = runs::list(&app, caller.actor(), dataset_only(dataset)?, paging.window()).await?;
    let rows = page.rows.iter().filter_map(RunObject::new).collect();
    Ok(Json(listing.envelope(paging, rows, page.total)))
}

/// Watch an evaluation run.
#[utoipa::path(get, path = "/api/datasets/{dataset_id}/eval-reports/{task_id}/", tag = "Evaluation runs",
    params(("dataset_id" = String, Path), ("task_id" = String, Path)),
    responses((status = 200, body = RunObject), Failures))]
async fn retrieve(State(app): State<App>, caller: Caller, RunPath(dataset, id): RunPath) -> Answer<Json<RunObject>> {
    Ok(Json(object(&runs::get(&app, caller.actor(), dataset, id).await?)?))
}

/// List the results of a run, row by row, as they were when the run made them. `failed=true` shows the rows without a
/// score.
#[utoipa::path(get, path = "/api/datasets/{dataset_id}/eval-reports/{task_id}/results/", tag = "Evaluation runs",
    params(("dataset_id" = String, Path), ("task_id" = String, Path), PagingParameters,
        ("failed" = Option<bool>, Query, description = "Only rows that failed, or only those that did not.")),
    responses((status = 200, body = Envelope<RunResultObject>), Failures))]
async fn results(
    State(app): State<App>,
    caller: Caller,
    RunPath(dataset, id): RunPath,
    listing: Listing,
) -> Answer<Json<Envelope<RunResultObject>>> {
    let run = runs::get(&app, caller.actor(), dataset, id).await?;
    let paging = listing.paging(&Map::new(), Bounds { max_page_size: app.limits.max_page_size, ..PAGE })?;
    let failed = listing.query().get("failed").map(|_| listing.flag("failed"));
    let page = runs::results(&app, caller.actor(), &run, failed, paging.window()).await?;
    let rows = page.rows.into_iter().map(RunResultObject::from).collect();
    Ok(Json(listing.envelope(paging, rows, page.total)))
}

/// Stop an evaluation run. Rows that are under way end; what was scored stays. The run can be continued.
#[utoipa::path(post, path = "/api/datasets/{dataset_id}/eval-reports/{task_id}/cancel/", tag = "Evaluation runs",
    params(("dataset_id" = String, Path), ("task_id" = String, Path)),
    responses((status = 200, body = RunObject), Failures))]
async fn cancel(State(app): State<App>, caller: Caller, RunPath(dataset, id): RunPath) -> Answer<Json<RunObject>> {
    runs::get(&app, caller.actor(), dataset, id).await?;
    Ok(Json(object(&jobs::cancel(&app, caller.actor(), id).await?)?))
}

/// Take an ended run up again, for the rows that failed and those it never came to. `spending_limit` sets a new limit
/// for the whole run.
#[utoipa::path(post, path = "/api/datasets/{dataset_id}/eval-reports/{task_id}/continue/", tag = "Evaluation runs",
    params(("dataset_id" = String, Path), ("task_id" = String, Path)), request_body = ContinueBody,
    responses((status = 200, body = RunObject), Failures))]
async fn resume(
    State(app): State<App>,
    caller: Caller,
    RunPath(dataset, id): RunPath,
    Body(body): Body,
) -> Answer<Json<RunObject>> {
    let run = runs::get(&app, caller.actor(), dataset, id).await?;
    Ok(Json(object(&runs::resume(&app, caller.actor(), &run, spending_limit(&body)?).await?)?))
}

#[cfg(test)]
mod tests {
    use super::{request, spending_limit};
    use crate::http::members::document::agrees;
    use crate::http::schema::{ContinueBody, RunBody};
    use serde_json::Map;

    #[test]
    fn the_document_shows_what_is_read() {
        agrees::<RunBody>(&[], || drop(request(&Map::new()).unwrap()));
        agrees::<ContinueBody>(&[], || assert!(spending_limit(&Map::new()).unwrap().is_none()));
    }
}
