//! Lists of log rows, by page or by cursor: from what the caller asked for to the body of the answer. Knows no route.

use crate::http::auth::Caller;
use crate::http::cursor::{Cursor, list_of};
use crate::http::filters::{self, InForce};
use crate::http::listing::{Bounds, Envelope, Listing, Paging};
use axum::http::{HeaderValue, header};
use axum::response::{IntoResponse, Response};
use evalset_model::ids::Place;
use evalset_model::page::{Part, Sort};
use evalset_model::{Error, Result};
use evalset_product::app::App;
use evalset_product::ops::lists::{Listed, Rows};
use evalset_rows::shape::{IncludeFields, Preview, RowKind, RowText};
use serde_json::{Map, Value};

/// How far a list is read.
pub enum Paged {
    /// One page by its number.
    Page(Paging),
    /// What follows a cursor.
    After {
        /// Where the page before ended; none for the first.
        cursor: Option<Cursor>,
        /// When the first page was asked for.
        began_at: i64,
        /// Rows to return.
        page_size: u64,
    },
}

impl Paged {
    /// Reads `page`, `page_size` and `cursor`, at a time.
    pub fn of(listing: &Listing, body: &Map<String, Value>, bounds: Bounds, now: i64) -> Result<Self> {
        let Some((text, page_size)) = listing.cursor(body, bounds)? else {
            return Ok(Self::Page(listing.paging(body, bounds)?));
        };
        let cursor = if text.is_empty() { None } else { Some(Cursor::decode(&text)?) };
        let began_at = cursor.as_ref().map_or(now, |cursor| cursor.began_at);
        Ok(Self::After { cursor, began_at, page_size })
    }

    /// When the reading of the list began: `now`, but for cursors.
    pub fn began_at(&self, now: i64) -> i64 {
        match self {
            Self::After { began_at, .. } => *began_at,
            Self::Page(_) => now,
        }
    }

    fn part(&self, list: u64) -> Result<Part> {
        match self {
            Self::Page(paging) => Ok(Part::Page(paging.window())),
            Self::After { cursor, page_size, .. } => {
                cursor.as_ref().map_or(Ok(()), |cursor| cursor.check(list))?;
                let mark = cursor.as_ref().map(|cursor| cursor.mark.clone());
                Ok(Part::After { mark, limit: *page_size })
            }
        }
    }
}

/// A list of rows asked for.
pub struct RowList<'a> {
    /// Who asks.
    pub caller: &'a Caller,
    /// Where.
    pub place: Place,
    /// Which rows are shown.
    pub kind: RowKind,
    /// Parameters of the URL.
    pub listing: &'a Listing,
    /// And of the body.
    pub body: &'a Map<String, Value>,
    /// How far.
    pub paged: Paged,
}

impl RowList<'_> {
    /// What is asked for, in the terms of the product; the number tells the list from others, for its cursors.
    pub fn asked(&self, app: &App, in_force: &InForce) -> Result<(Rows, u64)> {
        let sort = filters::sort(self.listing, self.body)?;
        let id = self.id(in_force, &sort)?;
        let form = self.form(app)?;
        Ok((Rows { filter: in_force.filter.clone(), sort, part: self.paged.part(id)?, form }, id))
    }

    /// The answer to the list of this number.
    pub fn answer(&self, id: u64, in_force: InForce, listed: &Listed) -> Result<Response> {
        let envelope = self.envelope(listed, id)?.with_filters(in_force.echo);
        let body = envelope.with_choices(filters::log_choices(self.listing)).around(&listed.written.text)?;
        Ok(([(header::CONTENT_TYPE, HeaderValue::from_static("application/json"))], body).into_response())
    }

    /// What a cursor is good for.
    fn id(&self, in_force: &InForce, sort: &Sort) -> Result<u64> {
        let (organization, place) = (self.caller.actor().organization(), self.place);
        let sort = serde_json::to_string(sort).map_err(Error::internal)?;
        Ok(list_of(&[&organization.to_string(), &format!("{place:?}"), &in_force.text, &sort]))
    }

    /// The form of the rows.
    fn form(&self, app: &App) -> Result<RowText> {
        let parameter = |name| self.listing.parameter(self.body, name);
        let include = parameter("include_fields").map(|names| IncludeFields::parse(&names));
        let preview = parameter("preview").map(|text| Preview::parse(&text, &app.limits)).transpose()?;
        let (organization, dataset_id) = (self.caller.organization().clone(), self.place.dataset_id_text());
        Ok(RowText::new(self.kind, include.as_ref(), organization, dataset_id).previewed(preview))
    }

    fn envelope(&self, listed: &Listed, list: u64) -> Result<Envelope<()>> {
        match &self.paged {
            Paged::Page(paging) => Ok(self.listing.envelope(*paging, Vec::new(), listed.total)),
            Paged::After { page_size, began_at, .. } => {
                let next =
                    listed.next.clone().map(|mark| Cursor { list, began_at: *began_at, mark }.encode()).transpose()?;
                Ok(self.listing.cursor_envelope(*page_size, Vec::new(), listed.total, next))
            }
        }
    }
}
