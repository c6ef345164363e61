//! Who acts: whose data an operation may touch, and whose name stands behind what it writes. Every operation but those
//! on keys and health takes one; what somebody may do will be decided from it alone. Knows no HTTP and no keys'
//! secrets.

use evalset_model::ids::{Collection, KeyId, OrganizationId, Place};
use evalset_model::key::{ApiKey, Environment};

/// Somebody who acts for an organization. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Actor {
    organization: OrganizationId,
    environment: Environment,
    key: Option<KeyId>,
    name: String,
}

impl Actor {
    /// Who came with a key, which must be known to be valid.
    pub fn of_key(key: &ApiKey) -> Self {
        Self { organization: key.organization, environment: key.environment, key: Some(key.id), name: key.name.clone() }
    }

    /// Who holds the data folder itself, as the command line does: acts for any organization, without a key.
    pub fn local(organization: OrganizationId) -> Self {
        Self { organization, environment: Environment::Prod, key: None, name: String::new() }
    }

    /// Whose data this is about.
    pub fn organization(&self) -> OrganizationId {
        self.organization
    }

    /// What logs and scores carry when they name no environment.
    pub fn environment(&self) -> Environment {
        self.environment
    }

    /// The key that was used; none for [`Actor::local`].
    pub fn key(&self) -> Option<KeyId> {
        self.key
    }

    /// Name of the key: who scores and annotates unless somebody else is named. Empty for [`Actor::local`].
    pub fn name(&self) -> &str {
        &self.name
    }

    /// A collection of the organization. For a dataset it says nothing of whether there is one.
    pub fn collection(&self, place: Place) -> Collection {
        Collection { organization: self.organization, place }
    }
}
