//! The transaction of a commit as a command sees it: what it writes through, and what it tells of its changes. Does not know
//! when it is committed.

use super::Watched;
use crate::file::damage::Damage;
use crate::file::derived;
use crate::file::error::Sql;
use evalset_index::{Change, CollectionNumber, CommitNumber};
use evalset_model::Result;
use evalset_model::ids::RowNumber;
use rusqlite::Connection;

/// The transaction as a command sees it.
pub(crate) struct Tx<'c> {
    /// The writer's connection, inside a transaction.
    pub connection: &'c Connection,
    /// Number of this commit.
    pub(super) seq: CommitNumber,
    /// The number that the next new row gets.
    pub(super) next_row: i64,
    /// What it did to collections so far, in order.
    pub(super) changes: Vec<(CollectionNumber, Change)>,
    pub(super) watched: &'c Watched,
}

impl Tx<'_> {
    /// The number that the next new row gets; it is used up by [`Tx::use_rows`].
    pub fn next_row(&self) -> RowNumber {
        RowNumber::new(self.next_row)
    }

    /// Marks so many numbers from [`Tx::next_row`] on as given out.
    pub fn use_rows(&mut self, count: usize) {
        self.next_row += count as i64;
    }

    /// Records what the index of a collection has to learn after the commit.
    pub fn change(&mut self, collection: CollectionNumber, change: Change) {
        self.changes.push((collection, change));
    }

    /// Whether an index wants the changes of this collection row by row. When not, `Change::Reload` is enough.
    pub fn indexed(&self, collection: CollectionNumber) -> bool {
        self.watched.derived.indexes.tracks(collection)
    }

    /// Notes that a row gets another text, if its collection has a text index.
    pub fn note_text(&self, collection: CollectionNumber, row: RowNumber) -> Result<()> {
        if self.watched.derived.texts.tracks(collection) {
            derived::note_text(self.connection, collection, row, self.seq)?;
        }
        Ok(())
    }

    /// Where rows that cannot be read are noted.
    pub fn damage(&self) -> &Damage {
        &self.watched.damage
    }

    /// Adds to the counts of a collection and marks it as changed by this commit, in any way.
    pub fn count(&mut self, collection: CollectionNumber, rows: i64, completed: i64) -> Result<()> {
        self.changed(collection, rows, completed, false)
    }

    /// As [`Tx::count`], for a commit that only adds rows: a snapshot of the index stays of use.
    pub fn count_added(&mut self, collection: CollectionNumber, rows: i64, completed: i64) -> Result<()> {
        self.changed(collection, rows, completed, true)
    }

    fn changed(&mut self, collection: CollectionNumber, rows: i64, completed: i64, only_added: bool) -> Result<()> {
        self.connection
            .prepare_cached(
                "UPDATE collection SET log_count = log_count + ?2, seq = ?4, changed = iif(?5, changed, ?4), \
                 completed_annotation_count = completed_annotation_count + ?3 WHERE id = ?1",
            )
            .sql()?
            .execute((collection.0, rows, completed, self.seq.0, only_added))
            .sql()?;
        // Without it the number would be given to the next commit too, which an index read meanwhile would take for
        // known.
        self.change(collection, Change::Touch);
        Ok(())
    }
}
