//! Any JSON → compact text, in one pass and in the memory of the text. Whatever a parser of trees refuses or changes,
//! this does too: a name that comes again has the place of the first and the value of the last.

use super::object::Span;
use hashbrown::HashTable;
use hashbrown::hash_table::Entry;
use serde::de::{DeserializeSeed, Deserializer, Error as _, MapAccess, SeqAccess, Visitor};
use std::fmt;
use std::hash::{BuildHasher as _, RandomState};

/// Up to so many members, names are compared one by one.
const FEW: usize = 12;

/// Why a text was not read.
#[derive(Debug, thiserror::Error)]
pub enum Unread {
    /// As compact text it has more bytes than it may have.
    #[error("larger than allowed")]
    TooLarge,
    /// It is no JSON.
    #[error(transparent)]
    Invalid(serde_json::Error),
}

/// Brings JSON into its compact form of at most `most` bytes.
pub fn read(text: &[u8], most: usize) -> Result<String, Unread> {
    whole(text, most, None).map(|(text, _)| text)
}

/// [`read`] without a bound, for text that is bounded already; `None` when it is no JSON.
pub fn compact(text: &str) -> Option<String> {
    read(text.as_bytes(), usize::MAX).ok()
}

/// The text without the members that `unwanted` names, at any depth.
pub(crate) fn without(text: &str, unwanted: Unwanted) -> Option<String> {
    whole(text.as_bytes(), usize::MAX, Some(unwanted)).ok().map(|(text, _)| text)
}

/// Tells of a name and a value whether the member is to be left out.
pub(crate) type Unwanted = fn(&str, super::Json<'_>) -> bool;

/// Compact text and, if it is an object, the places of its members.
pub(super) fn whole(text: &[u8], most: usize, unwanted: Option<Unwanted>) -> Result<(String, Vec<Span>), Unread> {
    let room = text.len().min(most);
    let mut writer = Writer {
        out: Vec::with_capacity(room),
        spans: Vec::new(),
        open: 0,
        most: most.min(u32::MAX as usize),
        too_large: false,
        unwanted,
    };
    let mut from = serde_json::Deserializer::from_slice(text);
    let read = writer.value(&mut from).and_then(|()| from.end());
    match read {
        Ok(()) => {}
        Err(_) if writer.too_large => return Err(Unread::TooLarge),
        Err(error) => return Err(Unread::Invalid(error)),
    }
    let text = String::from_utf8(writer.out).map_err(|error| Unread::Invalid(serde_json::Error::custom(error)))?;
    Ok((text, writer.spans))
}

struct Writer {
    out: Vec<u8>,
    /// Members of the objects that are being read; in the end those of the outermost.
    spans: Vec<Span>,
    /// Objects and arrays around.
    open: usize,
    most: usize,
    too_large: bool,
    unwanted: Option<Unwanted>,
}

impl Writer {
    fn value<'de, D: Deserializer<'de>>(&mut self, from: D) -> Result<(), D::Error> {
        from.deserialize_any(self)
    }

    fn write<E: serde::de::Error>(&mut self, value: &impl serde::Serialize) -> Result<(), E> {
        serde_json::to_writer(&mut self.out, value).map_err(E::custom)?;
        self.check()
    }

    fn check<E: serde::de::Error>(&mut self) -> Result<(), E> {
        if self.out.len() > self.most {
            self.too_large = true;
            return Err(E::custom("larger than allowed"));
        }
        Ok(())
    }

    fn name(&self, span: &Span) -> &[u8] {
        &self.out[span.name as usize..span.value as usize - 1]
    }

    /// Whether a name of these members comes twice.
    fn repeats(&self, base: usize) -> bool {
        let spans = &self.spans[base..];
        if spans.len() <= FEW {
            let same = |(index, span)| spans[..index].iter().any(|other| self.name(other) == self.name(span));
            return spans.iter().enumerate().any(same);
        }
        let mut known = HashTable::<u32>::with_capacity(spans.len());
        let keys = RandomState::new();
        let hash = |index: &u32| keys.hash_one(self.name(&spans[*index as usize]));
        (0..spans.len() as u32).any(|index| {
            let same = |other: &u32| self.name(&spans[*other as usize]) == self.name(&spans[index as usize]);
            match known.entry(hash(&index), same, hash) {
                Entry::Occupied(_) => true,
                Entry::Vacant(place) => {
                    place.insert(index);
                    false
                }
            }
        })
    }

    /// Writes the object that begins at `start` again, with each name once.
    fn unite(&mut self, base: usize, start: usize) {
        let spans = self.spans.split_off(base);
        let keys = RandomState::new();
        // Indexes of the first and the last member of a name.
        let mut kept: Vec<(u32, u32)> = Vec::new();
        let mut known = HashTable::<u32>::new();
        for (index, span) in spans.iter().enumerate() {
            let named = |place: &u32| self.name(&spans[kept[*place as usize].0 as usize]);
            let entry = known.entry(
                keys.hash_one(self.name(span)),
                |place| named(place) == self.name(span),
                |place| keys.hash_one(named(place)),
            );
            match entry {
                Entry::Occupied(place) => kept[*place.get() as usize].1 = index as u32,
                Entry::Vacant(place) => {
                    place.insert(kept.len() as u32);
                    kept.push((index as u32, index as u32));
                }
            }
        }
        let mut text = Vec::with_capacity(self.out.len() - start);
        let mut united = Vec::with_capacity(kept.len());
        for (first, last) in kept {
            let (first, last) = (&spans[first as usize], &spans[last as usize]);
            text.push(if text.is_empty() { b'{' } else { b',' });
            let name = (start + text.len()) as u32;
            text.extend_from_slice(&self.out[first.name as usize..first.value as usize]);
            let value = (start + text.len()) as u32;
            text.extend_from_slice(&self.out[last.value as usize..last.end as usize]);
            united.push(Span { name, value, end: (start + text.len()) as u32 });
        }
        text.push(b'}');
        self.out.truncate(start);
        self.out.extend_from_slice(&text);
        self.spans.extend(united);
    }

    /// Whether the member is to be left out.
    fn is_unwanted(&self, span: &Span) -> bool {
        let Some(unwanted) = self.unwanted else { return false };
        let text = |from: u32, to: u32| std::str::from_utf8(&self.out[from as usize..to as usize]);
        match (text(span.name + 1, span.value - 2), text(span.value, span.end)) {
            (Ok(name), Ok(value)) => unwanted(name, super::Json::written(value)),
            _ => false,
        }
    }
}

/// Reads a name and writes it.
struct Name<'w>(&'w mut Writer);

impl<'de> DeserializeSeed<'de> for Name<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, from: D) -> Result<(), D::Error> {
        from.deserialize_str(self.0)
    }
}

impl<'de> DeserializeSeed<'de> for &mut Writer {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, from: D) -> Result<(), D::Error> {
        from.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for &mut Writer {
    type Value = ();

    fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("any valid JSON value")
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
        self.write(&text)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<(), A::Error> {
        self.out.push(b'[');
        self.open += 1;
        let start = self.out.len();
        loop {
            let before = self.out.len();
            if before > start {
                self.out.push(b',');
            }
            if items.next_element_seed(&mut *self)?.is_none() {
                self.out.truncate(before);
                break;
            }
        }
        self.open -= 1;
        self.out.push(b']');
        self.check()
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<(), A::Error> {
        let (base, start) = (self.spans.len(), self.out.len());
        self.out.push(b'{');
        self.open += 1;
        loop {
            let before = self.out.len();
            if before > start + 1 {
                self.out.push(b',');
            }
            let name = self.out.len() as u32;
            if members.next_key_seed(Name(self))?.is_none() {
                self.out.truncate(before);
                break;
            }
            self.out.push(b':');
            let value = self.out.len() as u32;
            members.next_value_seed(&mut *self)?;
            let span = Span { name, value, end: self.out.len() as u32 };
            if self.is_unwanted(&span) {
                self.out.truncate(before);
            } else {
                self.spans.push(span);
            }
        }
        self.open -= 1;
        self.out.push(b'}');
        if self.repeats(base) {
            self.unite(base, start);
        }
        if self.open > 0 {
            self.spans.truncate(base);
        }
        self.check()
    }
}
