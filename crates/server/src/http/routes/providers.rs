//! The LLM provider of the organization: read, set, change, remove. Our own route, not part of the hosted service's
//! API, hence strict: unknown members are refused.

use crate::http::auth::Caller;
use crate::http::error::Answer;
use crate::http::extract::Body;
use crate::http::members;
use crate::http::openapi::Failures;
use crate::http::schema::ProviderBody;
use crate::wire::provider::ProviderObject;
use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use evalset_model::provider::{Price, Provider};
use evalset_model::{Error, Result};
use evalset_product::app::App;
use evalset_product::ops::providers::{self, KeyChange};
use serde_json::{Map, Value};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

/// The routes of this noun.
pub fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(retrieve, replace, update, delete))
}

const MEMBERS: &[&str] = &[
    "base_url",
    "default_model",
    "prices",
    "requests_per_minute",
    "tokens_per_minute",
    "concurrency",
    "timeout_seconds",
    "attempts",
    API_KEY,
];
const API_KEY: &str = "api_key";
const PRICE_MEMBERS: &[&str] = &["input_per_million", "output_per_million"];

/// Read the settings. The API key is not shown.
#[utoipa::path(get, path = "/api/llm-provider/", tag = "LLM provider",
    responses((status = 200, body = ProviderObject), Failures))]
async fn retrieve(State(app): State<App>, caller: Caller) -> Answer<Json<ProviderObject>> {
    Ok(Json(providers::shown(&app, caller.actor()).await?.into()))
}

/// Set all settings; what is left out gets its default. Without `api_key` the stored key stays, provided that
/// `base_url` does.
#[utoipa::path(put, path = "/api/llm-provider/", tag = "LLM provider", request_body = ProviderBody,
    responses((status = 200, body = ProviderObject), Failures))]
async fn replace(State(app): State<App>, caller: Caller, Body(body): Body) -> Answer<Json<ProviderObject>> {
    let settings = merged(Provider::default(), &body)?;
    let change = |_: Option<&Provider>| Ok(settings.clone());
    Ok(Json(providers::put(&app, caller.actor(), key_change(&body)?, change).await?.into()))
}

/// Change some settings: null gives a member its default, `prices` are merged by model and null removes a model. The
/// stored key stays when `api_key` is left out, provided that `base_url` stays.
#[utoipa::path(patch, path = "/api/llm-provider/", tag = "LLM provider", request_body = ProviderBody,
    responses((status = 200, body = ProviderObject), Failures))]
async fn update(State(app): State<App>, caller: Caller, Body(body): Body) -> Answer<Json<ProviderObject>> {
    let change = |present: Option<&Provider>| merged(present.ok_or_else(providers::missing)?.clone(), &body);
    Ok(Json(providers::put(&app, caller.actor(), key_change(&body)?, change).await?.into()))
}

/// Remove the settings and the key.
#[utoipa::path(delete, path = "/api/llm-provider/", tag = "LLM provider", responses((status = 204), Failures))]
async fn delete(State(app): State<App>, caller: Caller) -> Answer<StatusCode> {
    providers::delete(&app, caller.actor()).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// What the body does with the key: absent keeps it, null removes it.
fn key_change(body: &Map<String, Value>) -> Result<KeyChange> {
    match members::given(body, API_KEY) {
        None => Ok(KeyChange::Keep),
        Some(Value::Null) => Ok(KeyChange::Remove),
        Some(Value::String(key)) => Ok(KeyChange::Set(key.as_str().into())),
        // What was sent is not repeated: it may be a key in the wrong wrapping.
        Some(_) => Err(Error::invalid(API_KEY, "`api_key` must be a string, or null for none")),
    }
}

/// The settings with the members of the body in place of theirs; null is the default.
fn merged(mut settings: Provider, body: &Map<String, Value>) -> Result<Provider> {
    members::only(body, "", MEMBERS)?;
    // Absent keeps; null is the default.
    let named = |name: &str| body.contains_key(name);
    let default = Provider::default();
    if named("base_url") {
        settings.base_url = members::text(body, "base_url")?.unwrap_or_default();
    }
    if named("default_model") {
        settings.default_model = members::text(body, "default_model")?.unwrap_or(default.default_model);
    }
    if let Some(prices) = members::given(body, "prices") {
        merge_prices(&mut settings, prices)?;
    }
    if named("requests_per_minute") {
        settings.requests_per_minute = members::whole(body, "requests_per_minute")?;
    }
    if named("tokens_per_minute") {
        settings.tokens_per_minute = members::whole(body, "tokens_per_minute")?;
    }
    if named("concurrency") {
        settings.concurrency = members::whole(body, "concurrency")?.unwrap_or(default.concurrency);
    }
    if named("timeout_seconds") {
        settings.timeout_seconds = members::whole(body, "timeout_seconds")?.unwrap_or(default.timeout_seconds);
    }
    if named("attempts") {
        settings.attempts = members::whole(body, "attempts")?.unwrap_or(default.attempts);
    }
    Ok(settings)
}

fn merge_prices(settings: &mut Provider, prices: &Value) -> Result<()> {
    let wrong = |path: &str| Error::invalid(path, format!("`{path}` must be an object"));
    if prices.is_null() {
        settings.prices.clear();
        return Ok(());
    }
    for (model, price) in prices.as_object().ok_or_else(|| wrong("prices"))? {
        if price.is_null() {
            settings.prices.remove(model);
            continue;
        }
        let path = format!("prices.{model}");
        let price = price.as_object().ok_or_else(|| wrong(&path))?;
        members::only(price, &path, PRICE_MEMBERS)?;
        let usd =
            |name| members::number(price, name).map(Option::unwrap_or_default).map_err(|error| within(&path, error));
        let price = Price { input_per_million: usd(PRICE_MEMBERS[0])?, output_per_million: usd(PRICE_MEMBERS[1])? };
        settings.prices.insert(model.clone(), price);
    }
    Ok(())
}

/// The error with its member named from the body's root.
fn within(path: &str, error: Error) -> Error {
    match error {
        Error::Invalid { field: Some(field), message } => Error::invalid(format!("{path}.{field}"), message),
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use super::{MEMBERS, key_change, merged};
    use crate::http::members::document::{agrees, lists};
    use crate::http::schema::ProviderBody;
    use evalset_model::provider::Provider;
    use serde_json::Value;

    /// A body with every member, each null.
    fn all() -> serde_json::Map<String, Value> {
        MEMBERS.iter().map(|name| ((*name).to_owned(), Value::Null)).collect()
    }

    #[test]
    fn the_document_shows_what_is_read() {
        lists::<ProviderBody>(MEMBERS);
        agrees::<ProviderBody>(&[], || {
            drop(merged(Provider::default(), &all()).unwrap());
            drop(key_change(&all()).unwrap());
        });
    }
}
