//! Hand-checked examples, agreement with scipy, and the quick method held to the slow one.

use super::bootstrap::{EXACT_VALUES, draw_each, mean, percentile, tail_and_bulk};
use super::random::Random;
use super::*;

fn listed<'a>(values: &[(&'a str, Option<f64>)]) -> Vec<(&'a str, Option<f64>)> {
    values.to_vec()
}

fn numbered(values: impl IntoIterator<Item = f64>) -> Vec<(usize, Option<f64>)> {
    values.into_iter().map(Some).enumerate().collect()
}

#[test]
fn a_small_example_by_hand() {
    let a = listed(&[("r1", Some(1.0)), ("r2", Some(2.0)), ("r3", Some(3.0)), ("r4", None), ("r5", Some(5.0))]);
    let b = listed(&[("r6", Some(9.0)), ("r4", Some(1.0)), ("r3", Some(3.0)), ("r2", Some(0.5)), ("r1", Some(4.0))]);
    let told = compare(&a, &b, &Options { listed: 1, ..Options::default() });
    assert_eq!((told.a.count, told.a.mean.value), (4, Some(11.0 / 4.0)));
    assert_eq!((told.b.count, told.b.mean.value), (5, Some(17.5 / 5.0)));
    assert_eq!((told.pairs, told.difference.value), (3, Some((3.0 - 1.5 + 0.0) / 3.0)));
    assert_eq!((told.wins, told.losses, told.ties), (1, 1, 1));
    let unpaired = Unpaired { only_in_a: 1, only_in_b: 1, without_value: 1, ..Unpaired::default() };
    assert_eq!(told.unpaired, unpaired);
    assert_eq!(told.changed, [Changed { key: "r1", a: 1.0, b: 4.0 }]);
    assert_eq!(told.changed.first().map(Changed::difference), Some(3.0));
    let interval = told.difference.interval.unwrap();
    assert!(interval.low >= -1.5 && interval.low < 0.5 && interval.high > 0.5 && interval.high <= 3.0, "{interval:?}");
}

#[test]
fn what_cannot_be_compared_is_counted() {
    let none = compare::<&str>(&[], &[], &Options::default());
    assert_eq!((none.pairs, none.difference, none.a.mean), (0, Estimate::default(), Estimate::default()));
    let one = compare(&listed(&[("r", Some(1.0))]), &listed(&[("r", Some(2.0))]), &Options::default());
    assert_eq!(one.difference, Estimate { value: Some(1.0), interval: None });
    let a = listed(&[("r", Some(1.0)), ("s", Some(f64::NAN)), ("r", Some(3.0)), ("t", Some(f64::INFINITY))]);
    let b = listed(&[("r", Some(3.0)), ("s", Some(1.0)), ("t", Some(1.0)), ("t", None), ("t", Some(2.0))]);
    let told = compare(&a, &b, &Options::default());
    assert_eq!((told.pairs, told.ties, told.a.count), (1, 1, 1), "the last entry of a key counts");
    let unpaired = Unpaired { without_value: 2, repeated_in_a: 1, repeated_in_b: 2, ..Unpaired::default() };
    assert_eq!(told.unpaired, unpaired);
    let huge = compare(&numbered([1e308; 3]), &numbered([1e308; 3]), &Options::default());
    assert!((huge.a.mean.value.unwrap() / 1e308 - 1.0).abs() < 1e-12 && huge.difference.value == Some(0.0));
}

#[test]
fn wins_and_changes_are_beyond_epsilon() {
    let a = numbered([0.0, 0.0, 0.0, 0.0, 0.0]);
    let b = numbered([0.5, 0.6, -0.6, -0.5, -0.7]);
    let told = compare(&a, &b, &Options { epsilon: 0.5, listed: 2, ..Options::default() });
    assert_eq!((told.wins, told.losses, told.ties), (1, 2, 2));
    assert_eq!(told.changed.iter().map(|row| row.key).collect::<Vec<_>>(), [4, 1], "ties by key");
    let all = compare(&a, &b, &Options { epsilon: 0.5, listed: 9, ..Options::default() });
    assert_eq!(all.changed.iter().map(|row| row.key).collect::<Vec<_>>(), [4, 1, 2]);
    assert!(compare(&a, &b, &Options { listed: 0, ..Options::default() }).changed.is_empty());
}

#[test]
fn the_same_seed_says_the_same_in_any_order() {
    let values = |count: usize| numbered((0..count).map(|i| ((i * 7_919) % 1_000) as f64 / 3.0));
    for count in [100, EXACT_VALUES + 100] {
        let (a, b) = (values(count), numbered((0..count).map(|i| ((i * 104_729) % 1_000) as f64 / 7.0)));
        let options = Options { resamples: 200, seed: 7, ..Options::default() };
        let told = compare(&a, &b, &options);
        let (mut a, mut b) = (a, b);
        a.reverse();
        b.rotate_left(count / 3);
        assert_eq!(compare(&a, &b, &options), told);
        let other = compare(&a, &b, &Options { seed: 8, ..options });
        assert_ne!(other.difference.interval, told.difference.interval);
        assert_eq!(other.difference.value, told.difference.value);
    }
}

/// What scipy 1.17.1 says, with numpy:
///
/// ```python
/// a = np.array([((i * 7919) % 1000 / 1000) ** 3 for i in range(200)])
/// b = np.array([((i * 104729) % 1000 / 1000) ** 2 for i in range(200)])
/// p = np.array([float(i % 10 == 0) for i in range(200)])
/// for x in (a, b, b - a, p):
///     for c in (0.95, 0.8):
///         print(scipy.stats.bootstrap((x,), np.mean, n_resamples=200_000, method="percentile",
///                                     confidence_level=c, rng=0).confidence_interval, x.std() / len(x) ** 0.5)
/// ```
#[test]
fn intervals_are_those_of_scipy() {
    let share = |number: usize| (number % 1_000) as f64 / 1_000.0;
    let a: Vec<f64> = (0..200).map(|i| share(i * 7_919).powi(3)).collect();
    let b: Vec<f64> = (0..200).map(|i| share(i * 104_729).powi(2)).collect();
    let rare: Vec<f64> = (0..200).map(|i| f64::from(u8::from(i % 10 == 0))).collect();
    for (confidence, expected) in [
        (0.95, [(0.208_949, 0.286_830), (0.288_668, 0.371_106), (0.022_596, 0.141_654), (0.06, 0.145)]),
        (0.8, [(0.221_944, 0.272_744), (0.302_668, 0.356_588), (0.043_437, 0.121_114), (0.075, 0.125)]),
    ] {
        let options = Options { resamples: 10_000, confidence, ..Options::default() };
        let told = compare(&numbered(a.clone()), &numbered(b.clone()), &options);
        let passed = compare(&numbered(rare.clone()), &[], &options);
        let intervals = [told.a.mean, told.b.mean, told.difference, passed.a.mean].map(|mean| mean.interval.unwrap());
        // A percentile of 10,000 drawings is off by about 0.03 standard errors at these places: five times that is
        // allowed. Means of `rare` are multiples of 0.005, so that the next of them may be met.
        let allowed = [0.019_849, 0.020_985, 0.030_349].map(|error| 0.15 * error);
        for ((found, (low, high)), allowed) in intervals.iter().zip(expected).zip(allowed.into_iter().chain([0.005_1]))
        {
            let near = |found: f64, expected: f64| (found - expected).abs() < allowed;
            assert!(near(found.low, low) && near(found.high, high), "{found:?}, scipy says {low} to {high}");
        }
    }
}

#[test]
fn the_quick_method_agrees_with_drawing_each() {
    let count = 12_000;
    let mut random = Random::new(3, 9);
    let skewed: Vec<f64> = (0..count).map(|_| (2.0 * random.normal()).exp()).collect();
    let mut lumpy = vec![0.001; count];
    lumpy[5] = 1_000.0;
    lumpy[9] = -500.0;
    let rare: Vec<f64> = (0..count).map(|i| f64::from(u8::from(i % 400 == 0))).collect();
    let even: Vec<f64> = (0..count).map(|i| (i % 5) as f64).collect();
    for (name, values) in [("skewed", skewed), ("lumpy", lumpy), ("rare", rare), ("even", even)] {
        let centre = mean(&values).unwrap();
        let sorted = |mut means: Vec<f64>| {
            means.sort_unstable_by(f64::total_cmp);
            means
        };
        let slow = sorted(draw_each(&values, centre, 2_000, &mut Random::new(1, 1)));
        let quick = sorted(tail_and_bulk(&values, centre, 2_000, &mut Random::new(1, 2)));
        let spread = values.iter().map(|value| (value - centre).powi(2)).sum::<f64>().sqrt() / count as f64;
        for share in [0.025, 0.1, 0.25, 0.5, 0.75, 0.9, 0.975] {
            let (slow, quick) = (percentile(&slow, share).unwrap(), percentile(&quick, share).unwrap());
            // Both are off by about 0.06 standard errors at the outer places, by their own drawing.
            assert!((slow - quick).abs() < 0.3 * spread, "{name} at {share}: {slow} and {quick}, error {spread}");
        }
    }
}

#[test]
fn a_million_pairs_are_compared_in_reasonable_time() {
    let count = 1_000_000;
    let mut random = Random::new(5, 5);
    let a = numbered((0..count).map(|_| random.unit()));
    let b = numbered(a.iter().map(|(key, value)| value.unwrap() + if key % 4 == 0 { 0.04 } else { 0.0 }));
    let told = compare(&a, &b, &Options::default());
    assert_eq!((told.pairs, told.wins, told.ties), (1_000_000, 250_000, 750_000));
    let interval = told.difference.interval.unwrap();
    // 0.01 ± 1.96 · 0.04 · √(¼ · ¾) / 1,000
    assert!((interval.low - 0.009_966).abs() < 4e-6 && (interval.high - 0.010_034).abs() < 4e-6, "{interval:?}");
    assert_eq!(told.changed.len(), 20);
}

#[test]
fn labels_agree_or_are_confused() {
    let a = [("r1", Some("good")), ("r2", Some("good")), ("r3", Some("bad")), ("r4", Some("bad")), ("r5", None)];
    let b = [("r1", Some("good")), ("r2", Some("bad")), ("r3", Some("bad")), ("r4", Some("bad")), ("r5", Some("bad"))];
    let told = agreement(&a, &b, 10);
    assert_eq!((told.pairs, told.agreed, told.rate()), (4, 3, Some(0.75)));
    assert_eq!(
        told.table,
        [
            Cell { a: "bad", b: "bad", count: 2 },
            Cell { a: "good", b: "bad", count: 1 },
            Cell { a: "good", b: "good", count: 1 }
        ]
    );
    assert_eq!(told.unpaired, Unpaired { without_value: 1, ..Unpaired::default() });
    let first = agreement(&a, &b, 1);
    assert_eq!((first.table.len(), first.left_out, first.agreed), (1, 2, 3));
    assert_eq!(agreement::<u8, bool>(&[], &[], 1).rate(), None);
}

#[test]
fn percentiles_lie_between_values() {
    assert_eq!(percentile(&[1.0, 2.0, 4.0], 0.5), Some(2.0));
    assert_eq!(percentile(&[1.0, 2.0, 4.0], 0.75), Some(3.0));
    assert_eq!((percentile(&[1.0, 2.0], 0.0), percentile(&[1.0, 2.0], 1.0)), (Some(1.0), Some(2.0)));
    assert_eq!(percentile(&[], 0.5), None);
}

#[test]
fn pass_rates_leave_out_what_was_not_judged() {
    let rate = PassRate::of([Some(true), None, Some(false), Some(true)]);
    assert_eq!((rate.judged, rate.passed), (3, 2));
    assert!((rate.rate().unwrap() - 2.0 / 3.0).abs() < 1e-15);
    assert_eq!(PassRate::of([None]).rate(), None);
}

#[test]
fn options_out_of_bounds_name_the_member() {
    let limits = Limits::default();
    let usual = Options::default;
    assert!(usual().check(&limits).is_ok());
    for (options, member) in [
        (Options { resamples: 0, ..usual() }, "resamples"),
        (Options { resamples: 10_001, ..usual() }, "resamples"),
        (Options { confidence: 1.0, ..usual() }, "confidence"),
        (Options { confidence: f64::NAN, ..usual() }, "confidence"),
        (Options { epsilon: -1.0, ..usual() }, "epsilon"),
        (Options { epsilon: f64::INFINITY, ..usual() }, "epsilon"),
        (Options { listed: 1_001, ..usual() }, "limit"),
    ] {
        assert!(options.check(&limits).unwrap_err().by_field().contains_key(member), "{options:?}");
    }
}
