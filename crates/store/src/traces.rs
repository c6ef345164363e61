//! Traces of a collection: which of them, in what order, and what they come to. Knows no store.
//!
//! A trace is the logs that share a `trace_unique_id`. It is found by its root span ([`Totals::root`]); one without a
//! root is in no answer.

use crate::selection::Sample;
use evalset_model::field::Field;
use evalset_model::filter::check::NamedField;
use evalset_model::filter::meaning::compare_keys;
use evalset_model::filter::traces::{self, TraceFilter};
use evalset_model::filter::{Compare, LogField, LogFilter, Test, Tree};
use evalset_model::ids::{RowNumber, Watermark};
use evalset_model::page::Window;
use evalset_model::trace::Totals;
use std::cmp::Ordering;

/// Which traces.
#[derive(Clone, Debug)]
pub struct TraceScope {
    /// What the trace has to be.
    pub filter: TraceFilter,
    /// What its root span has to be beside that, for instance in a window of time. Must not ask for payload or scores.
    pub roots: LogFilter,
    /// Only spans up to this watermark, if given; others are no part of their trace.
    pub watermark: Option<Watermark>,
}

/// Which traces to select, by the row numbers of their root spans, falling.
#[derive(Clone, Debug)]
pub struct TracePick {
    /// Which traces.
    pub scope: TraceScope,
    /// Only those whose root span is below this number, if given.
    pub after: Option<RowNumber>,
    /// Keep a part of them, if given, by the ids of their root spans.
    pub sample: Option<Sample>,
}

/// A page of traces.
#[derive(Clone, Debug)]
pub struct TraceQuery {
    /// Which traces.
    pub scope: TraceScope,
    /// In what order.
    pub sort: TraceSort,
    /// Which of them.
    pub window: Window,
}

/// An order of traces by one of the [`traces::TOTALS`]: those without a value last either way, ties by the id of the
/// root span, rising.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TraceSort {
    /// By what.
    pub field: NamedField,
    /// Greatest first.
    pub descending: bool,
}

/// A trace as a list shows it.
#[derive(Clone, Debug, PartialEq)]
pub struct TraceTotals {
    /// Its `trace_unique_id`.
    pub trace: String,
    /// Its root span.
    pub root: RowNumber,
    /// What its spans come to.
    pub totals: Totals,
}

impl TraceScope {
    /// What a root span has to be: in a trace, without a parent, and all that is asked of it alone.
    pub fn root_filter(&self) -> LogFilter {
        let empty = |field| Tree::Compare(Compare { field: LogField::Scalar(field), test: Test::Empty });
        let in_trace = Tree::Not(Box::new(empty(Field::TraceUniqueId)));
        in_trace.and(empty(Field::SpanParentId)).and(self.roots.clone()).and(traces::of_root(&self.filter))
    }
}

impl TraceSort {
    /// Which of two traces comes first.
    pub fn compare(&self, left: &Totals, right: &Totals) -> Ordering {
        let key = |totals| traces::order(self.field, totals);
        compare_keys(&key(left), &key(right), self.descending).then_with(|| left.root().cmp(&right.root()))
    }

    /// The part of a list of traces in any order that is in the window, in order.
    pub fn window<T>(&self, mut all: Vec<T>, window: Window, totals: impl Fn(&T) -> &Totals) -> Vec<T> {
        let index = |count| usize::try_from(count).unwrap_or(usize::MAX);
        let (offset, limit) = (index(window.offset), index(window.limit));
        let end = offset.saturating_add(limit);
        let compare = |left: &T, right: &T| self.compare(totals(left), totals(right));
        if 0 < end && end < all.len() {
            all.select_nth_unstable_by(end, compare);
            all.truncate(end);
        }
        all.sort_unstable_by(compare);
        all.into_iter().skip(offset).take(limit).collect()
    }
}
