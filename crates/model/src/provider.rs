//! Where an organization's LLM evaluators ask their models: any endpoint that speaks OpenAI's chat completions.
//!
//! The key of the endpoint is not part of this: it is a secret and kept apart.

use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Settings of an organization's endpoint, as stored and as shown.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Provider {
    /// `http://` or `https://` address that `/chat/completions` is appended to, without a slash at the end.
    pub base_url: String,
    /// Model for evaluators that name none.
    pub default_model: String,
    /// Model → price. Models that are not listed cost nothing here.
    pub prices: BTreeMap<String, Price>,
    /// Requests begun in any minute; none: no limit.
    pub requests_per_minute: Option<u32>,
    /// Tokens (prompt and completion) used in any minute; none: no limit.
    pub tokens_per_minute: Option<u64>,
    /// Requests at work at once.
    pub concurrency: u32,
    /// Time for one request.
    pub timeout_seconds: u32,
    /// Tries of one request when it fails in a way that may pass: 408, 429, 5xx, no answer.
    pub attempts: u32,
}

/// Price of a model, USD per million tokens.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Price {
    /// Of prompts.
    pub input_per_million: f64,
    /// Of completions.
    pub output_per_million: f64,
}

impl Default for Provider {
    fn default() -> Self {
        Self {
            base_url: String::new(),
            default_model: "gpt-4o-mini".to_owned(),
            prices: BTreeMap::new(),
            requests_per_minute: None,
            tokens_per_minute: None,
            concurrency: 8,
            timeout_seconds: 60,
            attempts: 5,
        }
    }
}

impl Provider {
    /// USD for these tokens of a model; 0 for models without a price.
    pub fn cost(&self, model: &str, prompt_tokens: u64, completion_tokens: u64) -> f64 {
        let price = self.prices.get(model).copied().unwrap_or_default();
        (prompt_tokens as f64 * price.input_per_million + completion_tokens as f64 * price.output_per_million) / 1e6
    }
}
