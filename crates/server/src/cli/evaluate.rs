//! `evalset evaluate`: starts runs of evaluators over a dataset on a running server, and watches them when asked to.

#[cfg(test)]
mod tests;
mod watch;

use super::remote::Through;
use super::{Usage, print};
use crate::config::Config;
use anyhow::{Context as _, bail, ensure};
use reqwest::Method;
use serde_json::{Map, Value, json};
use std::fmt::Write as _;
use watch::Seen;

/// Arguments of `evaluate`.
#[derive(Debug, clap::Args)]
pub struct Arguments {
    /// Dataset by id or name
    dataset: String,
    /// Evaluators by id, `id:version`, slug, or `builtin:NAME`
    #[arg(required = true)]
    evaluators: Vec<String>,
    /// Only rows that pass, filters as of the API, such as '{"status_code": 200}'
    #[arg(long, alias = "filters", value_name = "JSON")]
    filter: Option<String>,
    /// Only so many percent of the rows, chosen at random
    #[arg(long, value_name = "PERCENT")]
    sampling: Option<f64>,
    /// Most that each run may spend
    #[arg(long = "spending-limit", value_name = "USD")]
    spending_limit: Option<f64>,
    /// Watch the runs until they have ended; exit status 1 when one failed
    ///
    /// The runs are the server's: they go on when this command is stopped.
    #[arg(long)]
    wait: bool,
    #[command(flatten)]
    through: Through,
}

impl Arguments {
    fn body(&self) -> anyhow::Result<Value> {
        let mut body = Map::from_iter([("evaluator_ids".to_owned(), json!(self.evaluators))]);
        if let Some(text) = &self.filter {
            body.insert("filters".to_owned(), serde_json::from_str(text).context("--filter is not JSON")?);
        }
        for (name, value) in [("sampling_percentage", self.sampling), ("spending_limit", self.spending_limit)] {
            body.extend(value.map(|value| (name.to_owned(), json!(value))));
        }
        Ok(body.into())
    }
}

/// Runs the command.
pub async fn run(arguments: Arguments, config: Config) -> anyhow::Result<()> {
    let Some(remote) = arguments.through.server(&config)? else {
        return Err(Usage("evaluators run in a server: name it with --url or EVALSET_URL".to_owned()).into());
    };
    let dataset = remote.dataset(&arguments.dataset).await?;
    watch::filled(&remote, &dataset).await?;
    let reports = format!("/api/datasets/{dataset}/eval-reports");
    // Not sent again when the answer is lost: that would start, and pay, the runs twice.
    let started = remote.call_once(Method::POST, &format!("{reports}/create/"), Some(arguments.body()?)).await?;
    ensure!(started.status.is_success(), "{} refused: {}", remote.base(), started.detail());
    let refused = refusals(&started.body);
    let runs = started.body.get("created_tasks").cloned().unwrap_or_default();
    let runs: Vec<Seen> = serde_json::from_value(runs).context("the server's answer lists no runs")?;
    if !arguments.wait {
        let mut text = String::new();
        for run in &runs {
            let _ = writeln!(text, "{}  run:{}", run.name(), run.task_id);
        }
        print(&text)?;
        ensure!(refused.is_empty(), "not started: {}", refused.join("; "));
        return Ok(());
    }
    let (count, mut failed) = (runs.len(), 0);
    for ended in watch::all(&remote, &reports, runs).await? {
        print(&format!("{}\n", ended.result()))?;
        failed += usize::from(ended.status != "completed");
    }
    match (failed, refused.is_empty()) {
        (0, true) => Ok(()),
        (0, false) => bail!("not started: {}", refused.join("; ")),
        _ => bail!("{failed} of {count} runs did not complete"),
    }
}

/// Evaluators that were not started, with the reason.
fn refusals(body: &Value) -> Vec<String> {
    let errors = body.get("errors").and_then(Value::as_object);
    let text = |reason: &Value| reason.as_str().map_or_else(|| reason.to_string(), str::to_owned);
    errors.into_iter().flatten().map(|(name, reason)| format!("`{name}`: {}", text(reason))).collect()
}
