//! Long work as data: what a job is to do, how far it is, how it ended (design section 6).
//!
//! Does not know how a job runs; `jobs` of the product does that.

use crate::error::{Error, Result};
use crate::ids::{Collection, DatasetId, JobId, OrganizationId, RowNumber, Watermark, WorkerId};
use crate::page::Sort;
use crate::run::{RunTask, Unit};
use crate::score::ScoreStatus;
use crate::summary::Mean;
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// One job, as stored. Times are microseconds since the epoch.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Job {
    /// Id; an export shares it.
    pub id: JobId,
    /// Owner.
    pub organization: OrganizationId,
    /// The dataset it works on, if any: deleting the dataset cancels the job.
    pub dataset: Option<DatasetId>,
    /// What to do. Never changes, but for the spending limit of a run that is taken up again.
    pub task: Task,
    /// Where it stands.
    pub state: State,
    /// How far it got; written with each unit of work, so that a restart resumes exactly there.
    pub progress: Progress,
    /// A caller asked it to stop.
    pub cancel_requested: bool,
    /// Attempts begun. While the job is running it is the number of the attempt at work, and only that one may write:
    /// see [`Step`].
    pub attempts: u32,
    /// Who is at work and until when, while the job is running.
    #[serde(default)]
    pub lease: Option<Lease>,
    /// Why it failed, for the caller.
    pub error_message: Option<String>,
    /// Enqueued.
    pub created_at: i64,
    /// First started.
    pub started_at: Option<i64>,
    /// Ended.
    pub completed_at: Option<i64>,
}

impl Job {
    /// The run as it is when it is taken up again: queued, its failed rows to be done anew, with this spending limit if
    /// one is given. `Conflict` when it has not ended.
    pub fn reopened(mut self, spending_limit: Option<f64>) -> Result<Self> {
        if !self.state.ended() {
            return Err(Error::Conflict("The run has not ended: it can be continued when it has.".to_owned()));
        }
        self.progress.forget_failed();
        if let Task::Evaluate(task) = &mut self.task {
            task.spending_limit = spending_limit.or(task.spending_limit);
        }
        Ok(Self {
            state: State::Queued,
            cancel_requested: false,
            lease: None,
            error_message: None,
            completed_at: None,
            ..self
        })
    }
}

/// A worker's hold on a running job. When it has run out, the job may be given to another.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Lease {
    /// Who holds it.
    pub worker: WorkerId,
    /// Its end, unless it is renewed; microseconds since the epoch.
    pub until: i64,
}

/// State of a job.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum State {
    /// Waiting for a worker.
    Queued,
    /// At work.
    Running,
    /// Done.
    Completed,
    /// Gave up; `error_message` says why. What was done stays done.
    Failed,
    /// Stopped on request. What was done stays done.
    Cancelled,
}

impl State {
    /// Name on the wire.
    pub fn name(self) -> &'static str {
        match self {
            Self::Queued => "queued",
            Self::Running => "running",
            Self::Completed => "completed",
            Self::Failed => "failed",
            Self::Cancelled => "cancelled",
        }
    }

    /// Neither queued nor running.
    pub fn ended(self) -> bool {
        matches!(self, Self::Completed | Self::Failed | Self::Cancelled)
    }
}

/// What a job does. Filters are kept as the caller sent them and compiled when the job starts.
///
/// Stored as JSON: names of kinds and members never change, and a new member needs `serde(default)`, so that jobs of an
/// older release go on.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Task {
    /// Copy matching request logs into a dataset (contract B.15, and B.2 at creation).
    Import {
        /// Target.
        dataset: DatasetId,
        /// Source window, inclusive, microseconds.
        start_time: Option<i64>,
        /// Source window, inclusive, microseconds.
        end_time: Option<i64>,
        /// Filters over source logs, wire form.
        filters: Value,
        /// Percent of matches, above 0 up to 100.
        sampling_percentage: f64,
        /// Source rows up to this one; later logs are not part of the job.
        watermark: Watermark,
    },
    /// Copy all rows of another dataset.
    Duplicate {
        /// From.
        source: DatasetId,
        /// To.
        dataset: DatasetId,
        /// Source rows up to this one.
        watermark: Watermark,
    },
    /// Remove matching rows (contract B.16).
    Remove {
        /// From where.
        dataset: DatasetId,
        /// Filters over rows, wire form.
        filters: Value,
        /// Row window, inclusive, microseconds.
        start_time: Option<i64>,
        /// Row window, inclusive, microseconds.
        end_time: Option<i64>,
        /// Rows up to this one; rows added after the request stay.
        watermark: Watermark,
    },
    /// Write matching rows to a file (contract B.19).
    Export {
        /// From where.
        collection: Collection,
        /// Filters over rows, wire form.
        filters: Value,
        /// Order of the rows.
        sort: Sort,
        /// Only these fields, when given.
        include_fields: Option<Vec<String>>,
        /// File format.
        format: ExportFormat,
        /// File name without its folder, with the suffix.
        file_name: String,
    },
    /// Run an evaluator over rows (contract B.18, F.7).
    Evaluate(Box<RunTask>),
}

impl Task {
    /// Name on the wire.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Import { .. } => "import",
            Self::Duplicate { .. } => "duplicate",
            Self::Remove { .. } => "remove",
            Self::Export { .. } => "export",
            Self::Evaluate(_) => "evaluate",
        }
    }

    /// The dataset that it copies rows into, if that is what it does: the `status` of that dataset follows the job
    /// (contract B.1).
    pub fn fills(&self) -> Option<DatasetId> {
        match self {
            Self::Import { dataset, .. } | Self::Duplicate { dataset, .. } => Some(*dataset),
            Self::Remove { .. } | Self::Export { .. } | Self::Evaluate(_) => None,
        }
    }

    /// Which workers do it.
    pub fn lane(&self) -> Lane {
        if matches!(self, Self::Evaluate(_)) { Lane::Runs } else { Lane::Rows }
    }

    /// The evaluation run, if it is one.
    pub fn run(&self) -> Option<&RunTask> {
        if let Self::Evaluate(run) = self { Some(run) } else { None }
    }
}

/// Jobs that wait for each other: a run that asks a slow model for hours must not hold up imports and exports.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lane {
    /// Whatever works on rows as fast as the machine allows.
    Rows,
    /// Evaluation runs.
    Runs,
}

/// Format of an export file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum ExportFormat {
    /// `.csv`
    #[serde(rename = ".csv")]
    Csv,
    /// `.jsonl`
    #[serde(rename = ".jsonl")]
    Jsonl,
}

impl ExportFormat {
    /// The wire name, which is the file suffix.
    pub fn suffix(self) -> &'static str {
        match self {
            Self::Csv => ".csv",
            Self::Jsonl => ".jsonl",
        }
    }
}

/// How far a job is. Units are rows. Stored as JSON, like [`Task`].
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Progress {
    /// Rows to do, once known.
    pub total: Option<u64>,
    /// Rows looked at.
    pub done: u64,
    /// Rows added, removed or written.
    pub affected: u64,
    /// Rows passed over, such as those already in the dataset.
    pub skipped: u64,
    /// Where to go on: the last row number done. Selections run from high to low row numbers.
    pub cursor: Option<RowNumber>,
    /// Sampling threshold fixed at the first start: rows whose hash is at most this are taken.
    pub cutoff: Option<u64>,
    /// Of a run: rows that got no score.
    pub failed: u64,
    /// Of a run: USD spent.
    pub cost: f64,
    /// Of a run: the numbers and booleans (as 1 and 0) of its scores.
    pub scored: Mean,
    /// Of a run: when the present attempt began, and how far the run was then; the rate is measured from there.
    pub attempt: Option<AttemptStart>,
}

/// Where an attempt at a run began.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AttemptStart {
    /// Microseconds since the epoch.
    pub started_at: i64,
    /// Rows done by then.
    pub done: u64,
    /// Last time that it moved, microseconds since the epoch.
    pub moved_at: i64,
}

impl Progress {
    /// Adds a unit of work: the rows that were looked at, in order, and how many of them were changed. The others count
    /// as skipped.
    pub fn add(&mut self, rows: &[RowNumber], affected: u64) {
        let count = rows.len() as u64;
        self.done += count;
        self.affected += affected;
        self.skipped += count.saturating_sub(affected);
        self.cursor = rows.last().copied().or(self.cursor);
    }

    /// Adds units of a run.
    pub fn add_units(&mut self, units: &[Unit]) {
        for Unit { score, .. } in units {
            self.done += 1;
            self.cost += score.cost;
            match score.status {
                ScoreStatus::Completed => self.affected += 1,
                ScoreStatus::Failed => self.failed += 1,
            }
            self.scored.add(score.values.number());
        }
        if let (Some(attempt), Some(unit)) = (&mut self.attempt, units.last()) {
            attempt.moved_at = attempt.moved_at.max(unit.score.updated_at);
        }
    }

    /// Takes rows of a run that got no score for rows not looked at. What they cost stays spent.
    pub fn forget_failed(&mut self) {
        self.done = self.done.saturating_sub(self.failed);
        self.failed = 0;
    }
}

/// A unit of work of one attempt at a job. It is done only while that attempt is at work: when the job is not running,
/// or another attempt has begun since, the unit is refused with `Conflict` and nothing is changed.
///
/// A unit may be done again when it is not known whether it was done. With the same step it then changes nothing more
/// and counts once.
#[derive(Clone, Debug, PartialEq)]
pub struct Step {
    /// Which job.
    pub job: JobId,
    /// Which attempt: `attempts` of the job as it was claimed.
    pub attempt: u32,
    /// Its progress before this unit. A store that does the unit adds it with [`Progress::add`], so that what is stored
    /// is always what happened.
    pub progress: Progress,
}

impl Step {
    /// What this unit over `rows`, or over the first of them, came to when it was done before, as the stored progress
    /// tells; `None` when it is still to be done.
    pub fn done_before(&self, stored: &Progress, rows: &[RowNumber]) -> Option<Done> {
        let rows_done = usize::try_from(stored.done.checked_sub(self.progress.done)?).ok()?;
        let last = rows.get(rows_done.checked_sub(1)?)?;
        (stored.cursor == Some(*last)).then(|| Done {
            affected: stored.affected.saturating_sub(self.progress.affected),
            skipped: stored.skipped.saturating_sub(self.progress.skipped),
        })
    }
}

/// What a unit of work over rows came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Done {
    /// Rows added or removed.
    pub affected: u64,
    /// Rows passed over.
    pub skipped: u64,
}

#[cfg(test)]
mod tests;
