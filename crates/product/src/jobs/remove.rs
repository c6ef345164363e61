//! The removal job: deletes matching rows of a dataset (contract B.16).

use super::attempt::{Attempt, End};
use evalset_model::ids::{Collection, Place};
use evalset_model::job::Task;
use evalset_model::{Error, Result};
use evalset_rows::selection::{self, Unknown};
use evalset_store::logs::Pick;

/// Removes matching rows up to the watermark of the request.
pub(super) async fn run(run: &mut Attempt<'_>) -> Result<End> {
    let Task::Remove { dataset, filters, start_time, end_time, watermark } = &run.job.task else {
        return Err(Error::internal("not a removal"));
    };
    let rows = Collection { organization: run.job.organization, place: Place::Dataset(*dataset) };
    let filter = selection::stored(rows, filters, Unknown::Refuse)?.and(selection::window(*start_time, *end_time));
    let pick = Pick { watermark: Some(*watermark), order: run.rest(), ..Pick::of(filter) };
    let mut selected = run.app.stores.logs.select(rows, pick).await?;
    if run.progress.total.is_none() {
        run.progress.total = Some(selected.len());
        run.save().await?;
    }
    loop {
        let unit = selected.next(run.unit()).await?;
        if unit.is_empty() {
            return Ok(End::Done);
        }
        if let Some(end) = run.interrupted().await? {
            return Ok(end);
        }
        let removed = run.app.stores.logs.remove(rows, &unit, Some(run.step())).await?;
        run.progress.add(&unit, removed);
    }
}
