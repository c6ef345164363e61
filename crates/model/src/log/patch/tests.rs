use super::*;
use crate::ids::LogId;
use crate::limits::Limits;
use crate::log::derive::tests::*;
use crate::log::ingest::{Context, row, span};
use crate::scalar::Scalar;
use serde_json::{Map, Value, json};

const NOW: i64 = 1_767_700_000_000_000;

fn members(body: Value) -> Map<String, Value> {
    match body {
        Value::Object(members) => members,
        other => panic!("not an object: {other}"),
    }
}

fn context(limits: &Limits) -> Context<'_> {
    let (id, now) = (LogId("r".into()), 1_767_667_229_250_313);
    Context { id, now, environment: "prod", key_id: "k".into(), key_name: "ci", log_method: "logging_api", limits }
}

fn sent(body: Value) -> Body {
    Body::of(&members(body), &Limits::default()).unwrap()
}

fn a_row(body: Value) -> Log {
    let limits = Limits::default();
    row(&Body::of(&members(body), &limits).unwrap(), &context(&limits)).unwrap()
}

fn patched(log: &Log, body: Value) -> Log {
    merge(log.clone(), &sent(body), NOW).unwrap()
}

fn chat() -> Log {
    a_row(json!({
        "input": [{"role": "user", "content": "Hi"}],
        "output": {"role": "assistant", "content": "Hello"},
        "expected_output": "Hello!",
        "metadata": {"tier": "gold", "turn": 1, "_internal": true},
        "metrics": {"latency": 2, "faithfulness": 0.5},
        "model": "m", "prompt_tokens": 10, "completion_tokens": 4, "error_code": "c", "error_message": ""
    }))
}

#[test]
fn an_empty_patch_changes_nothing() {
    for body in [json!({}), json!({"unknown": 1, "id": "x", "unique_id": "x", "environment": "test", "failed": true})] {
        assert_eq!(patched(&chat(), body), chat());
    }
}

#[test]
fn content_is_replaced_and_views_follow() {
    let log = patched(&chat(), json!({"input": "Bye", "output": "See you", "expected_output": {"any": "thing"}}));
    assert_eq!(prompt_text(&log).as_deref(), Some("Bye"));
    assert_eq!(messages(&log), Some(json!([{"role": "user", "content": "Bye"}])), "the type stays chat");
    assert_eq!(completion_text(&log).as_deref(), Some("See you"));
    assert_eq!(log.payload.value("expected_output"), json!({"any": "thing"}));
    assert_eq!(log.metadata, chat().metadata);
}

#[test]
fn null_clears() {
    let log = patched(
        &chat(),
        json!({"input": null, "output": null, "expected_output": null, "model": null,
        "error_code": null, "metadata": null, "metrics": null, "prompt_tokens": null}),
    );
    assert!(log.payload.is_empty() && log.metadata.is_empty());
    assert_eq!(log.text(Field::Model), None);
    assert_eq!(log.text(Field::ErrorCode), None);
    assert_eq!(prompt_text(&log), None);
    assert_eq!((log.int(Field::PromptTokens), log.int(Field::TotalRequestTokens)), (None, Some(4)));
}

#[test]
fn text_becomes_the_content_when_the_content_is_not_given() {
    let log = patched(&chat(), json!({"prompt": "New", "completion": "Answer"}));
    assert_eq!((log.payload.value("input"), log.payload.value("output")), (json!("New"), json!("Answer")));
    assert_eq!(prompt_text(&log).as_deref(), Some("New"));
    let log = patched(&log, json!({"prompt": null}));
    assert_eq!(log.payload.get("input"), None);
    assert_eq!(log.payload.value("output"), json!("Answer"));
}

#[test]
fn text_beside_content_is_its_view_until_the_content_changes() {
    let log = patched(&chat(), json!({"input": {"q": 1}, "prompt": "One?", "output": 1, "completion": "One."}));
    assert_eq!(log.payload.value("input"), json!({"q": 1}));
    assert_eq!(prompt_text(&log).as_deref(), Some("One?"));
    assert_eq!(completion_text(&log).as_deref(), Some("One."));
    let log = patched(&log, json!({"input": {"q": 2}, "output": 2}));
    assert_eq!(prompt_text(&log).as_deref(), Some("{\"q\":2}"));
    assert_eq!(completion_text(&log).as_deref(), Some("2"));
    assert_eq!(patched(&chat(), json!({"input": "x", "prompt": "x"})).payload.get("prompt"), None, "says nothing new");
}

#[test]
fn older_bodies_are_read() {
    let older = json!([{"role": "user", "content": "Older"}]);
    let log = patched(
        &chat(),
        json!({"messages": older, "model": "n", "temperature": 0.1,
        "parameters": {"temperature": 0.9, "max_tokens": 5, "tools": [{"type": "function"}], "model": "ignored"}}),
    );
    assert_eq!(log.payload.value("input"), older);
    assert_eq!(log.text(Field::Model), Some("n"));
    assert_eq!(log.float(Field::Temperature), Some(0.1));
    assert_eq!(log.int(Field::MaxTokens), Some(5));
    assert_eq!(log.payload.value("tools"), json!([{"type": "function"}]));
    let beside = patched(&chat(), json!({"input": {"name": "Ada"}, "messages": older}));
    assert_eq!(messages(&beside), Some(older));
    assert_eq!(messages(&patched(&beside, json!({"messages": null}))), None, "forgotten");
}

#[test]
fn metadata_merges_and_metrics_too() {
    let log = patched(
        &chat(),
        json!({"metadata": {"tier": null, "turn": 2, "new": [1]},
        "metrics": {"faithfulness": null, "grade": "A", "ttft": 0.5}}),
    );
    assert_eq!(Value::Object(log.metadata.clone()), json!({"turn": 2, "_internal": true, "new": [1]}));
    assert_eq!(log.payload.value("metrics"), json!({"grade": "A"}));
    assert_eq!(log.float(Field::TimeToFirstToken), Some(0.5));
    assert_eq!(patched(&log, json!({"metrics": {"grade": null}})).payload.get("metrics"), None);
}

#[test]
fn derived_fields_stay_true() {
    let log = patched(&chat(), json!({"completion_tokens": 8}));
    assert_eq!((log.int(Field::TotalRequestTokens), log.float(Field::TokensPerSecond)), (Some(18), Some(4.0)));
    let log = patched(&log, json!({"prompt_tokens": 1, "total_request_tokens": 100, "latency": 4}));
    assert_eq!((log.int(Field::TotalRequestTokens), log.float(Field::TokensPerSecond)), (Some(100), Some(2.0)));
    let log = patched(&log, json!({"status_code": 500}));
    assert_eq!(log.text(Field::Status), Some("error"));
    assert_eq!(log.scalars.get(Field::Failed), Some(&Scalar::Bool(true)));
    let log = patched(&log, json!({"status": "success"}));
    assert_eq!(log.scalars.get(Field::Failed), Some(&Scalar::Bool(false)));
    let log = patched(
        &log,
        json!({"warnings": "slow", "span_parent_id": "p",
        "output": {"role": "assistant", "content": null, "tool_calls": [{"id": "c"}]}}),
    );
    for (field, value) in [(Field::HasWarnings, true), (Field::HasToolCalls, true), (Field::IsRootSpan, false)] {
        assert_eq!(log.scalars.get(field), Some(&Scalar::Bool(value)), "{}", field.name());
    }
    let log = patched(&log, json!({"output": "none", "warnings": null, "span_parent_id": null}));
    for (field, value) in [(Field::HasWarnings, false), (Field::HasToolCalls, false), (Field::IsRootSpan, true)] {
        assert_eq!(log.scalars.get(field), Some(&Scalar::Bool(value)), "{}", field.name());
    }
    assert_eq!(patched(&log, json!({"log_type": null})).text(Field::LogType), Some("chat"));
    assert_eq!(patched(&log, json!({"log_type": "TASK"})).text(Field::LogType), Some("task"));
}

#[test]
fn put_removes_content_left_out_and_keeps_the_rest() {
    let before = chat();
    let log = replace(before.clone(), &sent(json!({"output": "Only this", "metadata": {"new": 1}})), NOW).unwrap();
    assert_eq!(json!(log.payload), json!({"metrics": {"faithfulness": 0.5}, "output": "Only this"}));
    assert_eq!(Value::Object(log.metadata.clone()), json!({"new": 1}));
    assert_eq!((log.text(Field::ErrorCode), log.text(Field::ErrorMessage)), (None, None));
    for field in
        [Field::Timestamp, Field::Cost, Field::PromptTokens, Field::Model, Field::Environment, Field::AnnotationStatus]
    {
        assert_eq!(log.scalars.get(field), before.scalars.get(field), "{}", field.name());
    }
    let empty = replace(before, &sent(json!({})), NOW).unwrap();
    assert_eq!(json!(empty.payload), json!({"metrics": {"faithfulness": 0.5}}));
    assert!(empty.metadata.is_empty());
}

#[test]
fn a_request_log_takes_notes_only() {
    let before =
        span(&sent(json!({"input": "x", "metadata": {"a": 1}})), &context(&Limits::default())).unwrap().unwrap();
    let body = json!({"is_pinned": true, "positive_feedback": "true", "note": "n", "category": "c",
        "metadata": {"a": null, "b": 2}, "input": "changed", "model": "changed", "annotation_status": "completed"});
    let log = annotate_span(before.clone(), &sent(body)).unwrap();
    assert_eq!(log.scalars.get(Field::IsPinned), Some(&Scalar::Bool(true)));
    assert_eq!(log.scalars.get(Field::PositiveFeedback), Some(&Scalar::Bool(true)));
    assert_eq!((log.text(Field::Note), log.text(Field::Category)), (Some("n"), Some("c")));
    assert_eq!(Value::Object(log.metadata.clone()), json!({"b": 2}));
    assert_eq!((&log.payload, log.text(Field::Model)), (&before.payload, None));
    assert_eq!(log.text(Field::AnnotationStatus), None);
    let cleared = annotate_span(log, &sent(json!({"positive_feedback": null}))).unwrap();
    assert_eq!(cleared.scalars.get(Field::PositiveFeedback), None);
    assert_eq!(cleared.text(Field::Note), Some("n"));
}

#[test]
fn bad_changes_name_the_member_and_change_nothing() {
    for (body, message) in [
        (json!({"metadata": 1}), "`metadata` must be an object, got 1"),
        (json!({"metrics": {"cost": "x"}}), "`metrics.cost` must be a number, got \"x\""),
        (json!({"parameters": "x"}), "`parameters` must be an object, got \"x\""),
        (json!({"parameters": {"temperature": "hot"}}), "`parameters.temperature` must be a number, got \"hot\""),
        (json!({"messages": "Hi"}), "`messages` must be an array of objects, got \"Hi\""),
        (json!({"prompt": []}), "`prompt` must be a string, got []"),
        (json!({"completion": 1}), "`completion` must be a string, got 1"),
        (
            json!({"annotation_status": "finished"}),
            "`annotation_status` must be `pending`, `in_progress` or `completed`, got \"finished\"",
        ),
        (json!({"timestamp": null}), "`timestamp` cannot be null: every log has one"),
        (json!({"timestamp": "x"}), "`timestamp` must be an ISO 8601 date and time, got \"x\""),
        (json!({"error_message": {}}), "`error_message` must be a string, got {}"),
        (json!({"tools": "x"}), "`tools` must be an array of objects, got \"x\""),
    ] {
        let body = sent(body);
        for error in [merge(chat(), &body, NOW).unwrap_err(), replace(chat(), &body, NOW).unwrap_err()] {
            assert_eq!(error.to_string(), message);
            assert_eq!(error.by_field().len(), 1, "{message}");
        }
    }
    let error = annotate_span(chat(), &sent(json!({"is_pinned": "very"}))).unwrap_err();
    assert_eq!(error.to_string(), "`is_pinned` must be true or false, got \"very\"");
}
