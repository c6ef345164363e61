//! A seeded random run of two stores side by side: the same operations, the same answers. The second store is the
//! oracle.

use super::samples::*;
use super::score_samples::*;
use crate::Stores;
use crate::jobs::Outcome;
use crate::logs::{Change, Existing, GroupBound, GroupOrder, Measure, Pick, PickOrder, Row, Sample, With};
use crate::runs::Compared;
use crate::scores::ScoreChange;
use evalset_model::Result;
use evalset_model::dataset::Dataset;
use evalset_model::field::Field;
use evalset_model::filter::{LogField, LogFilter, Tree};
use evalset_model::ids::{Collection, DatasetId, LogId, RowNumber, ScoreId};
use evalset_model::job::{Job, Lane, Progress, State, Step};
use evalset_model::log::Log;
use evalset_model::page::{Sort, Window};
use evalset_model::run::Unit;
use evalset_model::scalar::Scalar;
use evalset_model::score::{Score, ShownScores};
use serde_json::json;
use std::sync::Arc;

/// Both stores and the state of the run.
pub struct Soak<'a> {
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
fn contents(rows: Vec<Row>) -> Vec<(Log, ShownScores)> {
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

    fn filter(&mut self, depth: usize) -> LogFilter {
        if self.dice.one_in(2) { filter(self.dice, depth, true) } else { scored_filter(self.dice, true) }
    }

    fn sort(&mut self) -> Sort {
        if self.dice.one_in(2) { any_sort(self.dice) } else { sort(any_score_field(self.dice), self.dice.one_in(2)) }
    }

    fn pick(&mut self) -> Pick {
        let sample = match self.dice.below(4) {
            0 => Some(Sample::Percent { seed: "s".to_owned(), percent: 1.0 + self.dice.below(100) as f64 }),
            1 => Some(Sample::Cutoff { seed: "s".to_owned(), cutoff: self.dice.roll() }),
            _ => None,
        };
        let order = if self.dice.one_in(2) { PickOrder::By(self.sort()) } else { PickOrder::Falling { after: None } };
        Pick { sample, order, ..Pick::of(self.filter(2)) }
    }

    /// One operation, the same on both stores.
    pub async fn step(&mut self) {
        match self.dice.below(29) {
            0..=4 => self.insert().await,
            5..=6 => self.update().await,
            7 => self.delete().await,
            8..=9 => self.transfer().await,
            10 => self.dataset().await,
            11 => self.purge().await,
            12..=15 => self.page().await,
            16 => self.sums().await,
            17 => self.groups().await,
            20..=22 => self.put_score().await,
            23 => self.change_score().await,
            24 => self.delete_scores().await,
            25..=26 => self.begin_or_end_run().await,
            27..=28 => self.record().await,
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
        let at = self.number() as i64;
        match self.dice.below(3) {
            0 => {
                let _ = both!(self, |stores| stores.datasets.delete(mine, id, at));
            }
            1 => {
                let _ = both!(self, |stores| stores.datasets.clear(mine, id, at));
            }
            _ => {
                let _ = both!(self, |stores| stores.datasets.create(dataset(mine, id, at), None));
            }
        }
    }

    async fn purge(&mut self) {
        keep_house(&self.subject).await;
        keep_house(&self.oracle).await;
    }

    async fn page(&mut self) {
        let target = self.collection();
        let (filter, sort) = (self.filter(3), self.sort());
        let window = (self.dice.below(30) as u64, 1 + self.dice.below(30) as u64);
        let mine = row_page(&self.subject, target, filter.clone(), sort.clone(), window).await;
        let theirs = row_page(&self.oracle, target, filter.clone(), sort.clone(), window).await;
        let (mine, theirs) = ((mine.total, contents(mine.rows)), (theirs.total, contents(theirs.rows)));
        let ids = |rows: &[(Log, ShownScores)]| rows.iter().map(|(log, _)| log.id.clone()).collect::<Vec<_>>();
        assert_eq!((mine.0, ids(&mine.1)), (theirs.0, ids(&theirs.1)), "{filter:?} {sort:?} {window:?}");
        assert_eq!(mine, theirs);
    }

    async fn sums(&mut self) {
        let (target, filter) = (self.collection(), self.filter(2));
        let _ = both!(self, |stores| stores.logs.sums(target, filter.clone()));
    }

    async fn groups(&mut self) {
        let (target, filter) = (self.collection(), self.filter(1));
        let by = match self.dice.below(3) {
            0 => LogField::Scalar(Field::CustomIdentifier),
            1 => LogField::Scalar(Field::Model),
            _ => LogField::Metadata((*self.dice.pick(&["tier", "mixed", "key7", "user.age"])).to_owned()),
        };
        let order = *self.dice.pick(&[GroupOrder::Key, GroupOrder::Rows, GroupOrder::Cost, GroupOrder::MeanLatency]);
        let bound = GroupBound { most: self.dice.below(12), order, descending: self.dice.one_in(2) };
        let _ = both!(self, |stores| stores.logs.groups(target, filter.clone(), by.clone(), bound));
        let bounds = vec![0.0, 0.25, 3.0];
        let of = [Measure::Top { field: by.clone(), most: 3 }, Measure::Histogram { field: self.sort().field, bounds }];
        let _ = both!(self, |stores| stores.logs.statistics(target, filter.clone(), &of));
    }

    async fn selection(&mut self) {
        let (target, pick) = (self.collection(), self.pick());
        self.chosen(target, &pick).await;
    }

    fn score(&mut self) -> Score {
        let (target, id, number) = (self.collection(), self.id(), self.number());
        any_score(number, target, id, self.next as i64, self.dice)
    }

    async fn put_score(&mut self) {
        let score = self.score();
        let _ = both!(self, |stores| stores.scores.put(score.clone()));
    }

    /// One of the scores there are, if any.
    async fn any_score_id(&mut self) -> Option<ScoreId> {
        let scores = all_scores(&self.oracle, organization(1)).await;
        (!scores.is_empty()).then(|| self.dice.pick(&scores).id)
    }

    async fn change_score(&mut self) {
        let other = self.score();
        let id = self.any_score_id().await.unwrap_or(other.id);
        let change: ScoreChange = Arc::new(move |_| Ok(other.clone()));
        let _ = both!(self, |stores| stores.scores.update(organization(1), id, change.clone()));
    }

    async fn delete_scores(&mut self) {
        let Some(id) = self.any_score_id().await else { return };
        let _ = both!(self, |stores| stores.scores.delete(organization(1), id));
    }

    /// Some run of the datasets.
    async fn any_run(&mut self) -> Option<Job> {
        let set = dataset_id(2 + self.dice.below(2) as u128);
        let window = Window { offset: 0, limit: 6 };
        let runs = both!(self, |stores| stores.runs.list(organization(1), set, window)).ok()?.rows;
        (!runs.is_empty()).then(|| self.dice.pick(&runs).clone())
    }

    async fn begin_or_end_run(&mut self) {
        let (mine, run) = (organization(1), self.any_run().await);
        let at = self.number() as i64;
        let (run, attempt) = (run.as_ref().map(|job| job.id), run.as_ref().map_or(0, |job| job.attempts));
        // Now and then that of a worker that was taken for dead.
        let attempt = attempt.saturating_sub(u32::from(self.dice.one_in(5)));
        match (self.dice.below(8), run) {
            (0, Some(run)) => {
                let state = *self.dice.pick(&[State::Completed, State::Failed, State::Queued]);
                let outcome = Outcome { state, error_message: None, at, dataset: None };
                let _ = both!(self, |stores| stores.jobs.finish(run, attempt, outcome.clone()));
            }
            (1, Some(run)) => {
                let _ = both!(self, |stores| stores.jobs.cancel(mine, run, at));
            }
            (2, Some(run)) => {
                let limit = self.dice.one_in(2).then_some(1.5);
                let _ = both!(self, |stores| stores.runs.reopen(mine, run, limit, at));
            }
            (3, Some(run)) => {
                let _ = both!(self, |stores| stores.jobs.renew(run, attempt, at + LEASE, LEASE));
            }
            (4, _) => {
                let _ = both!(self, |stores| stores.jobs.requeue_expired(at - 10));
            }
            (5, _) => {
                let set = dataset_id(2 + self.dice.below(2) as u128);
                let job = run_job(at as u128, mine, set, self.dice.below(4) as u128, at);
                let _ = both!(self, |stores| stores.jobs.enqueue(job.clone(), None));
            }
            _ => {
                let _ = both!(self, |stores| stores.jobs.claim(Lane::Runs, &worker(1), at, LEASE));
            }
        }
    }

    /// Records units of a run on rows of its dataset, some of which are not there.
    async fn record(&mut self) {
        let Some(job) = self.any_run().await else { return };
        let Some(task) = job.task.run() else { panic!("{job:?}") };
        let place = task.collection;
        let (number, next) = (self.number() * 1_000, self.next as i64);
        let mut scores = Vec::new();
        for index in 0..self.dice.below(20) as u128 {
            let mut drawn = any_score(1_000_000 + number + index, place, self.id(), next, self.dice);
            drawn.source = source(task.evaluator.slug.trim_start_matches("slug").parse().unwrap());
            drawn.run = Some(job.id);
            scores.push(drawn);
        }
        scores.sort_by(|left, right| left.subject.log_id.cmp(&right.subject.log_id));
        scores.dedup_by(|left, right| left.subject.log_id == right.subject.log_id);
        let progress = Progress { total: Some(50), ..job.progress };
        let attempt = job.attempts.saturating_sub(u32::from(self.dice.one_in(5)));
        // Each store has its own row numbers; one that neither has is that of a row that is gone.
        let _ = both!(self, |stores| async {
            let mut units = Vec::new();
            for score in scores.clone() {
                let row = stores
                    .logs
                    .get(place, &score.subject.log_id)
                    .await?
                    .map_or(RowNumber::new(i64::MAX), |row| row.number);
                units.push(Unit { row, score });
            }
            stores.runs.record(units, Step { job: job.id, attempt, progress: progress.clone() }).await
        });
    }

    /// Runs of a dataset with all that is kept of them, and the values of its sources.
    async fn compare_runs(&self, set: DatasetId) {
        let (mine, window) = (organization(1), Window { offset: 0, limit: 1_000 });
        let runs = both!(self, |stores| stores.runs.list(mine, set, window)).unwrap().rows;
        for run in runs.into_iter().map(|job| job.id) {
            for failed in [None, Some(true), Some(false)] {
                let _ = both!(self, |stores| stores.runs.results(mine, run, failed, window));
            }
            let _ = both!(self, |stores| stores.runs.values(mine, Compared::Run(run)));
        }
        for key in (0..4).map(|number| evaluator_id(number).to_string()).chain(["free".to_owned()]) {
            let _ = both!(self, |stores| stores.runs.values(mine, Compared::Dataset(set, key.clone())));
        }
    }

    /// Picks on both stores; row numbers differ, the rows behind them do not.
    async fn chosen(&self, target: Collection, pick: &Pick) -> (Picked, Picked) {
        let mine = select(&self.subject, target, pick.clone()).await;
        let theirs = select(&self.oracle, target, pick.clone()).await;
        assert_eq!((mine.matches, mine.cutoff), (theirs.matches, theirs.cutoff), "{pick:?}");
        let my_rows = self.subject.logs.read(target, &mine.rows, With::EVERYTHING).await.unwrap();
        let their_rows = self.oracle.logs.read(target, &theirs.rows, With::EVERYTHING).await.unwrap();
        assert_eq!(contents(my_rows), contents(their_rows), "{pick:?}");
        (mine, theirs)
    }

    /// The subject was opened anew, and with that the leases of jobs have ended.
    pub async fn reopened(&mut self) {
        let _ = both!(self, |stores| stores.jobs.requeue_expired(i64::MAX));
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
        assert_eq!(all_scores(&self.subject, mine).await, all_scores(&self.oracle, mine).await);
        for dataset in &datasets {
            self.compare_runs(dataset.id).await;
        }
        let all: Vec<DatasetId> = datasets.iter().map(|dataset| dataset.id).collect();
        let _ = both!(self, |stores| stores.datasets.newest_rows(mine, &all, 20));
    }
}
