//! Versions of evaluators: V10–V14 (contract F.0, F.1).

use super::evaluators::{PAGE_SIZE, patch, replaced, updated};
use crate::http::auth::Caller;
use crate::http::error::Answer;
use crate::http::extract::{Body, IdPath, VersionPath};
use crate::http::listing::{Bounds, Envelope, Listing};
use crate::http::openapi::Failures;
use crate::http::schema::{EvaluatorBody, PagingParameters};
use crate::http::{evaluator_body as bodies, members};
use crate::wire::evaluator::{EvaluatorObject, VersionRow};
use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use evalset_product::app::App;
use evalset_product::ops::evaluators::{self, Target};
use serde_json::Map;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

/// The routes of this noun.
pub fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(list, commit)).routes(routes!(retrieve, replace, update))
}

/// List the versions of an evaluator, newest first.
#[utoipa::path(get, path = "/api/evaluators/{evaluator_id}/versions/", tag = "Evaluators",
    params(("evaluator_id" = String, Path), PagingParameters),
    responses((status = 200, body = Envelope<VersionRow>), Failures))]
async fn list(
    State(app): State<App>,
    caller: Caller,
    IdPath(reference): IdPath<String>,
    listing: Listing,
) -> Answer<Json<Envelope<VersionRow>>> {
    let bounds = Bounds { page_size: PAGE_SIZE, max_page_size: app.limits.max_page_size };
    let paging = listing.paging(&Map::new(), bounds)?;
    let page = evaluators::versions(&app, caller.actor(), &reference, paging.window()).await?;
    let rows = page.rows.into_iter().map(VersionRow::from).collect();
    Ok(Json(listing.envelope(paging, rows, page.total)))
}

/// Commit the draft: it becomes read-only under `version_description`. Answers the next draft, to which the other
/// members of the body are applied as PATCH does.
#[utoipa::path(post, path = "/api/evaluators/{evaluator_id}/versions/", tag = "Evaluators",
    params(("evaluator_id" = String, Path)), request_body = EvaluatorBody,
    responses((status = 201, body = EvaluatorObject), Failures))]
async fn commit(
    State(app): State<App>,
    caller: Caller,
    IdPath(reference): IdPath<String>,
    Body(body): Body,
) -> Answer<(StatusCode, Json<EvaluatorObject>)> {
    let merge = |draft: &_| bodies::merged(draft, &body);
    let (description, change) = (members::text(&body, "version_description")?, patch(&body, &merge)?);
    let next = evaluators::commit(&app, caller.actor(), &reference, description, change).await?;
    Ok((StatusCode::CREATED, Json(EvaluatorObject::new(next, caller.organization()))))
}

/// Read one version, by its number or its own id.
#[utoipa::path(get, path = "/api/evaluators/{evaluator_id}/versions/{version}/", tag = "Evaluators",
    params(("evaluator_id" = String, Path), ("version" = String, Path)),
    responses((status = 200, body = EvaluatorObject), Failures))]
async fn retrieve(
    State(app): State<App>,
    caller: Caller,
    VersionPath(reference, version): VersionPath,
) -> Answer<Json<EvaluatorObject>> {
    let target = Target { reference: &reference, version: Some(&version) };
    let found = target.find(&app, caller.actor()).await?;
    Ok(Json(EvaluatorObject::new(found, caller.organization())))
}

/// Replace a version that is still a draft; a committed one is 403.
#[utoipa::path(put, path = "/api/evaluators/{evaluator_id}/versions/{version}/", tag = "Evaluators",
    params(("evaluator_id" = String, Path), ("version" = String, Path)), request_body = EvaluatorBody,
    responses((status = 200, body = EvaluatorObject), Failures))]
async fn replace(
    State(app): State<App>,
    caller: Caller,
    VersionPath(reference, version): VersionPath,
    Body(body): Body,
) -> Answer<Json<EvaluatorObject>> {
    replaced(&app, &caller, Target { reference: &reference, version: Some(&version) }, &body).await
}

/// Change a version that is still a draft; a committed one is 403.
#[utoipa::path(patch, path = "/api/evaluators/{evaluator_id}/versions/{version}/", tag = "Evaluators",
    params(("evaluator_id" = String, Path), ("version" = String, Path)), request_body = EvaluatorBody,
    responses((status = 200, body = EvaluatorObject), Failures))]
async fn update(
    State(app): State<App>,
    caller: Caller,
    VersionPath(reference, version): VersionPath,
    Body(body): Body,
) -> Answer<Json<EvaluatorObject>> {
    updated(&app, &caller, Target { reference: &reference, version: Some(&version) }, &body).await
}
