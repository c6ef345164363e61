//! Columns as bytes and back, so that a restart need not read every row. Each type writes itself, beside its definition; this
//! file has the numbers, texts and lists they are made of, and the columns as a whole.
//!
//! Knows no files: whoever keeps the bytes makes sure that they are those that were written. Bytes of another layout, other
//! fields or other limits are refused, not interpreted.

use crate::chunked::{Chunked, Grid};
use crate::columns::{ColumnLimits, Columns};
use evalset_model::field::Field;
use std::io::{Error, ErrorKind, Read, Result, Write};
use xxhash_rust::xxh3::Xxh3;

/// Version of the layout: raise it with every change of what any type writes. A test holds it to the bytes.
const LAYOUT: u32 = 1;
/// Numbers are moved in pieces of so many bytes.
const PIECE_BYTES: usize = 64 * 1024;

/// Writes and reads itself.
pub(crate) trait Stored: Sized {
    fn store(&self, out: &mut dyn Write) -> Result<()>;
    fn restore(input: &mut dyn Read) -> Result<Self>;
}

/// What is read is not what was written.
pub(crate) fn odd() -> Error {
    Error::new(ErrorKind::InvalidData, "the columns were not stored like this")
}

macro_rules! numbers {
    ($($number:ty),*) => {$(
        impl Stored for $number {
            fn store(&self, out: &mut dyn Write) -> Result<()> {
                out.write_all(&self.to_le_bytes())
            }

            fn restore(input: &mut dyn Read) -> Result<Self> {
                let mut bytes = [0; size_of::<$number>()];
                input.read_exact(&mut bytes)?;
                Ok(Self::from_le_bytes(bytes))
            }
        }

        impl Stored for Vec<$number> {
            fn store(&self, out: &mut dyn Write) -> Result<()> {
                self.len().store(out)?;
                let mut piece = Vec::with_capacity(PIECE_BYTES);
                for values in self.chunks(PIECE_BYTES / size_of::<$number>()) {
                    piece.clear();
                    for value in values {
                        piece.extend_from_slice(&value.to_le_bytes());
                    }
                    out.write_all(&piece)?;
                }
                Ok(())
            }

            fn restore(input: &mut dyn Read) -> Result<Self> {
                const SIZE: usize = size_of::<$number>();
                let mut left = usize::restore(input)?;
                // Grows with what is there, whatever length is claimed.
                let mut values = Vec::with_capacity(left.min(PIECE_BYTES));
                let mut piece = vec![0; PIECE_BYTES.min(left.saturating_mul(SIZE))];
                while left > 0 {
                    let count = left.min(PIECE_BYTES / SIZE);
                    let bytes = &mut piece[..count * SIZE];
                    input.read_exact(bytes)?;
                    values.extend(bytes.as_chunks::<SIZE>().0.iter().map(|bytes| <$number>::from_le_bytes(*bytes)));
                    left -= count;
                }
                Ok(values)
            }
        }
    )*};
}

numbers!(u8, u16, u32, u64, i32, i64, f64);

impl Stored for usize {
    fn store(&self, out: &mut dyn Write) -> Result<()> {
        (*self as u64).store(out)
    }

    fn restore(input: &mut dyn Read) -> Result<Self> {
        Self::try_from(u64::restore(input)?).map_err(|_| odd())
    }
}

impl Stored for bool {
    fn store(&self, out: &mut dyn Write) -> Result<()> {
        u8::from(*self).store(out)
    }

    fn restore(input: &mut dyn Read) -> Result<Self> {
        match u8::restore(input)? {
            0 => Ok(false),
            1 => Ok(true),
            _ => Err(odd()),
        }
    }
}

impl Stored for String {
    fn store(&self, out: &mut dyn Write) -> Result<()> {
        store_text(self, out)
    }

    fn restore(input: &mut dyn Read) -> Result<Self> {
        Self::from_utf8(Vec::restore(input)?).map_err(|_| odd())
    }
}

/// Writes what [`String`] reads.
pub(crate) fn store_text(text: &str, out: &mut dyn Write) -> Result<()> {
    text.len().store(out)?;
    out.write_all(text.as_bytes())
}

/// Writes a list, each by itself.
pub(crate) fn store_list<T: Stored>(list: &[T], out: &mut dyn Write) -> Result<()> {
    list.len().store(out)?;
    list.iter().try_for_each(|each| each.store(out))
}

/// Reads a list written by [`store_list`].
pub(crate) fn restore_list<T: Stored>(input: &mut dyn Read) -> Result<Vec<T>> {
    let count = usize::restore(input)?;
    let mut list = Vec::with_capacity(count.min(PIECE_BYTES));
    for _ in 0..count {
        list.push(T::restore(input)?);
    }
    Ok(list)
}

impl<C: Stored + Default> Stored for Chunked<C> {
    fn store(&self, out: &mut dyn Write) -> Result<()> {
        self.slots().len().store(out)?;
        for slot in self.slots() {
            slot.is_some().store(out)?;
            slot.as_ref().map_or(Ok(()), |chunk| chunk.store(out))?;
        }
        Ok(())
    }

    fn restore(input: &mut dyn Read) -> Result<Self> {
        let mut chunks = Self::default();
        for chunk in 0..usize::restore(input)? {
            if bool::restore(input)? {
                *chunks.make(chunk) = C::restore(input)?;
            }
        }
        Ok(chunks)
    }
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
    /// Writes the columns.
    pub fn save(&self, out: &mut dyn Write) -> Result<()> {
        LAYOUT.store(out)?;
        fields_hash().store(out)?;
        self.limits().metadata_columns.store(out)?;
        self.grid.store(out)?;
        self.store_parts(out)
    }

    /// Reads columns written by [`Columns::save`]; `InvalidData` when they are of another layout, have other fields or were made
    /// within other limits.
    pub fn load(limits: &ColumnLimits, input: &mut dyn Read) -> Result<Self> {
        let known = u32::restore(input)? == LAYOUT
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
mod tests {
    use super::*;
    use crate::LogRef;
    use evalset_model::log::Scalars;
    use evalset_model::scalar::Scalar;
    use serde_json::{Map, Value, json};
    use xxhash_rust::xxh3::xxh3_64;

    const LIMITS: ColumnLimits = ColumnLimits { metadata_columns: 3 };

    fn map(value: &Value) -> Map<String, Value> {
        value.as_object().unwrap().clone()
    }

    /// Columns in which every part has something: wide and narrow codes, sparse and dense cells, ids of both kinds.
    fn columns() -> Columns {
        let mut columns = Columns::with_chunk_rows(&LIMITS, 64);
        for number in 1..=200_i64 {
            let mut scalars = Scalars::default();
            scalars.set(Field::Timestamp, Some(Scalar::Time(number * 1_000_000_007)));
            scalars.set(Field::Cost, Some(Scalar::Float(number as f64 / 3.0)));
            scalars.set(Field::PromptTokens, Some(Scalar::Int(number)));
            scalars.set_text(Field::Model, format!("m{}", number % 7));
            scalars.set_text(Field::CustomIdentifier, format!("c{number}"));
            let metadata = match number % 4 {
                0 => json!({"tier": "gold", "n": number, "deep": {"a": [1, true], "b": null}}),
                1 => json!({"tier": number, "big": 9_007_199_254_740_993_i64, "more": {"x": 1}}),
                _ => json!({}),
            };
            let scores = json!({"e": {"numerical_value": number, "score_value": number}});
            let id = if number < 130 { format!("{number:032x}") } else { format!("row-{number}") };
            let (metadata, scores) = (map(&metadata), map(&scores));
            let scores = Some(&scores).filter(|_| number % 3 == 0);
            columns.append(number, LogRef { id: &id, scalars: &scalars, metadata: &metadata, scores });
        }
        columns.remove(17);
        columns
    }

    fn bytes(columns: &Columns) -> Vec<u8> {
        let mut bytes = Vec::new();
        columns.save(&mut bytes).unwrap();
        bytes
    }

    #[test]
    fn what_is_loaded_is_what_was_saved() {
        let saved = bytes(&columns());
        let loaded = Columns::load(&LIMITS, &mut saved.as_slice()).unwrap();
        assert_eq!((loaded.len(), loaded.last_row(), loaded.contains(17)), (199, 200, false));
        assert_eq!(bytes(&loaded), saved);
    }

    /// When this fails and `LAYOUT` was not raised, files of the former layout would be read wrongly: raise it, then write the new
    /// value here.
    #[test]
    fn the_layout_is_that_of_its_version() {
        assert_eq!((LAYOUT, xxh3_64(&bytes(&columns())[20..])), (1, 14_069_851_191_000_390_710));
    }

    #[test]
    fn anything_else_is_refused() {
        let saved = bytes(&columns());
        for length in (0..saved.len()).step_by(97) {
            assert!(Columns::load(&LIMITS, &mut &saved[..length]).is_err(), "{length} bytes of {}", saved.len());
        }
        assert!(Columns::load(&ColumnLimits { metadata_columns: 4 }, &mut saved.as_slice()).is_err());
        let mut other = saved;
        other[0] ^= 1;
        assert!(Columns::load(&LIMITS, &mut other.as_slice()).is_err());
    }
}
