//! What reads and writes the data file: `writer` is the only thread that writes, `checkpoint` folds what it wrote into
//! the file, `readers` is a pool of connections, `stop` ends reads that nobody waits for, `origin` is the file as the
//! indexes see it.
//!
//! Does not know what the tables are for.

pub(crate) mod checkpoint;
pub(crate) mod origin;
pub(crate) mod readers;
pub(crate) mod stop;
pub(crate) mod writer;

use crate::file::damage::Damage;
use crate::file::{self, derived};
use crate::{OpenError, Options, jobs};
use evalset_index::{Answers, Derived};
use evalset_model::{Error, Result};
use origin::DataFile;
use parking_lot::Mutex;
use readers::{RESERVED, Readers};
use rusqlite::Connection;
use std::fs::File;
use std::path::PathBuf;
use std::sync::atomic::AtomicI64;
use std::sync::{Arc, Weak};
use writer::{Watched, Writer};

/// Most connections that read by filter at the same time.
const READERS_MAX: usize = 16;

/// Everything that an open file needs. The traits of the nouns are implemented on this.
pub(crate) struct Engine {
    myself: Weak<Self>,
    pub path: PathBuf,
    pub readers: Arc<Readers>,
    pub writer: Arc<Writer>,
    pub answers: Arc<Answers>,
    pub damage: Arc<Damage>,
    pub copy_bytes: usize,
    /// Rows that a unit of housekeeping deletes.
    pub purge_rows: usize,
    /// Hidden collections after this one are purged first: the last one whose purge failed.
    pub purge_after: AtomicI64,
    pub key_reader: Mutex<Option<Connection>>,
    lock: Mutex<Option<File>>,
}

/// Processors that this process may use.
pub(crate) fn cores() -> usize {
    std::thread::available_parallelism().map_or(1, usize::from)
}

impl Engine {
    /// Opens the file of a directory. Blocks.
    pub fn open(options: &Options) -> Result<Arc<Self>, OpenError> {
        let lock = file::lock(&options.data_dir)?;
        let path = file::path(&options.data_dir);
        let connection = file::open(&path, options.pages_max)?;
        let key_reader = file::reader(&path)?;
        if let Err(error) = jobs::attempt::end_leases(&connection) {
            // A full disk must not keep anyone from reading. They run out by themselves.
            tracing::warn!(%error, "jobs of the process before go on only when their leases have run out");
        }
        let corrupt = |cause: Error| OpenError::corrupt(&path, cause);
        let (kept, noted) =
            (derived::snapshots(&connection).map_err(corrupt)?, derived::noted(&connection).map_err(corrupt)?);
        let derived = Derived::new(&options.derived(), &kept, noted);
        let damage = Arc::new(Damage::default());
        let watched = Watched { derived: derived.clone(), damage: damage.clone() };
        let writer =
            Writer::start(&path, connection, watched, (options.limits.write_queue, options.limits.write_queue_bytes))
                .map(Arc::new)
                .map_err(|cause| OpenError::corrupt(&path, cause))?;
        let readers = Readers::new(path.clone(), (2 * cores() + 2).min(READERS_MAX) + RESERVED, damage.clone());
        let origin = DataFile { readers: readers.clone(), writer: writer.clone(), derived: derived.clone() };
        let answers = Answers::start(derived, Arc::new(origin), &options.derived());
        let answers = answers.map_err(|cause| OpenError::io(&path, cause))?;
        Ok(Arc::new_cyclic(|myself| Self {
            myself: myself.clone(),
            readers,
            path,
            writer,
            answers,
            damage,
            copy_bytes: options.copy_bytes,
            purge_rows: options.limits.job_batch_rows.max(1),
            purge_after: AtomicI64::new(0),
            key_reader: Mutex::new(Some(key_reader)),
            lock: Mutex::new(Some(lock)),
        }))
    }

    /// A handle to move into another thread.
    pub fn handle(&self) -> Result<Arc<Self>> {
        self.myself.upgrade().ok_or_else(|| Error::internal("the store is closed"))
    }

    /// Finishes what is queued, folds the log into the file and lets the directory go. Blocks.
    pub fn shut(&self) {
        self.readers.close();
        self.key_reader.lock().take();
        // Before the writer, which it may be waiting for.
        self.answers.stop();
        self.writer.stop();
        self.lock.lock().take();
    }
}

impl Drop for Engine {
    fn drop(&mut self) {
        self.shut();
    }
}
