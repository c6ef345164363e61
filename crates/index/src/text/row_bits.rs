//! A set of row numbers within a span, one bit each. Knows nothing of texts.

use evalset_model::ids::RowNumber;
use evalset_text::{Docs, Segment};

/// Bits in a word.
const WORD: usize = 64;

/// Row numbers of a span that begins at a multiple of 64.
#[derive(Clone, Debug, Default)]
pub(super) struct RowBits {
    base: i64,
    words: Vec<u64>,
}

impl RowBits {
    /// None of the rows from `first` to `last`.
    pub fn spanning(first: RowNumber, last: RowNumber) -> Self {
        Self::over(first.get(), last.get())
    }

    fn over(first: i64, last: i64) -> Self {
        let base = first - first.rem_euclid(WORD as i64);
        let words = usize::try_from(last - base).map_or(0, |distance| distance / WORD + 1);
        Self { base, words: vec![0; words] }
    }

    /// None of the rows of the same span.
    pub fn like(&self) -> Self {
        Self { base: self.base, words: vec![0; self.words.len()] }
    }

    fn place(&self, row: RowNumber) -> Option<(usize, u64)> {
        let at = usize::try_from(row.get().checked_sub(self.base)?).ok()?;
        (at / WORD < self.words.len()).then(|| (at / WORD, 1 << (at % WORD)))
    }

    /// Whether the row is in the set; none beyond the span is.
    #[cfg(test)]
    pub fn contains(&self, row: RowNumber) -> bool {
        self.place(row).is_some_and(|(word, bit)| self.words[word] & bit != 0)
    }

    /// 64 bits of the set: the lowest for this row, the others for those after it.
    pub fn window(&self, row: RowNumber) -> u64 {
        let distance = row.get() - self.base;
        let (word, shift) = (distance.div_euclid(WORD as i64), distance.rem_euclid(WORD as i64));
        let of = |word: i64| usize::try_from(word).ok().and_then(|at| self.words.get(at)).copied().unwrap_or(0);
        // In two steps: a shift by 64 is none.
        of(word) >> shift | of(word + 1) << 1 << (WORD as i64 - 1 - shift)
    }

    /// Adds a row of the span.
    pub fn insert(&mut self, row: RowNumber) {
        if let Some((word, bit)) = self.place(row) {
            self.words[word] |= bit;
        }
    }

    /// Takes a row out.
    pub fn remove(&mut self, row: RowNumber) {
        if let Some((word, bit)) = self.place(row) {
            self.words[word] &= !bit;
        }
    }

    /// Adds the rows of documents, all of them in the span.
    pub fn add(&mut self, segment: &Segment, docs: &Docs) {
        let Some(first) = segment.gapless() else {
            docs.each(|doc| self.insert(segment.row(doc)));
            return;
        };
        let Some((word, bit)) = self.place(first) else { return };
        let shift = bit.trailing_zeros();
        for (at, bits) in docs.words().iter().enumerate() {
            if let Some(word) = self.words.get_mut(word + at) {
                *word |= bits << shift;
            }
            if shift > 0
                && let Some(word) = self.words.get_mut(word + at + 1)
            {
                *word |= bits >> (WORD as u32 - shift);
            }
        }
    }

    /// Keeps rows that `other`, of the same span, has too.
    pub fn intersect(&mut self, other: &Self) {
        self.words.iter_mut().zip(&other.words).for_each(|(word, other)| *word &= other);
    }

    /// Takes out rows that `other`, of the same span, has.
    pub fn subtract(&mut self, other: &Self) {
        self.words.iter_mut().zip(&other.words).for_each(|(word, other)| *word &= !other);
    }

    /// The rows of either, whatever their spans.
    #[must_use]
    pub fn union(&self, other: &Self) -> Self {
        let end = |bits: &Self| bits.base + (bits.words.len() * WORD) as i64;
        if self.words.is_empty() || other.words.is_empty() {
            return if self.words.is_empty() { other.clone() } else { self.clone() };
        }
        let mut both = Self::over(self.base.min(other.base), end(self).max(end(other)) - 1);
        for bits in [self, other] {
            let start = ((bits.base - both.base) / WORD as i64) as usize;
            both.words[start..].iter_mut().zip(&bits.words).for_each(|(word, more)| *word |= more);
        }
        both
    }

    /// Takes out rows that `other` has, whatever its span.
    pub fn subtract_any(&mut self, other: &Self) {
        let base = self.base;
        for (at, word) in self.words.iter_mut().enumerate().filter(|(_, word)| **word != 0) {
            let place = (base - other.base) / WORD as i64 + at as i64;
            let others = usize::try_from(place).ok().and_then(|place| other.words.get(place));
            *word &= !others.copied().unwrap_or(0);
        }
    }

    /// Memory it takes.
    pub fn bytes(&self) -> usize {
        self.words.len() * 8
    }

    /// How many rows there are.
    pub fn count(&self) -> u64 {
        self.words.iter().map(|word| u64::from(word.count_ones())).sum()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use evalset_text::Builder;

    #[test]
    fn spans_may_differ() {
        let of = |rows: &[i64]| {
            let mut bits = RowBits::over(rows[0], rows[rows.len() - 1]);
            for row in rows {
                bits.insert(RowNumber::new(*row));
            }
            bits
        };
        let (one, two) = (of(&[3, 70, 200]), of(&[130, 200, 900]));
        let listed =
            |bits: &RowBits| (0..2_000).filter(|row| bits.contains(RowNumber::new(*row))).collect::<Vec<i64>>();
        assert_eq!(listed(&one.union(&two)), [3, 70, 130, 200, 900]);
        assert_eq!(listed(&two.union(&one)), [3, 70, 130, 200, 900]);
        assert_eq!(listed(&RowBits::default().union(&one)), listed(&one));
        for (mut left, right, rest) in [(one.clone(), &two, vec![3, 70]), (two.clone(), &one, vec![130, 900])] {
            left.subtract_any(right);
            assert_eq!(listed(&left), rest);
        }
    }

    #[test]
    fn documents_become_rows() {
        let folder = tempfile::tempdir().unwrap();
        for rows in [(130..300).collect::<Vec<i64>>(), (130..300).filter(|row| row % 7 > 0).collect()] {
            let mut builder = Builder::default();
            for row in &rows {
                builder.add(RowNumber::new(*row), [Some("a"), None, None]);
            }
            let path = folder.path().join("s");
            builder.write(&path, &|| true).unwrap();
            let segment = Segment::open(&path, &|| true).unwrap();
            let mut docs = Docs::none(segment.len());
            (0..segment.len()).step_by(3).for_each(|doc| docs.insert(doc));
            let mut bits = RowBits::over(rows[0] - 100, rows[rows.len() - 1]);
            bits.add(&segment, &docs);
            let expected: Vec<i64> = rows.iter().copied().step_by(3).collect();
            assert_eq!((0..400).filter(|row| bits.contains(RowNumber::new(*row))).collect::<Vec<_>>(), expected);
            assert_eq!(bits.count(), expected.len() as u64);
            bits.remove(RowNumber::new(expected[0]));
            assert!([expected[0], -5, 1_000_000].iter().all(|row| !bits.contains(RowNumber::new(*row))));
            for first in -200..500 {
                let each =
                    (0..64).fold(0, |word, bit| word | u64::from(bits.contains(RowNumber::new(first + bit))) << bit);
                assert_eq!(bits.window(RowNumber::new(first)), each, "from {first}");
            }
        }
    }
}
