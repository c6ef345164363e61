//! How the server is: whether data can be read and written, and what is measured of it. Knows no HTTP and no metrics
//! library.

use crate::app::App;
use evalset_model::{Error, Result};
use evalset_store::Parts;
use std::time::Duration;

/// A store that does not answer a probe in this time is not ready.
const PROBE: Duration = Duration::from_secs(5);

/// Whether work can be taken on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Readiness {
    /// Data can be read.
    pub readable: bool,
    /// Data can be written; false for instance when the disk is full.
    pub writable: bool,
    /// The server is shutting down.
    pub stopping: bool,
    /// Why it is not ready; empty when it is. May be shown: internal causes go to the log.
    pub faults: Vec<String>,
}

/// Asks the store.
pub async fn readiness(app: &App) -> Readiness {
    let health = &app.stores.health;
    let (readable, writable) = tokio::join!(probe(health.readable()), app.proof.or(probe(writable(app))));
    let stopping = app.stopping.is_cancelled();
    let faults = [("reading", &readable), ("writing", &writable)]
        .into_iter()
        .filter_map(|(what, result)| result.as_ref().err().map(|why| format!("{what} fails: {why}")))
        .chain(stopping.then(|| "the server is shutting down".to_owned()))
        .collect();
    Readiness { readable: readable.is_ok(), writable: writable.is_ok(), stopping, faults }
}

/// Whether what everything stands on can be written. Without request logs the rest is served: a node is not taken out
/// for them.
async fn writable(app: &App) -> Result<()> {
    let Parts { rows, logs } = app.stores.health.writable().await;
    if let Some(Err(error)) = logs {
        tracing::warn!(%error, "request logs cannot be written");
    }
    rows
}

/// Ok, or a reason that may be shown.
async fn probe(work: impl Future<Output = Result<()>>) -> Result<(), String> {
    match tokio::time::timeout(PROBE, work).await {
        Ok(Ok(())) => Ok(()),
        Ok(Err(Error::Internal(cause))) => {
            tracing::warn!(cause, "not ready");
            Err("internal error".to_owned())
        }
        Ok(Err(error)) => Err(error.to_string()),
        Err(_) => Err(format!("no answer within {} s", PROBE.as_secs())),
    }
}

/// What the store measures of itself: names of metrics and their values.
pub fn gauges(app: &App) -> Vec<(&'static str, f64)> {
    app.stores.health.gauges()
}

/// Jobs that have not ended, of all organizations.
pub async fn open_jobs(app: &App) -> Result<u64> {
    app.stores.jobs.open_everywhere().await
}
