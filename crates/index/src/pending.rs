//! Commits that the column index of a collection does not have yet, oldest first: made while it was being read from the
//! file, or while readers held it. Knows their order and what they take of memory, neither columns nor who waits for
//! whom.

use crate::change::Change;
use crate::number::CommitNumber;
use evalset_model::log::Log;
use evalset_model::scalar::Scalar;
use evalset_model::score::{ComparedScore, ComparedScores};
use serde_json::{Map, Value};
use std::collections::VecDeque;

/// About what a list or map takes for each value that it holds, beside the value (bytes).
const ENTRY_BYTES: usize = 32;

/// What a commit did to one collection.
pub(crate) struct Commit {
    /// Its number.
    pub seq: CommitNumber,
    /// In order.
    pub changes: Vec<Change>,
    /// Memory that the changes take, once they were weighed.
    bytes: usize,
}

/// The commits that wait.
#[derive(Default)]
pub(crate) struct Pending {
    commits: VecDeque<Commit>,
    /// So many of them, from the oldest on, were weighed.
    weighed: usize,
    /// Memory that those take together.
    bytes: usize,
}

impl Pending {
    /// Adds a commit, whose number is above all others.
    pub fn push(&mut self, seq: CommitNumber, changes: Vec<Change>) {
        self.commits.push_back(Commit { seq, changes, bytes: 0 });
    }

    /// Takes the commits up to a number, oldest first.
    pub fn take(&mut self, up_to: CommitNumber) -> Vec<Commit> {
        let count = self.commits.partition_point(|commit| commit.seq <= up_to);
        let taken: Vec<Commit> = self.commits.drain(..count).collect();
        self.weighed = self.weighed.saturating_sub(count);
        self.bytes -= taken.iter().map(|commit| commit.bytes).sum::<usize>();
        taken
    }

    /// Whether none waits.
    pub fn is_empty(&self) -> bool {
        self.commits.is_empty()
    }

    /// About the memory that they take (bytes). Each is looked at once, and only when somebody asks: most never wait.
    pub fn weigh(&mut self) -> usize {
        for commit in self.commits.iter_mut().skip(self.weighed) {
            commit.bytes = commit.changes.iter().map(change_bytes).sum();
            self.bytes += commit.bytes;
        }
        self.weighed = self.commits.len();
        self.bytes
    }
}

fn change_bytes(change: &Change) -> usize {
    let own = match change {
        Change::Append(_, log, scores) => log_bytes(log) + scores_bytes(scores),
        Change::Replace { log, .. } => log_bytes(log),
        Change::Scores(_, scores) => scores_bytes(scores),
        Change::Score(_, key, slug, value) => {
            key.len() + slug.as_ref().map_or(0, |slug| slug.len()) + score_bytes(value)
        }
        Change::Remove(_) | Change::Touch | Change::Reload => 0,
        #[cfg(test)]
        Change::Panic => 0,
    };
    size_of::<Change>() + own
}

/// A log comes without payload.
fn log_bytes(log: &Log) -> usize {
    let texts = log.scalars.iter().map(|(_, value)| match value {
        Scalar::Text(text) => text.len(),
        Scalar::Int(_) | Scalar::Float(_) | Scalar::Bool(_) | Scalar::Time(_) => 0,
    });
    let fields = evalset_model::field::Field::ALL.len() * size_of::<Option<Scalar>>();
    size_of::<Log>() + log.id.as_str().len() + fields + texts.sum::<usize>() + map_bytes(&log.metadata)
}

fn scores_bytes(scores: &ComparedScores) -> usize {
    scores.iter().map(|(key, score)| ENTRY_BYTES + size_of::<String>() + key.len() + score_bytes(score)).sum()
}

fn score_bytes(score: &ComparedScore) -> usize {
    let own = match score {
        ComparedScore::Number(_) | ComparedScore::Bool(_) | ComparedScore::None => 0,
        ComparedScore::Text(text) => text.len(),
        ComparedScore::Choices(names) => names.iter().map(|name| size_of::<String>() + name.len()).sum(),
    };
    size_of::<ComparedScore>() + own
}

fn map_bytes(map: &Map<String, Value>) -> usize {
    map.iter().map(|(key, value)| ENTRY_BYTES + size_of::<String>() + key.len() + value_bytes(value)).sum()
}

/// As deep as rows may be nested.
fn value_bytes(value: &Value) -> usize {
    let own = match value {
        Value::Null | Value::Bool(_) | Value::Number(_) => 0,
        Value::String(text) => text.len(),
        Value::Array(values) => values.iter().map(value_bytes).sum(),
        Value::Object(members) => map_bytes(members),
    };
    size_of::<Value>() + own
}

#[cfg(test)]
mod tests {
    use super::*;
    use evalset_model::field::Field;
    use evalset_model::ids::{LogId, RowNumber};
    use serde_json::json;

    fn append(text: &str) -> Vec<Change> {
        let mut log = Log::new(LogId("one".to_owned()));
        log.scalars.set_text(Field::Model, text);
        log.metadata.insert("key".to_owned(), json!({ "deep": [text, 1] }));
        vec![Change::Append(RowNumber::new(1), Box::new(log), ComparedScores::none()), Change::Touch]
    }

    #[test]
    fn commits_leave_in_order_and_take_their_weight_along() {
        let mut pending = Pending::default();
        let large = "x".repeat(10_000);
        for seq in [3, 5, 8] {
            pending.push(CommitNumber(seq), append(&large));
        }
        let all = pending.weigh();
        assert!(all > 60_000 && all < 70_000, "{all}");
        assert!(pending.take(CommitNumber(2)).is_empty());
        assert_eq!(pending.take(CommitNumber(6)).iter().map(|commit| commit.seq.0).collect::<Vec<_>>(), [3, 5]);
        assert_eq!(pending.weigh(), all / 3);
        pending.push(CommitNumber(9), append("small"));
        pending.push(CommitNumber(10), vec![Change::Touch]);
        let more = pending.weigh();
        assert!(more > all / 3 && more < all / 2, "{more}");
        assert_eq!(pending.weigh(), more, "each counts once");
        assert_eq!(pending.take(CommitNumber::LAST).len(), 3);
        assert!(pending.is_empty() && pending.weigh() == 0);
    }

    #[test]
    fn what_leaves_before_it_was_weighed_weighs_nothing() {
        let mut pending = Pending::default();
        pending.push(CommitNumber(1), append("a"));
        let one = pending.weigh();
        pending.push(CommitNumber(2), append("a"));
        assert_eq!(pending.take(CommitNumber(2)).len(), 2);
        pending.push(CommitNumber(3), append("a"));
        assert_eq!(pending.weigh(), one);
    }
}
