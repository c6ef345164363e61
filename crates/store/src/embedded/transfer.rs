//! Copies rows between collections inside the writer: payloads are moved as the bytes they are.

use super::collection;
use super::error::Sql;
use super::indexes::Change;
use super::readers::Lease;
use super::row;
use super::row_scores::Sight;
use super::schema::COPY;
use super::writer::Tx;
use crate::logs::Added;
use evalset_model::Result;
use evalset_model::ids::{Collection, RowNumber};
use evalset_model::job::Step;
use rusqlite::OptionalExtension;

/// `annotation_status` of a copy (H10).
pub(super) const UNANNOTATED: &str = "pending";

/// About how much a row adds to a transaction beside its payload (bytes).
const ROW_BYTES: usize = 1_024;

/// How many of the first of these rows go into one transaction of about `bound` bytes, at least one; and how many bytes they are.
pub(super) fn portion(lease: &Lease, rows: &[RowNumber], bound: usize) -> Result<(usize, usize)> {
    let mut statement = lease.begin()?.prepare_cached("SELECT length(body) FROM payload WHERE row = ?1").sql()?;
    let mut bytes: usize = 0;
    for (count, row) in rows.iter().enumerate() {
        lease.stop().go_on()?;
        let body: Option<Option<i64>> = statement.query_row([row], |line| line.get(0)).optional().sql()?;
        let more = ROW_BYTES + body.flatten().map_or(0, |length| usize::try_from(length).unwrap_or(0));
        if count > 0 && bytes + more > bound {
            return Ok((count, bytes));
        }
        bytes += more;
    }
    Ok((rows.len(), bytes))
}

/// Copies rows that are not in the target, unannotated, together with the step of their job.
pub(super) fn copy(
    tx: &mut Tx<'_>,
    from: Collection,
    rows: &[RowNumber],
    to: Collection,
    step: Option<Step>,
) -> Result<Added> {
    let target = collection::for_write(tx, to)?;
    let added = match collection::find(tx.connection, from)? {
        Some(source) => copy_rows(tx, source.id, rows, to, target)?,
        None => Added { written: 0, skipped: rows.len() as u64 },
    };
    if let Some(step) = step {
        super::jobs::advance_by(tx.connection, step, rows, added.written)?;
    }
    Ok(added)
}

fn copy_rows(tx: &mut Tx<'_>, source: i64, rows: &[RowNumber], to: Collection, target: i64) -> Result<Added> {
    let indexed = tx.indexed(target);
    let sight = Sight::of(tx.connection, to, target)?;
    let mut added = Added::default();
    for row in rows {
        match copy_row(tx, source, *row, target)? {
            None => added.skipped += 1,
            Some(new) => {
                added.written += 1;
                if indexed {
                    // A damaged row is copied as it is; an index has no place for it.
                    let read = row::read_columns(tx.connection, target, new);
                    if let Some(stored) = tx.damage().pass_over(target, read)? {
                        let scores = sight.compared(tx.connection, &stored.log.id)?;
                        tx.change(target, Change::Append(new, Box::new(stored.log), scores));
                    }
                }
            }
        }
    }
    if added.written > 0 {
        if !indexed {
            tx.change(target, Change::Reload);
        }
        tx.count_added(target, i64::try_from(added.written).unwrap_or(i64::MAX), 0)?;
    }
    Ok(added)
}

/// Copies one row and returns its new number; `None` when it is gone from the source, in the target already or has no payload.
fn copy_row(tx: &mut Tx<'_>, source: i64, row: RowNumber, target: i64) -> Result<Option<RowNumber>> {
    let new = tx.next_row();
    let connection = tx.connection;
    if connection.prepare_cached(&COPY).sql()?.execute((new, target, row, source)).sql()? == 0 {
        return Ok(None);
    }
    let moved = connection
        .prepare_cached("INSERT INTO payload (row, codec, body) SELECT ?1, codec, body FROM payload WHERE row = ?2")
        .sql()?
        .execute((new, row))
        .sql()?;
    if moved == 0 {
        row::delete(connection, target, new)?;
        tx.damage().note(source, &row::without_payload(row));
        return Ok(None);
    }
    tx.use_row();
    Ok(Some(new))
}
