//! Small replies that several routes share.

use serde::Serialize;
use serde_json::{Map, Value};
use utoipa::ToSchema;

/// Acknowledgement of work that goes on in the background.
#[derive(Debug, Serialize, ToSchema)]
pub struct Acknowledged {
    /// What happens now.
    pub message: String,
    /// More members: `job_id`, `status_url`, and those of the route.
    #[serde(flatten)]
    #[schema(value_type = Object)]
    pub extra: Map<String, Value>,
}

/// A bad item of a bulk call.
#[derive(Debug, Serialize, ToSchema)]
pub struct ItemError {
    /// Position in the request, from 0.
    pub index: usize,
    /// What is wrong with it.
    pub error: String,
}

/// Result of a bulk call (contract B.14, T14).
#[derive(Debug, Serialize, ToSchema)]
pub struct BulkResult {
    /// Items stored.
    pub success_count: usize,
    /// Items refused.
    pub error_count: usize,
    /// Same as `error_count`; older clients need it.
    pub total_errors: usize,
    /// The refused items.
    pub errors: Vec<ItemError>,
    /// Id of each item in the order sent, null where it was refused.
    pub unique_ids: Vec<Option<String>>,
}
