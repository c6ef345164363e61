//! Attempts at jobs in the file: claimed, kept alive, fenced, taken back. Knows not how a job ends.

use super::job_line::{SELECT, decode, json};
use super::{activity, not_running, settle, write_status};
use crate::file::error::Sql;
use evalset_model::dataset::Status;
use evalset_model::ids::{JobId, RowNumber};
use evalset_model::job::{Done, Job, Lane, Lease, Progress, Step};
use evalset_model::{Error, Result};
use evalset_store::jobs::Renewal;
use rusqlite::{Connection, OptionalExtension};

/// Job `?1`, if attempt `?2` is at work on it.
macro_rules! at_work {
    () => {
        " WHERE id = ?1 AND attempts = ?2 AND state = 'running'"
    };
}

/// Running jobs whose lease ended before `?1`.
macro_rules! expired {
    () => {
        " WHERE state = 'running' AND (lease_until IS NULL OR lease_until < ?1)"
    };
}

/// The oldest queued job of a lane.
pub(crate) fn oldest(connection: &Connection, lane: Lane) -> Result<Option<i64>> {
    connection
        .prepare_cached(
            "SELECT number FROM job WHERE state = 'queued' AND (kind = 'evaluate') = ?1 ORDER BY created_at, number LIMIT 1",
        )
        .sql()?
        .query_row([lane == Lane::Runs], |line| line.get(0))
        .optional()
        .sql()
}

/// Whether an attempt still holds its job, and until when; none when it does not.
pub(crate) fn held(connection: &Connection, id: JobId, attempt: u32) -> Result<Option<(Renewal, Option<i64>)>> {
    connection
        .prepare_cached(concat!("SELECT cancel_requested, lease_until FROM job", at_work!()))
        .sql()?
        .query_row((id.to_string(), attempt), |line| {
            Ok((if line.get(0)? { Renewal::Stop } else { Renewal::GoOn }, line.get(1)?))
        })
        .optional()
        .sql()
}

/// Renews the lease of an attempt, if it is at work.
pub(crate) fn renew(connection: &Connection, id: JobId, attempt: u32, until: i64) -> Result<Renewal> {
    connection
        .prepare_cached(concat!("UPDATE job SET lease_until = max(coalesce(lease_until, ?3), ?3)", at_work!()))
        .sql()?
        .execute((id.to_string(), attempt, until))
        .sql()?;
    Ok(held(connection, id, attempt)?.map_or(Renewal::Lost, |(renewal, _)| renewal))
}

/// Ends all leases: the file was just opened, and nobody else can have it open.
pub(crate) fn end_leases(connection: &Connection) -> rusqlite::Result<()> {
    connection.execute("UPDATE job SET lease_until = NULL WHERE lease_until IS NOT NULL", []).map(drop)
}

/// Gives the oldest queued job of a lane to who is named in the lease. One that cannot be read is given up.
pub(crate) fn claim(connection: &Connection, lane: Lane, lease: &Lease, at: i64) -> Result<Option<Job>> {
    loop {
        let Some(number) = oldest(connection, lane)? else { return Ok(None) };
        connection
            .prepare_cached(
                "UPDATE job SET state = 'running', attempts = attempts + 1, started_at = coalesce(started_at, ?2), \
                 worker = ?3, lease_until = ?4 WHERE number = ?1",
            )
            .sql()?
            .execute((number, at, &lease.worker.0, lease.until))
            .sql()?;
        let mut claimed = connection.prepare_cached(&format!("{SELECT} WHERE number = ?1")).sql()?;
        let mut lines = claimed.query([number]).sql()?;
        let Some(line) = lines.next().sql()? else { continue };
        match decode(line) {
            Ok(job) => {
                if let Some(dataset) = job.task.fills() {
                    write_status(connection, dataset, Status::Loading)?;
                }
                activity::show_of(connection, job.id)?;
                return Ok(Some(job));
            }
            Err(error) => {
                let (id, dataset) = (line.get::<_, String>(1).ok(), line.get::<_, String>(3).ok());
                tracing::error!(job = id, %error, "a stored job cannot be read and is given up");
                drop(lines);
                give_up(connection, number, dataset.as_deref(), at)?;
            }
        }
    }
}

/// Fails a job that cannot be read: it must not hold up others, nor leave its dataset waiting.
fn give_up(connection: &Connection, number: i64, dataset: Option<&str>, at: i64) -> Result<()> {
    connection
        .prepare_cached(
            "UPDATE job SET state = 'failed', completed_at = ?2, error_message = 'The stored job cannot be read.', \
             worker = NULL, lease_until = NULL WHERE number = ?1",
        )
        .sql()?
        .execute((number, at))
        .sql()?;
    match dataset.and_then(|id| id.parse().ok()) {
        Some(dataset) => {
            settle(connection, dataset, Status::Failed)?;
            activity::show(connection, dataset)
        }
        None => Ok(()),
    }
}

/// Whether there are running jobs whose lease ended before `at`.
pub(crate) fn any_expired(connection: &Connection, at: i64) -> Result<bool> {
    connection.prepare_cached(concat!("SELECT 1 FROM job", expired!())).sql()?.exists([at]).sql()
}

/// Puts those back into the queue; returns how many.
pub(crate) fn requeue_expired(connection: &Connection, at: i64) -> Result<u64> {
    let sql = concat!("UPDATE job SET state = 'queued', worker = NULL, lease_until = NULL", expired!());
    Ok(connection.prepare_cached(sql).sql()?.execute([at]).sql()? as u64)
}

/// What a unit came to when it was done before; `Conflict` when its attempt is not at work.
pub(crate) fn done_before(connection: &Connection, step: Option<&Step>, rows: &[RowNumber]) -> Result<Option<Done>> {
    let Some(step) = step else { return Ok(None) };
    let stored: Option<String> = connection
        .prepare_cached(concat!("SELECT progress FROM job", at_work!()))
        .sql()?
        .query_row((step.job.to_string(), step.attempt), |line| line.get(0))
        .optional()
        .sql()?;
    let stored: Progress = json(&stored.ok_or_else(not_running)?)?;
    Ok(step.done_before(&stored, rows))
}

/// Saves the progress of a job whose attempt must be at work.
pub(crate) fn advance(connection: &Connection, step: &Step) -> Result<()> {
    let progress = serde_json::to_string(&step.progress).map_err(Error::internal)?;
    let saved = connection
        .prepare_cached(concat!("UPDATE job SET progress = ?3", at_work!()))
        .sql()?
        .execute((step.job.to_string(), step.attempt, progress))
        .sql()?;
    if saved == 0 { Err(not_running()) } else { Ok(()) }
}

/// Saves the progress of a job whose attempt must be at work, after a unit in which `affected` of `rows` changed.
pub(crate) fn advance_by(connection: &Connection, mut step: Step, rows: &[RowNumber], affected: u64) -> Result<()> {
    step.progress.add(rows, affected);
    advance(connection, &step)
}
