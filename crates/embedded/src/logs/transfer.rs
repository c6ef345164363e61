//! Copies rows between collections inside the writer: payloads are moved as the bytes they are.

use crate::engine::writer::Tx;
use crate::file::collection;
use crate::file::error::Sql;
use crate::file::row;
use crate::file::schema::COPY;
use crate::scores::row_scores;
use evalset_index::{Change, CollectionNumber};
use evalset_model::ids::{Collection, RowNumber};
use evalset_model::job::Step;
use evalset_model::{Error, Result};
use evalset_store::logs::Added;

/// `annotation_status` of a copy (H10).
pub(crate) const UNANNOTATED: &str = "pending";

/// About how much a row adds to a transaction beside its payload and metadata (bytes).
const ROW_BYTES: usize = 1_024;
/// What most rows add to a transaction at most, all in all (bytes).
const USUAL_BYTES: usize = 4_096;

/// About how many bytes a transaction grows by that copies so many rows, before anything is known of them.
pub(crate) fn estimate(rows: usize) -> usize {
    rows * USUAL_BYTES
}

/// Rows as a parameter of a statement.
fn list(rows: &[RowNumber]) -> Result<String> {
    serde_json::to_string(rows).map_err(Error::internal)
}

/// Copies the first of these rows, those that are not in the target, unannotated, together with the step of their job:
/// as many as make a transaction of about `bound` bytes, at least one. What is added and what is skipped are the rows
/// that were taken.
pub(crate) fn copy(
    tx: &mut Tx<'_>,
    from: Collection,
    rows: &[RowNumber],
    to: Collection,
    (step, bound): (Option<Step>, usize),
) -> Result<Added> {
    let target = collection::for_write(tx, to)?;
    if let Some(done) = crate::jobs::attempt::done_before(tx.connection, step.as_ref(), rows)? {
        return Ok(Added { written: done.affected, skipped: done.skipped, replaced: 0 });
    }
    let (taken, written) = match collection::find(tx.connection, from)? {
        Some(source) => copy_rows(tx, source.id, rows, to, (target, bound))?,
        None => (rows.len(), 0),
    };
    if let Some(step) = step {
        crate::jobs::attempt::advance_by(tx.connection, step, &rows[..taken], written)?;
    }
    Ok(Added { written, skipped: taken as u64 - written, replaced: 0 })
}

/// Copies the first of the rows: how many were taken, and how many of those copied.
fn copy_rows(
    tx: &mut Tx<'_>,
    source: CollectionNumber,
    rows: &[RowNumber],
    to: Collection,
    (target, bound): (CollectionNumber, usize),
) -> Result<(usize, u64)> {
    let (first, connection) = (tx.next_row(), tx.connection);
    let (taken, rows) = portion(tx, source, rows, (target, bound))?;
    let list = list(&rows)?;
    let copied = connection.prepare_cached(&COPY).sql()?.execute((first.get(), target.0, &list, source.0)).sql()?;
    let moved = connection
        .prepare_cached(
            "INSERT INTO payload (row, codec, body) SELECT log.row, codec, body FROM json_each(?2) \
             CROSS JOIN log ON log.row = ?1 + key CROSS JOIN payload ON payload.row = value",
        )
        .sql()?
        .execute((first.get(), &list))
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
    Ok((taken, moved as u64))
}

/// How many of the first of the rows one transaction takes, and those of them that are in the source and whose id is
/// not in the target: others would use up row numbers.
fn portion(
    tx: &Tx<'_>,
    source: CollectionNumber,
    rows: &[RowNumber],
    (target, bound): (CollectionNumber, usize),
) -> Result<(usize, Vec<RowNumber>)> {
    // Their payloads are read next.
    let mut statement = tx
        .connection
        .prepare_cached(
            "SELECT CASE WHEN s.row IS NOT NULL AND NOT EXISTS \
             (SELECT 1 FROM log t WHERE t.collection = ?3 AND t.unique_id = s.unique_id) THEN s.row END, \
             coalesce(length(body), 0) + coalesce(octet_length(s.metadata), 0) FROM json_each(?1) \
             LEFT JOIN log s ON s.row = value AND s.collection = ?2 LEFT JOIN payload p ON p.row = s.row ORDER BY json_each.rowid",
        )
        .sql()?;
    let mut lines = statement.query((list(rows)?, source.0, target.0)).sql()?;
    let (mut taken, mut bytes, mut absent) = (0, 0_usize, Vec::with_capacity(rows.len()));
    while let Some(line) = lines.next().sql()? {
        if let Some(row) = line.get::<_, Option<i64>>(0).sql()? {
            bytes += ROW_BYTES + usize::try_from(line.get::<_, i64>(1).sql()?).unwrap_or(0);
            if taken > 0 && bytes > bound {
                break;
            }
            absent.push(RowNumber::new(row));
        }
        taken += 1;
    }
    Ok((taken, absent))
}

/// Removes copies from `first` on that have no payload, since their rows have none.
fn take_back(
    tx: &Tx<'_>,
    source: CollectionNumber,
    rows: &[RowNumber],
    target: CollectionNumber,
    first: RowNumber,
) -> Result<()> {
    for row in new_rows(tx, target, first)? {
        if tx.connection.prepare_cached("SELECT 1 FROM payload WHERE row = ?1").sql()?.exists([row.get()]).sql()? {
            continue;
        }
        // Not their scores, which may have been there before the record.
        tx.connection.prepare_cached("DELETE FROM log WHERE row = ?1").sql()?.execute([row.get()]).sql()?;
        if let Some(bare) = usize::try_from(row.get() - first.get()).ok().and_then(|at| rows.get(at)) {
            tx.damage().note(source, &row::without_payload(*bare));
        }
    }
    Ok(())
}

/// Tells the index of the target about its rows from `first` on.
fn show(tx: &mut Tx<'_>, to: Collection, target: CollectionNumber, first: RowNumber) -> Result<()> {
    let sight = row_scores::sight(tx.connection, to, target)?;
    for new in new_rows(tx, target, first)? {
        // A damaged row is copied as it is; an index has no place for it.
        let read = row::read_columns(tx.connection, target, new);
        if let Some(stored) = tx.damage().pass_over(target, read)? {
            let scores = sight.compared(tx, &stored.log.id)?;
            tx.change(target, Change::Append(new, Box::new(stored.log), scores));
        }
    }
    Ok(())
}

/// The rows of a collection from `first` on.
fn new_rows(tx: &Tx<'_>, collection: CollectionNumber, first: RowNumber) -> Result<Vec<RowNumber>> {
    tx.connection
        .prepare_cached("SELECT row FROM log WHERE collection = ?1 AND row >= ?2 ORDER BY row")
        .sql()?
        .query_map((collection.0, first.get()), |line| line.get(0).map(RowNumber::new))
        .sql()?
        .collect::<rusqlite::Result<_>>()
        .sql()
}
