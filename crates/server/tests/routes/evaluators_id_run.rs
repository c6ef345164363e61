//! `/api/evaluators/{evaluator_id}/run/`: an evaluator on given inputs, on stored logs, on a dataset.

use super::runs::{counting, counts, ended, evaluator, judge, rule};
use evalset_testkit::provider::{FakeProvider, Fault};
use evalset_testkit::with_app;
use serde_json::{Value, json};

#[tokio::test]
async fn inputs_are_answered_with_a_score_that_is_not_kept() {
    with_app(async |server| {
        let id = rule(server, "small", "0-4").await;
        for (output, holds) in [("3", true), ("7", false)] {
            let body = json!({"inputs": {"input": "count", "output": output}});
            let score = server.post(&format!("/api/evaluators/{id}/run/"), body).await.expect_status(200);
            assert_eq!((&score["boolean_value"], &score["score"]), (&json!(holds), &json!(holds)));
            assert_eq!((&score["status"], &score["inputs"]["output"]), (&json!("completed"), &json!(output)));
            assert_eq!(score["evaluator"]["id"], id.as_str());
        }
        assert_eq!(server.get("/api/scores/").await.expect_status(200)["count"], 0);
        let wrong = server.post(&format!("/api/evaluators/{id}/run/"), json!({})).await.expect_status(400);
        assert!(wrong["detail"].as_str().unwrap().contains("inputs"), "{wrong}");
        server.post("/api/evaluators/nothing/run/", json!({"inputs": {}})).await.expect_status(404);
    })
    .await;
}

#[tokio::test]
async fn stored_logs_are_scored_and_a_failure_leaves_the_score_that_is_there() {
    with_app(async |server| {
        let provider = FakeProvider::start().await;
        let id = judge(server, &provider, 2, 0.5).await;
        for output in ["1", "2"] {
            let log = json!({"input": "q", "output": output, "custom_identifier": output});
            server.post("/api/request-logs/", log).await.expect_status(201);
        }
        let logs = server.get("/api/request-logs/?sort_by=timestamp").await.expect_status(200);
        let ids: Vec<&str> =
            logs["results"].as_array().unwrap().iter().map(|log| log["id"].as_str().unwrap()).collect();
        let run = format!("/api/evaluators/{id}/run/");
        let scored = server.post(&run, json!({"log_ids": ids})).await.expect_status(200);
        assert_eq!(scored["results"].as_array().unwrap().len(), 2, "{scored}");
        assert_eq!(server.get("/api/scores/").await.expect_status(200)["count"], 2);

        provider.fail(|_| Some(Fault::Status(500)));
        let failed = server.post(&run, json!({"log_ids": ids})).await.expect_status(200);
        assert!(failed["results"].as_array().unwrap().iter().all(|score| score["status"] == "failed"), "{failed}");
        let kept = server.get("/api/scores/").await.expect_status(200);
        let scores = kept["results"].as_array().unwrap();
        assert_eq!(scores.len(), 2, "{kept}");
        assert!(scores.iter().all(|score| score["status"] == "completed" && score["numerical_value"] != Value::Null));

        let wrong = server.post(&run, json!({"log_ids": ["nothing"]})).await.expect_status(400);
        assert!(wrong["detail"].as_str().unwrap().contains("nothing"), "{wrong}");
    })
    .await;
}

#[tokio::test]
async fn a_dataset_starts_a_run_and_people_evaluate_nothing() {
    with_app(async |server| {
        let dataset = counting(server, 3).await;
        let id = rule(server, "small", "0-1").await;
        let body = json!({"dataset_id": dataset});
        let started = server.post(&format!("/api/evaluators/{id}/run/"), body).await.expect_status(200);
        let url = format!("/api/datasets/{dataset}/eval-reports/{}/", started["id"].as_str().unwrap());
        assert_eq!(counts(&ended(server, &url).await), ("completed", 3, 0, json!(3)));
        let person = evaluator(server, "taste", json!({"type": "human"})).await;
        let body = json!({"inputs": {"input": "q", "output": "a"}});
        let said = server.post(&format!("/api/evaluators/{person}/run/"), body).await.expect_status(200);
        assert_eq!((&said["numerical_value"], &said["status"]), (&Value::Null, &json!("completed")));
    })
    .await;
}
