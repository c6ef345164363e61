//! Whoever owns the files that columns rest in is told how far a walk through them has come, so that memory is let go
//! of on the way and not after it. Knows neither files nor memory.

use crate::slab::Backing;
use std::sync::Arc;

/// Is told by walks that map much of many files one after the other.
pub trait Watch: Send + Sync {
    /// A walk has come past a chunk of some columns. Called many times in a walk, by many walks at once, while their
    /// columns are borrowed: it must not wait for anybody.
    fn passed(&self);
}

/// Who is told, if there is anybody.
#[derive(Clone, Default)]
pub struct Watched(Option<Arc<dyn Watch>>);

impl Watched {
    /// The one that a file names. It is told of all chunks from then on: those changed since lie in the mapping of
    /// their file still.
    pub fn of(file: &dyn Backing) -> Self {
        Self(file.watch())
    }

    /// Says that a walk has come past a chunk.
    pub fn passed(&self) {
        if let Some(watch) = &self.0 {
            watch.passed();
        }
    }
}
