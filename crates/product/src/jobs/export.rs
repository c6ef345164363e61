//! The export job: rows into a file under `exports_dir` (contract B.19), and the upkeep of that folder.
//!
//! The file is written under a temporary name and appears whole. An interrupted export starts its file anew.

use super::lines::{Lines, Selection};
use super::run::{End, Run};
use super::source::{self, Unknown};
use crate::app::App;
use evalset_model::ids::JobId;
use evalset_model::job::{Job, Progress, Task};
use evalset_model::{Error, Result};
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant, UNIX_EPOCH};
use tokio::fs;
use tokio::io::AsyncWriteExt;

/// How often progress is stored and a wish to cancel is looked for.
const SAVE_EVERY: Duration = Duration::from_secs(1);
/// Suffix of a file being written.
const PART: &str = "part";
const MICROS_PER_DAY: i64 = 86_400_000_000;

/// Where the file of an export is once the job is completed; `None` for another kind of job.
pub fn path(app: &App, job: &Job) -> Option<PathBuf> {
    match &job.task {
        Task::Export { format, .. } => Some(app.exports_dir.join(format!("{}{}", job.id, format.suffix()))),
        _ => None,
    }
}

/// Writes the file.
pub(super) async fn run(run: &mut Run<'_>) -> Result<End> {
    let (Task::Export { collection, filters, sort, include_fields, format, .. }, Some(target)) =
        (&run.job.task, path(run.app, run.job))
    else {
        return Err(Error::internal("not an export"));
    };
    let selection = Selection {
        collection: *collection,
        filter: source::stored(*collection, filters, Unknown::Metadata)?,
        sort: sort.clone(),
        include_fields: include_fields.clone(),
        format: *format,
    };
    let mut lines = Lines::select(run.app, selection).await?;
    run.progress = Progress { total: Some(lines.total()), ..Progress::default() };
    run.save().await?;
    let part = target.with_extension(PART);
    let written = write(run, &mut lines, &part).await;
    if !matches!(written, Ok(End::Done)) {
        // Best effort: what is left is cleared at the next start.
        let _ = fs::remove_file(&part).await;
        return written;
    }
    fs::rename(&part, &target).await.map_err(|error| io_error(&error))?;
    sync_folder(&run.app.exports_dir).await?;
    run.save().await?;
    Ok(End::Done)
}

async fn write(run: &mut Run<'_>, lines: &mut Lines, part: &Path) -> Result<End> {
    fs::create_dir_all(&run.app.exports_dir).await.map_err(|error| io_error(&error))?;
    let mut file = fs::File::create(part).await.map_err(|error| io_error(&error))?;
    let mut saved = Instant::now();
    while let Some(piece) = lines.next(run.app).await? {
        file.write_all(&piece.bytes).await.map_err(|error| io_error(&error))?;
        run.progress.affected += piece.rows;
        run.progress.done = piece.done;
        run.progress.skipped = piece.done - run.progress.affected;
        if run.app.stopping.is_cancelled() || saved.elapsed() >= SAVE_EVERY {
            if let Some(end) = run.interrupted().await? {
                return Ok(end);
            }
            run.save().await?;
            saved = Instant::now();
        }
    }
    if let Some(end) = run.interrupted().await? {
        return Ok(end);
    }
    file.flush().await.map_err(|error| io_error(&error))?;
    file.sync_all().await.map_err(|error| io_error(&error))?;
    Ok(End::Done)
}

/// At start, before any worker: removes half-written files and files of unknown exports, then the expired ones.
pub async fn clear_leftovers(app: &App) -> Result<()> {
    for (path, _) in files(app).await? {
        let half_written = path.extension().is_some_and(|suffix| suffix == PART);
        if half_written || !is_of_known_export(app, &path).await? {
            tracing::info!(file = %path.display(), "removing a leftover export file");
            remove(&path).await?;
        }
    }
    expire(app).await
}

/// Removes files older than `limits.export_days`.
pub async fn expire(app: &App) -> Result<()> {
    let days = i64::try_from(app.limits.export_days).unwrap_or(i64::MAX);
    let oldest = app.clock.now().saturating_sub(days.saturating_mul(MICROS_PER_DAY));
    for (path, written_at) in files(app).await? {
        if written_at < oldest && path.extension().is_none_or(|suffix| suffix != PART) {
            remove(&path).await?;
        }
    }
    Ok(())
}

async fn is_of_known_export(app: &App, path: &Path) -> Result<bool> {
    let id = path.file_stem().and_then(|stem| stem.to_str()).and_then(|stem| stem.parse::<JobId>().ok());
    let Some(id) = id else { return Ok(false) };
    for organization in app.stores.keys.organizations().await? {
        if let Some(job) = app.stores.jobs.get(organization.id, id).await? {
            return Ok(self::path(app, &job).as_deref() == Some(path));
        }
    }
    Ok(false)
}

/// The files of the export folder with the time they were written, microseconds.
async fn files(app: &App) -> Result<Vec<(PathBuf, i64)>> {
    let mut folder = match fs::read_dir(&app.exports_dir).await {
        Ok(folder) => folder,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(io_error(&error)),
    };
    let mut found = Vec::new();
    while let Some(entry) = folder.next_entry().await.map_err(|error| io_error(&error))? {
        let about = entry.metadata().await.map_err(|error| io_error(&error))?;
        if about.is_file() {
            let written =
                about.modified().map_err(|error| io_error(&error))?.duration_since(UNIX_EPOCH).unwrap_or_default();
            found.push((entry.path(), i64::try_from(written.as_micros()).unwrap_or(i64::MAX)));
        }
    }
    Ok(found)
}

async fn remove(path: &Path) -> Result<()> {
    match fs::remove_file(path).await {
        Err(error) if error.kind() != ErrorKind::NotFound => Err(io_error(&error)),
        _ => Ok(()),
    }
}

/// Makes the new name of a file durable.
async fn sync_folder(folder: &Path) -> Result<()> {
    fs::File::open(folder).await.map_err(|error| io_error(&error))?.sync_all().await.map_err(|error| io_error(&error))
}

fn io_error(error: &std::io::Error) -> Error {
    match error.kind() {
        ErrorKind::StorageFull | ErrorKind::QuotaExceeded | ErrorKind::ReadOnlyFilesystem => {
            Error::StorageFull(format!("the export folder cannot be written: {error}"))
        }
        _ => Error::internal(format!("export file: {error}")),
    }
}
