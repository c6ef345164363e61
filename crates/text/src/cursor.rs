//! Goes through the dictionary of one part of a segment, entry by entry with its list: what a merge reads.

use crate::blocks::{Block, List};
use crate::segment::{Segment, odd};
use std::io;

/// A place in a dictionary.
pub struct Cursor<'a> {
    segment: &'a Segment,
    part: usize,
    next_block: usize,
    block: Block,
    lists: Vec<u8>,
    spots: Vec<u8>,
    /// Entries of the block as ends in `text` with their lists, and which of them is the present one.
    entries: Vec<(std::ops::Range<usize>, List)>,
    at: usize,
}

impl<'a> Cursor<'a> {
    /// At the first entry.
    pub fn new(segment: &'a Segment, part: usize) -> io::Result<Self> {
        let (block, lists, spots, entries) = (Block::default(), Vec::new(), Vec::new(), Vec::new());
        let mut cursor = Self { segment, part, next_block: 0, block, lists, spots, entries, at: 0 };
        cursor.load()?;
        Ok(cursor)
    }

    /// Reads the next block that has entries, if there is one.
    fn load(&mut self) -> io::Result<()> {
        self.entries.clear();
        self.at = 0;
        while self.entries.is_empty()
            && let Some(place) = self.segment.places(self.part).get(self.next_block)
        {
            self.next_block += 1;
            self.block.read(self.segment, place)?;
            self.block.lists(self.segment, &mut self.lists)?;
            self.block.all_spots(self.segment, &mut self.spots)?;
            let mut walk = self.block.walk();
            let mut start = 1;
            while let Some((entry, list)) = walk.next()? {
                self.entries.push((start..start + entry.len(), list));
                start += entry.len() + 1;
            }
        }
        Ok(())
    }

    /// The present entry; `None` after the last.
    pub fn entry(&self) -> Option<&[u8]> {
        self.entries.get(self.at).map(|(range, _)| &self.block.text()[range.clone()])
    }

    /// The list of the present entry, and its count.
    pub fn list(&self) -> io::Result<(&[u8], usize)> {
        let list = self.entries.get(self.at).map(|(_, list)| *list);
        list.and_then(|list| Some((self.lists.get(list.at..list.at.checked_add(list.length)?)?, list.count)))
            .ok_or_else(|| odd("a list lies beyond its block"))
    }

    /// The spots of the present entry, of one document after another.
    pub fn spots(&self) -> io::Result<&[u8]> {
        let list = self.entries.get(self.at).map(|(_, list)| *list);
        list.and_then(|list| self.spots.get(list.spots_at..list.spots_at.checked_add(list.spots_length)?))
            .ok_or_else(|| odd("spots lie beyond their block"))
    }

    /// Goes to the next entry.
    pub fn advance(&mut self) -> io::Result<()> {
        self.at += 1;
        if self.at >= self.entries.len() { self.load() } else { Ok(()) }
    }
}
