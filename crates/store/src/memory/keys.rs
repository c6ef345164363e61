//! Organizations and API keys in memory.

use super::Memory;
use crate::keys::Keys;
use async_trait::async_trait;
use evalset_model::ids::{KeyId, OrganizationId};
use evalset_model::key::{ApiKey, Organization};
use evalset_model::{Error, Result};

#[async_trait]
impl Keys for Memory {
    async fn create_organization(&self, id: OrganizationId, name: &str, at: i64) -> Result<Organization> {
        let all = &mut self.state().organizations;
        if all.iter().any(|other| other.name == name || other.id == id) {
            return Err(Error::Conflict("There is an organization with this name already.".to_owned()));
        }
        let number = all.iter().map(|other| other.number).max().unwrap_or(0) + 1;
        let organization = Organization { id, number, name: name.to_owned(), created_at: at };
        all.push(organization.clone());
        Ok(organization)
    }

    async fn organizations(&self) -> Result<Vec<Organization>> {
        Ok(self.state().organizations.clone())
    }

    async fn organization(&self, id: OrganizationId) -> Result<Option<Organization>> {
        Ok(self.state().organizations.iter().find(|organization| organization.id == id).cloned())
    }

    async fn create_key(&self, key: ApiKey) -> Result<()> {
        let keys = &mut self.state().keys;
        if keys.iter().any(|other| other.id == key.id || other.prefix == key.prefix || other.hash == key.hash) {
            return Err(Error::Conflict("There is an API key with this prefix or secret already.".to_owned()));
        }
        keys.push(key);
        Ok(())
    }

    async fn by_hash(&self, hash: &[u8]) -> Result<Option<(ApiKey, Organization)>> {
        let state = self.state();
        let Some(key) = state.keys.iter().find(|key| key.hash == hash) else { return Ok(None) };
        let organization = state.organizations.iter().find(|organization| organization.id == key.organization);
        Ok(organization.map(|organization| (key.clone(), organization.clone())))
    }

    async fn keys(&self, organization: Option<OrganizationId>) -> Result<Vec<ApiKey>> {
        let state = self.state();
        let wanted = state.keys.iter().filter(|key| organization.is_none_or(|id| key.organization == id));
        let mut keys: Vec<_> = wanted.cloned().collect();
        keys.sort_by_key(|key| key.created_at);
        Ok(keys)
    }

    async fn revoke(&self, id: KeyId, at: i64) -> Result<bool> {
        let mut state = self.state();
        let key = state.keys.iter_mut().find(|key| key.id == id);
        Ok(key.map(|key| key.revoked_at.get_or_insert(at)).is_some())
    }
}
