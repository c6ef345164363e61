//! Bulk calls: the shape of the request and of the reply (contract B.14, E.2). Knows no noun.

use crate::http::error::{Answer, Failure};
use crate::http::members::present;
use crate::wire::reply::{BulkResult, ItemError};
use axum::Json;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use evalset_model::ids::LogId;
use evalset_model::{Error, Result};
use serde_json::{Map, Value};

/// Takes `logs` out of the body: an array of 1 to `limit` items, else 422.
pub fn items(body: &mut Map<String, Value>, limit: usize, limit_name: &str) -> Result<Vec<Value>> {
    let wrong = |message: String| Err(Error::unprocessable("logs", message));
    if present(body, "logs").is_none() {
        return wrong("`logs` is required: an array of items".to_owned());
    }
    match body.remove("logs") {
        Some(Value::Array(items)) if items.is_empty() => wrong("`logs` must not be empty".to_owned()),
        Some(Value::Array(items)) if items.len() > limit => {
            wrong(format!("`logs` holds {} items; at most {limit} are allowed (`limits.{limit_name}`)", items.len()))
        }
        Some(Value::Array(items)) => Ok(items),
        _ => wrong("`logs` must be an array".to_owned()),
    }
}

impl BulkResult {
    /// Counts and errors of the items, in the order sent.
    pub fn new(results: Vec<Result<LogId>>) -> Self {
        let (mut errors, mut unique_ids) = (Vec::new(), Vec::with_capacity(results.len()));
        for (index, result) in results.into_iter().enumerate() {
            match result {
                Ok(id) => unique_ids.push(Some(id.0)),
                Err(error) => {
                    errors.push(ItemError { index, error: error.to_string() });
                    unique_ids.push(None);
                }
            }
        }
        let error_count = errors.len();
        let success_count = unique_ids.len() - error_count;
        Self { success_count, error_count, total_errors: error_count, errors, unique_ids }
    }
}

/// 201 when at least one item went in, else 400 with the same members.
pub fn reply(result: BulkResult) -> Answer<Response> {
    if result.success_count > 0 {
        return Ok((StatusCode::CREATED, Json(result)).into_response());
    }
    let first = result.errors.first().map_or_else(String::new, |first| format!(": {}", first.error));
    let error = Error::Invalid { field: None, message: format!("every item was refused; the first{first}") };
    let members = serde_json::to_value(result).map_err(Error::internal)?;
    Err(Failure::from(error).with(members.as_object().cloned().unwrap_or_default()))
}
