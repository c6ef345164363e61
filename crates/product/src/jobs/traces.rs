//! Importing traces: request logs that share a trace become one row, their root span with the totals of all (contract B.15).
//! Which traces, and how they are read, is in `evalset_rows::traces`.

use super::attempt::{Attempt, End};
use evalset_model::filter::wire;
use evalset_model::ids::{Collection, Place};
use evalset_model::job::Task;
use evalset_model::trace::Trace;
use evalset_model::{Error, Result};
use evalset_rows::traces::{Scan, Selection};
use evalset_store::logs::{Existing, Sample, sample_hash, sample_size};
use std::ops::ControlFlow;

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
    if run.progress.total.is_none() && *sampling_percentage < 100.0 {
        match cutoff(run, &selection, &seed, *sampling_percentage).await? {
            ControlFlow::Break(end) => return Ok(end),
            ControlFlow::Continue(None) => {
                run.progress.total = Some(0);
                run.save().await?;
                return Ok(End::Done);
            }
            ControlFlow::Continue(cutoff) => run.progress.cutoff = cutoff,
        }
    }
    let sample = run.progress.cutoff.map(|cutoff| Sample::Cutoff { seed, cutoff });
    let candidates = selection.candidates(logs, sample).await?;
    if run.progress.total.is_none() {
        run.progress.total = Some(candidates.len() as u64);
        run.save().await?;
    }
    let rest = run.rest(&candidates).to_vec();
    let to = Collection { organization, place: Place::Dataset(*dataset) };
    let (before, mut scan) = (run.progress.done, Scan::new(logs, &selection, rest, run.unit()));
    loop {
        if let Some(end) = run.interrupted().await? {
            return Ok(end);
        }
        let Some(found) = scan.next().await? else { return Ok(End::Done) };
        // Rows and progress are two steps, unlike in `copy`. A crash between them repeats the batch, which changes nothing but
        // the counts: a row keeps the id of its root span, and one that is there is skipped.
        let rows = found.into_iter().map(Trace::into_row).collect();
        run.progress.affected += logs.insert(to, rows, Existing::Keep).await?.written;
        run.progress.done = before + scan.done();
        run.progress.skipped = run.progress.done.saturating_sub(run.progress.affected);
        run.progress.cursor = scan.last();
        run.save().await?;
    }
}

/// The greatest hash in the sample of the selected traces, none when nothing is selected; or how the attempt ended before that
/// was known.
async fn cutoff(
    run: &Attempt<'_>,
    selection: &Selection,
    seed: &str,
    percent: f64,
) -> Result<ControlFlow<End, Option<u64>>> {
    let logs = &*run.app.stores.logs;
    let candidates = selection.candidates(logs, None).await?;
    let mut scan = Scan::new(logs, selection, candidates, run.unit());
    let mut hashes = Vec::new();
    while let Some(found) = scan.next().await? {
        hashes.extend(found.iter().map(|trace| sample_hash(seed, &trace.root.id)));
        if let Some(end) = run.interrupted().await? {
            return Ok(ControlFlow::Break(end));
        }
    }
    hashes.sort_unstable();
    hashes.truncate(sample_size(hashes.len() as u64, percent) as usize);
    Ok(ControlFlow::Continue(hashes.last().copied()))
}
