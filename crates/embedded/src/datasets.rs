//! Datasets in the file. Their counts are those of their collection.

use crate::Engine;
use crate::engine::readers::Lease;
use crate::engine::writer::Tx;
use crate::file::collection::{self, Found};
use crate::file::error::Sql;
use crate::file::row;
use crate::jobs::{self, activity, job_line, purge};
use async_trait::async_trait;
use evalset_index::Change;
use evalset_model::dataset::{Dataset, DatasetPatch, Status};
use evalset_model::ids::{Collection, DatasetId, LogId, OrganizationId, Place, RowNumber};
use evalset_model::job::Job;
use evalset_model::{Error, Result};
use evalset_store::datasets::Datasets;
use rusqlite::{Connection, Row, params};
use serde::de::DeserializeOwned;

const SELECT: &str = "SELECT d.id, d.organization, d.name, d.description, d.kind, d.status, d.granularity, \
                      d.initial_log_filters, d.created_at, d.updated_at, d.starred, d.tags, d.running_status, \
                      d.running_progress, d.running_at, c.log_count, c.completed_annotation_count FROM dataset d \
                      JOIN collection c ON c.organization = d.organization AND c.place = d.id AND c.hidden = 0";

fn rows_of(organization: OrganizationId, id: DatasetId) -> Collection {
    Collection { organization, place: Place::Dataset(id) }
}

#[async_trait]
impl Datasets for Engine {
    async fn create(&self, dataset: Dataset, job: Option<Job>) -> Result<()> {
        self.writer
            .run(2_048, move |tx| {
                insert(tx.connection, &dataset)?;
                collection::create(tx.connection, rows_of(dataset.organization, dataset.id))?;
                job.map_or(Ok(()), |job| job_line::insert(tx.connection, &job))
            })
            .await
    }

    async fn get(&self, organization: OrganizationId, id: DatasetId) -> Result<Option<Dataset>> {
        self.readers.run(move |lease| find(lease.begin()?, organization, id)).await
    }

    async fn list(&self, organization: OrganizationId) -> Result<Vec<Dataset>> {
        self.readers
            .run(move |lease| {
                let sql = format!("{SELECT} WHERE d.organization = ?1 ORDER BY d.created_at DESC, d.id DESC");
                let mut statement = lease.begin()?.prepare_cached(&sql).sql()?;
                let mut lines = statement.query([organization.to_string()]).sql()?;
                let mut datasets = Vec::new();
                while let Some(line) = lines.next().sql()? {
                    match decode(line) {
                        Ok(dataset) => datasets.push(dataset),
                        Err(error) => {
                            let id = line.get::<_, String>(0).ok();
                            tracing::error!(dataset = id, %error, "a stored dataset cannot be read and is not listed");
                        }
                    }
                }
                Ok(datasets)
            })
            .await
    }

    async fn update(
        &self,
        organization: OrganizationId,
        id: DatasetId,
        patch: DatasetPatch,
        at: i64,
    ) -> Result<Dataset> {
        self.writer
            .run(1_024, move |tx| {
                let tags = patch.tags.as_ref().map(serde_json::to_string).transpose().map_err(Error::internal)?;
                tx.connection
                    .prepare_cached(
                        "UPDATE dataset SET name = coalesce(?3, name), description = coalesce(?4, description), \
                         starred = coalesce(?5, starred), tags = coalesce(?6, tags), updated_at = ?7 \
                         WHERE id = ?1 AND organization = ?2",
                    )
                    .sql()?
                    .execute((
                        id.to_string(),
                        organization.to_string(),
                        patch.name,
                        patch.description,
                        patch.starred,
                        tags,
                        at,
                    ))
                    .sql()?;
                find(tx.connection, organization, id)?.ok_or_else(Error::not_found)
            })
            .await
    }

    async fn delete(&self, organization: OrganizationId, id: DatasetId, at: i64) -> Result<bool> {
        self.writer
            .run(1_024, move |tx| {
                let Some(found) = collection::find(tx.connection, rows_of(organization, id))? else { return Ok(false) };
                tx.connection.execute("DELETE FROM dataset WHERE id = ?1", [id.to_string()]).sql()?;
                jobs::cancel_all(tx.connection, id, at)?;
                hide(tx, &found)?;
                Ok(true)
            })
            .await
    }

    async fn clear(&self, organization: OrganizationId, id: DatasetId, at: i64) -> Result<u64> {
        self.writer
            .run(1_024, move |tx| {
                let name = rows_of(organization, id);
                let found = collection::find(tx.connection, name)?.ok_or_else(Error::not_found)?;
                jobs::cancel_all(tx.connection, id, at)?;
                jobs::settle(tx.connection, id, Status::Ready)?;
                activity::show(tx.connection, id)?;
                // Even one without rows may have scores of records that never came.
                hide(tx, &found)?;
                collection::create(tx.connection, name)?;
                Ok(found.log_count.unsigned_abs())
            })
            .await
    }

    async fn newest_rows(
        &self,
        organization: OrganizationId,
        datasets: &[DatasetId],
        limit: usize,
    ) -> Result<Vec<Vec<LogId>>> {
        let datasets = datasets.to_vec();
        self.readers
            .run(move |lease| {
                lease.begin()?;
                datasets.iter().map(|id| newest_rows(lease, rows_of(organization, *id), limit)).collect()
            })
            .await
    }
}

/// Ids of the newest rows of a collection. From the table, not the index: a list of datasets must not open all their
/// rows.
fn newest_rows(lease: &Lease, name: Collection, limit: usize) -> Result<Vec<LogId>> {
    let connection = lease.connection()?;
    let Some(found) = collection::find(connection, name)? else { return Ok(Vec::new()) };
    let mut statement = connection
        .prepare_cached("SELECT unique_id, row FROM log WHERE collection = ?1 ORDER BY row DESC LIMIT ?2")
        .sql()?;
    let mut lines = statement.query((found.id.0, i64::try_from(limit).unwrap_or(i64::MAX))).sql()?;
    let mut ids = Vec::new();
    while let Some(line) = lines.next().sql()? {
        match line.get(0) {
            Ok(id) => ids.push(LogId(id)),
            Err(_) => lease.damage().note(found.id, &row::wrong(RowNumber::new(line.get(1).sql()?), "unique_id")),
        }
    }
    Ok(ids)
}

/// Takes a collection out of sight in one step, whatever its size; its rows are deleted later.
fn hide(tx: &mut Tx<'_>, found: &Found) -> Result<()> {
    // The index is dropped with it.
    tx.change(found.id, Change::Reload);
    if found.log_count == 0 {
        return purge::leave(tx.connection, found.id);
    }
    tx.connection.execute("UPDATE collection SET hidden = 1 WHERE id = ?1", [found.id.0]).sql()?;
    Ok(())
}

fn insert(connection: &Connection, dataset: &Dataset) -> Result<()> {
    let filters = serde_json::to_string(&dataset.initial_log_filters).map_err(Error::internal)?;
    let tags = serde_json::to_string(&dataset.tags).map_err(Error::internal)?;
    let added = connection
        .prepare_cached(
            "INSERT INTO dataset (id, organization, name, description, kind, status, granularity, initial_log_filters, \
             created_at, updated_at, starred, tags, running_status, running_progress, running_at) \
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15) ON CONFLICT (id) DO NOTHING",
        )
        .sql()?
        .execute(params![
            dataset.id.to_string(),
            dataset.organization.to_string(),
            dataset.name,
            dataset.description,
            dataset.kind,
            dataset.status.name(),
            dataset.granularity.name(),
            filters,
            dataset.created_at,
            dataset.updated_at,
            dataset.starred,
            tags,
            dataset.running_status,
            dataset.running_progress,
            dataset.running_at,
        ])
        .sql()?;
    if added == 0 { Err(Error::Conflict("There is a dataset with this id already.".to_owned())) } else { Ok(()) }
}

fn find(connection: &Connection, organization: OrganizationId, id: DatasetId) -> Result<Option<Dataset>> {
    let sql = format!("{SELECT} WHERE d.id = ?1 AND d.organization = ?2");
    let mut statement = connection.prepare_cached(&sql).sql()?;
    let mut lines = statement.query((id.to_string(), organization.to_string())).sql()?;
    lines.next().sql()?.map(decode).transpose()
}

fn decode(line: &Row<'_>) -> Result<Dataset> {
    let text = |index: usize| line.get::<_, String>(index).sql();
    let count = |index: usize| line.get::<_, i64>(index).sql().map(i64::unsigned_abs);
    Ok(Dataset {
        id: text(0)?.parse().map_err(Error::internal)?,
        organization: text(1)?.parse().map_err(Error::internal)?,
        name: text(2)?,
        description: text(3)?,
        kind: text(4)?,
        status: json(&format!("\"{}\"", text(5)?))?,
        granularity: json(&format!("\"{}\"", text(6)?))?,
        initial_log_filters: json(&text(7)?)?,
        created_at: line.get(8).sql()?,
        updated_at: line.get(9).sql()?,
        starred: line.get(10).sql()?,
        tags: json(&text(11)?)?,
        running_status: text(12)?,
        running_progress: line.get(13).sql()?,
        running_at: line.get(14).sql()?,
        log_count: count(15)?,
        completed_annotation_count: count(16)?,
    })
}

fn json<T: DeserializeOwned>(text: &str) -> Result<T> {
    serde_json::from_str(text).map_err(Error::internal)
}
