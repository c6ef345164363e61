//! Traces among request logs: which ones, and each as its root span with the totals of all its spans (contract B.15).
//!
//! Candidates are root spans, picked by what can be asked of them alone; the spans of a batch of candidates are then read and
//! folded. Memory holds row numbers of the candidates, one batch of root spans and one of spans, however large a trace is.

use crate::batches::Batches;
use evalset_model::Result;
use evalset_model::field::Field;
use evalset_model::filter::traces::{self, TraceFilter};
use evalset_model::filter::wire::Filters;
use evalset_model::filter::{LogFilter, build, check};
use evalset_model::ids::{Collection, OrganizationId, Place, RowNumber};
use evalset_model::trace::{Totals, Trace};
use evalset_store::Logs;
use evalset_store::logs::{Pick, Row, Sample, With};
use std::collections::HashMap;

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
        let in_trace: LogFilter = build::not(build::is_empty(Field::TraceUniqueId));
        let roots = in_trace
            .and(build::is_empty(Field::SpanParentId))
            .and(build::window(start, end))
            .and(traces::of_root(&filter));
        Ok(Self { logs, filter, roots, watermark: None })
    }

    /// With spans up to this row only.
    #[must_use]
    pub fn up_to(mut self, watermark: RowNumber) -> Self {
        self.watermark = Some(watermark);
        self
    }

    /// Row numbers of candidates, from high to low.
    pub async fn candidates(&self, logs: &dyn Logs, sample: Option<Sample>) -> Result<Vec<RowNumber>> {
        let pick = Pick { filter: self.roots.clone(), watermark: self.watermark, sample, sort: None };
        Ok(logs.pick(self.logs, pick).await?.rows)
    }
}

/// How many traces are selected, `at_once` candidates read at a time. Finding out means reading their spans: when these are too
/// many for a caller who waits, it is the number of candidates, which is at least as many.
pub async fn count(logs: &dyn Logs, selection: &Selection, at_once: usize) -> Result<u64> {
    count_within(logs, selection, at_once, COUNTED_SPANS).await
}

/// [`count`] that reads at most so many spans.
pub async fn count_within(logs: &dyn Logs, selection: &Selection, at_once: usize, spans: usize) -> Result<u64> {
    let candidates = selection.candidates(logs, None).await?;
    let most = candidates.len() as u64;
    let mut scan = Scan { spans_left: Some(spans), ..Scan::new(logs, selection, candidates, at_once) };
    let mut count = 0;
    while let Some(found) = scan.next().await? {
        count += found.len() as u64;
    }
    Ok(if scan.gave_up { most } else { count })
}

/// The selected traces among candidates, read in batches.
pub struct Scan<'a> {
    logs: &'a dyn Logs,
    selection: &'a Selection,
    roots: Batches,
    /// How many spans may still be read, if there is a bound.
    spans_left: Option<usize>,
    /// It ended because there were more.
    gave_up: bool,
}

impl<'a> Scan<'a> {
    /// Over candidates of the selection, `at_once` of them at a time.
    pub fn new(logs: &'a dyn Logs, selection: &'a Selection, candidates: Vec<RowNumber>, at_once: usize) -> Self {
        let roots = Batches::new(selection.logs, candidates, With::Nothing).of_at_most(at_once);
        Self { logs, selection, roots, spans_left: None, gave_up: false }
    }

    /// Candidates passed so far.
    pub fn done(&self) -> u64 {
        self.roots.done()
    }

    /// The last candidate passed.
    pub fn last(&self) -> Option<RowNumber> {
        self.roots.last()
    }

    /// The selected traces of the next batch, none at the end. A candidate that is not the root of its trace, since another
    /// one started before it, is passed over: so each trace is found once.
    pub async fn next(&mut self) -> Result<Option<Vec<Trace>>> {
        let Some(roots) = self.roots.next(self.logs).await? else { return Ok(None) };
        self.roots.measured_logs(&roots);
        let Some(totals) = self.totals(&roots).await? else { return Ok(None) };
        let traces = roots.into_iter().filter_map(|root| {
            let totals = totals.get(root.text(Field::TraceUniqueId)?)?;
            (totals.root() == Some(&root.id)).then(|| Trace { root: root.log, totals: totals.clone() })
        });
        Ok(Some(traces.filter(|trace| traces::holds(&self.selection.filter, trace)).collect()))
    }

    /// The totals of the traces that these root spans are in, by trace. None when they have too many spans.
    async fn totals(&mut self, roots: &[Row]) -> Result<Option<HashMap<String, Totals>>> {
        let ids = roots.iter().filter_map(|root| root.text(Field::TraceUniqueId));
        let filter = build::any_of(Field::TraceUniqueId, ids);
        let pick = Pick { filter, watermark: self.selection.watermark, sample: None, sort: None };
        let rows = self.logs.pick(self.selection.logs, pick).await?.rows;
        if let Some(left) = &mut self.spans_left {
            self.gave_up = rows.len() > *left;
            if self.gave_up {
                return Ok(None);
            }
            *left -= rows.len();
        }
        let mut spans = Batches::new(self.selection.logs, rows, With::Nothing);
        let mut totals: HashMap<String, Totals> = HashMap::new();
        while let Some(batch) = spans.next(self.logs).await? {
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
