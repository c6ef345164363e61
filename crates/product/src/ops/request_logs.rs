//! Request logs: ingestion, reading, annotation, groups (contract E). Knows no HTTP.

use crate::actor::Actor;
use crate::app::App;
use crate::ops::dataset_logs::{LOG_METHOD, context, read, store_good, within_row_limit};
use crate::ops::lists::{self, Listed, Rows};
use evalset_model::field::Field;
use evalset_model::filter::{LogFilter, build};
use evalset_model::ids::{LogId, Place};
use evalset_model::log::ingest::{self, Body};
use evalset_model::log::{Log, patch};
use evalset_model::page::{Page, Window};
use evalset_model::summary::{Group, Sums};
use evalset_model::{Error, Result};
use evalset_store::logs::{Existing, GroupBound, Groups, Row};
use serde_json::value::RawValue;
use std::sync::Arc;

pub use evalset_store::logs::GroupOrder;

/// Ingests one log; `None` when it asked not to be kept (`disable_log`). A known `unique_id` is overwritten (contract
/// E.1).
pub async fn create(app: &App, actor: &Actor, body: &Body) -> Result<Option<Log>> {
    let Some(log) = ingest::span(body, &context(app, actor, LOG_METHOD))? else { return Ok(None) };
    app.stores.logs.insert(actor.collection(Place::RequestLogs), vec![log.clone()], Existing::Replace).await?;
    Ok(Some(log))
}

/// Ingests logs, each on its own. `log_method` tells bulk calls from batches (contract D.1).
pub async fn create_many(
    app: &App,
    actor: &Actor,
    items: Vec<Box<RawValue>>,
    log_method: &'static str,
) -> Result<Vec<Result<LogId>>> {
    let spans =
        read(app, actor, log_method, items, |body, context| Ok((context.id.clone(), ingest::span(body, context)?)));
    let spans: Vec<Result<(LogId, Option<Log>)>> = spans.await?;
    // A log that asked not to be kept is accepted under the id it would have had.
    let mut dropped = Vec::new();
    let mut rows = Vec::with_capacity(spans.len());
    for (index, span) in spans.into_iter().enumerate() {
        match span {
            Ok((id, None)) => dropped.push((index, id)),
            Ok((_, Some(log))) => rows.push(Ok(log)),
            Err(error) => rows.push(Err(error)),
        }
    }
    let mut results = store_good(app, actor.collection(Place::RequestLogs), rows, Existing::Replace).await?;
    for (index, id) in dropped {
        results.insert(index, Ok(id));
    }
    Ok(results)
}

/// One log; 404 when unknown.
pub async fn get(app: &App, actor: &Actor, id: &LogId) -> Result<Row> {
    app.stores.logs.get(actor.collection(Place::RequestLogs), id).await?.ok_or_else(Error::not_found)
}

/// Pins, rates, notes or tags a log (contract E.4).
pub async fn annotate(app: &App, actor: &Actor, id: &LogId, body: Body) -> Result<Row> {
    let limits = app.limits.clone();
    let change = move |log| patch::annotate_span(log, &body).and_then(|log| within_row_limit(log, &limits));
    app.stores.logs.update(actor.collection(Place::RequestLogs), id, Arc::new(change)).await
}

/// The part of a log list that its URL narrows (contract E.3). Times are microseconds since the epoch, inclusive.
#[derive(Clone, Debug, Default)]
pub struct Scope {
    /// Logs from here on.
    pub start: Option<i64>,
    /// Logs up to here.
    pub end: Option<i64>,
    /// `prod` or `test`.
    pub environment: Option<String>,
    /// Kind of call, lower case.
    pub log_type: Option<String>,
}

impl Scope {
    /// The filter that keeps what is in scope.
    pub fn filter(&self) -> LogFilter {
        let equals = |field: Field, text: &Option<String>| {
            text.as_ref().map_or_else(LogFilter::all, |text| build::equals(field, text))
        };
        build::window(self.start, self.end)
            .and(equals(Field::Environment, &self.environment))
            .and(equals(Field::LogType, &self.log_type))
    }
}

/// What logs may be grouped by (contract E.7), and the field behind each name.
pub const GROUP_BY: &[(&str, Field)] = &[
    ("model", Field::Model),
    ("provider_id", Field::ProviderId),
    ("organization_key_id", Field::OrganizationKeyId),
    ("prompt_id", Field::PromptId),
    ("deployment_id", Field::DeploymentId),
    ("deployment_name", Field::DeploymentName),
    ("custom_identifier", Field::CustomIdentifier),
    ("customer_identifier", Field::CustomerIdentifier),
    ("trace", Field::TraceUniqueId),
    ("thread", Field::ThreadIdentifier),
];

/// The field behind a `group_by` name.
pub fn group_field(name: Option<&str>) -> Result<(&'static str, Field)> {
    let allowed = || GROUP_BY.iter().map(|(name, _)| *name).collect::<Vec<_>>().join(", ");
    let name =
        name.ok_or_else(|| Error::invalid("group_by", format!("`group_by` is required; allowed: {}", allowed())))?;
    GROUP_BY
        .iter()
        .find(|(known, _)| *known == name)
        .copied()
        .ok_or_else(|| Error::invalid("group_by", format!("cannot group by `{name}`; allowed: {}", allowed())))
}

/// A part of the logs that match, in order.
pub async fn list(app: &App, actor: &Actor, rows: Rows) -> Result<Listed> {
    lists::read(app, actor.collection(Place::RequestLogs), rows).await
}

/// Sums over matching logs.
pub async fn summary(app: &App, actor: &Actor, filter: LogFilter) -> Result<Sums> {
    app.stores.logs.sums(actor.collection(Place::RequestLogs), filter).await
}

/// Sums per value of a field: a page of them in order, and how many there are.
pub async fn groups(
    app: &App,
    actor: &Actor,
    filter: LogFilter,
    by: Field,
    (order, descending): (GroupOrder, bool),
    window: Window,
) -> Result<Page<Group>> {
    let index = |count| usize::try_from(count).unwrap_or(usize::MAX);
    let most = index(window.offset.saturating_add(window.limit));
    if most > app.limits.groups {
        let text = format!(
            "only the first {} groups can be looked through (`limits.groups`): sort them another way, or narrow the logs",
            app.limits.groups
        );
        return Err(Error::invalid("page", text));
    }
    let bound = GroupBound { most, order, descending };
    let Groups { groups, total } =
        app.stores.logs.groups(actor.collection(Place::RequestLogs), filter, by.into(), bound).await?;
    Ok(Page { rows: groups.into_iter().skip(index(window.offset)).collect(), total })
}
