//! What others wrote, run in child processes of our own program: Python, templates of judges, JSON Schemas. Each can be
//! made to take all memory, all stack or all time there is, and only a process can be made to give these back.
//!
//! `pool` is the parent's side: it starts children, gives each row its time, and replaces a child that dies. `worker`
//! is the child's side, `confine` what the child gives up before it runs anything, `loaded` what it runs, `frame` what
//! goes between. Knows nothing of definitions: a row comes back as a JSON value.

mod confine;
mod frame;
mod loaded;
mod parent;
mod pool;
mod source;
mod worker;

pub use pool::{Pool, PoolOptions};
pub use source::{Language, Source};
pub use worker::worker_main;

/// Why a source cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SandboxError {
    /// The source is wrong.
    #[error("{}{message}", line.map(|line| format!("line {line}: ")).unwrap_or_default())]
    Source {
        /// What is wrong with it; of Python, type of the exception and its text.
        message: String,
        /// Line of the source, from 1.
        line: Option<u32>,
    },
    /// No child process could be had: nothing is said of the source.
    #[error("{0}")]
    Unavailable(String),
}

/// What the child is held to.
#[derive(Clone, Debug, serde::Serialize, serde::Deserialize)]
pub(crate) struct Settings {
    /// Memory beyond what the program itself takes.
    pub memory_bytes: u64,
    /// The value of a row, as JSON text.
    pub output_bytes: usize,
    /// Time for a row, and for loading a source.
    pub row_seconds: f64,
}

/// What is wrong with a source.
#[derive(Clone, Debug, serde::Serialize, serde::Deserialize)]
pub(crate) struct Refusal {
    /// For whoever wrote it.
    pub message: String,
    /// Line of the source, from 1.
    pub line: Option<u32>,
}

/// Bytes that a rendered template can have as JSON text, where every one of its characters may have to be escaped.
pub const RENDERED_JSON_BYTES: usize = 6 * crate::template::RENDERED_BYTES_MAX + 2;

/// Bytes of a message that are kept.
pub(crate) const MESSAGE_BYTES_MAX: usize = 2_000;

/// What is said of a row that took too long, whoever noticed.
pub(crate) fn too_slow(row_seconds: f64) -> String {
    format!("the evaluator took longer than the {row_seconds} s that a row may take")
}
