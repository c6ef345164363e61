//! What filters, orders and means take of a record's scores (contract C.4): one typed value by key.
//!
//! Does not know how scores are shown.

use super::ScoreValues;
use std::collections::BTreeMap;

/// What `scores__KEY` is compared with and sorted by.
#[derive(Clone, Debug, Default, PartialEq)]
pub enum ComparedScore {
    /// Finite.
    Number(f64),
    /// Compared as 1 and 0; means leave it out.
    Bool(bool),
    /// Text.
    Text(String),
    /// Names of choices: equal to a literal when one of them is.
    Choices(Vec<String>),
    /// The score is there and has none of these: as good as null to every test but the one for the key.
    #[default]
    None,
}

impl ComparedScore {
    /// Of what a score says: the number, else the boolean, the text, the choices.
    pub fn of(values: &ScoreValues) -> Self {
        (values.numerical.map(Self::Number))
            .or(values.boolean.map(Self::Bool))
            .or_else(|| values.string.clone().map(Self::Text))
            .or_else(|| values.categorical.clone().map(Self::Choices))
            .unwrap_or_default()
    }
}

/// The scores of one record by the names a filter knows them by: the key of each source (evaluator id or custom slug),
/// and its slug where that is no other source's key.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ComparedScores(BTreeMap<String, ComparedScore>);

impl ComparedScores {
    /// Of a record without scores.
    pub fn none() -> Self {
        Self::default()
    }

    /// The score under a key or slug.
    pub fn get(&self, key: &str) -> Option<&ComparedScore> {
        self.0.get(key)
    }

    /// Puts a score in place of what is under a key or slug.
    pub fn put(&mut self, key: impl Into<String>, score: ComparedScore) {
        self.0.insert(key.into(), score);
    }

    /// Every key and slug with its score, by rising key.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &ComparedScore)> {
        self.0.iter().map(|(key, score)| (key.as_str(), score))
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl<K: Into<String>> FromIterator<(K, ComparedScore)> for ComparedScores {
    /// The last one of a key counts.
    fn from_iter<I: IntoIterator<Item = (K, ComparedScore)>>(scores: I) -> Self {
        Self(scores.into_iter().map(|(key, score)| (key.into(), score)).collect())
    }
}
