//! Datasets, their rows, and what fills or empties them. Knows nothing of how they are read.

use serde_json::Value;
use utoipa::ToSchema;

/// A dataset to create. With `is_empty: true`, or nothing but a name, it starts empty; else matching request logs are
/// copied in by a job.
#[derive(ToSchema)]
#[schema(example = json!({"name": "Failures", "sampling": 50, "initial_log_filters": {"status_code": {"operator": "gte", "value": 400}}}))]
pub struct NewDatasetBody {
    /// Required unless `source_dataset_id` is given.
    name: Option<String>,
    /// Free text.
    description: Option<String>,
    /// No import: times, sampling and filters are ignored.
    is_empty: Option<bool>,
    /// Source window, inclusive.
    start_time: Option<String>,
    /// Source window, inclusive.
    end_time: Option<String>,
    /// Percent of matching logs, 1 to 100; 100 by default.
    sampling: Option<f64>,
    /// Filters over request logs, or over traces when that is the granularity.
    initial_log_filters: Option<Value>,
    /// Copy this dataset instead.
    source_dataset_id: Option<String>,
    /// `logs` (default) or `traces`; fixed.
    granularity: Option<String>,
    /// Echoed, no effect; `sampling` by default.
    r#type: Option<String>,
}

/// Changes of a dataset; absent members stay.
#[derive(ToSchema)]
#[schema(example = json!({"name": "Failures of May", "starred": true, "tags": ["triage"]}))]
pub struct DatasetPatchBody {
    /// New name, not empty.
    name: Option<String>,
    /// New description.
    description: Option<String>,
    /// New star.
    starred: Option<bool>,
    /// The whole new set of tag ids.
    tags: Option<Vec<String>>,
}

/// Body of a row list; with `is_exporting` it starts an export instead.
#[derive(ToSchema)]
#[schema(example = json!({"filters": {"status_code": {"operator": "gte", "value": 400}}}))]
pub struct RowListBody {
    /// Conditions by field, or an array of `{field, operator, value}`.
    filters: Option<Value>,
    /// Start an export job instead of listing.
    is_exporting: Option<bool>,
    /// `.csv` (default) or `.jsonl`.
    export_format: Option<String>,
    /// File name of the export.
    name: Option<String>,
}

/// Changes of a row (PATCH: absent members stay; PUT: absent content is removed).
#[derive(ToSchema)]
#[schema(example = json!({"expected_output": "An apology and a date.", "annotation_status": "completed"}))]
pub struct RowPatchBody {
    /// New input.
    input: Option<Value>,
    /// New output.
    output: Option<Value>,
    /// New target.
    expected_output: Option<Value>,
    /// Merged into the metadata; null removes a key.
    #[schema(value_type = Option<Object>)]
    metadata: Option<Value>,
    /// `pending`, `in_progress` or `completed`; completing sets who and when, anything else clears them.
    annotation_status: Option<String>,
    /// Who completed it: an e-mail address, or an object with `email`; the address is kept. Nobody by default.
    annotation_completed_by: Option<Value>,
}

/// Request logs to copy into a dataset. One of granularity `traces` gets a row for each trace: its root span with the
/// trace's totals.
#[derive(ToSchema)]
#[schema(example = json!({"start_time": "2026-01-01T00:00:00Z", "end_time": "2026-02-01T00:00:00Z", "filters": {"status_code": 500}, "sampling_percentage": 25}))]
pub struct ImportBody {
    /// Window on the `timestamp` of logs or root spans, inclusive.
    start_time: String,
    /// Window on the `timestamp` of logs or root spans, inclusive.
    end_time: String,
    /// Filters over request logs, or over traces (`span_count`, `error_count`, `total_cost`, `duration`, …).
    filters: Option<Value>,
    /// Percent of matching logs, 1 to 100; 100 by default.
    sampling_percentage: Option<f64>,
}

/// Rows to remove: matching `filters`, or all.
#[derive(ToSchema)]
#[schema(example = json!({"filters": {"metadata__tier": "free"}}))]
pub struct RemoveBody {
    /// All rows, when no filters are given.
    is_deleting_all_logs: Option<bool>,
    /// Filters over rows; unknown fields are refused here.
    filters: Option<Value>,
    /// Only rows whose `timestamp` is this or later.
    start_time: Option<String>,
    /// Only rows whose `timestamp` is this or earlier.
    end_time: Option<String>,
}
