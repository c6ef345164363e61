//! Whose scores there are: evaluators and custom slugs, each with a small number that scores refer to.
//!
//! A source outlives its evaluator, so that old scores keep their names.

use crate::engine::writer::Tx;
use crate::file::error::Sql;
use crate::file::number::SourceNumber;
use evalset_index::{Change, CollectionNumber};
use evalset_model::evaluator::ScoreValueType;
use evalset_model::ids::OrganizationId;
use evalset_model::score::Source;
use evalset_model::{Error, Result};
use rusqlite::{Connection, OptionalExtension, Row};

/// The number of a source, made or brought up to date when needed.
pub(crate) fn number(tx: &mut Tx<'_>, organization: OrganizationId, source: &Source) -> Result<SourceNumber> {
    let connection = tx.connection;
    let evaluator = source.evaluator_id.map(|id| id.to_string());
    let (owner, key, kind) = (organization.to_string(), source.key(), source.value_type.name());
    let same = connection
        .prepare_cached(
            "SELECT number FROM score_source WHERE organization = ?1 AND key = ?2 AND slug = ?3 AND name = ?4 \
             AND value_type = ?5 AND evaluator_id IS ?6",
        )
        .sql()?
        .query_row((&owner, &key, &source.slug, &source.name, kind, &evaluator), |line| line.get(0))
        .optional()
        .sql()?;
    if let Some(number) = same {
        return Ok(number);
    }
    let slug: Option<String> = connection
        .prepare_cached("SELECT slug FROM score_source WHERE organization = ?1 AND key = ?2")
        .sql()?
        .query_row((&owner, &key), |line| line.get(0))
        .optional()
        .sql()?;
    if slug.is_some_and(|slug| slug != source.slug) {
        reload_all(tx, &owner)?;
    }
    connection
        .prepare_cached(
            "INSERT INTO score_source (organization, key, evaluator_id, slug, name, value_type) \
             VALUES (?1, ?2, ?3, ?4, ?5, ?6) ON CONFLICT (organization, key) DO UPDATE SET \
             evaluator_id = excluded.evaluator_id, slug = excluded.slug, name = excluded.name, \
             value_type = excluded.value_type RETURNING number",
        )
        .sql()?
        .query_row((owner, key, evaluator, &source.slug, &source.name, kind), |line| line.get(0))
        .sql()
}

/// Has every index of an organization read anew: a slug that scores are found under has changed.
fn reload_all(tx: &mut Tx<'_>, organization: &str) -> Result<()> {
    let mut statement =
        tx.connection.prepare_cached("SELECT id FROM collection WHERE organization = ?1 AND hidden = 0").sql()?;
    let all = statement.query_map([organization], |line| line.get(0)).sql()?;
    let all = all.collect::<rusqlite::Result<Vec<i64>>>().sql()?;
    for collection in all.into_iter().map(CollectionNumber) {
        tx.change(collection, Change::Reload);
        tx.count(collection, 0, 0)?;
    }
    Ok(())
}

/// All sources of an organization, by rising key.
pub(crate) fn all(connection: &Connection, organization: OrganizationId) -> Result<Vec<Source>> {
    let mut statement = connection
        .prepare_cached(
            "SELECT evaluator_id, slug, name, value_type FROM score_source WHERE organization = ?1 ORDER BY key",
        )
        .sql()?;
    let mut lines = statement.query([organization.to_string()]).sql()?;
    let mut sources = Vec::new();
    while let Some(line) = lines.next().sql()? {
        sources.push(decode(line)?);
    }
    Ok(sources)
}

fn decode(line: &Row<'_>) -> Result<Source> {
    let evaluator: Option<String> = line.get(0).sql()?;
    let value_type: String = line.get(3).sql()?;
    Ok(Source {
        evaluator_id: evaluator.map(|id| id.parse()).transpose().map_err(Error::internal)?,
        slug: line.get(1).sql()?,
        name: line.get(2).sql()?,
        value_type: ScoreValueType::parse("value_type", &value_type).map_err(Error::internal)?,
    })
}
