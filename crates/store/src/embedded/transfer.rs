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
use evalset_model::ids::{Collection, RowNumber};
use evalset_model::job::Step;
use evalset_model::{Error, Result};

/// `annotation_status` of a copy (H10).
pub(super) const UNANNOTATED: &str = "pending";

/// About how much a row adds to a transaction beside its payload and metadata (bytes).
const ROW_BYTES: usize = 1_024;

/// How many of the first of these rows go into one transaction of about `bound` bytes, at least one; and how many bytes they are.
pub(super) fn portion(lease: &Lease, rows: &[RowNumber], bound: usize) -> Result<(usize, usize)> {
    let mut statement = lease
        .begin()?
        .prepare_cached(
            "SELECT coalesce(length(body), 0) + coalesce(octet_length(metadata), 0) FROM json_each(?1) \
             LEFT JOIN payload ON payload.row = value LEFT JOIN log ON log.row = value ORDER BY json_each.rowid",
        )
        .sql()?;
    let mut lines = statement.query([list(rows)?]).sql()?;
    let (mut count, mut bytes) = (0, 0_usize);
    while let Some(line) = lines.next().sql()? {
        let more = ROW_BYTES + usize::try_from(line.get::<_, i64>(0).sql()?).unwrap_or(0);
        if count > 0 && bytes + more > bound {
            break;
        }
        (count, bytes) = (count + 1, bytes + more);
    }
    Ok((count, bytes))
}

/// Rows as a parameter of a statement.
fn list(rows: &[RowNumber]) -> Result<String> {
    serde_json::to_string(rows).map_err(Error::internal)
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
    let (first, connection, asked) = (tx.next_row(), tx.connection, rows.len());
    let rows = absent(tx, source, rows, target)?;
    let list = list(&rows)?;
    let copied = connection.prepare_cached(&COPY).sql()?.execute((first, target, &list, source)).sql()?;
    let moved = connection
        .prepare_cached(
            "INSERT INTO payload (row, codec, body) SELECT log.row, codec, body FROM json_each(?2) \
             CROSS JOIN log ON log.row = ?1 + key CROSS JOIN payload ON payload.row = value",
        )
        .sql()?
        .execute((first, &list))
        .sql()?;
    tx.use_rows(rows.len());
    if moved < copied {
        take_back(tx, source, &rows, target, first)?;
    }
    if moved > 0 {
        if tx.indexed(target) {
            show(tx, to, target, first)?;
        } else {
            tx.change(target, Change::Reload);
        }
        tx.count_added(target, i64::try_from(moved).unwrap_or(i64::MAX), 0)?;
    }
    Ok(Added { written: moved as u64, skipped: (asked - moved) as u64 })
}

/// Those of the rows that are in the source and whose id is not in the target: others would use up row numbers.
fn absent(tx: &Tx<'_>, source: i64, rows: &[RowNumber], target: i64) -> Result<Vec<RowNumber>> {
    tx.connection
        .prepare_cached(
            "SELECT row FROM json_each(?1) CROSS JOIN log s ON row = value WHERE collection = ?2 AND NOT EXISTS \
             (SELECT 1 FROM log t WHERE t.collection = ?3 AND t.unique_id = s.unique_id) ORDER BY json_each.rowid",
        )
        .sql()?
        .query_map((list(rows)?, source, target), |line| line.get(0))
        .sql()?
        .collect::<rusqlite::Result<_>>()
        .sql()
}

/// Removes copies from `first` on that have no payload, since their rows have none.
fn take_back(tx: &Tx<'_>, source: i64, rows: &[RowNumber], target: i64, first: RowNumber) -> Result<()> {
    for row in new_rows(tx, target, first)? {
        if tx.connection.prepare_cached("SELECT 1 FROM payload WHERE row = ?1").sql()?.exists([row]).sql()? {
            continue;
        }
        // Not their scores, which may have been there before the record.
        tx.connection.prepare_cached("DELETE FROM log WHERE row = ?1").sql()?.execute([row]).sql()?;
        if let Some(bare) = usize::try_from(row - first).ok().and_then(|at| rows.get(at)) {
            tx.damage().note(source, &row::without_payload(*bare));
        }
    }
    Ok(())
}

/// Tells the index of the target about its rows from `first` on.
fn show(tx: &mut Tx<'_>, to: Collection, target: i64, first: RowNumber) -> Result<()> {
    let sight = Sight::of(tx.connection, to, target)?;
    for new in new_rows(tx, target, first)? {
        // A damaged row is copied as it is; an index has no place for it.
        let read = row::read_columns(tx.connection, target, new);
        if let Some(stored) = tx.damage().pass_over(target, read)? {
            let scores = sight.compared(tx.connection, &stored.log.id)?;
            tx.change(target, Change::Append(new, Box::new(stored.log), scores));
        }
    }
    Ok(())
}

/// The rows of a collection from `first` on.
fn new_rows(tx: &Tx<'_>, collection: i64, first: RowNumber) -> Result<Vec<RowNumber>> {
    tx.connection
        .prepare_cached("SELECT row FROM log WHERE collection = ?1 AND row >= ?2 ORDER BY row")
        .sql()?
        .query_map((collection, first), |line| line.get(0))
        .sql()?
        .collect::<rusqlite::Result<_>>()
        .sql()
}
