//! The store of one machine: an SQLite file is the truth, column indexes in memory make reads fast. Knows SQL and
//! files, not HTTP.
//!
//! `engine` is what reads and writes the file: one thread that writes, a pool of connections that read, and how both
//! agree with the indexes. `file` is what lies on the disk: tables, rows, payloads, damage. Reads by filter are
//! answered by `evalset-index`, from columns and text that are derived from the file. One file or folder per noun
//! stands on these and implements the trait of `evalset-store`.

mod datasets;
mod engine;
mod evaluators;
mod file;
mod health;
mod jobs;
mod keys;
mod logs;
mod providers;
mod runs;
mod scores;
#[cfg(test)]
mod tests;

pub use file::doctor::{CollectionReport, Report, database, doctor};
pub use file::error::OpenError;
pub use keys::open_keys_only;

use engine::Engine;
use evalset_index::Pace;
use evalset_model::limits::Limits;
use evalset_store::Stores;
use evalset_store::local::{Alone, Folder, Signals};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

/// Bytes of payloads that one transaction copies: with it the write-ahead log and the wait of other writers stay short.
const COPY_BYTES: usize = 64 * 1024 * 1024;

/// Fewer rows are read faster than anyone notices.
const SNAPSHOT_ROWS: u64 = 20_000;
/// The most rows a chunk can have.
const CHUNK_ROWS: usize = 65_536;

/// Fewer changed texts are read as quickly as they are looked up.
const TEXT_CHANGED_ROWS: usize = 500;
/// Time between two looks for rows that the text index does not have yet.
const TEXT_REST: Duration = Duration::from_secs(1);

/// How to open the store.
#[derive(Clone, Debug)]
pub struct Options {
    /// Directory of the data file; made when absent.
    pub data_dir: PathBuf,
    /// Directory of the files of exports; made when the first one is written.
    pub exports_dir: PathBuf,
    /// Bounds on queues and columns.
    pub limits: Limits,
    /// Bound on the size of the data file, in pages of 8 KiB: a file that reaches it refuses writes like a full disk.
    pub pages_max: Option<u32>,
    /// Bound on the bytes of payloads that one transaction copies. A row larger than that is copied alone.
    pub copy_bytes: usize,
    /// Rows from which a column index is kept as a snapshot, so that it need not be read row by row at the next start.
    pub snapshot_rows: u64,
    /// Rows of a chunk of a column index; a full one moves to a file.
    pub chunk_rows: usize,
    /// How often column indexes are looked after: their memory and orders at each look, parts that rested for ten looks
    /// move to files.
    pub keeper_look: Duration,
    /// Changed rows from which a text index takes them up anew.
    pub text_changed_rows: usize,
    /// Time between two looks for rows that a text index does not have yet.
    pub text_rest: Duration,
}

impl Options {
    /// The usual options for a directory.
    pub fn new(data_dir: impl Into<PathBuf>) -> Self {
        let data_dir = data_dir.into();
        Self {
            exports_dir: data_dir.join("exports"),
            data_dir,
            limits: Limits::default(),
            pages_max: None,
            copy_bytes: COPY_BYTES,
            snapshot_rows: SNAPSHOT_ROWS,
            chunk_rows: CHUNK_ROWS,
            keeper_look: evalset_index::Options::KEEPER_LOOK,
            text_changed_rows: TEXT_CHANGED_ROWS,
            text_rest: TEXT_REST,
        }
    }
}

impl Options {
    /// What they say of what is derived from the file.
    fn derived(&self) -> evalset_index::Options {
        let limits = &self.limits;
        evalset_index::Options {
            data_dir: self.data_dir.clone(),
            limits: limits.clone(),
            chunk_rows: self.chunk_rows,
            snapshot_rows: self.snapshot_rows,
            keeper_look: self.keeper_look,
            pace: Pace { rows_min: limits.text_index_rows, changed_min: self.text_changed_rows, rest: self.text_rest },
            helpers_max: engine::cores() - 1,
        }
    }
}

/// Opens the store of a directory, creating it when there is none. Only one process can have it open.
pub async fn open(options: Options) -> Result<Stores, OpenError> {
    let (path, exports_dir) = (options.data_dir.clone(), options.exports_dir.clone());
    let engine = tokio::task::spawn_blocking(move || Engine::open(&options))
        .await
        .map_err(|cause| OpenError::io(&path, cause))??;
    Ok(stores(&engine, exports_dir))
}

/// The traits of the nouns, all by one engine.
fn stores(engine: &Arc<Engine>, exports_dir: PathBuf) -> Stores {
    Stores {
        logs: engine.clone(),
        datasets: engine.clone(),
        scores: engine.clone(),
        runs: engine.clone(),
        evaluators: engine.clone(),
        jobs: engine.clone(),
        keys: engine.clone(),
        providers: engine.clone(),
        nodes: Arc::new(Alone::default()),
        shared: Arc::new(Signals::default()),
        files: Arc::new(Folder::new(exports_dir)),
        housekeeping: engine.clone(),
        health: engine.clone(),
    }
}
