//! An evaluator: how a record gets a score (contract F.1), and the value types of scores (F.2).
//!
//! Does not know how an evaluator runs (`evalset-evaluate`) nor where it is kept.

use crate::dataset::Tag;
use crate::error::{Error, Result};
use crate::ids::{EvaluatorId, OrganizationId, VersionId};
use crate::json::Text;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// Values of `type` (contract F.1): current ones first, then those of older records.
pub const KINDS: &[&str] = &[
    "llm",
    "human",
    "code",
    "function",
    "human_numerical",
    "human_boolean",
    "human_categorical",
    "human_text",
    "grounded",
];

/// One version of an evaluator, as stored. Times are microseconds since the epoch.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Evaluator {
    /// Stable over versions.
    pub id: EvaluatorId,
    /// Of this version.
    pub version_id: VersionId,
    /// Owner.
    pub organization: OrganizationId,
    /// Unique in the organization; never changes.
    pub slug: String,
    /// 0 = the first draft.
    pub version: u32,
    /// Committed: may not be edited any more.
    pub is_read_only: bool,
    /// Commit message.
    pub version_description: Option<String>,
    /// What it is and how it scores.
    pub definition: Definition,
    /// Starred. Of the evaluator, not of the version.
    pub starred: bool,
    /// Tags. Of the evaluator, not of the version.
    pub tags: Vec<Tag>,
    /// Creation of this version.
    pub created_at: i64,
    /// Last change of this version.
    pub updated_at: i64,
    /// Versions there are.
    pub version_count: u32,
}

/// What a version of an evaluator says: everything that decides about scores, and its name.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Definition {
    /// Never empty.
    pub name: String,
    /// `""` when none.
    pub description: String,
    /// `type` of the wire, as sent.
    pub kind: String,
    /// What its scores hold.
    pub score_value_type: ScoreValueType,
    /// Template marker, echoed.
    pub eval_class: Option<String>,
    /// Bounds and choices.
    pub score_config: Option<ScoreConfig>,
    /// Filters over the score that make it a pass (F.3), wire form, checked when stored.
    pub passing_conditions: Option<Map<String, Value>>,
    /// Model and template (F.4), as sent, checked when stored.
    pub llm_config: Option<Map<String, Value>>,
    /// `eval_code_snippet`, or `builtin` with `parameters`, as sent, checked when stored.
    pub code_config: Option<Map<String, Value>>,
    /// Legacy settings, as sent.
    pub configurations: Map<String, Value>,
    /// Legacy choices as sent, when they came that way; [`Definition::choices`] reads both.
    pub categorical_choices: Option<Vec<Choice>>,
    /// Echoed.
    pub custom_required_fields: Vec<Value>,
}

impl Default for Definition {
    fn default() -> Self {
        Self {
            name: String::new(),
            description: String::new(),
            kind: "human".to_owned(),
            score_value_type: ScoreValueType::Numerical,
            eval_class: None,
            score_config: None,
            passing_conditions: None,
            llm_config: None,
            code_config: None,
            configurations: Map::new(),
            categorical_choices: None,
            custom_required_fields: Vec::new(),
        }
    }
}

impl Definition {
    /// The choices of a select type, wherever they were given.
    pub fn choices(&self) -> &[Choice] {
        let config = self.score_config.as_ref().map(|config| config.choices.as_slice());
        config.filter(|choices| !choices.is_empty()).or(self.categorical_choices.as_deref()).unwrap_or_default()
    }

    /// Lowest and highest allowed number: `score_config`, else the legacy settings; 0 to 100 for percentages.
    pub fn bounds(&self) -> (Option<f64>, Option<f64>) {
        let legacy = |name: &str| self.configurations.get(name).and_then(Value::as_f64);
        let config = self.score_config.as_ref();
        let percent = self.score_value_type == ScoreValueType::Percentage;
        (
            config.and_then(|config| config.min_score).or(legacy("min_score")).or(percent.then_some(0.0)),
            config.and_then(|config| config.max_score).or(legacy("max_score")).or(percent.then_some(100.0)),
        )
    }
}

/// Bounds and choices of a score (contract F.1).
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct ScoreConfig {
    /// Lowest number.
    pub min_score: Option<f64>,
    /// Highest number.
    pub max_score: Option<f64>,
    /// Allowed choices of select types.
    pub choices: Vec<Choice>,
}

/// One choice of a select type.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Choice {
    /// What scores hold (H49).
    pub name: String,
    /// String, number or boolean; accepted in place of the name.
    pub value: Value,
}

/// What a score holds (contract F.2).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ScoreValueType {
    /// A number.
    #[default]
    Numerical,
    /// Yes or no.
    Boolean,
    /// A number from 0 to 100.
    Percentage,
    /// One choice.
    SingleSelect,
    /// Any number of choices.
    MultiSelect,
    /// Text.
    Text,
    /// JSON, kept as text.
    Json,
    /// Legacy name of text.
    Comment,
    /// Legacy name of multi select.
    Categorical,
}

impl ScoreValueType {
    /// All of them, current names first.
    pub const ALL: &[Self] = &[
        Self::Numerical,
        Self::Boolean,
        Self::Percentage,
        Self::SingleSelect,
        Self::MultiSelect,
        Self::Text,
        Self::Json,
        Self::Comment,
        Self::Categorical,
    ];

    /// Name on the wire.
    pub fn name(self) -> &'static str {
        match self {
            Self::Numerical => "numerical",
            Self::Boolean => "boolean",
            Self::Percentage => "percentage",
            Self::SingleSelect => "single_select",
            Self::MultiSelect => "multi_select",
            Self::Text => "text",
            Self::Json => "json",
            Self::Comment => "comment",
            Self::Categorical => "categorical",
        }
    }

    /// Reads the wire name; `field` is at fault when it is another.
    pub fn parse(field: &str, text: &str) -> Result<Self> {
        Self::ALL.iter().copied().find(|each| each.name() == text).ok_or_else(|| {
            let names = Self::ALL.iter().map(|each| each.name()).collect::<Vec<_>>().join(", ");
            Error::invalid(field, format!("`{field}` must be one of {names}; got `{text}`"))
        })
    }

    /// Whether `numerical_value` is its main value.
    pub fn is_number(self) -> bool {
        matches!(self, Self::Numerical | Self::Percentage)
    }

    /// Whether `categorical_value` is its main value.
    pub fn is_select(self) -> bool {
        matches!(self, Self::SingleSelect | Self::MultiSelect | Self::Categorical)
    }
}

/// How an evaluator is to be run (contract F.4 `generation_method`).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Method {
    /// LLM config, then code config, then legacy config, whichever there is.
    #[default]
    Auto,
    /// Demands an LLM config.
    Llm,
    /// Demands a code config.
    Code,
}

impl Method {
    /// Reads the wire name.
    pub fn parse(text: &str) -> Result<Self> {
        match text {
            "auto" => Ok(Self::Auto),
            "llm" => Ok(Self::Llm),
            "code" => Ok(Self::Code),
            other => {
                let message = format!("`generation_method` must be `auto`, `llm` or `code`; got `{other}`");
                Err(Error::invalid("generation_method", message))
            }
        }
    }
}

/// What an evaluator is given of a record (contract F.4): every member is always there, null when the record lacks it.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct EvalInputs {
    /// Universal input.
    pub input: Text,
    /// Universal output.
    pub output: Text,
    /// Target.
    pub expected_output: Text,
    /// Tokens, cost (USD), latency and time to first token (s), and the record's other metrics.
    pub metrics: Map<String, Value>,
    /// Metadata without reserved keys.
    pub metadata: Map<String, Value>,
}
