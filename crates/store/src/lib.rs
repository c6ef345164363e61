//! What a store promises. Knows neither SQL nor files nor HTTP.
//!
//! One trait per noun, object-safe, gathered in [`Stores`]. When a method returns, what it did is durable and visible
//! to the very next read. Every method is atomic, but for units of work of jobs: these may be done again when it is not
//! known whether they were done, and then change nothing more and count once ([`Step`](evalset_model::job::Step)).
//! Times and ids come from the caller. `memory` is the store that says it in the plainest way (maps and the reference
//! meaning: the oracle of tests); `conformance`, under the feature of that name, is the suite that every store has to
//! pass.

#[cfg(any(test, feature = "conformance"))]
pub mod conformance;
pub mod datasets;
pub mod evaluators;
pub mod files;
pub mod grouping;
pub mod housekeeping;
pub mod jobs;
pub mod keys;
pub mod lists;
pub mod local;
pub mod logs;
pub mod memory;
pub mod nodes;
pub mod packed;
pub mod pieces;
pub mod providers;
pub mod reference;
pub mod runs;
pub mod scores;
pub mod selection;
pub mod shared;
pub mod statistics;
pub mod traces;

pub use datasets::Datasets;
pub use evaluators::Evaluators;
pub use files::Files;
pub use housekeeping::Housekeeping;
pub use jobs::Jobs;
pub use keys::Keys;
pub use logs::Logs;
pub use nodes::Nodes;
pub use providers::Providers;
pub use runs::Runs;
pub use scores::Scores;
pub use shared::Shared;

use std::sync::Arc;

/// All stores of a server. Cheap to clone. They are opened as a whole and belong together: a promise of one, such as
/// that a unit of a job and its progress count once, may need another, so parts of two stores may not be mixed.
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
    /// The processes that serve this installation.
    pub nodes: Arc<dyn Nodes>,
    /// What they share beside the data.
    pub shared: Arc<dyn Shared>,
    /// Files of exports.
    pub files: Arc<dyn Files>,
    /// The store's own work.
    pub housekeeping: Arc<dyn Housekeeping>,
    /// Health of what is below.
    pub health: Arc<dyn Health>,
}

/// What each part of a store has to say.
#[derive(Debug)]
pub struct Parts {
    /// Everything but request logs. Without it nothing can be served.
    pub rows: evalset_model::Result<()>,
    /// Request logs, where they have an engine of their own. Without it the rest can be served.
    pub logs: Option<evalset_model::Result<()>>,
}

/// Whether the store can serve.
#[async_trait::async_trait]
pub trait Health: Send + Sync {
    /// Reads work.
    async fn readable(&self) -> evalset_model::Result<()>;
    /// Writes work (a full disk fails here), part by part. Tries it: each call costs a durable write.
    async fn writable(&self) -> Parts;
    /// Name → value of gauges for `/metrics`, e.g. `evalset_store_file_bytes`.
    fn gauges(&self) -> Vec<(&'static str, f64)>;
    /// Flushes and releases what is held. Called once, last; later calls of any method may fail.
    async fn close(&self);
}
