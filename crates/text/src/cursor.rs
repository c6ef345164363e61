//! Goes through the dictionary of one part of a segment, term by term with its list: what a merge reads.

use crate::blocks::{Block, List};
use crate::segment::{Segment, odd};
use std::io;

/// An address in a dictionary.
pub struct Cursor<'a> {
    segment: &'a Segment,
    part: usize,
    next_block: usize,
    block: Block,
    lists: Vec<u8>,
    positions: Vec<u8>,
    /// Terms of the block as ends in `text` with their lists, and which of them is the present one.
    terms: Vec<(std::ops::Range<usize>, List)>,
    at: usize,
}

impl<'a> Cursor<'a> {
    /// At the first term.
    pub fn new(segment: &'a Segment, part: usize) -> io::Result<Self> {
        let (block, lists, positions, terms) = (Block::default(), Vec::new(), Vec::new(), Vec::new());
        let mut cursor = Self { segment, part, next_block: 0, block, lists, positions, terms, at: 0 };
        cursor.load()?;
        Ok(cursor)
    }

    /// Reads the next block that has terms, if there is one.
    fn load(&mut self) -> io::Result<()> {
        self.terms.clear();
        self.at = 0;
        while self.terms.is_empty()
            && let Some(address) = self.segment.addresses(self.part).get(self.next_block)
        {
            self.next_block += 1;
            self.block.read(self.segment, address)?;
            self.block.lists(self.segment, &mut self.lists)?;
            self.block.all_positions(self.segment, &mut self.positions)?;
            let mut walk = self.block.walk();
            let mut start = 1;
            while let Some((term, list)) = walk.next()? {
                self.terms.push((start..start + term.len(), list));
                start += term.len() + 1;
            }
        }
        Ok(())
    }

    /// The present term; `None` after the last.
    pub fn term(&self) -> Option<&[u8]> {
        self.terms.get(self.at).map(|(range, _)| &self.block.text()[range.clone()])
    }

    /// The list of the present term, and its count.
    pub fn list(&self) -> io::Result<(&[u8], usize)> {
        let list = self.terms.get(self.at).map(|(_, list)| *list);
        list.and_then(|list| Some((self.lists.get(list.at..list.at.checked_add(list.length)?)?, list.count)))
            .ok_or_else(|| odd("a list lies beyond its block"))
    }

    /// The positions of the present term, of one document after another.
    pub fn positions(&self) -> io::Result<&[u8]> {
        let list = self.terms.get(self.at).map(|(_, list)| *list);
        list.and_then(|list| {
            self.positions.get(list.positions_at..list.positions_at.checked_add(list.positions_length)?)
        })
        .ok_or_else(|| odd("positions lie beyond their block"))
    }

    /// Goes to the next term.
    pub fn advance(&mut self) -> io::Result<()> {
        self.at += 1;
        if self.at >= self.terms.len() { self.load() } else { Ok(()) }
    }
}
