//! Shapes of requests, for the OpenAPI document only: bodies are read member by member, so that errors can name them.
#![expect(dead_code, reason = "the fields are read by the derive macros that document them, never by code")]

use serde_json::Value;
use utoipa::{IntoParams, ToSchema};

/// Paging and order of a list.
#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
pub struct PageParameters {
    /// Page, from 1.
    #[param(minimum = 1)]
    page: Option<u64>,
    /// Rows a page; larger values are clamped to the maximum.
    page_size: Option<u64>,
    /// Field to order by, `-` before it for falling order. Nulls come last either way.
    sort_by: Option<String>,
    /// `true` fills `filters_data` with the fields and operators a filter may use.
    fetch_filters: Option<bool>,
}

/// Paging of a list with a fixed order.
#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
pub struct PagingParameters {
    /// Page, from 1.
    #[param(minimum = 1)]
    page: Option<u64>,
    /// Rows a page; larger values are clamped to the maximum.
    page_size: Option<u64>,
}

/// Form and order of a download.
#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
pub struct DownloadParameters {
    /// `.csv` (default) or `.jsonl`.
    export_format: Option<String>,
    /// Field to order by, `-` before it for falling order. Nulls come last either way.
    sort_by: Option<String>,
    /// Comma-separated fields to write; all when absent.
    include_fields: Option<String>,
}

/// What of each row to send.
#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
pub struct RowParameters {
    /// Comma-separated fields; rows then hold these and `id`, `unique_id`. All fields when absent.
    include_fields: Option<String>,
}

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
    /// `model`, `provider_id`, `organization_key_id`, `prompt_id`, `deployment_id`, `deployment_name`, `custom_identifier`,
    /// `customer_identifier`, `trace` or `thread`.
    group_by: String,
}

/// A filter by field: `{"model": {"operator": "eq", "value": "gpt-4o"}}`. Conditions, arrays of them and bundles
/// (`{"connector": "OR", "filter_params": {…}}`) nest; unknown names are metadata keys. See `docs/filters.md`.
#[derive(ToSchema)]
#[schema(example = json!({"filters": {"metadata__tier": {"operator": "in", "value": ["gold", "pro"]}, "latency": {"operator": "gt", "value": 2}}}))]
pub struct FilterBody {
    /// Conditions by field, or an array of `{field, operator, value}`.
    filters: Option<Value>,
    /// `AND` (default) or `OR`: joins all entries.
    operator: Option<String>,
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

/// A dataset to create. With `is_empty: true`, or nothing but a name, it starts empty; else matching request logs are copied in
/// by a job.
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

/// Who wants a row to annotate, and which.
#[derive(ToSchema)]
#[schema(example = json!({"annotator": "ann@example.com", "lease_seconds": 900, "filters": {"status": "error"}, "sort_by": "-cost"}))]
pub struct NextRowBody {
    /// E-mail address or name that tells people apart; the name of the API key by default.
    annotator: Option<String>,
    /// The row is theirs for this long; `limits.annotation_lease_seconds` (900) by default.
    lease_seconds: Option<u32>,
    /// Conditions by field, or an array of `{field, operator, value}`.
    filters: Option<Value>,
    /// `AND` (default) or `OR`: joins all entries.
    operator: Option<String>,
    /// Field to order by, `-` before it for falling order; `-timestamp` by default.
    sort_by: Option<String>,
    /// Pass over the row they hold, and hand out another.
    skip: Option<bool>,
}

/// A row and who annotates it.
#[derive(ToSchema)]
#[schema(example = json!({"unique_id": "0198c0de0000700080000000000000aa", "annotator": "ann@example.com"}))]
pub struct AnnotatedRowBody {
    /// The row.
    unique_id: String,
    /// E-mail address or name; the name of the API key by default.
    annotator: Option<String>,
}

/// Where LLM evaluators ask their models: any endpoint that speaks OpenAI's chat completions.
#[derive(ToSchema)]
#[schema(example = json!({"base_url": "https://api.openai.com/v1", "api_key": "sk-…", "default_model": "gpt-4o-mini",
    "prices": {"gpt-4o-mini": {"input_per_million": 0.15, "output_per_million": 0.6}}, "requests_per_minute": 500}))]
pub struct ProviderBody {
    /// `http://` or `https://` address that `/chat/completions` is appended to.
    base_url: Option<String>,
    /// Key of the endpoint. Never shown again. Absent keeps the stored one, which a new `base_url` does not allow; null: none.
    #[schema(write_only)]
    api_key: Option<String>,
    /// Model for evaluators that name none.
    default_model: Option<String>,
    /// Model → USD per million tokens. Models that are not listed cost nothing here.
    #[schema(value_type = Option<Object>)]
    prices: Option<Value>,
    /// Requests begun in any minute, from 1; null: no limit.
    requests_per_minute: Option<u32>,
    /// Tokens used in any minute, from 1; null: no limit.
    tokens_per_minute: Option<u64>,
    /// Requests at work at once, 1 to `limits.provider_concurrency`; 8 by default.
    concurrency: Option<u32>,
    /// Time for one request, 1 to `limits.provider_timeout_seconds`; 60 by default.
    timeout_seconds: Option<u32>,
    /// Tries of one request, 1 to `limits.provider_attempts`; 5 by default.
    attempts: Option<u32>,
}

/// Several items, each handled on its own.
#[derive(ToSchema)]
#[schema(example = json!({"logs": [{"input": "Where is my refund?", "output": "On its way.", "metadata": {"tier": "gold"}}]}))]
pub struct BulkBody {
    /// The items.
    #[schema(value_type = Vec<Object>)]
    logs: Vec<Value>,
}

/// Request logs to copy into a dataset. One of granularity `traces` gets a row for each trace: its root span with the trace's
/// totals.
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
