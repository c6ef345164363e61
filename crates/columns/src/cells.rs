//! Values of any JSON type of one chunk: a short list while few rows have one, one part per type when many do.
//! Knows codes, not texts.

use crate::bits;
use crate::codes::Codes;
use crate::dictionary::Code;
use crate::numbers::Floats;
use crate::slab::Slab;
use crate::snapshot::{Input, Output, Stored, odd};
use crate::sparse::Sparse;
use evalset_model::summary::ScoreTotals;
use std::io::Result;

/// What a cell holds; [`Class::Absent`] is the default of a row without the key.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[repr(u8)]
pub enum Class {
    /// The row does not have the key.
    #[default]
    Absent,
    /// The key is there and its value is null.
    Null,
    /// A string, by code.
    Text,
    /// An integer that a float holds exactly.
    Integer,
    /// Any other number that is a float.
    Float,
    /// An integer beyond that; its JSON text is kept as a structure beside the rounded number.
    BigInteger,
    /// `false`.
    No,
    /// `true`.
    Yes,
    /// An array or object, by the code of its JSON text.
    Structure,
}

/// Set on the class byte when the value was reached by a path and is not itself a member of the map.
pub const NESTED: u8 = 0x80;

/// One value.
#[derive(Clone, Copy, Debug)]
pub struct Cell {
    /// Its type.
    pub class: Class,
    /// Reached by a path, not a member of the map itself.
    pub nested: bool,
    /// Of a text or structure, else 0.
    pub code: Code,
    /// Of a number, or of a boolean that counts as one; else NaN.
    pub number: f64,
}

impl Default for Cell {
    fn default() -> Self {
        Self { class: Class::Absent, nested: false, code: 0, number: f64::NAN }
    }
}

impl Cell {
    /// Class and nesting as one byte.
    pub fn tag(&self) -> u8 {
        self.class as u8 | if self.nested { NESTED } else { 0 }
    }

    /// Its number, when it has one.
    pub fn number(&self) -> Option<f64> {
        Some(self.number).filter(|number| !number.is_nan())
    }
}

impl Class {
    const ALL: [Self; 9] = [
        Self::Absent,
        Self::Null,
        Self::Text,
        Self::Integer,
        Self::Float,
        Self::BigInteger,
        Self::No,
        Self::Yes,
        Self::Structure,
    ];

    /// That of a [`Cell::tag`].
    pub fn of(tag: u8) -> Self {
        Self::ALL.get(usize::from(tag & !NESTED)).copied().unwrap_or_default()
    }

    /// Whether there is a value that is not null.
    pub fn known(self) -> bool {
        self as u8 > Self::Null as u8
    }
}

/// One part per type.
#[derive(Debug, Default)]
pub struct Dense {
    /// Class and nesting.
    tags: Slab<u8>,
    /// Codes of strings.
    pub texts: Codes,
    /// Codes of JSON texts.
    pub structures: Codes,
    /// Numbers.
    pub numbers: Floats,
}

/// Values by offset.
#[derive(Debug)]
#[expect(clippy::large_enum_variant, reason = "each lies in a box of its own")]
pub enum Cells {
    /// Few.
    Sparse(Sparse),
    /// Many.
    Dense(Box<Dense>),
}

impl Default for Cells {
    fn default() -> Self {
        Self::Sparse(Sparse::default())
    }
}

impl Dense {
    /// The value at an offset.
    pub fn get(&self, at: usize) -> Cell {
        let tag = self.tags.get(at).copied().unwrap_or(0);
        let class = Class::of(tag);
        let code = match class {
            Class::Text => self.texts.get(at),
            Class::Structure | Class::BigInteger => self.structures.get(at),
            _ => 0,
        };
        Cell { class, nested: tag & NESTED != 0, code, number: self.numbers.get(at).unwrap_or(f64::NAN) }
    }

    fn set(&mut self, at: usize, cell: Cell) {
        self.tags.put(at, cell.tag(), 0);
        self.texts.set(at, if cell.class == Class::Text { cell.code } else { 0 });
        let structured = matches!(cell.class, Class::Structure | Class::BigInteger);
        self.structures.set(at, if structured { cell.code } else { 0 });
        self.numbers.set(at, cell.number());
    }

    /// Marks cells whose class passes; cells beyond the end are absent and stay unmarked.
    fn mark(&self, among: &[u64], out: &mut [u64], test: impl Fn(u8) -> bool + Copy) {
        bits::mark(&self.tags, among, out, move |tag| test(tag & !NESTED));
    }

    /// Marks cells of one class.
    pub fn mark_class(&self, class: Class, among: &[u64], out: &mut [u64]) {
        self.mark(among, out, move |tag| tag == class as u8);
    }
}

impl Cells {
    /// The value at an offset.
    pub fn get(&self, at: usize) -> Cell {
        match self {
            Self::Sparse(sparse) => sparse.get(at),
            Self::Dense(dense) => dense.get(at),
        }
    }

    /// Writes a value ([`Class::Absent`] clears). Turns dense above `sparse_max` values.
    pub fn set(&mut self, at: usize, cell: Cell, sparse_max: usize) {
        match self {
            Self::Dense(dense) => {
                if cell.class != Class::Absent || at < dense.tags.len() {
                    dense.set(at, cell);
                }
            }
            Self::Sparse(sparse) => {
                sparse.set(at, cell);
                if sparse.len() > sparse_max {
                    let mut dense = Box::new(Dense::default());
                    sparse.iter().for_each(|(at, cell)| dense.set(at, cell));
                    *self = Self::Dense(dense);
                }
            }
        }
    }

    /// Marks cells whose class passes; `Absent` must not pass.
    pub fn mark_classes(&self, among: &[u64], out: &mut [u64], test: impl Fn(Class) -> bool) {
        match self {
            Self::Sparse(sparse) => sparse.mark(among, out, |cell| test(cell.class)),
            Self::Dense(dense) => {
                let passing = Class::ALL.map(&test);
                dense.mark(among, out, move |tag| passing.get(usize::from(tag)).copied().unwrap_or(false));
            }
        }
    }

    /// Marks cells whose key is there, null or not; `direct`: as a member of the map itself.
    pub fn mark_present(&self, direct: bool, among: &[u64], out: &mut [u64]) {
        match self {
            Self::Sparse(sparse) => sparse.mark(among, out, |cell| !(direct && cell.nested)),
            Self::Dense(dense) => {
                bits::mark(&dense.tags, among, out, move |tag| tag != 0 && !(direct && tag & NESTED != 0));
            }
        }
    }

    /// Adds the numbers and counts the booleans among these offsets.
    pub fn total(&self, among: &[u64], totals: &mut ScoreTotals) {
        match self {
            Self::Sparse(sparse) => {
                for (_, cell) in sparse.iter().filter(|(at, _)| bits::get(among, *at)) {
                    match cell.class {
                        Class::Yes => totals.add_flag(true),
                        Class::No => totals.add_flag(false),
                        _ => cell.number().into_iter().for_each(|number| totals.add_number(number)),
                    }
                }
            }
            Self::Dense(dense) => {
                let mut flags = vec![0; among.len()];
                dense.mark_class(Class::Yes, among, &mut flags);
                totals.true_count += bits::count(&flags);
                let mut no = vec![0; among.len()];
                dense.mark_class(Class::No, among, &mut no);
                totals.false_count += bits::count(&no);
                // Booleans count as numbers in filters, not in means.
                bits::or(&mut flags, &no);
                let mut numbers = among.to_vec();
                bits::minus(&mut numbers, &flags);
                dense.numbers.each(&numbers, |_, number| totals.add_number(number));
            }
        }
    }

    /// Bytes held.
    pub fn memory_bytes(&self) -> usize {
        match self {
            Self::Sparse(sparse) => sparse.memory_bytes(),
            Self::Dense(dense) => {
                size_of::<Dense>()
                    + dense.tags.memory_bytes()
                    + dense.texts.memory_bytes()
                    + dense.structures.memory_bytes()
                    + dense.numbers.memory_bytes()
            }
        }
    }
}

impl Stored for Cells {
    fn store(&self, out: &mut Output<'_>) -> Result<()> {
        match self {
            Self::Sparse(sparse) => {
                0_u8.store(out)?;
                sparse.store(out)
            }
            Self::Dense(dense) => {
                1_u8.store(out)?;
                dense.tags.store(out)?;
                dense.texts.store(out)?;
                dense.structures.store(out)?;
                dense.numbers.store(out)
            }
        }
    }

    fn restore(input: &mut Input<'_>) -> Result<Self> {
        match u8::restore(input)? {
            0 => Sparse::restore(input).map(Self::Sparse),
            1 => Ok(Self::Dense(Box::new(Dense {
                tags: Slab::restore(input)?,
                texts: Codes::restore(input)?,
                structures: Codes::restore(input)?,
                numbers: Floats::restore(input)?,
            }))),
            _ => Err(odd()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cell(class: Class, nested: bool, code: Code, number: f64) -> Cell {
        Cell { class, nested, code, number }
    }

    #[test]
    fn sparse_and_dense_hold_the_same() {
        let written = [
            (9, cell(Class::Text, false, 300, f64::NAN)),
            (2, cell(Class::Integer, true, 0, 4.0)),
            (5, cell(Class::BigInteger, false, 7, 1e19)),
            (3, cell(Class::Null, false, 0, f64::NAN)),
            (2, cell(Class::Yes, false, 0, f64::NAN)),
            (9, Cell::default()),
            (60, cell(Class::Structure, true, 2, f64::NAN)),
        ];
        let (mut sparse, mut dense) = (Cells::default(), Cells::default());
        for (at, cell) in written {
            sparse.set(at, cell, 100);
            dense.set(at, cell, 0);
        }
        assert!(matches!((&sparse, &dense), (Cells::Sparse(_), Cells::Dense(_))));
        for cells in [&sparse, &dense] {
            let classes: Vec<Class> = [2, 3, 5, 9, 60, 63].map(|at| cells.get(at).class).to_vec();
            assert_eq!(
                classes,
                [Class::Yes, Class::Null, Class::BigInteger, Class::Absent, Class::Structure, Class::Absent]
            );
            assert_eq!((cells.get(5).code, cells.get(5).number(), cells.get(60).nested), (7, Some(1e19), true));
            assert_eq!((cells.get(2).number(), cells.get(9).number()), (None, None));
            let mut out = [0];
            cells.mark_present(true, &[u64::MAX], &mut out);
            assert_eq!(out, [0b10_1100]);
            let mut out = [0];
            cells.mark_classes(&[u64::MAX], &mut out, Class::known);
            assert_eq!(out, [1 << 60 | 0b10_0100]);
        }
    }
}
