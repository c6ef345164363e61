//! What a commit did to one collection, as indexes have to learn it.

use crate::number::CommitNumber;
use evalset_model::ids::RowNumber;
use evalset_model::log::Log;
use evalset_model::score::{ComparedScore, ComparedScores};
use std::sync::Arc;

/// What a commit did to one collection, in order. Logs come without payload.
#[derive(Clone, Debug)]
pub enum Change {
    /// A new row, with a number above all others, and the scores that wait for it.
    Append(RowNumber, Box<Log>, ComparedScores),
    /// New values of a row; its scores stay.
    Replace {
        /// Which.
        row: RowNumber,
        /// Its values.
        log: Box<Log>,
        /// Whether its payload is another one too.
        text: bool,
    },
    /// All scores of a row.
    Scores(RowNumber, ComparedScores),
    /// One score of a row, the newest: row, key, slug when it is found under that too, value.
    Score(RowNumber, Arc<str>, Option<Arc<str>>, ComparedScore),
    /// The row is gone.
    Remove(RowNumber),
    /// Nothing that columns hold: the index only moves on to this commit.
    Touch,
    /// Rows changed that are not spelled out: the index is read anew when next asked for.
    Reload,
    /// Stands for a bug of the columns.
    #[cfg(test)]
    Panic,
}

/// Commits by number, with what they did to one collection.
pub type Commits = Vec<(CommitNumber, Vec<Change>)>;

/// Whether a commit is not spelled out: any row may have changed, and any text.
pub(crate) fn reloads(commits: &Commits) -> bool {
    commits.iter().flat_map(|(_, changes)| changes).any(|change| matches!(change, Change::Reload))
}
