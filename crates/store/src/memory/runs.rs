//! Results of evaluation runs in memory.

use super::jobs::not_running;
use super::{Memory, State};
use crate::runs::{Compared, RowValue, Runs, of_one_run};
use async_trait::async_trait;
use evalset_model::Result;
use evalset_model::field::Field;
use evalset_model::ids::{Collection, DatasetId, JobId, OrganizationId, Place, RowNumber};
use evalset_model::job::{Job, Step};
use evalset_model::log::Log;
use evalset_model::page::{Page, Window};
use evalset_model::run::{Activity, Unit, UnitResult};
use evalset_model::score::{Score, ScoreStatus};

impl State {
    /// Notes that a run was asked for: from now on its dataset shows this one, unless others go on.
    pub(super) fn begin_activity(&mut self, job: &Job) {
        let goes_on = |other: &Job| {
            other.id != job.id && other.dataset == job.dataset && other.task.run().is_some() && !other.state.ended()
        };
        if job.task.run().is_none() || self.jobs.iter().any(goes_on) {
            return;
        }
        if let Some(dataset) = job.dataset.and_then(|id| self.datasets.get_mut(&id)) {
            dataset.running_at = Some(job.created_at);
        }
    }

    /// Brings `running_status` and `running_progress` of a dataset in line with its runs.
    pub(super) fn show_runs(&mut self, dataset: Option<DatasetId>) {
        let Some(dataset) = dataset.and_then(|id| self.datasets.get_mut(&id)) else { return };
        let current = |job: &&Job| {
            job.dataset == Some(dataset.id)
                && job.task.run().is_some()
                && job.completed_at.is_none_or(|ended| dataset.running_at.is_some_and(|began| ended >= began))
        };
        let runs = self.jobs.iter().filter(current).map(|job| (job.state, &job.progress));
        if let Some(activity) = Activity::of(runs) {
            activity.status.clone_into(&mut dataset.running_status);
            dataset.running_progress = activity.progress;
        }
    }

    fn run(&self, organization: OrganizationId, run: JobId) -> Option<&Job> {
        self.jobs.iter().find(|job| job.id == run && job.organization == organization && job.task.run().is_some())
    }

    /// The record of a result, unless it is gone.
    fn record_of(&self, job: &Job, row: RowNumber) -> Option<&Log> {
        self.rows.get(&job.task.run()?.collection)?.get(&row)
    }
}

fn custom_identifier(log: &Log) -> Option<String> {
    log.text(Field::CustomIdentifier).map(str::to_owned)
}

fn result(log: &Log, score: &Score) -> UnitResult {
    UnitResult {
        log_id: log.id.clone(),
        values: score.values.clone(),
        is_passed: score.is_passed,
        error_message: score.error_message.clone(),
        cost: score.cost,
        custom_identifier: custom_identifier(log),
    }
}

#[async_trait]
impl Runs for Memory {
    async fn record(&self, units: Vec<Unit>, step: Step) -> Result<()> {
        of_one_run(&units)?;
        let mut state = self.state();
        let dataset = {
            let job = state.running(step.job, step.attempt)?;
            job.task.run().ok_or_else(not_running)?;
            job.progress = step.progress;
            job.progress.add_units(&units);
            job.dataset
        };
        if let Some(Unit { score, .. }) = units.first() {
            // What is said of the source holds, whether or not its rows are there.
            state.rename(&score.source, score.subject.organization);
        }
        for Unit { row, score } in units {
            let there = state.rows.get(&score.subject.collection()).is_some_and(|rows| rows.contains_key(&row));
            if there {
                state.write_score(score.clone())?;
                state.results.entry(step.job).or_default().insert(row, score);
            }
        }
        state.show_runs(dataset);
        Ok(())
    }

    async fn done(&self, organization: OrganizationId, run: JobId) -> Result<Vec<RowNumber>> {
        let state = self.state();
        let rows = state.run(organization, run).and_then(|job| state.results.get(&job.id));
        Ok(rows.into_iter().flat_map(|rows| rows.keys().copied()).collect())
    }

    async fn results(
        &self,
        organization: OrganizationId,
        run: JobId,
        failed: Option<bool>,
        window: Window,
    ) -> Result<Page<UnitResult>> {
        let state = self.state();
        let Some(job) = state.run(organization, run) else { return Ok(Page { rows: Vec::new(), total: 0 }) };
        let all: Vec<UnitResult> = state
            .results
            .get(&run)
            .into_iter()
            .flatten()
            .filter(|(_, score)| failed.is_none_or(|failed| failed == (score.status == ScoreStatus::Failed)))
            .filter_map(|(row, score)| Some(result(state.record_of(job, *row)?, score)))
            .collect();
        let total = all.len() as u64;
        let rows = all.into_iter().skip(window.offset as usize).take(window.limit as usize).collect();
        Ok(Page { rows, total })
    }

    async fn reopen(
        &self,
        organization: OrganizationId,
        run: JobId,
        spending_limit: Option<f64>,
        at: i64,
    ) -> Result<Option<Job>> {
        let mut state = self.state();
        let Some(job) = state.run(organization, run).cloned() else { return Ok(None) };
        if job.dataset.is_some_and(|dataset| state.dataset(organization, dataset).is_none()) {
            return Ok(None);
        }
        let reopened = job.clone().reopened(spending_limit)?;
        state.begin_activity(&Job { created_at: at, ..job });
        let results = state.results.entry(run).or_default();
        results.retain(|_, score| score.status == ScoreStatus::Completed);
        let Some(job) = state.job(run) else { return Ok(None) };
        *job = reopened.clone();
        state.show_runs(reopened.dataset);
        Ok(Some(reopened))
    }

    async fn list(&self, organization: OrganizationId, dataset: DatasetId, window: Window) -> Result<Page<Job>> {
        let state = self.state();
        let of =
            |job: &&Job| job.organization == organization && job.dataset == Some(dataset) && job.task.run().is_some();
        let mut runs: Vec<Job> = state.jobs.iter().rev().filter(of).cloned().collect();
        runs.sort_by_key(|job| std::cmp::Reverse(job.created_at));
        let total = runs.len() as u64;
        let rows = runs.into_iter().skip(window.offset as usize).take(window.limit as usize).collect();
        Ok(Page { rows, total })
    }

    async fn values(&self, organization: OrganizationId, of: Compared) -> Result<Vec<RowValue>> {
        let state = self.state();
        match of {
            Compared::Run(run) => {
                let Some(job) = state.run(organization, run) else { return Ok(Vec::new()) };
                let results = state.results.get(&run).into_iter().flatten();
                Ok(results
                    .filter(|(_, score)| score.status == ScoreStatus::Completed)
                    .filter_map(|(row, score)| Some(result(state.record_of(job, *row)?, score)))
                    .map(|result| RowValue {
                        log_id: result.log_id,
                        custom_identifier: result.custom_identifier,
                        values: result.values,
                        is_passed: result.is_passed,
                    })
                    .collect())
            }
            Compared::Dataset(dataset, key) => {
                let rows = Collection { organization, place: Place::Dataset(dataset) };
                let all = state.rows.get(&rows).into_iter().flat_map(|all| all.values());
                Ok(all
                    .filter_map(|log| {
                        let shown = state.shown_scores(rows, &log.id);
                        let score = shown.by_key(&key)?;
                        (!score.values.is_empty()).then(|| RowValue {
                            log_id: log.id.clone(),
                            custom_identifier: custom_identifier(log),
                            values: score.values.clone(),
                            is_passed: score.is_passed,
                        })
                    })
                    .collect())
            }
        }
    }
}
