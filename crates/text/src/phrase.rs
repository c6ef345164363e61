//! Words that follow each other.
//!
//! The documents that have all of the words are found first; in them the places of the rarest word are gathered, some documents at a
//! time, and those kept that every other word agrees with. Memory is bounded by the words of those documents.

use crate::docs::Docs;
use crate::entry::Property;
use crate::find::{Edge, Find, Side};
use crate::outcome::{FEW, Outcome};
use crate::postings;
use crate::segment::{Segment, odd};
use crate::spots::{Spot, Spots, Visitor};
use std::io;

/// Documents whose places are held at once.
const DOCS_AT_ONCE: u32 = 16_384;
/// A piece of a word that more entries have is not followed to its places.
const ENTRIES_MAX: usize = 4_096;

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
    entries: Vec<Spots<'a>>,
}

impl Phrase {
    /// Whether it looks through the whole dictionary.
    pub fn searches(&self) -> bool {
        self.words.iter().any(|word| self.find(word).searches())
    }

    /// The documents of a part that have it: exact, but for those with words that are no entries or have no places, and where a
    /// piece of a word is in too many.
    pub fn ask(&self, segment: &Segment, part: usize) -> io::Result<Outcome> {
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
            let entries = entries(&find, segment, part, &mut having)?;
            wanted.intersect(&having);
            let spaced = (index + 1 < self.words.len()).then_some(word.spaced);
            words.extend(entries.map(|entries| Found { index: index as u32, spaced, entries }));
        }
        let exact = words.len() == self.words.len();
        // Reading a few rows is quicker than finding their places.
        if words.len() > 1 && wanted.count() > docs / FEW {
            wanted = in_order(words, docs as u32, &wanted)?;
            if exact {
                let mut outcome = Outcome::exact(wanted);
                outcome.certain.subtract(&open);
                outcome.possible.union(&open);
                return Ok(outcome);
            }
        }
        wanted.union(&open);
        Ok(Outcome::unsure(wanted))
    }

    fn find(&self, word: &Word) -> Find {
        Find { side: self.side, edge: word.edge, needle: word.needle.clone() }
    }
}

/// The places of the entries found; none when there are too many. Adds their documents.
fn entries<'a>(
    find: &Find,
    segment: &'a Segment,
    part: usize,
    having: &mut Docs,
) -> io::Result<Option<Vec<Spots<'a>>>> {
    let mut entries = Some(Vec::new());
    find.visit(segment, part, &mut |block, lists| {
        for list in lists {
            let mut docs = Vec::new();
            block.list(segment, list, &mut docs)?;
            if !postings::add(&docs, list.count, having, segment.len()) {
                return Err(odd("a list is damaged"));
            }
            // Only of texts that are open.
            if list.spots_length == 0 {
                continue;
            }
            match &mut entries {
                Some(places) if places.len() < ENTRIES_MAX => places.push(Spots::new(segment, block, list, docs)?),
                _ => entries = None,
            }
        }
        Ok(entries.is_some() || !having.is_full())
    })?;
    Ok(entries)
}

/// The documents in which the words follow each other.
fn in_order(mut words: Vec<Found<'_>>, docs: u32, wanted: &Docs) -> io::Result<Docs> {
    words.sort_by_key(|word| word.entries.iter().map(Spots::left).sum::<u64>());
    let mut found = wanted.like();
    let mut starts = Vec::new();
    let mut end = 0;
    while end < docs {
        end = end.saturating_add(DOCS_AT_ONCE).min(docs);
        starts.clear();
        let (rarest, others) = words.split_first_mut().ok_or_else(|| odd("a phrase has no words"))?;
        rarest.gather(end, wanted, &mut starts)?;
        for word in others {
            word.keep(end, &mut starts)?;
        }
        for start in &starts {
            found.insert((start >> 32) as usize);
        }
    }
    Ok(found)
}

impl Found<'_> {
    fn place(&self) -> Place {
        Place { index: self.index, spaced: self.spaced }
    }

    /// Gathers the beginnings of phrases with this word, rising, in documents before `end`.
    fn gather(&mut self, end: u32, wanted: &Docs, starts: &mut Vec<u64>) -> io::Result<()> {
        let mut gather = Gather { place: self.place(), wanted, starts };
        self.entries.iter_mut().try_for_each(|entry| entry.until(end, &mut gather))?;
        if self.entries.len() > 1 {
            #[expect(
                clippy::stable_sort_primitive,
                reason = "it makes use of the stretches that are in order already"
            )]
            starts.sort();
        }
        Ok(())
    }

    /// Keeps the beginnings of phrases that have this word in its place.
    fn keep(&mut self, end: u32, starts: &mut Vec<u64>) -> io::Result<()> {
        let (place, mut kept) = (self.place(), vec![false; starts.len()]);
        for entry in &mut self.entries {
            entry.until(end, &mut Keep { place, starts, at: 0, kept: &mut kept })?;
        }
        let mut kept = kept.iter();
        starts.retain(|_| kept.next() == Some(&true));
        Ok(())
    }
}

/// The place of a word in a phrase.
#[derive(Clone, Copy)]
struct Place {
    index: u32,
    spaced: Option<bool>,
}

impl Place {
    /// Where a phrase with the word there begins: document and number of the first word.
    fn start(self, doc: u32, spot: Spot) -> Option<u64> {
        let fits = self.spaced.is_none_or(|spaced| spaced == spot.spaced);
        let start = spot.number.checked_sub(self.index).filter(|_| fits)?;
        Some(u64::from(doc) << 32 | u64::from(start))
    }
}

struct Gather<'a> {
    place: Place,
    wanted: &'a Docs,
    starts: &'a mut Vec<u64>,
}

impl Visitor for Gather<'_> {
    fn wants(&mut self, doc: u32) -> bool {
        self.wanted.contains(doc as usize)
    }

    fn spot(&mut self, doc: u32, spot: Spot) {
        self.starts.extend(self.place.start(doc, spot));
    }
}

struct Keep<'a> {
    place: Place,
    starts: &'a [u64],
    /// None before this one can be met again.
    at: usize,
    kept: &'a mut [bool],
}

impl Visitor for Keep<'_> {
    fn wants(&mut self, doc: u32) -> bool {
        self.at = reach(self.starts, self.at, u64::from(doc) << 32);
        self.starts.get(self.at).is_some_and(|start| start >> 32 == u64::from(doc))
    }

    fn spot(&mut self, doc: u32, spot: Spot) {
        if let Some(start) = self.place.start(doc, spot) {
            self.at = reach(self.starts, self.at, start);
            if self.starts.get(self.at) == Some(&start) {
                self.kept[self.at] = true;
            }
        }
    }
}

/// The first place from `at` on whose number is not below this one.
fn reach(numbers: &[u64], mut at: usize, number: u64) -> usize {
    // Of two frequent words the next one is most often near.
    if numbers.get(at).is_none_or(|there| *there >= number) {
        return at;
    }
    let mut step = 1;
    while numbers.get(at + step).is_some_and(|there| *there < number) {
        at += step;
        step *= 2;
    }
    let end = (at + step).min(numbers.len());
    at + numbers[at..end].partition_point(|there| *there < number)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_is_reached() {
        let numbers: Vec<u64> = (0..100).map(|number| number * 3).collect();
        for number in 0..310 {
            let expected = numbers.partition_point(|there| *there < number);
            for at in 0..=expected {
                assert_eq!(reach(&numbers, at, number), expected, "{number} from {at}");
            }
        }
        assert_eq!(reach(&[], 0, 7), 0);
    }
}
