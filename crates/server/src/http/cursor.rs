//! Cursors of lists: the place where a page ended, and what the list was of, as one opaque text for URLs.
//!
//! A checksum finds cursors that were damaged or made up. It is no seal: a cursor gives no access to anything that its
//! caller could not ask for without it.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use evalset_model::filter::meaning::SortKey;
use evalset_model::ids::LogId;
use evalset_model::page::Mark;
use evalset_model::{Error, Result};
use serde::{Deserialize, Serialize};
use std::borrow::Cow;
use xxhash_rust::xxh3::xxh3_64;

/// Grows when cursors of older versions cannot be read any more.
const VERSION: u8 = 1;
/// Bytes of the checksum.
const SUM: usize = 8;

/// Where to read on.
#[derive(Clone, Debug, PartialEq)]
pub struct Cursor {
    /// Tells lists apart, see [`list_of`].
    pub list: u64,
    /// When the first page was asked for, microseconds: time windows that end now stay where they were.
    pub began_at: i64,
    /// The place of the last row that was sent.
    pub mark: Mark,
}

/// What tells one list from another: where it is, its filter and its order, each as a text.
pub fn list_of(parts: &[&str]) -> u64 {
    // Ends of parts are marked by their lengths.
    let marked: Vec<String> = parts.iter().map(|part| format!("{}:{part}", part.len())).collect();
    xxh3_64(marked.concat().as_bytes())
}

/// A cursor as it is written.
#[derive(Serialize, Deserialize)]
struct Written<'a>(u8, u64, i64, #[serde(borrow)] Key<'a>, Cow<'a, str>);

/// A [`SortKey`] as it is written: a number by its bits, so that it comes back as it was.
#[derive(Serialize, Deserialize)]
enum Key<'a> {
    #[serde(rename = "i")]
    Int(i64),
    #[serde(rename = "n")]
    Number(u64),
    #[serde(rename = "t", borrow)]
    Text(Cow<'a, str>),
    #[serde(rename = "b")]
    Bool(bool),
    #[serde(rename = "s", borrow)]
    Structure(Cow<'a, str>),
    #[serde(rename = "z")]
    Null,
}

impl Cursor {
    /// As text.
    pub fn encode(&self) -> Result<String> {
        let key = match &self.mark.key {
            SortKey::Int(number) => Key::Int(*number),
            SortKey::Number(number) => Key::Number(number.to_bits()),
            SortKey::Text(text) => Key::Text(Cow::Borrowed(text)),
            SortKey::Bool(flag) => Key::Bool(*flag),
            SortKey::Structure(text) => Key::Structure(Cow::Borrowed(text)),
            SortKey::Null => Key::Null,
        };
        let written = Written(VERSION, self.list, self.began_at, key, Cow::Borrowed(self.mark.id.as_str()));
        let mut bytes = serde_json::to_vec(&written).map_err(Error::internal)?;
        bytes.extend_from_slice(&xxh3_64(&bytes).to_le_bytes());
        Ok(URL_SAFE_NO_PAD.encode(bytes))
    }

    /// Reads what [`Cursor::encode`] wrote.
    pub fn decode(text: &str) -> Result<Self> {
        Self::read(text).ok_or_else(|| {
            let text = "`cursor` is damaged or was not made by this server: send `next_cursor` of the page before as it is, \
                        or start again with an empty `cursor`";
            Error::invalid("cursor", text)
        })
    }

    fn read(text: &str) -> Option<Self> {
        let bytes = URL_SAFE_NO_PAD.decode(text.trim()).ok()?;
        let (body, sum) = bytes.split_at_checked(bytes.len().checked_sub(SUM)?)?;
        if xxh3_64(body).to_le_bytes() != sum {
            return None;
        }
        let Written(version, list, began_at, key, id) = serde_json::from_slice(body).ok()?;
        let key = match key {
            Key::Int(number) => SortKey::Int(number),
            Key::Number(bits) => SortKey::Number(f64::from_bits(bits)),
            Key::Text(text) => SortKey::Text(Cow::Owned(text.into_owned())),
            Key::Bool(flag) => SortKey::Bool(flag),
            Key::Structure(text) => SortKey::Structure(text.into_owned()),
            Key::Null => SortKey::Null,
        };
        (version == VERSION).then(|| Self { list, began_at, mark: Mark { key, id: LogId(id.into_owned()) } })
    }

    /// Refuses a cursor of another list.
    pub fn check(&self, list: u64) -> Result<()> {
        if self.list == list {
            return Ok(());
        }
        let text = "`cursor` belongs to another list: send it with the dataset, filters and `sort_by` it was made with, or \
                    start again with an empty `cursor`";
        Err(Error::invalid("cursor", text))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cursor_comes_back_as_it_was_or_not_at_all() {
        let keys = [
            SortKey::Int(i64::MIN),
            SortKey::Number(0.1 + 0.2),
            SortKey::Number(f64::MAX),
            SortKey::Text("größer \"/+\\ \u{0}".into()),
            SortKey::Bool(true),
            SortKey::Structure("[1,{\"a\":null}]".to_owned()),
            SortKey::Null,
        ];
        for key in keys {
            let mark = Mark { key, id: LogId("a \"quoted\" id".to_owned()) };
            let cursor = Cursor { list: u64::MAX, began_at: -5, mark };
            let text = cursor.encode().unwrap();
            assert!(text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_'), "{text}");
            assert_eq!(Cursor::decode(&text).unwrap(), cursor);
            for at in 0..text.len() {
                let mut bad = text.clone().into_bytes();
                bad[at] = if bad[at] == b'A' { b'B' } else { b'A' };
                assert!(Cursor::decode(std::str::from_utf8(&bad).unwrap()).is_err(), "{at} of {text}");
                assert!(Cursor::decode(&text[..at]).is_err());
            }
        }
    }

    #[test]
    fn parts_of_a_list_do_not_run_together() {
        assert_ne!(list_of(&["ab", "c"]), list_of(&["a", "bc"]));
        assert_eq!(list_of(&["ab", "c"]), list_of(&["ab", "c"]));
    }
}
