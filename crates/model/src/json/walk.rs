//! Finds where values end in compact JSON text, without looking into them. Text that is no JSON ends a walk early.

use super::Json;
use memchr::memchr2;

/// Where the string that begins at `at` ends, its quotation mark included.
fn string_end(text: &[u8], at: usize) -> Option<usize> {
    let mut at = at + 1;
    loop {
        at += memchr2(b'"', b'\\', text.get(at..)?)?;
        if text[at] == b'"' {
            return Some(at + 1);
        }
        at += 2;
    }
}

/// Where the value that begins at `at` ends.
fn value_end(text: &[u8], at: usize) -> Option<usize> {
    match text.get(at)? {
        b'"' => string_end(text, at),
        b'[' | b'{' => structure_end(text, at),
        _ => {
            let rest = &text[at..];
            Some(at + rest.iter().position(|byte| matches!(byte, b',' | b']' | b'}')).unwrap_or(rest.len()))
        }
    }
}

fn structure_end(text: &[u8], mut at: usize) -> Option<usize> {
    let mut open = 0_usize;
    loop {
        match text.get(at)? {
            b'"' => {
                at = string_end(text, at)?;
                continue;
            }
            b'[' | b'{' => open += 1,
            b']' | b'}' => {
                open = open.checked_sub(1)?;
                if open == 0 {
                    return Some(at + 1);
                }
            }
            _ => {}
        }
        at += 1;
    }
}

/// How deep arrays and objects stand inside each other.
pub(super) fn depth(text: &str) -> usize {
    let (mut open, mut deepest) = (0_usize, 0);
    outside_strings(text.as_bytes(), |byte| match byte {
        b'[' | b'{' => {
            open += 1;
            deepest = deepest.max(open);
        }
        b']' | b'}' => open = open.saturating_sub(1),
        _ => {}
    });
    deepest
}

/// How many values there are at most.
pub(super) fn values(text: &[u8]) -> usize {
    let mut values = 1;
    outside_strings(text, |byte| values += usize::from(matches!(byte, b',' | b'[' | b'{' | b':')));
    values
}

fn outside_strings(text: &[u8], mut see: impl FnMut(u8)) {
    let mut at = 0;
    while let Some(byte) = text.get(at) {
        if *byte == b'"' {
            let Some(end) = string_end(text, at) else { return };
            at = end;
        } else {
            see(*byte);
            at += 1;
        }
    }
}

/// The elements of an array.
#[derive(Clone, Debug)]
pub struct Items<'a> {
    text: &'a str,
    /// Where the next element begins.
    at: usize,
}

impl<'a> Items<'a> {
    pub(super) fn of(text: &'a str) -> Self {
        // Past the end there is nothing.
        let at = if text.starts_with('[') && text != "[]" { 1 } else { text.len() };
        Self { text, at }
    }
}

impl<'a> Iterator for Items<'a> {
    type Item = Json<'a>;

    fn next(&mut self) -> Option<Json<'a>> {
        if self.at >= self.text.len() {
            return None;
        }
        let end = value_end(self.text.as_bytes(), self.at)?;
        let item = Json(self.text.get(self.at..end)?);
        self.at = if self.text.as_bytes().get(end) == Some(&b',') { end + 1 } else { self.text.len() };
        Some(item)
    }
}

/// The members of an object: what stands between the quotation marks of the name, and the value.
#[derive(Clone, Debug)]
pub struct Members<'a> {
    text: &'a str,
    /// Where the next name begins.
    at: usize,
}

impl<'a> Members<'a> {
    pub(super) fn of(text: &'a str) -> Self {
        let at = if text.starts_with('{') && text != "{}" { 1 } else { text.len() };
        Self { text, at }
    }
}

impl<'a> Iterator for Members<'a> {
    type Item = (&'a str, Json<'a>);

    fn next(&mut self) -> Option<Self::Item> {
        let bytes = self.text.as_bytes();
        if bytes.get(self.at) != Some(&b'"') {
            return None;
        }
        let colon = string_end(bytes, self.at)?;
        let end = value_end(bytes, colon + 1)?;
        let member = (self.text.get(self.at + 1..colon - 1)?, Json(self.text.get(colon + 1..end)?));
        self.at = if bytes.get(end) == Some(&b',') { end + 1 } else { self.text.len() };
        Some(member)
    }
}
