//! Restart over the filled folder: time until it answers, and until the first correct page; with what it keeps of its
//! index of columns and without.

use super::latency::ROWS_OF_MEDIANS;
use super::{Bench, MEGABYTE};
use crate::api::{Api, Call};
use crate::query;
use crate::report::median;
use crate::say;
use crate::server::Server;
use anyhow::{Context, Result};
use std::fs;
use std::io::ErrorKind;

impl Bench {
    /// Stops and starts the server some times; the medians go to the report.
    pub(super) async fn restarts(&mut self) -> Result<()> {
        let queries = query::queries(self.rows);
        let query = queries.iter().find(|query| query.name == "page.typed").context("no such query")?;
        let answers = query.answers(&self.generator, self.rows);
        let (mut healthy, mut correct) = (Vec::new(), Vec::new());
        for repeat in 1..=if self.options.quick { 1 } else { 3 } {
            say(&format!("restart {repeat}"));
            self.server.stop().await?;
            self.server = Server::start(&self.options.binary, &self.folder.data(), &self.folder.log()).await?;
            self.api = Api::new(&self.server.url)?;
            self.checked_page(query, &answers, 0).await.context("wrong first page after a restart")?;
            correct.push(self.server.started.elapsed().as_secs_f64() * 1e3);
            healthy.push(self.server.start_time.as_secs_f64() * 1e3);
        }
        let note = format!("median of {}", healthy.len());
        let first = median(correct.into_iter());
        self.report.figure("restart, to /healthz", median(healthy.into_iter()), "ms", note.clone());
        let name = "restart, to the first correct page";
        // The design has a line for a million rows.
        if self.rows > ROWS_OF_MEDIANS {
            self.report.figure(name, first, "ms", note);
        } else {
            self.report.wanted(name, first, "ms", Err(1_000.0), note);
        }
        self.sizes("after a restart")
    }

    /// The same once after `index/` was deleted. Until a page comes the server may say that it took too long (504), and
    /// nothing else.
    pub(super) async fn restart_without_index(&mut self) -> Result<()> {
        say("restart without index/");
        let queries = query::queries(self.rows);
        let query = queries.iter().find(|query| query.name == "page.typed").context("no such query")?;
        let answers = query.answers(&self.generator, self.rows);
        self.server.stop().await?;
        match fs::remove_dir_all(self.folder.data().join("index")) {
            // Few rows have none.
            Err(error) if error.kind() == ErrorKind::NotFound => {}
            removed => removed?,
        }
        self.server = Server::start(&self.options.binary, &self.folder.data(), &self.folder.log()).await?;
        self.api = Api::new(&self.server.url)?;
        self.api.first(&Call::post(self.list_path(&query.asks[0].parameters()), query.asks[0].body())).await?;
        let seconds = self.server.started.elapsed().as_secs_f64();
        self.checked_page(query, &answers, 0).await.context("wrong first page without index/")?;
        let peak = self.server.memory().map_or(0.0, |memory| memory.peak as f64 / MEGABYTE);
        let note = format!("peak of memory {peak:.0} MB");
        self.report.figure("restart without index/, to the first correct page", seconds, "s", note);
        self.check("after the restart without index/").await
    }
}
