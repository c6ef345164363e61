//! Evaluators in the file: one line for what holds for the whole evaluator, one for each version.

use crate::Engine;
use crate::file::error::Sql;
use async_trait::async_trait;
use evalset_model::evaluator::{Definition, Evaluator};
use evalset_model::ids::{EvaluatorId, OrganizationId, VersionId};
use evalset_model::page::{Page, Window};
use evalset_model::{Error, Result};
use evalset_store::evaluators::Evaluators;
use rusqlite::types::ToSql;
use rusqlite::{Connection, OptionalExtension, Row, params};

/// Bytes of a write beside the definition.
const AROUND_A_DEFINITION: usize = 1_024;

/// Versions with their evaluator. Numbers have no gaps, so that the last one tells how many there are.
const SELECT: &str = "SELECT e.id, e.organization, e.slug, e.starred, e.tags, v.id, v.version, v.is_read_only, \
                      v.version_description, v.definition, v.created_at, v.updated_at, \
                      (SELECT max(version) + 1 FROM evaluator_version WHERE evaluator = e.id) \
                      FROM evaluator e JOIN evaluator_version v ON v.evaluator = e.id";
/// Joins to [`SELECT`]: only the last version.
const LAST: &str = "v.version = (SELECT max(version) FROM evaluator_version WHERE evaluator = e.id)";

#[async_trait]
impl Evaluators for Engine {
    async fn create(&self, evaluator: Evaluator) -> Result<bool> {
        let (definition, bytes) = encode(&evaluator.definition)?;
        self.writer.run(bytes, move |tx| insert(tx.connection, &evaluator, &definition)).await
    }

    async fn count(&self, organization: OrganizationId) -> Result<u64> {
        self.readers
            .run(move |lease| {
                let mut statement =
                    lease.begin()?.prepare_cached("SELECT count(*) FROM evaluator WHERE organization = ?1").sql()?;
                statement
                    .query_row([organization.to_string()], |line| line.get::<_, i64>(0))
                    .sql()
                    .map(i64::unsigned_abs)
            })
            .await
    }

    async fn get(&self, organization: OrganizationId, id: EvaluatorId) -> Result<Option<Evaluator>> {
        self.one(format!("e.id = ?2 AND {LAST}"), organization, vec![Box::new(id.to_string())]).await
    }

    async fn by_slug(&self, organization: OrganizationId, slug: &str) -> Result<Option<Evaluator>> {
        self.one(format!("e.slug = ?2 AND {LAST}"), organization, vec![Box::new(slug.to_owned())]).await
    }

    async fn version(&self, organization: OrganizationId, id: EvaluatorId, version: u32) -> Result<Option<Evaluator>> {
        let condition = "e.id = ?2 AND v.version = ?3".to_owned();
        self.one(condition, organization, vec![Box::new(id.to_string()), Box::new(version)]).await
    }

    async fn by_version_id(&self, organization: OrganizationId, version: VersionId) -> Result<Option<Evaluator>> {
        self.one("v.id = ?2".to_owned(), organization, vec![Box::new(version.to_string())]).await
    }

    async fn list(&self, organization: OrganizationId) -> Result<Vec<Evaluator>> {
        self.readers
            .run(move |lease| {
                let sql =
                    format!("{SELECT} WHERE e.organization = ?1 AND {LAST} ORDER BY v.created_at DESC, e.id DESC");
                readable(lease.begin()?, &sql, params![organization.to_string()])
            })
            .await
    }

    async fn versions(&self, organization: OrganizationId, id: EvaluatorId, window: Window) -> Result<Page<Evaluator>> {
        self.readers
            .run(move |lease| {
                let connection = lease.begin()?;
                let (organization, id) = (organization.to_string(), id.to_string());
                let total = "SELECT count(*) FROM evaluator e JOIN evaluator_version v ON v.evaluator = e.id \
                             WHERE e.organization = ?1 AND e.id = ?2";
                let mut total = connection.prepare_cached(total).sql()?;
                let total: i64 = total.query_row((&organization, &id), |line| line.get(0)).sql()?;
                let sql = format!(
                    "{SELECT} WHERE e.organization = ?1 AND e.id = ?2 ORDER BY v.version DESC LIMIT ?3 OFFSET ?4"
                );
                let bound = |number: u64| i64::try_from(number).unwrap_or(i64::MAX);
                let window = params![organization, id, bound(window.limit), bound(window.offset)];
                Ok(Page { rows: readable(connection, &sql, window)?, total: total.unsigned_abs() })
            })
            .await
    }

    async fn update(&self, draft: Evaluator, seen: i64) -> Result<bool> {
        let (definition, bytes) = encode(&draft.definition)?;
        self.writer
            .run(bytes, move |tx| {
                if !is_draft(tx.connection, &draft, draft.version_id, seen)? {
                    return Ok(false);
                }
                tx.connection
                    .prepare_cached("UPDATE evaluator_version SET definition = ?2, updated_at = ?3 WHERE id = ?1")
                    .sql()?
                    .execute((draft.version_id.to_string(), definition, draft.updated_at))
                    .sql()?;
                share(tx.connection, &draft)?;
                Ok(true)
            })
            .await
    }

    async fn commit(
        &self,
        committed: VersionId,
        seen: i64,
        description: Option<String>,
        next: Evaluator,
    ) -> Result<bool> {
        let (definition, bytes) = encode(&next.definition)?;
        self.writer
            .run(bytes, move |tx| {
                if !is_draft(tx.connection, &next, committed, seen)? {
                    return Ok(false);
                }
                tx.connection
                    .prepare_cached(
                        "UPDATE evaluator_version SET is_read_only = 1, version_description = ?2, updated_at = ?3 \
                         WHERE id = ?1",
                    )
                    .sql()?
                    .execute((committed.to_string(), description, next.created_at))
                    .sql()?;
                insert_version(tx.connection, &next, &definition)?;
                share(tx.connection, &next)?;
                Ok(true)
            })
            .await
    }

    async fn delete(&self, organization: OrganizationId, id: EvaluatorId) -> Result<bool> {
        self.writer
            .run(AROUND_A_DEFINITION, move |tx| {
                let id = id.to_string();
                let gone = tx
                    .connection
                    .prepare_cached("DELETE FROM evaluator WHERE id = ?1 AND organization = ?2")
                    .sql()?
                    .execute((&id, organization.to_string()))
                    .sql()?;
                if gone > 0 {
                    let versions = "DELETE FROM evaluator_version WHERE evaluator = ?1";
                    tx.connection.prepare_cached(versions).sql()?.execute([&id]).sql()?;
                }
                Ok(gone > 0)
            })
            .await
    }
}

impl Engine {
    /// The version that `condition` names; its first parameter `?1` is the organization.
    async fn one(
        &self,
        condition: String,
        organization: OrganizationId,
        parameters: Vec<Box<dyn ToSql + Send>>,
    ) -> Result<Option<Evaluator>> {
        self.readers
            .run(move |lease| {
                let sql = format!("{SELECT} WHERE e.organization = ?1 AND {condition}");
                let mut statement = lease.begin()?.prepare_cached(&sql).sql()?;
                let organization: Box<dyn ToSql + Send> = Box::new(organization.to_string());
                let parameters = std::iter::once(organization).chain(parameters);
                let mut lines = statement.query(rusqlite::params_from_iter(parameters)).sql()?;
                lines.next().sql()?.map(decode).transpose()
            })
            .await
    }
}

/// All versions of a query; one that cannot be read is passed over, so that it does not hide the others.
fn readable(connection: &Connection, sql: &str, parameters: &[&dyn ToSql]) -> Result<Vec<Evaluator>> {
    let mut statement = connection.prepare_cached(sql).sql()?;
    let mut lines = statement.query(parameters).sql()?;
    let mut all = Vec::new();
    while let Some(line) = lines.next().sql()? {
        match decode(line) {
            Ok(evaluator) => all.push(evaluator),
            Err(error) => {
                let id = line.get::<_, String>(0).ok();
                tracing::error!(evaluator = id, %error, "a stored evaluator cannot be read and is not listed");
            }
        }
    }
    Ok(all)
}

/// The JSON text of a definition and about what writing it adds to the file.
fn encode(definition: &Definition) -> Result<(String, usize)> {
    let text = serde_json::to_string(definition).map_err(Error::internal)?;
    let bytes = text.len() + AROUND_A_DEFINITION;
    Ok((text, bytes))
}

fn insert(connection: &Connection, evaluator: &Evaluator, definition: &str) -> Result<bool> {
    let (id, organization) = (evaluator.id.to_string(), evaluator.organization.to_string());
    let taken = connection
        .prepare_cached("SELECT 1 FROM evaluator WHERE organization = ?1 AND slug = ?2")
        .sql()?
        .query_row((&organization, &evaluator.slug), |_| Ok(()))
        .optional()
        .sql()?;
    if taken.is_some() {
        return Ok(false);
    }
    let added = connection
        .prepare_cached(
            "INSERT INTO evaluator (id, organization, slug, starred, tags, created_at) VALUES (?1, ?2, ?3, ?4, ?5, ?6) \
             ON CONFLICT (id) DO NOTHING",
        )
        .sql()?
        .execute((id, organization, &evaluator.slug, evaluator.starred, tags(evaluator)?, evaluator.created_at))
        .sql()?;
    if added == 0 {
        return Err(Error::Conflict("There is an evaluator with this id already.".to_owned()));
    }
    insert_version(connection, evaluator, definition)?;
    Ok(true)
}

fn insert_version(connection: &Connection, evaluator: &Evaluator, definition: &str) -> Result<()> {
    connection
        .prepare_cached(
            "INSERT INTO evaluator_version (id, evaluator, version, is_read_only, version_description, definition, \
             created_at, updated_at) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
        )
        .sql()?
        .execute((
            evaluator.version_id.to_string(),
            evaluator.id.to_string(),
            evaluator.version,
            evaluator.is_read_only,
            &evaluator.version_description,
            definition,
            evaluator.created_at,
            evaluator.updated_at,
        ))
        .sql()
        .map(|_| ())
}

/// Whether `version` is a draft of the evaluator, its organization's, and still as it was last changed at `seen`.
fn is_draft(connection: &Connection, evaluator: &Evaluator, version: VersionId, seen: i64) -> Result<bool> {
    let found = connection
        .prepare_cached(
            "SELECT 1 FROM evaluator_version v JOIN evaluator e ON e.id = v.evaluator WHERE v.id = ?1 \
             AND v.updated_at = ?2 AND v.is_read_only = 0 AND e.id = ?3 AND e.organization = ?4",
        )
        .sql()?
        .query_row(
            (version.to_string(), seen, evaluator.id.to_string(), evaluator.organization.to_string()),
            |_| Ok(()),
        )
        .optional()
        .sql()?;
    Ok(found.is_some())
}

/// Writes what holds for the whole evaluator and may change.
fn share(connection: &Connection, evaluator: &Evaluator) -> Result<()> {
    connection
        .prepare_cached("UPDATE evaluator SET starred = ?2, tags = ?3 WHERE id = ?1")
        .sql()?
        .execute((evaluator.id.to_string(), evaluator.starred, tags(evaluator)?))
        .sql()
        .map(|_| ())
}

fn tags(evaluator: &Evaluator) -> Result<String> {
    serde_json::to_string(&evaluator.tags).map_err(Error::internal)
}

fn decode(line: &Row<'_>) -> Result<Evaluator> {
    let text = |index: usize| line.get::<_, String>(index).sql();
    Ok(Evaluator {
        id: text(0)?.parse().map_err(Error::internal)?,
        organization: text(1)?.parse().map_err(Error::internal)?,
        slug: text(2)?,
        starred: line.get(3).sql()?,
        tags: serde_json::from_str(&text(4)?).map_err(Error::internal)?,
        version_id: text(5)?.parse().map_err(Error::internal)?,
        version: line.get(6).sql()?,
        is_read_only: line.get(7).sql()?,
        version_description: line.get(8).sql()?,
        definition: serde_json::from_str(&text(9)?).map_err(Error::internal)?,
        created_at: line.get(10).sql()?,
        updated_at: line.get(11).sql()?,
        version_count: line.get(12).sql()?,
    })
}
