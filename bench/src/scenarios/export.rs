//! Export of the whole dataset as a job, and the download of its file.

use super::{Bench, MEGABYTE};
use crate::api::{Call, path_of};
use crate::say;
use anyhow::{Context, Result, bail, ensure};
use serde_json::Value;
use std::fmt::Write as _;
use std::time::{Duration, Instant};

/// Longest wait for an export job.
const JOB_MAX: Duration = Duration::from_mins(30);

impl Bench {
    /// JSONL and CSV, when asked for and when the server offers the file (an addition to the contract, B.19).
    pub(super) async fn exports(&mut self) -> Result<()> {
        for format in ["jsonl", "csv"] {
            let name = format!("export.{format}");
            if self.options.wants(&name) {
                say(&name);
                self.export(&name, format).await?;
            }
        }
        Ok(())
    }

    async fn export(&mut self, name: &str, format: &str) -> Result<()> {
        self.server.reset_peak();
        let before = self.server.memory();
        let start = Instant::now();
        let Some(reply) = self.api.export(&self.dataset, &format!(".{format}")).await? else {
            self.report.notes.push(format!("{name}: the server offers no download, not measured"));
            return Ok(());
        };
        let status = reply["status_url"].as_str().context("the export has no status_url")?;
        let done = self.wait_for_export(path_of(status)).await?;
        let job = start.elapsed();
        let url = done["download_url"].as_str().or(reply["download_url"].as_str()).context("no download_url")?;
        let download = Instant::now();
        let (bytes, lines) = self.api.download(path_of(url)).await?;
        let download = download.elapsed();
        if format == "jsonl" {
            ensure!(lines == self.rows, "{name}: {lines} lines for {} rows", self.rows);
        }
        if let Some(count) = done["row_count"].as_u64() {
            ensure!(count == self.rows, "{name}: row_count is {count} for {} rows", self.rows);
        }
        let megabytes = bytes as f64 / MEGABYTE;
        let mut note =
            format!("{megabytes:.0} MB: job {:.1} s, download {:.1} s", job.as_secs_f64(), download.as_secs_f64());
        if let (Some(before), Some(after)) = (before, self.server.memory()) {
            let grown = after.peak.saturating_sub(before.resident) as f64 / MEGABYTE;
            write!(note, "; memory peak +{grown:.0} MB")?;
        }
        let speed = megabytes / (job + download).as_secs_f64();
        self.report.wanted(name, speed, "MB/s", Ok(100.0), note);
        Ok(())
    }

    async fn wait_for_export(&self, path: &str) -> Result<Value> {
        let start = Instant::now();
        loop {
            let job = self.api.json(&Call::get(path.to_owned())).await?;
            match job["status"].as_str() {
                Some("completed") => return Ok(job),
                Some("failed" | "cancelled") => bail!("the export ended: {job}"),
                _ => ensure!(start.elapsed() < JOB_MAX, "the export is not done after {JOB_MAX:?}: {job}"),
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }
}
