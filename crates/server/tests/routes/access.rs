//! Keys, organizations, environments and the rate limit: who may do what, on every route.

use evalset_model::key::Environment;
use evalset_model::limits::Limits;
use evalset_product::ops::keys;
use evalset_testkit::{TestApp, Under, with_app, with_limits};
use reqwest::{Method, RequestBuilder};
use serde_json::{Value, json};

fn list(server: &TestApp) -> RequestBuilder {
    server.request(Method::POST, "/api/datasets/list/").json(&json!({}))
}

#[tokio::test]
async fn without_a_key_that_works_the_answer_is_401_and_says_why() {
    with_limits(Under::Memory, Limits::default(), async |server| {
        let answer = server.answer(list(server)).await.expect_status(401);
        let body = answer.json();
        assert_eq!((&body["detail"], &body["request_id"]), (&body["error"], &json!(answer.header("x-request-id"))));
        assert!(body["detail"].as_str().unwrap().contains("Authorization: Bearer"), "{body}");
        let members: Vec<_> = body.as_object().unwrap().keys().collect();
        assert_eq!(members, ["detail", "error", "request_id"]);
        for header in ["Bearer", "Bearer wrong", "Basic abc", "Bearer \u{20}", &"x".repeat(10_000)] {
            let answer = server.answer(list(server).header("authorization", header)).await;
            assert_eq!(answer.status, 401, "{}", &header[..header.len().min(20)]);
        }
        let by_other_header = list(server).header("x-api-key", &server.key);
        server.answer(by_other_header).await.expect_status(401);
    })
    .await;
}

#[tokio::test]
async fn a_key_is_taken_with_any_spelling_of_the_scheme_or_none() {
    with_limits(Under::Memory, Limits::default(), async |server| {
        for header in [format!("Bearer {}", server.key), format!("bearer  {}", server.key), server.key.clone()] {
            server.answer(list(server).header("authorization", header)).await.expect_status(200);
        }
    })
    .await;
}

#[tokio::test]
async fn a_revoked_key_stops_working_at_once() {
    with_app(async |server| {
        let key = server.key_of("default", Environment::Prod).await;
        server.send_as(&key, Method::GET, "/api/datasets/", None).await.expect_status(200);
        let prefix = &key[..keys::PREFIX_CHARS];
        keys::revoke(server.app.stores.keys.as_ref(), &server.app.clock, prefix).await.unwrap();
        let reply = server.send_as(&key, Method::GET, "/api/datasets/", None).await.expect_status(401);
        assert!(reply["detail"].as_str().unwrap().contains("revoked"), "{reply}");
        server.get("/api/datasets/").await.expect_status(200);
    })
    .await;
}

#[tokio::test]
async fn the_key_decides_the_environment_whatever_the_body_says() {
    with_limits(Under::Memory, Limits::default(), async |server| {
        let test_key = server.key_of("default", Environment::Test).await;
        for (key, environment) in [(&test_key, "test"), (&server.key, "prod")] {
            let log = json!({"input": "q", "environment": "staging"});
            let made =
                server.send_as(key, Method::POST, "/api/request-logs/", Some(log.clone())).await.expect_status(201);
            let log_path = format!("/api/request-logs/{}/", made["unique_id"].as_str().unwrap());
            assert_eq!(server.get(&log_path).await.expect_status(200)["environment"], environment);
            let rows = "/api/datasets/_saved_logs/logs/";
            let made = server.send_as(key, Method::POST, rows, Some(log)).await.expect_status(201);
            let row = server.get(&format!("{rows}{}/", made["unique_id"].as_str().unwrap())).await.expect_status(200);
            assert_eq!(row["environment"], environment);
        }
        let listed = server.get("/api/request-logs/list/?environment=test").await.expect_status(200);
        assert_eq!(listed["count"], 1, "both keys see both environments");
    })
    .await;
}

#[tokio::test]
async fn another_organization_finds_nothing_of_ours() {
    with_limits(Under::Memory, Limits::default(), async |server| {
        let dataset = server.dataset("ours").await;
        let row =
            server.post(&format!("/api/datasets/{dataset}/logs/"), json!({"input": "q"})).await.expect_status(201);
        let log = server.post("/api/request-logs/", json!({"input": "q"})).await.expect_status(201);
        let other = server.key_of("other", Environment::Prod).await;
        let (dataset, row) = (format!("/api/datasets/{dataset}/"), row["unique_id"].as_str().unwrap());
        let window = json!({"start_time": "2020-01-01", "end_time": "2100-01-01"});
        for (method, path, body) in [
            (Method::GET, dataset.clone(), None),
            (Method::PATCH, dataset.clone(), Some(json!({"name": "theirs"}))),
            (Method::POST, format!("{dataset}logs/"), Some(json!({"input": "q"}))),
            (Method::POST, format!("{dataset}logs/list/"), None),
            (Method::POST, format!("{dataset}logs/summary/"), None),
            (Method::POST, format!("{dataset}logs/bulk/"), Some(json!({"logs": [{"input": "q"}]}))),
            (Method::POST, format!("{dataset}logs/import/"), Some(window)),
            (Method::DELETE, format!("{dataset}logs/import/"), Some(json!({"is_deleting_all_logs": true}))),
            (Method::GET, format!("{dataset}logs/{row}/"), None),
            (Method::PATCH, format!("{dataset}logs/{row}/"), Some(json!({"output": "x"}))),
            (Method::PUT, format!("{dataset}logs/{row}/"), Some(json!({"output": "x"}))),
            (Method::DELETE, format!("{dataset}logs/{row}/"), None),
            (Method::GET, format!("/api/request-logs/{}/", log["unique_id"].as_str().unwrap()), None),
            (Method::DELETE, dataset.clone(), None),
        ] {
            let reply = server.send_as(&other, method.clone(), &path, body).await;
            assert_eq!(reply.status, 404, "{method} {path}: {}", reply.body);
        }
        let theirs = server.send_as(&other, Method::POST, "/api/request-logs/list/", Some(json!({}))).await;
        assert_eq!(theirs.expect_status(200)["count"], 0);
        let ours = server.get(&dataset).await.expect_status(200);
        assert_eq!((&ours["name"], &ours["log_count"]), (&json!("ours"), &json!(1)));
    })
    .await;
}

/// Driven by the API's own description, so that no new route can be forgotten.
#[tokio::test]
async fn every_route_of_the_api_asks_for_a_key() {
    with_limits(Under::Memory, Limits::default(), async |server| {
        let document = server.get("/openapi.json").await.expect_status(200);
        let mut asked = 0;
        for (path, item) in document["paths"].as_object().unwrap() {
            let filled: Vec<_> = path.split('/').map(|part| if part.starts_with('{') { "x" } else { part }).collect();
            for (method, operation) in item.as_object().unwrap() {
                let open = operation["security"] == json!([{}]);
                assert_eq!(open, !path.starts_with("/api/"), "{method} {path}");
                let method: Method = method.to_uppercase().parse().unwrap();
                let request = server.request(method.clone(), &filled.join("/"));
                let request = if method == Method::GET { request } else { request.json(&Value::Null) };
                let status = server.answer(request).await.status;
                assert_eq!(status, if open { 200 } else { 401 }, "{method} {path}");
                asked += 1;
            }
        }
        assert!(asked > 40, "only {asked} routes in the document");
    })
    .await;
}

#[tokio::test]
async fn with_parity_the_31st_bulk_call_of_a_minute_waits() {
    with_limits(Under::Memory, Limits { parity: true, ..Limits::default() }, async |server| {
        let dataset = server.dataset("busy").await;
        let (rows, logs) = (format!("/api/datasets/{dataset}/logs/bulk/"), "/api/request-logs/bulk/".to_owned());
        let call = |key: &str, path: &str| {
            server.answer(server.request(Method::POST, path).bearer_auth(key).json(&json!({"logs": [{"input": "q"}]})))
        };
        for number in 0..30 {
            call(&server.key, if number % 2 == 0 { &rows } else { &logs }).await.expect_status(201);
        }
        let same_organization = server.key_of("default", Environment::Test).await;
        for key in [&server.key, &same_organization] {
            let refused = call(key, &rows).await.expect_status(429);
            let wait: u64 = refused.header("retry-after").parse().unwrap();
            assert!((1..=61).contains(&wait), "{wait}");
            let body = refused.json();
            assert_eq!(body["retry_after"], wait);
            assert!(body["detail"].as_str().unwrap().contains("limits.parity"), "{body}");
        }
        let other = server.key_of("other", Environment::Prod).await;
        call(&other, &logs).await.expect_status(201);
        server.post(&format!("/api/datasets/{dataset}/logs/"), json!({"input": "single"})).await.expect_status(201);
    })
    .await;
}
