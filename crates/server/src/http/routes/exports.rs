//! Exports: started by the row list, watched and downloaded here; and rows streamed at once as a file (contract B.19).

use super::jobs::{PAGE_SIZE, download_url};
use super::saved_logs::place;
use crate::http::auth::Caller;
use crate::http::error::Answer;
use crate::http::extract::{Body, DatasetPath, IdPath};
use crate::http::filters;
use crate::http::listing::{Bounds, Envelope, Listing};
use crate::http::members;
use crate::http::openapi::Failures;
use crate::http::schema::{DownloadParameters, FilterBody, PagingParameters, SpanParameters};
use crate::http::streams::StreamPlace;
use crate::wire::reply::Acknowledged;
use axum::Json;
use axum::body::Body as ReplyBody;
use axum::extract::State;
use axum::http::{HeaderName, StatusCode, header};
use axum::response::{IntoResponse, Response};
use evalset_model::filter::{LogFilter, wire};
use evalset_model::ids::{JobId, Place};
use evalset_model::job::{ExportFormat, Job, Task};
use evalset_model::scalar::format_time;
use evalset_model::{Error, Result};
use evalset_product::app::App;
use evalset_product::ops::exports::{self, ExportRequest, StreamRequest};
use serde::Serialize;
use serde_json::{Map, Value, json};
use std::fmt::Write as _;
use tokio_util::io::ReaderStream;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

/// Bytes of a file that are read at once: each read waits for a thread.
const READ_BYTES: usize = 256 * 1024;

/// The routes of this noun.
pub fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(list))
        .routes(routes!(retrieve))
        .routes(routes!(download))
        .routes(routes!(stream_rows, stream_rows_by_url))
        .routes(routes!(stream_logs, stream_logs_by_url))
}

/// An export.
#[derive(Debug, Serialize, ToSchema)]
pub struct ExportObject {
    /// Id; also that of its job.
    pub id: String,
    /// `queued`, `running`, `completed`, `failed` or `cancelled`.
    pub status: &'static str,
    /// `.csv` or `.jsonl`.
    pub format: &'static str,
    /// Name of the file.
    pub name: String,
    /// The dataset it is of, if any.
    pub dataset_id: Option<String>,
    /// Rows written so far.
    pub row_count: u64,
    /// When it was asked for, ISO 8601 UTC.
    pub created_at: String,
    /// When it ended.
    pub completed_at: Option<String>,
    /// Why it failed.
    pub error_message: Option<String>,
    /// Where the file is, once completed.
    pub download_url: Option<String>,
}

impl ExportObject {
    fn new(listing: &Listing, job: &Job) -> Result<Self> {
        let Task::Export { format, file_name, collection, .. } = &job.task else {
            return Err(Error::internal("the job is no export"));
        };
        Ok(Self {
            id: job.id.to_string(),
            status: job.state.name(),
            format: format.suffix(),
            name: file_name.clone(),
            dataset_id: collection.place.dataset_id_text(),
            row_count: job.progress.affected,
            created_at: format_time(job.created_at),
            completed_at: job.completed_at.map(format_time),
            error_message: job.error_message.clone(),
            download_url: download_url(listing, job),
        })
    }
}

/// Starts an export of a row list (D7 with `is_exporting`) and answers where it will be.
pub(super) async fn start(
    app: &App,
    caller: &Caller,
    place: Place,
    listing: &Listing,
    body: &Map<String, Value>,
) -> Answer<Response> {
    let request = ExportRequest {
        filters: filters::parse(body, &app.limits)?.and(wire::parse_url(&listing.query().0, &app.limits)?),
        sort: filters::sort(listing, body)?,
        include_fields: include_fields(listing, body),
        format: format(listing, body)?,
        name: members::text(body, "name")?,
    };
    let job = exports::start(app, caller.actor(), place, request).await?;
    let extra = json!({
        "export_id": job.id.to_string(),
        "job_id": job.id.to_string(),
        "status_url": listing.url(&format!("/api/exports/{}/", job.id)),
        "download_url": listing.url(&format!("/api/exports/{}/download/", job.id)),
    });
    let message = "The export is being written. `status_url` tells when `download_url` has the file.".to_owned();
    let reply = Acknowledged { message, extra: extra.as_object().cloned().unwrap_or_default() };
    Ok((StatusCode::ACCEPTED, Json(reply)).into_response())
}

fn format(listing: &Listing, body: &Map<String, Value>) -> Result<ExportFormat> {
    exports::format(listing.parameter(body, "export_format").as_deref())
}

fn include_fields(listing: &Listing, body: &Map<String, Value>) -> Option<Vec<String>> {
    let names = listing.parameter(body, "include_fields")?;
    let names: Vec<String> =
        names.split(',').map(|name| name.trim().to_owned()).filter(|name| !name.is_empty()).collect();
    (!names.is_empty()).then_some(names)
}

/// List exports, newest first.
#[utoipa::path(get, path = "/api/exports/", tag = "Exports", params(PagingParameters),
    responses((status = 200, body = Envelope<ExportObject>), Failures))]
async fn list(State(app): State<App>, caller: Caller, listing: Listing) -> Answer<Json<Envelope<ExportObject>>> {
    let bounds = Bounds { page_size: PAGE_SIZE, max_page_size: app.limits.max_page_size };
    let paging = listing.paging(&Map::new(), bounds)?;
    let page = exports::list(&app, caller.actor(), paging.window()).await?;
    let rows = page.rows.iter().map(|job| ExportObject::new(&listing, job)).collect::<Result<_>>()?;
    Ok(Json(listing.envelope(paging, rows, page.total)))
}

/// Watch an export.
#[utoipa::path(get, path = "/api/exports/{export_id}/", tag = "Exports", params(("export_id" = String, Path)),
    responses((status = 200, body = ExportObject), Failures))]
async fn retrieve(
    State(app): State<App>,
    caller: Caller,
    listing: Listing,
    IdPath(id): IdPath<JobId>,
) -> Answer<Json<ExportObject>> {
    let job = exports::get(&app, caller.actor(), id).await?;
    Ok(Json(ExportObject::new(&listing, &job)?))
}

/// Download the file of an export. 409 until it is completed.
#[utoipa::path(get, path = "/api/exports/{export_id}/download/", tag = "Exports", params(("export_id" = String, Path)),
    responses((status = 200, body = String, content_type = "application/octet-stream"), Failures))]
async fn download(State(app): State<App>, caller: Caller, IdPath(id): IdPath<JobId>) -> Answer<Response> {
    let file = exports::open(&app, caller.actor(), id).await?;
    let headers = [(header::CONTENT_LENGTH, file.file.length.to_string())];
    let body = ReplyBody::from_stream(ReaderStream::with_capacity(file.file.reader, READ_BYTES));
    Ok((file_headers(&file.name, file.format), headers, body).into_response())
}

/// Download matching rows at once, as a file streamed while it is made.
#[utoipa::path(post, path = "/api/datasets/{dataset_id}/logs/export/", tag = "Exports", request_body = FilterBody,
    params(("dataset_id" = String, Path, description = "Id of a dataset, or `_saved_logs`."), DownloadParameters),
    responses((status = 200, body = String, content_type = "application/octet-stream"), Failures))]
async fn stream_rows(
    State(app): State<App>,
    caller: Caller,
    DatasetPath(dataset): DatasetPath,
    listing: Listing,
    stream: StreamPlace,
    Body(body): Body,
) -> Answer<Response> {
    let place = place(dataset);
    let scope = filters::scope(&caller, place);
    let filter = filters::of_body_and_url(&body, &listing, &scope, &app.limits)?.filter;
    streamed(&app, &caller, (place, filter), (&listing, &body), stream).await
}

/// Download rows at once, filtered by the URL.
#[utoipa::path(get, path = "/api/datasets/{dataset_id}/logs/export/", tag = "Exports",
    params(("dataset_id" = String, Path, description = "Id of a dataset, or `_saved_logs`."), DownloadParameters),
    responses((status = 200, body = String, content_type = "application/octet-stream"), Failures))]
async fn stream_rows_by_url(
    state: State<App>,
    caller: Caller,
    dataset: DatasetPath,
    listing: Listing,
    stream: StreamPlace,
) -> Answer<Response> {
    stream_rows(state, caller, dataset, listing, stream, Body(Map::new())).await
}

/// Download matching request logs at once, as a file streamed while it is made. All of them, unless a window is given.
#[utoipa::path(post, path = "/api/request-logs/export/", tag = "Exports", request_body = FilterBody,
    params(DownloadParameters, SpanParameters),
    responses((status = 200, body = String, content_type = "application/octet-stream"), Failures))]
async fn stream_logs(
    State(app): State<App>,
    caller: Caller,
    listing: Listing,
    stream: StreamPlace,
    Body(body): Body,
) -> Answer<Response> {
    let mut window = super::request_logs::window(&app, &listing, &body, app.clock.now())?;
    if listing.parameter(&body, "start_time").is_none() {
        window.start = None;
    }
    let scope = filters::scope(&caller, Place::RequestLogs);
    let filter = filters::of_body_and_url(&body, &listing, &scope, &app.limits)?.filter;
    streamed(&app, &caller, (Place::RequestLogs, window.filter().and(filter)), (&listing, &body), stream).await
}

/// Download request logs at once, filtered by the URL.
#[utoipa::path(get, path = "/api/request-logs/export/", tag = "Exports", params(DownloadParameters, SpanParameters),
    responses((status = 200, body = String, content_type = "application/octet-stream"), Failures))]
async fn stream_logs_by_url(
    state: State<App>,
    caller: Caller,
    listing: Listing,
    stream: StreamPlace,
) -> Answer<Response> {
    stream_logs(state, caller, listing, stream, Body(Map::new())).await
}

async fn streamed(
    app: &App,
    caller: &Caller,
    (place, filter): (Place, LogFilter),
    (listing, body): (&Listing, &Map<String, Value>),
    stream: StreamPlace,
) -> Answer<Response> {
    let format = format(listing, body)?;
    let sort = filters::sort(listing, body)?;
    let name = exports::file_name(app, place, members::text(body, "name")?.as_deref(), format);
    let include_fields = include_fields(listing, body);
    let rows =
        exports::stream(app, caller.actor(), place, StreamRequest { filter, sort, include_fields, format }).await?;
    Ok((file_headers(&name, format), stream.hold(ReplyBody::from_stream(rows))).into_response())
}

/// Type and name of a file that is saved, not shown.
fn file_headers(name: &str, format: ExportFormat) -> [(HeaderName, String); 3] {
    let kind = match format {
        ExportFormat::Csv => "text/csv; charset=utf-8",
        ExportFormat::Jsonl => "application/x-ndjson",
    };
    [
        (header::CONTENT_TYPE, kind.to_owned()),
        (header::CONTENT_DISPOSITION, disposition(name)),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff".to_owned()),
    ]
}

/// `Content-Disposition` with the name in ASCII, and in full by RFC 5987.
fn disposition(name: &str) -> String {
    let plain = |letter: char| letter.is_ascii_alphanumeric() || matches!(letter, '.' | '-' | '_');
    let ascii: String = name.chars().map(|letter| if plain(letter) || letter == ' ' { letter } else { '_' }).collect();
    let mut full = String::new();
    for byte in name.bytes() {
        if plain(char::from(byte)) {
            full.push(char::from(byte));
        } else {
            // Writing to a string cannot fail.
            write!(full, "%{byte:02X}").ok();
        }
    }
    format!("attachment; filename=\"{ascii}\"; filename*=UTF-8''{full}")
}

#[cfg(test)]
mod tests {
    use super::disposition;

    #[test]
    fn the_file_name_cannot_break_out_of_the_header() {
        assert_eq!(
            disposition("gold \"ä\"\r\n.csv"),
            "attachment; filename=\"gold _____.csv\"; filename*=UTF-8''gold%20%22%C3%A4%22%0D%0A.csv"
        );
    }
}
