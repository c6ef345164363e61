//! Copy jobs: import of request logs into a dataset (contract B.15) and duplication of a dataset (B.2).
//!
//! The selection is made anew at each start; the stored cursor says where in it to go on, and the stored cutoff keeps
//! the sample the same.

use super::attempt::{Attempt, End};
use super::traces;
use evalset_model::dataset::Granularity;
use evalset_model::filter::LogFilter;
use evalset_model::ids::{Collection, DatasetId, Place, RowNumber, Watermark};
use evalset_model::job::Task;
use evalset_model::{Error, Result};
use evalset_rows::selection::{self, Unknown};
use evalset_store::logs::{Pick, Sample};

/// Copies matching request logs, or traces of them, into a dataset.
pub(super) async fn import(run: &mut Attempt<'_>) -> Result<End> {
    let Task::Import { dataset, start_time, end_time, filters, sampling_percentage, watermark } = &run.job.task else {
        return Err(Error::internal("not an import"));
    };
    let organization = run.job.organization;
    match run.app.stores.datasets.get(organization, *dataset).await? {
        None => return Ok(End::Cancelled),
        Some(dataset) if dataset.granularity == Granularity::Traces => return traces::import(run).await,
        Some(_) => {}
    }
    let from = Collection { organization, place: Place::RequestLogs };
    let to = Collection { organization, place: Place::Dataset(*dataset) };
    let filter = selection::stored(from, filters, Unknown::Metadata)?.and(selection::window(*start_time, *end_time));
    let sample = match run.progress.cutoff {
        Some(cutoff) => Some(Sample::Cutoff { seed: dataset.to_string(), cutoff }),
        None if *sampling_percentage < 100.0 => {
            Some(Sample::Percent { seed: dataset.to_string(), percent: *sampling_percentage })
        }
        None => None,
    };
    copy(run, from, to, Pick { watermark: Some(*watermark), sample, ..Pick::of(filter) }).await
}

/// Copies all rows of one dataset into another.
pub(super) async fn duplicate(
    run: &mut Attempt<'_>,
    source: DatasetId,
    dataset: DatasetId,
    watermark: Watermark,
) -> Result<End> {
    let organization = run.job.organization;
    if run.app.stores.datasets.get(organization, source).await?.is_none() {
        return Err(Error::NotFound(format!("the source dataset {source} is gone")));
    }
    let from = Collection { organization, place: Place::Dataset(source) };
    let to = Collection { organization, place: Place::Dataset(dataset) };
    copy(run, from, to, Pick { watermark: Some(watermark), ..Pick::of(LogFilter::all()) }).await
}

async fn copy(run: &mut Attempt<'_>, from: Collection, to: Collection, pick: Pick) -> Result<End> {
    // A sample of nothing has no cutoff to repeat it by.
    if run.progress.total == Some(0) {
        return Ok(End::Done);
    }
    let logs = &run.app.stores.logs;
    let mut selected = logs.select(from, Pick { order: run.rest(), ..pick }).await?;
    if run.progress.total.is_none() {
        run.progress.total = Some(selected.len());
        run.progress.cutoff = selected.cutoff();
        run.save().await?;
    }
    let mut unit: Vec<RowNumber> = Vec::new();
    loop {
        unit.extend(selected.next(run.unit() - unit.len()).await?);
        if unit.is_empty() {
            return Ok(End::Done);
        }
        if let Some(end) = run.interrupted().await? {
            return Ok(end);
        }
        // Of large rows the store may take fewer than were asked for.
        let added = logs.copy(from, &unit, to, Some(run.step())).await?;
        let taken: Vec<RowNumber> = unit.drain(..added.rows().min(unit.len())).collect();
        if taken.is_empty() {
            return Err(Error::internal("a copy took none of the rows it was given"));
        }
        run.progress.add(&taken, added.written);
    }
}
