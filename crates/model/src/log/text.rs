//! The payload of a log: its structured members under their names, each as the compact JSON text that it is stored as.
//! Values are built of what is asked for. Does not know which members there are.

use super::payload;
use crate::json::{Json, Text};
use serde::de::{Deserializer, MapAccess, Visitor};
use serde::ser::{Serialize, SerializeMap, Serializer};
use serde_json::value::RawValue;
use serde_json::{Map, Value};
use std::borrow::Cow;
use std::fmt;

/// Structured members, in order, each name once.
#[derive(Clone, Default, PartialEq)]
pub struct Payload {
    members: Vec<(Cow<'static, str>, Text)>,
}

impl Payload {
    /// The members of a JSON object as [`write`](Self::write) wrote it. That it is JSON is checked.
    pub fn read(text: String) -> serde_json::Result<Self> {
        let whole = Text::written(text);
        let mut from = serde_json::Deserializer::from_str(whole.json().text());
        let members = from.deserialize_map(Found(&whole))?;
        from.end()?;
        Ok(Self { members })
    }

    /// A member.
    pub fn get(&self, name: &str) -> Option<Json<'_>> {
        self.text(name).map(Text::json)
    }

    /// A member, to be kept elsewhere.
    pub fn text(&self, name: &str) -> Option<&Text> {
        self.members.iter().find(|(known, _)| known == name).map(|(_, text)| text)
    }

    /// A member as a tree; null when there is none.
    pub fn value(&self, name: &str) -> Value {
        self.get(name).map_or(Value::Null, Json::to_value)
    }

    /// Adds a member, or puts another value in its place.
    #[allow(clippy::needless_pass_by_value)] // As a map takes it.
    pub fn insert(&mut self, name: String, value: impl Into<Text>) {
        self.set(&name, Some(value.into()));
    }

    /// Sets a member or, with `None` or null, removes it.
    pub fn set(&mut self, name: &str, value: Option<Text>) {
        let Some(value) = value.filter(|value| !value.json().is_null()) else {
            return self.remove(name);
        };
        match self.members.iter_mut().find(|(known, _)| known == name) {
            Some((_, old)) => *old = value,
            None => self.members.push((named(name), value)),
        }
    }

    /// Removes a member, if it is there.
    pub fn remove(&mut self, name: &str) {
        self.members.retain(|(known, _)| known != name);
    }

    /// Members in order.
    pub fn iter(&self) -> impl Iterator<Item = (&str, Json<'_>)> {
        self.members.iter().map(|(name, text)| (&**name, text.json()))
    }

    /// Names of the members, in order.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.members.iter().map(|(name, _)| &**name)
    }

    /// Whether there is no member.
    pub fn is_empty(&self) -> bool {
        self.members.is_empty()
    }

    /// Bytes of it as JSON text, but for names with characters that JSON escapes.
    pub fn bytes(&self) -> usize {
        let members: usize = self.iter().map(|(name, value)| name.len() + value.text().len() + 4).sum();
        members.max(1) + 1
    }

    /// Writes it as a JSON object.
    pub fn write(&self, out: &mut Vec<u8>) -> serde_json::Result<()> {
        out.reserve(self.bytes());
        let mut before = b'{';
        for (name, value) in self.iter() {
            out.push(std::mem::replace(&mut before, b','));
            serde_json::to_writer(&mut *out, name)?;
            out.push(b':');
            out.extend_from_slice(value.text().as_bytes());
        }
        out.extend_from_slice(if before == b'{' { b"{}" } else { b"}" });
        Ok(())
    }

    /// The members as trees.
    pub fn to_map(&self) -> Map<String, Value> {
        self.iter().map(|(name, value)| (name.to_owned(), value.to_value())).collect()
    }
}

/// A name, without a copy of those that the server uses.
fn named(name: &str) -> Cow<'static, str> {
    let own = [payload::INPUT, payload::OUTPUT, payload::EXPECTED_OUTPUT, payload::METRICS];
    match own.iter().chain(payload::KEPT).find(|known| **known == name) {
        Some(known) => Cow::Borrowed(known),
        None => Cow::Owned(name.to_owned()),
    }
}

impl FromIterator<(String, Value)> for Payload {
    fn from_iter<T: IntoIterator<Item = (String, Value)>>(members: T) -> Self {
        let mut payload = Self::default();
        members.into_iter().for_each(|(name, value)| payload.insert(name, value));
        payload
    }
}

impl fmt::Debug for Payload {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_map().entries(self.iter().map(|(name, value)| (name, value.text()))).finish()
    }
}

impl Serialize for Payload {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        let mut map = to.serialize_map(Some(self.members.len()))?;
        for (name, value) in self.iter() {
            map.serialize_entry(name, &value)?;
        }
        map.end()
    }
}

/// Finds the members of a text.
struct Found<'w>(&'w Text);

impl<'de> Visitor<'de> for Found<'de> {
    type Value = Vec<(Cow<'static, str>, Text)>;

    fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut members = Vec::with_capacity(8);
        while let Some(name) = map.next_key::<Name>()? {
            let value: &RawValue = map.next_value()?;
            members.push((name.0, self.0.part(Json::written(value.get()))));
        }
        Ok(members)
    }
}

/// A name read from a text.
struct Name(Cow<'static, str>);

impl<'de> serde::Deserialize<'de> for Name {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        struct Known;
        impl Visitor<'_> for Known {
            type Value = Name;

            fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
                out.write_str("a string")
            }

            fn visit_str<E>(self, text: &str) -> Result<Self::Value, E> {
                Ok(Name(named(text)))
            }
        }
        from.deserialize_str(Known)
    }
}

#[cfg(test)]
mod tests {
    use super::Payload;
    use serde_json::{Value, json};

    #[test]
    fn members_are_found_as_they_are_written() {
        let text = r#"{"input":[1,2.5],"out\u0070ut":"a\"b","odd \"name\"":{}}"#;
        let found = Payload::read(text.to_owned()).unwrap();
        let texts: Vec<_> = found.iter().map(|(name, value)| (name, value.text())).collect();
        assert_eq!(texts, [("input", "[1,2.5]"), ("output", r#""a\"b""#), ("odd \"name\"", "{}")]);
        assert_eq!(found.get("none"), None);
        let mut written = Vec::new();
        found.write(&mut written).unwrap();
        let read: Value = serde_json::from_slice(&written).unwrap();
        assert_eq!((&read, json!(found.to_map())), (&serde_json::from_str::<Value>(text).unwrap(), read.clone()));
        assert_eq!(serde_json::to_vec(&found).unwrap(), written);
        for bad in ["[]", "{\"a\":}", "{\"a\":1} x"] {
            assert!(Payload::read(bad.to_owned()).is_err(), "{bad}");
        }
    }

    #[test]
    fn a_member_keeps_its_place_and_never_is_null() {
        let mut payload: Payload = [("b".to_owned(), json!(1)), ("a".to_owned(), json!([]))].into_iter().collect();
        payload.insert("b".to_owned(), json!({"c": 2}));
        payload.insert("n".to_owned(), json!(null));
        assert_eq!(serde_json::to_string(&payload).unwrap(), r#"{"b":{"c":2},"a":[]}"#);
        assert_eq!(payload.bytes(), r#"{"b":{"c":2},"a":[]}"#.len());
        payload.set("b", None);
        payload.remove("a");
        assert_eq!((payload.bytes(), payload.is_empty(), payload.value("b")), (2, true, json!(null)));
    }
}
