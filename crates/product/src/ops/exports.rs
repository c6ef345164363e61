//! Exports: rows as files, by a job or streamed at once (contract B.19). Knows no HTTP.

use crate::actor::Actor;
use crate::app::App;
use crate::export_files;
use crate::ops::{dataset_logs, jobs};
use bytes::Bytes;
use evalset_model::filter::LogFilter;
use evalset_model::filter::wire::Filters;
use evalset_model::ids::{JobId, Place};
use evalset_model::job::{ExportFormat, Job, State, Task};
use evalset_model::page::{Page, Sort, Window};
use evalset_model::scalar::format_time;
use evalset_model::{Error, Result};
use evalset_rows::file::{Lines, Selection};
use evalset_rows::selection::{self, Unknown};
use evalset_store::files::OpenFile;
use futures::Stream;
use futures::stream::try_unfold;
use serde_json::Value;

/// Longest file name, characters, without its suffix.
const MAX_NAME_CHARS: usize = 200;
/// Size of the pieces of a streamed export.
const PIECE_BYTES: usize = 64 * 1024;

/// What to write to a file in the background.
#[derive(Clone, Debug, PartialEq)]
pub struct ExportRequest {
    /// Filters over rows.
    pub filters: Filters,
    /// Order of the rows.
    pub sort: Sort,
    /// Only these fields, when given.
    pub include_fields: Option<Vec<String>>,
    /// File format.
    pub format: ExportFormat,
    /// File name wanted, with or without suffix.
    pub name: Option<String>,
}

/// What to stream.
#[derive(Clone, Debug)]
pub struct StreamRequest {
    /// Which rows.
    pub filter: LogFilter,
    /// Order of the rows.
    pub sort: Sort,
    /// Only these fields, when given.
    pub include_fields: Option<Vec<String>>,
    /// File format.
    pub format: ExportFormat,
}

/// The finished file of an export.
#[derive(Debug)]
pub struct ExportFile {
    /// Open at its first byte.
    pub file: OpenFile,
    /// Name to save it under.
    pub name: String,
    /// Format.
    pub format: ExportFormat,
}

/// Reads `export_format`; `.csv` when none is given.
pub fn format(text: Option<&str>) -> Result<ExportFormat> {
    match text.unwrap_or(".csv") {
        ".csv" => Ok(ExportFormat::Csv),
        ".jsonl" => Ok(ExportFormat::Jsonl),
        other => {
            let text = format!("`export_format` must be `.csv` or `.jsonl`, got `{other}`");
            Err(Error::invalid("export_format", text))
        }
    }
}

/// Queues an export of rows of the collection.
pub async fn start(app: &App, actor: &Actor, place: Place, request: ExportRequest) -> Result<Job> {
    dataset_logs::ensure(app, actor, place).await?;
    let collection = actor.collection(place);
    selection::check(collection, &request.filters, Unknown::Metadata)?;
    let ExportRequest { filters, sort, include_fields, format, name } = request;
    let file_name = file_name(app, place, name.as_deref(), format);
    let dataset = match place {
        Place::Dataset(id) => Some(id),
        Place::RequestLogs | Place::SavedLogs => None,
    };
    let filters = Value::Object(filters.to_json());
    let task = Task::Export { collection, filters, sort, include_fields, format, file_name };
    jobs::enqueue(app, actor, jobs::new(app, actor, dataset, task), None).await
}

/// One export.
pub async fn get(app: &App, actor: &Actor, id: JobId) -> Result<Job> {
    let job = jobs::get(app, actor, id).await?;
    if matches!(job.task, Task::Export { .. }) { Ok(job) } else { Err(Error::not_found()) }
}

/// A page of exports, newest first.
pub async fn list(app: &App, actor: &Actor, window: Window) -> Result<Page<Job>> {
    jobs::list(app, actor, Some("export"), window).await
}

/// Opens the file of an export: `Conflict` until the job is completed, `NotFound` once the file has expired.
pub async fn open(app: &App, actor: &Actor, id: JobId) -> Result<ExportFile> {
    let job = get(app, actor, id).await?;
    match job.state {
        State::Completed => {}
        State::Queued | State::Running => {
            return Err(Error::Conflict(format!("the export is {}; try again when it is completed", job.state.name())));
        }
        State::Failed | State::Cancelled => {
            return Err(Error::Conflict(format!(
                "the export has no file: it was {}; start it again",
                job.state.name()
            )));
        }
    }
    let (Task::Export { file_name, format, .. }, Some(stored)) = (&job.task, export_files::name(&job)) else {
        return Err(Error::not_found());
    };
    let Some(file) = app.stores.files.open(&stored).await? else {
        let days = app.limits.export_days;
        let text =
            format!("the file is gone: it is kept for {days} days (`limits.export_days`); start the export again");
        return Err(Error::NotFound(text));
    };
    Ok(ExportFile { file, name: file_name.clone(), format: *format })
}

/// The file of a selection as a stream, without a job. Rows are selected before this returns; the rest is read as the
/// stream is polled, so a slow reader slows the reading and one that goes away ends it. `TooLarge` when what has to be
/// held of the selection meanwhile is more than `limits.stream_selection_bytes`.
pub async fn stream(
    app: &App,
    actor: &Actor,
    place: Place,
    request: StreamRequest,
) -> Result<impl Stream<Item = Result<Bytes>> + Send + use<>> {
    dataset_logs::ensure(app, actor, place).await?;
    let StreamRequest { filter, sort, include_fields, format } = request;
    let selection = Selection { collection: actor.collection(place), filter, sort, include_fields, format };
    let lines = Lines::select(&app.stores, &app.tasks, selection).await?;
    let most = app.limits.stream_selection_bytes;
    if lines.held_bytes() > most {
        let text = format!(
            "the {} rows cannot be streamed in this order: it takes more than {most} bytes of memory to keep \
             (`limits.stream_selection_bytes`); order them by `timestamp`, narrow them, or start an export",
            lines.total(),
        );
        return Err(Error::TooLarge(text));
    }
    Ok(try_unfold((lines, Bytes::new()), |(mut lines, mut pending)| async move {
        while pending.is_empty() {
            match lines.next().await? {
                Some(piece) => pending = piece.bytes,
                None => return Ok(None),
            }
        }
        let piece = pending.split_to(pending.len().min(PIECE_BYTES));
        Ok(Some((piece, (lines, pending))))
    }))
}

/// A name that is safe on every file system: no folders, no control characters, bounded, with the suffix of the format.
pub fn file_name(app: &App, place: Place, wanted: Option<&str>, format: ExportFormat) -> String {
    let wanted = wanted.map(|name| name.strip_suffix(format.suffix()).unwrap_or(name)).unwrap_or_default();
    let safe: String = wanted
        .chars()
        .map(|letter| {
            let bad = letter.is_control() || matches!(letter, '/' | '\\' | ':' | '*' | '?' | '"' | '<' | '>' | '|');
            if bad { '_' } else { letter }
        })
        .take(MAX_NAME_CHARS)
        .collect();
    let stem = safe.trim_matches(|letter: char| letter == '.' || letter.is_whitespace());
    if stem.is_empty() { default_name(app, place, format) } else { format!("{stem}{}", format.suffix()) }
}

fn default_name(app: &App, place: Place, format: ExportFormat) -> String {
    let now = format_time(app.clock.now());
    let day = now.split('T').next().unwrap_or_default();
    match place.dataset_id_text() {
        Some(id) => format!("dataset-{id}-{day}{}", format.suffix()),
        None => format!("request-logs-{day}{}", format.suffix()),
    }
}
