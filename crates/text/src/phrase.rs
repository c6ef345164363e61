//! Words that follow each other.
//!
//! The documents that have all of the words are found first; then, some documents at a time, where the phrase would
//! have to begin for the rarest of the words, and which of these beginnings every other word agrees with. Where texts
//! are so long that there are more beginnings than are held at once, their documents are left open.

use crate::docs::Docs;
use crate::find::{Edge, Find, Side};
use crate::outcome::{FEW, Outcome, given_up};
use crate::position::{Position, Positions, Visitor};
use crate::postings;
use crate::segment::{Segment, odd};
use crate::term::Property;
use std::io;
use std::ops::Range;

/// Documents whose positions are held at once.
const DOCS_AT_ONCE: usize = 2_048;
/// Places of a document that have a bit each: most texts have no more words.
const NEAR: usize = 1_024;
const NEAR_WORDS: usize = NEAR / 64;
/// Beginnings held beyond those with a bit.
const FAR_MAX: usize = 1 << 19;
/// A piece of a word that more terms have is not followed to its positions.
const TERMS_MAX: usize = 2_048;
/// Words that are followed to their positions, the rarest ones.
const FOLLOWED: usize = 8;

/// One of the words of a phrase.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Word {
    /// Its letters; lower-cased where lower-cased words are looked at.
    pub needle: Vec<u8>,
    /// How the word in the text stands to it.
    pub edge: Edge,
    /// Just one space follows, before the next word; else something else.
    pub spaced: bool,
}

/// Two words or more, in order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Phrase {
    /// Whether words are looked at lower-cased ([`Side::Folded`]) or as written ([`Side::Cased`]).
    pub side: Side,
    /// The words.
    pub words: Vec<Word>,
}

/// A word with what the dictionary has of it.
struct Found<'a> {
    /// Which of the words it is.
    index: u32,
    /// Whether a space must follow; not asked of the last.
    spaced: Option<bool>,
    terms: Vec<Positions<'a>>,
}

impl Phrase {
    /// Whether it looks through the whole dictionary.
    pub fn searches(&self) -> bool {
        self.words.iter().any(|word| self.find(word).searches())
    }

    /// The documents of a part that have it: exact, but for those with words that are no terms or have no positions,
    /// and where there are too many words, terms or positions.
    pub fn ask(&self, segment: &Segment, part: usize, go_on: &dyn Fn() -> bool) -> io::Result<Outcome> {
        let docs = segment.len();
        let (mut wanted, mut open) = (Docs::all(docs), Docs::none(docs));
        if self.side == Side::Cased {
            Find::property(Property::Odd).add(segment, part, &mut open)?;
        }
        let mut words = Vec::with_capacity(self.words.len());
        let (searched, direct): (Vec<_>, Vec<_>) =
            self.words.iter().enumerate().partition(|(_, word)| self.find(word).searches());
        for (index, word) in direct.into_iter().chain(searched) {
            let find = self.find(word);
            if let Some(property) = find.open() {
                property.add(segment, part, &mut open)?;
            }
            if find.searches() && wanted.count() <= docs / FEW {
                continue;
            }
            let mut having = Docs::none(docs);
            let terms = terms(&find, segment, part, &mut having)?;
            wanted.intersect(&having);
            let spaced = (index + 1 < self.words.len()).then_some(word.spaced);
            words.extend(terms.map(|terms| Found { index: index as u32, spaced, terms }));
        }
        words.sort_by_key(|word| word.terms.iter().map(Positions::left).sum::<u64>());
        words.truncate(FOLLOWED);
        // Reading a few rows is quicker than finding their positions.
        if words.len() < 2 || wanted.count() <= docs / FEW {
            wanted.union(&open);
            return Ok(Outcome::unsure(wanted));
        }
        let exact = words.len() == self.words.len();
        let mut outcome = in_order(words, docs as u32, &wanted, go_on)?;
        outcome.possible.union(&open);
        if exact {
            outcome.certain.subtract(&open);
            Ok(outcome)
        } else {
            Ok(Outcome::unsure(outcome.possible))
        }
    }

    fn find(&self, word: &Word) -> Find {
        Find { side: self.side, edge: word.edge, needle: word.needle.clone() }
    }
}

/// The positions of the terms found; none when there are too many. Adds their documents.
fn terms<'a>(
    find: &Find,
    segment: &'a Segment,
    part: usize,
    having: &mut Docs,
) -> io::Result<Option<Vec<Positions<'a>>>> {
    let mut terms = Some(Vec::new());
    find.visit(segment, part, &mut |block, lists| {
        for list in lists {
            let mut docs = Vec::new();
            block.list(segment, list, &mut docs)?;
            if !postings::add(&docs, list.count, having, segment.len()) {
                return Err(odd("a list is damaged"));
            }
            // Only of texts that are open.
            if list.positions_length == 0 {
                continue;
            }
            match &mut terms {
                Some(positions) if positions.len() < TERMS_MAX => {
                    positions.push(Positions::new(segment, block, list, docs)?);
                }
                _ => terms = None,
            }
        }
        Ok(terms.is_some() || !having.is_full())
    })?;
    Ok(terms)
}

/// The documents in which the words, rarest first, follow each other.
fn in_order(mut words: Vec<Found<'_>>, docs: u32, wanted: &Docs, go_on: &dyn Fn() -> bool) -> io::Result<Outcome> {
    let mut outcome = Outcome::exact(wanted.like());
    let (mut beginnings, mut of_word) = (Beginnings::default(), Beginnings::default());
    for first in (0..docs).step_by(DOCS_AT_ONCE) {
        if !go_on() {
            return Err(given_up());
        }
        let end = first.saturating_add(DOCS_AT_ONCE as u32).min(docs);
        let (rarest, others) = words.split_first_mut().ok_or_else(|| odd("a phrase has no words"))?;
        beginnings.gather(rarest, first..end, |doc| wanted.contains(doc as usize))?;
        for word in others {
            of_word.gather(word, first..end, |doc| beginnings.has(doc))?;
            beginnings.intersect(&of_word);
        }
        for doc in first..end {
            if beginnings.many {
                if wanted.contains(doc as usize) {
                    outcome.possible.insert(doc as usize);
                }
            } else if beginnings.has(doc) {
                outcome.certain.insert(doc as usize);
                outcome.possible.insert(doc as usize);
            }
        }
    }
    Ok(outcome)
}

/// Where phrases may begin in some documents.
#[derive(Default)]
struct Beginnings {
    first: u32,
    /// A bit for each of the first positions of each document.
    near: Vec<u64>,
    /// Document and place of those beyond, rising.
    far: Vec<u64>,
    /// There are more than are held.
    many: bool,
}

impl Beginnings {
    /// Starts anew with the beginnings that a word allows, in those of the documents that are wanted.
    fn gather(&mut self, word: &mut Found<'_>, docs: Range<u32>, wanted: impl Fn(u32) -> bool) -> io::Result<()> {
        self.first = docs.start;
        self.near.clear();
        self.near.resize(docs.len() * NEAR_WORDS, 0);
        self.far.clear();
        self.many = false;
        let (index, spaced) = (word.index, word.spaced);
        let mut gather = Gather { index, spaced, wanted, beginnings: self };
        word.terms.iter_mut().try_for_each(|term| term.until(docs.end, &mut gather))?;
        self.far.sort_unstable();
        Ok(())
    }

    fn of(&self, doc: u32) -> Range<usize> {
        let at = (doc - self.first) as usize * NEAR_WORDS;
        at..at + NEAR_WORDS
    }

    /// Whether there are any in a document.
    fn has(&self, doc: u32) -> bool {
        let far = || self.far.binary_search_by_key(&u64::from(doc), |start| start >> 32).is_ok();
        self.near[self.of(doc)].iter().any(|bits| *bits != 0) || (!self.far.is_empty() && far())
    }

    /// Keeps those that another word allows too.
    fn intersect(&mut self, other: &Self) {
        self.near.iter_mut().zip(&other.near).for_each(|(bits, others)| *bits &= others);
        self.far.retain(|start| other.far.binary_search(start).is_ok());
        self.many |= other.many;
    }
}

struct Gather<'a, Wanted> {
    index: u32,
    spaced: Option<bool>,
    wanted: Wanted,
    beginnings: &'a mut Beginnings,
}

impl<Wanted: Fn(u32) -> bool> Visitor for Gather<'_, Wanted> {
    fn wants(&mut self, doc: u32) -> bool {
        (self.wanted)(doc)
    }

    fn position(&mut self, doc: u32, position: Position) {
        let fits = self.spaced.is_none_or(|spaced| spaced == position.spaced);
        let Some(start) = position.number.checked_sub(self.index) else { return };
        if (start as usize) < NEAR {
            // No branch on `fits`, which cannot be foreseen.
            let word = self.beginnings.of(doc).start + start as usize / 64;
            self.beginnings.near[word] |= u64::from(fits) << (start % 64);
        } else if fits && self.beginnings.far.len() < FAR_MAX {
            self.beginnings.far.push(u64::from(doc) << 32 | u64::from(start));
        } else {
            self.beginnings.many |= fits;
        }
    }
}
