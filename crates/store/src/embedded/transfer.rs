//! Copies rows between collections inside the writer: payloads are moved as the bytes they are.

use super::collection;
use super::error::Sql;
use super::indexes::Change;
use super::row;
use super::schema::COPY;
use super::writer::Tx;
use crate::logs::Added;
use evalset_model::ids::{Collection, RowNumber};
use evalset_model::job::Step;
use evalset_model::{Error, Result};

/// `annotation_status` of a copy (H10).
pub(super) const UNANNOTATED: &str = "pending";

/// Copies rows that are not in the target, unannotated, together with the step of their job.
pub(super) fn copy(
    tx: &mut Tx<'_>,
    from: Collection,
    rows: &[RowNumber],
    to: Collection,
    step: Option<&Step>,
) -> Result<Added> {
    let target = collection::for_write(tx, to)?;
    if let Some(step) = step {
        super::jobs::advance(tx.connection, step)?;
    }
    let Some(source) = collection::find(tx.connection, from)? else {
        return Ok(Added { written: 0, skipped: rows.len() as u64 });
    };
    let indexed = tx.indexed(target);
    let mut added = Added::default();
    for row in rows {
        match copy_row(tx, source.id, *row, target)? {
            None => added.skipped += 1,
            Some(new) => {
                added.written += 1;
                if indexed {
                    let stored = row::read_columns(tx.connection, target, new)?
                        .ok_or_else(|| Error::internal("a row just copied cannot be found"))?;
                    tx.change(target, Change::Append(new, Box::new(stored.log)));
                }
            }
        }
    }
    if added.written > 0 {
        if !indexed {
            tx.change(target, Change::Reload);
        }
        tx.count(target, i64::try_from(added.written).unwrap_or(i64::MAX), 0)?;
    }
    Ok(added)
}

/// Copies one row and returns its new number; `None` when it is gone from the source or in the target already.
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
        return Err(Error::internal(format!("row {row} has no payload")));
    }
    tx.use_row();
    Ok(Some(new))
}
