//! A segment in memory while rows are added to it. Bounded by whoever adds: [`Builder::bytes`] says how large it is.

use crate::entry::Entries;
use crate::plan::PARTS;
use crate::postings::put_number;
use crate::spots::{self, Spot};
use crate::writer::Writer;
use evalset_model::ids::RowNumber;
use hashbrown::HashTable;
use std::io;
use std::path::Path;
use xxhash_rust::xxh3::xxh3_64;

/// About what an entry takes beside its bytes.
const ENTRY_BYTES: usize = 104;

/// Entries between two looks at whether to go on.
const LOOK: usize = 1_024;

/// Collects rows, then writes them as a segment.
#[derive(Default)]
pub struct Builder {
    rows: Vec<RowNumber>,
    parts: [Dictionary; PARTS],
    entries: Entries,
}

struct Dictionary {
    arena: Vec<u8>,
    entries: Vec<Entry>,
    table: HashTable<u32>,
    /// The numbers of entries of one byte, which half of all runs are.
    single: [Option<u32>; 256],
    /// Bytes set aside for lists and places.
    list_bytes: usize,
}

impl Default for Dictionary {
    fn default() -> Self {
        let (arena, entries, table) = (Vec::new(), Vec::new(), HashTable::new());
        Self { arena, entries, table, single: [None; 256], list_bytes: 0 }
    }
}

struct Entry {
    at: usize,
    length: usize,
    count: u32,
    last: u32,
    gaps: Vec<u8>,
    spots: Vec<u8>,
    last_spot: u32,
}

impl Dictionary {
    /// The number of an entry, which is made when there is none.
    fn number(&mut self, entry: &[u8]) -> usize {
        if let [byte] = entry
            && let Some(number) = self.single[usize::from(*byte)]
        {
            return number as usize;
        }
        let hash = xxh3_64(entry);
        let (arena, entries) = (&self.arena, &self.entries);
        let bytes = |number: u32| {
            let entry: &Entry = &entries[number as usize];
            &arena[entry.at..entry.at + entry.length]
        };
        if let Some(number) = self.table.find(hash, |number| bytes(*number) == entry) {
            return *number as usize;
        }
        let number = self.entries.len() as u32;
        self.table.insert_unique(hash, number, |number| xxh3_64(bytes(*number)));
        let at = self.arena.len();
        self.arena.extend_from_slice(entry);
        let (gaps, spots) = (Vec::new(), Vec::new());
        self.entries.push(Entry { at, length: entry.len(), count: 0, last: 0, gaps, spots, last_spot: 0 });
        if let [byte] = entry {
            self.single[usize::from(*byte)] = Some(number);
        }
        number as usize
    }

    fn add(&mut self, entry: &[u8], spot: Option<Spot>, doc: u32) {
        let number = self.number(entry);
        let entry = &mut self.entries[number];
        let again = entry.count > 0 && entry.last == doc;
        if let Some(spot) = spot {
            let before = entry.spots.capacity();
            spots::put(&mut entry.spots, spot, again.then_some(entry.last_spot));
            self.list_bytes += entry.spots.capacity() - before;
            entry.last_spot = spot.number;
        }
        if again {
            return;
        }
        let before = entry.gaps.capacity();
        put_number(&mut entry.gaps, u64::from(doc - entry.last));
        self.list_bytes += entry.gaps.capacity() - before;
        entry.count += 1;
        entry.last = doc;
    }

    fn bytes(&self) -> usize {
        self.arena.capacity() + self.list_bytes + self.entries.capacity() * ENTRY_BYTES
    }

    fn write(&self, out: &mut Writer, go_on: &dyn Fn() -> bool) -> io::Result<()> {
        let mut sorted: Vec<(&[u8], &Entry)> =
            self.entries.iter().map(|entry| (&self.arena[entry.at..entry.at + entry.length], entry)).collect();
        sorted.sort_unstable_by_key(|(bytes, _)| *bytes);
        for (index, (bytes, entry)) in sorted.into_iter().enumerate() {
            if index % LOOK == 0 && !go_on() {
                return Err(io::Error::new(io::ErrorKind::Interrupted, "the store closes"));
            }
            out.push(bytes, entry.count as usize, &entry.gaps, &entry.spots)?;
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
                self.entries.each(text, &mut |entry, spot| dictionary.add(entry, spot, doc));
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

    /// Writes the segment and sees it on the disk. Returns the bytes of the file. Ends with an error when `go_on` says so.
    pub fn write(&self, path: &Path, go_on: &dyn Fn() -> bool) -> io::Result<u64> {
        let mut out = Writer::create(path, self.rows.len())?;
        for part in &self.parts {
            part.write(&mut out, go_on)?;
        }
        out.finish(&self.rows)
    }
}
