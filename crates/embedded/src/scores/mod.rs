//! Scores in the file (contract F.5). The scores that rows show are in `row_scores`, one line of the table in
//! `score_line`.

pub(crate) mod row_scores;
pub(crate) mod score_line;
pub(crate) mod score_query;
pub(crate) mod sources;

use crate::Engine;
use crate::engine::writer::Tx;
use crate::file::collection;
use crate::file::error::Sql;
use crate::file::number::SourceNumber;
use crate::scores::score_line::{Failure, SELECT};
use crate::scores::score_query::narrowed;
use async_trait::async_trait;
use evalset_index::origin::Sight;
use evalset_index::{Change as IndexChange, CollectionNumber};
use evalset_model::filter::scores as meaning;
use evalset_model::ids::{Collection, OrganizationId, Place, RowNumber, ScoreId};
use evalset_model::page::Page;
use evalset_model::score::{ComparedScore, Score};
use evalset_model::{Error, Result};
use evalset_store::scores::{ScoreChange, ScoreQuery, Scores};
use rusqlite::{Connection, params_from_iter};
use std::sync::Arc;

#[async_trait]
impl Scores for Engine {
    async fn put(&self, score: Score) -> Result<(Score, bool)> {
        self.writer
            .run(2_048, move |tx| {
                let collection = collection::for_write(tx, score.subject.collection())?;
                let source = score_line::source(tx, &score)?;
                let present = score_line::present(tx.connection, &score, (collection, source))?;
                score_line::upsert(tx.connection, &score, (collection, source), Failure::Yields)?;
                show(tx, &score)?;
                let stored = find(tx.connection, score.subject.organization, present.unwrap_or(score.id))?;
                let stored = stored.ok_or_else(|| Error::internal("a score that was written cannot be found"))?;
                Ok((stored, present.is_none()))
            })
            .await
    }

    async fn get(&self, organization: OrganizationId, id: ScoreId) -> Result<Option<Score>> {
        self.readers.run(move |lease| find(lease.begin()?, organization, id)).await
    }

    async fn update(&self, organization: OrganizationId, id: ScoreId, change: ScoreChange) -> Result<Score> {
        self.writer
            .run(2_048, move |tx| {
                let present = find(tx.connection, organization, id)?.ok_or_else(Error::not_found)?;
                let changed = change(present.clone())?;
                let kept = present.changed_to(changed);
                let collection = collection::for_write(tx, kept.subject.collection())?;
                let source = score_line::source(tx, &kept)?;
                score_line::upsert(tx.connection, &kept, (collection, source), Failure::Replaces)?;
                show(tx, &kept)?;
                Ok(kept)
            })
            .await
    }

    async fn delete(&self, organization: OrganizationId, id: ScoreId) -> Result<bool> {
        self.writer
            .run(512, move |tx| {
                let Some(score) = find(tx.connection, organization, id)? else { return Ok(false) };
                tx.connection.prepare_cached("DELETE FROM score WHERE id = ?1").sql()?.execute([id.0]).sql()?;
                show(tx, &score)?;
                Ok(true)
            })
            .await
    }

    async fn list(&self, organization: OrganizationId, query: ScoreQuery) -> Result<Page<Score>> {
        self.readers
            .run_long(move |lease| {
                let connection = lease.begin()?;
                let places = places(connection, organization)?;
                let (condition, values) = narrowed(&query.filter, &places);
                let sql = format!("{} WHERE {condition}", *SELECT);
                let mut statement = connection.prepare_cached(&sql).sql()?;
                let mut lines = statement.query(params_from_iter(values)).sql()?;
                let mut found = Vec::new();
                while let Some(line) = lines.next().sql()? {
                    lease.stop().go_on()?;
                    let collection = CollectionNumber(line.get("collection").sql()?);
                    let Some((_, place)) = places.iter().find(|(id, _)| *id == collection) else { continue };
                    let score = score_line::decode(line, organization, *place)?;
                    if meaning::holds(&query.filter, &score) {
                        found.push(score);
                    }
                }
                let total = found.len() as u64;
                found.sort_by(|left, right| meaning::compare(query.sort, query.descending, left, right));
                let index = |count: u64| usize::try_from(count).unwrap_or(usize::MAX);
                let rows = found.into_iter().skip(index(query.window.offset)).take(index(query.window.limit)).collect();
                Ok(Page { rows, total })
            })
            .await
    }
}

/// The collections of an organization.
fn places(connection: &Connection, organization: OrganizationId) -> Result<Vec<(CollectionNumber, Place)>> {
    let mut statement =
        connection.prepare_cached("SELECT id, place FROM collection WHERE organization = ?1 AND hidden = 0").sql()?;
    let mut lines = statement.query([organization.to_string()]).sql()?;
    let mut places = Vec::new();
    while let Some(line) = lines.next().sql()? {
        let text: String = line.get(1).sql()?;
        places.extend(collection::parse_place(&text).map(|place| (line.get(0), place)));
    }
    places.into_iter().map(|(id, place)| Ok((CollectionNumber(id.sql()?), place))).collect()
}

/// A score of the organization that is in no hidden collection.
fn find(connection: &Connection, organization: OrganizationId, id: ScoreId) -> Result<Option<Score>> {
    let sql = format!("{} WHERE s.id = ?1", *SELECT);
    let mut statement = connection.prepare_cached(&sql).sql()?;
    let mut lines = statement.query([id.0]).sql()?;
    let Some(line) = lines.next().sql()? else { return Ok(None) };
    match collection::name(connection, CollectionNumber(line.get("collection").sql()?))? {
        Some(name) if name.organization == organization => score_line::decode(line, organization, name.place).map(Some),
        _ => Ok(None),
    }
}

/// Shows a change of a score to the indexes: those of its own row, or of every row with that id when it names no
/// dataset.
fn show(tx: &mut Tx<'_>, score: &Score) -> Result<()> {
    match score.subject.place {
        Place::RequestLogs => row_scores::refresh_everywhere(tx, score.subject.organization, &score.subject.log_id),
        _ => row_scores::refresh(tx, score.subject.collection(), &score.subject.log_id),
    }
}

/// Writes scores of one source on rows of one dataset, many at once.
pub(crate) struct Scribe {
    name: Collection,
    collection: CollectionNumber,
    sight: Sight,
    source: SourceNumber,
    key: Arc<str>,
    /// The slug that it is found under beside its key.
    slug: Option<Arc<str>>,
    indexed: bool,
}

impl Scribe {
    /// For scores like this one.
    pub fn new(tx: &mut Tx<'_>, like: &Score) -> Result<Self> {
        let (source, name) = (&like.source, like.subject.collection());
        let collection = collection::for_write(tx, name)?;
        Ok(Self {
            name,
            collection,
            sight: row_scores::sight(tx.connection, name, collection)?,
            source: score_line::source(tx, like)?,
            key: source.key().into(),
            slug: source.evaluator_id.is_some().then(|| source.slug.as_str().into()),
            indexed: tx.indexed(collection),
        })
    }

    /// Writes one, unless its row is gone; false then.
    pub fn write(&self, tx: &mut Tx<'_>, row: RowNumber, score: &Score) -> Result<bool> {
        let there = "SELECT 1 FROM log WHERE row = ?1 AND collection = ?2";
        if !tx.connection.prepare_cached(there).sql()?.exists((row.get(), self.collection.0)).sql()? {
            return Ok(false);
        }
        let place = (self.collection, self.source);
        let Some(id) = score_line::upsert(tx.connection, score, place, Failure::Yields)? else { return Ok(true) };
        if self.name.place == Place::RequestLogs {
            // Rows of datasets show it as well.
            row_scores::refresh_everywhere(tx, self.name.organization, &score.subject.log_id)?;
        } else if self.indexed {
            let rivals = || row_scores::has_rivals(tx.connection, &self.sight, place, (id, score));
            if rivals()? {
                row_scores::refresh(tx, self.name, &score.subject.log_id)?;
            } else {
                let value = ComparedScore::of(&score.values);
                tx.change(self.collection, IndexChange::Score(row, self.key.clone(), self.slug.clone(), value));
            }
        }
        Ok(true)
    }

    /// Marks the collection as changed by this commit.
    pub fn finish(self, tx: &mut Tx<'_>) -> Result<()> {
        if !self.indexed {
            tx.change(self.collection, IndexChange::Reload);
        }
        tx.count(self.collection, 0, 0)
    }
}
