//! A score for every row of the dataset, by a built-in evaluator: what lists by score look at.

use super::Bench;
use crate::api::Call;
use crate::{say, score};
use anyhow::{Context, Result, bail, ensure};
use serde_json::{Value, json};
use std::time::{Duration, Instant};

/// Longest wait for a run.
const RUN_MAX: Duration = Duration::from_hours(1);

impl Bench {
    /// Runs the evaluator over all rows, unless a kept folder has the scores already.
    pub(super) async fn score_rows(&mut self) -> Result<()> {
        if self.scored > 0 {
            return Ok(());
        }
        say(&format!("scoring {} rows", self.rows));
        self.api.json(&Call::post("/api/evaluators/".into(), score::evaluator().to_string())).await?;
        let runs = format!("/api/datasets/{}/eval-reports", self.dataset);
        let start = Instant::now();
        let body = json!({ "evaluator_ids": [score::SLUG] }).to_string();
        let made = self.api.json(&Call::post(format!("{runs}/create/"), body)).await?;
        let task = made["created_tasks"][0]["task_id"].as_str().context("the run has no task_id")?;
        let done = self.wait_for_run(&format!("{runs}/{task}/")).await?;
        let seconds = start.elapsed().as_secs_f64();
        let scored = done["evaluated_logs_count"].as_u64();
        ensure!(scored == Some(self.rows), "{scored:?} of {} rows are scored: {done}", self.rows);
        self.scored = self.rows;
        self.save()?;
        let note = format!("a built-in evaluator over all rows: {seconds:.1} s");
        self.report.figure("score", self.rows as f64 / seconds, "rows/s", note);
        Ok(())
    }

    async fn wait_for_run(&self, path: &str) -> Result<Value> {
        let start = Instant::now();
        loop {
            let run = self.api.json(&Call::get(path.to_owned())).await?;
            match run["status"].as_str() {
                Some("completed") => return Ok(run),
                Some("failed" | "cancelled") => bail!("the run ended: {run}"),
                _ => ensure!(start.elapsed() < RUN_MAX, "the run is not done after {RUN_MAX:?}: {run}"),
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }
}
