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
mod results;
mod scenarios;
mod score;
mod search;
mod server;
mod text;
mod top;

use anyhow::{Context, Result};
use clap::{Args, Parser, Subcommand};
use std::io::{BufWriter, Write as _};
use std::path::PathBuf;
use std::process::ExitCode;

/// Measures an evalset binary through its HTTP API.
#[derive(Debug, Parser)]
#[command(version, args_conflicts_with_subcommands = true)]
struct CommandLine {
    #[command(subcommand)]
    command: Option<Command>,
    #[command(flatten)]
    options: Options,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Prints rows as JSON lines, so that others can be fed the same ones.
    Rows {
        /// How many, from row 0.
        #[arg(long)]
        rows: u64,
        /// Seed of the rows.
        #[arg(long, default_value_t = 1)]
        seed: u64,
    },
}

/// What is measured, and how.
#[derive(Clone, Debug, Args)]
pub struct Options {
    /// The server's binary.
    #[arg(long, default_value = "target/release/evalset")]
    binary: PathBuf,
    /// Rows of the dataset, such as 50k or 10M.
    #[arg(long, default_value_t = 1_000_000, value_parser = count)]
    rows: u64,
    /// One run for each of these numbers of rows (such as 1k,50k,10M; comma-separated), each over a new folder.
    #[arg(long, value_delimiter = ',', value_parser = count, conflicts_with_all = ["rows", "keep", "data"])]
    scale: Vec<u64>,
    /// Seed of the rows: the same seed gives the same rows.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Only scenarios whose names begin with one of these (comma-separated); filling and checking always happen.
    #[arg(long, value_delimiter = ',')]
    only: Vec<String>,
    /// No scenarios whose names begin with one of these (comma-separated).
    #[arg(long, value_delimiter = ',')]
    without: Vec<String>,
    /// Append the results to this file.
    #[arg(long)]
    write: Option<PathBuf>,
    /// Append every figure as a JSON line to this file, as soon as a run is over.
    #[arg(long)]
    results: Option<PathBuf>,
    /// Keep the filled data in this new folder.
    #[arg(long, conflicts_with = "data")]
    keep: Option<PathBuf>,
    /// Use the folder kept by an earlier run instead of filling a new one; its rows and seed win.
    #[arg(long)]
    data: Option<PathBuf>,
    /// Work on a copy of that folder, in the folder of temporary files, and leave it as it is: several binaries can
    /// measure the same.
    #[arg(long, requires = "data")]
    copy: bool,
    /// Seconds of the single-create scenario, and of each part of those beside summaries.
    #[arg(long, default_value_t = 10)]
    seconds: u64,
    /// Short run for a check of the answers; the figures mean little.
    #[arg(long)]
    quick: bool,
}

impl Options {
    /// Whether a scenario is to be run.
    fn wants(&self, name: &str) -> bool {
        let begins = |part: &String| name.starts_with(part.as_str());
        (self.only.is_empty() || self.only.iter().any(begins)) && !self.without.iter().any(begins)
    }
}

/// Says what is going on, on standard error, so that standard output holds the report only.
fn say(text: &str) {
    writeln!(std::io::stderr(), "{text}").ok();
}

/// A number of rows: `50000`, `50k` or `10M`.
fn count(text: &str) -> Result<u64> {
    let (digits, unit) = match text.strip_suffix(['k', 'K']) {
        Some(digits) => (digits, 1_000),
        None => text.strip_suffix(['m', 'M']).map_or((text, 1), |digits| (digits, 1_000_000)),
    };
    let number: u64 = digits.parse().with_context(|| format!("`{text}` is no number of rows"))?;
    number.checked_mul(unit).filter(|&rows| rows > 0).with_context(|| format!("`{text}` is out of range"))
}

#[tokio::main]
async fn main() -> ExitCode {
    let line = CommandLine::parse();
    let outcome = match line.command {
        Some(Command::Rows { rows, seed }) => print_rows(rows, seed),
        None => measure(&line.options).await,
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            say(&format!("error: {error:#}"));
            ExitCode::FAILURE
        }
    }
}

fn print_rows(rows: u64, seed: u64) -> Result<()> {
    let generator = generate::Generator::new(seed);
    let mut out = BufWriter::new(std::io::stdout().lock());
    let mut line = Vec::new();
    for index in 0..rows {
        line.clear();
        generator.row(index, &mut line)?;
        line.push(b'\n');
        out.write_all(&line)?;
    }
    Ok(out.flush()?)
}

/// One run, or one for each number of rows of `--scale`.
async fn measure(options: &Options) -> Result<()> {
    if options.scale.is_empty() {
        return measure_once(options).await;
    }
    for &rows in &options.scale {
        measure_once(&Options { rows, ..options.clone() }).await.with_context(|| format!("at {rows} rows"))?;
    }
    Ok(())
}

/// Runs, prints the report, and writes it where asked.
async fn measure_once(options: &Options) -> Result<()> {
    let mut report = scenarios::run(options).await?;
    report.about.push(("command", std::env::args().collect::<Vec<_>>().join(" ")));
    write!(std::io::stdout(), "{}", report.markdown())?;
    if let Some(file) = &options.write {
        report.append_to(file)?;
    }
    if let Some(file) = &options.results {
        results::append(&report, file)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn options(arguments: &[&str]) -> Options {
        CommandLine::parse_from(["bench"].iter().chain(arguments)).options
    }

    #[test]
    fn only_selects_by_prefix() {
        let some = options(&["--only", "page.sort,summary"]);
        assert!(some.wants("page.sort_cost") && some.wants("summary.all"));
        assert!(!some.wants("page.plain") && !some.wants("bulk.1"));
        assert!(options(&[]).wants("anything"));
        let most = options(&["--without", "search,import"]);
        assert!(most.wants("page.plain") && !most.wants("search.word"));
    }

    #[test]
    fn numbers_of_rows_have_units() {
        assert_eq!(options(&["--scale", "1k,50000,10M"]).scale, [1_000, 50_000, 10_000_000]);
        assert!(count("1g").is_err() && count("0").is_err() && count("99999999999999999M").is_err());
    }
}
