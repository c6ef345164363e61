//! Reads by filter: pages, sums and the selections of jobs. Groups and statistics are in `spread`, traces in `traces`.
//!
//! The columns answer what they can, with the help of the text index; what they leave open is read from the rows at the
//! same commit. Does not write.

use crate::Answers;
use crate::decide;
use crate::fetch::read_rows;
use crate::number::CollectionNumber;
use crate::order::{Decided, Ordered, sorts};
use crate::origin::Lease;
use crate::text::Told;
use crate::view::View;
use evalset_columns::{Columns, Rows, Verdict};
use evalset_model::filter::{Compare, LogField, LogFilter, Test, Tree};
use evalset_model::ids::{Collection, LogId, RowNumber, Watermark};
use evalset_model::page::{Mark, Page, Sort, Window};
use evalset_model::score::Source;
use evalset_model::summary::{ScoreSum, ScoreTotals, Sums};
use evalset_model::{Error, Result};
use evalset_store::logs::{HeldRows, Pick, PickOrder, Query, Row, Sample, With, sample_hash};
use hashbrown::HashMap;

/// What the columns said, `T` being their answer for the rows that pass for certain.
pub(crate) enum Seen<T> {
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
    pub fn new(columns: &Columns, verdict: Verdict, known: T) -> Self {
        match verdict.residual {
            None => Self::All(known),
            Some(residual) => Self::Some { known, open: columns.row_numbers(&verdict.maybe), residual },
        }
    }

    /// Decides the open rows, if there are any, and tells the text index what came out.
    pub fn decide(
        self,
        (name, collection): (Collection, CollectionNumber),
        lease: &dyn Lease,
        helpers: &mut [Box<dyn Lease>],
        told: &Told<'_>,
    ) -> Result<(T, Option<Decided>)> {
        match self {
            Self::All(known) => Ok((known, None)),
            Self::Some { known, open, residual } => {
                let sight = lease.sight(name, collection)?;
                let passed = decide::passing(&residual, (collection, sight), &open, lease, helpers)?;
                told.learn(collection, &residual, &open, &passed);
                Ok((known, Some(Decided { open, passed })))
            }
        }
    }
}

/// Rows of a list, as of the transaction of the lease.
pub(crate) struct Chosen {
    /// The store's number of the collection.
    pub collection: CollectionNumber,
    /// The rows, in order.
    pub rows: Vec<RowNumber>,
    /// Rows that match.
    pub total: u64,
    /// The place of the last row, when others follow and it was asked for.
    pub next: Option<Mark>,
}

/// Whether deciding a filter may take many reads of rows.
pub(crate) fn heavy(filter: &LogFilter) -> bool {
    let mut heavy = false;
    filter.visit(&mut |compare| heavy |= compare.field.needs_payload());
    heavy
}

/// Rows that pass for certain together with the open ones.
pub(crate) fn candidates(verdict: &Verdict) -> Rows {
    let mut rows = verdict.yes.clone();
    if verdict.residual.is_some() {
        rows.union(&verdict.maybe);
    }
    rows
}

impl Answers {
    /// A page of full rows with the exact total.
    pub fn page(&self, lease: &dyn Lease, name: Collection, query: &Query) -> Result<Page<Row>> {
        let Some(chosen) = self.choose(lease, name, (&query.filter, &query.sort), query.window)? else {
            return Ok(Page { rows: Vec::new(), total: 0 });
        };
        let Chosen { collection, rows, total, .. } = chosen;
        Ok(Page { rows: read_rows(lease, name, collection, &rows, With::EVERYTHING, self.page_bytes)?, total })
    }

    /// The rows of a page; `None` when the collection was never written to.
    pub(crate) fn choose(
        &self,
        lease: &dyn Lease,
        name: Collection,
        (filter, sort): (&LogFilter, &Sort),
        window: Window,
    ) -> Result<Option<Chosen>> {
        let Window { offset, limit } = window;
        let told = self.texts.ask(lease, name, filter)?;
        let view = self.view(lease, name, heavy(filter), |columns| {
            let verdict = told.evaluate(columns, filter);
            let known = match &verdict.residual {
                None if sorts(columns, &verdict.yes, sort) => {
                    let total = columns.count(&verdict.yes);
                    Listed::Part { total, rows: columns.page(&verdict.yes, sort, offset, limit) }
                }
                _ => Listed::Whole(Ordered::new(columns, &candidates(&verdict), Some(sort))),
            };
            Seen::new(columns, verdict, known)
        })?;
        let Some(View { collection, seen, mut helpers }) = view else { return Ok(None) };
        let (listed, verdict) = seen.decide((name, collection), lease, &mut helpers, &told)?;
        let (total, rows) = match listed {
            Listed::Part { total, rows } => (total, rows),
            Listed::Whole(ordered) => {
                let rows = ordered.settle(verdict.as_ref(), name, collection, lease)?;
                (rows.len() as u64, rows.into_iter().skip(index(offset)).take(index(limit)).collect())
            }
        };
        Ok(Some(Chosen { collection, rows, total, next: None }))
    }

    /// Sums over the rows that match, their scores included.
    pub fn sums(&self, lease: &dyn Lease, name: Collection, filter: &LogFilter) -> Result<Sums> {
        let told = self.texts.ask(lease, name, filter)?;
        let view = self.view(lease, name, heavy(filter), |columns| {
            // The transaction of the lease is at the commit of the columns.
            let sources = lease.sources(name.organization)?;
            let verdict = told.evaluate(columns, filter);
            let mut sums = columns.sums(&verdict.yes);
            let (clear, mixed) = sources.iter().partition(|source| !shares_column(source, &sources));
            sums.scores = score_sums(clear, |key| columns.score_totals(&verdict.yes, key));
            let mixed = mixed_rows(columns, &verdict.yes, mixed);
            Ok::<_, Error>(Seen::new(columns, verdict, (sums, mixed)))
        })?;
        let Some(View { collection, seen, mut helpers }) = view else { return Ok(Sums::default()) };
        let ((mut sums, mixed), decided) = seen?.decide((name, collection), lease, &mut helpers, &told)?;
        let sight = lease.sight(name, collection)?;
        for (id, key) in mixed {
            lease.stop().go_on()?;
            if let Some(score) = sight.shown(lease, &id)?.by_key(&key) {
                sums.add_score(score);
            }
        }
        for row in decided.map_or_else(Vec::new, |decided| decided.passed) {
            lease.stop().go_on()?;
            if let Some(log) = lease.fields(collection, row)?.there() {
                sums.add(&log);
                sums.add_scores(&sight.shown(lease, &log.id)?);
            }
        }
        Ok(sums)
    }

    /// Numbers of the rows that match, sampled and in order.
    pub fn select(&self, lease: &dyn Lease, name: Collection, pick: &Pick) -> Result<HeldRows> {
        let told = self.texts.ask(lease, name, &pick.filter)?;
        let (sort, after) = match &pick.order {
            PickOrder::By(sort) => (Some(sort), None),
            PickOrder::Falling { after } => (None, after.map(|after| after.get().saturating_sub(1))),
        };
        let last = [pick.watermark.map(Watermark::get), after].into_iter().flatten().min().map(RowNumber::new);
        let view = self.view(lease, name, heavy(&pick.filter), |columns| {
            let mut verdict = told.evaluate(columns, &pick.filter);
            if let Some(last) = last {
                columns.up_to(&mut verdict.yes, last);
                columns.up_to(&mut verdict.maybe, last);
            }
            let rows = candidates(&verdict);
            let hashes = pick.sample.as_ref().map(|sample| hashes(columns, &rows, sample));
            let ordered = Ordered::new(columns, &rows, sort);
            Seen::new(columns, verdict, (ordered, hashes))
        })?;
        let (mut rows, hashes) = match view {
            None => (Vec::new(), None),
            Some(View { collection, seen, mut helpers }) => {
                let ((ordered, hashes), decided) = seen.decide((name, collection), lease, &mut helpers, &told)?;
                (ordered.settle(decided.as_ref(), name, collection, lease)?, hashes)
            }
        };
        let matches = rows.len() as u64;
        let cutoff =
            pick.sample.as_ref().and_then(|sample| keep_sample(&mut rows, sample, &hashes.unwrap_or_default()));
        Ok(HeldRows::new(matches, cutoff, rows.into_iter().collect()))
    }
}

/// The sources that have totals, with them.
fn score_sums(sources: Vec<&Source>, totals: impl Fn(&str) -> ScoreTotals) -> Vec<ScoreSum> {
    let sum = |source: &Source| ScoreSum { source: source.clone(), totals: totals(&source.key()) };
    sources.into_iter().map(sum).filter(|sum| !sum.totals.is_empty()).collect()
}

/// Whether the column under the key of a custom slug also holds scores of evaluators with that slug, of rows that have
/// no custom one.
fn shares_column(source: &Source, all: &[Source]) -> bool {
    let namesake = |other: &Source| other.evaluator_id.is_some() && other.slug == source.slug;
    source.evaluator_id.is_none() && all.iter().any(namesake)
}

/// Those of `rows` that have a value in a column that sources share, with the key in question: their scores tell whose
/// it is.
fn mixed_rows(columns: &Columns, rows: &Rows, sources: Vec<&Source>) -> Vec<(LogId, String)> {
    let mut mixed = Vec::new();
    for key in sources.into_iter().map(Source::key) {
        let test = Test::HasKeys(vec![key.clone()]);
        let mut having = columns.evaluate(&Tree::Compare(Compare { field: LogField::ScoreMap, test })).yes;
        having.intersect(rows);
        columns.for_each_id(&having, |_, id| mixed.push((LogId(id.to_owned()), key.clone())));
    }
    mixed
}

/// What the columns gave of a list.
enum Listed {
    /// The rows of the page.
    Part { total: u64, rows: Vec<RowNumber> },
    /// All rows that may be in the list.
    Whole(Ordered),
}

fn hashes(columns: &Columns, rows: &Rows, sample: &Sample) -> HashMap<RowNumber, u64> {
    let mut hashes = HashMap::with_capacity(index(columns.count(rows)));
    columns.for_each_id(rows, |row, id| {
        hashes.insert(row, sample_hash(sample.seed(), &LogId(id.to_owned())));
    });
    hashes
}

/// Keeps the sample's part of `rows` and returns its threshold.
fn keep_sample(rows: &mut Vec<RowNumber>, sample: &Sample, hashes: &HashMap<RowNumber, u64>) -> Option<u64> {
    let hash = |row: &RowNumber| hashes.get(row).copied().unwrap_or(u64::MAX);
    let cutoff = sample.cutoff(&mut rows.iter().map(hash).collect::<Vec<_>>())?;
    rows.retain(|row| hash(row) <= cutoff);
    Some(cutoff)
}

/// A count as an index; more than memory can hold is as good as the most.
pub(crate) fn index(count: u64) -> usize {
    usize::try_from(count).unwrap_or(usize::MAX)
}
