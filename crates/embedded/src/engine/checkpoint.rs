//! Folds the write-ahead log into the file beside the writer, so that commits do not wait for it.
//!
//! A thread with a connection of its own copies what the log has while commits go on. What was added meanwhile is
//! little; the writer copies that itself, and the log begins anew. Only when the disk cannot keep up does the writer
//! fold more than that: then those who write wait. Knows pages, not what they hold.

use crate::file;
use rusqlite::Connection;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, TrySendError, sync_channel};
use std::thread::JoinHandle;

/// Pages in the log before it is folded: 64 MB, since each page that many commits change is copied once.
const FOLD_PAGES: usize = 8_192;
/// Pages in the log before the writer folds it itself.
const WAIT_PAGES: usize = 4 * FOLD_PAGES;
/// Copies what can be copied without waiting for anyone.
const FOLD: &str = "PRAGMA wal_checkpoint(PASSIVE)";

/// The writer's side.
pub(crate) struct Checkpoints {
    /// Pages in the log after the last commit.
    pages: Arc<AtomicUsize>,
    /// Pages at which the log is folded next.
    due: usize,
    wake: Option<SyncSender<()>>,
    /// The thread has folded and the rest is the writer's.
    folded: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Checkpoints {
    /// Takes the folding over from the connection that writes the file.
    pub fn start(path: &Path, writer: &mut Connection) -> Result<Self, String> {
        let said = |cause: rusqlite::Error| cause.to_string();
        let pages = Arc::new(AtomicUsize::new(0));
        let counted = pages.clone();
        // In place of the connection's own checkpoints, which are made by such a hook.
        let count = move |_: &mut rusqlite::hooks::Wal, pages: i32| {
            counted.store(usize::try_from(pages).unwrap_or(0), Ordering::Relaxed);
            Ok(())
        };
        writer.wal_hook(Some(count)).map_err(said)?;
        let connection = file::writer(path).map_err(|cause| cause.to_string())?;
        connection.pragma_update(None, "wal_autocheckpoint", 0).map_err(said)?;
        let folded = Arc::new(AtomicBool::new(false));
        let (wake, woken) = sync_channel(1);
        let done = folded.clone();
        let thread = std::thread::Builder::new()
            .name("evalset-checkpoint".to_owned())
            .spawn(move || work(&connection, &woken, &done))
            .map_err(|cause| cause.to_string())?;
        Ok(Self { pages, due: FOLD_PAGES, wake: Some(wake), folded, thread: Some(thread) })
    }

    /// To be called after each commit, with the writer's connection.
    pub fn after_commit(&mut self, writer: &Connection) {
        let pages = self.pages.load(Ordering::Relaxed);
        if self.folded.swap(false, Ordering::Acquire) || pages >= self.due + WAIT_PAGES {
            fold(writer);
            // Readers may hold the log as it is: then it is tried again when it has grown as much once more.
            self.due = pages + FOLD_PAGES;
        } else if pages < FOLD_PAGES {
            self.due = FOLD_PAGES;
        } else if pages >= self.due
            && let Some(wake) = &self.wake
        {
            match wake.try_send(()) {
                Ok(()) | Err(TrySendError::Full(())) => {}
                Err(TrySendError::Disconnected(())) => fold(writer),
            }
        }
    }

    /// Ends the thread. Blocks until it has folded what it was at.
    pub fn stop(&mut self) {
        self.wake.take();
        if self.thread.take().is_some_and(|thread| thread.join().is_err()) {
            tracing::error!("the checkpoint thread had failed");
        }
    }
}

fn work(connection: &Connection, woken: &Receiver<()>, folded: &AtomicBool) {
    while woken.recv().is_ok() {
        fold(connection);
        folded.store(true, Ordering::Release);
    }
}

/// What cannot be folded stays in the log, where nothing is lost.
fn fold(connection: &Connection) {
    if let Err(error) = connection.query_row(FOLD, [], |_| Ok(())) {
        tracing::warn!(%error, "the write-ahead log could not be folded in");
    }
}
