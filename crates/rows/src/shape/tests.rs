use super::*;
use evalset_model::ids::{LogId, OrganizationId};
use evalset_model::limits::Limits;
use evalset_model::log::ingest;
use serde_json::json;
use uuid::Uuid;

fn organization() -> Organization {
    Organization { id: OrganizationId(Uuid::from_u128(0x8264)), number: 1, name: "Acme".into(), created_at: 0 }
}

fn context(limits: &Limits) -> ingest::Context<'_> {
    ingest::Context {
        id: LogId("9a".into()),
        now: 1_767_667_229_250_313,
        environment: "prod",
        key_id: "key-1".into(),
        key_name: "ci",
        log_method: "logging_api",
        limits,
    }
}

fn members(body: Value) -> Map<String, Value> {
    match body {
        Value::Object(members) => members,
        other => panic!("not an object: {other}"),
    }
}

fn row(body: Value) -> Log {
    ingest::row(&ingest::Body::of(&members(body), &Limits::default()).unwrap(), &context(&Limits::default())).unwrap()
}

fn span(body: Value) -> Log {
    ingest::span(&ingest::Body::of(&members(body), &Limits::default()).unwrap(), &context(&Limits::default()))
        .unwrap()
        .unwrap()
}

fn chat() -> Value {
    json!({
        "input": [{"role": "user", "content": "Hi"}], "output": {"role": "assistant", "content": "Hello"},
        "metadata": {"tier": "gold", "_internal": 1}, "metrics": {"latency": 0.516, "grade": "A"},
        "model": "gpt-4o-mini", "prompt_tokens": 20, "completion_tokens": 5, "cost": 0.0001, "custom_identifier": 7,
        "tools": [{"type": "function"}]
    })
}

fn listed(log: &Log, include: Option<&IncludeFields>) -> Map<String, Value> {
    to_map(&ListRow::new(log, &RowContext::new(&organization(), Some("1f0c".into())), include))
}

fn detailed(log: &Log) -> Map<String, Value> {
    to_map(&DetailRow::new(log, &RowContext::new(&organization(), Some("1f0c".into())), None))
}

#[test]
fn a_list_row_is_as_the_contract_shows_it() {
    insta::assert_json_snapshot!(listed(&row(chat()), None), @r#"
    {
      "id": "9a",
      "unique_id": "9a",
      "dataset_id": "1f0c",
      "organization_id": "00000000-0000-0000-0000-000000008264",
      "timestamp": "2026-01-06T02:40:29.250313Z",
      "start_time": "2026-01-06T02:40:28.734313Z",
      "environment": "prod",
      "log_type": "chat",
      "model": "gpt-4o-mini",
      "status": "success",
      "status_code": 200,
      "prompt_tokens": 20,
      "completion_tokens": 5,
      "total_request_tokens": 25,
      "cost": 0.0001,
      "latency": 0.516,
      "custom_identifier": "7",
      "annotation_status": "pending",
      "annotation_completed_by": {
        "first_name": "",
        "last_name": "",
        "email": ""
      },
      "prompt": "Hi",
      "completion": "Hello",
      "input": [
        {
          "role": "user",
          "content": "Hi"
        }
      ],
      "output": {
        "role": "assistant",
        "content": "Hello"
      },
      "expected_output": null,
      "metadata": {
        "tier": "gold"
      },
      "scores": {}
    }
    "#);
}

#[test]
fn a_detail_row_has_every_member() {
    let mut shown = detailed(&row(chat()));
    let fields = Field::ALL.iter().map(|field| field.name());
    for name in fields.chain(evalset_model::log::payload::KEPT.iter().copied()) {
        assert!(shown.contains_key(name), "{name}");
    }
    shown.retain(|_, value| !value.is_null());
    insta::assert_json_snapshot!(shown, @r#"
    {
      "id": "9a",
      "unique_id": "9a",
      "dataset_id": "1f0c",
      "organization_id": "00000000-0000-0000-0000-000000008264",
      "unique_organization_id": "00000000-0000-0000-0000-000000008264",
      "timestamp": "2026-01-06T02:40:29.250313Z",
      "start_time": "2026-01-06T02:40:28.734313Z",
      "environment": "prod",
      "log_type": "chat",
      "log_method": "logging_api",
      "model": "gpt-4o-mini",
      "organization_key_id": "key-1",
      "organization_key_name": "ci",
      "status": "success",
      "status_code": 200,
      "failed": false,
      "prompt_tokens": 20,
      "completion_tokens": 5,
      "total_request_tokens": 25,
      "cost": 0.0001,
      "latency": 0.516,
      "tokens_per_second": 9.689922480620154,
      "routing_time": 0.0,
      "custom_identifier": "7",
      "is_root_span": true,
      "blurred": false,
      "has_tool_calls": false,
      "has_warnings": false,
      "annotation_status": "pending",
      "annotation_completed_by": {
        "first_name": "",
        "last_name": "",
        "email": ""
      },
      "prompt": "Hi",
      "completion": "Hello",
      "input": [
        {
          "role": "user",
          "content": "Hi"
        }
      ],
      "output": {
        "role": "assistant",
        "content": "Hello"
      },
      "messages": [
        {
          "role": "user",
          "content": "Hi"
        }
      ],
      "metadata": {
        "tier": "gold"
      },
      "metrics": {
        "grade": "A"
      },
      "scores": [],
      "prompt_messages": [
        {
          "role": "user",
          "content": "Hi"
        }
      ],
      "completion_message": {
        "role": "assistant",
        "content": "Hello"
      },
      "tools": [
        {
          "type": "function"
        }
      ]
    }
    "#);
}

#[test]
fn a_list_row_without_anything_has_nulls_and_empty_objects() {
    let shown = listed(&Log::new(LogId("x".into())), None);
    for (name, value) in &shown {
        match name.as_str() {
            "id" | "unique_id" => assert_eq!(value, "x"),
            "dataset_id" => assert_eq!(value, "1f0c"),
            "organization_id" => assert_eq!(value, "00000000-0000-0000-0000-000000008264"),
            "metadata" | "scores" => assert_eq!(*value, json!({}), "{name}"),
            "annotation_completed_by" => assert_eq!(*value, json!({"first_name": "", "last_name": "", "email": ""})),
            _ => assert_eq!(*value, Value::Null, "{name}"),
        }
    }
}

#[test]
fn shapes_of_scores_differ_by_place() {
    let (log, organization) = (row(chat()), organization());
    let context = RowContext::new(&organization, None);
    let scores = some_scores();
    let summaries: Vec<Value> = scores.iter().map(|score| json!(super::score::Summary(score))).collect();
    let by_key = json!({"00000000-0000-0000-0000-000000000001": summaries[0], "plain": summaries[1]});
    assert_eq!(to_map(&ListRow::new(&log, &context, None).scored(&scores))["scores"], by_key);
    assert_eq!(to_map(&DetailRow::new(&log, &context, None).scored(&scores))["scores"], json!(summaries));
    assert_eq!(to_map(&SpanRow::new(&log, &context, None).scored(&scores))["scores"], by_key);
    assert_eq!(to_map(&SpanDetail::new(&log, &context).scored(&scores))["scores"], by_key);
    assert_eq!(to_map(&DetailRow::new(&log, &context, None))["scores"], json!([]));
}

#[test]
fn text_members_are_text_whatever_came_in() {
    // T4, T5, T6: message arrays, numbers and provider responses behind every text member.
    for body in [
        json!({"input": [{"role": "user", "content": [{"type": "text", "text": "a"}]}], "output": {"choices": []}}),
        json!({"input": 5, "output": [1, 2], "custom_identifier": 12, "model": true}),
        json!({"input": {"a": 1}, "output": null, "log_type": "chat"}),
        json!({"input": "[\"text\"]", "output": "{}", "log_type": "response", "total_tokens": 3.0}),
    ] {
        let log = row(body.clone());
        for shown in [listed(&log, None), detailed(&log)] {
            for name in ["prompt", "completion", "custom_identifier", "model", "environment", "log_type"] {
                assert!(shown[name].is_string() || shown[name].is_null(), "{name} of {body}");
            }
            assert!(shown["metadata"].is_object());
            assert!(shown["total_request_tokens"].is_i64());
            assert!(shown["timestamp"].as_str().unwrap().ends_with(".250313Z"));
        }
        let messages = &detailed(&log)["messages"];
        assert!(messages.is_null() || messages.as_array().unwrap().iter().all(Value::is_object), "{body}");
    }
}

#[test]
fn included_members_are_those_named() {
    let log = row(chat());
    let include = IncludeFields::parse(
        "model, tools,,nonsense,model,total_tokens,unique_id,prompt_messages,used_custom_credential",
    );
    let shown = listed(&log, Some(&include));
    assert_eq!(
        Value::Object(shown),
        json!({"id": "9a", "unique_id": "9a", "model": "gpt-4o-mini", "tools": [{"type": "function"}], "total_tokens": 25,
            "prompt_messages": [{"role": "user", "content": "Hi"}], "used_custom_credential": false})
    );
    assert_eq!(listed(&log, Some(&IncludeFields::parse(""))).len(), 2);
}

#[test]
fn a_span_shows_what_was_stored() {
    let log = span(json!({"input": "Hi", "output": "Hello", "properties": {"a": 1}, "thread_identifier": "t",
        "full_request": {"api_key": "sk", "n": 1}, "metadata": {"_x": 1, "y": 2}}));
    let organization = organization();
    let context = RowContext::new(&organization, None);
    let shown = to_map(&SpanDetail::new(&log, &context));
    for (name, value) in [
        ("id", json!("9a")),
        ("input", json!("Hi")),
        ("prompt_messages", json!([{"role": "user", "content": "Hi"}])),
        ("completion_message", json!({"role": "assistant", "content": "Hello"})),
        ("full_request", json!({"n": 1})),
        ("metadata", json!({"y": 2})),
        ("scores", json!({})),
        ("session_identifier", json!("t")),
        ("failed", json!(false)),
        ("organization_key__name", json!("ci")),
        ("used_custom_credential", json!(false)),
        ("period_start", json!(null)),
        ("limit_info", json!(null)),
    ] {
        assert_eq!(shown[name], value, "{name}");
    }
    for absent in Field::ANNOTATION.iter().map(|field| field.name()).chain(["dataset_id"]) {
        assert!(!shown.contains_key(absent), "{absent}");
    }
    assert_eq!(to_map(&SpanRow::new(&log, &context, None)), shown);
}

#[test]
fn replies_to_creation_parse() {
    let organization = organization();
    let context = RowContext::new(&organization, Some("d".into()));
    let log = row(chat());
    let created = to_map(&CreatedRow::new(&log, &context));
    assert_eq!(
        (&created["message"], &created["unique_id"]),
        (&json!("The log was added to the dataset."), &json!("9a"))
    );
    assert_eq!(created["log_data"], Value::Object(to_map(&DetailRow::new(&log, &context, None))));
    let log = span(json!({"input": 1, "customer_identifier": "c", "usage": {"cache_read_input_tokens": 3}}));
    insta::assert_json_snapshot!(to_map(&CreatedSpan::new(&log, &context)), @r#"
    {
      "message": "The log was stored.",
      "id": "9a",
      "unique_id": "9a",
      "organization_id": "00000000-0000-0000-0000-000000008264",
      "customer_identifier": "c",
      "status": "success",
      "cost": 0.0,
      "timestamp": "2026-01-06T02:40:29.250313Z",
      "environment": "prod",
      "latency": 0.0,
      "time_to_first_token": null,
      "prompt_cache_creation_tokens": null,
      "prompt_cache_hit_tokens": 3
    }
    "#);
}

mod round_trip {
    use super::*;
    use proptest::prelude::*;

    /// What a row shows, without what an import may not take over.
    fn comparable(log: &Log) -> Map<String, Value> {
        let mut shown = detailed(log);
        for name in ["id", "unique_id", "annotation_completed_by", "scores"] {
            shown.shift_remove(name);
        }
        shown
    }

    fn assert_same(log: &Log) -> Result<(), TestCaseError> {
        // Through text, as an export line is.
        let line = serde_json::to_string(&detailed(log)).unwrap();
        let again = row(serde_json::from_str(&line).unwrap());
        prop_assert_eq!(comparable(&again), comparable(log), "{}", line);
        Ok(())
    }

    #[test]
    fn of_a_full_row() {
        let mut body = chat();
        let more = json!({"annotation_status": "completed", "expected_output": {"a": 1}, "prompt": "other text",
            "messages": [{"role": "user", "content": "other"}], "completion": "other", "usage": {"prompt_tokens": 1},
            "customer_params": {"email": "e"}, "status_code": 500, "error_message": "boom", "ideal_output": "i",
            "trace_group_identifier": "g", "warnings": ["w"], "tool_calls": [{"id": "c"}], "stream": true, "temperature": 0.5,
            "full_response": {"choices": [{"message": {"role": "assistant", "tool_calls": [{"id": "d"}]}}]}});
        body.as_object_mut().unwrap().extend(members(more));
        let log = row(body);
        assert_same(&log).unwrap();
        assert_eq!(detailed(&log)["annotation_status"], json!("completed"));
    }

    #[test]
    fn of_a_request_log_whose_metadata_was_not_promoted() {
        let metadata = json!({"model": "m", "session_id": "s", "timestamp": "2020-01-01"});
        let mut log = span(json!({"input": "x", "metadata": metadata}));
        // As a log is when it has been copied into a dataset.
        log.scalars.set_text(Field::AnnotationStatus, "pending");
        assert_same(&log).unwrap();
    }

    fn any_json() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::from),
            any::<i64>().prop_map(Value::from),
            any::<f64>().prop_map(Value::from),
            ".{0,12}".prop_map(Value::from),
            Just(json!("{\"role\":\"user\"}")),
            Just(json!("[{\"role\":\"system\",\"content\":\"s\"}]")),
        ];
        let name = prop_oneof![
            "[a-z_]{1,6}".boxed(),
            prop::sample::select(vec!["role", "content", "tool_calls", "choices", "message", "messages"])
                .prop_map(str::to_owned)
                .boxed(),
        ];
        leaf.prop_recursive(4, 24, 5, move |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
                prop::collection::vec((name.clone(), inner), 0..4)
                    .prop_map(|pairs| Value::Object(pairs.into_iter().collect())),
            ]
        })
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(1000))]

        #[test]
        fn of_any_json(
            input in any_json(),
            output in any_json(),
            expected in any_json(),
            metadata in prop::collection::vec(("[a-z_]{1,8}|model|status|session_id", any_json()), 0..5),
            log_type in prop::sample::select(vec!["chat", "custom", "response", "tool"]),
            prompt in prop::option::of(".{0,8}"),
            latency in 0.0..1e6f64,
            tokens in any::<u32>(),
        ) {
            let metadata: Map<String, Value> = metadata.into_iter().collect();
            let mut body = json!({"output": output, "expected_output": expected, "metadata": metadata, "log_type": log_type,
                "prompt": prompt, "latency": latency, "completion_tokens": tokens});
            body["input"] = if input.is_null() { json!("never null") } else { input };
            assert_same(&row(body))?;
        }
    }
}
