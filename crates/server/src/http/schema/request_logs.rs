//! Request logs: which are read, how they are grouped, what can be changed. Knows nothing of how they are read.

use serde_json::Value;
use utoipa::{IntoParams, ToSchema};

/// Which request logs a list reads.
#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
pub struct SpanParameters {
    /// Logs from here on, inclusive; an hour before the end by default.
    start_time: Option<String>,
    /// Logs up to here, inclusive; now by default.
    end_time: Option<String>,
    /// `prod` or `test`; both by default.
    environment: Option<String>,
    /// Kind of call.
    log_type: Option<String>,
}

/// How request logs are grouped.
#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
pub struct GroupParameters {
    /// `model`, `provider_id`, `organization_key_id`, `prompt_id`, `deployment_id`, `deployment_name`,
    /// `custom_identifier`, `customer_identifier`, `trace` or `thread`.
    group_by: String,
}

/// Annotation of a request log.
#[derive(ToSchema)]
#[schema(example = json!({"note": "wrong date", "positive_feedback": false}))]
pub struct SpanPatchBody {
    /// Pinned.
    is_pinned: Option<bool>,
    /// Thumbs up or down; null clears.
    positive_feedback: Option<bool>,
    /// Free note.
    note: Option<String>,
    /// Merged into the metadata.
    #[schema(value_type = Option<Object>)]
    metadata: Option<Value>,
}
