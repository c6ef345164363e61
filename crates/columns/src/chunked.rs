//! Storage by chunk: a chunk without any value costs nothing. Knows nothing of what a chunk holds.

use crate::snapshot::{Input, Output, Stored, odd};
use std::io::Result;

/// Where a position lies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Place {
    /// Index of the chunk.
    pub chunk: usize,
    /// Offset in it.
    pub offset: usize,
}

/// How positions are cut into chunks of a power of two rows, between one word and 65,536.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Grid {
    shift: u32,
}

impl Grid {
    /// Chunks of 65,536 rows.
    pub const FULL: Self = Self { shift: 16 };

    /// Chunks of at least this many rows, within the bounds.
    pub fn of(rows: usize) -> Self {
        Self { shift: rows.clamp(64, 1 << 16).next_power_of_two().trailing_zeros() }
    }

    /// Rows in a chunk.
    pub fn rows(self) -> usize {
        1 << self.shift
    }

    /// Words of a chunk's bit set.
    pub fn words(self) -> usize {
        self.rows() / crate::bits::WORD
    }

    /// Chunk and offset of a position.
    pub fn place(self, position: usize) -> Place {
        Place { chunk: position >> self.shift, offset: position & (self.rows() - 1) }
    }

    /// First position of a chunk.
    pub fn start(self, chunk: usize) -> usize {
        chunk << self.shift
    }
}

impl Default for Grid {
    fn default() -> Self {
        Self::FULL
    }
}

impl Stored for Grid {
    fn store(&self, out: &mut Output<'_>) -> Result<()> {
        self.shift.store(out)
    }

    fn restore(input: &mut Input<'_>) -> Result<Self> {
        let shift = u32::restore(input)?;
        if (6..=16).contains(&shift) { Ok(Self { shift }) } else { Err(odd()) }
    }
}

/// One `C` per chunk, where there is something to hold.
pub struct Chunked<C> {
    chunks: Vec<Option<Box<C>>>,
}

impl<C> Default for Chunked<C> {
    fn default() -> Self {
        Self { chunks: Vec::new() }
    }
}

impl<C: Default> Chunked<C> {
    /// The chunk, if it has anything.
    pub fn get(&self, chunk: usize) -> Option<&C> {
        self.chunks.get(chunk)?.as_deref()
    }

    /// The chunk for writing, if it has anything.
    pub fn get_mut(&mut self, chunk: usize) -> Option<&mut C> {
        self.chunks.get_mut(chunk)?.as_deref_mut()
    }

    /// The chunk for writing, made when missing.
    pub fn make(&mut self, chunk: usize) -> &mut C {
        if chunk >= self.chunks.len() {
            self.chunks.resize_with(chunk + 1, || None);
        }
        self.chunks[chunk].get_or_insert_default()
    }

    /// Puts a chunk in place of what is there.
    pub fn put(&mut self, chunk: usize, slot: Option<Box<C>>) {
        if chunk >= self.chunks.len() {
            if slot.is_none() {
                return;
            }
            self.chunks.resize_with(chunk + 1, || None);
        }
        self.chunks[chunk] = slot;
    }

    /// Bytes held, given those of one chunk.
    pub fn memory_bytes(&self, of: impl Fn(&C) -> usize) -> usize {
        self.chunks.capacity() * size_of::<Option<Box<C>>>()
            + self.chunks.iter().flatten().map(|chunk| size_of::<C>() + of(chunk)).sum::<usize>()
    }
}

impl<C: Stored> Chunked<C> {
    /// Writes a chunk, or that there is none.
    pub fn store_slot(&self, chunk: usize, out: &mut Output<'_>) -> Result<()> {
        let slot = self.chunks.get(chunk).and_then(Option::as_ref);
        slot.is_some().store(out)?;
        slot.map_or(Ok(()), |values| values.store(out))
    }
}
