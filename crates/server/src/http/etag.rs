//! Answers with a tag that changes with their content, for callers who keep what they read: with `If-None-Match` they
//! get 304 and no body while nothing has changed. Knows no noun.

use crate::http::error::Answer;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use evalset_model::Error;
use serde::Serialize;
use xxhash_rust::xxh3::xxh3_64;

/// `value` as JSON, unless the caller has it already. The tag is a weak one, since the bytes may go out compressed.
pub fn json(asked: &HeaderMap, value: &impl Serialize) -> Answer<Response> {
    let body = serde_json::to_vec(value).map_err(Error::internal)?;
    let tag = format!("W/\"{:016x}\"", xxh3_64(&body));
    let header = HeaderValue::from_str(&tag).map_err(Error::internal)?;
    if has(asked, &tag) {
        return Ok((StatusCode::NOT_MODIFIED, [(header::ETAG, header)]).into_response());
    }
    let json = HeaderValue::from_static("application/json");
    Ok(([(header::CONTENT_TYPE, json), (header::ETAG, header)], body).into_response())
}

/// Whether the caller names this tag, weak or not, or any.
fn has(asked: &HeaderMap, tag: &str) -> bool {
    let named = asked.get_all(header::IF_NONE_MATCH).iter().filter_map(|value| value.to_str().ok());
    let bare = |tag: &str| tag.trim().trim_start_matches("W/").to_owned();
    named.flat_map(|list| list.split(',')).any(|name| name.trim() == "*" || bare(name) == bare(tag))
}
