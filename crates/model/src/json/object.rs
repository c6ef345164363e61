//! A JSON object as text whose members were found when it was read.

use super::read::{Unread, whole};
use super::{Json, Text};
use serde_json::{Map, Value};
use std::sync::Arc;

/// Where a member stands: its name begins at `name` with a quotation mark, a colon stands before `value`.
#[derive(Clone, Copy, Debug)]
pub(super) struct Span {
    pub name: u32,
    pub value: u32,
    pub end: u32,
}

/// An object as compact text, with the places of its members.
#[derive(Clone, Debug)]
pub struct Object {
    text: Arc<String>,
    spans: Vec<Span>,
}

impl Object {
    /// Reads an object; the text is kept as it is when that is something else.
    pub fn read(text: &[u8], most: usize) -> Result<Result<Self, String>, Unread> {
        let (text, spans) = whole(text, most, None)?;
        if !text.starts_with('{') {
            return Ok(Err(text));
        }
        Ok(Ok(Self { text: Arc::new(text), spans }))
    }

    /// The object of these members.
    pub fn of(members: &Map<String, Value>) -> Self {
        let text = serde_json::to_string(members).unwrap_or_default();
        let spans = Json::written(&text).members().map(|(name, value)| Self::span(&text, name, value)).collect();
        Self { text: Arc::new(text), spans }
    }

    fn span(text: &str, name: &str, value: Json<'_>) -> Span {
        let place = |part: &str| (part.as_ptr() as usize - text.as_ptr() as usize) as u32;
        let begin = place(value.text());
        Span { name: place(name) - 1, value: begin, end: begin + value.text().len() as u32 }
    }

    /// As one value.
    pub fn json(&self) -> Json<'_> {
        Json::written(&self.text)
    }

    /// Its members: what stands between the quotation marks of the name, and the value.
    pub fn members(&self) -> impl Iterator<Item = (&str, Json<'_>)> {
        self.spans.iter().map(|span| {
            let name = &self.text[span.name as usize + 1..span.value as usize - 2];
            (name, Json::written(&self.text[span.value as usize..span.end as usize]))
        })
    }

    /// The member of this name, which must have no character that JSON escapes.
    pub fn get(&self, name: &str) -> Option<Json<'_>> {
        self.members().find(|(known, _)| *known == name).map(|(_, value)| value)
    }

    /// A value in it, to be kept: the text is shared, not copied.
    pub fn keep(&self, value: Json<'_>) -> Text {
        Text::within(&self.text, value)
    }
}
