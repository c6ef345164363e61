//! One test over one column, ready to be evaluated chunk by chunk. Knows columns, not how tests combine.

use crate::bits;
use crate::cells::{Cell, Cells, Class};
use crate::chunked::{Chunked, Grid};
use crate::dynamic::DynamicColumn;
use crate::ids::{Ids, pack};
use crate::numbers::{Flags, Floats, Ints, within};
use crate::plan::Bound;
use crate::probe::{NumberProbe, TextProbe};
use crate::reference;
use crate::scalar::{ScalarColumn, Texts};
use evalset_model::filter::{Literal, Test};
use serde_json::Value;
use std::collections::HashSet;

/// Rows that a test cannot be decided for from columns.
#[derive(Clone, Copy)]
pub enum Doubt<'a> {
    /// None.
    None,
    /// These, as bits by position.
    Rows(&'a [u64]),
    /// Every row.
    All,
}

/// A test of one field.
pub struct Leaf<'a> {
    probe: Probe<'a>,
    doubt: Doubt<'a>,
    /// What the test says of null.
    null: bool,
    grid: Grid,
}

enum Probe<'a> {
    /// No row has a value.
    Nothing,
    Text(&'a Texts, TextProbe<'a>),
    Int(&'a Chunked<Ints>, NumberProbe<'a, i64>, fn(&Test, i64) -> bool),
    Float(&'a Chunked<Floats>, NumberProbe<'a, f64>),
    Bool(&'a Chunked<Flags>, Outcomes),
    Dynamic(&'a DynamicColumn, Box<DynamicProbe<'a>>),
    /// Whether the key is there; as a member of the map itself.
    Present(&'a DynamicColumn, bool),
    /// Rows with something, of which none passes.
    Filled(&'a [u64]),
    Id(&'a Ids, IdProbe<'a>),
    /// Known from elsewhere.
    Given(&'a [u64]),
}

/// What a test says of each boolean.
#[derive(Clone, Copy)]
struct Outcomes {
    no: bool,
    yes: bool,
}

/// What a test says of values of each JSON type.
struct DynamicProbe<'a> {
    texts: TextProbe<'a>,
    structures: TextProbe<'a>,
    numbers: NumberProbe<'a, f64>,
    flags: Outcomes,
    holds: fn(&Test, &Value) -> bool,
}

enum IdProbe<'a> {
    /// One of these.
    AnyOf { packed: HashSet<(u64, u64)>, plain: HashSet<&'a str> },
    /// To be asked for each id.
    Each(&'a Test),
}

impl<'a> Leaf<'a> {
    fn new(grid: Grid, probe: Probe<'a>, null: bool) -> Self {
        Self { probe, doubt: Doubt::None, null, grid }
    }

    /// The same answer for every row, but for those in doubt.
    pub fn constant(grid: Grid, answer: bool, doubt: Doubt<'a>) -> Self {
        Self { probe: Probe::Nothing, doubt, null: answer, grid }
    }

    /// A test of a typed column.
    pub fn scalar(grid: Grid, column: &'a ScalarColumn, test: &'a Test) -> Self {
        let probe = match column {
            ScalarColumn::Text(texts) => Probe::Text(texts, TextProbe::of_texts(&texts.dictionary, test)),
            ScalarColumn::Int(chunks) => Probe::Int(chunks, NumberProbe::of_ints(test), reference::int),
            ScalarColumn::Time(chunks) => Probe::Int(chunks, NumberProbe::of_times(test), reference::time),
            ScalarColumn::Float(chunks) => Probe::Float(chunks, NumberProbe::of_floats(test)),
            ScalarColumn::Bool(chunks) => {
                Probe::Bool(chunks, Outcomes { no: reference::flag(test, false), yes: reference::flag(test, true) })
            }
        };
        Self::new(grid, probe, reference::null(test))
    }

    /// A test of a column of any JSON type; `holds` is its meaning on one value.
    pub fn dynamic(
        grid: Grid,
        column: Option<&'a DynamicColumn>,
        doubt: Doubt<'a>,
        test: &'a Test,
        holds: fn(&Test, &Value) -> bool,
    ) -> Self {
        let probe = column.map_or(Probe::Nothing, |column| {
            let probe = DynamicProbe {
                texts: TextProbe::of_texts(&column.texts, test),
                structures: TextProbe::of_structures(&column.structures, test, holds),
                numbers: NumberProbe::of_floats(test),
                flags: Outcomes { no: holds(test, &Value::Bool(false)), yes: holds(test, &Value::Bool(true)) },
                holds,
            };
            Probe::Dynamic(column, Box::new(probe))
        });
        Self { probe, doubt, null: holds(test, &Value::Null), grid }
    }

    /// Whether a map has a key, whatever its value; `direct`: as its own member, not at the end of a path.
    pub fn present(grid: Grid, column: Option<&'a DynamicColumn>, direct: bool, doubt: Doubt<'a>) -> Self {
        let probe = column.map_or(Probe::Nothing, |column| Probe::Present(column, direct));
        Self { probe, doubt, null: false, grid }
    }

    /// A test that fails on rows whose map is `filled` and says `empty` of the others.
    pub fn filled(grid: Grid, filled: &'a [u64], empty: bool) -> Self {
        Self::new(grid, Probe::Filled(filled), empty)
    }

    /// A test that is answered from elsewhere.
    pub fn given(grid: Grid, passing: &'a [u64], doubt: Doubt<'a>) -> Self {
        Self { probe: Probe::Given(passing), doubt, null: false, grid }
    }

    /// A test of the ids.
    pub fn ids(grid: Grid, ids: &'a Ids, test: &'a Test) -> Self {
        let probe = match test {
            Test::AnyOf(literals) => {
                let (mut packed, mut plain) = (HashSet::new(), HashSet::new());
                for text in literals.iter().filter_map(Literal::text) {
                    packed.extend(pack(text));
                    plain.insert(text);
                }
                IdProbe::AnyOf { packed, plain }
            }
            _ => IdProbe::Each(test),
        };
        Self::new(grid, Probe::Id(ids, probe), false)
    }

    /// Work per row, for ordering.
    pub fn cost(&self) -> u32 {
        match &self.probe {
            Probe::Nothing => 0,
            Probe::Bool(..) | Probe::Filled(_) | Probe::Given(_) => 1,
            Probe::Present(..) => 2,
            Probe::Text(_, probe) => probe.cost(),
            Probe::Int(_, probe, _) => probe.cost(),
            Probe::Float(_, probe) => probe.cost(),
            Probe::Dynamic(_, probe) => {
                probe.texts.cost() + probe.structures.cost().min(5) + probe.numbers.cost().min(8)
            }
            Probe::Id(_, IdProbe::AnyOf { .. }) => 4,
            Probe::Id(_, IdProbe::Each(_)) => 100,
        }
    }

    /// Whether it cannot be decided for some row.
    pub fn doubtful(&self) -> bool {
        !matches!(self.doubt, Doubt::None)
    }

    /// Those of `among` that pass.
    pub fn rows(&self, chunk: usize, among: &[u64], bound: Bound) -> Vec<u64> {
        let mut out = vec![0; among.len()];
        match (self.doubt, bound) {
            (Doubt::All, Bound::Certain) => return out,
            (Doubt::All, Bound::Possible) => return among.to_vec(),
            _ => {}
        }
        if self.null {
            self.mark_known(chunk, among, &mut out);
            out.iter_mut().zip(among).for_each(|(out, among)| *out = among & !*out);
        }
        self.mark(chunk, among, &mut out);
        if let Doubt::Rows(rows) = self.doubt {
            let doubtful = bits::part(rows, self.grid.start(chunk) / bits::WORD, self.grid.words());
            match bound {
                Bound::Certain => bits::minus(&mut out, doubtful),
                Bound::Possible => {
                    out.iter_mut().zip(among).zip(doubtful).for_each(|((out, among), doubt)| *out |= among & doubt);
                }
            }
        }
        out
    }

    /// Marks rows with a value.
    fn mark_known(&self, chunk: usize, among: &[u64], out: &mut [u64]) {
        match &self.probe {
            Probe::Nothing => {}
            Probe::Text(texts, _) => mark_in(&texts.chunks, chunk, |codes| codes.mark_present(among, out)),
            Probe::Int(chunks, ..) => mark_in(chunks, chunk, |ints| ints.mark_known(among, out)),
            Probe::Float(chunks, _) => mark_in(chunks, chunk, |floats| floats.mark_known(among, out)),
            Probe::Bool(chunks, _) => mark_in(chunks, chunk, |flags| flags.mark_known(among, out)),
            Probe::Dynamic(column, _) => {
                mark_in(&column.chunks, chunk, |cells| cells.mark_classes(among, out, Class::known));
            }
            Probe::Present(column, direct) => {
                mark_in(&column.chunks, chunk, |cells| cells.mark_present(*direct, among, out));
            }
            Probe::Filled(filled) | Probe::Given(filled) => {
                let filled = bits::part(filled, self.grid.start(chunk) / bits::WORD, self.grid.words());
                out.iter_mut().zip(among).zip(filled).for_each(|((out, among), filled)| *out |= among & filled);
            }
            Probe::Id(..) => out.copy_from_slice(among),
        }
    }

    /// Marks rows whose value passes.
    fn mark(&self, chunk: usize, among: &[u64], out: &mut [u64]) {
        match &self.probe {
            Probe::Nothing | Probe::Filled(_) => {}
            Probe::Text(texts, probe) => mark_in(&texts.chunks, chunk, |codes| probe.mark(codes, among, out)),
            Probe::Int(chunks, probe, holds) => mark_in(chunks, chunk, |ints| match probe {
                NumberProbe::Spans(spans) => ints.mark(spans, among, out),
                NumberProbe::Each(test) => {
                    bits::mark_each(among, out, |at| ints.get(at).is_some_and(|value| holds(test, value)));
                }
            }),
            Probe::Float(chunks, probe) => mark_in(chunks, chunk, |floats| match probe {
                NumberProbe::Spans(spans) => floats.mark(spans, among, out),
                NumberProbe::Each(test) => {
                    bits::mark_each(among, out, |at| floats.get(at).is_some_and(|value| reference::float(test, value)));
                }
            }),
            Probe::Bool(chunks, outcomes) => mark_in(chunks, chunk, |flags| {
                for (wanted, passes) in [(false, outcomes.no), (true, outcomes.yes)] {
                    if passes {
                        flags.mark(wanted, among, out);
                    }
                }
            }),
            Probe::Dynamic(column, probe) => {
                mark_in(&column.chunks, chunk, |cells| probe.mark(column, cells, among, out));
            }
            Probe::Present(..) | Probe::Given(_) => self.mark_known(chunk, among, out),
            Probe::Id(ids, probe) => probe.mark(ids, self.grid, chunk, among, out),
        }
    }
}

fn mark_in<C: Default>(chunks: &Chunked<C>, chunk: usize, mark: impl FnOnce(&C)) {
    if let Some(values) = chunks.get(chunk) {
        mark(values);
    }
}

impl DynamicProbe<'_> {
    fn mark(&self, column: &DynamicColumn, cells: &Cells, among: &[u64], out: &mut [u64]) {
        let dense = match cells {
            Cells::Sparse(sparse) => return sparse.mark(among, out, |cell| self.passes(column, cell)),
            Cells::Dense(dense) => dense,
        };
        self.texts.mark(&dense.texts, among, out);
        self.structures.mark(&dense.structures, among, out);
        match &self.numbers {
            NumberProbe::Spans(spans) => dense.numbers.mark(spans, among, out),
            NumberProbe::Each(_) => {
                bits::mark_each(among, out, |at| {
                    dense.numbers.get(at).is_some() && self.passes(column, &dense.get(at))
                });
            }
        }
        for (class, passes) in [(Class::No, self.flags.no), (Class::Yes, self.flags.yes)] {
            if passes {
                dense.mark_class(class, among, out);
            }
        }
    }

    fn passes(&self, column: &DynamicColumn, cell: &Cell) -> bool {
        match cell.class {
            Class::Absent | Class::Null => false,
            Class::Text => self.texts.passes(cell.code),
            Class::Structure => self.structures.passes(cell.code),
            Class::No => self.flags.no,
            Class::Yes => self.flags.yes,
            Class::Integer | Class::Float | Class::BigInteger => match &self.numbers {
                NumberProbe::Spans(spans) => within(spans, cell.number),
                NumberProbe::Each(test) => column.value(cell).is_some_and(|value| (self.holds)(test, &value)),
            },
        }
    }
}

impl IdProbe<'_> {
    fn mark(&self, ids: &Ids, grid: Grid, chunk: usize, among: &[u64], out: &mut [u64]) {
        let start = grid.start(chunk);
        match (self, ids.halves(chunk)) {
            (Self::AnyOf { packed, .. }, Some((high, low))) if packed.len() <= 3 => {
                for (wanted, rest) in packed.iter().copied() {
                    let mut near = vec![0; out.len()];
                    bits::mark(high, among, &mut near, move |high| high == wanted);
                    bits::mark_each(&near, out, |at| low.get(at) == Some(&rest));
                }
            }
            (Self::AnyOf { packed, .. }, Some((high, low))) => bits::mark_each(among, out, |at| {
                high.get(at).zip(low.get(at)).is_some_and(|(high, low)| packed.contains(&(*high, *low)))
            }),
            (Self::AnyOf { plain, .. }, None) => {
                bits::mark_each(among, out, |at| ids.with(start + at, |id| plain.contains(id)));
            }
            (Self::Each(test), _) => {
                bits::mark_each(among, out, |at| ids.with(start + at, |id| reference::text(test, id)));
            }
        }
    }
}
