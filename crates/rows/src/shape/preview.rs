//! The beginnings of long values (`preview`): texts are cut at a number of characters, and of large structures only the
//! first values stay. Works on JSON text, so that a value of many megabytes is never built up. Knows no fields.

use evalset_model::limits::Limits;
use evalset_model::{Error, Result};
use serde::de::{DeserializeSeed, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};
use std::fmt;

/// How much of a value is shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Preview {
    /// Characters of one text.
    characters: usize,
    /// Values inside one member.
    values: usize,
}

impl Preview {
    /// Reads the parameter `preview`.
    pub fn parse(text: &str, limits: &Limits) -> Result<Self> {
        let most = limits.preview_characters;
        match text.trim().parse::<usize>() {
            Ok(characters) if (1..=most).contains(&characters) => {
                Ok(Self { characters, values: limits.preview_values })
            }
            _ => Err(Error::invalid(
                "preview",
                format!(
                    "`preview` is the most characters of a text and must be a whole number from 1 to {most} \
                     (`limits.preview_characters`), got `{text}`"
                ),
            )),
        }
    }

    /// Cuts the JSON value that stands from `start` to the end of `out`; returns its size before, if anything had to
    /// go.
    pub fn cut(self, out: &mut Vec<u8>, start: usize) -> Result<Option<usize>> {
        let bytes = out.len() - start;
        // What is shorter than one text may be has no longer text in it, and hardly anything else.
        if bytes <= self.characters {
            return Ok(None);
        }
        let mut short = Vec::new();
        let mut cutter = Cutter { preview: self, left: self.values, cut: false, out: &mut short };
        let mut from = serde_json::Deserializer::from_slice(&out[start..]);
        cutter.deserialize(&mut from).map_err(Error::internal)?;
        if !cutter.cut {
            return Ok(None);
        }
        out.truncate(start);
        out.extend_from_slice(&short);
        Ok(Some(bytes))
    }
}

struct Cutter<'o> {
    preview: Preview,
    /// Values that may still be written.
    left: usize,
    /// Whether something was left out.
    cut: bool,
    out: &'o mut Vec<u8>,
}

impl Cutter<'_> {
    fn deserialize<'de, D: Deserializer<'de>>(&mut self, from: D) -> Result<(), D::Error> {
        DeserializeSeed::deserialize(self, from)
    }

    fn write<E: serde::de::Error>(&mut self, value: &impl serde::Serialize) -> Result<(), E> {
        serde_json::to_writer(&mut *self.out, value).map_err(E::custom)
    }

    /// Takes one from the values left; false when there is none.
    fn take(&mut self) -> bool {
        self.cut |= self.left == 0;
        let any = self.left > 0;
        self.left = self.left.saturating_sub(1);
        any
    }

    /// Whether a name may be written: a cut one could be taken for another.
    fn fits(&mut self, name: &str) -> bool {
        let fits = end_of(name, self.preview.characters) == name.len();
        self.cut |= !fits;
        fits
    }
}

/// Where a text ends after so many characters.
fn end_of(text: &str, characters: usize) -> usize {
    if text.len() <= characters {
        return text.len();
    }
    text.char_indices().nth(characters).map_or(text.len(), |(end, _)| end)
}

impl<'de> DeserializeSeed<'de> for &mut Cutter<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, from: D) -> Result<(), D::Error> {
        from.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for &mut Cutter<'_> {
    type Value = ();

    fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("JSON")
    }

    fn visit_unit<E: serde::de::Error>(self) -> Result<(), E> {
        self.write(&())
    }

    fn visit_bool<E: serde::de::Error>(self, flag: bool) -> Result<(), E> {
        self.write(&flag)
    }

    fn visit_i64<E: serde::de::Error>(self, number: i64) -> Result<(), E> {
        self.write(&number)
    }

    fn visit_u64<E: serde::de::Error>(self, number: u64) -> Result<(), E> {
        self.write(&number)
    }

    fn visit_f64<E: serde::de::Error>(self, number: f64) -> Result<(), E> {
        self.write(&number)
    }

    fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<(), E> {
        let end = end_of(text, self.preview.characters);
        self.cut |= end < text.len();
        self.write(&&text[..end])
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<(), A::Error> {
        let mut before = b'[';
        loop {
            if self.left == 0 {
                while items.next_element::<IgnoredAny>()?.is_some() {
                    self.cut = true;
                }
                break;
            }
            let start = self.out.len();
            self.out.push(before);
            if items.next_element_seed(&mut *self)?.is_none() {
                self.out.truncate(start);
                break;
            }
            self.left = self.left.saturating_sub(1);
            before = b',';
        }
        if before == b'[' {
            self.out.push(b'[');
        }
        self.out.push(b']');
        Ok(())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<(), A::Error> {
        let mut before = b'{';
        while let Some(name) = members.next_key::<String>()? {
            if !self.fits(&name) || !self.take() {
                members.next_value::<IgnoredAny>()?;
                continue;
            }
            self.out.push(before);
            before = b',';
            self.write(&name)?;
            self.out.push(b':');
            members.next_value_seed(&mut *self)?;
        }
        if before == b'{' {
            self.out.push(b'{');
        }
        self.out.push(b'}');
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::{Limits, Preview};
    use serde_json::{Value, json};

    fn cut(value: &Value, characters: &str) -> (Value, Option<usize>) {
        let limits = Limits { preview_values: 6, ..Limits::default() };
        let mut out = b"x".to_vec();
        serde_json::to_writer(&mut out, value).unwrap();
        let size = Preview::parse(characters, &limits).unwrap().cut(&mut out, 1).unwrap();
        (serde_json::from_slice(&out[1..]).unwrap(), size)
    }

    #[test]
    fn texts_end_between_characters() {
        assert_eq!(cut(&json!("abcdef"), "4"), (json!("abcd"), Some(8)));
        assert_eq!(cut(&json!("abcd"), "4"), (json!("abcd"), None));
        assert_eq!(cut(&json!("äöü€"), "3"), (json!("äöü"), Some(11)));
        assert_eq!(cut(&json!("🦀🦀🦀"), "1"), (json!("🦀"), Some(14)));
        assert_eq!(cut(&json!("\u{1}\"\\\n."), "4"), (json!("\u{1}\"\\\n"), Some(15)));
        assert_eq!(
            cut(&json!([{"a": "long text", "b": 1.5}, null, true]), "4").0,
            json!([{"a": "long", "b": 1.5}, null, true])
        );
    }

    #[test]
    fn large_structures_keep_their_beginning() {
        let many: Vec<u32> = (0..100).collect();
        assert_eq!(cut(&json!(many), "9").0, json!([0, 1, 2, 3, 4, 5]));
        let map: Value = (0..100).map(|n| (format!("k{n}"), json!(n))).collect::<serde_json::Map<_, _>>().into();
        assert_eq!(cut(&map, "9").0.as_object().unwrap().len(), 6);
        let nested = json!([[1, 2, 3, 4, 5, 6, 7, 8, 9], [1]]);
        assert_eq!(cut(&nested, "9").0, json!([[1, 2, 3, 4, 5, 6]]));
        assert_eq!(cut(&json!([[], {}, "four", 5]), "9"), (json!([[], {}, "four", 5]), None));
        // A long name goes with its value.
        assert_eq!(cut(&json!({"n": 1, "a long name": 2}), "5").0, json!({"n": 1}));
    }

    #[test]
    fn only_numbers_within_the_limit_are_taken() {
        let limits = Limits::default();
        for good in ["1", "200", " 10000 "] {
            assert!(Preview::parse(good, &limits).is_ok(), "{good}");
        }
        for bad in ["0", "-1", "10001", "99999999999999999999999", "x", "", "1.5", "1e3"] {
            let error = Preview::parse(bad, &limits).unwrap_err();
            assert!(
                error.by_field().contains_key("preview") && error.to_string().contains("preview_characters"),
                "{bad}"
            );
        }
    }
}
