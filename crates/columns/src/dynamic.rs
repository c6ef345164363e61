//! Columns of values of any JSON type: one per metadata path and one per score. Knows JSON and the values of scores,
//! not fields or filters.

use crate::bits;
use crate::cells::{Cell, Cells, Class};
use crate::chunked::{Chunked, Grid, Place};
use crate::dictionary::Dictionary;
use crate::snapshot::{Input, Output, Stored, odd};
use evalset_model::score::{ComparedScore, ComparedScores};
use hashbrown::HashMap;
use serde_json::{Map, Value, json};
use std::io::Result;

/// Levels of nesting that get columns of their own; what lies deeper is looked up in the row.
pub const PATH_LEVELS_MAX: usize = 8;
/// Longer paths get no column.
const PATH_BYTES_MAX: usize = 512;
/// Integers up to this are exact as floats.
const EXACT_INTEGER_MAX: i64 = 1 << 53;

/// The values of one path.
pub struct DynamicColumn {
    /// The distinct strings.
    pub texts: Dictionary,
    /// The distinct JSON texts of arrays, objects and integers that no float holds exactly.
    pub structures: Dictionary,
    /// Values by chunk.
    pub chunks: Chunked<Cells>,
}

impl DynamicColumn {
    fn new(grid: Grid) -> Self {
        Self { texts: Dictionary::new(grid), structures: Dictionary::new(grid), chunks: Chunked::default() }
    }

    /// The cell of a JSON value.
    fn json_cell(&mut self, value: &Value, nested: bool) -> Cell {
        let mut cell = Cell { nested, ..Cell::default() };
        match value {
            Value::Null => cell.class = Class::Null,
            Value::Bool(flag) => cell.class = flag_class(*flag),
            Value::String(text) => {
                cell.class = Class::Text;
                cell.code = self.texts.intern(text);
            }
            Value::Number(number) => {
                cell.number = number.as_f64().unwrap_or(f64::NAN);
                if number.is_f64() {
                    cell.class = Class::Float;
                } else if number.as_i64().is_some_and(|whole| whole.abs_diff(0) <= EXACT_INTEGER_MAX as u64) {
                    cell.class = Class::Integer;
                } else {
                    cell.class = Class::BigInteger;
                    cell.code = self.structures.intern(&number.to_string());
                }
            }
            Value::Array(_) | Value::Object(_) => {
                cell.class = Class::Structure;
                cell.code = self.structures.intern(&value.to_string());
            }
        }
        cell
    }

    /// The cell of a score. Booleans are found as numbers too (contract C.4).
    fn score_cell(&mut self, score: &ComparedScore) -> Cell {
        let mut cell = Cell::default();
        match score {
            ComparedScore::None => cell.class = Class::Null,
            ComparedScore::Number(number) => (cell.class, cell.number) = (Class::Float, *number),
            ComparedScore::Bool(flag) => (cell.class, cell.number) = (flag_class(*flag), f64::from(u8::from(*flag))),
            ComparedScore::Text(text) => (cell.class, cell.code) = (Class::Text, self.texts.intern(text)),
            ComparedScore::Choices(names) => {
                (cell.class, cell.code) = (Class::Structure, self.structures.intern(&json!(names).to_string()));
            }
        }
        cell
    }

    /// The JSON value of a cell; `None` when absent.
    pub fn value(&self, cell: &Cell) -> Option<Value> {
        Some(match cell.class {
            Class::Absent => return None,
            Class::Null => Value::Null,
            Class::No => Value::Bool(false),
            Class::Yes => Value::Bool(true),
            Class::Text => Value::from(self.texts.text(cell.code)),
            Class::Integer => Value::from(cell.number as i64),
            Class::Float => Value::from(cell.number),
            Class::BigInteger | Class::Structure => {
                serde_json::from_str(self.structures.text(cell.code)).unwrap_or(Value::Null)
            }
        })
    }

    fn memory_bytes(&self) -> usize {
        size_of::<Self>()
            + self.texts.memory_bytes()
            + self.structures.memory_bytes()
            + self.chunks.memory_bytes(Cells::memory_bytes)
    }
}

fn flag_class(flag: bool) -> Class {
    if flag { Class::Yes } else { Class::No }
}

/// What the columns are of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shape {
    /// Of a JSON object: a column per key and per dotted path into objects.
    Paths,
    /// Of scores: a column per key and per slug.
    Scores,
}

/// The columns of one map-valued field.
pub struct DynamicColumns {
    shape: Shape,
    columns_max: usize,
    by_path: HashMap<Box<str>, usize>,
    columns: Vec<DynamicColumn>,
    /// Rows with a path that found no column left, as bits by position.
    overflow: Vec<u64>,
    /// Those, and rows with something nested deeper than columns go.
    deep: Vec<u64>,
    /// Rows whose map is not empty, as bits by position.
    filled: Vec<u64>,
    /// Columns written to since this was last cleared.
    written: Vec<u64>,
}

impl DynamicColumns {
    /// Columns it may have.
    pub(crate) fn columns_max(&self) -> usize {
        self.columns_max
    }

    /// No columns yet, and never more than `columns_max`.
    pub fn new(shape: Shape, columns_max: usize) -> Self {
        Self {
            shape,
            columns_max,
            by_path: HashMap::new(),
            columns: Vec::new(),
            overflow: Vec::new(),
            deep: Vec::new(),
            filled: Vec::new(),
            written: Vec::new(),
        }
    }

    /// The column of a path.
    pub fn column(&self, path: &str) -> Option<&DynamicColumn> {
        self.by_path.get(path).map(|index| &self.columns[*index])
    }

    /// Rows for which the columns do not tell what stands under `path`, when there are any.
    pub fn doubtful(&self, path: &str) -> Option<&[u64]> {
        let rows = if self.shape == Shape::Paths && path.matches('.').count() >= PATH_LEVELS_MAX {
            &self.deep
        } else if self.by_path.contains_key(path) {
            return None;
        } else {
            &self.overflow
        };
        (!bits::none(rows)).then_some(rows)
    }

    /// Rows whose map is not empty.
    pub fn filled(&self) -> &[u64] {
        &self.filled
    }

    /// Writes the map of a row that has none yet.
    pub fn set(&mut self, grid: Grid, position: usize, map: &Map<String, Value>) {
        let mut cut = false;
        let overflow = self.set_paths(grid, position, map, &mut cut);
        self.note(position, !map.is_empty(), overflow, cut);
    }

    /// Writes the scores of a row that has none yet.
    pub fn set_scores(&mut self, grid: Grid, position: usize, scores: &ComparedScores) {
        let mut overflow = false;
        for (key, score) in scores.iter() {
            overflow |= !self.put(grid, position, key, |column| column.score_cell(score));
        }
        self.note(position, !scores.is_empty(), overflow, false);
    }

    /// Notes what is known of a row as a whole: whether there is anything, something without a column, something too
    /// deep.
    fn note(&mut self, position: usize, filled: bool, overflow: bool, cut: bool) {
        bits::put(&mut self.filled, position, filled);
        bits::put(&mut self.overflow, position, overflow);
        bits::put(&mut self.deep, position, overflow || cut);
    }

    /// Whether some path was left without a column; sets `cut` when something is nested too deep.
    fn set_paths(&mut self, grid: Grid, position: usize, map: &Map<String, Value>, cut: &mut bool) -> bool {
        let mut overflow = false;
        for (key, value) in map {
            overflow |= !self.put(grid, position, key, |column| column.json_cell(value, false));
            if let Some(inner) = inner(key, value) {
                for (path, value) in flatten(inner, PATH_LEVELS_MAX - 1, cut) {
                    let path = format!("{key}.{path}");
                    if !map.contains_key(&path) {
                        overflow |= !self.put(grid, position, &path, |column| column.json_cell(value, true));
                    }
                }
            }
        }
        overflow
    }

    /// Writes one score beside those the row has.
    pub fn put_score(&mut self, grid: Grid, position: usize, key: &str, slug: Option<&str>, score: &ComparedScore) {
        for path in std::iter::once(key).chain(slug) {
            if !self.put(grid, position, path, |column| column.score_cell(score)) {
                bits::put(&mut self.overflow, position, true);
                bits::put(&mut self.deep, position, true);
            }
        }
        bits::put(&mut self.filled, position, true);
    }

    /// Writes one value; false when the path cannot have a column.
    fn put(&mut self, grid: Grid, position: usize, path: &str, cell: impl FnOnce(&mut DynamicColumn) -> Cell) -> bool {
        let index = match self.by_path.get(path) {
            Some(index) => *index,
            None if self.columns.len() < self.columns_max && path.len() <= PATH_BYTES_MAX => {
                self.by_path.insert(path.into(), self.columns.len());
                self.columns.push(DynamicColumn::new(grid));
                self.columns.len() - 1
            }
            None => return false,
        };
        bits::put(&mut self.written, index, true);
        let column = &mut self.columns[index];
        let cell = cell(column);
        let Place { chunk, offset } = grid.place(position);
        column.chunks.make(chunk).set(offset, cell, sparse_max(grid));
        true
    }

    /// Gives a row another map. Columns that keep their value keep their memory.
    pub fn replace(&mut self, grid: Grid, position: usize, map: &Map<String, Value>) {
        self.written.clear();
        self.set(grid, position, map);
        self.clear_unwritten(grid, position);
    }

    /// Gives a row other scores.
    pub fn replace_scores(&mut self, grid: Grid, position: usize, scores: &ComparedScores) {
        self.written.clear();
        self.set_scores(grid, position, scores);
        self.clear_unwritten(grid, position);
    }

    /// Takes the values of a row out of columns that were not written to.
    fn clear_unwritten(&mut self, grid: Grid, position: usize) {
        let Place { chunk, offset } = grid.place(position);
        for (index, column) in self.columns.iter_mut().enumerate() {
            if !bits::get(&self.written, index)
                && let Some(cells) = column.chunks.get_mut(chunk)
            {
                cells.set(offset, Cell::default(), sparse_max(grid));
            }
        }
    }

    /// Bytes held.
    pub fn memory_bytes(&self) -> usize {
        self.by_path.allocation_size()
            + self.by_path.keys().map(|path| path.len()).sum::<usize>()
            + (self.overflow.capacity() + self.deep.capacity() + self.filled.capacity()) * 8
            + self.columns.iter().map(DynamicColumn::memory_bytes).sum::<usize>()
    }

    /// Bytes a chunk holds.
    pub fn chunk_memory_bytes(&self, chunk: usize) -> usize {
        self.columns.iter().filter_map(|column| column.chunks.get(chunk)).map(Cells::memory_bytes).sum()
    }
}

/// Values of a chunk that are kept as a list; with more, an array by type is smaller and faster.
fn sparse_max(grid: Grid) -> usize {
    grid.rows() / 16
}

/// The object under a key, when paths lead into it: a lookup splits a path at its first dot, so a key with a dot is a
/// dead end.
fn inner<'a>(key: &str, value: &'a Value) -> Option<&'a Map<String, Value>> {
    value.as_object().filter(|_| !key.contains('.'))
}

/// Every path that a lookup in `map` finds, with its value: a key as it stands wins over a path that reads the same.
/// Sets `cut` when something lies deeper than `levels`.
fn flatten<'a>(map: &'a Map<String, Value>, levels: usize, cut: &mut bool) -> Vec<(String, &'a Value)> {
    if levels == 0 {
        *cut |= !map.is_empty();
        return Vec::new();
    }
    let mut found = Vec::new();
    for (key, value) in map {
        found.push((key.clone(), value));
        if let Some(inner) = inner(key, value) {
            let deeper = flatten(inner, levels - 1, cut).into_iter();
            let paths = deeper.map(|(path, value)| (format!("{key}.{path}"), value));
            found.extend(paths.filter(|(path, _)| !map.contains_key(path)));
        }
    }
    found
}

impl DynamicColumns {
    /// All columns, in the order they were made.
    pub fn all(&self) -> &[DynamicColumn] {
        &self.columns
    }

    /// All columns for writing.
    pub fn all_mut(&mut self) -> &mut [DynamicColumn] {
        &mut self.columns
    }

    /// Writes a chunk of every column.
    pub fn store_chunk(&self, chunk: usize, out: &mut Output<'_>) -> Result<()> {
        self.columns.len().store(out)?;
        self.columns.iter().try_for_each(|column| column.chunks.store_slot(chunk, out))
    }

    /// Puts a chunk of the first columns in place of what is there. Later columns had nothing when it was written.
    pub fn put_chunk(&mut self, chunk: usize, cells: Vec<Option<Box<Cells>>>) {
        for (column, cells) in self.columns.iter_mut().zip(cells) {
            column.chunks.put(chunk, cells);
        }
    }

    /// Writes all but the chunks.
    pub fn store_shared(&self, out: &mut Output<'_>) -> Result<()> {
        let mut paths: Vec<_> = self.by_path.iter().collect();
        paths.sort_unstable_by_key(|(_, column)| **column);
        paths.len().store(out)?;
        for (path, column) in paths {
            path.store(out)?;
            column.store(out)?;
        }
        self.columns.len().store(out)?;
        for column in &self.columns {
            column.texts.store(out)?;
            column.structures.store(out)?;
        }
        self.overflow.store(out)?;
        self.deep.store(out)?;
        self.filled.store(out)
    }

    /// Reads what [`DynamicColumns::store_shared`] wrote; the chunks are put after.
    pub fn restore_shared(grid: Grid, shape: Shape, columns_max: usize, input: &mut Input<'_>) -> Result<Self> {
        let mut restored = Self::new(shape, columns_max);
        for _ in 0..usize::restore(input)? {
            restored.by_path.insert(Box::restore(input)?, usize::restore(input)?);
        }
        for _ in 0..usize::restore(input)? {
            let (texts, structures) = (Dictionary::restore(grid, input)?, Dictionary::restore(grid, input)?);
            restored.columns.push(DynamicColumn { texts, structures, chunks: Chunked::default() });
        }
        if restored.by_path.values().any(|column| *column >= restored.columns.len()) {
            return Err(odd());
        }
        (restored.overflow, restored.deep) = (Vec::restore(input)?, Vec::restore(input)?);
        restored.filled = Vec::restore(input)?;
        Ok(restored)
    }
}

/// Reads what [`DynamicColumns::store_chunk`] wrote.
pub fn restore_chunk(input: &mut Input<'_>) -> Result<Vec<Option<Box<Cells>>>> {
    (0..usize::restore(input)?).map(|_| Stored::restore(input)).collect()
}

#[cfg(test)]
mod tests;
