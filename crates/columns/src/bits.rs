//! Bit sets as 64-bit words: compare loops, walking, counting. Knows nothing of rows or columns.

mod mark;

pub use self::mark::mark;

/// Bits in a word.
pub const WORD: usize = 64;

/// Sets in `out` the bits of `among` whose position passes; asks for those positions only.
pub fn mark_each(among: &[u64], out: &mut [u64], mut test: impl FnMut(usize) -> bool) {
    for (index, (among, out)) in among.iter().zip(out).enumerate() {
        let mut rest = *among;
        while rest != 0 {
            let bit = rest.trailing_zeros() as usize;
            rest &= rest - 1;
            *out |= u64::from(test(index * WORD + bit)) << bit;
        }
    }
}

/// Whether the bit is set; false beyond the end.
pub fn get(words: &[u64], at: usize) -> bool {
    words.get(at / WORD).is_some_and(|word| word >> (at % WORD) & 1 == 1)
}

/// Sets or clears a bit, growing as needed.
pub fn put(words: &mut Vec<u64>, at: usize, on: bool) {
    if at / WORD >= words.len() {
        if !on {
            return;
        }
        words.resize(at / WORD + 1, 0);
    }
    let bit = 1 << (at % WORD);
    if on {
        words[at / WORD] |= bit;
    } else {
        words[at / WORD] &= !bit;
    }
}

/// Visits the set bits, rising.
pub fn each(words: &[u64], mut visit: impl FnMut(usize)) {
    for (index, word) in words.iter().enumerate() {
        let mut rest = *word;
        while rest != 0 {
            visit(index * WORD + rest.trailing_zeros() as usize);
            rest &= rest - 1;
        }
    }
}

/// Visits position and value of the set bits that have a value; runs of full words are plain loops.
pub fn each_value<T: Copy>(values: &[T], words: &[u64], mut visit: impl FnMut(usize, T)) {
    for (index, (word, values)) in words.iter().zip(values.chunks(WORD)).enumerate() {
        let start = index * WORD;
        if *word == u64::MAX {
            for (bit, value) in values.iter().enumerate() {
                visit(start + bit, *value);
            }
            continue;
        }
        let mut rest = *word;
        while rest != 0 {
            let bit = rest.trailing_zeros() as usize;
            rest &= rest - 1;
            if let Some(value) = values.get(bit) {
                visit(start + bit, *value);
            }
        }
    }
}

/// Visits the set bits, falling, until `visit` says to stop.
pub fn each_back(words: &[u64], mut visit: impl FnMut(usize) -> bool) {
    for (index, word) in words.iter().enumerate().rev() {
        let mut rest = *word;
        while rest != 0 {
            let bit = WORD - 1 - rest.leading_zeros() as usize;
            rest &= !(1 << bit);
            if !visit(index * WORD + bit) {
                return;
            }
        }
    }
}

/// The first `count` bits set.
pub fn first(count: usize) -> Vec<u64> {
    let mut words = vec![u64::MAX; count.div_ceil(WORD)];
    if let Some(last) = words.last_mut() {
        *last >>= (WORD - count % WORD) % WORD;
    }
    words
}

/// How many bits are set.
pub fn count(words: &[u64]) -> u64 {
    words.iter().map(|word| u64::from(word.count_ones())).sum()
}

/// Whether no bit is set.
pub fn none(words: &[u64]) -> bool {
    words.iter().all(|word| *word == 0)
}

/// `left &= right`; what lies beyond `right` is cleared.
pub fn and(left: &mut [u64], right: &[u64]) {
    let shared = left.len().min(right.len());
    left[..shared].iter_mut().zip(right).for_each(|(left, right)| *left &= right);
    left[shared..].fill(0);
}

/// `left |= right`; what lies beyond `left` is left out.
pub fn or(left: &mut [u64], right: &[u64]) {
    left.iter_mut().zip(right).for_each(|(left, right)| *left |= right);
}

/// `left &= !right`.
pub fn minus(left: &mut [u64], right: &[u64]) {
    left.iter_mut().zip(right).for_each(|(left, right)| *left &= !right);
}

/// The part of `words` from `start` on, `len` words long where there are so many.
pub fn part(words: &[u64], start: usize, len: usize) -> &[u64] {
    let end = (start + len).min(words.len());
    words.get(start..end).unwrap_or(&[])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn compare_loops_set_the_bit_of_each_passing_value() {
        let values: Vec<u32> = (0..130).map(|at| at * 7 % 13).collect();
        let mut out = vec![0; 3];
        mark(&values, &[u64::MAX; 3], &mut out, |value| value < 5);
        let expected: Vec<usize> = (0..130).filter(|at| values[*at] < 5).collect();
        let mut seen = Vec::new();
        each(&out, |at| seen.push(at));
        assert_eq!(seen, expected);
        assert_eq!(count(&out), expected.len() as u64);
        assert!([0, 1, 63, 64, 65, 128, 130].iter().all(|bits| count(&first(*bits)) == *bits as u64));
        assert_eq!(first(66), [u64::MAX, 0b11]);
        let mut back = Vec::new();
        each_back(&out, |at| {
            back.push(at);
            true
        });
        back.reverse();
        assert_eq!(back, expected);
    }

    #[test]
    fn only_asked_positions_are_marked() {
        let mut out = vec![0; 2];
        mark(&[1_u8; 128], &[0b1010, 0], &mut out, |value| value == 1);
        assert_eq!(out, [0b1010, 0]);
        let mut asked = Vec::new();
        mark_each(&[0b1010, 1], &mut out, |at| {
            asked.push(at);
            at == 64
        });
        assert_eq!(asked, [1, 3, 64]);
        assert_eq!(out, [0b1010, 1]);
    }
}
