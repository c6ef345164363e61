//! Rows in bulk: copying logs into datasets and removing rows, as background jobs (contract B.2, B.15, B.16).
//!
//! Everything a caller can get wrong is refused here, before anything is queued.

use crate::actor::Actor;
use crate::app::App;
use crate::ops::jobs;
use evalset_model::dataset::{Dataset, Granularity, Status};
use evalset_model::filter::wire::{self, Filters};
use evalset_model::filter::{LogField, LogFilter, build};
use evalset_model::ids::{LogId, Place};
use evalset_model::job::{Job, Task};
use evalset_model::{Error, Result};
use evalset_rows::selection::{self, Unknown};
use evalset_rows::traces;
use evalset_store::logs::{Added, Pick, With, sample_size};
use evalset_store::shared::Notice;
use serde_json::Value;
use std::collections::HashSet;

/// Which request logs, or traces of them, to copy.
#[derive(Clone, Debug, PartialEq)]
pub struct ImportRequest {
    /// First instant of the window, microseconds; open when none.
    pub start_time: Option<i64>,
    /// Last instant of the window, inclusive; open when none.
    pub end_time: Option<i64>,
    /// Filters over what the dataset's rows are, logs or traces; wire form, null for none.
    pub filters: Value,
    /// Percent of the matches, above 0 up to 100.
    pub sampling_percentage: f64,
}

/// Which rows to remove.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct RemoveRequest {
    /// The caller wants all rows gone. Filters, when given, narrow it.
    pub is_deleting_all_logs: bool,
    /// Filters over rows, wire form; null, `{}` and `[]` count as none.
    pub filters: Value,
    /// First instant of the row window, microseconds.
    pub start_time: Option<i64>,
    /// Last instant of the row window, inclusive.
    pub end_time: Option<i64>,
}

/// What became of a removal.
#[derive(Clone, Debug, PartialEq)]
pub enum Removal {
    /// All rows are gone already.
    Emptied {
        /// How many there were.
        rows: u64,
    },
    /// A job removes the matching rows.
    Queued(Box<Job>),
}

/// Result of adding logs by id.
#[derive(Debug)]
pub struct AddedByIds {
    /// Rows written and rows that were in the dataset already.
    pub added: Added,
    /// For each id, in order: itself, or why it is not in the dataset.
    pub items: Vec<Result<LogId>>,
}

/// Queues an import; the dataset is `loading` from now on.
pub async fn import(app: &App, actor: &Actor, dataset: &Dataset, request: ImportRequest) -> Result<Job> {
    let job = import_job(app, actor, dataset, request).await?;
    jobs::enqueue(app, actor, job, Some((dataset.id, Status::Loading))).await
}

/// The import job of a dataset, checked and not queued: for `Datasets::create`, which queues it with the dataset. The
/// caller wakes the workers after that.
pub async fn import_job(app: &App, actor: &Actor, dataset: &Dataset, request: ImportRequest) -> Result<Job> {
    let filters = parse(app, &request.filters)?;
    check(actor, dataset, &filters, &request)?;
    jobs::admit(app, actor, 1).await?;
    let watermark = app.stores.logs.watermark(actor.collection(Place::RequestLogs)).await?;
    let ImportRequest { start_time, end_time, sampling_percentage, .. } = request;
    let filters = Value::Object(filters.to_json());
    let task = Task::Import { dataset: dataset.id, start_time, end_time, filters, sampling_percentage, watermark };
    Ok(jobs::new(app, actor, Some(dataset.id), task))
}

/// The job that copies all rows of `source` into the new dataset `target`, not queued: see [`import_job`].
pub async fn duplicate_job(app: &App, actor: &Actor, source: &Dataset, target: &Dataset) -> Result<Job> {
    if source.granularity != target.granularity {
        let granularity = source.granularity.name();
        let text = format!("a copy has the granularity of its source, which is `{granularity}`; leave it out");
        return Err(Error::invalid("granularity", text));
    }
    jobs::admit(app, actor, 1).await?;
    let rows = actor.collection(Place::Dataset(source.id));
    let watermark = app.stores.logs.watermark(rows).await?;
    let task = Task::Duplicate { source: source.id, dataset: target.id, watermark };
    Ok(jobs::new(app, actor, Some(target.id), task))
}

/// How many rows an import would take now, those already in the dataset included (L7 `count`).
pub async fn matching(app: &App, actor: &Actor, dataset: &Dataset, request: &ImportRequest) -> Result<u64> {
    let matches = match check(actor, dataset, &parse(app, &request.filters)?, request)? {
        Source::Logs(filter) => app.stores.logs.sums(actor.collection(Place::RequestLogs), filter).await?.rows,
        Source::Traces(selection) => traces::count(&*app.stores.logs, &selection).await?,
    };
    Ok(sample_size(matches, request.sampling_percentage))
}

/// Removes rows: at once when all go, else by a job over the rows there are now.
pub async fn remove(app: &App, actor: &Actor, dataset: &Dataset, request: RemoveRequest) -> Result<Removal> {
    let RemoveRequest { is_deleting_all_logs, filters, start_time, end_time } = request;
    let has_filters = !is_none(&filters);
    if !has_filters && !is_deleting_all_logs {
        return Err(Error::invalid(
            "filters",
            "say which rows to remove: `filters` with at least one condition, or `is_deleting_all_logs: true` for all",
        ));
    }
    check_window(start_time, end_time)?;
    if !has_filters && start_time.is_none() && end_time.is_none() {
        let rows = app.stores.datasets.clear(actor.organization(), dataset.id, app.clock.now()).await?;
        app.stores.shared.tell(Notice::Stop);
        return Ok(Removal::Emptied { rows });
    }
    let rows = actor.collection(Place::Dataset(dataset.id));
    let filters = parse(app, &filters)?;
    selection::check(rows, &filters, Unknown::Refuse)?;
    let filters = Value::Object(filters.to_json());
    let watermark = app.stores.logs.watermark(rows).await?;
    let task = Task::Remove { dataset: dataset.id, filters, start_time, end_time, watermark };
    let job = jobs::new(app, actor, Some(dataset.id), task);
    jobs::enqueue(app, actor, job, None).await.map(|job| Removal::Queued(Box::new(job)))
}

/// Ids looked up and copied at once.
const IDS_AT_ONCE: usize = 100;

/// Copies request logs into a dataset by their ids, at once (L10).
pub async fn add_by_ids(app: &App, actor: &Actor, dataset: &Dataset, ids: Vec<String>) -> Result<AddedByIds> {
    if dataset.granularity == Granularity::Traces {
        let text = "single logs cannot be added to a dataset of granularity `traces`; import with a window or filters";
        return Err(Error::invalid("log_ids", text));
    }
    let limit = app.limits.bulk_items;
    if ids.is_empty() || ids.len() > limit {
        let text = format!("`log_ids` must hold 1 to {limit} ids (`limits.bulk_items`), got {}", ids.len());
        return Err(Error::unprocessable("log_ids", text));
    }
    let from = actor.collection(Place::RequestLogs);
    let to = actor.collection(Place::Dataset(dataset.id));
    let mut result = AddedByIds { added: Added::default(), items: Vec::with_capacity(ids.len()) };
    for some in ids.chunks(IDS_AT_ONCE) {
        let pick = Pick::of(build::any_of(LogField::Id, some));
        let rows = app.stores.logs.select(from, pick).await?.next(IDS_AT_ONCE).await?;
        let found: HashSet<LogId> =
            app.stores.logs.read(from, &rows, With::FIELDS).await?.into_iter().map(|row| row.log.id).collect();
        let added = app.stores.logs.copy(from, &rows, to, None).await?;
        result.added.written += added.written;
        result.added.skipped += added.skipped;
        result.items.extend(some.iter().map(|id| {
            let id = LogId(id.clone());
            if found.contains(&id) { Ok(id) } else { Err(Error::NotFound(format!("no request log has the id `{id}`"))) }
        }));
    }
    Ok(result)
}

fn parse(app: &App, filters: &Value) -> Result<Filters> {
    wire::parse("filters", Some(filters), None, &app.limits)
}

/// What an import takes.
enum Source {
    Logs(LogFilter),
    Traces(traces::Selection),
}

/// Checks an import's selection.
fn check(actor: &Actor, dataset: &Dataset, filters: &Filters, request: &ImportRequest) -> Result<Source> {
    let (start, end) = (request.start_time, request.end_time);
    check_window(start, end)?;
    if !(request.sampling_percentage > 0.0 && request.sampling_percentage <= 100.0) {
        return Err(Error::invalid("sampling_percentage", "must be a percentage above 0 and up to 100"));
    }
    match dataset.granularity {
        Granularity::Logs => {
            let filter = selection::check(actor.collection(Place::RequestLogs), filters, Unknown::Metadata)?;
            Ok(Source::Logs(filter.and(selection::window(start, end))))
        }
        Granularity::Traces => traces::Selection::new(actor.organization(), filters, start, end).map(Source::Traces),
    }
}

fn check_window(start: Option<i64>, end: Option<i64>) -> Result<()> {
    match (start, end) {
        (Some(start), Some(end)) if start > end => {
            Err(Error::invalid("start_time", "`start_time` must not be after `end_time`"))
        }
        _ => Ok(()),
    }
}

fn is_none(filters: &Value) -> bool {
    match filters {
        Value::Null => true,
        Value::Object(members) => members.is_empty(),
        Value::Array(items) => items.is_empty(),
        _ => false,
    }
}
