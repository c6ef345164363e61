//! Datasets: D1–D5 and their older forms L1, L2, L5, L6 (contract B.2–B.6, B.20).

use crate::http::auth::Caller;
use crate::http::error::Answer;
use crate::http::extract::{Body, DatasetPath, DatasetRef};
use crate::http::listing::{Bounds, Envelope, Listing};
use crate::http::openapi::Failures;
use crate::http::schema::{DatasetPatchBody, FilterBody, NewDatasetBody, PageParameters};
use crate::http::{filters, members};
use crate::wire::dataset::DatasetObject;
use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use axum::routing::{get, post};
use evalset_model::dataset::{Dataset, DatasetPatch, Granularity, Tag};
use evalset_model::filter::{check, choices, datasets as fields, echo, wire};
use evalset_model::limits::Limits;
use evalset_model::{Error, Result};
use evalset_product::app::App;
use evalset_product::ops::datasets::{self, NewDataset};
use serde_json::{Map, Value};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

/// The routes of this noun.
pub fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(create))
        .routes(routes!(list, list_by_url))
        .routes(routes!(retrieve, update, delete))
        .route("/api/datasets/", get(list_by_url))
        .route("/api/datasets/create/", post(create))
}

const PAGE: Bounds = Bounds { page_size: 50, max_page_size: 0 };

/// Create a dataset: empty, filled from request logs by a job, or a copy of another dataset.
#[utoipa::path(post, path = "/api/datasets/", tag = "Datasets", request_body = NewDatasetBody,
    responses((status = 201, body = DatasetObject), Failures))]
async fn create(State(app): State<App>, caller: Caller, Body(body): Body) -> Answer<(StatusCode, Json<DatasetObject>)> {
    let dataset = datasets::create(&app, caller.actor(), new_dataset(&body)?).await?;
    Ok((StatusCode::CREATED, Json(DatasetObject::new(dataset, caller.organization(), Vec::new()))))
}

fn new_dataset(body: &Map<String, Value>) -> Result<NewDataset> {
    let source = members::text(body, "source_dataset_id")?;
    let source = source.map(|id| id.parse().map_err(|_| Error::NotFound(format!("there is no dataset `{id}`"))));
    Ok(NewDataset {
        name: members::text(body, "name")?,
        description: members::text(body, "description")?,
        is_empty: members::flag(body, "is_empty")?.unwrap_or(false),
        start_time: members::time(body, "start_time")?,
        end_time: members::time(body, "end_time")?,
        sampling: members::percent(body, "sampling")?,
        initial_log_filters: members::present(body, "initial_log_filters").cloned(),
        source: source.transpose()?,
        granularity: members::text(body, "granularity")?.map(|text| Granularity::parse(&text)).transpose()?,
        kind: members::text(body, "type")?,
    })
}

/// List datasets.
#[utoipa::path(post, path = "/api/datasets/list/", tag = "Datasets", params(PageParameters), request_body = FilterBody,
    responses((status = 200, body = Envelope<DatasetObject>), Failures))]
async fn list(
    State(app): State<App>,
    caller: Caller,
    listing: Listing,
    Body(body): Body,
) -> Answer<Json<Envelope<DatasetObject>>> {
    let filters = filters::parse(&body, &app.limits)?;
    Ok(Json(listed(&app, &caller, &listing, &body, &filters).await?))
}

/// List datasets, filtered by the URL: `name`, `type`, `status`, … and `created_after`, `created_before`.
#[utoipa::path(get, path = "/api/datasets/list/", tag = "Datasets", params(PageParameters),
    responses((status = 200, body = Envelope<DatasetObject>), Failures))]
async fn list_by_url(
    State(app): State<App>,
    caller: Caller,
    listing: Listing,
) -> Answer<Json<Envelope<DatasetObject>>> {
    let filters = url_filters(&listing, &app.limits)?;
    Ok(Json(listed(&app, &caller, &listing, &Map::new(), &filters).await?))
}

/// The filters of the URL; the legacy time bounds (contract B.20 L1) become conditions on `created_at`.
fn url_filters(listing: &Listing, limits: &Limits) -> Result<wire::Filters> {
    let bounds = [("created_after", "gte"), ("created_before", "lte")];
    let plain = listing.query().0.iter().filter(|(name, _)| bounds.iter().all(|(bound, _)| name != bound)).cloned();
    let given = |(name, operator): (&str, &str)| Some((operator.to_owned(), Value::from(listing.query().get(name)?)));
    let created: Map<String, Value> = bounds.into_iter().filter_map(given).collect();
    let mut filters = wire::parse_url(&plain.collect::<Vec<_>>(), limits)?;
    if !created.is_empty() {
        let created = Value::from_iter([("created_at", Value::Object(created))]);
        filters = filters.and(wire::parse("filters", Some(&created), None, limits)?);
    }
    Ok(filters)
}

async fn listed(
    app: &App,
    caller: &Caller,
    listing: &Listing,
    body: &Map<String, Value>,
    filters: &wire::Filters,
) -> Result<Envelope<DatasetObject>> {
    let paging = listing.paging(body, Bounds { max_page_size: app.limits.max_page_size, ..PAGE })?;
    let sort = check::sort_in(listing.sort_by(body).as_deref().unwrap_or("-created_at"), fields::SORTABLE)?;
    let filter = check::fields(filters, fields::FIELDS)?;
    let page = datasets::list(app, caller.actor(), &filter, sort, paging.window()).await?;
    let ids: Vec<_> = page.rows.iter().map(|dataset| dataset.id).collect();
    let newest = datasets::newest_rows(app, caller.actor(), &ids).await?;
    let object = |(dataset, newest)| DatasetObject::new(dataset, caller.organization(), newest);
    let rows = page.rows.into_iter().zip(newest).map(object).collect();
    let data = filters::choices(listing, choices::datasets());
    Ok(listing.envelope(paging, rows, page.total).with_filters(echo::current_filters(filters)).with_choices(data))
}

async fn shown(app: &App, caller: &Caller, dataset: Dataset) -> Result<DatasetObject> {
    let mut newest = datasets::newest_rows(app, caller.actor(), &[dataset.id]).await?;
    Ok(DatasetObject::new(dataset, caller.organization(), newest.pop().unwrap_or_default()))
}

/// Read a dataset. `_saved_logs` answers an object made up for the collection of that name.
#[utoipa::path(get, path = "/api/datasets/{dataset_id}/", tag = "Datasets", params(("dataset_id" = String, Path)),
    responses((status = 200, body = DatasetObject), Failures))]
async fn retrieve(State(app): State<App>, caller: Caller, DatasetPath(id): DatasetPath) -> Answer<Json<DatasetObject>> {
    let object = match id {
        DatasetRef::Id(id) => {
            let dataset = datasets::get(&app, caller.actor(), id).await?;
            shown(&app, &caller, dataset).await?
        }
        DatasetRef::SavedLogs => super::saved_logs::object(&app, &caller).await?,
    };
    Ok(Json(object))
}

/// Change name, description, star or tags.
#[utoipa::path(patch, path = "/api/datasets/{dataset_id}/", tag = "Datasets", params(("dataset_id" = String, Path)),
    request_body = DatasetPatchBody, responses((status = 200, body = DatasetObject), Failures))]
async fn update(
    State(app): State<App>,
    caller: Caller,
    DatasetPath(id): DatasetPath,
    Body(body): Body,
) -> Answer<Json<DatasetObject>> {
    let DatasetRef::Id(id) = id else { return Err(super::saved_logs::fixed().into()) };
    let dataset = datasets::update(&app, caller.actor(), id, dataset_patch(&body)?).await?;
    Ok(Json(shown(&app, &caller, dataset).await?))
}

/// Absent members stay; null empties what can be empty (contract A.2).
fn dataset_patch(body: &Map<String, Value>) -> Result<DatasetPatch> {
    if members::given(body, "name").is_some_and(Value::is_null) {
        return Err(Error::invalid("name", "`name` must not be null"));
    }
    let cleared = |name: &str| members::given(body, name).is_some_and(Value::is_null);
    Ok(DatasetPatch {
        name: members::text(body, "name")?,
        description: members::text(body, "description")?.or(cleared("description").then(String::new)),
        starred: members::flag(body, "starred")?.or(cleared("starred").then_some(false)),
        tags: members::texts(body, "tags")?
            .map(|ids| ids.into_iter().map(tag).collect())
            .or(cleared("tags").then(Vec::new)),
    })
}

/// An id is a tag whose name is the id (H22).
fn tag(id: String) -> Tag {
    Tag { name: id.clone(), id, color: String::new() }
}

/// Delete a dataset with its rows. Request logs stay.
#[utoipa::path(delete, path = "/api/datasets/{dataset_id}/", tag = "Datasets", params(("dataset_id" = String, Path)),
    responses((status = 204), Failures))]
async fn delete(State(app): State<App>, caller: Caller, DatasetPath(id): DatasetPath) -> Answer<StatusCode> {
    let DatasetRef::Id(id) = id else { return Err(super::saved_logs::fixed().into()) };
    datasets::delete(&app, caller.actor(), id).await?;
    Ok(StatusCode::NO_CONTENT)
}

#[cfg(test)]
mod tests {
    use super::{dataset_patch, new_dataset};
    use crate::http::members::document::agrees;
    use crate::http::schema::{DatasetPatchBody, NewDatasetBody};
    use serde_json::Map;

    #[test]
    fn the_document_shows_what_is_read() {
        agrees::<NewDatasetBody>(&[], || drop(new_dataset(&Map::new()).unwrap()));
        agrees::<DatasetPatchBody>(&[], || drop(dataset_patch(&Map::new()).unwrap()));
    }
}
