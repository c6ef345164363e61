//! The structured part of a row as bytes: JSON text, compressed when that pays.
//!
//! Does not know tables. Bytes come from disk, so nothing about them is taken for granted.

use evalset_model::{Error, Result};
use serde_json::{Map, Value};
use std::borrow::Cow;
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
pub(crate) fn encode(payload: &Map<String, Value>) -> Result<Body> {
    let json = serde_json::to_vec(payload).map_err(Error::internal)?;
    if json.len() < WORTH_COMPRESSING {
        return Ok(Body { codec: PLAIN, bytes: json });
    }
    let bytes = COMPRESSOR.with(|slot| {
        let mut slot = slot.borrow_mut();
        let compressor = match &mut *slot {
            Some(compressor) => compressor,
            empty => empty.insert(Compressor::new(LEVEL).map_err(Error::internal)?),
        };
        compressor.compress(&json).map_err(Error::internal)
    })?;
    Ok(if bytes.len() < json.len() { Body { codec: ZSTD, bytes } } else { Body { codec: PLAIN, bytes: json } })
}

/// The JSON text of what [`encode`] made.
pub(crate) fn text(codec: i64, bytes: &[u8]) -> Result<Cow<'_, [u8]>> {
    match codec {
        PLAIN => Ok(Cow::Borrowed(bytes)),
        ZSTD => decompress(bytes).map(Cow::Owned),
        other => Err(Error::internal(format!("unknown payload codec {other}"))),
    }
}

/// The members of what [`encode`] made.
pub(crate) fn decode(codec: i64, bytes: &[u8]) -> Result<Map<String, Value>> {
    serde_json::from_slice(&text(codec, bytes)?).map_err(Error::internal)
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
    use serde_json::json;

    fn map(value: Value) -> Map<String, Value> {
        match value {
            Value::Object(map) => map,
            other => panic!("not an object: {other}"),
        }
    }

    #[test]
    fn round_trip_plain_and_compressed() {
        let small = map(json!({"input": "hi"}));
        let body = encode(&small).unwrap();
        assert_eq!(body.codec, PLAIN);
        assert_eq!(decode(body.codec, &body.bytes).unwrap(), small);
        let large = map(json!({"input": "word ".repeat(1_000), "output": [1, 2.5, null]}));
        let body = encode(&large).unwrap();
        assert_eq!(body.codec, ZSTD);
        assert_eq!(text(ZSTD, &body.bytes).unwrap(), serde_json::to_vec(&large).unwrap());
        assert!(body.bytes.len() < 500);
        assert_eq!(decode(body.codec, &body.bytes).unwrap(), large);
    }

    #[test]
    fn damaged_bytes_are_errors() {
        let body = encode(&map(json!({"input": "word ".repeat(1_000)}))).unwrap();
        assert!(decode(ZSTD, &body.bytes[..body.bytes.len() / 2]).is_err());
        assert!(decode(ZSTD, b"not zstd").is_err());
        assert!(decode(PLAIN, b"[]").is_err());
        assert!(decode(7, &body.bytes).is_err());
    }
}
