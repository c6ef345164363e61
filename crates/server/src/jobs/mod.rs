//! Long work: durable, resumable, cancellable (design section 6).
//!
//! A worker claims a queued job and runs its task; each unit of work commits together with the job's progress, so a restart
//! goes on exactly after the last committed unit. `ops` enqueue; this module only runs.

mod copy;
pub mod export;
pub mod lines;
mod purge;
mod remove;
mod run;
pub mod runner;
pub mod source;
#[cfg(test)]
mod tests;
pub mod traces;

pub use runner::start;

/// Wakes the workers: they also look by themselves every few seconds, so a lost wake only delays.
#[derive(Debug, Default)]
pub struct Wake(tokio::sync::Notify);

impl Wake {
    /// Something was enqueued.
    pub fn notify(&self) {
        self.0.notify_one();
    }

    /// Until the next [`Wake::notify`].
    pub async fn notified(&self) {
        self.0.notified().await;
    }
}
