//! Organizations and API keys: make, check, list, end (contract A.3). Secrets live only as long as a call; at rest
//! there is their SHA-256. Knows no HTTP and no terminal.

use crate::app::App;
use crate::clock::Clock;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use evalset_model::ids::{KeyId, OrganizationId};
use evalset_model::key::{ApiKey, Environment, Organization};
use evalset_model::{Error, Result};
use evalset_store::Keys;
use secrecy::SecretString;
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;

/// Public characters at the start of a key.
pub const PREFIX_CHARS: usize = 8;
/// A key that is brought along must have at least this many characters.
pub const MIN_CHARS: usize = 16;
/// Longer ones are no keys; the bound keeps hashing cheap.
pub const MAX_CHARS: usize = 512;
/// The organization of a fresh server.
pub const DEFAULT_ORGANIZATION: &str = "default";

/// 32 characters for the public prefix, none that is easily taken for another.
const PREFIX_ALPHABET: &[u8; 32] = b"abcdefghjkmnpqrstuvwxyz123456789";

/// A key just made, with the only copy of its secret.
#[derive(Debug)]
pub struct NewKey {
    /// What is stored.
    pub key: ApiKey,
    /// The whole key, `<8 characters>.<43 characters>`: to be shown once.
    pub secret: SecretString,
}

/// The key and organization of a secret; `None` when it is unknown or revoked.
pub async fn authenticate(app: &App, secret: &str) -> Result<Option<(ApiKey, Organization)>> {
    if secret.is_empty() || secret.len() > MAX_CHARS {
        return Ok(None);
    }
    let hash = hash(secret);
    let found = app.stores.keys.by_hash(&hash).await?;
    // The store looked the hash up by its own means; the last word is a comparison whose time tells nothing.
    Ok(found.filter(|(key, _)| bool::from(key.hash.ct_eq(&hash)) && key.revoked_at.is_none()))
}

/// SHA-256 of a whole key, as stored.
pub fn hash(secret: &str) -> Vec<u8> {
    Sha256::digest(secret.as_bytes()).to_vec()
}

/// The organization called `name`, made if there is none.
pub async fn organization(keys: &dyn Keys, clock: &Clock, name: &str) -> Result<Organization> {
    let name = named("organization", name)?;
    if let Some(found) = find_organization(keys, name).await? {
        return Ok(found);
    }
    match keys.create_organization(OrganizationId(clock.new_id()), name, clock.now()).await {
        // Another process was faster: its organization is as good.
        Err(Error::Conflict(why)) => find_organization(keys, name).await?.ok_or(Error::Conflict(why)),
        made => made,
    }
}

async fn find_organization(keys: &dyn Keys, name: &str) -> Result<Option<Organization>> {
    Ok(keys.organizations().await?.into_iter().find(|organization| organization.name == name))
}

/// Makes a key of 256 random bits.
pub async fn create(
    keys: &dyn Keys,
    clock: &Clock,
    organization: &Organization,
    name: &str,
    environment: Environment,
) -> Result<NewKey> {
    let name = named("name", name)?;
    let secret = generate()?;
    let key = stored(clock, organization.id, name, environment, &secret);
    keys.create_key(key.clone()).await?;
    Ok(NewKey { key, secret: secret.into() })
}

/// Makes sure that a key which the operator chose works, and belongs to `organization` when it is new. Doing it again
/// changes nothing. `Conflict` when the key was revoked: bringing it back silently would undo somebody's decision.
pub async fn install(
    keys: &dyn Keys,
    clock: &Clock,
    organization: &Organization,
    secret: &str,
    environment: Environment,
) -> Result<ApiKey> {
    check_chosen(secret)?;
    match keys.by_hash(&hash(secret)).await? {
        Some((key, _)) if key.revoked_at.is_some() => {
            Err(Error::Conflict(format!("the key `{}…` was revoked; choose another one or leave it out", key.prefix)))
        }
        Some((key, _)) => Ok(key),
        None => {
            let key = stored(clock, organization.id, "installed", environment, secret);
            keys.create_key(key.clone()).await?;
            Ok(key)
        }
    }
}

/// What a chosen key must look like: it travels in a header, and its first characters are shown.
pub fn check_chosen(secret: &str) -> Result<()> {
    let fits = (MIN_CHARS..=MAX_CHARS).contains(&secret.len()) && secret.bytes().all(|byte| byte.is_ascii_graphic());
    if fits {
        return Ok(());
    }
    Err(Error::invalid(
        "api_key",
        format!("a key must have {MIN_CHARS} to {MAX_CHARS} printable ASCII characters and no spaces"),
    ))
}

/// All keys with their organizations, oldest first within each.
pub async fn list(keys: &dyn Keys) -> Result<Vec<(ApiKey, Organization)>> {
    let mut listed = Vec::new();
    for organization in keys.organizations().await? {
        for key in keys.keys(Some(organization.id)).await? {
            listed.push((key, organization.clone()));
        }
    }
    Ok(listed)
}

/// Ends the key with this prefix or id. Ending it twice keeps the first time.
pub async fn revoke(keys: &dyn Keys, clock: &Clock, prefix_or_id: &str) -> Result<ApiKey> {
    let wanted: Option<KeyId> = prefix_or_id.parse().ok();
    // A whole key pasted here is understood by its prefix.
    let matches = |key: &ApiKey| Some(key.id) == wanted || key.prefix == prefix_or_id || hash(prefix_or_id) == key.hash;
    let Some(mut key) = keys.keys(None).await?.into_iter().find(matches) else {
        return Err(Error::NotFound("no key has this prefix or id; `evalset key list` shows them".to_owned()));
    };
    let now = clock.now();
    if !keys.revoke(key.id, now).await? {
        return Err(Error::NotFound("the key is gone".to_owned()));
    }
    key.revoked_at.get_or_insert(now);
    Ok(key)
}

fn stored(clock: &Clock, organization: OrganizationId, name: &str, environment: Environment, secret: &str) -> ApiKey {
    ApiKey {
        id: KeyId(clock.new_id()),
        organization,
        name: name.to_owned(),
        prefix: secret.chars().take(PREFIX_CHARS).collect(),
        hash: hash(secret),
        environment,
        created_at: clock.now(),
        revoked_at: None,
    }
}

/// A shown name: something, on one line, not endless.
fn named<'a>(field: &str, name: &'a str) -> Result<&'a str> {
    let name = name.trim();
    if name.is_empty() || name.chars().count() > 200 || name.chars().any(char::is_control) {
        return Err(Error::invalid(field, "must have 1 to 200 characters on one line"));
    }
    Ok(name)
}

/// `<prefix>.<secret>`: 40 random bits to tell keys apart, 256 to keep them.
fn generate() -> Result<String> {
    let mut bytes = [0_u8; PREFIX_CHARS + 32];
    getrandom::fill(&mut bytes).map_err(Error::internal)?;
    let (prefix, secret) = bytes.split_at(PREFIX_CHARS);
    let mut key: String = prefix.iter().map(|byte| char::from(PREFIX_ALPHABET[usize::from(byte % 32)])).collect();
    key.push('.');
    URL_SAFE_NO_PAD.encode_string(secret, &mut key);
    Ok(key)
}

#[cfg(test)]
mod tests {
    use super::{
        DEFAULT_ORGANIZATION, authenticate, check_chosen, create, generate, hash, install, list, organization, revoke,
    };
    use crate::app::{App, Options};
    use base64::Engine;
    use base64::engine::general_purpose::URL_SAFE_NO_PAD;
    use evalset_model::Error;
    use evalset_model::key::Environment;
    use secrecy::ExposeSecret;

    #[test]
    fn keys_have_the_documented_form_and_never_repeat() {
        let key = generate().unwrap();
        let (prefix, secret) = key.split_once('.').unwrap();
        assert_eq!((prefix.len(), secret.len()), (8, 43));
        assert!(prefix.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit()), "{prefix}");
        assert_eq!(URL_SAFE_NO_PAD.decode(secret).unwrap().len(), 32);
        assert_ne!(generate().unwrap(), key);
        assert!(check_chosen(&key).is_ok(), "a generated key may be installed elsewhere");
    }

    fn app() -> App {
        let options = Options::new("unused".as_ref(), std::env::current_exe().unwrap());
        App::new(evalset_store::memory::open(), options)
    }

    #[tokio::test]
    async fn a_key_works_until_it_is_revoked() {
        let app = app();
        let store = app.stores.keys.as_ref();
        let home = organization(store, &app.clock, "home").await.unwrap();
        assert_eq!(organization(store, &app.clock, "home").await.unwrap(), home, "made once");
        let made = create(store, &app.clock, &home, "laptop", Environment::Test).await.unwrap();
        let secret = made.secret.expose_secret();
        let (key, owner) = authenticate(&app, secret).await.unwrap().unwrap();
        assert_eq!((key.environment, owner), (Environment::Test, home));
        for wrong in ["", &secret[..secret.len() - 1], &format!("{secret}x"), &"x".repeat(100_000)] {
            assert!(authenticate(&app, wrong).await.unwrap().is_none());
        }
        let ended = revoke(store, &app.clock, &made.key.prefix).await.unwrap();
        assert!(ended.revoked_at.is_some());
        assert!(authenticate(&app, secret).await.unwrap().is_none());
        assert!(matches!(revoke(store, &app.clock, "nobody").await, Err(Error::NotFound(_))));
        assert_eq!(list(store).await.unwrap().len(), 1, "revoked keys stay listed");
    }

    #[tokio::test]
    async fn a_chosen_key_is_installed_once_and_not_brought_back() {
        let app = app();
        let store = app.stores.keys.as_ref();
        let home = organization(store, &app.clock, DEFAULT_ORGANIZATION).await.unwrap();
        let chosen = "my-own-key-123456";
        for _ in 0..2 {
            let key = install(store, &app.clock, &home, chosen, Environment::Prod).await.unwrap();
            assert_eq!(key.prefix, "my-own-k");
        }
        assert_eq!(list(store).await.unwrap().len(), 1);
        assert!(authenticate(&app, chosen).await.unwrap().is_some());
        revoke(store, &app.clock, chosen).await.unwrap();
        let again = install(store, &app.clock, &home, chosen, Environment::Prod).await;
        assert!(matches!(again, Err(Error::Conflict(_))));
    }

    #[test]
    fn the_hash_is_sha_256() {
        let hex = hash("abc").iter().fold(String::new(), |text, byte| format!("{text}{byte:02x}"));
        assert_eq!(hex, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    }

    #[test]
    fn chosen_keys_must_fit_a_header() {
        assert!(check_chosen("0123456789abcdef").is_ok());
        for bad in ["", "short", "0123456789abcde", "with space 123456", "tab\t0123456789abc", "schlüssel-012345678"] {
            assert!(check_chosen(bad).is_err(), "{bad}");
        }
        assert!(check_chosen(&"x".repeat(513)).is_err());
    }
}
