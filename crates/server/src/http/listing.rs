//! Lists: `page`, `page_size`, `sort_by` in, the envelope of contract A.5 out. Knows no noun.

use crate::http::error::Failure;
use crate::http::extract::Query;
use crate::http::paths::RequestedUri;
use axum::extract::FromRequestParts;
use axum::http::{header, request::Parts};
use evalset_model::Error;
use evalset_model::page::Window;
use evalset_product::app::App;
use serde::Serialize;
use serde_json::{Map, Value};
use utoipa::ToSchema;

/// A list of the wire (contract A.5). Every list carries the full set of members.
#[derive(Debug, Serialize, ToSchema)]
pub struct Envelope<T> {
    /// Rows that match, exactly.
    pub count: u64,
    /// Absolute URL of the next page, or null.
    pub next: Option<String>,
    /// Absolute URL of the previous page, or null.
    pub previous: Option<String>,
    /// Rows of this page.
    pub results: Vec<T>,
    /// Same as `count`.
    pub total_count: u64,
    /// The filters in force, normalised: field → `{operator, value}`.
    #[schema(value_type = Object)]
    pub current_filters: Map<String, Value>,
    /// Fields and operators a filter may use, when asked for with `fetch_filters=true`; else empty.
    #[schema(value_type = Object)]
    pub filters_data: Value,
    /// Older name of `filters_data`; always empty.
    #[schema(value_type = Object)]
    pub filter_options: Map<String, Value>,
    /// Only with `cursor`: the `cursor` of the next page, or null at the end.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(required = false)]
    pub next_cursor: Option<Option<String>>,
}

/// Defaults and bounds of one list (contract A.6).
#[derive(Clone, Copy, Debug)]
pub struct Bounds {
    /// `page_size` when not given or not usable.
    pub page_size: u64,
    /// Greater values are clamped to this.
    pub max_page_size: u64,
}

/// The part of a list request that the URL carries. Paging may also stand in the JSON body (contract A.6).
#[derive(Clone, Debug)]
pub struct Listing {
    query: Query,
    path: String,
    base: String,
}

/// A page asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Paging {
    /// From 1.
    pub page: u64,
    /// From 1.
    pub page_size: u64,
}

impl Paging {
    /// Rows to pass over and to return.
    pub fn window(self) -> Window {
        Window { offset: (self.page - 1).saturating_mul(self.page_size), limit: self.page_size }
    }
}

impl FromRequestParts<App> for Listing {
    type Rejection = Failure;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Failure> {
        let query = Query::from_request_parts(parts, app).await?;
        let requested = parts.extensions.get::<RequestedUri>().map_or(&parts.uri, |requested| &requested.0);
        let text = |name| parts.headers.get(name).and_then(|value: &axum::http::HeaderValue| value.to_str().ok());
        let base = app.public_url.clone().unwrap_or_else(|| {
            let scheme = text(header::HeaderName::from_static("x-forwarded-proto")).filter(|scheme| *scheme == "https");
            format!("{}://{}", scheme.unwrap_or("http"), text(header::HOST).unwrap_or("localhost"))
        });
        Ok(Self { query, path: requested.path().to_owned(), base: base.trim_end_matches('/').to_owned() })
    }
}

impl Listing {
    /// The decoded query string.
    pub fn query(&self) -> &Query {
        &self.query
    }

    /// An absolute URL on this server.
    pub fn url(&self, path: &str) -> String {
        format!("{}{path}", self.base)
    }

    /// A parameter from the query, else from the body.
    pub fn parameter(&self, body: &Map<String, Value>, name: &str) -> Option<String> {
        self.query.get(name).map(str::to_owned).or_else(|| match body.get(name)? {
            Value::Null => None,
            Value::String(text) => Some(text.clone()),
            other => Some(other.to_string()),
        })
    }

    /// A boolean parameter; anything but `true` and `1` is false.
    pub fn flag(&self, name: &str) -> bool {
        matches!(self.query.get(name).map(str::to_ascii_lowercase).as_deref(), Some("true" | "1"))
    }

    /// `sort_by`, or its alias `order_by`.
    pub fn sort_by(&self, body: &Map<String, Value>) -> Option<String> {
        self.parameter(body, "sort_by").or_else(|| self.parameter(body, "order_by")).filter(|text| !text.is_empty())
    }

    /// `page` and `page_size` by the rules of contract A.6.
    pub fn paging(&self, body: &Map<String, Value>, bounds: Bounds) -> Result<Paging, Error> {
        let page = match self.parameter(body, "page") {
            None => 1,
            Some(text) => match text.trim().parse::<u64>() {
                Ok(page) if page >= 1 => page,
                _ => return Err(Error::invalid("page", format!("`page` must be a whole number from 1, got `{text}`"))),
            },
        };
        let page_size = self
            .parameter(body, "page_size")
            .and_then(|text| text.trim().parse::<u64>().ok())
            .filter(|size| *size >= 1)
            .unwrap_or(bounds.page_size)
            .min(bounds.max_page_size.max(1));
        Ok(Paging { page, page_size })
    }

    /// The envelope around the rows of one page.
    pub fn envelope<T>(&self, paging: Paging, rows: Vec<T>, total: u64) -> Envelope<T> {
        let last = total.div_ceil(paging.page_size).max(1);
        Envelope {
            count: total,
            next: (paging.page < last).then(|| self.link(paging, paging.page + 1)),
            previous: (paging.page > 1).then(|| self.link(paging, (paging.page - 1).min(last))),
            results: rows,
            total_count: total,
            current_filters: Map::new(),
            filters_data: Value::Object(Map::new()),
            filter_options: Map::new(),
            next_cursor: None,
        }
    }

    /// Whether the caller pages by cursor, with which one (empty: from the front) and by how many rows.
    pub fn cursor(&self, body: &Map<String, Value>, bounds: Bounds) -> Result<Option<(String, u64)>, Error> {
        let Some(cursor) = self.parameter(body, "cursor") else { return Ok(None) };
        if self.parameter(body, "page").is_some() {
            return Err(Error::invalid("cursor", "`page` and `cursor` do not go together: leave one of them out"));
        }
        Ok(Some((cursor.trim().to_owned(), self.paging(body, bounds)?.page_size)))
    }

    /// The envelope around the rows of one page that began at a cursor.
    pub fn cursor_envelope<T>(&self, page_size: u64, rows: Vec<T>, total: u64, next: Option<String>) -> Envelope<T> {
        let link =
            |cursor: &String| self.link_with(&[("cursor", cursor.clone()), ("page_size", page_size.to_string())]);
        let envelope = self.envelope(Paging { page: 1, page_size }, rows, total);
        Envelope { next: next.as_ref().map(link), next_cursor: Some(next), ..envelope }
    }

    fn link(&self, paging: Paging, page: u64) -> String {
        self.link_with(&[("page", page.to_string()), ("page_size", paging.page_size.to_string())])
    }

    /// The URL of this list with these parameters in place of those it was asked for with.
    fn link_with(&self, own: &[(&str, String)]) -> String {
        let kept = self.query.0.iter().filter(|(name, _)| own.iter().all(|(other, _)| other != name)).cloned();
        let own = own.iter().map(|(name, value)| ((*name).to_owned(), value.clone()));
        let pairs: Vec<(String, String)> = kept.chain(own).collect();
        let query = pairs.iter().map(|(k, v)| format!("{}={}", encode(k), encode(v))).collect::<Vec<_>>().join("&");
        format!("{}{}?{query}", self.base, self.path)
    }
}

/// Percent-encodes all but the unreserved characters of RFC 3986.
fn encode(text: &str) -> String {
    text.bytes()
        .map(|byte| match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => char::from(byte).to_string(),
            other => format!("%{other:02X}"),
        })
        .collect()
}

impl Envelope<()> {
    /// As the body of a response, around rows that are JSON already: the elements of an array.
    pub fn around(&self, rows: &[u8]) -> Result<Vec<u8>, Error> {
        // Inside JSON strings quotation marks are escaped, so this can only be the member itself.
        const EMPTY: &str = "\"results\":[]";
        let text = serde_json::to_string(self).map_err(Error::internal)?;
        let at = text.find(EMPTY).ok_or_else(|| Error::internal("a list without results"))? + EMPTY.len() - 1;
        let (before, after) = text.split_at(at);
        Ok([before.as_bytes(), rows, after.as_bytes()].concat())
    }
}

impl<T> Envelope<T> {
    /// With the filters in force.
    #[must_use]
    pub fn with_filters(mut self, current: Map<String, Value>) -> Self {
        self.current_filters = current;
        self
    }

    /// With the choices a filter may be built from.
    #[must_use]
    pub fn with_choices(mut self, choices: Value) -> Self {
        self.filters_data = choices;
        self
    }
}

#[cfg(test)]
mod tests {
    use super::{Bounds, Listing, Paging};
    use crate::http::extract::Query;
    use serde_json::{Map, json};

    fn listing(pairs: &[(&str, &str)]) -> Listing {
        let pairs = pairs.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect();
        Listing { query: Query(pairs), path: "/api/x/".into(), base: "http://h".into() }
    }

    const BOUNDS: Bounds = Bounds { page_size: 25, max_page_size: 100 };

    #[test]
    fn page_size_is_clamped_or_defaulted_and_page_is_checked() {
        let paging = |pairs: &[(&str, &str)]| listing(pairs).paging(&Map::new(), BOUNDS);
        assert_eq!(paging(&[]).unwrap(), Paging { page: 1, page_size: 25 });
        for (given, used) in [("500", 100), ("0", 25), ("-3", 25), ("abc", 25), ("7", 7)] {
            assert_eq!(paging(&[("page_size", given)]).unwrap().page_size, used, "{given}");
        }
        for bad in ["0", "-1", "x", "1.5"] {
            assert!(paging(&[("page", bad)]).is_err(), "{bad}");
        }
    }

    #[test]
    fn the_body_fills_in_for_the_query() {
        let body = json!({"page": 3, "page_size": "10", "sort_by": "cost"});
        let body = body.as_object().unwrap();
        assert_eq!(listing(&[]).paging(body, BOUNDS).unwrap(), Paging { page: 3, page_size: 10 });
        assert_eq!(listing(&[("page", "2")]).paging(body, BOUNDS).unwrap().page, 2);
        assert_eq!(listing(&[("order_by", "-x")]).sort_by(&Map::new()).as_deref(), Some("-x"));
    }

    #[test]
    fn links_keep_the_query_and_stop_at_the_ends() {
        let list = listing(&[("sort_by", "-cost"), ("a b", "c&d"), ("page", "2"), ("page_size", "10")]);
        let middle = list.envelope::<u8>(Paging { page: 2, page_size: 10 }, vec![], 25);
        assert_eq!(middle.next.as_deref(), Some("http://h/api/x/?sort_by=-cost&a%20b=c%26d&page=3&page_size=10"));
        assert_eq!(middle.previous.as_deref(), Some("http://h/api/x/?sort_by=-cost&a%20b=c%26d&page=1&page_size=10"));
        let beyond = list.envelope::<u8>(Paging { page: 9, page_size: 10 }, vec![], 25);
        assert_eq!(beyond.next, None);
        assert!(beyond.previous.unwrap().contains("page=3"));
        assert_eq!(list.envelope::<u8>(Paging { page: 1, page_size: 10 }, vec![], 0).next, None);
    }
}
