//! How workers learn that there is something to do, and that something is to end. Knows no job.

use evalset_model::job::Lane;

/// Wakes the workers: they also look by themselves every few seconds, so a lost wake only delays.
#[derive(Debug, Default)]
pub struct Wake {
    rows: tokio::sync::Notify,
    runs: tokio::sync::Notify,
    stops: tokio::sync::watch::Sender<()>,
}

impl Wake {
    /// Something was enqueued.
    pub fn notify(&self) {
        self.rows.notify_one();
        self.runs.notify_one();
    }

    /// Some job was asked to stop, or its dataset is gone.
    pub fn stop(&self) {
        self.stops.send_replace(());
    }

    /// Changes with every [`Wake::stop`].
    pub fn stops(&self) -> tokio::sync::watch::Receiver<()> {
        self.stops.subscribe()
    }

    /// Until the next [`Wake::notify`].
    pub async fn notified(&self, lane: Lane) {
        match lane {
            Lane::Rows => self.rows.notified().await,
            Lane::Runs => self.runs.notified().await,
        }
    }
}
