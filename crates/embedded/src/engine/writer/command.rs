//! A queued write: what it does, and how its caller learns of it. Does not know transactions.

use super::Tx;
use crate::file::error::again;
use evalset_model::{Error, Result};
use std::sync::Arc;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, oneshot};

/// Answers a caller: with its own outcome, or with the error of the transaction.
pub type Reply = Box<dyn FnOnce(Result<()>) + Send>;

/// What became of a command before the commit.
pub enum Ran {
    /// What it leaves to be told.
    Done(Reply),
    /// With a second copy of its error.
    Failed(Reply, Error),
}

/// What a command does.
pub type Run = Box<dyn for<'t, 'c> FnOnce(Option<&'t mut Tx<'c>>) -> Ran + Send>;

/// The bytes that may wait, whoever waits for them.
pub struct Room {
    /// A permit for each KiB.
    free: Arc<Semaphore>,
    all: u32,
}

/// Bytes of a permit.
const GRAIN: usize = 1024;

impl Room {
    /// For so many bytes.
    pub fn new(bytes: usize) -> Self {
        let all = u32::try_from(bytes / GRAIN).unwrap_or(u32::MAX).max(1);
        Self { free: Arc::new(Semaphore::new((all as usize).min(Semaphore::MAX_PERMITS))), all }
    }

    /// Room for so many bytes, waited for in turn. More than there is at all get all of it.
    pub async fn take(&self, bytes: usize) -> Option<OwnedSemaphorePermit> {
        let wanted = u32::try_from(bytes / GRAIN).unwrap_or(u32::MAX).min(self.all);
        // It is never closed.
        self.free.clone().acquire_many_owned(wanted).await.ok()
    }
}

/// A queued write.
pub struct Command {
    /// About what it adds to the transaction.
    pub bytes: usize,
    /// Its part of the bytes that may wait, until it has run.
    pub place: Option<OwnedSemaphorePermit>,
    /// Without a transaction it is not run: its reply then hands on the error of the batch.
    pub run: Run,
}

impl Command {
    /// Passes it over; its reply awaits the error of the batch.
    pub fn pass_over(self) -> Reply {
        let (Ran::Done(reply) | Ran::Failed(reply, _)) = (self.run)(None);
        reply
    }
}

/// A write, ready to be queued, and where its outcome comes.
pub fn command<T: Send + 'static>(
    bytes: usize,
    write: impl FnOnce(&mut Tx<'_>) -> Result<T> + Send + 'static,
) -> (Command, oneshot::Receiver<Result<T>>) {
    let (reply, answer) = oneshot::channel();
    // A caller that went away does not read its answer: that is no fault.
    let run = move |tx: Option<&mut Tx<'_>>| match tx.map(write) {
        Some(Ok(value)) => Ran::Done(Box::new(move |commit: Result<()>| {
            let _ = reply.send(commit.map(|()| value));
        })),
        Some(Err(error)) => {
            let cause = again(&error);
            let answer = move |_| {
                let _ = reply.send(Err(error));
            };
            Ran::Failed(Box::new(answer), cause)
        }
        None => Ran::Done(Box::new(move |commit: Result<()>| {
            let _ = reply.send(commit.and_then(|()| Err(Error::internal("a write was passed over"))));
        })),
    };
    (Command { bytes, place: None, run: Box::new(run) }, answer)
}

#[cfg(test)]
mod tests {
    use super::Room;
    use std::time::Duration;
    use tokio::sync::OwnedSemaphorePermit;

    async fn at_once(room: &Room, bytes: usize) -> Option<OwnedSemaphorePermit> {
        tokio::time::timeout(Duration::from_millis(1), room.take(bytes)).await.ok().flatten()
    }

    #[tokio::test]
    async fn bytes_that_do_not_fit_wait_for_those_that_do() {
        let room = Room::new(10 * 1024);
        let first = at_once(&room, 8 * 1024).await.unwrap();
        assert!(at_once(&room, 3 * 1024).await.is_none());
        assert!(at_once(&room, 2 * 1024).await.is_some(), "given back at once");
        drop(first);
        let all = at_once(&room, usize::MAX).await.unwrap();
        assert!(at_once(&room, 1024).await.is_none());
        assert!(at_once(&room, 100).await.is_some(), "small ones need no room");
        drop(all);
        assert!(at_once(&room, 10 * 1024).await.is_some());
    }
}
