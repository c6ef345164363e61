//! Rows made from bodies, held to what was made from the same bodies when values were still parsed into trees:
//! `kept.jsonl` was written then, from random bodies. Each line has bodies as they may be sent, with their own spelling
//! of texts and numbers, white space and repeated names, and the row, the request log, the changed and the replaced row
//! that came of them.

use evalset_model::ids::LogId;
use evalset_model::limits::Limits;
use evalset_model::log::ingest::{Body, Context, row, span};
use evalset_model::log::{Log, patch};
use serde_json::{Map, Value, json};

const LINES: &str = include_str!("kept.jsonl");

fn context(limits: &Limits) -> Context<'_> {
    let (id, now) = (LogId("new".into()), 1_767_667_229_250_313);
    Context { id, now, environment: "prod", key_id: "k".into(), key_name: "ci", log_method: "logging_api", limits }
}

fn body(text: &str) -> Body {
    Body::read(text.as_bytes(), &Limits::default()).unwrap()
}

fn told(log: &evalset_model::Result<Option<Log>>) -> Value {
    match log {
        Err(error) => json!({"error": error.to_string(), "fields": error.by_field().into_keys().collect::<Vec<_>>()}),
        Ok(None) => json!(null),
        Ok(Some(log)) => {
            let scalars: Map<String, Value> =
                log.scalars.iter().map(|(field, value)| (field.name().to_owned(), value.to_json())).collect();
            let payload = serde_json::to_string(&log.payload).unwrap();
            json!({"id": log.id.as_str(), "scalars": scalars, "metadata": log.metadata, "payload": payload})
        }
    }
}

/// What comes of two bodies: each as a row and as a request log, and the first one's row changed and replaced by the
/// second.
fn made(first: &str, second: &str) -> Value {
    let limits = Limits::default();
    let context = context(&limits);
    let (a, b) = (body(first), body(second));
    let row = row(&a, &context);
    let (mut changed, mut replaced) = (json!(null), json!(null));
    if let Ok(row) = &row {
        changed = told(&patch::merge(row.clone(), &b, 1_767_700_000_000_000).map(Some));
        replaced = told(&patch::replace(row.clone(), &b, 1_767_700_000_000_000).map(Some));
    }
    json!({"row": told(&row.map(Some)), "span": told(&span(&a, &context)), "changed": changed, "replaced": replaced})
}

#[test]
fn rows_are_what_they_were() {
    for (number, line) in LINES.lines().enumerate() {
        let line: Value = serde_json::from_str(line).unwrap();
        let (first, second) = (line["first"].as_str().unwrap(), line["second"].as_str().unwrap());
        assert_eq!(made(first, second), line["made"], "line {}: {first} and {second}", number + 1);
    }
}
