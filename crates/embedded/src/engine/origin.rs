//! The data file as the origin of the indexes: what they read of it, and what it remembers for them.

use crate::engine::readers::{self, Readers};
use crate::engine::stop;
use crate::engine::writer::{Tx, Writer};
use crate::file::damage::Fault;
use crate::file::error::Sql;
use crate::file::schema::SELECT;
use crate::file::{collection, derived, row};
use crate::scores::{row_scores, sources};
use evalset_index::origin::{Fetched, Fields, Found, Kept, Lease, Origin, Scored, Sight, Since, Stop};
use evalset_index::{CollectionNumber, CommitNumber, Derived};
use evalset_model::Result;
use evalset_model::ids::{Collection, LogId, OrganizationId, RowNumber};
use evalset_model::log::{Log, Payload};
use evalset_model::score::{Score, Source};
use rusqlite::{Connection, OptionalExtension};
use std::sync::Arc;
use std::time::Duration;

/// The file with its readers and its writer.
pub(crate) struct DataFile {
    /// Where reads get their connections.
    pub readers: Arc<Readers>,
    /// The one that writes.
    pub writer: Arc<Writer>,
    /// What the writer tells of its commits.
    pub derived: Derived,
}

impl Origin for DataFile {
    fn pushes(&self) -> bool {
        true
    }

    fn spare(&self) -> Option<Box<dyn Lease>> {
        self.readers.spare().map(|lease| Box::new(lease) as Box<dyn Lease>)
    }

    fn own(&self) -> Result<Box<dyn Lease>> {
        Ok(Box::new(self.readers.beyond()?))
    }

    fn commits(&self) -> u64 {
        self.writer.commits()
    }

    fn settle(&self) -> Result<()> {
        self.writer.run_beside(0, |_| Ok(()))
    }

    fn keep(&self, collection: CollectionNumber, patience: Duration) {
        let indexes = self.derived.indexes.clone();
        self.writer.order(move |tx: &mut Tx<'_>| {
            indexes.save(collection, patience, |kept| derived::keep_snapshot(tx.connection, collection, kept))
        });
    }

    fn keep_texts(
        &self,
        collection: CollectionNumber,
        list: Kept,
        rows: Vec<RowNumber>,
        seq: CommitNumber,
    ) -> Result<()> {
        self.writer.run_beside(rows.len() * 16, move |tx| {
            derived::keep_texts(tx.connection, (collection, list.token), &rows, seq)
        })
    }

    fn forget_texts(&self, collection: CollectionNumber) -> Result<()> {
        self.writer.run_beside(0, move |tx| derived::forget_texts(tx.connection, collection))
    }
}

impl Stop for stop::Stop {
    fn go_on(&self) -> Result<()> {
        stop::Stop::go_on(self)
    }
}

impl Scored for readers::Lease {
    fn scores(&self, sight: &Sight, id: &LogId) -> Result<Vec<Score>> {
        row_scores::all(self.connection()?, sight, id)
    }
}

impl Lease for readers::Lease {
    fn stop(&self) -> &dyn Stop {
        readers::Lease::stop(self)
    }

    fn begin(&self) -> Result<()> {
        readers::Lease::begin(self).map(drop)
    }

    fn end(&self) -> Result<()> {
        readers::Lease::end(self)
    }

    fn find(&self, name: Collection) -> Result<Option<Found>> {
        let found = collection::find(self.connection()?, name)?;
        Ok(found.map(|found| Found { id: found.id, seq: found.seq }))
    }

    fn name(&self, collection: CollectionNumber) -> Result<Option<Collection>> {
        collection::name(self.connection()?, collection)
    }

    fn commit(&self, collection: CollectionNumber) -> Result<Option<CommitNumber>> {
        Ok(commits(self.connection()?, collection)?.map(|(seq, _)| seq))
    }

    fn collections(&self) -> Result<Vec<(CollectionNumber, u64)>> {
        let mut visible =
            self.connection()?.prepare_cached("SELECT id, log_count FROM collection WHERE hidden = 0").sql()?;
        let visible =
            visible.query_map([], |line| Ok((CollectionNumber(line.get(0)?), line.get::<_, i64>(1)?.unsigned_abs())));
        visible.sql()?.collect::<rusqlite::Result<_>>().sql()
    }

    /// Commits themselves are not kept: only whether rows were changed.
    fn since(&self, collection: CollectionNumber, seq: CommitNumber) -> Result<Since> {
        Ok(match commits(self.connection()?, collection)? {
            Some((newest, changed)) if changed <= seq && seq <= newest => Since::Added,
            _ => Since::Unknown,
        })
    }

    fn each_row(
        &self,
        collection: CollectionNumber,
        above: RowNumber,
        visit: &mut dyn FnMut(Fields) -> Result<()>,
    ) -> Result<()> {
        let sql = format!("{} WHERE collection = ?1 AND row > ?2 ORDER BY row", *SELECT);
        let mut statement = self.connection()?.prepare(&sql).sql()?;
        let mut lines = statement.query((collection.0, above.get())).sql()?;
        while let Some(line) = lines.next().sql()? {
            match row::decode(line) {
                Ok(row::Stored { row, log, metadata_bytes, .. }) => visit(Fields { row, log, metadata_bytes })?,
                Err(unreadable) => self.damage().note(collection, &unreadable),
            }
        }
        Ok(())
    }

    fn rows_above(&self, collection: CollectionNumber, above: RowNumber, most: usize) -> Result<Vec<RowNumber>> {
        let most = i64::try_from(most).unwrap_or(i64::MAX);
        self.connection()?
            .prepare_cached("SELECT row FROM log WHERE collection = ?1 AND row > ?2 ORDER BY row LIMIT ?3")
            .sql()?
            .query_map((collection.0, above.get(), most), |line| line.get(0).map(RowNumber::new))
            .sql()?
            .collect::<rusqlite::Result<_>>()
            .sql()
    }

    fn last_row(&self, collection: CollectionNumber) -> Result<RowNumber> {
        self.connection()?
            .prepare_cached("SELECT coalesce(max(row), 0) FROM log WHERE collection = ?1")
            .sql()?
            .query_row([collection.0], |line| line.get(0).map(RowNumber::new))
            .sql()
    }

    fn fields(&self, collection: CollectionNumber, row: RowNumber) -> Result<Fetched<Log>> {
        let read = row::read_columns(self.connection()?, collection, row);
        fetched(self, collection, read).map(|fetched| fetched.map(|stored| stored.log))
    }

    fn payload(&self, collection: CollectionNumber, row: RowNumber) -> Result<Fetched<Payload>> {
        let connection = self.connection()?;
        let read = match row::read_payload(connection, row) {
            Ok(None) if there(connection, collection, row)? => Err(row::without_payload(row).into()),
            read => read,
        };
        fetched(self, collection, read).map(|fetched| fetched.map(|payload| payload.members))
    }

    fn sight(&self, name: Collection, collection: CollectionNumber) -> Result<Sight> {
        row_scores::sight(self.connection()?, name, collection)
    }

    fn each_scored(
        &self,
        collection: CollectionNumber,
        sight: &Sight,
        visit: &mut dyn FnMut(RowNumber, Vec<Score>) -> Result<()>,
    ) -> Result<()> {
        row_scores::each(self.connection()?, collection, sight, visit)
    }

    fn sources(&self, organization: OrganizationId) -> Result<Vec<Source>> {
        sources::all(self.connection()?, organization)
    }

    fn snapshot(&self, collection: CollectionNumber) -> Result<Option<Kept>> {
        derived::snapshot(self.connection()?, collection)
    }

    fn text_list(&self, collection: CollectionNumber) -> Result<Option<Kept>> {
        // Changes after it are noted row by row: its commit does not matter.
        let token = derived::text_list(self.connection()?, collection)?;
        Ok(token.map(|token| Kept { seq: CommitNumber(0), token }))
    }
}

/// The last commit that changed a collection, and the last one that did more than add rows; `None` when it is hidden or
/// gone.
fn commits(connection: &Connection, collection: CollectionNumber) -> Result<Option<(CommitNumber, CommitNumber)>> {
    connection
        .prepare_cached("SELECT seq, changed FROM collection WHERE id = ?1 AND hidden = 0")
        .sql()?
        .query_row([collection.0], |line| Ok((CommitNumber(line.get(0)?), CommitNumber(line.get(1)?))))
        .optional()
        .sql()
}

/// Whether a row is in the collection, in whatever state.
fn there(connection: &Connection, collection: CollectionNumber, row: RowNumber) -> Result<bool> {
    let mut there = connection.prepare_cached("SELECT 1 FROM log WHERE row = ?1 AND collection = ?2").sql()?;
    there.exists((row.get(), collection.0)).sql()
}

/// What became of a read of one row; damage is noted.
fn fetched<T>(
    lease: &readers::Lease,
    collection: CollectionNumber,
    read: Result<Option<T>, Fault>,
) -> Result<Fetched<T>> {
    match read {
        Ok(Some(value)) => Ok(Fetched::There(value)),
        Ok(None) => Ok(Fetched::Gone),
        Err(Fault::Row(unreadable)) => {
            lease.damage().note(collection, &unreadable);
            Ok(Fetched::Unreadable)
        }
        Err(Fault::Store(error)) => Err(error),
    }
}
