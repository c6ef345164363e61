//! Runs watched until they end: a line each on a terminal, then the result.

use crate::cli::remote::Remote;
use anyhow::{Context as _, ensure};
use indicatif::{MultiProgress, ProgressBar, ProgressDrawTarget, ProgressStyle};
use reqwest::Method;
use serde::Deserialize;
use std::io::{IsTerminal as _, Write as _};
use std::time::Duration;

/// How often the server is asked.
const LOOK: Duration = Duration::from_millis(500);

/// What the server says of a run.
#[derive(Clone, Debug, Deserialize)]
pub struct Seen {
    /// Its id.
    pub task_id: String,
    /// `pending`, `running`, `completed`, `failed` or `cancelled`.
    pub status: String,
    evaluator_slug: String,
    evaluator_version: u32,
    evaluated_logs_count: u64,
    failed_logs_count: u64,
    total_logs_count: Option<u64>,
    score: Option<f64>,
    cost: f64,
    rate: Option<f64>,
    seconds_left: Option<f64>,
    error_message: Option<String>,
}

impl Seen {
    /// Evaluator and version.
    pub fn name(&self) -> String {
        format!("{}:{}", self.evaluator_slug, self.evaluator_version)
    }

    fn ended(&self) -> bool {
        matches!(self.status.as_str(), "completed" | "failed" | "cancelled")
    }

    fn done(&self) -> u64 {
        self.evaluated_logs_count + self.failed_logs_count
    }

    /// How far it is.
    pub(super) fn progress(&self) -> String {
        let total = self.total_logs_count.map_or_else(|| "?".to_owned(), |total| total.to_string());
        let mut parts = vec![format!("{}/{total} rows", self.done()), format!("{} failed", self.failed_logs_count)];
        parts.push(format!("${:.4}", self.cost));
        parts.extend(self.rate.map(|rate| format!("{rate:.1} rows/s")));
        parts.extend(self.seconds_left.map(|left| format!("{left:.0} s left")));
        format!("{}  {}", self.name(), parts.join(", "))
    }

    /// How it ended.
    pub fn result(&self) -> String {
        let score = self.score.map_or_else(String::new, |score| format!(", score {score:.4}"));
        let why = self.error_message.as_ref().map_or_else(String::new, |why| format!("\n  {why}"));
        let (name, status, rows, failed) = (self.name(), &self.status, self.done(), self.failed_logs_count);
        format!("{name}  {status}: {rows} rows, {failed} failed{score}, ${:.4}  run:{}{why}", self.cost, self.task_id)
    }
}

/// Waits while the dataset is being filled: runs cover the rows there are when they start.
pub async fn filled(remote: &Remote, dataset: &str) -> anyhow::Result<()> {
    let path = format!("/api/datasets/{dataset}/");
    let mut told = false;
    loop {
        let reply = remote.call(Method::GET, &path, None).await?;
        ensure!(reply.status.is_success(), "the dataset {dataset}: {}", reply.detail());
        let status = reply.body.get("status").and_then(serde_json::Value::as_str);
        if !matches!(status, Some("initializing" | "loading")) {
            return Ok(());
        }
        if !std::mem::replace(&mut told, true) {
            writeln!(std::io::stderr(), "waiting until the dataset is filled").ok();
        }
        tokio::time::sleep(LOOK).await;
    }
}

/// The runs as they ended.
pub async fn all(remote: &Remote, reports: &str, mut runs: Vec<Seen>) -> anyhow::Result<Vec<Seen>> {
    let lines = MultiProgress::new();
    if !std::io::stderr().is_terminal() {
        lines.set_draw_target(ProgressDrawTarget::hidden());
    }
    let bars = runs.iter().map(|_| bar(&lines)).collect::<anyhow::Result<Vec<_>>>()?;
    while runs.iter().any(|run| !run.ended()) {
        tokio::time::sleep(LOOK).await;
        for (run, bar) in runs.iter_mut().zip(&bars).filter(|(run, _)| !run.ended()) {
            let path = format!("{reports}/{}/", run.task_id);
            let reply = remote.call(Method::GET, &path, None).await?;
            ensure!(reply.status.is_success(), "the run {}: {}", run.task_id, reply.detail());
            *run = serde_json::from_value(reply.body).context("the server's answer is no run")?;
            bar.set_length(run.total_logs_count.unwrap_or_default());
            bar.set_position(run.done());
            bar.set_message(run.progress());
        }
    }
    bars.iter().for_each(ProgressBar::finish_and_clear);
    Ok(runs)
}

fn bar(lines: &MultiProgress) -> anyhow::Result<ProgressBar> {
    let style = ProgressStyle::with_template("{bar:20} {percent:>3}%  {msg}").context("progress bar")?;
    Ok(lines.add(ProgressBar::new(0).with_style(style)))
}
