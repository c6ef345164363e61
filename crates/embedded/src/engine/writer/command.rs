//! A queued write: what it does, and how its caller learns of it. Does not know transactions.

use super::Tx;
use crate::file::error::again;
use evalset_model::{Error, Result};
use tokio::sync::oneshot;

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

/// A queued write.
pub struct Command {
    /// About what it adds to the transaction.
    pub bytes: usize,
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
    (Command { bytes, run: Box::new(run) }, answer)
}
