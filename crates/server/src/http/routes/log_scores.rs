//! Scores of one log: S8–S13 (contract F.0, F.5). A log here is a request log or a row of any dataset, by its id.

use crate::http::auth::Caller;
use crate::http::error::{Answer, Failure};
use crate::http::extract::Body;
use crate::http::listing::{Envelope, Listing};
use crate::http::openapi::Failures;
use crate::http::schema::{PageParameters, ScoreBody, ScorePatchBody};
use crate::http::score_body;
use crate::wire::score::ScoreObject;
use axum::Json;
use axum::extract::{FromRequestParts, Path, State};
use axum::http::StatusCode;
use axum::http::request::Parts;
use evalset_model::Error;
use evalset_model::ids::{LogId, ScoreId};
use evalset_product::app::App;
use evalset_product::ops::scores::{self, Edit, NewScore, Target};
use serde_json::Map;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::scores::{Asked, created};

/// The routes of this noun.
pub fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(list, create)).routes(routes!(retrieve, replace, update, delete))
}

/// `{log_id}/scores/{score_id}` of a path.
struct LogScorePath(LogId, ScoreId);

impl<S: Send + Sync> FromRequestParts<S> for LogScorePath {
    type Rejection = Failure;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Failure> {
        let Path((log, score)) =
            Path::<(String, String)>::from_request_parts(parts, state).await.map_err(|_| Error::not_found())?;
        Ok(Self(LogId(log), score.parse().map_err(|_| Error::not_found())?))
    }
}

/// `{log_id}` of a path.
struct LogPath(LogId);

impl<S: Send + Sync> FromRequestParts<S> for LogPath {
    type Rejection = Failure;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Failure> {
        let Path(log) = Path::<String>::from_request_parts(parts, state).await.map_err(|_| Error::not_found())?;
        Ok(Self(LogId(log)))
    }
}

/// List the scores of a log, whatever dataset they name.
#[utoipa::path(get, path = "/api/logs/{log_id}/scores/", tag = "Scores", params(("log_id" = String, Path), PageParameters),
    responses((status = 200, body = Envelope<ScoreObject>), Failures))]
async fn list(
    State(app): State<App>,
    caller: Caller,
    LogPath(log): LogPath,
    listing: Listing,
) -> Answer<Json<Envelope<ScoreObject>>> {
    let asked = Asked::of(&app, &listing, &Map::new())?;
    let page = scores::of_log(&app, caller.actor(), &log, asked.query.clone()).await?;
    Ok(Json(asked.envelope(&listing, page)))
}

/// Score a log: 201 when the score is new, 200 when it replaces the one of the same evaluator and scorer.
#[utoipa::path(post, path = "/api/logs/{log_id}/scores/", tag = "Scores", params(("log_id" = String, Path)),
    request_body = ScoreBody,
    responses((status = 201, body = ScoreObject), (status = 200, body = ScoreObject), Failures))]
async fn create(
    State(app): State<App>,
    caller: Caller,
    LogPath(log): LogPath,
    Body(body): Body,
) -> Answer<(StatusCode, Json<ScoreObject>)> {
    let new = NewScore { log_id: Some(log.0), scorer: None, ..score_body::new_score(body)? };
    let (score, is_new) = scores::put(&app, caller.actor(), new, Target::Known).await?;
    Ok((created(is_new), Json(score.into())))
}

/// Read a score of a log.
#[utoipa::path(get, path = "/api/logs/{log_id}/scores/{score_id}/", tag = "Scores",
    params(("log_id" = String, Path), ("score_id" = String, Path)),
    responses((status = 200, body = ScoreObject), Failures))]
async fn retrieve(
    State(app): State<App>,
    caller: Caller,
    LogScorePath(log, id): LogScorePath,
) -> Answer<Json<ScoreObject>> {
    Ok(Json(scores::get(&app, caller.actor(), id, Some(&log)).await?.into()))
}

/// Replace the values of a score of a log: those left out are emptied.
#[utoipa::path(put, path = "/api/logs/{log_id}/scores/{score_id}/", tag = "Scores",
    params(("log_id" = String, Path), ("score_id" = String, Path)), request_body = ScorePatchBody,
    responses((status = 200, body = ScoreObject), Failures))]
async fn replace(
    State(app): State<App>,
    caller: Caller,
    LogScorePath(log, id): LogScorePath,
    Body(body): Body,
) -> Answer<Json<ScoreObject>> {
    let score = scores::update(&app, caller.actor(), id, Some(&log), Edit::Replace(body)).await?;
    Ok(Json(score.into()))
}

/// Change the given values of a score of a log.
#[utoipa::path(patch, path = "/api/logs/{log_id}/scores/{score_id}/", tag = "Scores",
    params(("log_id" = String, Path), ("score_id" = String, Path)), request_body = ScorePatchBody,
    responses((status = 200, body = ScoreObject), Failures))]
async fn update(
    State(app): State<App>,
    caller: Caller,
    LogScorePath(log, id): LogScorePath,
    Body(body): Body,
) -> Answer<Json<ScoreObject>> {
    let score = scores::update(&app, caller.actor(), id, Some(&log), Edit::Merge(body)).await?;
    Ok(Json(score.into()))
}

/// Delete a score of a log.
#[utoipa::path(delete, path = "/api/logs/{log_id}/scores/{score_id}/", tag = "Scores",
    params(("log_id" = String, Path), ("score_id" = String, Path)), responses((status = 204), Failures))]
async fn delete(State(app): State<App>, caller: Caller, LogScorePath(log, id): LogScorePath) -> Answer<StatusCode> {
    scores::delete(&app, caller.actor(), id, Some(&log)).await?;
    Ok(StatusCode::NO_CONTENT)
}
