//! Numbers and flags of one chunk, and the compare loops over them. Knows nothing of fields or filters.

use crate::bits;
use crate::slab::Slab;
use crate::snapshot::{Input, Output, Stored, odd};
use std::io::Result;

/// Values from the first to the second, both included.
pub type Span<T> = (T, T);

/// Whether a value lies in one of the spans.
pub fn within<T: PartialOrd + Copy>(spans: &[Span<T>], value: T) -> bool {
    spans.iter().any(|(low, high)| *low <= value && value <= *high)
}

/// Marks values that lie in one of the spans, which are disjoint and rising.
fn mark_spans<T: PartialOrd + Copy>(values: &[T], spans: &[Span<T>], among: &[u64], out: &mut [u64]) {
    match *spans {
        [] => {}
        [(low, high)] => bits::mark(values, among, out, move |value| low <= value && value <= high),
        [first, second] => bits::mark(values, among, out, move |value| {
            (first.0 <= value && value <= first.1) || (second.0 <= value && value <= second.1)
        }),
        _ => bits::mark_each(among, out, |at| {
            values.get(at).is_some_and(|value| {
                let after = spans.partition_point(|span| span.0 <= *value);
                after > 0 && *value <= spans[after - 1].1
            })
        }),
    }
}

/// Integers by offset, 32 bits wide while all fit.
#[derive(Debug)]
pub enum Ints {
    /// The smallest `i32` stands for no value.
    Narrow(Slab<i32>),
    /// Which are known, as bits.
    Wide {
        /// Values; 0 where there is none.
        values: Slab<i64>,
        /// Where there is one.
        known: Slab<u64>,
    },
}

const NO_INT: i32 = i32::MIN;

impl Default for Ints {
    fn default() -> Self {
        Self::Narrow(Slab::default())
    }
}

impl Ints {
    /// The value at an offset.
    pub fn get(&self, at: usize) -> Option<i64> {
        match self {
            Self::Narrow(values) => values.get(at).filter(|value| **value != NO_INT).map(|value| i64::from(*value)),
            Self::Wide { values, known } => values.get(at).copied().filter(|_| bits::get(known, at)),
        }
    }

    /// Writes or clears a value.
    pub fn set(&mut self, at: usize, value: Option<i64>) {
        match self {
            Self::Narrow(values) => {
                let narrow = match value {
                    None => Some(NO_INT),
                    Some(value) => i32::try_from(value).ok().filter(|value| *value != NO_INT),
                };
                if let Some(narrow) = narrow {
                    values.put(at, narrow, NO_INT);
                } else {
                    self.widen();
                    self.set(at, value);
                }
            }
            Self::Wide { values, known } => {
                values.put(at, value.unwrap_or(0), 0);
                known.put_bit(at, value.is_some());
            }
        }
    }

    fn widen(&mut self) {
        if let Self::Narrow(narrow) = self {
            let mut known = Vec::new();
            for (at, _) in narrow.iter().enumerate().filter(|(_, value)| **value != NO_INT) {
                bits::put(&mut known, at, true);
            }
            let values = narrow.iter().map(|value| if *value == NO_INT { 0 } else { i64::from(*value) }).collect();
            *self = Self::Wide { values, known: known.into() };
        }
    }

    /// Visits offset and value of each of `among` that has one.
    pub fn each(&self, among: &[u64], mut visit: impl FnMut(usize, i64)) {
        match self {
            Self::Narrow(values) => bits::each_value(values, among, |at, value| {
                if value != NO_INT {
                    visit(at, i64::from(value));
                }
            }),
            Self::Wide { values, known } => {
                let mut among = among.to_vec();
                bits::and(&mut among, known);
                bits::each_value(values, &among, visit);
            }
        }
    }

    /// Marks where there is a value.
    pub fn mark_known(&self, among: &[u64], out: &mut [u64]) {
        match self {
            Self::Narrow(values) => bits::mark(values, among, out, |value| value != NO_INT),
            Self::Wide { known, .. } => {
                out.iter_mut().zip(among).zip(known.iter()).for_each(|((out, among), known)| *out |= among & known);
            }
        }
    }

    /// Marks where the value lies in one of the spans, which are disjoint and rising.
    pub fn mark(&self, spans: &[Span<i64>], among: &[u64], out: &mut [u64]) {
        match self {
            Self::Narrow(values) => {
                let fit = |(low, high): &Span<i64>| {
                    let low = (*low).max(i64::from(NO_INT) + 1);
                    let high = (*high).min(i64::from(i32::MAX));
                    (low <= high).then_some((low as i32, high as i32))
                };
                let spans: Vec<Span<i32>> = spans.iter().filter_map(fit).collect();
                mark_spans(values, &spans, among, out);
            }
            Self::Wide { values, known } => {
                let mut among = among.to_vec();
                bits::and(&mut among, known);
                mark_spans(values, spans, &among, out);
            }
        }
    }

    /// Bytes held.
    pub fn memory_bytes(&self) -> usize {
        match self {
            Self::Narrow(values) => values.memory_bytes(),
            Self::Wide { values, known } => values.memory_bytes() + known.memory_bytes(),
        }
    }
}

/// Floats by offset; NaN stands for no value.
#[derive(Debug, Default)]
pub struct Floats {
    values: Slab<f64>,
}

impl Floats {
    /// The value at an offset.
    pub fn get(&self, at: usize) -> Option<f64> {
        self.values.get(at).copied().filter(|value| !value.is_nan())
    }

    /// Visits offset and value of each of `among` that has one.
    pub fn each(&self, among: &[u64], mut visit: impl FnMut(usize, f64)) {
        bits::each_value(&self.values, among, |at, value| {
            if !value.is_nan() {
                visit(at, value);
            }
        });
    }

    /// Writes or clears a value.
    pub fn set(&mut self, at: usize, value: Option<f64>) {
        if value.is_some() || at < self.values.len() {
            self.values.put(at, value.unwrap_or(f64::NAN), f64::NAN);
        }
    }

    /// Marks where there is a value.
    pub fn mark_known(&self, among: &[u64], out: &mut [u64]) {
        bits::mark(&self.values, among, out, |value| !value.is_nan());
    }

    /// Marks where the value lies in one of the spans, which are disjoint and rising.
    pub fn mark(&self, spans: &[Span<f64>], among: &[u64], out: &mut [u64]) {
        mark_spans(&self.values, spans, among, out);
    }

    /// Bytes held.
    pub fn memory_bytes(&self) -> usize {
        self.values.memory_bytes()
    }
}

/// Booleans by offset.
#[derive(Debug, Default)]
pub struct Flags {
    known: Slab<u64>,
    on: Slab<u64>,
}

impl Flags {
    /// The value at an offset.
    pub fn get(&self, at: usize) -> Option<bool> {
        bits::get(&self.known, at).then(|| bits::get(&self.on, at))
    }

    /// Writes or clears a value.
    pub fn set(&mut self, at: usize, value: Option<bool>) {
        self.known.put_bit(at, value.is_some());
        self.on.put_bit(at, value == Some(true));
    }

    /// Marks where there is a value.
    pub fn mark_known(&self, among: &[u64], out: &mut [u64]) {
        out.iter_mut().zip(among).zip(self.known.iter()).for_each(|((out, among), known)| *out |= among & known);
    }

    /// Marks where the value is this.
    pub fn mark(&self, wanted: bool, among: &[u64], out: &mut [u64]) {
        for (index, ((out, among), known)) in out.iter_mut().zip(among).zip(self.known.iter()).enumerate() {
            let on = self.on.get(index).copied().unwrap_or(0);
            *out |= among & known & if wanted { on } else { !on };
        }
    }

    /// Bytes held.
    pub fn memory_bytes(&self) -> usize {
        self.known.memory_bytes() + self.on.memory_bytes()
    }
}

impl Stored for Ints {
    fn store(&self, out: &mut Output<'_>) -> Result<()> {
        match self {
            Self::Narrow(values) => {
                0_u8.store(out)?;
                values.store(out)
            }
            Self::Wide { values, known } => {
                1_u8.store(out)?;
                values.store(out)?;
                known.store(out)
            }
        }
    }

    fn restore(input: &mut Input<'_>) -> Result<Self> {
        match u8::restore(input)? {
            0 => Slab::restore(input).map(Self::Narrow),
            1 => Ok(Self::Wide { values: Slab::restore(input)?, known: Slab::restore(input)? }),
            _ => Err(odd()),
        }
    }
}

impl Stored for Floats {
    fn store(&self, out: &mut Output<'_>) -> Result<()> {
        self.values.store(out)
    }

    fn restore(input: &mut Input<'_>) -> Result<Self> {
        Slab::restore(input).map(|values| Self { values })
    }
}

impl Stored for Flags {
    fn store(&self, out: &mut Output<'_>) -> Result<()> {
        self.known.store(out)?;
        self.on.store(out)
    }

    fn restore(input: &mut Input<'_>) -> Result<Self> {
        Ok(Self { known: Slab::restore(input)?, on: Slab::restore(input)? })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn integers_survive_widening_and_extremes() {
        let values =
            [Some(5), None, Some(-7), Some(i64::from(i32::MIN)), Some(i64::MIN), None, Some(i64::MAX), Some(0)];
        let mut ints = Ints::default();
        for (at, value) in values.iter().enumerate() {
            ints.set(at, *value);
            for (at, value) in values[..=at].iter().enumerate() {
                assert_eq!(ints.get(at), *value);
            }
        }
        ints.set(0, None);
        assert_eq!((ints.get(0), ints.get(100)), (None, None));
        let mut out = [0];
        ints.mark(&[(i64::MIN, -7), (1, i64::MAX)], &[u64::MAX], &mut out);
        assert_eq!(out, [0b0101_1100]);
        let mut out = [0];
        ints.mark_known(&[u64::MAX], &mut out);
        assert_eq!(out, [0b1101_1100]);
    }

    #[test]
    fn narrow_integers_ignore_spans_outside_their_width() {
        let mut ints = Ints::default();
        for (at, value) in [Some(1), None, Some(2), Some(-3)].into_iter().enumerate() {
            ints.set(at, value);
        }
        for (spans, expected) in [
            (vec![(i64::MIN, i64::MAX)], 0b1101),
            (vec![(i64::MIN, i64::from(i32::MIN))], 0),
            (vec![(i64::from(i32::MAX) + 1, i64::MAX)], 0),
            (vec![(-3, -3), (0, 1), (2, 2), (9, 9)], 0b1101),
            (vec![(-3, -3), (2, 2)], 0b1100),
        ] {
            let mut out = [0];
            ints.mark(&spans, &[u64::MAX], &mut out);
            assert_eq!(out, [expected], "{spans:?}");
        }
    }

    #[test]
    fn missing_floats_and_flags_lie_in_no_span() {
        let mut floats = Floats::default();
        floats.set(3, Some(0.5));
        floats.set(1, Some(-0.0));
        let mut out = [0];
        floats.mark(&[(f64::NEG_INFINITY, f64::INFINITY)], &[u64::MAX], &mut out);
        assert_eq!(out, [0b1010]);
        let mut flags = Flags::default();
        flags.set(0, Some(false));
        flags.set(70, Some(true));
        let mut out = [0; 3];
        flags.mark(false, &[u64::MAX; 3], &mut out);
        assert_eq!(out, [1, 0, 0]);
        assert_eq!((flags.get(0), flags.get(1), flags.get(70)), (Some(false), None, Some(true)));
    }
}
