//! The distinct texts of a column, numbered from 1 in order of first sight; 0 stands for no text. Only grows.
//! Knows nothing of rows.

use crate::snapshot::{Stored, odd};
use hashbrown::HashTable;
use hashbrown::hash_table::Entry;
use memchr::memmem::Finder;
use std::io::{Read, Result, Write};
use std::sync::OnceLock;
use xxhash_rust::xxh3::xxh3_64;

/// Number of a text in its dictionary; 0: no text.
pub type Code = u32;

/// Up to this many texts, their ranks are computed and kept, so that sorting compares small integers.
const RANKED_TEXTS_MAX: usize = 65_536;

/// Distinct texts in one arena with a hash table from text to code.
#[derive(Default)]
pub struct Dictionary {
    arena: String,
    /// End of text `code` at `code - 1`.
    ends: Vec<usize>,
    /// Code and the lower half of its hash, so that growing need not read the texts again.
    table: HashTable<(Code, u32)>,
    /// Bytes that all texts begin with, which are skipped in [`Dictionary::prefix`].
    shared: usize,
    /// Rank by code, filled on first use and dropped when a text is added.
    ranks: OnceLock<Box<[u32]>>,
}

/// Texts are searched this many bytes at a time, so that a folded copy stays in the cache.
const BLOCK_BYTES: usize = 64 * 1024;

fn half_hash(text: &str) -> u32 {
    xxh3_64(text.as_bytes()) as u32
}

/// The table wants its entropy in the upper bits too.
fn spread(half: u32) -> u64 {
    u64::from(half).wrapping_mul(0x9E37_79B9_7F4A_7C15)
}

impl Dictionary {
    /// Texts held.
    pub fn len(&self) -> usize {
        self.ends.len()
    }

    /// The text of a code; empty for 0 and for codes that were never given out.
    pub fn text(&self, code: Code) -> &str {
        text_at(&self.arena, &self.ends, code)
    }

    /// The code of a text, if it was ever seen.
    pub fn find(&self, text: &str) -> Option<Code> {
        let half = half_hash(text);
        self.table.find(spread(half), |(code, other)| *other == half && self.text(*code) == text).map(|(code, _)| *code)
    }

    /// The code of a text, given out now if needed.
    pub fn intern(&mut self, text: &str) -> Code {
        let half = half_hash(text);
        let Self { arena, ends, table, shared, ranks } = self;
        let same = |(code, other): &(Code, u32)| *other == half && text_at(arena, ends, *code) == text;
        match table.entry(spread(half), same, |(_, half)| spread(*half)) {
            Entry::Occupied(entry) => entry.get().0,
            Entry::Vacant(entry) => {
                *shared = still_shared(*shared, text, arena, ends);
                arena.push_str(text);
                ends.push(arena.len());
                ranks.take();
                let code = ends.len() as Code;
                entry.insert((code, half));
                code
            }
        }
    }

    /// Rank of every code in bytewise order (index 0 unused), when the dictionary is small enough for that to pay.
    pub fn ranks(&self) -> Option<&[u32]> {
        (self.len() <= RANKED_TEXTS_MAX).then(|| {
            &**self.ranks.get_or_init(|| {
                let mut codes: Vec<Code> = (1..=self.len() as Code).collect();
                codes.sort_unstable_by_key(|code| self.text(*code));
                let mut ranks = vec![0; self.len() + 1];
                codes.iter().zip(0..).for_each(|(code, rank)| ranks[*code as usize] = rank);
                ranks.into_boxed_slice()
            })
        })
    }

    /// Eight bytes of the text after what all texts share, as a number that orders like the texts do where it differs.
    pub fn prefix(&self, code: Code) -> u64 {
        let rest = self.text(code).as_bytes().get(self.shared..).unwrap_or_default();
        leading(rest)
    }

    /// At least all codes whose text contains one of the needles, none of which is empty; with `fold`, whose text does after
    /// lower-casing. Searches many texts at a time.
    pub fn likely(&self, needles: &[String], fold: bool) -> Vec<Code> {
        let finders: Vec<Finder<'_>> = needles.iter().map(Finder::new).collect();
        let mut codes = Vec::new();
        let mut folded = Vec::new();
        let mut first = 0;
        while first < self.len() {
            let start = if first == 0 { 0 } else { self.ends[first - 1] };
            let next = (self.ends.partition_point(|end| *end < start + BLOCK_BYTES) + 1).clamp(first + 1, self.len());
            let ends = &self.ends[first..next];
            let texts = &self.arena.as_bytes()[start..self.ends[next - 1]];
            if fold {
                folded.clear();
                folded.extend_from_slice(texts);
                folded.make_ascii_lowercase();
            }
            for finder in &finders {
                find_texts(finder, if fold { &folded } else { texts }, start, ends, |index| {
                    codes.push((first + index + 1) as Code);
                });
            }
            if fold && !texts.is_ascii() {
                // Other letters may become these when lower-cased.
                codes
                    .extend((first..next).map(|index| (index + 1) as Code).filter(|code| !self.text(*code).is_ascii()));
            }
            first = next;
        }
        codes.sort_unstable();
        codes.dedup();
        codes
    }

    /// Bytes held.
    pub fn memory_bytes(&self) -> usize {
        self.arena.capacity()
            + self.ends.capacity() * size_of::<usize>()
            + self.table.allocation_size()
            + self.ranks.get().map_or(0, |ranks| ranks.len() * size_of::<u32>())
    }
}

impl Stored for Dictionary {
    /// Texts only: hashes and ranks are made anew.
    fn store(&self, out: &mut dyn Write) -> Result<()> {
        self.arena.store(out)?;
        let lengths: Vec<u32> = (1..=self.len()).map(|code| self.text(code as Code).len() as u32).collect();
        lengths.store(out)
    }

    fn restore(input: &mut dyn Read) -> Result<Self> {
        let arena = String::restore(input)?;
        let lengths: Vec<u32> = Vec::restore(input)?;
        let mut dictionary = Self {
            table: HashTable::with_capacity(lengths.len()),
            ends: Vec::with_capacity(lengths.len()),
            ..Self::default()
        };
        let mut start = 0_usize;
        for length in lengths {
            let end = start.checked_add(length as usize).ok_or_else(odd)?;
            let text = arena.get(start..end).ok_or_else(odd)?;
            let half = half_hash(text);
            dictionary.shared = still_shared(dictionary.shared, text, &arena, &dictionary.ends);
            dictionary.ends.push(end);
            let code = dictionary.ends.len() as Code;
            dictionary.table.insert_unique(spread(half), (code, half), |(_, half)| spread(*half));
            start = end;
        }
        if start != arena.len() {
            return Err(odd());
        }
        Ok(Self { arena, ..dictionary })
    }
}

/// How many bytes all texts begin with once `text` is added to those of the arena.
fn still_shared(shared: usize, text: &str, arena: &str, ends: &[usize]) -> usize {
    let Some(end) = ends.first() else { return text.len() };
    let first = &arena.as_bytes()[..(*end).min(shared)];
    first.iter().zip(text.as_bytes()).take_while(|(left, right)| left == right).count()
}

/// Reports the index of each text that has the needle; `texts` begin at `start` of the arena and end at `ends`.
fn find_texts(finder: &Finder<'_>, texts: &[u8], start: usize, ends: &[usize], mut found: impl FnMut(usize)) {
    let mut from = 0;
    while let Some(hit) = texts.get(from..).and_then(|rest| finder.find(rest)) {
        let at = from + hit;
        let index = ends.partition_point(|end| *end <= start + at);
        let Some(end) = ends.get(index).map(|end| end - start) else { return };
        // Otherwise the hit runs over into the next text, and so would any later one in this.
        if at + finder.needle().len() <= end {
            found(index);
        }
        from = end;
    }
}

fn text_at<'a>(arena: &'a str, ends: &[usize], code: Code) -> &'a str {
    let Some(index) = (code as usize).checked_sub(1) else { return "" };
    let Some(end) = ends.get(index) else { return "" };
    let start = if index == 0 { 0 } else { ends[index - 1] };
    &arena[start..*end]
}

/// The first eight bytes as a big-endian number, zeros where the text is shorter.
pub fn leading(bytes: &[u8]) -> u64 {
    let mut eight = [0; 8];
    let taken = bytes.len().min(8);
    eight[..taken].copy_from_slice(&bytes[..taken]);
    u64::from_be_bytes(eight)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_keeps_its_code_and_is_found_again() {
        let mut dictionary = Dictionary::default();
        let texts: Vec<String> = (0..3_000).map(|n| format!("user-{}", n * 7919 % 1_000)).collect();
        let codes: Vec<Code> = texts.iter().map(|text| dictionary.intern(text)).collect();
        assert_eq!(dictionary.len(), 1_000);
        for (text, code) in texts.iter().zip(&codes) {
            assert_eq!(dictionary.text(*code), text);
            assert_eq!(dictionary.find(text), Some(*code));
        }
        assert_eq!(dictionary.find("user-"), None);
        assert_eq!((dictionary.text(0), dictionary.text(5_000)), ("", ""));
        assert_eq!(dictionary.intern(""), 1_001);
        assert_eq!(dictionary.find(""), Some(1_001));
    }

    #[test]
    fn likely_texts_are_all_that_contain_a_needle() {
        let mut dictionary = Dictionary::default();
        for n in 0..20_000 {
            dictionary.intern(&format!("{}Key-{n:05}", if n % 999 == 0 { "É" } else { "" }));
        }
        for text in ["", "ab", "cab", "\u{212a}elvin", "a", "b"] {
            dictionary.intern(text);
        }
        for (needles, fold) in
            [(vec!["y-0099"], false), (vec!["ab"], false), (vec!["key-1", "7"], true), (vec!["k"], true)]
        {
            let needles: Vec<String> = needles.into_iter().map(str::to_owned).collect();
            let found = dictionary.likely(&needles, fold);
            for code in 1..=dictionary.len() as Code {
                let text = if fold { dictionary.text(code).to_lowercase() } else { dictionary.text(code).to_owned() };
                let contains = needles.iter().any(|needle| text.contains(needle));
                let unsure = fold && !dictionary.text(code).is_ascii();
                assert_eq!(found.binary_search(&code).is_ok(), contains || unsure, "{text:?} {needles:?}");
            }
        }
    }

    #[test]
    fn ranks_and_prefixes_order_as_the_texts_do() {
        let mut dictionary = Dictionary::default();
        for text in ["span-10", "span-9", "span-", "span-é", "span-9\0", "span-1"] {
            dictionary.intern(text);
            let ranks = dictionary.ranks().unwrap().to_vec();
            for left in 1..=dictionary.len() as Code {
                for right in 1..=dictionary.len() as Code {
                    let order = dictionary.text(left).cmp(dictionary.text(right));
                    assert_eq!(ranks[left as usize].cmp(&ranks[right as usize]), order);
                    let prefixes = dictionary.prefix(left).cmp(&dictionary.prefix(right));
                    assert!(prefixes == order || prefixes.is_eq());
                }
            }
        }
    }
}
