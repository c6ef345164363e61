//! The store of evaluation runs: their results, row by row. The run itself is a job.

use async_trait::async_trait;
use evalset_model::ids::{DatasetId, JobId, LogId, OrganizationId, RowNumber};
use evalset_model::job::{Job, Step};
use evalset_model::page::{Page, Window};
use evalset_model::run::{Unit, UnitResult};
use evalset_model::score::ScoreValues;
use evalset_model::{Error, Result};

/// Whose values to compare.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Compared {
    /// The results of a run.
    Run(JobId),
    /// The scores that rows of a dataset show now, by key of their source: evaluator id or custom slug.
    Dataset(DatasetId, String),
}

/// One row's value in a comparison.
#[derive(Clone, Debug, PartialEq)]
pub struct RowValue {
    /// The row.
    pub log_id: LogId,
    /// Its `custom_identifier`.
    pub custom_identifier: Option<String>,
    /// What was said of it.
    pub values: ScoreValues,
    /// Whether it passed.
    pub is_passed: Option<bool>,
}

/// Whether units may be kept by one call: `Invalid` when they are of more than one collection or source.
pub fn of_one_run(units: &[Unit]) -> Result<()> {
    let of = |unit: &Unit| (unit.score.subject.collection(), unit.score.source.key());
    if units.iter().skip(1).any(|unit| of(unit) != of(&units[0])) {
        return Err(Error::Invalid {
            field: None,
            message: "Results that are kept together must be of one dataset and one evaluator.".to_owned(),
        });
    }
    Ok(())
}

/// Results of runs. A result is kept for its run until the dataset is deleted, whatever later runs say of the row.
#[async_trait]
pub trait Runs: Send + Sync {
    /// Keeps units of a run: writes their scores, their results and the progress that follows, a unit of work of its
    /// job. A unit whose row is gone leaves no score. A unit kept before is replaced; kept again with the same step it
    /// counts once. `Conflict` when the attempt is not at work; `Invalid` when the units are not all of one collection
    /// and one source: a run has one evaluator and one dataset.
    async fn record(&self, units: Vec<Unit>, step: Step) -> Result<()>;

    /// Rows that have a result, rising; with or without those that are gone.
    async fn done(&self, organization: OrganizationId, run: JobId) -> Result<Vec<RowNumber>>;

    /// A page of results by rising row number, failed or not or both; those of rows that are gone are left out.
    async fn results(
        &self,
        organization: OrganizationId,
        run: JobId,
        failed: Option<bool>,
        window: Window,
    ) -> Result<Page<UnitResult>>;

    /// Takes an ended run up again: its failed results are dropped, so that their rows and those never reached are
    /// pending; it is queued, with this spending limit if one is given. `Conflict` when it has not ended; `None` when
    /// there is none or its dataset is gone.
    async fn reopen(
        &self,
        organization: OrganizationId,
        run: JobId,
        spending_limit: Option<f64>,
        at: i64,
    ) -> Result<Option<Job>>;

    /// Runs of a dataset, newest first: the rows of the window and the total.
    async fn list(&self, organization: OrganizationId, dataset: DatasetId, window: Window) -> Result<Page<Job>>;

    /// All values of one side of a comparison, failed results and scores without a value left out, by rising row
    /// number.
    async fn values(&self, organization: OrganizationId, of: Compared) -> Result<Vec<RowValue>>;
}
