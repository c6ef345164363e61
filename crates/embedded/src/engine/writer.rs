//! The one thread that writes, with group commit.
//!
//! Commands queue up; the writer takes all that wait, runs each under a savepoint in one transaction, commits once (one
//! fsync), notes the changes at the column indexes in commit order and only then answers. So an acknowledged write is
//! on disk, and whoever reads from then on sees it; a command that fails does so alone. Those who look at an index are
//! not waited for. Does not know what commands do.

mod command;

use crate::engine::checkpoint::Checkpoints;
use crate::file::damage::Damage;
use crate::file::derived;
use crate::file::error::{Sql, again};
use command::{Command, Ran, Reply, Room, command};
use evalset_index::{Change, CollectionNumber, CommitNumber, Derived};
use evalset_model::ids::RowNumber;
use evalset_model::{Error, Result};
use parking_lot::Mutex;
use rusqlite::Connection;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};
use tokio::sync::mpsc;

/// Commands of one transaction.
const BATCH_COMMANDS: usize = 1_024;
/// Bytes of one transaction: more wait for the next, so that a commit stays short.
const BATCH_BYTES: usize = 32 * 1024 * 1024;

/// No further index is kept at the end once this much time went into it.
const SAVING: Duration = Duration::from_secs(2);
/// So long are those waited for at the end who still look at an index that is to be kept.
const SAVING_PATIENCE: Duration = Duration::from_millis(500);

/// What else learns of writes.
pub(crate) struct Watched {
    /// Told of every commit.
    pub derived: Derived,
    /// Told of rows that cannot be read.
    pub damage: Arc<Damage>,
}

/// The transaction as a command sees it.
pub(crate) struct Tx<'c> {
    /// The writer's connection, inside a transaction.
    pub connection: &'c Connection,
    /// Number of this commit.
    seq: CommitNumber,
    next_row: i64,
    changes: Vec<(CollectionNumber, Change)>,
    watched: &'c Watched,
}

impl Tx<'_> {
    /// The number that the next new row gets; it is used up by [`Tx::use_rows`].
    pub fn next_row(&self) -> RowNumber {
        RowNumber::new(self.next_row)
    }

    /// Marks so many numbers from [`Tx::next_row`] on as given out.
    pub fn use_rows(&mut self, count: usize) {
        self.next_row += count as i64;
    }

    /// Records what the index of a collection has to learn after the commit.
    pub fn change(&mut self, collection: CollectionNumber, change: Change) {
        self.changes.push((collection, change));
    }

    /// Whether an index wants the changes of this collection row by row. When not, `Change::Reload` is enough.
    pub fn indexed(&self, collection: CollectionNumber) -> bool {
        self.watched.derived.indexes.tracks(collection)
    }

    /// Notes that a row gets another text, if its collection has a text index.
    pub fn note_text(&self, collection: CollectionNumber, row: RowNumber) -> Result<()> {
        if self.watched.derived.texts.tracks(collection) {
            derived::note_text(self.connection, collection, row, self.seq)?;
        }
        Ok(())
    }

    /// Where rows that cannot be read are noted.
    pub fn damage(&self) -> &Damage {
        &self.watched.damage
    }

    /// Adds to the counts of a collection and marks it as changed by this commit, in any way.
    pub fn count(&mut self, collection: CollectionNumber, rows: i64, completed: i64) -> Result<()> {
        self.changed(collection, rows, completed, false)
    }

    /// As [`Tx::count`], for a commit that only adds rows: a snapshot of the index stays of use.
    pub fn count_added(&mut self, collection: CollectionNumber, rows: i64, completed: i64) -> Result<()> {
        self.changed(collection, rows, completed, true)
    }

    fn changed(&mut self, collection: CollectionNumber, rows: i64, completed: i64, only_added: bool) -> Result<()> {
        self.connection
            .prepare_cached(
                "UPDATE collection SET log_count = log_count + ?2, seq = ?4, changed = iif(?5, changed, ?4), \
                 completed_annotation_count = completed_annotation_count + ?3 WHERE id = ?1",
            )
            .sql()?
            .execute((collection.0, rows, completed, self.seq.0, only_added))
            .sql()?;
        // Without it the number would be given to the next commit too, which an index read meanwhile would take for
        // known.
        self.change(collection, Change::Touch);
        Ok(())
    }
}

/// Handle to the writer thread.
pub(crate) struct Writer {
    queue: Mutex<Option<mpsc::Sender<Command>>>,
    room: Room,
    thread: Mutex<Option<JoinHandle<()>>>,
    commits: Arc<AtomicU64>,
}

impl Writer {
    /// Starts the thread. So many commands of so many bytes may wait; more callers wait for a place.
    pub fn start(
        path: &Path,
        mut connection: Connection,
        watched: Watched,
        (queue, queue_bytes): (usize, usize),
    ) -> std::result::Result<Self, String> {
        let read = |key: &str| {
            connection.query_row("SELECT value FROM meta WHERE key = ?1", [key], |row| row.get::<_, i64>(0))
        };
        let seq = read("commit_seq").map(CommitNumber).map_err(|cause| cause.to_string())?;
        let next_row = read("next_row").map_err(|cause| cause.to_string())?;
        let checkpoints = Checkpoints::start(path, &mut connection)?;
        let (sender, receiver) = mpsc::channel(queue.max(1));
        let commits = Arc::<AtomicU64>::default();
        let work = Work { connection, checkpoints, watched, seq, next_row, commits: commits.clone() };
        let thread = std::thread::Builder::new()
            .name("evalset-writer".to_owned())
            .spawn(move || work.run(receiver))
            .map_err(|cause| cause.to_string())?;
        let queue = Mutex::new(Some(sender));
        Ok(Self { queue, room: Room::new(queue_bytes), thread: Mutex::new(Some(thread)), commits })
    }

    /// Runs `write` in the next transaction and returns when it is durable and visible. `bytes` is about what it adds.
    pub async fn run<T: Send + 'static>(
        &self,
        bytes: usize,
        write: impl FnOnce(&mut Tx<'_>) -> Result<T> + Send + 'static,
    ) -> Result<T> {
        let queue = self.queue.lock().clone().ok_or_else(stopped)?;
        let place = self.room.take(bytes).await;
        let (mut command, answer) = command(bytes, write);
        command.place = place;
        queue.send(command).await.map_err(|_| stopped())?;
        answer.await.map_err(|_| failed())?
    }

    /// The same for a thread of the store's own. Blocks.
    pub fn run_beside<T: Send + 'static>(
        &self,
        bytes: usize,
        write: impl FnOnce(&mut Tx<'_>) -> Result<T> + Send + 'static,
    ) -> Result<T> {
        let queue = self.queue.lock().clone().ok_or_else(stopped)?;
        let (command, answer) = command(bytes, write);
        queue.blocking_send(command).map_err(|_| stopped())?;
        answer.blocking_recv().map_err(|_| failed())?
    }

    /// Transactions since the start: who finds another number than before was not alone.
    pub fn commits(&self) -> u64 {
        self.commits.load(Ordering::Relaxed)
    }

    /// Commands that wait.
    pub fn waiting(&self) -> usize {
        self.queue.lock().as_ref().map_or(0, |queue| queue.max_capacity() - queue.capacity())
    }

    /// Queues work that nobody waits for.
    pub fn order(&self, write: impl FnOnce(&mut Tx<'_>) -> Result<()> + Send + 'static) {
        let Some(queue) = self.queue.lock().clone() else { return };
        let run = move |tx: Option<&mut Tx<'_>>| {
            let nobody: Reply = Box::new(|_| {});
            match tx.map(write) {
                Some(Err(error)) => {
                    tracing::warn!(%error, "work of the writer's own failed");
                    Ran::Failed(nobody, error)
                }
                Some(Ok(())) | None => Ran::Done(nobody),
            }
        };
        // A full queue means that there is no rest to do it in.
        queue.try_send(Command { bytes: 0, place: None, run: Box::new(run) }).ok();
    }

    /// Refuses new writes, finishes those that wait, folds the log of the file into it and ends the thread. Blocks.
    pub fn stop(&self) {
        drop(self.queue.lock().take());
        let thread = self.thread.lock().take();
        if thread.is_some_and(|thread| thread.join().is_err()) {
            tracing::error!("the writer thread had failed");
        }
    }
}

/// The number of the commit after this one.
fn next(seq: CommitNumber) -> CommitNumber {
    CommitNumber(seq.0 + 1)
}

fn stopped() -> Error {
    Error::internal("the writer has stopped: nothing can be written until a restart")
}

fn failed() -> Error {
    Error::internal("the writer failed inside a write")
}

/// The state of the thread.
struct Work {
    connection: Connection,
    checkpoints: Checkpoints,
    watched: Watched,
    seq: CommitNumber,
    next_row: i64,
    commits: Arc<AtomicU64>,
}

impl Work {
    fn run(mut self, mut queue: mpsc::Receiver<Command>) {
        while let Some(first) = queue.blocking_recv() {
            let mut bytes = first.bytes;
            let mut batch = vec![first];
            while batch.len() < BATCH_COMMANDS && bytes < BATCH_BYTES {
                let Ok(next) = queue.try_recv() else { break };
                bytes += next.bytes;
                batch.push(next);
            }
            self.batch(batch);
            self.commits.fetch_add(1, Ordering::Relaxed);
            self.checkpoints.after_commit(&self.connection);
        }
        self.save_snapshots();
        self.checkpoints.stop();
        if let Err(error) = self.connection.execute_batch("PRAGMA wal_checkpoint(TRUNCATE)") {
            tracing::warn!(%error, "the last checkpoint failed; the next start repeats it");
        }
    }

    /// Keeps the indexes for the next start, as far as time allows: what is not kept is read from the rows.
    fn save_snapshots(&self) {
        let begin = Instant::now();
        self.watched.derived.indexes.settle_all();
        for (collection, _) in self.watched.derived.indexes.unsaved() {
            if begin.elapsed() > SAVING {
                tracing::info!("not all column indexes were kept: the next start reads their rows");
                break;
            }
            let saved = self.connection.execute_batch("BEGIN IMMEDIATE").sql().and_then(|()| {
                self.watched.derived.indexes.save(collection, SAVING_PATIENCE, |kept| {
                    derived::keep_snapshot(&self.connection, collection, kept)
                })?;
                self.connection.execute_batch("COMMIT").sql()
            });
            if let Err(error) = saved {
                tracing::warn!(%collection, %error, "a column index could not be kept");
                if !self.connection.is_autocommit() {
                    let _ = self.connection.execute_batch("ROLLBACK");
                }
            }
        }
    }

    /// One transaction with all its commands.
    fn batch(&mut self, batch: Vec<Command>) {
        let (replies, outcome) = match self.transaction(batch) {
            Ok(replies) => (replies, Ok(())),
            Err((replies, error)) => (replies, Err(error)),
        };
        for reply in replies {
            match &outcome {
                Ok(()) => reply(Ok(())),
                Err(error) => reply(Err(again(error))),
            }
        }
    }

    fn transaction(&mut self, batch: Vec<Command>) -> Result<Vec<Reply>, (Vec<Reply>, Error)> {
        let mut replies = Vec::with_capacity(batch.len());
        let begun = self.connection.execute_batch("BEGIN IMMEDIATE").sql();
        let mut tx = Tx {
            connection: &self.connection,
            seq: next(self.seq),
            next_row: self.next_row,
            changes: Vec::new(),
            watched: &self.watched,
        };
        let alone = batch.len() == 1;
        let mut lost = begun.err();
        for command in batch {
            match lost {
                Some(_) => replies.push(command.pass_over()),
                None => lost = one(command, &mut tx, alone, &mut replies).err(),
            }
        }
        let (next_row, changes) = (tx.next_row, std::mem::take(&mut tx.changes));
        // Numbers are never given out twice, not even those of a transaction that failed.
        self.next_row = next_row;
        let committed = match lost {
            Some(error) => Err(error),
            None => self.commit(changes),
        };
        match committed {
            Ok(()) => Ok(replies),
            Err(error) => {
                if !self.connection.is_autocommit() {
                    let _ = self.connection.execute_batch("ROLLBACK");
                }
                Err((replies, error))
            }
        }
    }

    /// Makes the transaction durable, then notes it at the indexes.
    fn commit(&mut self, changes: Vec<(CollectionNumber, Change)>) -> Result<()> {
        if !changes.is_empty() {
            let mut statement = self.connection.prepare_cached("UPDATE meta SET value = ?2 WHERE key = ?1").sql()?;
            statement.execute(("next_row", self.next_row)).sql()?;
            statement.execute(("commit_seq", next(self.seq).0)).sql()?;
        }
        // No reader may see the commit before its changes are noted; if it fails, the notes do no harm.
        self.watched.derived.texts.apply(next(self.seq), &changes);
        let gate = self.watched.derived.gate.lock();
        self.connection.execute_batch("COMMIT").sql()?;
        if changes.is_empty() {
            return Ok(());
        }
        self.seq = next(self.seq);
        self.watched.derived.texts.committed(&changes);
        let noted = self.watched.derived.indexes.note(self.seq, changes);
        drop(gate);
        self.watched.derived.indexes.settle_noted(&noted);
        Ok(())
    }
}

/// Runs one command; an error means that the whole transaction is lost.
fn one(command: Command, tx: &mut Tx<'_>, alone: bool, replies: &mut Vec<Reply>) -> Result<()> {
    let (next_row, changes) = (tx.next_row, tx.changes.len());
    if !alone {
        let begun = tx.connection.prepare_cached("SAVEPOINT command").and_then(|mut begin| begin.execute([])).sql();
        if let Err(error) = begun {
            replies.push(command.pass_over());
            return Err(error);
        }
    }
    let ran = catch_unwind(AssertUnwindSafe(|| (command.run)(Some(&mut *tx))));
    let failed = match ran {
        Ok(Ran::Done(reply)) => {
            replies.push(reply);
            None
        }
        Ok(Ran::Failed(reply, cause)) => {
            reply(Ok(()));
            Some(cause)
        }
        // Its reply is dropped, which tells its caller.
        Err(_) => Some(Error::internal("a write of the same transaction failed")),
    };
    if let Some(cause) = failed {
        tx.next_row = next_row;
        tx.changes.truncate(changes);
        if tx.connection.is_autocommit() {
            // The fault was such that SQLite took back the whole transaction.
            return Err(cause);
        }
        let undo = if alone { "ROLLBACK; BEGIN IMMEDIATE" } else { "ROLLBACK TO command" };
        tx.connection.execute_batch(undo).sql()?;
    }
    if !alone {
        tx.connection.prepare_cached("RELEASE command").sql()?.execute([]).sql()?;
    }
    Ok(())
}

#[cfg(test)]
mod tests;
