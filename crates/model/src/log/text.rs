//! The payload of a log as the JSON text it is stored as: members are found, not parsed. Does not know which members there are.

use serde::de::{Deserialize, Deserializer, Error as _, MapAccess, Visitor};
use serde_json::value::RawValue;
use serde_json::{Map, Value};
use std::borrow::Cow;
use std::fmt;

/// The members of a payload, each as its JSON text.
#[derive(Clone, Debug, Default)]
pub struct PayloadText<'a> {
    members: Vec<(Cow<'a, str>, &'a RawValue)>,
}

impl<'a> PayloadText<'a> {
    /// Finds the members of a JSON object.
    pub fn parse(text: &'a [u8]) -> serde_json::Result<Self> {
        let text = std::str::from_utf8(text).map_err(serde_json::Error::custom)?;
        serde_json::from_str(text)
    }

    /// The JSON text of a member.
    pub fn get(&self, name: &str) -> Option<&'a str> {
        self.members.iter().find(|(known, _)| known == name).map(|(_, value)| value.get())
    }

    /// The members parsed, as a [`Log`](super::Log) has them.
    pub fn to_map(&self) -> serde_json::Result<Map<String, Value>> {
        let parsed = self
            .members
            .iter()
            .map(|(name, value)| serde_json::from_str(value.get()).map(|value| (name.clone().into_owned(), value)));
        parsed.collect()
    }
}

impl<'de: 'a, 'a> Deserialize<'de> for PayloadText<'a> {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        struct Members;
        impl<'de> Visitor<'de> for Members {
            type Value = PayloadText<'de>;

            fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
                out.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                let mut members = Vec::with_capacity(8);
                while let Some(Name(name)) = map.next_key()? {
                    members.push((name, map.next_value()?));
                }
                Ok(PayloadText { members })
            }
        }
        from.deserialize_map(Members)
    }
}

/// A name that is borrowed where it can be.
pub(super) struct Name<'a>(pub Cow<'a, str>);

impl<'de> Deserialize<'de> for Name<'de> {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        struct Text;
        impl<'de> Visitor<'de> for Text {
            type Value = Name<'de>;

            fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
                out.write_str("a string")
            }

            fn visit_borrowed_str<E>(self, text: &'de str) -> Result<Self::Value, E> {
                Ok(Name(Cow::Borrowed(text)))
            }

            fn visit_str<E>(self, text: &str) -> Result<Self::Value, E> {
                Ok(Name(Cow::Owned(text.to_owned())))
            }
        }
        from.deserialize_str(Text)
    }
}

#[cfg(test)]
mod tests {
    use super::PayloadText;
    use serde_json::json;

    #[test]
    fn members_are_found_as_they_are_written() {
        let text = br#"{"input":[1, 2.50],"out\u0070ut":"a\"b","odd \"name\"":{}}"#;
        let found = PayloadText::parse(text).unwrap();
        assert_eq!((found.get("input"), found.get("output")), (Some("[1, 2.50]"), Some(r#""a\"b""#)));
        assert_eq!(found.get("none"), None);
        let map = found.to_map().unwrap();
        assert_eq!(json!(map), serde_json::from_slice::<serde_json::Value>(text).unwrap());
        for bad in [&b"[]"[..], b"{\"a\":}", b"{\"a\":1} x", b"\xff{}"] {
            assert!(PayloadText::parse(bad).is_err());
        }
    }
}
