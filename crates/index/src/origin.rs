//! What this room asks of the store whose rows it answers for: its origin.
//!
//! The origin has the truth: rows, scores, and commits by number. Everything here is derived from it and may be thrown
//! away at any time. An origin tells of its commits in one of two ways. One that *pushes* tells
//! [`Texts::apply`](crate::Texts::apply) before each COMMIT, [`Texts::committed`](crate::Texts::committed) and
//! [`Indexes::note`](crate::Indexes::note) after it with the [`Gate`](crate::Gate) held since before, and
//! [`Indexes::settle_noted`](crate::Indexes::settle_noted) after that. Any other is asked by [`Lease::since`] whenever
//! an index is behind.

use crate::change::Commits;
use crate::number::{CollectionNumber, CommitNumber};
use evalset_model::Result;
use evalset_model::ids::{Collection, LogId, OrganizationId, Place, RowNumber};
use evalset_model::log::{Log, Payload};
use evalset_model::score::{ComparedScores, Score, ShownScores, Source};
use std::time::Duration;

/// A collection as of one commit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Found {
    /// The origin's number of it.
    pub id: CollectionNumber,
    /// The last commit that changed its rows or the scores that they show.
    pub seq: CommitNumber,
}

/// A row, or part of one, that was asked for by number.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fetched<T> {
    /// It is there.
    There(T),
    /// There is no such row in the collection.
    Gone,
    /// It is there and damaged. The origin has noted that; it is as good as gone where many rows are read.
    Unreadable,
}

impl<T> Fetched<T> {
    /// What is there.
    pub fn there(self) -> Option<T> {
        match self {
            Self::There(value) => Some(value),
            Self::Gone | Self::Unreadable => None,
        }
    }

    /// The same with another value.
    pub fn map<U>(self, change: impl FnOnce(T) -> U) -> Fetched<U> {
        match self {
            Self::There(value) => Fetched::There(change(value)),
            Self::Gone => Fetched::Gone,
            Self::Unreadable => Fetched::Unreadable,
        }
    }
}

/// A row without its payload.
#[derive(Clone, Debug)]
pub struct Fields {
    /// Its number.
    pub row: RowNumber,
    /// Typed fields and metadata; the payload is empty.
    pub log: Log,
    /// Bytes of its metadata as JSON text.
    pub metadata_bytes: usize,
}

/// What became of a collection after a commit.
#[derive(Clone, Debug)]
pub enum Since {
    /// These commits, in order, up to the one that the transaction sees.
    Commits(Commits),
    /// Rows were added, with numbers above all that were there, and nothing else happened to rows that were there, nor
    /// to their scores.
    Added,
    /// It is not known, or that commit is none of this collection.
    Unknown,
}

/// A derived file that the origin remembers: it is believed only under this token.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Kept {
    /// The commit that it stands for: changes after it are not in it.
    pub seq: CommitNumber,
    /// What it was kept under.
    pub token: i64,
}

/// Whether a read is still wanted.
pub trait Stop: Sync {
    /// An error once nobody waits for the read any more, or the store closes; nobody sees it.
    fn go_on(&self) -> Result<()>;
}

/// Where scores can be read: a lease, or a transaction that writes.
pub trait Scored {
    /// All scores of a log id that are in sight, in any order.
    fn scores(&self, sight: &Sight, id: &LogId) -> Result<Vec<Score>>;
}

/// A read of the origin, on loan for as long as one answer takes; one that is dropped ends its transaction.
///
/// Between [`Lease::begin`] and [`Lease::end`] everything is of one commit, that of the first call after `begin`;
/// outside of them each call sees what is newest. Collections that are hidden or gone are found by neither name nor
/// number. Calls block.
pub trait Lease: Scored + Send {
    /// Tells whether the read is still wanted.
    fn stop(&self) -> &dyn Stop;

    /// Begins a read transaction. None must be under way.
    fn begin(&self) -> Result<()>;

    /// Ends the transaction, if there is one.
    fn end(&self) -> Result<()>;

    /// A collection by name; `None` when it was never written to.
    fn find(&self, name: Collection) -> Result<Option<Found>>;

    /// The name of a collection.
    fn name(&self, collection: CollectionNumber) -> Result<Option<Collection>>;

    /// The last commit that changed a collection.
    fn commit(&self, collection: CollectionNumber) -> Result<Option<CommitNumber>>;

    /// All collections, with the number of their rows.
    fn collections(&self) -> Result<Vec<(CollectionNumber, u64)>>;

    /// What became of a collection after a commit.
    fn since(&self, collection: CollectionNumber, seq: CommitNumber) -> Result<Since>;

    /// Visits the rows of a collection above a number, rising, without payloads. Unreadable ones are left out.
    fn each_row(
        &self,
        collection: CollectionNumber,
        above: RowNumber,
        visit: &mut dyn FnMut(Fields) -> Result<()>,
    ) -> Result<()>;

    /// Numbers of the first rows of a collection above a number, at most so many, rising; unreadable ones too.
    fn rows_above(&self, collection: CollectionNumber, above: RowNumber, most: usize) -> Result<Vec<RowNumber>>;

    /// The highest number of a row of a collection; 0 when it has none.
    fn last_row(&self, collection: CollectionNumber) -> Result<RowNumber>;

    /// A row without its payload.
    fn fields(&self, collection: CollectionNumber, row: RowNumber) -> Result<Fetched<Log>>;

    /// The payload of a row.
    fn payload(&self, collection: CollectionNumber, row: RowNumber) -> Result<Fetched<Payload>>;

    /// Where the scores of a collection's rows are found.
    fn sight(&self, name: Collection, collection: CollectionNumber) -> Result<Sight>;

    /// Visits the rows of a collection that have scores in sight, with all of those, in any order.
    fn each_scored(
        &self,
        collection: CollectionNumber,
        sight: &Sight,
        visit: &mut dyn FnMut(RowNumber, Vec<Score>) -> Result<()>,
    ) -> Result<()>;

    /// All sources of an organization's scores, by rising key.
    fn sources(&self, organization: OrganizationId) -> Result<Vec<Source>>;

    /// The newest snapshot of a collection's columns that was kept ([`Origin::keep`]).
    fn snapshot(&self, collection: CollectionNumber) -> Result<Option<Kept>>;

    /// The list of segments of a collection's text index that was kept last ([`Origin::keep_texts`]).
    fn text_list(&self, collection: CollectionNumber) -> Result<Option<Kept>>;
}

/// The store whose rows are answered for.
pub trait Origin: Send + Sync {
    /// Whether it pushes its commits.
    fn pushes(&self) -> bool;

    /// One more lease beside those of callers, if one is free now. It is told to stop only when the store closes.
    fn spare(&self) -> Option<Box<dyn Lease>>;

    /// A lease for a thread of this room, which keeps it.
    fn own(&self) -> Result<Box<dyn Lease>>;

    /// Transactions since the start: who finds another number than before was not alone.
    fn commits(&self) -> u64;

    /// Returns when every commit that was under way is made or has failed.
    fn settle(&self) -> Result<()>;

    /// Says that a collection's columns rest: a good moment for [`Indexes::save`](crate::Indexes::save), beside
    /// whatever the origin has to do. It may be passed over. `patience`: what those who look at them may be waited for.
    fn keep(&self, collection: CollectionNumber, patience: Duration);

    /// Remembers the list of segments of a text index in place of the one before, and forgets that the texts of these
    /// rows have changed, as far as they did so up to the commit `seq`; one step. `NotFound` when the collection is
    /// gone.
    fn keep_texts(
        &self,
        collection: CollectionNumber,
        list: Kept,
        rows: Vec<RowNumber>,
        seq: CommitNumber,
    ) -> Result<()>;

    /// Forgets everything about the text index of a collection that is gone.
    fn forget_texts(&self, collection: CollectionNumber) -> Result<()>;
}

/// Where the scores of a collection's rows are found, as of one transaction: in the collection itself and, by the same
/// log id, among those that name no dataset.
#[derive(Clone, Copy, Debug)]
pub struct Sight {
    /// The collection's place.
    pub place: Place,
    /// Whose it is.
    pub organization: OrganizationId,
    /// The collection itself, if it has scores.
    pub own: Option<CollectionNumber>,
    /// The collection of request logs, if it is another one and has scores.
    pub base: Option<CollectionNumber>,
}

impl Sight {
    /// Whether no row has a score.
    pub fn is_empty(&self) -> bool {
        self.own.is_none() && self.base.is_none()
    }

    /// The scores that the row of this id shows.
    pub fn shown(&self, read: &(impl Scored + ?Sized), id: &LogId) -> Result<ShownScores> {
        if self.is_empty() {
            return Ok(ShownScores::none());
        }
        Ok(ShownScores::of(read.scores(self, id)?, self.place))
    }

    /// The scores of a row as filters and columns take them.
    pub fn compared(&self, read: &(impl Scored + ?Sized), id: &LogId) -> Result<ComparedScores> {
        Ok(self.shown(read, id)?.compared())
    }
}
