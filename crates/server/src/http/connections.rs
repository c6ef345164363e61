//! Takes connections and speaks HTTP/1.1 over them, within bounds: how many there are, how long a client may take to
//! ask, how long an idle one is kept. Knows nothing of routes and requests.
//!
//! HTTP/1.1 only, on purpose: an HTTP/2 connection without streams has no bound of its own.

use crate::http::standstill::Moving;
use axum::Router;
use evalset_model::limits::Limits;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use std::future::poll_fn;
use std::io::{Error, ErrorKind};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;
use tokio::io::AsyncWriteExt as _;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tower::ServiceExt as _;

/// An idle connection is kept this many times longer than a new one may stay silent: 75 s by default, more than proxies
/// and client libraries usually keep one, so that it is they who close it and no request meets a closing connection.
const IDLE_FACTOR: u32 = 5;
/// Pause after a connection could not be taken: what is missing, mostly descriptors, only comes back with time.
const PAUSE: Duration = Duration::from_secs(1);
/// Longer waits are as good as none, and hyper adds them to the present time without looking for overflow.
const LONGEST: Duration = Duration::from_hours(24);
/// The log tells at most this often that all places are taken.
const TELL_AGAIN: Duration = Duration::from_secs(10);

/// Marks requests that come from this machine.
#[derive(Clone, Copy, Debug)]
pub struct SameMachine;

/// What connections are held to.
#[derive(Clone, Copy)]
struct Bounds {
    /// Open at once.
    connections: usize,
    /// From the start of a connection to the end of its first request's header.
    header: Duration,
    /// From an answer to the end of the next request's header.
    idle: Duration,
    /// From the last answer to the client's end of a connection that we close.
    last: Duration,
    /// For a client to take something of an answer.
    standstill: Duration,
}

impl From<&Limits> for Bounds {
    fn from(limits: &Limits) -> Self {
        let header = Duration::from_secs(limits.header_seconds).min(LONGEST);
        // A semaphore takes no more places than this.
        let connections = limits.connections.min(Semaphore::MAX_PERMITS);
        let last = Duration::from_secs(limits.unread_body_seconds).min(LONGEST);
        let standstill = Duration::from_secs(limits.standstill_seconds).min(LONGEST);
        Self { connections, header, idle: header.saturating_mul(IDLE_FACTOR), last, standstill }
    }
}

/// Serves until `stopping` is cancelled; then ends what is idle and returns when the requests at work are answered. How
/// long that may take is for the caller to bound.
pub async fn serve(listener: TcpListener, routes: Router, limits: &Limits, stopping: CancellationToken) {
    serve_within(Bounds::from(limits), listener, routes, stopping).await;
}

async fn serve_within(bounds: Bounds, listener: TcpListener, routes: Router, stopping: CancellationToken) {
    let open = TaskTracker::new();
    let mut door = Door { listener, places: Arc::new(Semaphore::new(bounds.connections)), told: None };
    while let Some(Some((stream, place))) = stopping.run_until_cancelled(door.next()).await {
        let (routes, stopping) = (routes.clone(), stopping.clone());
        open.spawn(async move {
            attend(bounds, stream, routes, stopping).await;
            drop(place);
        });
    }
    drop(door);
    open.close();
    open.wait().await;
}

/// Where connections come in.
struct Door {
    listener: TcpListener,
    places: Arc<Semaphore>,
    /// When the log last told that no place was free.
    told: Option<Instant>,
}

impl Door {
    /// The next connection, with its place. It is taken from the system only when there is a place: until then it waits
    /// in the system's backlog, where it costs no descriptor. `None` cannot happen: the places are never closed.
    async fn next(&mut self) -> Option<(TcpStream, OwnedSemaphorePermit)> {
        if self.places.available_permits() == 0 && self.told.is_none_or(|told| told.elapsed() >= TELL_AGAIN) {
            self.told = Some(Instant::now());
            tracing::warn!("all connections are taken (`limits.connections`); new ones wait");
        }
        let place = Arc::clone(&self.places).acquire_owned().await.ok()?;
        loop {
            match self.listener.accept().await {
                Ok((stream, _)) => return Some((stream, place)),
                Err(error) if is_of_the_client(&error) => tracing::debug!(%error, "a connection ended before it began"),
                Err(error) => {
                    tracing::warn!(%error, "cannot take a new connection; trying again");
                    tokio::time::sleep(PAUSE).await;
                }
            }
        }
    }
}

/// Whether it is only this one connection that failed, so that the next one can be taken at once.
fn is_of_the_client(error: &Error) -> bool {
    matches!(error.kind(), ErrorKind::ConnectionRefused | ErrorKind::ConnectionAborted | ErrorKind::ConnectionReset)
}

/// Answers the requests of one connection until it ends.
async fn attend(bounds: Bounds, stream: TcpStream, routes: Router, stopping: CancellationToken) {
    // Answers are small and complete: waiting to fill a packet would only delay them.
    if let Err(error) = stream.set_nodelay(true) {
        tracing::debug!(%error, "TCP_NODELAY refused");
    }
    let asked = Arc::new(AtomicBool::new(false));
    let asks = Arc::clone(&asked);
    let near = stream.peer_addr().is_ok_and(|peer| peer.ip().to_canonical().is_loopback());
    let service = service_fn(move |mut request: hyper::Request<Incoming>| {
        asks.store(true, Ordering::Relaxed);
        if near {
            request.extensions_mut().insert(SameMachine);
        }
        routes.clone().oneshot(request)
    });
    // Hyper has one timer for both; it is set to the longer, and the shorter is kept here.
    let mut connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(bounds.idle.max(bounds.header))
        .serve_connection(TokioIo::new(Moving::new(stream, bounds.standstill)), service);
    let first = async {
        tokio::select! {
            () = tokio::time::sleep(bounds.header) => {}
            () = stopping.cancelled() => {}
        }
    };
    let ended = tokio::select! {
        ended = poll_fn(|context| connection.poll_without_shutdown(context)) => Some(ended),
        () = first => None,
    };
    let ended = match ended {
        Some(ended) => ended,
        // Nothing was begun: closing it loses nothing, and a half-sent header must not hold up a shutdown.
        None if !asked.load(Ordering::Relaxed) => return tracing::debug!("closed a connection without a request"),
        None => {
            tokio::select! {
                ended = poll_fn(|context| connection.poll_without_shutdown(context)) => ended,
                () = stopping.cancelled() => {
                    std::pin::Pin::new(&mut connection).graceful_shutdown();
                    poll_fn(|context| connection.poll_without_shutdown(context)).await
                }
            }
        }
    };
    if let Err(error) = ended {
        tracing::debug!(%error, "a connection ended early");
    }
    let rest = see_off(connection.into_parts().io.into_inner().into_inner());
    tokio::time::timeout(bounds.last, stopping.run_until_cancelled(rest)).await.ok();
}

/// Says that nothing more comes, and waits for the client to do so. Closing over something unread would reset the
/// connection, and the client would lose the answer to what it is still sending.
async fn see_off(mut stream: TcpStream) {
    if stream.shutdown().await.is_ok() {
        tokio::io::copy(&mut stream, &mut tokio::io::sink()).await.ok();
    }
}

#[cfg(test)]
mod tests {
    use super::{Bounds, serve_within};
    use axum::Router;
    use axum::routing::get;
    use evalset_model::limits::Limits;
    use std::sync::Arc;
    use std::time::Duration;
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    use tokio::net::{TcpListener, TcpStream};
    use tokio::sync::Notify;
    use tokio::task::JoinHandle;
    use tokio::time::{Instant, timeout};
    use tokio_util::sync::CancellationToken;

    const LONG: Duration = Duration::from_secs(20);
    const GET: &[u8] = b"GET / HTTP/1.1\r\nHost: here\r\n\r\n";

    struct Server {
        address: std::net::SocketAddr,
        stopping: CancellationToken,
        task: JoinHandle<()>,
        /// `/hold` tells that it has begun, then waits for leave to end.
        begun: Arc<Notify>,
        leave: Arc<Notify>,
    }

    impl Server {
        async fn start(bounds: Bounds) -> Self {
            let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
            let address = listener.local_addr().unwrap();
            let (begun, leave, stopping) = (Arc::new(Notify::new()), Arc::new(Notify::new()), CancellationToken::new());
            let (begins, leaves) = (Arc::clone(&begun), Arc::clone(&leave));
            let hold = move || async move {
                begins.notify_one();
                leaves.notified().await;
                "answer"
            };
            let routes = Router::new().route("/", get(async || "answer")).route("/hold", get(hold));
            let task =
                tokio_util::task::TaskTracker::new().spawn(serve_within(bounds, listener, routes, stopping.clone()));
            Self { address, stopping, task, begun, leave }
        }

        async fn connect(&self, said: &[u8]) -> TcpStream {
            let mut stream = TcpStream::connect(self.address).await.unwrap();
            stream.write_all(said).await.unwrap();
            stream
        }
    }

    /// Reads one answer.
    async fn answer(stream: &mut TcpStream) -> String {
        let mut read = Vec::new();
        while !read.ends_with(b"answer") {
            assert_ne!(
                timeout(LONG, stream.read_buf(&mut read)).await.unwrap().unwrap(),
                0,
                "closed without an answer"
            );
        }
        String::from_utf8(read).unwrap()
    }

    /// Waits for the end of a connection that gets no answer; how long that took.
    async fn end(mut stream: TcpStream) -> Duration {
        let (start, mut read) = (Instant::now(), Vec::new());
        // Closing with something unread resets the connection.
        timeout(LONG, stream.read_to_end(&mut read)).await.unwrap().ok();
        assert_eq!(String::from_utf8(read).unwrap(), "");
        start.elapsed()
    }

    fn bounds(connections: usize, header: u64, idle: u64) -> Bounds {
        let [header, idle] = [header, idle].map(Duration::from_millis);
        Bounds { connections, header, idle, last: Duration::from_millis(700), standstill: LONG }
    }

    #[test]
    fn an_idle_connection_is_kept_for_75_s_by_default() {
        let Bounds { header, idle, .. } = Bounds::from(&Limits::default());
        assert_eq!((header, idle), (Duration::from_secs(15), Duration::from_secs(75)));
        // Nothing a configuration can hold makes a timer or the semaphore panic.
        let largest = Bounds::from(&Limits { header_seconds: u64::MAX, connections: usize::MAX, ..Limits::default() });
        assert!(std::time::Instant::now().checked_add(largest.idle).is_some(), "hyper would panic");
        tokio::sync::Semaphore::new(largest.connections);
    }

    #[tokio::test]
    async fn a_connection_that_does_not_finish_asking_is_closed() {
        let server = Server::start(bounds(10, 300, 1_200)).await;
        let mut kept = server.connect(GET).await;
        answer(&mut kept).await;
        let mut again = server.connect(GET).await;
        answer(&mut again).await;
        again.write_all(b"GET /he").await.unwrap();
        let (silent, half) = (server.connect(b"").await, server.connect(b"GET /he").await);
        let (silent, half, kept, again) = tokio::join!(end(silent), end(half), end(kept), end(again));
        for new in [silent, half] {
            assert!((Duration::from_millis(150)..Duration::from_secs(1)).contains(&new), "{new:?}");
        }
        for idle in [kept, again] {
            assert!(idle > Duration::from_millis(900), "{idle:?}");
        }
    }

    #[tokio::test]
    async fn a_request_may_take_longer_than_its_header() {
        let server = Server::start(bounds(10, 50, 50)).await;
        let mut slow = server.connect(b"GET /hold HTTP/1.1\r\nHost: here\r\n\r\n").await;
        server.begun.notified().await;
        // A connection opened later is closed for its silence: the time is up for the slow one too.
        end(server.connect(b"").await).await;
        server.leave.notify_one();
        assert!(answer(&mut slow).await.starts_with("HTTP/1.1 200 OK"));
    }

    #[tokio::test]
    async fn a_connection_above_the_limit_waits_for_a_place() {
        let server = Server::start(bounds(1, 20_000, 20_000)).await;
        let mut first = server.connect(GET).await;
        answer(&mut first).await;
        let mut second = server.connect(GET).await;
        assert!(timeout(Duration::from_millis(200), second.readable()).await.is_err(), "served above the limit");
        first.write_all(GET).await.unwrap();
        answer(&mut first).await;
        drop(first);
        assert!(answer(&mut second).await.starts_with("HTTP/1.1 200 OK"));
    }

    #[tokio::test]
    async fn a_connection_serves_many_requests() {
        let server = Server::start(bounds(1, 20_000, 20_000)).await;
        let mut stream = server.connect(b"").await;
        for _ in 0..5 {
            stream.write_all(GET).await.unwrap();
            assert!(answer(&mut stream).await.starts_with("HTTP/1.1 200 OK"));
        }
    }

    #[tokio::test]
    async fn an_answer_outlives_what_the_client_is_still_sending() {
        let server = Server::start(bounds(10, 20_000, 20_000)).await;
        let mut stream = server.connect(b"POST / HTTP/1.1\r\nHost: here\r\nContent-Length: 50000000\r\n\r\n").await;
        let piece = vec![b'x'; 65_536];
        // The route takes no POST: answered and closed at once, long before this much is sent.
        for _ in 0..200 {
            stream.write_all(&piece).await.unwrap();
        }
        let mut read = Vec::new();
        timeout(LONG, stream.read_to_end(&mut read)).await.unwrap().unwrap();
        assert!(String::from_utf8(read).unwrap().starts_with("HTTP/1.1 405"));
    }

    #[tokio::test]
    async fn a_client_that_never_ends_is_left() {
        let server = Server::start(bounds(1, 20_000, 20_000)).await;
        let mut stream = server.connect(b"POST / HTTP/1.1\r\nHost: here\r\nContent-Length: 50000000\r\n\r\n").await;
        let mut read = Vec::new();
        timeout(LONG, stream.read_to_end(&mut read)).await.unwrap().unwrap();
        let mut second = server.connect(GET).await;
        assert!(answer(&mut second).await.starts_with("HTTP/1.1 200 OK"), "the place is free again");
    }

    #[tokio::test]
    async fn stopping_ends_what_is_idle_and_lets_requests_finish() {
        let server = Server::start(bounds(10, 60_000, 60_000)).await;
        let mut idle = server.connect(GET).await;
        answer(&mut idle).await;
        let (silent, half) = (server.connect(b"").await, server.connect(b"GET /he").await);
        let mut busy = server.connect(b"GET /hold HTTP/1.1\r\nHost: here\r\n\r\n").await;
        server.begun.notified().await;
        server.stopping.cancel();
        tokio::join!(end(idle), end(silent), end(half));
        assert!(!server.task.is_finished());
        assert!(TcpStream::connect(server.address).await.is_err(), "still listening");
        server.leave.notify_one();
        assert!(answer(&mut busy).await.contains("connection: close"));
        timeout(LONG, server.task).await.unwrap().unwrap();
    }
}
