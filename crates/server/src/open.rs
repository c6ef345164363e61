//! The application that a configuration describes: the one place where its store is chosen and opened. Runs nothing.

use crate::config::Config;
use crate::folder;
use anyhow::Context as _;
use evalset_embedded as embedded;
use evalset_product::app::{App, Options};

/// Opens the data folder, made when it is not there; only one process can. An error of the store is an
/// [`OpenError`](embedded::OpenError) underneath.
pub async fn app(config: &Config) -> anyhow::Result<App> {
    folder::prepare(&config.data)?;
    let stores = embedded::open(config.store())
        .await
        .with_context(|| format!("cannot open the data folder {}", config.data.display()))?;
    Ok(App::new(
        stores,
        Options {
            limits: config.limits.clone(),
            program: std::env::current_exe()?,
            secrets: config.secrets(),
            span_window_seconds: config.span_window_seconds,
            public_url: config.public_url(),
        },
    ))
}

/// An application over memory, for tests of what needs no data folder and starts no children.
#[cfg(test)]
pub fn in_memory() -> App {
    App::new(evalset_store::memory::open(), Options::new("unused".as_ref(), "unused".into()))
}
