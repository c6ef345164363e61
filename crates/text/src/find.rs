//! Finds terms in the dictionary of a segment and gathers their documents.
//!
//! Terms that begin in a known way lie together; those that only contain or end in a needle are searched for in the
//! bytes of all blocks at once, which is about as quick as reading them.

use crate::blocks::{Block, List};
use crate::docs::Docs;
use crate::postings;
use crate::segment::{Segment, odd};
use crate::term::{CASED, END, HEAD, PROPERTY, TAIL};
use memchr::{memchr, memmem};
use std::io;

/// When the lists found are at least one in so many bytes of all lists of a block, all are read at once.
const READ_TOGETHER: usize = 4;
/// Fewer lists are read one by one in any case.
const READ_SINGLY: usize = 4;

/// How a token stands to the needle.
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

/// Which tokens are looked at.
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

/// Terms to find.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Find {
    /// Which tokens.
    pub side: Side,
    /// How they stand to the needle.
    pub edge: Edge,
    /// Never empty.
    pub needle: Vec<u8>,
}

/// Terms from the first up to the second.
type Range = (Vec<u8>, Vec<u8>);

fn with(before: &[u8], needle: &[u8], after: &[u8]) -> Vec<u8> {
    [before, needle, after].concat()
}

/// Just this term.
fn only(term: Vec<u8>) -> Range {
    let end = with(&term, &[0], &[]);
    (term, end)
}

/// Terms that begin so.
fn beginning(term: &[u8]) -> Range {
    (term.to_vec(), with(term, &[END], &[]))
}

impl Find {
    /// Where the terms lie; `None`: anywhere.
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
                // How it is lower-cased at the end of a needle says nothing of how it is inside a token.
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

    /// Whether a term is one of those to find.
    fn takes(&self, term: &[u8]) -> bool {
        let token = match (self.side, term.first()) {
            (Side::Property, Some(&PROPERTY)) | (Side::Head, Some(&HEAD)) | (Side::Tail, Some(&TAIL)) => &term[1..],
            (Side::Property | Side::Head | Side::Tail, _) | (_, None | Some(&(PROPERTY | HEAD | TAIL))) => {
                return false;
            }
            (side, _) => match memchr(CASED, term) {
                None => term,
                Some(at) if side == Side::Folded => &term[..at],
                Some(at) => &term[at + 1..],
            },
        };
        match self.edge {
            Edge::Whole => token == self.needle,
            Edge::Prefix => token.starts_with(&self.needle),
            Edge::Suffix => token.ends_with(&self.needle),
            Edge::Infix => memmem::find(token, &self.needle).is_some(),
        }
    }

    /// Adds the documents of a part that have such a term.
    pub fn add(&self, segment: &Segment, part: usize, out: &mut Docs) -> io::Result<()> {
        let mut buffer = Vec::new();
        self.visit(segment, part, &mut |block, lists| {
            add_lists(segment, block, lists, &mut buffer, out)?;
            Ok(!out.is_full())
        })
    }

    /// Hands on the lists of the terms of a part, block by block, until told to stop.
    pub fn visit(&self, segment: &Segment, part: usize, take: &mut Take<'_>) -> io::Result<()> {
        match self.ranges() {
            None => self.anywhere(segment, part, take),
            Some(ranges) => {
                for range in &ranges {
                    if !self.within(range, segment, part, take)? {
                        break;
                    }
                }
                Ok(())
            }
        }
    }

    /// False when it is to stop.
    fn within(&self, (from, to): &Range, segment: &Segment, part: usize, take: &mut Take<'_>) -> io::Result<bool> {
        let (mut block, mut lists) = (Block::default(), Vec::new());
        let addresses = segment.addresses(part);
        let start = addresses.partition_point(|address| *address.first <= **from).saturating_sub(1);
        for address in addresses[start..].iter().take_while(|address| *address.first < **to) {
            block.read(segment, address)?;
            let mut walk = block.walk();
            while let Some((term, list)) = walk.next()? {
                if term >= to.as_slice() {
                    break;
                }
                if term >= from.as_slice() && self.takes(term) {
                    lists.push(list);
                }
            }
            if !lists.is_empty() && !take(&block, std::mem::take(&mut lists))? {
                return Ok(false);
            }
        }
        Ok(true)
    }

    fn anywhere(&self, segment: &Segment, part: usize, take: &mut Take<'_>) -> io::Result<()> {
        let (mut block, mut lists) = (Block::default(), Vec::new());
        let finder = memmem::Finder::new(&self.needle);
        for address in segment.addresses(part) {
            block.read(segment, address)?;
            let mut walk = block.walk();
            while let Some(at) = finder.find(walk.rest()) {
                walk.skip_to(at)?;
                if let Some((term, list)) = walk.next()?
                    && self.takes(term)
                {
                    lists.push(list);
                }
            }
            if !lists.is_empty() && !take(&block, std::mem::take(&mut lists))? {
                break;
            }
        }
        Ok(())
    }
}

/// Is handed the lists found in a block; says whether to go on.
pub type Take<'a> = dyn FnMut(&Block, Vec<List>) -> io::Result<bool> + 'a;

/// Adds the documents of lists of a block.
fn add_lists(
    segment: &Segment,
    block: &Block,
    lists: Vec<List>,
    buffer: &mut Vec<u8>,
    out: &mut Docs,
) -> io::Result<()> {
    let docs = segment.len();
    let bytes: usize = lists.iter().map(|list| list.length).sum();
    let together = lists.len() > READ_SINGLY && bytes.saturating_mul(READ_TOGETHER) >= block.list_bytes();
    if together {
        block.lists(segment, buffer)?;
    }
    for list in lists {
        let bytes = if together {
            list.at.checked_add(list.length).and_then(|end| buffer.get(list.at..end))
        } else {
            block.list(segment, list, buffer)?;
            Some(buffer.as_slice())
        };
        if !bytes.is_some_and(|bytes| postings::add(bytes, list.count, out, docs)) {
            return Err(odd("a list is damaged"));
        }
    }
    Ok(())
}
