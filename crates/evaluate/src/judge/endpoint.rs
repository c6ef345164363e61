//! An organization's model endpoint: its settings and key, how much of it is used at once and in a minute, and retries.
//!
//! Shared by everything of the organization that asks models. Knows chat completions, not scores.

use super::exchange::{Answer, Call, Trouble, without_key};
use super::limiter::Window;
use crate::fault::Fault;
use evalset_model::provider::Provider;
use evalset_model::{Error, Result};
use parking_lot::{Mutex, RwLock};
use reqwest::{StatusCode, Url};
use secrecy::SecretString;
use serde_json::{Map, Value};
use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;

/// Time to open a connection.
const CONNECT_SECONDS: u64 = 10;
/// Models remembered as not taking a reply format.
const PLAIN_MODELS_MAX: usize = 1_000;
/// Tokens that a completion is taken to have when the request sets no limit.
const COMPLETION_TOKENS_GUESS: u64 = 300;
/// Bytes of a prompt that are taken to be a token.
const BYTES_PER_TOKEN: u64 = 4;

/// How long to wait between tries.
#[derive(Clone, Copy, Debug)]
pub struct Pacing {
    /// Before the second try; doubled before each one after. Half of it is left to chance.
    pub first: Duration,
    /// Longest. What the endpoint asks for by `Retry-After` is waited for, up to this.
    pub longest: Duration,
}

impl Default for Pacing {
    fn default() -> Self {
        Self { first: Duration::from_millis(500), longest: Duration::from_mins(1) }
    }
}

/// A model endpoint that can be asked. Its settings can be replaced while it is in use: requests under way keep the old
/// ones.
pub struct Endpoint {
    client: reqwest::Client,
    pacing: Pacing,
    state: RwLock<Arc<State>>,
    requests: Window,
    tokens: Window,
}

struct State {
    settings: Provider,
    url: Url,
    key: Option<SecretString>,
    slots: Semaphore,
    /// Models that do not take `response_format`, as was seen.
    plain: Mutex<HashSet<String>>,
}

/// A request to a model.
pub(super) struct Question {
    pub model: String,
    pub body: Map<String, Value>,
    /// Reply format to ask for where the model takes one; none when the body has the caller's own.
    pub format: Option<Value>,
}

/// What comes of waiting, unless the caller wants no more requests first.
async fn unless_halted<T>(halt: &CancellationToken, wait: impl Future<Output = T>) -> std::result::Result<T, Trouble> {
    tokio::select! {
        biased;
        () = halt.cancelled() => Err(Trouble::Halted),
        waited = wait => Ok(waited),
    }
}

impl Endpoint {
    /// An endpoint with these settings. Errors name the member of the settings at fault.
    pub fn new(settings: Provider, key: Option<SecretString>) -> Result<Self> {
        Self::with_pacing(settings, key, Pacing::default())
    }

    /// As [`Endpoint::new`], with another pace of retries.
    pub fn with_pacing(settings: Provider, key: Option<SecretString>, pacing: Pacing) -> Result<Self> {
        let state = State::new(settings, key)?;
        // Roots of our own beside the system's, so that a container without any works, and a company's own root too.
        let roots = webpki_root_certs::TLS_SERVER_ROOT_CERTS.iter();
        let roots = roots.filter_map(|root| reqwest::Certificate::from_der(root).ok());
        let client = reqwest::Client::builder()
            .redirect(reqwest::redirect::Policy::none())
            .connect_timeout(Duration::from_secs(CONNECT_SECONDS))
            .tls_certs_merge(roots)
            .build()
            .map_err(Error::internal)?;
        let state = RwLock::new(Arc::new(state));
        Ok(Self { client, pacing, state, requests: Window::default(), tokens: Window::default() })
    }

    /// Replaces settings and key; what was used in the last minute still counts.
    pub fn replace(&self, settings: Provider, key: Option<SecretString>) -> Result<()> {
        let state = State::new(settings, key)?;
        *self.state.write() = Arc::new(state);
        Ok(())
    }

    /// The settings in force.
    pub fn settings(&self) -> Provider {
        self.state.read().settings.clone()
    }

    /// A text of the endpoint's without the API key, should it repeat it.
    pub(super) fn without_key(&self, text: String) -> String {
        without_key(text, self.state.read().key.as_ref())
    }

    /// Asks a model, with as many tries as the settings allow. `unit` is the same for every try. Once `halt` is
    /// cancelled no request is sent any more; one under way ends.
    pub(super) async fn ask(
        &self,
        question: &Question,
        unit: &str,
        halt: &CancellationToken,
    ) -> std::result::Result<Answer, Fault> {
        let state = self.state.read().clone();
        let format = question.format.as_ref().filter(|_| !state.plain.lock().contains(&question.model));
        let mut body = question.body.clone();
        if let Some(format) = format {
            body.insert("response_format".to_owned(), format.clone());
        }
        let first = self.exchange(&state, &Value::Object(body), unit, halt).await;
        let result = match first {
            Err(Trouble::Refused { status, message }) if format.is_some() && refuses_format(status, &message) => {
                let plain = self.exchange(&state, &Value::Object(question.body.clone()), unit, halt).await;
                if plain.is_ok() {
                    state.remember_plain(&question.model);
                }
                plain
            }
            other => other,
        };
        result.map_err(|trouble| match trouble {
            Trouble::Passing { message, .. } | Trouble::Malformed(message) => {
                Fault::Provider { message, hopeless: false }
            }
            Trouble::Halted => Fault::Halted,
            Trouble::Refused { status, message } => {
                // Not 403: some endpoints refuse a single prompt with it.
                let hopeless = matches!(status.as_u16(), 401 | 404) || status.is_redirection();
                Fault::Provider { message, hopeless }
            }
        })
    }

    /// One request with its tries, within the limits.
    async fn exchange(
        &self,
        state: &State,
        body: &Value,
        unit: &str,
        halt: &CancellationToken,
    ) -> std::result::Result<Answer, Trouble> {
        let broken = |error: tokio::sync::AcquireError| Trouble::Malformed(error.to_string());
        let _slot = unless_halted(halt, state.slots.acquire()).await?.map_err(broken)?;
        let call = Call {
            client: &self.client,
            url: &state.url,
            key: state.key.as_ref(),
            timeout: Duration::from_secs(u64::from(state.settings.timeout_seconds.max(1))),
            unit,
        };
        let (attempts, estimate) = (state.settings.attempts.max(1), estimate(body));
        let (mut attempt, mut malformed) = (1, false);
        loop {
            match self.counted(state, &call, body, estimate, halt).await {
                Err(Trouble::Passing { message, retry_after }) if attempt < attempts => {
                    tracing::debug!(attempt, message, "a model endpoint is asked again");
                    unless_halted(halt, tokio::time::sleep(self.pause(attempt, retry_after))).await?;
                    attempt += 1;
                }
                Err(Trouble::Passing { message, retry_after }) => {
                    let tries = if attempt == 1 { "try" } else { "tries" };
                    let message = format!("{message} (after {attempt} {tries})");
                    return Err(Trouble::Passing { message, retry_after });
                }
                Err(Trouble::Malformed(_)) if !malformed => malformed = true,
                other => return other,
            }
        }
    }

    /// One try, counted in the windows.
    async fn counted(
        &self,
        state: &State,
        call: &Call<'_>,
        body: &Value,
        estimate: u64,
        halt: &CancellationToken,
    ) -> std::result::Result<Answer, Trouble> {
        if let Some(limit) = state.settings.requests_per_minute {
            unless_halted(halt, self.requests.take(u64::from(limit), 1)).await?;
        }
        let ticket = match state.settings.tokens_per_minute {
            Some(limit) => Some(unless_halted(halt, self.tokens.take(limit, estimate)).await?),
            None => None,
        };
        let result = call.send(body).await;
        if let Some(ticket) = ticket {
            let used = match &result {
                Ok(answer) if answer.prompt_tokens + answer.completion_tokens > 0 => {
                    answer.prompt_tokens + answer.completion_tokens
                }
                // The endpoint does not say: the estimate stands.
                Ok(_) | Err(Trouble::Malformed(_)) => estimate,
                Err(Trouble::Passing { .. } | Trouble::Refused { .. } | Trouble::Halted) => 0,
            };
            self.tokens.correct(ticket, used);
        }
        result
    }

    /// Time before the next try.
    fn pause(&self, attempt: u32, retry_after: Option<Duration>) -> Duration {
        let doubled = self.pacing.first.saturating_mul(1_u32.checked_shl(attempt - 1).unwrap_or(u32::MAX));
        // Without a source of chance every client waits alike, which is worse but not wrong.
        let chance = getrandom::u32().map_or(0.5, |number| f64::from(number) / f64::from(u32::MAX));
        let own = doubled.min(self.pacing.longest).mul_f64(0.5 + chance / 2.0);
        retry_after.map_or(own, |asked| asked.min(self.pacing.longest).max(own))
    }
}

impl State {
    fn new(settings: Provider, key: Option<SecretString>) -> Result<Self> {
        let wrong = |message: &str| Error::invalid("base_url", format!("`base_url` {message}"));
        let base = settings.base_url.trim_end_matches('/');
        let url = Url::parse(&format!("{base}/chat/completions"))
            .ok()
            .filter(|url| matches!(url.scheme(), "http" | "https") && url.has_host())
            .ok_or_else(|| wrong("must be an http or https address, such as https://api.openai.com/v1"))?;
        if !url.username().is_empty() || url.password().is_some() {
            return Err(wrong("must not hold a user name or password: give the key as `api_key`"));
        }
        if url.query().is_some() || url.fragment().is_some() {
            return Err(wrong("must not hold a query or fragment"));
        }
        if settings.concurrency == 0 {
            return Err(Error::invalid("concurrency", "`concurrency` must be 1 or more"));
        }
        let slots = Semaphore::new((settings.concurrency as usize).min(Semaphore::MAX_PERMITS));
        Ok(Self { settings, url, key, slots, plain: Mutex::new(HashSet::new()) })
    }

    fn remember_plain(&self, model: &str) {
        let mut plain = self.plain.lock();
        if plain.len() < PLAIN_MODELS_MAX {
            plain.insert(model.to_owned());
        }
    }
}

/// Whether a refusal is about the reply format rather than about the request.
fn refuses_format(status: StatusCode, message: &str) -> bool {
    let message = message.to_lowercase();
    let about = ["response_format", "json_schema", "json_object", "structured output", "unsupported", "not supported"];
    matches!(status.as_u16(), 400 | 422) && about.iter().any(|words| message.contains(words))
}

/// Tokens that a request is taken to use, until its reply says.
fn estimate(body: &Value) -> u64 {
    let text = |message: &Value| message.get("content").and_then(Value::as_str).map_or(0, str::len) as u64;
    let prompt: u64 = body.get("messages").and_then(Value::as_array).map_or(0, |list| list.iter().map(text).sum());
    let limit = ["max_completion_tokens", "max_tokens"].iter().find_map(|name| body.get(*name).and_then(Value::as_u64));
    prompt / BYTES_PER_TOKEN + limit.unwrap_or(COMPLETION_TOKENS_GUESS)
}
