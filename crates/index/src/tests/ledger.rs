//! An origin in memory: states that follow each other, commits by number, told of when asked. Knows no indexes.

use super::look::Look;
use crate::origin::{Kept, Lease, Origin, Sight};
use crate::{Change, CollectionNumber, CommitNumber, Commits, Derived};
use evalset_model::Result;
use evalset_model::ids::{Collection, LogId, Place, RowNumber};
use evalset_model::log::{Log, Payload};
use evalset_model::score::{Score, ShownScores};
use parking_lot::Mutex;
use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

/// One row.
#[derive(Clone)]
pub struct Line {
    /// Where it is.
    pub collection: CollectionNumber,
    /// What it holds.
    pub log: Arc<Log>,
    /// Cannot be read.
    pub damaged: bool,
}

/// Everything as of one commit.
#[derive(Clone)]
pub struct State {
    pub names: BTreeMap<CollectionNumber, Collection>,
    pub seqs: HashMap<CollectionNumber, CommitNumber>,
    pub lines: BTreeMap<RowNumber, Line>,
    pub scores: Vec<Arc<Score>>,
    pub commits: HashMap<CollectionNumber, Commits>,
    /// Commits up to this one are no longer told of.
    pub trimmed: CommitNumber,
}

/// The origin.
pub struct Ledger {
    now: Mutex<Arc<State>>,
    seq: AtomicU64,
    next_row: AtomicU64,
    snapshots: Mutex<HashMap<CollectionNumber, Kept>>,
    texts: Mutex<HashMap<CollectionNumber, Kept>>,
    derived: Mutex<Option<Derived>>,
}

impl Ledger {
    /// With these collections, numbered from 1.
    pub fn new(names: &[Collection]) -> Arc<Self> {
        let (lines, scores, commits) = Default::default();
        let (none, seqs, trimmed) = (BTreeMap::new(), HashMap::new(), CommitNumber(0));
        let mut state = State { names: none, seqs, lines, scores, commits, trimmed };
        for (at, name) in names.iter().enumerate() {
            let number = CollectionNumber(at as i64 + 1);
            state.names.insert(number, *name);
            state.seqs.insert(number, CommitNumber(0));
        }
        let (now, seq, next_row) = (Mutex::new(Arc::new(state)), AtomicU64::new(0), AtomicU64::new(1));
        let (snapshots, texts, derived) = Default::default();
        Arc::new(Self { now, seq, next_row, snapshots, texts, derived })
    }

    /// Has snapshots of these columns kept when they rest.
    pub fn serve(&self, derived: Derived) {
        *self.derived.lock() = Some(derived);
    }

    /// Everything as it is now.
    pub fn state(&self) -> Arc<State> {
        self.now.lock().clone()
    }

    /// The snapshot of a collection that is kept.
    pub fn snapshot(&self, collection: CollectionNumber) -> Option<Kept> {
        self.snapshots.lock().get(&collection).copied()
    }

    /// The list of segments of a collection that is kept.
    pub fn text_list(&self, collection: CollectionNumber) -> Option<Kept> {
        self.texts.lock().get(&collection).copied()
    }

    /// The collections of which a snapshot is kept.
    pub fn kept(&self) -> Vec<CollectionNumber> {
        self.snapshots.lock().keys().copied().collect()
    }

    /// A read whose caller goes away once `gone` is set.
    pub fn lease(self: &Arc<Self>, gone: &Arc<AtomicBool>) -> Look {
        Look::new(self.clone(), gone.clone())
    }

    /// A read that somebody waits for.
    pub fn read(self: &Arc<Self>) -> Look {
        self.lease(&Arc::default())
    }

    /// Makes one commit to a collection.
    fn commit(&self, collection: CollectionNumber, write: impl FnOnce(&mut State) -> Vec<Change>) -> CommitNumber {
        let mut now = self.now.lock();
        let seq = CommitNumber(self.seq.fetch_add(1, Ordering::Relaxed) as i64 + 1);
        let mut next = State::clone(&now);
        let changes = write(&mut next);
        next.seqs.insert(collection, seq);
        next.commits.entry(collection).or_default().push((seq, changes));
        *now = Arc::new(next);
        seq
    }

    /// Adds rows and returns their numbers.
    pub fn add(&self, collection: CollectionNumber, logs: Vec<Log>) -> Vec<RowNumber> {
        let mut rows = Vec::new();
        self.commit(collection, |state| {
            let mut changes = Vec::new();
            for log in logs {
                let row = RowNumber::new(self.next_row.fetch_add(1, Ordering::Relaxed) as i64);
                let sight = state.sight(collection);
                let compared = ShownScores::of(state.scores_of(&sight, &log.id), sight.place).compared();
                changes.push(Change::Append(row, Box::new(bare(&log)), compared));
                state.lines.insert(row, Line { collection, log: Arc::new(log), damaged: false });
                rows.push(row);
            }
            changes
        });
        rows
    }

    /// Puts another log in the place of a row.
    pub fn replace(&self, collection: CollectionNumber, row: RowNumber, log: Log) {
        self.commit(collection, |state| {
            let text = state.lines[&row].log.payload != log.payload;
            let change = Change::Replace { row, log: Box::new(bare(&log)), text };
            state.lines.insert(row, Line { collection, log: Arc::new(log), damaged: false });
            vec![change]
        });
    }

    /// Removes a row.
    pub fn remove(&self, collection: CollectionNumber, row: RowNumber) {
        self.commit(collection, |state| {
            state.lines.remove(&row);
            vec![Change::Remove(row)]
        });
    }

    /// Writes a score of a row of this collection.
    pub fn score(&self, collection: CollectionNumber, row: RowNumber, score: Score) {
        self.commit(collection, |state| {
            let same = |other: &Score| {
                other.subject == score.subject
                    && other.source.key() == score.source.key()
                    && other.scorer == score.scorer
            };
            state.scores.retain(|other| !same(other));
            state.scores.push(Arc::new(score));
            vec![state.scored(collection, row)]
        });
        self.show_everywhere(collection, row);
    }

    /// Tells the other collections that have a row of the same id: they may show the score too.
    fn show_everywhere(&self, collection: CollectionNumber, row: RowNumber) {
        let state = self.now.lock().clone();
        let id = &state.lines[&row].log.id;
        let others = state.lines.iter().filter(|(_, line)| line.collection != collection && line.log.id == *id);
        for (row, line) in others {
            self.commit(line.collection, |state| vec![state.scored(line.collection, *row)]);
        }
    }

    /// A commit that is not spelled out.
    pub fn reload(&self, collection: CollectionNumber) {
        self.commit(collection, |_| vec![Change::Reload]);
    }

    /// Spoils a row without a commit, as a disk does.
    pub fn damage(&self, row: RowNumber) {
        let mut now = self.now.lock();
        let mut next = State::clone(&now);
        next.lines.entry(row).and_modify(|line| line.damaged = true);
        *now = Arc::new(next);
    }

    /// Forgets what the commits so far did.
    pub fn trim(&self) {
        let mut now = self.now.lock();
        let mut next = State::clone(&now);
        next.trimmed = CommitNumber(self.seq.load(Ordering::Relaxed) as i64);
        next.commits.clear();
        *now = Arc::new(next);
    }

    /// The rows of a collection now, with their logs and the scores that filters see.
    pub fn rows(&self, collection: CollectionNumber) -> Vec<(RowNumber, Log, ShownScores)> {
        let state = self.now.lock().clone();
        let sight = state.sight(collection);
        let own = state.lines.iter().filter(|(_, line)| line.collection == collection);
        own.map(|(row, line)| {
            let shown = ShownScores::of(state.scores_of(&sight, &line.log.id), sight.place);
            (*row, Log::clone(&line.log), shown)
        })
        .collect()
    }
}

/// A log without its payload.
pub fn bare(log: &Log) -> Log {
    Log { payload: Payload::default(), ..log.clone() }
}

impl State {
    pub fn number(&self, name: Collection) -> Option<CollectionNumber> {
        self.names.iter().find(|(_, other)| **other == name).map(|(number, _)| *number)
    }

    pub fn sight(&self, collection: CollectionNumber) -> Sight {
        let name = self.names[&collection];
        let base = Collection { place: Place::RequestLogs, ..name };
        let base = self.number(base).filter(|base| *base != collection);
        Sight { place: name.place, organization: name.organization, own: Some(collection), base }
    }

    /// What the scores of a row are now.
    fn scored(&self, collection: CollectionNumber, row: RowNumber) -> Change {
        let sight = self.sight(collection);
        let shown = ShownScores::of(self.scores_of(&sight, &self.lines[&row].log.id), sight.place);
        Change::Scores(row, shown.compared())
    }

    pub fn scores_of(&self, sight: &Sight, id: &LogId) -> Vec<Score> {
        let places = [(sight.own, sight.place), (sight.base, Place::RequestLogs)];
        let in_sight = |score: &Score| places.iter().any(|(of, place)| of.is_some() && score.subject.place == *place);
        let all = self.scores.iter().filter(|score| score.subject.log_id == *id && in_sight(score));
        all.map(|score| Score::clone(score)).collect()
    }
}

impl Origin for Arc<Ledger> {
    fn pushes(&self) -> bool {
        false
    }

    fn spare(&self) -> Option<Box<dyn Lease>> {
        Some(Box::new(self.read()))
    }

    fn own(&self) -> Result<Box<dyn Lease>> {
        Ok(Box::new(self.read()))
    }

    fn commits(&self) -> u64 {
        self.seq.load(Ordering::Relaxed)
    }

    fn settle(&self) -> Result<()> {
        Ok(())
    }

    fn keep(&self, collection: CollectionNumber, patience: Duration) {
        let Some(derived) = self.derived.lock().clone() else { return };
        let keep = |kept| {
            self.snapshots.lock().insert(collection, kept);
            Ok(())
        };
        derived.indexes.save(collection, patience, keep).unwrap();
    }

    fn keep_texts(
        &self,
        collection: CollectionNumber,
        list: Kept,
        _rows: Vec<RowNumber>,
        _seq: CommitNumber,
    ) -> Result<()> {
        self.texts.lock().insert(collection, list);
        Ok(())
    }

    fn forget_texts(&self, collection: CollectionNumber) -> Result<()> {
        self.texts.lock().remove(&collection);
        Ok(())
    }
}
