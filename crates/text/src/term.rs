//! What of a text is kept in a dictionary, and how it is written there.
//!
//! Terms are bytes. Marks between their parts are bytes that never occur in UTF-8, so that any text can be a term:
//! `token` (as written and lower-cased are the same), `lower-cased MARK_CASED as-written`, either side of which may be
//! missing when the two cannot be told to belong together, the first and last token of a text as written, and a few
//! properties of the whole text.
//!
//! Knows texts and tokens, not rows.

use crate::position::Position;
use evalset_model::filter::meaning::words;

/// Ends a term inside a block.
pub const END: u8 = 0xff;
/// Stands between the lower-cased token and the token as written.
pub const CASED: u8 = 0xfe;
/// Begins the term of the first token of a text.
pub const HEAD: u8 = 0xfd;
/// Begins the term of the last token of a text.
pub const TAIL: u8 = 0xfc;
/// Begins the term of a property.
pub const PROPERTY: u8 = 0xfb;

/// Longest token that is a term (bytes). Rows with a longer one are marked: for them a test of parts of tokens stays
/// open.
pub const TOKEN_BYTES_MAX: usize = 255;

/// Properties of whole texts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Property {
    /// There is a text, be it empty.
    Present = b'p',
    /// It is `""`, `[]` or `{}`.
    Empty = b'e',
    /// It has a token of letters and digits longer than [`TOKEN_BYTES_MAX`].
    LongWord = b'w',
    /// It has another token longer than that.
    LongGap = b'g',
    /// Its tokens are not those of the lower-cased text one by one: positions of words say nothing of how they were
    /// written.
    Odd = b'o',
}

impl Property {
    /// Its term.
    pub fn term(self) -> [u8; 2] {
        [PROPERTY, self as u8]
    }

    /// The mark of texts with a token longer than terms are, of the kind of this one.
    pub fn long(token: &str) -> Self {
        if is_word(token) { Self::LongWord } else { Self::LongGap }
    }
}

/// Whether a token is one of letters and digits.
pub fn is_word(token: &str) -> bool {
    token.chars().next().is_some_and(words::is_letter)
}

/// Cuts a text into tokens: longest stretches of letters and digits, and of everything else, in order.
pub fn tokens(text: &str) -> impl Iterator<Item = &str> {
    let mut rest = text;
    std::iter::from_fn(move || {
        let kind = words::is_letter(rest.chars().next()?);
        let end = rest.find(|letter| words::is_letter(letter) != kind).unwrap_or(rest.len());
        let (token, after) = rest.split_at(end);
        rest = after;
        Some(token)
    })
}

/// The tokens of a lower-cased text, words with their positions.
fn positions(text: &str) -> impl Iterator<Item = (&str, Option<Position>)> {
    let (mut end, mut words) = (0, 0);
    tokens(text).map(move |token| {
        end += token.len();
        let spaced = text[end..].strip_prefix(' ').is_some_and(is_word);
        let position = is_word(token).then_some(Position { number: words, spaced });
        words += u32::from(position.is_some());
        (token, position)
    })
}

/// Makes the terms of texts.
#[derive(Default)]
pub struct Terms {
    term: Vec<u8>,
}

impl Terms {
    /// Hands every term of a text to `take`; the same one more than once when it occurs more than once. Lower-cased
    /// words come with their positions, rising.
    pub fn each(&mut self, text: &str, take: &mut impl FnMut(&[u8], Option<Position>)) {
        take(&Property::Present.term(), None);
        if matches!(text, "" | "[]" | "{}") {
            take(&Property::Empty.term(), None);
        }
        if text.is_ascii() {
            self.ascii(text, take);
        } else {
            self.unicode(text, take);
        }
        if let Some(first) = tokens(text).next() {
            self.edge(HEAD, first, take);
            self.edge(TAIL, last_token(text), take);
        }
    }

    // Words as `words::is_letter` has them, for ASCII alone: a test compares the two.
    fn ascii(&mut self, text: &str, take: &mut impl FnMut(&[u8], Option<Position>)) {
        let bytes = text.as_bytes();
        let (mut start, mut words) = (0, 0);
        while start < bytes.len() {
            let kind = bytes[start].is_ascii_alphanumeric();
            let long = bytes[start..].iter().position(|byte| byte.is_ascii_alphanumeric() != kind);
            let end = long.map_or(bytes.len(), |long| start + long);
            let token = &bytes[start..end];
            start = end;
            let spaced = bytes.get(end) == Some(&b' ') && bytes.get(end + 1).is_some_and(u8::is_ascii_alphanumeric);
            let position = kind.then_some(Position { number: words, spaced });
            words += u32::from(kind);
            if token.len() > TOKEN_BYTES_MAX {
                let property = if kind { Property::LongWord } else { Property::LongGap };
                take(&property.term(), None);
            } else if token.iter().any(u8::is_ascii_uppercase) {
                self.term.clear();
                self.term.extend(token.iter().map(u8::to_ascii_lowercase));
                self.term.push(CASED);
                self.term.extend_from_slice(token);
                take(&self.term, position);
            } else {
                take(token, position);
            }
        }
    }

    fn unicode(&mut self, text: &str, take: &mut impl FnMut(&[u8], Option<Position>)) {
        // As a whole: how a letter is lower-cased may depend on those around it.
        let lower = text.to_lowercase();
        let (mut folded, mut cased) = (positions(&lower), tokens(text));
        loop {
            match (folded.next(), cased.next()) {
                (None, None) => break,
                (Some((folded, position)), Some(cased)) if folded == cased => {
                    whole(cased, cased.as_bytes(), position, take);
                }
                (Some((folded, position)), Some(cased)) if folded == cased.to_lowercase() => {
                    if folded.len().max(cased.len()) > TOKEN_BYTES_MAX {
                        take(&Property::long(cased).term(), None);
                        continue;
                    }
                    self.term.clear();
                    self.term.extend_from_slice(folded.as_bytes());
                    self.term.push(CASED);
                    self.term.extend_from_slice(cased.as_bytes());
                    take(&self.term, position);
                }
                (folded, cased) => {
                    take(&Property::Odd.term(), None);
                    if let Some((folded, position)) = folded {
                        let term = [folded.as_bytes(), &[CASED]].concat();
                        whole(folded, &term, position, take);
                    }
                    if let Some(cased) = cased {
                        let term = [&[CASED], cased.as_bytes()].concat();
                        whole(cased, &term, None, take);
                    }
                }
            }
        }
    }

    fn edge(&mut self, mark: u8, token: &str, take: &mut impl FnMut(&[u8], Option<Position>)) {
        // A longer one has left its property already.
        if token.len() <= TOKEN_BYTES_MAX {
            self.term.clear();
            self.term.push(mark);
            self.term.extend_from_slice(token.as_bytes());
            take(&self.term, None);
        }
    }
}

/// Hands the term of a token on, or its property when it is too long for one.
fn whole(token: &str, term: &[u8], position: Option<Position>, take: &mut impl FnMut(&[u8], Option<Position>)) {
    if token.len() > TOKEN_BYTES_MAX {
        take(&Property::long(token).term(), None);
    } else {
        take(term, position);
    }
}

fn last_token(text: &str) -> &str {
    let Some(last) = text.chars().next_back() else { return text };
    let kind = words::is_letter(last);
    let end = text.char_indices().rev().find(|(_, letter)| words::is_letter(*letter) != kind);
    end.map_or(text, |(at, letter)| &text[at + letter.len_utf8()..])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn terms(text: &str) -> Vec<Vec<u8>> {
        let mut all = Vec::new();
        Terms::default().each(text, &mut |term, _| all.push(term.to_vec()));
        all
    }

    #[test]
    fn tokens_make_up_the_text() {
        for text in ["", "a", " ", "Foo, bar2!", "ß—İstanbul", "ΑΣ'Α ΟΔΟΣ", "日本 語"] {
            assert_eq!(tokens(text).collect::<String>(), text);
            assert_eq!(tokens(text).last().unwrap_or_default(), last_token(text));
            let lower = text.to_lowercase();
            let found: Vec<_> = tokens(&lower).filter(|token| is_word(token)).collect();
            assert_eq!(found, words::words(text));
        }
    }

    #[test]
    fn a_token_is_kept_as_written_and_lower_cased() {
        let expected: Vec<Vec<u8>> = vec![
            b"\xfbp".into(),
            b"foo\xfeFoo".into(),
            b", ".into(),
            b"bar".into(),
            b"\xfdFoo".into(),
            b"\xfcbar".into(),
        ];
        assert_eq!(terms("Foo, bar"), expected);
        let turkish = terms("İx");
        assert!(turkish.contains(&[b"\xfe", "İx".as_bytes()].concat()));
        assert!(turkish.contains(&b"x\xfe".to_vec()));
        assert!(terms(&"y".repeat(256)).contains(&b"\xfbw".to_vec()));
        assert!(terms(&"é".repeat(128)).contains(&b"\xfbw".to_vec()));
        assert!(terms("[]").contains(&b"\xfbe".to_vec()));
    }

    #[test]
    fn words_have_places() {
        for text in ["One two, three  four five", "Öne twö, three  four five"] {
            let mut positions = Vec::new();
            Terms::default().each(text, &mut |_, position| positions.extend(position));
            let expected = [(0, true), (1, false), (2, false), (3, true), (4, false)];
            assert_eq!(positions, expected.map(|(number, spaced)| Position { number, spaced }));
        }
    }

    /// The quick way through ASCII has a rule of its own.
    #[test]
    fn letters_are_the_same_in_ascii() {
        for byte in 0..128_u8 {
            assert_eq!(words::is_letter(char::from(byte)), byte.is_ascii_alphanumeric(), "{byte}");
        }
    }
}
