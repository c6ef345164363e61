//! A read of the origin in memory: at one state between its beginning and its end.

use super::ledger::{Ledger, Line, State, bare};
use crate::origin::{Fetched, Fields, Found, Kept, Lease, Scored, Sight, Since, Stop};
use crate::{CollectionNumber, CommitNumber};
use evalset_model::ids::{Collection, LogId, OrganizationId, RowNumber};
use evalset_model::log::{Log, Payload};
use evalset_model::score::{Score, Source};
use evalset_model::{Error, Result};
use std::cell::RefCell;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// Whether the caller has gone.
struct Gone(Arc<AtomicBool>);

impl Stop for Gone {
    fn go_on(&self) -> Result<()> {
        if self.0.load(Ordering::Relaxed) { Err(Error::internal("nobody waits")) } else { Ok(()) }
    }
}

/// A read.
pub struct Look {
    ledger: Arc<Ledger>,
    fixed: RefCell<Option<Arc<State>>>,
    gone: Gone,
}

impl Look {
    /// Of a ledger, until its caller goes away.
    pub fn new(ledger: Arc<Ledger>, gone: Arc<AtomicBool>) -> Self {
        Self { ledger, fixed: RefCell::default(), gone: Gone(gone) }
    }

    fn state(&self) -> Arc<State> {
        self.fixed.borrow().clone().unwrap_or_else(|| self.ledger.state())
    }

    fn line(&self, collection: CollectionNumber, row: RowNumber) -> Fetched<Line> {
        match self.state().lines.get(&row).filter(|line| line.collection == collection) {
            None => Fetched::Gone,
            Some(line) if line.damaged => Fetched::Unreadable,
            Some(line) => Fetched::There(line.clone()),
        }
    }
}

impl Scored for Look {
    fn scores(&self, sight: &Sight, id: &LogId) -> Result<Vec<Score>> {
        Ok(self.state().scores_of(sight, id))
    }
}

impl Lease for Look {
    fn stop(&self) -> &dyn Stop {
        &self.gone
    }

    fn begin(&self) -> Result<()> {
        assert!(self.fixed.borrow().is_none(), "a transaction is under way");
        *self.fixed.borrow_mut() = Some(self.ledger.state());
        Ok(())
    }

    fn end(&self) -> Result<()> {
        *self.fixed.borrow_mut() = None;
        Ok(())
    }

    fn find(&self, name: Collection) -> Result<Option<Found>> {
        let state = self.state();
        Ok(state.number(name).map(|id| Found { id, seq: state.seqs[&id] }))
    }

    fn name(&self, collection: CollectionNumber) -> Result<Option<Collection>> {
        Ok(self.state().names.get(&collection).copied())
    }

    fn commit(&self, collection: CollectionNumber) -> Result<Option<CommitNumber>> {
        Ok(self.state().seqs.get(&collection).copied())
    }

    fn collections(&self) -> Result<Vec<(CollectionNumber, u64)>> {
        let state = self.state();
        let rows = |of: CollectionNumber| state.lines.values().filter(|line| line.collection == of).count() as u64;
        Ok(state.names.keys().map(|number| (*number, rows(*number))).collect())
    }

    fn since(&self, collection: CollectionNumber, seq: CommitNumber) -> Result<Since> {
        let state = self.state();
        if seq < state.trimmed || seq > state.seqs[&collection] {
            return Ok(Since::Unknown);
        }
        let commits = state.commits.get(&collection).into_iter().flatten();
        Ok(Since::Commits(commits.filter(|(number, _)| *number > seq).cloned().collect()))
    }

    fn each_row(
        &self,
        collection: CollectionNumber,
        above: RowNumber,
        visit: &mut dyn FnMut(Fields) -> Result<()>,
    ) -> Result<()> {
        for row in self.rows_above(collection, above, usize::MAX)? {
            if let Fetched::There(log) = self.fields(collection, row)? {
                let metadata_bytes = serde_json::to_string(&log.metadata).unwrap().len();
                visit(Fields { row, log, metadata_bytes })?;
            }
        }
        Ok(())
    }

    fn rows_above(&self, collection: CollectionNumber, above: RowNumber, most: usize) -> Result<Vec<RowNumber>> {
        let state = self.state();
        let later = state.lines.iter().filter(|(row, line)| **row > above && line.collection == collection);
        Ok(later.map(|(row, _)| *row).take(most).collect())
    }

    fn last_row(&self, collection: CollectionNumber) -> Result<RowNumber> {
        let state = self.state();
        let last = state.lines.iter().rev().find(|(_, line)| line.collection == collection);
        Ok(last.map_or(RowNumber::new(0), |(row, _)| *row))
    }

    fn fields(&self, collection: CollectionNumber, row: RowNumber) -> Result<Fetched<Log>> {
        Ok(self.line(collection, row).map(|line| bare(&line.log)))
    }

    fn payload(&self, collection: CollectionNumber, row: RowNumber) -> Result<Fetched<Payload>> {
        Ok(self.line(collection, row).map(|line| line.log.payload.clone()))
    }

    fn sight(&self, _name: Collection, collection: CollectionNumber) -> Result<Sight> {
        Ok(self.state().sight(collection))
    }

    fn each_scored(
        &self,
        collection: CollectionNumber,
        sight: &Sight,
        visit: &mut dyn FnMut(RowNumber, Vec<Score>) -> Result<()>,
    ) -> Result<()> {
        let state = self.state();
        for (row, line) in state.lines.iter().filter(|(_, line)| line.collection == collection && !line.damaged) {
            let scores = state.scores_of(sight, &line.log.id);
            if !scores.is_empty() {
                visit(*row, scores)?;
            }
        }
        Ok(())
    }

    fn sources(&self, organization: OrganizationId) -> Result<Vec<Source>> {
        let state = self.state();
        let own = state.scores.iter().filter(|score| score.subject.organization == organization);
        let by_key: BTreeMap<String, Source> = own.map(|score| (score.source.key(), score.source.clone())).collect();
        Ok(by_key.into_values().collect())
    }

    fn snapshot(&self, collection: CollectionNumber) -> Result<Option<Kept>> {
        Ok(self.ledger.snapshot(collection))
    }

    fn text_list(&self, collection: CollectionNumber) -> Result<Option<Kept>> {
        Ok(self.ledger.text_list(collection))
    }
}
