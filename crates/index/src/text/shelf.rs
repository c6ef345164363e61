//! The text index of one collection as readers see it: the segments of one moment, and which rows have changed since.
//!
//! Knows rows and commits, neither files nor texts.

use super::learned::{Learned, Lesson};
use super::row_bits::RowBits;
use crate::number::CommitNumber;
use evalset_model::ids::RowNumber;
use evalset_text::{Docs, Segment};
use hashbrown::HashMap;
use parking_lot::Mutex;
use std::collections::VecDeque;
use std::sync::Arc;

/// So many changes are remembered for readers that began before them; who is slower reads without the index.
const RECENT_MAX: usize = 65_536;

/// One segment in its place.
#[derive(Clone)]
pub(super) struct Held {
    /// Name of its file.
    pub name: u64,
    /// The file.
    pub segment: Arc<Segment>,
    /// Documents whose row a newer segment has too.
    pub superseded: Docs,
}

/// Segments that belong together, oldest first.
pub(super) struct Set {
    /// The segments.
    pub held: Vec<Held>,
    /// Rows of the collection up to this one have been looked at.
    pub above: RowNumber,
    /// Rows that the segments have. Others – new ones, unreadable ones – have to be read.
    pub covered: RowBits,
}

impl Set {
    /// Puts segments together, given with their names, oldest first.
    pub fn new(segments: Vec<(u64, Arc<Segment>)>, above: RowNumber) -> Self {
        let mut held: Vec<Held> = segments
            .into_iter()
            .filter(|(_, segment)| !segment.is_empty())
            .map(|(name, segment)| Held { name, superseded: Docs::none(segment.len()), segment })
            .collect();
        let span = |segment: &Segment| (segment.row(0), segment.row(segment.len() - 1));
        for newer in 1..held.len() {
            let (older, rest) = held.split_at_mut(newer);
            let segment = &rest[0].segment;
            let (first, last) = span(segment);
            for older in older.iter_mut().filter(|older| {
                let (older_first, older_last) = span(&older.segment);
                older_first <= last && first <= older_last
            }) {
                let docs = (0..segment.len()).filter_map(|doc| older.segment.doc(segment.row(doc)));
                docs.for_each(|doc| older.superseded.insert(doc));
            }
        }
        let first = held.iter().map(|held| span(&held.segment).0).min();
        let last = held.iter().map(|held| span(&held.segment).1).max();
        let mut covered = first.zip(last).map(|(first, last)| RowBits::spanning(first, last)).unwrap_or_default();
        for held in &held {
            covered.add(&held.segment, &Docs::all(held.segment.len()));
        }
        Self { held, above, covered }
    }

    /// Names and segments, oldest first.
    pub fn segments(&self) -> Vec<(u64, Arc<Segment>)> {
        self.held.iter().map(|held| (held.name, held.segment.clone())).collect()
    }
}

/// What is there at a moment.
pub(super) struct Moment {
    /// The segments.
    pub set: Arc<Set>,
    /// Rows of which the segments may have an old text.
    pub stale: Vec<RowNumber>,
    /// Number of the first change whose commit may not have been made yet. A transaction that begins later sees all
    /// before it.
    pub at: u64,
}

#[derive(Default)]
struct State {
    set: Option<Arc<Set>>,
    /// Row → commit that changed it last.
    stale: HashMap<RowNumber, CommitNumber>,
    recent: VecDeque<RowNumber>,
    /// Number of the first change of `recent`.
    recent_from: u64,
    /// Number of the first change whose commit may not have been made yet.
    pending_from: u64,
    learned: Learned,
    /// How often the segments were lost.
    losses: u64,
    /// Of an origin that does not push: changes up to this commit are noted.
    followed: Option<CommitNumber>,
}

impl State {
    /// Number of the next change.
    fn next(&self) -> u64 {
        self.recent_from + self.recent.len() as u64
    }

    /// Rows changed since a moment; `None` when they are no longer remembered.
    fn changed_since(&self, at: u64) -> Option<Vec<RowNumber>> {
        let skip = usize::try_from(at.checked_sub(self.recent_from)?).ok()?;
        Some(self.recent.range(skip.min(self.recent.len())..).copied().collect())
    }

    /// What was learned of a comparison and still holds.
    fn lesson(&self, name: &str) -> Option<Arc<Lesson>> {
        let lesson = self.learned.of(name)?;
        let changed = self.changed_since(lesson.at)?;
        Some(if changed.is_empty() { lesson } else { Arc::new(lesson.without(&changed)) })
    }
}

/// The place of one collection's index. Its lock is held for moments only, and nothing is waited for under it.
#[derive(Default)]
pub(super) struct Shelf {
    state: Mutex<State>,
}

impl Shelf {
    /// With changes that an earlier process noted.
    pub fn with_stale(stale: HashMap<RowNumber, CommitNumber>) -> Self {
        Self { state: Mutex::new(State { stale, ..State::default() }) }
    }

    /// Notes that a commit changes a row, before it is made.
    pub fn changed(&self, row: RowNumber, seq: CommitNumber) {
        let mut state = self.state.lock();
        state.stale.insert(row, seq);
        state.recent.push_back(row);
        if state.recent.len() > RECENT_MAX {
            state.recent.pop_front();
            state.recent_from += 1;
        }
    }

    /// The commit up to which changes are noted, where they have to be asked for; none before the first segments.
    pub fn followed(&self) -> Option<CommitNumber> {
        self.state.lock().followed
    }

    /// Notes that commits changed rows, up to the commit `to`. They are made already.
    pub fn follow(&self, changed: impl IntoIterator<Item = (RowNumber, CommitNumber)>, to: CommitNumber) {
        for (row, seq) in changed {
            self.changed(row, seq);
        }
        let mut state = self.state.lock();
        state.pending_from = state.next();
        state.followed = state.followed.max(Some(to));
    }

    /// Takes the segments away because nobody knows what has changed: not even who has them already uses them on.
    pub fn lose(&self) {
        let mut state = self.state.lock();
        state.recent_from = state.next() + 1;
        state.pending_from = state.recent_from;
        state.recent.clear();
        (state.set, state.followed) = (None, None);
        state.losses += 1;
    }

    /// How often the segments were lost: whoever makes others of them must not put those in place after another loss.
    pub fn losses(&self) -> u64 {
        self.state.lock().losses
    }

    /// The changes noted last are committed, or never will be.
    pub fn committed(&self) {
        let mut state = self.state.lock();
        state.pending_from = state.next();
    }

    /// Puts other segments in place, unless they were lost since there were `losses`. `read`: rows that were read anew at
    /// commit `seq` or later.
    pub fn publish(&self, set: Arc<Set>, losses: u64, read: &[RowNumber], seq: CommitNumber) {
        let mut state = self.state.lock();
        if state.losses != losses {
            return;
        }
        for row in read {
            if state.stale.get(row).is_some_and(|changed| *changed <= seq) {
                state.stale.remove(row);
            }
        }
        state.set = Some(set);
    }

    /// Takes the segments away: rows are read until there are others.
    pub fn clear(&self) {
        self.state.lock().set = None;
    }

    /// The commit up to which every change is in the segments, once rows that were read anew at `seq` are.
    pub fn settled(&self, read: &[RowNumber], seq: CommitNumber) -> CommitNumber {
        let state = self.state.lock();
        let Some(followed) = state.followed else { return seq };
        let left = state.stale.iter().filter(|(row, changed)| **changed > seq || !read.contains(row));
        left.map(|(_, changed)| CommitNumber(changed.0 - 1)).fold(followed, CommitNumber::min)
    }

    /// The segments, if there are any.
    pub fn set(&self) -> Option<Arc<Set>> {
        self.state.lock().set.clone()
    }

    /// Changed rows that have a segment or have been passed over, at most `limit`, rising.
    pub fn stale(&self, limit: usize) -> Vec<RowNumber> {
        let state = self.state.lock();
        let above = state.set.as_ref().map_or(RowNumber::new(0), |set| set.above);
        let mut rows: Vec<RowNumber> = state.stale.keys().copied().filter(|row| *row <= above).collect();
        drop(state);
        rows.sort_unstable();
        rows.truncate(limit);
        rows
    }

    /// Those of the rows whose change is noted.
    pub fn noted(&self, rows: &[RowNumber]) -> Vec<RowNumber> {
        let state = self.state.lock();
        rows.iter().copied().filter(|row| state.stale.contains_key(row)).collect()
    }

    /// What is there now; none before there are segments.
    pub fn moment(&self) -> Option<Moment> {
        let state = self.state.lock();
        let set = state.set.clone()?;
        Some(Moment { set, stale: state.stale.keys().copied().collect(), at: state.pending_from })
    }

    /// Rows changed since a moment; `None` when they are no longer remembered.
    pub fn changed_since(&self, at: u64) -> Option<Vec<RowNumber>> {
        self.state.lock().changed_since(at)
    }

    /// What was learned of a comparison and still holds.
    pub fn lesson(&self, name: &str) -> Option<Arc<Lesson>> {
        self.state.lock().lesson(name)
    }

    /// Keeps what was learned of a comparison, with what is known already.
    pub fn learn(&self, name: String, lesson: Lesson) {
        let mut state = self.state.lock();
        let older = state.lesson(&name);
        state.learned.keep(name, lesson, older.as_deref());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn nothing() -> Arc<Set> {
        Arc::new(Set::new(Vec::new(), RowNumber::new(0)))
    }

    #[test]
    fn what_was_made_of_lost_segments_is_not_shown() {
        let shelf = Shelf::default();
        let losses = shelf.losses();
        shelf.publish(nothing(), losses, &[], CommitNumber(0));
        assert!(shelf.set().is_some());
        shelf.lose();
        shelf.publish(nothing(), losses, &[], CommitNumber(1));
        assert!(shelf.set().is_none(), "nobody knows what had changed in them");
        shelf.publish(nothing(), shelf.losses(), &[], CommitNumber(1));
        assert!(shelf.set().is_some());
    }
}
