//! The store of providers: where an organization's LLM evaluators ask their models.
//!
//! Keeps the key of the endpoint as the bytes it is given: sealed by the caller, never readable here.

use async_trait::async_trait;
use evalset_model::Result;
use evalset_model::ids::OrganizationId;
use evalset_model::provider::Provider;

/// A provider as stored.
#[derive(Clone, Debug, PartialEq)]
pub struct StoredProvider {
    /// Everything that is no secret.
    pub settings: Provider,
    /// The sealed key, when there is one.
    pub key: Option<Vec<u8>>,
    /// Last change, microseconds since the epoch. Grows with every change, so that it tells one form from the next.
    pub updated_at: i64,
}

/// Providers of organizations, at most one each.
#[async_trait]
pub trait Providers: Send + Sync {
    /// The organization's provider.
    async fn get(&self, organization: OrganizationId) -> Result<Option<StoredProvider>>;

    /// Writes the provider in place of the one last changed at `over` (none: where there is none). False, and nothing
    /// is changed, when it is no longer that one: settings and key were thought of together and must not mix with
    /// others.
    async fn put(&self, organization: OrganizationId, provider: StoredProvider, over: Option<i64>) -> Result<bool>;

    /// Removes it with its key; false when there is none.
    async fn delete(&self, organization: OrganizationId) -> Result<bool>;
}
