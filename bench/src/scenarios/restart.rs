//! Restart over the filled folder: time until it answers, and until the first correct page.

use super::Bench;
use crate::api::Api;
use crate::query;
use crate::report::median;
use crate::say;
use crate::server::Server;
use anyhow::{Context, Result};

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
        self.report.wanted("restart, to the first correct page", first, "ms", Err(1_000.0), note);
        self.sizes("after a restart")
    }
}
