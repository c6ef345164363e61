//! Background jobs in memory.

use super::{Memory, State};
use crate::jobs::{Jobs, Outcome, purge_id, purge_job};
use async_trait::async_trait;
use evalset_model::dataset::Status;
use evalset_model::ids::{DatasetId, JobId, OrganizationId, RowNumber};
use evalset_model::job::{Job, Lane, State as JobState, Step, Task};
use evalset_model::{Error, Result};

impl State {
    /// Adds a job; `Conflict` when its id is taken.
    pub(super) fn add_job(&mut self, job: Job) -> Result<()> {
        if self.jobs.iter().any(|other| other.id == job.id) {
            return Err(Error::Conflict("There is a job with this id already.".to_owned()));
        }
        self.jobs.push(job);
        Ok(())
    }

    pub(super) fn job(&mut self, id: JobId) -> Option<&mut Job> {
        self.jobs.iter_mut().find(|job| job.id == id)
    }

    /// The job if it is running.
    pub(super) fn running(&mut self, id: JobId) -> Result<&mut Job> {
        self.job(id).filter(|job| job.state == JobState::Running).ok_or_else(not_running)
    }

    /// Saves the progress of a running job after a unit in which `affected` of `rows` changed.
    pub(super) fn advance(&mut self, step: Option<Step>, rows: &[RowNumber], affected: u64) -> Result<()> {
        if let Some(Step { job, mut progress }) = step {
            progress.add(rows, affected);
            self.running(job)?.progress = progress;
        }
        Ok(())
    }

    /// Whether a job other than `but` that has not ended fills the dataset.
    fn filling(&self, dataset: DatasetId, but: Option<JobId>) -> bool {
        self.jobs.iter().any(|job| {
            job.dataset == Some(dataset)
                && Some(job.id) != but
                && job.task.fills() == Some(dataset)
                && !job.state.ended()
        })
    }

    /// Brings a dataset that waits for rows back to `ready`, unless a job that has not ended fills it.
    pub(super) fn settle(&mut self, dataset: DatasetId) {
        if self.filling(dataset, None) {
            return;
        }
        if let Some(dataset) = self.datasets.get_mut(&dataset)
            && matches!(dataset.status, Status::Initializing | Status::Loading)
        {
            dataset.status = Status::Ready;
        }
    }
}

/// What is said to those who work on a job that was ended meanwhile.
pub(super) fn not_running() -> Error {
    Error::Conflict("The job is no longer running.".to_owned())
}

fn listed(job: &Job, organization: OrganizationId) -> bool {
    job.organization == organization && !matches!(job.task, Task::Purge { .. })
}

#[async_trait]
impl Jobs for Memory {
    async fn enqueue(&self, job: Job, dataset: Option<(DatasetId, Status)>) -> Result<()> {
        let mut state = self.state();
        if let Some(id) = job.dataset {
            state.dataset(job.organization, id).ok_or_else(Error::not_found)?;
        }
        state.add_job(job.clone())?;
        state.begin_activity(&job);
        state.show_runs(job.dataset);
        if let Some((id, status)) = dataset {
            state.set_status(id, status);
        }
        Ok(())
    }

    async fn get(&self, organization: OrganizationId, id: JobId) -> Result<Option<Job>> {
        Ok(self.state().job(id).filter(|job| job.organization == organization).cloned())
    }

    async fn list(
        &self,
        organization: OrganizationId,
        kind: Option<&'static str>,
        offset: u64,
        limit: u64,
    ) -> Result<(Vec<Job>, u64)> {
        let state = self.state();
        let wanted = |job: &&Job| listed(job, organization) && kind.is_none_or(|kind| job.task.kind() == kind);
        let mut jobs: Vec<_> = state.jobs.iter().rev().filter(wanted).cloned().collect();
        jobs.sort_by_key(|job| std::cmp::Reverse(job.created_at));
        let total = jobs.len() as u64;
        Ok((jobs.into_iter().skip(offset as usize).take(limit as usize).collect(), total))
    }

    async fn open(&self, organization: OrganizationId) -> Result<u64> {
        let state = self.state();
        Ok(state.jobs.iter().filter(|job| listed(job, organization) && !job.state.ended()).count() as u64)
    }

    async fn open_everywhere(&self) -> Result<u64> {
        let purge = |job: &Job| matches!(job.task, Task::Purge { .. });
        Ok(self.state().jobs.iter().filter(|job| !purge(job) && !job.state.ended()).count() as u64)
    }

    async fn find(&self, id: JobId) -> Result<Option<Job>> {
        Ok(self.state().job(id).cloned())
    }

    async fn claim(&self, lane: Lane, at: i64) -> Result<Option<Job>> {
        let mut state = self.state();
        let queued = state.jobs.iter_mut().filter(|job| job.state == JobState::Queued && job.task.lane() == lane);
        let Some(job) = queued.min_by_key(|job| job.created_at) else { return Ok(None) };
        job.state = JobState::Running;
        job.attempts += 1;
        job.started_at.get_or_insert(at);
        let job = job.clone();
        if let Some(dataset) = job.task.fills() {
            state.set_status(dataset, Status::Loading);
        }
        state.show_runs(job.dataset);
        Ok(Some(job))
    }

    async fn save(&self, step: Step) -> Result<()> {
        self.state().running(step.job)?.progress = step.progress;
        Ok(())
    }

    async fn finish(&self, id: JobId, outcome: Outcome) -> Result<()> {
        let mut state = self.state();
        let Some(job) = state.job(id).filter(|job| !job.state.ended()) else { return Ok(()) };
        job.state = outcome.state;
        job.error_message = outcome.error_message;
        job.completed_at = outcome.state.ended().then_some(outcome.at);
        let of = job.dataset;
        if let Some((dataset, status)) = outcome.dataset
            && !state.filling(dataset, Some(id))
        {
            state.set_status(dataset, status);
        }
        state.show_runs(of);
        Ok(())
    }

    async fn cancel(&self, organization: OrganizationId, id: JobId, at: i64) -> Result<Option<Job>> {
        let mut state = self.state();
        let Some(job) = state.job(id).filter(|job| job.organization == organization) else { return Ok(None) };
        match job.state {
            JobState::Queued => {
                job.state = JobState::Cancelled;
                job.completed_at = Some(at);
            }
            JobState::Running => job.cancel_requested = true,
            _ => {}
        }
        let job = job.clone();
        if let Some(dataset) = job.dataset.filter(|_| job.state == JobState::Cancelled) {
            state.settle(dataset);
        }
        state.show_runs(job.dataset);
        Ok(Some(job))
    }

    async fn should_stop(&self, id: JobId) -> Result<bool> {
        Ok(self.state().running(id).map_or(true, |job| job.cancel_requested))
    }

    async fn requeue_running(&self, at: i64) -> Result<u64> {
        let mut state = self.state();
        let mut count = 0;
        for job in state.jobs.iter_mut().filter(|job| job.state == JobState::Running) {
            job.state = JobState::Queued;
            count += 1;
        }
        let open = |task: &Task| state.jobs.iter().any(|job| job.task == *task && !job.state.ended());
        let lost = state.hidden.iter().filter(|(number, _)| !open(&Task::Purge { collection: **number }));
        let jobs: Vec<_> = lost
            .map(|(number, (owner, rows))| purge_job(purge_id(at), *owner, *number, rows.len() as u64, at))
            .collect();
        count += jobs.len() as u64;
        state.jobs.extend(jobs);
        Ok(count)
    }

    async fn purge(&self, collection: i64, limit: usize) -> Result<u64> {
        let mut state = self.state();
        let Some((_, rows)) = state.hidden.get_mut(&collection) else { return Ok(0) };
        let mut count = 0;
        while (count as usize) < limit && rows.pop_first().is_some() {
            count += 1;
        }
        if (count as usize) < limit {
            state.hidden.remove(&collection);
        }
        Ok(count)
    }
}
