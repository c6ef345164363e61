//! Logs and dataset rows in the file: the trait, and writes by id. Reads by filter are
//! answered by `evalset-index`, moves are in `transfer`.

pub(crate) mod transfer;

use crate::Engine;
use crate::engine::writer::Tx;
use crate::file::collection;
use crate::file::error::Sql;
use crate::file::row::{self, Encoded, Head, Update};
use crate::scores::row_scores;
use async_trait::async_trait;
use evalset_index::{Change as IndexChange, CollectionNumber, read_rows, write_rows};
use evalset_model::filter::{LogField, LogFilter};
use evalset_model::ids::{Collection, LogId, OrganizationId, Place, RowNumber, Watermark};
use evalset_model::job::Step;
use evalset_model::log::Log;
use evalset_model::page::Page;
use evalset_model::summary::Sums;
use evalset_model::{Error, Result};
use evalset_store::lists::{List, Listed, Writing, Written};
use evalset_store::logs::{
    Added, Change, Existing, GroupBound, Groups, Logs, Measure, Pick, Query, Row, Selected, Statistics, TracePick,
    TraceQuery, TraceTotals, With,
};
use evalset_store::pieces;

/// Optimistic attempts to change a row before the change is made inside the writer.
const UPDATE_ATTEMPTS: usize = 3;
/// Payloads below about this many bytes are encoded where the request runs.
const SMALL_BYTES: usize = 16 * 1024;

#[async_trait]
impl Logs for Engine {
    async fn insert(&self, name: Collection, rows: Vec<Log>, existing: Existing) -> Result<Added> {
        let rows = encode(rows).await?;
        let bytes = rows.iter().map(Encoded::bytes).sum();
        self.writer
            .run(bytes, move |tx| {
                let collection = collection::for_write(tx, name)?;
                add(tx, name, collection, rows, existing)
            })
            .await
    }

    async fn get(&self, name: Collection, id: &LogId) -> Result<Option<Row>> {
        let id = id.clone();
        self.readers
            .run(move |lease| {
                let connection = lease.begin()?;
                let Some(found) = collection::find(connection, name)? else { return Ok(None) };
                let Some(stored) = row::read_by_id(connection, found.id, &id)? else { return Ok(None) };
                let scores = row_scores::sight(connection, name, found.id)?.shown(lease, &id)?;
                Ok(Some(Row { number: stored.row, log: stored.log, scores }))
            })
            .await
    }

    async fn places(&self, organization: OrganizationId, id: &LogId) -> Result<Vec<Place>> {
        let id = id.clone();
        self.readers
            .run(move |lease| {
                let mut statement = lease
                    .begin()?
                    .prepare_cached(
                        "SELECT c.place FROM collection c WHERE c.organization = ?1 AND c.hidden = 0 AND EXISTS \
                         (SELECT 1 FROM log l WHERE l.collection = c.id AND l.unique_id = ?2) ORDER BY c.id",
                    )
                    .sql()?;
                let mut lines = statement.query((organization.to_string(), id.as_str())).sql()?;
                let mut places = Vec::new();
                while let Some(line) = lines.next().sql()? {
                    places.extend(collection::parse_place(&line.get::<_, String>(0).sql()?));
                }
                Ok(places)
            })
            .await
    }

    async fn update(&self, name: Collection, id: &LogId, change: Change) -> Result<Row> {
        for _ in 0..UPDATE_ATTEMPTS {
            if let Some(row) = self.update_once(name, id.clone(), change.clone()).await? {
                return Ok(row);
            }
        }
        let id = id.clone();
        self.writer
            .run(SMALL_BYTES, move |tx| {
                let collection = collection::for_write(tx, name)?;
                let stored = row::read_by_id(tx.connection, collection, &id)?.ok_or_else(Error::not_found)?;
                let head = Head { row: stored.row, version: stored.version, completed: row::completed(&stored.log) };
                let log = changed(stored.log, &change)?;
                replace(tx, collection, &head, Encoded::new(log.clone())?)?;
                with_scores(tx, name, collection, head.row, log)
            })
            .await
    }

    async fn delete(&self, name: Collection, ids: &[LogId]) -> Result<u64> {
        let ids = ids.to_vec();
        self.writer
            .run(ids.len(), move |tx| {
                let collection = collection::for_write(tx, name)?;
                let mut rows = Vec::with_capacity(ids.len());
                for id in &ids {
                    rows.extend(row::head(tx.connection, collection, id)?.map(|head| head.row));
                }
                delete_rows(tx, name, collection, &rows)
            })
            .await
    }

    async fn page(&self, name: Collection, query: Query) -> Result<Page<Row>> {
        let answers = self.answers.clone();
        self.readers.run_long(move |lease| answers.page(lease, name, &query)).await
    }

    async fn list(&self, name: Collection, list: List) -> Result<Listed> {
        let answers = self.answers.clone();
        self.readers.run_long(move |lease| answers.list(lease, name, &list)).await
    }

    async fn write(&self, name: Collection, rows: &[RowNumber], writing: Writing) -> Result<Written> {
        let rows = rows.to_vec();
        self.readers
            .run_long(move |lease| match collection::find(lease.begin()?, name)? {
                Some(found) => write_rows(lease, name, found.id, &rows, &writing),
                None => Ok(Written { passed: rows.len(), ..Written::default() }),
            })
            .await
    }

    async fn sums(&self, name: Collection, filter: LogFilter) -> Result<Sums> {
        let answers = self.answers.clone();
        self.readers.run_long(move |lease| answers.sums(lease, name, &filter)).await
    }

    async fn groups(&self, name: Collection, filter: LogFilter, by: LogField, bound: GroupBound) -> Result<Groups> {
        let answers = self.answers.clone();
        self.readers.run_long(move |lease| answers.groups(lease, name, (&filter, &by), &bound)).await
    }

    async fn statistics(&self, name: Collection, filter: LogFilter, of: &[Measure]) -> Result<Statistics> {
        let (answers, of) = (self.answers.clone(), of.to_vec());
        self.readers.run_long(move |lease| answers.statistics(lease, name, &filter, &of)).await
    }

    async fn watermark(&self, name: Collection) -> Result<Watermark> {
        self.readers
            .run(move |lease| {
                lease
                    .begin()?
                    .prepare_cached(
                        "SELECT coalesce(max(row), 0) FROM log WHERE collection = \
                         (SELECT id FROM collection WHERE organization = ?1 AND place = ?2 AND hidden = 0)",
                    )
                    .sql()?
                    .query_row((name.organization.to_string(), collection::place_text(&name.place)), |line| line.get(0))
                    .sql()
                    .map(Watermark::new)
            })
            .await
    }

    async fn select(&self, name: Collection, pick: Pick) -> Result<Box<dyn Selected>> {
        let answers = self.answers.clone();
        let selected = self.readers.run_long(move |lease| answers.select(lease, name, &pick)).await?;
        Ok(Box::new(selected))
    }

    async fn traces(&self, name: Collection, query: TraceQuery) -> Result<Page<TraceTotals>> {
        let answers = self.answers.clone();
        self.readers.run_long(move |lease| answers.traces(lease, name, &query)).await
    }

    async fn select_traces(&self, name: Collection, pick: TracePick) -> Result<Box<dyn Selected>> {
        let answers = self.answers.clone();
        let selected = self.readers.run_long(move |lease| answers.select_traces(lease, name, &pick)).await?;
        Ok(Box::new(selected))
    }

    async fn trace_totals(
        &self,
        name: Collection,
        roots: &[RowNumber],
        watermark: Option<Watermark>,
    ) -> Result<Vec<TraceTotals>> {
        let (answers, roots) = (self.answers.clone(), roots.to_vec());
        self.readers.run_long(move |lease| answers.trace_totals(lease, name, &roots, watermark)).await
    }

    async fn read(&self, name: Collection, rows: &[RowNumber], with: With) -> Result<Vec<Row>> {
        let rows = rows.to_vec();
        self.readers
            .run_long(move |lease| match collection::find(lease.begin()?, name)? {
                Some(found) => read_rows(lease, name, found.id, &rows, with, usize::MAX),
                None => Ok(Vec::new()),
            })
            .await
    }

    async fn copy(&self, from: Collection, rows: &[RowNumber], to: Collection, step: Option<Step>) -> Result<Added> {
        let (mut added, bound, mut rest) = (Added::default(), self.copy_bytes, rows);
        loop {
            let (owned, step) = (rest.to_vec(), step.clone());
            let is_step = step.is_some();
            let bytes = transfer::estimate(rest.len()).min(bound);
            let part = self.writer.run(bytes, move |tx| transfer::copy(tx, from, &owned, to, (step, bound))).await?;
            added.written += part.written;
            added.skipped += part.skipped;
            rest = rest.get(part.rows()..).unwrap_or_default();
            if is_step || rest.is_empty() {
                return Ok(added);
            }
        }
    }

    async fn remove(&self, name: Collection, rows: &[RowNumber], step: Option<Step>) -> Result<u64> {
        let rows = rows.to_vec();
        // What is removed adds little to a transaction, whatever its size.
        self.writer
            .run(rows.len() * 1_024, move |tx| {
                let collection = collection::for_write(tx, name)?;
                if let Some(done) = crate::jobs::attempt::done_before(tx.connection, step.as_ref(), &rows)? {
                    return Ok(done.affected);
                }
                let removed = delete_rows(tx, name, collection, &rows)?;
                if let Some(step) = step {
                    crate::jobs::attempt::advance_by(tx.connection, step, &rows, removed)?;
                }
                Ok(removed)
            })
            .await
    }
}

impl Engine {
    /// Reads, changes and encodes a row outside the writer; `None` when another write came between.
    async fn update_once(&self, name: Collection, id: LogId, change: Change) -> Result<Option<Row>> {
        let (collection, head, log, encoded) = self
            .readers
            .run(move |lease| {
                let connection = lease.begin()?;
                let found = collection::find(connection, name)?.ok_or_else(Error::not_found)?;
                let stored = row::read_by_id(connection, found.id, &id)?.ok_or_else(Error::not_found)?;
                lease.end()?;
                let head = Head { row: stored.row, version: stored.version, completed: row::completed(&stored.log) };
                let log = changed(stored.log, &change)?;
                let encoded = Encoded::new(log.clone())?;
                Ok((found.id, head, log, encoded))
            })
            .await?;
        self.writer
            .run(encoded.bytes(), move |tx| {
                // The row may have gone into hiding with its collection.
                if collection::for_write(tx, name)? != collection {
                    return Ok(None);
                }
                if !replace(tx, collection, &head, encoded)? {
                    return Ok(None);
                }
                with_scores(tx, name, collection, head.row, log).map(Some)
            })
            .await
    }
}

/// A row with the scores it shows now.
fn with_scores(
    tx: &Tx<'_>,
    name: Collection,
    collection: CollectionNumber,
    number: RowNumber,
    log: Log,
) -> Result<Row> {
    let scores = row_scores::sight(tx.connection, name, collection)?.shown(tx, &log.id)?;
    Ok(Row { number, log, scores })
}

/// The new form of a row.
fn changed(log: Log, change: &Change) -> Result<Log> {
    let id = log.id.clone();
    let log = change(log)?;
    if log.id == id { Ok(log) } else { Err(Error::internal("a change of a row changed its id")) }
}

/// Encodes rows, on blocking threads unless there is little to do.
async fn encode(rows: Vec<Log>) -> Result<Vec<Encoded>> {
    if rows.iter().map(|log| log.payload.bytes()).sum::<usize>() <= SMALL_BYTES {
        return rows.into_iter().map(Encoded::new).collect();
    }
    pieces::in_pieces(rows, Encoded::new).await?.into_iter().collect()
}

/// Adds encoded rows.
fn add(
    tx: &mut Tx<'_>,
    name: Collection,
    collection: CollectionNumber,
    rows: Vec<Encoded>,
    existing: Existing,
) -> Result<Added> {
    let mut added = Added::default();
    // Scores may be there before their record is.
    let sight = row_scores::sight(tx.connection, name, collection)?;
    let (mut new, mut completed) = (0, 0);
    for encoded in rows {
        let row = tx.next_row();
        if encoded.insert(tx.connection, row, collection)? {
            tx.use_rows(1);
            new += 1;
            completed += i64::from(row::completed(&encoded.log));
            let scores = sight.compared(tx, &encoded.log.id)?;
            tx.change(collection, IndexChange::Append(row, Box::new(encoded.log), scores));
        } else {
            match existing {
                Existing::New => {
                    return Err(Error::Conflict("There is a row with an id that was to be new.".to_owned()));
                }
                Existing::Keep => {
                    added.skipped += 1;
                    continue;
                }
                Existing::Replace => {
                    let head = row::head(tx.connection, collection, &encoded.log.id)?
                        .ok_or_else(|| Error::internal("a row that is in the way cannot be found"))?;
                    replace(tx, collection, &head, encoded)?;
                    added.replaced += 1;
                }
            }
        }
        added.written += 1;
    }
    if new > 0 {
        tx.count_added(collection, new, completed)?;
    }
    Ok(added)
}

/// Writes new values over a row, unless it is no longer as `head` says.
fn replace(tx: &mut Tx<'_>, collection: CollectionNumber, head: &Head, encoded: Encoded) -> Result<bool> {
    let text = match encoded.update(tx.connection, head.row, head.version)? {
        Update::Stale => return Ok(false),
        Update::Columns => false,
        Update::Payload => true,
    };
    if text {
        tx.note_text(collection, head.row)?;
    }
    let completed = i64::from(row::completed(&encoded.log)) - i64::from(head.completed);
    tx.count(collection, 0, completed)?;
    tx.change(collection, IndexChange::Replace { row: head.row, log: Box::new(encoded.log), text });
    Ok(true)
}

/// Deletes rows by number; returns how many there were.
fn delete_rows(tx: &mut Tx<'_>, name: Collection, collection: CollectionNumber, rows: &[RowNumber]) -> Result<u64> {
    let (mut gone, mut completed) = (0, 0);
    for row in rows {
        let Some(was) = row::delete(tx.connection, collection, *row)? else { continue };
        gone += 1;
        completed += i64::from(was.completed);
        tx.change(collection, IndexChange::Remove(*row));
        if let (Place::RequestLogs, Some(id)) = (name.place, was.scored) {
            // Rows of datasets showed them too.
            row_scores::refresh_everywhere(tx, name.organization, &id)?;
        }
    }
    if gone > 0 {
        tx.count(collection, -gone, -completed)?;
    }
    Ok(gone.unsigned_abs())
}
