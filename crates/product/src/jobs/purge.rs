//! The purge job: deletes for good the rows of a removed or emptied dataset, which reads no longer see.

use super::run::{End, Run};
use evalset_model::Result;

/// Deletes the rows of the hidden collection numbered `collection`.
pub(super) async fn run(run: &mut Run<'_>, collection: i64) -> Result<End> {
    let unit = run.app.limits.job_batch_rows.max(1);
    loop {
        if let Some(end) = run.interrupted().await? {
            return Ok(end);
        }
        let gone = run.app.stores.jobs.purge(collection, unit).await?;
        if gone == 0 {
            return Ok(End::Done);
        }
        run.progress.done += gone;
        run.progress.affected += gone;
        run.save().await?;
    }
}
