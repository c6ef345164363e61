//! An evaluation run: one evaluator over rows of one dataset (contract B.18, F.7). It is a job; this is what is particular to it.
//!
//! The unit of work is a row; each unit ends as a [`UnitResult`], kept for the run whatever later runs say of the row.

use crate::evaluator::{Evaluator, Method};
use crate::ids::{Collection, LogId, RowNumber};
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
    pub watermark: RowNumber,
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

/// What became of one row of a run.
#[derive(Clone, Debug, PartialEq)]
pub struct Unit {
    /// The row.
    pub row: RowNumber,
    /// The score to write: `completed`, or `failed` with its message. A failed one does not replace a completed one that is
    /// there already, so that a provider's bad day does not wipe good scores.
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
