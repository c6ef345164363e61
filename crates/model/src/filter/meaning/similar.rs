//! Trigram word similarity, after the idea of PostgreSQL's `pg_trgm` `word_similarity` (contract C.2, H20).
//!
//! The trigrams of a word are all runs of three characters of the lower-case word with two blanks before and one
//! behind. Those of a text are its words' trigrams one after the other. With Q the set of the query's trigrams and W
//! the set in a window of consecutive trigrams of the text, the similarity is the greatest |Q ∩ W| / |Q ∪ W| over all
//! windows of at most ⌊|Q| / 0.6⌋ trigrams: a longer window without repeats cannot reach 0.6. So `word` is found in
//! `two words` (4 of 5).

use super::words::words;
use std::collections::HashSet;

/// Least similarity that counts as a match, 0.6, as a fraction: exact in every store.
pub const THRESHOLD: (usize, usize) = (3, 5);

/// Longest query, in characters: work grows with the square of it.
pub const QUERY_CHARACTERS_MAX: usize = 256;

type Trigram = [char; 3];

/// Whether the similarity of `query` to the text reaches [`THRESHOLD`].
pub fn similar(query: &str, text: &str) -> bool {
    let query: HashSet<Trigram> = trigrams(query).into_iter().collect();
    let text = trigrams(text);
    let longest = query.len() * THRESHOLD.1 / THRESHOLD.0;
    (0..text.len()).filter(|start| query.contains(&text[*start])).any(|start| {
        let mut seen = HashSet::new();
        let mut common = 0;
        text[start..].iter().take(longest).any(|trigram| {
            if seen.insert(*trigram) && query.contains(trigram) {
                common += 1;
            }
            let union = query.len() + seen.len() - common;
            common * THRESHOLD.1 >= union * THRESHOLD.0
        })
    })
}

/// Likeness of two names: common trigrams by all trigrams. For suggestions in error messages.
pub fn likeness(left: &str, right: &str) -> f64 {
    let left: HashSet<Trigram> = trigrams(left).into_iter().collect();
    let right: HashSet<Trigram> = trigrams(right).into_iter().collect();
    let union = left.union(&right).count();
    if union == 0 { 0.0 } else { left.intersection(&right).count() as f64 / union as f64 }
}

fn trigrams(text: &str) -> Vec<Trigram> {
    let mut out = Vec::new();
    for word in words(text) {
        let letters: Vec<char> = [' ', ' '].into_iter().chain(word.chars()).chain([' ']).collect();
        out.extend(letters.windows(3).map(|run| [run[0], run[1], run[2]]));
    }
    out
}
