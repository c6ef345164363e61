//! Values of rows → keys with numbers or labels, the comparison of these, and the rows that differ. Pure.

use evalset_model::comparison::{self, Agreement, Comparison, Options, PassRate};
use evalset_model::score::ScoreValues;
use evalset_model::{Error, Result};
use evalset_store::runs::RowValue;
use std::collections::{BTreeMap, HashMap, HashSet};

/// What makes a row of A and a row of B the same.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Match {
    /// The row's id.
    UniqueId,
    /// What the caller named it; rows without one have no partner.
    CustomIdentifier,
}

impl Match {
    /// Name on the wire.
    pub fn name(self) -> &'static str {
        match self {
            Self::UniqueId => "unique_id",
            Self::CustomIdentifier => "custom_identifier",
        }
    }

    /// Reads the wire name; errors name `match`.
    pub fn parse(text: &str) -> Result<Self> {
        [Self::UniqueId, Self::CustomIdentifier].into_iter().find(|one| one.name() == text).ok_or_else(|| {
            Error::invalid("match", format!("`match` must be `unique_id` or `custom_identifier`, got `{text}`"))
        })
    }
}

/// What came out: of numbers means and wins, of anything else how often the labels agree.
#[derive(Clone, Debug)]
pub enum Outcome {
    /// Numbers; true and false are 1 and 0.
    Numbers(Comparison<String>),
    /// Texts, choices, JSON.
    Labels(Agreement<String>),
}

/// A row in both sides.
#[derive(Clone, Debug)]
pub struct RowPair {
    /// What makes it the same in both.
    pub key: String,
    /// In A.
    pub a: RowValue,
    /// In B.
    pub b: RowValue,
    /// B − A; none for labels.
    pub change: Option<f64>,
}

/// Two sides, joined by their keys.
#[derive(Clone, Debug)]
pub struct Paired {
    /// What came out.
    pub outcome: Outcome,
    /// The rows that changed most; of labels, those that differ, by key.
    pub changed: Vec<RowPair>,
}

/// A list that the statistics take: in order of the rows it was made of.
type Keyed<V> = Vec<(String, Option<V>)>;

/// Compares. Refused when one side holds numbers and the other none.
pub fn side_by_side(a: &[RowValue], b: &[RowValue], by: Match, options: &Options) -> Result<Paired> {
    match (holds_numbers(a), holds_numbers(b)) {
        (Some(false), Some(true)) | (Some(true), Some(false)) => {
            let message = "one side holds numbers, the other texts or choices: these cannot be compared";
            Err(Error::invalid("b", message))
        }
        (Some(false), _) | (_, Some(false)) => Ok(labels(a, b, by, options)),
        _ => Ok(numbers(a, b, by, options)),
    }
}

/// None when there is nothing to tell it by.
fn holds_numbers(values: &[RowValue]) -> Option<bool> {
    (!values.is_empty()).then(|| values.iter().any(|value| value.values.number().is_some()))
}

/// How many passed; of several rows of one name the last counts, as in the means.
pub fn passed(rows: &[RowValue], by: Match) -> PassRate {
    if by == Match::UniqueId {
        return PassRate::of(rows.iter().map(|row| row.is_passed));
    }
    let named = |row: &&RowValue| row.custom_identifier.as_ref().is_some_and(|name| !name.is_empty());
    let (named, nameless): (Vec<&RowValue>, Vec<&RowValue>) = rows.iter().partition(named);
    let last: HashMap<_, _> = named.into_iter().map(|row| (&row.custom_identifier, row.is_passed)).collect();
    PassRate::of(last.into_values().chain(nameless.into_iter().map(|row| row.is_passed)))
}

fn numbers(a: &[RowValue], b: &[RowValue], by: Match, options: &Options) -> Paired {
    let (of_a, of_b) = (keyed(a, by, 'a', ScoreValues::number), keyed(b, by, 'b', ScoreValues::number));
    let told = comparison::compare(&of_a, &of_b, options);
    let keys = told.changed.iter().map(|row| (row.key.as_str(), Some(row.difference()))).collect();
    let changed = pairs(keys, (a, &of_a), (b, &of_b));
    Paired { outcome: Outcome::Numbers(told), changed }
}

fn labels(a: &[RowValue], b: &[RowValue], by: Match, options: &Options) -> Paired {
    let (of_a, of_b) = (keyed(a, by, 'a', label), keyed(b, by, 'b', label));
    let told = comparison::agreement(&of_a, &of_b, options.listed);
    let last: HashMap<&str, &Option<String>> = of_b.iter().map(|(key, label)| (key.as_str(), label)).collect();
    // In order of their keys; the last entry of a key counts, as in the statistics.
    let first: BTreeMap<&str, &Option<String>> = of_a.iter().map(|(key, label)| (key.as_str(), label)).collect();
    let differ =
        first.into_iter().filter(|(key, label)| last.get(key).is_some_and(|other| other.is_some() && other != label));
    let keys = differ.filter(|(_, label)| label.is_some()).take(options.listed).map(|(key, _)| (key, None)).collect();
    let changed = pairs(keys, (a, &of_a), (b, &of_b));
    Paired { outcome: Outcome::Labels(told), changed }
}

fn keyed<V>(rows: &[RowValue], by: Match, side: char, value: impl Fn(&ScoreValues) -> Option<V>) -> Keyed<V> {
    let key = |row: &RowValue| match by {
        Match::UniqueId => format!("={}", row.log_id.0),
        Match::CustomIdentifier => match row.custom_identifier.as_ref().filter(|name| !name.is_empty()) {
            // A letter before either kind, so that no name is taken for a row without one.
            Some(name) => format!("={name}"),
            // Counts for its side and is the same as no other row.
            None => format!("{side}{}", row.log_id.0),
        },
    };
    rows.iter().map(|row| (key(row), value(&row.values))).collect()
}

/// A value that is no number as a label: a text, a choice, several choices in order as a JSON array, JSON.
pub fn label(values: &ScoreValues) -> Option<String> {
    let choices = |names: &Vec<String>| match names.as_slice() {
        [one] => one.clone(),
        several => {
            let mut several = several.to_vec();
            several.sort();
            serde_json::Value::from(several).to_string()
        }
    };
    values.string.clone().or_else(|| values.categorical.as_ref().map(choices)).or_else(|| values.json.clone())
}

/// The rows of these keys, in order of the keys.
fn pairs<V>(
    keys: Vec<(&str, Option<f64>)>,
    (a, of_a): (&[RowValue], &Keyed<V>),
    (b, of_b): (&[RowValue], &Keyed<V>),
) -> Vec<RowPair> {
    let wanted: HashSet<&str> = keys.iter().map(|(key, _)| *key).collect();
    let (a, b) = (places(&wanted, of_a, a), places(&wanted, of_b, b));
    let pair = |(key, change): (&str, Option<f64>)| {
        let (a, b) = ((*a.get(key)?).clone(), (*b.get(key)?).clone());
        Some(RowPair { key: key.strip_prefix('=').unwrap_or(key).to_owned(), a, b, change })
    };
    keys.into_iter().filter_map(pair).collect()
}

/// The last row of each wanted key.
fn places<'a, V>(wanted: &HashSet<&str>, keyed: &'a Keyed<V>, rows: &'a [RowValue]) -> HashMap<&'a str, &'a RowValue> {
    let entries = keyed.iter().map(|(key, _)| key.as_str()).zip(rows);
    entries.filter(|(key, _)| wanted.contains(key)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use evalset_model::ids::LogId;

    fn row(id: &str, name: Option<&str>, values: ScoreValues) -> RowValue {
        RowValue { log_id: LogId(id.to_owned()), custom_identifier: name.map(str::to_owned), values, is_passed: None }
    }

    fn flag(id: &str, name: Option<&str>, boolean: bool) -> RowValue {
        row(id, name, ScoreValues { boolean: Some(boolean), ..ScoreValues::default() })
    }

    fn chosen(id: &str, names: &[&str]) -> RowValue {
        let categorical = Some(names.iter().map(|name| (*name).to_owned()).collect());
        row(id, Some(id), ScoreValues { categorical, ..ScoreValues::default() })
    }

    #[test]
    fn rows_without_a_name_count_but_have_no_partner() {
        let a = [flag("1", Some("x"), true), flag("2", None, true), flag("3", Some("x"), false)];
        let b = [flag("4", Some("x"), true), flag("5", None, true), flag("6", Some(""), false)];
        let told = side_by_side(&a, &b, Match::CustomIdentifier, &Options::default()).unwrap();
        let Outcome::Numbers(numbers) = told.outcome else { panic!("booleans are numbers") };
        assert_eq!((numbers.pairs, numbers.wins, numbers.a.count, numbers.b.count), (1, 1, 2, 3));
        let unpaired = numbers.unpaired;
        assert_eq!((unpaired.only_in_a, unpaired.only_in_b, unpaired.repeated_in_a), (1, 2, 1));
        let [pair] = told.changed.as_slice() else { panic!("{:?}", told.changed) };
        assert_eq!((pair.key.as_str(), pair.a.log_id.0.as_str(), pair.b.log_id.0.as_str()), ("x", "3", "4"));
        assert_eq!(pair.change, Some(1.0));
    }

    #[test]
    fn the_last_row_of_a_name_says_whether_it_passed() {
        let judged = |id: &str, name, is_passed| RowValue { is_passed, ..flag(id, name, true) };
        let rows =
            [judged("1", Some("x"), Some(true)), judged("2", Some("x"), Some(false)), judged("3", None, Some(true))];
        let PassRate { judged, passed } = passed(&rows, Match::CustomIdentifier);
        assert_eq!((judged, passed), (2, 1));
        let all = super::passed(&rows, Match::UniqueId);
        assert_eq!((all.judged, all.passed), (3, 2));
    }

    #[test]
    fn choices_agree_in_any_order_and_numbers_are_no_labels() {
        let a = [chosen("1", &["good"]), chosen("2", &["b", "a"]), chosen("3", &["good"])];
        let b = [chosen("1", &["bad"]), chosen("2", &["a", "b"]), chosen("4", &["good"])];
        let told = side_by_side(&a, &b, Match::UniqueId, &Options::default()).unwrap();
        let Outcome::Labels(labels) = told.outcome else { panic!("choices are labels") };
        assert_eq!((labels.pairs, labels.agreed), (2, 1));
        assert_eq!(told.changed.iter().map(|pair| pair.key.as_str()).collect::<Vec<_>>(), ["1"]);
        let error = side_by_side(&a, &[flag("1", None, true)], Match::UniqueId, &Options::default()).unwrap_err();
        assert!(error.by_field().contains_key("b"), "{error}");
        let none = side_by_side(&a, &[], Match::UniqueId, &Options::default()).unwrap();
        assert!(matches!(none.outcome, Outcome::Labels(agreement) if agreement.unpaired.only_in_a == 3));
    }
}
