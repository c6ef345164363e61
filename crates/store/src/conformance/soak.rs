//! A seeded random run of two stores side by side: the same operations, the same answers. The second store is the oracle.

use super::samples::*;
use crate::Stores;
use crate::logs::{Change, Existing, Pick, Picked, Row, Sample, With};
use evalset_model::Result;
use evalset_model::dataset::Dataset;
use evalset_model::field::Field;
use evalset_model::filter::{LogField, Tree};
use evalset_model::ids::{Collection, LogId};
use evalset_model::job::{Lane, Task};
use evalset_model::log::Log;
use evalset_model::scalar::Scalar;
use evalset_model::score::RowScores;
use serde_json::json;
use std::sync::Arc;

/// Both stores and the state of the run.
pub(crate) struct Soak<'a> {
    /// The store under test.
    pub subject: Stores,
    /// What it has to equal.
    pub oracle: Stores,
    pub dice: &'a mut Dice,
    /// Numbers given to rows and jobs.
    pub next: usize,
}

/// An answer without what only its store understands.
fn outcome<T>(result: Result<T>) -> std::result::Result<T, &'static str> {
    result.map_err(|error| match error {
        evalset_model::Error::NotFound(_) => "not found",
        evalset_model::Error::Conflict(_) => "conflict",
        other => panic!("{other}"),
    })
}

/// Rows without their numbers, which only their store understands.
fn contents(rows: Vec<Row>) -> Vec<(Log, RowScores)> {
    rows.into_iter().map(|row| (row.log, row.scores)).collect()
}

/// Asks both stores and compares.
macro_rules! both {
    ($soak:ident, |$stores:ident| $ask:expr) => {{
        let mine = {
            let $stores = &$soak.subject;
            outcome($ask.await)
        };
        let theirs = {
            let $stores = &$soak.oracle;
            outcome($ask.await)
        };
        assert_eq!(mine, theirs);
        mine
    }};
}

impl Soak<'_> {
    fn collection(&mut self) -> Collection {
        let mine = organization(1);
        match self.dice.below(4) {
            0 | 1 => request_logs(mine),
            number => rows_of(mine, dataset_id(number as u128)),
        }
    }

    fn number(&mut self) -> u128 {
        self.next += 1;
        self.next as u128
    }

    fn id(&mut self) -> LogId {
        log_id(self.dice.below(300))
    }

    fn rows(&mut self) -> Vec<Log> {
        (0..=self.dice.below(12))
            .map(|_| {
                let number = self.dice.below(300);
                log(number, self.dice)
            })
            .collect()
    }

    fn pick(&mut self) -> Pick {
        let sample = match self.dice.below(4) {
            0 => Some(Sample::Percent { seed: "s".to_owned(), percent: 1.0 + self.dice.below(100) as f64 }),
            1 => Some(Sample::Cutoff { seed: "s".to_owned(), cutoff: self.dice.roll() }),
            _ => None,
        };
        let sort = self.dice.one_in(2).then(|| any_sort(self.dice));
        Pick { filter: filter(self.dice, 2, true), watermark: None, sample, sort }
    }

    /// One operation, the same on both stores.
    pub async fn step(&mut self) {
        match self.dice.below(20) {
            0..=4 => self.insert().await,
            5..=6 => self.update().await,
            7 => self.delete().await,
            8..=9 => self.transfer().await,
            10 => self.dataset().await,
            11 => self.purge().await,
            12..=15 => self.page().await,
            16 => self.sums().await,
            17 => self.groups().await,
            _ => self.selection().await,
        }
    }

    async fn insert(&mut self) {
        let (target, rows) = (self.collection(), self.rows());
        let existing = if self.dice.one_in(2) { Existing::Keep } else { Existing::Replace };
        let _ = both!(self, |stores| stores.logs.insert(target, rows.clone(), existing));
    }

    async fn update(&mut self) {
        let (target, id, value) = (self.collection(), self.id(), self.dice.below(64));
        let change: Change = Arc::new(move |mut log| {
            log.scalars.set(Field::Cost, (value > 4).then(|| Scalar::Float(value as f64 / 64.0)));
            let status = ["pending", "completed"][value % 2];
            log.scalars.set_text(Field::AnnotationStatus, status);
            log.metadata.insert(format!("key{}", value % 12), json!(value));
            log.payload.insert("input".to_owned(), json!(WORDS[value % WORDS.len()]));
            Ok(log)
        });
        let _ = both!(self, |stores| async {
            stores.logs.update(target, &id, change.clone()).await.map(|row| (row.log, row.scores))
        });
    }

    async fn delete(&mut self) {
        let (target, ids) = (self.collection(), [self.id(), self.id(), self.id()]);
        let _ = both!(self, |stores| stores.logs.delete(target, &ids));
    }

    async fn transfer(&mut self) {
        let (from, to, pick) = (self.collection(), self.collection(), self.pick());
        let remove = self.dice.one_in(3);
        let mine = self.chosen(from, &pick).await;
        let (picked, oracle_picked) = mine;
        if remove {
            let (rows, oracle_rows) =
                (&picked.rows[..picked.rows.len().min(8)], &oracle_picked.rows[..picked.rows.len().min(8)]);
            let mine = outcome(self.subject.logs.remove(from, rows, None).await);
            assert_eq!(mine, outcome(self.oracle.logs.remove(from, oracle_rows, None).await));
        } else {
            let mine = outcome(self.subject.logs.copy(from, &picked.rows, to, None).await);
            assert_eq!(mine, outcome(self.oracle.logs.copy(from, &oracle_picked.rows, to, None).await));
        }
    }

    async fn dataset(&mut self) {
        let (mine, id) = (organization(1), dataset_id(2 + self.dice.below(2) as u128));
        let (job, at) = (job_id(self.number()), self.next as i64);
        match self.dice.below(3) {
            0 => {
                let _ = both!(self, |stores| stores.datasets.delete(mine, id, job, at));
            }
            1 => {
                let _ = both!(self, |stores| stores.datasets.clear(mine, id, job, at));
            }
            _ => {
                let _ = both!(self, |stores| stores.datasets.create(dataset(mine, id, at), None));
            }
        }
    }

    async fn purge(&mut self) {
        let mut counts = [0, 0];
        for (stores, count) in [&self.subject, &self.oracle].into_iter().zip(&mut counts) {
            let Some(job) = stores.jobs.claim(Lane::Rows, 1).await.unwrap() else { continue };
            let Task::Purge { collection } = job.task else { panic!("{job:?}") };
            *count = stores.jobs.purge(collection, 10_000).await.unwrap();
        }
        assert_eq!(counts[0], counts[1]);
    }

    async fn page(&mut self) {
        let target = self.collection();
        let (filter, sort) = (filter(self.dice, 3, true), any_sort(self.dice));
        let window = (self.dice.below(30) as u64, 1 + self.dice.below(30) as u64);
        let mine = row_page(&self.subject, target, filter.clone(), sort.clone(), window).await;
        let theirs = row_page(&self.oracle, target, filter.clone(), sort.clone(), window).await;
        let (mine, theirs) = ((mine.total, contents(mine.rows)), (theirs.total, contents(theirs.rows)));
        let ids = |rows: &[(Log, RowScores)]| rows.iter().map(|(log, _)| log.id.clone()).collect::<Vec<_>>();
        assert_eq!((mine.0, ids(&mine.1)), (theirs.0, ids(&theirs.1)), "{filter:?} {sort:?} {window:?}");
        assert_eq!(mine, theirs);
    }

    async fn sums(&mut self) {
        let (target, filter) = (self.collection(), filter(self.dice, 2, true));
        let _ = both!(self, |stores| stores.logs.sums(target, filter.clone()));
    }

    async fn groups(&mut self) {
        let (target, filter) = (self.collection(), filter(self.dice, 1, true));
        let by = match self.dice.below(3) {
            0 => LogField::Scalar(Field::CustomIdentifier),
            1 => LogField::Scalar(Field::Model),
            _ => LogField::Metadata((*self.dice.pick(&["tier", "mixed", "key7", "user.age"])).to_owned()),
        };
        let sorted = async |stores: &Stores| {
            let mut groups = stores.logs.groups(target, filter.clone(), by.clone()).await.unwrap();
            groups.sort_by(|left, right| left.key.cmp(&right.key));
            groups
        };
        assert_eq!(sorted(&self.subject).await, sorted(&self.oracle).await, "{filter:?} {by:?}");
    }

    async fn selection(&mut self) {
        let (target, pick) = (self.collection(), self.pick());
        self.chosen(target, &pick).await;
    }

    /// Picks on both stores; row numbers differ, the rows behind them do not.
    async fn chosen(&self, target: Collection, pick: &Pick) -> (Picked, Picked) {
        let mine = self.subject.logs.pick(target, pick.clone()).await.unwrap();
        let theirs = self.oracle.logs.pick(target, pick.clone()).await.unwrap();
        assert_eq!((mine.matches, mine.cutoff), (theirs.matches, theirs.cutoff), "{pick:?}");
        let my_rows = self.subject.logs.read(target, &mine.rows, With::Scores).await.unwrap();
        let their_rows = self.oracle.logs.read(target, &theirs.rows, With::Scores).await.unwrap();
        assert_eq!(contents(my_rows), contents(their_rows), "{pick:?}");
        (mine, theirs)
    }

    /// Everything there is, compared.
    pub async fn compare(&self) {
        let mine = organization(1);
        let datasets: Vec<Dataset> = self.subject.datasets.list(mine).await.unwrap();
        assert_eq!(datasets, self.oracle.datasets.list(mine).await.unwrap());
        let places = datasets.iter().map(|dataset| rows_of(mine, dataset.id)).chain([request_logs(mine)]);
        for place in places {
            let everything = (Tree::all(), by_id(), (0, 100_000));
            let (filter, sort, window) = everything.clone();
            let mine = row_page(&self.subject, place, filter, sort, window).await.rows;
            let (filter, sort, window) = everything;
            assert_eq!(contents(mine), contents(row_page(&self.oracle, place, filter, sort, window).await.rows));
        }
        for dataset in &datasets {
            let newest = self.subject.datasets.newest_rows(mine, dataset.id, 20).await.unwrap();
            assert_eq!(newest, self.oracle.datasets.newest_rows(mine, dataset.id, 20).await.unwrap());
        }
    }
}
