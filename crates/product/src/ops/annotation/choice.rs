//! Which of the free rows an annotator is offered: the first one, and after a failure one of the first few, so that
//! many annotators do not fight for one. Knows offsets and pages; does not know leases, nor what makes a row free.

use super::Ask;
use crate::app::App;
use evalset_model::Result;
use evalset_model::filter::LogFilter;
use evalset_model::ids::Collection;
use evalset_model::page::{Page, Window};
use evalset_store::logs::{Query, Row};

/// The choice is spread over at most this many of the first rows.
const SPREAD: u64 = 1_024;

/// One of the rows that match: the first one at the first attempt, then one among more each time, by who asks. So a
/// single annotator gets rows in order. None only when no row matched.
pub(super) async fn choose(
    app: &App,
    collection: Collection,
    filter: LogFilter,
    ask: &Ask,
    attempt: u32,
) -> Result<Option<Row>> {
    let among = 4_u64.saturating_pow(attempt).min(SPREAD);
    let offset = xxhash_rust::xxh3::xxh3_64_with_seed(ask.annotator.as_bytes(), attempt.into()) % among;
    let page = |offset| {
        let query = Query { filter: filter.clone(), sort: ask.sort.clone(), window: Window { offset, limit: 1 } };
        app.stores.logs.page(collection, query)
    };
    near(offset, page).await
}

/// The row at `offset`, or one before it where fewer are left. Others take rows between two pages, so the second may be
/// empty too: it is asked again, each time further to the front, until there is a row or none is left.
async fn near<T, F>(mut offset: u64, page: impl Fn(u64) -> F) -> Result<Option<T>>
where
    F: Future<Output = Result<Page<T>>>,
{
    loop {
        let found = page(offset).await?;
        match found.rows.into_iter().next() {
            Some(row) => return Ok(Some(row)),
            None if found.total == 0 => return Ok(None),
            // Smaller than before: a page is empty only at or behind the end.
            None => offset %= found.total,
        }
    }
}

#[cfg(test)]
mod tests;
