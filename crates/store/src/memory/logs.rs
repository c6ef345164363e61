//! Logs and dataset rows in memory: each read looks at every row.

use super::{Memory, RowMap, State};
use crate::lists::{List, Listed, TextRow, Writing, Written};
use crate::logs::{
    Added, Change, Existing, GroupBound, Groups, HeldRows, Logs, Measure, Pick, PickOrder, Query, Row, Sample,
    Selected, Statistics, TracePick, TraceQuery, TraceScope, TraceTotals, With, sample_hash,
};
use crate::reference;
use crate::statistics::Tally;
use async_trait::async_trait;
use evalset_model::field::Field;
use evalset_model::filter::{self, LogField, LogFilter, Tree, meaning};
use evalset_model::ids::{Collection, LogId, OrganizationId, Place, RowNumber, Watermark};
use evalset_model::job::Step;
use evalset_model::log::{Log, Payload, annotation};
use evalset_model::page::{Mark, Page, Part, Sort};
use evalset_model::score::{ComparedScores, ShownScores};
use evalset_model::summary::{Group, Sums};
use evalset_model::trace::{Totals, Trace};
use evalset_model::{Error, Result};
use std::collections::{BTreeMap, BTreeSet};

fn number_of(rows: &RowMap, id: &LogId) -> Option<RowNumber> {
    rows.iter().find(|(_, log)| log.id == *id).map(|(row, _)| *row)
}

/// Whether one of the rows has an id that is there, or that one before it has.
fn has_known_id(rows: &RowMap, new: &[Log]) -> bool {
    let mut seen = BTreeSet::new();
    new.iter().any(|log| number_of(rows, &log.id).is_some() || !seen.insert(&log.id))
}

impl State {
    /// Matching rows in row order.
    fn matching(&self, collection: Collection, filter: &LogFilter) -> Vec<(RowNumber, &Log)> {
        let rows = self.rows.get(&collection).into_iter().flatten();
        let asked = reference::asks_for_scores(filter);
        let scores = |log: &Log| self.compared_scores(collection, log, asked);
        rows.filter(|(_, log)| meaning::holds(filter, log, &scores(log))).map(|(row, log)| (*row, log)).collect()
    }

    /// What filters and orders compare of a row's scores; none when they do not ask for any.
    fn compared_scores(&self, collection: Collection, log: &Log, asked: bool) -> ComparedScores {
        if asked { self.shown_scores(collection, &log.id).compared() } else { ComparedScores::none() }
    }

    fn sort_rows(&self, collection: Collection, rows: &mut [(RowNumber, &Log)], sort: &Sort) {
        let asked = matches!(sort.field, LogField::Score(_));
        let scores = |log: &Log| self.compared_scores(collection, log, asked);
        let scores: BTreeMap<_, _> = rows.iter().map(|(row, log)| (*row, scores(log))).collect();
        rows.sort_by(|left, right| {
            meaning::compare_logs(sort, (left.1, &scores[&left.0]), (right.1, &scores[&right.0]))
        });
    }

    /// The place of a row in an order.
    fn mark(&self, collection: Collection, log: &Log, sort: &Sort) -> Mark {
        let scores = self.compared_scores(collection, log, true);
        let key = meaning::order(&sort.field, log, &scores).into_owned();
        Mark { key, id: log.id.clone() }
    }

    fn write<'a>(
        &self,
        collection: Collection,
        rows: impl IntoIterator<Item = (RowNumber, &'a Log)>,
        writing: &Writing,
    ) -> Result<Written> {
        let mut written = Written::default();
        for (number, log) in rows {
            if written.is_full(writing) {
                break;
            }
            written.passed += 1;
            let payload = if writing.payload { log.payload.clone() } else { Payload::default() };
            let scores = if writing.scores { self.shown_scores(collection, &log.id) } else { ShownScores::none() };
            let log = Log { payload, ..log.clone() };
            written.add(&TextRow { number, log: &log, scores: &scores }, writing)?;
        }
        Ok(written)
    }

    /// The traces in scope, in no particular order.
    fn traces(&self, collection: Collection, scope: &TraceScope) -> Vec<TraceTotals> {
        let rows = self.rows.get(&collection).into_iter().flatten();
        let rows = rows.filter(|(row, _)| scope.watermark.is_none_or(|watermark| row.get() <= watermark.get()));
        let mut traces: BTreeMap<&str, (Totals, BTreeMap<&LogId, RowNumber>)> = BTreeMap::new();
        for (row, span) in rows {
            let Some(id) = span.text(Field::TraceUniqueId).filter(|id| !id.is_empty()) else { continue };
            let (totals, spans) = traces.entry(id).or_default();
            totals.add(span);
            spans.insert(&span.id, *row);
        }
        let found = |(id, (totals, spans)): (&str, (Totals, BTreeMap<&LogId, RowNumber>))| {
            let root = spans.get(totals.root()?).copied()?;
            Some(TraceTotals { trace: id.to_owned(), root, totals })
        };
        let mut found: Vec<TraceTotals> = traces.into_iter().filter_map(found).collect();
        found.retain(|TraceTotals { root, totals, .. }| {
            let root = self.rows[&collection][root].clone();
            meaning::holds(&scope.roots, &root, &ComparedScores::none())
                && filter::traces::holds(&scope.filter, &Trace { root, totals: totals.clone() })
        });
        found
    }

    fn full(&self, collection: Collection, number: RowNumber, log: &Log) -> Row {
        Row { number, log: log.clone(), scores: self.shown_scores(collection, &log.id) }
    }
}

/// Rows with their ids as a selection, of which a sample may keep a part.
fn sampled(mut rows: Vec<(RowNumber, LogId)>, sample: Option<&Sample>) -> HeldRows {
    let matches = rows.len() as u64;
    let mut cutoff = None;
    if let Some(sample) = sample {
        let hash = |id: &LogId| sample_hash(sample.seed(), id);
        cutoff = sample.cutoff(&mut rows.iter().map(|(_, id)| hash(id)).collect::<Vec<_>>());
        rows.retain(|(_, id)| cutoff.is_some_and(|cutoff| hash(id) <= cutoff));
    }
    HeldRows::new(matches, cutoff, rows.into_iter().map(|(row, _)| row).collect())
}

#[async_trait]
impl Logs for Memory {
    async fn insert(&self, collection: Collection, rows: Vec<Log>, existing: Existing) -> Result<Added> {
        let mut state = self.state();
        let mut last_row = state.last_row;
        let mut added = Added::default();
        let target = state.rows_mut(collection)?;
        if existing == Existing::New && has_known_id(target, &rows) {
            return Err(Error::Conflict("There is a row with an id that was to be new.".to_owned()));
        }
        for log in rows {
            match (number_of(target, &log.id), existing) {
                (Some(_), Existing::Keep | Existing::New) => {
                    added.skipped += 1;
                    continue;
                }
                (Some(row), Existing::Replace) => {
                    added.replaced += 1;
                    target.insert(row, log);
                }
                (None, _) => {
                    last_row += 1;
                    target.insert(RowNumber::new(last_row), log);
                }
            }
            added.written += 1;
        }
        state.last_row = last_row;
        Ok(added)
    }

    async fn get(&self, collection: Collection, id: &LogId) -> Result<Option<Row>> {
        let state = self.state();
        let found = state.rows.get(&collection).and_then(|rows| rows.iter().find(|(_, log)| log.id == *id));
        Ok(found.map(|(number, log)| state.full(collection, *number, log)))
    }

    async fn places(&self, organization: OrganizationId, id: &LogId) -> Result<Vec<Place>> {
        let state = self.state();
        let mine = state.rows.iter().filter(|(collection, _)| collection.organization == organization);
        let there = mine.filter(|(_, rows)| rows.values().any(|log| log.id == *id));
        Ok(there.map(|(collection, _)| collection.place).collect())
    }

    async fn update(&self, collection: Collection, id: &LogId, change: Change) -> Result<Row> {
        let mut state = self.state();
        let rows = state.rows_mut(collection)?;
        let (number, log) = rows.iter_mut().find(|(_, log)| log.id == *id).ok_or_else(Error::not_found)?;
        let changed = change(log.clone())?;
        if changed.id != *id {
            return Err(Error::internal("a change of a row changed its id"));
        }
        *log = changed.clone();
        let number = *number;
        Ok(state.full(collection, number, &changed))
    }

    async fn delete(&self, collection: Collection, ids: &[LogId]) -> Result<u64> {
        let mut state = self.state();
        let rows = state.rows_mut(collection)?;
        let gone: Vec<LogId> = rows.values().map(|log| &log.id).filter(|id| ids.contains(id)).cloned().collect();
        rows.retain(|_, log| !gone.contains(&log.id));
        state.drop_scores(collection, &gone);
        Ok(gone.len() as u64)
    }

    async fn page(&self, collection: Collection, query: Query) -> Result<Page<Row>> {
        let state = self.state();
        let mut rows = state.matching(collection, &query.filter);
        state.sort_rows(collection, &mut rows, &query.sort);
        let total = rows.len() as u64;
        let window = rows.into_iter().skip(query.window.offset as usize).take(query.window.limit as usize);
        Ok(Page { rows: window.map(|(number, log)| state.full(collection, number, log)).collect(), total })
    }

    async fn list(&self, collection: Collection, list: List) -> Result<Listed> {
        let state = self.state();
        let mut rows = state.matching(collection, &list.filter);
        state.sort_rows(collection, &mut rows, &list.sort);
        let total = rows.len() as u64;
        let (rows, next) = match &list.part {
            Part::Page(window) => {
                (rows.into_iter().skip(window.offset as usize).take(window.limit as usize).collect::<Vec<_>>(), None)
            }
            Part::After { mark, limit } => {
                let marks: Vec<Mark> = rows.iter().map(|(_, log)| state.mark(collection, log, &list.sort)).collect();
                let passed = mark.as_ref().map_or(0, |mark| {
                    let before = |own: &&Mark| !mark.is_before(&own.key, own.id.as_str(), list.sort.descending);
                    marks.iter().take_while(before).count()
                });
                let end = passed.saturating_add(*limit as usize).min(rows.len());
                let next = if end < rows.len() { end.checked_sub(1).map(|last| marks[last].clone()) } else { None };
                (rows[passed..end].to_vec(), next)
            }
        };
        let written = state.write(collection, rows, &list.writing)?;
        Ok(Listed { written, total, next })
    }

    async fn write(&self, collection: Collection, rows: &[RowNumber], writing: Writing) -> Result<Written> {
        let state = self.state();
        let none = RowMap::new();
        let all = state.rows.get(&collection).unwrap_or(&none);
        let there = rows.iter().filter_map(|row| Some((*row, all.get(row)?)));
        let mut written = state.write(collection, there, &writing)?;
        // Those that are gone count as well, up to the last one written.
        let last =
            written.passed.checked_sub(1).and_then(|last| rows.iter().filter(|row| all.contains_key(row)).nth(last));
        written.passed = match last {
            Some(last) if written.is_full(&writing) => rows.iter().position(|row| row == last).map_or(0, |at| at + 1),
            _ => rows.len(),
        };
        Ok(written)
    }

    async fn sums(&self, collection: Collection, filter: LogFilter) -> Result<Sums> {
        let mut sums = Sums::default();
        let state = self.state();
        for (_, log) in state.matching(collection, &filter) {
            sums.add(log);
            sums.add_scores(&state.shown_scores(collection, &log.id));
        }
        Ok(sums)
    }

    async fn groups(
        &self,
        collection: Collection,
        filter: LogFilter,
        by: LogField,
        bound: GroupBound,
    ) -> Result<Groups> {
        let mut groups: BTreeMap<Option<String>, Sums> = BTreeMap::new();
        for (_, log) in self.state().matching(collection, &filter) {
            groups.entry(reference::group_key(log, &by)).or_default().add(log);
        }
        Ok(bound.keep(groups.into_iter().map(|(key, sums)| Group { key, sums }).collect()))
    }

    async fn statistics(&self, collection: Collection, filter: LogFilter, of: &[Measure]) -> Result<Statistics> {
        let state = self.state();
        let mut tally = Tally::new(of);
        for (_, log) in state.matching(collection, &filter) {
            tally.add(log, &state.shown_scores(collection, &log.id).compared());
        }
        Ok(tally.finish())
    }

    async fn watermark(&self, collection: Collection) -> Result<Watermark> {
        let state = self.state();
        let last = state.rows.get(&collection).and_then(|rows| rows.keys().next_back());
        Ok(Watermark::new(last.map_or(0, |row| row.get())))
    }

    async fn select(&self, collection: Collection, pick: Pick) -> Result<Box<dyn Selected>> {
        let state = self.state();
        let mut rows = state.matching(collection, &pick.filter);
        rows.retain(|(row, _)| pick.watermark.is_none_or(|watermark| row.get() <= watermark.get()));
        match &pick.order {
            PickOrder::By(sort) => state.sort_rows(collection, &mut rows, sort),
            PickOrder::Falling { after } => {
                rows.retain(|(row, _)| after.is_none_or(|after| *row < after));
                rows.reverse();
            }
        }
        let rows = rows.into_iter().map(|(row, log)| (row, log.id.clone())).collect();
        Ok(Box::new(sampled(rows, pick.sample.as_ref())))
    }

    async fn read(&self, collection: Collection, rows: &[RowNumber], with: With) -> Result<Vec<Row>> {
        let state = self.state();
        let Some(all) = state.rows.get(&collection) else { return Ok(Vec::new()) };
        let rows = rows.iter().filter_map(|row| Some((*row, all.get(row)?)));
        Ok(rows
            .map(|(number, log)| {
                let scores = if with.scores { state.shown_scores(collection, &log.id) } else { ShownScores::none() };
                let payload = if with.payload { log.payload.clone() } else { Payload::default() };
                Row { number, log: Log { payload, ..log.clone() }, scores }
            })
            .collect())
    }

    async fn traces(&self, collection: Collection, query: TraceQuery) -> Result<Page<TraceTotals>> {
        let found = self.state().traces(collection, &query.scope);
        let total = found.len() as u64;
        Ok(Page { rows: query.sort.window(found, query.window, |trace| &trace.totals), total })
    }

    async fn select_traces(&self, collection: Collection, pick: TracePick) -> Result<Box<dyn Selected>> {
        let mut found = self.state().traces(collection, &pick.scope);
        found.retain(|trace| pick.after.is_none_or(|after| trace.root < after));
        found.sort_by_key(|trace| std::cmp::Reverse(trace.root));
        let roots = found.into_iter().filter_map(|trace| Some((trace.root, trace.totals.root()?.clone()))).collect();
        Ok(Box::new(sampled(roots, pick.sample.as_ref())))
    }

    async fn trace_totals(
        &self,
        collection: Collection,
        roots: &[RowNumber],
        watermark: Option<Watermark>,
    ) -> Result<Vec<TraceTotals>> {
        let scope = TraceScope { filter: Tree::all(), roots: Tree::all(), watermark };
        let found = self.state().traces(collection, &scope);
        let of_root = |root: &RowNumber| found.iter().find(|trace| trace.root == *root).cloned();
        Ok(roots.iter().filter_map(of_root).collect())
    }

    async fn copy(&self, from: Collection, rows: &[RowNumber], to: Collection, step: Option<Step>) -> Result<Added> {
        let mut state = self.state();
        state.rows_mut(to)?;
        if let Some(done) = state.done_before(step.as_ref(), rows)? {
            return Ok(Added { written: done.affected, skipped: done.skipped, replaced: 0 });
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
                    target.insert(RowNumber::new(last_row), log);
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
        if let Some(done) = state.done_before(step.as_ref(), rows)? {
            return Ok(done.affected);
        }
        let all = state.rows_mut(collection)?;
        let gone: Vec<LogId> = rows.iter().filter_map(|row| all.remove(row)).map(|log| log.id).collect();
        let removed = gone.len() as u64;
        state.drop_scores(collection, &gone);
        state.advance(step, rows, removed)?;
        Ok(removed)
    }
}
