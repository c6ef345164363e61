//! `evalset export`: rows of a dataset → a JSONL or CSV file, straight from the data folder or through a running
//! server.

mod output;

use super::local;
use super::remote::{Remote, Through};
use crate::config::Config;
use crate::folder;
use anyhow::Context as _;
use clap::ValueEnum;
use evalset_model::filter::{check, wire};
use evalset_model::ids::Place;
use evalset_model::page::Sort;
use evalset_product::actor::Actor;
use evalset_product::ops::exports::{self, StreamRequest};
use evalset_rows::selection::{self, Unknown};
use futures::TryStreamExt as _;
use output::Output;
use reqwest::Method;
use serde_json::{Value, json};
use std::path::PathBuf;

/// The name that stands for the request logs.
const REQUEST_LOGS: &str = "request-logs";

/// Arguments of `export`.
#[derive(Debug, clap::Args)]
pub struct Arguments {
    /// Dataset by id or name; `_saved_logs` and `request-logs` are the collections of these names
    dataset: String,
    /// Format; told by the name of the output, `.jsonl`, `.ndjson` or `.csv`; without a suffix, jsonl
    #[arg(long, value_enum)]
    format: Option<Format>,
    /// File to write, compressed when its name ends in `.gz` or `.zst`; `-` is standard output
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
    #[command(flatten)]
    through: Through,
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
    fn filters(&self) -> anyhow::Result<Value> {
        self.filters
            .as_deref()
            .map_or(Ok(Value::Null), |text| serde_json::from_str(text).context("--filters is not JSON"))
    }
}

/// Runs the command.
pub async fn run(arguments: Arguments, config: Config) -> anyhow::Result<()> {
    let output = Output::new(&arguments.output, arguments.format)?;
    match arguments.through.server(&config)? {
        Some(remote) => from_server(&arguments, &output, &remote).await,
        None => from_folder(&arguments, &output, &config).await,
    }
}

async fn from_folder(arguments: &Arguments, output: &Output, config: &Config) -> anyhow::Result<()> {
    folder::existing(&config.data)?;
    let app = local::open(config).await?;
    let result = async {
        let organization = local::organization(&app, arguments.through.organization()).await?;
        let actor = Actor::local(organization.id);
        let place = match arguments.dataset.as_str() {
            REQUEST_LOGS => Place::RequestLogs,
            dataset => local::rows(&app, &organization, dataset).await?.place,
        };
        let filters = wire::parse("filters", Some(&arguments.filters()?), None, &app.limits).context("--filters")?;
        let names = |names: &String| names.split(',').map(|name| name.trim().to_owned()).collect();
        let request = StreamRequest {
            filter: selection::check(actor.collection(place), &filters, Unknown::Metadata).context("--filters")?,
            sort: check::sort(arguments.sort_by.as_deref().unwrap_or_default(), Sort::newest_first())
                .context("--sort_by")?,
            include_fields: arguments.include_fields.as_ref().map(names),
            format: output.format,
        };
        let rows = exports::stream(&app, &actor, place, request).await?;
        output.write(rows.map_err(anyhow::Error::from)).await
    };
    let result = result.await;
    local::close(&app).await;
    result
}

async fn from_server(arguments: &Arguments, output: &Output, remote: &Remote) -> anyhow::Result<()> {
    let path = match arguments.dataset.as_str() {
        REQUEST_LOGS => "/api/request-logs/export/".to_owned(),
        dataset => format!("/api/datasets/{}/logs/export/", remote.dataset(dataset).await?),
    };
    let mut body = json!({ "filters": arguments.filters()?, "export_format": output.format.suffix() });
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
    output.write(response.bytes_stream().map_err(anyhow::Error::from)).await
}
