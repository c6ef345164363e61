//! Whether anybody still waits for a read: one whose caller went away gives its connection back instead of going on.
//!
//! Does not know what is read. Blocking code asks between rows and where it waits.

use evalset_model::{Error, Result};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use tokio::sync::Semaphore;

/// What the blocking side of a read asks.
pub(crate) struct Stop {
    gone: Arc<AtomicBool>,
    /// Closed together with the store.
    open: Arc<Semaphore>,
}

/// Lives as long as somebody waits for the read.
pub(crate) struct Waiting {
    gone: Arc<AtomicBool>,
}

/// The two ends for one read. `open` is closed when the store closes.
pub(crate) fn pair(open: Arc<Semaphore>) -> (Waiting, Stop) {
    let gone = Arc::new(AtomicBool::new(false));
    (Waiting { gone: gone.clone() }, Stop { gone, open })
}

impl Stop {
    /// Stops only when the store closes.
    pub fn never(open: Arc<Semaphore>) -> Self {
        Self { gone: Arc::default(), open }
    }

    /// An error once the caller is gone or the store closes; nobody sees it.
    pub fn go_on(&self) -> Result<()> {
        if self.gone.load(Ordering::Relaxed) || self.open.is_closed() {
            return Err(Error::internal("the read was given up: nobody waits for it, or the store closes"));
        }
        Ok(())
    }
}

impl Drop for Waiting {
    fn drop(&mut self) {
        self.gone.store(true, Ordering::Relaxed);
    }
}
