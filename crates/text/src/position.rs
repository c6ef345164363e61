//! Where the words of a text stand, as bytes: for each term and document the numbers of its words, counted from the
//! first word of the lower-cased text on, and whether one space and another word follow.
//!
//! A number is written as its distance from the one before (the first of a document from 0), shifted by two bits: the
//! lower says that it is the first of its document, the other that a space and a word follow. Lists of several
//! documents are put behind one another as they are. Bytes come from disk, so nothing about them is taken for granted.

use crate::blocks::{Block, List};
use crate::postings::{self, put_number, take_number};
use crate::segment::{Segment, odd};
use std::io;
use std::ops::Range;

/// Bytes of positions that are read from the file at once.
const READ_BYTES: usize = 16 * 1024;
/// Longest number.
const NUMBER_BYTES: usize = 10;
const FIRST: u64 = 1;
const SPACED: u64 = 2;

/// A word in its text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Position {
    /// Which word it is, from 0.
    pub number: u32,
    /// Just one space stands between it and the next word.
    pub spaced: bool,
}

/// Appends a position; `before`: the one before in the same document.
pub fn put(out: &mut Vec<u8>, position: Position, before: Option<u32>) {
    let (distance, first) = match before {
        Some(before) => (position.number - before, 0),
        None => (position.number, FIRST),
    };
    put_number(out, u64::from(distance) << 2 | if position.spaced { SPACED } else { 0 } | first);
}

/// Visits the bytes of one document after another; false when they are damaged.
pub fn by_doc(bytes: &[u8], mut visit: impl FnMut(Range<usize>)) -> bool {
    let (mut rest, mut start) = (bytes, 0);
    while !rest.is_empty() {
        let at = bytes.len() - rest.len();
        let Some(number) = take_number(&mut rest) else { return false };
        if number & FIRST != 0 && at > 0 {
            visit(start..at);
            start = at;
        } else if number & FIRST == 0 && at == 0 {
            return false;
        }
    }
    if !bytes.is_empty() {
        visit(start..bytes.len());
    }
    true
}

/// Goes through the documents of a term and the positions in them, once, from the first on.
pub struct Positions<'a> {
    segment: &'a Segment,
    docs: postings::Walk,
    /// The next document.
    doc: Option<u32>,
    /// Bytes not read from the file yet.
    file: Range<u64>,
    buffer: Vec<u8>,
    at: usize,
}

impl<'a> Positions<'a> {
    /// Of a term of a block, with the bytes of its list of documents.
    pub fn new(segment: &'a Segment, block: &Block, list: List, docs: Vec<u8>) -> io::Result<Self> {
        let file = block.positions(list)?;
        let mut docs = postings::Walk::new(docs, list.count, segment.len());
        let doc = docs.next();
        Ok(Self { segment, docs, doc, file, buffer: Vec::new(), at: 0 })
    }

    /// Bytes that are still to be gone through.
    pub fn left(&self) -> u64 {
        self.file.end - self.file.start + (self.buffer.len() - self.at) as u64
    }

    /// Reads on when less than a number may be there.
    fn fill(&mut self) -> io::Result<()> {
        if self.buffer.len() - self.at < NUMBER_BYTES && !self.file.is_empty() {
            let left = usize::try_from(self.file.end - self.file.start).unwrap_or(READ_BYTES).min(READ_BYTES);
            self.buffer.drain(..self.at);
            self.at = 0;
            self.segment.read_on(self.file.start, left, &mut self.buffer)?;
            self.file.start += left as u64;
        }
        Ok(())
    }

    /// Goes through the documents before `end`, and the positions of those that the visitor wants.
    pub fn until(&mut self, end: u32, visitor: &mut impl Visitor) -> io::Result<()> {
        while let Some(doc) = self.doc.filter(|doc| *doc < end) {
            self.fill()?;
            if self.buffer.get(self.at).is_none_or(|byte| u64::from(*byte) & FIRST == 0) {
                return Err(damaged());
            }
            if visitor.wants(doc) {
                self.visit(doc, visitor)?;
            } else {
                self.skip()?;
            }
            self.doc = self.docs.next();
        }
        Ok(())
    }

    fn visit(&mut self, doc: u32, visitor: &mut impl Visitor) -> io::Result<()> {
        let (mut number, mut first) = (0_u32, true);
        loop {
            self.fill()?;
            let (buffer, mut at) = (self.buffer.as_slice(), self.at);
            // Near its end the buffer may hold a part of a number only, unless the file ends there too.
            let safe = if self.file.is_empty() { buffer.len() } else { buffer.len() - NUMBER_BYTES };
            let more = loop {
                let Some(byte) = buffer.get(at).copied() else { break false };
                if u64::from(byte) & FIRST != 0 && !first {
                    break false;
                }
                if at > safe {
                    break true;
                }
                first = false;
                let mut bits = u64::from(byte);
                at += 1;
                if byte >= 0x80 {
                    let mut rest = &buffer[at - 1..];
                    bits = take_number(&mut rest).ok_or_else(damaged)?;
                    at = buffer.len() - rest.len();
                }
                let distance = u32::try_from(bits >> 2).ok();
                number = distance.and_then(|distance| number.checked_add(distance)).ok_or_else(damaged)?;
                visitor.position(doc, Position { number, spaced: bits & SPACED != 0 });
            };
            self.at = at;
            if !more {
                return Ok(());
            }
        }
    }

    /// Passes over the positions of a document.
    fn skip(&mut self) -> io::Result<()> {
        let mut inside = false;
        let mut first = true;
        loop {
            self.fill()?;
            for (index, byte) in self.buffer[self.at..].iter().enumerate() {
                if !inside && !first && u64::from(*byte) & FIRST != 0 {
                    self.at += index;
                    return Ok(());
                }
                (inside, first) = (*byte >= 0x80, false);
            }
            self.at = self.buffer.len();
            if self.file.is_empty() {
                return if inside { Err(damaged()) } else { Ok(()) };
            }
        }
    }
}

/// Is shown the documents of a term.
pub trait Visitor {
    /// Whether the positions in a document are of interest.
    fn wants(&mut self, doc: u32) -> bool;
    /// One of them, rising.
    fn position(&mut self, doc: u32, position: Position);
}

fn damaged() -> io::Error {
    odd("positions of words are damaged")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn documents_are_told_apart() {
        let mut bytes = Vec::new();
        let position = |number| Position { number, spaced: number % 2 == 0 };
        let mut expected = Vec::new();
        for doc in [vec![0, 3, 500], vec![70_000], vec![2, 4]] {
            let start = bytes.len();
            let mut before = None;
            for number in doc {
                put(&mut bytes, position(number), before);
                before = Some(number);
            }
            expected.push(start..bytes.len());
        }
        let mut found = Vec::new();
        assert!(by_doc(&bytes, |range| found.push(range)));
        assert_eq!(found, expected);
        assert!(by_doc(&[], |_| ()));
        // No first number, and a number without an end.
        assert!(!by_doc(&bytes[1..], |_| ()));
        assert!(!by_doc(&[FIRST as u8, 0x80], |_| ()));
    }
}
