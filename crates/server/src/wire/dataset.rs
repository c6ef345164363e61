//! JSON of a dataset: the superset object of contract B.1, the same everywhere.

use evalset_model::dataset::Dataset;
use evalset_model::filter::echo;
use evalset_model::ids::LogId;
use evalset_model::key::Organization;
use evalset_model::scalar::format_time;
use serde::Serialize;
use serde_json::{Map, Value};
use utoipa::ToSchema;

/// A dataset on the wire.
#[derive(Debug, Serialize, ToSchema)]
pub struct DatasetObject {
    /// Id.
    pub id: String,
    /// Name.
    pub name: String,
    /// Empty when none.
    pub description: String,
    /// As sent at creation; `sampling` by default.
    #[serde(rename = "type")]
    pub kind: String,
    /// `initializing`, `loading`, `ready` or `failed`.
    pub status: &'static str,
    /// `logs` or `traces`.
    pub granularity: &'static str,
    /// The filters it was created with.
    #[schema(value_type = Object)]
    pub initial_log_filters: Map<String, Value>,
    /// Rows now.
    pub log_count: u64,
    /// Creation, ISO 8601 UTC.
    pub created_at: String,
    /// Last change, ISO 8601 UTC.
    pub updated_at: String,
    /// The organization's number.
    pub organization_id: i64,
    /// The organization's number.
    pub organization: i64,
    /// Always empty.
    pub unique_organization_ids: Vec<String>,
    /// Always empty.
    pub timestamps: Vec<String>,
    /// Ids of the newest rows, at most 100.
    pub log_ids: Vec<LogIdText>,
    /// Always null.
    pub evaluator: Option<String>,
    /// State of the current or last evaluation run.
    pub running_status: String,
    /// Whole percent.
    pub running_progress: u8,
    /// Start of that run.
    pub running_at: Option<String>,
    /// Rows whose annotation is completed.
    pub completed_annotation_count: u64,
    /// Starred.
    pub starred: bool,
    /// Tags.
    pub tags: Vec<TagObject>,
    /// Who changed it last; keys are no users, so null.
    pub updated_by: Option<String>,
}

/// A row id as text.
pub type LogIdText = String;

/// A tag on the wire.
#[derive(Debug, Serialize, ToSchema)]
pub struct TagObject {
    /// Id.
    pub id: String,
    /// Name.
    pub name: String,
    /// CSS colour or empty.
    pub color: String,
}

impl DatasetObject {
    /// The object for `dataset` with the ids of its newest rows.
    pub fn new(dataset: Dataset, organization: &Organization, log_ids: Vec<LogId>) -> Self {
        Self {
            id: dataset.id.to_string(),
            name: dataset.name,
            description: dataset.description,
            kind: dataset.kind,
            status: dataset.status.name(),
            granularity: dataset.granularity.name(),
            initial_log_filters: echo::initial_log_filters(&dataset.initial_log_filters),
            log_count: dataset.log_count,
            created_at: format_time(dataset.created_at),
            updated_at: format_time(dataset.updated_at),
            organization_id: organization.number,
            organization: organization.number,
            unique_organization_ids: Vec::new(),
            timestamps: Vec::new(),
            log_ids: log_ids.into_iter().map(|id| id.0).collect(),
            evaluator: None,
            running_status: dataset.running_status,
            running_progress: dataset.running_progress,
            running_at: dataset.running_at.map(format_time),
            completed_annotation_count: dataset.completed_annotation_count,
            starred: dataset.starred,
            tags: dataset
                .tags
                .into_iter()
                .map(|tag| TagObject { id: tag.id, name: tag.name, color: tag.color })
                .collect(),
            updated_by: None,
        }
    }
}
