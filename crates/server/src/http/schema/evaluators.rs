//! Evaluators, what they are run over, and where judges ask their models. Knows nothing of how they are read.

use serde_json::Value;
use utoipa::{IntoParams, ToSchema};

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

/// An evaluator. PUT: absent members are reset. PATCH: absent members stay, objects are merged key by key, null removes
/// a key.
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
    /// `numerical` (default), `boolean`, `percentage`, `single_select`, `multi_select`, `text`, `json`, `comment` or
    /// `categorical`.
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
    /// `model`, `evaluator_definition` (a template that contains `{{output}}`), `scoring_rubric`, `temperature` and
    /// other parameters.
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
    /// Names of the inputs that a custom evaluator needs, echoed.
    custom_required_fields: Option<Vec<String>>,
    /// Star of the evaluator.
    starred: Option<bool>,
    /// The whole new set of tag ids.
    tags: Option<Vec<String>>,
    /// With a commit: what the committed version is.
    version_description: Option<String>,
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

/// How to continue a run.
#[derive(ToSchema)]
#[schema(example = json!({"spending_limit": 5}))]
pub struct ContinueBody {
    /// A new limit for the whole run, USD; the old one stays when none is given.
    spending_limit: Option<f64>,
}

/// Where LLM evaluators ask their models: any endpoint that speaks OpenAI's chat completions.
#[derive(ToSchema)]
#[schema(example = json!({"base_url": "https://api.openai.com/v1", "api_key": "sk-…", "default_model": "gpt-4o-mini",
    "prices": {"gpt-4o-mini": {"input_per_million": 0.15, "output_per_million": 0.6}}, "requests_per_minute": 500}))]
pub struct ProviderBody {
    /// `http://` or `https://` address that `/chat/completions` is appended to.
    base_url: Option<String>,
    /// Key of the endpoint. Never shown again. Absent keeps the stored one, which a new `base_url` does not allow;
    /// null: none.
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
