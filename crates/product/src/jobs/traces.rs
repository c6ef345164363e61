//! Importing traces: request logs that share a trace become one row, their root span with the totals of all (contract
//! B.15). Which traces, and how they are read, is in `evalset_rows::traces`.

use super::attempt::{Attempt, End};
use evalset_model::filter::wire;
use evalset_model::ids::{Collection, Place};
use evalset_model::job::Task;
use evalset_model::trace::Trace;
use evalset_model::{Error, Result};
use evalset_rows::traces::{Scan, Selection};
use evalset_store::logs::{Existing, Sample};

/// Imports the selected traces into a dataset.
pub(super) async fn import(run: &mut Attempt<'_>) -> Result<End> {
    let Task::Import { dataset, start_time, end_time, filters, sampling_percentage, watermark } = &run.job.task else {
        return Err(Error::internal("not an import"));
    };
    // A sample of nothing has no cutoff to repeat it by.
    if run.progress.total == Some(0) {
        return Ok(End::Done);
    }
    let organization = run.job.organization;
    let filters = wire::parse_stored(filters)?;
    let selection = Selection::new(organization, &filters, *start_time, *end_time)?.up_to(*watermark);
    let logs = &*run.app.stores.logs;
    let seed = dataset.to_string();
    let sample = match run.progress.cutoff {
        Some(cutoff) => Some(Sample::Cutoff { seed, cutoff }),
        None if *sampling_percentage < 100.0 => Some(Sample::Percent { seed, percent: *sampling_percentage }),
        None => None,
    };
    let roots = selection.roots(logs, run.progress.cursor, sample).await?;
    if run.progress.total.is_none() {
        run.progress.total = Some(roots.len());
        run.progress.cutoff = roots.cutoff();
        run.save().await?;
    }
    let to = Collection { organization, place: Place::Dataset(*dataset) };
    let (before, mut scan) = (run.progress.done, Scan::new(logs, &selection, roots, run.unit()));
    loop {
        if let Some(end) = run.interrupted().await? {
            return Ok(end);
        }
        let Some(found) = scan.next().await? else { return Ok(End::Done) };
        // Rows and progress are two steps, unlike in `copy`. A crash between them repeats the batch, which changes
        // nothing but the counts: a row keeps the id of its root span, and one that is there is skipped.
        let rows = found.into_iter().map(Trace::into_row).collect();
        run.progress.affected += logs.insert(to, rows, Existing::Keep).await?.written;
        run.progress.done = before + scan.done();
        run.progress.skipped = run.progress.done.saturating_sub(run.progress.affected);
        run.progress.cursor = scan.last();
        run.save().await?;
    }
}
