//! Collections by name: the request logs, the saved logs and the rows of each dataset.
//!
//! A collection that was emptied or whose dataset is gone is hidden: housekeeping deletes its rows bit by bit, and
//! no name leads to it.

use crate::engine::writer::Tx;
use crate::file::error::Sql;
use evalset_index::{CollectionNumber, CommitNumber};
use evalset_model::ids::{Collection, Place};
use evalset_model::{Error, Result};
use rusqlite::{Connection, OptionalExtension};

/// A collection as the file has it.
pub(crate) struct Found {
    /// The store's number.
    pub id: CollectionNumber,
    /// Number of the last commit that changed its rows.
    pub seq: CommitNumber,
    /// Rows.
    pub log_count: i64,
}

/// How a place is written in the file.
pub(crate) fn place_text(place: &Place) -> String {
    match place {
        Place::RequestLogs => "request_logs".to_owned(),
        Place::SavedLogs => "saved_logs".to_owned(),
        Place::Dataset(id) => id.to_string(),
    }
}

/// Reads [`place_text`]; `None` for a text that is none.
pub(crate) fn parse_place(text: &str) -> Option<Place> {
    match text {
        "request_logs" => Some(Place::RequestLogs),
        "saved_logs" => Some(Place::SavedLogs),
        id => id.parse().ok().map(Place::Dataset),
    }
}

/// The name of a collection that is not hidden.
pub(crate) fn name(connection: &Connection, collection: CollectionNumber) -> Result<Option<Collection>> {
    let found: Option<(String, String)> = connection
        .prepare_cached("SELECT organization, place FROM collection WHERE id = ?1 AND hidden = 0")
        .sql()?
        .query_row([collection.0], |line| Ok((line.get(0)?, line.get(1)?)))
        .optional()
        .sql()?;
    Ok(found.and_then(|(organization, place)| {
        Some(Collection { organization: organization.parse().ok()?, place: parse_place(&place)? })
    }))
}

/// The collection, when it has been made.
pub(crate) fn find(connection: &Connection, collection: Collection) -> Result<Option<Found>> {
    connection
        .prepare_cached(
            "SELECT id, seq, log_count FROM collection WHERE organization = ?1 AND place = ?2 AND hidden = 0",
        )
        .sql()?
        .query_row((collection.organization.to_string(), place_text(&collection.place)), |row| {
            Ok(Found { id: CollectionNumber(row.get(0)?), seq: CommitNumber(row.get(1)?), log_count: row.get(2)? })
        })
        .optional()
        .sql()
}

/// The collection to write to: those of logs are made at the first write, those of datasets come with the dataset.
pub(crate) fn for_write(tx: &Tx<'_>, collection: Collection) -> Result<CollectionNumber> {
    match (find(tx.connection, collection)?, collection.place) {
        (Some(found), _) => Ok(found.id),
        (None, Place::Dataset(_)) => Err(Error::not_found()),
        (None, Place::RequestLogs | Place::SavedLogs) => create(tx.connection, collection),
    }
}

/// Makes an empty collection and returns its number.
pub(crate) fn create(connection: &Connection, collection: Collection) -> Result<CollectionNumber> {
    connection
        .prepare_cached("INSERT INTO collection (organization, place) VALUES (?1, ?2)")
        .sql()?
        .execute((collection.organization.to_string(), place_text(&collection.place)))
        .sql()?;
    Ok(CollectionNumber(connection.last_insert_rowid()))
}
