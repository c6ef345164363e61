//! Everything a request, a job or a CLI command needs, in one value that is passed in: no globals.

use crate::clock::Clock;
use crate::evaluation::{Evaluators, Settings};
use crate::proof::LastProof;
use crate::secrets::Secrets;
use evalset_model::limits::Limits;
use evalset_store::Stores;
use std::path::{Path, PathBuf};
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
    /// Span lists reach this many seconds back when no start is given (H16).
    pub span_window_seconds: i64,
    /// Absolute base of `next`/`previous` links, when not taken from the request's `Host`.
    pub public_url: Option<String>,
    /// The last proof that writes work.
    pub proof: LastProof,
    /// Cancelled at shutdown.
    pub stopping: CancellationToken,
    /// Every background task: shutdown waits for them.
    pub tasks: TaskTracker,
}

/// What an installation decides.
pub struct Options {
    /// See [`Inner::limits`].
    pub limits: Limits,
    /// This program, which children are started from as [`SANDBOX_WORKER`](crate::evaluation::SANDBOX_WORKER).
    pub program: PathBuf,
    /// See [`Inner::secrets`].
    pub secrets: Secrets,
    /// See [`Inner::span_window_seconds`].
    pub span_window_seconds: i64,
    /// See [`Inner::public_url`].
    pub public_url: Option<String>,
}

impl Options {
    /// As in a data folder where nothing is configured.
    pub fn new(data: &Path, program: PathBuf) -> Self {
        Self {
            limits: Limits::default(),
            program,
            secrets: Secrets::new(data, None),
            span_window_seconds: 3_600,
            public_url: None,
        }
    }
}

impl App {
    /// Builds the application over stores that were opened together; nothing runs yet.
    pub fn new(stores: Stores, options: Options) -> Self {
        let Options { limits, program, secrets, span_window_seconds, public_url } = options;
        let settings = Settings::new(stores.providers.clone(), secrets.clone());
        Self(Arc::new(Inner {
            stores,
            evaluators: Evaluators::new(program, &limits, settings),
            limits,
            clock: Clock::default(),
            secrets,
            span_window_seconds,
            public_url,
            proof: LastProof::default(),
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
