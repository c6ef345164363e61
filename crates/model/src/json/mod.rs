//! JSON as compact text. What a row keeps of a body is text from the moment it is read: members and elements are found
//! in it, values are built only of what is asked for, so that a row takes about the memory of its text and not a
//! multiple of it.
//!
//! There is one form of each value, the one that `serde_json` writes: no white space, the shortest escapes, each name
//! of an object once. [`read`] brings any JSON into it. Does not know which members a row has.

mod compare;
mod object;
mod read;
mod text;
mod walk;

pub use compare::same;
pub use object::Object;
pub use read::{Unread, compact, read};
pub use text::Text;
pub use walk::{Items, Members};

pub(crate) use read::without;

use serde_json::Value;
use std::borrow::Cow;
use std::fmt;

/// One value as compact text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Json<'a>(&'a str);

impl<'a> Json<'a> {
    /// The value that was written as this text. It must be compact JSON: another text makes no panic, but no sense
    /// either.
    pub const fn written(text: &'a str) -> Self {
        Self(text)
    }

    /// The text.
    pub const fn text(self) -> &'a str {
        self.0
    }

    fn begins(self, with: u8) -> bool {
        self.0.as_bytes().first() == Some(&with)
    }

    /// Whether it is null.
    pub fn is_null(self) -> bool {
        self.begins(b'n')
    }

    /// Whether it is a string.
    pub fn is_string(self) -> bool {
        self.begins(b'"')
    }

    /// Whether it is an array.
    pub fn is_array(self) -> bool {
        self.begins(b'[')
    }

    /// Whether it is an object.
    pub fn is_object(self) -> bool {
        self.begins(b'{')
    }

    /// Whether it is a number.
    pub fn is_number(self) -> bool {
        self.0.as_bytes().first().is_some_and(|first| *first == b'-' || first.is_ascii_digit())
    }

    /// What kind of value it is, for messages.
    pub fn type_name(self) -> &'static str {
        match self.0.as_bytes().first() {
            Some(b'n') | None => "null",
            Some(b't' | b'f') => "a boolean",
            Some(b'"') => "a string",
            Some(b'[') => "an array",
            Some(b'{') => "an object",
            Some(_) => "a number",
        }
    }

    /// Whether it is null, or a text, array or object with nothing in it.
    pub fn is_empty(self) -> bool {
        matches!(self.0, "null" | "\"\"" | "[]" | "{}")
    }

    /// What stands between the quotation marks of a string, as it is written there.
    pub fn quoted(self) -> Option<&'a str> {
        self.0.strip_prefix('"')?.strip_suffix('"')
    }

    /// The text that a string means.
    pub fn string(self) -> Option<Cow<'a, str>> {
        let inside = self.quoted()?;
        if inside.contains('\\') { serde_json::from_str(self.0).ok().map(Cow::Owned) } else { Some(inside.into()) }
    }

    /// The value, unless it is an array or an object.
    pub fn scalar(self) -> Option<Value> {
        if self.is_array() || self.is_object() { None } else { Some(self.to_value()) }
    }

    /// The value as a tree, which may take fifty times the memory of the text: see [`values`](Self::values).
    pub fn to_value(self) -> Value {
        serde_json::from_str(self.0).unwrap_or_default()
    }

    /// The elements of an array; none of anything else.
    pub fn items(self) -> Items<'a> {
        Items::of(self.0)
    }

    /// The members of an object; none of anything else.
    pub fn members(self) -> Members<'a> {
        Members::of(self.0)
    }

    /// The member of this name, which must have no character that JSON escapes.
    pub fn get(self, name: &str) -> Option<Json<'a>> {
        self.members().find(|(known, _)| *known == name).map(|(_, value)| value)
    }

    /// Whether arrays and objects stand inside each other at most so many levels deep.
    pub fn is_within(self, levels: usize) -> bool {
        self.0.len() <= levels || walk::depth(self.0) <= levels
    }

    /// How many values it is made of at most, itself included: names of members count as one more each.
    pub fn values(self) -> usize {
        walk::values(self.0.as_bytes())
    }
}

/// How many values a text of JSON in any form is made of at most. Of a text that is no JSON, a number.
pub fn values_in(text: &[u8]) -> usize {
    walk::values(text)
}

impl fmt::Display for Json<'_> {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(self.0)
    }
}

#[cfg(test)]
mod tests;
