//! The store of logs and dataset rows.
//!
//! Each method says what a caller may rely on whichever store it is. Where the text says *at rest*, that is while
//! nobody writes to the collection; beside writes the parts of such an answer may be a few writes apart.

pub use crate::grouping::{GroupBound, GroupOrder, Groups};
pub use crate::selection::{HeldRows, Pick, PickOrder, Sample, Selected, sample_hash, sample_size};
pub use crate::statistics::{Measure, Statistics};
pub use crate::traces::{TracePick, TraceQuery, TraceScope, TraceTotals};

use crate::lists::{List, Listed, Writing, Written};
use async_trait::async_trait;
use evalset_model::Result;
use evalset_model::filter::{LogField, LogFilter};
use evalset_model::ids::{Collection, LogId, OrganizationId, Place, RowNumber, Watermark};
use evalset_model::job::Step;
use evalset_model::log::Log;
use evalset_model::page::{Page, Sort, Window};
use evalset_model::score::ShownScores;
use evalset_model::summary::Sums;
use std::sync::Arc;

/// What to do with a row whose id is already in the collection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Existing {
    /// The new one replaces it (contract E.1), as one atomic step.
    Replace,
    /// The old one stays; the new one counts as skipped (contract B.15).
    Keep,
    /// There is none: the caller has just made the ids up, each once. The store need not look for them. Where it finds
    /// one all the same, it is a `Conflict` and nothing is written; never are there two rows of one id.
    New,
}

/// Result of adding rows.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Added {
    /// Rows written.
    pub written: u64,
    /// Rows passed over because their id was there already, or that no longer exist in the source.
    pub skipped: u64,
    /// Of the rows written, those that took the place of one that was there.
    pub replaced: u64,
}

impl Added {
    /// Rows looked at.
    pub fn rows(&self) -> usize {
        usize::try_from(self.written + self.skipped).unwrap_or(usize::MAX)
    }
}

/// A read of an ordered, filtered list.
#[derive(Clone, Debug)]
pub struct Query {
    /// Which rows.
    pub filter: LogFilter,
    /// Order.
    pub sort: Sort,
    /// Which part.
    pub window: Window,
}

/// A record as it is kept: its place in the store, and what evaluators and people say of it.
#[derive(Clone, Debug, PartialEq)]
pub struct Row {
    /// Where it stands in its store.
    pub number: RowNumber,
    /// The record; without its payload when that was not asked for.
    pub log: Log,
    /// The scores it shows; none when they were not asked for.
    pub scores: ShownScores,
}

impl std::ops::Deref for Row {
    type Target = Log;
    fn deref(&self) -> &Log {
        &self.log
    }
}

/// What is read with the typed fields and the metadata of rows.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct With {
    /// The payload of each.
    pub payload: bool,
    /// The scores of each.
    pub scores: bool,
}

impl With {
    /// Neither payload nor scores.
    pub const FIELDS: Self = Self { payload: false, scores: false };
    /// The whole record.
    pub const PAYLOAD: Self = Self { payload: true, scores: false };
    /// The whole record and its scores.
    pub const EVERYTHING: Self = Self { payload: true, scores: true };
}

/// Computes the new form of a row from the present one. Pure and quick: it is called on a thread of the store's, and
/// again when another write came between.
pub type Change = Arc<dyn Fn(Log) -> Result<Log> + Send + Sync>;

/// Logs and dataset rows. A collection that was never written to, or whose dataset is unknown, is empty: callers check
/// that the dataset exists. Writes into a dataset that is gone fail with `NotFound`. A write that was answered is seen
/// by every read that begins after the answer, and is still there after a crash.
#[async_trait]
pub trait Logs: Send + Sync {
    /// Adds rows, all or none when it answers anything but `Internal` or `Busy`: after those, rows may be there, each
    /// whole, and the same call may be made again. Later duplicates inside `rows` obey `existing` too. Keeps the
    /// dataset's counts.
    async fn insert(&self, collection: Collection, rows: Vec<Log>, existing: Existing) -> Result<Added>;

    /// One row.
    async fn get(&self, collection: Collection, id: &LogId) -> Result<Option<Row>>;

    /// Where a log of this id is: the organization's collections that have one.
    async fn places(&self, organization: OrganizationId, id: &LogId) -> Result<Vec<Place>>;

    /// Changes one row atomically and returns its new form; `NotFound` when there is none. The id must not change. No
    /// other write of that row is lost: `change` saw the form that it replaced.
    async fn update(&self, collection: Collection, id: &LogId, change: Change) -> Result<Row>;

    /// Removes rows by id with their scores, all or none as [`Logs::insert`]; returns how many there were.
    async fn delete(&self, collection: Collection, ids: &[LogId]) -> Result<u64>;

    /// A page of full rows with the exact total; page and total are of one commit at rest.
    async fn page(&self, collection: Collection, query: Query) -> Result<Page<Row>>;

    /// A part of an ordered list as text, with the exact total; both of one commit at rest. `TooLarge` when the rows
    /// come to more than they may.
    async fn list(&self, collection: Collection, list: List) -> Result<Listed>;

    /// Rows by number as text, in the order given, until there is enough of it; rows as [`Logs::read`] has them.
    async fn write(&self, collection: Collection, rows: &[RowNumber], writing: Writing) -> Result<Written>;

    /// Sums over matching rows, their scores included. Floats are added in any order: the last digits may differ from
    /// store to store.
    async fn sums(&self, collection: Collection, filter: LogFilter) -> Result<Sums>;

    /// Sums per value of `by` (the id, a typed field or a key of the metadata), without scores: as many groups as
    /// `bound` says, and how many there are. A value that is no text is its JSON text; rows without a value are a group
    /// of their own.
    async fn groups(
        &self,
        collection: Collection,
        filter: LogFilter,
        by: LogField,
        bound: GroupBound,
    ) -> Result<Groups>;

    /// How the values of fields are spread over matching rows, all of one commit at rest.
    async fn statistics(&self, collection: Collection, filter: LogFilter, of: &[Measure]) -> Result<Statistics>;

    /// A line between the rows that are there now and those added later: no row there is above it, every row added
    /// after the answer is. Opaque, may lie above the highest row, never falls.
    async fn watermark(&self, collection: Collection) -> Result<Watermark>;

    /// Row numbers for a job or a streamed read: settled when this returns, handed out in pieces.
    async fn select(&self, collection: Collection, pick: Pick) -> Result<Box<dyn Selected>>;

    /// Full rows by number, in the order given; rows gone since, and those too damaged to be read, are left out.
    async fn read(&self, collection: Collection, rows: &[RowNumber], with: With) -> Result<Vec<Row>>;

    /// A page of traces by what their spans come to, with the exact total; both of one commit at rest.
    async fn traces(&self, collection: Collection, query: TraceQuery) -> Result<Page<TraceTotals>>;

    /// The root spans of traces, for a job: as [`Logs::select`].
    async fn select_traces(&self, collection: Collection, pick: TracePick) -> Result<Box<dyn Selected>>;

    /// What the traces with these root spans come to, in the order given, of spans up to the watermark. Those whose
    /// root span is gone, or is no longer the root, are left out.
    async fn trace_totals(
        &self,
        collection: Collection,
        roots: &[RowNumber],
        watermark: Option<Watermark>,
    ) -> Result<Vec<TraceTotals>>;

    /// Copies rows between collections under their ids, keeping those already in the target; the copies are unannotated
    /// (`annotation_status` `pending`, nobody) and carry no scores (H10).
    ///
    /// With a `step`, the rows and the step name a unit of work. It is added to the progress of its job together with
    /// the copies; done again after a crash or a lost answer it answers as the first time and changes nothing more,
    /// whatever became of the rows since. When the rows are too large for one unit, only the first of them are copied,
    /// at least one: [`Added::rows`] of them. Without a step: all rows, in as many steps as needed, and the call may be
    /// made again.
    async fn copy(&self, from: Collection, rows: &[RowNumber], to: Collection, step: Option<Step>) -> Result<Added>;

    /// Removes rows by number with their scores; returns how many there were. Rows and `step` name a unit of work as in
    /// [`Logs::copy`], of which nothing is left over.
    async fn remove(&self, collection: Collection, rows: &[RowNumber], step: Option<Step>) -> Result<u64>;
}
