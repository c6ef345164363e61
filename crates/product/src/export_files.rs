//! Files of exports: their names, and which of them are cleared away. Knows neither rows nor where files are kept.

use crate::app::App;
use evalset_model::Result;
use evalset_model::ids::JobId;
use evalset_model::job::{Job, Task};

const MICROS_PER_DAY: i64 = 86_400_000_000;

/// Name of the file of an export, which is there once the job is completed; `None` for another kind of job.
pub fn name(job: &Job) -> Option<String> {
    match &job.task {
        Task::Export { format, .. } => Some(format!("{}{}", job.id, format.suffix())),
        _ => None,
    }
}

/// At start, before any worker: removes half-written files and files of unknown exports, then the expired ones.
pub async fn clear_leftovers(app: &App) -> Result<()> {
    let files = &app.stores.files;
    let half_written = files.sweep().await?;
    if half_written > 0 {
        tracing::info!(files = half_written, "half-written export files were removed");
    }
    for file in files.list().await? {
        if !is_of_known_export(app, &file.name).await? {
            tracing::info!(file = file.name, "removing a leftover export file");
            files.remove(&file.name).await?;
        }
    }
    expire(app).await
}

/// Removes files older than `limits.export_days`.
pub async fn expire(app: &App) -> Result<()> {
    let days = i64::try_from(app.limits.export_days).unwrap_or(i64::MAX);
    let oldest = app.clock.now().saturating_sub(days.saturating_mul(MICROS_PER_DAY));
    for file in app.stores.files.list().await? {
        if file.written_at < oldest {
            app.stores.files.remove(&file.name).await?;
        }
    }
    Ok(())
}

async fn is_of_known_export(app: &App, file: &str) -> Result<bool> {
    let Some(id) = file.split('.').next().and_then(|stem| stem.parse::<JobId>().ok()) else { return Ok(false) };
    let job = app.stores.jobs.find(id).await?;
    Ok(job.and_then(|job| name(&job)).as_deref() == Some(file))
}
