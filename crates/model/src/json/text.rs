//! A JSON value as compact text that is kept, alone or as part of a larger text that is shared.

use super::Json;
use serde::ser::{Error as _, Serialize, Serializer};
use serde_json::Value;
use serde_json::value::RawValue;
use std::sync::Arc;

/// A value as text. Cheap to clone.
#[derive(Clone)]
pub struct Text {
    whole: Arc<String>,
    from: usize,
    to: usize,
}

impl Text {
    /// The value that was written as this text; see [`Json::written`].
    pub fn written(text: String) -> Self {
        let to = text.len();
        Self { whole: Arc::new(text), from: 0, to }
    }

    /// A part of a text, shared with it; a value from elsewhere is copied.
    pub(super) fn within(whole: &Arc<String>, value: Json<'_>) -> Self {
        let part = value.text();
        let from = (part.as_ptr() as usize).wrapping_sub(whole.as_ptr() as usize);
        match from.checked_add(part.len()) {
            Some(to) if to <= whole.len() => Self { whole: whole.clone(), from, to },
            _ => Self::written(part.to_owned()),
        }
    }

    /// A value in this one, shared with it.
    #[must_use]
    pub fn part(&self, value: Json<'_>) -> Self {
        Self::within(&self.whole, value)
    }

    /// The value.
    pub fn json(&self) -> Json<'_> {
        Json::written(&self.whole[self.from..self.to])
    }
}

impl Default for Text {
    fn default() -> Self {
        Self::written("null".to_owned())
    }
}

impl From<Value> for Text {
    fn from(value: Value) -> Self {
        Self::written(value.to_string())
    }
}

impl From<Json<'_>> for Text {
    fn from(value: Json<'_>) -> Self {
        Self::written(value.text().to_owned())
    }
}

impl PartialEq for Text {
    fn eq(&self, other: &Self) -> bool {
        self.json() == other.json()
    }
}

impl std::fmt::Debug for Text {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.write_str(self.json().text())
    }
}

impl Serialize for Text {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        self.json().serialize(to)
    }
}

impl Serialize for Json<'_> {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        serde_json::from_str::<&RawValue>(self.text()).map_err(S::Error::custom)?.serialize(to)
    }
}
