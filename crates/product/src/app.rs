//! Everything a request, a job or a CLI command needs, in one value that is passed in: no globals.

use crate::clock::Clock;
use crate::evaluation::Evaluators;
use crate::http::rate::RateLimits;
use crate::jobs::Wake;
use crate::ops::annotation::Turns;
use crate::secrets::Secrets;
use evalset_model::limits::Limits;
use evalset_store::Stores;
use std::path::PathBuf;
use std::sync::Arc;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

/// The application. Cheap to clone.
#[derive(Clone)]
pub struct App(Arc<Inner>);

/// What [`App`] holds.
pub struct Inner {
    /// Where data is kept.
    pub stores: Stores,
    /// Bounds.
    pub limits: Limits,
    /// Times and ids.
    pub clock: Clock,
    /// What evaluators work with.
    pub evaluators: Evaluators,
    /// Seals what must not be readable in a copy of the database.
    pub secrets: Secrets,
    /// Folder of export files.
    pub exports_dir: PathBuf,
    /// Span lists reach this many seconds back when no start is given (H16).
    pub span_window_seconds: i64,
    /// Absolute base of `next`/`previous` links, when not taken from the request's `Host`.
    pub public_url: Option<String>,
    /// Wakes the job workers when something was enqueued.
    pub wake: Wake,
    /// Rate limits (contract A.8).
    pub rates: RateLimits,
    /// Calls of one annotator for a row come one after the other.
    pub turns: Turns,
    /// Cancelled at shutdown.
    pub stopping: CancellationToken,
    /// Every background task: shutdown waits for them.
    pub tasks: TaskTracker,
}

/// What a caller of [`App::new`] decides.
pub struct Parts {
    /// See [`Inner::stores`].
    pub stores: Stores,
    /// See [`Inner::limits`].
    pub limits: Limits,
    /// This program, as [`Evaluators::new`] wants it.
    pub program: PathBuf,
    /// See [`Inner::secrets`].
    pub secrets: Secrets,
    /// See [`Inner::exports_dir`].
    pub exports_dir: PathBuf,
    /// See [`Inner::span_window_seconds`].
    pub span_window_seconds: i64,
    /// See [`Inner::public_url`].
    pub public_url: Option<String>,
}

impl App {
    /// Builds the application; nothing runs yet.
    pub fn new(parts: Parts) -> Self {
        let rates = RateLimits::new(&parts.limits);
        let evaluators = Evaluators::new(parts.program, &parts.limits);
        Self(Arc::new(Inner {
            stores: parts.stores,
            limits: parts.limits,
            evaluators,
            clock: Clock::default(),
            secrets: parts.secrets,
            exports_dir: parts.exports_dir,
            span_window_seconds: parts.span_window_seconds,
            public_url: parts.public_url,
            wake: Wake::default(),
            rates,
            turns: Turns::default(),
            stopping: CancellationToken::new(),
            tasks: TaskTracker::new(),
        }))
    }
}

impl std::ops::Deref for App {
    type Target = Inner;
    fn deref(&self) -> &Inner {
        &self.0
    }
}
