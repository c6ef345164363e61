//! Writes the file of a segment, term by term in rising order.
//!
//! Layout: mark, then blocks (terms, their counts and lengths, their lists, their positions), then the footer with the
//! rows and where blocks begin, then address of the footer, checksum of all before it, mark. Knows bytes, not texts.

use crate::plan::PARTS;
use crate::postings::{self, put_number};
use crate::term::END;
use evalset_model::ids::RowNumber;
use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::path::Path;
use xxhash_rust::xxh3::Xxh3;

/// Begins and ends each file.
pub const MAGIC: &[u8; 8] = b"evdstxt\x02";
/// Bytes after the footer: its address, the checksum, the mark.
pub const TRAILER_BYTES: usize = 24;
/// A block is closed when its terms have this many bytes.
const BLOCK_BYTES: usize = 16 * 1024;
/// A block is closed when its lists and positions have this many bytes.
const BLOCK_LIST_BYTES: usize = 1024 * 1024;
/// Bytes written at once.
const BUFFER_BYTES: usize = 256 * 1024;

/// Where a block lies.
#[derive(Clone, Debug)]
pub struct BlockAddress {
    /// Its first byte.
    pub at: u64,
    /// Bytes of its terms.
    pub text: usize,
    /// Bytes of counts and lengths, which follow.
    pub meta: usize,
    /// Bytes of its lists, which follow.
    pub lists: usize,
    /// Bytes of its positions, which follow.
    pub positions: usize,
    /// Its first term.
    pub first: Box<[u8]>,
}

impl BlockAddress {
    /// The first byte after it; none when there is no such number.
    pub fn end(&self) -> Option<u64> {
        let lengths = [self.text, self.meta, self.lists, self.positions];
        lengths.iter().try_fold(self.at, |at, length| at.checked_add(u64::try_from(*length).ok()?))
    }
}

/// A segment file being written.
pub struct Writer {
    out: BufWriter<File>,
    hash: Xxh3,
    at: u64,
    docs: usize,
    text: Vec<u8>,
    meta: Vec<u8>,
    lists: Vec<u8>,
    positions: Vec<u8>,
    first: Vec<u8>,
    /// Blocks of the part under way.
    addresses: Vec<BlockAddress>,
    done: Vec<Vec<BlockAddress>>,
}

impl Writer {
    /// Begins a file for so many documents.
    pub fn create(path: &Path, docs: usize) -> io::Result<Self> {
        let out = BufWriter::with_capacity(BUFFER_BYTES, File::create(path)?);
        let mut writer = Self {
            out,
            hash: Xxh3::new(),
            at: 0,
            docs,
            text: Vec::new(),
            meta: Vec::new(),
            lists: Vec::new(),
            positions: Vec::new(),
            first: Vec::new(),
            addresses: Vec::new(),
            done: Vec::new(),
        };
        writer.put(MAGIC)?;
        Ok(writer)
    }

    fn put(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.hash.update(bytes);
        self.at += bytes.len() as u64;
        self.out.write_all(bytes)
    }

    /// Adds a term of the part under way, above all before, with its list as gaps and the positions of each document.
    pub fn push(&mut self, term: &[u8], count: usize, gaps: &[u8], positions: &[u8]) -> io::Result<()> {
        if self.text.is_empty() {
            self.first = term.to_vec();
            self.text.push(END);
        }
        self.text.extend_from_slice(term);
        self.text.push(END);
        let before = self.lists.len();
        postings::encode(gaps, count, self.docs, &mut self.lists);
        put_number(&mut self.meta, count as u64);
        put_number(&mut self.meta, (self.lists.len() - before) as u64);
        put_number(&mut self.meta, positions.len() as u64);
        self.positions.extend_from_slice(positions);
        if self.text.len() >= BLOCK_BYTES || self.lists.len() + self.positions.len() >= BLOCK_LIST_BYTES {
            self.close_block()?;
        }
        Ok(())
    }

    fn close_block(&mut self) -> io::Result<()> {
        if self.text.is_empty() {
            return Ok(());
        }
        let [text, meta, lists, positions] =
            [&mut self.text, &mut self.meta, &mut self.lists, &mut self.positions].map(std::mem::take);
        let first = std::mem::take(&mut self.first).into_boxed_slice();
        let (at, lengths) = (self.at, [&text, &meta, &lists, &positions].map(Vec::len));
        self.addresses.push(BlockAddress {
            at,
            text: lengths[0],
            meta: lengths[1],
            lists: lengths[2],
            positions: lengths[3],
            first,
        });
        [text, meta, lists, positions].iter().try_for_each(|bytes| self.put(bytes))
    }

    /// Ends the part under way.
    pub fn end_part(&mut self) -> io::Result<()> {
        self.close_block()?;
        let addresses = std::mem::take(&mut self.addresses);
        self.done.push(addresses);
        Ok(())
    }

    /// Writes the rest, with the rows of the documents, and sees it on the disk. Returns the bytes of the file.
    pub fn finish(mut self, rows: &[RowNumber]) -> io::Result<u64> {
        debug_assert_eq!((self.done.len(), rows.len()), (PARTS, self.docs), "parts and rows of the segment");
        let start = self.at;
        let mut footer = Vec::new();
        put_number(&mut footer, rows.len() as u64);
        let mut before = 0;
        for row in rows.iter().map(|row| row.get()) {
            put_number(&mut footer, (row - before).unsigned_abs());
            before = row;
        }
        for addresses in &self.done {
            put_number(&mut footer, addresses.len() as u64);
            for address in addresses {
                put_number(&mut footer, address.at);
                for length in [address.text, address.meta, address.lists, address.positions] {
                    put_number(&mut footer, length as u64);
                }
                put_number(&mut footer, address.first.len() as u64);
                footer.extend_from_slice(&address.first);
            }
        }
        self.put(&footer)?;
        self.put(&start.to_le_bytes())?;
        let checksum = self.hash.digest();
        self.put(&checksum.to_le_bytes())?;
        self.put(MAGIC)?;
        let file = self.out.into_inner().map_err(io::IntoInnerError::into_error)?;
        file.sync_all()?;
        Ok(self.at)
    }
}
