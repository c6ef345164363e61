use super::*;
use crate::field::Field;
use crate::log::derive::tests::{completion_message, completion_text, messages as view_messages, prompt_text};
use crate::log::{derive, payload};
use crate::scalar::Scalar;
use proptest::prelude::*;
use serde_json::Map;
use serde_json::json;

const NOW: i64 = 1_767_667_229_250_313; // 2026-01-06T02:40:29.250313Z

fn with_limits<T>(limits: &Limits, read: impl FnOnce(&Context<'_>) -> T) -> T {
    read(&Context {
        id: LogId("new".into()),
        now: NOW,
        environment: "test",
        key_id: "key-1".into(),
        key_name: "ci",
        log_method: "logging_api",
        limits,
    })
}

fn members(body: Value) -> Map<String, Value> {
    match body {
        Value::Object(members) => members,
        other => panic!("not an object: {other}"),
    }
}

/// A body, through both doors: as members and as text. They make the same of it.
fn through_both<T: PartialEq + std::fmt::Debug>(
    body: Value,
    limits: &Limits,
    made: impl Fn(&Body) -> Result<T>,
) -> Result<T> {
    let text = serde_json::to_vec_pretty(&body).unwrap();
    let read = match Body::read(&text, limits) {
        Ok(body) => made(&body),
        Err(NoBody::TooLarge(error)) => Err(error),
        Err(other) => panic!("{other:?}"),
    };
    let given = Body::of(&members(body), limits).and_then(|body| made(&body));
    match (&given, &read) {
        (Ok(given), Ok(read)) => assert_eq!(given, read),
        _ => assert_eq!(format!("{given:?}"), format!("{read:?}")),
    }
    given
}

fn try_row(body: Value) -> Result<Log> {
    let limits = Limits::default();
    with_limits(&limits, |context| through_both(body, &limits, |body| row(body, context)))
}

fn try_span(body: Value) -> Result<Option<Log>> {
    let limits = Limits::default();
    with_limits(&limits, |context| through_both(body, &limits, |body| span(body, context)))
}

fn a_row(body: Value) -> Log {
    try_row(body).unwrap()
}

fn a_span(body: Value) -> Log {
    try_span(body).unwrap().unwrap()
}

fn flag(log: &Log, field: Field) -> Option<bool> {
    match log.scalars.get(field) {
        Some(Scalar::Bool(flag)) => Some(*flag),
        _ => None,
    }
}

fn at(text: &str) -> Option<i64> {
    crate::scalar::parse_time(text)
}

#[test]
fn a_row_of_input_only_gets_every_default() {
    let log = a_row(json!({"input": "Hi"}));
    assert_eq!(log.id.as_str(), "new");
    let set: Map<String, Value> =
        log.scalars.iter().map(|(field, value)| (field.name().into(), value.to_json())).collect();
    insta::assert_json_snapshot!(set, @r#"
    {
      "timestamp": "2026-01-06T02:40:29.250313Z",
      "start_time": "2026-01-06T02:40:29.250313Z",
      "environment": "test",
      "log_type": "custom",
      "log_method": "logging_api",
      "organization_key_id": "key-1",
      "organization_key_name": "ci",
      "status": "success",
      "status_code": 200,
      "failed": false,
      "prompt_tokens": 0,
      "completion_tokens": 0,
      "total_request_tokens": 0,
      "cost": 0.0,
      "latency": 0.0,
      "routing_time": 0.0,
      "is_root_span": true,
      "blurred": false,
      "has_tool_calls": false,
      "has_warnings": false,
      "annotation_status": "pending"
    }
    "#);
    assert_eq!(json!(log.payload), json!({"input": "Hi"}));
    assert!(log.metadata.is_empty());
}

#[test]
fn empty_input_is_input() {
    for input in [json!(""), json!([]), json!({}), json!(0), json!(false)] {
        assert_eq!(a_row(json!({"input": input})).payload.value("input"), input);
    }
}

#[test]
fn log_type_of_a_row_follows_its_input() {
    assert_eq!(a_row(json!({"input": [{"role": "user", "content": "x"}]})).text(Field::LogType), Some("chat"));
    assert_eq!(a_row(json!({"input": {"messages": [{"role": "user"}]}})).text(Field::LogType), Some("chat"));
    assert_eq!(a_row(json!({"input": {"q": 1}})).text(Field::LogType), Some("custom"));
    assert_eq!(a_row(json!({"input": "x", "log_type": "TOOL"})).text(Field::LogType), Some("tool"));
    assert_eq!(a_span(json!({"input": {"q": 1}})).text(Field::LogType), Some("chat"));
}

#[test]
fn missing_content_is_read_from_the_older_members() {
    let messages = json!([{"role": "user", "content": "Hi"}]);
    let answer = json!({"role": "assistant", "content": "Hello"});
    for (name, value) in [("prompt_messages", &messages), ("messages", &messages), ("prompt", &json!("Hi"))] {
        let log = a_span(json!({name: value}));
        assert_eq!(json!(log.payload), json!({"input": value}), "{name}");
    }
    let all = a_span(
        json!({"prompt": "Hi", "messages": [{"role": "user", "content": "other"}], "prompt_messages": messages}),
    );
    assert_eq!(all.payload.value("input"), messages);
    for (name, value) in
        [("completion_message", &answer), ("completion_messages", &json!([answer])), ("completion", &json!("Hello"))]
    {
        let log = a_span(json!({name: value}));
        assert_eq!(json!(log.payload), json!({"output": value}), "{name}");
        assert_eq!(completion_text(&log).as_deref(), Some("Hello"), "{name}");
    }
    assert_eq!(a_row(json!({"messages": messages})).payload.value("input"), messages);
}

#[test]
fn stated_views_are_kept_only_when_they_differ() {
    let messages = json!([{"role": "user", "content": "Hi"}]);
    let same = a_span(json!({"input": messages, "messages": messages, "prompt": "Hi",
        "output": "Hello", "completion": "Hello", "completion_message": {"role": "assistant", "content": "Hello"}}));
    assert_eq!(same.payload.names().collect::<Vec<_>>(), ["input", "output"]);
    let other = a_span(json!({"input": {"name": "Ada"}, "prompt_messages": messages, "prompt": "P",
        "output": {"x": 1}, "completion_message": {"role": "assistant", "content": "c"}, "completion": "C"}));
    assert_eq!(view_messages(&other), Some(messages));
    assert_eq!(prompt_text(&other).as_deref(), Some("P"));
    assert_eq!(completion_text(&other).as_deref(), Some("C"));
    assert_eq!(other.payload.value("input"), json!({"name": "Ada"}));
}

#[test]
fn metadata_is_promoted_on_rows_only_and_keeps_its_keys() {
    let metadata = json!({"model": "m", "log_type": "Agent", "custom_identifier": 7, "session_id": "s",
        "customer_identifier": "c", "thread_identifier": "t", "group_identifier": "g", "trace_unique_id": "tr",
        "prompt_id": "p", "prompt_name": "pn", "timestamp": "2026-01-01T00:00:10Z", "start_time": "2026-01-01 00:00:00",
        "status_code": "503", "status": "error", "error_message": "em", "error_code": "ec", "provider": "openai",
        "_secret": 1, "other": null});
    let log = a_row(json!({"input": "x", "metadata": metadata}));
    for (field, text) in [
        (Field::Model, "m"),
        (Field::LogType, "agent"),
        (Field::CustomIdentifier, "7"),
        (Field::SessionIdentifier, "s"),
        (Field::CustomerIdentifier, "c"),
        (Field::ThreadIdentifier, "t"),
        (Field::GroupIdentifier, "g"),
        (Field::TraceUniqueId, "tr"),
        (Field::PromptId, "p"),
        (Field::PromptName, "pn"),
        (Field::Status, "error"),
        (Field::ErrorMessage, "em"),
        (Field::ErrorCode, "ec"),
        (Field::ProviderId, "openai"),
    ] {
        assert_eq!(log.text(field), Some(text), "{}", field.name());
    }
    assert_eq!(log.int(Field::StatusCode), Some(503));
    assert_eq!(log.time(Field::Timestamp), at("2026-01-01T00:00:10Z"));
    assert_eq!(log.float(Field::Latency), Some(10.0));
    assert_eq!(Value::Object(log.metadata), metadata);

    let log = a_span(json!({"input": "x", "metadata": metadata}));
    assert_eq!(log.text(Field::Model), None);
    assert_eq!(log.time(Field::Timestamp), Some(NOW));
    assert_eq!(Value::Object(log.metadata), metadata);
}

#[test]
fn promotion_gives_way_to_the_body_and_to_sense() {
    let log = a_row(json!({"input": "x", "model": "top", "thread_identifier": null,
        "metadata": {"model": "meta", "thread_identifier": "t", "status": {"state": "ok"}, "status_code": "OK"}}));
    assert_eq!(log.text(Field::Model), Some("top"));
    assert_eq!(log.text(Field::ThreadIdentifier), None, "stated as null");
    assert_eq!(log.text(Field::Status), Some("success"), "an object is no status");
    assert_eq!(log.int(Field::StatusCode), Some(200));
    assert_eq!(log.metadata["status_code"], json!("OK"));
}

#[test]
fn metrics_fill_fields_and_keep_the_rest() {
    let log =
        a_row(json!({"input": "x", "metrics": {"input_tokens": 10, "output_tokens": "4", "tokens": 15.0, "cost": 0.5,
        "generation_time": 2, "ttft": 0.25, "faithfulness": 0.9, "labels": ["a"], "none": null}}));
    assert_eq!(log.int(Field::PromptTokens), Some(10));
    assert_eq!(log.int(Field::CompletionTokens), Some(4));
    assert_eq!(log.int(Field::TotalRequestTokens), Some(15));
    assert_eq!(log.float(Field::Cost), Some(0.5));
    assert_eq!(log.float(Field::Latency), Some(2.0));
    assert_eq!(log.float(Field::TimeToFirstToken), Some(0.25));
    assert_eq!(log.float(Field::TokensPerSecond), Some(2.0));
    assert_eq!(log.payload.value("metrics"), json!({"faithfulness": 0.9, "labels": ["a"]}));
}

#[test]
fn sources_of_measurements_have_an_order() {
    let log = a_span(json!({"input": "x", "prompt_tokens": 1, "input_tokens": 2,
        "metrics": {"prompt_tokens": 3, "completion_tokens": 4, "usage": {"total_tokens": 99}},
        "usage": {"prompt_tokens": 5, "completion_tokens": 6, "total_tokens": 7}}));
    assert_eq!(log.int(Field::PromptTokens), Some(1));
    assert_eq!(log.int(Field::CompletionTokens), Some(4));
    assert_eq!(log.int(Field::TotalRequestTokens), Some(7));
    let log = a_span(
        json!({"input": "x", "latency": null, "generation_time": 3, "metrics": {"usage": {"total_tokens": 99}}}),
    );
    assert_eq!(log.float(Field::Latency), Some(3.0));
    assert_eq!(log.int(Field::TotalRequestTokens), Some(99));
}

#[test]
fn usage_of_each_provider_is_read() {
    let log = a_span(json!({"input": "x", "usage": {"input_tokens": 100, "output_tokens": 20,
        "cache_creation_input_tokens": 30, "cache_read_input_tokens": 40}}));
    assert_eq!(log.int(Field::PromptTokens), Some(100));
    assert_eq!(log.int(Field::CompletionTokens), Some(20));
    assert_eq!(log.int(Field::TotalRequestTokens), Some(120));
    assert_eq!(log.int(Field::PromptCacheCreationTokens), Some(30));
    assert_eq!(log.int(Field::PromptCacheHitTokens), Some(40));
    let log = a_span(json!({"input": "x", "usage": {"cache_creation_prompt_tokens": 3,
        "prompt_tokens_details": {"cached_tokens": 8}, "completion_tokens_details": {"reasoning_tokens": 9}}}));
    assert_eq!(log.int(Field::PromptCacheCreationTokens), Some(3));
    assert_eq!(log.int(Field::PromptCacheHitTokens), Some(8));
    assert_eq!(log.int(Field::ReasoningTokens), Some(9));
    assert_eq!(log.payload.value("usage")["cache_creation_prompt_tokens"], json!(3));
}

#[test]
fn cost_comes_from_unit_prices_unless_given() {
    let prices = json!({"input": "x", "prompt_tokens": 1_000_000, "completion_tokens": 500_000,
        "prompt_unit_price": 2.5, "completion_unit_price": 10});
    assert_eq!(a_span(prices.clone()).float(Field::Cost), Some(7.5));
    let mut given = prices;
    given["cost"] = json!(0.25);
    assert_eq!(a_span(given).float(Field::Cost), Some(0.25));
    assert_eq!(a_span(json!({"input": "x", "prompt_tokens": 9})).float(Field::Cost), Some(0.0));
}

#[test]
fn times_and_latency_follow_from_each_other() {
    let log = a_span(json!({"input": "x", "timestamp": "2026-01-06T02:40:29.250313Z", "latency": 0.516}));
    assert_eq!(log.time(Field::StartTime), at("2026-01-06T02:40:28.734313Z"));
    let log =
        a_span(json!({"input": "x", "timestamp": "2026-01-06T02:00:02+02:00", "start_time": "2026-01-06T00:00:00.5Z"}));
    assert_eq!(log.float(Field::Latency), Some(1.5));
    let log = a_span(json!({"input": "x", "timestamp": "2026-01-06T00:00:00Z", "start_time": "2026-01-06T00:00:05Z"}));
    assert_eq!(log.float(Field::Latency), Some(0.0), "clocks that disagree are no negative latency");
    let log = a_span(json!({"input": "x", "start_time": "2020-01-06T00:00:05Z"}));
    assert_eq!((log.time(Field::Timestamp), log.float(Field::Latency)), (Some(NOW), Some(0.0)));
    let log = a_span(json!({"input": "x", "latency": 1e300, "completion_tokens": 1}));
    assert_eq!(log.time(Field::StartTime), at("0001-01-01T00:00:00Z"), "kept within the years that can be written");
    let log = a_span(json!({"input": "x", "latency": 1e-320, "completion_tokens": 1000}));
    assert_eq!(log.float(Field::TokensPerSecond), None, "never infinite");
}

#[test]
fn status_follows_code_and_message_unless_given() {
    for (body, status, failed) in [
        (json!({"input": 1}), "success", false),
        (json!({"input": 1, "status_code": 399}), "success", false),
        (json!({"input": 1, "status_code": 400}), "error", true),
        (json!({"input": 1, "error_message": "boom"}), "error", true),
        (json!({"input": 1, "error_message": ""}), "success", false),
        (json!({"input": 1, "status_code": 500, "status": "success"}), "success", false),
        (json!({"input": 1, "status": "error"}), "error", true),
    ] {
        let log = a_span(body.clone());
        assert_eq!((log.text(Field::Status), flag(&log, Field::Failed)), (Some(status), Some(failed)), "{body}");
    }
}

#[test]
fn session_is_the_trace_group_then_the_thread() {
    for (body, session) in [
        (json!({"input": 1}), None),
        (json!({"input": 1, "thread_identifier": 5}), Some("5")),
        (json!({"input": 1, "thread_identifier": "t", "trace_group_identifier": "g"}), Some("g")),
        (json!({"input": 1, "trace_group_identifier": "g", "session_id": "s"}), Some("s")),
        (json!({"input": 1, "trace_group_identifier": "g", "session_identifier": "s"}), Some("s")),
    ] {
        assert_eq!(a_span(body.clone()).text(Field::SessionIdentifier), session, "{body}");
    }
}

#[test]
fn customer_params_and_prompt_references_are_lifted() {
    let log = a_span(json!({"input": "x", "customer_email": "top@example.com",
        "customer_params": {"customer_identifier": 12, "email": "a@example.com", "name": "Ada", "extra": true},
        "prompt": {"prompt_id": "p1", "variables": {"a": 1}}}));
    assert_eq!(log.text(Field::CustomerIdentifier), Some("12"));
    assert_eq!(log.text(Field::CustomerEmail), Some("top@example.com"));
    assert_eq!(log.text(Field::CustomerName), Some("Ada"));
    assert_eq!(log.text(Field::PromptId), Some("p1"));
    assert_eq!(log.payload.value("variables"), json!({"a": 1}));
    assert_eq!(log.payload.value("customer_params")["extra"], json!(true));
}

#[test]
fn namespaces_give_way_to_the_body() {
    let log = a_span(json!({"input": "x", "model": "top",
        "respan_params": {"model": "r", "custom_identifier": "r", "provider_id": null},
        "keywordsai_params": {"model": "k", "custom_identifier": "k", "provider_id": "k", "metadata": {"k": 1}, "output": "o"}}));
    assert_eq!(log.text(Field::Model), Some("top"));
    assert_eq!(log.text(Field::CustomIdentifier), Some("r"));
    assert_eq!(log.text(Field::ProviderId), Some("k"));
    assert_eq!(log.metadata["k"], json!(1));
    assert_eq!(log.payload.value("output"), json!("o"));
}

#[test]
fn a_span_may_ask_not_to_be_kept_and_may_bring_its_id() {
    assert_eq!(try_span(json!({"disable_log": true})).unwrap(), None);
    assert_eq!(try_span(json!({"input": 1, "respan_params": {"disable_log": "true"}})).unwrap(), None);
    assert!(try_span(json!({"input": 1, "disable_log": false})).unwrap().is_some());
    assert_eq!(a_span(json!({"input": 1, "unique_id": "mine/1"})).id.as_str(), "mine/1");
    assert_eq!(a_span(json!({"input": 1, "unique_id": "é".repeat(255)})).id.as_str().chars().count(), 255);
    assert_eq!(a_row(json!({"input": 1, "unique_id": "mine"})).id.as_str(), "new", "rows get their id from the caller");
}

#[test]
fn a_span_needs_content_or_a_place_in_a_trace() {
    for body in [json!({"output": ""}), json!({"trace_unique_id": "t"}), json!({"span_unique_id": "s"})] {
        assert!(try_span(body.clone()).is_ok(), "{body}");
    }
    for body in [json!({}), json!({"model": "m"}), json!({"input": null, "output": null}), json!({"metadata": {}})] {
        assert!(try_span(body.clone()).is_err(), "{body}");
    }
}

#[test]
fn what_the_server_says_is_not_the_bodys_to_say() {
    let log =
        a_span(json!({"input": 1, "environment": "prod", "organization_key_id": "x", "failed": true, "blurred": true,
        "has_tool_calls": true, "is_root_span": false, "log_method": "x", "annotation_status": "completed",
        "scores": {"a": 1}, "limit_info": {}, "unknown": [1]}));
    assert_eq!(log.text(Field::Environment), Some("test"));
    assert_eq!(log.text(Field::OrganizationKeyId), Some("key-1"));
    assert_eq!(log.text(Field::LogMethod), Some("logging_api"));
    for field in [Field::Failed, Field::Blurred, Field::HasToolCalls] {
        assert_eq!(flag(&log, field), Some(false), "{}", field.name());
    }
    assert_eq!(flag(&log, Field::IsRootSpan), Some(true));
    assert_eq!(log.text(Field::AnnotationStatus), None, "request logs are not annotated");
    assert_eq!(log.payload.names().collect::<Vec<_>>(), ["input"]);
    let row = a_row(json!({"input": 1, "annotation_status": "completed"}));
    assert_eq!(row.text(Field::AnnotationStatus), Some("completed"));
}

#[test]
fn a_parent_makes_no_root() {
    assert_eq!(flag(&a_span(json!({"input": 1, "span_parent_id": "p"})), Field::IsRootSpan), Some(false));
    let root = a_span(json!({"input": 1, "span_parent_id": ""}));
    assert_eq!((flag(&root, Field::IsRootSpan), root.text(Field::SpanParentId)), (Some(true), None));
}

#[test]
fn tool_calls_are_lifted_from_output_and_response() {
    let calls = json!([{"id": "c1", "type": "function"}]);
    let message = json!({"role": "assistant", "content": null, "tool_calls": calls});
    for body in [
        json!({"output": message}),
        json!({"output": message.to_string()}),
        json!({"output": {"choices": [{"message": message}]}}),
        json!({"completion_message": message, "output": "x"}),
        json!({"output": "x", "full_response": {"choices": [{"message": message}]}}),
        json!({"output": "x", "full_response": {"tool_calls": calls}}),
        json!({"output": "x", "tool_calls": calls}),
        json!({"output": "x", "tool_calls": calls.to_string()}),
        json!({"output": {"tool_calls": calls}}),
    ] {
        let log = a_span(body.clone());
        assert_eq!(derive::tool_calls(&log).as_deref(), Some(calls.to_string().as_str()), "{body}");
        assert_eq!(flag(&log, Field::HasToolCalls), Some(true), "{body}");
    }
    let log = a_span(json!({"output": message, "tool_calls": calls}));
    assert_eq!(log.payload.names().collect::<Vec<_>>(), ["output"], "not stored twice");
    let log = a_span(json!({"output": {"role": "assistant", "content": "x", "tool_calls": []}}));
    assert_eq!(flag(&log, Field::HasToolCalls), Some(false));
}

#[test]
fn warnings_count_when_there_is_something_in_them() {
    for (warnings, has) in [
        (json!(null), false),
        (json!(""), false),
        (json!({}), false),
        (json!([]), false),
        (json!("slow"), true),
        (json!({"a": 1}), true),
    ] {
        let log = a_span(json!({"input": 1, "warnings": warnings}));
        assert_eq!(flag(&log, Field::HasWarnings), Some(has), "{warnings}");
    }
}

#[test]
fn ideal_output_stands_in_for_expected_output() {
    let log = a_span(json!({"input": 1, "ideal_output": "i"}));
    assert_eq!(json!(log.payload), json!({"input": 1, "expected_output": "i"}));
    let log = a_span(json!({"input": 1, "ideal_output": "i", "expected_output": {"e": 1}}));
    assert_eq!(log.payload.value("expected_output"), json!({"e": 1}));
    assert_eq!(log.payload.value("ideal_output"), json!("i"));
}

#[test]
fn credentials_are_not_stored() {
    let log = a_span(json!({"input": 1,
        "full_request": {"model": "m", "api_key": "sk-1", "headers": {"Authorization": ["Bearer sk-2"], "X-API-Key": "sk-3",
            "accept": "x"}, "extra": [{"OPENAI_API_KEY": "sk-4", "client-secret": "sk-5"}],
            "tools": [{"parameters": {"properties": {"password": {"type": "string"}}}}], "max_tokens": 5},
        "full_response": {"config": {"access_token": "sk-6", "id": "r"}}}));
    let stored = serde_json::to_string(&log.payload).unwrap();
    assert!(!stored.contains("sk-"), "{stored}");
    assert_eq!(
        log.payload.value("full_request"),
        json!({"model": "m", "headers": {"accept": "x"}, "extra": [{}],
            "tools": [{"parameters": {"properties": {"password": {"type": "string"}}}}], "max_tokens": 5})
    );
    assert_eq!(log.payload.value("full_response"), json!({"config": {"id": "r"}}));
    let text = a_span(json!({"input": 1, "full_request": "{\"api_key\": \"sk-7\", \"n\": 1}"}));
    assert_eq!(text.payload.value("full_request"), json!({"n": 1}), "JSON text is read before it is searched");
}

#[test]
fn every_kept_member_has_a_shape_and_is_kept() {
    let read_elsewhere = ["prompt_messages", "completion_message", "ideal_output"];
    for name in payload::KEPT.iter().filter(|name| !read_elsewhere.contains(name)) {
        let Some(shape) = members::shape_of(name) else {
            assert_eq!(*name, "limit_info", "the server's to say");
            continue;
        };
        let sample = match shape {
            members::Shape::Any => json!("any"),
            members::Shape::Object => json!({"a": 1}),
            members::Shape::Array | members::Shape::Objects => json!([{"a": 1}]),
            members::Shape::Number => json!(1.5),
        };
        let log = a_span(json!({"input": "x", "output": "y", *name: sample}));
        assert_eq!(log.payload.value(name), sample, "{name}");
    }
}

#[test]
fn a_row_over_the_limit_names_it() {
    let limits = Limits { max_row_bytes: 40, ..Limits::default() };
    let fits = json!({"input": "x".repeat(28)}); // {"input":"…"} is 12 bytes more
    let over = json!({"input": "x".repeat(29)});
    with_limits(&limits, |context| {
        let log = through_both(fits, &limits, |body| row(body, context)).unwrap();
        assert!(check_size(&log, &limits).is_err(), "the pair of metadata and payload is larger than the body was");
        for error in [
            through_both(over.clone(), &limits, |body| row(body, context)).unwrap_err(),
            through_both(over, &limits, |body| span(body, context)).unwrap_err(),
        ] {
            assert!(
                matches!(&error, Error::TooLarge(text)
                if text == "one log may have at most 40 bytes of JSON (`limits.max_row_bytes`)"),
                "{error}"
            );
        }
    });
}

#[test]
fn what_is_too_deep_to_read_back_is_refused() {
    let nested = |levels: usize| (0..levels).fold(json!("x"), |inner, _| json!([inner]));
    let within = a_row(json!({"input": nested(MAX_DEPTH), "metadata": {"a": nested(MAX_DEPTH)}}));
    assert!(check_size(&within, &Limits::default()).is_ok());
    let text = format!("{{\"a\":{}}}", nested(MAX_DEPTH));
    for (body, field) in [
        (json!({"input": nested(MAX_DEPTH + 1)}), "input"),
        (json!({"input": 1, "metadata": {"a": nested(MAX_DEPTH + 1)}}), "metadata"),
        (json!({"input": 1, "full_request": text}), "full_request"),
    ] {
        let error = try_row(body).unwrap_err();
        assert_eq!(error.to_string(), format!("`{field}` may be nested at most 100 levels deep"));
        assert!(error.by_field().contains_key(field));
    }
}

/// Each of these, beside a good input where it has none of its own, is refused for this member with this message.
fn assert_bad_rows(table: &[(Value, &str, &str)]) {
    for (body, field, message) in table {
        let mut body = body.clone();
        if body.get("input").is_none() && body.as_object().is_some_and(|members| !members.is_empty()) {
            body["input"] = json!("x");
        }
        let error = try_row(body.clone()).expect_err(&body.to_string());
        assert_eq!(error.to_string(), *message, "{body}");
        assert_eq!(error.by_field().into_keys().collect::<Vec<_>>(), [*field], "{body}");
    }
}

#[test]
fn bad_content_and_measures_name_the_member_and_what_is_allowed() {
    assert_bad_rows(&[
        (json!({}), "input", "`input` is required: a string, object or array that is not null"),
        (
            json!({"input": null, "output": 1}),
            "input",
            "`input` is required: a string, object or array that is not null",
        ),
        (json!({"metadata": []}), "metadata", "`metadata` must be an object, got []"),
        (json!({"metadata": "x"}), "metadata", "`metadata` must be an object, got \"x\""),
        (json!({"metrics": 3}), "metrics", "`metrics` must be an object, got 3"),
        (json!({"metrics": {"cost": "free"}}), "metrics.cost", "`metrics.cost` must be a number, got \"free\""),
        (json!({"metrics": {"cost": "NaN"}}), "metrics.cost", "`metrics.cost` must be a number, got \"NaN\""),
        (json!({"metrics": {"latency": "inf"}}), "metrics.latency", "`metrics.latency` must be a number, got \"inf\""),
        (json!({"metrics": {"ttft": [1]}}), "metrics.ttft", "`metrics.ttft` must be a number, got [1]"),
        (json!({"metrics": {"tokens": 1.5}}), "metrics.tokens", "`metrics.tokens` must be an integer, got 1.5"),
        (
            json!({"metrics": {"usage": {"total_tokens": "x"}}}),
            "metrics.usage.total_tokens",
            "`metrics.usage.total_tokens` must be an integer, got \"x\"",
        ),
        (json!({"usage": 1}), "usage", "`usage` must be an object, got 1"),
        (
            json!({"usage": {"prompt_tokens": true}}),
            "usage.prompt_tokens",
            "`usage.prompt_tokens` must be an integer, got true",
        ),
        (
            json!({"usage": {"prompt_tokens_details": {"cached_tokens": "n"}}}),
            "usage.prompt_tokens_details.cached_tokens",
            "`usage.prompt_tokens_details.cached_tokens` must be an integer, got \"n\"",
        ),
        (json!({"prompt_tokens": "many"}), "prompt_tokens", "`prompt_tokens` must be an integer, got \"many\""),
        (
            json!({"prompt_tokens": 9_007_199_254_740_993_i64}),
            "prompt_tokens",
            "`prompt_tokens` must be an integer between -9007199254740992 and 9007199254740992, got 9007199254740993",
        ),
        (json!({"input_tokens": {}}), "input_tokens", "`input_tokens` must be an integer, got {}"),
    ]);
}

#[test]
fn bad_fields_and_structures_name_the_member_and_what_is_allowed() {
    let text = |count: usize| "x".repeat(count);
    assert_bad_rows(&[
        (json!({"cost": true}), "cost", "`cost` must be a number, got true"),
        (json!({"latency": ""}), "latency", "`latency` must be a number, got \"\""),
        (json!({"generation_time": []}), "generation_time", "`generation_time` must be a number, got []"),
        (json!({"status_code": "OK"}), "status_code", "`status_code` must be an integer, got \"OK\""),
        (json!({"model": ["m"]}), "model", "`model` must be a string, got [\"m\"]"),
        (
            json!({"custom_identifier": {"a": 1}}),
            "custom_identifier",
            "`custom_identifier` must be a string, got {\"a\":1}",
        ),
        (json!({"stream": "maybe"}), "stream", "`stream` must be true or false, got \"maybe\""),
        (json!({"positive_feedback": 2}), "positive_feedback", "`positive_feedback` must be true or false, got 2"),
        (
            json!({"timestamp": "yesterday"}),
            "timestamp",
            "`timestamp` must be an ISO 8601 date and time, got \"yesterday\"",
        ),
        (json!({"timestamp": ""}), "timestamp", "`timestamp` must be an ISO 8601 date and time, got \"\""),
        (
            json!({"timestamp": 1_767_667_229}),
            "timestamp",
            "`timestamp` must be an ISO 8601 date and time, got 1767667229",
        ),
        (
            json!({"timestamp": "0000-12-31T23:59:59Z"}),
            "timestamp",
            "`timestamp` must be a time in the years 1 to 9999 (UTC), got \"0000-12-31T23:59:59Z\"",
        ),
        (
            json!({"start_time": "9999-12-31T23:59:59-01:00"}),
            "start_time",
            "`start_time` must be a time in the years 1 to 9999 (UTC), got \"9999-12-31T23:59:59-01:00\"",
        ),
        (
            json!({"metadata": {"timestamp": "soon"}}),
            "metadata.timestamp",
            "`metadata.timestamp` must be an ISO 8601 date and time, got \"soon\"",
        ),
        (json!({"span_name": text(256)}), "span_name", "`span_name` must be at most 255 characters, got 256"),
        (
            json!({"annotation_status": "done"}),
            "annotation_status",
            "`annotation_status` must be `pending`, `in_progress` or `completed`, got \"done\"",
        ),
        (json!({"messages": ["Hi"]}), "messages", "`messages` must be an array of objects, got [\"Hi\"]"),
        (
            json!({"prompt_messages": {"role": "user"}}),
            "prompt_messages",
            "`prompt_messages` must be an array of objects, got {\"role\":\"user\"}",
        ),
        (
            json!({"completion_message": "Hi"}),
            "completion_message",
            "`completion_message` must be an object, got \"Hi\"",
        ),
        (json!({"prompt": 3}), "prompt", "`prompt` must be a string, got 3"),
        (json!({"completion": {}}), "completion", "`completion` must be a string, got {}"),
        (json!({"tools": {"a": 1}}), "tools", "`tools` must be an array of objects, got {\"a\":1}"),
        (json!({"tool_calls": "none"}), "tool_calls", "`tool_calls` must be an array of objects, got \"none\""),
        (json!({"variables": []}), "variables", "`variables` must be an object, got []"),
        (json!({"full_request": "raw"}), "full_request", "`full_request` must be an object, got \"raw\""),
        (
            json!({"prompt_unit_price": "cheap"}),
            "prompt_unit_price",
            "`prompt_unit_price` must be a number, got \"cheap\"",
        ),
        (json!({"customer_params": "c"}), "customer_params", "`customer_params` must be an object, got \"c\""),
        (
            json!({"customer_params": {"email": ["a"]}}),
            "customer_params.email",
            "`customer_params.email` must be a string, got [\"a\"]",
        ),
        (
            json!({"model": {"name": text(80)}}),
            "model",
            &format!("`model` must be a string, got {{\"name\":\"{}…", text(51)),
        ),
    ]);
}

#[test]
fn bad_spans_name_the_member_and_what_is_allowed() {
    let long = "x".repeat(256);
    let id = "a string of 1 to 255 characters without control characters";
    for (body, field, message) in [
        (
            json!({}),
            "input",
            "a log needs `input`, `output`, `messages`, or a trace place (`trace_unique_id`, `span_unique_id`)"
                .to_owned(),
        ),
        (json!({"input": 1, "unique_id": ""}), "unique_id", format!("`unique_id` must be {id}, got \"\"")),
        (json!({"input": 1, "unique_id": 5}), "unique_id", format!("`unique_id` must be {id}, got 5")),
        (json!({"input": 1, "unique_id": "a\nb"}), "unique_id", format!("`unique_id` must be {id}, got \"a\\nb\"")),
        (
            json!({"input": 1, "unique_id": long}),
            "unique_id",
            format!("`unique_id` must be {id}, got \"{}…", "x".repeat(59)),
        ),
        (
            json!({"input": 1, "disable_log": "perhaps"}),
            "disable_log",
            "`disable_log` must be true or false, got \"perhaps\"".to_owned(),
        ),
        (
            json!({"input": 1, "respan_params": []}),
            "respan_params",
            "`respan_params` must be an object, got []".to_owned(),
        ),
        (
            json!({"input": 1, "keywordsai_params": {"model": {}}}),
            "keywordsai_params.model",
            "`keywordsai_params.model` must be a string, got {}".to_owned(),
        ),
        (
            json!({"input": 1, "respan_params": {"metadata": 1}}),
            "respan_params.metadata",
            "`respan_params.metadata` must be an object, got 1".to_owned(),
        ),
        (
            json!({"prompt": {"variables": 1, "prompt_id": "p"}, "output": 1}),
            "prompt.variables",
            "`prompt.variables` must be an object, got 1".to_owned(),
        ),
    ] {
        let error = try_span(body.clone()).expect_err(&body.to_string());
        assert_eq!(error.to_string(), message, "{body}");
        assert_eq!(error.by_field().into_keys().collect::<Vec<_>>(), [field], "{body}");
    }
}

/// Any JSON of moderate size, with the names and words that mean something among the leaves.
fn any_json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        ".{0,12}".prop_map(Value::from),
        prop_oneof![Just("[]"), Just("{\"role\":\"user\"}"), Just("[{\"role\":\"system\"}]"), Just("2026-01-01")]
            .prop_map(Value::from),
    ];
    let name = prop_oneof![
        "[a-z_]{1,6}".boxed(),
        Just("role".to_owned()).boxed(),
        Just("content".to_owned()).boxed(),
        Just("tool_calls".to_owned()).boxed(),
        Just("choices".to_owned()).boxed(),
        Just("message".to_owned()).boxed(),
        Just("messages".to_owned()).boxed(),
    ];
    leaf.prop_recursive(4, 24, 5, move |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..5).prop_map(Value::from),
            prop::collection::vec((name.clone(), inner), 0..5)
                .prop_map(|pairs| Value::Object(pairs.into_iter().collect())),
        ]
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    /// Whatever a body holds under names that mean something: an error or a log, never a panic; a log never holds
    /// nulls.
    #[test]
    fn any_value_under_any_name_is_read_or_refused(
        pairs in prop::collection::vec((prop::sample::select(names()), any_json()), 0..6),
    ) {
        let body: Map<String, Value> = pairs.into_iter().collect();
        for log in [try_row(Value::Object(body.clone())).ok(), try_span(Value::Object(body)).ok().flatten()].into_iter().flatten() {
            prop_assert!(log.payload.iter().all(|(_, value)| !value.is_null()));
            prompt_text(&log);
            completion_text(&log);
            let are_objects = |found: &str| derive::are_objects(Json::written(found));
            prop_assert!(derive::input_messages(&log).is_none_or(|messages| are_objects(&messages)), "T6");
            prop_assert!(completion_message(&log).is_none_or(|message| message.is_object()));
            prop_assert!(derive::tool_calls(&log).is_none_or(|calls| are_objects(&calls)));
        }
    }
}

fn names() -> Vec<String> {
    let mut names: Vec<String> = Field::ALL.iter().map(|field| field.name().to_owned()).collect();
    names.extend(Field::ALL.iter().flat_map(|field| field.spec().aliases).map(|alias| (*alias).to_owned()));
    names.extend(payload::KEPT.iter().map(|name| (*name).to_owned()));
    for name in
        ["input", "output", "expected_output", "messages", "prompt", "completion", "metadata", "metrics", "unique_id"]
    {
        names.extend([name.to_owned(), name.to_owned()]);
    }
    names
}
