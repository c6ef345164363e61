//! The export job: rows into a file (contract B.19), which appears whole. An interrupted export starts its file anew.

use super::attempt::{Attempt, End};
use crate::export_files;
use evalset_model::job::{Progress, Task};
use evalset_model::{Error, Result};
use evalset_rows::file::{Lines, Selection};
use evalset_rows::selection::{self, Unknown};
use evalset_store::files::FileWriter;
use std::time::{Duration, Instant};

/// How often progress is stored and a wish to cancel is looked for.
const SAVE_EVERY: Duration = Duration::from_secs(1);

/// Writes the file.
pub(super) async fn run(run: &mut Attempt<'_>) -> Result<End> {
    let (Task::Export { collection, filters, sort, include_fields, format, .. }, Some(name)) =
        (&run.job.task, export_files::name(run.job))
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
    // Dropped before its end it leaves nothing behind.
    let mut file = run.app.stores.files.create(&name).await?;
    if let Some(end) = write(run, &mut lines, file.as_mut()).await? {
        return Ok(end);
    }
    file.finish(run.app.clock.now()).await?;
    run.save().await?;
    Ok(End::Done)
}

/// Writes all lines; `Some` when the attempt must end before.
async fn write(run: &mut Attempt<'_>, lines: &mut Lines, file: &mut dyn FileWriter) -> Result<Option<End>> {
    let mut saved = Instant::now();
    while let Some(piece) = lines.next().await? {
        file.write(&piece.bytes).await?;
        run.progress.affected += piece.rows;
        run.progress.done = piece.done;
        run.progress.skipped = piece.done - run.progress.affected;
        if run.app.stopping.is_cancelled() || saved.elapsed() >= SAVE_EVERY {
            if let Some(end) = run.interrupted().await? {
                return Ok(Some(end));
            }
            run.save().await?;
            saved = Instant::now();
        }
    }
    run.interrupted().await
}
