//! Compare loops: one bit for each value that passes a test. Which instructions a loop may use is found out when the
//! program runs. Knows values and words, not what they mean.

use super::WORD;

/// Sets in `out` the bits of `among` whose value passes. Positions beyond `values` stay unset. Cheap tests only: whole
/// words are tested even where few bits are asked for. The test should own what it compares with (`move`): what lies
/// behind a reference may change for all the compiler knows, and is read again for each value.
pub fn mark<T: Copy>(values: &[T], among: &[u64], out: &mut [u64], test: impl Fn(T) -> bool + Copy) {
    #[cfg(target_arch = "x86_64")]
    if size_of::<T>() >= WIDE_BYTES && is_x86_feature_detected!("avx2") {
        #[expect(unsafe_code, reason = "the processor may lack the instructions elsewhere")]
        // SAFETY: it was just found to have them.
        return unsafe { mark_with_avx2(values, among, out, test) };
    }
    mark_words(values, among, out, test, gather_bytes);
}

/// Values from this length on are compared with wider instructions. Measured at 2^20 values: 64 bits 430 to 130 µs, 32
/// bits 198 to 114 µs; of shorter ones as many fit into the usual instructions that there is nothing to gain.
const WIDE_BYTES: usize = 4;

/// So far ahead of the values that are compared the processor is told which ones come next: by itself it hardly looks
/// beyond a page of memory (4 KB). Measured over 2^20 values of 64 bits that no cache of its own held: 373 to 298 µs;
/// half as far gains less, twice as far no more.
#[cfg(target_arch = "x86_64")]
const AHEAD_BYTES: usize = 4096;
/// What the processor fetches at once.
#[cfg(target_arch = "x86_64")]
const LINE_BYTES: usize = 64;

/// [`mark`] with instructions of 256 bits.
#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2,bmi1,bmi2,popcnt")]
fn mark_with_avx2<T: Copy>(values: &[T], among: &[u64], out: &mut [u64], test: impl Fn(T) -> bool + Copy) {
    if size_of::<T>() > WIDE_BYTES {
        mark_words(values, among, out, test, |values, test| {
            fetch_ahead(values);
            // Without bytes between, which the compiler shuffles at length for so few values an instruction.
            values.iter().enumerate().fold(0, |word, (bit, value)| word | u64::from(test(*value)) << bit)
        });
    } else {
        mark_words(values, among, out, test, |values, test| {
            fetch_ahead(values);
            gather_bytes(values, test)
        });
    }
}

/// Has the memory fetched that lies [`AHEAD_BYTES`] behind these values.
#[cfg(target_arch = "x86_64")]
#[expect(clippy::inline_always, reason = "a few instructions inside a loop")]
#[inline(always)]
fn fetch_ahead<T>(values: &[T; WORD]) {
    let ahead = std::ptr::from_ref(values).cast::<i8>().wrapping_add(AHEAD_BYTES);
    for at in (0..size_of_val(values)).step_by(LINE_BYTES) {
        #[expect(unsafe_code, reason = "the function takes a pointer")]
        // SAFETY: it is a hint and reads nothing: where there is no memory, nothing happens.
        unsafe {
            std::arch::x86_64::_mm_prefetch::<{ std::arch::x86_64::_MM_HINT_T0 }>(ahead.wrapping_add(at));
        }
    }
}

/// Visits words; `gather` makes one out of 64 values.
#[expect(clippy::inline_always, reason = "compiled with the instructions that its caller may use")]
#[inline(always)]
fn mark_words<T: Copy, F: Fn(T) -> bool + Copy>(
    values: &[T],
    among: &[u64],
    out: &mut [u64],
    test: F,
    gather: impl Fn(&[T; WORD], F) -> u64,
) {
    // Of a known length: the loop over them needs no checks.
    let (words, rest) = values.as_chunks::<WORD>();
    for ((values, among), out) in words.iter().zip(among).zip(&mut *out) {
        if *among != 0 {
            *out |= gather(values, test) & among;
        }
    }
    if let (Some(among), Some(out)) = (among.get(words.len()), out.get_mut(words.len())) {
        for (bit, value) in rest.iter().enumerate() {
            *out |= u64::from(test(*value)) << bit & among;
        }
    }
}

/// One byte a value, 0 or 1, and then the bytes into a word, first byte lowest.
#[expect(clippy::inline_always, reason = "compiled with the instructions that its caller may use")]
#[inline(always)]
fn gather_bytes<T: Copy, F: Fn(T) -> bool>(values: &[T; WORD], test: F) -> u64 {
    let mut bytes = [0_u8; WORD];
    for (byte, value) in bytes.iter_mut().zip(values) {
        *byte = u8::from(test(*value));
    }
    let (eights, _) = bytes.as_chunks::<8>();
    eights.iter().enumerate().fold(0, |word, (group, eight)| {
        // The multiplication moves the lowest bit of byte i to bit 56 + i; no two partial products meet.
        let gathered = u64::from_le_bytes(*eight).wrapping_mul(0x0102_0408_1020_4080) >> 56;
        word | gathered << (group * 8)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Values of one type, marked as asked and by the plain meaning.
    fn agrees<T: Copy>(values: &[T], test: impl Fn(T) -> bool + Copy) {
        for words in [0, 1, 2, values.len().div_ceil(WORD), values.len().div_ceil(WORD) + 1] {
            let among: Vec<u64> = (0..words as u64).map(|at| (at + 3).wrapping_mul(0x9E37_79B9_7F4A_7C15)).collect();
            let (mut out, mut expected) = (vec![1_u64 << 63; words], vec![1_u64 << 63; words]);
            mark(values, &among, &mut out, test);
            for (at, value) in values.iter().enumerate().take(words * WORD) {
                expected[at / WORD] |= u64::from(test(*value)) << (at % WORD) & among[at / WORD];
            }
            assert_eq!(out, expected, "{} of {} bytes in {words} words", values.len(), size_of::<T>());
        }
    }

    #[test]
    fn values_of_every_length_are_marked() {
        for len in [0, 1, 63, 64, 65, 130, 192] {
            let values: Vec<u64> = (0..len).map(|at: u64| (at * 7 + 1).wrapping_mul(0x2545_F491_4F6C_DD1D)).collect();
            agrees(&values, |value| value % 3 == 0);
            agrees(&values.iter().map(|value| *value as i64).collect::<Vec<_>>(), |value| {
                (-9..1 << 62).contains(&value)
            });
            agrees(&values.iter().map(|value| *value as i32).collect::<Vec<_>>(), |value| {
                (-9..1 << 30).contains(&value)
            });
            agrees(&values.iter().map(|value| *value as u16).collect::<Vec<_>>(), |value| value < 9_999);
            agrees(&values.iter().map(|value| *value as u8).collect::<Vec<_>>(), |value| value > 200);
            let floats: Vec<f64> =
                values.iter().map(|value| if value % 5 == 0 { f64::NAN } else { *value as f64 }).collect();
            agrees(&floats, |value| (1e18..=9e18).contains(&value));
            agrees(&floats, |value| !value.is_nan());
        }
    }
}
