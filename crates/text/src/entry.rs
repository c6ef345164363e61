//! What of a text is kept in a dictionary, and how it is written there.
//!
//! Entries are bytes. Marks between their parts are bytes that never occur in UTF-8, so that any text can be an entry:
//! `run` (as written and lower-cased are the same), `lower-cased MARK_CASED as-written`, either side of which may be missing when the
//! two cannot be told to belong together, the first and last run of a text as written, and a few properties of the whole text.
//!
//! Knows texts and runs, not rows.

use evalset_model::filter::meaning::words;

/// Ends an entry inside a block.
pub const END: u8 = 0xff;
/// Stands between the lower-cased run and the run as written.
pub const CASED: u8 = 0xfe;
/// Begins the entry of the first run of a text.
pub const HEAD: u8 = 0xfd;
/// Begins the entry of the last run of a text.
pub const TAIL: u8 = 0xfc;
/// Begins the entry of a property.
pub const PROPERTY: u8 = 0xfb;

/// Longest run that is an entry (bytes). Rows with a longer one are marked: for them a test of parts of runs stays open.
pub const RUN_BYTES_MAX: usize = 255;

/// Properties of whole texts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Property {
    /// There is a text, be it empty.
    Present = b'p',
    /// It is `""`, `[]` or `{}`.
    Empty = b'e',
    /// It has a run of letters and digits longer than [`RUN_BYTES_MAX`].
    LongWord = b'w',
    /// It has another run longer than that.
    LongGap = b'g',
}

impl Property {
    /// Its entry.
    pub fn entry(self) -> [u8; 2] {
        [PROPERTY, self as u8]
    }

    /// The mark of texts with a run longer than entries are, of the kind of this one.
    pub fn long(run: &str) -> Self {
        if is_word(run) { Self::LongWord } else { Self::LongGap }
    }
}

/// Whether a run is one of letters and digits.
fn is_word(run: &str) -> bool {
    run.chars().next().is_some_and(words::is_letter)
}

/// Cuts a text into runs: longest stretches of letters and digits, and of everything else, in order.
pub fn runs(text: &str) -> impl Iterator<Item = &str> {
    let mut rest = text;
    std::iter::from_fn(move || {
        let kind = words::is_letter(rest.chars().next()?);
        let end = rest.find(|letter| words::is_letter(letter) != kind).unwrap_or(rest.len());
        let (run, after) = rest.split_at(end);
        rest = after;
        Some(run)
    })
}

/// Makes the entries of texts.
#[derive(Default)]
pub struct Entries {
    entry: Vec<u8>,
}

impl Entries {
    /// Hands every entry of a text to `take`; the same one more than once when it occurs more than once.
    pub fn each(&mut self, text: &str, take: &mut impl FnMut(&[u8])) {
        take(&Property::Present.entry());
        if matches!(text, "" | "[]" | "{}") {
            take(&Property::Empty.entry());
        }
        if text.is_ascii() {
            self.ascii(text, take);
        } else {
            self.unicode(text, take);
        }
        if let Some(first) = runs(text).next() {
            self.edge(HEAD, first, take);
            self.edge(TAIL, last_run(text), take);
        }
    }

    fn ascii(&mut self, text: &str, take: &mut impl FnMut(&[u8])) {
        let bytes = text.as_bytes();
        let mut start = 0;
        while start < bytes.len() {
            let kind = bytes[start].is_ascii_alphanumeric();
            let long = bytes[start..].iter().position(|byte| byte.is_ascii_alphanumeric() != kind);
            let end = long.map_or(bytes.len(), |long| start + long);
            let run = &bytes[start..end];
            start = end;
            if run.len() > RUN_BYTES_MAX {
                let property = if kind { Property::LongWord } else { Property::LongGap };
                take(&property.entry());
            } else if run.iter().any(u8::is_ascii_uppercase) {
                self.entry.clear();
                self.entry.extend(run.iter().map(u8::to_ascii_lowercase));
                self.entry.push(CASED);
                self.entry.extend_from_slice(run);
                take(&self.entry);
            } else {
                take(run);
            }
        }
    }

    fn unicode(&mut self, text: &str, take: &mut impl FnMut(&[u8])) {
        // As a whole: how a letter is lower-cased may depend on those around it.
        let lower = text.to_lowercase();
        let (mut folded, mut cased) = (runs(&lower), runs(text));
        loop {
            match (folded.next(), cased.next()) {
                (None, None) => break,
                (Some(folded), Some(cased)) if folded == cased => whole(cased, cased.as_bytes(), take),
                (Some(folded), Some(cased)) if folded == cased.to_lowercase() => {
                    if folded.len().max(cased.len()) > RUN_BYTES_MAX {
                        take(&Property::long(cased).entry());
                        continue;
                    }
                    self.entry.clear();
                    self.entry.extend_from_slice(folded.as_bytes());
                    self.entry.push(CASED);
                    self.entry.extend_from_slice(cased.as_bytes());
                    take(&self.entry);
                }
                (folded, cased) => {
                    if let Some(folded) = folded {
                        let entry = [folded.as_bytes(), &[CASED]].concat();
                        whole(folded, &entry, take);
                    }
                    if let Some(cased) = cased {
                        let entry = [&[CASED], cased.as_bytes()].concat();
                        whole(cased, &entry, take);
                    }
                }
            }
        }
    }

    fn edge(&mut self, mark: u8, run: &str, take: &mut impl FnMut(&[u8])) {
        // A longer one has left its property already.
        if run.len() <= RUN_BYTES_MAX {
            self.entry.clear();
            self.entry.push(mark);
            self.entry.extend_from_slice(run.as_bytes());
            take(&self.entry);
        }
    }
}

/// Hands the entry of a run on, or its property when it is too long for one.
fn whole(run: &str, entry: &[u8], take: &mut impl FnMut(&[u8])) {
    if run.len() > RUN_BYTES_MAX {
        take(&Property::long(run).entry());
    } else {
        take(entry);
    }
}

fn last_run(text: &str) -> &str {
    let Some(last) = text.chars().next_back() else { return text };
    let kind = words::is_letter(last);
    let end = text.char_indices().rev().find(|(_, letter)| words::is_letter(*letter) != kind);
    end.map_or(text, |(at, letter)| &text[at + letter.len_utf8()..])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entries(text: &str) -> Vec<Vec<u8>> {
        let mut all = Vec::new();
        Entries::default().each(text, &mut |entry| all.push(entry.to_vec()));
        all
    }

    #[test]
    fn runs_make_up_the_text() {
        for text in ["", "a", " ", "Foo, bar2!", "ß—İstanbul", "ΑΣ'Α ΟΔΟΣ", "日本 語"] {
            assert_eq!(runs(text).collect::<String>(), text);
            assert_eq!(runs(text).last().unwrap_or_default(), last_run(text));
            let lower = text.to_lowercase();
            let found: Vec<_> = runs(&lower).filter(|run| is_word(run)).collect();
            assert_eq!(found, words::words(text));
        }
    }

    #[test]
    fn a_run_is_kept_as_written_and_lower_cased() {
        let expected: Vec<Vec<u8>> = vec![
            b"\xfbp".into(),
            b"foo\xfeFoo".into(),
            b", ".into(),
            b"bar".into(),
            b"\xfdFoo".into(),
            b"\xfcbar".into(),
        ];
        assert_eq!(entries("Foo, bar"), expected);
        let turkish = entries("İx");
        assert!(turkish.contains(&[b"\xfe", "İx".as_bytes()].concat()));
        assert!(turkish.contains(&b"x\xfe".to_vec()));
        assert!(entries(&"y".repeat(256)).contains(&b"\xfbw".to_vec()));
        assert!(entries(&"é".repeat(128)).contains(&b"\xfbw".to_vec()));
        assert!(entries("[]").contains(&b"\xfbe".to_vec()));
    }
}
