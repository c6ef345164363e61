//! Request logs grouped by a field: I10 (contract E.7).

use crate::http::auth::Caller;
use crate::http::error::Answer;
use crate::http::extract::Body;
use crate::http::listing::{Bounds, Envelope, Listing};
use crate::http::openapi::Failures;
use crate::http::schema::{FilterBody, GroupParameters, PageParameters, SpanParameters};
use crate::wire::summary::GroupObject;
use axum::Json;
use axum::extract::State;
use evalset_model::{Error, Result};
use evalset_product::app::App;
use evalset_product::ops::request_logs;
use serde_json::{Map, Value};
use std::cmp::Ordering;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

/// The routes of this noun.
pub fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(group, group_by_url))
}

const PAGE: Bounds = Bounds { page_size: 50, max_page_size: 0 };

/// Group matching logs by a field and sum each group.
#[utoipa::path(post, path = "/api/request-logs/groups/", tag = "Request logs", request_body = FilterBody,
    params(GroupParameters, PageParameters, SpanParameters),
    responses((status = 200, body = Envelope<GroupObject>), Failures))]
async fn group(
    State(app): State<App>,
    caller: Caller,
    listing: Listing,
    Body(body): Body,
) -> Answer<Json<Envelope<GroupObject>>> {
    Ok(Json(grouped(&app, &caller, &listing, &body).await?))
}

/// Group logs that the URL's filters keep.
#[utoipa::path(get, path = "/api/request-logs/groups/", tag = "Request logs",
    params(GroupParameters, PageParameters, SpanParameters),
    responses((status = 200, body = Envelope<GroupObject>), Failures))]
async fn group_by_url(State(app): State<App>, caller: Caller, listing: Listing) -> Answer<Json<Envelope<GroupObject>>> {
    Ok(Json(grouped(&app, &caller, &listing, &Map::new()).await?))
}

async fn grouped(
    app: &App,
    caller: &Caller,
    listing: &Listing,
    body: &Map<String, Value>,
) -> Result<Envelope<GroupObject>> {
    let paging = listing.paging(body, Bounds { max_page_size: app.limits.max_span_page_size, ..PAGE })?;
    let (name, field) = request_logs::group_field(listing.parameter(body, "group_by").as_deref())?;
    let order = Order::parse(listing.sort_by(body).as_deref(), name)?;
    let in_force = super::request_logs::in_force(app, caller, (listing, body), app.clock.now())?;
    let groups = request_logs::groups(app, caller.actor(), in_force.filter, field).await?;
    let total = groups.len() as u64;
    let mut rows: Vec<GroupObject> = groups.into_iter().map(|group| GroupObject::new(name, group)).collect();
    // Stable: groups that compare equal keep the order of their number of logs.
    rows.sort_by(|a, b| order.compare(a, b));
    let window = paging.window();
    let rows = rows.into_iter().skip(window.offset as usize).take(window.limit as usize).collect();
    Ok(listing.envelope(paging, rows, total).with_filters(in_force.echo))
}

/// Reads one sum of a group.
type Sum = fn(&GroupObject) -> f64;

/// Order of groups: by one of their sums, or by the grouping field itself.
struct Order {
    sum: Option<Sum>,
    descending: bool,
}

/// Sums that groups can be ordered by.
const SUMS: &[(&str, Sum)] = &[
    ("number_of_requests", |group| group.number_of_requests as f64),
    ("span_count", |group| group.span_count as f64),
    ("total_cost", |group| group.total_cost),
    ("total_tokens", |group| group.total_tokens as f64),
    ("error_count", |group| group.error_count as f64),
    ("error_percentage", |group| group.error_percentage),
    ("average_cost", |group| group.average_cost),
    ("average_tokens", |group| group.average_tokens as f64),
    ("average_latency", |group| group.average_latency),
    ("average_ttft", |group| group.average_ttft),
    ("average_tps", |group| group.average_tps),
    ("cache_hit_percentage", |group| group.cache_hit_percentage),
];

impl Order {
    fn parse(text: Option<&str>, group_by: &str) -> Result<Self> {
        let text = text.unwrap_or("-number_of_requests");
        let (descending, name) = text.strip_prefix('-').map_or((false, text), |name| (true, name));
        if name == group_by {
            return Ok(Self { sum: None, descending });
        }
        let Some((_, sum)) = SUMS.iter().find(|(known, _)| *known == name) else {
            let allowed = SUMS.iter().map(|(known, _)| *known).chain([group_by]).collect::<Vec<_>>().join(", ");
            return Err(Error::invalid("sort_by", format!("cannot sort groups by `{name}`; allowed: {allowed}")));
        };
        Ok(Self { sum: Some(*sum), descending })
    }

    fn compare(&self, a: &GroupObject, b: &GroupObject) -> Ordering {
        let key = |group: &GroupObject| group.key.values().next().and_then(Value::as_str).map(str::to_owned);
        let ordering = match self.sum {
            Some(sum) => sum(a).total_cmp(&sum(b)),
            // A group of logs without the field comes last either way.
            None => match (key(a), key(b)) {
                (Some(a), Some(b)) => a.cmp(&b),
                (a, b) => return b.is_some().cmp(&a.is_some()),
            },
        };
        if self.descending { ordering.reverse() } else { ordering }
    }
}
