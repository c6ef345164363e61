//! What a store promises. Knows neither SQL nor files nor HTTP.
//!
//! One trait per noun, object-safe, gathered in [`Stores`]. Every method is atomic and, when it returns, durable and
//! visible to the very next read. Times come from the caller, and so do ids, except that of the
//! job that clears up what was removed. `memory` is the store that says it in the plainest way (maps and the reference meaning: the
//! oracle of tests); `conformance`, under the feature of that name, is the suite that every store has to pass.

#[cfg(any(test, feature = "conformance"))]
pub mod conformance;
pub mod datasets;
pub mod evaluators;
pub mod jobs;
pub mod keys;
pub mod lists;
pub mod logs;
pub mod memory;
pub mod pieces;
pub mod providers;
pub mod reference;
pub mod runs;
pub mod scores;

pub use datasets::Datasets;
pub use evaluators::Evaluators;
pub use jobs::Jobs;
pub use keys::Keys;
pub use logs::Logs;
pub use providers::Providers;
pub use runs::Runs;
pub use scores::Scores;

use std::sync::Arc;

/// All stores of a server. Cheap to clone.
#[derive(Clone)]
pub struct Stores {
    /// Logs and dataset rows.
    pub logs: Arc<dyn Logs>,
    /// Datasets.
    pub datasets: Arc<dyn Datasets>,
    /// Scores of logs and rows.
    pub scores: Arc<dyn Scores>,
    /// Results of evaluation runs.
    pub runs: Arc<dyn Runs>,
    /// Evaluators and their versions.
    pub evaluators: Arc<dyn Evaluators>,
    /// Background jobs.
    pub jobs: Arc<dyn Jobs>,
    /// Organizations and API keys.
    pub keys: Arc<dyn Keys>,
    /// Where models are asked.
    pub providers: Arc<dyn Providers>,
    /// Health of what is below.
    pub health: Arc<dyn Health>,
}

/// Whether the store can serve.
#[async_trait::async_trait]
pub trait Health: Send + Sync {
    /// Reads work.
    async fn readable(&self) -> evalset_model::Result<()>;
    /// Writes work (a full disk fails here).
    async fn writable(&self) -> evalset_model::Result<()>;
    /// Name → value of gauges for `/metrics`, e.g. `evalset_store_file_bytes`.
    fn gauges(&self) -> Vec<(&'static str, f64)>;
    /// Flushes and releases what is held. Called once, last; later calls of any method may fail.
    async fn close(&self);
}
