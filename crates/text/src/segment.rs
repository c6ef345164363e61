//! A segment file, open for reading. What it says of itself is checked once, when it is opened: a file that was cut,
//! changed or written by another version is refused as a whole.

use crate::plan::PARTS;
use crate::postings::take_number;
use crate::writer::{BlockAddress, MAGIC, TRAILER_BYTES};
use evalset_model::ids::RowNumber;
use parts::Rows;
use std::fs::File;
use std::io::{self, Read};
use std::os::unix::fs::FileExt;
use std::path::Path;
use xxhash_rust::xxh3::Xxh3;

/// Bytes read at once while a file is checked.
const BUFFER_BYTES: usize = 1024 * 1024;

/// A segment: the dictionary of some rows, which are its documents 0, 1, …
pub struct Segment {
    file: File,
    bytes: u64,
    rows: Rows,
    addresses: [Vec<BlockAddress>; PARTS],
}

/// What is wrong with a file.
pub fn odd(what: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, what.to_owned())
}

impl Segment {
    /// Opens a file, reading and checking all of it. `go_on` is asked now and then.
    pub fn open(path: &Path, go_on: &dyn Fn() -> bool) -> io::Result<Self> {
        let mut file = File::open(path)?;
        let bytes = file.metadata()?.len();
        let hashed = bytes.checked_sub(16).ok_or_else(|| odd("it is too short"))?;
        let mut hash = Xxh3::new();
        let mut buffer = vec![0; BUFFER_BYTES];
        let mut left = hashed;
        while left > 0 {
            if !go_on() {
                return Err(io::Error::new(io::ErrorKind::Interrupted, "the store closes"));
            }
            let part = usize::try_from(left).unwrap_or(BUFFER_BYTES).min(BUFFER_BYTES);
            file.read_exact(&mut buffer[..part])?;
            hash.update(&buffer[..part]);
            left -= part as u64;
        }
        let mut trailer = [0; 16];
        file.read_exact(&mut trailer)?;
        let (checksum, magic) = trailer.split_at(8);
        if magic != MAGIC {
            return Err(odd("it is no text segment of this version"));
        }
        if checksum != hash.digest().to_le_bytes() {
            return Err(odd("its checksum is wrong"));
        }
        let (rows, addresses) = read_footer(&file, bytes)?;
        Ok(Self { file, bytes, rows, addresses })
    }

    /// Documents in it.
    pub fn len(&self) -> usize {
        self.rows.len()
    }

    /// Whether it has none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Bytes of its file.
    pub fn bytes(&self) -> u64 {
        self.bytes
    }

    /// The row of a document that exists. Rows rise with documents.
    pub fn row(&self, doc: usize) -> RowNumber {
        self.rows.get(doc)
    }

    /// The first row, when all rows follow each other without a gap.
    pub fn gapless(&self) -> Option<RowNumber> {
        self.rows.gapless()
    }

    /// The document of a row.
    pub fn doc(&self, row: RowNumber) -> Option<usize> {
        self.rows.find(row)
    }

    pub(crate) fn addresses(&self, part: usize) -> &[BlockAddress] {
        &self.addresses[part]
    }

    /// Fills the buffer from an address in the file.
    pub(crate) fn read(&self, at: u64, length: usize, buffer: &mut Vec<u8>) -> io::Result<()> {
        buffer.clear();
        self.read_on(at, length, buffer)
    }

    /// Appends bytes of the file to the buffer.
    pub(crate) fn read_on(&self, at: u64, length: usize, buffer: &mut Vec<u8>) -> io::Result<()> {
        if length as u64 > self.bytes {
            return Err(odd("it is cut"));
        }
        let before = buffer.len();
        buffer.resize(before + length, 0);
        self.file.read_exact_at(&mut buffer[before..], at)
    }
}

fn read_footer(file: &File, bytes: u64) -> io::Result<(Rows, [Vec<BlockAddress>; PARTS])> {
    let cut = || odd("its footer is damaged");
    let mut start = [0; 8];
    let end = bytes.checked_sub(TRAILER_BYTES as u64).ok_or_else(cut)?;
    file.read_exact_at(&mut start, end)?;
    let start = u64::from_le_bytes(start);
    let length = end.checked_sub(start).and_then(|length| usize::try_from(length).ok()).ok_or_else(cut)?;
    let mut footer = vec![0; length];
    file.read_exact_at(&mut footer, start)?;
    let (rows, parts) = parse_footer(&footer).ok_or_else(cut)?;
    let within = |address: &BlockAddress| address.end().is_some_and(|address| address <= start);
    if parts.iter().flatten().all(within) { Ok((rows, parts)) } else { Err(cut()) }
}

fn parse_footer(mut footer: &[u8]) -> Option<(Rows, [Vec<BlockAddress>; PARTS])> {
    let footer = &mut footer;
    let size = |footer: &mut &[u8]| usize::try_from(take_number(footer)?).ok();
    let count = size(footer)?;
    let mut rows = Vec::with_capacity(count.min(footer.len()));
    let mut row: i64 = 0;
    for _ in 0..count {
        row = row.checked_add(i64::try_from(take_number(footer)?).ok()?)?;
        rows.push(row);
    }
    let mut parts: [Vec<BlockAddress>; PARTS] = Default::default();
    for addresses in &mut parts {
        for _ in 0..size(footer)? {
            let at = take_number(footer)?;
            let (text, meta, lists) = (size(footer)?, size(footer)?, size(footer)?);
            let (positions, first) = (size(footer)?, size(footer)?);
            let (first, rest) = footer.split_at_checked(first)?;
            *footer = rest;
            addresses.push(BlockAddress { at, text, meta, lists, positions, first: first.into() });
        }
    }
    footer.is_empty().then_some((Rows::new(&rows)?, parts))
}

mod parts {
    //! The rows of a segment, small: most follow each other without a gap.

    use evalset_model::ids::RowNumber;

    /// Rising row numbers.
    pub struct Rows {
        first: i64,
        len: usize,
        /// Distances from the first; none when there are no gaps.
        offsets: Option<Vec<u32>>,
    }

    impl Rows {
        /// `None` when they do not rise or lie further apart than one segment may hold.
        pub fn new(rows: &[i64]) -> Option<Self> {
            let Some((first, last)) = rows.first().zip(rows.last()) else {
                return Some(Self { first: 0, len: 0, offsets: None });
            };
            if !rows.is_sorted_by(|one, next| one < next) {
                return None;
            }
            let gapless = last - first == rows.len() as i64 - 1;
            let offset = |row: &i64| u32::try_from(row - first).ok();
            let offsets = if gapless { None } else { Some(rows.iter().map(offset).collect::<Option<_>>()?) };
            Some(Self { first: *first, len: rows.len(), offsets })
        }

        pub fn len(&self) -> usize {
            self.len
        }

        pub fn gapless(&self) -> Option<RowNumber> {
            self.offsets.is_none().then_some(RowNumber::new(self.first))
        }

        pub fn get(&self, doc: usize) -> RowNumber {
            let offset =
                self.offsets.as_ref().map_or(doc as i64, |offsets| offsets.get(doc).map_or(0, |at| i64::from(*at)));
            RowNumber::new(self.first + offset)
        }

        pub fn find(&self, row: RowNumber) -> Option<usize> {
            let offset = u32::try_from(row.get().checked_sub(self.first)?).ok()?;
            match &self.offsets {
                None => Some(offset as usize).filter(|doc| *doc < self.len),
                Some(offsets) => offsets.binary_search(&offset).ok(),
            }
        }
    }
}
