//! Ids by position: 32 lower-case hex digits as 128 bits, any other text as it is. Order is that of the texts,
//! bytewise. Knows nothing of row numbers.

use crate::bits;
use crate::chunked::{Grid, Place};
use crate::dictionary::leading;
use crate::slab::Slab;
use crate::snapshot::{Input, Output, Stored, odd, restore_list, store_list};
use std::cmp::Ordering;
use std::io::Result;

/// Ids of one chunk.
pub enum IdChunk {
    /// All are 32 lower-case hex digits.
    Packed {
        /// The first 16 digits.
        high: Slab<u64>,
        /// The last 16.
        low: Slab<u64>,
    },
    /// At least one is not.
    Plain(Vec<Box<str>>),
}

/// Ids of all positions.
pub struct Ids {
    grid: Grid,
    chunks: Vec<IdChunk>,
    len: usize,
    packed: bool,
    ascend: bool,
}

/// The two halves of an id of 32 lower-case hex digits. Their order is that of the texts.
pub fn pack(id: &str) -> Option<(u64, u64)> {
    let lower_hex = |byte: &u8| matches!(byte, b'0'..=b'9' | b'a'..=b'f');
    if id.len() != 32 || !id.as_bytes().iter().all(lower_hex) {
        return None;
    }
    let half = |text: &str| u64::from_str_radix(text, 16).ok();
    Some((half(&id[..16])?, half(&id[16..])?))
}

/// The text of an id, on the stack when it was packed.
enum IdText<'a> {
    Digits([u8; 32]),
    Plain(&'a str),
}

impl IdText<'_> {
    fn as_str(&self) -> &str {
        match self {
            Self::Digits(digits) => std::str::from_utf8(digits).unwrap_or_default(),
            Self::Plain(text) => text,
        }
    }
}

fn unpack(high: u64, low: u64) -> [u8; 32] {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    let bytes = (u128::from(high) << 64 | u128::from(low)).to_be_bytes();
    let mut digits = [0; 32];
    for (pair, byte) in digits.chunks_exact_mut(2).zip(bytes) {
        pair[0] = DIGITS[usize::from(byte >> 4)];
        pair[1] = DIGITS[usize::from(byte & 15)];
    }
    digits
}

impl Ids {
    /// None yet.
    pub fn new(grid: Grid) -> Self {
        Self { grid, chunks: Vec::new(), len: 0, packed: true, ascend: true }
    }

    /// Ids held.
    pub fn len(&self) -> usize {
        self.len
    }

    /// Whether every id is above the one before it.
    pub fn ascend(&self) -> bool {
        self.ascend
    }

    /// Whether [`Ids::head`] is the first half of packed ids.
    pub fn is_packed(&self) -> bool {
        self.packed
    }

    /// Adds the id of the next position.
    pub fn push(&mut self, id: &str) {
        let place = self.grid.place(self.len);
        if place.offset == 0 {
            self.chunks.push(IdChunk::Packed { high: Slab::default(), low: Slab::default() });
        }
        self.write(place, id);
        self.len += 1;
        self.ascend &= self.len < 2 || self.compare(self.len - 2, self.len - 1).is_lt();
    }

    /// Writes another id at a position that has one.
    pub fn set(&mut self, position: usize, id: &str) {
        if position < self.len && self.text(position).as_str() != id {
            self.write(self.grid.place(position), id);
            self.ascend = false;
        }
    }

    fn write(&mut self, Place { chunk, offset }: Place, id: &str) {
        let digits = pack(id);
        if digits.is_none() {
            self.packed = false;
            self.make_plain(chunk);
        }
        match &mut self.chunks[chunk] {
            IdChunk::Packed { high, low } => {
                let digits = digits.unwrap_or_default();
                high.put(offset, digits.0, 0);
                low.put(offset, digits.1, 0);
            }
            IdChunk::Plain(ids) if offset < ids.len() => ids[offset] = id.into(),
            IdChunk::Plain(ids) => ids.push(id.into()),
        }
    }

    fn make_plain(&mut self, chunk: usize) {
        if let IdChunk::Packed { high, low } = &self.chunks[chunk] {
            let texts =
                high.iter().zip(low.iter()).map(|(high, low)| IdText::Digits(unpack(*high, *low)).as_str().into());
            self.chunks[chunk] = IdChunk::Plain(texts.collect());
        }
    }

    fn text(&self, position: usize) -> IdText<'_> {
        let Place { chunk, offset } = self.grid.place(position);
        match &self.chunks[chunk] {
            IdChunk::Packed { high, low } => IdText::Digits(unpack(high[offset], low[offset])),
            IdChunk::Plain(ids) => IdText::Plain(&ids[offset]),
        }
    }

    /// Calls `see` with the text of a position's id.
    pub fn with<R>(&self, position: usize, see: impl FnOnce(&str) -> R) -> R {
        see(self.text(position).as_str())
    }

    /// The packed halves of the ids of a chunk, unless it holds other ids.
    pub fn halves(&self, chunk: usize) -> Option<(&[u64], &[u64])> {
        match self.chunks.get(chunk)? {
            IdChunk::Packed { high, low } => Some((high, low)),
            IdChunk::Plain(_) => None,
        }
    }

    /// A number that orders like the ids do where it differs.
    pub fn head(&self, position: usize) -> u64 {
        let Place { chunk, offset } = self.grid.place(position);
        match &self.chunks[chunk] {
            IdChunk::Packed { high, .. } if self.packed => high[offset],
            _ => self.with(position, |id| leading(id.as_bytes())),
        }
    }

    /// Marks ids of a chunk whose [`Ids::head`] passes.
    pub fn mark_heads(&self, chunk: usize, among: &[u64], out: &mut [u64], test: impl Fn(u64) -> bool + Copy) {
        match self.chunks.get(chunk) {
            Some(IdChunk::Packed { high, .. }) if self.packed => bits::mark(high, among, out, test),
            _ => bits::mark_each(among, out, |at| test(self.head(self.grid.start(chunk) + at))),
        }
    }

    /// Order of the ids of two positions.
    pub fn compare(&self, left: usize, right: usize) -> Ordering {
        let (a, b) = (self.grid.place(left), self.grid.place(right));
        match (&self.chunks[a.chunk], &self.chunks[b.chunk]) {
            (IdChunk::Packed { high, low }, IdChunk::Packed { high: other_high, low: other_low }) => {
                high[a.offset].cmp(&other_high[b.offset]).then_with(|| low[a.offset].cmp(&other_low[b.offset]))
            }
            _ => self.text(left).as_str().cmp(self.text(right).as_str()),
        }
    }

    /// Bytes held.
    pub fn memory_bytes(&self) -> usize {
        self.chunks.iter().map(IdChunk::memory_bytes).sum()
    }
}

impl IdChunk {
    /// Bytes held.
    pub fn memory_bytes(&self) -> usize {
        match self {
            Self::Packed { high, low } => high.memory_bytes() + low.memory_bytes(),
            Self::Plain(ids) => ids.capacity() * size_of::<Box<str>>() + ids.iter().map(|id| id.len()).sum::<usize>(),
        }
    }
}

impl Stored for IdChunk {
    fn store(&self, out: &mut Output<'_>) -> Result<()> {
        match self {
            Self::Packed { high, low } => {
                0_u8.store(out)?;
                high.store(out)?;
                low.store(out)
            }
            Self::Plain(ids) => {
                1_u8.store(out)?;
                store_list(ids, out)
            }
        }
    }

    fn restore(input: &mut Input<'_>) -> Result<Self> {
        match u8::restore(input)? {
            0 => Ok(Self::Packed { high: Slab::restore(input)?, low: Slab::restore(input)? }),
            1 => restore_list(input).map(Self::Plain),
            _ => Err(odd()),
        }
    }
}

impl IdChunk {
    /// Ids held.
    pub fn len(&self) -> usize {
        match self {
            Self::Packed { high, low } => high.len().min(low.len()),
            Self::Plain(ids) => ids.len(),
        }
    }
}

impl Ids {
    /// The ids of a chunk, for storing.
    pub fn chunk(&self, chunk: usize) -> Option<&IdChunk> {
        self.chunks.get(chunk)
    }

    /// Puts the ids of a chunk in place of those that are there, which are the same, or after all others.
    pub fn put_chunk(&mut self, chunk: usize, ids: IdChunk) {
        if let Some(place) = self.chunks.get_mut(chunk) {
            *place = ids;
        } else {
            self.len += ids.len();
            self.chunks.push(ids);
        }
    }

    /// Writes what is known of all ids.
    pub fn store_facts(&self, out: &mut Output<'_>) -> Result<()> {
        self.packed.store(out)?;
        self.ascend.store(out)
    }

    /// Reads what [`Ids::store_facts`] wrote; the chunks are put after.
    pub fn restore_facts(grid: Grid, input: &mut Input<'_>) -> Result<Self> {
        Ok(Self { grid, chunks: Vec::new(), len: 0, packed: bool::restore(input)?, ascend: bool::restore(input)? })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn order_and_text_are_those_of_the_ids_whatever_their_form() {
        let mut ids = Ids::new(Grid::of(64));
        let mut texts: Vec<String> =
            (0..80_u128).map(|n| format!("{:032x}", (n * 0x9E37_79B9_7F4A_7C15) << 60)).collect();
        texts.extend(["zebra", "", "0", "FFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFF", "é"].map(str::to_owned));
        for id in &texts {
            ids.push(id);
        }
        assert!(ids.halves(0).is_some() && ids.halves(1).is_none() && !ids.packed && !ids.ascend());
        for left in 0..texts.len() {
            assert_eq!(ids.with(left, str::to_owned), texts[left]);
            for right in 0..texts.len() {
                let order = texts[left].cmp(&texts[right]);
                assert_eq!(ids.compare(left, right), order);
                let heads = ids.head(left).cmp(&ids.head(right));
                assert!(heads == order || heads.is_eq());
            }
        }
        ids.set(3, "mine");
        assert_eq!(ids.with(3, str::to_owned), "mine");
        assert_eq!(ids.with(4, str::to_owned), texts[4]);
    }

    #[test]
    fn rising_ids_are_noticed() {
        let mut ids = Ids::new(Grid::FULL);
        for n in 0..100_u128 {
            ids.push(&format!("{n:032x}"));
        }
        assert!(ids.ascend() && ids.packed);
        ids.push(&format!("{:032x}", 99));
        assert!(!ids.ascend());
        let mut ids = Ids::new(Grid::FULL);
        for id in ["a", "c", "e"] {
            ids.push(id);
        }
        ids.set(1, "c");
        assert!(ids.ascend());
        ids.set(1, "f");
        assert!(!ids.ascend());
    }
}
