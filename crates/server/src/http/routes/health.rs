//! `/healthz`, `/readyz`, `/metrics`: for load balancers and monitoring. No key, never shed, logged at debug.

use crate::http::error::Failure;
use crate::http::openapi::ErrorBody;
use crate::telemetry;
use axum::Json;
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use evalset_model::Error;
use evalset_product::app::App;
use evalset_product::ops::health;
use metrics::gauge;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

/// Paths of this file.
pub const PATHS: &[&str] = &["/healthz", "/readyz", "/metrics"];

/// The routes of this file.
pub fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(healthz)).routes(routes!(readyz)).routes(routes!(metrics))
}

/// State of the process.
#[derive(serde::Serialize, utoipa::ToSchema)]
struct Alive {
    /// Always `ok`.
    status: &'static str,
    /// Version of the program.
    version: &'static str,
}

/// The process is up
///
/// Tells nothing of the store: see `/readyz`.
#[utoipa::path(get, path = "/healthz", tag = "Health", security(()), responses((status = 200, description = "Up.", body = Alive)))]
async fn healthz() -> Json<Alive> {
    Json(Alive { status: "ok", version: env!("CARGO_PKG_VERSION") })
}

/// State of the store.
#[derive(serde::Serialize, utoipa::ToSchema)]
struct Readiness {
    /// `ready` or `not ready`.
    status: &'static str,
    /// Whether data can be read.
    readable: bool,
    /// Whether data can be written; false for instance when the disk is full.
    writable: bool,
    /// Whether the server is shutting down.
    stopping: bool,
    /// Members of an error, when not ready.
    #[serde(flatten)]
    error: Option<ErrorBody>,
}

/// The store can be read and written
#[utoipa::path(
    get, path = "/readyz", tag = "Health", security(()),
    responses((status = 200, description = "Ready.", body = Readiness), (status = 503, description = "Not ready.", body = Readiness)),
)]
async fn readyz(State(app): State<App>) -> Response {
    let health::Readiness { readable, writable, stopping, faults } = health::readiness(&app).await;
    if faults.is_empty() {
        return Json(Readiness { status: "ready", readable, writable, stopping, error: None }).into_response();
    }
    let detail = faults.join("; ");
    let request_id = crate::http::error::REQUEST_ID.try_with(Clone::clone).unwrap_or_default();
    let error = Some(ErrorBody { error: detail.clone(), detail, request_id, ..ErrorBody::default() });
    let body = Readiness { status: "not ready", readable, writable, stopping, error };
    (StatusCode::SERVICE_UNAVAILABLE, Json(body)).into_response()
}

/// Metrics for Prometheus
#[utoipa::path(
    get, path = "/metrics", tag = "Health", security(()),
    responses((status = 200, description = "Prometheus text format.", body = String, content_type = "text/plain")),
)]
async fn metrics(State(app): State<App>) -> Result<Response, Failure> {
    let handle = telemetry::metrics().map_err(Error::Internal)?;
    for (name, value) in health::gauges(&app) {
        gauge!(name).set(value);
    }
    gauge!("evalset_jobs", "state" => "open").set(health::open_jobs(&app).await? as f64);
    gauge!("evalset_uptime_seconds").set(app.clock.uptime_seconds());
    gauge!("evalset_build_info", "version" => env!("CARGO_PKG_VERSION")).set(1.0);
    Ok(([(header::CONTENT_TYPE, "text/plain; version=0.0.4; charset=utf-8")], handle.render()).into_response())
}

#[cfg(test)]
mod tests {
    use crate::http::{middleware, router};
    use axum::body::Body;
    use axum::http::{Request, StatusCode};
    use evalset_product::app::App;
    use tower::ServiceExt as _;

    fn app() -> App {
        crate::open::in_memory()
    }

    async fn get(app: &App, path: &str) -> (StatusCode, String) {
        let routes = middleware::wrap(app, router::router(app).unwrap());
        let response = routes.oneshot(Request::get(path).body(Body::empty()).unwrap()).await.unwrap();
        let status = response.status();
        let body = axum::body::to_bytes(response.into_body(), 10 << 20).await.unwrap();
        (status, String::from_utf8(body.to_vec()).unwrap())
    }

    #[tokio::test]
    async fn ready_until_shutdown_begins() {
        let app = app();
        assert_eq!(get(&app, "/healthz").await.0, StatusCode::OK);
        let (status, body) = get(&app, "/readyz").await;
        assert_eq!((status, body.contains(r#""writable":true"#)), (StatusCode::OK, true), "{body}");
        app.stopping.cancel();
        let (status, body) = get(&app, "/readyz").await;
        assert_eq!(status, StatusCode::SERVICE_UNAVAILABLE);
        assert!(body.contains("the server is shutting down") && body.contains("request_id"), "{body}");
    }

    #[tokio::test]
    async fn metrics_count_by_route_template_not_by_path() {
        let app = app();
        crate::telemetry::metrics().unwrap();
        let (status, _) = get(&app, "/api/datasets/0190d5b0-0000-7000-8000-000000000001/").await;
        assert_eq!(status, StatusCode::UNAUTHORIZED);
        let (status, body) = get(&app, "/metrics").await;
        assert_eq!(status, StatusCode::OK);
        let counted = r#"evalset_http_requests_total{method="GET",route="/api/datasets/{dataset_id}/",status="401"} 1"#;
        assert!(body.contains(counted), "{body}");
        assert!(body.contains(r#"evalset_jobs{state="open"} 0"#) && !body.contains("0190d5b0"), "{body}");
    }

    #[tokio::test]
    async fn pages_load_nothing_from_elsewhere() {
        let app = app();
        for path in ["/", "/docs"] {
            let (status, body) = get(&app, path).await;
            assert_eq!(status, StatusCode::OK, "{path}");
            assert!(!body.contains("http://") && !body.contains("https://"), "{path}");
        }
        let document: serde_json::Value = serde_json::from_str(&get(&app, "/openapi.json").await.1).unwrap();
        assert_eq!(document["paths"]["/readyz"]["get"]["security"], serde_json::json!([{}]));
    }
}
