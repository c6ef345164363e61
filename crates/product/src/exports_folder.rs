//! The folder of export files: where the file of an export is, and what is cleared away there. Knows no rows.

use crate::app::App;
use evalset_model::ids::JobId;
use evalset_model::job::{Job, Task};
use evalset_model::{Error, Result};
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::time::UNIX_EPOCH;
use tokio::fs;

/// Suffix of a file being written.
pub const PART: &str = "part";
const MICROS_PER_DAY: i64 = 86_400_000_000;

/// Where the file of an export is once the job is completed; `None` for another kind of job.
pub fn path(app: &App, job: &Job) -> Option<PathBuf> {
    match &job.task {
        Task::Export { format, .. } => Some(app.exports_dir.join(format!("{}{}", job.id, format.suffix()))),
        _ => None,
    }
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
pub async fn sync_folder(folder: &Path) -> Result<()> {
    fs::File::open(folder).await.map_err(|error| io_error(&error))?.sync_all().await.map_err(|error| io_error(&error))
}

/// What a fault of the folder means to who asked.
pub fn io_error(error: &std::io::Error) -> Error {
    match error.kind() {
        ErrorKind::StorageFull | ErrorKind::QuotaExceeded | ErrorKind::ReadOnlyFilesystem => {
            Error::StorageFull(format!("the export folder cannot be written: {error}"))
        }
        _ => Error::internal(format!("export file: {error}")),
    }
}
