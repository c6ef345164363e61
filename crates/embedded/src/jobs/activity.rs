//! The runs of a dataset as jobs: their list, and what the dataset shows of them (contract B.1, B.18). Knows no
//! results.

use crate::file::error::Sql;
use crate::jobs::job_line::{self, SELECT};
use evalset_model::Result;
use evalset_model::ids::{DatasetId, JobId, OrganizationId};
use evalset_model::job::{Job, Progress, State};
use evalset_model::page::{Page, Window};
use evalset_model::run::Activity;
use rusqlite::{Connection, OptionalExtension};

/// Evaluation runs of a dataset, newest first.
pub(crate) fn list(
    connection: &Connection,
    organization: OrganizationId,
    dataset: DatasetId,
    window: Window,
) -> Result<Page<Job>> {
    const OF: &str = "WHERE dataset = ?1 AND organization = ?2 AND kind = 'evaluate'";
    let names = (dataset.to_string(), organization.to_string());
    let total: i64 = connection
        .prepare_cached(&format!("SELECT count(*) FROM job {OF}"))
        .sql()?
        .query_row((&names.0, &names.1), |line| line.get(0))
        .sql()?;
    let sql = format!("{SELECT} {OF} ORDER BY created_at DESC, number DESC LIMIT ?3 OFFSET ?4");
    let bound = |count: u64| i64::try_from(count).unwrap_or(i64::MAX);
    let mut statement = connection.prepare_cached(&sql).sql()?;
    let mut lines = statement.query((&names.0, &names.1, bound(window.limit), bound(window.offset))).sql()?;
    let mut rows = Vec::new();
    while let Some(line) = lines.next().sql()? {
        rows.push(job_line::decode(line)?);
    }
    Ok(Page { rows, total: total.unsigned_abs() })
}

/// State and progress of the runs that a dataset shows: those that go on, and those that ended since `running_at`.
fn shown(connection: &Connection, dataset: DatasetId) -> Result<Vec<(State, Progress)>> {
    let mut statement = connection
        .prepare_cached(
            "SELECT j.state, j.progress FROM job j JOIN dataset d ON d.id = j.dataset WHERE j.dataset = ?1 \
             AND j.kind = 'evaluate' AND (j.completed_at IS NULL OR j.completed_at >= d.running_at)",
        )
        .sql()?;
    let mut lines = statement.query([dataset.to_string()]).sql()?;
    let mut runs = Vec::new();
    while let Some(line) = lines.next().sql()? {
        let state: String = line.get(0).sql()?;
        // One that cannot be read must not hold up the others of its dataset: its claim will say so.
        let progress =
            line.get::<_, String>(1).ok().and_then(|text| serde_json::from_str(&text).ok()).unwrap_or_default();
        runs.push((job_line::json(&format!("\"{state}\""))?, progress));
    }
    Ok(runs)
}

/// Notes that a run was asked for: from now on the dataset shows this one, unless others go on.
pub(crate) fn begin(connection: &Connection, dataset: DatasetId, at: i64) -> Result<()> {
    connection
        .prepare_cached(
            "UPDATE dataset SET running_at = ?2 WHERE id = ?1 AND NOT EXISTS (SELECT 1 FROM job WHERE dataset = ?1 \
             AND kind = 'evaluate' AND state IN ('queued', 'running'))",
        )
        .sql()?
        .execute((dataset.to_string(), at))
        .sql()?;
    Ok(())
}

/// [`show`] for the dataset of a run; nothing for other jobs.
pub(crate) fn show_of(connection: &Connection, run: JobId) -> Result<()> {
    let dataset: Option<Option<String>> = connection
        .prepare_cached("SELECT dataset FROM job WHERE id = ?1 AND kind = 'evaluate'")
        .sql()?
        .query_row([run.to_string()], |line| line.get(0))
        .optional()
        .sql()?;
    match dataset.flatten().and_then(|id| id.parse().ok()) {
        Some(dataset) => show(connection, dataset),
        None => Ok(()),
    }
}

/// Brings `running_status` and `running_progress` of a dataset in line with its runs.
pub(crate) fn show(connection: &Connection, dataset: DatasetId) -> Result<()> {
    let runs = shown(connection, dataset)?;
    let Some(activity) = Activity::of(runs.iter().map(|(state, progress)| (*state, progress))) else { return Ok(()) };
    connection
        .prepare_cached("UPDATE dataset SET running_status = ?2, running_progress = ?3 WHERE id = ?1")
        .sql()?
        .execute((dataset.to_string(), activity.status, activity.progress))
        .sql()?;
    Ok(())
}
