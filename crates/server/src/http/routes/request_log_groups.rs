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
use evalset_product::ops::request_logs::{self, GroupOrder};
use serde_json::{Map, Value};
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
    let order = order(listing.sort_by(body).as_deref(), name)?;
    let in_force = super::request_logs::in_force(app, caller, (listing, body), app.clock.now())?;
    let groups = request_logs::groups(app, caller.actor(), in_force.filter, field, order, paging.window()).await?;
    let rows = groups.rows.into_iter().map(|group| GroupObject::new(name, group)).collect();
    Ok(listing.envelope(paging, rows, groups.total).with_filters(in_force.echo))
}

/// Sums that groups can be ordered by.
const SUMS: &[(&str, GroupOrder)] = &[
    ("number_of_requests", GroupOrder::Rows),
    ("span_count", GroupOrder::Rows),
    ("total_cost", GroupOrder::Cost),
    ("total_tokens", GroupOrder::Tokens),
    ("error_count", GroupOrder::Errors),
    ("error_percentage", GroupOrder::ErrorShare),
    ("average_cost", GroupOrder::MeanCost),
    ("average_tokens", GroupOrder::MeanTokens),
    ("average_latency", GroupOrder::MeanLatency),
    ("average_ttft", GroupOrder::MeanTimeToFirstToken),
    ("average_tps", GroupOrder::MeanTokensPerSecond),
    ("cache_hit_percentage", GroupOrder::CacheHitShare),
];

/// Order of groups, by one of their sums or by the grouping field itself, and whether it falls.
fn order(text: Option<&str>, group_by: &str) -> Result<(GroupOrder, bool)> {
    let text = text.unwrap_or("-number_of_requests");
    let (descending, name) = text.strip_prefix('-').map_or((false, text), |name| (true, name));
    if name == group_by {
        return Ok((GroupOrder::Key, descending));
    }
    let Some((_, order)) = SUMS.iter().find(|(known, _)| *known == name) else {
        let allowed = SUMS.iter().map(|(known, _)| *known).chain([group_by]).collect::<Vec<_>>().join(", ");
        return Err(Error::invalid("sort_by", format!("cannot sort groups by `{name}`; allowed: {allowed}")));
    };
    Ok((*order, descending))
}
