//! Lists of documents as bytes: gaps as variable-length numbers, or a bitmap when that is shorter. Bytes come from
//! disk, so nothing about them is taken for granted.

use crate::docs::Docs;

/// From one document in so many on, a list is a bitmap.
const DENSE: usize = 8;

/// Appends a number, seven bits a byte, lowest first.
pub fn put_number(out: &mut Vec<u8>, mut number: u64) {
    while number >= 0x80 {
        out.push(number as u8 | 0x80);
        number >>= 7;
    }
    out.push(number as u8);
}

/// Takes a number off the front.
pub fn take_number(bytes: &mut &[u8]) -> Option<u64> {
    let mut number = 0;
    for shift in (0..64).step_by(7) {
        let (byte, rest) = bytes.split_first()?;
        *bytes = rest;
        number |= u64::from(byte & 0x7f) << shift;
        if byte & 0x80 == 0 {
            return Some(number);
        }
    }
    None
}

/// Whether a list of `count` of `docs` documents is a bitmap.
pub fn dense(count: usize, docs: usize) -> bool {
    count >= docs.div_ceil(DENSE)
}

/// Gaps of rising documents, the first one from 0.
pub fn gaps(docs: impl Iterator<Item = u32>, out: &mut Vec<u8>) {
    let mut before = 0;
    for doc in docs {
        put_number(out, u64::from(doc - before));
        before = doc;
    }
}

/// Visits the documents of a list; false when it is damaged.
pub fn each(mut bytes: &[u8], count: usize, docs: usize, mut visit: impl FnMut(u32)) -> bool {
    if dense(count, docs) {
        let mut set = Docs::none(docs);
        set.add_bitmap(bytes);
        set.each(|doc| visit(doc as u32));
        return bytes.len() == docs.div_ceil(8) && set.count() == count;
    }
    let mut doc = 0_u64;
    for _ in 0..count {
        let Some(gap) = take_number(&mut bytes) else { return false };
        doc = doc.saturating_add(gap);
        if doc >= docs as u64 {
            return false;
        }
        visit(doc as u32);
    }
    bytes.is_empty()
}

/// Adds the documents of a list to a set; false when it is damaged.
pub fn add(bytes: &[u8], count: usize, out: &mut Docs, docs: usize) -> bool {
    if dense(count, docs) {
        out.add_bitmap(bytes);
        return bytes.len() == docs.div_ceil(8);
    }
    each(bytes, count, docs, |doc| out.insert(doc as usize))
}

/// Goes through a list once, from the first document on.
pub struct Walk {
    bytes: Vec<u8>,
    /// Byte or, in a bitmap, bit that comes next.
    at: usize,
    dense: bool,
    docs: usize,
    /// Documents to come.
    left: usize,
    /// The document before.
    before: u64,
}

impl Walk {
    /// At the beginning of a list.
    pub fn new(bytes: Vec<u8>, count: usize, docs: usize) -> Self {
        Self { bytes, at: 0, dense: dense(count, docs), docs, left: count, before: 0 }
    }

    /// The next document; none after the last, or where the list is damaged.
    pub fn next(&mut self) -> Option<u32> {
        self.left = self.left.checked_sub(1)?;
        let doc = if self.dense { self.next_bit()? } else { self.next_gap()? };
        self.before = doc;
        (doc < self.docs as u64).then_some(doc as u32)
    }

    fn next_bit(&mut self) -> Option<u64> {
        loop {
            let byte = *self.bytes.get(self.at / 8)? >> (self.at % 8);
            if byte != 0 {
                let bit = self.at + byte.trailing_zeros() as usize;
                self.at = bit + 1;
                return Some(bit as u64);
            }
            self.at = (self.at / 8 + 1) * 8;
        }
    }

    fn next_gap(&mut self) -> Option<u64> {
        let mut rest = self.bytes.get(self.at..)?;
        let gap = take_number(&mut rest)?;
        self.at = self.bytes.len() - rest.len();
        self.before.checked_add(gap)
    }
}

/// The list in its final form, from gaps.
pub fn encode(gaps: &[u8], count: usize, docs: usize, out: &mut Vec<u8>) {
    if !dense(count, docs) {
        out.extend_from_slice(gaps);
        return;
    }
    let start = out.len();
    out.resize(start + docs.div_ceil(8), 0);
    let (mut rest, mut doc) = (gaps, 0);
    while let Some(gap) = take_number(&mut rest) {
        doc += gap as usize;
        if let Some(byte) = out.get_mut(start + doc / 8) {
            *byte |= 1 << (doc % 8);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_come_back() {
        for (docs, list) in
            [(1, vec![0]), (1_000, vec![0, 7, 999]), (100, (0..100).step_by(3).collect()), (70, vec![69])]
        {
            let (mut plain, mut bytes) = (Vec::new(), Vec::new());
            gaps(list.iter().copied(), &mut plain);
            encode(&plain, list.len(), docs, &mut bytes);
            let mut back = Vec::new();
            assert!(each(&bytes, list.len(), docs, |doc| back.push(doc)));
            assert_eq!(back, list);
            let mut walk = Walk::new(bytes.clone(), list.len(), docs);
            assert_eq!(std::iter::from_fn(|| walk.next()).collect::<Vec<_>>(), list);
            let mut set = Docs::none(docs);
            assert!(add(&bytes, list.len(), &mut set, docs));
            assert_eq!(set.count(), list.len());
        }
    }

    #[test]
    fn damaged_lists_are_noticed() {
        assert!(!each(&[0x80], 1, 1_000, |_| ()));
        assert!(!each(&[0xff, 0x7f], 1, 1_000, |_| ()));
        assert!(!each(&[1, 2], 1, 1_000, |_| ()));
        assert!(!each(&[1], 500, 1_000, |_| ()));
    }
}
