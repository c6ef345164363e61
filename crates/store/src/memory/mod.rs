//! The store in plain maps: the oracle of tests. Every question is answered the slow and obvious way.
//!
//! Filters and orders are the reference meaning; nothing is kept on disk.

mod evaluators;
mod jobs;
mod keys;
mod logs;
mod providers;
mod runs;
mod scores;
#[cfg(test)]
mod tests;

use crate::local::{Alone, FilesInMemory, Signals};
use crate::providers::StoredProvider;
use crate::{Health, Housekeeping, Parts, Stores};
use async_trait::async_trait;
use evalset_model::dataset::{Dataset, DatasetPatch, Status};
use evalset_model::evaluator::Evaluator;
use evalset_model::field::Field;
use evalset_model::ids::{Collection, DatasetId, EvaluatorId, JobId, LogId, OrganizationId, Place, RowNumber};
use evalset_model::job::{Job, State as JobState};
use evalset_model::key::{ApiKey, Organization};
use evalset_model::log::Log;
use evalset_model::score::Score;
use evalset_model::{Error, Result};
use parking_lot::{Mutex, MutexGuard};
use std::collections::BTreeMap;
use std::sync::Arc;

/// Opens an empty store.
pub fn open() -> Stores {
    let memory = Arc::new(Memory { state: Mutex::new(State::default()) });
    Stores {
        logs: memory.clone(),
        datasets: memory.clone(),
        scores: memory.clone(),
        runs: memory.clone(),
        evaluators: memory.clone(),
        jobs: memory.clone(),
        keys: memory.clone(),
        providers: memory.clone(),
        nodes: Arc::new(Alone::default()),
        shared: Arc::new(Signals::default()),
        files: Arc::new(FilesInMemory::default()),
        housekeeping: memory.clone(),
        health: memory,
    }
}

struct Memory {
    state: Mutex<State>,
}

impl Memory {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock()
    }
}

/// Rows of one collection by number.
type RowMap = BTreeMap<RowNumber, Log>;

#[derive(Default)]
struct State {
    organizations: Vec<Organization>,
    keys: Vec<ApiKey>,
    providers: BTreeMap<OrganizationId, StoredProvider>,
    datasets: BTreeMap<DatasetId, Dataset>,
    /// All versions of each, oldest first.
    evaluators: BTreeMap<EvaluatorId, Vec<Evaluator>>,
    /// In the order they came.
    jobs: Vec<Job>,
    rows: BTreeMap<Collection, RowMap>,
    last_row: i64,
    /// In the order they came.
    scores: Vec<Score>,
    /// Of runs: by row.
    results: BTreeMap<JobId, BTreeMap<RowNumber, Score>>,
    /// Rows that await their purge.
    hidden: Vec<RowMap>,
}

impl State {
    /// The rows to write to; `NotFound` when the dataset is gone.
    fn rows_mut(&mut self, collection: Collection) -> Result<&mut RowMap> {
        if let Place::Dataset(id) = collection.place {
            self.dataset(collection.organization, id).ok_or_else(Error::not_found)?;
        }
        Ok(self.rows.entry(collection).or_default())
    }

    fn dataset(&self, organization: OrganizationId, id: DatasetId) -> Option<&Dataset> {
        self.datasets.get(&id).filter(|dataset| dataset.organization == organization)
    }

    /// The dataset with its counts counted.
    fn counted(&self, dataset: &Dataset) -> Dataset {
        let rows = self.rows.get(&rows_of(dataset.organization, dataset.id));
        let completed = |log: &&Log| log.text(Field::AnnotationStatus) == Some("completed");
        Dataset {
            log_count: rows.map_or(0, BTreeMap::len) as u64,
            completed_annotation_count: rows.map_or(0, |rows| rows.values().filter(completed).count()) as u64,
            ..dataset.clone()
        }
    }

    fn set_status(&mut self, id: DatasetId, status: Status) {
        if let Some(dataset) = self.datasets.get_mut(&id) {
            dataset.status = status;
        }
    }

    /// Cancels the jobs of a dataset that have not ended.
    fn cancel_jobs(&mut self, dataset: DatasetId, at: i64) {
        for job in self.jobs.iter_mut().filter(|job| job.dataset == Some(dataset) && !job.state.ended()) {
            job.state = JobState::Cancelled;
            job.lease = None;
            job.completed_at = Some(at);
        }
    }

    /// Takes the rows of a dataset out of sight.
    fn hide(&mut self, organization: OrganizationId, dataset: DatasetId) -> u64 {
        let rows = self.rows.remove(&rows_of(organization, dataset)).unwrap_or_default();
        self.scores.retain(|score| score.subject.collection() != rows_of(organization, dataset));
        let count = rows.len() as u64;
        if count > 0 {
            self.hidden.push(rows);
        }
        count
    }
}

fn rows_of(organization: OrganizationId, id: DatasetId) -> Collection {
    Collection { organization, place: Place::Dataset(id) }
}

#[async_trait]
impl crate::Datasets for Memory {
    async fn create(&self, dataset: Dataset, job: Option<Job>) -> Result<()> {
        let mut state = self.state();
        if state.datasets.contains_key(&dataset.id) {
            return Err(Error::Conflict("There is a dataset with this id already.".to_owned()));
        }
        if let Some(job) = job {
            state.add_job(job)?;
        }
        state.datasets.insert(dataset.id, dataset);
        Ok(())
    }

    async fn get(&self, organization: OrganizationId, id: DatasetId) -> Result<Option<Dataset>> {
        let state = self.state();
        Ok(state.dataset(organization, id).map(|dataset| state.counted(dataset)))
    }

    async fn list(&self, organization: OrganizationId) -> Result<Vec<Dataset>> {
        let state = self.state();
        let mine = state.datasets.values().filter(|dataset| dataset.organization == organization);
        let mut datasets: Vec<_> = mine.map(|dataset| state.counted(dataset)).collect();
        datasets.sort_by_key(|dataset| std::cmp::Reverse((dataset.created_at, dataset.id)));
        Ok(datasets)
    }

    async fn update(
        &self,
        organization: OrganizationId,
        id: DatasetId,
        patch: DatasetPatch,
        at: i64,
    ) -> Result<Dataset> {
        let mut state = self.state();
        let dataset = state
            .datasets
            .get_mut(&id)
            .filter(|dataset| dataset.organization == organization)
            .ok_or_else(Error::not_found)?;
        dataset.name = patch.name.unwrap_or_else(|| dataset.name.clone());
        dataset.description = patch.description.unwrap_or_else(|| dataset.description.clone());
        dataset.starred = patch.starred.unwrap_or(dataset.starred);
        dataset.tags = patch.tags.unwrap_or_else(|| dataset.tags.clone());
        dataset.updated_at = at;
        let dataset = dataset.clone();
        Ok(state.counted(&dataset))
    }

    async fn delete(&self, organization: OrganizationId, id: DatasetId, at: i64) -> Result<bool> {
        let mut state = self.state();
        if state.dataset(organization, id).is_none() {
            return Ok(false);
        }
        state.datasets.remove(&id);
        state.cancel_jobs(id, at);
        state.hide(organization, id);
        Ok(true)
    }

    async fn clear(&self, organization: OrganizationId, id: DatasetId, at: i64) -> Result<u64> {
        let mut state = self.state();
        state.dataset(organization, id).ok_or_else(Error::not_found)?;
        state.cancel_jobs(id, at);
        state.settle(id);
        state.show_runs(Some(id));
        Ok(state.hide(organization, id))
    }

    async fn newest_rows(
        &self,
        organization: OrganizationId,
        datasets: &[DatasetId],
        limit: usize,
    ) -> Result<Vec<Vec<LogId>>> {
        let state = self.state();
        let newest = |id: &DatasetId| {
            let rows = state.rows.get(&rows_of(organization, *id));
            rows.into_iter().flat_map(|rows| rows.values().rev()).take(limit).map(|log| log.id.clone()).collect()
        };
        Ok(datasets.iter().map(newest).collect())
    }
}

/// Rows that a unit of housekeeping deletes: few, as tests have few.
const PURGE_ROWS: usize = 10;

#[async_trait]
impl Housekeeping for Memory {
    async fn next(&self, _at: i64) -> Result<bool> {
        let mut state = self.state();
        let Some(rows) = state.hidden.last_mut() else { return Ok(false) };
        for _ in 0..PURGE_ROWS {
            rows.pop_first();
        }
        if rows.is_empty() {
            state.hidden.pop();
        }
        Ok(!state.hidden.is_empty())
    }
}

#[async_trait]
impl Health for Memory {
    async fn readable(&self) -> Result<()> {
        Ok(())
    }

    async fn writable(&self) -> Parts {
        Parts { rows: Ok(()), logs: None }
    }

    fn gauges(&self) -> Vec<(&'static str, f64)> {
        let rows: usize = self.state().rows.values().map(BTreeMap::len).sum();
        vec![("evalset_store_index_rows", rows as f64)]
    }

    async fn close(&self) {}
}
