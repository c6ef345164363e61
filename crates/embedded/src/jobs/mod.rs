//! Background jobs in the file.
//!
//! Knows states and their order, and of what a job does only which lane it belongs to. Everything that changes a job runs in the writer.

pub(crate) mod activity;
pub(crate) mod attempt;
pub(crate) mod job_line;
pub(crate) mod purge;

use crate::Engine;
use crate::file::error::Sql;
use crate::jobs::job_line::{SELECT, decode, find, insert, json};
use async_trait::async_trait;
use evalset_model::dataset::Status;
use evalset_model::ids::{DatasetId, JobId, OrganizationId, WorkerId};
use evalset_model::job::{Job, Lane, Lease, State, Step, Task};
use evalset_model::page::{Page, Window};
use evalset_model::{Error, Result};
use evalset_store::jobs::{Jobs, Outcome, Renewal};
use rusqlite::Connection;

#[async_trait]
impl Jobs for Engine {
    async fn enqueue(&self, job: Job, dataset: Option<(DatasetId, Status)>) -> Result<()> {
        self.writer
            .run(1_024, move |tx| {
                if let Some(id) = job.dataset
                    && !knows_dataset(tx.connection, job.organization, id)?
                {
                    return Err(Error::not_found());
                }
                if let (Some(id), Task::Evaluate(_)) = (job.dataset, &job.task) {
                    activity::begin(tx.connection, id, job.created_at)?;
                }
                insert(tx.connection, &job)?;
                activity::show_of(tx.connection, job.id)?;
                match dataset {
                    Some((id, status)) => write_status(tx.connection, id, status),
                    None => Ok(()),
                }
            })
            .await
    }

    async fn get(&self, organization: OrganizationId, id: JobId) -> Result<Option<Job>> {
        self.readers.run(move |lease| find(lease.begin()?, Some(organization), id)).await
    }

    async fn list(
        &self,
        organization: OrganizationId,
        kind: Option<&'static str>,
        window: Window,
    ) -> Result<Page<Job>> {
        const LISTED: &str = "WHERE organization = ?1 AND (?2 IS NULL OR kind = ?2)";
        self.readers
            .run(move |lease| {
                let connection = lease.begin()?;
                let owner = organization.to_string();
                let total: i64 = connection
                    .prepare_cached(&format!("SELECT count(*) FROM job {LISTED}"))
                    .sql()?
                    .query_row((&owner, kind), |line| line.get(0))
                    .sql()?;
                let sql = format!("{SELECT} {LISTED} ORDER BY created_at DESC, number DESC LIMIT ?3 OFFSET ?4");
                let bound = |count: u64| i64::try_from(count).unwrap_or(i64::MAX);
                let mut statement = connection.prepare_cached(&sql).sql()?;
                let mut lines = statement.query((&owner, kind, bound(window.limit), bound(window.offset))).sql()?;
                let mut jobs = Vec::new();
                while let Some(line) = lines.next().sql()? {
                    match decode(line) {
                        Ok(job) => jobs.push(job),
                        Err(error) => {
                            let id = line.get::<_, String>(1).ok();
                            tracing::error!(job = id, %error, "a stored job cannot be read and is not listed");
                        }
                    }
                }
                Ok(Page { rows: jobs, total: total.unsigned_abs() })
            })
            .await
    }

    async fn open(&self, organization: OrganizationId) -> Result<u64> {
        self.readers.run(move |lease| count_open(lease.begin()?, Some(organization))).await
    }

    async fn open_everywhere(&self) -> Result<u64> {
        self.readers.run(|lease| count_open(lease.begin()?, None)).await
    }

    async fn find(&self, id: JobId) -> Result<Option<Job>> {
        self.readers.run(move |lease| find(lease.begin()?, None, id)).await
    }

    async fn claim(&self, lane: Lane, worker: &WorkerId, at: i64, lease: i64) -> Result<Option<Job>> {
        // Workers ask often: the writer is bothered only when there is something to take.
        let queued = self.readers.run(move |lease| Ok(attempt::oldest(lease.begin()?, lane)?.is_some())).await?;
        if !queued {
            return Ok(None);
        }
        let lease = Lease { worker: worker.clone(), until: at.saturating_add(lease) };
        self.writer.run(1_024, move |tx| attempt::claim(tx.connection, lane, &lease, at)).await
    }

    async fn renew(&self, id: JobId, attempt: u32, at: i64, lease: i64) -> Result<Renewal> {
        // Workers ask between units: the writer is bothered only when a quarter of the lease is gone.
        let held = self.readers.run(move |lease| attempt::held(lease.begin()?, id, attempt)).await?;
        let Some((renewal, until)) = held else { return Ok(Renewal::Lost) };
        if until.is_some_and(|until| until >= at.saturating_add(lease - lease / 4)) {
            return Ok(renewal);
        }
        self.writer.run(512, move |tx| attempt::renew(tx.connection, id, attempt, at.saturating_add(lease))).await
    }

    async fn save(&self, step: Step) -> Result<()> {
        self.writer.run(512, move |tx| attempt::advance(tx.connection, &step)).await
    }

    async fn finish(&self, id: JobId, attempt: u32, outcome: Outcome) -> Result<()> {
        self.writer
            .run(512, move |tx| {
                finish(tx.connection, id, attempt, &outcome)?;
                activity::show_of(tx.connection, id)
            })
            .await
    }

    async fn cancel(&self, organization: OrganizationId, id: JobId, at: i64) -> Result<Option<Job>> {
        self.writer
            .run(512, move |tx| {
                let connection = tx.connection;
                let Some(job) = find(connection, Some(organization), id)? else { return Ok(None) };
                match job.state {
                    State::Queued => {
                        end(connection, id, State::Cancelled, None, at)?;
                        job.dataset.map_or(Ok(()), |dataset| settle(connection, dataset, Status::Ready))?;
                    }
                    State::Running => {
                        connection
                            .prepare_cached("UPDATE job SET cancel_requested = 1 WHERE id = ?1")
                            .sql()?
                            .execute([id.to_string()])
                            .sql()?;
                    }
                    _ => {}
                }
                activity::show_of(connection, id)?;
                find(connection, Some(organization), id)
            })
            .await
    }

    async fn requeue_expired(&self, at: i64) -> Result<u64> {
        // Asked by a timer: the writer is bothered only when there is something to do.
        if !self.readers.run(move |lease| attempt::any_expired(lease.begin()?, at)).await? {
            return Ok(0);
        }
        self.writer.run(512, move |tx| attempt::requeue_expired(tx.connection, at)).await
    }
}

/// Jobs that have not ended, of one organization or of all.
fn count_open(connection: &Connection, organization: Option<OrganizationId>) -> Result<u64> {
    let open: i64 = connection
        .prepare_cached(
            "SELECT count(*) FROM job WHERE state IN ('queued', 'running') \
             AND (?1 IS NULL OR organization = ?1)",
        )
        .sql()?
        .query_row([organization.map(|id| id.to_string())], |line| line.get(0))
        .sql()?;
    Ok(open.unsigned_abs())
}

/// Whether the organization has this dataset.
pub(crate) fn knows_dataset(connection: &Connection, organization: OrganizationId, id: DatasetId) -> Result<bool> {
    connection
        .prepare_cached("SELECT 1 FROM dataset WHERE id = ?1 AND organization = ?2")
        .sql()?
        .exists((id.to_string(), organization.to_string()))
        .sql()
}

/// What is said to those who work on a job that was ended meanwhile.
pub(crate) fn not_running() -> Error {
    Error::Conflict("The job is no longer running.".to_owned())
}

/// Cancels the jobs of a dataset that have not ended.
pub(crate) fn cancel_all(connection: &Connection, dataset: DatasetId, at: i64) -> Result<()> {
    connection
        .prepare_cached(
            "UPDATE job SET state = 'cancelled', completed_at = ?2, worker = NULL, lease_until = NULL \
             WHERE dataset = ?1 AND state IN ('queued', 'running')",
        )
        .sql()?
        .execute((dataset.to_string(), at))
        .sql()?;
    Ok(())
}

/// Brings a dataset that waits for rows to rest, unless a job that has not ended fills it.
pub(crate) fn settle(connection: &Connection, dataset: DatasetId, status: Status) -> Result<()> {
    if filling(connection, dataset, None)? {
        return Ok(());
    }
    connection
        .prepare_cached("UPDATE dataset SET status = ?2 WHERE id = ?1 AND status IN ('initializing', 'loading')")
        .sql()?
        .execute((dataset.to_string(), status.name()))
        .sql()?;
    Ok(())
}

/// Whether a job other than `but` that has not ended fills the dataset.
fn filling(connection: &Connection, dataset: DatasetId, but: Option<JobId>) -> Result<bool> {
    let mut open = connection
        .prepare_cached("SELECT task FROM job WHERE dataset = ?1 AND id IS NOT ?2 AND state IN ('queued', 'running')")
        .sql()?;
    let mut lines = open.query((dataset.to_string(), but.map(|id| id.to_string()))).sql()?;
    while let Some(line) = lines.next().sql()? {
        // A task that cannot be read fills nothing: its claim will say so.
        let task = line.get::<_, String>(0).ok().and_then(|text| json::<Task>(&text).ok());
        if task.is_some_and(|task| task.fills() == Some(dataset)) {
            return Ok(true);
        }
    }
    Ok(false)
}

pub(crate) fn write_status(connection: &Connection, dataset: DatasetId, status: Status) -> Result<()> {
    connection
        .prepare_cached("UPDATE dataset SET status = ?2 WHERE id = ?1")
        .sql()?
        .execute((dataset.to_string(), status.name()))
        .sql()?;
    Ok(())
}

fn finish(connection: &Connection, id: JobId, attempt: u32, outcome: &Outcome) -> Result<()> {
    if attempt::held(connection, id, attempt)?.is_none() {
        return Ok(());
    }
    end(connection, id, outcome.state, outcome.error_message.as_deref(), outcome.at)?;
    match outcome.dataset {
        Some((dataset, _)) if filling(connection, dataset, Some(id))? => Ok(()),
        Some((dataset, status)) => write_status(connection, dataset, status),
        None => Ok(()),
    }
}

/// Sets a state; `at` becomes its end if it is one.
fn end(connection: &Connection, id: JobId, state: State, message: Option<&str>, at: i64) -> Result<()> {
    connection
        .prepare_cached(
            "UPDATE job SET state = ?2, error_message = ?3, completed_at = ?4, worker = NULL, lease_until = NULL \
             WHERE id = ?1",
        )
        .sql()?
        .execute((id.to_string(), state.name(), message, state.ended().then_some(at)))
        .sql()?;
    Ok(())
}
