//! One log as a row of `log` and a row of `payload`, there and back.
//!
//! Does not know collections, counts or the column index.

use crate::file::damage::{Fault, Unreadable};
use crate::file::error::Sql;
use crate::file::payload::{self, Body};
use crate::file::schema::{FIXED, INSERT, SELECT, UPDATE};
use evalset_index::CollectionNumber;
use evalset_model::field::Field;
use evalset_model::ids::{LogId, RowNumber};
use evalset_model::log::Log;
use evalset_model::scalar::{Kind, Scalar};
use evalset_model::{Error, Result};
use rusqlite::types::{Null, ValueRef};
use rusqlite::{Connection, OptionalExtension, Row, Statement};

/// `annotation_status` of an annotated row (contract G.3).
const COMPLETED: &str = "completed";

/// Whether a row counts in `completed_annotation_count`.
pub(crate) fn completed(log: &Log) -> bool {
    log.text(Field::AnnotationStatus) == Some(COMPLETED)
}

/// A log made ready to be written: what takes time is done before the writer sees it.
pub(crate) struct Encoded {
    /// The log without its payload.
    pub log: Log,
    /// Its metadata as JSON text; none when empty.
    pub metadata: Option<String>,
    /// Its payload.
    pub body: Body,
}

impl Encoded {
    /// Encodes a log.
    pub fn new(mut log: Log) -> Result<Self> {
        let body = payload::encode(&std::mem::take(&mut log.payload))?;
        let metadata = if log.metadata.is_empty() {
            None
        } else {
            Some(serde_json::to_string(&log.metadata).map_err(Error::internal)?)
        };
        Ok(Self { log, metadata, body })
    }

    /// About how much it adds to a transaction.
    pub fn bytes(&self) -> usize {
        self.body.bytes.len() + self.metadata.as_ref().map_or(0, String::len) + 512
    }

    /// Adds it under this row number; false when the id is in the collection already.
    pub fn insert(&self, connection: &Connection, row: RowNumber, collection: CollectionNumber) -> Result<bool> {
        let mut statement = connection.prepare_cached(&INSERT).sql()?;
        statement.raw_bind_parameter(1, row.get()).sql()?;
        statement.raw_bind_parameter(2, collection.0).sql()?;
        self.bind_rest(&mut statement)?;
        if statement.raw_execute().sql()? == 0 {
            return Ok(false);
        }
        let mut statement =
            connection.prepare_cached("INSERT INTO payload (row, codec, body) VALUES (?1, ?2, ?3)").sql()?;
        statement.execute((row.get(), self.body.codec, &self.body.bytes)).sql()?;
        Ok(true)
    }

    /// Writes it over the row if that is still at this version. A payload that is the same stays where it is.
    pub fn update(&self, connection: &Connection, row: RowNumber, version: i64) -> Result<Update> {
        let mut statement = connection.prepare_cached(&UPDATE).sql()?;
        statement.raw_bind_parameter(1, row.get()).sql()?;
        statement.raw_bind_parameter(2, version).sql()?;
        self.bind_rest(&mut statement)?;
        if statement.raw_execute().sql()? == 0 {
            return Ok(Update::Stale);
        }
        let mut same =
            connection.prepare_cached("SELECT 1 FROM payload WHERE row = ?1 AND codec = ?2 AND body = ?3").sql()?;
        if same.exists((row.get(), self.body.codec, &self.body.bytes)).sql()? {
            return Ok(Update::Columns);
        }
        let mut statement =
            connection.prepare_cached("INSERT OR REPLACE INTO payload (row, codec, body) VALUES (?1, ?2, ?3)").sql()?;
        statement.execute((row.get(), self.body.codec, &self.body.bytes)).sql()?;
        Ok(Update::Payload)
    }

    fn bind_rest(&self, statement: &mut Statement<'_>) -> Result<()> {
        statement.raw_bind_parameter(3, self.log.id.as_str()).sql()?;
        statement.raw_bind_parameter(4, self.metadata.as_deref()).sql()?;
        for field in Field::ALL {
            let index = FIXED + 1 + field.index();
            match self.log.scalars.get(*field) {
                None => statement.raw_bind_parameter(index, Null),
                Some(Scalar::Text(text)) => statement.raw_bind_parameter(index, text.as_str()),
                Some(Scalar::Int(number) | Scalar::Time(number)) => statement.raw_bind_parameter(index, number),
                Some(Scalar::Float(number)) => statement.raw_bind_parameter(index, number),
                Some(Scalar::Bool(flag)) => statement.raw_bind_parameter(index, flag),
            }
            .sql()?;
        }
        Ok(())
    }
}

/// What became of writing over a row.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Update {
    /// Nothing was written: the row is at another version, or gone.
    Stale,
    /// The payload is as it was.
    Columns,
    /// The payload is another one.
    Payload,
}

/// A log as read, with its place in the store. Its payload is there only if asked for.
pub(crate) struct Stored {
    /// Row number.
    pub row: RowNumber,
    /// Grows with each change of the row.
    pub version: i64,
    /// The log.
    pub log: Log,
    /// Bytes of its metadata as JSON text.
    pub metadata_bytes: usize,
    /// Bytes of its payload as JSON text, if that was read.
    pub payload_bytes: usize,
}

/// What is wrong with a row in whose column is what cannot be there.
pub(crate) fn wrong(row: RowNumber, column: &str) -> Unreadable {
    Unreadable { row, what: format!("holds a wrong `{column}`") }
}

/// Reads one line of [`SELECT`].
pub(crate) fn decode(line: &Row<'_>) -> Result<Stored, Unreadable> {
    let row = line.get(0).map_err(|cause| Unreadable { row: RowNumber::new(0), what: cause.to_string() })?;
    let row = RowNumber::new(row);
    let wrong = |column: &str| wrong(row, column);
    let version = line.get(1).map_err(|_| wrong("version"))?;
    let mut log = Log::new(LogId(line.get(2).map_err(|_| wrong("unique_id"))?));
    let metadata = line.get_ref(3).map_err(|_| wrong("metadata"))?;
    let metadata = metadata.as_str_or_null().map_err(|_| wrong("metadata"))?;
    if let Some(text) = metadata {
        log.metadata = serde_json::from_str(text).map_err(|_| wrong("metadata"))?;
    }
    for field in Field::ALL {
        let value = match (field.kind(), line.get_ref(FIXED + field.index()).map_err(|_| wrong(field.name()))?) {
            (_, ValueRef::Null) => continue,
            (Kind::Text, ValueRef::Text(text)) => {
                Scalar::Text(std::str::from_utf8(text).map_err(|_| wrong(field.name()))?.to_owned())
            }
            (Kind::Int, ValueRef::Integer(number)) => Scalar::Int(number),
            (Kind::Time, ValueRef::Integer(number)) => Scalar::Time(number),
            (Kind::Bool, ValueRef::Integer(number)) => Scalar::Bool(number != 0),
            (Kind::Float, ValueRef::Real(number)) => Scalar::Float(number),
            _ => return Err(wrong(field.name())),
        };
        log.scalars.set(*field, Some(value));
    }
    Ok(Stored { row, version, log, metadata_bytes: metadata.map_or(0, str::len), payload_bytes: 0 })
}

/// A payload as read.
pub(crate) struct Payload {
    /// Its members.
    pub members: evalset_model::log::Payload,
    /// Bytes of its JSON text.
    pub bytes: usize,
}

/// The payload of a row; none when the row is gone.
pub(crate) fn read_payload(connection: &Connection, row: RowNumber) -> Result<Option<Payload>, Fault> {
    let mut statement = connection.prepare_cached("SELECT codec, body FROM payload WHERE row = ?1").sql()?;
    let mut lines = statement.query([row.get()]).sql()?;
    let Some(line) = lines.next().sql()? else { return Ok(None) };
    let wrong = |cause: &dyn std::fmt::Display| Unreadable { row, what: format!("has an unreadable payload: {cause}") };
    let codec: i64 = line.get(0).map_err(|cause| wrong(&cause))?;
    let body = line.get_ref(1).sql()?.as_blob().map_err(|cause| wrong(&cause))?;
    let members = payload::decode(codec, body).map_err(|cause| wrong(&cause))?;
    Ok(Some(Payload { bytes: members.bytes(), members }))
}

/// What is wrong with a row whose payload is not there.
pub(crate) fn without_payload(row: RowNumber) -> Unreadable {
    Unreadable { row, what: "has no payload".to_owned() }
}

/// A row of the collection by number, without its payload.
pub(crate) fn read_columns(
    connection: &Connection,
    collection: CollectionNumber,
    row: RowNumber,
) -> Result<Option<Stored>, Fault> {
    static SQL: std::sync::LazyLock<String> =
        std::sync::LazyLock::new(|| format!("{} WHERE row = ?1 AND collection = ?2", *SELECT));
    let mut statement = connection.prepare_cached(&SQL).sql()?;
    let mut lines = statement.query((row.get(), collection.0)).sql()?;
    Ok(lines.next().sql()?.map(decode).transpose()?)
}

/// A full row of the collection by id.
pub(crate) fn read_by_id(
    connection: &Connection,
    collection: CollectionNumber,
    id: &LogId,
) -> Result<Option<Stored>, Fault> {
    static SQL: std::sync::LazyLock<String> =
        std::sync::LazyLock::new(|| format!("{} WHERE collection = ?1 AND unique_id = ?2", *SELECT));
    let mut statement = connection.prepare_cached(&SQL).sql()?;
    let mut lines = statement.query((collection.0, id.as_str())).sql()?;
    let stored = lines.next().sql()?.map(decode).transpose()?;
    stored.map(|stored| with_payload(connection, stored)).transpose()
}

/// The row with its payload.
pub(crate) fn with_payload(connection: &Connection, mut stored: Stored) -> Result<Stored, Fault> {
    let read = read_payload(connection, stored.row)?.ok_or_else(|| without_payload(stored.row))?;
    (stored.log.payload, stored.payload_bytes) = (read.members, read.bytes);
    Ok(stored)
}

/// What the writer must know of a row before it changes it.
pub(crate) struct Head {
    /// Row number.
    pub row: RowNumber,
    /// Version.
    pub version: i64,
    /// Counts as annotated.
    pub completed: bool,
}

/// Row number, version and annotation of the row with this id.
pub(crate) fn head(connection: &Connection, collection: CollectionNumber, id: &LogId) -> Result<Option<Head>> {
    let mut statement = connection
        .prepare_cached(
            "SELECT row, version, annotation_status IS 'completed' FROM log WHERE collection = ?1 AND unique_id = ?2",
        )
        .sql()?;
    statement
        .query_row((collection.0, id.as_str()), |line| {
            Ok(Head { row: RowNumber::new(line.get(0)?), version: line.get(1)?, completed: line.get(2)? })
        })
        .optional()
        .sql()
}

/// What a row was that was deleted.
pub(crate) struct Gone {
    /// Counted as annotated.
    pub completed: bool,
    /// Its id, if scores went with it.
    pub scored: Option<LogId>,
}

/// Deletes a row with its scores; `None` when it is not in the collection.
pub(crate) fn delete(connection: &Connection, collection: CollectionNumber, row: RowNumber) -> Result<Option<Gone>> {
    let mut statement = connection
        .prepare_cached(
            "DELETE FROM log WHERE row = ?1 AND collection = ?2 RETURNING annotation_status IS 'completed', unique_id",
        )
        .sql()?;
    // A damaged id is no reason to stay; nothing can be said of it either.
    let gone: Option<(bool, Option<String>)> =
        statement.query_row((row.get(), collection.0), |line| Ok((line.get(0)?, line.get(1).ok()))).optional().sql()?;
    let Some((completed, id)) = gone else { return Ok(None) };
    connection.prepare_cached("DELETE FROM payload WHERE row = ?1").sql()?.execute([row.get()]).sql()?;
    let Some(id) = id else { return Ok(Some(Gone { completed, scored: None })) };
    let scores = connection
        .prepare_cached("DELETE FROM score WHERE collection = ?1 AND log_id = ?2")
        .sql()?
        .execute((collection.0, &id))
        .sql()?;
    Ok(Some(Gone { completed, scored: (scores > 0).then_some(LogId(id)) }))
}
