//! Many rows at once: bulk creation, import of request logs, removal by filter: D12–D14, L7–L11 (contract B.14–B.16,
//! B.20).

use crate::http::auth::Caller;
use crate::http::error::Answer;
use crate::http::extract::{Body, DatasetPath, DatasetRef};
use crate::http::openapi::Failures;
use crate::http::schema::{BulkBody, ImportBody, RemoveBody};
use crate::http::{bulk, members};
use crate::wire::reply::{Acknowledged, BulkResult};
use axum::Json;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use axum::routing::{delete, post};
use evalset_model::job::Job;
use evalset_model::{Error, Result};
use evalset_product::app::App;
use evalset_product::ops::imports::{ImportRequest, Removal, RemoveRequest};
use evalset_product::ops::{dataset_logs, datasets, imports};
use evalset_product::rates;
use serde_json::{Map, Value, json};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::saved_logs::{dataset_only, place};

/// The routes of this noun.
pub fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(bulk_create))
        .routes(routes!(import, remove))
        .route("/api/datasets/{dataset_id}/logs/create/", post(import_open_ended))
        .route("/api/datasets/{dataset_id}/logs/delete/", delete(remove))
        .route("/api/evaluations/datasets/{dataset_id}/logs/", post(import_open_ended))
}

/// Create up to 500 rows, each on its own. Two older bodies are understood: `log_ids` copies these request logs, a time
/// window imports them.
#[utoipa::path(post, path = "/api/datasets/{dataset_id}/logs/bulk/", tag = "Dataset logs", request_body = BulkBody,
    params(("dataset_id" = String, Path, description = "Id of a dataset, or `_saved_logs`.")),
    responses((status = 200, body = Acknowledged), (status = 201, body = BulkResult), Failures))]
async fn bulk_create(
    State(app): State<App>,
    caller: Caller,
    DatasetPath(dataset): DatasetPath,
    body: bulk::BulkBody,
) -> Answer<Response> {
    rates::bulk_call(&app, caller.actor()).await?;
    if !body.has_logs() {
        let rest = body.rest()?;
        let has = |name: &str| members::present(rest, name).is_some();
        if has("log_ids") {
            return add_by_ids(&app, &caller, dataset, rest).await;
        }
        if has("start_time") || has("end_time") {
            return Ok(Json(imported(&app, &caller, dataset, rest).await?).into_response());
        }
    }
    let items = body.items(app.limits.bulk_items, "bulk_items")?;
    let results = dataset_logs::create_many(&app, caller.actor(), place(dataset), items).await?;
    bulk::reply(BulkResult::new(results))
}

/// L10: the counts of a bulk call beside a message.
async fn add_by_ids(app: &App, caller: &Caller, dataset: DatasetRef, body: &Map<String, Value>) -> Answer<Response> {
    let dataset = datasets::get(app, caller.actor(), dataset_only(dataset)?).await?;
    let ids = members::texts(body, "log_ids")?.unwrap_or_default();
    let result = BulkResult::new(imports::add_by_ids(app, caller.actor(), &dataset, ids).await?.items);
    let message = format!("{} of {} logs are in the dataset now", result.success_count, result.unique_ids.len());
    let mut reply = serde_json::to_value(&result).map_err(Error::internal)?;
    reply["message"] = message.into();
    match result.success_count {
        0 => bulk::reply(result),
        _ => Ok((axum::http::StatusCode::CREATED, Json(reply)).into_response()),
    }
}

/// Copy matching request logs into the dataset, in the background.
#[utoipa::path(post, path = "/api/datasets/{dataset_id}/logs/import/", tag = "Dataset logs", request_body = ImportBody,
    params(("dataset_id" = String, Path)), responses((status = 200, body = Acknowledged), Failures))]
async fn import(
    State(app): State<App>,
    caller: Caller,
    DatasetPath(dataset): DatasetPath,
    Body(body): Body,
) -> Answer<Json<Acknowledged>> {
    dataset_only(dataset)?;
    for name in ["start_time", "end_time"] {
        if members::present(&body, name).is_none() {
            return Err(Error::invalid(name, format!("`{name}` is required")).into());
        }
    }
    Ok(Json(imported(&app, &caller, dataset, &body).await?))
}

/// As `import`, with a missing bound left open (L7, L11).
async fn import_open_ended(
    State(app): State<App>,
    caller: Caller,
    DatasetPath(dataset): DatasetPath,
    Body(body): Body,
) -> Answer<Json<Acknowledged>> {
    Ok(Json(imported(&app, &caller, dataset, &body).await?))
}

async fn imported(app: &App, caller: &Caller, dataset: DatasetRef, body: &Map<String, Value>) -> Result<Acknowledged> {
    let dataset = datasets::get(app, caller.actor(), dataset_only(dataset)?).await?;
    let request = import_request(body)?;
    let count = imports::matching(app, caller.actor(), &dataset, &request).await?;
    let job = imports::import(app, caller.actor(), &dataset, request).await?;
    let mut reply = acknowledged("Logs are being added to the dataset in the background.", &job);
    reply.extra.insert("count".into(), count.into());
    Ok(reply)
}

fn import_request(body: &Map<String, Value>) -> Result<ImportRequest> {
    let sampling = members::percent(body, "sampling_percentage")?.or(members::percent(body, "sampling")?);
    Ok(ImportRequest {
        start_time: members::time(body, "start_time")?,
        end_time: members::time(body, "end_time")?,
        filters: members::given(body, "filters").cloned().unwrap_or(Value::Null),
        sampling_percentage: sampling.unwrap_or(100.0),
    })
}

/// Remove rows by filter, or all of them, in the background.
#[utoipa::path(delete, path = "/api/datasets/{dataset_id}/logs/import/", tag = "Dataset logs", request_body = RemoveBody,
    params(("dataset_id" = String, Path)), responses((status = 200, body = Acknowledged), Failures))]
async fn remove(
    State(app): State<App>,
    caller: Caller,
    DatasetPath(dataset): DatasetPath,
    Body(body): Body,
) -> Answer<Json<Acknowledged>> {
    let dataset = datasets::get(&app, caller.actor(), dataset_only(dataset)?).await?;
    let reply = match imports::remove(&app, caller.actor(), &dataset, remove_request(&body)?).await? {
        Removal::Emptied { rows } => Acknowledged {
            message: format!("All {rows} rows were removed from the dataset."),
            extra: Map::from_iter([
                ("dataset_id".to_owned(), dataset.id.to_string().into()),
                ("count".to_owned(), rows.into()),
            ]),
        },
        Removal::Queued(job) => {
            acknowledged("Matching rows are being removed from the dataset in the background.", &job)
        }
    };
    Ok(Json(reply))
}

fn remove_request(body: &Map<String, Value>) -> Result<RemoveRequest> {
    Ok(RemoveRequest {
        is_deleting_all_logs: members::flag(body, "is_deleting_all_logs")?.unwrap_or(false),
        filters: members::given(body, "filters").cloned().unwrap_or(Value::Null),
        start_time: members::time(body, "start_time")?,
        end_time: members::time(body, "end_time")?,
    })
}

/// The reply for a job on a dataset, with where to watch it.
fn acknowledged(message: &str, job: &Job) -> Acknowledged {
    let members = json!({
        "dataset_id": job.dataset.map(|id| id.to_string()),
        "job_id": job.id.to_string(),
        "status_url": format!("/api/jobs/{}/", job.id),
    });
    Acknowledged { message: message.to_owned(), extra: members.as_object().cloned().unwrap_or_default() }
}

#[cfg(test)]
mod tests {
    use super::{import_request, remove_request};
    use crate::http::members::document::agrees;
    use crate::http::schema::{ImportBody, RemoveBody};
    use serde_json::Map;

    #[test]
    fn the_document_shows_what_is_read() {
        agrees::<ImportBody>(&["sampling"], || drop(import_request(&Map::new()).unwrap()));
        agrees::<RemoveBody>(&[], || drop(remove_request(&Map::new()).unwrap()));
    }
}
