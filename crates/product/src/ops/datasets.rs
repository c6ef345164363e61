//! Datasets: create, list, read, change, delete (contract B.2–B.6). Knows no HTTP.

use crate::actor::Actor;
use crate::app::App;
use crate::ops::imports;
use evalset_model::dataset::{Dataset, DatasetPatch, Granularity, Status};
use evalset_model::filter::check::NamedField;
use evalset_model::filter::{Tree, listed, wire};
use evalset_model::ids::{DatasetId, LogId};
use evalset_model::job::Lane;
use evalset_model::limits::Limits;
use evalset_model::page::{Page, Window};
use evalset_model::{Error, Result};
use evalset_store::shared::Notice;
use serde_json::{Map, Value};

/// `type` of a dataset when the caller names none (H34).
const DEFAULT_KIND: &str = "sampling";
/// Row ids shown in a dataset object (contract B.1).
const LOG_IDS_SHOWN: usize = 100;
/// Bound on `name`, characters.
const MAX_NAME_CHARS: usize = 1_000;

/// What a caller wants created (contract B.2).
#[derive(Clone, Debug, Default)]
pub struct NewDataset {
    /// Required unless it is a copy.
    pub name: Option<String>,
    /// Empty when none.
    pub description: Option<String>,
    /// No import: times, sampling and filters are ignored.
    pub is_empty: bool,
    /// Source window, inclusive, microseconds.
    pub start_time: Option<i64>,
    /// Source window, inclusive, microseconds.
    pub end_time: Option<i64>,
    /// Percent of matching logs.
    pub sampling: Option<f64>,
    /// Filters over logs, wire form.
    pub initial_log_filters: Option<Value>,
    /// Copy this dataset.
    pub source: Option<DatasetId>,
    /// What a row is; that of the source for a copy.
    pub granularity: Option<Granularity>,
    /// Echoed, no effect.
    pub kind: Option<String>,
}

/// Creates a dataset and enqueues the job that fills it, in one step.
pub async fn create(app: &App, actor: &Actor, new: NewDataset) -> Result<Dataset> {
    let source = match new.source {
        Some(id) => Some(get(app, actor, id).await?),
        None => None,
    };
    let name = match (new.name, &source) {
        (Some(name), _) => checked_name(name)?,
        (None, Some(source)) => format!("{} (copy)", source.name),
        (None, None) => return Err(Error::invalid("name", "`name` is required")),
    };
    let now = app.clock.now();
    let granularity = new.granularity.or(source.as_ref().map(|source| source.granularity)).unwrap_or(Granularity::Logs);
    let mut dataset = Dataset {
        id: DatasetId(app.clock.new_id()),
        organization: actor.organization(),
        name,
        description: new.description.unwrap_or_default(),
        kind: new.kind.unwrap_or_else(|| DEFAULT_KIND.to_owned()),
        status: Status::Ready,
        granularity,
        initial_log_filters: kept_filters(new.initial_log_filters.as_ref(), &app.limits)?,
        log_count: 0,
        completed_annotation_count: 0,
        created_at: now,
        updated_at: now,
        starred: false,
        tags: Vec::new(),
        running_status: "pending".to_owned(),
        running_progress: 0,
        running_at: None,
    };
    let wants_rows = new.start_time.is_some()
        || new.end_time.is_some()
        || new.sampling.is_some()
        || !dataset.initial_log_filters.is_empty();
    let job = match &source {
        Some(source) => Some(imports::duplicate_job(app, actor, source, &dataset).await?),
        None if new.is_empty || !wants_rows => None,
        None => {
            let request = imports::ImportRequest {
                start_time: new.start_time,
                end_time: new.end_time,
                filters: new.initial_log_filters.unwrap_or(Value::Null),
                sampling_percentage: new.sampling.unwrap_or(100.0),
            };
            Some(imports::import_job(app, actor, &dataset, request).await?)
        }
    };
    if job.is_some() {
        dataset.status = Status::Initializing;
    }
    app.stores.datasets.create(dataset.clone(), job).await?;
    app.stores.shared.wake(Lane::Rows);
    Ok(dataset)
}

/// The filters as sent; their array form as the object it means, since the dataset object shows one.
fn kept_filters(filters: Option<&Value>, limits: &Limits) -> Result<Map<String, Value>> {
    let parsed = wire::parse("initial_log_filters", filters, None, limits)?;
    Ok(match filters {
        Some(Value::Object(as_sent)) => as_sent.clone(),
        _ => parsed.to_json(),
    })
}

/// A name that can be shown; of evaluators too.
pub(super) fn checked_name(name: String) -> Result<String> {
    if name.trim().is_empty() {
        return Err(Error::invalid("name", "`name` must not be empty"));
    }
    if name.chars().count() > MAX_NAME_CHARS {
        return Err(Error::invalid("name", format!("`name` is longer than {MAX_NAME_CHARS} characters")));
    }
    Ok(name)
}

/// One dataset; 404 when unknown.
pub async fn get(app: &App, actor: &Actor, id: DatasetId) -> Result<Dataset> {
    app.stores.datasets.get(actor.organization(), id).await?.ok_or_else(Error::not_found)
}

/// Ids of the newest rows of each dataset, in their order, as shown in the dataset object.
pub async fn newest_rows(app: &App, actor: &Actor, ids: &[DatasetId]) -> Result<Vec<Vec<LogId>>> {
    app.stores.datasets.newest_rows(actor.organization(), ids, LOG_IDS_SHOWN).await
}

/// Changes the given fields.
pub async fn update(app: &App, actor: &Actor, id: DatasetId, mut patch: DatasetPatch) -> Result<Dataset> {
    patch.name = patch.name.map(checked_name).transpose()?;
    app.stores.datasets.update(actor.organization(), id, patch, app.clock.now()).await
}

/// Deletes a dataset with its rows; its jobs are cancelled.
pub async fn delete(app: &App, actor: &Actor, id: DatasetId) -> Result<()> {
    if !app.stores.datasets.delete(actor.organization(), id, app.clock.now()).await? {
        return Err(Error::not_found());
    }
    app.stores.shared.tell(Notice::Stop);
    Ok(())
}

/// A page of datasets. An organization has few, so the filter's reference meaning runs on each.
pub async fn list(
    app: &App,
    actor: &Actor,
    filter: &Tree<NamedField>,
    sort: (NamedField, bool),
    window: Window,
) -> Result<Page<Dataset>> {
    Ok(listed::page(app.stores.datasets.list(actor.organization()).await?, filter, sort, window))
}
