//! What of a text is kept in a dictionary, and how it is written there.
//!
//! Entries are bytes. Marks between their parts are bytes that never occur in UTF-8, so that any text can be an entry:
//! `run` (as written and lower-cased are the same), `lower-cased MARK_CASED as-written`, either side of which may be missing when the
//! two cannot be told to belong together, the first and last run of a text as written, and a few properties of the whole text.
//!
//! Knows texts and runs, not rows.

use crate::spots::Spot;
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
    /// Its runs are not those of the lower-cased text one by one: places of words say nothing of how they were written.
    Odd = b'o',
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
pub fn is_word(run: &str) -> bool {
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

/// The runs of a lower-cased text, words with their places.
fn spots(text: &str) -> impl Iterator<Item = (&str, Option<Spot>)> {
    let (mut end, mut words) = (0, 0);
    runs(text).map(move |run| {
        end += run.len();
        let spaced = text[end..].strip_prefix(' ').is_some_and(is_word);
        let spot = is_word(run).then_some(Spot { number: words, spaced });
        words += u32::from(spot.is_some());
        (run, spot)
    })
}

/// Makes the entries of texts.
#[derive(Default)]
pub struct Entries {
    entry: Vec<u8>,
}

impl Entries {
    /// Hands every entry of a text to `take`; the same one more than once when it occurs more than once. Lower-cased words come with
    /// their places, rising.
    pub fn each(&mut self, text: &str, take: &mut impl FnMut(&[u8], Option<Spot>)) {
        take(&Property::Present.entry(), None);
        if matches!(text, "" | "[]" | "{}") {
            take(&Property::Empty.entry(), None);
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

    // Words as `words::is_letter` has them, for ASCII alone: a test compares the two.
    fn ascii(&mut self, text: &str, take: &mut impl FnMut(&[u8], Option<Spot>)) {
        let bytes = text.as_bytes();
        let (mut start, mut words) = (0, 0);
        while start < bytes.len() {
            let kind = bytes[start].is_ascii_alphanumeric();
            let long = bytes[start..].iter().position(|byte| byte.is_ascii_alphanumeric() != kind);
            let end = long.map_or(bytes.len(), |long| start + long);
            let run = &bytes[start..end];
            start = end;
            let spaced = bytes.get(end) == Some(&b' ') && bytes.get(end + 1).is_some_and(u8::is_ascii_alphanumeric);
            let spot = kind.then_some(Spot { number: words, spaced });
            words += u32::from(kind);
            if run.len() > RUN_BYTES_MAX {
                let property = if kind { Property::LongWord } else { Property::LongGap };
                take(&property.entry(), None);
            } else if run.iter().any(u8::is_ascii_uppercase) {
                self.entry.clear();
                self.entry.extend(run.iter().map(u8::to_ascii_lowercase));
                self.entry.push(CASED);
                self.entry.extend_from_slice(run);
                take(&self.entry, spot);
            } else {
                take(run, spot);
            }
        }
    }

    fn unicode(&mut self, text: &str, take: &mut impl FnMut(&[u8], Option<Spot>)) {
        // As a whole: how a letter is lower-cased may depend on those around it.
        let lower = text.to_lowercase();
        let (mut folded, mut cased) = (spots(&lower), runs(text));
        loop {
            match (folded.next(), cased.next()) {
                (None, None) => break,
                (Some((folded, spot)), Some(cased)) if folded == cased => whole(cased, cased.as_bytes(), spot, take),
                (Some((folded, spot)), Some(cased)) if folded == cased.to_lowercase() => {
                    if folded.len().max(cased.len()) > RUN_BYTES_MAX {
                        take(&Property::long(cased).entry(), None);
                        continue;
                    }
                    self.entry.clear();
                    self.entry.extend_from_slice(folded.as_bytes());
                    self.entry.push(CASED);
                    self.entry.extend_from_slice(cased.as_bytes());
                    take(&self.entry, spot);
                }
                (folded, cased) => {
                    take(&Property::Odd.entry(), None);
                    if let Some((folded, spot)) = folded {
                        let entry = [folded.as_bytes(), &[CASED]].concat();
                        whole(folded, &entry, spot, take);
                    }
                    if let Some(cased) = cased {
                        let entry = [&[CASED], cased.as_bytes()].concat();
                        whole(cased, &entry, None, take);
                    }
                }
            }
        }
    }

    fn edge(&mut self, mark: u8, run: &str, take: &mut impl FnMut(&[u8], Option<Spot>)) {
        // A longer one has left its property already.
        if run.len() <= RUN_BYTES_MAX {
            self.entry.clear();
            self.entry.push(mark);
            self.entry.extend_from_slice(run.as_bytes());
            take(&self.entry, None);
        }
    }
}

/// Hands the entry of a run on, or its property when it is too long for one.
fn whole(run: &str, entry: &[u8], spot: Option<Spot>, take: &mut impl FnMut(&[u8], Option<Spot>)) {
    if run.len() > RUN_BYTES_MAX {
        take(&Property::long(run).entry(), None);
    } else {
        take(entry, spot);
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
        Entries::default().each(text, &mut |entry, _| all.push(entry.to_vec()));
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

    #[test]
    fn words_have_places() {
        for text in ["One two, three  four five", "Öne twö, three  four five"] {
            let mut places = Vec::new();
            Entries::default().each(text, &mut |_, spot| places.extend(spot));
            let expected = [(0, true), (1, false), (2, false), (3, true), (4, false)];
            assert_eq!(places, expected.map(|(number, spaced)| Spot { number, spaced }));
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
