//! Organizations and API keys in the file: for the server through its writer, and for `evalset key` beside a running
//! server.
//!
//! A key is looked up on every request, so that lookup has a connection of its own and no thread hop; it reads the file
//! each time, so that keys made or revoked by another process are seen.

use crate::Engine;
use crate::file::error::{OpenError, Sql};
use crate::file::{self, schema};
use async_trait::async_trait;
use evalset_model::ids::{KeyId, OrganizationId};
use evalset_model::key::{ApiKey, Environment, Organization};
use evalset_model::{Error, Result};
use evalset_store::keys::Keys;
use parking_lot::Mutex;
use rusqlite::{Connection, OptionalExtension, Row, TransactionBehavior};
use std::path::Path;
use std::sync::Arc;

/// Opens only the keys of a data directory, whether or not a server runs on it.
pub fn open_keys_only(data_dir: &Path) -> Result<Arc<dyn Keys>, OpenError> {
    std::fs::create_dir_all(data_dir).map_err(|cause| OpenError::io(data_dir, cause))?;
    let path = file::path(data_dir);
    file::inspect(&path)?;
    let mut connection = file::writer(&path)?;
    let blank = schema::Stamp::read(&connection).map_err(|cause| OpenError::sqlite(&path, &cause))?.blank();
    // An existing file is left as it is: a server of another release may be running on it.
    if blank {
        schema::prepare(&mut connection, &path)?;
    }
    Ok(Arc::new(Beside { connection: Arc::new(Mutex::new(connection)) }))
}

/// Keys on a connection of their own, without the rest of the store.
struct Beside {
    connection: Arc<Mutex<Connection>>,
}

impl Beside {
    async fn run<T: Send + 'static>(&self, work: impl FnOnce(&Connection) -> Result<T> + Send + 'static) -> Result<T> {
        let connection = self.connection.clone();
        let work = move || {
            let mut connection = connection.lock();
            let step = connection.transaction_with_behavior(TransactionBehavior::Immediate).sql()?;
            let value = work(&step)?;
            step.commit().sql()?;
            Ok(value)
        };
        tokio::task::spawn_blocking(work).await.map_err(Error::internal)?
    }
}

#[async_trait]
impl Keys for Beside {
    async fn create_organization(&self, id: OrganizationId, name: &str, at: i64) -> Result<Organization> {
        let name = name.to_owned();
        self.run(move |connection| insert_organization(connection, id, name, at)).await
    }

    async fn organizations(&self) -> Result<Vec<Organization>> {
        self.run(organizations).await
    }

    async fn organization(&self, id: OrganizationId) -> Result<Option<Organization>> {
        self.run(move |connection| organization(connection, id)).await
    }

    async fn create_key(&self, key: ApiKey) -> Result<()> {
        self.run(move |connection| insert_key(connection, &key)).await
    }

    async fn by_hash(&self, hash: &[u8]) -> Result<Option<(ApiKey, Organization)>> {
        let hash = hash.to_vec();
        self.run(move |connection| by_hash(connection, &hash)).await
    }

    async fn keys(&self, organization: Option<OrganizationId>) -> Result<Vec<ApiKey>> {
        self.run(move |connection| keys(connection, organization)).await
    }

    async fn revoke(&self, id: KeyId, at: i64) -> Result<bool> {
        self.run(move |connection| revoke(connection, id, at)).await
    }
}

#[async_trait]
impl Keys for Engine {
    async fn create_organization(&self, id: OrganizationId, name: &str, at: i64) -> Result<Organization> {
        let name = name.to_owned();
        self.writer.run(512, move |tx| insert_organization(tx.connection, id, name, at)).await
    }

    async fn organizations(&self) -> Result<Vec<Organization>> {
        self.readers.run(|lease| organizations(lease.begin()?)).await
    }

    async fn organization(&self, id: OrganizationId) -> Result<Option<Organization>> {
        self.readers.run(move |lease| organization(lease.begin()?, id)).await
    }

    async fn create_key(&self, key: ApiKey) -> Result<()> {
        self.writer.run(512, move |tx| insert_key(tx.connection, &key)).await
    }

    async fn by_hash(&self, hash: &[u8]) -> Result<Option<(ApiKey, Organization)>> {
        match &*self.key_reader.lock() {
            Some(connection) => by_hash(connection, hash),
            None => Err(Error::internal("the store is closed")),
        }
    }

    async fn keys(&self, organization: Option<OrganizationId>) -> Result<Vec<ApiKey>> {
        self.readers.run(move |lease| keys(lease.begin()?, organization)).await
    }

    async fn revoke(&self, id: KeyId, at: i64) -> Result<bool> {
        self.writer.run(512, move |tx| revoke(tx.connection, id, at)).await
    }
}

/// `Conflict` when a unique value is taken.
fn unique<T>(result: rusqlite::Result<T>, taken: &str) -> Result<T> {
    match result {
        Err(cause) if cause.sqlite_error_code() == Some(rusqlite::ErrorCode::ConstraintViolation) => {
            Err(Error::Conflict(taken.to_owned()))
        }
        other => other.sql(),
    }
}

fn insert_organization(
    connection: &Connection,
    id: OrganizationId,
    name: String,
    created_at: i64,
) -> Result<Organization> {
    let added = connection.query_row(
        "INSERT INTO organization (number, id, name, created_at) \
         VALUES ((SELECT coalesce(max(number), 0) + 1 FROM organization), ?1, ?2, ?3) RETURNING number",
        (id.to_string(), &name, created_at),
        |line| line.get(0),
    );
    let number = unique(added, "There is an organization with this name already.")?;
    Ok(Organization { id, number, name, created_at })
}

fn organizations(connection: &Connection) -> Result<Vec<Organization>> {
    let mut statement =
        connection.prepare_cached("SELECT id, number, name, created_at FROM organization ORDER BY number").sql()?;
    let mut lines = statement.query([]).sql()?;
    let mut all = Vec::new();
    while let Some(line) = lines.next().sql()? {
        all.push(decode_organization(line, 0)?);
    }
    Ok(all)
}

fn organization(connection: &Connection, id: OrganizationId) -> Result<Option<Organization>> {
    let sql = "SELECT id, number, name, created_at FROM organization WHERE id = ?1";
    let mut statement = connection.prepare_cached(sql).sql()?;
    let mut lines = statement.query([id.to_string()]).sql()?;
    lines.next().sql()?.map(|line| decode_organization(line, 0)).transpose()
}

fn insert_key(connection: &Connection, key: &ApiKey) -> Result<()> {
    let added = connection.execute(
        "INSERT INTO api_key (id, organization, name, prefix, hash, environment, created_at, revoked_at) \
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
        (
            key.id.to_string(),
            key.organization.to_string(),
            &key.name,
            &key.prefix,
            &key.hash,
            key.environment.name(),
            key.created_at,
            key.revoked_at,
        ),
    );
    unique(added, "There is an API key with this prefix or secret already.").map(|_| ())
}

fn by_hash(connection: &Connection, hash: &[u8]) -> Result<Option<(ApiKey, Organization)>> {
    let mut statement = connection
        .prepare_cached(
            "SELECT k.id, k.organization, k.name, k.prefix, k.hash, k.environment, k.created_at, k.revoked_at, \
             o.id, o.number, o.name, o.created_at FROM api_key k JOIN organization o ON o.id = k.organization \
             WHERE k.hash = ?1",
        )
        .sql()?;
    let mut lines = statement.query([hash]).sql()?;
    let Some(line) = lines.next().sql()? else { return Ok(None) };
    Ok(Some((decode_key(line)?, decode_organization(line, 8)?)))
}

fn keys(connection: &Connection, organization: Option<OrganizationId>) -> Result<Vec<ApiKey>> {
    let mut statement = connection
        .prepare_cached(
            "SELECT id, organization, name, prefix, hash, environment, created_at, revoked_at FROM api_key \
             WHERE ?1 IS NULL OR organization = ?1 ORDER BY created_at, number",
        )
        .sql()?;
    let mut lines = statement.query([organization.map(|id| id.to_string())]).sql()?;
    let mut all = Vec::new();
    while let Some(line) = lines.next().sql()? {
        all.push(decode_key(line)?);
    }
    Ok(all)
}

fn revoke(connection: &Connection, id: KeyId, at: i64) -> Result<bool> {
    let known: Option<i64> = connection
        .query_row(
            "UPDATE api_key SET revoked_at = coalesce(revoked_at, ?2) WHERE id = ?1 RETURNING number",
            (id.to_string(), at),
            |line| line.get(0),
        )
        .optional()
        .sql()?;
    Ok(known.is_some())
}

fn decode_organization(line: &Row<'_>, first: usize) -> Result<Organization> {
    Ok(Organization {
        id: line.get::<_, String>(first).sql()?.parse().map_err(Error::internal)?,
        number: line.get(first + 1).sql()?,
        name: line.get(first + 2).sql()?,
        created_at: line.get(first + 3).sql()?,
    })
}

fn decode_key(line: &Row<'_>) -> Result<ApiKey> {
    let text = |index: usize| line.get::<_, String>(index).sql();
    Ok(ApiKey {
        id: text(0)?.parse().map_err(Error::internal)?,
        organization: text(1)?.parse().map_err(Error::internal)?,
        name: text(2)?,
        prefix: text(3)?,
        hash: line.get(4).sql()?,
        environment: match text(5)?.as_str() {
            "prod" => Environment::Prod,
            "test" => Environment::Test,
            other => return Err(Error::internal(format!("an API key has the environment `{other}`"))),
        },
        created_at: line.get(6).sql()?,
        revoked_at: line.get(7).sql()?,
    })
}
