//! Reads by filter: pages, sums, groups and the selections of jobs.
//!
//! The columns answer what they can; rows they leave open are decided at the same commit. Does not write.

use super::Engine;
use super::decide;
use super::readers::Lease;
use super::row;
use super::view::View;
use crate::logs::{Pick, Picked, Query, Sample, sample_hash, sample_size};
use crate::reference;
use evalset_columns::{Columns, Rows, Verdict};
use evalset_model::Result;
use evalset_model::filter::{LogField, LogFilter};
use evalset_model::ids::{Collection, LogId, RowNumber};
use evalset_model::log::Log;
use evalset_model::page::Page;
use evalset_model::summary::{Group, Sums};
use hashbrown::HashMap;

/// What the columns said, `T` being their answer for the rows that pass for certain.
enum Seen<T> {
    /// The columns decided every row.
    All(T),
    /// Some rows are open.
    Some {
        /// Answer for the certain ones, or for both kinds, as the caller wants it.
        known: T,
        /// Open rows, rising.
        open: Vec<RowNumber>,
        /// The test they have to pass.
        residual: LogFilter,
    },
}

impl<T> Seen<T> {
    fn new(columns: &Columns, verdict: Verdict, known: T) -> Self {
        match verdict.residual {
            None => Self::All(known),
            Some(residual) => Self::Some { known, open: columns.row_numbers(&verdict.maybe), residual },
        }
    }
}

/// Whether deciding a filter may take many reads of rows.
fn heavy(filter: &LogFilter) -> bool {
    let mut heavy = false;
    filter.visit(&mut |compare| heavy |= compare.field.needs_payload());
    heavy
}

/// Rows that pass for certain together with the open ones.
fn candidates(verdict: &Verdict) -> Rows {
    let mut rows = verdict.yes.clone();
    if verdict.residual.is_some() {
        rows.union(&verdict.maybe);
    }
    rows
}

/// Drops from `rows` those that were open and did not pass; both lists of open rows rise.
fn settle(rows: &mut Vec<RowNumber>, open: &[RowNumber], passed: &[RowNumber]) {
    if open.len() != passed.len() {
        rows.retain(|row| open.binary_search(row).is_err() || passed.binary_search(row).is_ok());
    }
}

impl Engine {
    pub(super) fn page_now(&self, lease: &Lease, name: Collection, query: &Query) -> Result<Page<Log>> {
        let (offset, limit) = (query.window.offset, query.window.limit);
        let view = self.view(lease, name, heavy(&query.filter), |columns| {
            let verdict = columns.evaluate(&query.filter);
            let (total, rows) = match &verdict.residual {
                None => (columns.count(&verdict.yes), columns.page(&verdict.yes, &query.sort, offset, limit)),
                Some(_) => (0, columns.order(&candidates(&verdict), Some(&query.sort))),
            };
            Seen::new(columns, verdict, (total, rows))
        })?;
        let Some(View { collection, seen, mut helpers }) = view else {
            return Ok(Page { rows: Vec::new(), total: 0 });
        };
        let (total, rows) = match seen {
            Seen::All((total, rows)) => (total, rows),
            Seen::Some { known: (_, mut rows), open, residual } => {
                let passed = decide::passing(&residual, collection, &open, lease, &mut helpers)?;
                settle(&mut rows, &open, &passed);
                (rows.len() as u64, rows.into_iter().skip(index(offset)).take(index(limit)).collect())
            }
        };
        Ok(Page { rows: read_rows(lease, collection, &rows)?, total })
    }

    pub(super) fn sums_now(&self, lease: &Lease, name: Collection, filter: &LogFilter) -> Result<Sums> {
        let view = self.view(lease, name, heavy(filter), |columns| {
            let verdict = columns.evaluate(filter);
            let sums = columns.sums(&verdict.yes);
            Seen::new(columns, verdict, sums)
        })?;
        let Some(View { collection, seen, mut helpers }) = view else { return Ok(Sums::default()) };
        match seen {
            Seen::All(sums) => Ok(sums),
            Seen::Some { known: mut sums, open, residual } => {
                for row in decide::passing(&residual, collection, &open, lease, &mut helpers)? {
                    if let Some(stored) = row::read_columns(lease.connection()?, collection, row)? {
                        sums.add(&stored.log);
                    }
                }
                Ok(sums)
            }
        }
    }

    pub(super) fn groups_now(
        &self,
        lease: &Lease,
        name: Collection,
        filter: &LogFilter,
        by: &LogField,
    ) -> Result<Vec<Group>> {
        let view = self.view(lease, name, heavy(filter), |columns| {
            let verdict = columns.evaluate(filter);
            let groups = columns.groups(&verdict.yes, by);
            Seen::new(columns, verdict, groups)
        })?;
        let Some(View { collection, seen, mut helpers }) = view else { return Ok(Vec::new()) };
        match seen {
            Seen::All(groups) => Ok(groups),
            Seen::Some { known, open, residual } => {
                let mut groups: HashMap<Option<String>, Sums> =
                    known.into_iter().map(|group| (group.key, group.sums)).collect();
                for row in decide::passing(&residual, collection, &open, lease, &mut helpers)? {
                    if let Some(stored) = row::read_columns(lease.connection()?, collection, row)? {
                        groups.entry(reference::group_key(&stored.log, by)).or_default().add(&stored.log);
                    }
                }
                Ok(groups.into_iter().map(|(key, sums)| Group { key, sums }).collect())
            }
        }
    }

    pub(super) fn pick_now(&self, lease: &Lease, name: Collection, pick: &Pick) -> Result<Picked> {
        let view = self.view(lease, name, heavy(&pick.filter), |columns| {
            let mut verdict = columns.evaluate(&pick.filter);
            if let Some(watermark) = pick.watermark {
                columns.up_to(&mut verdict.yes, watermark);
                columns.up_to(&mut verdict.maybe, watermark);
            }
            let rows = candidates(&verdict);
            let hashes = pick.sample.as_ref().map(|sample| hashes(columns, &rows, sample));
            let ordered = columns.order(&rows, pick.sort.as_ref());
            Seen::new(columns, verdict, (ordered, hashes))
        })?;
        let Some(View { collection, seen, mut helpers }) = view else { return Ok(Picked::default()) };
        let (mut rows, hashes) = match seen {
            Seen::All(known) => known,
            Seen::Some { known: (mut rows, hashes), open, residual } => {
                let passed = decide::passing(&residual, collection, &open, lease, &mut helpers)?;
                settle(&mut rows, &open, &passed);
                (rows, hashes)
            }
        };
        let matches = rows.len() as u64;
        let cutoff = match (&pick.sample, hashes) {
            (Some(sample), Some(hashes)) => keep_sample(&mut rows, sample, &hashes),
            _ => None,
        };
        Ok(Picked { matches, cutoff, rows })
    }
}

fn hashes(columns: &Columns, rows: &Rows, sample: &Sample) -> HashMap<RowNumber, u64> {
    let (Sample::Percent { seed, .. } | Sample::Cutoff { seed, .. }) = sample;
    let mut hashes = HashMap::with_capacity(index(columns.count(rows)));
    columns.for_each_id(rows, |row, id| {
        hashes.insert(row, sample_hash(seed, &LogId(id.to_owned())));
    });
    hashes
}

/// Keeps the sample's part of `rows` and returns its threshold.
fn keep_sample(rows: &mut Vec<RowNumber>, sample: &Sample, hashes: &HashMap<RowNumber, u64>) -> Option<u64> {
    let hash = |row: &RowNumber| hashes.get(row).copied().unwrap_or(u64::MAX);
    let cutoff = match sample {
        Sample::Cutoff { cutoff, .. } => *cutoff,
        Sample::Percent { percent, .. } => {
            let size = index(sample_size(rows.len() as u64, *percent));
            let mut ranked: Vec<u64> = rows.iter().map(hash).collect();
            *ranked.select_nth_unstable(size.checked_sub(1)?).1
        }
    };
    rows.retain(|row| hash(row) <= cutoff);
    Some(cutoff)
}

/// Full rows by number, in the order given; those that are gone are left out.
pub(super) fn read_rows(lease: &Lease, collection: i64, rows: &[RowNumber]) -> Result<Vec<Log>> {
    let connection = lease.connection()?;
    rows.iter()
        .filter_map(|row| row::read(connection, collection, *row).transpose())
        .map(|stored| stored.map(|stored| stored.log))
        .collect()
}

/// A count as an index; more than memory can hold is as good as the most.
fn index(count: u64) -> usize {
    usize::try_from(count).unwrap_or(usize::MAX)
}
