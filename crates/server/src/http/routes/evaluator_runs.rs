//! An evaluator on given inputs or stored logs: V9 (contract F.4). With `dataset_id` it is D17.

use crate::http::auth::Caller;
use crate::http::error::Answer;
use crate::http::extract::{Body, DatasetRef};
use crate::http::members;
use crate::http::openapi::Failures;
use crate::http::schema::EvaluatorRunBody;
use crate::wire::evaluator::EvaluatorObject;
use crate::wire::score::{ScoreObject, inputs_json};
use axum::Json;
use axum::extract::{Path, State};
use axum::response::{IntoResponse, Response};
use evalset_evaluate::inputs;
use evalset_model::evaluator::{Evaluator, Method};
use evalset_model::scalar::format_time;
use evalset_model::score::Score;
use evalset_model::{Error, Result};
use evalset_product::app::App;
use evalset_product::ops::{evaluations, evaluators};
use evalset_rows::shape::score_value;
use serde_json::{Map, Value, json};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::eval_reports;
use super::saved_logs::dataset_only;

/// The routes of this noun.
pub fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(run))
}

/// Run an evaluator on `inputs`, and answer with what would be the score; nothing is stored. With `log_ids` these logs
/// are scored and the scores kept; with `dataset_id` a run over the dataset is started.
///
/// An evaluation that fails answers 200 with `status` `failed` and the reason.
#[utoipa::path(post, path = "/api/evaluators/{evaluator_id}/run/", tag = "Evaluators",
    params(("evaluator_id" = String, Path)), request_body = EvaluatorRunBody,
    responses((status = 200, body = ScoreObject), Failures))]
async fn run(
    State(app): State<App>,
    caller: Caller,
    Path(reference): Path<String>,
    Body(body): Body,
) -> Answer<Response> {
    // The members override the path (F.4); the second is the older name.
    let named = members::text(&body, "evaluator_id")?.or(members::text(&body, "evaluation_id")?);
    let reference = named.unwrap_or(reference);
    let method = members::text(&body, "generation_method")?;
    let method = method.map(|text| Method::parse(&text)).transpose()?.unwrap_or_default();
    if let Some(dataset) = members::text(&body, "dataset_id")? {
        if members::texts(&body, "log_ids")?.is_some() {
            let text = "`log_ids` and `dataset_id` exclude each other: name some logs, or a whole dataset";
            return Err(Error::invalid("log_ids", text).into());
        }
        let dataset = dataset_only(dataset.parse::<DatasetRef>()?)?;
        let mut request = eval_reports::request(&body)?;
        request.evaluators = vec![reference];
        return Ok(Json(eval_reports::started(&app, &caller, dataset, request).await?).into_response());
    }
    let evaluator = evaluators::resolve(&app, caller.actor(), &reference).await?;
    match members::texts(&body, "log_ids")? {
        Some(ids) => Ok(Json(of_logs(&app, &caller, &evaluator, method, &ids).await?).into_response()),
        None => Ok(Json(of_inputs(&app, &caller, evaluator, method, &body).await?).into_response()),
    }
}

async fn of_logs(
    app: &App,
    caller: &Caller,
    evaluator: &Evaluator,
    method: Method,
    ids: &[String],
) -> Result<ScoreObject> {
    let scores = evaluations::of_logs(app, caller.actor(), evaluator, method, ids).await?;
    let results = scores.iter().cloned().map(ScoreObject::from).map(serde_json::to_value);
    let results: Vec<Value> = results.collect::<serde_json::Result<_>>().map_err(Error::internal)?;
    let last = scores.into_iter().next_back().ok_or_else(|| Error::internal("no score for a log"))?;
    let mut object = ScoreObject::from(last);
    object.more.insert("results".to_owned(), Value::from(results).into());
    Ok(object)
}

async fn of_inputs(
    app: &App,
    caller: &Caller,
    evaluator: Evaluator,
    method: Method,
    body: &Map<String, Value>,
) -> Result<ScoreObject> {
    let given = members::present(body, "inputs")
        .ok_or_else(|| Error::invalid("inputs", "`inputs` is required: an object with `input` and `output`"))?;
    let inputs = inputs::of_body(given)?;
    let started = app.clock.now();
    let score = evaluations::of_inputs(app, caller.actor(), &evaluator, method, inputs.clone()).await?;
    let seconds = app.clock.now().saturating_sub(started) as f64 / 1e6;
    let mut object = answer(score, seconds);
    object.more.insert("inputs".to_owned(), inputs_json(&inputs));
    let evaluator = EvaluatorObject::new(evaluator, caller.organization());
    Ok(object.with_evaluator(serde_json::to_value(evaluator).map_err(Error::internal)?))
}

/// The score with the members of the older reply (contract F.4).
fn answer(score: Score, seconds: f64) -> ScoreObject {
    let values = &score.values;
    let value = score_value(values);
    let more = json!({
        "score": value,
        "score_type": score.source.value_type.name(),
        "evaluation_result": {"reasoning": score.explanation, "score": value, "passed": score.is_passed},
        "execution_time": seconds,
        "timestamp": format_time(score.created_at),
    });
    let mut object = ScoreObject::from(score);
    if let Value::Object(more) = more {
        object.more.extend(more.into_iter().map(|(name, value)| (name, value.into())));
    }
    object
}
