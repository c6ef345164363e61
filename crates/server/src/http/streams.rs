//! Places of answers that are streamed while they are made: one is held until the stream ends or its client goes away,
//! so that what streams hold (the numbers of the rows they are to send, pieces under way) is bounded. Knows no route.

use crate::http::error::Failure;
use axum::body::{Body, Bytes, HttpBody};
use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use evalset_model::Error;
use evalset_model::limits::Limits;
use hyper::body::{Frame, SizeHint};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// When a refused caller may come back, seconds.
const RETRY_SECONDS: u64 = 5;

/// All places.
#[derive(Clone, Debug)]
pub struct Streams {
    places: Arc<Semaphore>,
    limit: usize,
}

impl From<&Limits> for Streams {
    fn from(limits: &Limits) -> Self {
        let limit = limits.streams.min(Semaphore::MAX_PERMITS);
        Self { places: Arc::new(Semaphore::new(limit)), limit }
    }
}

/// A place for one stream. Taking one is refused with 503 when there is none.
#[derive(Debug)]
pub struct StreamPlace(Option<OwnedSemaphorePermit>);

impl<S: Send + Sync> FromRequestParts<S> for StreamPlace {
    type Rejection = Failure;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Failure> {
        // Routes without the layers around them, as in tests, have no bound.
        let Some(streams) = parts.extensions.get::<Streams>() else { return Ok(Self(None)) };
        let place = streams.places.clone().try_acquire_owned().map_err(|_| {
            let limit = streams.limit;
            let message = format!("{limit} downloads are under way (`limits.streams`). Try again soon.");
            Error::Busy { message, retry_after: RETRY_SECONDS }
        })?;
        Ok(Self(Some(place)))
    }
}

impl StreamPlace {
    /// The body, which gives the place back when it ends or is dropped.
    pub fn hold(self, body: Body) -> Body {
        Body::new(Held { body, place: self.0 })
    }
}

struct Held {
    body: Body,
    place: Option<OwnedSemaphorePermit>,
}

impl HttpBody for Held {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        let polled = Pin::new(&mut self.body).poll_frame(context);
        if matches!(polled, Poll::Ready(None | Some(Err(_)))) {
            self.place = None;
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

#[cfg(test)]
mod tests {
    use super::{StreamPlace, Streams};
    use axum::body::Body;
    use axum::extract::FromRequestParts as _;
    use axum::http::Request;
    use axum::response::IntoResponse as _;
    use evalset_model::limits::Limits;
    use http_body_util::BodyExt as _;

    async fn place(streams: &Streams) -> Result<StreamPlace, axum::response::Response> {
        let (mut parts, ()) = Request::new(()).into_parts();
        parts.extensions.insert(streams.clone());
        StreamPlace::from_request_parts(&mut parts, &()).await.map_err(axum::response::IntoResponse::into_response)
    }

    #[tokio::test]
    async fn a_place_is_held_until_the_end_of_the_stream() {
        let streams = Streams::from(&Limits { streams: 1, ..Limits::default() });
        let held = place(&streams).await.unwrap().hold(Body::from("all"));
        let refused = place(&streams).await.unwrap_err().into_response();
        assert_eq!((refused.status().as_u16(), refused.headers()["retry-after"].to_str().unwrap()), (503, "5"));
        let mut held = held;
        assert!(place(&streams).await.is_err());
        while held.frame().await.is_some() {}
        let again = place(&streams).await.unwrap().hold(Body::from("more"));
        assert!(place(&streams).await.is_err());
        drop(again);
        assert!(place(&streams).await.is_ok());
    }
}
