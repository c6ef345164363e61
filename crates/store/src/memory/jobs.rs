//! Background jobs in memory.

use super::{Memory, State};
use crate::jobs::{Jobs, Outcome, Renewal};
use async_trait::async_trait;
use evalset_model::dataset::Status;
use evalset_model::ids::{DatasetId, JobId, OrganizationId, RowNumber, WorkerId};
use evalset_model::job::{Done, Job, Lane, Lease, State as JobState, Step};
use evalset_model::page::{Page, Window};
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

    /// The job if this attempt at it is at work.
    pub(super) fn running(&mut self, id: JobId, attempt: u32) -> Result<&mut Job> {
        let at_work = |job: &&mut Job| job.state == JobState::Running && job.attempts == attempt;
        self.job(id).filter(at_work).ok_or_else(not_running)
    }

    /// What a unit came to when it was done before; `Conflict` when its attempt is not at work.
    pub(super) fn done_before(&mut self, step: Option<&Step>, rows: &[RowNumber]) -> Result<Option<Done>> {
        let Some(step) = step else { return Ok(None) };
        Ok(step.done_before(&self.running(step.job, step.attempt)?.progress, rows))
    }

    /// Saves the progress of a job after a unit in which `affected` of `rows` changed.
    pub(super) fn advance(&mut self, step: Option<Step>, rows: &[RowNumber], affected: u64) -> Result<()> {
        if let Some(Step { job, attempt, mut progress }) = step {
            progress.add(rows, affected);
            self.running(job, attempt)?.progress = progress;
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
        window: Window,
    ) -> Result<Page<Job>> {
        let state = self.state();
        let wanted = |job: &&Job| job.organization == organization && kind.is_none_or(|kind| job.task.kind() == kind);
        let mut jobs: Vec<_> = state.jobs.iter().rev().filter(wanted).cloned().collect();
        jobs.sort_by_key(|job| std::cmp::Reverse(job.created_at));
        let total = jobs.len() as u64;
        Ok(Page { rows: jobs.into_iter().skip(window.offset as usize).take(window.limit as usize).collect(), total })
    }

    async fn open(&self, organization: OrganizationId) -> Result<u64> {
        let state = self.state();
        Ok(state.jobs.iter().filter(|job| job.organization == organization && !job.state.ended()).count() as u64)
    }

    async fn open_everywhere(&self) -> Result<u64> {
        Ok(self.state().jobs.iter().filter(|job| !job.state.ended()).count() as u64)
    }

    async fn find(&self, id: JobId) -> Result<Option<Job>> {
        Ok(self.state().job(id).cloned())
    }

    async fn claim(&self, lane: Lane, worker: &WorkerId, at: i64, lease: i64) -> Result<Option<Job>> {
        let mut state = self.state();
        let queued = state.jobs.iter_mut().filter(|job| job.state == JobState::Queued && job.task.lane() == lane);
        let Some(job) = queued.min_by_key(|job| job.created_at) else { return Ok(None) };
        job.state = JobState::Running;
        job.attempts += 1;
        job.started_at.get_or_insert(at);
        job.lease = Some(Lease { worker: worker.clone(), until: at.saturating_add(lease) });
        let job = job.clone();
        if let Some(dataset) = job.task.fills() {
            state.set_status(dataset, Status::Loading);
        }
        state.show_runs(job.dataset);
        Ok(Some(job))
    }

    async fn save(&self, step: Step) -> Result<()> {
        self.state().running(step.job, step.attempt)?.progress = step.progress;
        Ok(())
    }

    async fn finish(&self, id: JobId, attempt: u32, outcome: Outcome) -> Result<()> {
        let mut state = self.state();
        let Ok(job) = state.running(id, attempt) else { return Ok(()) };
        job.state = outcome.state;
        job.lease = None;
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

    async fn renew(&self, id: JobId, attempt: u32, at: i64, lease: i64) -> Result<Renewal> {
        let mut state = self.state();
        let Ok(job) = state.running(id, attempt) else { return Ok(Renewal::Lost) };
        if let Some(held) = &mut job.lease {
            held.until = held.until.max(at.saturating_add(lease));
        }
        Ok(if job.cancel_requested { Renewal::Stop } else { Renewal::GoOn })
    }

    async fn requeue_expired(&self, at: i64) -> Result<u64> {
        let mut state = self.state();
        let expired =
            |job: &&mut Job| job.state == JobState::Running && job.lease.as_ref().is_none_or(|lease| lease.until < at);
        let mut count = 0;
        for job in state.jobs.iter_mut().filter(expired) {
            job.state = JobState::Queued;
            job.lease = None;
            count += 1;
        }
        Ok(count)
    }
}
