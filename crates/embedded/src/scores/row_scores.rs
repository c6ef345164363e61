//! The scores of rows, as reads, filters and the column index see them (contract F.6).
//!
//! A row shows the scores of its own collection and, by the same log id, those that name no dataset. Knows the file,
//! not filters.

use crate::engine::writer::Tx;
use crate::file::collection;
use crate::file::error::Sql;
use crate::file::number::SourceNumber;
use crate::scores::score_line::{self, SELECT, SELECT_WITH_ROW};
use evalset_index::origin::{Scored, Sight};
use evalset_index::{Change, CollectionNumber};
use evalset_model::Result;
use evalset_model::ids::{Collection, LogId, OrganizationId, Place, RowNumber, ScoreId};
use evalset_model::score::Score;
use rusqlite::Connection;

/// Where the scores of the rows of `name` are found, whose number is `collection`, as of one transaction.
pub(crate) fn sight(connection: &Connection, name: Collection, collection: CollectionNumber) -> Result<Sight> {
    let mut any = connection.prepare_cached("SELECT 1 FROM score WHERE collection = ?1").sql()?;
    let own = any.exists([collection.0]).sql()?.then_some(collection);
    let mut base = None;
    if name.place != Place::RequestLogs {
        let logs = Collection { place: Place::RequestLogs, ..name };
        if let Some(logs) = collection::find(connection, logs)?
            && any.exists([logs.id.0]).sql()?
        {
            base = Some(logs.id);
        }
    }
    Ok(Sight { place: name.place, organization: name.organization, own, base })
}

/// All scores of a log id that are in sight.
pub(crate) fn all(connection: &Connection, sight: &Sight, id: &LogId) -> Result<Vec<Score>> {
    let mut all = Vec::new();
    for (collection, place) in [(sight.own, sight.place), (sight.base, Place::RequestLogs)] {
        let Some(collection) = collection else { continue };
        let sql = format!("{} WHERE s.collection = ?1 AND s.log_id = ?2", *SELECT);
        let mut statement = connection.prepare_cached(&sql).sql()?;
        let mut lines = statement.query((collection.0, id.as_str())).sql()?;
        while let Some(line) = lines.next().sql()? {
            all.push(score_line::decode(line, sight.organization, place)?);
        }
    }
    Ok(all)
}

impl Scored for Tx<'_> {
    fn scores(&self, sight: &Sight, id: &LogId) -> Result<Vec<Score>> {
        all(self.connection, sight, id)
    }
}

/// Whether a row has scores that may be shown in place of this one under its key or its slug, given its collection and
/// source, and the id it is kept under.
pub(crate) fn has_rivals(
    connection: &Connection,
    sight: &Sight,
    (collection, source): (CollectionNumber, SourceNumber),
    (id, score): (ScoreId, &Score),
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
            collection.0,
            sight.base.unwrap_or(collection).0,
            score.subject.log_id.as_str(),
            id.0,
            &score.source.slug,
            source,
        ))
        .sql()
}

/// Visits the rows of a collection that have scores in sight, with all of those.
pub(crate) fn each(
    connection: &Connection,
    collection: CollectionNumber,
    sight: &Sight,
    visit: &mut dyn FnMut(RowNumber, Vec<Score>) -> Result<()>,
) -> Result<()> {
    // Both halves come by log id, so that all scores of a row stand together.
    let half = |n: usize| format!("{} WHERE s.collection = ?{n}", *SELECT_WITH_ROW);
    let sql = format!("{} UNION ALL {} ORDER BY log_id", half(2), half(3));
    let mut statement = connection.prepare(&sql).sql()?;
    let number = |of: Option<CollectionNumber>| of.map_or(0, |of| of.0);
    let mut lines = statement.query((collection.0, number(sight.own), number(sight.base))).sql()?;
    let mut pending: Option<(RowNumber, Vec<Score>)> = None;
    while let Some(line) = lines.next().sql()? {
        let row = RowNumber::new(line.get("row").sql()?);
        let of = CollectionNumber(line.get("collection").sql()?);
        let place = if Some(of) == sight.own { sight.place } else { Place::RequestLogs };
        let score = score_line::decode(line, sight.organization, place)?;
        match &mut pending {
            Some((of, scores)) if *of == row => scores.push(score),
            _ => {
                if let Some((row, scores)) = pending.replace((row, vec![score])) {
                    visit(row, scores)?;
                }
            }
        }
    }
    pending.map_or(Ok(()), |(row, scores)| visit(row, scores))
}

/// Tells the indexes of every collection that has a row of this id what its scores are now. Inside the writer, after
/// scores that name no dataset changed.
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
        let scores = sight(tx.connection, name, found.id)?.compared(tx, id)?;
        tx.change(found.id, Change::Scores(head.row, scores));
    } else {
        tx.change(found.id, Change::Reload);
    }
    tx.count(found.id, 0, 0)
}
