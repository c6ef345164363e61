//! Decides rows that the columns cannot: text of the payload, and whatever else the index leaves open.
//!
//! Reads the rows in question and asks the reference meaning. Does not know the index.

use crate::engine::readers::Lease;
use crate::engine::stop::Stop;
use crate::file::damage::{Damage, Fault};
use crate::file::row;
use crate::scores::row_scores::Sight;
use evalset_model::field::TextField;
use evalset_model::filter::{LogField, LogFilter, meaning};
use evalset_model::ids::{LogId, RowNumber};
use evalset_model::log::Log;
use evalset_model::{Error, Result};
use evalset_store::reference;
use rusqlite::Connection;
use std::sync::atomic::{AtomicUsize, Ordering};

/// Rows a thread takes at a time.
const SHARE: usize = 256;
/// Fewer rows than this are not worth a second thread.
const WORTH_HELP: usize = 2_000;

/// Which of `rows` (rising) pass `filter`, rising. Every connection must be in a transaction at the same commit.
pub(crate) fn passing(
    filter: &LogFilter,
    (collection, sight): (i64, Sight),
    rows: &[RowNumber],
    lease: &Lease,
    helpers: &mut [Lease],
) -> Result<Vec<RowNumber>> {
    let work = Work {
        filter,
        collection,
        sight: reference::asks_for_scores(filter).then_some(sight),
        shares: rows.chunks(SHARE).collect(),
        next: AtomicUsize::new(0),
        text_only: text_only(filter),
        damage: lease.damage(),
        stop: lease.stop(),
    };
    if rows.len() < WORTH_HELP || helpers.is_empty() {
        return work.run(lease.connection()?);
    }
    let mut passed = std::thread::scope(|scope| {
        let work = &work;
        let helping: Vec<_> =
            helpers.iter_mut().map(|helper| scope.spawn(move || work.run(helper.connection()?))).collect();
        let mut passed = work.run(lease.connection()?)?;
        for helped in helping {
            passed.extend(helped.join().map_err(|_| Error::internal("a filter thread failed"))??);
        }
        Ok::<_, Error>(passed)
    })?;
    passed.sort_unstable();
    Ok(passed)
}

/// Whether the filter asks for members of the payload only, so that the typed columns need not be read. Messages, prompt and
/// completion are derived views, which look at more than that.
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
    collection: i64,
    /// Where scores are found, if the filter asks for any.
    sight: Option<Sight>,
    shares: Vec<&'a [RowNumber]>,
    next: AtomicUsize,
    text_only: bool,
    damage: &'a Damage,
    /// That of the caller's lease: its helpers stop with it.
    stop: &'a Stop,
}

impl Work<'_> {
    /// Takes shares until none is left or nobody waits for the outcome.
    fn run(&self, connection: &Connection) -> Result<Vec<RowNumber>> {
        let mut passed = Vec::new();
        while let Some(share) = self.shares.get(self.next.fetch_add(1, Ordering::Relaxed)) {
            for row in *share {
                self.stop.go_on()?;
                let Some(log) = self.damage.pass_over(self.collection, self.log(connection, *row))? else { continue };
                let scores =
                    self.sight.map(|sight| sight.compared(connection, &log.id)).transpose()?.unwrap_or_default();
                if meaning::holds(self.filter, &log, &scores) {
                    passed.push(*row);
                }
            }
        }
        Ok(passed)
    }

    fn log(&self, connection: &Connection, row: RowNumber) -> Result<Option<Log>, Fault> {
        if self.text_only {
            let payload = row::read_payload(connection, row)?.ok_or_else(|| row::without_payload(row))?;
            let mut log = Log::new(LogId(String::new()));
            log.payload = payload.members;
            return Ok(Some(log));
        }
        Ok(row::read(connection, self.collection, row)?.map(|stored| stored.log))
    }
}
