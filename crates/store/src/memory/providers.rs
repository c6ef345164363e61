//! Providers in memory.

use super::Memory;
use crate::providers::{Providers, StoredProvider};
use async_trait::async_trait;
use evalset_model::Result;
use evalset_model::ids::OrganizationId;

#[async_trait]
impl Providers for Memory {
    async fn get(&self, organization: OrganizationId) -> Result<Option<StoredProvider>> {
        Ok(self.state().providers.get(&organization).cloned())
    }

    async fn put(&self, organization: OrganizationId, provider: StoredProvider, over: Option<i64>) -> Result<bool> {
        let providers = &mut self.state().providers;
        if providers.get(&organization).map(|present| present.updated_at) != over {
            return Ok(false);
        }
        providers.insert(organization, provider);
        Ok(true)
    }

    async fn delete(&self, organization: OrganizationId) -> Result<bool> {
        Ok(self.state().providers.remove(&organization).is_some())
    }
}
