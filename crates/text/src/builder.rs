//! A segment in memory while rows are added to it. Bounded by whoever adds: [`Builder::bytes`] says how large it is.

use crate::entry::Entries;
use crate::plan::PARTS;
use crate::postings::put_number;
use crate::writer::Writer;
use evalset_model::ids::RowNumber;
use hashbrown::HashTable;
use std::io;
use std::path::Path;
use xxhash_rust::xxh3::xxh3_64;

/// About what an entry takes beside its bytes.
const ENTRY_BYTES: usize = 72;

/// Entries between two looks at whether to go on.
const LOOK: usize = 1_024;

/// Collects rows, then writes them as a segment.
#[derive(Default)]
pub struct Builder {
    rows: Vec<RowNumber>,
    parts: [Dictionary; PARTS],
    entries: Entries,
}

#[derive(Default)]
struct Dictionary {
    arena: Vec<u8>,
    entries: Vec<Entry>,
    table: HashTable<u32>,
    list_bytes: usize,
}

struct Entry {
    at: usize,
    length: usize,
    count: u32,
    last: u32,
    gaps: Vec<u8>,
}

impl Dictionary {
    fn add(&mut self, entry: &[u8], doc: u32) {
        let hash = xxh3_64(entry);
        let (arena, entries) = (&self.arena, &self.entries);
        let bytes = |number: u32| {
            let entry: &Entry = &entries[number as usize];
            &arena[entry.at..entry.at + entry.length]
        };
        let number = if let Some(number) = self.table.find(hash, |number| bytes(*number) == entry) {
            *number as usize
        } else {
            let number = self.entries.len() as u32;
            self.table.insert_unique(hash, number, |number| xxh3_64(bytes(*number)));
            let at = self.arena.len();
            self.arena.extend_from_slice(entry);
            self.entries.push(Entry { at, length: entry.len(), count: 0, last: 0, gaps: Vec::new() });
            number as usize
        };
        let entry = &mut self.entries[number];
        if entry.count > 0 && entry.last == doc {
            return;
        }
        let before = entry.gaps.len();
        put_number(&mut entry.gaps, u64::from(doc - entry.last));
        self.list_bytes += entry.gaps.len() - before;
        entry.count += 1;
        entry.last = doc;
    }

    fn bytes(&self) -> usize {
        self.arena.len() + self.list_bytes + self.entries.len() * ENTRY_BYTES
    }

    fn write(&self, out: &mut Writer, go_on: &dyn Fn() -> bool) -> io::Result<()> {
        let mut sorted: Vec<(&[u8], &Entry)> =
            self.entries.iter().map(|entry| (&self.arena[entry.at..entry.at + entry.length], entry)).collect();
        sorted.sort_unstable_by_key(|(bytes, _)| *bytes);
        for (index, (bytes, entry)) in sorted.into_iter().enumerate() {
            if index % LOOK == 0 && !go_on() {
                return Err(io::Error::new(io::ErrorKind::Interrupted, "the store closes"));
            }
            out.push(bytes, entry.count as usize, &entry.gaps)?;
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
                self.entries.each(text, &mut |entry| dictionary.add(entry, doc));
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
