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
    what: What,
    /// Members added to the body, such as the counts of a bulk call that failed whole.
    extra: Map<String, Value>,
}

#[derive(Debug)]
enum What {
    /// Of the product.
    Error(Error),
    /// Of HTTP itself: nothing that the product knows.
    Status(StatusCode, String),
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

    /// A status of HTTP itself with a text.
    pub fn status(status: StatusCode, message: &str) -> Self {
        Self::new(What::Status(status, message.to_owned()))
    }

    fn new(what: What) -> Self {
        Self(Box::new(Cause { what, extra: Map::new() }))
    }
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        Self::new(What::Error(error))
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
        let Cause { what, extra } = *self.0;
        let request_id = REQUEST_ID.try_with(Clone::clone).unwrap_or_default();
        let (status, detail, error) = match what {
            What::Status(status, text) => (status, text, None),
            What::Error(error) => (status_of(&error), shown(&error, &request_id), Some(error)),
        };
        let mut body = extra;
        body.insert("detail".into(), detail.as_str().into());
        body.insert("error".into(), detail.into());
        if status == StatusCode::INTERNAL_SERVER_ERROR {
            body.insert("error_code".into(), "internal_error".into());
        }
        if let Some(error) = &error {
            insert_fields(error, &mut body);
        }
        let retry_after = error.as_ref().and_then(retry_after);
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

/// The text of an error that a caller may see.
fn shown(error: &Error, request_id: &str) -> String {
    if status_of(error) != StatusCode::INTERNAL_SERVER_ERROR {
        return error.to_string();
    }
    tracing::error!(request_id, cause = %error, "internal error");
    "Internal server error. The server's log has the cause under this request id.".to_owned()
}

/// Names the member at fault twice: by itself, and under `errors`. What is in the body already stays.
fn insert_fields(error: &Error, body: &mut Map<String, Value>) {
    let fields = error.by_field();
    for (field, messages) in &fields {
        if !body.contains_key(field) {
            body.insert(field.clone(), messages.clone().into());
        }
    }
    if !fields.is_empty() && !body.contains_key("errors") {
        body.insert("errors".into(), fields.into_iter().map(|(k, v)| (k, Value::from(v))).collect());
    }
}

/// Seconds after which a retry may succeed, where the error says so.
fn retry_after(error: &Error) -> Option<u64> {
    match error {
        Error::Busy { retry_after, .. }
        | Error::TooMany { retry_after, .. }
        | Error::Unavailable { retry_after, .. } => Some((*retry_after).max(1)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::Failure;
    use axum::http::header::RETRY_AFTER;
    use axum::response::IntoResponse;
    use evalset_model::Error;

    #[test]
    fn what_the_caller_can_do_decides_the_status() {
        let text = || "why".to_owned();
        for (error, status, seconds) in [
            (Error::Forbidden(text()), 403, None),
            (Error::Conflict(text()), 409, None),
            (Error::TooMany { message: text(), retry_after: 7 }, 429, Some("7")),
            (Error::Unavailable { message: text(), retry_after: 0 }, 503, Some("1")),
            (Error::Busy { message: text(), retry_after: 2 }, 503, Some("2")),
            (Error::internal("secret"), 500, None),
        ] {
            let response = Failure::from(error).into_response();
            assert_eq!(response.status().as_u16(), status);
            assert_eq!(response.headers().get(RETRY_AFTER).map(|value| value.to_str().unwrap()), seconds, "{status}");
        }
    }
}
