//! Text indexes: which rows have words and substrings in input, output and expected output, without reading the rows.
//!
//! A background thread (`indexer`) reads rows behind the writer into segments (`evalset-text`), which lie in a folder
//! per collection (`folder`) and are shown to readers with the rows changed since (`shelf`). A reader asks them before
//! it looks at the columns (`told`). All of it is derived and may be thrown away at any time.
//!
//! Why an answer is that of the commit that is read, S:
//! - Only the columns of S say which rows there are; the index only says which of them pass, fail or have to be read.
//! - A row that no segment has – new, unreadable – is read.
//! - A reader takes the segments before its transaction begins. They have the text of a row as of some commit that the
//!   indexer saw before; so that commit is not after S.
//! - If the row was changed after that commit and not after S, the change was noted before its COMMIT: either it was
//!   among the noted ones when the reader took the segments, or it has come since, which the reader looks up when it
//!   has the columns of S. Then the row is read. A note is only removed when segments are published that have the row
//!   as of its commit or later.
//! - A row that two segments have counts in the newer one only.
//! - What readers found out by reading rows is kept (`learned`), with the first change that need not have been
//!   committed when they took the segments; a row that it or a later one concerns is read again.
//!
//! An origin that pushes its commits keeps the notes with the change itself, so that they outlive the process; they are
//! removed in the transaction that remembers the new list of segments by its token. The list of an older token is kept
//! until then. An origin that was brought back names a token whose list is gone or has another content: the index is
//! built anew. From an origin that does not push, a reader gets the changes up to S before it looks at the columns of S
//! ([`Texts::follow`]).

mod batch;
mod folder;
mod indexer;
mod learned;
mod row_bits;
mod shelf;
mod told;

pub(crate) use told::Told;

use crate::change::{Change, Commits, reloads};
use crate::number::{CollectionNumber, CommitNumber};
use crate::origin::{Found, Lease, Since};
use evalset_model::filter::LogFilter;
use evalset_model::ids::{Collection, RowNumber};
use evalset_model::{Error, Result};
use hashbrown::HashMap;
use parking_lot::{Condvar, Mutex, RwLock};
use shelf::Shelf;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::Duration;

pub(crate) use indexer::Desk;

/// Which collections get an index, and when.
#[derive(Clone, Copy, Debug)]
pub struct Pace {
    /// Rows from which a collection gets one.
    pub rows_min: u64,
    /// Changed rows from which they are indexed anew, and rows read from which it is kept what they told; fewer are
    /// read.
    pub changed_min: usize,
    /// Time between two looks for new rows.
    pub rest: Duration,
}

/// Rows by collection whose text has changed, with the commit that changed it last.
pub type Changed = HashMap<CollectionNumber, HashMap<RowNumber, CommitNumber>>;

/// All text indexes.
pub struct Texts {
    root: PathBuf,
    pace: Pace,
    shelves: RwLock<HashMap<CollectionNumber, Arc<Shelf>>>,
    closing: Mutex<bool>,
    closed: Condvar,
    thread: Mutex<Option<JoinHandle<()>>>,
}

impl Texts {
    /// Those in the folder `text` of the data folder that the origin remembers, without their segments, which the
    /// background thread opens. `noted`: rows whose text has changed since, with the commit that changed it last.
    pub fn new(data_dir: &Path, pace: Pace, noted: Changed) -> Self {
        let shelves = noted.into_iter().map(|(collection, stale)| (collection, Arc::new(Shelf::with_stale(stale))));
        Self {
            root: data_dir.join("text"),
            pace,
            shelves: RwLock::new(shelves.collect()),
            closing: Mutex::new(false),
            closed: Condvar::new(),
            thread: Mutex::new(None),
        }
    }

    /// Whether every index that is wanted answers and has every row that it can have.
    pub fn caught_up(&self, lease: &dyn Lease) -> Result<bool> {
        for (collection, rows) in lease.collections()? {
            if rows < self.pace.rows_min {
                continue;
            }
            let shelf = self.shelf(collection);
            let behind = shelf.as_ref().is_some_and(|shelf| shelf.stale(usize::MAX).len() >= self.pace.changed_min);
            let (set, last) = (shelf.and_then(|shelf| shelf.set()), lease.last_row(collection)?);
            if behind || set.is_none_or(|set| set.above < last) {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// Whether changes of this collection's rows are to be noted, so that they outlive the process.
    pub fn tracks(&self, collection: CollectionNumber) -> bool {
        self.shelves.read().contains_key(&collection)
    }

    /// Notes the changes of a commit, before it is made.
    pub fn apply(&self, seq: CommitNumber, changes: &[(CollectionNumber, Change)]) {
        for (collection, change) in changes {
            if let Change::Replace { row, text: true, .. } = change
                && let Some(shelf) = self.shelf(*collection)
            {
                shelf.changed(*row, seq);
            }
        }
    }

    /// The changes of the commit before are on the disk.
    pub fn committed(&self, changes: &[(CollectionNumber, Change)]) {
        for (collection, change) in changes {
            if matches!(change, Change::Replace { text: true, .. })
                && let Some(shelf) = self.shelf(*collection)
            {
                shelf.committed();
            }
        }
    }

    /// Notes the changes up to the commit of a transaction, from an origin that does not push them.
    pub(crate) fn follow(&self, found: Found, lease: &dyn Lease) -> Result<()> {
        let Some(shelf) = self.shelf(found.id) else { return Ok(()) };
        let Some(seq) = shelf.followed().filter(|seq| *seq < found.seq) else { return Ok(()) };
        match lease.since(found.id, seq)? {
            Since::Added => shelf.follow([], found.seq),
            Since::Commits(commits) if !reloads(&commits) => shelf.follow(texts_changed(&commits), found.seq),
            Since::Commits(_) | Since::Unknown => shelf.lose(),
        }
        Ok(())
    }

    fn shelf(&self, collection: CollectionNumber) -> Option<Arc<Shelf>> {
        self.shelves.read().get(&collection).cloned()
    }

    /// What the index of a collection says of a filter. Outside of a transaction, before the columns are looked at.
    pub(crate) fn ask<'f>(&self, lease: &dyn Lease, name: Collection, filter: &'f LogFilter) -> Result<Told<'f>> {
        let plans = told::plans(filter);
        if plans.is_empty() || self.shelves.read().is_empty() {
            return Ok(Told::default());
        }
        let Some(found) = lease.find(name)? else { return Ok(Told::default()) };
        let Some(shelf) = self.shelf(found.id) else { return Ok(Told::default()) };
        let Some(moment) = shelf.moment() else { return Ok(Told::default()) };
        lease.stop().go_on()?;
        let go_on = || lease.stop().go_on().is_ok();
        match Told::ask((found.id, shelf.clone()), moment, plans, self.pace.changed_min, &go_on) {
            Ok(told) => Ok(told),
            Err(error) if error.kind() == std::io::ErrorKind::Interrupted => Err(Error::internal(error)),
            Err(error) => {
                tracing::error!(collection = %found.id, %error, "a text index cannot be read: it is built anew");
                shelf.clear();
                Ok(Told::default())
            }
        }
    }

    /// Indexes that answer, their rows and the bytes of their files.
    pub fn size(&self) -> (usize, u64, u64) {
        let shelves: Vec<_> = self.shelves.read().values().cloned().collect();
        shelves.iter().filter_map(|shelf| shelf.set()).fold((0, 0, 0), |(open, rows, bytes), set| {
            let more: u64 = set.held.iter().map(|held| held.segment.bytes()).sum();
            (open + 1, rows + set.covered.count(), bytes + more)
        })
    }

    /// Starts the background thread.
    pub(crate) fn start(self: &Arc<Self>, desk: Desk) -> std::io::Result<()> {
        let texts = self.clone();
        let work = move || indexer::run(&texts, &desk);
        *self.thread.lock() = Some(std::thread::Builder::new().name("evalset-text".to_owned()).spawn(work)?);
        Ok(())
    }

    /// Ends the background thread wherever it is; what it had not published is done again. Blocks.
    pub fn stop(&self) {
        *self.closing.lock() = true;
        self.closed.notify_all();
        let thread = self.thread.lock().take();
        if thread.is_some_and(|thread| thread.join().is_err()) {
            tracing::error!("the thread of the text indexes had failed");
        }
    }

    /// Whether there is still something to do.
    fn go_on(&self) -> bool {
        !*self.closing.lock()
    }

    /// Waits until the next look, for so many rests; false when there is none.
    fn rest(&self, rests: u32) -> bool {
        self.pause(self.pace.rest * rests)
    }

    /// Waits; false when the store closes.
    fn pause(&self, time: Duration) -> bool {
        let mut closing = self.closing.lock();
        if !*closing {
            self.closed.wait_for(&mut closing, time);
        }
        !*closing
    }
}

/// Whether it is known which texts have changed.
fn tells_texts(since: &Since) -> bool {
    match since {
        Since::Added => true,
        Since::Commits(commits) => !reloads(commits),
        Since::Unknown => false,
    }
}

/// Rows that get another text, with the commit.
fn texts_changed(commits: &Commits) -> impl Iterator<Item = (RowNumber, CommitNumber)> {
    commits.iter().flat_map(|(seq, changes)| {
        changes.iter().filter_map(|change| match change {
            Change::Replace { row, text: true, .. } => Some((*row, *seq)),
            _ => None,
        })
    })
}
