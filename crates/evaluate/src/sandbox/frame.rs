//! What goes between parent and child: a length (4 bytes, little-endian), a tag (1 byte), a body. Both sides bound the
//! length.
//!
//! Knows no interpreter and no process.

use std::io::{self, Read, Write};
use tokio::io::{AsyncRead, AsyncReadExt};

/// Parent to child, once, first: [`super::Settings`] as JSON.
pub(super) const START: u8 = b'S';
/// Parent to child: a language (1 byte, see `source`) and a source.
pub(super) const LOAD: u8 = b'L';
/// Parent to child: rows, each a length and JSON text. Answered by one [`VALUE`] or [`FAILED`] for each, in order.
pub(super) const ROWS: u8 = b'R';
/// Child to parent: done with [`START`] or [`LOAD`].
pub(super) const READY: u8 = b'Y';
/// Child to parent: the source is wrong, [`super::Refusal`] as JSON.
pub(super) const REFUSED: u8 = b'X';
/// Child to parent: the value of a row, JSON text.
pub(super) const VALUE: u8 = b'V';
/// Child to parent: why a row has none.
pub(super) const FAILED: u8 = b'E';

/// Bytes of the rows of one frame, unless a single row is larger.
pub(super) const BATCH_BYTES: usize = 1024 * 1024;
/// Rows of one frame.
pub(super) const BATCH_ROWS: usize = 1_000;
/// Bytes of one row, as JSON text.
pub(super) const ROW_BYTES_MAX: usize = 32 * 1024 * 1024;
/// Bytes that a frame to the child may have at most.
pub(super) const ORDER_BYTES_MAX: usize = ROW_BYTES_MAX + BATCH_BYTES + 1024;

/// A frame ready to be written.
pub(super) fn pack(tag: u8, body: &[u8]) -> Vec<u8> {
    let mut frame = Vec::with_capacity(body.len() + 5);
    frame.extend_from_slice(&length(body.len() + 1));
    frame.push(tag);
    frame.extend_from_slice(body);
    frame
}

/// A frame of rows.
pub(super) fn pack_rows(rows: &[String]) -> Vec<u8> {
    let mut body = Vec::with_capacity(rows.iter().map(|row| row.len() + 4).sum());
    for row in rows {
        body.extend_from_slice(&length(row.len()));
        body.extend_from_slice(row.as_bytes());
    }
    pack(ROWS, &body)
}

/// The rows of a frame's body.
pub(super) fn unpack_rows(mut body: &[u8]) -> io::Result<Vec<&[u8]>> {
    let mut rows = Vec::new();
    while let Some((head, rest)) = body.split_first_chunk::<4>() {
        let row = rest.split_at_checked(u32::from_le_bytes(*head) as usize);
        let (row, rest) = row.ok_or_else(|| io::Error::from(io::ErrorKind::InvalidData))?;
        rows.push(row);
        body = rest;
    }
    if body.is_empty() { Ok(rows) } else { Err(io::ErrorKind::InvalidData.into()) }
}

fn length(bytes: usize) -> [u8; 4] {
    // Every length is bounded far below 4 GiB before it comes here.
    u32::try_from(bytes).unwrap_or(u32::MAX).to_le_bytes()
}

/// Reads a frame of at most `most` bytes; none at the end of the stream.
pub(super) fn read(from: &mut impl Read, most: usize) -> io::Result<Option<(u8, Vec<u8>)>> {
    let mut head = [0; 4];
    match from.read_exact(&mut head) {
        Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => return Ok(None),
        result => result?,
    }
    let mut frame = vec![0; checked(head, most)?];
    from.read_exact(&mut frame)?;
    Ok(Some((frame.remove(0), frame)))
}

/// As [`read`], for the parent; the end of the stream is an error.
pub(super) async fn read_async(from: &mut (impl AsyncRead + Unpin), most: usize) -> io::Result<(u8, Vec<u8>)> {
    let mut head = [0; 4];
    from.read_exact(&mut head).await?;
    let mut frame = vec![0; checked(head, most)?];
    from.read_exact(&mut frame).await?;
    Ok((frame.remove(0), frame))
}

fn checked(head: [u8; 4], most: usize) -> io::Result<usize> {
    let length = u32::from_le_bytes(head) as usize;
    if length == 0 || length > most { Err(io::ErrorKind::InvalidData.into()) } else { Ok(length) }
}

/// Writes a frame at once.
pub(super) fn write(to: &mut impl Write, tag: u8, body: &[u8]) -> io::Result<()> {
    to.write_all(&pack(tag, body))?;
    to.flush()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn frames_come_back() {
        let rows = ["{}".to_owned(), String::new(), "é".repeat(1_000)];
        let bytes = [pack(LOAD, b"x"), pack_rows(&rows)].concat();
        let mut stream = bytes.as_slice();
        assert_eq!(read(&mut stream, 100).unwrap(), Some((LOAD, b"x".to_vec())));
        let (tag, body) = read(&mut stream, ORDER_BYTES_MAX).unwrap().unwrap();
        let back: Vec<&str> = unpack_rows(&body).unwrap().iter().map(|row| std::str::from_utf8(row).unwrap()).collect();
        assert_eq!((tag, back), (ROWS, rows.iter().map(String::as_str).collect()));
        assert_eq!(read(&mut stream, 100).unwrap(), None);
    }

    #[test]
    fn lengths_are_not_believed() {
        assert!(read(&mut [255, 255, 255, 255, 1].as_slice(), 1_000).is_err());
        assert!(read(&mut [0, 0, 0, 0, 1].as_slice(), 1_000).is_err());
        assert!(read(&mut [9, 0, 0, 0, 1].as_slice(), 1_000).is_err());
        assert!(unpack_rows(&[9, 0, 0, 0, 1]).is_err());
        assert!(unpack_rows(&[1, 2]).is_err());
    }
}
