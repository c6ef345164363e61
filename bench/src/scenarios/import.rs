//! Import of logs into a dataset by filter: the logs are written first, then the job is timed.

use super::Bench;
use super::fill::{BULK_ROWS, Feed};
use crate::api::Call;
use crate::load::{Until, closed_loop};
use crate::say;
use anyhow::{Result, bail, ensure};
use serde_json::json;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// Logs at most: the line of the design is about a million.
const LOGS_MAX: u64 = 1_000_000;
/// Longest wait for the job.
const JOB_MAX: Duration = Duration::from_hours(1);

impl Bench {
    /// As many logs as the dataset was asked to have, of which 94 % pass the filter.
    pub(super) async fn import(&mut self) -> Result<()> {
        let logs = self.options.rows.min(LOGS_MAX).min(self.rows);
        say(&format!("import: writing {logs} logs"));
        let feed = Feed::new(Arc::clone(&self.generator), 0, logs);
        let api = self.api.clone();
        let send = move |_| {
            let (api, feed) = (api.clone(), feed.clone());
            async move {
                let (body, rows) = feed.next().await?;
                api.bulk("/api/request-logs/bulk/", body, rows).await
            }
        };
        closed_loop(4, Until::Requests(logs.div_ceil(BULK_ROWS)), send).await?;
        let wanted = (0..logs).filter(|&index| self.generator.facts(index).status_code == 200).count() as u64;
        let list = Call::post("/api/request-logs/list/?page_size=1".to_owned(), "{}");
        let seconds = self.api.first(&list).await?.as_secs_f64();
        self.report.figure("first list of the logs", seconds, "s", "makes their index, which the filter uses".into());
        let dataset = self.api.create_dataset("bench import").await?;
        let body = json!({
            "start_time": "2026-01-01T00:00:00Z", "end_time": "2026-02-01T00:00:00Z",
            "filters": { "status_code": { "operator": "eq", "value": 200 } },
        });
        say(&format!("import: {wanted} of {logs} logs into a dataset"));
        let start = Instant::now();
        self.api.json(&Call::post(format!("/api/datasets/{dataset}/logs/import/"), body.to_string())).await?;
        self.wait_for_dataset(&dataset).await?;
        let seconds = start.elapsed().as_secs_f64();
        let list = Call::post(format!("/api/datasets/{dataset}/logs/list/?page_size=1"), "{}");
        let count = self.api.json(&list).await?["count"].as_u64();
        ensure!(count == Some(wanted), "{count:?} rows are imported, {wanted} logs match");
        let note = format!("{wanted} of {logs} logs by a filter: {seconds:.1} s");
        self.report.wanted("import", wanted as f64 / seconds, "rows/s", Ok(100_000.0), note);
        Ok(())
    }

    async fn wait_for_dataset(&self, dataset: &str) -> Result<()> {
        let start = Instant::now();
        loop {
            let state = self.api.json(&Call::get(format!("/api/datasets/{dataset}/"))).await?;
            match state["status"].as_str() {
                Some("ready") => return Ok(()),
                Some("failed") => bail!("the import failed: {state}"),
                _ => ensure!(start.elapsed() < JOB_MAX, "the import is not done after {JOB_MAX:?}: {state}"),
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }
}
