//! Who is calling: the `Authorization` header → a [`Caller`], which nothing else can make (contract A.3).

use crate::http::error::Failure;
use axum::extract::FromRequestParts;
use axum::http::{header, request::Parts};
use evalset_model::key::Organization;
use evalset_product::actor::Actor;
use evalset_product::app::App;
use evalset_product::ops;

/// Proof that the request carries a valid key.
#[derive(Clone, Debug)]
pub struct Caller {
    organization: Organization,
    actor: Actor,
}

impl Caller {
    /// Whose data this request may touch, as answers show it.
    pub fn organization(&self) -> &Organization {
        &self.organization
    }

    /// Who asks, as the product knows them.
    pub fn actor(&self) -> &Actor {
        &self.actor
    }
}

const MISSING: &str = "No API key. Send `Authorization: Bearer <key>`; `evalset key create` makes one.";
const INVALID: &str = "The API key is invalid, expired or revoked. `evalset key list` shows the keys that work.";

impl FromRequestParts<App> for Caller {
    type Rejection = Failure;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Failure> {
        let value = parts.headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok()).unwrap_or_default();
        let secret = bearer(value);
        if secret.is_empty() {
            return Err(Failure::unauthorized(MISSING));
        }
        match ops::keys::authenticate(app, secret).await? {
            Some((key, organization)) => {
                // Whose share of memory the body takes.
                parts.extensions.insert(organization.id);
                Ok(Self { organization, actor: Actor::of_key(&key) })
            }
            None => Err(Failure::unauthorized(INVALID)),
        }
    }
}

/// The key in a header value: with or without the scheme, whose case does not matter.
fn bearer(value: &str) -> &str {
    let value = value.trim();
    match value.split_at_checked(6) {
        Some((scheme, rest))
            if scheme.eq_ignore_ascii_case("bearer") && (rest.is_empty() || rest.starts_with([' ', '\t'])) =>
        {
            rest.trim()
        }
        _ => value,
    }
}

#[cfg(test)]
mod tests {
    use super::bearer;

    #[test]
    fn scheme_is_optional_and_case_insensitive() {
        for value in ["Bearer k.s", "bearer  k.s", "BEARER k.s ", "k.s"] {
            assert_eq!(bearer(value), "k.s", "{value}");
        }
        assert_eq!(bearer("Bearer"), "");
        assert_eq!(bearer("Bearerk"), "Bearerk");
    }
}
