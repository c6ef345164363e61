//! JSON of an organization's LLM provider. Never holds its key.

use evalset_model::scalar::format_time;
use evalset_product::evaluation::settings::UNOPENED;
use evalset_product::ops::providers::{Shown, ShownKey};
use serde::Serialize;
use std::collections::BTreeMap;
use utoipa::ToSchema;

/// Where an organization's LLM evaluators ask their models.
#[derive(Debug, Serialize, ToSchema)]
pub struct ProviderObject {
    /// Address that `/chat/completions` is appended to.
    pub base_url: String,
    /// Model for evaluators that name none.
    pub default_model: String,
    /// Model → price. Models that are not listed cost nothing here.
    pub prices: BTreeMap<String, PriceObject>,
    /// Requests begun in any minute; null: no limit.
    pub requests_per_minute: Option<u32>,
    /// Tokens used in any minute; null: no limit.
    pub tokens_per_minute: Option<u64>,
    /// Requests at work at once.
    pub concurrency: u32,
    /// Time for one request.
    pub timeout_seconds: u32,
    /// Tries of one request when it fails in a way that may pass.
    pub attempts: u32,
    /// Whether an API key is stored. The key itself is never shown.
    pub has_api_key: bool,
    /// Its last four characters, when it is at least twenty long.
    pub api_key_hint: Option<String>,
    /// Why the stored key cannot be used, and what to do; null when it can.
    pub api_key_error: Option<&'static str>,
    /// Last change, ISO 8601 UTC.
    pub updated_at: String,
}

/// Price of a model.
#[derive(Debug, Serialize, ToSchema)]
pub struct PriceObject {
    /// USD per million tokens of prompts.
    pub input_per_million: f64,
    /// USD per million tokens of completions.
    pub output_per_million: f64,
}

impl From<Shown> for ProviderObject {
    fn from(shown: Shown) -> Self {
        let (has_api_key, api_key_hint, api_key_error) = match shown.key {
            ShownKey::None => (false, None, None),
            ShownKey::Kept(hint) => (true, hint, None),
            ShownKey::Unopened => (true, None, Some(UNOPENED)),
        };
        let settings = shown.settings;
        let prices = settings.prices.into_iter().map(|(model, price)| {
            let price = PriceObject {
                input_per_million: price.input_per_million,
                output_per_million: price.output_per_million,
            };
            (model, price)
        });
        Self {
            base_url: settings.base_url,
            default_model: settings.default_model,
            prices: prices.collect(),
            requests_per_minute: settings.requests_per_minute,
            tokens_per_minute: settings.tokens_per_minute,
            concurrency: settings.concurrency,
            timeout_seconds: settings.timeout_seconds,
            attempts: settings.attempts,
            has_api_key,
            api_key_hint,
            api_key_error,
            updated_at: format_time(shown.updated_at),
        }
    }
}
