//! Which rows can still make it onto a page, by compare loops on the column instead of a key per row. Knows columns,
//! not pages.

use crate::bits;
use crate::cells::{Cells, Class};
use crate::codes::Codes;
use crate::key::{Part, Ranked, Source, float_of_key, int_of_key};
use crate::numbers::{Floats, Ints};

/// Keys up to a limit, as they stand before they are turned round for a descending order.
#[derive(Clone, Copy)]
struct Reach {
    /// The limit.
    key: u64,
    /// Keys above count instead of keys below.
    above: bool,
    /// The limit itself counts too.
    closed: bool,
}

impl Reach {
    fn has(self, key: u64) -> bool {
        (self.closed && key == self.key) || if self.above { key > self.key } else { key < self.key }
    }

    fn mark_ints(self, ints: &Ints, rows: &[u64], out: &mut [u64]) {
        let limit = int_of_key(self.key);
        let span = match (self.above, self.closed) {
            (false, true) => Some((i64::MIN, limit)),
            (false, false) => limit.checked_sub(1).map(|limit| (i64::MIN, limit)),
            (true, true) => Some((limit, i64::MAX)),
            (true, false) => limit.checked_add(1).map(|limit| (limit, i64::MAX)),
        };
        ints.mark(span.as_slice(), rows, out);
    }

    fn mark_floats(self, floats: &Floats, rows: &[u64], out: &mut [u64]) {
        let limit = float_of_key(self.key);
        let span = match (self.above, self.closed) {
            (false, true) => (f64::NEG_INFINITY, limit),
            (false, false) => (f64::NEG_INFINITY, limit.next_down()),
            (true, true) => (limit, f64::INFINITY),
            (true, false) => (limit.next_up(), f64::INFINITY),
        };
        floats.mark(&[span], rows, out);
    }

    fn mark_codes(self, codes: &Codes, ranked: &Ranked<'_>, rows: &[u64], out: &mut [u64]) {
        let Some(ranks) = ranked.ranks else { return out.copy_from_slice(rows) };
        // The first entry stands for no text, whatever its rank says.
        let table: Vec<bool> =
            ranks.iter().enumerate().map(|(code, rank)| code > 0 && self.has(u64::from(*rank))).collect();
        let passing: Vec<u32> =
            (0..).zip(&table).filter(|(_, passes)| **passes).map(|(code, _)| code).take(4).collect();
        if passing.len() < 4 {
            for code in passing {
                codes.mark_equal(code, rows, out);
            }
        } else {
            codes.mark_table(&table, rows, out);
        }
    }
}

impl Part<'_> {
    /// Those of `rows` of a chunk whose key is below `limit`, or, when `closed`, is the limit. May hold more rows than
    /// that, never fewer.
    pub fn near(&self, chunk: usize, rows: &[u64], limit: u64, closed: bool) -> Vec<u64> {
        let key = if self.descending { !limit } else { limit };
        let reach = Reach { key, above: self.descending, closed };
        let mut out = vec![0; rows.len()];
        match &self.source {
            Source::Int(chunks) => {
                if let Some(ints) = chunks.get(chunk) {
                    reach.mark_ints(ints, rows, &mut out);
                }
            }
            Source::Float(chunks) => {
                if let Some(floats) = chunks.get(chunk) {
                    reach.mark_floats(floats, rows, &mut out);
                }
            }
            Source::Flag(chunks) => {
                if let Some(flags) = chunks.get(chunk) {
                    for flag in [false, true].into_iter().filter(|flag| reach.has(u64::from(*flag))) {
                        flags.mark(flag, rows, &mut out);
                    }
                }
            }
            Source::Text(chunks, ranked) => {
                if let Some(codes) = chunks.get(chunk) {
                    reach.mark_codes(codes, ranked, rows, &mut out);
                }
            }
            Source::Id(ids) if ids.ascend() => {
                let first = self.grid.start(chunk) as u64;
                let last = first + self.grid.rows() as u64 - 1;
                if reach.has(first) || reach.has(last) {
                    out.copy_from_slice(rows);
                }
            }
            Source::Id(ids) => ids.mark_heads(chunk, rows, &mut out, move |head| reach.has(head)),
            Source::Missing(_) => {
                if reach.has(0) {
                    out.copy_from_slice(rows);
                }
            }
            Source::DynamicNumber(column)
            | Source::DynamicText(column, _)
            | Source::DynamicFlag(column)
            | Source::DynamicStructure(column, _) => {
                if let Some(cells) = column.chunks.get(chunk) {
                    self.near_dynamic(cells, reach, rows, &mut out);
                }
            }
        }
        out
    }

    fn near_dynamic(&self, cells: &Cells, reach: Reach, rows: &[u64], out: &mut [u64]) {
        let Cells::Dense(dense) = cells else { return out.copy_from_slice(rows) };
        match &self.source {
            Source::DynamicNumber(_) => reach.mark_floats(&dense.numbers, rows, out),
            Source::DynamicText(_, ranked) => reach.mark_codes(&dense.texts, ranked, rows, out),
            Source::DynamicStructure(_, ranked) => reach.mark_codes(&dense.structures, ranked, rows, out),
            _ => {
                for (key, class) in [(0, Class::No), (1, Class::Yes)] {
                    if reach.has(key) {
                        dense.mark_class(class, rows, out);
                    }
                }
            }
        }
    }

    /// Whether rows with equal keys can be told apart by their ids alone.
    pub fn tied_by_id(&self) -> bool {
        self.exact() && !matches!(self.source, Source::Id(_))
    }
}

/// Takes out of `rows` those that are not in `keep`, unless they are in `always`.
pub fn keep_or(rows: &mut [u64], keep: &[u64], always: &[u64]) {
    let mut kept = keep.to_vec();
    bits::or(&mut kept, always);
    bits::and(rows, &kept);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::key::{float_key, int_key};

    #[test]
    fn a_limit_cuts_exactly_between_neighbours() {
        let (mut ints, mut floats) = (Ints::default(), Floats::default());
        let one = 1.0_f64;
        for (at, float) in [one.next_down(), one, one.next_up()].into_iter().enumerate() {
            floats.set(at, Some(float));
            ints.set(at, Some(at as i64 - 1));
        }
        for (above, closed, expected) in [(false, false, 1), (false, true, 3), (true, false, 4), (true, true, 6)] {
            let mut out = [0];
            Reach { key: float_key(one), above, closed }.mark_floats(&floats, &[u64::MAX], &mut out);
            assert_eq!(out, [expected]);
            let mut out = [0];
            Reach { key: int_key(0), above, closed }.mark_ints(&ints, &[u64::MAX], &mut out);
            assert_eq!(out, [expected]);
        }
        let mut out = [0];
        Reach { key: int_key(i64::MIN), above: false, closed: false }.mark_ints(&ints, &[u64::MAX], &mut out);
        assert_eq!(out, [0]);
    }
}
