//! Edit distance between texts, exact, over Unicode scalar values, in work that is known beforehand.
//!
//! Bit-parallel (Myers 1999, in the block form of Hyyrö 2003): 64 rows of the table are one machine word. Blocks are worked
//! one after another along the whole text, with the differences at their lower edge kept in between, so that only the
//! symbols of one block need a table.

use std::collections::HashMap;

/// Cells of the table, after what both texts begin and end with is taken off. About half a second of work.
pub(super) const CELLS_MAX: u64 = 40_000_000_000;

/// The number of insertions, deletions and substitutions that turn one text into the other, and the length of the longer,
/// both in characters; none when it would take more than `CELLS_MAX`.
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

/// Bits of a block.
const WORD: usize = 64;

/// The distance of two texts that are not empty. `edges` holds, for each symbol of the text, how the table's value changes
/// along the lower edge of the block done last: +1, -1 or 0.
fn blocks<S: Symbol>(pattern: &[S], text: &[S]) -> usize {
    let symbols = pattern.iter().chain(text).map(|symbol| symbol.index()).max().unwrap_or_default() + 1;
    let mut matches = vec![0_u64; symbols];
    // Above the first row the value grows with each symbol of the text.
    let mut edges = vec![Edge { up: 1, down: 0 }; text.len()];
    // Of the last block this is the change along the last row of the whole table.
    let mut change = 0;
    for block in pattern.chunks(WORD) {
        for (row, symbol) in block.iter().enumerate() {
            matches[symbol.index()] |= 1 << row;
        }
        change = one_block(&matches, text, block.len() - 1, &mut edges);
        for symbol in block {
            matches[symbol.index()] = 0;
        }
    }
    usize::try_from(pattern.len() as i64 + change).unwrap_or_default()
}

/// How a value changes from one column to the next; at most one of both is 1.
#[derive(Clone, Copy)]
struct Edge {
    up: u8,
    down: u8,
}

/// Works one block along the text; answers the sum of the changes along its lower edge, which is row `last`.
fn one_block<S: Symbol>(matches: &[u64], text: &[S], last: usize, edges: &mut [Edge]) -> i64 {
    // Vertical differences within the block: bits where the value grows, and where it shrinks, from row to row.
    let (mut grows, mut shrinks) = (u64::MAX, 0_u64);
    let mut change = 0_i64;
    for (symbol, edge) in text.iter().zip(edges) {
        let equal = matches[symbol.index()];
        let (up_in, down_in) = (u64::from(edge.up), u64::from(edge.down));
        let vertical = equal | shrinks;
        let equal = equal | down_in;
        let diagonal = ((equal & grows).wrapping_add(grows) ^ grows) | equal;
        let mut up = shrinks | !(diagonal | grows);
        let mut down = grows & diagonal;
        let (up_out, down_out) = ((up >> last) & 1, (down >> last) & 1);
        change += up_out as i64 - down_out as i64;
        *edge = Edge { up: up_out as u8, down: down_out as u8 };
        up = up << 1 | up_in;
        down = down << 1 | down_in;
        grows = down | !(vertical | up);
        shrinks = up & vertical;
    }
    change
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
        fn equals_the_textbook(left in "[ab]{0,200}|[a-dé日]{0,150}", right in "[ab]{0,200}|[a-dé日]{0,150}") {
            prop_assert_eq!(distance(&left, &right).map(|found| found.0), Some(by_table(&left, &right)));
        }
    }
}
