//! Evaluators: V1–V8 (contract F.0, F.1). Their versions are `evaluator_versions`.

use crate::http::auth::Caller;
use crate::http::error::Answer;
use crate::http::evaluator_body as bodies;
use crate::http::extract::{Body, IdPath};
use crate::http::filters;
use crate::http::listing::{Bounds, Envelope, Listing};
use crate::http::openapi::Failures;
use crate::http::schema::{EvaluatorBody, EvaluatorParameters, FilterBody, PageParameters};
use crate::wire::evaluator::EvaluatorObject;
use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use evalset_model::Result;
use evalset_model::filter::{check, choices, echo, evaluators as fields, wire};
use evalset_model::limits::Limits;
use evalset_product::app::App;
use evalset_product::ops::evaluators::{self, Change, Redefine, Target};
use serde::Serialize;
use serde_json::{Map, Value, json};
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

/// The routes of this noun. Words come before ids.
pub fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(create, list_by_url))
        .routes(routes!(list))
        .routes(routes!(summarize, summarize_by_url))
        .routes(routes!(retrieve, replace, update, delete))
}

/// Rows a page of evaluators and of their versions.
pub(super) const PAGE_SIZE: u64 = 20;

/// How many evaluators match.
#[derive(Debug, Serialize, ToSchema)]
pub struct EvaluatorSummary {
    /// Evaluators, each counted once whatever its versions.
    pub total_count: u64,
}

/// Create an evaluator. It starts as version 0, a draft.
#[utoipa::path(post, path = "/api/evaluators/", tag = "Evaluators", request_body = EvaluatorBody,
    responses((status = 201, body = EvaluatorObject), Failures))]
async fn create(
    State(app): State<App>,
    caller: Caller,
    Body(body): Body,
) -> Answer<(StatusCode, Json<EvaluatorObject>)> {
    let made = evaluators::create(&app, caller.actor(), bodies::new_evaluator(&body)?).await?;
    Ok((StatusCode::CREATED, Json(EvaluatorObject::new(made, caller.organization()))))
}

/// List evaluators, each in its last version.
#[utoipa::path(post, path = "/api/evaluators/list/", tag = "Evaluators", params(PageParameters),
    request_body = FilterBody, responses((status = 200, body = Envelope<EvaluatorObject>), Failures))]
async fn list(
    State(app): State<App>,
    caller: Caller,
    listing: Listing,
    Body(body): Body,
) -> Answer<Json<Envelope<EvaluatorObject>>> {
    let filters = filters::parse(&body, &app.limits)?;
    Ok(Json(listed(&app, &caller, &listing, &body, &filters).await?))
}

/// List evaluators, filtered by the URL: `search`, `tags`, and any field of an evaluator.
#[utoipa::path(get, path = "/api/evaluators/", tag = "Evaluators", params(PageParameters, EvaluatorParameters),
    responses((status = 200, body = Envelope<EvaluatorObject>), Failures))]
async fn list_by_url(
    State(app): State<App>,
    caller: Caller,
    listing: Listing,
) -> Answer<Json<Envelope<EvaluatorObject>>> {
    let filters = url_filters(&listing, &app.limits)?;
    Ok(Json(listed(&app, &caller, &listing, &Map::new(), &filters).await?))
}

/// The filters of the URL; `search` and `tags` (contract F.1, V3) become conditions.
fn url_filters(listing: &Listing, limits: &Limits) -> Result<wire::Filters> {
    let given = |name: &str| listing.query().get(name).map(str::trim).filter(|text| !text.is_empty());
    let plain = listing.query().0.iter().filter(|(name, _)| name != "search" && name != "tags").cloned();
    let mut own = Map::new();
    if let Some(text) = given("search") {
        let part = |connector: &str| json!({"operator": "icontains", "value": text, "connector": connector});
        own.insert("search".to_owned(), json!({"filter_params": {"name": part("AND"), "evaluator_slug": part("OR")}}));
    }
    if let Some(text) = given("tags") {
        let tags: Vec<&str> = text.split(',').map(str::trim).filter(|tag| !tag.is_empty()).collect();
        own.insert("tags".to_owned(), json!({"operator": "in", "value": tags}));
    }
    let filters = wire::parse_url(&plain.collect::<Vec<_>>(), limits)?;
    Ok(filters.and(wire::parse("filters", Some(&Value::Object(own)), None, limits)?))
}

async fn listed(
    app: &App,
    caller: &Caller,
    listing: &Listing,
    body: &Map<String, Value>,
    filters: &wire::Filters,
) -> Result<Envelope<EvaluatorObject>> {
    let bounds = Bounds { page_size: PAGE_SIZE, max_page_size: app.limits.max_page_size };
    let paging = listing.paging(body, bounds)?;
    let sort = check::sort_in(listing.sort_by(body).as_deref().unwrap_or("-created_at"), fields::SORTABLE)?;
    let filter = check::fields(filters, fields::FIELDS)?;
    let page = evaluators::list(app, caller.actor(), &filter, sort, paging.window()).await?;
    let rows = page.rows.into_iter().map(|row| EvaluatorObject::new(row, caller.organization())).collect();
    let data = filters::choices(listing, choices::evaluators());
    Ok(listing.envelope(paging, rows, page.total).with_filters(echo::current_filters(filters)).with_choices(data))
}

/// Count evaluators.
#[utoipa::path(post, path = "/api/evaluators/summary/", tag = "Evaluators", request_body = FilterBody,
    responses((status = 200, body = EvaluatorSummary), Failures))]
async fn summarize(State(app): State<App>, caller: Caller, Body(body): Body) -> Answer<Json<EvaluatorSummary>> {
    let filter = check::fields(&filters::parse(&body, &app.limits)?, fields::FIELDS)?;
    let total_count = evaluators::count(&app, caller.actor(), &filter).await?;
    Ok(Json(EvaluatorSummary { total_count }))
}

/// Count evaluators, filtered by the URL as the list is.
#[utoipa::path(get, path = "/api/evaluators/summary/", tag = "Evaluators", params(EvaluatorParameters),
    responses((status = 200, body = EvaluatorSummary), Failures))]
async fn summarize_by_url(State(app): State<App>, caller: Caller, listing: Listing) -> Answer<Json<EvaluatorSummary>> {
    let filter = check::fields(&url_filters(&listing, &app.limits)?, fields::FIELDS)?;
    let total_count = evaluators::count(&app, caller.actor(), &filter).await?;
    Ok(Json(EvaluatorSummary { total_count }))
}

/// Read an evaluator: by id or slug in its last version, by `id:version` or the id of a version in that one.
#[utoipa::path(get, path = "/api/evaluators/{evaluator_id}/", tag = "Evaluators",
    params(("evaluator_id" = String, Path)), responses((status = 200, body = EvaluatorObject), Failures))]
async fn retrieve(
    State(app): State<App>,
    caller: Caller,
    IdPath(reference): IdPath<String>,
) -> Answer<Json<EvaluatorObject>> {
    let found = evaluators::resolve(&app, caller.actor(), &reference).await?;
    Ok(Json(EvaluatorObject::new(found, caller.organization())))
}

/// Replace the draft: absent members are reset.
#[utoipa::path(put, path = "/api/evaluators/{evaluator_id}/", tag = "Evaluators",
    params(("evaluator_id" = String, Path)), request_body = EvaluatorBody,
    responses((status = 200, body = EvaluatorObject), Failures))]
async fn replace(
    State(app): State<App>,
    caller: Caller,
    IdPath(reference): IdPath<String>,
    Body(body): Body,
) -> Answer<Json<EvaluatorObject>> {
    replaced(&app, &caller, Target { reference: &reference, version: None }, &body).await
}

/// PUT of a draft, however it was named.
pub(super) async fn replaced(
    app: &App,
    caller: &Caller,
    target: Target<'_>,
    body: &Map<String, Value>,
) -> Answer<Json<EvaluatorObject>> {
    let change = Change {
        slug: bodies::slug(body)?,
        definition: &|_| bodies::definition(body),
        starred: Some(bodies::starred(body)?.unwrap_or(false)),
        tags: Some(bodies::tags(body)?.unwrap_or_default()),
    };
    let changed = evaluators::update(app, caller.actor(), target, change).await?;
    Ok(Json(EvaluatorObject::new(changed, caller.organization())))
}

/// Change the draft: absent members stay, objects are merged key by key, null removes a key.
#[utoipa::path(patch, path = "/api/evaluators/{evaluator_id}/", tag = "Evaluators",
    params(("evaluator_id" = String, Path)), request_body = EvaluatorBody,
    responses((status = 200, body = EvaluatorObject), Failures))]
async fn update(
    State(app): State<App>,
    caller: Caller,
    IdPath(reference): IdPath<String>,
    Body(body): Body,
) -> Answer<Json<EvaluatorObject>> {
    updated(&app, &caller, Target { reference: &reference, version: None }, &body).await
}

/// PATCH of a draft, however it was named.
pub(super) async fn updated(
    app: &App,
    caller: &Caller,
    target: Target<'_>,
    body: &Map<String, Value>,
) -> Answer<Json<EvaluatorObject>> {
    let merge = |draft: &_| bodies::merged(draft, body);
    let changed = evaluators::update(app, caller.actor(), target, patch(body, &merge)?).await?;
    Ok(Json(EvaluatorObject::new(changed, caller.organization())))
}

/// The change that a body of PATCH, or one of a new version, describes.
pub(super) fn patch<'a>(body: &Map<String, Value>, merge: Redefine<'a>) -> Result<Change<'a>> {
    Ok(Change {
        slug: bodies::slug(body)?,
        definition: merge,
        starred: bodies::starred(body)?,
        tags: bodies::tags(body)?,
    })
}

/// Delete an evaluator with all its versions. Its scores stay.
#[utoipa::path(delete, path = "/api/evaluators/{evaluator_id}/", tag = "Evaluators",
    params(("evaluator_id" = String, Path)), responses((status = 204), Failures))]
async fn delete(State(app): State<App>, caller: Caller, IdPath(reference): IdPath<String>) -> Answer<StatusCode> {
    evaluators::delete(&app, caller.actor(), &reference).await?;
    Ok(StatusCode::NO_CONTENT)
}
