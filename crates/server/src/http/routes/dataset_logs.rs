//! Rows of datasets and of `_saved_logs`: D6–D12, D15, D16, L3, L4 (contract B.7–B.14, B.17, B.20).
//!
//! Adding and removing rows in the background is in `dataset_imports`.

use crate::http::auth::Caller;
use crate::http::error::Answer;
use crate::http::extract::{Body, DatasetPath, LogBody, RowPath};
use crate::http::listing::{Bounds, Envelope, Listing};
use crate::http::log_body::NewRowBody;
use crate::http::openapi::Failures;
use crate::http::rows::{Paged, RowList};
use crate::http::schema::{CursorParameters, FilterBody, PageParameters, RowListBody, RowParameters, RowPatchBody};
use crate::http::{etag, filters, members};
use crate::wire::log;
use crate::wire::summary::SummaryObject;
use axum::Json;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use evalset_model::Result;
use evalset_model::ids::Place;
use evalset_product::app::App;
use evalset_product::ops::dataset_logs;
use evalset_rows::shape::{CreatedRow, DetailRow, RowContext, RowKind};
use evalset_store::logs::Row;
use serde_json::{Map, Value};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::saved_logs::place;

/// The routes of this noun.
pub fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(create))
        .routes(routes!(list, list_by_url))
        .routes(routes!(summary, summary_of_all))
        .routes(routes!(retrieve, update, replace, delete))
        .route("/api/datasets/{dataset_id}/logs/", get(list_by_url))
}

const PAGE: Bounds = Bounds { page_size: 25, max_page_size: 0 };

/// What rows of the collection show about where they are.
pub(super) fn context(caller: &Caller, place: Place) -> RowContext<'_> {
    RowContext::new(caller.organization(), place.dataset_id_text())
}

fn detail(caller: &Caller, place: Place, row: &Row) -> Response {
    Json(DetailRow::new(row, &context(caller, place), None).scored(&row.scores)).into_response()
}

/// Create a row from unified input and output.
#[utoipa::path(post, path = "/api/datasets/{dataset_id}/logs/", tag = "Dataset logs", request_body = NewRowBody,
    params(("dataset_id" = String, Path, description = "Id of a dataset, or `_saved_logs`.")),
    responses((status = 201, body = log::CreatedRow), Failures))]
async fn create(
    State(app): State<App>,
    caller: Caller,
    DatasetPath(dataset): DatasetPath,
    LogBody(body): LogBody,
) -> Answer<Response> {
    let place = place(dataset);
    let row = dataset_logs::create(&app, caller.actor(), place, &body).await?;
    Ok((StatusCode::CREATED, Json(CreatedRow::new(&row, &context(&caller, place)))).into_response())
}

/// List rows by filter, in order, with the exact total; or start an export of them (`is_exporting`).
#[utoipa::path(post, path = "/api/datasets/{dataset_id}/logs/list/", tag = "Dataset logs", request_body = RowListBody,
    params(("dataset_id" = String, Path, description = "Id of a dataset, or `_saved_logs`."), PageParameters, CursorParameters, RowParameters),
    responses((status = 200, body = Envelope<log::ListRow>), (status = 202, body = crate::wire::reply::Acknowledged), Failures))]
async fn list(
    State(app): State<App>,
    caller: Caller,
    DatasetPath(dataset): DatasetPath,
    listing: Listing,
    Body(body): Body,
) -> Answer<Response> {
    let place = place(dataset);
    if members::flag(&body, "is_exporting")?.unwrap_or(false) {
        return super::exports::start(&app, &caller, place, &listing, &body).await;
    }
    Ok(listed(&app, &caller, place, &listing, &body).await?)
}

/// List rows, filtered by the URL.
#[utoipa::path(get, path = "/api/datasets/{dataset_id}/logs/list/", tag = "Dataset logs",
    params(("dataset_id" = String, Path, description = "Id of a dataset, or `_saved_logs`."), PageParameters, CursorParameters, RowParameters),
    responses((status = 200, body = Envelope<log::ListRow>), Failures))]
async fn list_by_url(
    State(app): State<App>,
    caller: Caller,
    DatasetPath(dataset): DatasetPath,
    listing: Listing,
) -> Answer<Response> {
    Ok(listed(&app, &caller, place(dataset), &listing, &Map::new()).await?)
}

async fn listed(
    app: &App,
    caller: &Caller,
    place: Place,
    listing: &Listing,
    body: &Map<String, Value>,
) -> Result<Response> {
    let bounds = Bounds { max_page_size: app.limits.max_page_size, ..PAGE };
    let paged = Paged::of(listing, body, bounds, app.clock.now())?;
    let scope = filters::scope(caller, place);
    let in_force = filters::of_body_and_url(body, listing, &scope, &app.limits)?;
    let there = dataset_logs::ensure(app, caller.actor(), place).await?;
    let list = RowList { caller, place, kind: RowKind::List, listing, body, paged };
    let (rows, id) = list.asked(app, &in_force)?;
    let listed = dataset_logs::list(app, caller.actor(), there, rows).await?;
    list.answer(id, in_force, &listed)
}

/// Summarise matching rows.
#[utoipa::path(post, path = "/api/datasets/{dataset_id}/logs/summary/", tag = "Dataset logs", request_body = FilterBody,
    params(("dataset_id" = String, Path, description = "Id of a dataset, or `_saved_logs`.")),
    responses((status = 200, body = SummaryObject), Failures))]
async fn summary(
    State(app): State<App>,
    caller: Caller,
    DatasetPath(dataset): DatasetPath,
    Body(body): Body,
) -> Answer<Json<SummaryObject>> {
    let place = place(dataset);
    let in_force = filters::of_body(&body, &filters::scope(&caller, place), &app.limits)?;
    Ok(Json(dataset_logs::summary(&app, caller.actor(), place, in_force.filter).await?.into()))
}

/// Summarise all rows, or those that the URL's filters keep.
#[utoipa::path(get, path = "/api/datasets/{dataset_id}/logs/summary/", tag = "Dataset logs",
    params(("dataset_id" = String, Path, description = "Id of a dataset, or `_saved_logs`.")),
    responses((status = 200, body = SummaryObject), Failures))]
async fn summary_of_all(
    State(app): State<App>,
    caller: Caller,
    DatasetPath(dataset): DatasetPath,
    listing: Listing,
) -> Answer<Json<SummaryObject>> {
    let place = place(dataset);
    let scope = filters::scope(&caller, place);
    let in_force = filters::of_body_and_url(&Map::new(), &listing, &scope, &app.limits)?;
    Ok(Json(dataset_logs::summary(&app, caller.actor(), place, in_force.filter).await?.into()))
}

/// Read a row with everything it holds.
#[utoipa::path(get, path = "/api/datasets/{dataset_id}/logs/{unique_id}/", tag = "Dataset logs",
    params(("dataset_id" = String, Path), ("unique_id" = String, Path)),
    responses((status = 200, body = log::DetailRow), (status = 304, description = "As `If-None-Match` has it."), Failures))]
async fn retrieve(
    State(app): State<App>,
    caller: Caller,
    RowPath(dataset, id): RowPath,
    asked: HeaderMap,
) -> Answer<Response> {
    let place = place(dataset);
    let row = dataset_logs::get(&app, caller.actor(), place, &id).await?;
    etag::json(&asked, &DetailRow::new(&row, &context(&caller, place), None).scored(&row.scores))
}

/// Change the given members of a row; metadata is merged.
#[utoipa::path(patch, path = "/api/datasets/{dataset_id}/logs/{unique_id}/", tag = "Dataset logs",
    params(("dataset_id" = String, Path), ("unique_id" = String, Path)), request_body = RowPatchBody,
    responses((status = 200, body = log::DetailRow), Failures))]
async fn update(
    State(app): State<App>,
    caller: Caller,
    RowPath(dataset, id): RowPath,
    LogBody(body): LogBody,
) -> Answer<Response> {
    let place = place(dataset);
    let row = dataset_logs::update(&app, caller.actor(), place, &id, body).await?;
    Ok(detail(&caller, place, &row))
}

/// Replace the content of a row: content left out is removed; identity, times, tokens, cost and annotation stay.
#[utoipa::path(put, path = "/api/datasets/{dataset_id}/logs/{unique_id}/", tag = "Dataset logs",
    params(("dataset_id" = String, Path), ("unique_id" = String, Path)), request_body = RowPatchBody,
    responses((status = 200, body = log::DetailRow), Failures))]
async fn replace(
    State(app): State<App>,
    caller: Caller,
    RowPath(dataset, id): RowPath,
    LogBody(body): LogBody,
) -> Answer<Response> {
    let place = place(dataset);
    let row = dataset_logs::replace(&app, caller.actor(), place, &id, body).await?;
    Ok(detail(&caller, place, &row))
}

/// Remove a row. The request log it was copied from stays.
#[utoipa::path(delete, path = "/api/datasets/{dataset_id}/logs/{unique_id}/", tag = "Dataset logs",
    params(("dataset_id" = String, Path), ("unique_id" = String, Path)),
    responses((status = 204), Failures))]
async fn delete(State(app): State<App>, caller: Caller, RowPath(dataset, id): RowPath) -> Answer<StatusCode> {
    dataset_logs::delete(&app, caller.actor(), place(dataset), &id).await?;
    Ok(StatusCode::NO_CONTENT)
}
