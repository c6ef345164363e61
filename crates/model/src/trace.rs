//! Traces: logs that share a `trace_unique_id`, read as one record (contract E.10), and the dataset row that stands for
//! one (contract B.15).
//!
//! A trace is folded span by span into its totals, so that its size does not matter. Knows no filter and no store.

use crate::field::Field;
use crate::ids::LogId;
use crate::log::{Log, annotation, derive};
use crate::scalar::Scalar;

/// What the spans of one trace come to. Times are microseconds since the epoch.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Totals {
    /// Earliest start of a span.
    pub start: Option<i64>,
    /// Latest end of a span.
    pub end: Option<i64>,
    /// Spans.
    pub span_count: u64,
    /// Spans that are calls of a language model, see [`is_llm_call`].
    pub llm_call_count: u64,
    /// Spans whose `status` is `error`.
    pub error_count: u64,
    /// Sum of `prompt_tokens`.
    pub prompt_tokens: i64,
    /// Sum of `completion_tokens`.
    pub completion_tokens: i64,
    /// Sum of `total_request_tokens`.
    pub total_tokens: i64,
    /// Sum of `cost`, USD.
    pub cost: f64,
    root: Option<(i64, LogId)>,
}

impl Totals {
    /// Makes this the root span, which started then, unless the present one comes before it.
    pub fn offer_root(&mut self, start: Option<i64>, id: &LogId) {
        let start = start.unwrap_or(i64::MAX);
        if self.root.as_ref().is_none_or(|(first, root)| (start, id) < (*first, root)) {
            self.root = Some((start, id.clone()));
        }
    }

    /// Adds a span, in any order. Each span once.
    pub fn add(&mut self, span: &Log) {
        let (started, ended) = (span.time(Field::StartTime), span.time(Field::Timestamp));
        let start = started.or(ended);
        self.start = [self.start, start].into_iter().flatten().min();
        self.end = [self.end, ended.or(started)].into_iter().flatten().max();
        self.span_count += 1;
        self.llm_call_count += u64::from(span.text(Field::LogType).is_some_and(is_llm_call));
        self.error_count += u64::from(span.text(Field::Status) == Some("error"));
        let tokens = |field| span.int(field).unwrap_or(0);
        self.prompt_tokens = self.prompt_tokens.saturating_add(tokens(Field::PromptTokens));
        self.completion_tokens = self.completion_tokens.saturating_add(tokens(Field::CompletionTokens));
        self.total_tokens = self.total_tokens.saturating_add(tokens(Field::TotalRequestTokens));
        self.cost += span.float(Field::Cost).unwrap_or(0.0);
        if is_root(span) {
            self.offer_root(start, &span.id);
        }
    }

    /// The root span: of several the one that started first, then the one with the least id. `None` when every span
    /// added has a parent.
    pub fn root(&self) -> Option<&LogId> {
        self.root.as_ref().map(|(_, id)| id)
    }

    /// Seconds from the first start to the last end; never negative.
    pub fn duration(&self) -> Option<f64> {
        Some(self.end?.saturating_sub(self.start?).max(0) as f64 / 1e6)
    }
}

/// Whether the log has no parent span. A log outside of any trace has none either.
pub fn is_root(log: &Log) -> bool {
    log.text(Field::SpanParentId).is_none_or(str::is_empty)
}

/// Whether logs of this type are calls of a language model: conversations, and `generation` as tracers call it.
/// Embeddings and speech are not.
pub fn is_llm_call(log_type: &str) -> bool {
    derive::is_chat_like(log_type) || log_type == "generation"
}

/// A whole trace.
#[derive(Clone, Debug, PartialEq)]
pub struct Trace {
    /// Its root span.
    pub root: Log,
    /// What its spans come to, the root among them.
    pub totals: Totals,
}

impl Trace {
    /// The dataset row of the trace: its root span, unannotated, with the tokens and cost of all spans and with the
    /// duration of the trace as latency.
    pub fn into_row(self) -> Log {
        let Self { root: mut row, totals } = self;
        let measures = [
            (Field::PromptTokens, Some(Scalar::Int(totals.prompt_tokens))),
            (Field::CompletionTokens, Some(Scalar::Int(totals.completion_tokens))),
            (Field::TotalRequestTokens, Some(Scalar::Int(totals.total_tokens))),
            (Field::Cost, Some(Scalar::Float(totals.cost))),
            (Field::Latency, totals.duration().map(Scalar::Float)),
        ];
        for (field, value) in measures {
            row.scalars.set(field, value);
        }
        annotation::release(&mut row, None);
        row
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::filter::testing::log;
    use serde_json::json;

    fn spans() -> Vec<Log> {
        vec![
            log("late root", json!({"start_time": "2026-01-01T00:00:02Z", "timestamp": "2026-01-01T00:00:03Z"})),
            log(
                "root",
                json!({"start_time": "2026-01-01T00:00:01Z", "timestamp": "2026-01-01T00:00:04Z", "log_type": "workflow",
                    "latency": 3, "cost": 0.5, "prompt_tokens": 1, "total_request_tokens": 1, "status": "success",
                    "annotation_status": "completed", "annotation_completed_by": "a@b.c", "metadata": {"tier": "gold"},
                    "input": "q"}),
            ),
            log(
                "child",
                json!({"span_parent_id": "s", "start_time": "2026-01-01T00:00:00.5Z", "timestamp": "2026-01-01T00:00:02Z",
                    "log_type": "chat", "cost": 0.25, "prompt_tokens": 10, "completion_tokens": 5,
                    "total_request_tokens": 15, "status": "error"}),
            ),
            log(
                "untimed",
                json!({"span_parent_id": "s", "timestamp": "2026-01-01T00:00:06Z", "log_type": "generation"}),
            ),
            log("embedding", json!({"span_parent_id": "s", "log_type": "embedding"})),
        ]
    }

    fn totals(spans: &[Log]) -> Totals {
        let mut totals = Totals::default();
        for span in spans {
            totals.add(span);
        }
        totals
    }

    #[test]
    fn spans_are_folded_in_any_order() {
        let mut spans = spans();
        let forward = totals(&spans);
        spans.reverse();
        assert_eq!(forward, totals(&spans));
        assert_eq!((forward.span_count, forward.llm_call_count, forward.error_count), (5, 2, 1));
        assert_eq!((forward.prompt_tokens, forward.completion_tokens, forward.total_tokens), (11, 5, 16));
        assert_eq!((forward.cost, forward.duration()), (0.75, Some(5.5)));
        assert_eq!(forward.root().map(LogId::as_str), Some("root"), "the one that started first");
    }

    #[test]
    fn a_row_is_the_root_with_the_totals_of_the_trace() {
        let spans = spans();
        let row = Trace { root: spans[1].clone(), totals: totals(&spans) }.into_row();
        assert_eq!((row.id.as_str(), row.text(Field::LogType)), ("root", Some("workflow")));
        assert_eq!((row.float(Field::Latency), row.float(Field::Cost)), (Some(5.5), Some(0.75)));
        let tokens = [Field::PromptTokens, Field::CompletionTokens, Field::TotalRequestTokens];
        assert_eq!(tokens.map(|field| row.int(field)), [Some(11), Some(5), Some(16)]);
        assert_eq!(
            (row.text(Field::AnnotationStatus), row.text(Field::AnnotationCompletedBy)),
            (Some("pending"), None)
        );
        assert_eq!((&row.metadata, &row.payload), (&spans[1].metadata, &spans[1].payload));
        assert_eq!(row.time(Field::Timestamp), spans[1].time(Field::Timestamp));
    }

    #[test]
    fn clocks_that_disagree_make_no_negative_duration_and_no_times_make_none() {
        let backwards = log("a", json!({"start_time": "2026-01-01T00:00:02Z", "timestamp": "2026-01-01T00:00:01Z"}));
        assert_eq!(totals(&[backwards]).duration(), Some(0.0));
        let untimed = totals(&[log("a", json!({"span_parent_id": "p", "cost": 1}))]);
        assert_eq!((untimed.duration(), untimed.root()), (None, None));
        let row = Trace { root: log("a", json!({"latency": 2})), totals: untimed }.into_row();
        assert_eq!((row.float(Field::Latency), row.float(Field::Cost)), (None, Some(1.0)));
    }

    #[test]
    fn an_empty_parent_is_no_parent() {
        assert!(is_root(&log("a", json!({"span_parent_id": ""}))));
        assert!(!is_root(&log("a", json!({"span_parent_id": "p"}))));
    }
}
