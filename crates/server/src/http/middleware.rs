//! What happens to every request around its handler, from the outside in: canonical path, request id, compression for
//! who asks, rest of the body, access log and metrics, panic → 500, load shield, time limit. Also the answers for
//! unknown paths and wrong methods. Knows no route but those of monitoring, which the load shield lets pass.

use crate::http::body_memory::BodyMemory;
use crate::http::connections::SameMachine;
use crate::http::error::{Failure, REQUEST_ID};
use crate::http::streams::Streams;
use crate::http::unread::{Rest, settle};
use crate::http::{paths, routes};
use crate::telemetry;
use axum::Router;
use axum::extract::{MatchedPath, Request, State};
use axum::http::{HeaderName, HeaderValue, Method, StatusCode, header};
use axum::middleware::{Next, from_fn, from_fn_with_state};
use axum::response::{IntoResponse, Response};
use evalset_model::Error;
use evalset_model::limits::Limits;
use evalset_product::app::App;
use evalset_product::clock::Clock;
use futures::FutureExt as _;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::sync::Semaphore;
use tower::Layer as _;
use tower::util::MapRequestLayer;
use tower_http::CompressionLevel;
use tower_http::compression::CompressionLayer;
use tower_http::compression::predicate::SizeAbove;

const X_REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");
/// Longest request id taken over from a caller.
const REQUEST_ID_CHARS: usize = 128;
/// Answers of fewer bytes are not worth compressing.
const COMPRESS_FROM: u64 = 8 * 1024;
/// When a refused caller may come back.
const SHED_RETRY_SECONDS: u64 = 1;

/// Puts everything around the routes. Call once, last: the result takes any path form and answers every path in JSON.
pub fn wrap(app: &App, router: Router) -> Router {
    around(&app.limits, router)
}

fn around(limits: &Limits, router: Router) -> Router {
    let limit = limits.concurrent_requests;
    let places = Arc::new(Semaphore::new(limit));
    let shield = Shield { places, limit, bodies: BodyMemory::from(limits), streams: Streams::from(limits) };
    let inner = router
        .fallback(unknown_path)
        .method_not_allowed_fallback(wrong_method)
        .layer(from_fn_with_state(Duration::from_secs(limits.request_seconds), limit_time))
        .layer(from_fn_with_state(shield, shed_load))
        .layer(from_fn(catch_panic))
        .layer(from_fn(observe))
        .layer(from_fn_with_state(Rest::from(limits), settle))
        .layer(CompressionLayer::new().quality(CompressionLevel::Fastest).compress_when(SizeAbove::new(COMPRESS_FROM)))
        .layer(from_fn(leave_near_ones))
        .layer(from_fn_with_state(Arc::new(Clock::default()), identify));
    // Layers of a router run after its routing; the path must be canonical before.
    Router::new().fallback_service(MapRequestLayer::new(paths::normalise).layer(inner))
}

async fn unknown_path(request: Request) -> Failure {
    let requested = request.extensions().get::<paths::RequestedUri>().map_or(request.uri(), |requested| &requested.0);
    let message = format!("There is no route {}. `GET /docs` lists the routes.", requested.path());
    Failure::status(StatusCode::NOT_FOUND, &message)
}

async fn wrong_method(method: Method) -> Failure {
    let message = format!("This path does not take {method}; the header `Allow` lists what it takes.");
    Failure::status(StatusCode::METHOD_NOT_ALLOWED, &message)
}

/// Gives the request an id: the caller's when it is sane, else a new one.
async fn identify(State(clock): State<Arc<Clock>>, request: Request, next: Next) -> Response {
    let given = request.headers().get(&X_REQUEST_ID).and_then(|value| value.to_str().ok());
    let id = given.filter(|id| sane(id)).map_or_else(|| clock.new_id().to_string(), str::to_owned);
    let header = HeaderValue::from_str(&id);
    let mut response = REQUEST_ID.scope(id, next.run(request)).await;
    if let Ok(header) = header {
        response.headers_mut().insert(X_REQUEST_ID, header);
    }
    response
}

/// Short, and of characters that cannot upset a log or a header.
fn sane(id: &str) -> bool {
    (1..=REQUEST_ID_CHARS).contains(&id.len())
        && id.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_.:/+=".contains(&byte))
}

/// The access log and the request metrics. Neither bodies, nor keys, nor query strings, which hold filters.
async fn observe(request: Request, next: Next) -> Response {
    let started = Instant::now();
    let counted = telemetry::InFlight::start();
    let method = method_name(request.method());
    let path = request.uri().path().to_owned();
    let route = request.extensions().get::<MatchedPath>().map(|route| route.as_str().to_owned());
    let agent = request.headers().get(header::USER_AGENT).and_then(|value| value.to_str().ok()).map(str::to_owned);
    let response = next.run(request).await;
    drop(counted);
    let took = started.elapsed();
    let status = response.status().as_u16();
    let quiet = route.as_deref().is_some_and(|route| routes::health::PATHS.contains(&route));
    telemetry::answered(method, route.as_deref().unwrap_or("(none)"), status, took);
    macro_rules! line {
        ($level:ident) => {
            tracing::$level!(
                target: telemetry::ACCESS,
                {
                    http.request.method = method,
                    http.route = route,
                    url.path = path,
                    http.response.status_code = status,
                    http.server.request.duration = took.as_secs_f64(),
                    user_agent.original = agent,
                    request_id = REQUEST_ID.try_with(Clone::clone).unwrap_or_default(),
                },
                "request"
            )
        };
    }
    if quiet {
        line!(debug);
    } else {
        line!(info);
    }
    response
}

/// A bounded set of names: callers choose methods freely, and each would make a series.
fn method_name(method: &Method) -> &'static str {
    match *method {
        Method::GET => "GET",
        Method::POST => "POST",
        Method::PUT => "PUT",
        Method::PATCH => "PATCH",
        Method::DELETE => "DELETE",
        Method::HEAD => "HEAD",
        Method::OPTIONS => "OPTIONS",
        _ => "_OTHER",
    }
}

/// A handler's panic ends that request only.
async fn catch_panic(request: Request, next: Next) -> Response {
    match AssertUnwindSafe(next.run(request)).catch_unwind().await {
        Ok(response) => response,
        // The panic hook has logged text and place.
        Err(_) => Failure::from(Error::internal("a handler panicked")).into_response(),
    }
}

#[derive(Clone)]
struct Shield {
    places: Arc<Semaphore>,
    limit: usize,
    bodies: BodyMemory,
    streams: Streams,
}

/// Refuses what is too much at once; monitoring passes, so that an overloaded server still tells so.
async fn shed_load(State(shield): State<Shield>, mut request: Request, next: Next) -> Response {
    let exempt =
        request.extensions().get::<MatchedPath>().is_some_and(|path| routes::health::PATHS.contains(&path.as_str()));
    if exempt {
        return next.run(request).await;
    }
    let Ok(_place) = shield.places.try_acquire() else {
        telemetry::shed();
        let limit = shield.limit;
        let message =
            format!("The server is busy with {limit} requests (`limits.concurrent_requests`). Try again soon.");
        return Failure::from(Error::Busy { message, retry_after: SHED_RETRY_SECONDS }).into_response();
    };
    // What the body takes is counted until the request is answered, and beyond while anything works on it. The place of
    // an answer that streams is its own.
    let body = shield.bodies.request();
    request.extensions_mut().insert(body.clone());
    request.extensions_mut().insert(shield.streams.clone());
    let response = next.run(request).await;
    drop(body);
    response
}

/// On one machine, compressing takes longer than sending; client libraries ask for it all the same.
async fn leave_near_ones(mut request: Request, next: Next) -> Response {
    if request.extensions().get::<SameMachine>().is_some() {
        request.headers_mut().remove(header::ACCEPT_ENCODING);
    }
    next.run(request).await
}

/// Bounds the time to the head of the answer; a body that streams is not cut.
async fn limit_time(State(limit): State<Duration>, request: Request, next: Next) -> Response {
    if let Ok(response) = tokio::time::timeout(limit, next.run(request)).await {
        return response;
    }
    let message = format!("The request took longer than {} s (`limits.request_seconds`).", limit.as_secs());
    Failure::status(StatusCode::GATEWAY_TIMEOUT, &message).into_response()
}

#[cfg(test)]
mod tests;
