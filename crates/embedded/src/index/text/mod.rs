//! Text indexes: which rows have words and substrings in input, output and expected output, without reading the rows.
//!
//! A background thread (`indexer`) reads rows behind the writer into segments (`evalset-text`), which lie in a folder per
//! collection (`folder`) and are shown to readers with the rows changed since (`shelf`). A reader asks them before it looks at the
//! columns (`told`). All of it is derived and may be thrown away at any time.
//!
//! Why an answer is that of the commit that is read, S:
//! - Only the columns of S say which rows there are; the index only says which of them pass, fail or have to be read.
//! - A row that no segment has – new, unreadable – is read.
//! - A reader takes the segments before its transaction begins. They have the text of a row as of some commit that the indexer
//!   saw before; so that commit is not after S.
//! - If the row was changed after that commit and not after S, the change was noted before its COMMIT: either it was among the noted
//!   ones when the reader took the segments, or it has come since, which the reader looks up when it has the columns of S. Then the row
//!   is read. A note is only removed when segments are published that have the row as of its commit or later.
//! - A row that two segments have counts in the newer one only.
//! - What readers found out by reading rows is kept (`learned`), with the first change that need not have been committed when they took
//!   the segments; a row that it or a later one concerns is read again.
//!
//! Notes are also kept in the table `text_changed`, written with the change itself, so that they outlive the process; they are
//! removed in the transaction that names the new list of segments by its token. The list of an older token is kept until then. A
//! data file that was brought back names a token whose list is gone or has another content: the index is built anew.

mod folder;
mod indexer;
mod learned;
mod row_bits;
mod shelf;
mod told;

pub(crate) use told::Told;

use crate::engine::readers::Lease;
use crate::engine::writer::Tx;
use crate::file::collection;
use crate::file::error::Sql;
use crate::index::indexes::Change;
use evalset_model::filter::LogFilter;
use evalset_model::ids::{Collection, RowNumber};
use evalset_model::{Error, Result};
use hashbrown::HashMap;
use parking_lot::{Condvar, Mutex, RwLock};
use rusqlite::Connection;
use shelf::Shelf;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::Duration;

pub(crate) use indexer::Desk;

/// Which collections get an index, and when.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Pace {
    /// Rows from which a collection gets one.
    pub rows_min: u64,
    /// Changed rows from which they are indexed anew, and rows read from which it is kept what they told; fewer are read.
    pub changed_min: usize,
    /// Time between two looks for new rows.
    pub rest: Duration,
}

/// All text indexes.
pub(crate) struct Texts {
    root: PathBuf,
    pace: Pace,
    shelves: RwLock<HashMap<i64, Arc<Shelf>>>,
    closing: Mutex<bool>,
    closed: Condvar,
    thread: Mutex<Option<JoinHandle<()>>>,
}

impl Texts {
    /// Those that the data file tells of, without their segments, which the background thread opens.
    pub fn open(data_dir: &Path, pace: Pace, connection: &Connection) -> Result<Self> {
        connection
            .execute_batch(
                "DELETE FROM text_index WHERE collection NOT IN (SELECT id FROM collection WHERE hidden = 0); \
                 DELETE FROM text_changed WHERE collection NOT IN (SELECT collection FROM text_index)",
            )
            .sql()?;
        let mut stale: HashMap<i64, HashMap<RowNumber, i64>> = HashMap::new();
        let mut lines = connection.prepare("SELECT collection FROM text_index").sql()?;
        for collection in lines.query_map([], |line| line.get(0)).sql()? {
            stale.entry(collection.sql()?).or_default();
        }
        let mut lines = connection.prepare("SELECT collection, row, seq FROM text_changed").sql()?;
        let mut lines = lines.query([]).sql()?;
        while let Some(line) = lines.next().sql()? {
            stale.entry(line.get(0).sql()?).or_default().insert(line.get(1).sql()?, line.get(2).sql()?);
        }
        let shelves = stale.into_iter().map(|(collection, stale)| (collection, Arc::new(Shelf::with_stale(stale))));
        Ok(Self::new(data_dir.join("text"), pace, shelves.collect()))
    }

    fn new(root: PathBuf, pace: Pace, shelves: HashMap<i64, Arc<Shelf>>) -> Self {
        Self {
            root,
            pace,
            shelves: RwLock::new(shelves),
            closing: Mutex::new(false),
            closed: Condvar::new(),
            thread: Mutex::new(None),
        }
    }

    /// Of a file without collections.
    #[cfg(test)]
    pub fn none() -> Self {
        let pace = Pace { rows_min: u64::MAX, changed_min: usize::MAX, rest: Duration::from_secs(1) };
        Self::new(PathBuf::new(), pace, HashMap::new())
    }

    /// Whether every index that is wanted answers and has every row that it can have.
    #[cfg(test)]
    pub fn caught_up(&self, connection: &Connection) -> bool {
        let mut wanted = connection
            .prepare(
                "SELECT c.id, (SELECT max(row) FROM log WHERE collection = c.id) FROM collection c \
                                WHERE hidden = 0 AND log_count >= ?1",
            )
            .unwrap();
        let mut wanted = wanted.query([self.pace.rows_min as i64]).unwrap();
        while let Some(line) = wanted.next().unwrap() {
            let (id, last): (i64, RowNumber) = (line.get(0).unwrap(), line.get(1).unwrap());
            let set = self.shelf(id).and_then(|shelf| shelf.set());
            let behind = self.shelf(id).is_some_and(|shelf| shelf.stale(usize::MAX).len() >= self.pace.changed_min);
            if behind || set.is_none_or(|set| set.above < last) {
                return false;
            }
        }
        true
    }

    /// Whether changes of this collection's rows are to be noted.
    fn tracks(&self, collection: i64) -> bool {
        self.shelves.read().contains_key(&collection)
    }

    /// Notes in the data file that a row gets another text, in the transaction of the change.
    pub fn note(&self, tx: &Tx<'_>, collection: i64, row: RowNumber) -> Result<()> {
        if self.tracks(collection) {
            tx.connection
                .prepare_cached("INSERT OR REPLACE INTO text_changed (row, collection, seq) VALUES (?1, ?2, ?3)")
                .sql()?
                .execute((row, collection, tx.seq()))
                .sql()?;
        }
        Ok(())
    }

    /// Notes the changes of a commit, before it is made.
    pub fn apply(&self, seq: i64, changes: &[(i64, Change)]) {
        for (collection, change) in changes {
            if let Change::Replace { row, text: true, .. } = change
                && let Some(shelf) = self.shelf(*collection)
            {
                shelf.changed(*row, seq);
            }
        }
    }

    /// The changes of the commit before are on the disk.
    pub fn committed(&self, changes: &[(i64, Change)]) {
        for (collection, change) in changes {
            if matches!(change, Change::Replace { text: true, .. })
                && let Some(shelf) = self.shelf(*collection)
            {
                shelf.committed();
            }
        }
    }

    fn shelf(&self, collection: i64) -> Option<Arc<Shelf>> {
        self.shelves.read().get(&collection).cloned()
    }

    /// What the index of a collection says of a filter. Outside of a transaction, before the columns are looked at.
    pub fn ask<'f>(&self, lease: &Lease, name: Collection, filter: &'f LogFilter) -> Result<Told<'f>> {
        let plans = told::plans(filter);
        if plans.is_empty() || self.shelves.read().is_empty() {
            return Ok(Told::default());
        }
        let Some(found) = collection::find(lease.connection()?, name)? else { return Ok(Told::default()) };
        let Some(shelf) = self.shelf(found.id) else { return Ok(Told::default()) };
        let Some(moment) = shelf.moment() else { return Ok(Told::default()) };
        lease.stop().go_on()?;
        let go_on = || lease.stop().go_on().is_ok();
        match Told::ask((found.id, shelf.clone()), moment, plans, self.pace.changed_min, &go_on) {
            Ok(told) => Ok(told),
            Err(error) if error.kind() == std::io::ErrorKind::Interrupted => Err(Error::internal(error)),
            Err(error) => {
                tracing::error!(collection = found.id, %error, "a text index cannot be read: it is built anew");
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
    pub fn start(self: &Arc<Self>, desk: Desk) -> std::io::Result<()> {
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
