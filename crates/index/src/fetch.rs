//! Rows by number, whole, and as text: those that are gone or cannot be read are left out. Knows no filters.

use crate::number::CollectionNumber;
use crate::origin::{Fetched, Lease};
use evalset_model::ids::{Collection, RowNumber};
use evalset_model::log::Log;
use evalset_model::score::ShownScores;
use evalset_model::{Error, Result};
use evalset_store::lists::{TextRow, Writing, Written};
use evalset_store::logs::{Row, With};

/// A row with its payload, and the bytes of that as text.
pub(crate) fn full(lease: &dyn Lease, collection: CollectionNumber, row: RowNumber) -> Result<Fetched<(Log, usize)>> {
    let mut log = match lease.fields(collection, row)? {
        Fetched::There(log) => log,
        other => return Ok(other.map(|log| (log, 0))),
    };
    let payload = lease.payload(collection, row)?;
    Ok(payload.map(|payload| {
        let bytes = payload.bytes();
        log.payload = payload;
        (log, bytes)
    }))
}

/// Rows by number, in the order given; those that are gone or cannot be read are left out. `TooLarge` when their
/// payloads have more than `most` bytes together, found out before memory is full of them.
pub fn read_rows(
    lease: &dyn Lease,
    name: Collection,
    collection: CollectionNumber,
    rows: &[RowNumber],
    with: With,
    most: usize,
) -> Result<Vec<Row>> {
    let sight = with.scores.then(|| lease.sight(name, collection)).transpose()?;
    let (mut found, mut bytes) = (Vec::new(), 0_usize);
    for row in rows {
        lease.stop().go_on()?;
        let fetched = if with.payload {
            full(lease, collection, *row)?
        } else {
            lease.fields(collection, *row)?.map(|log| (log, 0))
        };
        let Some((log, payload_bytes)) = fetched.there() else { continue };
        bytes = bytes.saturating_add(payload_bytes);
        if bytes > most && !found.is_empty() {
            let text = format!(
                "the rows of this page have more than {most} bytes (`limits.page_bytes`): ask for fewer, with a smaller `page_size`"
            );
            return Err(Error::TooLarge(text));
        }
        let scores = sight.map(|sight| sight.shown(lease, &log.id)).transpose()?.unwrap_or_default();
        found.push(Row { number: *row, log, scores });
    }
    Ok(found)
}

/// Writes rows in the order given; those that are gone or cannot be read are left out. One row is in memory at a time.
pub fn write_rows(
    lease: &dyn Lease,
    name: Collection,
    collection: CollectionNumber,
    rows: &[RowNumber],
    writing: &Writing,
) -> Result<Written> {
    let sight = writing.scores.then(|| lease.sight(name, collection)).transpose()?;
    let mut written = Written::default();
    for row in rows {
        lease.stop().go_on()?;
        if written.is_full(writing) {
            break;
        }
        written.passed += 1;
        let Some(mut log) = lease.fields(collection, *row)?.there() else { continue };
        if writing.payload {
            let Some(payload) = lease.payload(collection, *row)?.there() else { continue };
            log.payload = payload;
        }
        let scores = match sight {
            Some(sight) => sight.shown(lease, &log.id)?,
            None => ShownScores::none(),
        };
        written.add(&TextRow { number: *row, log: &log, scores: &scores }, writing)?;
    }
    Ok(written)
}
