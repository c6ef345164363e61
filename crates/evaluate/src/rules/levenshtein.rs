//! Edit distance between texts, exact, over Unicode scalar values, in work that is known beforehand.
//!
//! Bit-parallel (Myers 1999, in the block form of Hyyrö 2003): 64 rows of the table are one machine word. Blocks of
//! rows are worked one after another along the whole text, with the differences at their lower edge kept in between, so
//! that only the symbols of one block need a table.

use hashbrown::HashMap;

/// Cells of the table, after what both texts begin and end with is taken off. About half a second of work.
pub(super) const CELLS_MAX: u64 = 40_000_000_000;

/// The number of insertions, deletions and substitutions that turn one text into the other, and the length of the
/// longer, both in characters; none when it would take more than `CELLS_MAX`.
pub(super) fn distance(left: &str, right: &str) -> Option<(usize, usize)> {
    if left.is_ascii() && right.is_ascii() {
        return of_symbols(left.as_bytes(), right.as_bytes());
    }
    let (left, right): (Vec<char>, Vec<char>) = (left.chars().collect(), right.chars().collect());
    let mut dense: HashMap<char, u32> = HashMap::new();
    let mut number = |letter: &char| {
        let next = dense.len() as u32;
        *dense.entry(*letter).or_insert(next)
    };
    let left: Vec<u32> = left.iter().map(&mut number).collect();
    let right: Vec<u32> = right.iter().map(&mut number).collect();
    of_symbols(&left, &right)
}

/// A character as a small number.
trait Symbol: Copy + Eq {
    fn index(self) -> usize;
}

impl Symbol for u8 {
    fn index(self) -> usize {
        usize::from(self)
    }
}

impl Symbol for u32 {
    fn index(self) -> usize {
        self as usize
    }
}

fn of_symbols<S: Symbol>(left: &[S], right: &[S]) -> Option<(usize, usize)> {
    let longest = left.len().max(right.len());
    let (left, right) = without_common_ends(left, right);
    let (pattern, text) = if left.len() <= right.len() { (left, right) } else { (right, left) };
    if pattern.is_empty() {
        return Some((text.len(), longest));
    }
    if (pattern.len() as u64).saturating_mul(text.len() as u64) > CELLS_MAX {
        return None;
    }
    Some((blocks(pattern, text), longest))
}

fn without_common_ends<'a, S: Eq>(left: &'a [S], right: &'a [S]) -> (&'a [S], &'a [S]) {
    let ahead = left.iter().zip(right).take_while(|(left, right)| left == right).count();
    let (left, right) = (&left[ahead..], &right[ahead..]);
    let behind = left.iter().rev().zip(right.iter().rev()).take_while(|(left, right)| left == right).count();
    (&left[..left.len() - behind], &right[..right.len() - behind])
}

/// Bits of a machine word.
const WORD: usize = 64;
/// Words worked side by side where the pattern has as many: the processor overlaps them, though each waits for the one
/// above.
const WORDS: usize = 4;

/// The distance of two texts that are not empty.
fn blocks<S: Symbol>(pattern: &[S], text: &[S]) -> usize {
    let symbols = pattern.iter().chain(text).map(|symbol| symbol.index()).max().unwrap_or_default() + 1;
    // Above the first row the value grows with each symbol of the text.
    let mut edges = vec![UP; text.len()];
    let (wide, narrow) = pattern.split_at(pattern.len() / (WORDS * WORD) * (WORDS * WORD));
    if !wide.is_empty() {
        let mut matches = vec![[0; WORDS]; symbols];
        for block in wide.chunks(WORDS * WORD) {
            one_block(block, text, &mut matches, &mut edges);
        }
    }
    if !narrow.is_empty() {
        let mut matches = vec![[0; 1]; symbols];
        for block in narrow.chunks(WORD) {
            one_block(block, text, &mut matches, &mut edges);
        }
    }
    // Down the left edge to the last row, then along it.
    let along: i64 = edges.iter().map(|edge| i64::from(edge & UP) - i64::from(edge >> 1)).sum();
    usize::try_from(pattern.len() as i64 + along).unwrap_or_default()
}

/// How the value changes along an edge from one column to the next: 0, [`UP`], or 2 for down.
type Edge = u8;
const UP: Edge = 1;

/// Works one block along the text: `edges` are those above it, and become those of its last row. `matches` is all zero
/// before and after; in between it says in which rows of the block a symbol stands.
fn one_block<S: Symbol, const N: usize>(block: &[S], text: &[S], matches: &mut [[u64; N]], edges: &mut [Edge]) {
    for (row, symbol) in block.iter().enumerate() {
        matches[symbol.index()][row / WORD] |= 1 << (row % WORD);
    }
    let last = (block.len() - 1) % WORD;
    // Vertical differences within the block: bits where the value grows, and where it shrinks, from row to row.
    let (mut grows, mut shrinks) = ([u64::MAX; N], [0_u64; N]);
    for (symbol, edge) in text.iter().zip(edges) {
        let matching = matches[symbol.index()];
        let (mut up_in, mut down_in) = (u64::from(*edge & UP), u64::from(*edge >> 1));
        for word in 0..N {
            let vertical = matching[word] | shrinks[word];
            let equal = matching[word] | down_in;
            let diagonal = ((equal & grows[word]).wrapping_add(grows[word]) ^ grows[word]) | equal;
            let up = shrinks[word] | !(diagonal | grows[word]);
            let down = grows[word] & diagonal;
            let (shifted_up, shifted_down) = (up << 1 | up_in, down << 1 | down_in);
            grows[word] = shifted_down | !(vertical | shifted_up);
            shrinks[word] = shifted_up & vertical;
            let bit = if word + 1 == N { last } else { WORD - 1 };
            (up_in, down_in) = ((up >> bit) & 1, (down >> bit) & 1);
        }
        *edge = up_in as u8 | (down_in as u8) << 1;
    }
    for symbol in block {
        matches[symbol.index()] = [0; N];
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// The textbook table, one row at a time.
    fn by_table(left: &str, right: &str) -> usize {
        let right: Vec<char> = right.chars().collect();
        let mut row: Vec<usize> = (0..=right.len()).collect();
        for (down, letter) in left.chars().enumerate() {
            let mut diagonal = row[0];
            row[0] = down + 1;
            for (along, other) in right.iter().enumerate() {
                let next = (diagonal + usize::from(letter != *other)).min(row[along] + 1).min(row[along + 1] + 1);
                diagonal = row[along + 1];
                row[along + 1] = next;
            }
        }
        row[right.len()]
    }

    #[test]
    fn known_distances() {
        for (left, right, distance) in [
            ("", "", 0),
            ("", "abc", 3),
            ("kitten", "sitting", 3),
            ("flaw", "lawn", 2),
            ("Saturday", "Sunday", 3),
            ("naïve", "naive", 1),
            ("日本語", "日本", 1),
            ("👍🏽", "👍", 1),
            ("é", "e\u{301}", 2),
        ] {
            assert_eq!(super::distance(left, right).map(|found| found.0), Some(distance), "{left} {right}");
            assert_eq!(super::distance(right, left).map(|found| found.0), Some(distance), "{right} {left}");
        }
    }

    #[test]
    fn more_work_than_allowed_is_not_begun() {
        let (left, right) = ("a".repeat(300_000), "b".repeat(300_000));
        assert_eq!(distance(&left, &right), None);
        assert_eq!(distance(&left, &left), Some((0, 300_000)));
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(300) })]
        #[test]
        fn equals_the_textbook(left in "[ab]{0,700}|[a-dé日]{0,300}", right in "[ab]{0,700}|[a-dé日]{0,300}") {
            prop_assert_eq!(distance(&left, &right).map(|found| found.0), Some(by_table(&left, &right)));
        }
    }
}
