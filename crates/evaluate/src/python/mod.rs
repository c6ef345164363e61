//! Python evaluators, run by an interpreter without a system underneath, in child processes of our own program.
//!
//! `pool` is the parent's side: it starts children, gives each row its time, and replaces a child that dies. `worker` is the
//! child's side, `confine` what the child gives up before it runs anything, `program` the interpreter, `frame` what goes
//! between. Knows nothing of definitions: a row comes back as the JSON value that the function returned.

mod confine;
mod frame;
mod parent;
mod pool;
mod program;
mod values;
mod worker;

pub use pool::{Pool, PoolOptions};
pub use worker::worker_main;

/// Why a Python source cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PythonError {
    /// The source is wrong.
    #[error("{}{message}", line.map(|line| format!("line {line}: ")).unwrap_or_default())]
    Source {
        /// Type of the exception and its text, or what is missing.
        message: String,
        /// Line of the source, from 1.
        line: Option<u32>,
    },
    /// No child process could be had: nothing is said of the source.
    #[error("{0}")]
    Unavailable(String),
}

/// Bytes of an exception's text that are kept.
const MESSAGE_BYTES_MAX: usize = 2_000;
