//! Why a row has no score. Said where it is found and carried unchanged to the score of the row.

use crate::judge::Usage;

/// Why a row was not scored.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Fault {
    /// Of this row: it lacks something, code broke down on it, or what came back is no score. Says nothing of other
    /// rows.
    #[error("{0}")]
    Row(String),
    /// Of the model's provider, which did not answer or refused: nothing is said of the row.
    #[error("{message}")]
    Provider {
        /// What it said or did.
        message: String,
        /// No other row will do better: there is no endpoint, or it refuses the key, the model or the address.
        hopeless: bool,
    },
    /// The row was not evaluated, since the caller wants no more requests.
    #[error("the evaluation was stopped before this row")]
    Halted,
}

/// A fault, and what was spent all the same.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[error("{fault}")]
pub struct Failure {
    /// Why there is no score.
    pub fault: Fault,
    /// The model, or `code`, and what was used of it.
    pub usage: Usage,
}

impl Failure {
    /// A fault that cost nothing, of a model or of `code`.
    pub fn free(fault: Fault, scorer: impl Into<String>) -> Self {
        Self { fault, usage: Usage { model: scorer.into(), ..Usage::default() } }
    }
}
