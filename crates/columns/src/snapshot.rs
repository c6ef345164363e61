//! Columns as bytes and back, so that a restart need not read every row. Each type writes itself, beside its
//! definition; this file has the numbers, texts and lists they are made of, and the columns as a whole.
//!
//! What lies in files of its own (`seal`) is written as a reference to them. Knows no files: whoever keeps the bytes
//! makes sure that they are those that were written. Bytes of another layout, other fields or other limits are refused,
//! not interpreted.

use crate::chunked::Grid;
use crate::columns::{ColumnLimits, Columns};
use crate::slab::{ALIGNMENT, Backing, Slab};
use bytemuck::Pod;
use evalset_model::field::Field;
use std::io::{Error, ErrorKind, Read, Result, Write};
use std::sync::Arc;
use xxhash_rust::xxh3::Xxh3;

/// Version of the layout: raise it with every change of what any type writes. A test holds it to the bytes.
const LAYOUT: u32 = 2;
/// Numbers lie as the machine has them; one that has them otherwise reads another number here.
const BYTE_ORDER: u32 = u32::from_ne_bytes([1, 2, 3, 4]);
/// Values are moved in pieces of so many bytes.
const PIECE_BYTES: usize = 64 * 1024;

/// Writes and reads itself.
pub(crate) trait Stored: Sized {
    fn store(&self, out: &mut Output<'_>) -> Result<()>;
    fn restore(input: &mut Input<'_>) -> Result<Self>;
}

/// What is read is not what was written.
pub(crate) fn odd() -> Error {
    Error::new(ErrorKind::InvalidData, "the columns were not stored like this")
}

/// A file that a snapshot refers to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct FileRef {
    /// See [`Backing::id`].
    pub id: u64,
    /// See [`Backing::checksum`].
    pub checksum: u64,
    /// Bytes it has.
    pub length: u64,
}

impl FileRef {
    /// Of an open file.
    pub fn of(backing: &dyn Backing) -> Self {
        Self { id: backing.id(), checksum: backing.checksum(), length: backing.bytes().len() as u64 }
    }
}

/// Opens files by reference.
pub type Files<'a> = &'a dyn Fn(&FileRef) -> Result<Arc<dyn Backing>>;

/// Where bytes go.
pub(crate) struct Output<'a> {
    inner: &'a mut dyn Write,
    at: usize,
}

impl<'a> Output<'a> {
    /// From the beginning of a file.
    pub fn new(inner: &'a mut dyn Write) -> Self {
        Self { inner, at: 0 }
    }

    /// Bytes written.
    pub fn at(&self) -> usize {
        self.at
    }

    fn bytes(&mut self, bytes: &[u8]) -> Result<()> {
        self.at += bytes.len();
        self.inner.write_all(bytes)
    }

    /// Goes on at a multiple of [`ALIGNMENT`].
    pub fn align(&mut self) -> Result<()> {
        self.bytes(&[0; ALIGNMENT][..padding(self.at)])
    }
}

fn padding(at: usize) -> usize {
    at.next_multiple_of(ALIGNMENT) - at
}

enum Source<'a> {
    Stream(&'a mut dyn Read),
    File(Arc<dyn Backing>),
}

/// Where bytes come from. Values are read from a stream into memory, and left where they are in a file.
pub(crate) struct Input<'a> {
    source: Source<'a>,
    at: usize,
    files: Files<'a>,
}

impl<'a> Input<'a> {
    /// From the beginning of a stream, with the files it refers to.
    pub fn stream(stream: &'a mut dyn Read, files: Files<'a>) -> Self {
        Self { source: Source::Stream(stream), at: 0, files }
    }

    /// From a byte of a file on.
    pub fn file(file: Arc<dyn Backing>, at: usize) -> Input<'static> {
        Input { source: Source::File(file), at, files: &|_| Err(odd()) }
    }

    /// Opens a file that is referred to.
    pub fn open(&self, file: &FileRef) -> Result<Arc<dyn Backing>> {
        (self.files)(file)
    }

    fn bytes(&mut self, into: &mut [u8]) -> Result<()> {
        match &mut self.source {
            Source::Stream(stream) => stream.read_exact(into)?,
            Source::File(file) => {
                let there = file.bytes().get(self.at..self.at.saturating_add(into.len())).ok_or_else(odd)?;
                into.copy_from_slice(there);
            }
        }
        self.at += into.len();
        Ok(())
    }

    fn align(&mut self) -> Result<()> {
        self.bytes(&mut [0; ALIGNMENT][..padding(self.at)])
    }

    fn values<T: Pod>(&mut self) -> Result<Slab<T>> {
        let len = usize::restore(self)?;
        self.align()?;
        let Source::File(file) = &self.source else { return self.read_values(len).map(Slab::from) };
        let slab = Slab::mapped(file, self.at, len).ok_or_else(odd)?;
        self.at += len * size_of::<T>();
        Ok(slab)
    }

    /// Grows with what is there, whatever length is claimed.
    fn read_values<T: Pod>(&mut self, mut left: usize) -> Result<Vec<T>> {
        let piece = PIECE_BYTES / size_of::<T>();
        let mut values = Vec::with_capacity(left.min(piece));
        while left > 0 {
            let (start, count) = (values.len(), left.min(piece));
            values.resize(start + count, T::zeroed());
            self.bytes(bytemuck::cast_slice_mut(&mut values[start..]))?;
            left -= count;
        }
        Ok(values)
    }
}

macro_rules! numbers {
    ($($number:ty),*) => {$(
        impl Stored for $number {
            fn store(&self, out: &mut Output<'_>) -> Result<()> {
                out.bytes(&self.to_ne_bytes())
            }

            fn restore(input: &mut Input<'_>) -> Result<Self> {
                let mut bytes = [0; size_of::<$number>()];
                input.bytes(&mut bytes)?;
                Ok(Self::from_ne_bytes(bytes))
            }
        }
    )*};
}

numbers!(u8, u16, u32, u64, i32, i64, f64);

fn store_values<T: Pod>(values: &[T], out: &mut Output<'_>) -> Result<()> {
    values.len().store(out)?;
    out.align()?;
    out.bytes(bytemuck::cast_slice(values))
}

impl<T: Pod> Stored for Slab<T> {
    fn store(&self, out: &mut Output<'_>) -> Result<()> {
        store_values(self, out)
    }

    fn restore(input: &mut Input<'_>) -> Result<Self> {
        input.values()
    }
}

impl<T: Pod> Stored for Vec<T> {
    fn store(&self, out: &mut Output<'_>) -> Result<()> {
        store_values(self, out)
    }

    fn restore(input: &mut Input<'_>) -> Result<Self> {
        let len = usize::restore(input)?;
        input.align()?;
        input.read_values(len)
    }
}

impl Stored for usize {
    fn store(&self, out: &mut Output<'_>) -> Result<()> {
        (*self as u64).store(out)
    }

    fn restore(input: &mut Input<'_>) -> Result<Self> {
        Self::try_from(u64::restore(input)?).map_err(|_| odd())
    }
}

impl Stored for bool {
    fn store(&self, out: &mut Output<'_>) -> Result<()> {
        u8::from(*self).store(out)
    }

    fn restore(input: &mut Input<'_>) -> Result<Self> {
        match u8::restore(input)? {
            0 => Ok(false),
            1 => Ok(true),
            _ => Err(odd()),
        }
    }
}

impl Stored for Box<str> {
    fn store(&self, out: &mut Output<'_>) -> Result<()> {
        self.len().store(out)?;
        out.bytes(self.as_bytes())
    }

    fn restore(input: &mut Input<'_>) -> Result<Self> {
        let len = usize::restore(input)?;
        String::from_utf8(input.read_values(len)?).map(Self::from).map_err(|_| odd())
    }
}

impl Stored for FileRef {
    fn store(&self, out: &mut Output<'_>) -> Result<()> {
        self.id.store(out)?;
        self.checksum.store(out)?;
        self.length.store(out)
    }

    fn restore(input: &mut Input<'_>) -> Result<Self> {
        Ok(Self { id: u64::restore(input)?, checksum: u64::restore(input)?, length: u64::restore(input)? })
    }
}

impl<T: Stored> Stored for Option<T> {
    fn store(&self, out: &mut Output<'_>) -> Result<()> {
        self.is_some().store(out)?;
        self.as_ref().map_or(Ok(()), |value| value.store(out))
    }

    fn restore(input: &mut Input<'_>) -> Result<Self> {
        if bool::restore(input)? { T::restore(input).map(Some) } else { Ok(None) }
    }
}

impl<T: Stored> Stored for Box<T> {
    fn store(&self, out: &mut Output<'_>) -> Result<()> {
        (**self).store(out)
    }

    fn restore(input: &mut Input<'_>) -> Result<Self> {
        T::restore(input).map(Self::new)
    }
}

/// Writes a list, each by itself.
pub(crate) fn store_list<T: Stored>(list: &[T], out: &mut Output<'_>) -> Result<()> {
    list.len().store(out)?;
    list.iter().try_for_each(|each| each.store(out))
}

/// Reads a list written by [`store_list`].
pub(crate) fn restore_list<T: Stored>(input: &mut Input<'_>) -> Result<Vec<T>> {
    let count = usize::restore(input)?;
    let mut list = Vec::with_capacity(count.min(PIECE_BYTES));
    for _ in 0..count {
        list.push(T::restore(input)?);
    }
    Ok(list)
}

/// Tells the fields and their types from those of another version of the program.
fn fields_hash() -> u64 {
    let mut hash = Xxh3::new();
    for field in Field::ALL {
        hash.update(format!("{}:{:?};", field.name(), field.kind()).as_bytes());
    }
    hash.digest()
}

impl Columns {
    /// Writes the columns; what lies in files as a reference to them.
    pub fn save(&self, out: &mut dyn Write) -> Result<()> {
        let out = &mut Output::new(out);
        LAYOUT.store(out)?;
        BYTE_ORDER.store(out)?;
        fields_hash().store(out)?;
        self.limits().metadata_columns.store(out)?;
        self.grid.store(out)?;
        self.store_parts(out)
    }

    /// Reads columns written by [`Columns::save`]; `InvalidData` when they are of another layout, have other fields or
    /// were made within other limits.
    pub fn load(limits: &ColumnLimits, input: &mut dyn Read, files: Files<'_>) -> Result<Self> {
        let input = &mut Input::stream(input, files);
        let known = u32::restore(input)? == LAYOUT
            && u32::restore(input)? == BYTE_ORDER
            && u64::restore(input)? == fields_hash()
            && usize::restore(input)? == limits.metadata_columns;
        if !known {
            return Err(odd());
        }
        let grid = Grid::restore(input)?;
        Self::restore_parts(grid, *limits, input)
    }
}

#[cfg(test)]
mod tests;
