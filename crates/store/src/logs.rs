//! The store of logs and dataset rows.

use crate::lists::{List, Listed, Writing, Written};
use async_trait::async_trait;
use evalset_model::Result;
use evalset_model::filter::{LogField, LogFilter};
use evalset_model::ids::{Collection, LogId, OrganizationId, Place, RowNumber};
use evalset_model::job::Step;
use evalset_model::log::Log;
use evalset_model::page::{Page, Sort, Window};
use evalset_model::score::RowScores;
use evalset_model::summary::{Group, Sums};
use std::sync::Arc;

/// What to do with a row whose id is already in the collection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Existing {
    /// The new one replaces it (contract E.1), as one atomic step.
    Replace,
    /// The old one stays; the new one counts as skipped (contract B.15).
    Keep,
}

/// Result of adding rows.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Added {
    /// Rows written.
    pub written: u64,
    /// Rows passed over because their id was there already, or that no longer exist in the source.
    pub skipped: u64,
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

/// Which rows to select for a job.
#[derive(Clone, Debug)]
pub struct Pick {
    /// Which rows.
    pub filter: LogFilter,
    /// Only rows up to this number, if given.
    pub watermark: Option<RowNumber>,
    /// Keep a part of them, if given.
    pub sample: Option<Sample>,
    /// Order; by falling row number when none.
    pub sort: Option<Sort>,
}

/// Repeatable pseudo-random choice: rows are ranked by [`sample_hash`] of seed and id, and the lowest are kept.
#[derive(Clone, Debug, PartialEq)]
pub enum Sample {
    /// Keep `round(n · percent / 100)` of the n matches, at least 1 when n ≥ 1.
    Percent {
        /// The dataset's id.
        seed: String,
        /// Above 0, up to 100.
        percent: f64,
    },
    /// Keep rows whose hash is at most `cutoff`: the same choice made again.
    Cutoff {
        /// The dataset's id.
        seed: String,
        /// From the first [`Picked`].
        cutoff: u64,
    },
}

/// The hash rows are ranked by.
pub fn sample_hash(seed: &str, id: &LogId) -> u64 {
    let mut bytes = Vec::with_capacity(seed.len() + id.as_str().len() + 1);
    bytes.extend_from_slice(seed.as_bytes());
    bytes.push(0);
    bytes.extend_from_slice(id.as_str().as_bytes());
    xxhash_rust::xxh3::xxh3_64(&bytes)
}

/// How many of `matches` a sample of `percent` keeps (contract B.15).
pub fn sample_size(matches: u64, percent: f64) -> u64 {
    if matches == 0 { 0 } else { ((matches as f64 * percent / 100.0).round() as u64).clamp(1, matches) }
}

/// Selected rows.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Picked {
    /// Rows that match the filter under the watermark, before sampling.
    pub matches: u64,
    /// The greatest hash kept, when sampling.
    pub cutoff: Option<u64>,
    /// The rows, in order.
    pub rows: Vec<RowNumber>,
}

/// A record as it is kept: its place in the store, and what evaluators and people say of it.
#[derive(Clone, Debug, PartialEq)]
pub struct Row {
    /// Where it stands in its store.
    pub number: RowNumber,
    /// The record.
    pub log: Log,
    /// Its scores as contract F.6 shows them in lists, newest first; empty when they were not asked for.
    pub scores: RowScores,
}

impl std::ops::Deref for Row {
    type Target = Log;
    fn deref(&self) -> &Log {
        &self.log
    }
}

/// What is read with rows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum With {
    /// The scores of each.
    Scores,
    /// No scores.
    Nothing,
}

/// Computes the new form of a row from the present one. May be called again when another write came between.
pub type Change = Arc<dyn Fn(Log) -> Result<Log> + Send + Sync>;

/// Logs and dataset rows. A collection that was never written to, or whose dataset is unknown, is empty: callers check that
/// the dataset exists. Writes into a dataset that is gone fail with `NotFound`.
#[async_trait]
pub trait Logs: Send + Sync {
    /// Adds rows, all or none; later duplicates inside `rows` obey `existing` too. Keeps the dataset's counts.
    async fn insert(&self, collection: Collection, rows: Vec<Log>, existing: Existing) -> Result<Added>;

    /// One row.
    async fn get(&self, collection: Collection, id: &LogId) -> Result<Option<Row>>;

    /// Where a log of this id is: the organization's collections that have one.
    async fn places(&self, organization: OrganizationId, id: &LogId) -> Result<Vec<Place>>;

    /// Changes one row atomically and returns its new form; `NotFound` when there is none. The id must not change.
    async fn update(&self, collection: Collection, id: &LogId, change: Change) -> Result<Row>;

    /// Removes rows by id with their scores, all in one step; returns how many there were.
    async fn delete(&self, collection: Collection, ids: &[LogId]) -> Result<u64>;

    /// A page of full rows with the exact total.
    async fn page(&self, collection: Collection, query: Query) -> Result<Page<Row>>;

    /// A part of an ordered list as text, with the exact total. `TooLarge` when the rows come to more than they may.
    async fn list(&self, collection: Collection, list: List) -> Result<Listed>;

    /// Rows by number as text, in the order given, until there is enough of it; rows as [`Logs::read`] has them.
    async fn write(&self, collection: Collection, rows: &[RowNumber], writing: Writing) -> Result<Written>;

    /// Sums over matching rows, their scores included.
    async fn sums(&self, collection: Collection, filter: LogFilter) -> Result<Sums>;

    /// Sums per value of `by` (a text scalar or metadata field), in no particular order. Null is a group of its own.
    async fn groups(&self, collection: Collection, filter: LogFilter, by: LogField) -> Result<Vec<Group>>;

    /// The highest row number in the collection now; 0 when empty.
    async fn watermark(&self, collection: Collection) -> Result<RowNumber>;

    /// Row numbers for a job or a streamed read.
    async fn pick(&self, collection: Collection, pick: Pick) -> Result<Picked>;

    /// Full rows by number, in the order given; rows gone since, and those too damaged to be read, are left out.
    async fn read(&self, collection: Collection, rows: &[RowNumber], with: With) -> Result<Vec<Row>>;

    /// Copies rows between collections under their ids, keeping those already in the target; the copies are unannotated
    /// (`annotation_status` `pending`, nobody) and carry no scores (H10).
    ///
    /// With a `step`: a unit of work of that job. When the rows are too large for one, only the first of them are copied, at least
    /// one: [`Added::rows`] of them. Done again with the same step it answers as the first time and changes nothing more, whatever
    /// became of the rows since. Without: all rows, in as many steps as needed.
    async fn copy(&self, from: Collection, rows: &[RowNumber], to: Collection, step: Option<Step>) -> Result<Added>;

    /// Removes rows by number; returns how many there were. With a `step`: a unit of work of that job, as for [`Logs::copy`].
    async fn remove(&self, collection: Collection, rows: &[RowNumber], step: Option<Step>) -> Result<u64>;
}
