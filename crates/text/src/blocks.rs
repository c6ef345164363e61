//! One block of a dictionary: terms in rising order with the addresses of their lists. Bytes come from disk, so nothing
//! about them is taken for granted.

use crate::postings::take_number;
use crate::segment::{Segment, odd};
use crate::term::END;
use crate::writer::BlockAddress;
use memchr::memchr;
use std::io;
use std::ops::Range;

/// Where the list of a term lies in its block, how many documents it has, and where its positions lie.
#[derive(Clone, Copy, Debug)]
pub struct List {
    /// First byte, from the first list of the block on.
    pub at: usize,
    /// Bytes.
    pub length: usize,
    /// Documents.
    pub count: usize,
    /// First byte of its positions, from the first positions of the block on.
    pub positions_at: usize,
    /// Bytes of its positions; none for what is no word.
    pub positions_length: usize,
}

/// A block as read, to be used again for the next one.
#[derive(Default)]
pub struct Block {
    /// Terms, then counts and lengths.
    head: Vec<u8>,
    text: usize,
    lists_at: u64,
    lists: usize,
    positions: usize,
}

impl Block {
    /// Reads a block, without its lists and positions.
    pub fn read(&mut self, segment: &Segment, address: &BlockAddress) -> io::Result<()> {
        segment.read(address.at, address.text + address.meta, &mut self.head)?;
        (self.text, self.lists, self.positions) = (address.text, address.lists, address.positions);
        self.lists_at = address.at + (address.text + address.meta) as u64;
        Ok(())
    }

    /// The terms, each with [`END`] before and after.
    pub fn text(&self) -> &[u8] {
        &self.head[..self.text]
    }

    /// Walks the terms from the first one on.
    pub fn walk(&self) -> Walk<'_> {
        Walk { text: self.text().get(1..).unwrap_or_default(), meta: &self.head[self.text..], at: 0, positions_at: 0 }
    }

    /// Fills the buffer with one list.
    pub fn list(&self, segment: &Segment, list: List, buffer: &mut Vec<u8>) -> io::Result<()> {
        if list.at.checked_add(list.length).is_none_or(|end| end > self.lists) {
            return Err(odd("a list lies beyond its block"));
        }
        segment.read(self.lists_at + list.at as u64, list.length, buffer)
    }

    /// Bytes of all lists.
    pub fn list_bytes(&self) -> usize {
        self.lists
    }

    /// Fills the buffer with all lists.
    pub fn lists(&self, segment: &Segment, buffer: &mut Vec<u8>) -> io::Result<()> {
        segment.read(self.lists_at, self.lists, buffer)
    }

    /// Where the positions of a term lie in the file.
    pub fn positions(&self, list: List) -> io::Result<Range<u64>> {
        let end = list.positions_at.checked_add(list.positions_length).filter(|end| *end <= self.positions);
        let end = end.ok_or_else(|| odd("positions lie beyond their block"))?;
        let first = self.lists_at + self.lists as u64;
        Ok(first + list.positions_at as u64..first + end as u64)
    }

    /// Fills the buffer with all positions.
    pub fn all_positions(&self, segment: &Segment, buffer: &mut Vec<u8>) -> io::Result<()> {
        segment.read(self.lists_at + self.lists as u64, self.positions, buffer)
    }
}

/// Terms of a block with their lists, in order.
pub struct Walk<'a> {
    text: &'a [u8],
    meta: &'a [u8],
    at: usize,
    positions_at: usize,
}

impl<'a> Walk<'a> {
    /// The list of the next term, which is passed over.
    fn next_list(&mut self) -> io::Result<List> {
        let mut number = || take_number(&mut self.meta).and_then(|number| usize::try_from(number).ok());
        let damaged = || odd("a block is damaged");
        let (Some(count), Some(length), Some(positions_length)) = (number(), number(), number()) else {
            return Err(damaged());
        };
        let list = List { at: self.at, length, count, positions_at: self.positions_at, positions_length };
        self.at = self.at.checked_add(length).ok_or_else(damaged)?;
        self.positions_at = self.positions_at.checked_add(positions_length).ok_or_else(damaged)?;
        Ok(list)
    }

    /// The next term with its list; `None` after the last.
    pub fn next(&mut self) -> io::Result<Option<(&'a [u8], List)>> {
        let Some(end) = memchr(END, self.text) else { return Ok(None) };
        let term = &self.text[..end];
        self.text = &self.text[end + 1..];
        Ok(Some((term, self.next_list()?)))
    }

    /// Bytes of terms not walked yet.
    pub fn rest(&self) -> &'a [u8] {
        self.text
    }

    /// Goes to the term that has the byte at `offset` of [`Walk::rest`].
    pub fn skip_to(&mut self, offset: usize) -> io::Result<()> {
        let before = memchr::memrchr(END, &self.text[..offset]).map_or(0, |end| end + 1);
        for _ in 0..memchr::memchr_iter(END, &self.text[..before]).count() {
            self.next_list()?;
        }
        self.text = &self.text[before..];
        Ok(())
    }
}
