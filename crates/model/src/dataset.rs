//! A dataset: a named collection of rows carved out of the logs (contract B.1).

use crate::error::{Error, Result};
use crate::ids::{DatasetId, OrganizationId};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// One dataset, as stored. Times are microseconds since the epoch.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Dataset {
    /// Id.
    pub id: DatasetId,
    /// Owner.
    pub organization: OrganizationId,
    /// Never empty.
    pub name: String,
    /// `""` when none (T25).
    pub description: String,
    /// `sampling` unless the caller sent another; echoed, no effect.
    pub kind: String,
    /// State of the copy job, see [`Status`].
    pub status: Status,
    /// Fixed at creation.
    pub granularity: Granularity,
    /// The filters it was created with, as sent.
    pub initial_log_filters: Map<String, Value>,
    /// Rows now. Kept by the store with every write.
    pub log_count: u64,
    /// Rows whose `annotation_status` is `completed`. Kept by the store with every write.
    pub completed_annotation_count: u64,
    /// Creation.
    pub created_at: i64,
    /// Last change of the dataset object.
    pub updated_at: i64,
    /// Starred.
    pub starred: bool,
    /// Tags, in order.
    pub tags: Vec<Tag>,
    /// State of the current or last evaluation run: `pending` when none yet.
    pub running_status: String,
    /// Whole percent.
    pub running_progress: u8,
    /// When that run started.
    pub running_at: Option<i64>,
}

/// A label on a dataset (T11, H22).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tag {
    /// Id, any text.
    pub id: String,
    /// Shown name.
    pub name: String,
    /// CSS colour or empty.
    pub color: String,
}

/// `status` of a dataset (contract B.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Status {
    /// Created, its copy job is queued.
    Initializing,
    /// Rows are being copied in.
    Loading,
    /// Idle.
    Ready,
    /// The last copy job failed.
    Failed,
}

impl Status {
    /// Name on the wire.
    pub fn name(self) -> &'static str {
        match self {
            Self::Initializing => "initializing",
            Self::Loading => "loading",
            Self::Ready => "ready",
            Self::Failed => "failed",
        }
    }
}

/// What a row of the dataset is (contract B.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Granularity {
    /// One row per log.
    Logs,
    /// One row per trace: its root span with the trace's totals.
    Traces,
}

impl Granularity {
    /// Name on the wire.
    pub fn name(self) -> &'static str {
        match self {
            Self::Logs => "logs",
            Self::Traces => "traces",
        }
    }

    /// Reads the wire name.
    pub fn parse(text: &str) -> Result<Self> {
        match text {
            "logs" => Ok(Self::Logs),
            "traces" => Ok(Self::Traces),
            other => {
                Err(Error::invalid("granularity", format!("`granularity` must be `logs` or `traces`, got `{other}`")))
            }
        }
    }
}

/// Fields of a dataset that a caller may change (contract B.5); `None` keeps.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct DatasetPatch {
    /// New name, not empty.
    pub name: Option<String>,
    /// New description.
    pub description: Option<String>,
    /// New star.
    pub starred: Option<bool>,
    /// New set of tags.
    pub tags: Option<Vec<Tag>>,
}
