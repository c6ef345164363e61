//! What the file remembers of what is derived from it: tokens of snapshots and lists of segments, and rows whose text
//! has changed.

use crate::file::error::Sql;
use evalset_index::origin::Kept;
use evalset_index::{Changed, CollectionNumber, CommitNumber};
use evalset_model::ids::RowNumber;
use evalset_model::{Error, Result};
use rusqlite::{Connection, OptionalExtension};

/// Collections of which a snapshot is remembered. Forgets those of collections that are gone.
pub(crate) fn snapshots(connection: &Connection) -> Result<Vec<CollectionNumber>> {
    connection
        .execute("DELETE FROM snapshot WHERE collection NOT IN (SELECT id FROM collection WHERE hidden = 0)", [])
        .sql()?;
    let mut kept = connection.prepare("SELECT collection FROM snapshot").sql()?;
    let kept = kept.query_map([], |line| line.get(0).map(CollectionNumber)).sql()?;
    kept.collect::<rusqlite::Result<_>>().sql()
}

/// The newest snapshot of a collection.
pub(crate) fn snapshot(connection: &Connection, collection: CollectionNumber) -> Result<Option<Kept>> {
    connection
        .prepare_cached("SELECT seq, token FROM snapshot WHERE collection = ?1")
        .sql()?
        .query_row([collection.0], |line| Ok(Kept { seq: CommitNumber(line.get(0)?), token: line.get(1)? }))
        .optional()
        .sql()
}

/// Remembers a snapshot in place of the one before.
pub(crate) fn keep_snapshot(connection: &Connection, collection: CollectionNumber, kept: Kept) -> Result<()> {
    connection
        .prepare_cached("INSERT OR REPLACE INTO snapshot (collection, seq, token) VALUES (?1, ?2, ?3)")
        .sql()?
        .execute((collection.0, kept.seq.0, kept.token))
        .sql()?;
    Ok(())
}

/// Collections that have a text index, with the rows whose text has changed since. Forgets those of collections that
/// are gone.
pub(crate) fn noted(connection: &Connection) -> Result<Changed> {
    connection
        .execute_batch(
            "DELETE FROM text_index WHERE collection NOT IN (SELECT id FROM collection WHERE hidden = 0); \
             DELETE FROM text_changed WHERE collection NOT IN (SELECT collection FROM text_index)",
        )
        .sql()?;
    let mut noted = Changed::new();
    let mut lines = connection.prepare("SELECT collection FROM text_index").sql()?;
    for collection in lines.query_map([], |line| line.get(0).map(CollectionNumber)).sql()? {
        noted.entry(collection.sql()?).or_default();
    }
    let mut lines = connection.prepare("SELECT collection, row, seq FROM text_changed").sql()?;
    let mut lines = lines.query([]).sql()?;
    while let Some(line) = lines.next().sql()? {
        let rows = noted.entry(CollectionNumber(line.get(0).sql()?)).or_default();
        rows.insert(RowNumber::new(line.get(1).sql()?), CommitNumber(line.get(2).sql()?));
    }
    Ok(noted)
}

/// Notes that a row gets another text, in the transaction of the change.
pub(crate) fn note_text(
    connection: &Connection,
    collection: CollectionNumber,
    row: RowNumber,
    seq: CommitNumber,
) -> Result<()> {
    connection
        .prepare_cached("INSERT OR REPLACE INTO text_changed (row, collection, seq) VALUES (?1, ?2, ?3)")
        .sql()?
        .execute((row.get(), collection.0, seq.0))
        .sql()?;
    Ok(())
}

/// The token of the list of segments of a collection.
pub(crate) fn text_list(connection: &Connection, collection: CollectionNumber) -> Result<Option<i64>> {
    connection
        .prepare_cached("SELECT token FROM text_index WHERE collection = ?1")
        .sql()?
        .query_row([collection.0], |line| line.get(0))
        .optional()
        .sql()
}

/// Remembers a list of segments, and forgets that the texts of these rows have changed, as far as they did up to this
/// commit.
pub(crate) fn keep_texts(
    connection: &Connection,
    (collection, token): (CollectionNumber, i64),
    rows: &[RowNumber],
    seq: CommitNumber,
) -> Result<()> {
    let named = connection.execute(
        "INSERT OR REPLACE INTO text_index (collection, token) SELECT id, ?2 FROM collection WHERE id = ?1 AND hidden = 0",
        (collection.0, token),
    );
    if named.sql()? == 0 {
        return Err(Error::not_found());
    }
    let mut delete = connection.prepare_cached("DELETE FROM text_changed WHERE row = ?1 AND seq <= ?2").sql()?;
    rows.iter().try_for_each(|row| delete.execute((row.get(), seq.0)).map(drop)).sql()
}

/// Forgets the text index of a collection.
pub(crate) fn forget_texts(connection: &Connection, collection: CollectionNumber) -> Result<()> {
    for table in ["text_index", "text_changed"] {
        connection.execute(&format!("DELETE FROM {table} WHERE collection = ?1"), [collection.0]).sql()?;
    }
    Ok(())
}
