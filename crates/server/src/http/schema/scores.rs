//! Scores, their comparison, and annotation. Knows nothing of how they are read.

use serde_json::Value;
use utoipa::ToSchema;

/// A score on a log or row. `evaluator_id` or `evaluator_slug` says whose; a slug that no evaluator has is a custom
/// one. The value stands in the member of the evaluator's type.
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
    /// `unique_id` (default within one dataset) or `custom_identifier` (default otherwise): what makes two rows the
    /// same.
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
