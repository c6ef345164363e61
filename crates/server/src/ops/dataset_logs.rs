//! Rows of datasets and of `_saved_logs` (contract B.7–B.14, B.17). Knows no HTTP; the collection is already known to be the
//! caller's, except that a dataset that is gone makes every call answer `NotFound`.

use crate::app::App;
use evalset_model::field::Field;
use evalset_model::filter::{Compare, Literal, LogField, LogFilter, Test, Tree};
use evalset_model::ids::{Collection, LogId, Place};
use evalset_model::key::ApiKey;
use evalset_model::limits::Limits;
use evalset_model::log::{Log, ingest, patch};
use evalset_model::page::Page;
use evalset_model::summary::Sums;
use evalset_model::{Error, Result};
use evalset_store::logs::{Existing, Query};
use serde_json::{Map, Value};
use std::sync::Arc;

/// `log_method` of rows and logs written through the API (contract D.1).
pub const LOG_METHOD: &str = "logging_api";

/// 404 when the collection is a dataset that does not exist.
pub async fn ensure(app: &App, collection: Collection) -> Result<()> {
    match collection.place {
        Place::Dataset(id) => super::datasets::get(app, collection.organization, id).await.map(drop),
        Place::RequestLogs | Place::SavedLogs => Ok(()),
    }
}

/// What ingestion needs to know beside the body.
pub fn context<'a>(app: &'a App, key: &'a ApiKey, log_method: &'static str) -> ingest::Context<'a> {
    ingest::Context {
        id: app.clock.new_log_id(),
        now: app.clock.now(),
        environment: key.environment.name(),
        key_id: key.id.to_string(),
        key_name: &key.name,
        log_method,
        limits: &app.limits,
    }
}

/// Adds one row.
pub async fn create(app: &App, collection: Collection, key: &ApiKey, body: &Map<String, Value>) -> Result<Log> {
    let row = ingest::row(body, &context(app, key, LOG_METHOD))?;
    app.stores.logs.insert(collection, vec![row.clone()], Existing::Replace).await?;
    Ok(row)
}

/// Adds rows, each on its own: the good ones go in as one step, the others come back as errors in their place.
pub async fn create_many(
    app: &App,
    collection: Collection,
    key: &ApiKey,
    items: Vec<Value>,
) -> Result<Vec<Result<LogId>>> {
    ensure(app, collection).await?;
    let (worker, key) = (app.clone(), key.clone());
    let read = move || items.iter().map(|item| row_of(&worker, &key, item)).collect();
    let rows: Vec<Result<Log>> = tokio::task::spawn_blocking(read).await.map_err(Error::internal)?;
    store_good(app, collection, rows, Existing::Replace).await
}

fn row_of(app: &App, key: &ApiKey, item: &Value) -> Result<Log> {
    let body = item.as_object().ok_or_else(not_an_object)?;
    ingest::row(body, &context(app, key, LOG_METHOD))
}

/// An item of a bulk call that is no JSON object.
pub fn not_an_object() -> Error {
    Error::Invalid { field: None, message: "each item must be a JSON object".to_owned() }
}

/// Stores the rows that are good in one step and keeps the place of every item.
pub async fn store_good(
    app: &App,
    collection: Collection,
    rows: Vec<Result<Log>>,
    existing: Existing,
) -> Result<Vec<Result<LogId>>> {
    let (mut good, mut results) = (Vec::with_capacity(rows.len()), Vec::with_capacity(rows.len()));
    for row in rows {
        results.push(row.as_ref().map(|row| row.id.clone()).map_err(restate));
        good.extend(row);
    }
    if !good.is_empty() {
        app.stores.logs.insert(collection, good, existing).await?;
    }
    Ok(results)
}

fn restate(error: &Error) -> Error {
    Error::Invalid { field: error.by_field().into_keys().next(), message: error.to_string() }
}

/// One row; 404 when unknown.
pub async fn get(app: &App, collection: Collection, id: &LogId) -> Result<Log> {
    app.stores.logs.get(collection, id).await?.ok_or_else(Error::not_found)
}

/// Changes the given members of a row (PATCH, contract B.11).
pub async fn update(app: &App, collection: Collection, id: &LogId, body: Map<String, Value>) -> Result<Log> {
    let limits = app.limits.clone();
    let change = move |log| patch::merge(log, &body).and_then(|log| within_row_limit(log, &limits));
    app.stores.logs.update(collection, id, Arc::new(change)).await
}

/// Replaces the content of a row (PUT, contract B.12).
pub async fn replace(app: &App, collection: Collection, id: &LogId, body: Map<String, Value>) -> Result<Log> {
    let limits = app.limits.clone();
    let change = move |log| patch::replace(log, &body).and_then(|log| within_row_limit(log, &limits));
    app.stores.logs.update(collection, id, Arc::new(change)).await
}

/// The row, unless a change made it larger than a row may be.
pub(super) fn within_row_limit(log: Log, limits: &Limits) -> Result<Log> {
    ingest::check_size(&log, limits)?;
    Ok(log)
}

/// Removes a row; 404 when unknown.
pub async fn delete(app: &App, collection: Collection, id: &LogId) -> Result<()> {
    match app.stores.logs.delete(collection, std::slice::from_ref(id)).await? {
        0 => Err(Error::not_found()),
        _ => Ok(()),
    }
}

/// A page of rows.
pub async fn page(app: &App, collection: Collection, query: Query) -> Result<Page<Log>> {
    ensure(app, collection).await?;
    app.stores.logs.page(collection, query).await
}

/// The filter that keeps rows whose annotation is completed.
pub fn annotated() -> LogFilter {
    let literal = Literal { text: Some("completed".to_owned()), ..Literal::default() };
    let field = LogField::Scalar(Field::AnnotationStatus);
    Tree::Compare(Compare { field, test: Test::AnyOf(vec![literal]) })
}

/// Sums over matching rows.
pub async fn summary(app: &App, collection: Collection, filter: LogFilter) -> Result<Sums> {
    ensure(app, collection).await?;
    app.stores.logs.sums(collection, filter).await
}
