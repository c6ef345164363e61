use super::*;
use crate::shape::some_scores;
use evalset_model::ids::{LogId, OrganizationId, RowNumber};
use evalset_model::key::Organization;
use evalset_model::limits::Limits;
use evalset_model::log::ingest;
use serde_json::{Value, json};
use std::collections::BTreeMap;

fn cells(body: Value, include: Option<&str>) -> BTreeMap<String, String> {
    let limits = Limits::default();
    let context = ingest::Context {
        id: LogId("9a".into()),
        now: 1_767_667_229_250_313,
        environment: "prod",
        key_id: "key-1".into(),
        key_name: "ci",
        log_method: "logging_api",
        limits: &limits,
    };
    let Value::Object(body) = body else { panic!("not an object") };
    let log = ingest::row(&ingest::Body::of(&body, &limits).unwrap(), &context).unwrap();
    let organization = Organization {
        id: OrganizationId("00000000-0000-0000-0000-000000000001".parse().unwrap()),
        number: 1,
        name: "Acme".into(),
        created_at: 0,
    };
    let include = include.map(IncludeFields::parse);
    let header = header(include.as_ref());
    let scores = some_scores();
    let row = TextRow { number: RowNumber::new(1), log: &log, scores: &scores };
    let mut out = line(&header);
    (lines(include.as_ref(), organization, Some("d".into()), 1).row)(&row, &mut out).unwrap();
    let mut reader = csv::Reader::from_reader(&out[..]);
    assert_eq!(reader.headers().unwrap().iter().collect::<Vec<_>>(), header);
    let record = reader.records().next().unwrap().unwrap();
    assert_eq!(header.len(), record.len());
    header.into_iter().zip(record.iter().map(str::to_owned)).collect()
}

#[test]
fn scalars_are_plain_and_structures_are_json() {
    let row = cells(
        json!({"input": [{"role": "user", "content": "Hi"}], "output": "Hello, \"you\"", "cost": 0.25, "prompt_tokens": 3,
            "metadata": {"a": 1, "_b": 2}, "stream": true}),
        None,
    );
    for (name, text) in [
        ("id", "9a"),
        ("unique_id", "9a"),
        ("dataset_id", "d"),
        ("organization_id", "00000000-0000-0000-0000-000000000001"),
        ("timestamp", "2026-01-06T02:40:29.250313Z"),
        ("cost", "0.25"),
        ("prompt_tokens", "3"),
        ("stream", "true"),
        ("model", ""),
        ("annotation_completed_by", ""),
        ("prompt", "Hi"),
        ("completion", "Hello, \"you\""),
        ("input", r#"[{"role":"user","content":"Hi"}]"#),
        ("output", r#""Hello, \"you\"""#),
        ("expected_output", ""),
        ("messages", r#"[{"role":"user","content":"Hi"}]"#),
        ("metadata", r#"{"a":1}"#),
    ] {
        assert_eq!(row[name], text, "{name}");
    }
    let scores: Vec<Value> = serde_json::from_str(&row["scores"]).unwrap();
    assert_eq!([&scores[0]["evaluator_slug"], &scores[1]["score_value"]], [&json!("tone"), &json!(["red"])]);
    assert!(!row.contains_key("full_request") && !row.contains_key("prompt_messages"));
}

#[test]
fn columns_are_those_asked_for() {
    let row = cells(json!({"input": 1, "full_request": {"n": 1}}), Some("full_request,model"));
    assert_eq!(row.keys().collect::<Vec<_>>(), ["full_request", "id", "model", "unique_id"]);
    assert_eq!(row["full_request"], r#"{"n":1}"#);
}

#[test]
fn formulas_are_disarmed_and_numbers_are_not() {
    for (text, cell) in [
        ("=SUM(A1)", "'=SUM(A1)"),
        ("+cmd", "'+cmd"),
        ("-cmd|x", "'-cmd|x"),
        ("@x", "'@x"),
        ("\tx", "'\tx"),
        ("\rx", "'\rx"),
        ("-", "'-"),
        ("-inf", "'-inf"),
        ("-1+2", "'-1+2"),
        ("-5", "-5"),
        ("+4.5e-3", "+4.5e-3"),
        ("a=b", "a=b"),
        ("", ""),
    ] {
        assert_eq!(cells(json!({"input": 1, "custom_identifier": text}), None)["custom_identifier"], cell, "{text:?}");
    }
    assert_eq!(cells(json!({"input": -5, "cost": -0.5}), None)["cost"], "-0.5");
    assert_eq!(cells(json!({"input": -5}), None)["input"], "-5");
}
