//! The export job: rows into a file of the export folder (contract B.19).
//!
//! The file is written under a temporary name and appears whole. An interrupted export starts its file anew.

use super::run::{End, Run};
use crate::exports_folder::{PART, io_error, path, sync_folder};
use evalset_model::job::{Progress, Task};
use evalset_model::{Error, Result};
use evalset_rows::file::{Lines, Selection};
use evalset_rows::selection::{self, Unknown};
use std::path::Path;
use std::time::{Duration, Instant};
use tokio::fs;
use tokio::io::AsyncWriteExt;

/// How often progress is stored and a wish to cancel is looked for.
const SAVE_EVERY: Duration = Duration::from_secs(1);

/// Writes the file.
pub(super) async fn run(run: &mut Run<'_>) -> Result<End> {
    let (Task::Export { collection, filters, sort, include_fields, format, .. }, Some(target)) =
        (&run.job.task, path(run.app, run.job))
    else {
        return Err(Error::internal("not an export"));
    };
    let selection = Selection {
        collection: *collection,
        filter: selection::stored(*collection, filters, Unknown::Metadata)?,
        sort: sort.clone(),
        include_fields: include_fields.clone(),
        format: *format,
    };
    let mut lines = Lines::select(&run.app.stores, &run.app.tasks, selection).await?;
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
    while let Some(piece) = lines.next().await? {
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
