//! Where imported lines go: a collection of the data folder, or a running server's bulk routes.

use super::Arguments;
use super::report::Kind;
use super::resume::id_of;
use crate::cli::local;
use crate::cli::remote::Remote;
use crate::config::Config;
use crate::folder;
use anyhow::{Context as _, bail};
use evalset_model::field::Field;
use evalset_model::ids::{Collection, LogId, Place};
use evalset_model::key::Environment;
use evalset_model::log::{Log, annotation, ingest};
use evalset_model::scalar::{Scalar, parse_time};
use evalset_model::{Error, Result};
use evalset_product::app::App;
use evalset_product::ops::keys;
use evalset_rows::import::Line;
use evalset_store::logs::Existing;
use reqwest::{Method, StatusCode};
use serde_json::{Map, Value, json};
use std::io::Write as _;

/// `log_method` of imported lines that name none.
const LOG_METHOD: &str = "batch";
/// Values of `log_method` (contract D.1): a line may bring its own, since it may come from an export.
const LOG_METHODS: &[&str] =
    &["inference", "logging_api", "batch", "python_tracing", "ts_tracing", "tracing_integration"];

/// What became of some lines.
#[derive(Debug, Default)]
pub struct Outcome {
    /// Rows written that were not there; through a server, all rows written.
    pub added: u64,
    /// Request logs that were there and are replaced; a server does not tell.
    pub replaced: u64,
    /// Rows that were there already, or asked not to be kept.
    pub skipped: u64,
    /// Lines left out: number and why.
    pub bad: Vec<(u64, String)>,
}

/// Where lines go.
pub enum Target {
    /// The data folder.
    Local(Local),
    /// A server.
    Remote(Server),
}

/// A collection of the data folder.
pub struct Local {
    app: App,
    collection: Collection,
}

/// A collection of a server.
pub struct Server {
    remote: Remote,
    /// `None`: request logs.
    dataset: Option<String>,
}

impl Target {
    /// The target that the arguments name, checked to exist.
    pub async fn new(arguments: &Arguments, config: &Config) -> anyhow::Result<Self> {
        if let Some(remote) = arguments.through.server(config)? {
            let dataset = match &arguments.into {
                Some(name) => Some(remote.dataset(name).await?),
                None => None,
            };
            return Ok(Self::Remote(Server { remote, dataset }));
        }
        let is_new = !folder::has_data(&config.data);
        if is_new && arguments.into.is_some() {
            // There is no dataset to add to: most likely the folder is mistyped.
            folder::existing(&config.data)?;
        }
        let app = local::open(config).await?;
        if is_new {
            let made = format!("there was no data in {}: made a new data folder", config.data.display());
            writeln!(std::io::stderr(), "{made}").ok();
        }
        match local_collection(&app, arguments).await {
            Ok(collection) => Ok(Self::Local(Local { app, collection })),
            Err(error) => {
                local::close(&app).await;
                Err(error)
            }
        }
    }

    /// Names the target, for the state of the import.
    pub fn place(&self) -> String {
        match self {
            Self::Local(Local { collection, .. }) => format!("{collection:?}"),
            Self::Remote(Server { remote, dataset }) => {
                format!("{} {}", remote.base(), dataset.as_deref().unwrap_or("request logs"))
            }
        }
    }

    /// What can be told of its rows.
    pub fn kind(&self) -> Kind {
        match self {
            Self::Local(Local { collection, .. }) if collection.place == Place::RequestLogs => Kind::Logs,
            Self::Local(_) => Kind::Rows,
            Self::Remote(Server { dataset: None, .. }) => Kind::RemoteLogs,
            Self::Remote(_) => Kind::RemoteRows,
        }
    }

    /// Writes the good ones of some lines, all together.
    pub async fn add(&self, lines: Vec<Line>, identity: u128) -> anyhow::Result<Outcome> {
        if lines.is_empty() {
            return Ok(Outcome::default());
        }
        match self {
            Self::Local(local) => Ok(local.add(lines, identity).await?),
            Self::Remote(server) => server.add(lines, identity).await,
        }
    }

    /// Releases what is held.
    pub async fn close(&self) {
        if let Self::Local(Local { app, .. }) = self {
            local::close(app).await;
        }
    }
}

async fn local_collection(app: &App, arguments: &Arguments) -> anyhow::Result<Collection> {
    let name = arguments.through.organization();
    let store = app.stores.keys.as_ref();
    if store.organizations().await?.is_empty() {
        keys::organization(store, &app.clock, name.unwrap_or(keys::DEFAULT_ORGANIZATION)).await?;
    }
    let organization = local::organization(app, name).await?;
    match &arguments.into {
        Some(dataset) => local::rows(app, &organization, dataset).await,
        None => Ok(Collection { organization: organization.id, place: Place::RequestLogs }),
    }
}

impl Local {
    async fn add(&self, lines: Vec<Line>, identity: u128) -> Result<Outcome> {
        let (app, place) = (self.app.clone(), self.collection.place);
        let (logs, mut outcome) = tokio::task::spawn_blocking(move || read_all(&app, place, lines, identity))
            .await
            .map_err(Error::internal)?;
        if logs.is_empty() {
            return Ok(outcome);
        }
        let store = self.app.stores.logs.as_ref();
        if place != Place::RequestLogs {
            // A row that is there may have been edited and annotated since.
            let added = store.insert(self.collection, logs, Existing::Keep).await?;
            outcome.added += added.written;
            outcome.skipped += added.skipped;
            return Ok(outcome);
        }
        // A request log is overwritten, as over HTTP.
        let added = store.insert(self.collection, logs, Existing::Replace).await?;
        outcome.added += added.written - added.replaced;
        outcome.replaced += added.replaced;
        Ok(outcome)
    }
}

fn read_all(app: &App, place: Place, lines: Vec<Line>, identity: u128) -> (Vec<Log>, Outcome) {
    let (mut logs, mut outcome) = (Vec::with_capacity(lines.len()), Outcome::default());
    for line in lines {
        let id = id_of(identity, &line);
        let read = line.log.and_then(|body| read(app, place, &body, id).map_err(|error| error.to_string()));
        match read {
            Ok(Some(log)) => logs.push(log),
            Ok(None) => outcome.skipped += 1,
            Err(error) => outcome.bad.push((line.number, error)),
        }
    }
    (logs, outcome)
}

/// Reads a line as the API would, except that what only an export could know (id, environment, key, annotator) is kept.
fn read(app: &App, place: Place, body: &Map<String, Value>, id: LogId) -> Result<Option<Log>> {
    let text = |name: &str| body.get(name).and_then(Value::as_str).filter(|text| !text.is_empty());
    let method = text("log_method").and_then(|said| LOG_METHODS.iter().find(|known| **known == said));
    let environment = if text("environment") == Some("test") { Environment::Test } else { Environment::Prod }.name();
    let id = match body.get("unique_id") {
        Some(Value::Null) | None => id,
        Some(given) => ingest::unique_id(given, "unique_id")?,
    };
    let context = ingest::Context {
        id,
        now: app.clock.now(),
        environment,
        key_id: text("organization_key_id").unwrap_or_default().to_owned(),
        key_name: text("organization_key_name").unwrap_or_default(),
        log_method: method.copied().unwrap_or(LOG_METHOD),
        limits: &app.limits,
    };
    let members = ingest::Body::of(body, &app.limits)?;
    let log = match place {
        Place::RequestLogs => ingest::span(&members, &context)?,
        Place::SavedLogs | Place::Dataset(_) => Some(ingest::row(&members, &context)?),
    };
    Ok(log.map(|log| settled(log, place, body)))
}

fn settled(mut log: Log, place: Place, body: &Map<String, Value>) -> Log {
    for field in [Field::OrganizationKeyId, Field::OrganizationKeyName] {
        if log.text(field) == Some("") {
            log.scalars.set(field, None);
        }
    }
    let completed_at = body.get("annotation_completed_at").and_then(Value::as_str).and_then(parse_time);
    if let Some(at) = completed_at.filter(|_| place != Place::RequestLogs && annotation::is_completed(&log)) {
        log.scalars.set(Field::AnnotationCompletedAt, Some(Scalar::Time(at)));
    }
    log
}

impl Server {
    async fn add(&self, lines: Vec<Line>, identity: u128) -> anyhow::Result<Outcome> {
        let (mut outcome, mut items, mut numbers) = (Outcome::default(), Vec::new(), Vec::new());
        for line in lines {
            let id = id_of(identity, &line);
            match line.log {
                Ok(mut log) => {
                    // Rows of a dataset always get their id from the server.
                    if self.dataset.is_none() && log.get("unique_id").is_none_or(Value::is_null) {
                        log.insert("unique_id".to_owned(), id.0.into());
                    }
                    items.push(Value::Object(log));
                    numbers.push(line.number);
                }
                Err(error) => outcome.bad.push((line.number, error)),
            }
        }
        let mut waiting = vec![(items, numbers)];
        while let Some((items, numbers)) = waiting.pop() {
            if items.is_empty() {
                continue;
            }
            if let Some(halves) = self.send(items, &numbers, &mut outcome).await? {
                waiting.extend(halves);
            }
        }
        outcome.bad.sort_by_key(|(line, _)| *line);
        Ok(outcome)
    }

    /// Sends items; returns their halves when the server found the whole too large.
    async fn send(
        &self,
        items: Vec<Value>,
        numbers: &[u64],
        outcome: &mut Outcome,
    ) -> anyhow::Result<Option<[(Vec<Value>, Vec<u64>); 2]>> {
        let path = match &self.dataset {
            Some(dataset) => format!("/api/datasets/{dataset}/logs/bulk/"),
            None => "/api/request-logs/bulk/".to_owned(),
        };
        let mut body = json!({ "logs": items });
        let reply = self.remote.call(Method::POST, &path, Some(body.clone())).await?;
        if matches!(reply.status, StatusCode::PAYLOAD_TOO_LARGE | StatusCode::UNPROCESSABLE_ENTITY) {
            if numbers.len() == 1 {
                outcome.bad.push((numbers[0], reply.detail()));
                return Ok(None);
            }
            let Value::Array(mut first) = body["logs"].take() else { bail!("lost the items of a bulk call") };
            let second = first.split_off(first.len() / 2);
            let (left, right) = numbers.split_at(first.len());
            return Ok(Some([(first, left.to_vec()), (second, right.to_vec())]));
        }
        let errors = reply.body.get("errors").and_then(Value::as_array);
        let counted = reply.body.get("success_count").and_then(Value::as_u64);
        let (Some(errors), Some(added)) = (errors, counted) else {
            bail!("{} refused {path}: {}", self.remote.base(), reply.detail());
        };
        outcome.added += added;
        for error in errors {
            let index = error.get("index").and_then(Value::as_u64).and_then(|index| usize::try_from(index).ok());
            let number =
                index.and_then(|index| numbers.get(index)).context("the server names an item that was not sent")?;
            let text = error.get("error").and_then(Value::as_str).unwrap_or("refused");
            outcome.bad.push((*number, text.to_owned()));
        }
        Ok(None)
    }
}
