//! The structured part of a row as bytes: JSON text, compressed when that pays.
//!
//! Does not know tables. Bytes come from disk, so nothing about them is taken for granted.

use evalset_model::log::Payload;
use evalset_model::{Error, Result, json};
use std::cell::RefCell;
use zstd::bulk::{Compressor, Decompressor};

/// Plain JSON text.
const PLAIN: i64 = 0;
/// zstd of JSON text.
const ZSTD: i64 = 1;
/// Below this, compression costs more than it saves.
const WORTH_COMPRESSING: usize = 160;
/// Level 1: the row is on the way of a request.
const LEVEL: i32 = 1;
/// No body may claim to be larger than this (bytes); the largest row limit that can be set is far below.
const CLAIM_MAX: usize = 1 << 30;

/// An encoded payload.
pub(crate) struct Body {
    /// How the bytes are to be read.
    pub codec: i64,
    /// The bytes.
    pub bytes: Vec<u8>,
}

thread_local! {
    static COMPRESSOR: RefCell<Option<Compressor<'static>>> = const { RefCell::new(None) };
    static DECOMPRESSOR: RefCell<Option<Decompressor<'static>>> = const { RefCell::new(None) };
}

/// Encodes a payload.
pub(crate) fn encode(payload: &Payload) -> Result<Body> {
    let mut json = Vec::new();
    payload.write(&mut json).map_err(Error::internal)?;
    if json.len() < WORTH_COMPRESSING {
        return Ok(Body { codec: PLAIN, bytes: json });
    }
    let mut bytes = COMPRESSOR.with(|slot| {
        let mut slot = slot.borrow_mut();
        let compressor = match &mut *slot {
            Some(compressor) => compressor,
            empty => empty.insert(Compressor::new(LEVEL).map_err(Error::internal)?),
        };
        compressor.compress(&json).map_err(Error::internal)
    })?;
    // It was made large enough for text that does not get smaller, and may wait for the writer.
    bytes.shrink_to_fit();
    Ok(if bytes.len() < json.len() { Body { codec: ZSTD, bytes } } else { Body { codec: PLAIN, bytes: json } })
}

/// The JSON text of what [`encode`] made.
pub(crate) fn text(codec: i64, bytes: &[u8]) -> Result<String> {
    let text = match codec {
        PLAIN => bytes.to_vec(),
        ZSTD => decompress(bytes)?,
        other => return Err(Error::internal(format!("unknown payload codec {other}"))),
    };
    String::from_utf8(text).map_err(Error::internal)
}

/// The members of what [`encode`] made.
pub(crate) fn decode(codec: i64, bytes: &[u8]) -> Result<Payload> {
    Payload::read(text(codec, bytes)?).map_err(Error::internal)
}

/// Whether every value of it can be read, which is more than [`decode`] looks at.
pub(crate) fn check(codec: i64, bytes: &[u8]) -> Result<()> {
    let text = text(codec, bytes)?;
    decode(codec, bytes)?;
    json::read(text.as_bytes(), usize::MAX).map_err(Error::internal).map(drop)
}

fn decompress(bytes: &[u8]) -> Result<Vec<u8>> {
    let claim = zstd::zstd_safe::get_frame_content_size(bytes).ok().flatten();
    let size = claim
        .and_then(|size| usize::try_from(size).ok())
        .filter(|size| *size <= CLAIM_MAX)
        .ok_or_else(|| Error::internal("a payload claims an impossible size"))?;
    DECOMPRESSOR.with(|slot| {
        let mut slot = slot.borrow_mut();
        let decompressor = match &mut *slot {
            Some(decompressor) => decompressor,
            empty => empty.insert(Decompressor::new().map_err(Error::internal)?),
        };
        decompressor.decompress(bytes, size).map_err(Error::internal)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    fn members(value: Value) -> Payload {
        match value {
            Value::Object(map) => map.into_iter().collect(),
            other => panic!("not an object: {other}"),
        }
    }

    #[test]
    fn round_trip_plain_and_compressed() {
        let small = members(json!({"input": "hi"}));
        let body = encode(&small).unwrap();
        assert_eq!(body.codec, PLAIN);
        assert_eq!(decode(body.codec, &body.bytes).unwrap(), small);
        let large = members(json!({"input": "word ".repeat(1_000), "output": [1, 2.5, null]}));
        let body = encode(&large).unwrap();
        assert_eq!(body.codec, ZSTD);
        assert_eq!(text(ZSTD, &body.bytes).unwrap(), serde_json::to_string(&large).unwrap());
        assert!(body.bytes.len() < 500);
        assert_eq!(decode(body.codec, &body.bytes).unwrap(), large);
    }

    #[test]
    fn damaged_bytes_are_errors() {
        let body = encode(&members(json!({"input": "word ".repeat(1_000)}))).unwrap();
        assert!(decode(ZSTD, &body.bytes[..body.bytes.len() / 2]).is_err());
        assert!(decode(ZSTD, b"not zstd").is_err());
        assert!(decode(PLAIN, b"[]").is_err());
        assert!(decode(7, &body.bytes).is_err());
        let values = br#"{"input":"\ud83d"}"#;
        assert!(decode(PLAIN, values).is_ok() && check(PLAIN, values).is_err(), "only a check looks into values");
    }
}
