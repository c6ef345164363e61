//! Made-up prose for prompts and answers: Zipf words in sentences, with lists, code and non-ASCII text mixed in.
//!
//! Compresses and tokenises about like real answers. Knows nothing of logs.

use crate::random::{Random, Zipf};

/// Frequent English words, roughly by frequency; they get the low ranks of the vocabulary.
const COMMON: &str = "the of and to a in is that for it you as with on be are this or by can an from your not at have \
     which will if but they more use we one all has when there their also other some time into how out like what these \
     may make such only so new most its way than first used many them data between each people work should well very \
     example number system model value list need same help after over where using two function part point different good \
     line then order set know user case result both table change file key result world year small large question answer \
     type name text while because through might process code often level however test provide important without end \
     state place water food area high low long read write field give find start public service team company customer \
     product price market energy cost time side group problem method step string message request response error account \
     history science language music story learn include create follow keep even much must down within since during";

/// Syllables of the rarer words.
const SYLLABLES: [&str; 32] = [
    "an", "ber", "cal", "con", "der", "di", "el", "en", "fer", "gra", "hu", "in", "ing", "ka", "lo", "ment", "mi",
    "na", "or", "par", "per", "pro", "ra", "re", "sa", "se", "ter", "ti", "tion", "tu", "ver", "vi",
];

/// Sentences outside ASCII.
const FOREIGN: [&str; 8] = [
    "Der Größenvergleich über die Straße genügt völlig. ",
    "L’été dernier, où étiez-vous ? Ça dépend du café. ",
    "¿Dónde está la estación? Mañana será otro día. ",
    "今日は良い天気ですね。データを確認してください。",
    "请检查结果，然后再试一次。谢谢！",
    "Проверьте ответ и попробуйте ещё раз. ",
    "데이터를 다시 확인해 주세요. ",
    "Great work 🎉 — ship it 🚀 ✅. ",
];

/// Words known in all.
const VOCABULARY: u16 = 6_000;

/// Writes text from a seeded vocabulary.
#[derive(Clone, Debug)]
pub struct Writer {
    words: Vec<String>,
    ranks: Zipf,
}

impl Writer {
    /// A vocabulary made from `seed`.
    pub fn new(seed: u64) -> Self {
        let mut random = Random::new(seed, u64::MAX, 0);
        let mut words: Vec<String> = COMMON.split_whitespace().map(str::to_owned).collect();
        while words.len() < usize::from(VOCABULARY) {
            let syllables = 2 + random.below(3);
            words.push((0..syllables).map(|_| SYLLABLES[random.below(SYLLABLES.len() as u64) as usize]).collect());
        }
        Self { words, ranks: Zipf::new(VOCABULARY, 0.95) }
    }

    /// The word of a rank, 0 the most frequent.
    pub fn vocabulary(&self, rank: usize) -> &str {
        &self.words[rank]
    }

    fn word(&self, random: &mut Random) -> &str {
        &self.words[self.ranks.draw(random)]
    }

    /// Appends text until `out` has grown by about `bytes`.
    pub fn write(&self, random: &mut Random, bytes: usize, out: &mut String) {
        let end = out.len() + bytes;
        while out.len() < end {
            match random.below(100) {
                0..=2 => self.code(random, out),
                3..=7 => self.list(random, out),
                8..=9 => out.push_str(FOREIGN[random.below(FOREIGN.len() as u64) as usize]),
                10..=22 => {
                    self.sentence(random, out);
                    out.push_str("\n\n");
                }
                _ => {
                    self.sentence(random, out);
                    out.push(' ');
                }
            }
        }
        out.truncate(out.trim_end().len());
    }

    fn sentence(&self, random: &mut Random, out: &mut String) {
        let words = 6 + random.below(16);
        for place in 0..words {
            let word = self.word(random);
            if place == 0 {
                let mut letters = word.chars();
                out.extend(letters.next().map(|letter| letter.to_ascii_uppercase()));
                out.push_str(letters.as_str());
            } else {
                out.push_str(if random.below(14) == 0 { ", " } else { " " });
                out.push_str(word);
            }
        }
        out.push(if random.below(12) == 0 { '?' } else { '.' });
    }

    fn list(&self, random: &mut Random, out: &mut String) {
        out.push('\n');
        for place in 1..3 + random.below(4) {
            out.push_str(&place.to_string());
            out.push_str(". **");
            out.push_str(self.word(random));
            out.push_str("**: ");
            self.sentence(random, out);
            out.push('\n');
        }
    }

    fn code(&self, random: &mut Random, out: &mut String) {
        out.push_str("\n```python\ndef ");
        out.push_str(self.word(random));
        out.push_str("(rows):\n");
        for _ in 0..=random.below(4) {
            let (left, right) = (self.word(random), self.word(random));
            out.push_str("    ");
            out.push_str(left);
            out.push_str(" = rows[\"");
            out.push_str(right);
            out.push_str("\"] * ");
            out.push_str(&random.below(1_000).to_string());
            out.push('\n');
        }
        out.push_str("    return rows\n```\n");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_is_repeatable_and_of_the_length_asked() {
        let writer = Writer::new(3);
        let text = |index| {
            let mut out = String::new();
            writer.write(&mut Random::new(3, 0, index), 2_000, &mut out);
            out
        };
        assert_eq!(text(5), text(5));
        assert_ne!(text(5), text(6));
        assert!((1_900..3_200).contains(&text(5).len()), "{}", text(5).len());
    }

    #[test]
    fn code_lists_and_other_scripts_occur() {
        let writer = Writer::new(3);
        let mut out = String::new();
        writer.write(&mut Random::new(3, 0, 0), 50_000, &mut out);
        assert!(out.contains("```python"));
        assert!(out.contains("\n1. **"));
        assert!(!out.is_ascii());
    }
}
