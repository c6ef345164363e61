//! Latency of pages, summaries, point reads and one-row edits, alone and beside a writer.

use super::Bench;
use super::fill::BULK_ROWS;
use crate::api::Call;
use crate::load::{Measured, Until, closed_loop, open_loop};
use crate::query::{self, MIXED, Query};
use crate::report::{Line, Target};
use crate::say;
use anyhow::{Context, Result, ensure};
use bytes::Bytes;
use serde_json::json;
use std::fs;
use std::sync::Arc;

/// Connections of the open loop: more requests than this under way wait, and their wait counts.
const CLIENTS: usize = 32;
/// A scenario is never offered more than this share of what one client alone got through.
const LOAD_MAX: f64 = 0.5;
/// Longest repeat, seconds: slow scenarios send fewer requests.
const REPEAT_SECONDS: f64 = 30.0;
/// The same of a quick run.
const REPEAT_SECONDS_QUICK: f64 = 2.0;
/// Rows read and edited one by one.
const POINTS: u64 = 1_000;
/// Bulk calls a second of the writer: 5,000 rows/s.
const WRITER_CALLS: f64 = 10.0;
/// Queries whose filters are also summed.
pub const SUMMED: [&str; 3] = ["page.plain", "page.typed", "page.or_bundle"];

/// Longest warm-up, seconds.
const WARM_UP_SECONDS: f64 = 5.0;
/// Above this many rows only the 99th percentile of a page has a target, sums have none, and memory another one.
pub const ROWS_OF_MEDIANS: u64 = 2_000_000;

/// What a list of this name should keep at so many rows.
fn target(name: &str, rows: u64) -> Target {
    match (name.starts_with("search."), rows > ROWS_OF_MEDIANS) {
        (true, _) => Target { p50_ms: None, p99_ms: Some(50.0) },
        (false, true) => Target { p50_ms: None, p99_ms: Some(60.0) },
        (false, false) => Target { p50_ms: Some(3.0), p99_ms: Some(15.0) },
    }
}

/// One scenario: its calls are sent in turn.
struct Scenario {
    name: String,
    calls: Arc<Vec<Call>>,
    /// Requests a second wanted.
    rate: f64,
    target: Target,
    runs: Vec<Measured>,
}

impl Scenario {
    fn new(name: &str, calls: Vec<Call>, rate: f64, target: Target) -> Self {
        Self { name: name.to_owned(), calls: Arc::new(calls), rate, target, runs: Vec::new() }
    }
}

impl Bench {
    /// Requests of a repeat, of its warm-up, and how many repeats.
    fn effort(&self) -> (u64, u64, usize) {
        if self.options.quick { (40, 4, 1) } else { (1_000, 100, 3) }
    }

    /// All latency scenarios without a writer. Repeats go round, so that a slow minute hits all scenarios alike.
    pub(super) async fn latencies(&mut self) -> Result<()> {
        let mut scenarios = self.scenarios().await?;
        scenarios.retain(|scenario| self.options.wants(&scenario.name));
        for scenario in &mut scenarios {
            self.settle(scenario).await?;
        }
        let (_, _, repeats) = self.effort();
        for repeat in 1..=repeats {
            for scenario in &mut scenarios {
                say(&format!("{} at {:.0}/s, repeat {repeat}", scenario.name, scenario.rate));
                let run = self.offered(scenario).await?;
                scenario.runs.push(run);
            }
        }
        let lines = scenarios.iter().map(|done| Line::of(&done.name, done.rate, &done.runs, done.target));
        self.report.lines.extend(lines);
        Ok(())
    }

    async fn scenarios(&self) -> Result<Vec<Scenario>> {
        let queries = self.queries();
        let scenario =
            |query: &Query| Scenario::new(query.name, self.calls(query), 100.0, target(query.name, self.rows));
        let mut scenarios: Vec<Scenario> = queries.iter().map(scenario).collect();
        let mut mixed = Vec::new();
        let mut filtered = Vec::new();
        for query in &queries {
            if MIXED.contains(&query.name) {
                mixed.extend(self.calls(query));
            }
            if SUMMED[1..].contains(&query.name) {
                filtered.extend(query.asks.iter().map(|ask| Call::post(self.summary_path(), ask.body())));
            }
        }
        scenarios.push(Scenario::new("page.mixed", mixed, 100.0, target("page.mixed", self.rows)));
        let all = vec![Call::post(self.summary_path(), "{}")];
        // The design has lines for a million rows.
        let median = |most| Target { p50_ms: (self.rows <= ROWS_OF_MEDIANS).then_some(most), p99_ms: None };
        scenarios.push(Scenario::new("summary.all", all, 50.0, median(20.0)));
        scenarios.push(Scenario::new("summary.filtered", filtered, 50.0, median(8.0)));
        let paths = self.points().await?;
        let reads = paths.iter().map(|path| Call::get(path.clone())).collect();
        scenarios.push(Scenario::new("row.get", reads, 200.0, Target { p50_ms: Some(1.0), p99_ms: None }));
        let edit = |(number, path): (usize, &String)| {
            Call::patch(path.clone(), json!({ "metadata": { "reviewed": number % 5 } }).to_string())
        };
        let edits = paths.iter().enumerate().map(edit).collect();
        scenarios.push(Scenario::new("row.patch", edits, 100.0, Target::default()));
        Ok(scenarios)
    }

    /// Paths of rows from all over the dataset.
    async fn points(&self) -> Result<Vec<String>> {
        let pages = (self.rows / 100).max(1);
        let wanted = (POINTS / 100).min(pages);
        let mut paths = Vec::new();
        for step in 0..wanted {
            let ids = self.api.ids(&self.dataset, 1 + step * pages / wanted).await?;
            paths.extend(ids.iter().map(|id| format!("/api/datasets/{}/logs/{id}/", self.dataset)));
        }
        ensure!(!paths.is_empty(), "the dataset has no row ids");
        Ok(paths)
    }

    /// Warms up with one client, and lowers the rate when the server could not keep it.
    async fn settle(&self, scenario: &mut Scenario) -> Result<()> {
        let (_, warm_up, _) = self.effort();
        // Each variant twice, to know what there is time for: what is asked first may be slow, and is not what is
        // measured.
        let variants = Until::Requests(scenario.calls.len().min(4) as u64);
        closed_loop(1, variants, self.sender(scenario)).await?;
        let first = closed_loop(1, variants, self.sender(scenario)).await?;
        let affordable = (WARM_UP_SECONDS / first.mean_seconds().max(1e-6)) as u64;
        let measured = match warm_up.min(affordable) {
            0..=4 => first,
            requests => closed_loop(1, Until::Requests(requests), self.sender(scenario)).await?,
        };
        scenario.rate = scenario.rate.min(LOAD_MAX / measured.mean_seconds().max(1e-6));
        Ok(())
    }

    /// One repeat.
    async fn offered(&self, scenario: &Scenario) -> Result<Measured> {
        open_loop(scenario.rate, self.requests(scenario), CLIENTS, self.sender(scenario)).await
    }

    fn requests(&self, scenario: &Scenario) -> u64 {
        let (requests, _, _) = self.effort();
        let seconds = if self.options.quick { REPEAT_SECONDS_QUICK } else { REPEAT_SECONDS };
        requests.min((scenario.rate * seconds).ceil() as u64).max(1)
    }

    fn sender(
        &self,
        scenario: &Scenario,
    ) -> impl Fn(u64) -> std::pin::Pin<Box<dyn Future<Output = Result<u64>> + Send>> + Clone + Send + use<> {
        let (api, calls) = (self.api.clone(), Arc::clone(&scenario.calls));
        move |number| {
            let (api, calls) = (api.clone(), Arc::clone(&calls));
            Box::pin(async move {
                let reply = api.send(&calls[number as usize % calls.len()]).await?;
                Ok(reply.len() as u64)
            })
        }
    }

    /// Mixed pages while 5,000 rows/s are added. The dataset grows; the rows are counted in.
    pub(super) async fn beside_a_writer(&mut self) -> Result<()> {
        let queries = query::queries(self.rows);
        let calls: Vec<Call> =
            queries.iter().filter(|query| MIXED.contains(&query.name)).flat_map(|query| self.calls(query)).collect();
        let target = Target { p50_ms: None, p99_ms: Some(40.0) };
        let mut scenario = Scenario::new("writer.page.mixed", calls, 100.0, target);
        self.settle(&mut scenario).await?;
        // Until the last row is in, the kept folder does not hold what its manifest says.
        fs::remove_file(self.folder.manifest()).context("taking back the manifest")?;
        let mut writers = Vec::new();
        let (_, _, repeats) = self.effort();
        for repeat in 1..=repeats {
            say(&format!("{} at {:.0}/s beside a writer, repeat {repeat}", scenario.name, scenario.rate));
            let seconds = self.requests(&scenario) as f64 / scenario.rate;
            let bodies = self.writer_bodies((seconds * WRITER_CALLS).ceil() as u64)?;
            let count = bodies.len() as u64;
            let writer = open_loop(WRITER_CALLS, count, 4, self.writer(bodies));
            let (pages, written) = tokio::join!(self.offered(&scenario), writer);
            scenario.runs.push(pages?);
            writers.push(written?);
            self.rows += count * BULK_ROWS;
        }
        self.save()?;
        self.report.lines.push(Line::of(&scenario.name, scenario.rate, &scenario.runs, scenario.target));
        let line = Line::of("writer.bulk", WRITER_CALLS, &writers, Target::default());
        let written: u64 = writers.iter().map(|run| run.units).sum();
        let elapsed: f64 = writers.iter().map(|run| run.elapsed.as_secs_f64()).sum();
        let note = format!("offered {} rows/s, {written} rows", WRITER_CALLS * BULK_ROWS as f64);
        self.report.figure("writer beside the pages", written as f64 / elapsed, "rows/s", note);
        self.report.lines.push(line);
        Ok(())
    }

    /// Bodies of the next rows, made before the clock runs.
    fn writer_bodies(&self, calls: u64) -> Result<Vec<Bytes>> {
        let first = |call: u64| self.rows + call * BULK_ROWS;
        (0..calls).map(|call| Ok(self.generator.bulk(first(call), first(call + 1))?.into())).collect()
    }

    fn writer(
        &self,
        bodies: Vec<Bytes>,
    ) -> impl Fn(u64) -> std::pin::Pin<Box<dyn Future<Output = Result<u64>> + Send>> + Clone + Send + use<> {
        let (api, path, bodies) = (self.api.clone(), Arc::new(self.bulk_path()), Arc::new(bodies));
        move |number| {
            let (api, path, body) = (api.clone(), Arc::clone(&path), bodies[number as usize].clone());
            Box::pin(async move { api.bulk(&path, body, BULK_ROWS).await })
        }
    }
}
