//! Parts of columns that rest in files: full chunks, and full segments of dictionaries.
//!
//! A part is drafted from the columns, written by whoever keeps files, read back from there and then put in place of
//! what was drafted, unless that was written to meanwhile. So the columns are read while they are drafted, written for
//! a moment when the part is put back, and free in between.

use crate::cells::Cells;
use crate::columns::Columns;
use crate::dictionary::{Dictionary, Segment};
use crate::dynamic::{DynamicColumns, restore_chunk};
use crate::ids::IdChunk;
use crate::scalar::{ScalarChunk, ScalarColumn};
use crate::slab::{Backing, Slab};
use crate::snapshot::{Input, Output, Stored, odd};
use crate::watch::Watched;
use evalset_model::field::Field;
use std::io::Result;
use std::sync::Arc;

/// One chunk of all columns.
pub(crate) struct Chunk {
    numbers: Slab<i64>,
    ids: IdChunk,
    scalars: Vec<ScalarChunk>,
    metadata: Vec<Option<Box<Cells>>>,
    scores: Vec<Option<Box<Cells>>>,
}

impl Chunk {
    /// Reads what [`Columns::store_chunk`] wrote.
    pub fn restore(input: &mut Input<'_>) -> Result<Self> {
        let (numbers, ids) = (Slab::restore(input)?, IdChunk::restore(input)?);
        let scalars =
            Field::ALL.iter().map(|field| ScalarChunk::restore(field.kind(), input)).collect::<Result<_>>()?;
        let (metadata, scores) = (restore_chunk(input)?, restore_chunk(input)?);
        let chunk = Self { numbers, ids, scalars, metadata, scores };
        if chunk.numbers.len() == chunk.ids.len() { Ok(chunk) } else { Err(odd()) }
    }

    /// Rows it has.
    pub fn rows(&self) -> usize {
        self.numbers.len()
    }
}

/// A part of columns that may rest in a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Part {
    /// A full chunk, by number.
    Chunk(usize),
    /// A full segment of a dictionary.
    Texts(TextsOf, usize),
}

/// Which dictionary.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum TextsOf {
    /// Of the typed field with this number.
    Field(usize),
    /// Strings of the metadata column with this number.
    MetadataTexts(usize),
    /// Arrays and objects of it.
    MetadataStructures(usize),
    /// Strings of the score column with this number.
    ScoreTexts(usize),
    /// Arrays and objects of it.
    ScoreStructures(usize),
}

/// Parts as bytes, to be written to one file from its beginning.
pub struct Draft {
    parts: Vec<Drafted>,
    bytes: Vec<u8>,
}

struct Drafted {
    part: Part,
    /// Where it begins.
    at: usize,
    /// Writes that the chunk had seen.
    writes: u64,
}

/// Parts that lie in a file, to be put in place.
pub struct Sealed {
    file: Arc<dyn Backing>,
    parts: Vec<(Drafted, Read)>,
}

enum Read {
    Chunk(Box<Chunk>),
    Texts(Box<Segment>),
}

impl Draft {
    /// What the file has to hold.
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// The parts as they lie in the file that now holds these bytes. `InvalidData` when it holds others.
    pub fn sealed(self, file: &Arc<dyn Backing>) -> Result<Sealed> {
        let read = |drafted: Drafted| {
            let mut input = Input::file(file.clone(), drafted.at);
            let read = match drafted.part {
                Part::Chunk(_) => Read::Chunk(Box::new(Chunk::restore(&mut input)?)),
                Part::Texts(..) => {
                    Read::Texts(Box::new(Segment::restore_texts(Some((file.clone(), drafted.at)), &mut input)?))
                }
            };
            Ok((drafted, read))
        };
        let parts = self.parts.into_iter().map(read).collect::<Result<_>>()?;
        Ok(Sealed { parts, file: file.clone() })
    }
}

impl Columns {
    /// Full chunks and segments that do not lie in a file as they are, with the number of writes each chunk has seen.
    pub fn unsealed(&self) -> Vec<(Part, u64)> {
        let mut parts: Vec<(Part, u64)> = Vec::new();
        for (of, dictionary) in self.dictionaries() {
            parts.extend(dictionary.unsealed().map(|segment| (Part::Texts(of, segment), 0)));
        }
        for (chunk, numbers) in self.numbers.iter().enumerate() {
            if numbers.len() == self.grid.rows() && self.file_of(chunk).is_none() {
                parts.push((Part::Chunk(chunk), self.writes_of(chunk)));
            }
        }
        parts
    }

    /// Bytes of memory that full chunks hold which do not lie in a file as they are.
    pub fn unsealed_bytes(&self) -> usize {
        let full = |chunk: &usize| self.numbers[*chunk].len() == self.grid.rows();
        let unsealed = (0..self.chunks()).filter(|chunk| full(chunk) && self.file_of(*chunk).is_none());
        unsealed.map(|chunk| self.chunk_memory_bytes(chunk)).sum()
    }

    fn chunk_memory_bytes(&self, chunk: usize) -> usize {
        self.numbers[chunk].memory_bytes()
            + self.ids.chunk(chunk).map_or(0, IdChunk::memory_bytes)
            + self.scalars.iter().map(|column| column.chunk_memory_bytes(chunk)).sum::<usize>()
            + self.metadata.chunk_memory_bytes(chunk)
            + self.scores.chunk_memory_bytes(chunk)
    }

    /// Some parts as bytes for one file.
    pub fn draft(&self, parts: &[Part]) -> Result<Draft> {
        let (mut bytes, mut drafted) = (Vec::new(), Vec::new());
        let mut out = Output::new(&mut bytes);
        for part in parts {
            out.align()?;
            let (at, mut writes) = (out.at(), 0);
            match *part {
                Part::Chunk(chunk) => {
                    writes = self.writes_of(chunk);
                    self.store_chunk(chunk, &mut out)?;
                }
                Part::Texts(of, segment) => {
                    let segment = self.dictionary(of).and_then(|texts| texts.segment(segment)).ok_or_else(odd)?;
                    segment.store_texts(&mut out)?;
                }
            }
            drafted.push(Drafted { part: *part, at, writes });
        }
        Ok(Draft { parts: drafted, bytes })
    }

    /// Puts parts that lie in a file in place of what they were drafted from, but for chunks written to since.
    pub fn adopt(&mut self, sealed: Sealed) {
        for (drafted, read) in sealed.parts {
            match (drafted.part, read) {
                (Part::Chunk(chunk), Read::Chunk(values)) if self.writes_of(chunk) == drafted.writes => {
                    self.put_chunk(chunk, *values, Some(sealed.file.clone()));
                }
                (Part::Texts(of, index), Read::Texts(segment)) => {
                    if let Some(dictionary) = self.dictionary_mut(of) {
                        dictionary.put_segment(index, *segment);
                    }
                }
                _ => {}
            }
        }
    }

    /// The files that parts rest in, each once.
    pub fn files(&self) -> Vec<Arc<dyn Backing>> {
        let mut files: Vec<Arc<dyn Backing>> = self.files.iter().flatten().cloned().collect();
        files.extend(self.dictionaries().flat_map(|(_, dictionary)| dictionary.files().cloned()));
        files.sort_unstable_by_key(|file| file.id());
        files.dedup_by_key(|file| file.id());
        files
    }

    fn file_of(&self, chunk: usize) -> Option<&Arc<dyn Backing>> {
        self.files.get(chunk).and_then(Option::as_ref)
    }

    fn writes_of(&self, chunk: usize) -> u64 {
        self.writes.get(chunk).copied().unwrap_or(0)
    }

    /// Writes a chunk of all columns.
    pub(crate) fn store_chunk(&self, chunk: usize, out: &mut Output<'_>) -> Result<()> {
        self.numbers.get(chunk).ok_or_else(odd)?.store(out)?;
        self.ids.chunk(chunk).ok_or_else(odd)?.store(out)?;
        self.scalars.iter().try_for_each(|column| column.store_chunk(chunk, out))?;
        self.metadata.store_chunk(chunk, out)?;
        self.scores.store_chunk(chunk, out)
    }

    /// Puts a chunk in place of what is there, or after all others.
    pub(crate) fn put_chunk(&mut self, chunk: usize, values: Chunk, file: Option<Arc<dyn Backing>>) {
        match self.numbers.get_mut(chunk) {
            Some(numbers) => *numbers = values.numbers,
            None => self.numbers.push(values.numbers),
        }
        self.ids.put_chunk(chunk, values.ids);
        for (column, values) in self.scalars.iter_mut().zip(values.scalars) {
            column.put_chunk(chunk, values);
        }
        self.metadata.put_chunk(chunk, values.metadata);
        self.scores.put_chunk(chunk, values.scores);
        if chunk >= self.files.len() {
            self.files.resize(chunk + 1, None);
        }
        if let Some(file) = &file {
            self.watch = Watched::of(&**file);
        }
        self.files[chunk] = file;
    }

    fn dictionaries(&self) -> impl Iterator<Item = (TextsOf, &Dictionary)> {
        let fields = self.scalars.iter().enumerate();
        fields
            .filter_map(|(at, column)| Some((TextsOf::Field(at), column.dictionary()?)))
            .chain(dynamic(&self.metadata, TextsOf::MetadataTexts, TextsOf::MetadataStructures))
            .chain(dynamic(&self.scores, TextsOf::ScoreTexts, TextsOf::ScoreStructures))
    }

    fn dictionary(&self, of: TextsOf) -> Option<&Dictionary> {
        match of {
            TextsOf::Field(at) => self.scalars.get(at).and_then(ScalarColumn::dictionary),
            TextsOf::MetadataTexts(at) => self.metadata.all().get(at).map(|column| &column.texts),
            TextsOf::MetadataStructures(at) => self.metadata.all().get(at).map(|column| &column.structures),
            TextsOf::ScoreTexts(at) => self.scores.all().get(at).map(|column| &column.texts),
            TextsOf::ScoreStructures(at) => self.scores.all().get(at).map(|column| &column.structures),
        }
    }

    fn dictionary_mut(&mut self, of: TextsOf) -> Option<&mut Dictionary> {
        match of {
            TextsOf::Field(at) => self.scalars.get_mut(at).and_then(ScalarColumn::dictionary_mut),
            TextsOf::MetadataTexts(at) => self.metadata.all_mut().get_mut(at).map(|column| &mut column.texts),
            TextsOf::MetadataStructures(at) => self.metadata.all_mut().get_mut(at).map(|column| &mut column.structures),
            TextsOf::ScoreTexts(at) => self.scores.all_mut().get_mut(at).map(|column| &mut column.texts),
            TextsOf::ScoreStructures(at) => self.scores.all_mut().get_mut(at).map(|column| &mut column.structures),
        }
    }
}

fn dynamic(
    columns: &DynamicColumns,
    texts: fn(usize) -> TextsOf,
    structures: fn(usize) -> TextsOf,
) -> impl Iterator<Item = (TextsOf, &Dictionary)> {
    let each = columns.all().iter().enumerate();
    each.flat_map(move |(at, column)| [(texts(at), &column.texts), (structures(at), &column.structures)])
}
