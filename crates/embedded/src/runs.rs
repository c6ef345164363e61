//! Results of evaluation runs in the file. The run itself is a line of `job`; what datasets show of it is in
//! `activity`.

use crate::Engine;
use crate::engine::readers::Lease;
use crate::engine::writer::Tx;
use crate::file::collection;
use crate::file::error::Sql;
use crate::file::number::RunNumber;
use crate::jobs::activity;
use crate::jobs::{self, job_line};
use crate::scores::Scribe;
use crate::scores::row_scores;
use async_trait::async_trait;
use evalset_model::ids::{Collection, DatasetId, JobId, LogId, OrganizationId, Place, RowNumber};
use evalset_model::job::{Job, Step};
use evalset_model::page::{Page, Window};
use evalset_model::run::{Unit, UnitResult};
use evalset_model::score::{ScoreStatus, ScoreValues};
use evalset_model::{Error, Result};
use evalset_store::runs::{Compared, RowValue, Runs, of_one_run};
use rusqlite::{Connection, OptionalExtension, Row, params};

/// About what a unit adds to a transaction (bytes).
const UNIT_BYTES: usize = 512;

/// Results of a run `?1` whose rows are there: those that await their purge are not.
macro_rules! of_run {
    () => {
        " FROM run_result r CROSS JOIN log l ON l.row = r.row CROSS JOIN collection c ON c.id = l.collection AND c.hidden = 0 \
         WHERE r.run = ?1"
    };
}

const SELECT: &str = concat!(
    "SELECT l.unique_id, r.numerical_value, r.boolean_value, r.other_values, r.is_passed, r.error_message, r.cost, \
     l.custom_identifier",
    of_run!()
);

const COUNT: &str = concat!("SELECT count(*)", of_run!(), " AND (?2 IS NULL OR r.failed = ?2)");

#[async_trait]
impl Runs for Engine {
    async fn record(&self, units: Vec<Unit>, step: Step) -> Result<()> {
        of_one_run(&units)?;
        self.writer
            .run(units.len() * UNIT_BYTES, move |tx| {
                let run = number(tx.connection, None, step.job)?.ok_or_else(jobs::not_running)?;
                let mut progress = step.progress;
                progress.add_units(&units);
                jobs::attempt::advance(tx.connection, &Step { progress, ..step })?;
                keep(tx, run, &units)?;
                activity::show_of(tx.connection, step.job)
            })
            .await
    }

    async fn done(&self, organization: OrganizationId, run: JobId) -> Result<Vec<RowNumber>> {
        self.readers
            .run_long(move |lease| {
                let connection = lease.begin()?;
                let Some(run) = number(connection, Some(organization), run)? else { return Ok(Vec::new()) };
                let mut statement =
                    connection.prepare_cached("SELECT row FROM run_result WHERE run = ?1 ORDER BY row").sql()?;
                let rows = statement.query_map([run], |line| line.get(0).map(RowNumber::new)).sql()?;
                rows.collect::<rusqlite::Result<_>>().sql()
            })
            .await
    }

    async fn results(
        &self,
        organization: OrganizationId,
        run: JobId,
        failed: Option<bool>,
        window: Window,
    ) -> Result<Page<UnitResult>> {
        self.readers
            .run_long(move |lease| {
                let connection = lease.begin()?;
                let nothing = Page { rows: Vec::new(), total: 0 };
                let Some(run) = number(connection, Some(organization), run)? else { return Ok(nothing) };
                let total: i64 =
                    connection.prepare_cached(COUNT).sql()?.query_row((run, failed), |line| line.get(0)).sql()?;
                let sql = format!("{SELECT} AND (?2 IS NULL OR r.failed = ?2) ORDER BY r.row LIMIT ?3 OFFSET ?4");
                let bound = |count: u64| i64::try_from(count).unwrap_or(i64::MAX);
                let mut statement = connection.prepare_cached(&sql).sql()?;
                let mut lines = statement.query((run, failed, bound(window.limit), bound(window.offset))).sql()?;
                let mut rows = Vec::new();
                while let Some(line) = lines.next().sql()? {
                    rows.push(decode(line)?);
                }
                Ok(Page { rows, total: total.unsigned_abs() })
            })
            .await
    }

    async fn reopen(
        &self,
        organization: OrganizationId,
        run: JobId,
        spending_limit: Option<f64>,
        at: i64,
    ) -> Result<Option<Job>> {
        self.writer.run(1_024, move |tx| reopen(tx.connection, organization, run, spending_limit, at)).await
    }

    async fn list(&self, organization: OrganizationId, dataset: DatasetId, window: Window) -> Result<Page<Job>> {
        self.readers.run(move |lease| activity::list(lease.begin()?, organization, dataset, window)).await
    }

    async fn values(&self, organization: OrganizationId, of: Compared) -> Result<Vec<RowValue>> {
        self.readers
            .run_long(move |lease| {
                lease.begin()?;
                match of {
                    Compared::Run(run) => of_run(lease, organization, run),
                    Compared::Dataset(dataset, key) => {
                        of_dataset(lease, Collection { organization, place: Place::Dataset(dataset) }, &key)
                    }
                }
            })
            .await
    }
}

/// The number of a run, of this organization or any.
fn number(connection: &Connection, organization: Option<OrganizationId>, run: JobId) -> Result<Option<RunNumber>> {
    connection
        .prepare_cached(
            "SELECT number FROM job WHERE id = ?1 AND kind = 'evaluate' AND (?2 IS NULL OR organization = ?2)",
        )
        .sql()?
        .query_row((run.to_string(), organization.map(|id| id.to_string())), |line| line.get(0))
        .optional()
        .sql()
}

/// Writes scores and results of units.
fn keep(tx: &mut Tx<'_>, run: RunNumber, units: &[Unit]) -> Result<()> {
    let Some(first) = units.first() else { return Ok(()) };
    let scribe = Scribe::new(tx, &first.score)?;
    for Unit { row, score } in units {
        if !scribe.write(tx, *row, score)? {
            continue;
        }
        let values = &score.values;
        let other = ScoreValues { numerical: None, boolean: None, ..values.clone() };
        let other = if other.is_empty() { None } else { Some(serde_json::to_string(&other).map_err(Error::internal)?) };
        tx.connection
            .prepare_cached(
                "INSERT OR REPLACE INTO run_result (run, row, failed, numerical_value, boolean_value, other_values, \
                 is_passed, cost, error_message) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)",
            )
            .sql()?
            .execute(params![
                run,
                row.get(),
                score.status == ScoreStatus::Failed,
                values.numerical,
                values.boolean,
                other,
                score.is_passed,
                score.cost,
                score.error_message,
            ])
            .sql()?;
    }
    scribe.finish(tx)
}

fn values(line: &Row<'_>) -> Result<ScoreValues> {
    let other: Option<String> = line.get(3).sql()?;
    let other: ScoreValues =
        other.map(|text| serde_json::from_str(&text)).transpose().map_err(Error::internal)?.unwrap_or_default();
    Ok(ScoreValues { numerical: line.get(1).sql()?, boolean: line.get(2).sql()?, ..other })
}

/// Reads one line of [`SELECT`].
fn decode(line: &Row<'_>) -> Result<UnitResult> {
    Ok(UnitResult {
        log_id: LogId(line.get(0).sql()?),
        values: values(line)?,
        is_passed: line.get(4).sql()?,
        error_message: line.get(5).sql()?,
        cost: line.get(6).sql()?,
        custom_identifier: line.get(7).sql()?,
    })
}

fn of_run(lease: &Lease, organization: OrganizationId, run: JobId) -> Result<Vec<RowValue>> {
    let connection = lease.connection()?;
    let Some(run) = number(connection, Some(organization), run)? else { return Ok(Vec::new()) };
    let sql = format!("{SELECT} AND r.failed = 0 ORDER BY r.row");
    let mut statement = connection.prepare_cached(&sql).sql()?;
    let mut lines = statement.query([run]).sql()?;
    let mut all = Vec::new();
    while let Some(line) = lines.next().sql()? {
        lease.stop().go_on()?;
        let UnitResult { log_id, values, is_passed, custom_identifier, .. } = decode(line)?;
        all.push(RowValue { log_id, custom_identifier, values, is_passed });
    }
    Ok(all)
}

fn of_dataset(lease: &Lease, name: Collection, key: &str) -> Result<Vec<RowValue>> {
    let connection = lease.connection()?;
    let Some(found) = collection::find(connection, name)? else { return Ok(Vec::new()) };
    let sight = row_scores::sight(connection, name, found.id)?;
    if sight.is_empty() {
        return Ok(Vec::new());
    }
    let mut statement = connection
        .prepare_cached("SELECT unique_id, custom_identifier FROM log WHERE collection = ?1 ORDER BY row")
        .sql()?;
    let mut lines = statement.query([found.id.0]).sql()?;
    let mut all = Vec::new();
    while let Some(line) = lines.next().sql()? {
        lease.stop().go_on()?;
        let log_id = LogId(line.get(0).sql()?);
        let shown = sight.shown(lease, &log_id)?;
        let Some(score) = shown.by_key(key) else { continue };
        if score.values.is_empty() {
            continue;
        }
        let custom_identifier = line.get(1).sql()?;
        let (values, is_passed) = (score.values.clone(), score.is_passed);
        all.push(RowValue { log_id, custom_identifier, values, is_passed });
    }
    Ok(all)
}

fn reopen(
    connection: &Connection,
    organization: OrganizationId,
    run: JobId,
    spending_limit: Option<f64>,
    at: i64,
) -> Result<Option<Job>> {
    let Some(number) = number(connection, Some(organization), run)? else { return Ok(None) };
    let Some(job) = job_line::by_number(connection, number)? else { return Ok(None) };
    if let Some(dataset) = job.dataset
        && !jobs::knows_dataset(connection, organization, dataset)?
    {
        return Ok(None);
    }
    let job = job.reopened(spending_limit)?;
    connection.execute("DELETE FROM run_result WHERE run = ?1 AND failed = 1", [number]).sql()?;
    if let Some(dataset) = job.dataset {
        activity::begin(connection, dataset, at)?;
    }
    job_line::queue_again(connection, &job)?;
    activity::show_of(connection, run)?;
    job_line::by_number(connection, number)
}
