//! `/api/datasets/…` where `granularity` is `traces`: one row for each trace.

use evalset_testkit::{TestApp, with_app};
use serde_json::{Value, json};

/// Three traces as a tracer sends them, children first, and a log that is in none. Trace `t1` has an error and five
/// spans.
async fn ingest(server: &TestApp) {
    let at = |trace: usize, second: usize| format!("2026-01-0{trace}T00:00:{second:02}Z");
    let mut logs = vec![json!({"input": "alone", "timestamp": at(1, 0)})];
    for (trace, children) in [(1, 4), (2, 2), (3, 0)] {
        for child in 1..=children {
            logs.push(json!({
                "trace_unique_id": format!("t{trace}"), "span_unique_id": format!("s{child}"), "span_parent_id": "root",
                "log_type": "chat", "input": "q", "output": "a", "cost": 0.25, "prompt_tokens": 10, "completion_tokens": 5,
                "status_code": if trace == 1 && child == 1 { 500 } else { 200 },
                "start_time": at(trace, 10 + child), "timestamp": at(trace, 11 + child),
            }));
        }
        logs.push(json!({
            "unique_id": format!("root{trace}"), "trace_unique_id": format!("t{trace}"), "span_unique_id": "root",
            "span_name": "answer", "span_workflow_name": "support", "log_type": "workflow", "input": {"question": trace},
            "output": "done", "metadata": {"tier": if trace == 2 { "free" } else { "gold" }},
            "start_time": at(trace, 10), "timestamp": at(trace, 20),
        }));
    }
    server.post("/api/request-logs/bulk/", json!({ "logs": logs })).await.expect_status(201);
}

async fn rows(server: &TestApp, dataset: &Value) -> Vec<Value> {
    let path = format!("/api/datasets/{}/logs/list/?sort_by=timestamp", dataset["id"].as_str().unwrap());
    let list = server.post(&path, json!({})).await.expect_status(200);
    list["results"].as_array().unwrap().clone()
}

async fn ids(server: &TestApp, dataset: &Value) -> Vec<String> {
    rows(server, dataset).await.iter().map(|row| row["unique_id"].as_str().unwrap().to_owned()).collect()
}

async fn traces(server: &TestApp, more: Value) -> Value {
    let mut body = json!({"name": "traces", "granularity": "traces"});
    body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    let made = server.post("/api/datasets/", body).await.expect_status(201);
    server.settle().await;
    made
}

#[tokio::test]
async fn a_dataset_of_traces_is_filled_at_creation() {
    with_app(async |server| {
        ingest(server).await;
        let made = traces(server, json!({"sampling": 100})).await;
        assert_eq!((&made["granularity"], &made["status"]), (&json!("traces"), &json!("initializing")));
        assert_eq!(ids(server, &made).await, ["root1", "root2", "root3"]);
        let row = &rows(server, &made).await[0];
        assert_eq!(
            json!({
                "log_type": row["log_type"], "input": row["input"], "cost": row["cost"], "latency": row["latency"],
                "prompt_tokens": row["prompt_tokens"], "completion_tokens": row["completion_tokens"],
                "total_request_tokens": row["total_request_tokens"], "annotation_status": row["annotation_status"],
                "metadata": row["metadata"], "timestamp": row["timestamp"],
            }),
            json!({
                "log_type": "workflow", "input": {"question": 1}, "cost": 1.0, "latency": 10.0, "prompt_tokens": 40,
                "completion_tokens": 20, "total_request_tokens": 60, "annotation_status": "pending",
                "metadata": {"tier": "gold"}, "timestamp": "2026-01-01T00:00:20.000000Z",
            })
        );
        let path = format!("/api/datasets/{}/logs/root2/", made["id"].as_str().unwrap());
        let detail = server.get(&path).await.expect_status(200);
        assert_eq!((&detail["trace_unique_id"], &detail["span_name"]), (&json!("t2"), &json!("answer")));
        let copy = server.post("/api/datasets/", json!({"source_dataset_id": made["id"]})).await.expect_status(201);
        server.settle().await;
        assert_eq!((&copy["granularity"], ids(server, &copy).await.len()), (&json!("traces"), 3));
    })
    .await;
}

#[tokio::test]
async fn initial_filters_ask_of_the_whole_trace() {
    with_app(async |server| {
        ingest(server).await;
        for (filters, expected) in [
            (json!({"error_count": {"operator": "gt", "value": 0}}), vec!["root1"]),
            (json!({"span_count": {"operator": "gte", "value": 3}}), vec!["root1", "root2"]),
            (json!({"total_cost": 0.5, "tier": "free"}), vec!["root2"]),
            (json!({"metadata__tier": "gold", "llm_call_count": 0}), vec!["root3"]),
            (
                json!({"name": "answer", "workflow_name": "support", "environment": "prod"}),
                vec!["root1", "root2", "root3"],
            ),
            (json!({"end_time": {"lt": "2026-01-02"}}), vec!["root1"]),
            (json!({"span_count": 99}), vec![]),
        ] {
            let made = traces(server, json!({ "initial_log_filters": filters })).await;
            assert_eq!(ids(server, &made).await, expected, "{filters}");
            assert_eq!(made["initial_log_filters"], filters);
        }
    })
    .await;
}

#[tokio::test]
async fn an_import_of_traces_counts_keeps_its_window_and_is_repeatable() {
    with_app(async |server| {
        ingest(server).await;
        let made = traces(server, json!({"is_empty": true})).await;
        let path = format!("/api/datasets/{}/logs/import/", made["id"].as_str().unwrap());
        let window = json!({"start_time": "2026-01-01T00:00:20Z", "end_time": "2026-01-02T00:00:20Z"});
        for _ in 0..2 {
            let reply = server.post(&path, window.clone()).await.expect_status(200);
            assert_eq!(reply["count"], 2, "both ends are inclusive");
            server.settle().await;
            assert_eq!(ids(server, &made).await, ["root1", "root2"]);
        }
        let job = &server.get("/api/jobs/").await.expect_status(200)["results"][0];
        assert_eq!((&job["progress"]["affected"], &job["progress"]["skipped"]), (&json!(0), &json!(2)));
        let half = json!({"start_time": "2026-01-01", "end_time": "2026-02-01", "sampling_percentage": 34});
        let sampled = traces(server, json!({"is_empty": true})).await;
        let path = format!("/api/datasets/{}/logs/import/", sampled["id"].as_str().unwrap());
        assert_eq!(server.post(&path, half).await.expect_status(200)["count"], 1);
        server.settle().await;
        assert_eq!(ids(server, &sampled).await.len(), 1);
    })
    .await;
}

#[tokio::test]
async fn what_no_trace_has_is_refused() {
    with_app(async |server| {
        ingest(server).await;
        let made = traces(server, json!({"is_empty": true})).await;
        let id = made["id"].as_str().unwrap();
        let body = json!({"start_time": "2026-01-01", "end_time": "2026-02-01", "filters": {"model": "gpt-4o"}});
        let reply = server.post(&format!("/api/datasets/{id}/logs/import/"), body).await.expect_status(400);
        assert!(reply["errors"]["filters.model"][0].as_str().unwrap().contains("not of traces"), "{reply}");
        let body = json!({"name": "x", "granularity": "traces", "initial_log_filters": {"span_count": "many"}});
        let reply = server.post("/api/datasets/", body).await.expect_status(400);
        assert!(reply["detail"].as_str().unwrap().contains("span_count"), "{reply}");
        let reply = server.post(&format!("/api/datasets/{id}/logs/bulk/"), json!({"log_ids": ["root1"]})).await;
        assert!(reply.expect_status(400)["errors"]["log_ids"].is_array());
        let body = json!({"name": "x", "granularity": "spans"});
        assert!(server.post("/api/datasets/", body).await.expect_status(400)["errors"]["granularity"].is_array());
    })
    .await;
}
