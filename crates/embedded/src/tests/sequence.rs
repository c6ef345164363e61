//! Random filters beside a writer: each answer is that of the reference at some commit between question and answer,
//! while full chunks move to files, their memory is let go of, removed rows are cleared away and others look at the
//! columns for long.

use super::*;
use crate::{Engine, stores};
use evalset_model::field::{Field, TextField};
use evalset_model::filter::meaning::{compare_logs, holds};
use evalset_model::filter::{LogField, LogFilter};
use evalset_model::ids::LogId;
use evalset_model::log::Log;
use evalset_model::page::{Sort, Window};
use evalset_model::scalar::Scalar;
use evalset_model::score::ComparedScores;
use evalset_store::logs::{Change, Existing, Query};
use parking_lot::Mutex;
use serde_json::json;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use tokio::task::JoinSet;

/// Rows by id.
type Rows = BTreeMap<LogId, Log>;

/// What the collection held after each commit.
struct History {
    /// Written before a commit begins.
    states: Mutex<Vec<Arc<Rows>>>,
    /// Commits that were acknowledged.
    acknowledged: AtomicUsize,
    done: AtomicBool,
}

impl History {
    fn begin(&self, rows: &Rows) {
        self.states.lock().push(Arc::new(rows.clone()));
    }

    fn end(&self) {
        self.acknowledged.store(self.states.lock().len() - 1, Ordering::SeqCst);
    }
}

fn changed(mut log: Log, value: usize) -> Log {
    log.scalars.set(Field::Cost, (value > 4).then(|| Scalar::Float(value as f64 / 64.0)));
    log.metadata.insert(format!("key{}", value % 12), json!(value));
    log.payload.insert("output".to_owned(), json!(WORDS[value % WORDS.len()]));
    log
}

/// Adds, changes and removes rows, one commit after the other.
async fn write(stores: &Stores, history: &History, steps: usize, dice: &mut Dice) {
    let requests = request_logs(organization(1));
    let mut rows = Rows::new();
    for step in 0..steps {
        let ids: Vec<LogId> = rows.keys().cloned().collect();
        match dice.below(8) {
            0 if !ids.is_empty() => {
                // So many that removed rows are cleared away now and then.
                let gone: Vec<LogId> = (0..12).map(|_| dice.pick(&ids).clone()).collect();
                for id in &gone {
                    rows.remove(id);
                }
                history.begin(&rows);
                stores.logs.delete(requests, &gone).await.unwrap();
            }
            1..=3 if !ids.is_empty() => {
                let (id, value) = (dice.pick(&ids).clone(), dice.below(64));
                rows.insert(id.clone(), changed(rows[&id].clone(), value));
                history.begin(&rows);
                let change: Change = Arc::new(move |log| Ok(changed(log, value)));
                stores.logs.update(requests, &id, change).await.unwrap();
            }
            _ => {
                let new: Vec<Log> = (0..4).map(|at| log(step * 4 + at, dice)).collect();
                rows.extend(new.iter().map(|log| (log.id.clone(), log.clone())));
                history.begin(&rows);
                stores.logs.insert(requests, new, Existing::Keep).await.unwrap();
            }
        }
        history.end();
    }
}

async fn read(stores: &Stores, history: &History, mut dice: Dice) -> usize {
    let requests = request_logs(organization(1));
    let mut answers = 0;
    while !history.done.load(Ordering::Relaxed) {
        let filter = match dice.below(4) {
            0 => contains(TextField::Output, dice.text(WORDS), dice.one_in(2)),
            _ => filter(&mut dice, 2, true),
        };
        let first = history.acknowledged.load(Ordering::SeqCst);
        let field = *dice.pick(&[Field::Cost, Field::Timestamp, Field::Model]);
        let sort = match dice.below(3) {
            0 => by_id(),
            _ => Sort { field: LogField::Scalar(field), descending: dice.one_in(2) },
        };
        let window = Window { offset: dice.below(3) as u64 * dice.below(300) as u64, limit: *dice.pick(&[5, 100_000]) };
        let query = Query { filter: filter.clone(), sort: sort.clone(), window };
        let page = stores.logs.page(requests, query).await.unwrap();
        let states = history.states.lock().get(first..).unwrap_or_default().to_vec();
        let found: Vec<&Log> = page.rows.iter().map(|row| &row.log).collect();
        let fits = states.iter().any(|rows| {
            let mut passing = passing(rows, &filter);
            passing.sort_by(|left, right| {
                compare_logs(&sort, (left, &ComparedScores::none()), (right, &ComparedScores::none()))
            });
            let shown = passing.iter().skip(window.offset as usize).take(window.limit as usize);
            page.total == passing.len() as u64 && shown.eq(&found)
        });
        assert!(
            fits,
            "{} rows for {filter:?} by {sort:?}, {window:?}, are those of none of {} commits",
            found.len(),
            states.len()
        );
        answers += 1;
    }
    answers
}

fn passing<'a>(rows: &'a Rows, filter: &LogFilter) -> Vec<&'a Log> {
    rows.values().filter(|log| holds(filter, log, &ComparedScores::none())).collect()
}

/// Looks at the columns again and again, for as long as some answers take; how often.
fn look(engine: &Engine, history: &History, mut dice: Dice) -> usize {
    let mut looks = 0;
    while !history.done.load(Ordering::Relaxed) {
        let Some(lease) = engine.readers.spare() else { continue };
        let time = Duration::from_millis(dice.below(8) as u64);
        let view = engine.answers.view(&lease, request_logs(organization(1)), dice.one_in(2), |columns| {
            let before = (columns.len(), columns.last_row());
            std::thread::sleep(time);
            assert_eq!((columns.len(), columns.last_row()), before);
        });
        looks += usize::from(view.unwrap().is_some());
    }
    looks
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn answers_are_those_of_a_commit() {
    let directory = tempfile::tempdir().unwrap();
    beside_a_writer(directory.path(), options(directory.path())).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn answers_are_those_of_a_commit_when_little_may_wait() {
    let directory = tempfile::tempdir().unwrap();
    let mut options = options(directory.path());
    options.limits.pending_memory_bytes = 20_000;
    beside_a_writer(directory.path(), options).await;
}

async fn beside_a_writer(directory: &Path, options: Options) {
    let engine = Engine::open(&options).unwrap();
    let stores = stores(&engine, directory.join("exports"));
    let history = Arc::new(History {
        states: Mutex::new(vec![Arc::new(Rows::new())]),
        acknowledged: AtomicUsize::new(0),
        done: AtomicBool::new(false),
    });
    let mut readers = JoinSet::new();
    for reader in 0..3 {
        let (stores, history) = (stores.clone(), history.clone());
        readers.spawn(async move { read(&stores, &history, Dice(100 + reader)).await });
    }
    let looking = [300, 301].map(|seed| {
        let (engine, history) = (engine.clone(), history.clone());
        std::thread::spawn(move || look(&engine, &history, Dice(seed)))
    });
    write(&stores, &history, 400, &mut Dice(7)).await;
    history.done.store(true, Ordering::Relaxed);
    for looks in looking {
        assert!(looks.join().unwrap() > 10);
    }
    while let Some(answers) = readers.join_next().await {
        assert!(answers.unwrap() > 10);
    }
    // Read from the files by the next process, and once more without them.
    let rows = Arc::clone(history.states.lock().last().unwrap());
    let mut dice = Dice(9);
    for harmed in [false, true] {
        stores.health.close().await;
        if harmed {
            std::fs::remove_dir_all(directory.join("index")).unwrap();
        }
        let stores = open(options.clone()).await.unwrap();
        for _ in 0..60 {
            let filter = filter(&mut dice, 3, true);
            let listed = page(&stores, request_logs(organization(1)), filter.clone(), by_id(), (0, 100_000)).await;
            let expected = passing(&rows, &filter);
            assert_eq!(listed.rows.iter().collect::<Vec<_>>(), expected, "{filter:?}");
        }
        stores.health.close().await;
    }
}
