//! Providers in the file: settings as JSON text, the key as the sealed bytes that it is given.

use crate::Engine;
use crate::file::error::Sql;
use async_trait::async_trait;
use evalset_model::ids::OrganizationId;
use evalset_model::{Error, Result};
use evalset_store::providers::{Providers, StoredProvider};
use rusqlite::{Connection, OptionalExtension};

#[async_trait]
impl Providers for Engine {
    async fn get(&self, organization: OrganizationId) -> Result<Option<StoredProvider>> {
        self.readers.run(move |lease| find(lease.begin()?, organization)).await
    }

    async fn put(&self, organization: OrganizationId, provider: StoredProvider, over: Option<i64>) -> Result<bool> {
        let settings = serde_json::to_string(&provider.settings).map_err(Error::internal)?;
        let bytes = settings.len() + provider.key.as_ref().map_or(0, Vec::len);
        self.writer
            .run(bytes, move |tx| {
                if updated_at(tx.connection, organization)? != over {
                    return Ok(false);
                }
                tx.connection
                    .execute(
                        "INSERT INTO provider (organization, settings, key, updated_at) VALUES (?1, ?2, ?3, ?4) \
                         ON CONFLICT (organization) DO UPDATE SET settings = ?2, key = ?3, updated_at = ?4",
                        (organization.to_string(), settings, provider.key, provider.updated_at),
                    )
                    .sql()?;
                Ok(true)
            })
            .await
    }

    async fn delete(&self, organization: OrganizationId) -> Result<bool> {
        self.writer
            .run(256, move |tx| {
                let sql = "DELETE FROM provider WHERE organization = ?1";
                Ok(tx.connection.execute(sql, [organization.to_string()]).sql()? > 0)
            })
            .await
    }
}

fn updated_at(connection: &Connection, organization: OrganizationId) -> Result<Option<i64>> {
    let sql = "SELECT updated_at FROM provider WHERE organization = ?1";
    connection.query_row(sql, [organization.to_string()], |line| line.get(0)).optional().sql()
}

fn find(connection: &Connection, organization: OrganizationId) -> Result<Option<StoredProvider>> {
    let mut statement =
        connection.prepare_cached("SELECT settings, key, updated_at FROM provider WHERE organization = ?1").sql()?;
    let mut lines = statement.query([organization.to_string()]).sql()?;
    let Some(line) = lines.next().sql()? else { return Ok(None) };
    let settings: String = line.get(0).sql()?;
    Ok(Some(StoredProvider {
        settings: serde_json::from_str(&settings)
            .map_err(|cause| Error::internal(format!("the provider of {organization} cannot be read: {cause}")))?,
        key: line.get(1).sql()?,
        updated_at: line.get(2).sql()?,
    }))
}
