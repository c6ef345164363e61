//! The store of one machine: an SQLite file is the truth, column indexes in memory make reads fast. Knows SQL and files, not HTTP.
//!
//! `engine` is what reads and writes the file: one thread that writes, a pool of connections that read, and how both agree with the
//! indexes. `file` is what lies on the disk: tables, rows, payloads, damage. `index` answers reads by filter from columns and text.
//! One file or folder per noun stands on these and implements the trait of `evalset-store`.

mod datasets;
mod engine;
mod evaluators;
mod file;
mod health;
mod index;
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

use engine::readers::{RESERVED, Readers};
use engine::writer::{Gate, Watched, Writer};
use evalset_model::limits::Limits;
use evalset_model::{Error, Result};
use evalset_store::Stores;
use file::damage::Damage;
use index::indexes::Indexes;
use index::keeper;
use index::snapshots::Snapshots;
use index::text::{Desk, Pace, Texts};
use parking_lot::Mutex;
use rusqlite::Connection;
use std::fs::File;
use std::path::PathBuf;
use std::sync::{Arc, Weak};
use std::time::Duration;

/// Most connections that read by filter at the same time.
const READERS_MAX: usize = 16;
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
    /// How often column indexes are looked after: their memory and orders at each look, parts that rested for ten looks move to files.
    pub keeper_look: Duration,
    /// Changed rows from which a text index takes them up anew.
    pub text_changed_rows: usize,
    /// Time between two looks for rows that a text index does not have yet.
    pub text_rest: Duration,
}

impl Options {
    /// The usual options for a directory.
    pub fn new(data_dir: impl Into<PathBuf>) -> Self {
        Self {
            data_dir: data_dir.into(),
            limits: Limits::default(),
            pages_max: None,
            copy_bytes: COPY_BYTES,
            snapshot_rows: SNAPSHOT_ROWS,
            chunk_rows: CHUNK_ROWS,
            keeper_look: keeper::LOOK,
            text_changed_rows: TEXT_CHANGED_ROWS,
            text_rest: TEXT_REST,
        }
    }
}

/// Opens the store of a directory, creating it when there is none. Only one process can have it open.
pub async fn open(options: Options) -> Result<Stores, OpenError> {
    let path = options.data_dir.clone();
    let engine = tokio::task::spawn_blocking(move || Engine::open(&options))
        .await
        .map_err(|cause| OpenError::io(&path, cause))??;
    Ok(stores(&engine))
}

/// The traits of the nouns, all by one engine.
fn stores(engine: &Arc<Engine>) -> Stores {
    Stores {
        logs: engine.clone(),
        datasets: engine.clone(),
        scores: engine.clone(),
        runs: engine.clone(),
        evaluators: engine.clone(),
        jobs: engine.clone(),
        keys: engine.clone(),
        providers: engine.clone(),
        health: engine.clone(),
    }
}

/// Everything that an open file needs. The traits of the nouns are implemented on this.
struct Engine {
    myself: Weak<Self>,
    path: PathBuf,
    readers: Arc<Readers>,
    writer: Arc<Writer>,
    indexes: Arc<Indexes>,
    texts: Arc<Texts>,
    damage: Arc<Damage>,
    copy_bytes: usize,
    page_bytes: usize,
    gate: Gate,
    helpers_max: usize,
    key_reader: Mutex<Option<Connection>>,
    lock: Mutex<Option<File>>,
}

impl Engine {
    fn open(options: &Options) -> Result<Arc<Self>, OpenError> {
        let lock = file::lock(&options.data_dir)?;
        let path = file::path(&options.data_dir);
        let connection = file::open(&path, options.pages_max)?;
        let key_reader = file::reader(&path)?;
        let snapshots = Snapshots::new(&options.data_dir, options.snapshot_rows, options.limits.index_memory_bytes);
        snapshots.sweep(&connection).map_err(|cause| OpenError::corrupt(&path, cause))?;
        let pace = Pace {
            rows_min: options.limits.text_index_rows,
            changed_min: options.text_changed_rows,
            rest: options.text_rest,
        };
        let texts = Texts::open(&options.data_dir, pace, &connection);
        let texts = Arc::new(texts.map_err(|cause| OpenError::corrupt(&path, cause))?);
        let indexes = Arc::new(Indexes::new(options.limits.metadata_columns, options.chunk_rows, snapshots));
        let damage = Arc::new(Damage::default());
        let gate = Gate::default();
        let watched =
            Watched { indexes: indexes.clone(), texts: texts.clone(), damage: damage.clone(), gate: gate.clone() };
        let writer =
            Writer::start(&path, connection, watched, (options.limits.write_queue, options.limits.write_queue_bytes))
                .map(Arc::new)
                .map_err(|cause| OpenError::corrupt(&path, cause))?;
        let desk =
            Desk { path: path.clone(), writer: writer.clone(), damage: damage.clone(), indexes: indexes.clone() };
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        let engine = Arc::new_cyclic(|myself| Self {
            myself: myself.clone(),
            readers: Readers::new(path.clone(), (2 * cores + 2).min(READERS_MAX) + RESERVED, damage.clone()),
            path,
            writer,
            indexes,
            texts,
            damage,
            copy_bytes: options.copy_bytes,
            page_bytes: options.limits.page_bytes,
            gate,
            helpers_max: cores - 1,
            key_reader: Mutex::new(Some(key_reader)),
            lock: Mutex::new(Some(lock)),
        });
        keeper::start(Arc::downgrade(&engine), options).map_err(|cause| OpenError::io(&engine.path, cause))?;
        engine.texts.start(desk).map_err(|cause| OpenError::io(&engine.path, cause))?;
        Ok(engine)
    }

    /// A handle to move into another thread.
    fn handle(&self) -> Result<Arc<Self>> {
        self.myself.upgrade().ok_or_else(|| Error::internal("the store is closed"))
    }

    /// Finishes what is queued, folds the log into the file and lets the directory go. Blocks.
    fn shut(&self) {
        self.readers.close();
        self.key_reader.lock().take();
        // Before the writer, which it may be waiting for.
        self.texts.stop();
        self.writer.stop();
        self.lock.lock().take();
    }
}

impl Drop for Engine {
    fn drop(&mut self) {
        self.shut();
    }
}
