//! Files of a test, in memory.

use evalset_columns::{Backing, FileRef, Watch};
use std::cell::UnsafeCell;
use std::collections::HashMap;
use std::io::{Error, ErrorKind, Result};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

/// A file, mapped.
struct InMemory {
    id: u64,
    /// Words, so that it begins where every value may.
    words: UnsafeCell<Vec<u64>>,
    length: usize,
    walks: Arc<Walks>,
}

// SAFETY: bytes are written only where nobody has a reference, as `Backing::write` demands.
#[expect(unsafe_code, reason = "stands for memory that is written beside references to other bytes of it")]
unsafe impl Sync for InMemory {}

#[expect(unsafe_code, reason = "stands for memory that is written beside references to other bytes of it")]
impl Backing for InMemory {
    fn id(&self) -> u64 {
        self.id
    }

    fn checksum(&self) -> u64 {
        !self.id
    }

    fn bytes(&self) -> &[u8] {
        // SAFETY: the words stay where they are; who writes to some of them knows of no reference to those.
        &bytemuck::cast_slice(unsafe { &*self.words.get() })[..self.length]
    }

    unsafe fn write(&self, at: usize, bytes: &[u8]) -> bool {
        assert!(at + bytes.len() <= self.length, "{} bytes at {at} of {}", bytes.len(), self.length);
        // SAFETY: they lie within the words, and nobody has a reference to them.
        unsafe {
            let words = (*self.words.get()).as_mut_ptr().cast::<u8>();
            std::ptr::copy_nonoverlapping(bytes.as_ptr(), words.add(at), bytes.len());
        }
        true
    }

    fn watch(&self) -> Option<Arc<dyn Watch>> {
        Some(self.walks.clone())
    }
}

/// Counts how far walks come.
#[derive(Default)]
struct Walks {
    passed: AtomicUsize,
}

impl Watch for Walks {
    fn passed(&self) {
        self.passed.fetch_add(1, Ordering::Relaxed);
    }
}

/// All files written so far.
#[derive(Default)]
pub struct TestFiles {
    /// What each holds.
    files: HashMap<u64, Vec<u8>>,
    walks: Arc<Walks>,
}

impl TestFiles {
    /// Writes a file.
    pub fn write(&mut self, bytes: &[u8]) -> Arc<dyn Backing> {
        let id = self.files.len() as u64 + 7;
        self.files.insert(id, bytes.to_vec());
        self.mapped(id, bytes)
    }

    /// Opens a file that was written, as it was written.
    pub fn open(&self, file: &FileRef) -> Result<Arc<dyn Backing>> {
        let found = self.files.get(&file.id).map(|bytes| self.mapped(file.id, bytes));
        let found = found.filter(|found| FileRef::of(&**found) == *file);
        found.ok_or_else(|| Error::new(ErrorKind::NotFound, "no such file"))
    }

    /// Chunks that walks have come past since this was asked last.
    pub fn passed(&self) -> usize {
        self.walks.passed.swap(0, Ordering::Relaxed)
    }

    fn mapped(&self, id: u64, bytes: &[u8]) -> Arc<dyn Backing> {
        let mut words = vec![0_u64; bytes.len().div_ceil(8)];
        bytemuck::cast_slice_mut(&mut words)[..bytes.len()].copy_from_slice(bytes);
        Arc::new(InMemory { id, words: UnsafeCell::new(words), length: bytes.len(), walks: self.walks.clone() })
    }
}
