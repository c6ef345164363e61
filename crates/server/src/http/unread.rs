//! What becomes of a body that was answered before it was read: too large, no key, a server too busy. Left on the
//! connection, its rest would be taken for the next request, so the rest is read and forgotten where it is small, and
//! the connection is closed, saying so, where it is not. Knows no route, and not why nobody read it.

use axum::body::{Body, Bytes, HttpBody};
use axum::extract::{Request, State};
use axum::http::{HeaderValue, header};
use axum::middleware::Next;
use axum::response::Response;
use evalset_model::limits::Limits;
use http_body_util::BodyExt as _;
use hyper::body::{Frame, SizeHint};
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;
use tokio::sync::oneshot;

/// How much of a rest is read.
#[derive(Clone, Copy)]
pub struct Rest {
    bytes: usize,
    time: Duration,
}

impl From<&Limits> for Rest {
    fn from(limits: &Limits) -> Self {
        Self { bytes: limits.unread_body_bytes, time: Duration::from_secs(limits.unread_body_seconds) }
    }
}

/// Answers the request, then sees to the rest of its body. A caller that waits for leave to send one (`Expect`) and did
/// not get it is not made to.
pub async fn settle(State(rest): State<Rest>, request: Request, next: Next) -> Response {
    if request.body().is_end_stream() {
        return next.run(request).await;
    }
    let waits = request.headers().contains_key(header::EXPECT);
    let (back, returned) = oneshot::channel();
    let mut response = next.run(request.map(|body| Body::new(Lent { body, asked: false, back: Some(back) }))).await;
    let Ok(left) = returned.await else { return response };
    if (waits && !left.asked) || !rest.read(left.body).await {
        response.headers_mut().insert(header::CONNECTION, HeaderValue::from_static("close"));
    }
    response
}

impl Rest {
    /// Reads a body to its end; whether it got there.
    async fn read(self, mut body: Body) -> bool {
        let mut left = self.bytes;
        if body.size_hint().lower() > left as u64 {
            return false;
        }
        let read = async {
            while let Some(frame) = body.frame().await {
                let length = frame.ok()?.data_ref().map_or(0, Bytes::len);
                left = left.checked_sub(length)?;
            }
            Some(())
        };
        tokio::time::timeout(self.time, read).await.is_ok_and(|end| end.is_some())
    }
}

/// A body that comes back when it is dropped before its end.
struct Lent {
    body: Body,
    /// Whether anything of it was asked for.
    asked: bool,
    back: Option<oneshot::Sender<Left>>,
}

/// What was left of a body.
struct Left {
    body: Body,
    asked: bool,
}

impl HttpBody for Lent {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        self.asked = true;
        let polled = Pin::new(&mut self.body).poll_frame(context);
        if matches!(polled, Poll::Ready(None | Some(Err(_)))) {
            self.back = None;
        }
        polled
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

impl Drop for Lent {
    fn drop(&mut self) {
        if let Some(back) = self.back.take().filter(|_| !self.body.is_end_stream()) {
            // Nobody waits any more when the caller has gone.
            back.send(Left { body: std::mem::take(&mut self.body), asked: self.asked }).ok();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Rest, settle};
    use axum::Router;
    use axum::body::{Body, Bytes};
    use axum::extract::Request;
    use axum::http::Response;
    use axum::middleware::from_fn_with_state;
    use axum::routing::post;
    use futures::StreamExt as _;
    use std::sync::Arc;
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::time::Duration;
    use tower::ServiceExt as _;

    /// Answers what was sent in `pieces` pieces of 100 bytes; the answer and how many pieces were taken.
    async fn sent(path: &str, pieces: usize, headers: &[(&str, &str)]) -> (Response<Body>, usize) {
        let rest = Rest { bytes: 1_000, time: Duration::from_secs(3) };
        let app = Router::new()
            .route("/refused", post(async || "no"))
            .route("/read", post(async |body: Bytes| body.len().to_string()))
            .layer(from_fn_with_state(rest, settle));
        let taken = Arc::new(AtomicUsize::new(0));
        let counts = Arc::clone(&taken);
        let body = futures::stream::iter(0..pieces).map(move |_| {
            counts.fetch_add(1, Ordering::Relaxed);
            Ok::<_, std::io::Error>([b'x'; 100].as_slice())
        });
        let mut request = Request::builder().method("POST").uri(path);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let answer = app.oneshot(request.body(Body::from_stream(body)).unwrap()).await.unwrap();
        (answer, taken.load(Ordering::Relaxed))
    }

    fn closes(answer: &Response<Body>) -> bool {
        answer.headers().get("connection").is_some_and(|value| value == "close")
    }

    #[tokio::test]
    async fn a_body_that_was_read_changes_nothing() {
        let (answer, taken) = sent("/read", 50, &[]).await;
        assert!(!closes(&answer));
        assert_eq!(taken, 50);
    }

    #[tokio::test]
    async fn a_small_rest_is_read_and_a_large_one_closes_the_connection() {
        let (answer, taken) = sent("/refused", 10, &[]).await;
        assert!(!closes(&answer));
        assert_eq!(taken, 10);
        let (answer, taken) = sent("/refused", 5_000, &[]).await;
        assert!(closes(&answer));
        assert_eq!(taken, 11);
    }

    #[tokio::test]
    async fn who_waits_for_leave_to_send_is_not_made_to() {
        let (answer, taken) = sent("/refused", 5, &[("expect", "100-continue")]).await;
        assert!(closes(&answer));
        assert_eq!(taken, 0);
    }

    #[tokio::test(start_paused = true)]
    async fn a_rest_that_does_not_come_is_not_waited_for() {
        let rest = Rest { bytes: 1_000, time: Duration::from_secs(3) };
        let app = Router::new().route("/", post(async || "no")).layer(from_fn_with_state(rest, settle));
        let body = Body::from_stream(futures::stream::pending::<Result<Bytes, std::io::Error>>());
        let before = tokio::time::Instant::now();
        let answer = app.oneshot(Request::post("/").body(body).unwrap()).await.unwrap();
        assert!(closes(&answer));
        assert_eq!(before.elapsed(), Duration::from_secs(3));
    }
}
