//! Configuration: `default.toml` < `evalset.toml` < environment < flags. The environment is read here and nowhere else.
//!
//! An option exists because `default.toml` lists it: its comment is the help text of its flag, and a name that is not
//! there is an error with its source. Knows nothing of what the options do.

mod check;
pub mod flags;
mod key;
mod print;
mod source;
#[cfg(test)]
mod tests;

pub use key::{Key, keys};
pub use print::as_toml;

use evalset_embedded as embedded;
use evalset_model::limits::Limits;
use evalset_product::secrets::Secrets;
use figment::Figment;
use figment::providers::{Format as _, Toml};
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;
use std::path::PathBuf;

/// The defaults, as shipped.
pub const DEFAULTS: &str = include_str!("default.toml");
/// Read when it is there and no other file is named.
pub const FILE: &str = "evalset.toml";
/// Environment variable that names another file.
const FILE_VARIABLE: &str = "EVALSET_CONFIG";
/// Environment variable that names the server which `import` and `export` go through.
const URL_VARIABLE: &str = "EVALSET_URL";

/// The effective configuration.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// Folder that holds everything.
    pub data: PathBuf,
    /// `HOST:PORT`.
    pub listen: String,
    /// Absolute base of links, without a slash at the end; empty when each request tells.
    public_url: String,
    api_key: SecretString,
    secret_key: SecretString,
    /// Span lists reach this many seconds back when no start is given (contract H16).
    pub span_window_seconds: i64,
    /// Logging.
    pub log: Log,
    /// Bounds.
    pub limits: Limits,
    /// Server of the environment, for commands that can go through one; no option, since it says nothing of this
    /// server.
    #[serde(skip)]
    pub url: Option<String>,
}

/// How the process logs.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Log {
    /// Form of a line.
    pub format: Format,
    /// Level, or directives by module.
    pub level: String,
    /// A line for each request.
    pub requests: bool,
}

/// Form of the log.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Format {
    /// For people.
    Text,
    /// For machines, an object a line.
    Json,
}

impl Config {
    /// How to open the store.
    pub fn store(&self) -> embedded::Options {
        embedded::Options { limits: self.limits.clone(), ..embedded::Options::new(&self.data) }
    }

    /// Absolute base of links, unless each request tells.
    pub fn public_url(&self) -> Option<String> {
        (!self.public_url.is_empty()).then(|| self.public_url.trim_end_matches('/').to_owned())
    }

    /// The key to install at start.
    pub fn api_key(&self) -> Option<&str> {
        Some(self.api_key.expose_secret()).filter(|key| !key.is_empty())
    }

    /// The key that seals stored secrets, 64 hex digits, unless it lies in the data folder.
    pub fn secret_key(&self) -> Option<&str> {
        Some(self.secret_key.expose_secret()).filter(|key| !key.is_empty())
    }

    /// What seals stored secrets.
    pub fn secrets(&self) -> Secrets {
        Secrets::new(&self.data, self.secret_key())
    }
}

/// Why a configuration cannot be used: one line per fault.
#[derive(Debug, thiserror::Error)]
#[error("{}", .0.join("\n"))]
pub struct Faults(Vec<String>);

/// Where options come from, beside the defaults.
#[derive(Debug, Default)]
pub struct Sources {
    /// `--config FILE`.
    pub file: Option<PathBuf>,
    /// Environment variables that begin with `EVALSET_`.
    pub environment: Vec<(String, String)>,
    /// Options on the command line: dotted name → text.
    pub flags: Vec<(String, String)>,
}

impl Sources {
    /// The process environment with these flags.
    pub fn of_process(file: Option<PathBuf>, flags: Vec<(String, String)>) -> Self {
        let environment = std::env::vars_os().filter_map(|(name, value)| {
            let name = name.into_string().ok().filter(|name| name.starts_with(source::PREFIX))?;
            Some((name, value.to_string_lossy().into_owned()))
        });
        Self { file, environment: environment.collect(), flags }
    }

    /// The file to read: named by flag or environment, else `evalset.toml` of the working directory when it exists.
    pub fn file(&self) -> Option<PathBuf> {
        let named = || self.environment.iter().find(|(name, _)| name == FILE_VARIABLE).map(|(_, file)| file.into());
        let usual = || Some(PathBuf::from(FILE)).filter(|file| file.exists());
        self.file.clone().or_else(named).or_else(usual)
    }

    /// The server to go through, unless a data folder was asked for on the command line: that is meant for this call.
    fn url(&self) -> Option<String> {
        let folder = self.flags.iter().any(|(name, _)| name == "data");
        let (_, url) = self.environment.iter().find(|(name, _)| name == URL_VARIABLE)?;
        (!folder && !url.trim().is_empty()).then(|| url.trim().to_owned())
    }
}

/// Reads all sources, refuses what is no option, and checks values.
pub fn load(sources: &Sources) -> Result<Config, Faults> {
    let mut faults = Vec::new();
    let mut figment = Figment::from(Toml::string(DEFAULTS));
    if let Some(file) = sources.file() {
        source::check_file(&file, &mut faults);
        figment = figment.merge(Toml::file_exact(file));
    }
    let environment = source::environment(&sources.environment, &mut faults);
    let flags = source::flags(&sources.flags, &mut faults);
    if !faults.is_empty() {
        return Err(Faults(faults));
    }
    let mut config: Config = figment
        .merge(environment)
        .merge(flags)
        .extract()
        .map_err(|error| Faults(error.into_iter().map(|one| one.to_string()).collect()))?;
    config.url = sources.url();
    check::values(&config, &mut faults);
    if faults.is_empty() { Ok(config) } else { Err(Faults(faults)) }
}
