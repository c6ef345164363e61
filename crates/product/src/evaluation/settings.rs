//! The settings of organizations' providers with their keys opened, as whoever asks a model needs them. Knows neither
//! who changes them nor how a model is asked.

use crate::secrets::Secrets;
use evalset_model::ids::OrganizationId;
use evalset_model::provider::Provider;
use evalset_model::{Error, Result};
use evalset_store::Providers;
use secrecy::SecretString;
use std::sync::Arc;

/// Why a stored key cannot be used, and what to do.
pub const UNOPENED: &str = "The stored API key cannot be opened: it was sealed with another `secret.key` (or EVALSET_SECRET_KEY) \
    than this server has. Enter `api_key` again in the settings of the LLM provider.";

/// Reads settings and opens their keys.
pub struct Settings {
    providers: Arc<dyn Providers>,
    secrets: Secrets,
}

impl Settings {
    /// Over what is stored, with what keys were sealed by.
    pub fn new(providers: Arc<dyn Providers>, secrets: Secrets) -> Self {
        Self { providers, secrets }
    }

    /// The settings and the key that requests are to be made with; `Conflict` when the stored key does not open.
    pub async fn get(&self, organization: OrganizationId) -> Result<Option<(Provider, Option<SecretString>)>> {
        let Some(stored) = self.providers.get(organization).await? else { return Ok(None) };
        let key = match stored.key {
            None => None,
            Some(sealed) => {
                let opened = open(&self.secrets, organization, sealed).await?;
                Some(opened.ok_or_else(|| Error::Conflict(UNOPENED.to_owned()))?)
            }
        };
        Ok(Some((stored.settings, key)))
    }

    /// A number that changes with every change of the provider, none when there is no provider: who holds on to what
    /// [`Settings::get`] gave compares it to learn that it is out of date.
    pub async fn version(&self, organization: OrganizationId) -> Result<Option<i64>> {
        Ok(self.providers.get(organization).await?.map(|stored| stored.updated_at))
    }
}

/// The key that was sealed for the organization; `None` when it does not open.
pub async fn open(secrets: &Secrets, organization: OrganizationId, sealed: Vec<u8>) -> Result<Option<SecretString>> {
    let secrets = secrets.clone();
    tokio::task::spawn_blocking(move || secrets.open(organization, &sealed)).await.map_err(Error::internal)?
}
