//! `evalset import`: a file of logs → request logs or the rows of a dataset, straight into the data folder or through a
//! running server.
//!
//! Reading, parsing and writing overlap. Bad lines are told by number and the rest goes in; a killed import is repeated
//! or resumed without duplicates, since a line without `unique_id` gets the same id each time.

mod report;
mod resume;
mod target;
#[cfg(test)]
mod tests;

use super::Usage;
use super::remote::Through;
use crate::config::Config;
use anyhow::{Context as _, ensure};
use clap::ValueEnum;
use evalset_rows::import::{self, Batch, Line, Mapping, Source};
use report::Report;
use resume::Resume;
use std::path::PathBuf;
use target::Target;
use tokio::sync::mpsc;

/// Batches read ahead of the one being written.
const AHEAD: usize = 2;
/// Bytes of a batch, whatever its number of lines.
const BATCH_BYTES: usize = 8 * 1024 * 1024;

/// Arguments of `import`.
#[derive(Debug, clap::Args)]
pub struct Arguments {
    /// JSONL or CSV file, plain or compressed with zstd or gzip; `-` reads standard input
    file: PathBuf,
    /// Dataset to add rows to, by id or name; without it the lines become request logs
    ///
    /// A file may be imported into the data folder again: rows that are there stay as they are. Through --url the
    /// server gives each row an id of its own, so that importing a file twice adds its rows twice, unless it is done
    /// with --resume.
    #[arg(long, value_name = "DATASET")]
    into: Option<String>,
    /// Let exported rows of a dataset replace the request logs of their unique_id
    ///
    /// Without it lines with a `dataset_id` are bad lines: such a row may have been edited in its dataset, and would
    /// replace the log that it was copied from. Other lines always replace the log of their unique_id.
    #[arg(long, conflicts_with = "into")]
    overwrite: bool,
    /// Format; told by the file's name when not given
    #[arg(long, value_enum)]
    format: Option<Format>,
    /// Field that a CSV column or JSON key becomes, such as `text=input` or `label=metadata.label`; `name=` leaves it
    /// out
    ///
    /// A column without one becomes the field of its name, or that metadata key when there is no such field. A key at
    /// the top of a JSON line that is no field is left out and reported at the end.
    #[arg(long, value_name = "NAME=FIELD")]
    map: Vec<Mapping>,
    /// Go on after the last line that a killed import of this file committed; do nothing when it was finished
    ///
    /// Nothing is imported twice, except through --url into a dataset: there the server gives the ids, and the lines
    /// that were on their way when the import was killed may come again. Lines appended to the file since are imported.
    #[arg(long)]
    resume: bool,
    /// Lines written at once
    #[arg(long, value_name = "LINES", default_value_t = 500, value_parser = clap::value_parser!(u32).range(1..=5_000))]
    batch: u32,
    /// File for all bad lines, as JSONL of `line` and `error`; the first few are shown anyway
    #[arg(long, value_name = "FILE")]
    errors: Option<PathBuf>,
    #[command(flatten)]
    through: Through,
}

/// Format of a file of logs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// One JSON object a line.
    Jsonl,
    /// A table with a header line.
    Csv,
}

impl From<Format> for import::Format {
    fn from(format: Format) -> Self {
        match format {
            Format::Jsonl => Self::Jsonl,
            Format::Csv => Self::Csv,
        }
    }
}

/// Runs the command: an error when any line was bad, or when the import could not go on.
pub async fn run(arguments: Arguments, config: Config) -> anyhow::Result<()> {
    let source = Source::new(&arguments.file, arguments.format.map(import::Format::from), arguments.map.clone())?;
    source.check()?;
    let target = Target::new(&arguments, &config).await?;
    let result = read_into(&arguments, &config, source, &target).await;
    target.close().await;
    let report = result?;
    let bad = report.bad();
    ensure!(bad == 0, "{bad} bad lines were left out");
    Ok(())
}

async fn read_into(arguments: &Arguments, config: &Config, source: Source, target: &Target) -> anyhow::Result<Report> {
    let mut resume = Resume::new(&source, target, &config.data)?;
    let mut report = Report::new(&source, target.kind(), arguments.errors.as_deref(), arguments.resume)?;
    if arguments.resume {
        resume.load(&source)?;
        if resume.is_finished() {
            report.nothing_to_do(&resume.state);
            return Ok(report);
        }
        report.go_on(&resume.state);
    }
    let skip = resume.state.lines;
    let (lines, bytes) = (arguments.batch as usize, BATCH_BYTES);
    let line_bytes = config.limits.max_row_bytes.saturating_mul(2);
    let (send, mut receive) = mpsc::channel::<anyhow::Result<Batch>>(AHEAD);
    let reading = report.reading();
    let reader = tokio::task::spawn_blocking(move || source.read(skip, lines, bytes, line_bytes, &reading, &send));
    // What is said of a dataset's row holds for request logs only.
    let refuses_rows = arguments.into.is_none() && !arguments.overwrite;
    while let Some(mut batch) = receive.recv().await {
        if let Ok(batch) = &mut batch
            && refuses_rows
        {
            batch.lines.iter_mut().for_each(Line::refuse_row);
        }
        match write(batch, target, &mut report, &mut resume).await {
            Err(error) if error.is::<Usage>() => return Err(error),
            written => written.with_context(|| report.stopped(resume.is_kept()))?,
        }
    }
    let notes = reader.await.context("reading")?;
    resume.done()?;
    report.finish(&notes)?;
    Ok(report)
}

/// Writes one batch, then stores how far the import is.
async fn write(
    batch: anyhow::Result<Batch>,
    target: &Target,
    report: &mut Report,
    resume: &mut Resume,
) -> anyhow::Result<()> {
    let batch = batch?;
    let through = batch.through;
    let outcome = target.add(batch.lines, resume.identity()).await?;
    report.add(&outcome)?;
    resume.state.lines = through;
    resume.state.counts.add(&outcome);
    resume.save()
}
