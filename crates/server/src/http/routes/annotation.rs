//! The annotation queue of a dataset: next, complete, release, progress (contract G.3). Our own routes, not part of the
//! hosted service's API, hence strict: unknown members are refused. `_saved_logs` has no queue.

use super::dataset_logs::context;
use super::saved_logs::dataset_only;
use crate::http::auth::Caller;
use crate::http::error::Answer;
use crate::http::extract::{Body, DatasetPath};
use crate::http::listing::Listing;
use crate::http::openapi::Failures;
use crate::http::schema::{AnnotatedRowBody, NextRowBody};
use crate::http::{filters, members};
use crate::wire::annotation::{AnnotationProgressObject, HandedRow};
use crate::wire::log;
use axum::Json;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use evalset_model::ids::{LogId, Place};
use evalset_model::log::annotation::annotator;
use evalset_model::log::ingest;
use evalset_model::scalar::format_time;
use evalset_model::{Error, Result};
use evalset_product::app::App;
use evalset_product::ops::annotation::{self as queue, Ask};
use evalset_rows::shape::DetailRow;
use serde_json::{Map, Value};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

/// The routes of this noun.
pub fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(next))
        .routes(routes!(complete))
        .routes(routes!(release))
        .routes(routes!(progress))
}

const NEXT_MEMBERS: &[&str] = &["annotator", "lease_seconds", "filters", "operator", "sort_by", "order_by", "skip"];
const ROW_MEMBERS: &[&str] = &["unique_id", "annotator"];

/// Hand out the next row that nobody completed and nobody holds, under a lease. Who holds a row already gets it again,
/// its lease renewed; with `skip` they pass over it: it goes back to the queue and comes to them again after all
/// others.
#[utoipa::path(post, path = "/api/datasets/{dataset_id}/annotation/next/", tag = "Annotation", request_body = NextRowBody,
    params(("dataset_id" = String, Path)), responses((status = 200, body = HandedRow), Failures))]
async fn next(
    State(app): State<App>,
    caller: Caller,
    DatasetPath(dataset): DatasetPath,
    listing: Listing,
    Body(body): Body,
) -> Answer<Response> {
    let place = Place::Dataset(dataset_only(dataset)?);
    let ask = asked(&app, &caller, place, &listing, &body)?;
    let handed = queue::next(&app, caller.actor(), place, ask).await?;
    let context = context(&caller, place);
    let row = handed.row.as_ref().map(|row| DetailRow::new(row, &context, None).scored(&row.scores));
    let lease_until = handed.lease_until.map(format_time);
    Ok(Json(HandedRow { row, lease_until, remaining: handed.remaining }).into_response())
}

fn asked(app: &App, caller: &Caller, place: Place, listing: &Listing, body: &Map<String, Value>) -> Result<Ask> {
    members::only(body, "", NEXT_MEMBERS)?;
    let lease = members::whole::<u32>(body, "lease_seconds")?.map(i64::from);
    Ok(Ask {
        annotator: who(caller, body)?,
        lease_seconds: queue::checked_lease(lease, &app.limits)?,
        filter: filters::of_body(body, &filters::scope(caller, place), &app.limits)?.filter,
        sort: filters::sort(listing, body)?,
        skip: members::flag(body, "skip")?.unwrap_or(false),
    })
}

/// Complete a row. 409 when somebody else holds it or completed it; completing it twice is as good as once.
#[utoipa::path(post, path = "/api/datasets/{dataset_id}/annotation/complete/", tag = "Annotation",
    request_body = AnnotatedRowBody, params(("dataset_id" = String, Path)),
    responses((status = 200, body = log::DetailRow), Failures))]
async fn complete(
    State(app): State<App>,
    caller: Caller,
    DatasetPath(dataset): DatasetPath,
    Body(body): Body,
) -> Answer<Response> {
    let place = Place::Dataset(dataset_only(dataset)?);
    let (id, annotator) = row_and_annotator(&caller, &body)?;
    let row = queue::complete(&app, caller.actor(), place, &id, &annotator).await?;
    Ok(Json(DetailRow::new(&row, &context(&caller, place), None).scored(&row.scores)).into_response())
}

/// Give a row back to the queue. 409 when somebody else holds it, or it is completed.
#[utoipa::path(post, path = "/api/datasets/{dataset_id}/annotation/release/", tag = "Annotation",
    request_body = AnnotatedRowBody, params(("dataset_id" = String, Path)),
    responses((status = 200, body = log::DetailRow), Failures))]
async fn release(
    State(app): State<App>,
    caller: Caller,
    DatasetPath(dataset): DatasetPath,
    Body(body): Body,
) -> Answer<Response> {
    let place = Place::Dataset(dataset_only(dataset)?);
    let (id, annotator) = row_and_annotator(&caller, &body)?;
    let row = queue::release(&app, caller.actor(), place, &id, &annotator).await?;
    Ok(Json(DetailRow::new(&row, &context(&caller, place), None).scored(&row.scores)).into_response())
}

/// Read how far the annotation is, in all and per person, over all rows or those that the URL's filters keep.
#[utoipa::path(get, path = "/api/datasets/{dataset_id}/annotation/progress/", tag = "Annotation",
    params(("dataset_id" = String, Path)), responses((status = 200, body = AnnotationProgressObject), Failures))]
async fn progress(
    State(app): State<App>,
    caller: Caller,
    DatasetPath(dataset): DatasetPath,
    listing: Listing,
) -> Answer<Json<AnnotationProgressObject>> {
    let place = Place::Dataset(dataset_only(dataset)?);
    let scope = filters::scope(&caller, place);
    let in_force = filters::of_body_and_url(&Map::new(), &listing, &scope, &app.limits)?;
    Ok(Json(queue::progress(&app, caller.actor(), place, in_force.filter).await?.into()))
}

/// Who annotates: named by the body, else the key.
fn who(caller: &Caller, body: &Map<String, Value>) -> Result<String> {
    let named = members::text(body, "annotator")?;
    annotator(named.as_deref().unwrap_or(caller.actor().name()), "annotator")
}

fn row_and_annotator(caller: &Caller, body: &Map<String, Value>) -> Result<(LogId, String)> {
    members::only(body, "", ROW_MEMBERS)?;
    let id = members::present(body, "unique_id")
        .ok_or_else(|| Error::invalid("unique_id", "`unique_id` is required: the row's id"))?;
    Ok((ingest::unique_id(id, "unique_id")?, who(caller, body)?))
}

#[cfg(test)]
mod tests {
    use super::{NEXT_MEMBERS, ROW_MEMBERS};
    use crate::http::members::document::{lists, shown};
    use crate::http::schema::{AnnotatedRowBody, NextRowBody};

    #[test]
    fn the_document_shows_what_is_read() {
        lists::<AnnotatedRowBody>(ROW_MEMBERS);
        let mut known = shown::<NextRowBody>();
        known.insert("order_by".to_owned());
        assert_eq!(
            NEXT_MEMBERS.iter().map(|name| (*name).to_owned()).collect::<std::collections::BTreeSet<_>>(),
            known
        );
    }
}
