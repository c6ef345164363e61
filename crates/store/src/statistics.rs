//! How the values of fields are spread over matching rows: histograms of numbers and the most frequent values. Knows no
//! store.

use crate::reference;
use evalset_model::filter::LogField;
use evalset_model::filter::meaning::{self, SortKey};
use evalset_model::log::Log;
use evalset_model::score::ComparedScores;
use std::collections::HashMap;

/// What is asked of one field.
#[derive(Clone, Debug, PartialEq)]
pub enum Measure {
    /// How its numbers are spread.
    Histogram {
        /// A typed field, a key of the metadata, or a score, whose booleans count as 0 and 1. Times are microseconds.
        field: LogField,
        /// Strictly rising, none of them NaN; between them lie the buckets. Without any there is one bucket, and what
        /// is learnt are the least and the greatest number.
        bounds: Vec<f64>,
    },
    /// Its most frequent values.
    Top {
        /// The id, a typed field or a key of the metadata.
        field: LogField,
        /// So many values.
        most: usize,
    },
}

/// What became of a [`Measure`].
#[derive(Clone, Debug, PartialEq)]
pub enum Statistic {
    /// Of [`Measure::Histogram`].
    Histogram(Histogram),
    /// Of [`Measure::Top`].
    Top(TopValues),
}

/// Statistics over matching rows.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Statistics {
    /// Matching rows.
    pub rows: u64,
    /// One for each measure, in their order.
    pub of: Vec<Statistic>,
}

/// Numbers by bucket.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Histogram {
    /// Rows of each bucket: those below the first bound, those from each bound on and below the next, those from the
    /// last bound on.
    pub counts: Vec<u64>,
    /// The least number.
    pub least: Option<f64>,
    /// The greatest number.
    pub greatest: Option<f64>,
    /// Rows whose value is no number.
    pub others: u64,
    /// Rows without a value.
    pub nulls: u64,
}

/// The most frequent values.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct TopValues {
    /// Values and their rows, the most frequent first, ties by rising value. A value that is no text is its JSON text.
    pub values: Vec<(String, u64)>,
    /// How many values there are, those not listed among them.
    pub distinct: u64,
    /// Rows without a value.
    pub nulls: u64,
}

impl Histogram {
    /// Of no row yet.
    pub fn new(bounds: &[f64]) -> Self {
        Self { counts: vec![0; bounds.len() + 1], ..Self::default() }
    }

    /// Counts a number.
    pub fn add(&mut self, bounds: &[f64], number: f64) {
        self.counts[bounds.partition_point(|bound| *bound <= number)] += 1;
        self.least = Some(self.least.map_or(number, |least| least.min(number)));
        self.greatest = Some(self.greatest.map_or(number, |greatest| greatest.max(number)));
    }
}

/// Statistics in the making, row by row: those of rows that an index knows nothing of, and of stores without one.
#[derive(Debug)]
pub struct Tally<'a> {
    measures: &'a [Measure],
    rows: u64,
    parts: Vec<Counted>,
}

/// What a measure came to so far.
#[derive(Debug)]
pub enum Counted {
    /// Of [`Measure::Histogram`].
    Histogram(Histogram),
    /// Of [`Measure::Top`]: rows of each value, and of none.
    Values(HashMap<Option<String>, u64>),
}

impl<'a> Tally<'a> {
    /// Of no row yet.
    pub fn new(measures: &'a [Measure]) -> Self {
        let part = |measure: &Measure| match measure {
            Measure::Histogram { bounds, .. } => Counted::Histogram(Histogram::new(bounds)),
            Measure::Top { .. } => Counted::Values(HashMap::new()),
        };
        Self { measures, rows: 0, parts: measures.iter().map(part).collect() }
    }

    /// Of so many rows that were counted elsewhere, measure by measure.
    pub fn of(measures: &'a [Measure], rows: u64, parts: Vec<Counted>) -> Self {
        Self { measures, rows, parts }
    }

    /// Adds a row to all measures.
    pub fn add(&mut self, log: &Log, scores: &ComparedScores) {
        self.rows += 1;
        for at in 0..self.measures.len() {
            self.add_to(at, log, scores);
        }
    }

    /// Adds a row to one measure, which did not count it although the others did.
    pub fn add_to(&mut self, at: usize, log: &Log, scores: &ComparedScores) {
        match (&self.measures[at], &mut self.parts[at]) {
            (Measure::Histogram { field, bounds }, Counted::Histogram(histogram)) => {
                match meaning::order(field, log, scores) {
                    SortKey::Int(number) => histogram.add(bounds, number as f64),
                    // A negative zero is the other one.
                    SortKey::Number(number) => histogram.add(bounds, number + 0.0),
                    SortKey::Null => histogram.nulls += 1,
                    SortKey::Text(_) | SortKey::Bool(_) | SortKey::Structure(_) => histogram.others += 1,
                }
            }
            (Measure::Top { field, .. }, Counted::Values(values)) => {
                *values.entry(reference::group_key(log, field)).or_default() += 1;
            }
            _ => {}
        }
    }

    /// The answer.
    pub fn finish(self) -> Statistics {
        let finished = |(measure, part): (&Measure, Counted)| match (measure, part) {
            (_, Counted::Histogram(histogram)) => Statistic::Histogram(histogram),
            (Measure::Top { most, .. }, Counted::Values(values)) => Statistic::Top(top(values, *most)),
            (Measure::Histogram { .. }, Counted::Values(values)) => Statistic::Top(top(values, 0)),
        };
        Statistics { rows: self.rows, of: self.measures.iter().zip(self.parts).map(finished).collect() }
    }
}

fn top(mut values: HashMap<Option<String>, u64>, most: usize) -> TopValues {
    let nulls = values.remove(&None).unwrap_or(0);
    let distinct = values.len() as u64;
    let mut values: Vec<(String, u64)> = values.into_iter().filter_map(|(value, rows)| Some((value?, rows))).collect();
    values.sort_unstable_by(|left, right| right.1.cmp(&left.1).then_with(|| left.0.cmp(&right.0)));
    values.truncate(most);
    TopValues { values, distinct, nulls }
}
