//! The body of a row or a request log as it comes in: a JSON object as text, or members that a caller has already.
//! Bounds its size.
//!
//! Does not know what the members mean.

use crate::error::{Error, Result};
use crate::json::{Json, Object, Text, Unread};
use crate::limits::Limits;
use serde_json::{Map, Value};

/// The members of a body, within the limits of a row.
#[derive(Clone, Debug)]
pub struct Body {
    object: Object,
    metadata_values: usize,
}

/// Why a text is no body.
#[derive(Debug)]
pub enum NoBody {
    /// It is larger than a row may be; the error says so.
    TooLarge(Error),
    /// It is no JSON.
    NoJson(serde_json::Error),
    /// It is JSON, but no object: what it is.
    NoObject(&'static str),
}

impl Body {
    /// Reads the text of a JSON object. In compact form it may have as many bytes as a row.
    pub fn read(text: &[u8], limits: &Limits) -> Result<Self, NoBody> {
        match Object::read(text, limits.max_row_bytes) {
            Ok(Ok(object)) => Ok(Self { object, metadata_values: limits.metadata_values }),
            Ok(Err(other)) => Err(NoBody::NoObject(Json::written(&other).type_name())),
            Err(Unread::TooLarge) => Err(NoBody::TooLarge(super::size::too_large(limits))),
            Err(Unread::Invalid(error)) => Err(NoBody::NoJson(error)),
        }
    }

    /// The door for callers that have members and no text, such as what another protocol brought.
    pub fn of(members: &Map<String, Value>, limits: &Limits) -> Result<Self> {
        super::size::check(members, limits)?;
        Ok(Self { object: Object::of(members), metadata_values: limits.metadata_values })
    }

    /// The member of this name, which must have no character that JSON escapes.
    pub fn get(&self, name: &str) -> Option<Json<'_>> {
        self.object.get(name)
    }

    /// Its members: what stands between the quotation marks of the name, and the value.
    pub fn members(&self) -> impl Iterator<Item = (&str, Json<'_>)> {
        self.object.members()
    }

    /// A value in it, to be kept.
    pub(super) fn keep(&self, value: Json<'_>) -> Text {
        self.object.keep(value)
    }

    /// How many values the metadata may be made of.
    pub(super) fn metadata_values(&self) -> usize {
        self.metadata_values
    }
}
