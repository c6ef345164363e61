//! Pseudo-random numbers from a seed, the same everywhere and for ever: SplitMix64 (Steele, Lea, Flood, "Fast
//! splittable pseudorandom number generators", 2014). Not for secrets.

/// The generator.
pub(super) struct Random(u64);

/// The odd integer next to 2^64 divided by the golden ratio.
const STEP: u64 = 0x9e37_79b9_7f4a_7c15;

impl Random {
    /// One of many independent streams of a seed.
    pub fn new(seed: u64, stream: u64) -> Self {
        Self(mix(mix(seed.wrapping_add(STEP)).wrapping_add(stream.wrapping_mul(STEP))))
    }

    /// 64 bits.
    pub fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(STEP);
        mix(self.0)
    }

    /// Below `bound`, which is above 0. The bias, at most bound / 2^64, is far below what resampling can show.
    pub fn below(&mut self, bound: usize) -> usize {
        ((u128::from(self.next()) * bound as u128) >> 64) as usize
    }

    /// Above 0, up to 1.
    pub fn unit(&mut self) -> f64 {
        ((self.next() >> 11) + 1) as f64 / (1_u64 << 53) as f64
    }

    /// From the standard normal distribution (Box and Muller's method; its second number is not used).
    pub fn normal(&mut self) -> f64 {
        (-2.0 * self.unit().ln()).sqrt() * (std::f64::consts::TAU * self.unit()).cos()
    }

    /// From the Poisson distribution of mean 1: how often one of very many values is drawn in as many draws.
    pub fn poisson_one(&mut self) -> u32 {
        let (mut left, mut term, mut count) = (self.unit(), (-1.0_f64).exp(), 0_u32);
        // The terms fall below what a float can tell from 0 long before this many.
        while left > term && count < 64 {
            left -= term;
            count += 1;
            term /= f64::from(count);
        }
        count
    }
}

fn mix(mut bits: u64) -> u64 {
    bits = (bits ^ (bits >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    bits = (bits ^ (bits >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    bits ^ (bits >> 31)
}

#[cfg(test)]
mod tests {
    use super::Random;

    #[test]
    fn the_first_numbers_are_those_of_the_reference() {
        let mut random = Random(1_234_567);
        let known = [6_457_827_717_110_365_317, 3_203_168_211_198_807_973, 9_817_491_932_198_370_423];
        assert_eq!([random.next(), random.next(), random.next()], known);
    }

    #[test]
    fn distributions_have_their_moments() {
        let mut random = Random::new(1, 2);
        let moments = |mut draw: Box<dyn FnMut() -> f64>| {
            let values: Vec<f64> = (0..100_000).map(|_| draw()).collect();
            let mean = values.iter().sum::<f64>() / 1e5;
            (mean, values.iter().map(|value| (value - mean).powi(2)).sum::<f64>() / 1e5)
        };
        let mut other = Random::new(1, 3);
        for (moments, mean, variance) in [
            (moments(Box::new(move || random.normal())), 0.0, 1.0),
            (moments(Box::new(move || f64::from(other.poisson_one()))), 1.0, 1.0),
        ] {
            assert!((moments.0 - mean).abs() < 0.02 && (moments.1 - variance).abs() < 0.03, "{moments:?}");
        }
        let mut random = Random::new(7, 1);
        let mut counts = [0; 6];
        (0..60_000).for_each(|_| counts[random.below(6)] += 1);
        assert!(counts.iter().all(|count| (9_500..10_500).contains(count)), "{counts:?}");
        assert_ne!(Random::new(7, 1).next(), Random::new(7, 2).next());
        assert_ne!(Random::new(7, 1).next(), Random::new(8, 1).next());
    }
}
