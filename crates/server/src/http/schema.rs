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

/// A score on a log or row. `evaluator_id` or `evaluator_slug` says whose; a slug that no evaluator has is a custom one. The value
/// stands in the member of the evaluator's type.
#[derive(ToSchema)]
#[schema(example = json!({"log_id": "3f0c", "evaluator_slug": "helpfulness", "numerical_value": 4, "explanation": "Clear and short."}))]
pub struct ScoreBody {
    /// The log or row.
    log_id: Option<String>,
    /// The dataset that the row is in, or `_saved_logs`; none for a request log.
    dataset_id: Option<String>,
    /// An evaluator's id; `id:version` for one version.
    evaluator_id: Option<String>,
    /// An evaluator's slug, or a custom one.
    evaluator_slug: Option<String>,
    /// Who says it; the key's name when none.
    scorer: Option<String>,
    /// `prod` or `test`.
    environment: Option<String>,
    /// Number.
    numerical_value: Option<f64>,
    /// Yes or no.
    boolean_value: Option<bool>,
    /// Text.
    string_value: Option<String>,
    /// Names or values of choices.
    categorical_value: Option<Vec<String>>,
    /// JSON as text.
    json_value: Option<String>,
    /// Why.
    explanation: Option<String>,
    /// USD.
    cost: Option<f64>,
    /// Kept and given back.
    prompt_id: Option<String>,
    /// Kept and given back.
    prompt_version_number: Option<i64>,
    /// Kept and given back.
    automation_id: Option<String>,
    /// Time of the log; kept and given back.
    timestamp: Option<String>,
}

/// Which evaluators to run over a dataset, and over which of its rows.
#[derive(ToSchema)]
#[schema(example = json!({"evaluator_ids": ["builtin:json_valid"], "filters": {"status_code": 200}, "sampling_percentage": 25}))]
pub struct RunBody {
    /// Ids (`id:version` for one version), slugs, or `builtin:NAME` for a ready-made one.
    evaluator_ids: Vec<String>,
    /// Slugs, in place of ids.
    evaluator_slugs: Option<Vec<String>>,
    /// `auto` (default), `llm` or `code`.
    generation_method: Option<String>,
    /// Only rows that pass.
    filters: Option<Value>,
    /// Percent of those rows, chosen at random; 100 by default.
    sampling_percentage: Option<f64>,
    /// USD that each run may spend. Requests under way when it is reached are still paid.
    spending_limit: Option<f64>,
    /// Stored and given back.
    experiment_id: Option<String>,
}

/// What to evaluate: `inputs`, `log_ids` or `dataset_id`.
#[derive(ToSchema)]
#[schema(example = json!({"inputs": {"input": "What is 2 + 2?", "output": "4", "expected_output": "4"}}))]
pub struct EvaluatorRunBody {
    /// `input`, `output`, `expected_output` (any JSON), `metrics` and `metadata` (objects).
    inputs: Option<Value>,
    /// `auto` (default), `llm` or `code`.
    generation_method: Option<String>,
    /// In place of `inputs`: stored logs, whose scores are kept.
    log_ids: Option<Vec<String>>,
    /// In place of `inputs`: a dataset to run over.
    dataset_id: Option<String>,
    /// Overrides the evaluator of the path.
    evaluator_id: Option<String>,
    /// Older name of the same.
    evaluation_id: Option<String>,
}

/// How to continue a run.
#[derive(ToSchema)]
#[schema(example = json!({"spending_limit": 5}))]
pub struct ContinueBody {
    /// A new limit for the whole run, USD; the old one stays when none is given.
    spending_limit: Option<f64>,
}

/// One side of a comparison: `run`, or `dataset_id` with `evaluator`.
#[derive(ToSchema)]
pub struct CompareSide {
    /// A run's `task_id`.
    run: Option<String>,
    /// A dataset: the scores that its rows show now.
    dataset_id: Option<String>,
    /// Whose scores: an evaluator's id or slug, or a custom slug. `evaluator_id` and `evaluator_slug` say the same.
    evaluator: Option<String>,
    /// In place of `evaluator`.
    evaluator_id: Option<String>,
    /// In place of `evaluator`.
    evaluator_slug: Option<String>,
}

/// What to compare. B is better where its value is greater.
#[derive(ToSchema)]
#[schema(example = json!({"a": {"run": "0198c0de-0000-7000-8000-0000000000aa"},
    "b": {"dataset_id": "0198c0de-0000-7000-8000-0000000000bb", "evaluator": "similarity"}, "match": "custom_identifier"}))]
pub struct CompareBody {
    /// What was there before.
    a: CompareSide,
    /// What may be better.
    b: CompareSide,
    /// `unique_id` (default within one dataset) or `custom_identifier` (default otherwise): what makes two rows the same.
    r#match: Option<String>,
    /// Share of the bootstrap distribution inside an interval, between 0 and 1; 0.95 by default.
    confidence: Option<f64>,
    /// Times that the values are drawn again, 1 to `limits.comparison_resamples`; 2000 by default.
    resamples: Option<u32>,
    /// Start of the pseudo-random choices; 0 by default.
    seed: Option<u64>,
    /// Differences up to this are ties; 1e-9 by default.
    epsilon: Option<f64>,
    /// Rows that changed most to list, and cells of a table of labels, 0 to `limits.comparison_listed`; 20 by default.
    limit: Option<usize>,
}

/// New values of a score.
#[derive(ToSchema)]
#[schema(example = json!({"numerical_value": 2, "explanation": "Misses the date."}))]
pub struct ScorePatchBody {
    /// Number.
    numerical_value: Option<f64>,
    /// Yes or no.
    boolean_value: Option<bool>,
    /// Text.
    string_value: Option<String>,
    /// Names or values of choices.
    categorical_value: Option<Vec<String>>,
    /// JSON as text.
    json_value: Option<String>,
    /// Why.
    explanation: Option<String>,
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

/// Which evaluators a list by URL shows.
#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
pub struct EvaluatorParameters {
    /// Part of the name or slug, in any case.
    search: Option<String>,
    /// Primary use.
    r#type: Option<String>,
    /// What its scores hold.
    score_value_type: Option<String>,
    /// Starred or not.
    starred: Option<bool>,
    /// Comma-separated tag ids or names; one of them is enough.
    tags: Option<String>,
}

/// An evaluator. PUT: absent members are reset. PATCH: absent members stay, objects are merged key by key, null removes a key.
#[derive(ToSchema)]
#[schema(example = json!({"name": "Response quality", "type": "llm", "score_value_type": "numerical",
    "score_config": {"min_score": 1, "max_score": 5}, "passing_conditions": {"primary_score": {"operator": "gte", "value": 3}},
    "llm_config": {"model": "gpt-4o-mini", "evaluator_definition": "Rate the answer.\n{{input}}\n{{output}}",
    "scoring_rubric": "1 = poor, 5 = excellent", "temperature": 0}}))]
pub struct EvaluatorBody {
    /// Not empty. Required but in PATCH and for a new version.
    name: Option<String>,
    /// Unique in the organization, fixed; made from the name when absent.
    evaluator_slug: Option<String>,
    /// `llm`, `human` or `code`, or one of the older types; by the configuration that is there when absent.
    r#type: Option<String>,
    /// `numerical` (default), `boolean`, `percentage`, `single_select`, `multi_select`, `text`, `json`, `comment` or `categorical`.
    score_value_type: Option<String>,
    /// Template marker, echoed.
    eval_class: Option<String>,
    /// Free text.
    description: Option<String>,
    /// `min_score`, `max_score`, and `choices` (`[{"name", "value"}]`) of select types.
    #[schema(value_type = Option<Object>)]
    score_config: Option<Value>,
    /// Filters over the score that make it a pass.
    #[schema(value_type = Option<Object>)]
    passing_conditions: Option<Value>,
    /// `model`, `evaluator_definition` (a template that contains `{{output}}`), `scoring_rubric`, `temperature` and other parameters.
    #[schema(value_type = Option<Object>)]
    llm_config: Option<Value>,
    /// `eval_code_snippet` (Python that defines `main(eval_inputs)`), or `builtin` with `parameters`.
    #[schema(value_type = Option<Object>)]
    code_config: Option<Value>,
    /// Older settings.
    #[schema(value_type = Option<Object>)]
    configurations: Option<Value>,
    /// Older form of `score_config.choices`.
    #[schema(value_type = Option<Vec<Object>>)]
    categorical_choices: Option<Value>,
    /// Star of the evaluator.
    starred: Option<bool>,
    /// The whole new set of tag ids.
    tags: Option<Vec<String>>,
    /// With a commit: what the committed version is.
    version_description: Option<String>,
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
