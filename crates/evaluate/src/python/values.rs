//! JSON text → Python value → JSON text, without a tree of JSON values between.
//!
//! Knows the interpreter's values. Bounded in size and depth, since what comes back is made by code that is not
//! trusted.

use crate::convert::cut;
use monty_types::{DictPairs, MontyObject};
use num_bigint::BigInt;
use serde::de::{Deserialize, Deserializer, Error, MapAccess, SeqAccess, Visitor};
use std::fmt;
use std::io::Write;

/// Nesting of a returned value.
const DEPTH_MAX: usize = 100;
/// Bytes of a value shown in an error.
const SHOWN_BYTES: usize = 80;

/// A Python value read from JSON.
pub(super) struct Given(pub MontyObject);

impl<'de> Deserialize<'de> for Given {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Builder).map(Self)
    }
}

struct Builder;

impl<'de> Visitor<'de> for Builder {
    type Value = MontyObject;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("JSON")
    }

    fn visit_unit<E: Error>(self) -> Result<MontyObject, E> {
        Ok(MontyObject::None)
    }

    fn visit_bool<E: Error>(self, flag: bool) -> Result<MontyObject, E> {
        Ok(MontyObject::Bool(flag))
    }

    fn visit_i64<E: Error>(self, number: i64) -> Result<MontyObject, E> {
        Ok(MontyObject::Int(number))
    }

    fn visit_u64<E: Error>(self, number: u64) -> Result<MontyObject, E> {
        Ok(i64::try_from(number).map_or_else(|_| MontyObject::BigInt(BigInt::from(number)), MontyObject::Int))
    }

    fn visit_f64<E: Error>(self, number: f64) -> Result<MontyObject, E> {
        Ok(MontyObject::Float(number))
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<MontyObject, E> {
        Ok(MontyObject::String(text.to_owned()))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<MontyObject, A::Error> {
        let mut list = Vec::new();
        while let Some(Given(item)) = items.next_element()? {
            list.push(item);
        }
        Ok(MontyObject::List(list))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<MontyObject, A::Error> {
        let mut pairs = Vec::new();
        while let Some((key, Given(value))) = members.next_entry::<String, Given>()? {
            pairs.push((MontyObject::String(key), value));
        }
        Ok(MontyObject::Dict(DictPairs::from(pairs)))
    }
}

/// The JSON text of a returned value, of at most `most` bytes.
pub(super) fn to_json(value: &MontyObject, most: usize) -> Result<Vec<u8>, String> {
    let mut out = Bounded { bytes: Vec::new(), most };
    write(value, 0, &mut out)?;
    Ok(out.bytes)
}

fn write(value: &MontyObject, depth: usize, out: &mut Bounded) -> Result<(), String> {
    if depth > DEPTH_MAX {
        return Err(format!("the returned value is nested deeper than {DEPTH_MAX}"));
    }
    match value {
        MontyObject::None => out.put(b"null"),
        MontyObject::Bool(flag) => out.put(if *flag { b"true" } else { b"false" }),
        MontyObject::Int(number) => out.put(number.to_string().as_bytes()),
        // Its digits may be many: the decimal text is refused by size before it is made.
        MontyObject::BigInt(number) if number.bits() > 1024 => Err("the returned number is too large".to_owned()),
        MontyObject::BigInt(number) => out.put(number.to_string().as_bytes()),
        MontyObject::Float(number) if number.is_finite() => out.json(number),
        MontyObject::Float(number) => Err(format!("the returned number is not finite: {number}")),
        MontyObject::String(text) => out.json(text.as_str()),
        MontyObject::List(items)
        | MontyObject::Tuple(items)
        | MontyObject::Set(items)
        | MontyObject::FrozenSet(items)
        | MontyObject::NamedTuple { values: items, .. } => {
            out.put(b"[")?;
            for (position, item) in items.iter().enumerate() {
                if position > 0 {
                    out.put(b",")?;
                }
                write(item, depth + 1, out)?;
            }
            out.put(b"]")
        }
        MontyObject::Dict(pairs) => {
            out.put(b"{")?;
            for (position, (key, value)) in pairs.into_iter().enumerate() {
                if position > 0 {
                    out.put(b",")?;
                }
                out.json(key_text(key)?.as_str())?;
                out.put(b":")?;
                write(value, depth + 1, out)?;
            }
            out.put(b"}")
        }
        other => Err(format!("the returned value is no JSON value: {}", shown(other))),
    }
}

/// A key as Python's `json` writes it.
fn key_text(key: &MontyObject) -> Result<String, String> {
    match key {
        MontyObject::String(text) => Ok(text.clone()),
        MontyObject::Int(number) => Ok(number.to_string()),
        MontyObject::Bool(flag) => Ok(flag.to_string()),
        MontyObject::None => Ok("null".to_owned()),
        other => Err(format!("a key of the returned value is no text: {}", shown(other))),
    }
}

fn shown(value: &MontyObject) -> String {
    cut(&value.py_repr(), SHOWN_BYTES)
}

struct Bounded {
    bytes: Vec<u8>,
    most: usize,
}

impl Bounded {
    fn put(&mut self, bytes: &[u8]) -> Result<(), String> {
        self.write_all(bytes).map_err(|_| self.too_large())
    }

    fn json(&mut self, value: &(impl serde::Serialize + ?Sized)) -> Result<(), String> {
        serde_json::to_writer(&mut *self, value).map_err(|_| self.too_large())
    }

    fn too_large(&self) -> String {
        format!("the returned value has more than {} bytes as JSON", self.most)
    }
}

impl Write for Bounded {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        if self.bytes.len() + bytes.len() > self.most {
            return Err(std::io::ErrorKind::FileTooLarge.into());
        }
        self.bytes.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn json_comes_back() {
        for text in [
            "null",
            "true",
            "-3",
            "9223372036854775807",
            "18446744073709551615",
            "0.1",
            r#""é\n\"""#,
            r#"[1,[],{"b":null,"a":[false]}]"#,
            "{}",
        ] {
            let Given(value) = serde_json::from_str(text).unwrap();
            assert_eq!(String::from_utf8(to_json(&value, 1_000).unwrap()).unwrap(), text);
        }
    }

    #[test]
    fn what_is_no_json_is_refused() {
        let deep = (0..200).fold(MontyObject::None, |inner, _| MontyObject::List(vec![inner]));
        for (value, said) in [
            (MontyObject::Float(f64::NAN), "not finite"),
            (MontyObject::BigInt(BigInt::from(1) << 5_000_usize), "too large"),
            (MontyObject::Bytes(vec![1]), "no JSON value: b'\\x01'"),
            (deep, "nested deeper"),
            (MontyObject::String("x".repeat(2_000)), "more than 1000 bytes"),
            (MontyObject::Repr("y".repeat(2_000)), "yyy…"),
        ] {
            let error = to_json(&value, 1_000).unwrap_err();
            assert!(error.contains(said), "{error}");
        }
    }
}
