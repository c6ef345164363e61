//! A set of the documents of one segment, one bit each. Knows nothing of rows.

/// Bits in a word.
const WORD: usize = 64;

/// A set of documents of a segment, which are numbered from 0.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Docs {
    words: Vec<u64>,
    len: usize,
}

impl Docs {
    /// None of `len` documents.
    pub fn none(len: usize) -> Self {
        Self { words: vec![0; len.div_ceil(WORD)], len }
    }

    /// All of `len` documents.
    pub fn all(len: usize) -> Self {
        let mut docs = Self { words: vec![u64::MAX; len.div_ceil(WORD)], len };
        docs.cut();
        docs
    }

    /// None of as many documents.
    #[must_use]
    pub fn like(&self) -> Self {
        Self { words: vec![0; self.words.len()], len: self.len }
    }

    /// Clears what lies beyond the last document.
    fn cut(&mut self) {
        if let Some(last) = self.words.last_mut()
            && !self.len.is_multiple_of(WORD)
        {
            *last &= (1 << (self.len % WORD)) - 1;
        }
    }

    /// Adds a document; one that does not exist is left out.
    pub fn insert(&mut self, doc: usize) {
        if doc < self.len {
            self.words[doc / WORD] |= 1 << (doc % WORD);
        }
    }

    /// Whether the document is in the set.
    pub fn contains(&self, doc: usize) -> bool {
        self.words.get(doc / WORD).is_some_and(|word| word >> (doc % WORD) & 1 == 1)
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.words.iter().all(|word| *word == 0)
    }

    /// Whether every document is in it.
    pub fn is_full(&self) -> bool {
        let (whole, rest) = (self.len / WORD, self.len % WORD);
        self.words[..whole].iter().all(|word| *word == u64::MAX)
            && (rest == 0 || self.words.get(whole) == Some(&((1 << rest) - 1)))
    }

    /// How many there are.
    pub fn count(&self) -> usize {
        self.words.iter().map(|word| word.count_ones() as usize).sum()
    }

    /// Adds those of a bitmap in little-endian bytes.
    pub(crate) fn add_bitmap(&mut self, bytes: &[u8]) {
        for (word, chunk) in self.words.iter_mut().zip(bytes.chunks(8)) {
            let mut whole = [0; 8];
            whole[..chunk.len()].copy_from_slice(chunk);
            *word |= u64::from_le_bytes(whole);
        }
        self.cut();
    }

    /// Adds those of `other`.
    pub fn union(&mut self, other: &Self) {
        self.words.iter_mut().zip(&other.words).for_each(|(word, other)| *word |= other);
    }

    /// Keeps those that `other` has too.
    pub fn intersect(&mut self, other: &Self) {
        self.words.iter_mut().zip(&other.words).for_each(|(word, other)| *word &= other);
    }

    /// Takes out those of `other`.
    pub fn subtract(&mut self, other: &Self) {
        self.words.iter_mut().zip(&other.words).for_each(|(word, other)| *word &= !other);
    }

    /// Those that are not in the set.
    #[must_use]
    pub fn complement(&self) -> Self {
        let mut all = Self::all(self.len);
        all.subtract(self);
        all
    }

    /// Visits them, rising.
    pub fn each(&self, mut visit: impl FnMut(usize)) {
        for (index, word) in self.words.iter().enumerate() {
            let mut rest = *word;
            while rest != 0 {
                visit(index * WORD + rest.trailing_zeros() as usize);
                rest &= rest - 1;
            }
        }
    }

    /// The bits, 64 documents a word, lowest first.
    pub fn words(&self) -> &[u64] {
        &self.words
    }
}
