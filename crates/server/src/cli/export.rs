//! `evalset export`: rows of a dataset → a JSONL or CSV file, straight from the data folder or through a running server.

use super::local;
use super::remote::Remote;
use crate::config::Config;
use crate::jobs::lines::Selection;
use crate::jobs::source::{self, Unknown};
use crate::ops::exports;
use anyhow::{Context as _, ensure};
use bytes::Bytes;
use clap::ValueEnum;
use evalset_model::filter::{check, wire};
use evalset_model::ids::{Collection, Place};
use evalset_model::job::ExportFormat;
use evalset_model::page::Sort;
use futures::{Stream, StreamExt as _, TryStreamExt as _};
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use reqwest::Method;
use serde_json::{Value, json};
use std::fs::File;
use std::io::{BufWriter, ErrorKind, IsTerminal as _, Write};
use std::path::{Path, PathBuf};
use std::pin::pin;
use std::time::Duration;

/// The name that stands for the request logs.
const REQUEST_LOGS: &str = "request-logs";
/// How often the progress moves without news.
const TICK: Duration = Duration::from_millis(200);

/// Arguments of `export`.
#[derive(Debug, clap::Args)]
pub struct Arguments {
    /// Dataset by id or name; `_saved_logs` and `request-logs` are the collections of these names
    dataset: String,
    /// Format; told by the name of the output, else jsonl
    #[arg(long, value_enum)]
    format: Option<Format>,
    /// File to write; `-` is standard output
    #[arg(long, short, value_name = "FILE", default_value = "-")]
    output: PathBuf,
    /// Filters as of the API, such as '{"status_code": {"operator": "eq", "value": 200}}'
    #[arg(long, value_name = "JSON")]
    filters: Option<String>,
    /// Field to order by, `-` before it for falling order
    #[arg(long = "sort_by", alias = "sort-by", value_name = "FIELD", allow_hyphen_values = true)]
    sort_by: Option<String>,
    /// Only these fields, comma-separated; `id` and `unique_id` are always there
    #[arg(long = "include_fields", alias = "include-fields", value_name = "FIELDS")]
    include_fields: Option<String>,
    /// Go through the server at this URL; without it the data folder is opened directly
    #[arg(long)]
    url: Option<String>,
    /// Key for --url; EVALSET_API_KEY keeps it out of process lists
    #[arg(long, value_name = "KEY", requires = "url")]
    api_key: Option<String>,
    /// Organization, when the data folder has several
    #[arg(long, value_name = "NAME", conflicts_with = "url")]
    organization: Option<String>,
}

/// Format of the output.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// One JSON object a line.
    Jsonl,
    /// A table with a header line.
    Csv,
}

impl Arguments {
    fn format(&self) -> ExportFormat {
        let by_name = self.output.extension().is_some_and(|suffix| suffix.eq_ignore_ascii_case("csv"));
        match self.format {
            Some(Format::Csv) => ExportFormat::Csv,
            None if by_name => ExportFormat::Csv,
            Some(Format::Jsonl) | None => ExportFormat::Jsonl,
        }
    }

    fn filters(&self) -> anyhow::Result<Value> {
        self.filters
            .as_deref()
            .map_or(Ok(Value::Null), |text| serde_json::from_str(text).context("--filters is not JSON"))
    }
}

/// Runs the command.
pub async fn run(arguments: Arguments, config: Config) -> anyhow::Result<()> {
    match &arguments.url {
        Some(url) => {
            let remote = Remote::new(url, arguments.api_key.as_deref().or(config.api_key()))?;
            from_server(&arguments, &remote).await
        }
        None => from_folder(&arguments, &config).await,
    }
}

async fn from_folder(arguments: &Arguments, config: &Config) -> anyhow::Result<()> {
    let app = local::open(config).await?;
    let result = async {
        let organization = local::organization(&app, arguments.organization.as_deref()).await?;
        let collection = match arguments.dataset.as_str() {
            REQUEST_LOGS => Collection { organization: organization.id, place: Place::RequestLogs },
            dataset => local::rows(&app, &organization, dataset).await?,
        };
        let filters = wire::parse("filters", Some(&arguments.filters()?), None, &app.limits).context("--filters")?;
        let names = |names: &String| names.split(',').map(|name| name.trim().to_owned()).collect();
        let selection = Selection {
            collection,
            filter: source::check(collection, &filters, Unknown::Metadata).context("--filters")?,
            sort: check::sort(arguments.sort_by.as_deref().unwrap_or_default(), Sort::newest_first())
                .context("--sort_by")?,
            include_fields: arguments.include_fields.as_ref().map(names),
            format: arguments.format(),
        };
        let rows = exports::stream(&app, selection).await?;
        write(&arguments.output, rows.map_err(anyhow::Error::from)).await
    };
    let result = result.await;
    local::close(&app).await;
    result
}

async fn from_server(arguments: &Arguments, remote: &Remote) -> anyhow::Result<()> {
    let path = match arguments.dataset.as_str() {
        REQUEST_LOGS => "/api/request-logs/export/".to_owned(),
        dataset => format!("/api/datasets/{}/logs/export/", remote.dataset(dataset).await?),
    };
    let mut body = json!({ "filters": arguments.filters()?, "export_format": arguments.format().suffix() });
    for (name, value) in [("sort_by", &arguments.sort_by), ("include_fields", &arguments.include_fields)] {
        if let Some(value) = value {
            body[name] = value.as_str().into();
        }
    }
    let response = remote.send(Method::POST, &path, Some(body)).await?;
    if !response.status().is_success() {
        let status = response.status();
        let reply: Value = serde_json::from_str(&response.text().await.unwrap_or_default()).unwrap_or_default();
        let detail = reply.get("detail").and_then(Value::as_str).unwrap_or("no reason given");
        anyhow::bail!("{} refused: {detail} (status {})", remote.base(), status.as_u16());
    }
    write(&arguments.output, response.bytes_stream().map_err(anyhow::Error::from)).await
}

/// Writes the pieces to the file, which appears whole, or to standard output.
async fn write(output: &Path, pieces: impl Stream<Item = anyhow::Result<Bytes>>) -> anyhow::Result<()> {
    if output.as_os_str() == "-" {
        let mut out = std::io::stdout();
        let bar = bar(!out.is_terminal())?;
        return match drain(&mut out, pieces, &bar).await {
            // A reader that has seen enough is no error.
            Err(error)
                if error.downcast_ref::<std::io::Error>().is_some_and(|io| io.kind() == ErrorKind::BrokenPipe) =>
            {
                Ok(())
            }
            result => result.map(drop),
        };
    }
    ensure!(!output.is_dir(), "{} is a folder; name a file", output.display());
    let mut part = output.as_os_str().to_owned();
    part.push(".part");
    let part = PathBuf::from(part);
    let file = File::create(&part).with_context(|| format!("cannot write {}", part.display()))?;
    let bar = bar(true)?;
    let mut out = BufWriter::new(file);
    let written = async {
        let bytes = drain(&mut out, pieces, &bar).await?;
        out.get_ref().sync_all()?;
        anyhow::Ok(bytes)
    };
    let written = written.await.and_then(|bytes| std::fs::rename(&part, output).map(|()| bytes).map_err(Into::into));
    match written {
        Ok(bytes) => {
            writeln!(std::io::stderr(), "{bytes} bytes written to {}", output.display()).ok();
            Ok(())
        }
        Err(error) => {
            // The half-written file is of no use; that it may stay is told by its name.
            std::fs::remove_file(&part).ok();
            Err(error).with_context(|| format!("cannot write {}", output.display()))
        }
    }
}

async fn drain(
    out: &mut impl Write,
    pieces: impl Stream<Item = anyhow::Result<Bytes>>,
    bar: &ProgressBar,
) -> anyhow::Result<u64> {
    let mut pieces = pin!(pieces);
    let mut bytes = 0;
    while let Some(piece) = pieces.next().await {
        let piece = piece?;
        out.write_all(&piece)?;
        bytes += piece.len() as u64;
        bar.set_position(bytes);
    }
    out.flush()?;
    bar.finish_and_clear();
    Ok(bytes)
}

/// Progress on a terminal, unless the rows themselves go there.
fn bar(wanted: bool) -> anyhow::Result<ProgressBar> {
    let style = ProgressStyle::with_template("{spinner} {bytes}  {bytes_per_sec}").context("progress bar")?;
    let bar = ProgressBar::new_spinner().with_style(style);
    if wanted && std::io::stderr().is_terminal() {
        bar.enable_steady_tick(TICK);
    } else {
        bar.set_draw_target(ProgressDrawTarget::hidden());
    }
    Ok(bar)
}
