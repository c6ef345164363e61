//! Importing traces: request logs that share a trace become one row, their root span with the totals of all (contract B.15).
//!
//! Candidates are root spans, picked by what can be asked of them alone; the spans of a batch of candidates are then read and
//! folded. Memory holds row numbers of the candidates, one batch of root spans and one of spans, however large a trace is.

use super::run::{End, Run};
use super::source::{self, Batches};
use crate::app::App;
use evalset_model::field::Field;
use evalset_model::filter::traces::{self, TraceFilter};
use evalset_model::filter::wire::{self, Filters};
use evalset_model::filter::{Compare, Literal, LogField, LogFilter, Test, Tree, check};
use evalset_model::ids::{Collection, OrganizationId, Place, RowNumber};
use evalset_model::job::Task;
use evalset_model::trace::{Totals, Trace};
use evalset_model::{Error, Result};
use evalset_store::logs::{Existing, Pick, Row, Sample, With, sample_hash, sample_size};
use std::collections::HashMap;
use std::ops::ControlFlow;

/// Spans that a count made while a caller waits may read.
const COUNTED_SPANS: usize = 20_000;

/// Which traces of an organization.
#[derive(Clone, Debug)]
pub struct Selection {
    logs: Collection,
    filter: TraceFilter,
    /// What the root spans must be: a trace whose root is not picked by this is not selected.
    roots: LogFilter,
    /// Spans up to this row, if given.
    watermark: Option<RowNumber>,
}

impl Selection {
    /// Checks filters over traces. The window is on the `timestamp` of the root span, microseconds, inclusive (H8).
    pub fn new(organization: OrganizationId, filters: &Filters, start: Option<i64>, end: Option<i64>) -> Result<Self> {
        let logs = Collection { organization, place: Place::RequestLogs };
        let filter = check::traces(filters, &organization.to_string())?;
        let empty = |field| Tree::Compare(Compare { field: LogField::Scalar(field), test: Test::Empty });
        let in_trace = Tree::Not(Box::new(empty(Field::TraceUniqueId)));
        let roots =
            in_trace.and(empty(Field::SpanParentId)).and(source::window(start, end)).and(traces::of_root(&filter));
        Ok(Self { logs, filter, roots, watermark: None })
    }

    /// Row numbers of candidates, from high to low.
    async fn candidates(&self, app: &App, sample: Option<Sample>) -> Result<Vec<RowNumber>> {
        let pick = Pick { filter: self.roots.clone(), watermark: self.watermark, sample, sort: None };
        Ok(app.stores.logs.pick(self.logs, pick).await?.rows)
    }
}

/// How many traces are selected. Finding out means reading their spans: when these are too many for a caller who waits, it is
/// the number of candidates, which is at least as many.
pub async fn count(app: &App, selection: &Selection) -> Result<u64> {
    count_within(app, selection, COUNTED_SPANS).await
}

pub(super) async fn count_within(app: &App, selection: &Selection, spans: usize) -> Result<u64> {
    let candidates = selection.candidates(app, None).await?;
    let most = candidates.len() as u64;
    let mut scan = Scan { spans_left: Some(spans), ..Scan::new(app, selection, candidates) };
    let mut count = 0;
    while let Some(found) = scan.next(app).await? {
        count += found.len() as u64;
    }
    Ok(if scan.gave_up { most } else { count })
}

/// Imports the selected traces into a dataset.
pub(super) async fn import(run: &mut Run<'_>) -> Result<End> {
    let Task::Import { dataset, start_time, end_time, filters, sampling_percentage, watermark } = &run.job.task else {
        return Err(Error::internal("not an import"));
    };
    // A sample of nothing has no cutoff to repeat it by.
    if run.progress.total == Some(0) {
        return Ok(End::Done);
    }
    let organization = run.job.organization;
    let filters = wire::parse_stored(filters)?;
    let mut selection = Selection::new(organization, &filters, *start_time, *end_time)?;
    selection.watermark = Some(*watermark);
    let seed = dataset.to_string();
    if run.progress.total.is_none() && *sampling_percentage < 100.0 {
        match cutoff(run, &selection, &seed, *sampling_percentage).await? {
            ControlFlow::Break(end) => return Ok(end),
            ControlFlow::Continue(None) => {
                run.progress.total = Some(0);
                run.save().await?;
                return Ok(End::Done);
            }
            ControlFlow::Continue(cutoff) => run.progress.cutoff = cutoff,
        }
    }
    let sample = run.progress.cutoff.map(|cutoff| Sample::Cutoff { seed, cutoff });
    let candidates = selection.candidates(run.app, sample).await?;
    if run.progress.total.is_none() {
        run.progress.total = Some(candidates.len() as u64);
        run.save().await?;
    }
    let rest = run.rest(&candidates).to_vec();
    let to = Collection { organization, place: Place::Dataset(*dataset) };
    let (before, mut scan) = (run.progress.done, Scan::new(run.app, &selection, rest));
    loop {
        if let Some(end) = run.interrupted().await? {
            return Ok(end);
        }
        let Some(found) = scan.next(run.app).await? else { return Ok(End::Done) };
        // Rows and progress are two steps, unlike in `copy`. A crash between them repeats the batch, which changes nothing but
        // the counts: a row keeps the id of its root span, and one that is there is skipped.
        let rows = found.into_iter().map(Trace::into_row).collect();
        run.progress.affected += run.app.stores.logs.insert(to, rows, Existing::Keep).await?.written;
        run.progress.done = before + scan.roots.done();
        run.progress.skipped = run.progress.done.saturating_sub(run.progress.affected);
        run.progress.cursor = scan.roots.last();
        run.save().await?;
    }
}

/// The greatest hash in the sample of the selected traces, none when nothing is selected; or how the attempt ended before that
/// was known.
async fn cutoff(
    run: &Run<'_>,
    selection: &Selection,
    seed: &str,
    percent: f64,
) -> Result<ControlFlow<End, Option<u64>>> {
    let candidates = selection.candidates(run.app, None).await?;
    let mut scan = Scan::new(run.app, selection, candidates);
    let mut hashes = Vec::new();
    while let Some(found) = scan.next(run.app).await? {
        hashes.extend(found.iter().map(|trace| sample_hash(seed, &trace.root.id)));
        if let Some(end) = run.interrupted().await? {
            return Ok(ControlFlow::Break(end));
        }
    }
    hashes.sort_unstable();
    hashes.truncate(sample_size(hashes.len() as u64, percent) as usize);
    Ok(ControlFlow::Continue(hashes.last().copied()))
}

/// The selected traces among candidates, read in batches.
struct Scan<'a> {
    selection: &'a Selection,
    roots: Batches,
    /// How many spans may still be read, if there is a bound.
    spans_left: Option<usize>,
    /// It ended because there were more.
    gave_up: bool,
}

impl<'a> Scan<'a> {
    fn new(app: &App, selection: &'a Selection, candidates: Vec<RowNumber>) -> Self {
        let roots = Batches::new(selection.logs, candidates, With::Nothing).of_at_most(app.limits.job_batch_rows);
        Self { selection, roots, spans_left: None, gave_up: false }
    }

    /// The selected traces of the next batch, none at the end. A candidate that is not the root of its trace, since another
    /// one started before it, is passed over: so each trace is found once.
    async fn next(&mut self, app: &App) -> Result<Option<Vec<Trace>>> {
        let Some(roots) = self.roots.next(app).await? else { return Ok(None) };
        self.roots.measured_logs(&roots);
        let Some(totals) = self.totals(app, &roots).await? else { return Ok(None) };
        let traces = roots.into_iter().filter_map(|root| {
            let totals = totals.get(root.text(Field::TraceUniqueId)?)?;
            (totals.root() == Some(&root.id)).then(|| Trace { root: root.log, totals: totals.clone() })
        });
        Ok(Some(traces.filter(|trace| traces::holds(&self.selection.filter, trace)).collect()))
    }

    /// The totals of the traces that these root spans are in, by trace. None when they have too many spans.
    async fn totals(&mut self, app: &App, roots: &[Row]) -> Result<Option<HashMap<String, Totals>>> {
        let ids = roots.iter().filter_map(|root| root.text(Field::TraceUniqueId));
        let ids = ids.map(Literal::from).collect();
        let field = LogField::Scalar(Field::TraceUniqueId);
        let filter = Tree::Compare(Compare { field, test: Test::AnyOf(ids) });
        let pick = Pick { filter, watermark: self.selection.watermark, sample: None, sort: None };
        let rows = app.stores.logs.pick(self.selection.logs, pick).await?.rows;
        if let Some(left) = &mut self.spans_left {
            self.gave_up = rows.len() > *left;
            if self.gave_up {
                return Ok(None);
            }
            *left -= rows.len();
        }
        let mut spans = Batches::new(self.selection.logs, rows, With::Nothing);
        let mut totals: HashMap<String, Totals> = HashMap::new();
        while let Some(batch) = spans.next(app).await? {
            spans.measured_logs(&batch);
            for span in &batch {
                let Some(id) = span.text(Field::TraceUniqueId) else { continue };
                match totals.get_mut(id) {
                    Some(totals) => totals.add(span),
                    None => totals.entry(id.to_owned()).or_default().add(span),
                }
            }
        }
        Ok(Some(totals))
    }
}
