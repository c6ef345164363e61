//! Organizations and API keys (contract A.3).

use crate::ids::{KeyId, OrganizationId};
use serde::{Deserialize, Serialize};

/// An organization: all data belongs to exactly one.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Organization {
    /// UUID shown in log rows.
    pub id: OrganizationId,
    /// Small integer shown in dataset objects (T8, H31); unique, from 1.
    pub number: i64,
    /// Unique name.
    pub name: String,
    /// Microseconds since the epoch.
    pub created_at: i64,
}

/// An API key without its secret.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ApiKey {
    /// Id.
    pub id: KeyId,
    /// Owner.
    pub organization: OrganizationId,
    /// Shown name.
    pub name: String,
    /// Public first part of the key, unique.
    pub prefix: String,
    /// SHA-256 of the whole key, 32 bytes.
    pub hash: Vec<u8>,
    /// What logs written with it carry.
    pub environment: Environment,
    /// Microseconds since the epoch.
    pub created_at: i64,
    /// When it stopped working, if it did.
    pub revoked_at: Option<i64>,
}

/// `environment` of logs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Environment {
    /// Production.
    Prod,
    /// Test.
    Test,
}

impl Environment {
    /// Name on the wire.
    pub fn name(self) -> &'static str {
        match self {
            Self::Prod => "prod",
            Self::Test => "test",
        }
    }
}
