//! The scores of rows, as reads, filters and the column index see them (contract F.6).
//!
//! A row shows the scores of its own collection and, by the same log id, those that name no dataset. Knows the file, not filters.

use crate::engine::writer::Tx;
use crate::file::collection;
use crate::file::error::Sql;
use crate::index::indexes::Change;
use crate::scores::score_line::{self, SELECT, SELECT_WITH_ROW};
use evalset_columns::Columns;
use evalset_model::Result;
use evalset_model::ids::{Collection, LogId, OrganizationId, Place, RowNumber, ScoreId};
use evalset_model::score::{self, RowScores, Score};
use rusqlite::Connection;

/// Where the scores of a collection's rows are found, as of one transaction.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Sight {
    place: Place,
    organization: OrganizationId,
    /// The collection itself, if it has scores.
    own: Option<i64>,
    /// The collection of request logs, if it is another one and has scores.
    base: Option<i64>,
}

impl Sight {
    /// Of the rows of `name`, whose number is `collection`.
    pub fn of(connection: &Connection, name: Collection, collection: i64) -> Result<Self> {
        let mut any = connection.prepare_cached("SELECT 1 FROM score WHERE collection = ?1").sql()?;
        let own = any.exists([collection]).sql()?.then_some(collection);
        let mut base = None;
        if name.place != Place::RequestLogs {
            let logs = Collection { place: Place::RequestLogs, ..name };
            if let Some(logs) = collection::find(connection, logs)?
                && any.exists([logs.id]).sql()?
            {
                base = Some(logs.id);
            }
        }
        Ok(Self { place: name.place, organization: name.organization, own, base })
    }

    /// Whether no row has a score.
    pub fn is_empty(&self) -> bool {
        self.own.is_none() && self.base.is_none()
    }

    /// The scores that the row of this id shows.
    pub fn shown(&self, connection: &Connection, id: &LogId) -> Result<Vec<Score>> {
        let mut all = Vec::new();
        for (collection, place) in [(self.own, self.place), (self.base, Place::RequestLogs)] {
            let Some(collection) = collection else { continue };
            let sql = format!("{SELECT} WHERE s.collection = ?1 AND s.log_id = ?2");
            let mut statement = connection.prepare_cached(&sql).sql()?;
            let mut lines = statement.query((collection, id.as_str())).sql()?;
            while let Some(line) = lines.next().sql()? {
                all.push(score_line::decode(line, self.organization, place)?);
            }
        }
        Ok(score::shown(all, self.place))
    }

    /// The scores of a row as lists show them.
    pub fn of_row(&self, connection: &Connection, id: &LogId) -> Result<RowScores> {
        if self.is_empty() {
            return Ok(RowScores::new());
        }
        let shown = self.shown(connection, id)?;
        Ok(shown.iter().map(|score| (score.source.key(), score::summary(score))).collect())
    }

    /// The scores of a row as filters and columns take them.
    pub fn compared(&self, connection: &Connection, id: &LogId) -> Result<RowScores> {
        if self.is_empty() {
            return Ok(RowScores::new());
        }
        Ok(score::compared(&self.shown(connection, id)?))
    }

    /// Whether a row has scores that may be shown in place of this one under its key or its slug, given its collection, source
    /// and id.
    pub fn has_rivals(
        &self,
        connection: &Connection,
        (collection, source): (i64, i64),
        id: ScoreId,
        score: &Score,
    ) -> Result<bool> {
        // Those of the same source that name no dataset are never shown in place of one that does.
        connection
            .prepare_cached(
                "SELECT 1 FROM score s CROSS JOIN score_source o ON o.number = s.source \
                 WHERE s.collection IN (?1, ?2) AND s.log_id = ?3 AND s.id <> ?4 AND o.slug = ?5 \
                 AND (s.collection = ?1 OR s.source <> ?6)",
            )
            .sql()?
            .exists((
                collection,
                self.base.unwrap_or(collection),
                score.subject.log_id.as_str(),
                id.0,
                &score.source.slug,
                source,
            ))
            .sql()
    }

    /// Writes the scores of all rows into their columns.
    pub fn load(&self, connection: &Connection, collection: i64, columns: &mut Columns) -> Result<()> {
        if self.is_empty() {
            return Ok(());
        }
        // Both halves come by log id, so that all scores of a row stand together.
        let half = |n: usize| format!("{SELECT_WITH_ROW} WHERE s.collection = ?{n}");
        let sql = format!("{} UNION ALL {} ORDER BY log_id", half(2), half(3));
        let mut statement = connection.prepare(&sql).sql()?;
        let mut lines = statement.query((collection, self.own.unwrap_or(0), self.base.unwrap_or(0))).sql()?;
        let mut pending: Option<(RowNumber, Vec<Score>)> = None;
        let mut write = |group: Option<(RowNumber, Vec<Score>)>| {
            if let Some((row, scores)) = group {
                columns.set_scores(row, &score::compared(&score::shown(scores, self.place)));
            }
        };
        while let Some(line) = lines.next().sql()? {
            let row: RowNumber = line.get("row").sql()?;
            let of: i64 = line.get("collection").sql()?;
            let place = if Some(of) == self.own { self.place } else { Place::RequestLogs };
            let score = score_line::decode(line, self.organization, place)?;
            match &mut pending {
                Some((of, scores)) if *of == row => scores.push(score),
                _ => write(pending.replace((row, vec![score]))),
            }
        }
        write(pending);
        Ok(())
    }
}

/// Tells the indexes of every collection that has a row of this id what its scores are now. Inside the writer, after scores
/// that name no dataset changed.
pub(crate) fn refresh_everywhere(tx: &mut Tx<'_>, organization: OrganizationId, id: &LogId) -> Result<()> {
    let mut statement = tx
        .connection
        .prepare_cached(
            "SELECT c.place FROM collection c CROSS JOIN log l ON l.collection = c.id AND l.unique_id = ?2 \
             WHERE c.organization = ?1 AND c.hidden = 0",
        )
        .sql()?;
    let places = statement
        .query_map((organization.to_string(), id.as_str()), |line| line.get::<_, String>(0))
        .sql()?
        .collect::<rusqlite::Result<Vec<_>>>()
        .sql()?;
    for place in places.iter().filter_map(|text| collection::parse_place(text)) {
        refresh(tx, Collection { organization, place }, id)?;
    }
    Ok(())
}

/// Tells the index of a collection what the scores of the row of this id are now, if it has one. Inside the writer.
pub(crate) fn refresh(tx: &mut Tx<'_>, name: Collection, id: &LogId) -> Result<()> {
    let Some(found) = collection::find(tx.connection, name)? else { return Ok(()) };
    let Some(head) = crate::file::row::head(tx.connection, found.id, id)? else { return Ok(()) };
    if tx.indexed(found.id) {
        let scores = Sight::of(tx.connection, name, found.id)?.compared(tx.connection, id)?;
        tx.change(found.id, Change::Scores(head.row, scores));
    } else {
        tx.change(found.id, Change::Reload);
    }
    tx.count(found.id, 0, 0)
}
