//! `/healthz`, `/readyz`, `/metrics`, `/docs` and `/openapi.json`: what needs no key.

use evalset_model::limits::Limits;
use evalset_testkit::{Answer, TestApp, Under, with_app, with_limits};
use reqwest::Method;
use serde_json::{Value, json};

async fn get(server: &TestApp, path: &str) -> Answer {
    server.answer(server.request(Method::GET, path)).await.expect_status(200)
}

#[tokio::test]
async fn probes_answer_without_a_key() {
    with_app(async |server| {
        let alive = get(server, "/healthz").await.json();
        assert_eq!((&alive["status"], alive["version"].is_string()), (&json!("ok"), true));
        let ready = get(server, "/readyz").await.json();
        assert_eq!(ready, json!({"status": "ready", "readable": true, "writable": true, "stopping": false}));
    })
    .await;
}

#[tokio::test]
async fn metrics_tell_of_requests_jobs_and_the_store() {
    with_app(async |server| {
        server.dataset("counted").await;
        let metrics = get(server, "/metrics").await;
        assert_eq!(metrics.header("content-type"), "text/plain; version=0.0.4; charset=utf-8");
        let text = metrics.text();
        for name in [
            "evalset_http_requests_total{method=\"POST\",route=\"/api/datasets/\",status=\"201\"}",
            "evalset_http_request_duration_seconds",
            "evalset_jobs{state=\"open\"} 0",
            "evalset_store_file_bytes",
            "evalset_uptime_seconds",
            "evalset_build_info{version=",
        ] {
            assert!(text.contains(name), "{name} is not in\n{text}");
        }
        assert!(!text.contains(&server.key) && !text.contains("counted"));
    })
    .await;
}

#[tokio::test]
async fn the_documentation_is_served_by_the_server_itself() {
    with_limits(Under::Memory, Limits::default(), async |server| {
        for path in ["/", "/docs"] {
            let page = get(server, path).await;
            assert_eq!(page.header("content-type"), "text/html; charset=utf-8", "{path}");
            assert!(page.header("content-security-policy").contains("default-src 'self'"), "{path}");
            assert!(page.text().contains("evalset"), "{path}");
        }
        assert!(get(server, "/docs").await.text().contains("openapi.json"));
    })
    .await;
}

/// Adding, moving or losing a route is a change of the API: it shows here.
#[tokio::test]
async fn the_document_lists_every_route() {
    with_limits(Under::Memory, Limits::default(), async |server| {
        let document = get(server, "/openapi.json").await;
        assert_eq!(document.header("content-type"), "application/json");
        let document = document.json();
        assert_eq!(document["openapi"], "3.1.0");
        insta::assert_snapshot!(routes(&document), @r"
        /api/datasets/ POST
        /api/datasets/list/ GET
        /api/datasets/list/ POST
        /api/datasets/{dataset_id}/ DELETE
        /api/datasets/{dataset_id}/ GET
        /api/datasets/{dataset_id}/ PATCH
        /api/datasets/{dataset_id}/annotation/complete/ POST
        /api/datasets/{dataset_id}/annotation/next/ POST
        /api/datasets/{dataset_id}/annotation/progress/ GET
        /api/datasets/{dataset_id}/annotation/release/ POST
        /api/datasets/{dataset_id}/eval-reports/create/ POST
        /api/datasets/{dataset_id}/eval-reports/list/ GET
        /api/datasets/{dataset_id}/eval-reports/{task_id}/ GET
        /api/datasets/{dataset_id}/eval-reports/{task_id}/cancel/ POST
        /api/datasets/{dataset_id}/eval-reports/{task_id}/continue/ POST
        /api/datasets/{dataset_id}/eval-reports/{task_id}/results/ GET
        /api/datasets/{dataset_id}/logs/ POST
        /api/datasets/{dataset_id}/logs/bulk/ POST
        /api/datasets/{dataset_id}/logs/export/ GET
        /api/datasets/{dataset_id}/logs/export/ POST
        /api/datasets/{dataset_id}/logs/import/ DELETE
        /api/datasets/{dataset_id}/logs/import/ POST
        /api/datasets/{dataset_id}/logs/list/ GET
        /api/datasets/{dataset_id}/logs/list/ POST
        /api/datasets/{dataset_id}/logs/summary/ GET
        /api/datasets/{dataset_id}/logs/summary/ POST
        /api/datasets/{dataset_id}/logs/{unique_id}/ DELETE
        /api/datasets/{dataset_id}/logs/{unique_id}/ GET
        /api/datasets/{dataset_id}/logs/{unique_id}/ PATCH
        /api/datasets/{dataset_id}/logs/{unique_id}/ PUT
        /api/evaluators/ GET
        /api/evaluators/ POST
        /api/evaluators/list/ POST
        /api/evaluators/summary/ GET
        /api/evaluators/summary/ POST
        /api/evaluators/{evaluator_id}/ DELETE
        /api/evaluators/{evaluator_id}/ GET
        /api/evaluators/{evaluator_id}/ PATCH
        /api/evaluators/{evaluator_id}/ PUT
        /api/evaluators/{evaluator_id}/run/ POST
        /api/evaluators/{evaluator_id}/versions/ GET
        /api/evaluators/{evaluator_id}/versions/ POST
        /api/evaluators/{evaluator_id}/versions/{version}/ GET
        /api/evaluators/{evaluator_id}/versions/{version}/ PATCH
        /api/evaluators/{evaluator_id}/versions/{version}/ PUT
        /api/exports/ GET
        /api/exports/{export_id}/ GET
        /api/exports/{export_id}/download/ GET
        /api/jobs/ GET
        /api/jobs/{job_id}/ GET
        /api/jobs/{job_id}/cancel/ POST
        /api/llm-provider/ DELETE
        /api/llm-provider/ GET
        /api/llm-provider/ PATCH
        /api/llm-provider/ PUT
        /api/logs/{log_id}/scores/ GET
        /api/logs/{log_id}/scores/ POST
        /api/logs/{log_id}/scores/{score_id}/ DELETE
        /api/logs/{log_id}/scores/{score_id}/ GET
        /api/logs/{log_id}/scores/{score_id}/ PATCH
        /api/logs/{log_id}/scores/{score_id}/ PUT
        /api/request-logs/ GET
        /api/request-logs/ POST
        /api/request-logs/batch-update/ PATCH
        /api/request-logs/batch/create/ POST
        /api/request-logs/bulk/ POST
        /api/request-logs/export/ GET
        /api/request-logs/export/ POST
        /api/request-logs/groups/ GET
        /api/request-logs/groups/ POST
        /api/request-logs/list/ GET
        /api/request-logs/list/ POST
        /api/request-logs/summary/ GET
        /api/request-logs/summary/ POST
        /api/request-logs/{unique_id}/ GET
        /api/request-logs/{unique_id}/ PATCH
        /api/scores/ GET
        /api/scores/ POST
        /api/scores/list/ POST
        /api/scores/{score_id}/ DELETE
        /api/scores/{score_id}/ GET
        /api/scores/{score_id}/ PATCH
        /api/scores/{score_id}/ PUT
        /healthz GET
        /metrics GET
        /readyz GET
        ");
    })
    .await;
}

fn routes(document: &Value) -> String {
    let mut lines = Vec::new();
    for (path, item) in document["paths"].as_object().unwrap() {
        for (method, operation) in item.as_object().unwrap() {
            assert!(operation["summary"].is_string() && operation["responses"].is_object(), "{method} {path}");
            lines.push(format!("{path} {}", method.to_uppercase()));
        }
    }
    lines.sort();
    lines.join("\n")
}
