//! A model endpoint in the test's own process: it answers chat completions by a fixed rule, fails where it is told to,
//! holds its answers back until they are wanted, and counts.
//!
//! What it is asked is told apart by the text between `<<` and `>>` in the prompt, so an evaluator for it is written
//! with a definition such as `<<{{output}}>>`. That text is the score as well: `<<4>>` is answered with `{"score": 4}`.

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use axum::{Json, Router};
use parking_lot::Mutex;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::sync::Arc;
use tokio::sync::Notify;
use tokio::task::JoinHandle;

use crate::PATIENCE;
use tokio_util::task::TaskTracker;

/// Tokens that every prompt is said to have.
pub const PROMPT_TOKENS: u64 = 100;
/// Tokens that every answer is said to have.
pub const COMPLETION_TOKENS: u64 = 10;

/// How a question is failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// An answer of this status, with a message that names it.
    Status(u16),
    /// A chat completion whose text has no score in it. It is paid for.
    Nonsense,
}

/// Decides, by the marked text, whether a question fails.
type Rule = Box<dyn Fn(&str) -> Option<Fault> + Send + Sync>;

/// The endpoint. It ends with this value.
pub struct FakeProvider {
    /// `base_url` for the settings of a provider.
    pub url: String,
    shared: Arc<Shared>,
    server: JoinHandle<()>,
}

struct Shared {
    rule: Mutex<Rule>,
    counts: Mutex<Counts>,
    gate: Mutex<Gate>,
    /// A question came, or the gate moved.
    moved: Notify,
}

#[derive(Default)]
struct Counts {
    asked: BTreeMap<String, usize>,
    under_way: usize,
    most_under_way: usize,
}

/// How many more answers may go out; `None`: all.
type Gate = Option<usize>;

/// A question under way, until it is answered or the caller goes away.
struct UnderWay<'a>(&'a Shared);

impl Drop for UnderWay<'_> {
    fn drop(&mut self) {
        self.0.counts.lock().under_way -= 1;
    }
}

impl FakeProvider {
    /// An endpoint that answers everything at once.
    pub async fn start() -> Self {
        Self::at("127.0.0.1:0").await
    }

    /// The same at a given `host:port`, for settings that were stored with it.
    pub async fn at(address: &str) -> Self {
        let shared = Arc::new(Shared {
            rule: Mutex::new(Box::new(|_| None)),
            counts: Mutex::default(),
            gate: Mutex::new(None),
            moved: Notify::new(),
        });
        let listener = tokio::net::TcpListener::bind(address).await.unwrap();
        let url = format!("http://{}/v1", listener.local_addr().unwrap());
        let routes = Router::new().route("/v1/chat/completions", post(complete)).with_state(Arc::clone(&shared));
        let server = TaskTracker::new().spawn(async move { axum::serve(listener, routes).await.unwrap() });
        Self { url, shared, server }
    }

    /// Settings for `/api/llm-provider/` that lead here: one try for each question, and `usd` a question.
    pub fn settings(&self, concurrency: u32, usd: f64) -> Value {
        let price = json!({"input_per_million": usd * 1e6 / PROMPT_TOKENS as f64, "output_per_million": 0});
        json!({"base_url": self.url, "default_model": "judge", "attempts": 1, "concurrency": concurrency,
            "prices": {"judge": price}})
    }

    /// From now on, fails the questions that `rule` says by their marked text.
    pub fn fail(&self, rule: impl Fn(&str) -> Option<Fault> + Send + Sync + 'static) {
        *self.shared.rule.lock() = Box::new(rule);
    }

    /// From now on, answers go out only as [`FakeProvider::let_through`] says.
    pub fn hold(&self) {
        *self.shared.gate.lock() = Some(0);
    }

    /// Lets so many more answers go out.
    pub fn let_through(&self, answers: usize) {
        if let Some(more) = &mut *self.shared.gate.lock() {
            *more += answers;
        }
        self.shared.moved.notify_waiters();
    }

    /// From now on, everything is answered at once.
    pub fn release(&self) {
        *self.shared.gate.lock() = None;
        self.shared.moved.notify_waiters();
    }

    /// Questions asked so far, each try counted.
    pub fn asked(&self) -> usize {
        self.shared.counts.lock().asked.values().sum()
    }

    /// The same by marked text.
    pub fn asked_by_text(&self) -> BTreeMap<String, usize> {
        self.shared.counts.lock().asked.clone()
    }

    /// Waits until nobody waits for an answer any more: who asked is gone, or has it.
    pub async fn until_idle(&self) {
        let waited = tokio::time::timeout(PATIENCE, async {
            while self.shared.counts.lock().under_way > 0 {
                tokio::task::yield_now().await;
            }
        });
        assert!(waited.await.is_ok(), "questions were still under way after {PATIENCE:?}");
    }

    /// Most questions that were under way at once.
    pub fn most_under_way(&self) -> usize {
        self.shared.counts.lock().most_under_way
    }

    /// Waits until so many questions have been asked.
    pub async fn until_asked(&self, questions: usize) {
        let waited = tokio::time::timeout(PATIENCE, async {
            loop {
                let moved = self.shared.moved.notified();
                if self.asked() >= questions {
                    break;
                }
                moved.await;
            }
        });
        assert!(waited.await.is_ok(), "{} of {questions} questions were asked within {PATIENCE:?}", self.asked());
    }
}

impl Drop for FakeProvider {
    fn drop(&mut self) {
        self.server.abort();
    }
}

impl Shared {
    fn begin(&self, text: &str) -> UnderWay<'_> {
        let mut counts = self.counts.lock();
        *counts.asked.entry(text.to_owned()).or_default() += 1;
        counts.under_way += 1;
        counts.most_under_way = counts.most_under_way.max(counts.under_way);
        drop(counts);
        self.moved.notify_waiters();
        UnderWay(self)
    }

    async fn pass_gate(&self) {
        loop {
            let moved = self.moved.notified();
            match &mut *self.gate.lock() {
                None => return,
                Some(0) => {}
                Some(more) => {
                    *more -= 1;
                    return;
                }
            }
            moved.await;
        }
    }
}

async fn complete(State(shared): State<Arc<Shared>>, Json(body): Json<Value>) -> Response {
    let prompt = body["messages"][0]["content"].as_str().unwrap_or_default();
    let text = prompt.split_once("<<").and_then(|(_, rest)| rest.split_once(">>")).map_or(prompt, |(text, _)| text);
    let _under_way = shared.begin(text);
    shared.pass_gate().await;
    let fault = (shared.rule.lock())(text);
    let content = match fault {
        Some(Fault::Status(status)) => {
            let message = json!({"error": {"message": format!("told to answer {status}")}});
            return (StatusCode::from_u16(status).unwrap(), Json(message)).into_response();
        }
        Some(Fault::Nonsense) => "I would rather not say.".to_owned(),
        None => {
            let score = serde_json::from_str(text).unwrap_or_else(|_| Value::from(text));
            json!({"score": score, "explanation": format!("It says {text}.")}).to_string()
        }
    };
    let usage = json!({"prompt_tokens": PROMPT_TOKENS, "completion_tokens": COMPLETION_TOKENS});
    let message = json!({"role": "assistant", "content": content});
    Json(json!({"choices": [{"message": message, "finish_reason": "stop"}], "usage": usage})).into_response()
}
