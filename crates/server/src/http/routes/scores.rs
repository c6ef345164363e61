//! Scores: S1–S7 (contract F.0, F.5). Those of one log are in `log_scores`.

use crate::http::auth::Caller;
use crate::http::error::Answer;
use crate::http::extract::{Body, IdPath};
use crate::http::listing::{Bounds, Envelope, Listing, Paging};
use crate::http::openapi::Failures;
use crate::http::schema::{FilterBody, PageParameters, ScoreBody, ScorePatchBody};
use crate::http::score_body;
use crate::http::{filters, members};
use crate::wire::evaluator::EvaluatorObject;
use crate::wire::score::ScoreObject;
use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use axum::routing::get;
use evalset_evaluate::inputs;
use evalset_model::filter::check::NamedField;
use evalset_model::filter::scores::{CREATED_AT, fields, sortable};
use evalset_model::filter::wire::Filters;
use evalset_model::filter::{Order, Tree, build, check, echo};
use evalset_model::ids::ScoreId;
use evalset_model::page::Page;
use evalset_model::score::Score;
use evalset_model::{Error, Result};
use evalset_product::app::App;
use evalset_product::ops::evaluators;
use evalset_product::ops::scores::{self, Edit, ScoreQuery, Target};
use serde_json::{Map, Value};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

/// The routes of this noun.
pub fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(create, list_by_url))
        .routes(routes!(list))
        .routes(routes!(retrieve, replace, update, delete))
        .route("/api/scores/list/", get(list_by_url))
}

const PAGE: Bounds = Bounds { page_size: 50, max_page_size: 0 };

/// Write a score on a log or row: 201 when it is new, 200 when it replaces the one of the same log, evaluator and
/// scorer.
#[utoipa::path(post, path = "/api/scores/", tag = "Scores", request_body = ScoreBody,
    responses((status = 201, body = ScoreObject), (status = 200, body = ScoreObject), Failures))]
async fn create(State(app): State<App>, caller: Caller, Body(body): Body) -> Answer<(StatusCode, Json<ScoreObject>)> {
    let new = score_body::new_score(body)?;
    let (score, is_new) = scores::put(&app, caller.actor(), new, Target::Any).await?;
    Ok((created(is_new), Json(score.into())))
}

/// The status of a score that was written.
pub(super) fn created(is_new: bool) -> StatusCode {
    if is_new { StatusCode::CREATED } else { StatusCode::OK }
}

/// List scores by filter, in order, with the exact total.
#[utoipa::path(post, path = "/api/scores/list/", tag = "Scores", params(PageParameters), request_body = FilterBody,
    responses((status = 200, body = Envelope<ScoreObject>), Failures))]
async fn list(
    State(app): State<App>,
    caller: Caller,
    listing: Listing,
    Body(body): Body,
) -> Answer<Json<Envelope<ScoreObject>>> {
    Ok(Json(listed(&app, &caller, &listing, &body).await?))
}

/// List scores, those of `start_time` ≤ `created_at` < `end_time` when given.
#[utoipa::path(get, path = "/api/scores/", tag = "Scores", params(PageParameters,
    ("start_time" = Option<String>, Query, description = "From here on, inclusive."),
    ("end_time" = Option<String>, Query, description = "Before this, exclusive.")),
    responses((status = 200, body = Envelope<ScoreObject>), Failures))]
async fn list_by_url(State(app): State<App>, caller: Caller, listing: Listing) -> Answer<Json<Envelope<ScoreObject>>> {
    Ok(Json(listed(&app, &caller, &listing, &Map::new()).await?))
}

async fn listed(
    app: &App,
    caller: &Caller,
    listing: &Listing,
    body: &Map<String, Value>,
) -> Result<Envelope<ScoreObject>> {
    let asked = Asked::of(app, listing, body)?;
    let page = scores::list(app, caller.actor(), asked.query.clone()).await?;
    Ok(asked.envelope(listing, page))
}

/// A page of scores asked for.
pub(super) struct Asked {
    /// Which, in which order.
    pub query: ScoreQuery,
    paging: Paging,
    filters: Filters,
}

impl Asked {
    /// Reads it off URL and body.
    pub fn of(app: &App, listing: &Listing, body: &Map<String, Value>) -> Result<Self> {
        let paging = listing.paging(body, Bounds { max_page_size: app.limits.max_page_size, ..PAGE })?;
        let (sort, descending) = check::sort_in(listing.sort_by(body).as_deref().unwrap_or("-created_at"), sortable())?;
        let filters = filters::parse(body, &app.limits)?;
        let filter = check::fields(&filters, fields())?.and(window(listing, body)?);
        Ok(Self { query: ScoreQuery { filter, sort, descending, window: paging.window() }, paging, filters })
    }

    /// The answer.
    pub fn envelope(self, listing: &Listing, page: Page<Score>) -> Envelope<ScoreObject> {
        let rows = page.rows.into_iter().map(ScoreObject::from).collect();
        listing.envelope(self.paging, rows, page.total).with_filters(echo::current_filters(&self.filters))
    }
}

/// The time window of the URL or body: start inclusive, end exclusive (H8).
fn window(listing: &Listing, body: &Map<String, Value>) -> Result<Tree<NamedField>> {
    let bound = |name: &str, order| -> Result<Tree<NamedField>> {
        match listing.parameter(body, name) {
            Some(text) => Ok(build::time(CREATED_AT, order, members::time_text(name, &text)?)),
            None => Ok(Tree::all()),
        }
    };
    Ok(bound("start_time", Order::GreaterOrEqual)?.and(bound("end_time", Order::Less)?))
}

/// Read a score, with what its evaluator is given of the record and the evaluator itself.
#[utoipa::path(get, path = "/api/scores/{score_id}/", tag = "Scores", params(("score_id" = String, Path)),
    responses((status = 200, body = ScoreObject), Failures))]
async fn retrieve(State(app): State<App>, caller: Caller, IdPath(id): IdPath<ScoreId>) -> Answer<Json<ScoreObject>> {
    let score = scores::get(&app, caller.actor(), id, None).await?;
    Ok(Json(detail(&app, &caller, score).await?))
}

async fn detail(app: &App, caller: &Caller, score: Score) -> Result<ScoreObject> {
    let inputs = scores::record(app, caller.actor(), &score).await?.map(|row| inputs::of_log(&row.log));
    let evaluator = match score.source.evaluator_id {
        Some(id) => evaluators::find(app, caller.actor(), &id.to_string()).await?,
        None => None,
    };
    let object = evaluator.map(|evaluator| EvaluatorObject::new(evaluator, caller.organization()));
    let evaluator = serde_json::to_value(object).map_err(Error::internal)?;
    Ok(ScoreObject::from(score).with_inputs(inputs.as_ref()).with_evaluator(evaluator))
}

/// Replace the values of a score: those left out are emptied.
#[utoipa::path(put, path = "/api/scores/{score_id}/", tag = "Scores", params(("score_id" = String, Path)),
    request_body = ScorePatchBody, responses((status = 200, body = ScoreObject), Failures))]
async fn replace(
    State(app): State<App>,
    caller: Caller,
    IdPath(id): IdPath<ScoreId>,
    Body(body): Body,
) -> Answer<Json<ScoreObject>> {
    let score = scores::update(&app, caller.actor(), id, None, Edit::Replace(body)).await?;
    Ok(Json(detail(&app, &caller, score).await?))
}

/// Change the given values of a score.
#[utoipa::path(patch, path = "/api/scores/{score_id}/", tag = "Scores", params(("score_id" = String, Path)),
    request_body = ScorePatchBody, responses((status = 200, body = ScoreObject), Failures))]
async fn update(
    State(app): State<App>,
    caller: Caller,
    IdPath(id): IdPath<ScoreId>,
    Body(body): Body,
) -> Answer<Json<ScoreObject>> {
    let score = scores::update(&app, caller.actor(), id, None, Edit::Merge(body)).await?;
    Ok(Json(detail(&app, &caller, score).await?))
}

/// Delete a score.
#[utoipa::path(delete, path = "/api/scores/{score_id}/", tag = "Scores", params(("score_id" = String, Path)),
    responses((status = 204), Failures))]
async fn delete(State(app): State<App>, caller: Caller, IdPath(id): IdPath<ScoreId>) -> Answer<StatusCode> {
    scores::delete(&app, caller.actor(), id, None).await?;
    Ok(StatusCode::NO_CONTENT)
}
