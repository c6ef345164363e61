//! Traces: folded in the columns, found by their root spans.
//!
//! Only what a filter asks of totals and root together is asked of the root's row itself. Does not write.

use crate::Answers;
use crate::number::CollectionNumber;
use crate::order::Decided;
use crate::origin::Lease;
use crate::select::{Seen, candidates, heavy};
use crate::view::View;
use evalset_columns::FoldedTrace;
use evalset_model::Result;
use evalset_model::field::Field;
use evalset_model::filter::traces::{self, TraceFilter};
use evalset_model::ids::{Collection, RowNumber, Watermark};
use evalset_model::page::Page;
use evalset_model::trace::Trace;
use evalset_store::logs::{HeldRows, TracePick, TraceQuery, TraceScope, TraceTotals, sample_hash};
use hashbrown::HashMap;

impl Answers {
    /// A page of traces.
    pub fn traces(&self, lease: &dyn Lease, name: Collection, query: &TraceQuery) -> Result<Page<TraceTotals>> {
        let Some((collection, found)) = self.traces_in(lease, name, &query.scope)? else {
            return Ok(Page { rows: Vec::new(), total: 0 });
        };
        let total = found.len() as u64;
        let found = query.sort.window(found, query.window, |trace| &trace.totals);
        Ok(Page { rows: named(lease, collection, found)?, total })
    }

    /// Root spans of the traces in scope, sampled, falling.
    pub fn select_traces(&self, lease: &dyn Lease, name: Collection, pick: &TracePick) -> Result<HeldRows> {
        let mut found = self.traces_in(lease, name, &pick.scope)?.map_or_else(Vec::new, |(_, found)| found);
        found.retain(|trace| pick.after.is_none_or(|after| trace.root < after));
        found.sort_unstable_by_key(|trace| std::cmp::Reverse(trace.root));
        let matches = found.len() as u64;
        let mut cutoff = None;
        if let Some(sample) = &pick.sample {
            let hash = |trace: &FoldedTrace| trace.totals.root().map_or(u64::MAX, |id| sample_hash(sample.seed(), id));
            cutoff = sample.cutoff(&mut found.iter().map(hash).collect::<Vec<_>>());
            found.retain(|trace| cutoff.is_some_and(|cutoff| hash(trace) <= cutoff));
        }
        Ok(HeldRows::new(matches, cutoff, found.into_iter().map(|trace| trace.root).collect()))
    }

    /// What the traces with these root spans come to.
    pub fn trace_totals(
        &self,
        lease: &dyn Lease,
        name: Collection,
        roots: &[RowNumber],
        watermark: Option<Watermark>,
    ) -> Result<Vec<TraceTotals>> {
        let look =
            self.view(lease, name, false, |columns| columns.traces(&columns.select(roots), watermark.map(last_of)))?;
        let Some(View { collection, seen, .. }) = look else { return Ok(Vec::new()) };
        let found: HashMap<RowNumber, FoldedTrace> = seen.into_iter().map(|trace| (trace.root, trace)).collect();
        named(lease, collection, roots.iter().filter_map(|root| found.get(root).cloned()).collect())
    }

    /// The traces in scope, in no particular order, and the store's number of their collection.
    fn traces_in(
        &self,
        lease: &dyn Lease,
        name: Collection,
        scope: &TraceScope,
    ) -> Result<Option<(CollectionNumber, Vec<FoldedTrace>)>> {
        let filter = scope.root_filter();
        let told = self.texts.ask(lease, name, &filter)?;
        let view = self.view(lease, name, heavy(&filter), |columns| {
            let mut verdict = told.evaluate(columns, &filter);
            let last = scope.watermark.map(last_of);
            if let Some(last) = last {
                columns.up_to(&mut verdict.yes, last);
                columns.up_to(&mut verdict.maybe, last);
            }
            let found = columns.traces(&candidates(&verdict), last);
            Seen::new(columns, verdict, found)
        })?;
        let Some(View { collection, seen, mut helpers }) = view else { return Ok(None) };
        let (mut found, decided) = seen.decide((name, collection), lease, &mut helpers, &told)?;
        if let Some(Decided { open, passed }) = decided {
            let has = |rows: &[RowNumber], row: &RowNumber| rows.binary_search(row).is_ok();
            found.retain(|FoldedTrace { root, .. }| !has(&open, root) || has(&passed, root));
        }
        let found = keep(lease, collection, found, &traces::beyond_root(&scope.filter))?;
        Ok(Some((collection, found)))
    }
}

/// Those that pass what is not asked of the root alone.
fn keep(
    lease: &dyn Lease,
    collection: CollectionNumber,
    mut found: Vec<FoldedTrace>,
    filter: &TraceFilter,
) -> Result<Vec<FoldedTrace>> {
    if filter.is_all() {
        return Ok(found);
    }
    if !traces::asks_root(filter) {
        found.retain(|trace| traces::totals_hold(filter, &trace.totals));
        return Ok(found);
    }
    let mut kept = Vec::new();
    for FoldedTrace { root, totals } in found {
        lease.stop().go_on()?;
        let Some(log) = lease.fields(collection, root)?.there() else { continue };
        let trace = Trace { root: log, totals };
        if traces::holds(filter, &trace) {
            kept.push(FoldedTrace { root, totals: trace.totals });
        }
    }
    Ok(kept)
}

/// Traces with their ids, in the order given.
fn named(lease: &dyn Lease, collection: CollectionNumber, found: Vec<FoldedTrace>) -> Result<Vec<TraceTotals>> {
    let mut all = Vec::with_capacity(found.len());
    for FoldedTrace { root, totals } in found {
        lease.stop().go_on()?;
        let Some(log) = lease.fields(collection, root)?.there() else { continue };
        let Some(trace) = log.text(Field::TraceUniqueId).map(str::to_owned) else { continue };
        all.push(TraceTotals { trace, root, totals });
    }
    Ok(all)
}

/// The last row that may be within what a watermark holds.
fn last_of(watermark: Watermark) -> RowNumber {
    RowNumber::new(watermark.get())
}
