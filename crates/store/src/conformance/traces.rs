//! Traces by what their spans come to, held against a folding of all spans computed here.

use super::samples::*;
use crate::Stores;
use crate::logs::{Existing, Sample, TracePick, TraceQuery, TraceScope, TraceTotals, sample_hash, sample_size};
use crate::traces::TraceSort;
use evalset_model::field::Field;
use evalset_model::filter::traces::{TOTALS, TraceFilter, holds};
use evalset_model::filter::{Tree, check, meaning, wire};
use evalset_model::ids::{Collection, LogId, RowNumber};
use evalset_model::log::Log;
use evalset_model::page::Window;
use evalset_model::scalar::Scalar;
use evalset_model::score::ComparedScores;
use evalset_model::trace::{Totals, Trace};
use serde_json::{Value, json};
use std::collections::BTreeMap;

fn span(number: usize, dice: &mut Dice) -> Log {
    let mut log = log(number, dice);
    let text = |log: &mut Log, field, value: Option<&str>| {
        log.scalars.set(field, value.map(|text| Scalar::Text(text.to_owned())));
    };
    let trace = format!("trace {}", dice.below(14));
    text(
        &mut log,
        Field::TraceUniqueId,
        [Some(trace.as_str()), Some(""), None][usize::from(dice.one_in(9)) * dice.below(3)],
    );
    text(&mut log, Field::SpanParentId, *dice.pick(&[None, Some(""), Some("p"), Some("q"), Some("p")]));
    text(
        &mut log,
        Field::LogType,
        *dice.pick(&[None, Some("chat"), Some("generation"), Some("embedding"), Some("tool")]),
    );
    text(&mut log, Field::Status, *dice.pick(&[None, Some("error"), Some("success")]));
    text(&mut log, Field::Environment, *dice.pick(&[Some("prod"), Some("test")]));
    for field in [Field::StartTime, Field::Timestamp] {
        let at = 1_700_000_000_000_000 + dice.below(20) as i64 * 500_000;
        log.scalars.set(field, (!dice.one_in(4)).then_some(Scalar::Time(at)));
    }
    log
}

async fn fill_spans(stores: &Stores, numbers: std::ops::Range<usize>, dice: &mut Dice) -> Vec<Log> {
    let spans: Vec<_> = numbers.map(|number| span(number, dice)).collect();
    stores.logs.insert(request_logs(organization(1)), spans.clone(), Existing::Replace).await.unwrap();
    spans
}

fn compiled(filter: &Value) -> TraceFilter {
    check::traces(&wire::parse_stored(filter).unwrap(), "org").unwrap()
}

fn any_scope(dice: &mut Dice) -> TraceScope {
    let filter = match dice.below(8) {
        0 => json!({"span_count": {"operator": "gt", "value": dice.below(20)}}),
        1 => json!({"environment": "prod", "error_count": {"operator": "lte", "value": dice.below(6)}}),
        2 => json!({"environment": "prod", "llm_call_count": {"value": dice.below(6), "connector": "OR"}}),
        3 => json!({"metadata__tier": "gold"}),
        4 => json!({"key3": {"operator": "isnull", "value": false}, "total_cost": {"operator": "gte", "value": 0.5}}),
        5 => json!({"duration": {"operator": "lt", "value": 5}}),
        6 => json!({"mixed": 1, "total_tokens": {"operator": "gt", "value": 100, "connector": "OR"}}),
        _ => json!({}),
    };
    let roots = if dice.one_in(3) { column_test(dice) } else { Tree::all() };
    TraceScope { filter: compiled(&filter), roots, watermark: None }
}

/// The traces in scope, by the ids of their root spans.
fn expected(spans: &[Log], scope: &TraceScope) -> BTreeMap<LogId, (String, Totals)> {
    let mut traces: BTreeMap<&str, Vec<&Log>> = BTreeMap::new();
    for span in spans {
        if let Some(id) = span.text(Field::TraceUniqueId).filter(|id| !id.is_empty()) {
            traces.entry(id).or_default().push(span);
        }
    }
    let mut found = BTreeMap::new();
    for (id, spans) in traces {
        let mut totals = Totals::default();
        for span in &spans {
            totals.add(span);
        }
        let Some(root) = spans.iter().find(|span| totals.root() == Some(&span.id)) else { continue };
        let trace = Trace { root: (*root).clone(), totals };
        if meaning::holds(&scope.roots, root, &ComparedScores::none()) && holds(&scope.filter, &trace) {
            found.insert(root.id.clone(), (id.to_owned(), trace.totals));
        }
    }
    found
}

/// The ids of the rows, in their order.
async fn ids_of(stores: &Stores, collection: Collection, rows: &[RowNumber]) -> Vec<LogId> {
    let rows = stores.logs.read(collection, rows, crate::logs::With::FIELDS).await.unwrap();
    rows.into_iter().map(|row| row.log.id).collect()
}

async fn named(stores: &Stores, collection: Collection, found: Vec<TraceTotals>) -> Vec<(LogId, (String, Totals))> {
    let roots: Vec<_> = found.iter().map(|trace| trace.root).collect();
    let ids = ids_of(stores, collection, &roots).await;
    ids.into_iter().zip(found.into_iter().map(|trace| (trace.trace, trace.totals))).collect()
}

pub async fn pages_of_traces_agree_with_the_reference(stores: &Stores) {
    let (requests, mut dice) = (request_logs(organization(1)), Dice(21));
    let spans = fill_spans(stores, 0..200, &mut dice).await;
    for _ in 0..120 {
        let (scope, field) = (any_scope(&mut dice), *dice.pick(TOTALS));
        let sort = TraceSort { field, descending: dice.one_in(2) };
        let (offset, limit) = (dice.below(4) as u64, dice.below(9) as u64);
        let mut wanted: Vec<_> = expected(&spans, &scope).into_iter().collect();
        let total = wanted.len() as u64;
        wanted.sort_by(|(_, (_, left)), (_, (_, right))| sort.compare(left, right));
        let wanted: Vec<_> = wanted.into_iter().skip(offset as usize).take(limit as usize).collect();
        let query = TraceQuery { scope: scope.clone(), sort, window: Window { offset, limit } };
        let page = stores.logs.traces(requests, query).await.unwrap();
        assert_eq!(page.total, total, "{scope:?}");
        assert_eq!(named(stores, requests, page.rows).await, wanted, "{scope:?} {sort:?}");
    }
}

/// Spelled out, since the order itself is shared by the stores.
pub async fn traces_are_ordered_by_their_totals(stores: &Stores) {
    let requests = request_logs(organization(1));
    let span = |number: usize, trace: &str, parent: Option<&str>, cost: f64, at: Option<i64>| {
        let mut log = Log::new(log_id(number));
        log.scalars.set_text(Field::TraceUniqueId, trace);
        log.scalars.set(Field::SpanParentId, parent.map(|text| Scalar::Text(text.to_owned())));
        log.scalars.set(Field::Cost, Some(Scalar::Float(cost)));
        log.scalars.set(Field::Timestamp, at.map(Scalar::Time));
        log
    };
    let spans = vec![
        span(0, "a", None, 1.0, Some(30)),
        span(1, "b", None, 0.5, None),
        span(2, "b", Some("x"), 2.0, None),
        span(3, "c", None, 1.0, Some(10)),
        span(4, "rootless", Some("x"), 9.0, Some(1)),
    ];
    stores.logs.insert(requests, spans, Existing::Keep).await.unwrap();
    let field = |name: &str| *TOTALS.iter().find(|field| field.name == name).unwrap();
    for (name, descending, wanted) in [
        ("total_cost", true, ["b", "a", "c"]),
        ("total_cost", false, ["a", "c", "b"]),
        ("start_time", true, ["a", "c", "b"]),
        ("start_time", false, ["c", "a", "b"]),
        ("span_count", true, ["b", "a", "c"]),
    ] {
        let scope = TraceScope { filter: Tree::all(), roots: Tree::all(), watermark: None };
        let sort = TraceSort { field: field(name), descending };
        let query = TraceQuery { scope, sort, window: Window { offset: 0, limit: 9 } };
        let page = stores.logs.traces(requests, query).await.unwrap();
        let found: Vec<_> = page.rows.iter().map(|trace| trace.trace.as_str()).collect();
        assert_eq!((found.as_slice(), page.total), (wanted.as_slice(), 3), "{name} {descending}");
    }
}

pub async fn selected_traces_agree_with_the_reference(stores: &Stores) {
    let (requests, mut dice) = (request_logs(organization(1)), Dice(22));
    let spans = fill_spans(stores, 0..200, &mut dice).await;
    for _ in 0..80 {
        let scope = any_scope(&mut dice);
        let wanted = expected(&spans, &scope);
        let percent = *dice.pick(&[100.0, 40.0, 1.0]);
        let sample = dice.one_in(2).then(|| Sample::Percent { seed: "s".to_owned(), percent });
        let pick = TracePick { scope: scope.clone(), after: None, sample: sample.clone() };
        let found = drained(stores.logs.select_traces(requests, pick).await.unwrap(), 3).await;
        let mut hashes: Vec<_> = wanted.keys().map(|id| sample_hash("s", id)).collect();
        hashes.sort_unstable();
        hashes.truncate(sample_size(hashes.len() as u64, percent) as usize);
        let cutoff = sample.as_ref().and(hashes.last().copied());
        assert_eq!((found.matches, found.cutoff), (wanted.len() as u64, cutoff), "{scope:?} {sample:?}");
        assert!(found.rows.is_sorted_by(|left, right| left > right));
        let totals = stores.logs.trace_totals(requests, &found.rows, None).await.unwrap();
        assert_eq!(totals.iter().map(|trace| trace.root).collect::<Vec<_>>(), found.rows);
        let kept = |id: &LogId| sample.is_none() || cutoff.is_some_and(|cutoff| sample_hash("s", id) <= cutoff);
        let wanted: BTreeMap<_, _> = wanted.into_iter().filter(|(id, _)| kept(id)).collect();
        assert_eq!(named(stores, requests, totals).await.into_iter().collect::<BTreeMap<_, _>>(), wanted);
        // A job that was interrupted makes the same choice for the rest.
        let Some(middle) = found.rows.get(found.rows.len() / 2).copied() else { continue };
        let sample = cutoff.map(|cutoff| Sample::Cutoff { seed: "s".to_owned(), cutoff });
        let pick = TracePick { scope, after: Some(middle), sample };
        let rest = drained(stores.logs.select_traces(requests, pick).await.unwrap(), 100).await;
        assert_eq!(rest.rows, found.rows[found.rows.len() / 2 + 1..]);
    }
}

pub async fn later_spans_are_no_part_of_a_trace(stores: &Stores) {
    let (requests, mut dice) = (request_logs(organization(1)), Dice(23));
    let mut spans = fill_spans(stores, 0..60, &mut dice).await;
    let mark = stores.logs.watermark(requests).await.unwrap();
    fill_spans(stores, 60..150, &mut dice).await;
    stores.logs.delete(requests, &[log_id(7), log_id(31)]).await.unwrap();
    spans.retain(|span| span.id != log_id(7) && span.id != log_id(31));
    let scope = TraceScope { filter: Tree::all(), roots: Tree::all(), watermark: Some(mark) };
    let wanted = expected(&spans, &scope);
    let pick = TracePick { scope, after: None, sample: None };
    let found = drained(stores.logs.select_traces(requests, pick).await.unwrap(), 100).await;
    let totals = stores.logs.trace_totals(requests, &found.rows, Some(mark)).await.unwrap();
    assert_eq!(named(stores, requests, totals).await.into_iter().collect::<BTreeMap<_, _>>(), wanted);
    // A root that is gone, a span that is none, and a number that was never given out have no trace to tell of.
    let gone = found.rows[0];
    stores.logs.delete(requests, &ids_of(stores, requests, &[gone]).await).await.unwrap();
    assert_eq!(stores.logs.trace_totals(requests, &[gone, RowNumber::new(i64::MAX)], Some(mark)).await.unwrap(), []);
    let nowhere = request_logs(organization(2));
    assert_eq!(stores.logs.trace_totals(nowhere, &found.rows, None).await.unwrap(), []);
}
