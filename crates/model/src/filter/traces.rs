//! The filter language over traces (contract C.8): their fields and their values.
//!
//! What a trace takes over from its root span is asked of the root exactly as of a log, so that a store can answer it;
//! only the totals need the whole trace.

use super::check::NamedField;
use super::meaning::{Operand, SortKey, field_holds, test_holds, tree_holds};
use super::tree::{Compare, LogField, LogFilter, Tree};
use crate::field::Field;
use crate::scalar::Kind;
use crate::score::ComparedScores;
use crate::trace::{Totals, Trace};

/// Fields that follow from all spans.
pub const TOTALS: &[NamedField] = &[
    NamedField::new("start_time", Kind::Time),
    NamedField::new("end_time", Kind::Time),
    NamedField::new("duration", Kind::Float),
    NamedField::new("span_count", Kind::Int),
    NamedField::new("llm_call_count", Kind::Int),
    NamedField::new("error_count", Kind::Int),
    NamedField::new("total_prompt_tokens", Kind::Int),
    NamedField::new("total_completion_tokens", Kind::Int),
    NamedField::new("total_tokens", Kind::Int),
    NamedField::new("total_cost", Kind::Float),
];

/// Fields that are those of the root span, by their names on a trace. Metadata is the root's too.
pub const OF_ROOT: &[(&str, Field)] = &[
    ("trace_unique_id", Field::TraceUniqueId),
    ("environment", Field::Environment),
    ("customer_identifier", Field::CustomerIdentifier),
    ("span_workflow_name", Field::SpanWorkflowName),
    ("workflow_name", Field::SpanWorkflowName),
    ("name", Field::SpanName),
    ("trace_group_identifier", Field::TraceGroupIdentifier),
];

/// A field of a trace.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TraceField {
    /// Asked of the root span: one of [`OF_ROOT`], or metadata.
    Root(LogField),
    /// One of [`TOTALS`].
    Total(NamedField),
}

/// Filter over traces, made by `check::traces`.
pub type TraceFilter = Tree<TraceField>;

/// Whether the trace passes.
pub fn holds(filter: &TraceFilter, trace: &Trace) -> bool {
    tree_holds(filter, &mut |Compare { field, test }| match field {
        TraceField::Root(field) => field_holds(field, test, &trace.root, &ComparedScores::none()),
        TraceField::Total(field) => test_holds(test, &operand(field.name, &trace.totals)),
    })
}

/// The parts of the filter that [`of_root`] does not ask: a trace whose root passes that passes the filter if it passes
/// these.
pub fn beyond_root(filter: &TraceFilter) -> TraceFilter {
    match filter {
        Tree::And(parts) => parts.iter().map(beyond_root).fold(Tree::all(), Tree::and),
        other if asked_of_root(other).is_some() => Tree::all(),
        other => other.clone(),
    }
}

/// Whether the filter asks anything of the root span.
pub fn asks_root(filter: &TraceFilter) -> bool {
    let mut asks = false;
    filter.visit(&mut |compare| asks |= matches!(compare.field, TraceField::Root(_)));
    asks
}

/// Whether totals pass a filter that asks nothing of the root span, see [`asks_root`].
pub fn totals_hold(filter: &TraceFilter, totals: &Totals) -> bool {
    tree_holds(filter, &mut |Compare { field, test }| match field {
        TraceField::Root(_) => false,
        TraceField::Total(field) => test_holds(test, &operand(field.name, totals)),
    })
}

/// What traces are ordered by in an order by one of [`TOTALS`].
pub fn order(field: NamedField, totals: &Totals) -> SortKey<'static> {
    match operand(field.name, totals) {
        Operand::Time(at) => SortKey::Int(at),
        Operand::Number(number) => SortKey::Number(number),
        _ => SortKey::Null,
    }
}

/// What the filter asks of the root span alone: the root of every trace that passes the filter passes this.
pub fn of_root(filter: &TraceFilter) -> LogFilter {
    match filter {
        Tree::And(parts) => parts.iter().map(of_root).fold(Tree::all(), Tree::and),
        other => asked_of_root(other).unwrap_or_else(Tree::all),
    }
}

/// The same filter, if it asks nothing but the root span.
fn asked_of_root(filter: &TraceFilter) -> Option<LogFilter> {
    let all = |parts: &[TraceFilter]| parts.iter().map(asked_of_root).collect::<Option<Vec<_>>>();
    match filter {
        Tree::And(parts) => all(parts).map(Tree::And),
        Tree::Or(parts) => all(parts).map(Tree::Or),
        Tree::Not(part) => asked_of_root(part).map(|part| Tree::Not(Box::new(part))),
        Tree::Compare(Compare { field: TraceField::Root(field), test }) => {
            Some(Tree::Compare(Compare { field: field.clone(), test: test.clone() }))
        }
        Tree::Compare(Compare { field: TraceField::Total(_), .. }) => None,
    }
}

/// The value of one of [`TOTALS`]; null for other names.
fn operand(name: &str, totals: &Totals) -> Operand<'static> {
    let time = |at: Option<i64>| at.map_or(Operand::Null, Operand::Time);
    match name {
        "start_time" => time(totals.start),
        "end_time" => time(totals.end),
        "duration" => totals.duration().map_or(Operand::Null, Operand::Number),
        "span_count" => Operand::Number(totals.span_count as f64),
        "llm_call_count" => Operand::Number(totals.llm_call_count as f64),
        "error_count" => Operand::Number(totals.error_count as f64),
        "total_prompt_tokens" => Operand::Number(totals.prompt_tokens as f64),
        "total_completion_tokens" => Operand::Number(totals.completion_tokens as f64),
        "total_tokens" => Operand::Number(totals.total_tokens as f64),
        "total_cost" => Operand::Number(totals.cost),
        _ => Operand::Null,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::Result;
    use crate::filter::testing::{complaint, log, parse};
    use crate::filter::{check, meaning};
    use crate::log::Log;
    use serde_json::{Value, json};

    fn root() -> Log {
        log(
            "r1",
            json!({"trace_unique_id": "t1", "environment": "prod", "customer_identifier": "ann", "span_name": "answer",
                "span_workflow_name": "support", "start_time": "2026-01-01T00:00:00Z",
                "timestamp": "2026-01-01T00:00:04Z", "cost": 0.5, "prompt_tokens": 3, "total_request_tokens": 3,
                "metadata": {"tier": "gold", "a": {"b": 1}}}),
        )
    }

    fn trace() -> Trace {
        let child = log(
            "c1",
            json!({"trace_unique_id": "t1", "span_parent_id": "s1", "start_time": "2026-01-01T00:00:01Z",
                "timestamp": "2026-01-01T00:00:05Z", "cost": 0.25, "prompt_tokens": 7, "completion_tokens": 2,
                "total_request_tokens": 9, "log_type": "chat", "status": "error", "metadata": {"tier": "child"}}),
        );
        let mut totals = Totals::default();
        totals.add(&root());
        totals.add(&child);
        Trace { root: root(), totals }
    }

    fn compile(filter: &Value) -> Result<TraceFilter> {
        check::traces(&parse(filter)?, "org-1")
    }

    #[test]
    fn every_field_can_be_asked() {
        for (filter, expected) in [
            (json!({"trace_unique_id": "t1", "environment": "prod", "customer_identifier": "ann"}), true),
            (
                json!({"span_workflow_name": "support", "workflow_name": {"operator": "startswith", "value": "sup"}}),
                true,
            ),
            (json!({"name": {"operator": "icontains", "value": "ANS"}}), true),
            (json!({"name": "support"}), false),
            (json!({"trace_group_identifier": {"operator": "isnull", "value": true}}), true),
            (json!({"unique_organization_id": "org-1"}), true),
            (json!({"unique_organization_id": "org-2"}), false),
            (json!({"start_time": {"gte": "2026-01-01T00:00:00Z", "lt": "2026-01-01T00:00:00.000001Z"}}), true),
            (json!({"end_time": "2026-01-01T00:00:05Z"}), true),
            (json!({"duration": {"operator": "gte", "value": 5}, "span_count": 2, "llm_call_count": "1"}), true),
            (json!({"duration": {"operator": "gt", "value": 5}}), false),
            (json!({"error_count": {"operator": "not", "value": 0}}), true),
            (json!({"total_prompt_tokens": 10, "total_completion_tokens": 2, "total_tokens": 12}), true),
            (json!({"total_cost": {"operator": "in", "value": [0.75]}}), true),
            (json!({"metadata__tier": "gold", "tier": "gold", "metadata.a.b": 1}), true),
            (json!({"tier": "child"}), false),
            (
                json!({"metadata": {"operator_function": "mapContainsKey", "operator_args": ["tier"], "value": true}}),
                true,
            ),
            (json!({"span_count": 9, "tier": {"value": "gold", "connector": "OR"}}), true),
            (json!({}), true),
        ] {
            assert_eq!(holds(&compile(&filter).unwrap(), &trace()), expected, "{filter}");
        }
    }

    #[test]
    fn fields_of_logs_are_refused_and_not_taken_for_metadata() {
        for name in ["model", "cost", "input", "scores__e1", "dataset_id", "evaluator_id", "annotation_status", "id"] {
            let (field, text) = complaint(&compile(&json!({name: "x"})).unwrap_err());
            assert_eq!(field, format!("filters.{name}"));
            assert!(text.contains("not of traces") && text.contains("llm_call_count"), "{text}");
        }
        for (filter, field) in [
            (json!({"span_count": "many"}), "filters.span_count"),
            (json!({"total_cost": {"operator": "contains", "value": "1"}}), "filters.total_cost.operator"),
            (json!({"metadata__": "x"}), "filters.metadata__"),
            (
                json!({"duration": {"operator_function": "mapContainsKey", "operator_args": ["a"]}}),
                "filters.duration.operator_function",
            ),
        ] {
            assert_eq!(complaint(&compile(&filter).unwrap_err()).0, field);
        }
    }

    #[test]
    fn the_part_asked_of_the_root_is_implied_by_the_whole() {
        let narrowed = |filter: Value| of_root(&compile(&filter).unwrap());
        let passes = |filter: &LogFilter, root: &Log| meaning::holds(filter, root, &ComparedScores::none());
        let mut other = root();
        other.scalars.set_text(Field::Environment, "test");
        let both =
            narrowed(json!({"environment": "prod", "span_count": 9, "tier": {"operator": "not", "value": "lead"}}));
        assert!(passes(&both, &root()) && !passes(&both, &other));
        let either = json!({"environment": "prod", "span_count": {"value": 2, "connector": "OR"}});
        assert!(narrowed(either).is_all(), "the other trace may pass by its spans");
        let not_any = narrowed(json!({"environment": {"operator": "not_in", "value": ["test"]}, "total_cost": 1}));
        assert!(passes(&not_any, &root()) && !passes(&not_any, &other));
        assert!(narrowed(json!({"error_count": {"operator": "not", "value": 0}})).is_all());
    }

    #[test]
    fn what_is_beyond_the_root_is_the_rest_of_the_filter() {
        let beyond = |filter: Value| beyond_root(&compile(&filter).unwrap());
        assert!(beyond(json!({"environment": "prod", "tier": {"operator": "not", "value": "lead"}})).is_all());
        let spans = beyond(json!({"environment": "prod", "span_count": 2}));
        assert!(!asks_root(&spans) && totals_hold(&spans, &trace().totals));
        assert!(!totals_hold(&beyond(json!({"environment": "prod", "span_count": 3})), &trace().totals));
        let either = beyond(json!({"environment": "none", "span_count": {"value": 2, "connector": "OR"}}));
        assert!(asks_root(&either) && holds(&either, &trace()));
    }
}
