//! Sort keys: each value of a column as a 64-bit number that orders like the values do. Knows columns, not pages.
//!
//! A sort is a list of parts, one after the other: one per type of value, then the rows without any.

use crate::bits;
use crate::cells::{Cell, Cells, Class};
use crate::chunked::{Chunked, Grid};
use crate::codes::Codes;
use crate::dictionary::{Code, Dictionary};
use crate::dynamic::{DynamicColumn, Shape};
use crate::ids::Ids;
use crate::numbers::{Flags, Floats, Ints};
use crate::scalar::ScalarColumn;
use std::cmp::Ordering;

/// Values of one type of one column, or the rows that have none.
pub struct Part<'a> {
    pub(crate) source: Source<'a>,
    pub(crate) descending: bool,
    pub(crate) grid: Grid,
}

/// Where the keys of a part come from.
pub(crate) enum Source<'a> {
    Int(&'a Chunked<Ints>),
    Float(&'a Chunked<Floats>),
    Flag(&'a Chunked<Flags>),
    Text(&'a Chunked<Codes>, Ranked<'a>),
    Id(&'a Ids),
    DynamicNumber(&'a DynamicColumn),
    DynamicText(&'a DynamicColumn, Ranked<'a>),
    DynamicFlag(&'a DynamicColumn),
    DynamicStructure(&'a DynamicColumn, Ranked<'a>),
    /// Rows without a value.
    Missing(Without<'a>),
}

/// What the rows are without.
pub(crate) enum Without<'a> {
    Anything,
    Scalar(&'a ScalarColumn),
    Dynamic(&'a DynamicColumn),
}

/// Order of a dictionary's texts.
#[derive(Clone, Copy)]
pub(crate) struct Ranked<'a> {
    pub(crate) dictionary: &'a Dictionary,
    /// By code, when the dictionary is small.
    pub(crate) ranks: Option<&'a [u32]>,
}

impl<'a> Ranked<'a> {
    fn new(dictionary: &'a Dictionary) -> Self {
        Self { dictionary, ranks: dictionary.ranks() }
    }

    fn key(&self, code: Code) -> u64 {
        match self.ranks {
            Some(ranks) => ranks.get(code as usize).copied().map_or(0, u64::from),
            None => self.dictionary.prefix(code),
        }
    }

    fn compare(&self, left: Code, right: Code) -> Ordering {
        self.dictionary.bytes(left).cmp(self.dictionary.bytes(right))
    }
}

/// The key of an integer.
pub fn int_key(value: i64) -> u64 {
    value as u64 ^ 1 << 63
}

/// The key of a number that is not NaN. Both zeros are equal, as they are to a filter.
pub fn float_key(value: f64) -> u64 {
    let pattern = if value == 0.0 { 0 } else { value.to_bits() };
    if pattern >> 63 == 1 { !pattern } else { pattern | 1 << 63 }
}

/// The integer of a key.
pub fn int_of_key(key: u64) -> i64 {
    (key ^ 1 << 63) as i64
}

/// The number of a key.
pub fn float_of_key(key: u64) -> f64 {
    f64::from_bits(if key >> 63 == 1 { key ^ 1 << 63 } else { !key })
}

/// The parts of a sort by a typed column.
pub fn scalar_parts(grid: Grid, column: &ScalarColumn, descending: bool) -> Vec<Part<'_>> {
    let source = match column {
        ScalarColumn::Text(texts) => Source::Text(&texts.chunks, Ranked::new(&texts.dictionary)),
        ScalarColumn::Int(chunks) | ScalarColumn::Time(chunks) => Source::Int(chunks),
        ScalarColumn::Float(chunks) => Source::Float(chunks),
        ScalarColumn::Bool(chunks) => Source::Flag(chunks),
    };
    let missing = Source::Missing(Without::Scalar(column));
    vec![Part { source, descending, grid }, Part { source: missing, descending: false, grid }]
}

/// The parts of a sort by a column of any JSON type: numbers, strings, booleans, arrays and objects; turned round as a
/// whole when descending. Booleans that count as numbers are among those.
pub fn dynamic_parts(grid: Grid, column: Option<&DynamicColumn>, shape: Shape, descending: bool) -> Vec<Part<'_>> {
    let Some(column) = column else { return missing_part(grid) };
    let mut sources = vec![Source::DynamicNumber(column), Source::DynamicText(column, Ranked::new(&column.texts))];
    if shape == Shape::Paths {
        sources.push(Source::DynamicFlag(column));
    }
    sources.push(Source::DynamicStructure(column, Ranked::new(&column.structures)));
    if descending {
        sources.reverse();
    }
    let mut parts: Vec<Part<'_>> = sources.into_iter().map(|source| Part { source, descending, grid }).collect();
    parts.push(Part { source: Source::Missing(Without::Dynamic(column)), descending: false, grid });
    parts
}

/// The parts of a sort by id.
pub fn id_parts(grid: Grid, ids: &Ids, descending: bool) -> Vec<Part<'_>> {
    vec![Part { source: Source::Id(ids), descending, grid }]
}

/// All rows are without a value.
pub fn missing_part<'a>(grid: Grid) -> Vec<Part<'a>> {
    vec![Part { source: Source::Missing(Without::Anything), descending: false, grid }]
}

impl Part<'_> {
    /// Whether rows with equal keys have equal values.
    pub fn exact(&self) -> bool {
        match &self.source {
            Source::Text(_, ranked) | Source::DynamicText(_, ranked) | Source::DynamicStructure(_, ranked) => {
                ranked.ranks.is_some()
            }
            Source::Id(ids) => ids.ascend(),
            _ => true,
        }
    }

    /// Order of two rows of this part whose keys are equal but need not tell all.
    pub fn compare(&self, left: usize, right: usize) -> Ordering {
        let (a, b) = (self.grid.place(left), self.grid.place(right));
        let code = |chunks: &Chunked<Codes>, place: crate::chunked::Place| {
            chunks.get(place.chunk).map_or(0, |codes| codes.get(place.offset))
        };
        let cell = |column: &DynamicColumn, place: crate::chunked::Place| {
            column.chunks.get(place.chunk).map_or(0, |cells| cells.get(place.offset).code)
        };
        let order = match &self.source {
            Source::Text(chunks, ranked) => ranked.compare(code(chunks, a), code(chunks, b)),
            Source::DynamicText(column, ranked) | Source::DynamicStructure(column, ranked) => {
                ranked.compare(cell(column, a), cell(column, b))
            }
            Source::Id(ids) => ids.compare(left, right),
            _ => Ordering::Equal,
        };
        if self.descending { order.reverse() } else { order }
    }

    /// What tells orders of this part from those of the others of the same sort; none when they are not kept: by rising
    /// ids rows lie in order, and rows without a value have none but that of their ids.
    pub fn kind(&self) -> Option<u8> {
        match &self.source {
            Source::Missing(_) => None,
            Source::Id(ids) => (!ids.ascend()).then_some(0),
            Source::Int(_) | Source::Float(_) | Source::Flag(_) | Source::Text(..) | Source::DynamicNumber(_) => {
                Some(0)
            }
            Source::DynamicText(..) => Some(1),
            Source::DynamicFlag(_) => Some(2),
            Source::DynamicStructure(..) => Some(3),
        }
    }

    /// The key of a row, if it belongs to this part, as [`Part::each`] gives it.
    pub fn key_at(&self, position: usize) -> Option<u64> {
        let place = self.grid.place(position);
        let (chunk, at) = (place.chunk, place.offset);
        let cells =
            |column: &DynamicColumn| column.chunks.get(chunk).and_then(|cells| self.dynamic_key(&cells.get(at)));
        let key = match &self.source {
            Source::Int(chunks) => chunks.get(chunk)?.get(at).map(int_key),
            Source::Float(chunks) => chunks.get(chunk)?.get(at).map(float_key),
            Source::Flag(chunks) => chunks.get(chunk)?.get(at).map(u64::from),
            Source::Text(chunks, ranked) => {
                Some(chunks.get(chunk)?.get(at)).filter(|code| *code != 0).map(|code| ranked.key(code))
            }
            Source::Id(ids) if ids.ascend() => Some(position as u64),
            Source::Id(ids) => Some(ids.head(position)),
            Source::Missing(_) => None,
            Source::DynamicNumber(column)
            | Source::DynamicText(column, _)
            | Source::DynamicFlag(column)
            | Source::DynamicStructure(column, _) => cells(column),
        };
        key.map(|key| if self.descending { !key } else { key })
    }

    fn dynamic_key(&self, cell: &Cell) -> Option<u64> {
        match &self.source {
            Source::DynamicNumber(_) => cell.number().map(float_key),
            Source::DynamicText(_, ranked) => (cell.class == Class::Text).then(|| ranked.key(cell.code)),
            Source::DynamicStructure(_, ranked) => (cell.class == Class::Structure).then(|| ranked.key(cell.code)),
            _ => matches!(cell.class, Class::No | Class::Yes).then_some(u64::from(cell.class == Class::Yes)),
        }
    }

    /// Visits position and key of those rows of a chunk that belong to this part. Lower keys come first in either
    /// direction.
    pub fn each(&self, chunk: usize, rows: &[u64], mut visit: impl FnMut(usize, u64)) {
        let start = self.grid.start(chunk);
        let flip = if self.descending { u64::MAX } else { 0 };
        let mut see = |at: usize, key: u64| visit(start + at, key ^ flip);
        match &self.source {
            Source::Int(chunks) => {
                if let Some(ints) = chunks.get(chunk) {
                    ints.each(rows, |at, value| see(at, int_key(value)));
                }
            }
            Source::Float(chunks) => {
                if let Some(floats) = chunks.get(chunk) {
                    floats.each(rows, |at, value| see(at, float_key(value)));
                }
            }
            Source::Flag(chunks) => {
                let Some(flags) = chunks.get(chunk) else { return };
                bits::each(rows, |at| {
                    if let Some(flag) = flags.get(at) {
                        see(at, u64::from(flag));
                    }
                });
            }
            Source::Text(chunks, ranked) => {
                if let Some(codes) = chunks.get(chunk) {
                    codes.each(rows, |at, code| see(at, ranked.key(code)));
                }
            }
            Source::Id(ids) if ids.ascend() => bits::each(rows, |at| see(at, (start + at) as u64)),
            Source::Id(ids) => bits::each(rows, |at| see(at, ids.head(start + at))),
            Source::Missing(without) => bits::each(&without.rows(chunk, rows), |at| see(at, 0)),
            Source::DynamicNumber(column)
            | Source::DynamicText(column, _)
            | Source::DynamicFlag(column)
            | Source::DynamicStructure(column, _) => {
                if let Some(cells) = column.chunks.get(chunk) {
                    self.each_dynamic(cells, rows, see);
                }
            }
        }
    }

    fn each_dynamic(&self, cells: &Cells, rows: &[u64], mut see: impl FnMut(usize, u64)) {
        match (&self.source, cells) {
            (Source::DynamicNumber(_), Cells::Dense(dense)) => {
                return dense.numbers.each(rows, |at, value| see(at, float_key(value)));
            }
            (Source::DynamicText(_, ranked), Cells::Dense(dense)) => {
                return dense.texts.each(rows, |at, code| see(at, ranked.key(code)));
            }
            (Source::DynamicStructure(_, ranked), Cells::Dense(dense)) => {
                // Integers too big for a float have a code here as well.
                let mut structures = vec![0; rows.len()];
                dense.mark_class(Class::Structure, rows, &mut structures);
                return dense.structures.each(&structures, |at, code| see(at, ranked.key(code)));
            }
            (Source::DynamicFlag(_), Cells::Dense(dense)) => {
                for (key, class) in [(0, Class::No), (1, Class::Yes)] {
                    let mut flags = vec![0; rows.len()];
                    dense.mark_class(class, rows, &mut flags);
                    bits::each(&flags, |at| see(at, key));
                }
                return;
            }
            _ => {}
        }
        match cells {
            Cells::Sparse(sparse) => {
                for (at, cell) in sparse.iter().filter(|(at, _)| bits::get(rows, *at)) {
                    if let Some(key) = self.dynamic_key(&cell) {
                        see(at, key);
                    }
                }
            }
            Cells::Dense(dense) => bits::each(rows, |at| {
                if let Some(key) = self.dynamic_key(&dense.get(at)) {
                    see(at, key);
                }
            }),
        }
    }
}

impl Without<'_> {
    fn rows(&self, chunk: usize, rows: &[u64]) -> Vec<u64> {
        let mut left = rows.to_vec();
        let mut known = vec![0; rows.len()];
        match self {
            Self::Anything => {}
            Self::Scalar(column) => column.mark_known(chunk, rows, &mut known),
            Self::Dynamic(column) => {
                if let Some(cells) = column.chunks.get(chunk) {
                    cells.mark_classes(rows, &mut known, Class::known);
                }
            }
        }
        bits::minus(&mut left, &known);
        left
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_order_like_their_numbers() {
        let floats = [f64::NEG_INFINITY, -2.5, -f64::MIN_POSITIVE, 0.0, f64::MIN_POSITIVE, 1.0, 1e300, f64::INFINITY];
        assert!(floats.is_sorted_by(|left, right| float_key(*left) < float_key(*right)));
        assert_eq!(float_key(0.0), float_key(-0.0));
        assert!(floats.iter().all(|float| float_of_key(float_key(*float)).to_bits() == float.to_bits()));
        assert!([i64::MIN, -1, 0, i64::MAX].iter().all(|int| int_of_key(int_key(*int)) == *int));
        assert!([i64::MIN, -1, 0, 1, i64::MAX].is_sorted_by(|left, right| int_key(*left) < int_key(*right)));
    }
}
