//! The few values of one chunk of a column that most rows have nothing in. Knows codes, not texts.

use crate::bits;
use crate::cells::{Cell, Class, NESTED};
use crate::dictionary::Code;
use crate::slab::Slab;
use crate::snapshot::{Input, Output, Stored, odd};
use std::io::Result;

/// Values by rising offset, one list per member.
#[derive(Debug, Default)]
pub struct Sparse {
    offsets: Slab<u16>,
    tags: Slab<u8>,
    codes: Slab<Code>,
    numbers: Slab<f64>,
}

impl Sparse {
    /// Values held.
    pub fn len(&self) -> usize {
        self.offsets.len()
    }

    fn find(&self, at: usize) -> std::result::Result<usize, usize> {
        self.offsets.binary_search_by_key(&at, |offset| usize::from(*offset))
    }

    fn cell(&self, index: usize) -> Cell {
        let tag = self.tags[index];
        Cell { class: Class::of(tag), nested: tag & NESTED != 0, code: self.codes[index], number: self.numbers[index] }
    }

    /// The value at an offset.
    pub fn get(&self, at: usize) -> Cell {
        self.find(at).map_or_else(|_| Cell::default(), |index| self.cell(index))
    }

    /// Offsets and values, rising.
    pub fn iter(&self) -> impl Iterator<Item = (usize, Cell)> {
        self.offsets.iter().enumerate().map(|(index, offset)| (usize::from(*offset), self.cell(index)))
    }

    /// Writes a value; [`Class::Absent`] takes it out.
    pub fn set(&mut self, at: usize, cell: Cell) {
        match (self.find(at), cell.class) {
            (Ok(index), Class::Absent) => {
                self.offsets.to_mut().remove(index);
                self.tags.to_mut().remove(index);
                self.codes.to_mut().remove(index);
                self.numbers.to_mut().remove(index);
            }
            (Err(_), Class::Absent) => {}
            (Ok(index), _) => {
                self.tags.put(index, cell.tag(), 0);
                self.codes.put(index, cell.code, 0);
                self.numbers.put(index, cell.number, f64::NAN);
            }
            (Err(index), _) => {
                self.offsets.to_mut().insert(index, at as u16);
                self.tags.to_mut().insert(index, cell.tag());
                self.codes.to_mut().insert(index, cell.code);
                self.numbers.to_mut().insert(index, cell.number);
            }
        }
    }

    /// Marks those of `among` that have a value that passes.
    pub fn mark(&self, among: &[u64], out: &mut [u64], mut test: impl FnMut(&Cell) -> bool) {
        for (at, cell) in self.iter() {
            if bits::get(among, at) && test(&cell) {
                out[at / bits::WORD] |= 1 << (at % bits::WORD);
            }
        }
    }

    /// Bytes held.
    pub fn memory_bytes(&self) -> usize {
        self.offsets.memory_bytes() + self.tags.memory_bytes() + self.codes.memory_bytes() + self.numbers.memory_bytes()
    }
}

impl Stored for Sparse {
    fn store(&self, out: &mut Output<'_>) -> Result<()> {
        self.offsets.store(out)?;
        self.tags.store(out)?;
        self.codes.store(out)?;
        self.numbers.store(out)
    }

    fn restore(input: &mut Input<'_>) -> Result<Self> {
        let restored = Self {
            offsets: Slab::restore(input)?,
            tags: Slab::restore(input)?,
            codes: Slab::restore(input)?,
            numbers: Slab::restore(input)?,
        };
        let len = restored.len();
        let whole = [restored.tags.len(), restored.codes.len(), restored.numbers.len()] == [len; 3];
        if whole && restored.offsets.is_sorted() { Ok(restored) } else { Err(odd()) }
    }
}
