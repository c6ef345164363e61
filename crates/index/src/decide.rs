//! Decides rows that the columns cannot: text of the payload, and whatever else the index leaves open.
//!
//! Reads the rows in question and asks the reference meaning. Does not know the index.

use crate::fetch::full;
use crate::number::CollectionNumber;
use crate::origin::{Fetched, Lease, Sight, Stop};
use evalset_model::field::TextField;
use evalset_model::filter::{LogField, LogFilter, meaning};
use evalset_model::ids::{LogId, RowNumber};
use evalset_model::log::Log;
use evalset_model::{Error, Result};
use evalset_store::reference;
use std::sync::atomic::{AtomicUsize, Ordering};

/// Rows a thread takes at a time.
const SHARE: usize = 256;
/// Fewer rows than this are not worth a second thread.
const WORTH_HELP: usize = 2_000;

/// Which of `rows` (rising) pass `filter`, rising. Every lease must be in a transaction at the same commit.
pub(crate) fn passing(
    filter: &LogFilter,
    (collection, sight): (CollectionNumber, Sight),
    rows: &[RowNumber],
    lease: &dyn Lease,
    helpers: &mut [Box<dyn Lease>],
) -> Result<Vec<RowNumber>> {
    let work = Work {
        filter,
        collection,
        sight: reference::asks_for_scores(filter).then_some(sight),
        shares: rows.chunks(SHARE).collect(),
        next: AtomicUsize::new(0),
        text_only: text_only(filter),
        stop: lease.stop(),
    };
    if rows.len() < WORTH_HELP || helpers.is_empty() {
        return work.run(lease);
    }
    let mut passed = std::thread::scope(|scope| {
        let work = &work;
        let helping: Vec<_> = helpers.iter_mut().map(|helper| scope.spawn(move || work.run(&**helper))).collect();
        let mut passed = work.run(lease)?;
        for helped in helping {
            passed.extend(helped.join().map_err(|_| Error::internal("a filter thread failed"))??);
        }
        Ok::<_, Error>(passed)
    })?;
    passed.sort_unstable();
    Ok(passed)
}

/// Whether the filter asks for members of the payload only, so that the typed columns need not be read. Messages,
/// prompt and completion are derived views, which look at more than that.
fn text_only(filter: &LogFilter) -> bool {
    let mut only = true;
    filter.visit(&mut |compare| {
        only &= match &compare.field {
            LogField::Text(TextField::Messages | TextField::Prompt | TextField::Completion) => false,
            LogField::Text(_) => true,
            _ => false,
        };
    });
    only
}

struct Work<'a> {
    filter: &'a LogFilter,
    collection: CollectionNumber,
    /// Where scores are found, if the filter asks for any.
    sight: Option<Sight>,
    shares: Vec<&'a [RowNumber]>,
    next: AtomicUsize,
    text_only: bool,
    /// That of the caller's lease: its helpers stop with it.
    stop: &'a dyn Stop,
}

impl Work<'_> {
    /// Takes shares until none is left or nobody waits for the outcome.
    fn run(&self, lease: &dyn Lease) -> Result<Vec<RowNumber>> {
        let mut passed = Vec::new();
        while let Some(share) = self.shares.get(self.next.fetch_add(1, Ordering::Relaxed)) {
            for row in *share {
                self.stop.go_on()?;
                let Some(log) = self.log(lease, *row)?.there() else { continue };
                let scores = self.sight.map(|sight| sight.compared(lease, &log.id)).transpose()?.unwrap_or_default();
                if meaning::holds(self.filter, &log, &scores) {
                    passed.push(*row);
                }
            }
        }
        Ok(passed)
    }

    fn log(&self, lease: &dyn Lease, row: RowNumber) -> Result<Fetched<Log>> {
        if !self.text_only {
            return full(lease, self.collection, row).map(|fetched| fetched.map(|(log, _)| log));
        }
        let bare = Log::new(LogId(String::new()));
        Ok(lease.payload(self.collection, row)?.map(|payload| Log { payload, ..bare }))
    }
}
