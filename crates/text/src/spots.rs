//! Where the words of a text stand, as bytes: for each entry and document the numbers of its words, counted from the first word of the
//! lower-cased text on, and whether one space and another word follow.
//!
//! A number is written as its distance from the one before (the first of a document from 0), shifted by two bits: the lower says that
//! it is the first of its document, the other that a space and a word follow. Lists of several documents are put behind one another
//! as they are. Bytes come from disk, so nothing about them is taken for granted.

use crate::blocks::{Block, List};
use crate::docs::Docs;
use crate::postings::{self, put_number, take_number};
use crate::segment::{Segment, odd};
use std::io;
use std::ops::Range;

/// Bytes of places that are read from the file at once.
const READ_BYTES: usize = 64 * 1024;
/// Longest number.
const NUMBER_BYTES: usize = 10;
const FIRST: u64 = 1;
const SPACED: u64 = 2;

/// A word in its text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Spot {
    /// Which word it is, from 0.
    pub number: u32,
    /// Just one space stands between it and the next word.
    pub spaced: bool,
}

/// Appends a spot; `before`: the one before in the same document.
pub fn put(out: &mut Vec<u8>, spot: Spot, before: Option<u32>) {
    let (distance, first) = match before {
        Some(before) => (spot.number - before, 0),
        None => (spot.number, FIRST),
    };
    put_number(out, u64::from(distance) << 2 | if spot.spaced { SPACED } else { 0 } | first);
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

/// Goes through the documents of an entry and the spots in them, once, from the first on.
pub struct Spots<'a> {
    segment: &'a Segment,
    docs: postings::Walk,
    /// The next document.
    doc: Option<u32>,
    /// Bytes not read from the file yet.
    file: Range<u64>,
    buffer: Vec<u8>,
    at: usize,
}

impl<'a> Spots<'a> {
    /// Of an entry of a block, with the bytes of its list of documents.
    pub fn new(segment: &'a Segment, block: &Block, list: List, docs: Vec<u8>) -> io::Result<Self> {
        let file = block.spots(list)?;
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

    /// The next number of a document, whose first it is or not; none after the document's last.
    fn next(&mut self, first: bool) -> io::Result<Option<u64>> {
        self.fill()?;
        let Some(byte) = self.buffer.get(self.at).copied() else { return Ok(None) };
        if (u64::from(byte) & FIRST != 0) != first {
            return Ok(None);
        }
        if byte < 0x80 {
            self.at += 1;
            return Ok(Some(u64::from(byte)));
        }
        let mut rest = &self.buffer[self.at..];
        let number = take_number(&mut rest).ok_or_else(damaged)?;
        self.at = self.buffer.len() - rest.len();
        Ok(Some(number))
    }

    /// Goes through the documents before `end` and visits the spots of those in `wanted`.
    pub fn until(&mut self, end: u32, wanted: &Docs, mut visit: impl FnMut(u32, Spot)) -> io::Result<()> {
        while let Some(doc) = self.doc.filter(|doc| *doc < end) {
            let mut bits = self.next(true)?.ok_or_else(damaged)?;
            if wanted.contains(doc as usize) {
                let mut number = 0_u32;
                loop {
                    let distance = u32::try_from(bits >> 2).ok();
                    number = distance.and_then(|distance| number.checked_add(distance)).ok_or_else(damaged)?;
                    visit(doc, Spot { number, spaced: bits & SPACED != 0 });
                    match self.next(false)? {
                        Some(next) => bits = next,
                        None => break,
                    }
                }
            } else {
                while self.next(false)?.is_some() {}
            }
            self.doc = self.docs.next();
        }
        Ok(())
    }
}

fn damaged() -> io::Error {
    odd("places of words are damaged")
}
