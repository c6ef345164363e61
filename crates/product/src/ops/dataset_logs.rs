//! Rows of datasets and of `_saved_logs` (contract B.7–B.14, B.17). Knows no HTTP. Rows of a dataset that is gone, or
//! another organization's, are `NotFound`.

use crate::actor::Actor;
use crate::app::App;
use crate::ops::lists::{self, Listed, Rows};
use evalset_model::field::Field;
use evalset_model::filter::{LogFilter, build};
use evalset_model::ids::{Collection, LogId, Place};
use evalset_model::limits::Limits;
use evalset_model::log::ingest::{self, Body, NoBody};
use evalset_model::log::{Log, patch};
use evalset_model::summary::Sums;
use evalset_model::{Error, Result};
use evalset_store::logs::{Existing, Row};
use evalset_store::pieces;
use serde_json::value::RawValue;
use std::sync::Arc;

/// `log_method` of rows and logs written through the API (contract D.1).
pub const LOG_METHOD: &str = "logging_api";

/// 404 when the collection is a dataset that does not exist.
pub async fn ensure(app: &App, actor: &Actor, place: Place) -> Result<There> {
    if let Place::Dataset(id) = place {
        super::datasets::get(app, actor, id).await?;
    }
    Ok(There(actor.collection(place)))
}

/// A collection that was found to be there and to be the actor's: only [`ensure`] makes one.
#[derive(Clone, Copy, Debug)]
pub struct There(Collection);

/// What ingestion needs to know beside the body.
pub(super) fn context<'a>(app: &'a App, actor: &'a Actor, log_method: &'static str) -> ingest::Context<'a> {
    stamped(app, actor, log_method, app.clock.new_log_id(), app.clock.now())
}

fn stamped<'a>(app: &'a App, actor: &'a Actor, log_method: &'static str, id: LogId, now: i64) -> ingest::Context<'a> {
    ingest::Context {
        id,
        now,
        environment: actor.environment().name(),
        key_id: actor.key().map(|id| id.to_string()).unwrap_or_default(),
        key_name: actor.name(),
        log_method,
        limits: &app.limits,
    }
}

/// Adds one row.
pub async fn create(app: &App, actor: &Actor, place: Place, body: &Body) -> Result<Log> {
    let There(collection) = ensure(app, actor, place).await?;
    let row = ingest::row(body, &context(app, actor, LOG_METHOD))?;
    app.stores.logs.insert(collection, vec![row.clone()], Existing::New).await?;
    Ok(row)
}

/// Adds rows, each on its own: the good ones go in as one step, the others come back as errors in their place.
pub async fn create_many(
    app: &App,
    actor: &Actor,
    place: Place,
    items: Vec<Box<RawValue>>,
) -> Result<Vec<Result<LogId>>> {
    let There(collection) = ensure(app, actor, place).await?;
    let rows = read(app, actor, LOG_METHOD, items, ingest::row).await?;
    store_good(app, collection, rows, Existing::New).await
}

/// Reads the items of a bulk call, each on its own. Ids and times rise with the items, whichever is read first.
pub(super) async fn read<T: Send + 'static>(
    app: &App,
    actor: &Actor,
    log_method: &'static str,
    items: Vec<Box<RawValue>>,
    made: impl Fn(&Body, &ingest::Context<'_>) -> Result<T> + Clone + Send + 'static,
) -> Result<Vec<Result<T>>> {
    let stamp = |item| (app.clock.new_log_id(), app.clock.now(), item);
    let items: Vec<(LogId, i64, Box<RawValue>)> = items.into_iter().map(stamp).collect();
    let (app, actor) = (app.clone(), actor.clone());
    let work = move |(id, now, text): (LogId, i64, Box<RawValue>)| {
        let body = item(&text, &app.limits)?;
        drop(text);
        made(&body, &stamped(&app, &actor, log_method, id, now))
    };
    pieces::in_pieces(items, work).await
}

/// Reads one item of a bulk call: a JSON object no larger than a row may be.
pub fn item(text: &RawValue, limits: &Limits) -> Result<Body> {
    let most = limits.max_row_bytes;
    if text.get().len() > most {
        return Err(Error::TooLarge(format!("the item is larger than {most} bytes (`limits.max_row_bytes`)")));
    }
    let invalid = |message: String| Error::Invalid { field: None, message };
    Body::read(text.get().as_bytes(), limits).map_err(|refused| match refused {
        NoBody::TooLarge(error) => error,
        NoBody::NoObject(_) => invalid("each item must be a JSON object".to_owned()),
        NoBody::NoJson(error) => invalid(format!("the item is not valid JSON: {error}")),
    })
}

/// Stores the rows that are good in one step and keeps the place of every item.
pub(super) async fn store_good(
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
pub async fn get(app: &App, actor: &Actor, place: Place, id: &LogId) -> Result<Row> {
    app.stores.logs.get(actor.collection(place), id).await?.ok_or_else(Error::not_found)
}

/// Changes the given members of a row (PATCH, contract B.11).
pub async fn update(app: &App, actor: &Actor, place: Place, id: &LogId, body: Body) -> Result<Row> {
    let (limits, now) = (app.limits.clone(), app.clock.now());
    let change = move |log| patch::merge(log, &body, now).and_then(|log| within_row_limit(log, &limits));
    app.stores.logs.update(actor.collection(place), id, Arc::new(change)).await
}

/// Replaces the content of a row (PUT, contract B.12).
pub async fn replace(app: &App, actor: &Actor, place: Place, id: &LogId, body: Body) -> Result<Row> {
    let (limits, now) = (app.limits.clone(), app.clock.now());
    let change = move |log| patch::replace(log, &body, now).and_then(|log| within_row_limit(log, &limits));
    app.stores.logs.update(actor.collection(place), id, Arc::new(change)).await
}

/// The row, unless a change made it larger than a row may be.
pub(super) fn within_row_limit(log: Log, limits: &Limits) -> Result<Log> {
    ingest::check_size(&log, limits)?;
    Ok(log)
}

/// Removes a row; 404 when unknown.
pub async fn delete(app: &App, actor: &Actor, place: Place, id: &LogId) -> Result<()> {
    match app.stores.logs.delete(actor.collection(place), std::slice::from_ref(id)).await? {
        0 => Err(Error::not_found()),
        _ => Ok(()),
    }
}

/// The filter that keeps rows whose annotation is completed.
pub fn annotated() -> LogFilter {
    build::equals(Field::AnnotationStatus, "completed")
}

/// A part of the rows that match, in order.
pub async fn list(app: &App, actor: &Actor, of: There, rows: Rows) -> Result<Listed> {
    debug_assert_eq!(of.0.organization, actor.organization(), "found for another actor");
    lists::read(app, of.0, rows).await
}

/// Sums over matching rows.
pub async fn summary(app: &App, actor: &Actor, place: Place, filter: LogFilter) -> Result<Sums> {
    let There(collection) = ensure(app, actor, place).await?;
    app.stores.logs.sums(collection, filter).await
}

#[cfg(test)]
mod tests {
    use super::item;
    use evalset_model::limits::Limits;
    use serde_json::value::RawValue;

    #[test]
    fn a_bad_item_is_told_and_a_large_one_is_not_parsed() {
        let limits = Limits { max_row_bytes: 18, ..Limits::default() };
        let read = |text: &str| item(&RawValue::from_string(text.to_owned()).unwrap(), &limits);
        assert_eq!(read(r#"{"input": "a"}"#).unwrap().get("input").unwrap().text(), "\"a\"");
        for (text, says) in
            [("7", "JSON object"), (r#"{"input": "\ud83d"}"#, "max_row_bytes"), (r#"{"a":"\ud83d"}"#, "not valid JSON")]
        {
            assert!(read(text).unwrap_err().to_string().contains(says), "{text}");
        }
    }
}
