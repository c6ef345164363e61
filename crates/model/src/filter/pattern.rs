//! Patterns of a checked filter: as they were written, with all that decides their meaning, and ready to be matched.
//!
//! A store that matches by itself reads the parts; every other one asks `is_match`. Knows no fields and no operators.

use regex::{Regex, RegexBuilder};
use std::fmt;

/// Bytes a compiled pattern may take; matching takes time linear in the text whatever the pattern.
const COMPILED_BYTES_MAX: usize = 1 << 20;

/// A regular expression in the syntax of the crate `regex`, found anywhere in a text.
#[derive(Clone)]
pub struct Pattern {
    source: String,
    fold: bool,
    dot_all: bool,
    compiled: Regex,
}

impl Pattern {
    /// Compiles an expression. `fold`: letters match whatever their case, by Unicode simple case folding. `dot_all`:
    /// `.` matches line feeds too. Flags inside the expression come on top of these.
    pub fn new(source: impl Into<String>, fold: bool, dot_all: bool) -> Result<Self, regex::Error> {
        let source = source.into();
        let compiled = RegexBuilder::new(&source)
            .case_insensitive(fold)
            .dot_matches_new_line(dot_all)
            .size_limit(COMPILED_BYTES_MAX)
            .build()?;
        Ok(Self { source, fold, dot_all, compiled })
    }

    /// The expression as it was written.
    pub fn source(&self) -> &str {
        &self.source
    }

    /// Whether it ignores case from its beginning.
    pub fn fold(&self) -> bool {
        self.fold
    }

    /// Whether `.` matches line feeds from its beginning.
    pub fn dot_all(&self) -> bool {
        self.dot_all
    }

    /// Whether a text has a match.
    pub fn is_match(&self, text: &str) -> bool {
        self.compiled.is_match(text)
    }
}

impl fmt::Debug for Pattern {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { source, fold, dot_all, .. } = self;
        write!(out, "Pattern {{ source: {source:?}, fold: {fold}, dot_all: {dot_all} }}")
    }
}

/// A pattern with wildcards that a whole text must match, whatever the case of its letters (Unicode simple case
/// folding): SQL's `ILIKE` with `\` as escape.
#[derive(Clone)]
pub struct Like {
    parts: Vec<LikePart>,
    compiled: Regex,
}

/// A part of a [`Like`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LikePart {
    /// `%`: any text, line feeds included, or none.
    Any,
    /// `_`: any one character.
    One,
    /// This text.
    Text(String),
}

impl Like {
    /// Reads a pattern: `%`, `_`, and `\` before a character that is meant as it stands.
    pub fn new(pattern: &str) -> Result<Self, regex::Error> {
        let mut parts = Vec::new();
        let mut letters = pattern.chars();
        while let Some(letter) = letters.next() {
            match letter {
                '%' => parts.push(LikePart::Any),
                '_' => parts.push(LikePart::One),
                '\\' => add(&mut parts, letters.next().unwrap_or('\\')),
                letter => add(&mut parts, letter),
            }
        }
        let compiled = RegexBuilder::new(&expression(&parts))
            .case_insensitive(true)
            .dot_matches_new_line(true)
            .size_limit(COMPILED_BYTES_MAX)
            .build()?;
        Ok(Self { parts, compiled })
    }

    /// Its parts in order; no two texts follow each other.
    pub fn parts(&self) -> &[LikePart] {
        &self.parts
    }

    /// Whether the whole of a text matches.
    pub fn is_match(&self, text: &str) -> bool {
        self.compiled.is_match(text)
    }
}

impl fmt::Debug for Like {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "Like({:?})", self.parts)
    }
}

/// Adds a character that is meant as it stands.
fn add(parts: &mut Vec<LikePart>, letter: char) {
    match parts.last_mut() {
        Some(LikePart::Text(text)) => text.push(letter),
        _ => parts.push(LikePart::Text(letter.to_string())),
    }
}

/// The same as a regular expression.
fn expression(parts: &[LikePart]) -> String {
    let inner = parts.iter().map(|part| match part {
        LikePart::Any => ".*".to_owned(),
        LikePart::One => ".".to_owned(),
        LikePart::Text(text) => regex::escape(text),
    });
    format!(r"\A{}\z", inner.collect::<String>())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn flags_are_told_and_kept() {
        let pattern = Pattern::new("a.c", true, true).unwrap();
        assert_eq!((pattern.source(), pattern.fold(), pattern.dot_all()), ("a.c", true, true));
        assert!(pattern.is_match("xA\nCx"));
        let plain = Pattern::new("a.c", false, false).unwrap();
        assert!(plain.is_match("xabcx") && !plain.is_match("aBC") && !plain.is_match("a\nc"));
        assert_ne!(format!("{pattern:?}"), format!("{plain:?}"), "what differs in meaning is told apart");
        assert!(Pattern::new("(", false, false).is_err());
        assert!(Pattern::new("(a{900}){900}", false, false).is_err(), "too large when compiled");
    }

    #[test]
    fn a_like_is_read_in_parts() {
        let text = |text: &str| LikePart::Text(text.to_owned());
        let like = |pattern: &str| Like::new(pattern).unwrap();
        assert_eq!(like(r"a\%b%_c\").parts(), [text("a%b"), LikePart::Any, LikePart::One, text(r"c\")]);
        assert_eq!(like("").parts(), []);
        assert!(like("").is_match("") && !like("").is_match("a"));
        assert!(like("gr_ß%.").is_match("GROß und\nmehr.") && !like("gr_ß%.").is_match("groß und mehr!"));
        assert!(like("%s").is_match("ſ") && like("K_").is_match("\u{212a}s"), "case is folded character by character");
        assert!(like("a.c").is_match("A.C") && !like("a.c").is_match("abc"), "a dot is a dot");
    }
}
