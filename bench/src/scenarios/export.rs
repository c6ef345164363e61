//! Export of the whole dataset: as a job with the download of its file, and as a stream that leaves no file.

use super::{Bench, MEGABYTE};
use crate::api::{Call, path_of};
use crate::say;
use crate::server::Memory;
use anyhow::{Context, Result, bail, ensure};
use serde_json::Value;
use std::fmt::Write as _;
use std::time::{Duration, Instant};

/// What the design asks for, MB/s.
const SPEED_MIN: f64 = 100.0;
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
        if self.options.wants("export.stream") {
            self.stream().await?;
        }
        Ok(())
    }

    /// JSONL of all fields, while it is made.
    async fn stream(&mut self) -> Result<()> {
        say("export.stream");
        self.server.reset_peak();
        let (before, start) = (self.server.memory(), Instant::now());
        let path = format!("/api/datasets/{}/logs/export/?export_format=.jsonl", self.dataset);
        let (bytes, lines) = self.api.download(&path).await?;
        let seconds = start.elapsed().as_secs_f64();
        ensure!(lines == self.rows, "export.stream: {lines} lines for {} rows", self.rows);
        let megabytes = bytes as f64 / MEGABYTE;
        let note = format!("{megabytes:.0} MB in {seconds:.1} s{}", self.grown(before)?);
        self.report.wanted("export.stream", megabytes / seconds, "MB/s", Ok(SPEED_MIN), note);
        Ok(())
    }

    /// How far memory has risen at most since `before`, when the peak was reset, for a note.
    fn grown(&self, before: Option<Memory>) -> Result<String> {
        let mut note = String::new();
        if let (Some(before), Some(after)) = (before, self.server.memory()) {
            let grown = after.peak.saturating_sub(before.resident) as f64 / MEGABYTE;
            write!(note, "; memory {:.0} MB, peak +{grown:.0} MB", before.resident as f64 / MEGABYTE)?;
        }
        Ok(note)
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
        note += &self.grown(before)?;
        let speed = megabytes / (job + download).as_secs_f64();
        self.report.wanted(name, speed, "MB/s", Ok(SPEED_MIN), note);
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
