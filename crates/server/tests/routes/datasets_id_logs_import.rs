//! `/api/datasets/{dataset_id}/logs/import/` and what else fills or empties datasets in the background.

use evalset_testkit::{TestApp, with_app};
use serde_json::{Value, json};

async fn ingest(server: &TestApp, count: usize) -> Vec<String> {
    let logs: Vec<_> = (0..count)
        .map(|n| {
            let at = format!("2026-01-01T00:{:02}:{:02}Z", n / 60, n % 60);
            json!({"input": format!("q{n}"), "model": if n % 2 == 0 { "even" } else { "odd" }, "timestamp": at})
        })
        .collect();
    let reply = server.post("/api/request-logs/bulk/", json!({ "logs": logs })).await.expect_status(201);
    reply["unique_ids"].as_array().unwrap().iter().map(|id| id.as_str().unwrap().to_owned()).collect()
}

async fn read(server: &TestApp, dataset: &str) -> Value {
    server.get(&format!("/api/datasets/{dataset}/")).await.expect_status(200)
}

#[tokio::test]
async fn a_dataset_is_filled_at_creation_by_filter_and_sampling() {
    with_app(async |server| {
        ingest(server, 100).await;
        let body = json!({"name": "even", "sampling": 30, "initial_log_filters": {"model": "even"}});
        let made = server.post("/api/datasets/", body).await.expect_status(201);
        assert_eq!(made["status"], "initializing");
        server.settle().await;
        let dataset = read(server, made["id"].as_str().unwrap()).await;
        assert_eq!((&dataset["status"], &dataset["log_count"]), (&json!("ready"), &json!(15)));
    })
    .await;
}

#[tokio::test]
async fn an_import_keeps_ids_and_skips_what_is_there() {
    with_app(async |server| {
        let ids = ingest(server, 20).await;
        let dataset = server.dataset("import").await;
        let path = format!("/api/datasets/{dataset}/logs/import/");
        let window = json!({"start_time": "2026-01-01T00:00:05Z", "end_time": "2026-01-01T00:00:14Z"});
        let reply = server.post(&path, window.clone()).await.expect_status(200);
        assert!(reply["message"].is_string() && reply["job_id"].is_string(), "{reply}");
        server.settle().await;
        assert_eq!(read(server, &dataset).await["log_count"], 10, "both ends are inclusive");
        server.get(&format!("/api/datasets/{dataset}/logs/{}/", ids[5])).await.expect_status(200);
        server.post(&path, window).await.expect_status(200);
        server.settle().await;
        assert_eq!(read(server, &dataset).await["log_count"], 10);
        for (body, field) in [
            (json!({"end_time": "2026-01-01"}), "start_time"),
            (json!({"start_time": "x", "end_time": "2026-01-01"}), "start_time"),
            (
                json!({"start_time": "2026-01-01", "end_time": "2026-01-02", "sampling_percentage": 0}),
                "sampling_percentage",
            ),
        ] {
            let reply = server.post(&path, body).await.expect_status(400);
            assert!(reply["errors"].get(field).is_some(), "{reply}");
        }
    })
    .await;
}

#[tokio::test]
async fn rows_are_removed_by_filter_or_all_and_never_by_mistake() {
    with_app(async |server| {
        ingest(server, 20).await;
        let made = server.post("/api/datasets/", json!({"name": "all", "sampling": 100})).await.expect_status(201);
        server.settle().await;
        let id = made["id"].as_str().unwrap();
        let path = format!("/api/datasets/{id}/logs/import/");
        for body in [json!({}), json!({"filters": {}}), json!({"filters": {"modle": "even"}})] {
            server.delete(&path, Some(body)).await.expect_status(400);
        }
        assert_eq!(read(server, id).await["log_count"], 20);
        server.delete(&path, Some(json!({"filters": {"model": "even"}}))).await.expect_status(200);
        server.settle().await;
        assert_eq!(read(server, id).await["log_count"], 10);
        server.delete(&path, Some(json!({"is_deleting_all_logs": true}))).await.expect_status(200);
        server.settle().await;
        assert_eq!(read(server, id).await["log_count"], 0);
    })
    .await;
}

#[tokio::test]
async fn a_copy_has_all_rows_unannotated() {
    with_app(async |server| {
        ingest(server, 12).await;
        let made = server.post("/api/datasets/", json!({"name": "source", "sampling": 100})).await.expect_status(201);
        server.settle().await;
        let copy = json!({"source_dataset_id": made["id"]});
        let copy = server.post("/api/datasets/", copy).await.expect_status(201);
        assert_eq!(copy["name"], "source (copy)");
        server.settle().await;
        assert_eq!(read(server, copy["id"].as_str().unwrap()).await["log_count"], 12);
        let unknown = json!({"source_dataset_id": "00000000-0000-7000-8000-000000000000"});
        server.post("/api/datasets/", unknown).await.expect_status(404);
    })
    .await;
}

#[tokio::test]
async fn older_forms_of_the_bulk_call_import() {
    with_app(async |server| {
        let ids = ingest(server, 5).await;
        let dataset = server.dataset("old").await;
        let path = format!("/api/datasets/{dataset}/logs/bulk/");
        let reply = server.post(&path, json!({"log_ids": [ids[0], "nowhere"]})).await.expect_status(201);
        assert_eq!((&reply["success_count"], &reply["error_count"]), (&json!(1), &json!(1)));
        assert!(reply["message"].is_string());
        server.post(&path, json!({"start_time": "2026-01-01", "end_time": "2026-01-02"})).await.expect_status(200);
        server.settle().await;
        assert_eq!(read(server, &dataset).await["log_count"], 5);
    })
    .await;
}
