//! Files of a test, in memory.

use evalset_columns::{Backing, FileRef};
use std::collections::HashMap;
use std::io::{Error, ErrorKind, Result};
use std::sync::Arc;

/// A file.
struct InMemory {
    id: u64,
    /// Words, so that it begins where every value may.
    words: Vec<u64>,
    length: usize,
}

impl Backing for InMemory {
    fn id(&self) -> u64 {
        self.id
    }

    fn checksum(&self) -> u64 {
        !self.id
    }

    fn bytes(&self) -> &[u8] {
        &bytemuck::cast_slice(&self.words)[..self.length]
    }
}

/// All files written so far.
#[derive(Default)]
pub struct TestFiles {
    files: HashMap<u64, Arc<dyn Backing>>,
}

impl TestFiles {
    /// Writes a file.
    pub fn write(&mut self, bytes: &[u8]) -> Arc<dyn Backing> {
        let id = self.files.len() as u64 + 7;
        let words = bytes.chunks(8).map(|chunk| {
            let mut word = [0; 8];
            word[..chunk.len()].copy_from_slice(chunk);
            u64::from_ne_bytes(word)
        });
        let file: Arc<dyn Backing> = Arc::new(InMemory { id, words: words.collect(), length: bytes.len() });
        self.files.insert(id, file.clone());
        file
    }

    /// Opens a file that was written.
    pub fn open(&self, file: &FileRef) -> Result<Arc<dyn Backing>> {
        let found = self.files.get(&file.id).filter(|found| FileRef::of(&***found) == *file);
        found.cloned().ok_or_else(|| Error::new(ErrorKind::NotFound, "no such file"))
    }
}
