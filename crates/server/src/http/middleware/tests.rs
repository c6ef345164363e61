//! Every layer in process, over routes made for the purpose.

use super::around;
use crate::http::connections::SameMachine;
use crate::http::error::{Answer, REQUEST_ID};
use axum::Router;
use axum::body::Body;
use axum::extract::Request;
use axum::http::{Response, StatusCode};
use axum::routing::{get, post};
use evalset_model::limits::Limits;
use serde_json::Value;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::Notify;
use tower::ServiceExt as _;

fn routes() -> Router {
    Router::new()
        .route("/api/echo/{id}/", get(|| async { REQUEST_ID.get() }).post(|body: String| async move { body }))
        .route("/api/boom/", post(|| async { panic_now() }))
        .route("/api/slow/", get(|| async { std::future::pending::<Answer<()>>().await }))
        .route("/api/long/", get(|| async { "word ".repeat(10_000) }))
        .route("/healthz", get(|| async { "up" }))
}

fn panic_now() -> &'static str {
    panic!("secret of the inside")
}

async fn call(app: &Router, method: &str, path: &str, id: Option<&str>) -> Response<Body> {
    let mut request = Request::builder().method(method).uri(path);
    if let Some(id) = id {
        request = request.header("x-request-id", id);
    }
    app.clone().oneshot(request.body(Body::empty()).unwrap()).await.unwrap()
}

async fn json(response: Response<Body>) -> Value {
    let bytes = axum::body::to_bytes(response.into_body(), 1 << 20).await.unwrap();
    serde_json::from_slice(&bytes).unwrap_or_else(|_| panic!("not JSON: {bytes:?}"))
}

/// The error body, checked to carry the same request id as the header.
async fn failure(response: Response<Body>) -> Value {
    let header = response.headers()["x-request-id"].to_str().unwrap().to_owned();
    assert_eq!(response.headers()["content-type"], "application/json");
    let body = json(response).await;
    assert_eq!(body["request_id"], header.as_str());
    body
}

#[tokio::test]
async fn any_form_of_a_path_reaches_its_route() {
    let app = around(&Limits::default(), routes());
    for path in ["/api/echo/1/", "/api/echo/1", "/echo/1/", "/echo/1", "/echo/1?page=2"] {
        assert_eq!(call(&app, "GET", path, None).await.status(), StatusCode::OK, "{path}");
    }
    assert_eq!(call(&app, "GET", "/healthz/", None).await.status(), StatusCode::OK);
}

#[tokio::test]
async fn unknown_paths_are_404_in_json_and_named_as_requested() {
    let app = around(&Limits::default(), routes());
    let response = call(&app, "GET", "/nowhere", None).await;
    assert_eq!(response.status(), StatusCode::NOT_FOUND);
    let body = failure(response).await;
    assert!(body["detail"].as_str().unwrap().contains("no route /nowhere."), "{body}");
}

#[tokio::test]
async fn wrong_methods_are_405_in_json_with_those_allowed() {
    let app = around(&Limits::default(), routes());
    let response = call(&app, "DELETE", "/api/echo/1", None).await;
    assert_eq!(response.status(), StatusCode::METHOD_NOT_ALLOWED);
    let allowed = response.headers()["allow"].to_str().unwrap().to_owned();
    assert!(allowed.contains("GET") && allowed.contains("POST") && !allowed.contains("DELETE"), "{allowed}");
    assert!(failure(response).await["detail"].as_str().unwrap().contains("DELETE"));
}

#[tokio::test]
async fn a_sane_request_id_is_kept_and_any_other_replaced() {
    let app = around(&Limits::default(), routes());
    let id_of = |response: &Response<Body>| response.headers()["x-request-id"].to_str().unwrap().to_owned();
    let kept = call(&app, "GET", "/api/echo/1/", Some("trace-1.2:3")).await;
    assert_eq!(id_of(&kept), "trace-1.2:3");
    let seen = axum::body::to_bytes(kept.into_body(), 100).await.unwrap();
    assert_eq!(seen, "trace-1.2:3", "the handler sees the same id");
    for odd in ["", "two words", "quote\"", &"x".repeat(129)] {
        let replaced = id_of(&call(&app, "GET", "/api/echo/1/", Some(odd)).await);
        assert_eq!(replaced.len(), 36, "{odd} → {replaced}");
    }
}

#[tokio::test]
async fn a_panic_is_500_without_its_text_and_the_server_lives_on() {
    let app = around(&Limits::default(), routes());
    let response = call(&app, "POST", "/api/boom/", None).await;
    assert_eq!(response.status(), StatusCode::INTERNAL_SERVER_ERROR);
    let body = failure(response).await;
    assert_eq!(body["error_code"], "internal_error");
    assert!(!body.to_string().contains("secret"), "{body}");
    assert_eq!(call(&app, "GET", "/api/echo/1/", None).await.status(), StatusCode::OK);
}

#[tokio::test(start_paused = true)]
async fn a_request_that_takes_too_long_is_504() {
    let app = around(&Limits { request_seconds: 7, ..Limits::default() }, routes());
    let before = tokio::time::Instant::now();
    let response = call(&app, "GET", "/api/slow/", None).await;
    assert_eq!(before.elapsed(), Duration::from_secs(7));
    assert_eq!(response.status(), StatusCode::GATEWAY_TIMEOUT);
    assert!(failure(response).await["detail"].as_str().unwrap().contains("limits.request_seconds"));
}

#[tokio::test]
async fn too_many_at_once_are_503_but_monitoring_passes() {
    let (entered, leave) = (Arc::new(Notify::new()), Arc::new(Notify::new()));
    let (inside, outside) = (entered.clone(), leave.clone());
    let hold = move || async move {
        inside.notify_one();
        outside.notified().await;
        "done"
    };
    let app = around(&Limits { concurrent_requests: 1, ..Limits::default() }, routes().route("/api/hold/", get(hold)));
    let held = call(&app, "GET", "/api/hold/", None);
    let others = async {
        entered.notified().await;
        let refused = call(&app, "GET", "/api/echo/1/", None).await;
        assert_eq!(refused.status(), StatusCode::SERVICE_UNAVAILABLE);
        assert_eq!(refused.headers()["retry-after"], "1");
        assert!(failure(refused).await["detail"].as_str().unwrap().contains("limits.concurrent_requests"));
        assert_eq!(call(&app, "GET", "/healthz", None).await.status(), StatusCode::OK);
        leave.notify_one();
    };
    let (held, ()) = tokio::join!(held, others);
    assert_eq!(held.status(), StatusCode::OK);
    assert_eq!(call(&app, "GET", "/api/echo/1/", None).await.status(), StatusCode::OK, "the place is free again");
}

#[tokio::test]
async fn long_answers_are_compressed_for_who_asks_from_afar() {
    let app = around(&Limits::default(), routes());
    let ask = async |path: &str, encoding: &str, near: bool| {
        let mut request = Request::get(path).header("accept-encoding", encoding).body(Body::empty()).unwrap();
        if near {
            request.extensions_mut().insert(SameMachine);
        }
        let answer = app.clone().oneshot(request).await.unwrap();
        let header = |name: &str| answer.headers().get(name).map(|value| value.to_str().unwrap().to_owned());
        let (encoding, vary) = (header("content-encoding"), header("vary"));
        (encoding, vary, axum::body::to_bytes(answer.into_body(), 1 << 20).await.unwrap())
    };
    let plain = "word ".repeat(10_000);
    for encoding in ["zstd", "br", "gzip"] {
        let (used, vary, bytes) = ask("/api/long/", encoding, false).await;
        assert_eq!((used.as_deref(), vary.as_deref()), (Some(encoding), Some("accept-encoding")));
        assert!(bytes.len() * 10 < plain.len(), "{encoding}: {} bytes", bytes.len());
        let (used, _, bytes) = ask("/api/long/", encoding, true).await;
        assert_eq!((used, bytes), (None, plain.clone().into()));
    }
    let (_, _, zstd) = ask("/api/long/", "zstd", false).await;
    assert_eq!(zstd::decode_all(&*zstd).unwrap(), plain.as_bytes());
    assert_eq!(ask("/healthz", "zstd", false).await.0, None, "short ones are not worth it");
    assert_eq!(ask("/api/long/", "identity", false).await.0, None);
}
