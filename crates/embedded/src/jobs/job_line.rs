//! A job as a line of its table: written, found, read. Knows the line, not what a job goes through.

use crate::file::error::Sql;
use crate::file::number::RunNumber;
use evalset_model::ids::{JobId, OrganizationId, WorkerId};
use evalset_model::job::{Job, Lease};
use evalset_model::{Error, Result};
use rusqlite::{Connection, Row, params};
use serde::de::DeserializeOwned;

/// Selects jobs; callers append `WHERE …`.
pub(crate) const SELECT: &str = "SELECT number, id, organization, dataset, task, state, progress, cancel_requested, attempts, \
                      error_message, created_at, started_at, completed_at, worker, lease_until FROM job";

/// Adds a job; `Conflict` when its id is taken.
pub(crate) fn insert(connection: &Connection, job: &Job) -> Result<()> {
    let json = |value: serde_json::Result<String>| value.map_err(Error::internal);
    let added = connection
        .prepare_cached(
            "INSERT INTO job (id, organization, dataset, kind, task, state, progress, cancel_requested, attempts, \
             error_message, created_at, started_at, completed_at) \
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13) ON CONFLICT (id) DO NOTHING",
        )
        .sql()?
        .execute(params![
            job.id.to_string(),
            job.organization.to_string(),
            job.dataset.map(|id| id.to_string()),
            job.task.kind(),
            json(serde_json::to_string(&job.task))?,
            job.state.name(),
            json(serde_json::to_string(&job.progress))?,
            job.cancel_requested,
            job.attempts,
            job.error_message,
            job.created_at,
            job.started_at,
            job.completed_at,
        ])
        .sql()?;
    if added == 0 { Err(Error::Conflict("There is a job with this id already.".to_owned())) } else { Ok(()) }
}

/// A job by id, of one organization or any.
pub(crate) fn find(connection: &Connection, organization: Option<OrganizationId>, id: JobId) -> Result<Option<Job>> {
    let job = by_id(connection, &id.to_string())?;
    Ok(job.filter(|job| organization.is_none_or(|organization| job.organization == organization)))
}

fn by_id(connection: &Connection, id: &str) -> Result<Option<Job>> {
    let sql = format!("{SELECT} WHERE id = ?1");
    let mut statement = connection.prepare_cached(&sql).sql()?;
    let mut lines = statement.query([id]).sql()?;
    lines.next().sql()?.map(decode).transpose()
}

/// A run by its number.
pub(crate) fn by_number(connection: &Connection, number: RunNumber) -> Result<Option<Job>> {
    let mut statement = connection.prepare_cached(&format!("{SELECT} WHERE number = ?1")).sql()?;
    let mut lines = statement.query([number]).sql()?;
    lines.next().sql()?.map(decode).transpose()
}

/// Puts an ended job back into the queue, with its task and progress as they are given here.
pub(crate) fn queue_again(connection: &Connection, job: &Job) -> Result<()> {
    let json = |value: serde_json::Result<String>| value.map_err(Error::internal);
    connection
        .prepare_cached(
            "UPDATE job SET state = 'queued', task = ?2, progress = ?3, cancel_requested = 0, error_message = NULL, \
             completed_at = NULL WHERE id = ?1",
        )
        .sql()?
        .execute((
            job.id.to_string(),
            json(serde_json::to_string(&job.task))?,
            json(serde_json::to_string(&job.progress))?,
        ))
        .sql()?;
    Ok(())
}

/// Reads one line of [`SELECT`].
pub(crate) fn decode(line: &Row<'_>) -> Result<Job> {
    let text = |index: usize| line.get::<_, String>(index).sql();
    let dataset: Option<String> = line.get(3).sql()?;
    Ok(Job {
        id: text(1)?.parse().map_err(Error::internal)?,
        organization: text(2)?.parse().map_err(Error::internal)?,
        dataset: dataset.map(|id| id.parse()).transpose().map_err(Error::internal)?,
        task: json(&text(4)?)?,
        state: json(&format!("\"{}\"", text(5)?))?,
        progress: json(&text(6)?)?,
        cancel_requested: line.get(7).sql()?,
        attempts: line.get(8).sql()?,
        error_message: line.get(9).sql()?,
        created_at: line.get(10).sql()?,
        started_at: line.get(11).sql()?,
        completed_at: line.get(12).sql()?,
        lease: lease(line)?,
    })
}

fn lease(line: &Row<'_>) -> Result<Option<Lease>> {
    let (worker, until): (Option<String>, Option<i64>) = (line.get(13).sql()?, line.get(14).sql()?);
    Ok(worker.zip(until).map(|(worker, until)| Lease { worker: WorkerId(worker), until }))
}

/// Reads JSON text.
pub(crate) fn json<T: DeserializeOwned>(text: &str) -> Result<T> {
    serde_json::from_str(text).map_err(Error::internal)
}
