//! Row numbers in any order, held in few bytes. Knows numbers only.
//!
//! Kept are the steps from one number to the next, equal steps in a row once: rows without gaps take nothing each.
//! Steps of up to 31 numbers take a byte, up to 4,095 two, up to 67 million four, so that an order by anything over 10M
//! rows takes four bytes a row at most, and one that nearly follows the rows about one.

use evalset_model::ids::RowNumber;

/// Bits of a byte that hold a part of a number; the highest says that more follow.
const PART_BITS: u32 = 7;
const MORE: u8 = 1 << PART_BITS;

/// Row numbers in the order they were pushed.
#[derive(Clone, Debug, Default)]
pub struct PackedRows {
    bytes: Vec<u8>,
    len: u64,
    last: i64,
    /// The step at the end that may still be repeated, and how often it came.
    step: i64,
    times: u64,
}

impl PackedRows {
    /// Adds a number at the end.
    pub fn push(&mut self, row: RowNumber) {
        let row = row.get();
        let step = row.wrapping_sub(self.last);
        if self.times > 0 && step == self.step {
            self.times += 1;
        } else {
            self.flush();
            (self.step, self.times) = (step, 1);
        }
        self.last = row;
        self.len += 1;
    }

    /// How many there are.
    pub fn len(&self) -> u64 {
        self.len
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// Bytes held.
    pub fn held_bytes(&self) -> usize {
        self.bytes.capacity() + size_of::<Self>()
    }

    fn flush(&mut self) {
        if self.times == 0 {
            return;
        }
        let zigzag = ((self.step << 1) ^ (self.step >> 63)) as u64;
        put(&mut self.bytes, u128::from(zigzag) << 1 | u128::from(self.times > 1));
        if self.times > 1 {
            put(&mut self.bytes, u128::from(self.times));
        }
        self.times = 0;
    }
}

impl FromIterator<RowNumber> for PackedRows {
    fn from_iter<I: IntoIterator<Item = RowNumber>>(rows: I) -> Self {
        let mut packed = Self::default();
        rows.into_iter().for_each(|row| packed.push(row));
        packed
    }
}

impl IntoIterator for PackedRows {
    type Item = RowNumber;
    type IntoIter = Unpacked;

    fn into_iter(mut self) -> Unpacked {
        self.flush();
        self.bytes.shrink_to_fit();
        Unpacked { bytes: self.bytes, at: 0, last: 0, step: 0, times: 0 }
    }
}

/// The numbers of [`PackedRows`], one after the other.
#[derive(Debug)]
pub struct Unpacked {
    bytes: Vec<u8>,
    at: usize,
    last: i64,
    step: i64,
    times: u64,
}

impl Unpacked {
    /// Bytes held.
    pub fn held_bytes(&self) -> usize {
        self.bytes.capacity() + size_of::<Self>()
    }

    fn take(&mut self) -> Option<u128> {
        let mut value = 0;
        for part in 0.. {
            let byte = *self.bytes.get(self.at)?;
            self.at += 1;
            value |= u128::from(byte & !MORE) << (part * PART_BITS);
            if byte & MORE == 0 {
                break;
            }
        }
        Some(value)
    }
}

impl Iterator for Unpacked {
    type Item = RowNumber;

    fn next(&mut self) -> Option<RowNumber> {
        if self.times == 0 {
            let code = self.take()?;
            let zigzag = (code >> 1) as u64;
            self.step = (zigzag >> 1) as i64 ^ -((zigzag & 1) as i64);
            self.times = if code & 1 == 1 { self.take()? as u64 } else { 1 };
        }
        self.times -= 1;
        self.last = self.last.wrapping_add(self.step);
        Some(RowNumber::new(self.last))
    }
}

fn put(bytes: &mut Vec<u8>, mut value: u128) {
    loop {
        let part = (value as u8) & !MORE;
        value >>= PART_BITS;
        if value == 0 {
            return bytes.push(part);
        }
        bytes.push(part | MORE);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn held(rows: impl IntoIterator<Item = i64>) -> usize {
        rows.into_iter().map(RowNumber::new).collect::<PackedRows>().into_iter().bytes.len()
    }

    #[test]
    fn numbers_come_back_in_their_order() {
        let odd = [7, 7, 0, -5, i64::MAX, i64::MIN, 1, 2, 3, 3, 2, 1];
        let mut mixed: u64 = 1;
        let mut random = || {
            mixed = mixed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (mixed >> 40) as i64
        };
        let random: Vec<_> = (0..10_000).map(|_| random()).collect();
        for rows in [Vec::new(), vec![1], odd.to_vec(), (0..5_000).rev().collect(), random] {
            let packed: PackedRows = rows.iter().copied().map(RowNumber::new).collect();
            assert_eq!(packed.len(), rows.len() as u64);
            assert_eq!(packed.into_iter().map(RowNumber::get).collect::<Vec<_>>(), rows);
        }
    }

    #[test]
    fn rows_take_what_the_head_of_the_file_says() {
        assert!(held((1..1_000_000).rev()) < 16, "without gaps");
        assert!(held((1..1_000_000).rev().filter(|row| row % 3 > 0)) < 700_000, "a byte each");
        let apart = held((1..100_000).map(|row| row * 4_000 % 400_000_007));
        assert!(apart < 210_000, "two bytes each: {apart}");
        let far = held((0..100_000).map(|row| row * 7_919_993 % 10_000_019));
        assert!(far <= 400_010, "four bytes each: {far}");
    }
}
