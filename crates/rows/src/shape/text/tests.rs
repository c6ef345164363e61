use super::super::{DetailRow, ListRow, SpanRow, some_scores as scores};
use super::*;
use evalset_model::ids::{LogId, OrganizationId, RowNumber};
use evalset_model::limits::Limits;
use evalset_model::log::ingest::{self, Body};
use evalset_model::log::{Log, Payload};
use evalset_model::score::ShownScores;
use serde_json::{Value, json};
use uuid::Uuid;

fn organization() -> Organization {
    Organization { id: OrganizationId(Uuid::from_u128(0x8264)), number: 1, name: "Acme".into(), created_at: 0 }
}

fn log(body: Value) -> Log {
    let limits = Limits::default();
    let context = ingest::Context {
        id: LogId("9a".into()),
        now: 1_767_667_229_250_313,
        environment: "prod",
        key_id: "key-1".into(),
        key_name: "ci \"quoted\"",
        log_method: "logging_api",
        limits: &limits,
    };
    let Value::Object(body) = body else { panic!("not an object") };
    ingest::span(&Body::of(&body, &limits).unwrap(), &context).unwrap().unwrap()
}

fn written(log: &Log, writing: &Writing, times: usize) -> String {
    let payload = if writing.payload { log.payload.clone() } else { Payload::default() };
    let seen = Log { payload, ..log.clone() };
    let none = ShownScores::none();
    let all = scores();
    let scores = if writing.scores { &all } else { &none };
    let mut out = Vec::new();
    for number in 0..times {
        let row = TextRow { number: RowNumber::new(number as i64), log: &seen, scores };
        (writing.row)(&row, &mut out).unwrap();
    }
    String::from_utf8(out).unwrap()
}

fn bodies() -> Vec<Value> {
    let chat = json!([{"role": "system", "content": "Be brief."}, {"role": "user", "content": "Hi \"you\"\n"}]);
    vec![
        json!({"input": "A question", "output": "An answer", "log_type": "chat"}),
        json!({"input": "A question", "output": "An answer", "log_type": "custom", "cost": -0.0, "latency": 1e-7}),
        json!({"input": chat, "output": {"role": "assistant", "content": "Hello", "tool_calls": [{"id": "t"}]},
            "metadata": {"tier": "gold", "_hidden": 1, "n": 1.10}, "model": "m", "prompt_tokens": 3, "stream": true}),
        json!({"input": "[{\"role\":\"user\",\"content\":\"in a string\"}]", "output": "{\"role\":\"assistant\",\"content\":\"x\"}"}),
        json!({"input": {"messages": chat}, "output": [1, 2.50, "drei"], "expected_output": {"a": [null]}}),
        json!({"input": 5, "output": false, "tools": [{"type": "function"}], "full_response": {"choices": [{"message": {"tool_calls": [{"id": 1}]}}]}}),
        json!({"prompt_messages": chat, "completion_message": {"role": "assistant", "content": [{"type": "text", "text": "parts"}]}}),
        json!({"input": "i", "output": "o", "prompt": "said", "completion": "said too", "usage": {"a": 1}, "embedding": [0.1, -2e300]}),
    ]
}

#[test]
fn rows_are_what_the_values_would_write() {
    let (organization, scores) = (organization(), scores());
    let context = RowContext::new(&organization, Some("1f0c".into()));
    let fields =
        IncludeFields::parse("messages,input,model,scores,organization_key_id,none,prompt_messages,keywordsai_id");
    for body in bodies() {
        let log = log(body);
        for include in [None, Some(&fields)] {
            let text = |kind| RowText::new(kind, include, organization.clone(), Some("1f0c".into()));
            let json = |row: &dyn Fn() -> serde_json::Result<String>| row().unwrap();
            let list = json(&|| serde_json::to_string(&ListRow::new(&log, &context, include).scored(&scores)));
            assert_eq!(written(&log, &text(RowKind::List).elements(9), 2), format!("{list},{list}"));
            let detail = json(&|| serde_json::to_string(&DetailRow::new(&log, &context, include).scored(&scores)));
            assert_eq!(written(&log, &text(RowKind::Detail).lines(9), 2), format!("{detail}\n{detail}\n"));
            let span = json(&|| serde_json::to_string(&SpanRow::new(&log, &context, include).scored(&scores)));
            assert_eq!(written(&log, &text(RowKind::Span).elements(9), 1), span);
        }
    }
}

#[test]
fn what_is_not_shown_is_not_read() {
    let asked = |names: &str| {
        let include = IncludeFields::parse(names);
        let writing = RowText::new(RowKind::List, Some(&include), organization(), None).elements(9);
        (writing.payload, writing.scores)
    };
    assert_eq!(asked("model,cost,metadata"), (false, false));
    assert_eq!(asked("model,prompt"), (true, false));
    assert_eq!(asked("scores"), (false, true));
    assert_eq!(asked("tools,scores"), (true, true));
}

#[test]
fn a_preview_cuts_what_is_long_and_says_so() {
    let limits = Limits::default();
    let long = "ü".repeat(10_000);
    let log = log(json!({"input": [{"role": "user", "content": long}], "output": "short", "model": "gpt-4o-mini",
        "metadata": {"k": "v".repeat(30)}, "error_message": "e".repeat(21)}));
    let preview = Some(Preview::parse("20", &limits).unwrap());
    let text = RowText::new(RowKind::List, None, organization(), Some("1f0c".into())).previewed(preview);
    let row: Value = serde_json::from_str(&written(&log, &text.elements(9), 1)).unwrap();
    assert_eq!(row["input"], json!([{"role": "user", "content": "ü".repeat(20)}]));
    assert_eq!((&row["prompt"], &row["completion"]), (&json!("ü".repeat(20)), &json!("short")));
    assert_eq!((&row["id"], &row["timestamp"]), (&json!("9a"), &json!("2026-01-06T02:40:29.250313Z")));
    let cut: Vec<_> =
        row["truncated_fields"].as_array().unwrap().iter().map(|cut| cut["field"].as_str().unwrap()).collect();
    assert_eq!(cut, ["prompt", "input", "metadata", "scores"]);
    assert_eq!(row["truncated_fields"][0]["bytes"], 20_002);
    let whole = RowText::new(RowKind::List, None, organization(), None);
    assert!(!written(&log, &whole.elements(9), 1).contains("truncated_fields"));
}
