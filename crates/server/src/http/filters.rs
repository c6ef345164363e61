//! Filters of a request → a checked filter and its echo. Joins body filters, URL filters and what the path fixes.

use crate::http::auth::Caller;
use crate::http::listing::Listing;
use crate::http::members;
use evalset_model::Result;
use evalset_model::filter::check::{self, LogScope, Unknown};
use evalset_model::filter::{LogFilter, choices, echo, wire};
use evalset_model::ids::Place;
use evalset_model::limits::Limits;
use evalset_model::page::Sort;
use serde_json::{Map, Value};

/// A filter in force.
pub struct InForce {
    /// The checked filter.
    pub filter: LogFilter,
    /// `current_filters` of the answer.
    pub echo: Map<String, Value>,
    /// The filters as they were sent, in one form: what tells one list from another.
    pub text: String,
}

/// Names and constants a filter over the caller's rows in `place` may use; unknown names are metadata keys.
pub fn scope(caller: &Caller, place: Place) -> LogScope {
    LogScope::of(caller.actor().collection(place), Unknown::Metadata)
}

/// The `filters` and the top-level `operator` of a body, parsed but not yet checked against any fields.
pub fn parse(body: &Map<String, Value>, limits: &Limits) -> Result<wire::Filters> {
    let operator = members::text(body, "operator")?;
    wire::parse("filters", members::given(body, "filters"), operator.as_deref(), limits)
}

/// The filters of a body, checked.
pub fn of_body(body: &Map<String, Value>, scope: &LogScope, limits: &Limits) -> Result<InForce> {
    let filters = parse(body, limits)?;
    in_force(&filters, scope)
}

fn in_force(filters: &wire::Filters, scope: &LogScope) -> Result<InForce> {
    let text = Value::Object(filters.to_json()).to_string();
    Ok(InForce { filter: check::logs(filters, scope)?, echo: echo::current_filters(filters), text })
}

/// Filters of body and URL, both in force (contract C.7).
pub fn of_body_and_url(
    body: &Map<String, Value>,
    listing: &Listing,
    scope: &LogScope,
    limits: &Limits,
) -> Result<InForce> {
    in_force(&parse(body, limits)?.and(wire::parse_url(&listing.query().0, limits)?), scope)
}

/// Order of log rows; `-timestamp` when none is asked for.
pub fn sort(listing: &Listing, body: &Map<String, Value>) -> Result<Sort> {
    check::sort(listing.sort_by(body).as_deref().unwrap_or_default(), Sort::newest_first())
}

/// `filters_data`, when asked for.
pub fn choices(listing: &Listing, data: &'static Value) -> Value {
    if listing.flag("fetch_filters") { data.clone() } else { Value::Object(Map::new()) }
}

/// Choices of filters over logs.
pub fn log_choices(listing: &Listing) -> Value {
    choices(listing, choices::logs())
}

#[cfg(test)]
mod tests {
    use super::parse;
    use crate::http::members::document::agrees;
    use crate::http::schema::FilterBody;
    use evalset_model::limits::Limits;
    use serde_json::Map;

    #[test]
    fn the_document_shows_what_is_read() {
        agrees::<FilterBody>(&[], || drop(parse(&Map::new(), &Limits::default()).unwrap()));
    }
}
