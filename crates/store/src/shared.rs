//! What the nodes of an installation have in common beside the data: signals, turns, and windows that bound how often
//! something is done. Nothing of it outlives the processes.

use async_trait::async_trait;
use evalset_model::Result;
use evalset_model::ids::OrganizationId;
use evalset_model::job::Lane;
use std::any::Any;

/// Something that every node wants to know.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Notice {
    /// Some job was asked to stop, or its dataset is gone.
    Stop,
    /// The settings of an organization's provider were changed.
    Provider(OrganizationId),
    /// Others were missed: anything may have changed.
    Missed,
}

/// Notices as they come.
#[async_trait]
pub trait Notices: Send {
    /// The next one. For ever waiting when none comes; may be dropped and asked again.
    async fn next(&mut self) -> Notice;
}

/// One's turn, until it is dropped.
pub struct Turn(#[expect(dead_code, reason = "what ends with it")] Box<dyn Any + Send>);

impl Turn {
    /// A turn that ends with `guard`.
    pub fn new(guard: impl Any + Send) -> Self {
        Self(Box::new(guard))
    }
}

/// So much in any stretch of time of one length.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bound {
    /// At most.
    pub limit: u64,
    /// Microseconds.
    pub length: i64,
}

/// Whether there was room in a window.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Taken {
    /// There was, and less is left.
    Now,
    /// There was not. At this time, microseconds since the epoch, there may be.
    NotBefore(i64),
}

/// What nodes share.
///
/// Signals may be lost, when a connection is: whoever waits for one looks by himself now and then.
#[async_trait]
pub trait Shared: Send + Sync {
    /// A job of this lane was queued: a worker of some node is to look. Does not wait.
    fn wake(&self, lane: Lane);

    /// Until the next [`Shared::wake`]. One that came while nobody waited is kept for the first who does.
    async fn woken(&self, lane: Lane);

    /// Tells every node, this one included. Does not wait.
    fn tell(&self, notice: Notice);

    /// Notices from now on.
    fn notices(&self) -> Box<dyn Notices>;

    /// One's turn at what `key` names: two with the same key come one after the other, in the order in which they
    /// asked. Others may have to wait for each other too, so nobody may ask for a second turn while he has one.
    async fn turn(&self, key: &str) -> Result<Turn>;

    /// Takes `amount` from the window named `window` at the time `now` (microseconds since the epoch), if there is
    /// room. More than the whole limit has room in an empty one.
    async fn take(&self, window: &str, amount: u64, bound: Bound, now: i64) -> Result<Taken>;
}
