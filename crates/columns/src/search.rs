//! Where to look for the texts that pass a test, before the reference is asked of them. Knows tests, not columns.

use crate::dictionary::{Code, Dictionary};
use evalset_model::filter::{Literal, Test};
use serde_json::Value;

/// Texts that may pass a test.
pub enum Search {
    /// These only.
    Only(Vec<String>),
    /// Those that contain a needle.
    Near(Needles),
    /// Any.
    Anywhere,
}

/// What a text must contain one of, to pass.
pub struct Needles {
    /// None is empty.
    texts: Vec<String>,
    /// In the lower-cased text.
    fold: bool,
}

impl Needles {
    /// Codes of the texts that contain a needle and pass, rising.
    pub fn search(&self, dictionary: &Dictionary, holds: &dyn Fn(&str) -> bool) -> Vec<Code> {
        let mut codes = dictionary.likely(&self.texts, self.fold);
        codes.retain(|code| holds(dictionary.text(*code)));
        codes
    }
}

impl Search {
    fn near(texts: &[String], fold: bool) -> Self {
        if texts.iter().any(String::is_empty) {
            return Self::Anywhere;
        }
        Self::Near(Needles { texts: texts.to_vec(), fold })
    }

    fn only(texts: &[&str]) -> Self {
        Self::Only(texts.iter().map(|text| (*text).to_owned()).collect())
    }

    /// Where strings that pass are found.
    pub fn for_texts(test: &Test) -> Self {
        match test {
            Test::AnyOf(literals) => Self::Only(literals.iter().filter_map(Literal::text).map(str::to_owned).collect()),
            Test::IsNull | Test::HasKeys(_) => Self::only(&[]),
            Test::Empty => Self::only(&["", "[]", "{}"]),
            Test::AnyOfFolded(texts) => Self::near(texts, true),
            Test::Ordered(..) => Self::Anywhere,
            Test::Contains { .. }
            | Test::StartsWith(_)
            | Test::EndsWith(_)
            | Test::Regex(_)
            | Test::Like(_)
            | Test::Words(_)
            | Test::Similar(_) => Self::in_text(test),
        }
    }

    /// Where the JSON texts of arrays and objects that pass are found.
    pub fn for_structures(test: &Test) -> Self {
        match test {
            Test::IsNull | Test::Ordered(..) => Self::only(&[]),
            Test::Empty => Self::only(&["[]", "{}"]),
            Test::AnyOf(literals) => {
                let texts: Option<Vec<Vec<String>>> = literals.iter().map(element_texts).collect();
                texts.map_or(Self::Anywhere, |texts| Self::near(&texts.concat(), false))
            }
            Test::HasKeys(keys) => match keys.first() {
                Some(key) => Self::near(&[Value::from(key.as_str()).to_string()], false),
                None => Self::Anywhere,
            },
            Test::AnyOfFolded(_) => Self::Anywhere,
            Test::Contains { .. }
            | Test::StartsWith(_)
            | Test::EndsWith(_)
            | Test::Regex(_)
            | Test::Like(_)
            | Test::Words(_)
            | Test::Similar(_) => Self::in_text(test),
        }
    }

    /// Tests that see nothing but the text, whatever it stands for.
    fn in_text(test: &Test) -> Self {
        match test {
            Test::Contains { needles, fold } => Self::near(needles, *fold),
            Test::StartsWith(texts) | Test::EndsWith(texts) => Self::near(texts, false),
            Test::Words(words) => match words.iter().max_by_key(|word| word.len()) {
                Some(longest) => Self::near(std::slice::from_ref(longest), true),
                None => Self::Anywhere,
            },
            // Nothing is known of the texts of the first three; the others see more than the text.
            Test::Regex(_)
            | Test::Like(_)
            | Test::Similar(_)
            | Test::AnyOf(_)
            | Test::AnyOfFolded(_)
            | Test::Ordered(..)
            | Test::IsNull
            | Test::Empty
            | Test::HasKeys(_) => Self::Anywhere,
        }
    }
}

/// How an element that equals the literal is written in JSON; none when numbers are among them, which are written in
/// many ways.
fn element_texts(literal: &Literal) -> Option<Vec<String>> {
    if literal.number().is_some() {
        return None;
    }
    let text = literal.text().map(|text| Value::from(text).to_string());
    let flag = literal.boolean().map(|flag| flag.to_string());
    Some(text.into_iter().chain(flag).collect())
}
