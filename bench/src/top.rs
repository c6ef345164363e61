//! The first values of an order, out of any number of them, without holding them all.

use std::cmp::Ordering;

/// Values beyond those wanted that are held before the rest is thrown away.
const SLACK_MIN: usize = 4_096;

/// Keeps the first `wanted` values by `order`, and counts all.
pub struct Top<T, F> {
    wanted: usize,
    held_max: usize,
    held: Vec<T>,
    order: F,
    /// Values seen.
    pub count: u64,
}

impl<T, F: Fn(&T, &T) -> Ordering> Top<T, F> {
    /// Of none yet.
    pub fn new(wanted: usize, order: F) -> Self {
        let held_max = wanted + (wanted / 4).max(SLACK_MIN);
        Self { wanted, held_max, held: Vec::new(), order, count: 0 }
    }

    /// One more value.
    pub fn push(&mut self, value: T) {
        self.count += 1;
        if self.held.len() == self.held_max {
            self.held.select_nth_unstable_by(self.wanted - 1, &self.order);
            self.held.truncate(self.wanted);
        }
        self.held.push(value);
    }

    /// The first values, in order.
    pub fn first(mut self) -> Vec<T> {
        self.held.sort_unstable_by(&self.order);
        self.held.truncate(self.wanted);
        self.held
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::Random;

    #[test]
    fn the_first_of_many_are_those_of_a_full_sort() {
        let mut random = Random::new(1, 0, 0);
        let values: Vec<u64> = (0..30_000).map(|_| random.below(20_000)).collect();
        let mut sorted = values.clone();
        sorted.sort_unstable();
        for wanted in [1, 25, 5_000, 29_999, 40_000] {
            let mut top = Top::new(wanted, |one: &u64, other: &u64| one.cmp(other));
            for &value in &values {
                top.push(value);
            }
            assert_eq!(top.count, 30_000);
            assert_eq!(top.first(), sorted[..wanted.min(30_000)]);
        }
    }
}
