//! Seeded randomness: the same seed, stream and index always give the same draws, in any order of use.
//!
//! Knows numbers and distributions; knows nothing of logs or text.

/// Golden-ratio step of SplitMix64.
const STEP: u64 = 0x9e37_79b9_7f4a_7c15;

/// Scrambles 64 bits (the output function of SplitMix64).
fn mix(mut bits: u64) -> u64 {
    bits = (bits ^ (bits >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    bits = (bits ^ (bits >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    bits ^ (bits >> 31)
}

/// A SplitMix64 generator, one per (seed, stream, index), so that row N needs no row before it.
#[derive(Clone, Debug)]
pub struct Random(u64);

impl Random {
    /// Draws for `index` of `stream`. Streams keep the draws of different purposes apart.
    pub fn new(seed: u64, stream: u64, index: u64) -> Self {
        Self(mix(mix(seed.wrapping_add(STEP)) ^ mix(stream.wrapping_mul(STEP)) ^ index.wrapping_mul(STEP)))
    }

    /// 64 uniform bits.
    pub fn bits(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(STEP);
        mix(self.0)
    }

    /// Uniform in 0..1.
    pub fn unit(&mut self) -> f64 {
        (self.bits() >> 11) as f64 / (1u64 << 53) as f64
    }

    /// Uniform in 0..`end`; 0 when `end` is 0.
    pub fn below(&mut self, end: u64) -> u64 {
        ((u128::from(self.bits()) * u128::from(end)) >> 64) as u64
    }

    /// True in `share` of the draws.
    pub fn chance(&mut self, share: f64) -> bool {
        self.unit() < share
    }

    /// Log-normal with the given median; `sigma` is the deviation of the logarithm.
    pub fn log_normal(&mut self, median: f64, sigma: f64) -> f64 {
        let radius = (-2.0 * (1.0 - self.unit()).ln()).sqrt();
        let normal = radius * (std::f64::consts::TAU * self.unit()).cos();
        median * (sigma * normal).exp()
    }
}

/// Entries of a [`Zipf`] table: the rarest rank drawn has a share of about 1/65,536.
const SLOTS: u64 = 65_536;

/// Ranks 0..n with shares proportional to 1/(rank+1)^exponent, drawn by one table look-up.
#[derive(Clone, Debug)]
pub struct Zipf(Vec<u16>);

impl Zipf {
    /// A table over `ranks` ranks (1 to 65,535).
    pub fn new(ranks: u16, exponent: f64) -> Self {
        let weights: Vec<f64> = (1..=ranks.max(1)).map(|rank| f64::from(rank).powf(-exponent)).collect();
        let total: f64 = weights.iter().sum();
        let mut slots = Vec::with_capacity(SLOTS as usize);
        let mut reached = 0.0;
        for (rank, weight) in weights.iter().enumerate() {
            reached += weight / total;
            let end = (reached * SLOTS as f64).round() as usize;
            // Every rank keeps at least one slot while there is room, so that rare values do occur.
            let end = end.max(slots.len() + 1).min(SLOTS as usize);
            slots.resize(end, rank as u16);
        }
        slots.resize(SLOTS as usize, 0);
        Self(slots)
    }

    /// One rank, 0 the most frequent.
    pub fn draw(&self, random: &mut Random) -> usize {
        usize::from(self.0[random.below(SLOTS) as usize])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn draws_depend_on_seed_stream_and_index_only() {
        let first = |seed, stream, index| Random::new(seed, stream, index).bits();
        assert_eq!(first(1, 2, 3), first(1, 2, 3));
        assert_ne!(first(1, 2, 3), first(2, 2, 3));
        assert_ne!(first(1, 2, 3), first(1, 3, 3));
        assert_ne!(first(1, 2, 3), first(1, 2, 4));
    }

    #[test]
    fn unit_is_uniform_and_below_stays_below() {
        let mut random = Random::new(7, 0, 0);
        let mean: f64 = (0..20_000).map(|_| random.unit()).sum::<f64>() / 20_000.0;
        assert!((mean - 0.5).abs() < 0.01, "{mean}");
        let mut seen = [0u32; 6];
        for _ in 0..6_000 {
            seen[random.below(6) as usize] += 1;
        }
        assert!(seen.iter().all(|&count| (800..1_200).contains(&count)), "{seen:?}");
    }

    #[test]
    fn log_normal_has_its_median() {
        let mut random = Random::new(7, 1, 0);
        let mut values: Vec<f64> = (0..9_999).map(|_| random.log_normal(2.0, 0.7)).collect();
        values.sort_by(f64::total_cmp);
        assert!((values[5_000] - 2.0).abs() < 0.1, "{}", values[5_000]);
    }

    #[test]
    fn zipf_is_skewed_and_reaches_every_rank() {
        let zipf = Zipf::new(20, 1.0);
        let mut random = Random::new(7, 2, 0);
        let mut seen = [0u32; 20];
        for _ in 0..40_000 {
            seen[zipf.draw(&mut random)] += 1;
        }
        // 1/H(20) = 0.278 of the draws, and the second rank half as often.
        assert!((10_500..11_800).contains(&seen[0]), "{seen:?}");
        assert!((5_000..6_200).contains(&seen[1]), "{seen:?}");
        assert!(seen.iter().all(|&count| count > 0), "{seen:?}");
    }
}
