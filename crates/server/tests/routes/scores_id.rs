//! `/api/scores/{score_id}/`: read, replaced, changed, deleted.

use super::runs::evaluator;
use evalset_testkit::{TestApp, with_app};
use serde_json::{Value, json};

/// A score by an evaluator that passes what is at least 3; its URL.
async fn scored(server: &TestApp) -> String {
    let passing = json!({"type": "human", "passing_conditions": {"primary_score": {"operator": "gte", "value": 3}}});
    let id = evaluator(server, "taste", passing).await;
    let body = json!({"evaluator_id": id, "log_id": "l", "numerical_value": 4, "explanation": "why", "scorer": "ann"});
    let made = server.post("/api/scores/", body).await.expect_status(201);
    format!("/api/scores/{}/", made["id"].as_str().unwrap())
}

#[tokio::test]
async fn a_score_is_read_with_its_record_and_evaluator() {
    with_app(async |server| {
        let url = scored(server).await;
        let read = server.get(&url).await.expect_status(200);
        assert_eq!((&read["numerical_value"], &read["is_passed"]), (&json!(4.0), &json!(true)));
        assert_eq!(read["evaluator"]["evaluator_slug"], "taste");
        server
            .post("/api/request-logs/", json!({"unique_id": "l", "input": "q", "output": "a"}))
            .await
            .expect_status(201);
        let log = server.get("/api/request-logs/").await.expect_status(200)["results"][0]["id"].clone();
        let body = json!({"evaluator_slug": "taste", "log_id": log, "numerical_value": 1});
        let of_log = server.post("/api/scores/", body).await.expect_status(201);
        let read = server.get(&format!("/api/scores/{}/", of_log["id"].as_str().unwrap())).await.expect_status(200);
        assert_eq!((&read["inputs"]["input"], &read["inputs"]["output"]), (&json!("q"), &json!("a")));
    })
    .await;
}

#[tokio::test]
async fn patch_keeps_what_put_empties() {
    with_app(async |server| {
        let url = scored(server).await;
        let patched = server.patch(&url, json!({"numerical_value": 2})).await.expect_status(200);
        assert_eq!(
            (&patched["numerical_value"], &patched["explanation"], &patched["is_passed"], &patched["scorer"]),
            (&json!(2.0), &json!("why"), &json!(false), &json!("ann"))
        );
        let put = server.put(&url, json!({"numerical_value": 5})).await.expect_status(200);
        assert_eq!(
            (&put["numerical_value"], &put["explanation"], &put["is_passed"]),
            (&json!(5.0), &Value::Null, &json!(true))
        );
        let wrong = server.patch(&url, json!({"numerical_value": "x"})).await.expect_status(400);
        assert!(wrong["errors"].get("numerical_value").is_some(), "{wrong}");
        assert_eq!(server.get(&url).await.expect_status(200)["numerical_value"], 5.0);
    })
    .await;
}

#[tokio::test]
async fn a_deleted_score_is_gone_and_unknown_ones_are_404() {
    with_app(async |server| {
        let url = scored(server).await;
        server.delete(&url, None).await.expect_status(204);
        let unknown = ["/api/scores/nothing/", "/api/scores/00000000-0000-4000-8000-000000000000/", url.as_str()];
        for url in unknown {
            server.get(url).await.expect_status(404);
            server.patch(url, json!({"numerical_value": 1})).await.expect_status(404);
            server.delete(url, None).await.expect_status(404);
        }
    })
    .await;
}
