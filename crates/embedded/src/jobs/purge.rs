//! Rows that no name leads to any more are deleted for good, a few at a time, when somebody asks for it.

use crate::Engine;
use crate::file::error::Sql;
use crate::file::number::RunNumber;
use crate::file::row;
use async_trait::async_trait;
use evalset_index::CollectionNumber;
use evalset_model::ids::RowNumber;
use evalset_model::{Error, Result};
use evalset_store::Housekeeping;
use rusqlite::{Connection, OptionalExtension};
use std::sync::atomic::Ordering;

/// About what the deletion of a row adds to a transaction (bytes).
const GONE_BYTES: usize = 64;

#[async_trait]
impl Housekeeping for Engine {
    async fn next(&self, _at: i64) -> Result<bool> {
        let after = self.purge_after.load(Ordering::Relaxed);
        // Asked by a timer: the writer is bothered only when there is something to do.
        let Some(found) = self.readers.run(move |lease| hidden(lease.begin()?, after)).await? else { return Ok(false) };
        let most = self.purge_rows;
        let purged = self.writer.run(most.saturating_mul(GONE_BYTES), move |tx| {
            delete(tx.connection, found, most)?;
            Ok(hidden(tx.connection, after)?.is_some())
        });
        let purged = purged.await;
        if purged.is_err() {
            // The others come first the next time.
            self.purge_after.store(found.0, Ordering::Relaxed);
        }
        purged
    }
}

/// The hidden collection to purge next: the first one after number `after`, else the first of all.
fn hidden(connection: &Connection, after: i64) -> Result<Option<CollectionNumber>> {
    connection
        .prepare_cached("SELECT id FROM collection WHERE hidden = 1 ORDER BY id <= ?1, id LIMIT 1")
        .sql()?
        .query_row([after], |line| line.get(0).map(CollectionNumber))
        .optional()
        .sql()
}

/// Deletes up to `limit` rows of a hidden collection, and the collection with the last one.
fn delete(connection: &Connection, collection: CollectionNumber, limit: usize) -> Result<()> {
    let hidden: Option<bool> = connection
        .query_row("SELECT hidden FROM collection WHERE id = ?1", [collection.0], |line| line.get(0))
        .optional()
        .sql()?;
    match hidden {
        None => return Ok(()),
        Some(false) => return Err(Error::Conflict("Only rows already removed can be purged.".to_owned())),
        Some(true) => {}
    }
    let mut oldest =
        connection.prepare_cached("SELECT row FROM log WHERE collection = ?1 ORDER BY row LIMIT ?2").sql()?;
    let rows = oldest
        .query_map((collection.0, i64::try_from(limit).unwrap_or(i64::MAX)), |line| line.get(0).map(RowNumber::new))
        .sql()?
        .collect::<rusqlite::Result<Vec<_>>>()
        .sql()?;
    let mut completed = 0;
    for row in &rows {
        completed += i64::from(row::delete(connection, collection, *row)?.is_some_and(|gone| gone.completed));
    }
    if let Some(last) = rows.last() {
        delete_results(connection, collection, Some(*last))?;
    }
    if rows.len() < limit {
        leave(connection, collection)?;
    } else {
        connection
            .execute(
                "UPDATE collection SET log_count = log_count - ?2, \
                 completed_annotation_count = completed_annotation_count - ?3 WHERE id = ?1",
                (collection.0, rows.len() as i64, completed),
            )
            .sql()?;
    }
    Ok(())
}

/// Deletes results of runs of a collection's dataset: of rows up to `last`, else of all rows before those that the
/// dataset has now. The rows of a hidden collection come before those of the one that took its place.
fn delete_results(connection: &Connection, collection: CollectionNumber, last: Option<RowNumber>) -> Result<()> {
    let mut runs = connection
        .prepare_cached(
            "SELECT number FROM job WHERE dataset = (SELECT place FROM collection WHERE id = ?1) AND kind = 'evaluate'",
        )
        .sql()?;
    let runs = runs
        .query_map([collection.0], |line| line.get::<_, RunNumber>(0))
        .sql()?
        .collect::<rusqlite::Result<Vec<_>>>()
        .sql()?;
    if runs.is_empty() {
        return Ok(());
    }
    let end = match last {
        Some(last) => last.get().saturating_add(1),
        None => first_row_now(connection, collection)?,
    };
    let mut delete = connection.prepare_cached("DELETE FROM run_result WHERE run = ?1 AND row < ?2").sql()?;
    for run in runs {
        delete.execute((run, end)).sql()?;
    }
    Ok(())
}

/// The first row of the visible collection of the same name, as it is stored; beyond all rows when it has none.
fn first_row_now(connection: &Connection, collection: CollectionNumber) -> Result<i64> {
    connection
        .prepare_cached(
            "SELECT coalesce(min(l.row), ?2) FROM collection old CROSS JOIN collection new \
             ON new.organization = old.organization AND new.place = old.place AND new.hidden = 0 AND new.id <> old.id \
             CROSS JOIN log l ON l.collection = new.id WHERE old.id = ?1",
        )
        .sql()?
        .query_row((collection.0, i64::MAX), |line| line.get(0))
        .sql()
}

/// Deletes a collection without rows: what is left are scores of records that never came, and results of rows removed
/// before.
pub(crate) fn leave(connection: &Connection, collection: CollectionNumber) -> Result<()> {
    delete_results(connection, collection, None)?;
    connection.execute("DELETE FROM score WHERE collection = ?1", [collection.0]).sql()?;
    connection.execute("DELETE FROM collection WHERE id = ?1", [collection.0]).sql()?;
    Ok(())
}
