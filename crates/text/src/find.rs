//! Finds entries in the dictionary of a segment and gathers their documents.
//!
//! Entries that begin in a known way lie together; those that only contain or end in a needle are searched for in the bytes of all
//! blocks at once, which is about as quick as reading them.

use crate::blocks::{Block, List};
use crate::docs::Docs;
use crate::entry::{CASED, END, HEAD, PROPERTY, TAIL};
use crate::postings;
use crate::segment::{Segment, odd};
use memchr::{memchr, memmem};
use std::io;

/// When the lists found are at least one in so many bytes of all lists of a block, all are read at once.
const READ_TOGETHER: usize = 4;
/// Fewer lists are read one by one in any case.
const READ_SINGLY: usize = 4;

/// How a run stands to the needle.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Edge {
    /// It is the needle.
    Whole,
    /// It begins with it.
    Prefix,
    /// It ends with it.
    Suffix,
    /// It contains it.
    Infix,
}

/// Which runs are looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Side {
    /// All, lower-cased.
    Folded,
    /// All, as written.
    Cased,
    /// The first of the text, as written.
    Head,
    /// The last of the text, as written.
    Tail,
    /// Properties of the text.
    Property,
}

/// Entries to find.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Find {
    /// Which runs.
    pub side: Side,
    /// How they stand to the needle.
    pub edge: Edge,
    /// Never empty.
    pub needle: Vec<u8>,
}

/// Entries from the first up to the second.
type Range = (Vec<u8>, Vec<u8>);

fn with(before: &[u8], needle: &[u8], after: &[u8]) -> Vec<u8> {
    [before, needle, after].concat()
}

/// Just this entry.
fn only(entry: Vec<u8>) -> Range {
    let end = with(&entry, &[0], &[]);
    (entry, end)
}

/// Entries that begin so.
fn beginning(entry: &[u8]) -> Range {
    (entry.to_vec(), with(entry, &[END], &[]))
}

impl Find {
    /// Where the entries lie; `None`: anywhere.
    fn ranges(&self) -> Option<Vec<Range>> {
        let needle = self.needle.as_slice();
        match (self.side, self.edge) {
            (Side::Property, _) => Some(vec![only(with(&[PROPERTY], needle, &[]))]),
            (Side::Head, Edge::Whole) => Some(vec![only(with(&[HEAD], needle, &[]))]),
            (Side::Head, Edge::Prefix) => Some(vec![beginning(&with(&[HEAD], needle, &[]))]),
            (Side::Head, _) => Some(vec![beginning(&[HEAD])]),
            (Side::Tail, Edge::Whole) => Some(vec![only(with(&[TAIL], needle, &[]))]),
            (Side::Tail, _) => Some(vec![beginning(&[TAIL])]),
            (Side::Folded, Edge::Whole) => Some(vec![only(needle.to_vec()), beginning(&with(&[], needle, &[CASED]))]),
            (Side::Folded, Edge::Prefix) => Some(vec![beginning(needle)]),
            (Side::Cased, Edge::Whole | Edge::Prefix) => {
                let text = std::str::from_utf8(needle).ok()?;
                // How it is lower-cased at the end of a needle says nothing of how it is inside a run.
                let lower = Some(text.to_lowercase()).filter(|_| !text.contains('Σ'))?;
                let alone = with(&[CASED], needle, &[]);
                Some(if self.edge == Edge::Prefix {
                    vec![beginning(lower.as_bytes()), beginning(&alone)]
                } else if lower == text {
                    vec![only(needle.to_vec()), only(alone)]
                } else {
                    vec![only(with(lower.as_bytes(), &[CASED], needle)), only(alone)]
                })
            }
            (Side::Folded | Side::Cased, Edge::Suffix | Edge::Infix) => None,
        }
    }

    /// Whether an entry is one of those to find.
    fn takes(&self, entry: &[u8]) -> bool {
        let run = match (self.side, entry.first()) {
            (Side::Property, Some(&PROPERTY)) | (Side::Head, Some(&HEAD)) | (Side::Tail, Some(&TAIL)) => &entry[1..],
            (Side::Property | Side::Head | Side::Tail, _) | (_, None | Some(&(PROPERTY | HEAD | TAIL))) => {
                return false;
            }
            (side, _) => match memchr(CASED, entry) {
                None => entry,
                Some(at) if side == Side::Folded => &entry[..at],
                Some(at) => &entry[at + 1..],
            },
        };
        match self.edge {
            Edge::Whole => run == self.needle,
            Edge::Prefix => run.starts_with(&self.needle),
            Edge::Suffix => run.ends_with(&self.needle),
            Edge::Infix => memmem::find(run, &self.needle).is_some(),
        }
    }

    /// Adds the documents of a part that have such an entry.
    pub fn add(&self, segment: &Segment, part: usize, out: &mut Docs) -> io::Result<()> {
        let mut gather = Gather { segment, block: Block::default(), lists: Vec::new(), buffer: Vec::new(), out };
        match self.ranges() {
            Some(ranges) => ranges.iter().try_for_each(|range| self.within(range, part, &mut gather)),
            None => self.anywhere(part, &mut gather),
        }
    }

    fn within(&self, (from, to): &Range, part: usize, gather: &mut Gather<'_>) -> io::Result<()> {
        let places = gather.segment.places(part);
        let start = places.partition_point(|place| *place.first <= **from).saturating_sub(1);
        for place in places[start..].iter().take_while(|place| *place.first < **to) {
            gather.block.read(gather.segment, place)?;
            let mut walk = gather.block.walk();
            while let Some((entry, list)) = walk.next()? {
                if entry >= to.as_slice() {
                    break;
                }
                if entry >= from.as_slice() && self.takes(entry) {
                    gather.lists.push(list);
                }
            }
            gather.take_lists()?;
        }
        Ok(())
    }

    /// Stops when every document has been found.
    fn anywhere(&self, part: usize, gather: &mut Gather<'_>) -> io::Result<()> {
        let finder = memmem::Finder::new(&self.needle);
        for place in gather.segment.places(part) {
            gather.block.read(gather.segment, place)?;
            let mut walk = gather.block.walk();
            while let Some(at) = finder.find(walk.rest()) {
                walk.skip_to(at)?;
                if let Some((entry, list)) = walk.next()?
                    && self.takes(entry)
                {
                    gather.lists.push(list);
                }
            }
            if !gather.lists.is_empty() {
                gather.take_lists()?;
                if gather.out.is_full() {
                    break;
                }
            }
        }
        Ok(())
    }
}

/// What is at hand while documents are gathered.
struct Gather<'a> {
    segment: &'a Segment,
    block: Block,
    /// Lists found in the block.
    lists: Vec<List>,
    buffer: Vec<u8>,
    out: &'a mut Docs,
}

impl Gather<'_> {
    /// Adds the documents of the lists found in the block.
    fn take_lists(&mut self) -> io::Result<()> {
        let docs = self.segment.len();
        let bytes: usize = self.lists.iter().map(|list| list.length).sum();
        let together = self.lists.len() > READ_SINGLY && bytes.saturating_mul(READ_TOGETHER) >= self.block.list_bytes();
        if together {
            self.block.lists(self.segment, &mut self.buffer)?;
        }
        for list in self.lists.drain(..) {
            let bytes = if together {
                list.at.checked_add(list.length).and_then(|end| self.buffer.get(list.at..end))
            } else {
                self.block.list(self.segment, list, &mut self.buffer)?;
                Some(self.buffer.as_slice())
            };
            if !bytes.is_some_and(|bytes| postings::add(bytes, list.count, self.out, docs)) {
                return Err(odd("a list is damaged"));
            }
        }
        Ok(())
    }
}
