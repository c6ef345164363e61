//! Rows that no name leads to any more: deletes them for good, and sees to it that a job does so.

use super::job_line;
use crate::file::error::Sql;
use crate::file::row;
use evalset_model::ids::RowNumber;
use evalset_model::job::Task;
use evalset_model::{Error, Result};
use evalset_store::jobs::{purge_id, purge_job};
use hashbrown::HashSet;
use rusqlite::{Connection, OptionalExtension};

/// Deletes up to `limit` rows of a hidden collection, and the collection with the last one; returns how many went.
pub(crate) fn delete(connection: &Connection, collection: i64, limit: usize) -> Result<u64> {
    let hidden: Option<bool> = connection
        .query_row("SELECT hidden FROM collection WHERE id = ?1", [collection], |line| line.get(0))
        .optional()
        .sql()?;
    match hidden {
        None => return Ok(0),
        Some(false) => return Err(Error::Conflict("Only rows already removed can be purged.".to_owned())),
        Some(true) => {}
    }
    let mut oldest =
        connection.prepare_cached("SELECT row FROM log WHERE collection = ?1 ORDER BY row LIMIT ?2").sql()?;
    let rows = oldest
        .query_map((collection, i64::try_from(limit).unwrap_or(i64::MAX)), |line| line.get::<_, i64>(0))
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
                (collection, rows.len() as i64, completed),
            )
            .sql()?;
    }
    Ok(rows.len() as u64)
}

/// Deletes results of runs of a collection's dataset: of rows up to `last`, else of all rows before those that the dataset has
/// now. The rows of a hidden collection come before those of the one that took its place.
fn delete_results(connection: &Connection, collection: i64, last: Option<RowNumber>) -> Result<()> {
    let mut runs = connection
        .prepare_cached(
            "SELECT number FROM job WHERE dataset = (SELECT place FROM collection WHERE id = ?1) AND kind = 'evaluate'",
        )
        .sql()?;
    let runs = runs
        .query_map([collection], |line| line.get::<_, i64>(0))
        .sql()?
        .collect::<rusqlite::Result<Vec<_>>>()
        .sql()?;
    if runs.is_empty() {
        return Ok(());
    }
    let end = match last {
        Some(last) => last.saturating_add(1),
        None => first_row_now(connection, collection)?,
    };
    let mut delete = connection.prepare_cached("DELETE FROM run_result WHERE run = ?1 AND row < ?2").sql()?;
    for run in runs {
        delete.execute((run, end)).sql()?;
    }
    Ok(())
}

/// The first row of the visible collection of the same name; beyond all rows when it has none.
fn first_row_now(connection: &Connection, collection: i64) -> Result<RowNumber> {
    connection
        .prepare_cached(
            "SELECT coalesce(min(l.row), ?2) FROM collection old CROSS JOIN collection new \
             ON new.organization = old.organization AND new.place = old.place AND new.hidden = 0 AND new.id <> old.id \
             CROSS JOIN log l ON l.collection = new.id WHERE old.id = ?1",
        )
        .sql()?
        .query_row((collection, RowNumber::MAX), |line| line.get(0))
        .sql()
}

/// Deletes a collection without rows: what is left are scores of records that never came, and results of rows removed before.
pub(crate) fn leave(connection: &Connection, collection: i64) -> Result<()> {
    delete_results(connection, collection, None)?;
    connection.execute("DELETE FROM score WHERE collection = ?1", [collection]).sql()?;
    connection.execute("DELETE FROM collection WHERE id = ?1", [collection]).sql()?;
    Ok(())
}

/// Enqueues a job for each hidden collection that no open job purges, since the last one failed or was lost; returns how many.
pub(crate) fn enqueue_missing(connection: &Connection, at: i64) -> Result<u64> {
    let mut open =
        connection.prepare("SELECT task FROM job WHERE kind = 'purge' AND state IN ('queued', 'running')").sql()?;
    let tasks = open.query_map([], |line| line.get::<_, String>(0)).sql()?;
    // A job that cannot be read purges nothing.
    let purged: HashSet<i64> = tasks
        .filter_map(|text| match serde_json::from_str(&text.ok()?).ok()? {
            Task::Purge { collection } => Some(collection),
            _ => None,
        })
        .collect();
    let mut hidden = connection.prepare("SELECT id, organization, log_count FROM collection WHERE hidden = 1").sql()?;
    let mut lines = hidden.query([]).sql()?;
    let mut count = 0;
    while let Some(line) = lines.next().sql()? {
        let collection: i64 = line.get(0).sql()?;
        let Some(organization) = line.get::<_, String>(1).ok().and_then(|id| id.parse().ok()) else {
            tracing::error!(collection, "a hidden collection has no readable owner and is not purged");
            continue;
        };
        if !purged.contains(&collection) {
            let rows: i64 = line.get(2).sql()?;
            job_line::insert(connection, &purge_job(purge_id(at), organization, collection, rows.unsigned_abs(), at))?;
            count += 1;
        }
    }
    Ok(count)
}
