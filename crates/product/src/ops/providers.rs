//! Providers: where an organization's LLM evaluators ask their models. Knows no HTTP and asks no model.
//!
//! The API key is sealed before it reaches the store (see `secrets`) and leaves only through
//! [`Settings`](crate::evaluation::Settings), for the evaluation side. A stored key is never put together with another
//! address than the one it was entered for: else whoever may change the settings could have it sent to himself.

use crate::actor::Actor;
use crate::app::App;
use crate::evaluation::settings::open;
use evalset_model::limits::Limits;
use evalset_model::provider::{Price, Provider};
use evalset_model::{Error, Result};
use evalset_store::providers::StoredProvider;
use evalset_store::shared::Notice;
use reqwest::Url;
use secrecy::{ExposeSecret, SecretString};
use std::ops::RangeInclusive;

/// Times a change is tried again when another came between.
const ATTEMPTS: usize = 5;
/// Longest address, key and model name, bytes.
const TEXT_BYTES: usize = 4_096;
/// A key at least this long shows its last [`HINT_CHARS`] characters.
const HINT_FROM_CHARS: usize = 20;
/// Highest price of a million tokens, USD.
const PRICE_MAX: f64 = 1e9;
/// Characters shown of a key.
const HINT_CHARS: usize = 4;

/// What a change does with the key.
#[derive(Debug)]
pub enum KeyChange {
    /// The stored one stays, if the address stays.
    Keep,
    /// There is none from now on.
    Remove,
    /// This one takes its place.
    Set(SecretString),
}

/// A provider as it is shown: without its key.
#[derive(Debug)]
pub struct Shown {
    /// Everything that is no secret.
    pub settings: Provider,
    /// The key, as far as it is shown.
    pub key: ShownKey,
    /// Last change, microseconds since the epoch.
    pub updated_at: i64,
}

/// What is shown of a key.
#[derive(Debug, PartialEq, Eq)]
pub enum ShownKey {
    /// There is none.
    None,
    /// There is one; its last characters when it is long.
    Kept(Option<String>),
    /// There is one that does not open, see [`UNOPENED`](crate::evaluation::settings::UNOPENED).
    Unopened,
}

/// The provider as it is shown; 404 when there is none.
pub async fn shown(app: &App, actor: &Actor) -> Result<Shown> {
    let stored = app.stores.providers.get(actor.organization()).await?.ok_or_else(missing)?;
    show(app, actor, stored).await
}

/// Makes or changes the provider. `change` gets the present settings, none when there is no provider, and may run again
/// when another change came between.
pub async fn put(
    app: &App,
    actor: &Actor,
    key: KeyChange,
    change: impl Fn(Option<&Provider>) -> Result<Provider>,
) -> Result<Shown> {
    let new_key = match &key {
        KeyChange::Set(key) => Some(seal(app, actor, checked_key(key)?).await?),
        KeyChange::Keep | KeyChange::Remove => None,
    };
    for _ in 0..ATTEMPTS {
        let present = app.stores.providers.get(actor.organization()).await?;
        let settings = checked(change(present.as_ref().map(|stored| &stored.settings))?, &app.limits)?;
        let over = present.as_ref().map(|stored| stored.updated_at);
        let key = match (&key, present) {
            (KeyChange::Keep, Some(stored)) => kept_key(stored, &settings)?,
            _ => new_key.clone(),
        };
        // The clock may stand still or go back; the version may not.
        let updated_at = over.map_or(app.clock.now(), |over| app.clock.now().max(over + 1));
        let stored = StoredProvider { settings, key, updated_at };
        if app.stores.providers.put(actor.organization(), stored.clone(), over).await? {
            app.evaluators.renew(actor.organization()).await?;
            app.stores.shared.tell(Notice::Provider(actor.organization()));
            return show(app, actor, stored).await;
        }
    }
    Err(Error::Conflict("The provider is being changed by others at the same time; try again.".to_owned()))
}

/// Removes the provider with its key; 404 when there is none.
pub async fn delete(app: &App, actor: &Actor) -> Result<()> {
    if app.stores.providers.delete(actor.organization()).await? { Ok(()) } else { Err(missing()) }
}

/// 404 with what to do.
pub fn missing() -> Error {
    Error::NotFound("There is no LLM provider yet: PUT its settings, at least `base_url`.".to_owned())
}

fn kept_key(present: StoredProvider, settings: &Provider) -> Result<Option<Vec<u8>>> {
    if present.key.is_some() && present.settings.base_url != settings.base_url {
        return Err(Error::invalid(
            "api_key",
            "`base_url` changes, and the stored API key is never sent to another address: send `api_key` with it, or null \
             for an address that needs none",
        ));
    }
    Ok(present.key)
}

async fn show(app: &App, actor: &Actor, stored: StoredProvider) -> Result<Shown> {
    let key = match stored.key {
        None => ShownKey::None,
        Some(sealed) => match open(&app.secrets, actor.organization(), sealed).await? {
            None => ShownKey::Unopened,
            Some(key) => ShownKey::Kept(hint(key.expose_secret())),
        },
    };
    Ok(Shown { settings: stored.settings, key, updated_at: stored.updated_at })
}

/// The last characters of a key, when it is so long that they do not help to guess it. Keys are ASCII.
fn hint(key: &str) -> Option<String> {
    (key.len() >= HINT_FROM_CHARS).then(|| key.get(key.len() - HINT_CHARS..).map(str::to_owned)).flatten()
}

async fn seal(app: &App, actor: &Actor, key: SecretString) -> Result<Vec<u8>> {
    let (secrets, organization) = (app.secrets.clone(), actor.organization());
    tokio::task::spawn_blocking(move || secrets.seal(organization, &key)).await.map_err(Error::internal)?
}

/// A key travels in a header.
fn checked_key(key: &SecretString) -> Result<SecretString> {
    let text = key.expose_secret();
    if (1..=TEXT_BYTES).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_graphic()) {
        return Ok(key.clone());
    }
    let allowed = format!("1 to {TEXT_BYTES} printable ASCII characters without spaces, or null for none");
    Err(Error::invalid("api_key", format!("`api_key` must be {allowed}")))
}

/// The settings, with their address in its usual form; errors name the member at fault.
fn checked(mut settings: Provider, limits: &Limits) -> Result<Provider> {
    settings.base_url = checked_url(&settings.base_url)?;
    name("default_model", &settings.default_model)?;
    within("concurrency", settings.concurrency, 1..=limits.provider_concurrency, "provider_concurrency")?;
    within(
        "timeout_seconds",
        settings.timeout_seconds,
        1..=limits.provider_timeout_seconds,
        "provider_timeout_seconds",
    )?;
    within("attempts", settings.attempts, 1..=limits.provider_attempts, "provider_attempts")?;
    if settings.requests_per_minute == Some(0) {
        return Err(at_least_one("requests_per_minute"));
    }
    if settings.tokens_per_minute == Some(0) {
        return Err(at_least_one("tokens_per_minute"));
    }
    let most = limits.provider_prices;
    if settings.prices.len() > most {
        let message = format!("`prices` has more than {most} models (`limits.provider_prices`)");
        return Err(Error::invalid("prices", message));
    }
    for (model, price) in &settings.prices {
        name("prices", model)?;
        checked_price(model, price)?;
    }
    Ok(settings)
}

fn checked_url(text: &str) -> Result<String> {
    let wrong = |why: &str| {
        let example = "such as `https://api.openai.com/v1`";
        Error::invalid("base_url", format!("`base_url` must be an http:// or https:// address {example}: {why}"))
    };
    if text.is_empty() {
        return Err(wrong("it is missing or empty"));
    }
    if text.len() > TEXT_BYTES {
        return Err(wrong(&format!("it is longer than {TEXT_BYTES} bytes")));
    }
    let url = Url::parse(text).map_err(|cause| wrong(&cause.to_string()))?;
    if !matches!(url.scheme(), "http" | "https") {
        return Err(wrong(&format!("its scheme is `{}`", url.scheme())));
    }
    if url.host_str().is_none_or(str::is_empty) {
        return Err(wrong("it has no host"));
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err(wrong("it has a user name or password in it; the key goes into `api_key`"));
    }
    if url.query().is_some() || url.fragment().is_some() {
        return Err(wrong("it has a `?` or `#` part"));
    }
    Ok(url.as_str().trim_end_matches('/').to_owned())
}

fn name(member: &str, text: &str) -> Result<()> {
    if (1..=TEXT_BYTES).contains(&text.len()) && !text.chars().any(char::is_control) {
        return Ok(());
    }
    let allowed = format!("1 to {TEXT_BYTES} bytes without control characters");
    Err(Error::invalid(member, format!("the name of a model in `{member}` must have {allowed}")))
}

fn within(member: &str, value: u32, allowed: RangeInclusive<u32>, limit: &str) -> Result<()> {
    if allowed.contains(&value) {
        return Ok(());
    }
    let (least, most) = (allowed.start(), allowed.end());
    Err(Error::invalid(member, format!("`{member}` must be {least} to {most} (`limits.{limit}`), got {value}")))
}

fn at_least_one(member: &str) -> Error {
    Error::invalid(member, format!("`{member}` must be at least 1, or null for no limit"))
}

fn checked_price(model: &str, price: &Price) -> Result<()> {
    for (member, value) in
        [("input_per_million", price.input_per_million), ("output_per_million", price.output_per_million)]
    {
        if !(0.0..=PRICE_MAX).contains(&value) {
            let path = format!("prices.{model}.{member}");
            let message = format!("`{path}` must be a number of USD from 0 to {PRICE_MAX}, got {value}");
            return Err(Error::invalid(path, message));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::{checked_url, hint};

    #[test]
    fn addresses_are_brought_into_one_form_or_refused() {
        for (given, kept) in [
            ("https://api.openai.com/v1", "https://api.openai.com/v1"),
            ("HTTPS://API.OpenAI.com:443/v1//", "https://api.openai.com/v1"),
            ("http://localhost:11434/v1/", "http://localhost:11434/v1"),
            ("http://[::1]:8000", "http://[::1]:8000"),
        ] {
            assert_eq!(checked_url(given).unwrap(), kept, "{given}");
        }
        for (wrong, why) in [
            ("", "missing"),
            ("api.openai.com/v1", "relative"),
            ("ftp://h/v1", "scheme"),
            ("file:///etc/passwd", "scheme"),
            ("https://", "empty host"),
            ("https://user:pw@h/v1", "user name"),
            ("https://user@h/v1", "user name"),
            ("https://h/v1?key=1", "`?`"),
            ("https://h/v1#x", "`#`"),
            (&format!("https://h/{}", "x".repeat(5_000)), "longer"),
        ] {
            let error = checked_url(wrong).unwrap_err();
            assert!(error.by_field().contains_key("base_url") && error.to_string().contains(why), "{wrong}: {error}");
        }
    }

    #[test]
    fn only_long_keys_show_their_end() {
        assert_eq!(hint("sk-0123456789abcdefg").as_deref(), Some("defg"));
        assert_eq!(hint("sk-0123456789abcdef"), None);
    }
}
