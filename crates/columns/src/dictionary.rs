//! The distinct texts of a column, numbered from 1 in order of first sight; 0 stands for no text. Only grows.
//!
//! Texts lie in segments of as many as a chunk has rows; a full one never changes, so that it can rest in a file. The
//! table that finds them stays in memory. Knows nothing of rows.

use crate::chunked::{Grid, Place};
use crate::slab::{Backing, Slab};
use crate::snapshot::{FileRef, Input, Output, Stored, odd};
use crate::watch::Watched;
use hashbrown::HashTable;
use hashbrown::hash_table::Entry;
use memchr::memmem::Finder;
use std::io::Result;
use std::sync::{Arc, OnceLock};
use xxhash_rust::xxh3::xxh3_64;

/// Number of a text in its dictionary.
pub type Code = u32;

/// Dictionaries of at most so many texts know the rank of each.
const RANKED_TEXTS_MAX: usize = 65_536;
/// Texts are searched in blocks of about this size, so that folding does not need the whole dictionary twice.
const BLOCK_BYTES: usize = 64 * 1024;

/// Texts and their codes.
#[derive(Default)]
pub struct Dictionary {
    grid: Grid,
    segments: Vec<Segment>,
    table: HashTable<Code>,
    /// Bytes that all texts begin with, which are skipped in [`Dictionary::prefix`].
    shared: usize,
    /// Rank by code, filled on first use and dropped when a text is added.
    ranks: OnceLock<Box<[u32]>>,
}

/// Some texts in a row.
#[derive(Default)]
pub struct Segment {
    /// UTF-8 of all texts.
    arena: Slab<u8>,
    /// End of each text.
    ends: Slab<u64>,
    /// Lower half of the hash of each text, so that the table can be made without reading them.
    halves: Slab<u32>,
    /// File it rests in, and where.
    file: Option<(Arc<dyn Backing>, usize)>,
}

/// The lower half of a text's hash.
fn half_hash(text: &str) -> u32 {
    xxh3_64(text.as_bytes()) as u32
}

/// What the table sorts by: it looks at the upper bits as well.
fn spread(half: u32) -> u64 {
    u64::from(half).wrapping_mul(0x9E37_79B9_7F4A_7C15)
}

impl Segment {
    fn len(&self) -> usize {
        self.ends.len()
    }

    fn start(&self, index: usize) -> usize {
        index.checked_sub(1).and_then(|before| self.ends.get(before)).map_or(0, |end| *end as usize)
    }

    fn bytes(&self, index: usize) -> &[u8] {
        let end = self.ends.get(index).map_or(0, |end| *end as usize);
        self.arena.get(self.start(index)..end).unwrap_or_default()
    }

    fn push(&mut self, text: &str, half: u32) {
        self.arena.to_mut().extend_from_slice(text.as_bytes());
        let end = self.arena.len() as u64;
        self.ends.to_mut().push(end);
        self.halves.to_mut().push(half);
    }

    /// Visits the index of each text that may have one of the needles; see [`Dictionary::likely`].
    fn likely(&self, finders: &[Finder<'_>], fold: bool, mut visit: impl FnMut(usize)) {
        let (mut first, mut folded) = (0, Vec::new());
        while first < self.len() {
            let start = self.start(first);
            let near = self.ends.partition_point(|end| (*end as usize) < start + BLOCK_BYTES);
            let next = (near + 1).clamp(first + 1, self.len());
            let ends = &self.ends[first..next];
            let texts = &self.arena[start..self.start(next)];
            if fold {
                folded.clear();
                folded.extend_from_slice(texts);
                folded.make_ascii_lowercase();
            }
            for finder in finders {
                find_texts(finder, if fold { &folded } else { texts }, start, ends, |index| visit(first + index));
            }
            if fold && !texts.is_ascii() {
                // Other letters may become these when lower-cased.
                (first..next).filter(|index| !self.bytes(*index).is_ascii()).for_each(&mut visit);
            }
            first = next;
        }
    }

    fn memory_bytes(&self) -> usize {
        size_of::<Self>() + self.arena.memory_bytes() + self.ends.memory_bytes() + self.halves.memory_bytes()
    }
}

impl Dictionary {
    /// Empty, in segments of so many texts.
    pub fn new(grid: Grid) -> Self {
        Self { grid, ..Self::default() }
    }

    /// Texts held.
    pub fn len(&self) -> usize {
        let full = self.segments.len().saturating_sub(1);
        self.grid.start(full) + self.segments.last().map_or(0, Segment::len)
    }

    /// The text of a code as bytes; empty for 0 and for codes that were never given out.
    pub fn bytes(&self, code: Code) -> &[u8] {
        let Some(index) = (code as usize).checked_sub(1) else { return &[] };
        let Place { chunk, offset } = self.grid.place(index);
        self.segments.get(chunk).map_or(&[], |segment| segment.bytes(offset))
    }

    /// The text of a code; empty for 0 and for codes that were never given out.
    pub fn text(&self, code: Code) -> &str {
        // Only whole texts are put in; a file that holds anything else was not written by this program.
        std::str::from_utf8(self.bytes(code)).unwrap_or_default()
    }

    /// The code of a text, if it was ever seen.
    pub fn find(&self, text: &str) -> Option<Code> {
        let half = half_hash(text);
        self.table.find(spread(half), |code| is_text(&self.segments, self.grid, *code, text, half)).copied()
    }

    /// The code of a text, given out now if needed.
    pub fn intern(&mut self, text: &str) -> Code {
        let half = half_hash(text);
        let code = self.len() as Code + 1;
        let Self { grid, segments, table, shared, ranks } = self;
        let same = |code: &Code| is_text(segments, *grid, *code, text, half);
        match table.entry(spread(half), same, |code| spread(half_of(segments, *grid, *code))) {
            Entry::Occupied(entry) => *entry.get(),
            Entry::Vacant(entry) => {
                *shared = match segments.first() {
                    None => text.len(),
                    Some(first) => common(&first.bytes(0)[..(*shared).min(first.bytes(0).len())], text.as_bytes()),
                };
                entry.insert(code);
                ranks.take();
                if segments.last().is_none_or(|last| last.len() == grid.rows()) {
                    segments.push(Segment::default());
                }
                if let Some(last) = segments.last_mut() {
                    last.push(text, half);
                }
                code
            }
        }
    }

    /// Rank of every code in bytewise order (index 0 unused), when the dictionary is small enough for that to pay.
    pub fn ranks(&self) -> Option<&[u32]> {
        (self.len() <= RANKED_TEXTS_MAX).then(|| {
            &**self.ranks.get_or_init(|| {
                let mut codes: Vec<Code> = (1..=self.len() as Code).collect();
                codes.sort_unstable_by_key(|code| self.bytes(*code));
                let mut ranks = vec![0; self.len() + 1];
                codes.iter().zip(0..).for_each(|(code, rank)| ranks[*code as usize] = rank);
                ranks.into_boxed_slice()
            })
        })
    }

    /// Eight bytes of the text after what all texts share, as a number that orders like the texts do where it differs.
    pub fn prefix(&self, code: Code) -> u64 {
        leading(self.bytes(code).get(self.shared..).unwrap_or_default())
    }

    /// The bytes that all texts begin with.
    pub fn shared_start(&self) -> &[u8] {
        self.bytes(1).get(..self.shared).unwrap_or_default()
    }

    /// At least all codes whose text contains one of the needles, none of which is empty; with `fold`, whose text does
    /// after lower-casing. Searches many texts at a time.
    pub fn likely(&self, needles: &[String], fold: bool) -> Vec<Code> {
        let finders: Vec<Finder<'_>> = needles.iter().map(Finder::new).collect();
        let mut codes = Vec::new();
        for (number, segment) in self.segments.iter().enumerate() {
            let first = self.grid.start(number) + 1;
            segment.likely(&finders, fold, |index| codes.push((first + index) as Code));
            if let Some((file, _)) = &segment.file {
                Watched::of(&**file).passed();
            }
        }
        codes.sort_unstable();
        codes.dedup();
        codes
    }

    /// Bytes of memory held; texts that rest in files are not among them.
    pub fn memory_bytes(&self) -> usize {
        self.segments.iter().map(Segment::memory_bytes).sum::<usize>()
            + self.table.allocation_size()
            + self.ranks.get().map_or(0, |ranks| ranks.len() * size_of::<u32>())
    }

    /// Segments that are full and in no file.
    pub fn unsealed(&self) -> impl Iterator<Item = usize> {
        let full = |segment: &Segment| segment.len() == self.grid.rows() && segment.file.is_none();
        self.segments.iter().enumerate().filter(move |(_, segment)| full(segment)).map(|(index, _)| index)
    }

    /// A segment, for storing.
    pub fn segment(&self, index: usize) -> Option<&Segment> {
        self.segments.get(index)
    }

    /// Puts a segment that was read back from a file in place of the one that was written.
    pub fn put_segment(&mut self, index: usize, segment: Segment) {
        if let Some(place) = self.segments.get_mut(index) {
            *place = segment;
        }
    }

    /// The files that segments rest in.
    pub fn files(&self) -> impl Iterator<Item = &Arc<dyn Backing>> {
        self.segments.iter().filter_map(|segment| segment.file.as_ref().map(|(file, _)| file))
    }
}

fn half_of(segments: &[Segment], grid: Grid, code: Code) -> u32 {
    let Place { chunk, offset } = grid.place((code as usize).saturating_sub(1));
    segments.get(chunk).and_then(|segment| segment.halves.get(offset)).copied().unwrap_or(0)
}

fn is_text(segments: &[Segment], grid: Grid, code: Code, text: &str, half: u32) -> bool {
    let Place { chunk, offset } = grid.place((code as usize).saturating_sub(1));
    segments
        .get(chunk)
        .is_some_and(|segment| segment.halves.get(offset) == Some(&half) && segment.bytes(offset) == text.as_bytes())
}

/// Bytes that two texts begin with alike.
fn common(left: &[u8], right: &[u8]) -> usize {
    left.iter().zip(right).take_while(|(left, right)| left == right).count()
}

impl Segment {
    /// Writes the texts themselves.
    pub fn store_texts(&self, out: &mut Output<'_>) -> Result<()> {
        self.arena.store(out)?;
        self.ends.store(out)?;
        self.halves.store(out)
    }

    /// Reads what [`Segment::store_texts`] wrote; from `file`, where they are in one.
    pub fn restore_texts(file: Option<(Arc<dyn Backing>, usize)>, input: &mut Input<'_>) -> Result<Self> {
        let restored =
            Self { arena: Slab::restore(input)?, ends: Slab::restore(input)?, halves: Slab::restore(input)?, file };
        let whole = restored.halves.len() == restored.len()
            && restored.ends.is_sorted()
            && restored.start(restored.len()) == restored.arena.len();
        if whole { Ok(restored) } else { Err(odd()) }
    }
}

impl Stored for Segment {
    /// The texts, or where they lie.
    fn store(&self, out: &mut Output<'_>) -> Result<()> {
        self.file.as_ref().map(|(file, _)| FileRef::of(&**file)).store(out)?;
        match &self.file {
            Some((_, at)) => at.store(out),
            None => self.store_texts(out),
        }
    }

    fn restore(input: &mut Input<'_>) -> Result<Self> {
        let Some(file) = Option::<FileRef>::restore(input)? else { return Self::restore_texts(None, input) };
        let at = usize::restore(input)?;
        let file = input.open(&file)?;
        Self::restore_texts(Some((file.clone(), at)), &mut Input::file(file, at))
    }
}

impl Dictionary {
    /// Writes the texts; ranks and the table are made anew.
    pub fn store(&self, out: &mut Output<'_>) -> Result<()> {
        self.shared.store(out)?;
        self.segments.len().store(out)?;
        self.segments.iter().try_for_each(|segment| segment.store(out))
    }

    /// Reads what [`Dictionary::store`] wrote.
    pub fn restore(grid: Grid, input: &mut Input<'_>) -> Result<Self> {
        let mut dictionary = Self { shared: usize::restore(input)?, ..Self::new(grid) };
        for _ in 0..usize::restore(input)? {
            if dictionary.segments.last().is_some_and(|last| last.len() != grid.rows()) {
                return Err(odd());
            }
            dictionary.segments.push(Segment::restore(input)?);
        }
        if dictionary.segments.last().is_some_and(|last| last.len() > grid.rows()) {
            return Err(odd());
        }
        let Self { segments, table, .. } = &mut dictionary;
        table.reserve(segments.iter().map(Segment::len).sum(), |code| spread(half_of(segments, grid, *code)));
        let halves = segments.iter().flat_map(|segment| segment.halves.iter());
        for (code, half) in (1..).zip(halves) {
            table.insert_unique(spread(*half), code, |code| spread(half_of(segments, grid, *code)));
        }
        Ok(dictionary)
    }
}

/// Reports the index of each text that has the needle; `texts` begin at `start` of the arena and end at `ends`.
fn find_texts(finder: &Finder<'_>, texts: &[u8], start: usize, ends: &[u64], mut found: impl FnMut(usize)) {
    let mut from = 0;
    while let Some(hit) = texts.get(from..).and_then(|rest| finder.find(rest)) {
        let at = from + hit;
        let index = ends.partition_point(|end| *end as usize <= start + at);
        let Some(end) = ends.get(index).map(|end| *end as usize - start) else { return };
        // Otherwise the hit runs over into the next text, and so would any later one in this.
        if at + finder.needle().len() <= end {
            found(index);
        }
        from = end;
    }
}

/// The first eight bytes as a big-endian number, zeros where the text is shorter.
pub fn leading(bytes: &[u8]) -> u64 {
    let mut eight = [0; 8];
    let taken = bytes.len().min(8);
    eight[..taken].copy_from_slice(&bytes[..taken]);
    u64::from_be_bytes(eight)
}

#[cfg(test)]
mod tests;
