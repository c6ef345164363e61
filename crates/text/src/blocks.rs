//! One block of a dictionary: entries in rising order with the places of their lists. Bytes come from disk, so nothing about them is
//! taken for granted.

use crate::entry::END;
use crate::postings::take_number;
use crate::segment::{Segment, odd};
use crate::writer::Place;
use memchr::memchr;
use std::io;

/// Where the list of an entry lies in its block, and how many documents it has.
#[derive(Clone, Copy, Debug)]
pub struct List {
    /// First byte, from the first list of the block on.
    pub at: usize,
    /// Bytes.
    pub length: usize,
    /// Documents.
    pub count: usize,
}

/// A block as read, to be used again for the next one.
#[derive(Default)]
pub struct Block {
    /// Entries, then counts and lengths.
    head: Vec<u8>,
    text: usize,
    lists_at: u64,
    lists: usize,
}

impl Block {
    /// Reads a block, without its lists.
    pub fn read(&mut self, segment: &Segment, place: &Place) -> io::Result<()> {
        segment.read(place.at, place.text + place.meta, &mut self.head)?;
        (self.text, self.lists) = (place.text, place.lists);
        self.lists_at = place.at + (place.text + place.meta) as u64;
        Ok(())
    }

    /// The entries, each with [`END`] before and after.
    pub fn text(&self) -> &[u8] {
        &self.head[..self.text]
    }

    /// Walks the entries from the first one on.
    pub fn walk(&self) -> Walk<'_> {
        Walk { text: self.text().get(1..).unwrap_or_default(), meta: &self.head[self.text..], at: 0 }
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
}

/// Entries of a block with their lists, in order.
pub struct Walk<'a> {
    text: &'a [u8],
    meta: &'a [u8],
    at: usize,
}

impl<'a> Walk<'a> {
    /// The list of the next entry, which is passed over.
    fn next_list(&mut self) -> io::Result<List> {
        let mut number = || take_number(&mut self.meta).and_then(|number| usize::try_from(number).ok());
        let (Some(count), Some(length)) = (number(), number()) else { return Err(odd("a block is damaged")) };
        let list = List { at: self.at, length, count };
        self.at = self.at.checked_add(length).ok_or_else(|| odd("a block is damaged"))?;
        Ok(list)
    }

    /// The next entry with its list; `None` after the last.
    pub fn next(&mut self) -> io::Result<Option<(&'a [u8], List)>> {
        let Some(end) = memchr(END, self.text) else { return Ok(None) };
        let entry = &self.text[..end];
        self.text = &self.text[end + 1..];
        Ok(Some((entry, self.next_list()?)))
    }

    /// Bytes of entries not walked yet.
    pub fn rest(&self) -> &'a [u8] {
        self.text
    }

    /// Goes to the entry that has the byte at `offset` of [`Walk::rest`].
    pub fn skip_to(&mut self, offset: usize) -> io::Result<()> {
        let before = memchr::memrchr(END, &self.text[..offset]).map_or(0, |end| end + 1);
        for _ in 0..memchr::memchr_iter(END, &self.text[..before]).count() {
            self.next_list()?;
        }
        self.text = &self.text[before..];
        Ok(())
    }
}
