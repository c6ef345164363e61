//! How rows are spread over the values of fields: groups with their sums, histograms and the most frequent values.
//!
//! Counted in the columns; rows that these leave open, or whose value they do not hold, are read and counted one by
//! one. Does not write.

use crate::Answers;
use crate::origin::Lease;
use crate::select::{Seen, heavy};
use crate::view::View;
use evalset_columns::{Columns, NoNumbers, Rows};
use evalset_model::Result;
use evalset_model::filter::{LogField, LogFilter};
use evalset_model::ids::{Collection, RowNumber};
use evalset_model::log::Log;
use evalset_model::score::ComparedScores;
use evalset_model::summary::{Group, Sums};
use evalset_store::logs::{GroupBound, Groups, Measure, Statistics};
use evalset_store::reference;
use evalset_store::statistics::{Counted, Histogram, Tally};
use hashbrown::HashMap;

impl Answers {
    /// Sums per value of a field, as many groups as the bound says.
    pub fn groups(
        &self,
        lease: &dyn Lease,
        name: Collection,
        (filter, by): (&LogFilter, &LogField),
        bound: &GroupBound,
    ) -> Result<Groups> {
        let told = self.texts.ask(lease, name, filter)?;
        let view = self.view(lease, name, heavy(filter), |columns| {
            let mut verdict = told.evaluate(columns, filter);
            let doubtful = set_aside(columns, &mut verdict.yes, by);
            let groups = columns.groups(&verdict.yes, by);
            Seen::new(columns, verdict, (groups, doubtful))
        })?;
        let Some(View { collection, seen, mut helpers }) = view else { return Ok(Groups::default()) };
        let ((groups, mut rows), decided) = seen.decide((name, collection), lease, &mut helpers, &told)?;
        rows.extend(decided.map_or_else(Vec::new, |decided| decided.passed));
        if rows.is_empty() {
            return Ok(bound.keep(groups));
        }
        let mut groups: HashMap<_, Sums> = groups.into_iter().map(|group| (group.key, group.sums)).collect();
        for row in rows {
            lease.stop().go_on()?;
            if let Some(log) = lease.fields(collection, row)?.there() {
                groups.entry(reference::group_key(&log, by)).or_default().add(&log);
            }
        }
        Ok(bound.keep(groups.into_iter().map(|(key, sums)| Group { key, sums }).collect()))
    }

    /// How the values of fields are spread over the rows that match.
    pub fn statistics(
        &self,
        lease: &dyn Lease,
        name: Collection,
        filter: &LogFilter,
        of: &[Measure],
    ) -> Result<Statistics> {
        let told = self.texts.ask(lease, name, filter)?;
        let view = self.view(lease, name, heavy(filter), |columns| {
            let verdict = told.evaluate(columns, filter);
            let (counted, doubtful): (Vec<_>, Vec<_>) =
                of.iter().map(|measure| count(columns, verdict.yes.clone(), measure)).unzip();
            let rows = columns.count(&verdict.yes);
            Seen::new(columns, verdict, (rows, counted, doubtful))
        })?;
        let Some(View { collection, seen, mut helpers }) = view else { return Ok(Tally::new(of).finish()) };
        let ((rows, counted, doubtful), decided) = seen.decide((name, collection), lease, &mut helpers, &told)?;
        let sight = lease.sight(name, collection)?;
        let read = |row| -> Result<Option<(ComparedScores, Log)>> {
            lease.stop().go_on()?;
            let Some(log) = lease.fields(collection, row)?.there() else { return Ok(None) };
            Ok(Some((sight.compared(lease, &log.id)?, log)))
        };
        let mut tally = Tally::of(of, rows, counted);
        for (at, rows) in doubtful.into_iter().enumerate() {
            for row in rows {
                if let Some((scores, log)) = read(row)? {
                    tally.add_to(at, &log, &scores);
                }
            }
        }
        for row in decided.map_or_else(Vec::new, |decided| decided.passed) {
            if let Some((scores, log)) = read(row)? {
                tally.add(&log, &scores);
            }
        }
        Ok(tally.finish())
    }
}

/// Takes rows out whose value of a field the columns do not hold.
fn set_aside(columns: &Columns, rows: &mut Rows, field: &LogField) -> Vec<RowNumber> {
    let mut doubtful = columns.doubtful(field);
    doubtful.intersect(rows);
    rows.subtract(&doubtful);
    columns.row_numbers(&doubtful)
}

/// What a measure comes to over rows as far as the columns know, and the other rows.
fn count(columns: &Columns, mut rows: Rows, measure: &Measure) -> (Counted, Vec<RowNumber>) {
    match measure {
        Measure::Histogram { field, bounds } => {
            let doubtful = set_aside(columns, &mut rows, field);
            let mut histogram = Histogram::new(bounds);
            let NoNumbers { others, nulls } = columns.each_number(&rows, field, |number| histogram.add(bounds, number));
            (Counted::Histogram(Histogram { others, nulls, ..histogram }), doubtful)
        }
        Measure::Top { field, .. } => {
            let doubtful = set_aside(columns, &mut rows, field);
            (Counted::Values(columns.value_counts(&rows, field).into_iter().collect()), doubtful)
        }
    }
}
