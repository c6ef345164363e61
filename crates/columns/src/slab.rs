//! Values in a row: in memory of their own while they grow, in a file mapped into memory once they rest. A value that
//! changes there takes memory for what lies around it, not for all of them. Knows neither what the values mean nor how
//! files are mapped.

use crate::bits;
use crate::watch::Watch;
use bytemuck::Pod;
use std::fmt;
use std::ops::Deref;
use std::sync::Arc;
use yoke::Yoke;

/// Bytes of a file mapped into memory, of which each list of values has a part of its own.
pub trait Backing: Send + Sync {
    /// Tells it from every other one of the same index.
    fn id(&self) -> u64;
    /// Of the bytes of the file, by whatever rule its owner checks them.
    fn checksum(&self) -> u64;
    /// All bytes. They begin at a multiple of [`ALIGNMENT`].
    fn bytes(&self) -> &[u8];
    /// Writes bytes from a position on, for those who hold this mapping; the file stays as it is. Says whether it did;
    /// where it cannot, nothing is written.
    ///
    /// # Safety
    ///
    /// Nobody has a reference to the bytes that are written, nor makes one meanwhile.
    #[expect(unsafe_code, reason = "bytes that others may look at are written")]
    unsafe fn write(&self, at: usize, bytes: &[u8]) -> bool;
    /// Who is to be told how far walks have come.
    fn watch(&self) -> Option<Arc<dyn Watch>> {
        None
    }
}

/// Values in a file begin at multiples of this.
pub const ALIGNMENT: usize = 8;

/// Values in a row, read as a slice.
pub struct Slab<T: 'static> {
    /// The values, unless they lie in a file.
    own: Vec<T>,
    mapped: Option<Mapped<T>>,
}

/// Values in a file.
struct Mapped<T: 'static> {
    /// First byte.
    from: usize,
    values: Yoke<&'static [T], Arc<dyn Backing>>,
}

impl<T> Default for Slab<T> {
    fn default() -> Self {
        Vec::new().into()
    }
}

impl<T> From<Vec<T>> for Slab<T> {
    fn from(own: Vec<T>) -> Self {
        Self { own, mapped: None }
    }
}

impl<T> FromIterator<T> for Slab<T> {
    fn from_iter<I: IntoIterator<Item = T>>(values: I) -> Self {
        Vec::from_iter(values).into()
    }
}

impl<T> Deref for Slab<T> {
    type Target = [T];

    fn deref(&self) -> &[T] {
        match &self.mapped {
            None => &self.own,
            Some(mapped) => mapped.values.get(),
        }
    }
}

impl<T: fmt::Debug> fmt::Debug for Slab<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        (**self).fmt(f)
    }
}

impl<T> Slab<T> {
    /// Bytes of memory of its own.
    pub fn memory_bytes(&self) -> usize {
        self.own.capacity() * size_of::<T>()
    }
}

impl<T: Pod> Slab<T> {
    /// The values for writing, taken into memory first where they lie in a file.
    pub fn to_mut(&mut self) -> &mut Vec<T> {
        if let Some(mapped) = self.mapped.take() {
            self.own = mapped.values.get().to_vec();
        }
        &mut self.own
    }

    /// Writes a value, with `filler` before it where there is none yet. A value that is there already costs no memory.
    pub fn put(&mut self, at: usize, value: T, filler: T) {
        let there = self.get(at);
        // By their bytes: one zero is not the other, and NaN is what it is.
        if there.is_some_and(|there| bytemuck::bytes_of(there) == bytemuck::bytes_of(&value)) {
            return;
        }
        if there.is_some() && self.put_mapped(at, value) {
            return;
        }
        let values = self.to_mut();
        if at >= values.len() {
            values.resize(at + 1, filler);
        }
        values[at] = value;
    }

    /// Writes a value where it lies in a file; false when it does not, or cannot be written there.
    #[expect(unsafe_code, reason = "the values of other slabs lie in the same mapping")]
    fn put_mapped(&mut self, at: usize, value: T) -> bool {
        let Some(Mapped { from, values }) = self.mapped.take() else { return false };
        let len = values.get().len();
        let backing = values.into_backing_cart();
        // SAFETY: the bytes lie within this slab, which is borrowed for writing and has given up its own reference;
        // other slabs of the mapping have other bytes. Whoever reads all of a mapping has the columns borrowed, or
        // there is no slab on it yet.
        let written = unsafe { backing.write(from + at * size_of::<T>(), bytemuck::bytes_of(&value)) };
        *self = Self::attached(backing, from, len);
        written
    }

    /// `len` values that lie in a file from a byte on; none when it does not have them.
    pub fn mapped(backing: &Arc<dyn Backing>, from: usize, len: usize) -> Option<Self> {
        let to = from.checked_add(len.checked_mul(size_of::<T>())?)?;
        bytemuck::try_cast_slice::<u8, T>(backing.bytes().get(from..to)?).ok()?;
        Some(Self::attached(backing.clone(), from, len))
    }

    /// The same, for what is known to be there.
    fn attached(backing: Arc<dyn Backing>, from: usize, len: usize) -> Self {
        let values = Yoke::attach_to_cart(backing, |backing| {
            bytemuck::cast_slice(&backing.bytes()[from..from + len * size_of::<T>()])
        });
        Self { own: Vec::new(), mapped: Some(Mapped { from, values }) }
    }
}

impl Slab<u64> {
    /// Sets or clears a bit, as [`bits::put`].
    pub fn put_bit(&mut self, at: usize, on: bool) {
        if bits::get(self, at) != on {
            let word = self.get(at / bits::WORD).copied().unwrap_or(0);
            self.put(at / bits::WORD, word ^ 1 << (at % bits::WORD), 0);
        }
    }
}

#[cfg(test)]
mod tests;
