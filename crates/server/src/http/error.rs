//! Errors → HTTP: the one mapping of statuses and the bodies of contract A.4.
//!
//! An internal cause is logged here once, with the request id, and never sent.

use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use evalset_model::Error;
use serde_json::{Map, Value};

tokio::task_local! {
    /// Id of the request being answered.
    pub static REQUEST_ID: String;
}

/// Result of a handler.
pub type Answer<T> = Result<T, Failure>;

/// An error on its way to the caller. Boxed: answers are moved often, errors made seldom.
#[derive(Debug)]
pub struct Failure(Box<Cause>);

#[derive(Debug)]
struct Cause {
    error: Error,
    /// Members added to the body, such as the counts of a bulk call that failed whole.
    extra: Map<String, Value>,
    status: Option<StatusCode>,
}

impl Failure {
    /// The same error with more members in its body.
    #[must_use]
    pub fn with(mut self, extra: Map<String, Value>) -> Self {
        self.0.extra = extra;
        self
    }

    /// 401 (contract A.3).
    pub fn unauthorized(message: &str) -> Self {
        Self::status(StatusCode::UNAUTHORIZED, message)
    }

    /// Any other status with a text.
    pub fn status(status: StatusCode, message: &str) -> Self {
        Self::new(Error::NotFound(message.to_owned()), Some(status))
    }

    fn new(error: Error, status: Option<StatusCode>) -> Self {
        Self(Box::new(Cause { error, extra: Map::new(), status }))
    }
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        Self::new(error, None)
    }
}

/// The status of an error.
pub fn status_of(error: &Error) -> StatusCode {
    match error {
        Error::NotFound(_) => StatusCode::NOT_FOUND,
        Error::Invalid { .. } => StatusCode::BAD_REQUEST,
        Error::Unprocessable { .. } => StatusCode::UNPROCESSABLE_ENTITY,
        Error::Conflict(_) => StatusCode::CONFLICT,
        Error::ReadOnly(_) | Error::Forbidden(_) => StatusCode::FORBIDDEN,
        Error::TooLarge(_) => StatusCode::PAYLOAD_TOO_LARGE,
        Error::Busy { .. } | Error::Unavailable { .. } => StatusCode::SERVICE_UNAVAILABLE,
        Error::TooMany { .. } => StatusCode::TOO_MANY_REQUESTS,
        Error::StorageFull(_) => StatusCode::INSUFFICIENT_STORAGE,
        _ => StatusCode::INTERNAL_SERVER_ERROR,
    }
}

impl IntoResponse for Failure {
    fn into_response(self) -> Response {
        let Cause { error, extra, status } = *self.0;
        let status = status.unwrap_or_else(|| status_of(&error));
        let request_id = REQUEST_ID.try_with(Clone::clone).unwrap_or_default();
        let detail = if status == StatusCode::INTERNAL_SERVER_ERROR {
            tracing::error!(request_id, cause = %error, "internal error");
            "Internal server error. The server's log has the cause under this request id.".to_owned()
        } else {
            error.to_string()
        };
        let mut body = extra;
        body.insert("detail".into(), detail.as_str().into());
        body.insert("error".into(), detail.into());
        if status == StatusCode::INTERNAL_SERVER_ERROR {
            body.insert("error_code".into(), "internal_error".into());
        }
        let fields = error.by_field();
        for (field, messages) in &fields {
            if !body.contains_key(field) {
                body.insert(field.clone(), messages.clone().into());
            }
        }
        if !fields.is_empty() && !body.contains_key("errors") {
            body.insert("errors".into(), fields.into_iter().map(|(k, v)| (k, Value::from(v))).collect());
        }
        let retry_after = match &error {
            Error::Busy { retry_after, .. }
            | Error::TooMany { retry_after, .. }
            | Error::Unavailable { retry_after, .. } => Some((*retry_after).max(1)),
            _ => None,
        };
        if let Some(seconds) = retry_after {
            body.insert("retry_after".into(), seconds.into());
        }
        body.insert("request_id".into(), request_id.into());
        let mut response = (status, axum::Json(Value::Object(body))).into_response();
        if let Some(seconds) = retry_after {
            response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(seconds));
        }
        response
    }
}
