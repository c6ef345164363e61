//! `evalset key create | list | revoke`: works on the data folder, beside a running server too.

use super::print;
use crate::config::Config;
use crate::folder;
use chrono::{DateTime, SecondsFormat};
use clap::{Subcommand, ValueEnum};
use evalset_embedded as embedded;
use evalset_model::key::Environment;
use evalset_product::clock::Clock;
use evalset_product::ops::keys;
use secrecy::ExposeSecret;
use std::fmt::Write as _;

/// What to do with keys.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Make a key and print it; this is the only time it is shown
    Create {
        /// Organization the key belongs to, made when there is none of this name
        #[arg(long, value_name = "NAME", default_value = keys::DEFAULT_ORGANIZATION)]
        organization: String,
        /// Shown name of the key
        #[arg(long, value_name = "NAME", default_value = "key")]
        name: String,
        /// What logs written with it carry as `environment`
        #[arg(long, value_enum, default_value = "prod")]
        environment: KeyEnvironment,
    },
    /// List all keys, never their secrets
    List,
    /// End a key
    Revoke {
        /// Prefix (first 8 characters) or id of the key
        #[arg(value_name = "PREFIX_OR_ID")]
        key: String,
    },
}

/// [`Environment`] as an argument.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub enum KeyEnvironment {
    /// Production.
    Prod,
    /// Test.
    Test,
}

impl From<KeyEnvironment> for Environment {
    fn from(environment: KeyEnvironment) -> Self {
        match environment {
            KeyEnvironment::Prod => Self::Prod,
            KeyEnvironment::Test => Self::Test,
        }
    }
}

/// Runs the command.
pub async fn run(command: Command, config: Config) -> anyhow::Result<()> {
    match command {
        Command::Create { .. } => folder::prepare(&config.data)?,
        Command::List | Command::Revoke { .. } => folder::existing(&config.data)?,
    }
    let store = tokio::task::spawn_blocking(move || embedded::open_keys_only(&config.data)).await??;
    let (store, clock) = (store.as_ref(), Clock::default());
    match command {
        Command::Create { organization, name, environment } => {
            let organization = keys::organization(store, &clock, &organization).await?;
            let made = keys::create(store, &clock, &organization, &name, environment.into()).await?;
            let key = &made.key;
            print(&format!(
                "prefix        {}\nname          {}\nenvironment   {}\norganization  {}\n\nThe key, shown this once:\n{}\n",
                key.prefix,
                key.name,
                key.environment.name(),
                organization.name,
                made.secret.expose_secret()
            ))
        }
        Command::List => print(&table(&keys::list(store).await?)),
        Command::Revoke { key } => {
            let key = keys::revoke(store, &clock, &key).await?;
            print(&format!("The key {} ({}) is revoked since {}.\n", key.prefix, key.name, time(key.revoked_at)))
        }
    }
}

fn table(listed: &[(evalset_model::key::ApiKey, evalset_model::key::Organization)]) -> String {
    if listed.is_empty() {
        return "There are no keys; `evalset key create` makes one.\n".to_owned();
    }
    let head = ["PREFIX", "ENVIRONMENT", "ORGANIZATION", "NAME", "CREATED", "REVOKED", "ID"].map(str::to_owned);
    let rows = listed.iter().map(|(key, organization)| {
        let (created, revoked) = (time(Some(key.created_at)), time(key.revoked_at));
        let environment = key.environment.name().to_owned();
        [
            key.prefix.clone(),
            environment,
            organization.name.clone(),
            key.name.clone(),
            created,
            revoked,
            key.id.to_string(),
        ]
    });
    let rows: Vec<[String; 7]> = std::iter::once(head).chain(rows).collect();
    let width = |column: usize| rows.iter().map(|row| row[column].chars().count()).max().unwrap_or(0);
    let widths: Vec<usize> = (0..7).map(width).collect();
    let mut text = String::new();
    for row in &rows {
        let cells = row.iter().zip(&widths).map(|(cell, width)| format!("{cell:width$}"));
        let line = cells.collect::<Vec<_>>().join("  ");
        writeln!(text, "{}", line.trim_end()).ok();
    }
    text
}

fn time(micros: Option<i64>) -> String {
    let shown = |at: DateTime<_>| at.to_rfc3339_opts(SecondsFormat::Secs, true);
    micros.and_then(DateTime::from_timestamp_micros).map_or_else(|| "-".to_owned(), shown)
}
