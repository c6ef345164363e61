//! Percentile bootstrap of a mean: the values are drawn again with replacement, as many as there are, many times; the
//! interval lies between two percentiles of the means, interpolated linearly. This is what `scipy.stats.bootstrap(…,
//! method="percentile")` computes, up to the error of its own drawing.
//!
//! Up to [`EXACT_VALUES`] values every draw is made. Beyond, that would be billions of draws (a million values, 2,000
//! times), so the draws are not made one by one: see [`tail_and_bulk`].

use super::Options;
use super::random::Random;

/// Up to this many values are drawn one by one.
pub(super) const EXACT_VALUES: usize = 10_000;
/// Of more values, this many far ones are drawn one by one.
const TAIL_VALUES: usize = 1_000;

/// A confidence interval.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Interval {
    /// Lower end.
    pub low: f64,
    /// Upper end.
    pub high: f64,
}

/// The mean; none without values. Divides first, so that no sum overflows.
pub(super) fn mean(values: &[f64]) -> Option<f64> {
    let count = values.len() as f64;
    // Dividing after is more exact, wherever it works.
    let sum: f64 = values.iter().sum();
    let mean = if sum.is_finite() { sum / count } else { values.iter().map(|value| value / count).sum() };
    (!values.is_empty()).then_some(mean)
}

/// The interval of the mean of finite values; none for fewer than two.
pub(super) fn interval_of_mean(values: &[f64], options: &Options, stream: u64) -> Option<Interval> {
    let mean = mean(values).filter(|_| values.len() > 1)?;
    let mut random = Random::new(options.seed, stream);
    let mut means = if values.len() <= EXACT_VALUES {
        draw_each(values, mean, options.resamples, &mut random)
    } else {
        tail_and_bulk(values, mean, options.resamples, &mut random)
    };
    means.sort_unstable_by(f64::total_cmp);
    let outside = (1.0 - options.confidence) / 2.0;
    Some(Interval { low: percentile(&means, outside)?, high: percentile(&means, 1.0 - outside)? })
}

/// Means of samples, every draw made. What is drawn are parts of the mean, centred: that keeps sums small and exact.
pub(super) fn draw_each(values: &[f64], mean: f64, resamples: u32, random: &mut Random) -> Vec<f64> {
    let parts = parts(values, mean);
    let one = |_| mean + (0..parts.len()).map(|_| parts[random.below(parts.len())]).sum::<f64>();
    (0..resamples).map(one).collect()
}

/// Means of samples of many values, without making every draw.
///
/// The mean of many draws is nearly normal unless few values carry much of it: one cost of 1,000 among a million of
/// 0.001 makes the distribution of the mean lumpy, however many values there are. So the [`TAIL_VALUES`] values
/// farthest from the mean are drawn one by one: how often each of them comes is binomial with n draws of chance 1/n,
/// which for n > 10,000 is Poisson with mean 1 but for a relative error of about 1/n. What is left of the n draws falls
/// on the bulk, whose sum is taken from the normal distribution with the bulk's mean and variance (central limit
/// theorem; without its far values the bulk's skewness divided by √n, the next term, is small). Each resample then
/// costs a thousand draws instead of n; the error is far below the error of drawing only some thousand times. Tests
/// hold it to [`draw_each`] on skewed, lumpy and binary values.
pub(super) fn tail_and_bulk(values: &[f64], mean: f64, resamples: u32, random: &mut Random) -> Vec<f64> {
    let mut parts = parts(values, mean);
    let tail = TAIL_VALUES.min(parts.len() - 1);
    parts.select_nth_unstable_by(tail, |left, right| right.abs().total_cmp(&left.abs()));
    let (tail, bulk) = parts.split_at(tail);
    // Which equal values are in the tail is no matter, but sums depend on their order: it must not be the selection's.
    let mut tail = tail.to_vec();
    tail.sort_unstable_by(f64::total_cmp);
    let mut bulk = bulk.to_vec();
    bulk.sort_unstable_by(f64::total_cmp);
    let count = bulk.len() as f64;
    let centre = bulk.iter().sum::<f64>() / count;
    let deviation = (bulk.iter().map(|part| (part - centre) * (part - centre)).sum::<f64>() / count).sqrt();
    let one = |_| {
        let (mut sum, mut drawn) = (0.0, 0.0);
        for part in &tail {
            let times = f64::from(random.poisson_one());
            sum += times * part;
            drawn += times;
        }
        let draws = (values.len() as f64 - drawn).max(0.0);
        mean + sum + draws * centre + draws.sqrt() * deviation * random.normal()
    };
    (0..resamples).map(one).collect()
}

/// What each value adds to a mean, less the mean's own share.
fn parts(values: &[f64], mean: f64) -> Vec<f64> {
    let count = values.len() as f64;
    values.iter().map(|value| value / count - mean / count).collect()
}

/// A percentile of sorted values, between two of them by linear interpolation.
pub(super) fn percentile(sorted: &[f64], share: f64) -> Option<f64> {
    let place = share.clamp(0.0, 1.0) * sorted.len().checked_sub(1)? as f64;
    let (below, above) = (sorted[place.floor() as usize], sorted[place.ceil() as usize]);
    Some(below + (above - below) * place.fract())
}
