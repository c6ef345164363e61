//! Traces among request logs: which ones, and each as its root span with the totals of all its spans (contract B.15).
//!
//! The store finds and folds them; what is read here are the root spans, a batch at a time, however large a trace is.

use crate::batches::Batches;
use evalset_model::Result;
use evalset_model::filter::wire::Filters;
use evalset_model::filter::{build, check, traces};
use evalset_model::ids::{Collection, OrganizationId, Place, RowNumber, Watermark};
use evalset_model::page::Window;
use evalset_model::trace::{Totals, Trace};
use evalset_store::Logs;
use evalset_store::logs::{Sample, Selected, TracePick, TraceQuery, TraceScope, With};
use evalset_store::traces::TraceSort;
use std::collections::HashMap;

/// Which traces of an organization.
#[derive(Clone, Debug)]
pub struct Selection {
    logs: Collection,
    scope: TraceScope,
}

impl Selection {
    /// Checks filters over traces. The window is on the `timestamp` of the root span, microseconds, inclusive (H8).
    pub fn new(organization: OrganizationId, filters: &Filters, start: Option<i64>, end: Option<i64>) -> Result<Self> {
        let logs = Collection { organization, place: Place::RequestLogs };
        let filter = check::traces(filters, &organization.to_string())?;
        Ok(Self { logs, scope: TraceScope { filter, roots: build::window(start, end), watermark: None } })
    }

    /// With spans up to this row only.
    #[must_use]
    pub fn up_to(mut self, watermark: Watermark) -> Self {
        self.scope.watermark = Some(watermark);
        self
    }

    /// The root spans of the selected traces, from high to low row numbers; those after a row, if one is given.
    pub async fn roots(
        &self,
        logs: &dyn Logs,
        after: Option<RowNumber>,
        sample: Option<Sample>,
    ) -> Result<Box<dyn Selected>> {
        logs.select_traces(self.logs, TracePick { scope: self.scope.clone(), after, sample }).await
    }
}

/// How many traces are selected.
pub async fn count(logs: &dyn Logs, selection: &Selection) -> Result<u64> {
    let sort = TraceSort { field: traces::TOTALS[0], descending: false };
    let query = TraceQuery { scope: selection.scope.clone(), sort, window: Window { offset: 0, limit: 0 } };
    Ok(logs.traces(selection.logs, query).await?.total)
}

/// The selected traces, read in batches of root spans.
pub struct Scan<'a> {
    logs: &'a dyn Logs,
    selection: &'a Selection,
    roots: Batches,
}

impl<'a> Scan<'a> {
    /// Over root spans of the selection, `at_once` of them at a time.
    pub fn new(logs: &'a dyn Logs, selection: &'a Selection, roots: Box<dyn Selected>, at_once: usize) -> Self {
        let roots = Batches::new(selection.logs, roots, With::PAYLOAD).of_at_most(at_once);
        Self { logs, selection, roots }
    }

    /// Traces passed so far.
    pub fn done(&self) -> u64 {
        self.roots.done()
    }

    /// The root span of the last one.
    pub fn last(&self) -> Option<RowNumber> {
        self.roots.last()
    }

    /// The traces of the next batch, none at the end. One whose root span was removed since is left out.
    pub async fn next(&mut self) -> Result<Option<Vec<Trace>>> {
        let Some(roots) = self.roots.next(self.logs).await? else { return Ok(None) };
        self.roots.measured_logs(&roots);
        let numbers: Vec<RowNumber> = roots.iter().map(|root| root.number).collect();
        let found = self.logs.trace_totals(self.selection.logs, &numbers, self.selection.scope.watermark).await?;
        let mut totals: HashMap<RowNumber, Totals> =
            found.into_iter().map(|trace| (trace.root, trace.totals)).collect();
        let whole = roots.into_iter().filter_map(|root| {
            let totals = totals.remove(&root.number)?;
            Some(Trace { root: root.log, totals })
        });
        Ok(Some(whole.collect()))
    }
}
