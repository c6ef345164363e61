//! Logs and dataset rows in memory: each read looks at every row.

use super::{Memory, RowMap, State};
use crate::logs::{Added, Change, Existing, Logs, Pick, Picked, Query, Sample, sample_hash, sample_size};
use crate::reference;
use async_trait::async_trait;
use evalset_model::filter::{LogField, LogFilter, meaning};
use evalset_model::ids::{Collection, LogId, RowNumber};
use evalset_model::job::Step;
use evalset_model::log::{Log, annotation};
use evalset_model::page::{Page, Sort};
use evalset_model::summary::{Group, Sums};
use evalset_model::{Error, Result};
use serde_json::{Map, Value};
use std::collections::BTreeMap;

/// The scores of a row: none are stored yet.
fn scores_of(_: &Log) -> Map<String, Value> {
    Map::new()
}

fn number_of(rows: &RowMap, id: &LogId) -> Option<RowNumber> {
    rows.iter().find(|(_, log)| log.id == *id).map(|(row, _)| *row)
}

impl State {
    /// Matching rows in row order.
    fn matching(&self, collection: Collection, filter: &LogFilter) -> Vec<(RowNumber, &Log)> {
        let rows = self.rows.get(&collection).into_iter().flatten();
        rows.filter(|(_, log)| meaning::holds(filter, log, &scores_of(log))).map(|(row, log)| (*row, log)).collect()
    }
}

fn sort_rows(rows: &mut [(RowNumber, &Log)], sort: &Sort) {
    rows.sort_by(|(_, left), (_, right)| {
        meaning::compare_logs(sort, (left, &scores_of(left)), (right, &scores_of(right)))
    });
}

#[async_trait]
impl Logs for Memory {
    async fn insert(&self, collection: Collection, rows: Vec<Log>, existing: Existing) -> Result<Added> {
        let mut state = self.state();
        let mut last_row = state.last_row;
        let mut added = Added::default();
        let target = state.rows_mut(collection)?;
        for log in rows {
            match (number_of(target, &log.id), existing) {
                (Some(_), Existing::Keep) => {
                    added.skipped += 1;
                    continue;
                }
                (Some(row), Existing::Replace) => {
                    target.insert(row, log);
                }
                (None, _) => {
                    last_row += 1;
                    target.insert(last_row, log);
                }
            }
            added.written += 1;
        }
        state.last_row = last_row;
        Ok(added)
    }

    async fn get(&self, collection: Collection, id: &LogId) -> Result<Option<Log>> {
        let state = self.state();
        Ok(state.rows.get(&collection).and_then(|rows| rows.values().find(|log| log.id == *id)).cloned())
    }

    async fn update(&self, collection: Collection, id: &LogId, change: Change) -> Result<Log> {
        let mut state = self.state();
        let rows = state.rows_mut(collection)?;
        let log = rows.values_mut().find(|log| log.id == *id).ok_or_else(Error::not_found)?;
        let changed = change(log.clone())?;
        if changed.id != *id {
            return Err(Error::internal("a change of a row changed its id"));
        }
        *log = changed.clone();
        Ok(changed)
    }

    async fn delete(&self, collection: Collection, ids: &[LogId]) -> Result<u64> {
        let mut state = self.state();
        let rows = state.rows_mut(collection)?;
        let before = rows.len();
        rows.retain(|_, log| !ids.contains(&log.id));
        Ok((before - rows.len()) as u64)
    }

    async fn page(&self, collection: Collection, query: Query) -> Result<Page<Log>> {
        let state = self.state();
        let mut rows = state.matching(collection, &query.filter);
        sort_rows(&mut rows, &query.sort);
        let total = rows.len() as u64;
        let window = rows.into_iter().skip(query.window.offset as usize).take(query.window.limit as usize);
        Ok(Page { rows: window.map(|(_, log)| log.clone()).collect(), total })
    }

    async fn sums(&self, collection: Collection, filter: LogFilter) -> Result<Sums> {
        let mut sums = Sums::default();
        self.state().matching(collection, &filter).into_iter().for_each(|(_, log)| sums.add(log));
        Ok(sums)
    }

    async fn groups(&self, collection: Collection, filter: LogFilter, by: LogField) -> Result<Vec<Group>> {
        let mut groups: BTreeMap<Option<String>, Sums> = BTreeMap::new();
        for (_, log) in self.state().matching(collection, &filter) {
            groups.entry(reference::group_key(log, &by)).or_default().add(log);
        }
        Ok(groups.into_iter().map(|(key, sums)| Group { key, sums }).collect())
    }

    async fn watermark(&self, collection: Collection) -> Result<RowNumber> {
        let state = self.state();
        Ok(state.rows.get(&collection).and_then(|rows| rows.keys().next_back()).copied().unwrap_or(0))
    }

    async fn pick(&self, collection: Collection, pick: Pick) -> Result<Picked> {
        let state = self.state();
        let mut rows = state.matching(collection, &pick.filter);
        rows.retain(|(row, _)| pick.watermark.is_none_or(|watermark| *row <= watermark));
        match &pick.sort {
            Some(sort) => sort_rows(&mut rows, sort),
            None => rows.reverse(),
        }
        let matches = rows.len() as u64;
        let cutoff = match &pick.sample {
            None => None,
            Some(Sample::Cutoff { seed, cutoff }) => Some((seed, Some(*cutoff))),
            Some(Sample::Percent { seed, percent }) => {
                let mut hashes: Vec<_> = rows.iter().map(|(_, log)| sample_hash(seed, &log.id)).collect();
                hashes.sort_unstable();
                hashes.truncate(sample_size(matches, *percent) as usize);
                Some((seed, hashes.last().copied()))
            }
        };
        if let Some((seed, cutoff)) = cutoff {
            rows.retain(|(_, log)| cutoff.is_some_and(|cutoff| sample_hash(seed, &log.id) <= cutoff));
        }
        let rows = rows.into_iter().map(|(row, _)| row).collect();
        Ok(Picked { matches, cutoff: cutoff.and_then(|(_, cutoff)| cutoff), rows })
    }

    async fn read(&self, collection: Collection, rows: &[RowNumber]) -> Result<Vec<Log>> {
        let state = self.state();
        let Some(all) = state.rows.get(&collection) else { return Ok(Vec::new()) };
        Ok(rows.iter().filter_map(|row| all.get(row)).cloned().collect())
    }

    async fn copy(&self, from: Collection, rows: &[RowNumber], to: Collection, step: Option<Step>) -> Result<Added> {
        let mut state = self.state();
        state.rows_mut(to)?;
        if let Some(step) = &step {
            state.running(step.job)?;
        }
        let mut added = Added::default();
        for row in rows {
            let log = state.rows.get(&from).and_then(|rows| rows.get(row)).cloned();
            let mut last_row = state.last_row;
            let target = state.rows_mut(to)?;
            match log.filter(|log| number_of(target, &log.id).is_none()) {
                None => added.skipped += 1,
                Some(mut log) => {
                    annotation::release(&mut log, None);
                    last_row += 1;
                    target.insert(last_row, log);
                    added.written += 1;
                }
            }
            state.last_row = last_row;
        }
        state.advance(step, rows, added.written)?;
        Ok(added)
    }

    async fn remove(&self, collection: Collection, rows: &[RowNumber], step: Option<Step>) -> Result<u64> {
        let mut state = self.state();
        state.rows_mut(collection)?;
        if let Some(step) = &step {
            state.running(step.job)?;
        }
        let all = state.rows_mut(collection)?;
        let removed = rows.iter().filter(|row| all.remove(row).is_some()).count() as u64;
        state.advance(step, rows, removed)?;
        Ok(removed)
    }
}
