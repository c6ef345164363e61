//! A segment in memory while rows are added to it. Bounded by whoever adds: [`Builder::bytes`] says how large it is.

use crate::plan::PARTS;
use crate::position::{self, Position};
use crate::postings::put_number;
use crate::term::Terms;
use crate::writer::Writer;
use evalset_model::ids::RowNumber;
use hashbrown::HashTable;
use std::io;
use std::path::Path;
use xxhash_rust::xxh3::xxh3_64;

/// About what a term takes beside its bytes.
const TERM_BYTES: usize = 104;

/// Terms between two looks at whether to go on.
const LOOK: usize = 1_024;

/// Collects rows, then writes them as a segment.
#[derive(Default)]
pub struct Builder {
    rows: Vec<RowNumber>,
    parts: [Dictionary; PARTS],
    terms: Terms,
}

struct Dictionary {
    arena: Vec<u8>,
    terms: Vec<Term>,
    table: HashTable<u32>,
    /// The numbers of terms of one byte, which half of all tokens are.
    single: [Option<u32>; 256],
    /// Bytes set aside for lists and positions.
    list_bytes: usize,
}

impl Default for Dictionary {
    fn default() -> Self {
        let (arena, terms, table) = (Vec::new(), Vec::new(), HashTable::new());
        Self { arena, terms, table, single: [None; 256], list_bytes: 0 }
    }
}

struct Term {
    at: usize,
    length: usize,
    count: u32,
    last: u32,
    gaps: Vec<u8>,
    positions: Vec<u8>,
    last_position: u32,
}

impl Dictionary {
    /// The number of a term, which is made when there is none.
    fn number(&mut self, term: &[u8]) -> usize {
        if let [byte] = term
            && let Some(number) = self.single[usize::from(*byte)]
        {
            return number as usize;
        }
        let hash = xxh3_64(term);
        let (arena, terms) = (&self.arena, &self.terms);
        let bytes = |number: u32| {
            let term: &Term = &terms[number as usize];
            &arena[term.at..term.at + term.length]
        };
        if let Some(number) = self.table.find(hash, |number| bytes(*number) == term) {
            return *number as usize;
        }
        let number = self.terms.len() as u32;
        self.table.insert_unique(hash, number, |number| xxh3_64(bytes(*number)));
        let at = self.arena.len();
        self.arena.extend_from_slice(term);
        let (gaps, positions) = (Vec::new(), Vec::new());
        self.terms.push(Term { at, length: term.len(), count: 0, last: 0, gaps, positions, last_position: 0 });
        if let [byte] = term {
            self.single[usize::from(*byte)] = Some(number);
        }
        number as usize
    }

    fn add(&mut self, term: &[u8], position: Option<Position>, doc: u32) {
        let number = self.number(term);
        let term = &mut self.terms[number];
        let again = term.count > 0 && term.last == doc;
        if let Some(position) = position {
            let before = term.positions.capacity();
            position::put(&mut term.positions, position, again.then_some(term.last_position));
            self.list_bytes += term.positions.capacity() - before;
            term.last_position = position.number;
        }
        if again {
            return;
        }
        let before = term.gaps.capacity();
        put_number(&mut term.gaps, u64::from(doc - term.last));
        self.list_bytes += term.gaps.capacity() - before;
        term.count += 1;
        term.last = doc;
    }

    fn bytes(&self) -> usize {
        self.arena.capacity() + self.list_bytes + self.terms.capacity() * TERM_BYTES
    }

    fn write(&self, out: &mut Writer, go_on: &dyn Fn() -> bool) -> io::Result<()> {
        let mut sorted: Vec<(&[u8], &Term)> =
            self.terms.iter().map(|term| (&self.arena[term.at..term.at + term.length], term)).collect();
        sorted.sort_unstable_by_key(|(bytes, _)| *bytes);
        for (index, (bytes, term)) in sorted.into_iter().enumerate() {
            if index % LOOK == 0 && !go_on() {
                return Err(io::Error::new(io::ErrorKind::Interrupted, "the store closes"));
            }
            out.push(bytes, term.count as usize, &term.gaps, &term.positions)?;
        }
        out.end_part()
    }
}

impl Builder {
    /// Adds a row with its texts, by part; its number is above all before.
    pub fn add(&mut self, row: RowNumber, texts: [Option<&str>; PARTS]) {
        debug_assert!(self.rows.last().is_none_or(|last| *last < row), "rows rise");
        let doc = self.rows.len() as u32;
        self.rows.push(row);
        for (dictionary, text) in self.parts.iter_mut().zip(texts) {
            if let Some(text) = text {
                self.terms.each(text, &mut |term, position| dictionary.add(term, position, doc));
            }
        }
    }

    /// Rows added.
    pub fn rows(&self) -> &[RowNumber] {
        &self.rows
    }

    /// About the memory it takes.
    pub fn bytes(&self) -> usize {
        self.parts.iter().map(Dictionary::bytes).sum()
    }

    /// Writes the segment and sees it on the disk. Returns the bytes of the file. Ends with an error when `go_on` says
    /// so.
    pub fn write(&self, path: &Path, go_on: &dyn Fn() -> bool) -> io::Result<u64> {
        let mut out = Writer::create(path, self.rows.len())?;
        for part in &self.parts {
            part.write(&mut out, go_on)?;
        }
        out.finish(&self.rows)
    }
}
