//! `/api/logs/{log_id}/scores/…`: the scores of one log, which must be there.

use evalset_testkit::{TestApp, with_app};
use serde_json::json;

/// A request log; the path of its scores.
async fn logged(server: &TestApp) -> String {
    server.post("/api/request-logs/", json!({"input": "q"})).await.expect_status(201);
    let log = server.get("/api/request-logs/").await.expect_status(200)["results"][0]["id"].clone();
    format!("/api/logs/{}/scores/", log.as_str().unwrap())
}

#[tokio::test]
async fn scores_of_a_log_are_written_read_changed_and_deleted() {
    with_app(async |server| {
        let scores = logged(server).await;
        assert_eq!(server.get(&scores).await.expect_status(200)["count"], 0);
        let body = json!({"evaluator_slug": "mood", "numerical_value": 1, "scorer": "not taken from here"});
        let made = server.post(&scores, body.clone()).await.expect_status(201);
        let again = server.post(&scores, body).await.expect_status(200);
        assert_eq!(again["id"], made["id"]);
        let url = format!("{scores}{}/", made["id"].as_str().unwrap());
        assert_eq!(server.get(&url).await.expect_status(200)["numerical_value"], 1.0);
        assert_eq!(server.patch(&url, json!({"numerical_value": 2})).await.expect_status(200)["numerical_value"], 2.0);
        assert_eq!(server.put(&url, json!({"numerical_value": 3})).await.expect_status(200)["numerical_value"], 3.0);
        assert_eq!(server.get(&scores).await.expect_status(200)["results"][0]["numerical_value"], 3.0);
        server.delete(&url, None).await.expect_status(204);
        server.get(&url).await.expect_status(404);
    })
    .await;
}

#[tokio::test]
async fn an_unknown_log_or_a_score_of_another_log_is_404() {
    with_app(async |server| {
        let scores = logged(server).await;
        let unknown = "/api/logs/nothing/scores/";
        server.get(unknown).await.expect_status(404);
        let body = json!({"evaluator_slug": "mood", "numerical_value": 1});
        server.post(unknown, body.clone()).await.expect_status(404);
        let made = server.post(&scores, body).await.expect_status(201);
        let elsewhere = format!("{unknown}{}/", made["id"].as_str().unwrap());
        server.get(&elsewhere).await.expect_status(404);
        server.patch(&elsewhere, json!({"numerical_value": 9})).await.expect_status(404);
        server.put(&elsewhere, json!({"numerical_value": 9})).await.expect_status(404);
        server.delete(&elsewhere, None).await.expect_status(404);
        assert_eq!(server.get(&scores).await.expect_status(200)["results"][0]["numerical_value"], 1.0);
    })
    .await;
}
