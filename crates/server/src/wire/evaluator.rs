//! JSON of an evaluator: the superset object of contract F.1, and the short row of its versions.

use evalset_model::dataset::Tag;
use evalset_model::evaluator::{Choice, Definition, Evaluator, ScoreConfig};
use evalset_model::key::Organization;
use evalset_model::scalar::format_time;
use evalset_model::{Error, Result};
use serde::Serialize;
use serde_json::{Map, Value};
use utoipa::ToSchema;

/// An evaluator in one version.
#[derive(Debug, Serialize, ToSchema)]
pub struct EvaluatorObject {
    /// Id, stable over versions.
    pub id: String,
    /// Id of this version.
    pub version_id: String,
    /// Number of this version, from 0.
    pub version: u32,
    /// Committed: may not be changed any more.
    pub is_read_only: bool,
    /// What was said when it was committed.
    pub version_description: Option<String>,
    /// Unique in the organization; never changes.
    pub evaluator_slug: String,
    /// Copy of `evaluator_slug`.
    pub slug: String,
    /// Name and settings.
    #[serde(flatten)]
    pub definition: DefinitionMembers,
    /// Starred.
    pub starred: bool,
    /// Tags.
    pub tags: Vec<EvaluatorTag>,
    /// Creation of this version, ISO 8601 UTC.
    pub created_at: String,
    /// Last change of this version, ISO 8601 UTC.
    pub updated_at: String,
    /// Keys are no users, so null.
    pub created_by: Option<String>,
    /// Keys are no users, so null.
    pub updated_by: Option<String>,
    /// Keys are no users, so null.
    pub editor: Option<String>,
    /// Always false.
    pub is_public: bool,
    /// Versions there are.
    pub version_count: u32,
    /// The organization's number.
    pub organization: i64,
}

/// The members of a definition, as they are sent and answered.
#[derive(Debug, Serialize, ToSchema)]
pub struct DefinitionMembers {
    /// Name.
    pub name: String,
    /// Empty when none.
    pub description: String,
    /// `llm`, `human`, `code` or an older type.
    #[serde(rename = "type")]
    pub kind: String,
    /// What scores hold.
    pub score_value_type: &'static str,
    /// Template marker, as sent.
    pub eval_class: Option<String>,
    /// `min_score`, `max_score`, `choices`, those that were given.
    #[schema(value_type = Option<Object>)]
    pub score_config: Option<Map<String, Value>>,
    /// Filters over the score that make it a pass.
    #[schema(value_type = Option<Object>)]
    pub passing_conditions: Option<Map<String, Value>>,
    /// Model, template and parameters.
    #[schema(value_type = Option<Object>)]
    pub llm_config: Option<Map<String, Value>>,
    /// Code, or a built-in rule with its parameters.
    #[schema(value_type = Option<Object>)]
    pub code_config: Option<Map<String, Value>>,
    /// Older settings.
    #[schema(value_type = Object)]
    pub configurations: Map<String, Value>,
    /// Choices of select types.
    pub categorical_choices: Option<Vec<ChoiceObject>>,
    /// As sent.
    #[schema(value_type = Vec<Object>)]
    pub custom_required_fields: Vec<Value>,
}

/// One choice of a select type.
#[derive(Debug, Serialize, ToSchema)]
pub struct ChoiceObject {
    /// What scores hold.
    pub name: String,
    /// String, number or boolean.
    pub value: Value,
}

/// A tag of an evaluator: unlike that of a dataset its id is a number (T11).
#[derive(Debug, Serialize, ToSchema)]
pub struct EvaluatorTag {
    /// Id.
    pub id: u64,
    /// Name.
    pub name: String,
    /// CSS colour or empty.
    pub color: String,
}

impl EvaluatorObject {
    /// The object for a version of an evaluator.
    pub fn new(evaluator: Evaluator, organization: &Organization) -> Self {
        let mut definition = DefinitionMembers::new(&evaluator.definition);
        // Older readers look for choices here, wherever they were given.
        if definition.categorical_choices.is_none() && !evaluator.definition.choices().is_empty() {
            definition.categorical_choices = Some(choices(evaluator.definition.choices()));
        }
        Self {
            id: evaluator.id.to_string(),
            version_id: evaluator.version_id.to_string(),
            version: evaluator.version,
            is_read_only: evaluator.is_read_only,
            version_description: evaluator.version_description,
            slug: evaluator.slug.clone(),
            evaluator_slug: evaluator.slug,
            definition,
            starred: evaluator.starred,
            tags: evaluator.tags.into_iter().filter_map(tag).collect(),
            created_at: format_time(evaluator.created_at),
            updated_at: format_time(evaluator.updated_at),
            created_by: None,
            updated_by: None,
            editor: None,
            is_public: false,
            version_count: evaluator.version_count,
            organization: organization.number,
        }
    }
}

impl DefinitionMembers {
    fn new(definition: &Definition) -> Self {
        Self {
            name: definition.name.clone(),
            description: definition.description.clone(),
            kind: definition.kind.clone(),
            score_value_type: definition.score_value_type.name(),
            eval_class: definition.eval_class.clone(),
            score_config: definition.score_config.as_ref().map(score_config),
            passing_conditions: definition.passing_conditions.clone(),
            llm_config: definition.llm_config.clone(),
            code_config: definition.code_config.clone(),
            configurations: definition.configurations.clone(),
            categorical_choices: definition.categorical_choices.as_deref().map(choices),
            custom_required_fields: definition.custom_required_fields.clone(),
        }
    }
}

/// A definition as the members of a body that would make it.
pub fn members(definition: &Definition) -> Result<Map<String, Value>> {
    match serde_json::to_value(DefinitionMembers::new(definition)) {
        Ok(Value::Object(members)) => Ok(members),
        Ok(_) => Ok(Map::new()),
        Err(error) => Err(Error::internal(error)),
    }
}

fn choices(choices: &[Choice]) -> Vec<ChoiceObject> {
    choices.iter().map(|choice| ChoiceObject { name: choice.name.clone(), value: choice.value.clone() }).collect()
}

fn score_config(config: &ScoreConfig) -> Map<String, Value> {
    let bounds = [("min_score", config.min_score), ("max_score", config.max_score)];
    let bounds = bounds.into_iter().filter_map(|(name, bound)| Some((name.to_owned(), Value::from(bound?))));
    let listed = config.choices.iter().map(|choice| serde_json::json!({"name": choice.name, "value": choice.value}));
    let choices = (!config.choices.is_empty()).then(|| ("choices".to_owned(), Value::Array(listed.collect())));
    bounds.chain(choices).collect()
}

/// Ids of stored tags are digits; one that is none would be a fault of ours and is not shown.
fn tag(tag: Tag) -> Option<EvaluatorTag> {
    Some(EvaluatorTag { id: tag.id.parse().ok()?, name: tag.name, color: tag.color })
}

/// A version in the list of versions.
#[derive(Debug, Serialize, ToSchema)]
pub struct VersionRow {
    /// Id of the evaluator.
    pub id: String,
    /// Id of this version.
    pub version_id: String,
    /// Number of this version, from 0.
    pub version: u32,
    /// Committed.
    pub is_read_only: bool,
    /// What was said when it was committed.
    pub version_description: Option<String>,
    /// Name.
    pub name: String,
    /// Empty when none.
    pub description: String,
    /// `llm`, `human`, `code` or an older type.
    #[serde(rename = "type")]
    pub kind: String,
    /// What scores hold.
    pub score_value_type: &'static str,
    /// Creation of this version, ISO 8601 UTC.
    pub created_at: String,
    /// Keys are no users, so null.
    pub created_by: Option<String>,
}

impl From<Evaluator> for VersionRow {
    fn from(version: Evaluator) -> Self {
        Self {
            id: version.id.to_string(),
            version_id: version.version_id.to_string(),
            version: version.version,
            is_read_only: version.is_read_only,
            version_description: version.version_description,
            name: version.definition.name,
            description: version.definition.description,
            kind: version.definition.kind,
            score_value_type: version.definition.score_value_type.name(),
            created_at: format_time(version.created_at),
            created_by: None,
        }
    }
}
