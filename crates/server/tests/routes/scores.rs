//! `/api/scores/`: written once for each log, evaluator and scorer, checked against its evaluator, listed.

use super::runs::evaluator;
use evalset_model::limits::Limits;
use evalset_testkit::{TestApp, Under, with_app, with_limits};
use serde_json::{Value, json};

/// Writes a score; it as it is then.
async fn put(server: &TestApp, body: Value, status: u16) -> Value {
    server.post("/api/scores/", body).await.expect_status(status)
}

/// How many scores match.
async fn count(server: &TestApp, filters: Value) -> Value {
    server.post("/api/scores/list/", json!({"filters": filters})).await.expect_status(200)["count"].clone()
}

#[tokio::test]
async fn a_score_is_one_per_log_evaluator_and_scorer() {
    for under in [Under::Embedded, Under::Memory] {
        with_limits(under, Limits::default(), async |server| {
            let id = evaluator(server, "taste", json!({"type": "human"})).await;
            let of = |scorer: &str, value: f64| json!({"evaluator_id": id, "log_id": "l", "scorer": scorer, "numerical_value": value});
            let first = put(server, of("ann", 1.0), 201).await;
            let again = put(server, of("ann", 2.0), 200).await;
            assert_eq!((&again["id"], &again["created_at"]), (&first["id"], &first["created_at"]));
            assert_eq!((&again["numerical_value"], &again["type"]), (&json!(2.0), &json!("human")));
            let other = put(server, of("bob", 3.0), 201).await;
            assert_ne!(other["id"], first["id"]);
            // A slug that no evaluator has is a custom one, and a source of its own.
            let custom = put(server, json!({"evaluator_slug": "mood", "log_id": "l", "string_value": "fine"}), 201).await;
            assert_eq!((&custom["evaluator_id"], &custom["type"]), (&Value::Null, &json!("custom")));
            assert_eq!(count(server, json!({})).await, 3);
            assert_eq!(count(server, json!({"evaluator_id": id})).await, 2);
            assert_eq!(count(server, json!({"numerical_value": {"operator": "gte", "value": 3}})).await, 1);
        })
        .await;
    }
}

#[tokio::test]
async fn a_score_of_a_row_is_not_that_of_the_log_with_its_id() {
    with_app(async |server| {
        let dataset = server.dataset("rows").await;
        let logs = format!("/api/datasets/{dataset}/logs/");
        server.post(&logs, json!({"unique_id": "l", "input": "q"})).await.expect_status(201);
        let row = server.get(&logs).await.expect_status(200)["results"][0]["unique_id"].clone();
        let score = |value: f64| json!({"evaluator_slug": "s", "log_id": row, "numerical_value": value});
        let mut of_row = score(1.0);
        of_row["dataset_id"] = dataset.as_str().into();
        put(server, score(9.0), 201).await;
        put(server, of_row.clone(), 201).await;
        let shown = server.get(&logs).await.expect_status(200)["results"][0]["scores"]["s"].clone();
        assert_eq!(shown["numerical_value"], 1.0, "the dataset's own wins");
        // Rows and their scores end together.
        server.delete(&format!("{logs}{}/", row.as_str().unwrap()), None).await.expect_status(204);
        assert_eq!(count(server, json!({"dataset_id": dataset})).await, 0);
        assert_eq!(count(server, json!({"log_id": row})).await, 1);
        of_row["dataset_id"] = "00000000-0000-4000-8000-000000000000".into();
        put(server, of_row, 400).await;
    })
    .await;
}

#[tokio::test]
async fn bad_scores_name_the_member_and_leave_nothing() {
    with_app(async |server| {
        let bounds = json!({"type": "human", "score_config": {"min_score": 1, "max_score": 5}});
        let number = evaluator(server, "number", bounds).await;
        let choices = json!({"choices": [{"name": "Good", "value": 1}, {"name": "Bad", "value": 2}]});
        let select = json!({"type": "human", "score_value_type": "single_select", "score_config": choices});
        let select = evaluator(server, "select", select).await;
        let cases = [
            (json!({"log_id": "l", "numerical_value": 1}), "evaluator_id"),
            (json!({"evaluator_id": number, "numerical_value": 1}), "log_id"),
            (json!({"evaluator_id": number, "log_id": "l", "numerical_value": 6}), "numerical_value"),
            (json!({"evaluator_id": number, "log_id": "l", "numerical_value": "much"}), "numerical_value"),
            (json!({"evaluator_id": number, "log_id": "l", "boolean_value": true}), "numerical_value"),
            (json!({"evaluator_id": number, "log_id": "l"}), "numerical_value"),
            (json!({"evaluator_id": select, "log_id": "l", "categorical_value": ["Fair"]}), "categorical_value"),
            (json!({"evaluator_id": select, "log_id": "l", "categorical_value": ["Good", "Bad"]}), "categorical_value"),
            (json!({"evaluator_id": number, "log_id": "l", "numerical_value": 1, "dataset_id": "x"}), "dataset_id"),
        ];
        for (body, member) in cases {
            let reply = server.post("/api/scores/", body.clone()).await.expect_status(400);
            assert!(reply["errors"].get(member).is_some(), "{body}: {reply}");
        }
        assert_eq!(count(server, json!({})).await, 0);
    })
    .await;
}

#[tokio::test]
async fn lists_page_sort_and_know_a_time_window() {
    with_app(async |server| {
        for number in 0..5 {
            put(server, json!({"evaluator_slug": "s", "log_id": format!("l{number}"), "numerical_value": number}), 201)
                .await;
        }
        let page = server.get("/api/scores/?page_size=2&page=2&sort_by=numerical_value").await.expect_status(200);
        let values: Vec<_> =
            page["results"].as_array().unwrap().iter().map(|score| &score["numerical_value"]).collect();
        assert_eq!((&page["count"], values), (&json!(5), vec![&json!(2.0), &json!(3.0)]));
        let newest = server.get("/api/scores/?page_size=1").await.expect_status(200);
        assert_eq!(newest["results"][0]["log_id"], "l4");
        let none = server.get("/api/scores/?end_time=2020-01-01T00:00:00Z").await.expect_status(200);
        assert_eq!(none["count"], 0);
        let all = server.get("/api/scores/?start_time=2020-01-01T00:00:00Z").await.expect_status(200);
        assert_eq!(all["count"], 5);
        let wrong = server.get("/api/scores/?start_time=soon").await.expect_status(400);
        assert!(wrong["detail"].as_str().unwrap().contains("start_time"), "{wrong}");
        let wrong = server.post("/api/scores/list/", json!({"filters": {"nothing": 1}})).await.expect_status(400);
        assert!(wrong["detail"].as_str().unwrap().contains("nothing"), "{wrong}");
    })
    .await;
}
