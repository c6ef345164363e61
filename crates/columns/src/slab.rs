//! Values in a row: in memory of their own while they change, in a file mapped into memory once they rest. Knows neither what
//! the values mean nor how files are mapped.

use crate::bits;
use bytemuck::Pod;
use std::fmt;
use std::ops::Deref;
use std::sync::Arc;
use yoke::Yoke;

/// Bytes that do not change while anyone holds them: a file mapped into memory.
pub trait Backing: Send + Sync {
    /// Tells it from every other one of the same index.
    fn id(&self) -> u64;
    /// Of the bytes, by whatever rule its owner checks them.
    fn checksum(&self) -> u64;
    /// All bytes. They begin at a multiple of [`ALIGNMENT`].
    fn bytes(&self) -> &[u8];
}

/// Values in a file begin at multiples of this.
pub const ALIGNMENT: usize = 8;

/// Values in a row, read as a slice.
pub struct Slab<T: 'static> {
    /// The values, unless they lie in a file.
    own: Vec<T>,
    mapped: Option<Yoke<&'static [T], Arc<dyn Backing>>>,
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
            Some(values) => values.get(),
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
        if let Some(values) = self.mapped.take() {
            self.own = values.get().to_vec();
        }
        &mut self.own
    }

    /// Writes a value, with `filler` before it where there is none yet. A value that is there already costs no memory.
    pub fn put(&mut self, at: usize, value: T, filler: T) {
        // By their bytes: one zero is not the other, and NaN is what it is.
        if self.get(at).is_some_and(|there| bytemuck::bytes_of(there) == bytemuck::bytes_of(&value)) {
            return;
        }
        let values = self.to_mut();
        if at >= values.len() {
            values.resize(at + 1, filler);
        }
        values[at] = value;
    }
}

impl Slab<u64> {
    /// Sets or clears a bit, as [`bits::put`].
    pub fn put_bit(&mut self, at: usize, on: bool) {
        if bits::get(self, at) != on {
            bits::put(self.to_mut(), at, on);
        }
    }
}

impl<T: Pod> Slab<T> {
    /// `len` values that lie in a file from a byte on; none when it does not have them.
    pub fn mapped(backing: &Arc<dyn Backing>, from: usize, len: usize) -> Option<Self> {
        let slice = |backing: &dyn Backing| -> Option<()> {
            let to = from.checked_add(len.checked_mul(size_of::<T>())?)?;
            bytemuck::try_cast_slice::<u8, T>(backing.bytes().get(from..to)?).ok().map(drop)
        };
        slice(&**backing)?;
        let values = Yoke::attach_to_cart(backing.clone(), |backing| {
            bytemuck::cast_slice(&backing.bytes()[from..from + len * size_of::<T>()])
        });
        Some(Self { own: Vec::new(), mapped: Some(values) })
    }
}
