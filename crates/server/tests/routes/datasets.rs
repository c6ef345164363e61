//! `/api/datasets/`

use evalset_testkit::with_app;
use serde_json::{Value, json};

#[tokio::test]
async fn a_dataset_is_created_read_changed_and_deleted() {
    with_app(async |server| {
        let made = server.post("/api/datasets/", json!({"name": "Refunds", "is_empty": true})).await.expect_status(201);
        assert_eq!(made["status"], "ready");
        assert_eq!(made["type"], "sampling");
        assert_eq!(made["description"], "");
        let path = format!("/api/datasets/{}/", made["id"].as_str().unwrap());

        let patch = json!({"name": "Refunds 2", "starred": true, "tags": ["a", 7], "granularity": "traces"});
        let changed = server.patch(&path, patch).await.expect_status(200);
        assert_eq!(changed["name"], "Refunds 2");
        assert_eq!(changed["granularity"], "logs", "fixed at creation");
        assert_eq!(changed["tags"][1], json!({"id": "7", "name": "7", "color": ""}));
        assert_eq!(server.get(&path).await.expect_status(200), changed);

        assert_eq!(server.delete(&path, None).await.status, 204);
        assert_eq!(server.get(&path).await.status, 404);
        assert_eq!(server.delete(&path, None).await.status, 404);
    })
    .await;
}

#[tokio::test]
async fn bad_bodies_name_the_member() {
    with_app(async |server| {
        for (body, field) in [
            (json!({}), "name"),
            (json!({"name": ""}), "name"),
            (json!({"name": 5}), "name"),
            (json!({"name": "x", "sampling": 0}), "sampling"),
            (json!({"name": "x", "sampling": 101}), "sampling"),
            (json!({"name": "x", "granularity": "rows"}), "granularity"),
            (json!({"name": "x", "start_time": "tomorrow"}), "start_time"),
            (json!({"name": "x", "start_time": "2026-02-01", "end_time": "2026-01-01"}), "start_time"),
            (json!({"name": "x", "is_empty": "perhaps"}), "is_empty"),
        ] {
            let reply = server.post("/api/datasets/", body.clone()).await.expect_status(400);
            assert!(reply["errors"].get(field).is_some(), "{body} → {reply}");
            assert!(reply["request_id"].as_str().is_some_and(|id| !id.is_empty()));
        }
        let filters = json!({"name": "x", "initial_log_filters": {"model": {"operator": "like", "value": 1}}});
        let reply = server.post("/api/datasets/", filters).await.expect_status(400);
        assert!(reply["detail"].as_str().unwrap().contains("like"), "{reply}");
    })
    .await;
}

#[tokio::test]
async fn the_list_filters_sorts_and_pages() {
    with_app(async |server| {
        for name in ["alpha", "beta", "gamma"] {
            server.dataset(name).await;
        }
        let names =
            |page: &Value| page["results"].as_array().unwrap().iter().map(|d| d["name"].clone()).collect::<Vec<_>>();
        let all = server.post("/api/datasets/list/", json!({})).await.expect_status(200);
        assert_eq!(names(&all), ["gamma", "beta", "alpha"]);
        let page =
            server.post("/api/datasets/list/?page=2&page_size=2&sort_by=name", json!({})).await.expect_status(200);
        assert_eq!((names(&page), &page["count"]), (vec![json!("gamma")], &json!(3)));
        assert_eq!(page["next"], Value::Null);
        let filters = json!({"filters": {"name": {"operator": "icontains", "value": "ET"}}});
        let found = server.post("/api/datasets/list/", filters).await.expect_status(200);
        assert_eq!(names(&found), ["beta"]);
        assert_eq!(found["current_filters"]["name"]["value"], "ET");
        let by_url = server.get("/datasets/list?name=alpha").await.expect_status(200);
        assert_eq!(names(&by_url), ["alpha"]);
        server.post("/api/datasets/list/?sort_by=colour", json!({})).await.expect_status(400);
        server.post("/api/datasets/list/", json!({"filters": {"colour": "red"}})).await.expect_status(400);
    })
    .await;
}
