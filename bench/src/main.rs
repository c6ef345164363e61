//! `evalset-bench`: starts the server, fills it with made-up logs over HTTP, checks its answers against what the
//! generator counted, and measures it. See README.md.
//!
//! Knows the binary, its command line and the wire contract; shares no code with the server.

mod api;
mod generate;
mod load;
mod query;
mod random;
mod report;
mod scenarios;
mod server;
mod text;

use anyhow::Result;
use clap::Parser;
use std::io::Write as _;
use std::path::PathBuf;
use std::process::ExitCode;

/// Measures an evalset binary through its HTTP API.
#[derive(Clone, Debug, Parser)]
#[command(version)]
pub struct Options {
    /// The server's binary.
    #[arg(long, default_value = "target/release/evalset")]
    binary: PathBuf,
    /// Rows of the dataset.
    #[arg(long, default_value_t = 1_000_000)]
    rows: u64,
    /// Seed of the rows: the same seed gives the same rows.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Only scenarios whose names begin with one of these (comma-separated); filling and checking always happen.
    #[arg(long, value_delimiter = ',')]
    only: Vec<String>,
    /// Append the results to this file.
    #[arg(long)]
    write: Option<PathBuf>,
    /// Keep the filled data in this new folder.
    #[arg(long, conflicts_with = "data")]
    keep: Option<PathBuf>,
    /// Use the folder kept by an earlier run instead of filling a new one; its rows and seed win.
    #[arg(long)]
    data: Option<PathBuf>,
    /// Seconds of the single-create scenario.
    #[arg(long, default_value_t = 10)]
    seconds: u64,
    /// Short run for a check of the answers; the figures mean little.
    #[arg(long)]
    quick: bool,
}

impl Options {
    /// Whether a scenario is to be run.
    fn wants(&self, name: &str) -> bool {
        self.only.is_empty() || self.only.iter().any(|only| name.starts_with(only.as_str()))
    }
}

/// Says what is going on, on standard error, so that standard output holds the report only.
fn say(text: &str) {
    writeln!(std::io::stderr(), "{text}").ok();
}

#[tokio::main]
async fn main() -> ExitCode {
    match measure(&Options::parse()).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            say(&format!("error: {error:#}"));
            ExitCode::FAILURE
        }
    }
}

/// Runs, prints the report, and writes it where asked.
async fn measure(options: &Options) -> Result<()> {
    let mut report = scenarios::run(options).await?;
    report.about.push(("command", std::env::args().collect::<Vec<_>>().join(" ")));
    write!(std::io::stdout(), "{}", report.markdown())?;
    if let Some(file) = &options.write {
        report.append_to(file)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_selects_by_prefix() {
        let options = Options::parse_from(["bench", "--only", "page.sort,summary"]);
        assert!(options.wants("page.sort_cost") && options.wants("summary.all"));
        assert!(!options.wants("page.plain") && !options.wants("bulk.1"));
        assert!(Options::parse_from(["bench"]).wants("anything"));
    }
}
