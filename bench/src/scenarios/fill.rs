//! Durable writes: bulk calls that fill the dataset, and many clients creating one row each.

use super::Bench;
use crate::api::Call;
use crate::generate::Generator;
use crate::load::{Measured, Until, closed_loop};
use crate::report::number;
use crate::say;
use anyhow::{Context, Result};
use std::fmt::Write as _;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{Mutex, mpsc};

/// Rows of a bulk call (contract A.8).
pub const BULK_ROWS: u64 = 500;
/// Share of the rows that one client writes before four clients write the rest, and its bound.
const ALONE_SHARE: u64 = 4;
const ALONE_MAX: u64 = 100_000;
/// Clients of the single-create scenario.
const SINGLE_CLIENTS: usize = 64;
/// Rows of the single-create scenario are numbered from here, apart from those of the dataset that is measured.
const SINGLE_FIRST: u64 = 1 << 40;
/// Bulk bodies made ahead of the clients.
const AHEAD: usize = 8;

/// A bulk body and how many rows it holds.
type Made = serde_json::Result<(Vec<u8>, u64)>;

/// Bulk bodies, made by a thread of its own so that making them does not count as the server's time.
#[derive(Clone)]
pub(super) struct Feed(Arc<Mutex<mpsc::Receiver<Made>>>);

impl Feed {
    /// Bodies of the rows `first..end`, in order.
    pub(super) fn new(generator: Arc<Generator>, first: u64, end: u64) -> Self {
        let (bodies, feed) = mpsc::channel(AHEAD);
        std::thread::spawn(move || {
            let mut next = first;
            while next < end {
                let after = (next + BULK_ROWS).min(end);
                let body = generator.bulk(next, after).map(|body| (body, after - next));
                if bodies.blocking_send(body).is_err() {
                    return;
                }
                next = after;
            }
        });
        Self(Arc::new(Mutex::new(feed)))
    }

    pub(super) async fn next(&self) -> Result<(Vec<u8>, u64)> {
        Ok(self.0.lock().await.recv().await.context("the feed ended early")??)
    }
}

impl Bench {
    /// Creates the dataset and writes its rows: some by one client, the rest by four.
    pub(super) async fn fill(&mut self) -> Result<()> {
        self.dataset = self.api.create_dataset("bench").await?;
        let rows = self.options.rows;
        let alone = (rows / ALONE_SHARE).min(ALONE_MAX);
        self.bulk(1, alone).await?;
        self.bulk(4, rows).await
    }

    /// Writes the rows up to `end` with so many clients.
    async fn bulk(&mut self, clients: usize, end: u64) -> Result<()> {
        let first = self.rows;
        say(&format!("bulk: rows {first} to {end} by {clients} client(s)"));
        let feed = Feed::new(Arc::clone(&self.generator), first, end);
        let (api, path) = (self.api.clone(), Arc::new(self.bulk_path()));
        let send = move |_| {
            let (api, path, feed) = (api.clone(), Arc::clone(&path), feed.clone());
            async move {
                let (body, rows) = feed.next().await?;
                api.bulk(&path, body, rows).await
            }
        };
        let before = self.server.cpu_seconds();
        let measured = closed_loop(clients, Until::Requests((end - first).div_ceil(BULK_ROWS)), send).await?;
        self.rows = end;
        let name = format!("bulk.{clients}: {BULK_ROWS} rows a call, {clients} client(s)");
        self.throughput(&name, &measured, before, 30_000.0)
    }

    /// One row a call, each durable before it is answered, into a dataset of its own.
    pub(super) async fn single_creates(&mut self) -> Result<()> {
        let seconds = if self.options.quick { 1 } else { self.options.seconds };
        say(&format!("single create: {SINGLE_CLIENTS} clients for {seconds} s"));
        let dataset = self.api.create_dataset("bench single").await?;
        let path = Arc::new(format!("/api/datasets/{dataset}/logs/"));
        let (api, generator) = (self.api.clone(), Arc::clone(&self.generator));
        let send = move |number| {
            let (api, generator, path) = (api.clone(), Arc::clone(&generator), Arc::clone(&path));
            async move {
                let mut body = Vec::with_capacity(4_096);
                generator.row(SINGLE_FIRST + number, &mut body)?;
                api.send(&Call::post((*path).clone(), body)).await?;
                Ok(1)
            }
        };
        let before = self.server.cpu_seconds();
        let until = Until::Time(Duration::from_secs(seconds));
        let measured = closed_loop(SINGLE_CLIENTS, until, send).await?;
        let name = format!("create.{SINGLE_CLIENTS}: one row a call, {SINGLE_CLIENTS} clients");
        self.throughput(&name, &measured, before, 8_000.0)
    }

    /// Adds a throughput to the report, with what it cost the server.
    fn throughput(&mut self, name: &str, measured: &Measured, before: Option<f64>, target: f64) -> Result<()> {
        let mut note = format!(
            "call p50 {:.1} p99 {:.1} max {:.0} ms, n {}",
            measured.quantile_ms(0.5),
            measured.quantile_ms(0.99),
            measured.quantile_ms(1.0),
            measured.latency.len(),
        );
        if let (Some(before), Some(after)) = (before, self.server.cpu_seconds()) {
            let spent = after - before;
            write!(note, "; server CPU {spent:.1} s = {} rows per CPU-s", number(measured.units as f64 / spent))?;
        }
        self.report.wanted(name, measured.rate(), "rows/s", Ok(target), note);
        Ok(())
    }
}
