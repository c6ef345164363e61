//! Seals what must not be readable in a copy of the database: XChaCha20-Poly1305 under a key that is kept outside of
//! it.
//!
//! The key is given by the configuration, or lies in `secret.key` of the data folder, made when something is sealed for
//! the first time. Does not know what is sealed.

use chacha20poly1305::aead::{Aead, KeyInit, Payload};
use chacha20poly1305::{XChaCha20Poly1305, XNonce};
use evalset_model::ids::OrganizationId;
use evalset_model::{Error, Result};
use secrecy::{ExposeSecret, SecretBox, SecretString};
use std::fs::OpenOptions;
use std::io::{ErrorKind, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// File of the key in the data folder.
pub const FILE: &str = "secret.key";
/// Bytes of the key.
const KEY_BYTES: usize = 32;
/// Bytes of a nonce. Drawn at random: with 192 bits none comes twice.
const NONCE_BYTES: usize = 24;
/// First byte of what is sealed this way.
const FORM: u8 = 1;

type Key = SecretBox<[u8; KEY_BYTES]>;

/// Seals and opens. Cheap to clone. Its calls may read or write a small file: they block.
#[derive(Clone)]
pub struct Secrets(Arc<Inner>);

struct Inner {
    file: PathBuf,
    given: Option<Key>,
    /// Held while the file is made, so that two first uses do not make two keys.
    making: parking_lot::Mutex<()>,
}

impl Secrets {
    /// With the key in `folder`, unless one is given as 64 hex digits, which must be checked before by [`parse`].
    pub fn new(folder: &Path, given: Option<&str>) -> Self {
        let given = given.and_then(parse);
        Self(Arc::new(Inner { file: folder.join(FILE), given, making: parking_lot::Mutex::new(()) }))
    }

    /// Seals a text for an organization: it does not open for another.
    pub fn seal(&self, organization: OrganizationId, secret: &SecretString) -> Result<Vec<u8>> {
        let mut nonce = [0; NONCE_BYTES];
        getrandom::fill(&mut nonce).map_err(Error::internal)?;
        let payload = Payload { msg: secret.expose_secret().as_bytes(), aad: organization.0.as_bytes() };
        let sealed = cipher(&self.key_or_new()?)
            .encrypt(&XNonce::from(nonce), payload)
            .map_err(|_| Error::internal("a secret could not be sealed"))?;
        Ok([&[FORM], nonce.as_slice(), &sealed].concat())
    }

    /// The text that was sealed for the organization; `None` when the key in force is not the one it was sealed with.
    pub fn open(&self, organization: OrganizationId, sealed: &[u8]) -> Result<Option<SecretString>> {
        let Some((nonce, sealed)) = sealed.strip_prefix(&[FORM]).and_then(|rest| rest.split_first_chunk()) else {
            return Ok(None);
        };
        let key = match self.key() {
            Ok(Some(key)) => key,
            Ok(None) => return Ok(None),
            Err(cause) => {
                tracing::warn!(error = %cause, "the key of stored secrets cannot be used");
                return Ok(None);
            }
        };
        let nonce: [u8; NONCE_BYTES] = *nonce;
        let payload = Payload { msg: sealed, aad: organization.0.as_bytes() };
        let Ok(text) = cipher(&key).decrypt(&XNonce::from(nonce), payload) else { return Ok(None) };
        Ok(String::from_utf8(text).ok().map(SecretString::from))
    }

    /// The key in force; `None` when there is none yet.
    fn key(&self) -> Result<Option<Key>> {
        if let Some(given) = &self.0.given {
            return Ok(Some(Key::new(Box::new(*given.expose_secret()))));
        }
        match std::fs::read_to_string(&self.0.file).map(SecretString::from) {
            Ok(text) => parse(text.expose_secret().trim()).map(Some).ok_or_else(|| {
                let shown = self.0.file.display();
                Error::Conflict(format!(
                    "{shown} does not hold 64 hex digits: restore it, or remove it and enter stored API keys again"
                ))
            }),
            Err(cause) if cause.kind() == ErrorKind::NotFound => Ok(None),
            Err(cause) => Err(Error::internal(format!("{} cannot be read: {cause}", self.0.file.display()))),
        }
    }

    fn key_or_new(&self) -> Result<Key> {
        if let Some(key) = self.key()? {
            return Ok(key);
        }
        let _one_at_a_time = self.0.making.lock();
        if let Some(key) = self.key()? {
            return Ok(key);
        }
        let mut bytes = Box::new([0; KEY_BYTES]);
        getrandom::fill(bytes.as_mut_slice()).map_err(Error::internal)?;
        let key = Key::new(bytes);
        write(&self.0.file, &key)
            .map_err(|cause| Error::internal(format!("{} cannot be written: {cause}", self.0.file.display())))?;
        Ok(key)
    }
}

/// The key of 64 hex digits.
pub fn parse(digits: &str) -> Option<Key> {
    if digits.len() != 2 * KEY_BYTES || !digits.bytes().all(|digit| digit.is_ascii_hexdigit()) {
        return None;
    }
    let mut bytes = Box::new([0; KEY_BYTES]);
    for (index, byte) in bytes.iter_mut().enumerate() {
        *byte = u8::from_str_radix(&digits[2 * index..2 * index + 2], 16).ok()?;
    }
    Some(Key::new(bytes))
}

fn cipher(key: &Key) -> XChaCha20Poly1305 {
    XChaCha20Poly1305::new(key.expose_secret().into())
}

/// Writes the file for this user only, whole or not at all: half a key would be a lost one.
fn write(file: &Path, key: &Key) -> std::io::Result<()> {
    use std::fmt::Write as _;
    let mut digits = String::with_capacity(2 * KEY_BYTES + 1);
    for byte in key.expose_secret() {
        // Writing to a string does not fail.
        let _ = write!(digits, "{byte:02x}");
    }
    digits.push('\n');
    let digits = SecretString::from(digits);
    let half = file.with_extension("key.new");
    let mut options = OpenOptions::new();
    options.write(true).create(true).truncate(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut made = options.open(&half)?;
    made.write_all(digits.expose_secret().as_bytes())?;
    made.sync_all()?;
    std::fs::rename(&half, file)?;
    // The name has to reach the disk as well, before anything that needs this key does.
    #[cfg(unix)]
    if let Some(folder) = file.parent() {
        std::fs::File::open(folder)?.sync_all()?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::{FILE, Secrets, parse};
    use evalset_model::ids::OrganizationId;
    use secrecy::{ExposeSecret, SecretString};
    use uuid::Uuid;

    const OWN: OrganizationId = OrganizationId(Uuid::from_u128(1));
    const OTHER: OrganizationId = OrganizationId(Uuid::from_u128(2));

    fn opened(secrets: &Secrets, organization: OrganizationId, sealed: &[u8]) -> Option<String> {
        secrets.open(organization, sealed).unwrap().map(|text| text.expose_secret().to_owned())
    }

    #[test]
    fn what_is_sealed_opens_for_its_organization_only() {
        let folder = tempfile::tempdir().unwrap();
        let secrets = Secrets::new(folder.path(), None);
        let secret = SecretString::from("sk-not-in-the-clear");
        assert_eq!(opened(&secrets, OWN, &[1; 80]), None, "there is no key yet, and asking makes none");
        assert!(!folder.path().join(FILE).exists());
        let sealed = secrets.seal(OWN, &secret).unwrap();
        assert_eq!(opened(&secrets, OWN, &sealed).as_deref(), Some("sk-not-in-the-clear"));
        assert_ne!(sealed, secrets.seal(OWN, &secret).unwrap(), "a nonce of its own each time");
        assert_eq!(opened(&secrets, OTHER, &sealed), None);
        assert!(!sealed.windows(6).any(|part| part == b"sk-not"));
        for index in [0, 1, 30, sealed.len() - 1] {
            let mut changed = sealed.clone();
            changed[index] ^= 1;
            assert_eq!(opened(&secrets, OWN, &changed), None, "{index}");
        }
        for length in [0, 1, 24, 25, sealed.len() - 1] {
            assert_eq!(opened(&secrets, OWN, &sealed[..length]), None, "{length}");
        }
        let again = Secrets::new(folder.path(), None);
        assert_eq!(opened(&again, OWN, &sealed).as_deref(), Some("sk-not-in-the-clear"));
    }

    #[cfg(unix)]
    #[test]
    fn the_file_is_for_its_owner_only_and_a_broken_one_is_not_replaced() {
        use std::os::unix::fs::PermissionsExt;
        let folder = tempfile::tempdir().unwrap();
        let secrets = Secrets::new(folder.path(), None);
        let sealed = secrets.seal(OWN, &"x".into()).unwrap();
        let file = folder.path().join(FILE);
        assert_eq!(file.metadata().unwrap().permissions().mode() & 0o777, 0o600);
        std::fs::write(&file, "half a k").unwrap();
        assert_eq!(opened(&secrets, OWN, &sealed), None);
        assert!(secrets.seal(OWN, &"x".into()).unwrap_err().to_string().contains("64 hex digits"));
        assert_eq!(std::fs::read_to_string(&file).unwrap(), "half a k");
        std::fs::remove_file(&file).unwrap();
        let new = secrets.seal(OWN, &"y".into()).unwrap();
        assert_eq!((opened(&secrets, OWN, &sealed), opened(&secrets, OWN, &new).as_deref()), (None, Some("y")));
    }

    #[test]
    fn a_given_key_makes_no_file() {
        let folder = tempfile::tempdir().unwrap();
        let secrets = Secrets::new(folder.path(), Some(&"0aF1".repeat(16)));
        let sealed = secrets.seal(OWN, &"x".into()).unwrap();
        assert_eq!(opened(&secrets, OWN, &sealed).as_deref(), Some("x"));
        assert!(!folder.path().join(FILE).exists());
        let other = Secrets::new(folder.path(), Some(&"1aF1".repeat(16)));
        assert_eq!(opened(&other, OWN, &sealed), None);
        for wrong in ["", "0a", &"0g".repeat(32), &"é".repeat(32)] {
            assert!(parse(wrong).is_none(), "{wrong}");
        }
    }
}
