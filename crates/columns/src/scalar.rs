//! Columns of the typed fields. Knows the types, not the fields or their meaning.

use crate::chunked::{Chunked, Grid, Place};
use crate::codes::Codes;
use crate::dictionary::Dictionary;
use crate::numbers::{Flags, Floats, Ints};
use crate::snapshot::{Input, Output, Stored};
use evalset_model::scalar::{Kind, Scalar};
use std::io::Result;

/// Texts as codes of one dictionary.
pub struct Texts {
    /// The distinct texts.
    pub dictionary: Dictionary,
    /// Their codes by chunk.
    pub chunks: Chunked<Codes>,
}

/// The values of one typed field.
pub enum ScalarColumn {
    /// See [`Kind::Text`].
    Text(Texts),
    /// See [`Kind::Int`].
    Int(Chunked<Ints>),
    /// See [`Kind::Float`].
    Float(Chunked<Floats>),
    /// See [`Kind::Bool`].
    Bool(Chunked<Flags>),
    /// See [`Kind::Time`].
    Time(Chunked<Ints>),
}

impl ScalarColumn {
    /// An empty column.
    pub fn new(grid: Grid, kind: Kind) -> Self {
        match kind {
            Kind::Text => Self::Text(Texts { dictionary: Dictionary::new(grid), chunks: Chunked::default() }),
            Kind::Int => Self::Int(Chunked::default()),
            Kind::Float => Self::Float(Chunked::default()),
            Kind::Bool => Self::Bool(Chunked::default()),
            Kind::Time => Self::Time(Chunked::default()),
        }
    }

    /// Writes a value; one of another type than the column's is none.
    pub fn set(&mut self, place: Place, value: &Scalar) {
        let Place { chunk, offset } = place;
        match (self, value) {
            (Self::Text(texts), Scalar::Text(text)) => {
                let code = texts.dictionary.intern(text);
                texts.chunks.make(chunk).set(offset, code);
            }
            (Self::Int(chunks), Scalar::Int(number)) | (Self::Time(chunks), Scalar::Time(number)) => {
                chunks.make(chunk).set(offset, Some(*number));
            }
            (Self::Float(chunks), Scalar::Float(number)) => chunks.make(chunk).set(offset, Some(*number)),
            (Self::Bool(chunks), Scalar::Bool(flag)) => chunks.make(chunk).set(offset, Some(*flag)),
            (column, _) => column.clear(place),
        }
    }

    /// Makes it null.
    pub fn clear(&mut self, Place { chunk, offset }: Place) {
        match self {
            Self::Text(texts) => {
                if let Some(codes) = texts.chunks.get_mut(chunk) {
                    codes.set(offset, 0);
                }
            }
            Self::Int(chunks) | Self::Time(chunks) => {
                if let Some(ints) = chunks.get_mut(chunk) {
                    ints.set(offset, None);
                }
            }
            Self::Float(chunks) => {
                if let Some(floats) = chunks.get_mut(chunk) {
                    floats.set(offset, None);
                }
            }
            Self::Bool(chunks) => {
                if let Some(flags) = chunks.get_mut(chunk) {
                    flags.set(offset, None);
                }
            }
        }
    }

    /// The value, when there is one.
    pub fn get(&self, Place { chunk, offset }: Place) -> Option<Scalar> {
        match self {
            Self::Text(texts) => match texts.chunks.get(chunk)?.get(offset) {
                0 => None,
                code => Some(Scalar::Text(texts.dictionary.text(code).to_owned())),
            },
            Self::Int(chunks) => chunks.get(chunk)?.get(offset).map(Scalar::Int),
            Self::Time(chunks) => chunks.get(chunk)?.get(offset).map(Scalar::Time),
            Self::Float(chunks) => chunks.get(chunk)?.get(offset).map(Scalar::Float),
            Self::Bool(chunks) => chunks.get(chunk)?.get(offset).map(Scalar::Bool),
        }
    }

    /// Marks where there is a value.
    pub fn mark_known(&self, chunk: usize, among: &[u64], out: &mut [u64]) {
        match self {
            Self::Text(texts) => {
                if let Some(codes) = texts.chunks.get(chunk) {
                    codes.mark_present(among, out);
                }
            }
            Self::Int(chunks) | Self::Time(chunks) => {
                if let Some(ints) = chunks.get(chunk) {
                    ints.mark_known(among, out);
                }
            }
            Self::Float(chunks) => {
                if let Some(floats) = chunks.get(chunk) {
                    floats.mark_known(among, out);
                }
            }
            Self::Bool(chunks) => {
                if let Some(flags) = chunks.get(chunk) {
                    flags.mark_known(among, out);
                }
            }
        }
    }

    /// Bytes held.
    pub fn memory_bytes(&self) -> usize {
        match self {
            Self::Text(texts) => texts.dictionary.memory_bytes() + texts.chunks.memory_bytes(Codes::memory_bytes),
            Self::Int(chunks) | Self::Time(chunks) => chunks.memory_bytes(Ints::memory_bytes),
            Self::Float(chunks) => chunks.memory_bytes(Floats::memory_bytes),
            Self::Bool(chunks) => chunks.memory_bytes(Flags::memory_bytes),
        }
    }

    /// Bytes a chunk holds.
    pub fn chunk_memory_bytes(&self, chunk: usize) -> usize {
        match self {
            Self::Text(texts) => texts.chunks.get(chunk).map_or(0, Codes::memory_bytes),
            Self::Int(chunks) | Self::Time(chunks) => chunks.get(chunk).map_or(0, Ints::memory_bytes),
            Self::Float(chunks) => chunks.get(chunk).map_or(0, Floats::memory_bytes),
            Self::Bool(chunks) => chunks.get(chunk).map_or(0, Flags::memory_bytes),
        }
    }
}

/// One chunk of a typed column, where it has anything.
pub enum ScalarChunk {
    /// Of [`ScalarColumn::Text`].
    Text(Option<Box<Codes>>),
    /// Of [`ScalarColumn::Int`] and [`ScalarColumn::Time`].
    Int(Option<Box<Ints>>),
    /// Of [`ScalarColumn::Float`].
    Float(Option<Box<Floats>>),
    /// Of [`ScalarColumn::Bool`].
    Bool(Option<Box<Flags>>),
}

impl ScalarChunk {
    /// Reads what [`ScalarColumn::store_chunk`] wrote of a column of this type.
    pub fn restore(kind: Kind, input: &mut Input<'_>) -> Result<Self> {
        Ok(match kind {
            Kind::Text => Self::Text(Stored::restore(input)?),
            Kind::Int | Kind::Time => Self::Int(Stored::restore(input)?),
            Kind::Float => Self::Float(Stored::restore(input)?),
            Kind::Bool => Self::Bool(Stored::restore(input)?),
        })
    }
}

impl ScalarColumn {
    /// Its texts, if it has such.
    pub fn dictionary(&self) -> Option<&Dictionary> {
        if let Self::Text(texts) = self { Some(&texts.dictionary) } else { None }
    }

    /// Its texts for writing, if it has such.
    pub fn dictionary_mut(&mut self) -> Option<&mut Dictionary> {
        if let Self::Text(texts) = self { Some(&mut texts.dictionary) } else { None }
    }

    /// Writes a chunk; which type the values have is for the reader to know.
    pub fn store_chunk(&self, chunk: usize, out: &mut Output<'_>) -> Result<()> {
        match self {
            Self::Text(texts) => texts.chunks.store_slot(chunk, out),
            Self::Int(chunks) | Self::Time(chunks) => chunks.store_slot(chunk, out),
            Self::Float(chunks) => chunks.store_slot(chunk, out),
            Self::Bool(chunks) => chunks.store_slot(chunk, out),
        }
    }

    /// Puts a chunk in place of what is there; one of another type is passed over.
    pub fn put_chunk(&mut self, chunk: usize, values: ScalarChunk) {
        match (self, values) {
            (Self::Text(texts), ScalarChunk::Text(codes)) => texts.chunks.put(chunk, codes),
            (Self::Int(chunks) | Self::Time(chunks), ScalarChunk::Int(ints)) => chunks.put(chunk, ints),
            (Self::Float(chunks), ScalarChunk::Float(floats)) => chunks.put(chunk, floats),
            (Self::Bool(chunks), ScalarChunk::Bool(flags)) => chunks.put(chunk, flags),
            _ => {}
        }
    }
}
