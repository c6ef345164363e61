//! Parsing at the edge: bodies, query strings and path parameters become values that cannot be wrong.
//!
//! Every rejection is a `Failure` that names the member at fault.

use crate::http::error::Failure;
use axum::body::Bytes;
use axum::extract::{FromRequest, FromRequestParts, Path, Request};
use axum::http::{StatusCode, request::Parts};
use evalset_model::Error;
use evalset_model::ids::{DatasetId, LogId};
use evalset_model::scalar::type_name;
use evalset_product::app::App;
use serde_json::{Map, Value};

/// A JSON object body; a missing or empty body is `{}` (contract A.2).
pub struct Body(pub Map<String, Value>);

impl FromRequest<App> for Body {
    type Rejection = Failure;

    async fn from_request(request: Request, app: &App) -> Result<Self, Failure> {
        match read_json(request, app).await? {
            None => Ok(Self(Map::new())),
            Some(Value::Object(map)) => Ok(Self(map)),
            Some(other) => Err(Error::Invalid {
                field: None,
                message: format!("the body must be a JSON object, got {}", type_name(&other)),
            }
            .into()),
        }
    }
}

/// Bodies larger than this are parsed off the async threads.
const PARSE_INLINE_BYTES: usize = 64 * 1024;

/// A body that carries one row may have this many bytes around it.
const AROUND_A_ROW_BYTES: usize = 1024 * 1024;

/// Reads and parses a JSON body that holds one thing, hence is hardly larger than a row may be; `None` when it is empty.
/// Parsed JSON takes many times the memory of its text, so only bulk bodies, which are read item by item, may be larger.
async fn read_json(request: Request, app: &App) -> Result<Option<Value>, Failure> {
    let row = app.limits.max_row_bytes.saturating_add(AROUND_A_ROW_BYTES);
    let (limit, name) = match app.limits.max_body_bytes {
        body if body <= row => (body, "max_body_bytes"),
        _ => (row, "max_row_bytes"),
    };
    let bytes = read_bytes(request, limit, name).await?;
    if bytes.iter().all(u8::is_ascii_whitespace) {
        return Ok(None);
    }
    let parsed = if bytes.len() <= PARSE_INLINE_BYTES {
        serde_json::from_slice(&bytes)
    } else {
        tokio::task::spawn_blocking(move || serde_json::from_slice(&bytes)).await.map_err(Error::internal)?
    };
    parsed.map(Some).map_err(|error| not_json(&error))
}

/// 400 for a body that is no JSON.
pub fn not_json(error: &serde_json::Error) -> Failure {
    Error::Invalid { field: None, message: format!("the body is not valid JSON: {error}") }.into()
}

/// Reads a body of at most `limit` bytes; `name` is the limit's, for the error.
pub async fn read_bytes(request: Request, limit: usize, name: &str) -> Result<Bytes, Failure> {
    let too_large =
        || Error::TooLarge(format!("the body is larger than {limit} bytes (`limits.{name}`); send less in one call"));
    let declared = request.headers().get(axum::http::header::CONTENT_LENGTH);
    if declared.and_then(|value| value.to_str().ok()?.parse::<usize>().ok()).is_some_and(|length| length > limit) {
        return Err(too_large().into());
    }
    axum::body::to_bytes(request.into_body(), limit).await.map_err(|error| {
        let mut cause: Option<&dyn std::error::Error> = Some(&error);
        while let Some(inner) = cause {
            if inner.is::<http_body_util::LengthLimitError>() {
                return too_large().into();
            }
            cause = inner.source();
        }
        Failure::status(StatusCode::BAD_REQUEST, "the body ended before it was complete")
    })
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
