//! Dictionary codes of one chunk, as narrow as the largest of them. Knows nothing of the texts.

use crate::bits;
use crate::dictionary::Code;
use crate::slab::Slab;
use crate::snapshot::{Input, Output, Stored, odd};
use std::io::Result;

/// Codes by offset in the chunk; offsets beyond the end have none (0).
#[derive(Debug)]
pub enum Codes {
    /// All fit one byte.
    Narrow(Slab<u8>),
    /// All fit two.
    Middle(Slab<u16>),
    /// Four.
    Wide(Slab<Code>),
}

impl Default for Codes {
    fn default() -> Self {
        Self::Narrow(Slab::default())
    }
}

impl Codes {
    /// The code at an offset, 0 when there is none.
    pub fn get(&self, at: usize) -> Code {
        match self {
            Self::Narrow(codes) => codes.get(at).copied().map_or(0, Code::from),
            Self::Middle(codes) => codes.get(at).copied().map_or(0, Code::from),
            Self::Wide(codes) => codes.get(at).copied().unwrap_or(0),
        }
    }

    /// Writes a code, widening as needed.
    pub fn set(&mut self, at: usize, code: Code) {
        if code == 0 && at >= self.len() {
            return;
        }
        match self {
            Self::Narrow(codes) if code <= Code::from(u8::MAX) => codes.put(at, code as u8, 0),
            Self::Middle(codes) if code <= Code::from(u16::MAX) => codes.put(at, code as u16, 0),
            Self::Wide(codes) => codes.put(at, code, 0),
            Self::Narrow(codes) if code <= Code::from(u16::MAX) => {
                let mut wider: Slab<u16> = codes.iter().copied().map(u16::from).collect();
                wider.put(at, code as u16, 0);
                *self = Self::Middle(wider);
            }
            Self::Narrow(_) | Self::Middle(_) => {
                let mut wider: Slab<Code> = (0..self.len()).map(|at| self.get(at)).collect();
                wider.put(at, code, 0);
                *self = Self::Wide(wider);
            }
        }
    }

    fn len(&self) -> usize {
        match self {
            Self::Narrow(codes) => codes.len(),
            Self::Middle(codes) => codes.len(),
            Self::Wide(codes) => codes.len(),
        }
    }

    /// Marks where the code is `wanted`, which is not 0.
    pub fn mark_equal(&self, wanted: Code, among: &[u64], out: &mut [u64]) {
        match self {
            Self::Narrow(codes) => {
                if let Ok(wanted) = u8::try_from(wanted) {
                    bits::mark(codes, among, out, move |code| code == wanted);
                }
            }
            Self::Middle(codes) => {
                if let Ok(wanted) = u16::try_from(wanted) {
                    bits::mark(codes, among, out, move |code| code == wanted);
                }
            }
            Self::Wide(codes) => bits::mark(codes, among, out, move |code| code == wanted),
        }
    }

    /// Marks where there is any code.
    pub fn mark_present(&self, among: &[u64], out: &mut [u64]) {
        match self {
            Self::Narrow(codes) => bits::mark(codes, among, out, |code| code != 0),
            Self::Middle(codes) => bits::mark(codes, among, out, |code| code != 0),
            Self::Wide(codes) => bits::mark(codes, among, out, |code| code != 0),
        }
    }

    /// Marks where the table has true for the code; the table's first entry, for 0, must be false.
    pub fn mark_table(&self, table: &[bool], among: &[u64], out: &mut [u64]) {
        let holds = |code: usize| table.get(code).copied().unwrap_or(false);
        match self {
            Self::Narrow(codes) => bits::mark(codes, among, out, |code| holds(usize::from(code))),
            Self::Middle(codes) => bits::mark(codes, among, out, |code| holds(usize::from(code))),
            Self::Wide(codes) => bits::mark(codes, among, out, |code| holds(code as usize)),
        }
    }

    /// Visits offset and code of each of `among` that has one.
    pub fn each(&self, among: &[u64], mut visit: impl FnMut(usize, Code)) {
        match self {
            Self::Narrow(codes) => each_of(codes, among, |at, code| visit(at, Code::from(code))),
            Self::Middle(codes) => each_of(codes, among, |at, code| visit(at, Code::from(code))),
            Self::Wide(codes) => each_of(codes, among, visit),
        }
    }

    /// Bytes held.
    pub fn memory_bytes(&self) -> usize {
        match self {
            Self::Narrow(codes) => codes.memory_bytes(),
            Self::Middle(codes) => codes.memory_bytes(),
            Self::Wide(codes) => codes.memory_bytes(),
        }
    }
}

impl Stored for Codes {
    fn store(&self, out: &mut Output<'_>) -> Result<()> {
        match self {
            Self::Narrow(codes) => 0_u8.store(out).and_then(|()| codes.store(out)),
            Self::Middle(codes) => 1_u8.store(out).and_then(|()| codes.store(out)),
            Self::Wide(codes) => 2_u8.store(out).and_then(|()| codes.store(out)),
        }
    }

    fn restore(input: &mut Input<'_>) -> Result<Self> {
        match u8::restore(input)? {
            0 => Slab::restore(input).map(Self::Narrow),
            1 => Slab::restore(input).map(Self::Middle),
            2 => Slab::restore(input).map(Self::Wide),
            _ => Err(odd()),
        }
    }
}

fn each_of<T: Copy + Default + PartialEq>(codes: &[T], among: &[u64], mut visit: impl FnMut(usize, T)) {
    bits::each_value(codes, among, |at, code| {
        if code != T::default() {
            visit(at, code);
        }
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_widen_and_keep_their_values() {
        let mut codes = Codes::default();
        let values = [1, 0, 255, 3, 256, 65_535, 7, 65_536, 2, 0];
        for (at, code) in values.iter().enumerate() {
            codes.set(at, *code);
            for (at, code) in values[..=at].iter().enumerate() {
                assert_eq!(codes.get(at), *code);
            }
        }
        assert!(matches!(codes, Codes::Wide(_)));
        let mut out = [0];
        codes.mark_equal(65_536, &[u64::MAX], &mut out);
        assert_eq!(out, [1 << 7]);
        let mut out = [0];
        codes.mark_present(&[u64::MAX], &mut out);
        assert_eq!(out, [0b1_1111_1101]);
        let mut seen = Vec::new();
        codes.each(&[0b1011], |at, code| seen.push((at, code)));
        assert_eq!(seen, [(0, 1), (3, 3)]);
    }
}
