//! The lists that look into texts, and which rows they should find. That takes making every row's text once, so it is
//! kept as one bit a row.
//!
//! Words and pieces are plain ASCII letters, so that neither JSON nor case folding of other scripts changes what they
//! match.

use crate::generate::Generator;
use crate::query::{Ask, Query};
use anyhow::{Context, Result};
use memchr::memmem::{self, Finder};
use serde_json::json;
use std::sync::Arc;

/// Ranks of the words searched for: frequent to rare.
const WORD_RANKS: [usize; 4] = [150, 600, 2_000, 5_000];
/// Ranks of the words whose middle is searched for.
const PIECE_RANKS: [usize; 4] = [200, 900, 2_500, 5_500];
/// Ranks of the pairs of words searched for as phrases: each word is in many rows, both together in few of them or in
/// many.
const PHRASE_RANKS: [(usize, usize); 4] = [(0, 1), (2, 10), (5, 40), (30, 3)];
/// Threads that make texts.
const THREADS: u64 = 2;

/// What is looked for in a row.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Wanted {
    /// A word of input or output, in any case.
    Word(String),
    /// A piece of the output's text.
    InOutput(String),
    /// A piece of the input's or the output's text.
    InEither(String),
    /// Words of the output behind one another, in any case.
    Phrase(String),
}

impl Wanted {
    fn is_in(&self, finder: &Finder<'_>, texts: &Texts) -> bool {
        match self {
            Self::Word(word) => has_word(&texts.lower, finder, word.len()),
            Self::InOutput(_) => finder.find(texts.output.as_bytes()).is_some(),
            Self::Phrase(_) => finder.find(&texts.lower.as_bytes()[texts.input.len() + 1..]).is_some(),
            Self::InEither(_) => {
                [&texts.input, &texts.output].iter().any(|text| finder.find(text.as_bytes()).is_some())
            }
        }
    }

    fn text(&self) -> &str {
        match self {
            Self::Word(text) | Self::InOutput(text) | Self::InEither(text) | Self::Phrase(text) => text,
        }
    }

    fn filters(&self) -> serde_json::Value {
        match self {
            Self::Word(word) => json!({ "output": { "operator": "full_text_search", "value": word } }),
            Self::Phrase(words) => json!({ "output": { "operator": "icontains", "value": words } }),
            Self::InOutput(piece) => json!({ "output": { "operator": "contains", "value": piece } }),
            Self::InEither(piece) => json!({ "either": { "filter_params": {
                "input": { "operator": "contains", "value": piece },
                "output": { "operator": "contains", "value": piece, "connector": "OR" },
            } } }),
        }
    }
}

/// A row's texts.
struct Texts {
    input: String,
    output: String,
    /// Both, in lower case.
    lower: String,
}

/// Whether a word of so many bytes stands by itself somewhere: no letter or digit of any script before or after it.
fn has_word(text: &str, finder: &Finder<'_>, bytes: usize) -> bool {
    finder.find_iter(text.as_bytes()).any(|at| {
        let before = text[..at].chars().next_back();
        let after = text[at + bytes..].chars().next();
        ![before, after].into_iter().flatten().any(char::is_alphanumeric)
    })
}

/// Which of the first rows each search should find.
#[derive(Clone)]
pub struct Searches {
    wanted: Vec<Wanted>,
    /// For each of `wanted` one bit a row.
    found: Vec<Arc<Vec<u64>>>,
}

impl Searches {
    /// Looks through the first `rows` rows.
    pub fn new(generator: &Generator, rows: u64) -> Result<Self> {
        let middle = |rank| generator.word(rank)[1..].to_owned();
        let [first, second, third, last] = PIECE_RANKS.map(middle);
        let words = WORD_RANKS.iter().map(|&rank| Wanted::Word(generator.word(rank).to_owned()));
        let pieces =
            [Wanted::InOutput(first), Wanted::InEither(second), Wanted::InOutput(third), Wanted::InEither(last)];
        let pair = |(first, second)| format!("{} {}", generator.word(first), generator.word(second)).to_lowercase();
        let phrases = PHRASE_RANKS.map(|ranks| Wanted::Phrase(pair(ranks)));
        let wanted: Vec<Wanted> = words.chain(pieces).chain(phrases).collect();
        // Parts of whole 64s, so that each thread fills words of its own.
        let part = rows.div_ceil(THREADS).next_multiple_of(64);
        let parts: Vec<_> = std::thread::scope(|scope| {
            let threads: Vec<_> = (0..THREADS)
                .map(|thread| (thread * part, ((thread + 1) * part).min(rows)))
                .filter(|(first, end)| first < end)
                .map(|(first, end)| {
                    scope.spawn({
                        let wanted = &wanted;
                        move || look(generator, wanted, first, end)
                    })
                })
                .collect();
            threads.into_iter().map(|thread| thread.join().ok().context("a thread panicked")?).collect::<Result<_>>()
        })?;
        let mut found: Vec<Vec<u64>> = vec![Vec::new(); wanted.len()];
        for part in parts {
            for (found, part) in found.iter_mut().zip(part) {
                found.extend(part);
            }
        }
        Ok(Self { wanted, found: found.into_iter().map(Arc::new).collect() })
    }

    /// The searches as lists.
    pub fn queries(&self) -> Vec<Query> {
        let asks: Vec<Ask> = self
            .wanted
            .iter()
            .zip(&self.found)
            .map(|(wanted, found)| {
                let found = Arc::clone(found);
                let bit =
                    move |row: u64| found.get((row / 64) as usize).is_some_and(|bits| bits >> (row % 64) & 1 == 1);
                Ask::new(wanted.filters(), move |facts| bit(facts.index))
            })
            .collect();
        let mut words = asks;
        let mut pieces = words.split_off(WORD_RANKS.len());
        let phrases = pieces.split_off(PIECE_RANKS.len());
        [("search.word", words), ("search.substring", pieces), ("search.phrase", phrases)]
            .map(|(name, asks)| Query { name, asks })
            .into()
    }
}

/// One bit for each row of `first..end`, for each of `wanted`.
fn look(generator: &Generator, wanted: &[Wanted], first: u64, end: u64) -> Result<Vec<Vec<u64>>> {
    let finders: Vec<Finder<'_>> = wanted.iter().map(|wanted| memmem::Finder::new(wanted.text())).collect();
    let mut found = vec![vec![0u64; (end - first).div_ceil(64) as usize]; wanted.len()];
    for row in first..end {
        let (input, output) = generator.texts(row)?;
        let lower = format!("{input}\n{output}").to_ascii_lowercase();
        let texts = Texts { input, output, lower };
        let place = row - first;
        for ((wanted, finder), found) in wanted.iter().zip(&finders).zip(&mut found) {
            if wanted.is_in(finder, &texts) {
                found[(place / 64) as usize] |= 1 << (place % 64);
            }
        }
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_stand_by_themselves() {
        let has = |text: &str| has_word(text, &Finder::new("cat"), 3);
        assert!(has("cat") && has("a cat.") && has("concat (cat)") && has("谢谢！cat—"));
        assert!(!has("concat") && !has("cats") && !has("\\ncat") && !has("3cat") && !has("谢cat"));
    }

    #[test]
    fn each_search_finds_some_rows_but_not_all_and_no_row_twice() {
        let generator = Generator::new(1);
        let searches = Searches::new(&generator, 3_001).unwrap();
        for query in searches.queries() {
            assert_eq!(query.asks.len(), 4);
            let totals: Vec<u64> = query.answers(&generator, 3_001).iter().map(|answer| answer.total).collect();
            assert!(totals.iter().all(|total| (1..3_001).contains(total)), "{} {totals:?}", query.name);
        }
        // The second part of the rows is looked at from its own first row.
        let (_, output) = generator.texts(3_000).unwrap();
        let Wanted::InOutput(piece) = &searches.wanted[4] else { panic!("the fifth looks into the output") };
        assert_eq!(output.contains(piece.as_str()), searches.queries()[1].asks[0].matches(&generator.facts(3_000)));
    }
}
