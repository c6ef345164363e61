//! `/api/datasets/{dataset_id}/logs/…`

use evalset_testkit::{TestApp, with_app};
use serde_json::{Value, json};

async fn row(server: &TestApp, dataset: &str, body: Value) -> String {
    let reply = server.post(&format!("/api/datasets/{dataset}/logs/"), body).await.expect_status(201);
    reply["unique_id"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn a_row_is_written_read_changed_replaced_and_removed() {
    with_app(async |server| {
        let dataset = server.dataset("rows").await;
        let body = json!({"input": [{"role": "user", "content": "Hi"}], "output": {"role": "assistant", "content": "Hello"},
            "metadata": {"model": "m1", "tier": "gold"}, "metrics": {"cost": 0.5, "prompt_tokens": 3, "completion_tokens": 4}});
        let id = row(server, &dataset, body).await;
        let path = format!("/api/datasets/{dataset}/logs/{id}/");
        let read = server.get(&path).await.expect_status(200);
        assert_eq!((&read["model"], &read["prompt"], &read["completion"]), (&json!("m1"), &json!("Hi"), &json!("Hello")));
        assert_eq!((&read["total_request_tokens"], &read["scores"]), (&json!(7), &json!([])));

        let patch = json!({"metadata": {"tier": null, "seen": true}, "annotation_status": "completed"});
        let patched = server.patch(&path, patch).await.expect_status(200);
        assert_eq!(patched["metadata"], json!({"model": "m1", "seen": true}));
        assert_eq!(server.get(&format!("/api/datasets/{dataset}/")).await.body["completed_annotation_count"], 1);

        let replaced = server.put(&path, json!({"input": "new"})).await.expect_status(200);
        assert_eq!((&replaced["output"], &replaced["metadata"], &replaced["cost"]), (&Value::Null, &json!({}), &json!(0.5)));

        assert_eq!(server.delete(&path, None).await.status, 204);
        assert_eq!(server.get(&path).await.status, 404);
        assert_eq!(server.get(&format!("/api/datasets/{dataset}/")).await.body["log_count"], 0);
    })
    .await;
}

#[tokio::test]
async fn lists_have_object_scores_and_an_exact_total() {
    with_app(async |server| {
        let dataset = server.dataset("list").await;
        for number in 0..7 {
            let body = json!({"input": format!("q{number}"), "metadata": {"turn": number}});
            row(server, &dataset, body).await;
        }
        let path = format!("/api/datasets/{dataset}/logs/list/");
        let filters = json!({"filters": {"metadata__turn": {"operator": "gte", "value": [3]}}});
        let page = server.post(&format!("{path}?page_size=3&sort_by=metadata__turn"), filters).await.expect_status(200);
        let turns: Vec<_> = page["results"].as_array().unwrap().iter().map(|r| r["metadata"]["turn"].clone()).collect();
        assert_eq!((turns, &page["count"]), (vec![json!(3), json!(4), json!(5)], &json!(4)));
        assert_eq!(page["results"][0]["scores"], json!({}));
        let text = json!({"filters": {"input": {"operator": "contains", "value": "q5"}}});
        assert_eq!(server.post(&path, text).await.expect_status(200)["count"], 1);
        let some = server.post(&format!("{path}?include_fields=model"), json!({})).await.expect_status(200);
        assert!(some["results"][0].get("input").is_none(), "{some}");
        let beyond = server.post(&format!("{path}?page=99"), json!({})).await.expect_status(200);
        assert_eq!((&beyond["results"], &beyond["next"]), (&json!([]), &Value::Null));
        server.post(&format!("{path}?sort_by=input"), json!({})).await.expect_status(400);
    })
    .await;
}

#[tokio::test]
async fn bulk_keeps_the_good_and_names_the_bad() {
    with_app(async |server| {
        let dataset = server.dataset("bulk").await;
        let path = format!("/api/datasets/{dataset}/logs/bulk/");
        let reply =
            server.post(&path, json!({"logs": [{"input": "a"}, {}, 7, {"input": "b"}]})).await.expect_status(201);
        assert_eq!(
            (&reply["success_count"], &reply["error_count"], &reply["total_errors"]),
            (&json!(2), &json!(2), &json!(2))
        );
        assert_eq!((&reply["errors"][0]["index"], &reply["errors"][1]["index"]), (&json!(1), &json!(2)));
        assert_eq!(reply["unique_ids"][1], Value::Null);
        let failed = server.post(&path, json!({"logs": [{}]})).await.expect_status(400);
        assert_eq!((&failed["success_count"], &failed["errors"][0]["index"]), (&json!(0), &json!(0)));
        for (body, status) in [(json!({}), 422), (json!({"logs": []}), 422), (json!({"logs": 5}), 422)] {
            server.post(&path, body).await.expect_status(status);
        }
        let many: Vec<_> = (0..501).map(|_| json!({"input": "x"})).collect();
        server.post(&path, json!({ "logs": many })).await.expect_status(422);
    })
    .await;
}

#[tokio::test]
async fn every_path_form_answers_the_same() {
    with_app(async |server| {
        let dataset = server.dataset("forms").await;
        row(server, &dataset, json!({"input": "x"})).await;
        let mut answers = Vec::new();
        for form in
            ["/api/datasets/D/logs/list/", "/api/datasets/D/logs/list", "/datasets/D/logs/list", "/datasets/D/logs"]
        {
            let mut body = server.get(&form.replace('D', &dataset)).await.expect_status(200);
            body["next"] = Value::Null;
            answers.push(body);
        }
        assert!(answers.windows(2).all(|pair| pair[0] == pair[1]));
    })
    .await;
}

#[tokio::test]
async fn saved_logs_hold_rows_but_are_no_dataset() {
    with_app(async |server| {
        let id = row(server, "_saved_logs", json!({"input": "kept"})).await;
        let read = server.get(&format!("/api/datasets/_saved_logs/logs/{id}/")).await.expect_status(200);
        assert_eq!(read["dataset_id"], "_saved_logs");
        assert_eq!(server.get("/api/datasets/_saved_logs/").await.expect_status(200)["log_count"], 1);
        server.patch("/api/datasets/_saved_logs/", json!({"name": "x"})).await.expect_status(400);
        server.delete("/api/datasets/_saved_logs/", None).await.expect_status(400);
        let import = json!({"start_time": "2026-01-01", "end_time": "2026-01-02"});
        server.post("/api/datasets/_saved_logs/logs/import/", import).await.expect_status(404);
        assert_eq!(server.post("/api/datasets/list/", json!({})).await.body["count"], 0);
    })
    .await;
}

#[tokio::test]
async fn a_row_that_has_not_changed_is_not_sent_again() {
    with_app(async |server| {
        let dataset = server.dataset("tags").await;
        let id = row(server, &dataset, json!({"input": "q"})).await;
        let path = format!("/api/datasets/{dataset}/logs/{id}/");
        let ask = async |tag: &str| {
            let request = server.request(reqwest::Method::GET, &path).bearer_auth(&server.key);
            server.answer(request.header("if-none-match", tag)).await
        };
        let first = ask("\"other\"").await.expect_status(200);
        let tag = first.header("etag").to_owned();
        assert!(tag.starts_with("W/\"") && first.json()["input"] == "q", "{tag}");
        for same in [tag.as_str(), tag.trim_start_matches("W/"), &format!("\"x\", {tag}"), "*"] {
            let kept = ask(same).await.expect_status(304);
            assert_eq!((kept.header("etag"), kept.text()), (tag.as_str(), ""));
        }
        server.patch(&path, json!({"output": "a"})).await.expect_status(200);
        let changed = ask(&tag).await.expect_status(200);
        assert_ne!(changed.header("etag"), tag);
        // Scores are part of a row.
        let score = json!({"evaluator_slug": "s", "log_id": id, "dataset_id": dataset, "numerical_value": 1});
        server.post("/api/scores/", score).await.expect_status(201);
        ask(changed.header("etag")).await.expect_status(200);
    })
    .await;
}
