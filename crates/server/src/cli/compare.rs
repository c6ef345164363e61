//! `evalset compare`: two runs, or the scores of two evaluators or datasets, side by side: straight from the data
//! folder or through a running server.

mod table;
#[cfg(test)]
mod tests;

use super::remote::{Remote, Through};
use super::{local, print};
use crate::config::Config;
use crate::folder;
use crate::wire::comparison::ComparisonObject;
use anyhow::Context as _;
use clap::ValueEnum;
use evalset_model::comparison::Options;
use evalset_model::ids::{DatasetId, Place};
use evalset_product::actor::Actor;
use evalset_product::ops::comparisons::{self, Ask, Match, Side};
use reqwest::Method;
use serde_json::{Value, json};

/// Arguments of `compare`.
#[derive(Debug, clap::Args)]
pub struct Arguments {
    /// What was there before: `run:ID`, or `DATASET/EVALUATOR` for the scores that the rows of a dataset show now
    ///
    /// The dataset is named by id or name, the evaluator by id or slug, or by a custom slug.
    a: Named,
    /// What may be better, named the same way: it is better where its value is greater
    b: Named,
    /// What makes two rows the same; `unique_id` within one dataset, else `custom_identifier`
    #[arg(long = "match", value_enum, value_name = "MEMBER")]
    matching: Option<By>,
    /// Share of the bootstrap distribution inside an interval [default: 0.95]
    #[arg(long, value_name = "SHARE")]
    confidence: Option<f64>,
    /// Times that the values are drawn again [default: 2000]
    #[arg(long, value_name = "TIMES")]
    resamples: Option<u32>,
    /// Start of the pseudo-random choices [default: 0]
    #[arg(long)]
    seed: Option<u64>,
    /// Differences up to this are ties [default: 1e-9]
    #[arg(long)]
    epsilon: Option<f64>,
    /// Rows that changed most to list [default: 20]
    #[arg(long, value_name = "ROWS")]
    limit: Option<usize>,
    /// Print the JSON of the API in place of a table
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    through: Through,
}

/// What makes two rows the same.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
#[value(rename_all = "snake_case")]
enum By {
    /// The row's id.
    UniqueId,
    /// What the caller named it.
    CustomIdentifier,
}

impl From<By> for Match {
    fn from(by: By) -> Self {
        match by {
            By::UniqueId => Self::UniqueId,
            By::CustomIdentifier => Self::CustomIdentifier,
        }
    }
}

/// A side as it stands on the command line; the dataset may be a name.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Named {
    Run(String),
    Scores { dataset: String, evaluator: String },
}

impl std::str::FromStr for Named {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if let Some(run) = text.strip_prefix("run:") {
            return Ok(Self::Run(run.to_owned()));
        }
        // Names of datasets and custom slugs may hold slashes: behind an id the slug may, else the name.
        let by_id = text.split_once('/').filter(|(dataset, _)| dataset.parse::<DatasetId>().is_ok());
        match by_id.or_else(|| text.rsplit_once('/')) {
            Some((dataset, evaluator)) if !dataset.is_empty() && !evaluator.is_empty() => {
                Ok(Self::Scores { dataset: dataset.to_owned(), evaluator: evaluator.to_owned() })
            }
            _ => Err("must be run:ID or DATASET/EVALUATOR".to_owned()),
        }
    }
}

impl Arguments {
    fn options(&self) -> Options {
        let usual = Options::default();
        Options {
            seed: self.seed.unwrap_or(usual.seed),
            resamples: self.resamples.unwrap_or(usual.resamples),
            confidence: self.confidence.unwrap_or(usual.confidence),
            epsilon: self.epsilon.unwrap_or(usual.epsilon),
            listed: self.limit.unwrap_or(usual.listed),
        }
    }
}

/// Runs the command.
pub async fn run(arguments: Arguments, config: Config) -> anyhow::Result<()> {
    let told = match arguments.through.server(&config)? {
        Some(remote) => from_server(&arguments, &remote).await?,
        None => serde_json::to_value(from_folder(&arguments, &config).await?)?,
    };
    if arguments.json {
        return print(&format!("{told:#}\n"));
    }
    let told: ComparisonObject = serde_json::from_value(told).context("the server's answer is not a comparison")?;
    print(&table::of(&told))
}

async fn from_folder(arguments: &Arguments, config: &Config) -> anyhow::Result<ComparisonObject> {
    folder::existing(&config.data)?;
    let app = local::open(config).await?;
    let result = async {
        let organization = local::organization(&app, arguments.through.organization()).await?;
        let side = async |named: &Named| -> anyhow::Result<Side> {
            let (dataset, evaluator) = match named {
                Named::Run(id) => return Ok(Side::Run(id.clone())),
                Named::Scores { dataset, evaluator } => (dataset, evaluator.clone()),
            };
            match local::rows(&app, &organization, dataset).await?.place {
                Place::Dataset(id) => Ok(Side::Scores { dataset: id.to_string(), evaluator }),
                _ => anyhow::bail!("`{dataset}` is no dataset: only the rows of datasets can be compared"),
            }
        };
        let ask = Ask {
            a: side(&arguments.a).await?,
            b: side(&arguments.b).await?,
            matching: arguments.matching.map(Match::from),
            options: arguments.options(),
        };
        Ok(comparisons::compare(&app, &Actor::local(organization.id), ask).await?.into())
    };
    let result = result.await;
    local::close(&app).await;
    result
}

async fn from_server(arguments: &Arguments, remote: &Remote) -> anyhow::Result<Value> {
    let side = async |named: &Named| -> anyhow::Result<Value> {
        Ok(match named {
            Named::Run(id) => json!({ "run": id }),
            Named::Scores { dataset, evaluator } => {
                json!({ "dataset_id": remote.dataset(dataset).await?, "evaluator": evaluator })
            }
        })
    };
    let Options { seed, resamples, confidence, epsilon, listed } = arguments.options();
    let body = json!({
        "a": side(&arguments.a).await?, "b": side(&arguments.b).await?,
        "match": arguments.matching.map(|by| Match::from(by).name()),
        "seed": seed, "resamples": resamples, "confidence": confidence, "epsilon": epsilon, "limit": listed,
    });
    let reply = remote.call(Method::POST, "/api/eval-reports/compare/", Some(body)).await?;
    anyhow::ensure!(reply.status.is_success(), "{} refused: {}", remote.base(), reply.detail());
    Ok(reply.body)
}
