//! An evaluation run: one evaluator over rows of one dataset (contract B.18, F.7). It is a job; this is what is
//! particular to it.
//!
//! The unit of work is a row; each unit ends as a [`UnitResult`], kept for the run whatever later runs say of the row.

use crate::evaluator::{Evaluator, Method};
use crate::ids::{Collection, LogId, RowNumber, Watermark};
use crate::job::{Progress, State};
use crate::score::{Score, ScoreValues};
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// What a run does. Fixed at its start: later edits of the evaluator do not reach it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RunTask {
    /// Rows of this collection.
    pub collection: Collection,
    /// The evaluator's version as it was when the run was asked for.
    pub evaluator: Evaluator,
    /// How to run it.
    pub method: Method,
    /// Filters over rows, wire form; null or `{}` for all.
    #[serde(default)]
    pub filters: Value,
    /// Percent of matches, above 0 up to 100.
    #[serde(default = "whole")]
    pub sampling_percentage: f64,
    /// Rows up to this one; later rows are not part of the run (F.7).
    pub watermark: Watermark,
    /// USD that the run may spend; none: no limit of its own.
    #[serde(default)]
    pub spending_limit: Option<f64>,
    /// Stored and echoed (contract G.2).
    #[serde(default)]
    pub experiment_id: Option<String>,
    /// `prod` or `test`: that of the key that asked for it.
    #[serde(default)]
    pub environment: String,
}

fn whole() -> f64 {
    100.0
}

/// What a dataset shows of its runs (contract B.1, B.18).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Activity {
    /// `pending`, `running`, `completed`, `failed` or `cancelled`.
    pub status: &'static str,
    /// Whole percent.
    pub progress: u8,
}

impl Activity {
    /// Of the runs that go on, together with those that ended since the first of them was asked for. `None` when there
    /// are none.
    pub fn of<'a>(runs: impl IntoIterator<Item = (State, &'a Progress)>) -> Option<Self> {
        let (mut states, mut parts) = (Vec::new(), 0.0);
        for (state, progress) in runs {
            parts += match (state, progress.total) {
                (State::Completed, _) => 1.0,
                (_, Some(total)) if total > 0 => (progress.done as f64 / total as f64).min(1.0),
                _ => 0.0,
            };
            states.push(state);
        }
        let any = |state| states.contains(&state);
        let status = if states.is_empty() {
            return None;
        } else if any(State::Running) || (any(State::Queued) && states.iter().any(|state| state.ended())) {
            "running"
        } else if any(State::Queued) {
            "pending"
        } else if any(State::Completed) {
            "completed"
        } else if any(State::Failed) {
            "failed"
        } else {
            "cancelled"
        };
        Some(Self { status, progress: (parts * 100.0 / states.len() as f64) as u8 })
    }
}

/// What became of one row of a run.
#[derive(Clone, Debug, PartialEq)]
pub struct Unit {
    /// The row.
    pub row: RowNumber,
    /// The score to write: `completed`, or `failed` with its message. A failed one does not replace a completed one
    /// that is there already, so that a provider's bad day does not wipe good scores.
    pub score: Score,
}

/// The result of one row of a run, as kept.
#[derive(Clone, Debug, PartialEq)]
pub struct UnitResult {
    /// The row, if it still exists: its id and `custom_identifier`.
    pub log_id: LogId,
    /// Empty when it failed.
    pub values: ScoreValues,
    /// Whether the evaluator's conditions held.
    pub is_passed: Option<bool>,
    /// Why it failed; none when it did not.
    pub error_message: Option<String>,
    /// USD.
    pub cost: f64,
    /// `custom_identifier` of the row.
    pub custom_identifier: Option<String>,
}
