//! Parsing at the edge: bodies, query strings and path parameters become values that cannot be wrong.
//!
//! Every rejection is a `Failure` that names the member at fault.

use crate::http::body_memory::Taken;
use crate::http::error::Failure;
use axum::body::HttpBody as _;
use axum::extract::{FromRequest, FromRequestParts, Path, Request};
use axum::http::{StatusCode, request::Parts};
use evalset_model::ids::{DatasetId, LogId, OrganizationId};
use evalset_model::log::ingest::{self, NoBody};
use evalset_model::scalar::type_name;
use evalset_model::{Error, json};
use evalset_product::app::App;
use http_body_util::BodyExt as _;
use serde_json::{Map, Value};
use std::time::Duration;

/// A JSON object body; a missing or empty body is `{}` (contract A.2).
pub struct Body(pub Map<String, Value>);

impl FromRequest<App> for Body {
    type Rejection = Failure;

    async fn from_request(request: Request, app: &App) -> Result<Self, Failure> {
        match read_json(request, app).await? {
            None => Ok(Self(Map::new())),
            Some(Value::Object(map)) => Ok(Self(map)),
            Some(other) => Err(no_object(type_name(&other))),
        }
    }
}

/// The body of a row or a request log, as text with its members found; a missing or empty body is `{}`.
pub struct LogBody(pub ingest::Body);

impl FromRequest<App> for LogBody {
    type Rejection = Failure;

    async fn from_request(request: Request, app: &App) -> Result<Self, Failure> {
        let mut read = read_one(request, app).await?;
        if read.is_blank() {
            read.bytes = b"{}".to_vec();
        }
        let limits = app.limits.clone();
        let read = beside(read.bytes.len(), move || ingest::Body::read(&read.whole().bytes, &limits)).await?;
        read.map(Self).map_err(|refused| match refused {
            NoBody::TooLarge(error) => error.into(),
            NoBody::NoJson(error) => not_json(&error),
            NoBody::NoObject(what) => no_object(what),
        })
    }
}

fn no_object(what: &str) -> Failure {
    Error::Invalid { field: None, message: format!("the body must be a JSON object, got {what}") }.into()
}

/// Bodies larger than this are parsed off the async threads.
const PARSE_INLINE_BYTES: usize = 64 * 1024;

/// A body that carries one row may have this many bytes around it.
const AROUND_A_ROW_BYTES: usize = 1024 * 1024;

/// Reads and parses a JSON body that holds one thing other than a row; `None` when it is empty. Values take many times
/// the memory of their text, so their number is bounded.
async fn read_json(request: Request, app: &App) -> Result<Option<Value>, Failure> {
    let read = read_one(request, app).await?;
    if read.is_blank() {
        return Ok(None);
    }
    let most = app.limits.body_values;
    // Fewer bytes cannot hold more values.
    if read.bytes.len() > most && json::values_in(&read.bytes) > most {
        let message =
            format!("the body is made of more than {most} values (`limits.body_values`); send less in one call");
        return Err(Error::TooLarge(message).into());
    }
    let parsed = beside(read.bytes.len(), move || serde_json::from_slice(&read.whole().bytes)).await?;
    parsed.map(Some).map_err(|error| not_json(&error))
}

/// Reads a body that holds one thing, hence is hardly larger than a row may be.
async fn read_one(request: Request, app: &App) -> Result<Sent, Failure> {
    let row = app.limits.max_row_bytes.saturating_add(AROUND_A_ROW_BYTES);
    let (limit, name) = match app.limits.max_body_bytes {
        body if body <= row => (body, "max_body_bytes"),
        _ => (row, "max_row_bytes"),
    };
    read_bytes(request, app, limit, name).await
}

/// Does what takes as long as so many bytes say.
async fn beside<T: Send + 'static>(bytes: usize, work: impl FnOnce() -> T + Send + 'static) -> Result<T, Failure> {
    if bytes <= PARSE_INLINE_BYTES {
        return Ok(work());
    }
    Ok(tokio::task::spawn_blocking(work).await.map_err(Error::internal)?)
}

/// 400 for a body that is no JSON.
pub fn not_json(error: &serde_json::Error) -> Failure {
    Error::Invalid { field: None, message: format!("the body is not valid JSON: {error}") }.into()
}

/// A body that was read. Its memory counts until it is dropped.
pub struct Sent {
    /// The bytes.
    pub bytes: Vec<u8>,
    _taken: Option<Taken>,
}

impl Sent {
    /// All of it. A closure that asks for the bytes alone would leave behind what counts their memory.
    pub fn whole(&self) -> &Self {
        self
    }

    /// Whether there is nothing but white space.
    pub fn is_blank(&self) -> bool {
        self.bytes.iter().all(u8::is_ascii_whitespace)
    }
}

/// Reads a body of at most `limit` bytes; `name` is the limit's, for the error. Memory for it is taken first; a client
/// that sends nothing for too long is given up.
pub async fn read_bytes(request: Request, app: &App, limit: usize, name: &str) -> Result<Sent, Failure> {
    let too_large =
        || Error::TooLarge(format!("the body is larger than {limit} bytes (`limits.{name}`); send less in one call"));
    let declared = request.headers().get(axum::http::header::CONTENT_LENGTH);
    let declared = declared.and_then(|value| value.to_str().ok()?.parse::<usize>().ok());
    if declared.is_some_and(|length| length > limit) {
        return Err(too_large().into());
    }
    let (parts, mut body) = request.into_parts();
    let taken = parts.extensions.get::<Taken>().cloned();
    if let (Some(taken), Some(organization), false) =
        (&taken, parts.extensions.get::<OrganizationId>(), body.is_end_stream())
    {
        taken.begin(*organization, declared.unwrap_or_default())?;
    }
    let mut bytes = Vec::with_capacity(declared.unwrap_or_default());
    let pause = Duration::from_secs(app.limits.body_pause_seconds);
    loop {
        let Ok(frame) = tokio::time::timeout(pause, body.frame()).await else {
            let message =
                format!("nothing more of the body came for {} s (`limits.body_pause_seconds`)", pause.as_secs());
            return Err(Failure::status(StatusCode::REQUEST_TIMEOUT, &message));
        };
        let Some(frame) = frame else { return Ok(Sent { bytes, _taken: taken }) };
        let frame =
            frame.map_err(|_| Failure::status(StatusCode::BAD_REQUEST, "the body ended before it was complete"))?;
        let Some(more) = frame.data_ref() else { continue };
        if bytes.len() + more.len() > limit {
            return Err(too_large().into());
        }
        if let (Some(taken), None) = (&taken, declared) {
            taken.take(more.len())?;
        }
        bytes.extend_from_slice(more);
    }
}

/// The decoded query string, in order.
#[derive(Clone, Debug, Default)]
pub struct Query(pub Vec<(String, String)>);

impl Query {
    /// The last value of a parameter.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.0.iter().rev().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }
}

impl<S: Send + Sync> FromRequestParts<S> for Query {
    type Rejection = Failure;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Failure> {
        axum::extract::Query::<Vec<(String, String)>>::try_from_uri(&parts.uri)
            .map(|query| Self(query.0))
            .map_err(|_| Failure::status(StatusCode::BAD_REQUEST, "the query string cannot be decoded"))
    }
}

/// The dataset position of a path: a dataset, or the literal `_saved_logs` (contract B.21).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DatasetRef {
    /// A dataset's id. Whether it exists is not known yet.
    Id(DatasetId),
    /// The virtual collection.
    SavedLogs,
}

impl std::str::FromStr for DatasetRef {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        match text {
            "_saved_logs" => Ok(Self::SavedLogs),
            // A text that is no id names nothing: 404, as for an unknown id.
            other => other.parse().map(Self::Id).map_err(|_| Error::not_found()),
        }
    }
}

/// `{dataset_id}` of a path.
pub struct DatasetPath(pub DatasetRef);

impl<S: Send + Sync> FromRequestParts<S> for DatasetPath {
    type Rejection = Failure;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Failure> {
        let Path(text) = Path::<String>::from_request_parts(parts, state).await.map_err(|_| Error::not_found())?;
        Ok(Self(text.parse()?))
    }
}

/// `{dataset_id}/logs/{unique_id}` of a path.
pub struct RowPath(pub DatasetRef, pub LogId);

impl<S: Send + Sync> FromRequestParts<S> for RowPath {
    type Rejection = Failure;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Failure> {
        let Path((dataset, row)) =
            Path::<(String, String)>::from_request_parts(parts, state).await.map_err(|_| Error::not_found())?;
        Ok(Self(dataset.parse()?, LogId(row)))
    }
}

/// A single `{…}` of a path as an id of type `T`; a text that is no id is 404.
pub struct IdPath<T>(pub T);

impl<S: Send + Sync, T: std::str::FromStr> FromRequestParts<S> for IdPath<T> {
    type Rejection = Failure;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Failure> {
        let Path(text) = Path::<String>::from_request_parts(parts, state).await.map_err(|_| Error::not_found())?;
        text.parse().map(Self).map_err(|_| Error::not_found().into())
    }
}

/// `{evaluator_id}/versions/{version}` of a path, as they are.
pub struct VersionPath(pub String, pub String);

impl<S: Send + Sync> FromRequestParts<S> for VersionPath {
    type Rejection = Failure;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Failure> {
        let Path((evaluator, version)) =
            Path::<(String, String)>::from_request_parts(parts, state).await.map_err(|_| Error::not_found())?;
        Ok(Self(evaluator, version))
    }
}
