//! What is derived from an origin, opened, looked after, and closed. The reads themselves are in `select` and `lists`.

use crate::indexes::Indexes;
use crate::keeper;
use crate::number::CollectionNumber;
use crate::origin::Origin;
use crate::snapshots::Snapshots;
use crate::text::{Changed, Desk, Pace, Texts};
use evalset_model::limits::Limits;
use parking_lot::Mutex;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

/// Held by an origin that pushes from COMMIT until the changes are noted at the indexes. Transactions that begin while somebody else
/// holds it are at the same commit, and all changes before that are noted. Nobody holds it for longer than beginning them takes.
pub type Gate = Arc<Mutex<()>>;

/// How to derive, and how much of it.
#[derive(Clone, Debug)]
pub struct Options {
    /// Directory whose folders `index` and `text` hold the files; made when absent.
    pub data_dir: PathBuf,
    /// Bounds on columns, memory and pages.
    pub limits: Limits,
    /// Rows of a chunk of a column index; a full one moves to a file.
    pub chunk_rows: usize,
    /// Rows from which a column index is kept as a snapshot, so that it need not be read row by row at the next start.
    pub snapshot_rows: u64,
    /// How often column indexes are looked after: their memory and orders at each look, parts that rested for ten looks move to files.
    pub keeper_look: Duration,
    /// Which collections get a text index, and when.
    pub pace: Pace,
    /// Most threads that help one read.
    pub helpers_max: usize,
}

impl Options {
    /// How often column indexes are usually looked after.
    pub const KEEPER_LOOK: Duration = keeper::LOOK;
}

/// What is derived: what an origin that pushes has to tell of its commits.
#[derive(Clone)]
pub struct Derived {
    /// Columns. Every commit is noted there, with the gate held.
    pub indexes: Arc<Indexes>,
    /// Text indexes. Told of every commit before it is made, and once it is.
    pub texts: Arc<Texts>,
    /// Held from COMMIT until the changes are noted.
    pub gate: Gate,
}

impl Derived {
    /// Nothing open yet. `kept`: collections of which the origin remembers a snapshot. `noted`: those of which it remembers a list of
    /// segments, with the rows whose text has changed since.
    pub fn new(options: &Options, kept: &[CollectionNumber], noted: Changed) -> Self {
        let snapshots = Snapshots::new(&options.data_dir, options.snapshot_rows, options.limits.index_memory_bytes);
        snapshots.sweep(kept);
        let indexes = Indexes::new(&options.limits, options.chunk_rows, snapshots);
        let texts = Texts::new(&options.data_dir, options.pace, noted);
        Self { indexes: Arc::new(indexes), texts: Arc::new(texts), gate: Gate::default() }
    }
}

/// Answers reads by filter.
pub struct Answers {
    pub(crate) origin: Arc<dyn Origin>,
    pub(crate) indexes: Arc<Indexes>,
    pub(crate) texts: Arc<Texts>,
    pub(crate) gate: Gate,
    pub(crate) page_bytes: usize,
    pub(crate) helpers_max: usize,
}

impl Answers {
    /// Answers from what is derived of this origin, and starts the threads that look after it. Those of the columns end when this is
    /// dropped, that of the texts with [`Answers::stop`].
    pub fn start(derived: Derived, origin: Arc<dyn Origin>, options: &Options) -> std::io::Result<Arc<Self>> {
        let Derived { indexes, texts, gate } = derived;
        let desk = Desk { origin: origin.clone(), indexes: indexes.clone() };
        let (page_bytes, helpers_max) = (options.limits.page_bytes, options.helpers_max);
        let answers = Arc::new(Self { origin, indexes, texts, gate, page_bytes, helpers_max });
        keeper::start(Arc::downgrade(&answers), options)?;
        answers.texts.start(desk)?;
        Ok(answers)
    }

    /// The columns.
    pub fn indexes(&self) -> &Indexes {
        &self.indexes
    }

    /// The text indexes.
    pub fn texts(&self) -> &Texts {
        &self.texts
    }

    /// Ends the thread of the texts wherever it is; what it had not published is done again. Blocks. To be called before the
    /// origin closes, which that thread may be waiting for.
    pub fn stop(&self) {
        self.texts.stop();
    }
}
