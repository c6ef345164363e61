//! Identifiers. Newtypes, so that one cannot be taken for another; made only by the callers that own a clock.

use serde::{Deserialize, Serialize};
use std::fmt;
use uuid::Uuid;

macro_rules! uuid_id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(pub Uuid);

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }

        impl std::str::FromStr for $name {
            type Err = uuid::Error;
            fn from_str(text: &str) -> Result<Self, Self::Err> {
                Uuid::parse_str(text).map(Self)
            }
        }
    };
}

uuid_id!(
    /// A dataset (contract A.9), printed with hyphens.
    DatasetId
);
uuid_id!(
    /// An organization; its small integer twin is `Organization::number` (contract A.9).
    OrganizationId
);
uuid_id!(
    /// An API key, not its secret.
    KeyId
);
uuid_id!(
    /// A background job; an export is a job and shares its id.
    JobId
);

uuid_id!(
    /// An evaluator, stable over its versions (contract A.9).
    EvaluatorId
);
uuid_id!(
    /// One version of an evaluator.
    VersionId
);
uuid_id!(
    /// A score.
    ScoreId
);

/// Id of a log or dataset row: `id` = `unique_id` of contract A.9. Opaque; ours are 32 hex digits of a UUIDv7.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct LogId(pub String);

impl LogId {
    /// The id as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl From<Uuid> for LogId {
    fn from(id: Uuid) -> Self {
        Self(id.simple().to_string())
    }
}

impl fmt::Display for LogId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A process that serves an installation, alone or beside others.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct NodeId(pub String);

impl fmt::Display for NodeId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A worker: whoever takes jobs, one at a time. Two that live at the same time have different names, in one process or
/// in several.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct WorkerId(pub String);

impl fmt::Display for WorkerId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Where rows live. Every list, summary, import and removal works on exactly one collection.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Collection {
    /// Whose rows these are.
    pub organization: OrganizationId,
    /// Which of the organization's collections.
    pub place: Place,
}

/// The kinds of collection an organization has.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Place {
    /// Ingested request logs (contract E).
    RequestLogs,
    /// The virtual `_saved_logs` collection (contract B.21).
    SavedLogs,
    /// The rows of one dataset.
    Dataset(DatasetId),
}

impl Place {
    /// What rows of this collection show as `dataset_id` (contract B.9): none for request logs.
    pub fn dataset_id_text(&self) -> Option<String> {
        match self {
            Self::RequestLogs => None,
            Self::SavedLogs => Some("_saved_logs".to_owned()),
            Self::Dataset(id) => Some(id.to_string()),
        }
    }
}

/// Place of a row in the order of arrival in its collection, as its store tells it: never given twice, compared and
/// never counted with. Opaque to everyone but the store that gave it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct RowNumber(i64);

impl RowNumber {
    /// As its store writes it.
    pub const fn new(stored: i64) -> Self {
        Self(stored)
    }

    /// What its store writes.
    pub const fn get(self) -> i64 {
        self.0
    }
}

impl fmt::Display for RowNumber {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// What was in a collection when it was taken: rows that come later are not within it. Opaque to everyone but the store
/// that gave it; jobs keep it as that store writes it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Watermark(i64);

impl Watermark {
    /// As its store writes it.
    pub const fn new(stored: i64) -> Self {
        Self(stored)
    }

    /// What its store writes.
    pub const fn get(self) -> i64 {
        self.0
    }
}
