//! `/api/request-logs/…`

use evalset_testkit::with_app;
use serde_json::json;

#[tokio::test]
async fn a_log_is_ingested_read_and_annotated() {
    with_app(async |server| {
        let body = json!({"model": "m", "input": "q", "output": "a", "status_code": 500, "customer_params": {"customer_identifier": "c1"}});
        let made = server.post("/api/request-logs/", body).await.expect_status(201);
        let path = format!("/api/request-logs/{}/", made["unique_id"].as_str().unwrap());
        let read = server.get(&path).await.expect_status(200);
        assert_eq!((&read["status"], &read["customer_identifier"], &read["scores"]), (&json!("error"), &json!("c1"), &json!({})));
        let patched = server.patch(&path, json!({"note": "look", "positive_feedback": false})).await.expect_status(200);
        assert_eq!((&patched["note"], &patched["positive_feedback"]), (&json!("look"), &json!(false)));
        server.post("/api/request-logs/", json!({"model": "m"})).await.expect_status(400);
        server.get("/api/request-logs/unknown/").await.expect_status(404);
    })
    .await;
}

#[tokio::test]
async fn a_known_id_is_overwritten_and_disable_log_keeps_nothing() {
    with_app(async |server| {
        for output in ["first", "second"] {
            let body = json!({"unique_id": "mine", "input": "q", "output": output});
            server.post("/api/request-logs/", body).await.expect_status(201);
        }
        let list = server.post("/api/request-logs/list/", json!({})).await.expect_status(200);
        assert_eq!((&list["count"], &list["results"][0]["output"]), (&json!(1), &json!("second")));
        server.post("/api/request-logs/", json!({"input": "q", "disable_log": true})).await.expect_status(201);
        assert_eq!(server.post("/api/request-logs/list/", json!({})).await.body["count"], 1);
    })
    .await;
}

#[tokio::test]
async fn lists_reach_back_an_hour_unless_told() {
    with_app(async |server| {
        let old = json!({"input": "old", "timestamp": "2025-01-01T00:00:00Z"});
        server.post("/api/request-logs/bulk/", json!({"logs": [old, {"input": "new"}]})).await.expect_status(201);
        assert_eq!(server.get("/api/request-logs/list/").await.body["count"], 1);
        assert_eq!(server.get("/api/request-logs/list/?start_time=2024-01-01").await.body["count"], 2);
        assert_eq!(server.get("/api/request-logs/list/?start_time=2024-01-01&input=old").await.body["count"], 1);
        assert_eq!(server.get("/api/request-logs/summary/?start_time=2024-01-01").await.body["number_of_requests"], 2);
        server.get("/api/request-logs/list/?start_time=soon").await.expect_status(400);
        let beyond = server.get("/api/request-logs/list/?page=9").await.expect_status(200);
        assert_eq!(beyond["results"], json!([]));
    })
    .await;
}

#[tokio::test]
async fn groups_sum_by_a_field() {
    with_app(async |server| {
        let logs = json!({"logs": [{"input": "a", "model": "x", "cost": 1.5}, {"input": "b", "model": "x", "cost": 0.5},
            {"input": "c", "model": "y", "status_code": 500}, {"input": "d"}]});
        server.post("/api/request-logs/bulk/", logs).await.expect_status(201);
        let groups = server.post("/api/request-logs/groups/?group_by=model", json!({})).await.expect_status(200);
        assert_eq!(groups["count"], 3);
        let first = &groups["results"][0];
        assert_eq!(
            (&first["model"], &first["number_of_requests"], &first["total_cost"]),
            (&json!("x"), &json!(2), &json!(2.0))
        );
        let by_errors =
            server.get("/api/request-logs/groups/?group_by=model&sort_by=-error_percentage").await.expect_status(200);
        assert_eq!(by_errors["results"][0]["model"], "y");
        for query in ["", "?group_by=colour", "?group_by=model&sort_by=colour"] {
            server.post(&format!("/api/request-logs/groups/{query}"), json!({})).await.expect_status(400);
        }
    })
    .await;
}

#[tokio::test]
async fn batches_answer_item_by_item() {
    with_app(async |server| {
        let body = json!({"logs": [{"input": "a", "unique_id": "one"}, {}]});
        let reply = server.post("/request-logs/batch/create", body).await.expect_status(201);
        assert_eq!(reply["results"][0], json!({"id": "one", "status": "success"}));
        assert_eq!(reply["results"][1]["status"], "error");
        let update = json!({"logs": [{"unique_id": "one", "note": "n"}, {"unique_id": "two"}, {}]});
        let reply = server.patch("/api/request-logs/batch-update/", update).await.expect_status(200);
        assert_eq!((&reply["success_count"], &reply["error_count"]), (&json!(1), &json!(2)));
        assert_eq!(server.get("/api/request-logs/one/").await.body["note"], "n");
    })
    .await;
}
