//! A server in the test's own process: its own data folder, its own port, strict when it ends.
//!
//! The test is a closure given to [`with_app`], so that the harness always gets to look: a job left in the queue, a
//! background task that does not end or a panic in one fails the test. For evaluators that ask a model there is
//! [`provider::FakeProvider`].
#![expect(clippy::unwrap_used, clippy::missing_panics_doc, reason = "a test harness fails by panicking")]

pub mod provider;

use evalset::http::{connections, middleware, router};
use evalset_embedded as embedded;
use evalset_model::ids::WorkerId;
use evalset_model::job::Lane;
use evalset_model::key::Environment;
use evalset_model::limits::Limits;
use evalset_product::app::{App, Options};
use evalset_product::jobs::{self, runner};
use evalset_product::ops::keys;
use evalset_store::{Stores, memory};
use reqwest::header::HeaderMap;
use reqwest::{Method, RequestBuilder};
use secrecy::ExposeSecret;
use serde_json::Value;
use std::path::{Path, PathBuf};
use std::time::Duration;
use tempfile::TempDir;

/// Time for background work to end; only reached when something hangs.
const PATIENCE: Duration = Duration::from_mins(1);

/// A running server.
pub struct TestApp {
    /// Its inside, for what no route shows.
    pub app: App,
    /// Base URL without a trailing slash.
    pub url: String,
    /// A key of the organization `default`, environment prod.
    pub key: String,
    http: reqwest::Client,
    data: PathBuf,
    /// Removes the data folder at the end, unless the test brought it.
    _own: Option<TempDir>,
}

/// An answer: its status and its JSON body (null when empty, a string when it is no JSON).
#[derive(Clone, Debug, PartialEq)]
pub struct Reply {
    /// HTTP status.
    pub status: u16,
    /// Body.
    pub body: Value,
}

impl Reply {
    /// The body, when the status is as expected.
    #[track_caller]
    pub fn expect_status(self, status: u16) -> Value {
        assert_eq!(self.status, status, "{:#}", self.body);
        self.body
    }
}

/// An answer as it came over the wire.
#[derive(Clone, Debug)]
pub struct Answer {
    /// HTTP status.
    pub status: u16,
    /// Headers.
    pub headers: HeaderMap,
    /// Body.
    pub bytes: Vec<u8>,
}

impl Answer {
    /// A header as text; empty when it is not there.
    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).map(|value| value.to_str().unwrap()).unwrap_or_default()
    }

    /// The body as text.
    pub fn text(&self) -> &str {
        std::str::from_utf8(&self.bytes).unwrap()
    }

    /// The body as JSON: null when empty, a string when it is no JSON.
    pub fn json(&self) -> Value {
        match serde_json::from_slice(&self.bytes) {
            Ok(json) => json,
            Err(_) if self.bytes.is_empty() => Value::Null,
            Err(_) => String::from_utf8_lossy(&self.bytes).into_owned().into(),
        }
    }

    /// The answer, when its status is as expected.
    #[expect(clippy::return_self_not_must_use, reason = "the check is the point; the answer is for who wants more")]
    #[track_caller]
    pub fn expect_status(self, status: u16) -> Self {
        assert_eq!(self.status, status, "{:#}", self.json());
        self
    }
}

/// Which store is under the server.
#[derive(Clone, Copy, Debug)]
pub enum Under {
    /// SQLite and column index, in a temporary folder.
    Embedded,
    /// Plain maps.
    Memory,
}

/// Whether a server works on its jobs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Workers {
    /// As `serve` does.
    All,
    /// Jobs stay as they are.
    None,
}

/// Runs a test against a fresh server on the embedded store with default limits.
pub async fn with_app(test: impl AsyncFnOnce(&TestApp)) {
    with_limits(Under::Embedded, Limits::default(), test).await;
}

/// Runs a test against a fresh server.
pub async fn with_limits(under: Under, limits: Limits, test: impl AsyncFnOnce(&TestApp)) {
    let server = TestApp::start(under, limits, Workers::All).await;
    test(&server).await;
    server.finish().await;
}

/// Runs a test against a fresh server without job workers: jobs stay queued until [`TestApp::work`].
pub async fn with_queued_jobs(limits: Limits, test: impl AsyncFnOnce(&TestApp)) {
    let server = TestApp::start(Under::Embedded, limits, Workers::None).await;
    test(&server).await;
    server.finish().await;
}

/// Runs a test against a server over a data folder that is there already, and leaves the folder there. Without workers,
/// jobs may be open in it when the test ends.
pub async fn with_folder(data: &Path, limits: Limits, workers: Workers, test: impl AsyncFnOnce(&TestApp)) {
    let server = TestApp::start_in(data.to_owned(), Under::Embedded, limits, workers).await;
    test(&server).await;
    match workers {
        Workers::All => server.finish().await,
        Workers::None => server.close().await,
    }
}

impl TestApp {
    async fn start(under: Under, limits: Limits, workers: Workers) -> Self {
        let own = tempfile::tempdir().unwrap();
        let server = Self::start_in(own.path().to_owned(), under, limits, workers).await;
        Self { _own: Some(own), ..server }
    }

    async fn start_in(data: PathBuf, under: Under, limits: Limits, workers: Workers) -> Self {
        let stores: Stores = match under {
            Under::Embedded => {
                let options = embedded::Options { limits: limits.clone(), ..embedded::Options::new(&data) };
                embedded::open(options).await.unwrap()
            }
            Under::Memory => memory::open(),
        };
        let app = App::new(stores, Options { limits, ..Options::new(&data, program()) });
        let key = make_key(&app, keys::DEFAULT_ORGANIZATION, Environment::Prod).await;
        if workers == Workers::All {
            // As `serve` does: what happens before the recorder is there is not counted.
            evalset::telemetry::metrics().unwrap();
            jobs::start(&app);
        }
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let routes = middleware::wrap(&app, router::router(&app).unwrap());
        let (limits, stopping) = (app.limits.clone(), app.stopping.clone());
        app.tasks.spawn(async move { connections::serve(listener, routes, &limits, stopping).await });
        Self { app, url, key, http: reqwest::Client::new(), data, _own: None }
    }

    /// The data folder.
    pub fn data(&self) -> &Path {
        &self.data
    }

    /// A new key of an organization, which is made when there is none of this name.
    pub async fn key_of(&self, organization: &str, environment: Environment) -> String {
        make_key(&self.app, organization, environment).await
    }

    /// Sends a request with the default key.
    pub async fn send(&self, method: Method, path: &str, body: Option<Value>) -> Reply {
        self.send_as(&self.key, method, path, body).await
    }

    /// Sends a request with any key.
    pub async fn send_as(&self, key: &str, method: Method, path: &str, body: Option<Value>) -> Reply {
        let request = self.request(method, path).bearer_auth(key);
        let answer = self.answer(if let Some(body) = body { request.json(&body) } else { request }).await;
        Reply { status: answer.status, body: answer.json() }
    }

    /// A request without a key, for [`TestApp::answer`].
    pub fn request(&self, method: Method, path: &str) -> RequestBuilder {
        self.http.request(method, format!("{}{path}", self.url))
    }

    /// Sends a request as it is.
    pub async fn answer(&self, request: RequestBuilder) -> Answer {
        let response = request.send().await.unwrap();
        let (status, headers) = (response.status().as_u16(), response.headers().clone());
        Answer { status, headers, bytes: response.bytes().await.unwrap().to_vec() }
    }

    /// GET.
    pub async fn get(&self, path: &str) -> Reply {
        self.send(Method::GET, path, None).await
    }

    /// POST with a JSON body.
    pub async fn post(&self, path: &str, body: Value) -> Reply {
        self.send(Method::POST, path, Some(body)).await
    }

    /// PATCH with a JSON body.
    pub async fn patch(&self, path: &str, body: Value) -> Reply {
        self.send(Method::PATCH, path, Some(body)).await
    }

    /// PUT with a JSON body.
    pub async fn put(&self, path: &str, body: Value) -> Reply {
        self.send(Method::PUT, path, Some(body)).await
    }

    /// DELETE, with a JSON body when given.
    pub async fn delete(&self, path: &str, body: Option<Value>) -> Reply {
        self.send(Method::DELETE, path, body).await
    }

    /// A new empty dataset; its id.
    pub async fn dataset(&self, name: &str) -> String {
        let body = serde_json::json!({"name": name, "is_empty": true});
        let dataset = self.post("/api/datasets/", body).await.expect_status(201);
        dataset["id"].as_str().unwrap().to_owned()
    }

    /// Runs what is queued, in the test's own task. For servers without workers.
    pub async fn work(&self) {
        let worker = WorkerId("test".to_owned());
        while runner::run_next(&self.app, Lane::Rows, &worker).await.unwrap()
            || runner::run_next(&self.app, Lane::Runs, &worker).await.unwrap()
        {}
    }

    /// Waits until no job of any organization is open.
    pub async fn settle(&self) {
        let waited = tokio::time::timeout(PATIENCE, async {
            while self.open_jobs().await > 0 {
                tokio::task::yield_now().await;
            }
        });
        assert!(waited.await.is_ok(), "jobs did not end within {PATIENCE:?}");
    }

    /// Jobs that are queued or running, of all organizations.
    pub async fn open_jobs(&self) -> u64 {
        self.app.stores.jobs.open_everywhere().await.unwrap()
    }

    async fn finish(self) {
        let left = self.open_jobs().await;
        assert_eq!(left, 0, "the test left {left} jobs open: `settle` waits for them");
        self.close().await;
    }

    async fn close(self) {
        self.app.stopping.cancel();
        self.app.tasks.close();
        let ended = tokio::time::timeout(PATIENCE, self.app.tasks.wait()).await;
        assert!(ended.is_ok(), "{} background tasks did not end", self.app.tasks.len());
        self.app.stores.health.close().await;
    }
}

/// The program `evalset`, which cargo puts beside the folder of the tests: the server starts it to run what others
/// wrote. Cargo builds it for tests of routes; for unit tests alone (`--lib`) it must have been built before.
pub fn program() -> PathBuf {
    let test = std::env::current_exe().unwrap();
    test.parent().and_then(Path::parent).unwrap().join("evalset")
}

async fn make_key(app: &App, organization: &str, environment: Environment) -> String {
    let store = app.stores.keys.as_ref();
    let organization = keys::organization(store, &app.clock, organization).await.unwrap();
    let made = keys::create(store, &app.clock, &organization, "test", environment).await.unwrap();
    made.secret.expose_secret().to_owned()
}
