//! Writes and pages while sums over all rows are asked for without a pause: a slow look at the columns must not hold up
//! those who write, into the same dataset or another one.

use super::Bench;
use super::fill::BULK_ROWS;
use crate::api::Call;
use crate::load::{Measured, Until, closed_loop, open_loop};
use crate::query::{self, MIXED};
use crate::report::{Line, Target};
use crate::say;
use anyhow::{Context, Result};
use std::fs;
use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

/// Clients that ask for sums, one after the other: some sum is always under way.
const SUMMING: usize = 2;
/// Clients that each create one row a call.
const WRITING: usize = 16;
/// Pages a second.
const PAGES: f64 = 10.0;
/// Rows a second that are written beside the pages, one a call.
const WRITES: f64 = 200.0;
/// Connections of an open loop.
const CLIENTS: usize = 32;
/// Rows of the other dataset.
const OTHER_ROWS: u64 = 10 * BULK_ROWS;
/// They are numbered from here, apart from those of the dataset that is measured.
const OTHER_FIRST: u64 = 1 << 41;

impl Bench {
    /// All of it, first without sums. The dataset grows; the rows are counted in.
    pub(super) async fn beside_summaries(&mut self) -> Result<()> {
        let other = self.other_dataset().await?;
        // Until the last row is in, the kept folder does not hold what its manifest says.
        fs::remove_file(self.folder.manifest()).context("taking back the manifest")?;
        let mut others = OTHER_ROWS;
        for (when, sums) in [("alone", false), ("summaries", true)] {
            say(&format!("{when}: creates into another dataset, into the same, and pages beside creates"));
            let writes = self.creates(&other, OTHER_FIRST + others);
            others += self.beside(&format!("{when}.create.other"), sums, writes).await?.units;
            let same = self.dataset.clone();
            let writes = self.creates(&same, self.rows);
            self.rows += self.beside(&format!("{when}.create.same"), sums, writes).await?.units;
            let writes = self.steady_creates(&other, OTHER_FIRST + others);
            others += self.pages_beside(&format!("{when}.page.other"), sums, &other, writes).await?;
            let writes = self.steady_creates(&same, self.rows);
            self.rows += self.pages_beside(&format!("{when}.page.same"), sums, &same, writes).await?;
        }
        self.save()
    }

    async fn other_dataset(&self) -> Result<String> {
        let other = self.api.create_dataset("bench other").await?;
        let path = format!("/api/datasets/{other}/logs/bulk/");
        for first in (OTHER_FIRST..OTHER_FIRST + OTHER_ROWS).step_by(BULK_ROWS as usize) {
            self.api.bulk(&path, self.generator.bulk(first, first + BULK_ROWS)?, BULK_ROWS).await?;
        }
        Ok(other)
    }

    fn part(&self) -> Duration {
        Duration::from_secs(if self.options.quick { 1 } else { self.options.seconds })
    }

    /// As many creates as clients get through.
    fn creates(&self, dataset: &str, first: u64) -> impl Future<Output = Result<Measured>> + use<> {
        closed_loop(WRITING, Until::Time(self.part()), self.creator(dataset, first))
    }

    /// Creates at a fixed rate.
    fn steady_creates(&self, dataset: &str, first: u64) -> impl Future<Output = Result<Measured>> + use<> {
        let count = (WRITES * self.part().as_secs_f64()) as u64;
        open_loop(WRITES, count, CLIENTS, self.creator(dataset, first))
    }

    fn creator(
        &self,
        dataset: &str,
        first: u64,
    ) -> impl Fn(u64) -> std::pin::Pin<Box<dyn Future<Output = Result<u64>> + Send>> + Clone + Send + use<> {
        let (api, generator) = (self.api.clone(), Arc::clone(&self.generator));
        let path = Arc::new(format!("/api/datasets/{dataset}/logs/"));
        move |number| {
            let (api, generator, path) = (api.clone(), Arc::clone(&generator), Arc::clone(&path));
            Box::pin(async move {
                let mut body = Vec::with_capacity(4_096);
                generator.row(first + number, &mut body)?;
                api.send(&Call::post((*path).clone(), body)).await?;
                Ok(1)
            })
        }
    }

    /// Asks for calls in turn.
    fn asker(
        &self,
        calls: Vec<Call>,
    ) -> impl Fn(u64) -> std::pin::Pin<Box<dyn Future<Output = Result<u64>> + Send>> + Clone + Send + use<> {
        let (api, calls) = (self.api.clone(), Arc::new(calls));
        move |number| {
            let (api, calls) = (api.clone(), Arc::clone(&calls));
            Box::pin(async move { Ok(api.send(&calls[number as usize % calls.len()]).await?.len() as u64) })
        }
    }

    /// Runs `writes`, beside sums if wanted, and reports both.
    async fn beside(
        &mut self,
        name: &str,
        sums: bool,
        writes: impl Future<Output = Result<Measured>>,
    ) -> Result<Measured> {
        let (written, summed) = tokio::join!(writes, self.sums(sums));
        let written = written?;
        let note = format!(
            "{WRITING} clients, call p50 {:.1} p99 {:.1} ms",
            written.quantile_ms(0.5),
            written.quantile_ms(0.99)
        );
        self.report.figure(name, written.rate(), "rows/s", note);
        self.report.lines.push(Line::of(name, written.rate(), std::slice::from_ref(&written), Target::default()));
        self.report_sums(name, summed?);
        Ok(written)
    }

    /// Mixed pages of a dataset at a fixed rate beside `writes`, and beside sums if wanted; how many rows were written.
    async fn pages_beside(
        &mut self,
        name: &str,
        sums: bool,
        dataset: &str,
        writes: impl Future<Output = Result<Measured>>,
    ) -> Result<u64> {
        let queries = query::queries(self.rows);
        let mixed = queries.iter().filter(|query| MIXED.contains(&query.name)).flat_map(|query| &query.asks);
        let path = |parameters: String| format!("/api/datasets/{dataset}/logs/list/?{parameters}");
        let calls = mixed.map(|ask| Call::post(path(ask.parameters()), ask.body())).collect();
        let count = (PAGES * self.part().as_secs_f64()) as u64;
        let pages = open_loop(PAGES, count, CLIENTS, self.asker(calls));
        let (pages, written, summed) = tokio::join!(pages, writes, self.sums(sums));
        let (pages, written) = (pages?, written?);
        self.report.lines.push(Line::of(name, PAGES, &[pages], Target::default()));
        let units = written.units;
        self.report.lines.push(Line::of(&format!("{name}, the writes"), WRITES, &[written], Target::default()));
        self.report_sums(name, summed?);
        Ok(units)
    }

    /// Sums over all rows for as long as a part takes.
    fn sums(&self, wanted: bool) -> impl Future<Output = Result<Option<Measured>>> + use<> {
        let (part, asker) = (self.part(), self.asker(vec![Call::post(self.summary_path(), "{}")]));
        async move {
            if !wanted {
                return Ok(None);
            }
            closed_loop(SUMMING, Until::Time(part), asker).await.map(Some)
        }
    }

    fn report_sums(&mut self, name: &str, summed: Option<Measured>) {
        if let Some(summed) = summed {
            let rate = summed.latency.len() as f64 / summed.elapsed.as_secs_f64().max(1e-9);
            self.report.lines.push(Line::of(&format!("{name}, the sums"), rate, &[summed], Target::default()));
        }
    }
}
