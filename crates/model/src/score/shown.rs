//! Which of the scores that concern a record it shows (contract F.6).
//!
//! Does not know in what form they are shown.

use super::{ComparedScore, ComparedScores, Score, ScoreStatus};
use crate::ids::Place;
use std::cmp::Ordering;

/// The scores a record shows: one by each source, newest first.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ShownScores(Vec<Score>);

impl ShownScores {
    /// Of a record without scores, or one whose scores were not asked for.
    pub fn none() -> Self {
        Self::default()
    }

    /// Given all scores that concern a record of `place`: those of `place` win over those that name no dataset, and of
    /// several by the same source the one written last is shown, a failed one only when there is no other.
    pub fn of(mut scores: Vec<Score>, place: Place) -> Self {
        scores.sort_by(|left, right| {
            let last = |score: &Score| (score.subject.place != place, score.status == ScoreStatus::Failed);
            last(left).cmp(&last(right)).then_with(|| newest_first(left, right))
        });
        let mut shown: Vec<Score> = Vec::with_capacity(scores.len());
        for score in scores {
            if !shown.iter().any(|other| other.source.key() == score.source.key()) {
                shown.push(score);
            }
        }
        shown.sort_by(newest_first);
        Self(shown)
    }

    /// The scores, newest first.
    pub fn iter(&self) -> std::slice::Iter<'_, Score> {
        self.0.iter()
    }

    /// The score by the source of this key (see [`Source::key`](super::Source::key)).
    pub fn by_key(&self, key: &str) -> Option<&Score> {
        self.iter().find(|score| score.source.key() == key)
    }

    /// How many.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// What filters take of them: each under its key, and the newest of a slug under the slug, unless that is the key
    /// of another.
    pub fn compared(&self) -> ComparedScores {
        let mut compared = ComparedScores::none();
        for score in self {
            compared.put(score.source.key(), ComparedScore::of(&score.values));
        }
        for score in self.iter().filter(|score| score.source.evaluator_id.is_some()) {
            if compared.get(&score.source.slug).is_none() {
                compared.put(score.source.slug.as_str(), ComparedScore::of(&score.values));
            }
        }
        compared
    }
}

impl<'a> IntoIterator for &'a ShownScores {
    type Item = &'a Score;
    type IntoIter = std::slice::Iter<'a, Score>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}

fn newest_first(left: &Score, right: &Score) -> Ordering {
    (right.updated_at, right.id).cmp(&(left.updated_at, left.id))
}
