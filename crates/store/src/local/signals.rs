//! Signals, turns and windows in the memory of one process.

use crate::shared::{Bound, Notice, Notices, Shared, Taken, Turn};
use async_trait::async_trait;
use evalset_model::Result;
use evalset_model::job::Lane;
use evalset_model::window::SlidingWindow;
use parking_lot::Mutex;
use std::collections::HashMap;
use std::sync::Arc;
use tokio::sync::broadcast::{self, error::RecvError};
use tokio::sync::{Mutex as AsyncMutex, Notify};
use xxhash_rust::xxh3::xxh3_64;

/// Turns that are had at once; who shares one waits a little.
const TURNS: usize = 256;
/// Notices that wait for a slow listener.
const NOTICES: usize = 256;
/// Windows from which on empty ones are let go.
const WINDOWS: usize = 1_024;

/// What one process shares with itself.
pub struct Signals {
    rows: Notify,
    runs: Notify,
    notices: broadcast::Sender<Notice>,
    turns: [Arc<AsyncMutex<()>>; TURNS],
    windows: Mutex<HashMap<String, SlidingWindow>>,
}

impl Default for Signals {
    fn default() -> Self {
        Self {
            rows: Notify::new(),
            runs: Notify::new(),
            notices: broadcast::Sender::new(NOTICES),
            turns: std::array::from_fn(|_| Arc::default()),
            windows: Mutex::default(),
        }
    }
}

impl Signals {
    fn lane(&self, lane: Lane) -> &Notify {
        match lane {
            Lane::Rows => &self.rows,
            Lane::Runs => &self.runs,
        }
    }
}

struct Listener {
    notices: broadcast::Receiver<Notice>,
}

#[async_trait]
impl Notices for Listener {
    async fn next(&mut self) -> Notice {
        match self.notices.recv().await {
            Ok(notice) => notice,
            Err(RecvError::Lagged(_)) => Notice::Missed,
            // The store is gone; nobody tells anything any more.
            Err(RecvError::Closed) => std::future::pending().await,
        }
    }
}

#[async_trait]
impl Shared for Signals {
    fn wake(&self, lane: Lane) {
        self.lane(lane).notify_one();
    }

    async fn woken(&self, lane: Lane) {
        self.lane(lane).notified().await;
    }

    fn tell(&self, notice: Notice) {
        // An error says that nobody listens.
        let _ = self.notices.send(notice);
    }

    fn notices(&self) -> Box<dyn Notices> {
        Box::new(Listener { notices: self.notices.subscribe() })
    }

    async fn turn(&self, key: &str) -> Result<Turn> {
        let turn = &self.turns[xxh3_64(key.as_bytes()) as usize % TURNS];
        Ok(Turn::new(turn.clone().lock_owned().await))
    }

    async fn take(&self, window: &str, amount: u64, bound: Bound, now: i64) -> Result<Taken> {
        let mut windows = self.windows.lock();
        if windows.len() >= WINDOWS {
            windows.retain(|_, window| !window.is_empty(now));
        }
        let window = windows.entry(window.to_owned()).or_insert_with(|| SlidingWindow::new(bound.length));
        Ok(window.take(now, bound.limit, amount).map_or_else(Taken::NotBefore, |_| Taken::Now))
    }
}
