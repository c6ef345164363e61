//! The store of organizations and API keys.

use async_trait::async_trait;
use evalset_model::Result;
use evalset_model::ids::{KeyId, OrganizationId};
use evalset_model::key::{ApiKey, Organization};

/// Organizations and API keys.
#[async_trait]
pub trait Keys: Send + Sync {
    /// Adds an organization; the store gives it the next `number`. `Conflict` when the name is taken.
    async fn create_organization(&self, id: OrganizationId, name: &str, at: i64) -> Result<Organization>;

    /// All organizations, by number.
    async fn organizations(&self) -> Result<Vec<Organization>>;

    /// One organization.
    async fn organization(&self, id: OrganizationId) -> Result<Option<Organization>>;

    /// Adds a key; `Conflict` when its prefix or hash is there already.
    async fn create_key(&self, key: ApiKey) -> Result<()>;

    /// The key with this SHA-256 and its organization, revoked or not. A key created or revoked by another process on
    /// the same file is seen too.
    async fn by_hash(&self, hash: &[u8]) -> Result<Option<(ApiKey, Organization)>>;

    /// All keys, or those of one organization, oldest first.
    async fn keys(&self, organization: Option<OrganizationId>) -> Result<Vec<ApiKey>>;

    /// Ends a key; false when there is none. Ending it twice keeps the first time.
    async fn revoke(&self, id: KeyId, at: i64) -> Result<bool>;
}
