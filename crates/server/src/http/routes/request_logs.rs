//! Request logs: I1–I9 and their older forms (contract E.1–E.6). Groups are in `request_log_groups`.

use crate::http::auth::Caller;
use crate::http::error::Answer;
use crate::http::extract::{Body, IdPath, LogBody};
use crate::http::listing::{Bounds, Envelope, Listing};
use crate::http::log_body::NewSpanBody;
use crate::http::openapi::Failures;
use crate::http::rows::{Paged, RowList};
use crate::http::schema::{
    BulkBody, CursorParameters, FilterBody, PageParameters, RowParameters, SpanParameters, SpanPatchBody,
};
use crate::http::{bulk, etag, filters, members};
use crate::wire::log;
use crate::wire::reply::BulkResult;
use crate::wire::summary::SummaryObject;
use axum::Json;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use evalset_model::ids::{LogId, Place};
use evalset_model::{Error, Result};
use evalset_product::app::App;
use evalset_product::ops::request_logs::{self, Scope};
use evalset_product::rates;
use evalset_rows::shape::{CreatedSpan, RowContext, RowKind, SpanDetail};
use serde_json::value::RawValue;
use serde_json::{Map, Value, json};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

/// The routes of this noun.
pub fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(create, simple_list))
        .routes(routes!(bulk_create))
        .routes(routes!(batch_create))
        .routes(routes!(list, list_by_url))
        .routes(routes!(batch_update))
        .routes(routes!(summary, summary_by_url))
        .routes(routes!(retrieve, update))
        .route("/api/request-logs/create/", post(create))
}

const PAGE: Bounds = Bounds { page_size: 50, max_page_size: 0 };
/// Page size of the older list (contract E.4).
const SIMPLE_PAGE: Bounds = Bounds { page_size: 100, max_page_size: 0 };

fn context(caller: &Caller) -> RowContext<'_> {
    RowContext::new(caller.organization(), None)
}

/// Ingest one log.
#[utoipa::path(post, path = "/api/request-logs/", tag = "Request logs", request_body = NewSpanBody,
    responses((status = 201, body = log::CreatedSpan), Failures))]
async fn create(State(app): State<App>, caller: Caller, LogBody(body): LogBody) -> Answer<Response> {
    let log = request_logs::create(&app, caller.actor(), &body).await?;
    let reply = match log {
        Some(log) => Json(CreatedSpan::new(&log, &context(&caller))).into_response(),
        None => Json(json!({"message": "The log was accepted and, as `disable_log` asks, not kept."})).into_response(),
    };
    Ok((StatusCode::CREATED, reply).into_response())
}

/// Ingest up to 500 logs, each on its own.
#[utoipa::path(post, path = "/api/request-logs/bulk/", tag = "Request logs", request_body = BulkBody,
    responses((status = 201, body = BulkResult), Failures))]
async fn bulk_create(State(app): State<App>, caller: Caller, body: bulk::BulkBody) -> Answer<Response> {
    rates::bulk_call(&app, caller.actor()).await?;
    let items = body.items(app.limits.bulk_items, "bulk_items")?;
    let method = evalset_product::ops::dataset_logs::LOG_METHOD;
    let results = request_logs::create_many(&app, caller.actor(), items, method).await?;
    bulk::reply(BulkResult::new(results))
}

/// Ingest up to 5,000 logs; the older form of the bulk call, with one result an item.
#[utoipa::path(post, path = "/api/request-logs/batch/create/", tag = "Request logs", request_body = BulkBody,
    responses((status = 201, body = Object), Failures))]
async fn batch_create(State(app): State<App>, caller: Caller, body: bulk::BulkBody) -> Answer<Response> {
    let items = body.items(app.limits.batch_items, "batch_items")?;
    let results = request_logs::create_many(&app, caller.actor(), items, "batch").await?;
    let one = |result: Result<LogId>| match result {
        Ok(id) => json!({"id": id.0, "status": "success"}),
        Err(error) => json!({"status": "error", "error": error.to_string()}),
    };
    let results: Vec<Value> = results.into_iter().map(one).collect();
    Ok((StatusCode::CREATED, Json(json!({ "results": results }))).into_response())
}

/// List logs by filter, in order, with the exact total.
#[utoipa::path(post, path = "/api/request-logs/list/", tag = "Request logs", request_body = FilterBody,
    params(PageParameters, CursorParameters, RowParameters, SpanParameters),
    responses((status = 200, body = Envelope<log::SpanRow>), Failures))]
async fn list(State(app): State<App>, caller: Caller, listing: Listing, Body(body): Body) -> Answer<Response> {
    Ok(listed(&app, &caller, &listing, &body, PAGE).await?)
}

/// List logs, filtered by the URL.
#[utoipa::path(get, path = "/api/request-logs/list/", tag = "Request logs",
    params(PageParameters, CursorParameters, RowParameters, SpanParameters),
    responses((status = 200, body = Envelope<log::SpanRow>), Failures))]
async fn list_by_url(State(app): State<App>, caller: Caller, listing: Listing) -> Answer<Response> {
    Ok(listed(&app, &caller, &listing, &Map::new(), PAGE).await?)
}

/// List logs, filtered by the URL; the older form with 100 rows a page.
#[utoipa::path(get, path = "/api/request-logs/", tag = "Request logs",
    params(PageParameters, CursorParameters, RowParameters, SpanParameters),
    responses((status = 200, body = Envelope<log::SpanRow>), Failures))]
async fn simple_list(State(app): State<App>, caller: Caller, listing: Listing) -> Answer<Response> {
    Ok(listed(&app, &caller, &listing, &Map::new(), SIMPLE_PAGE).await?)
}

async fn listed(
    app: &App,
    caller: &Caller,
    listing: &Listing,
    body: &Map<String, Value>,
    bounds: Bounds,
) -> Result<Response> {
    let (now, most) = (app.clock.now(), app.limits.max_span_page_size);
    let paged = Paged::of(listing, body, Bounds { max_page_size: most, ..bounds }, now)?;
    let in_force = in_force(app, caller, (listing, body), paged.began_at(now))?;
    let list = RowList { caller, place: Place::RequestLogs, kind: RowKind::Span, listing, body, paged };
    let (rows, id) = list.asked(app, &in_force)?;
    let listed = request_logs::list(app, caller.actor(), rows).await?;
    list.answer(id, in_force, &listed)
}

/// Filters of body and URL within the window, environment and type that the query names.
pub(super) fn in_force(
    app: &App,
    caller: &Caller,
    (listing, body): (&Listing, &Map<String, Value>),
    now: i64,
) -> Result<filters::InForce> {
    let scope = filters::scope(caller, Place::RequestLogs);
    let mut in_force = filters::of_body_and_url(body, listing, &scope, &app.limits)?;
    let window = window(app, listing, body, now)?;
    in_force.text = format!("{} {window:?}", in_force.text);
    in_force.filter = window.filter().and(in_force.filter);
    Ok(in_force)
}

/// The window of contract E.3: the hour before its end, unless the query names a start; all environments (H16).
pub(super) fn window(app: &App, listing: &Listing, body: &Map<String, Value>, now: i64) -> Result<Scope> {
    let time = |name: &str| listing.parameter(body, name).map(|text| members::time_text(name, &text)).transpose();
    let (start, end) = (time("start_time")?, time("end_time")?);
    if let (Some(start), Some(end)) = (start, end)
        && start > end
    {
        return Err(Error::invalid("start_time", "`start_time` must not be after `end_time`"));
    }
    let default_start = || end.unwrap_or(now).saturating_sub(app.span_window_seconds * 1_000_000);
    let environment = match listing.query().get("environment") {
        _ if listing.flag("is_test") => Some("test".to_owned()),
        None | Some("" | "all") => None,
        Some(name @ ("prod" | "test")) => Some(name.to_owned()),
        Some(other) => {
            return Err(Error::invalid(
                "environment",
                format!("`environment` must be `prod` or `test`, got `{other}`"),
            ));
        }
    };
    let log_type = listing.query().get("log_type").filter(|text| !text.is_empty()).map(str::to_lowercase);
    Ok(Scope { start: Some(start.unwrap_or_else(default_start)), end, environment, log_type })
}

/// Summarise matching logs.
#[utoipa::path(post, path = "/api/request-logs/summary/", tag = "Request logs", request_body = FilterBody,
    params(SpanParameters), responses((status = 200, body = SummaryObject), Failures))]
async fn summary(
    State(app): State<App>,
    caller: Caller,
    listing: Listing,
    Body(body): Body,
) -> Answer<Json<SummaryObject>> {
    let in_force = in_force(&app, &caller, (&listing, &body), app.clock.now())?;
    Ok(Json(request_logs::summary(&app, caller.actor(), in_force.filter).await?.into()))
}

/// Summarise logs that the URL's filters keep.
#[utoipa::path(get, path = "/api/request-logs/summary/", tag = "Request logs", params(SpanParameters),
    responses((status = 200, body = SummaryObject), Failures))]
async fn summary_by_url(State(app): State<App>, caller: Caller, listing: Listing) -> Answer<Json<SummaryObject>> {
    let in_force = in_force(&app, &caller, (&listing, &Map::new()), app.clock.now())?;
    Ok(Json(request_logs::summary(&app, caller.actor(), in_force.filter).await?.into()))
}

/// Read a log with everything it holds.
#[utoipa::path(get, path = "/api/request-logs/{unique_id}/", tag = "Request logs", params(("unique_id" = String, Path)),
    responses((status = 200, body = log::SpanDetail), (status = 304, description = "As `If-None-Match` has it."), Failures))]
async fn retrieve(
    State(app): State<App>,
    caller: Caller,
    IdPath(id): IdPath<String>,
    asked: HeaderMap,
) -> Answer<Response> {
    let log = request_logs::get(&app, caller.actor(), &LogId(id)).await?;
    etag::json(&asked, &SpanDetail::new(&log, &context(&caller)).scored(&log.scores))
}

/// Pin, rate, note or tag a log.
#[utoipa::path(patch, path = "/api/request-logs/{unique_id}/", tag = "Request logs", params(("unique_id" = String, Path)),
    request_body = SpanPatchBody, responses((status = 200, body = log::SpanDetail), Failures))]
async fn update(
    State(app): State<App>,
    caller: Caller,
    IdPath(id): IdPath<String>,
    LogBody(body): LogBody,
) -> Answer<Response> {
    let log = request_logs::annotate(&app, caller.actor(), &LogId(id), body).await?;
    Ok(Json(SpanDetail::new(&log, &context(&caller)).scored(&log.scores)).into_response())
}

/// Annotate several logs, each on its own: items name their `unique_id`.
#[utoipa::path(patch, path = "/api/request-logs/batch-update/", tag = "Request logs", request_body = BulkBody,
    responses((status = 200, body = BulkResult), Failures))]
async fn batch_update(State(app): State<App>, caller: Caller, body: bulk::BulkBody) -> Answer<Json<BulkResult>> {
    let items = body.items(app.limits.bulk_items, "bulk_items")?;
    let mut results = Vec::with_capacity(items.len());
    for item in items {
        results.push(annotated(&app, &caller, &item).await);
    }
    Ok(Json(BulkResult::new(results)))
}

async fn annotated(app: &App, caller: &Caller, item: &RawValue) -> Result<LogId> {
    let item = evalset_product::ops::dataset_logs::item(item, &app.limits)?;
    let given = item.get("unique_id").filter(|id| !id.is_null());
    let given = given.ok_or_else(|| Error::invalid("unique_id", "`unique_id` is required"))?;
    let wrong = || Error::invalid("unique_id", format!("`unique_id` must be a string, got {}", given.type_name()));
    let id = LogId(given.string().ok_or_else(wrong)?.into_owned());
    request_logs::annotate(app, caller.actor(), &id, item).await.map(|row| row.log.id)
}
