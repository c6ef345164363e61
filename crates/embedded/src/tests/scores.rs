//! Scores and results of runs in the file: over restarts and from the version before, purged, and loaded in number.

use super::*;
use crate::file::schema::{APPLICATION_ID, VERSION};
use crate::{doctor, open_keys_only};
use evalset_model::dataset::Dataset;
use evalset_model::field::Field;
use evalset_model::filter::{LogField, LogFilter, Order, Test, Tree};
use evalset_model::ids::{Collection, JobId, RowNumber};
use evalset_model::job::{Job, Lane, State};
use evalset_model::page::{Page, Window};
use evalset_model::run::{Unit, UnitResult};
use evalset_model::score::{Score, ScoreValues};
use evalset_model::summary::Sums;
use evalset_store::conformance::score_samples::*;
use evalset_store::jobs::Outcome;
use evalset_store::logs::{Pick, PickOrder};
use evalset_store::runs::{Compared, RowValue};
use rusqlite::Connection;
use serde_json::json;

const ALL: Window = Window { offset: 0, limit: 100_000 };

async fn numbers(stores: &Stores, place: Collection) -> Vec<(RowNumber, String)> {
    let rows = row_page(stores, place, Tree::all(), by_id(), (0, 100_000)).await.rows;
    rows.into_iter().map(|row| (row.number, row.log.id.0)).collect()
}

/// A run of evaluator `evaluator` over all rows of dataset `set`, recorded in portions and ended.
pub(super) async fn run_over(stores: &Stores, set: u128, evaluator: u128, number: u128) -> JobId {
    let mine = organization(1);
    let place = rows_of(mine, dataset_id(set));
    stores.jobs.enqueue(run_job(number, mine, dataset_id(set), evaluator, number as i64), None).await.unwrap();
    let run = stores.jobs.claim(Lane::Runs, &worker(1), number as i64, LEASE).await.unwrap().unwrap().id;
    let mut dice = Dice(number as u64);
    let unit = |(index, (row, id)): (usize, (RowNumber, String))| {
        let value = dice.below(32) as f64 / 8.0;
        let values = match evaluator {
            1 => flag_value(value > 2.0),
            2 => ScoreValues { string: Some(dice.text(WORDS).to_owned()), ..ScoreValues::default() },
            _ => number_value(value),
        };
        let id = evalset_model::ids::LogId(id);
        let score = score(number * 1_000_000 + index as u128, place, id, source(evaluator), values);
        let score = if dice.one_in(9) { failed(score) } else { score };
        Unit { row, score: Score { run: Some(run), ..score } }
    };
    let units: Vec<Unit> = numbers(stores, place).await.into_iter().enumerate().map(unit).collect();
    for part in units.chunks(500) {
        record(stores, mine, run, part.to_vec()).await;
    }
    let outcome = Outcome { state: State::Completed, error_message: None, at: number as i64, dataset: None };
    stores.jobs.finish(run, 1, outcome).await.unwrap();
    run
}

/// Everything that a store says of scores and runs of dataset 1.
#[derive(Debug, PartialEq)]
struct Said {
    rows: Page<evalset_store::logs::Row>,
    scores: Vec<Score>,
    runs: Page<Job>,
    results: Vec<(Page<UnitResult>, Vec<RowNumber>, Vec<RowValue>)>,
    values: Vec<RowValue>,
    sums: Sums,
    dataset: Dataset,
}

async fn said(stores: &Stores) -> Said {
    let (mine, set) = (organization(1), dataset_id(1));
    let mut runs = stores.runs.list(mine, set, ALL).await.unwrap();
    for run in &mut runs.rows {
        // It ends with the process.
        run.lease = None;
    }
    let mut results = Vec::new();
    for run in &runs.rows {
        results.push((
            stores.runs.results(mine, run.id, None, ALL).await.unwrap(),
            stores.runs.done(mine, run.id).await.unwrap(),
            stores.runs.values(mine, Compared::Run(run.id)).await.unwrap(),
        ));
    }
    let of = Compared::Dataset(set, evaluator_id(0).to_string());
    Said {
        rows: row_page(stores, rows_of(mine, set), Tree::all(), by_id(), (0, 1_000)).await,
        scores: all_scores(stores, mine).await,
        runs,
        results,
        values: stores.runs.values(mine, of).await.unwrap(),
        sums: stores.logs.sums(rows_of(mine, set), Tree::all()).await.unwrap(),
        dataset: stores.datasets.get(mine, set).await.unwrap().unwrap(),
    }
}

#[tokio::test]
async fn scores_and_runs_survive_a_restart() {
    let directory = tempfile::tempdir().unwrap();
    let stores = open(options(directory.path())).await.unwrap();
    let (mine, rows) = (organization(1), rows_of(organization(1), dataset_id(1)));
    stores.datasets.create(dataset(mine, dataset_id(1), 1), None).await.unwrap();
    fill(&stores, rows, 0..40, 1).await;
    fill(&stores, request_logs(mine), 0..40, 2).await;
    let runs = [run_over(&stores, 1, 0, 1).await, run_over(&stores, 1, 1, 2).await];
    let mut dice = Dice(3);
    for number in 0..100 {
        let (place, id) = (*dice.pick(&[rows, request_logs(mine)]), log_id(dice.below(45)));
        stores.scores.put(any_score(number, place, id, number as i64, &mut dice)).await.unwrap();
    }
    stores.runs.reopen(mine, runs[0], Some(3.0), 50).await.unwrap().unwrap();
    stores.jobs.claim(Lane::Runs, &worker(1), 51, LEASE).await.unwrap().unwrap();
    stores.logs.delete(rows, &[log_id(7)]).await.unwrap();
    let before = said(&stores).await;
    assert!(before.scores.len() > 100 && before.sums.scores.len() > 2 && before.results.len() == 2);
    stores.health.close().await;
    assert!(doctor(directory.path(), true).unwrap().healthy());
    let stores = open(options(directory.path())).await.unwrap();
    assert_eq!(said(&stores).await, before);
    // The run goes on where it was.
    assert_eq!(stores.jobs.requeue_expired(60).await.unwrap(), 1);
    assert_eq!(stores.jobs.claim(Lane::Runs, &worker(1), 61, LEASE).await.unwrap().unwrap().id, runs[0]);
}

#[tokio::test]
async fn files_of_version_1_are_brought_up_to_date() {
    let directory = tempfile::tempdir().unwrap();
    let (mine, rows) = (organization(1), rows_of(organization(1), dataset_id(1)));
    let old = Connection::open(directory.path().join("evalset.db")).unwrap();
    old.execute_batch(include_str!("../file/migrations/0001_tables.sql")).unwrap();
    old.pragma_update(None, "application_id", APPLICATION_ID).unwrap();
    old.pragma_update(None, "user_version", 1).unwrap();
    let (owner, set) = (mine.to_string(), dataset_id(1).to_string());
    old.execute(
        "INSERT INTO dataset VALUES (?1, ?2, 'set', '', 'sampling', 'ready', 'logs', '{}', 5, 6, 1, '[]', 'pending', 0, NULL)",
        (&set, &owner),
    )
    .unwrap();
    old.execute("INSERT INTO collection VALUES (7, ?1, ?2, 0, 1, 0, 3)", (&owner, &set)).unwrap();
    old.execute_batch(
        "ALTER TABLE log ADD COLUMN model TEXT;
         INSERT INTO log (row, collection, unique_id, metadata, model) VALUES (4, 7, 'row-00001', '{\"tier\": \"gold\"}', 'm');
         INSERT INTO payload VALUES (4, 0, CAST('{\"input\": \"hello\"}' AS BLOB));
         UPDATE meta SET value = 5 WHERE key = 'next_row'; UPDATE meta SET value = 3 WHERE key = 'commit_seq'",
    )
    .unwrap();
    drop(old);
    // Beside no server: keys are made in it, and it is looked at.
    open_keys_only(directory.path()).unwrap().create_organization(mine, "first", 1).await.unwrap();
    for round in 0..2 {
        let stores = open(options(directory.path())).await.unwrap();
        let log = all(&stores, rows).await.remove(0);
        assert_eq!((log.id.clone(), log.text(Field::Model)), (log_id(1), Some("m")));
        assert_eq!((&log.metadata["tier"], log.payload.value("input")), (&json!("gold"), json!("hello")));
        assert_eq!(stores.datasets.get(mine, dataset_id(1)).await.unwrap().unwrap().log_count, 1);
        assert_eq!(stores.keys.organizations().await.unwrap().len(), 1);
        assert_eq!(all_scores(&stores, mine).await.len(), round);
        let new = score(1 + round as u128, rows, log_id(1), source(round as u128), number_value(1.0));
        assert!(stores.scores.put(new).await.unwrap().1);
        run_over(&stores, 1, 2, 10 + round as u128).await;
        assert_eq!(stores.runs.list(mine, dataset_id(1), ALL).await.unwrap().total, round as u64 + 1);
        stores.scores.delete(mine, score_id(10_000_000)).await.unwrap();
        stores.health.close().await;
        assert!(doctor(directory.path(), true).unwrap().healthy());
        let file = Connection::open(directory.path().join("evalset.db")).unwrap();
        assert_eq!(file.query_row("PRAGMA user_version", [], |line| line.get::<_, i64>(0)).unwrap(), VERSION);
    }
}

/// Rows of the table of results, by run.
fn kept(directory: &Path, run: u128) -> i64 {
    let file = Connection::open(directory.join("evalset.db")).unwrap();
    let sql = "SELECT count(*) FROM run_result WHERE run = (SELECT number FROM job WHERE id = ?1)";
    file.query_row(sql, [job_id(run).to_string()], |line| line.get(0)).unwrap()
}

#[tokio::test]
async fn results_are_purged_with_their_rows() {
    let directory = tempfile::tempdir().unwrap();
    let mut options = options(directory.path());
    options.limits.job_batch_rows = 7;
    let stores = open(options).await.unwrap();
    let mine = organization(1);
    for set in [1, 2] {
        stores.datasets.create(dataset(mine, dataset_id(set), 1), None).await.unwrap();
        fill(&stores, rows_of(mine, dataset_id(set)), 0..30, 1).await;
    }
    let rows = rows_of(mine, dataset_id(1));
    for (set, run) in [(1, 1), (1, 2), (2, 3)] {
        run_over(&stores, set, 0, run).await;
    }
    // Results of rows removed one by one are still there, at either end and in the middle.
    stores.logs.delete(rows, &[0, 1, 15, 28, 29].map(log_id)).await.unwrap();
    let counts = || [1, 2, 3].map(|run| kept(directory.path(), run));
    assert_eq!(counts(), [30, 30, 30]);
    stores.datasets.clear(mine, dataset_id(1), 5).await.unwrap();
    fill(&stores, rows, 0..20, 2).await;
    run_over(&stores, 1, 0, 4).await;
    assert_eq!(keep_house(&stores).await, 4);
    // Those of the rows that came since stay.
    assert_eq!((counts(), kept(directory.path(), 4)), ([0, 0, 30], 20));
    assert_eq!(stores.runs.results(mine, job_id(4), None, ALL).await.unwrap().total, 20);
    stores.logs.delete(rows, &(0..20).map(log_id).collect::<Vec<_>>()).await.unwrap();
    // A dataset without rows needs no purge: nothing may be left behind.
    assert_eq!(kept(directory.path(), 4), 20);
    stores.datasets.delete(mine, dataset_id(1), 6).await.unwrap();
    assert_eq!((counts(), kept(directory.path(), 4)), ([0, 0, 30], 0));
    stores.datasets.delete(mine, dataset_id(2), 7).await.unwrap();
    assert_eq!(stores.runs.results(mine, job_id(3), None, ALL).await.unwrap().total, 0);
    assert_eq!((keep_house(&stores).await, counts()), (5, [0, 0, 0]));
    let file = Connection::open(directory.path().join("evalset.db")).unwrap();
    assert_eq!(file.query_row("SELECT count(*) FROM score", [], |line| line.get::<_, i64>(0)).unwrap(), 0);
}

/// Answers of an index: of filters with their order, and sums.
async fn answers(stores: &Stores, place: Collection) -> Vec<(Vec<RowNumber>, Sums)> {
    let key = |number: u128| LogField::Score(evaluator_id(number).to_string());
    let slug = |number: u128| LogField::Score(format!("slug{number}"));
    let contains = |field| compare(field, Test::Contains { needles: vec!["e".to_owned()], fold: true });
    let filters: Vec<(LogFilter, LogField)> = vec![
        (Tree::all(), key(0)),
        (number(Order::Greater, key(0), 2.0), slug(1)),
        (number(Order::GreaterOrEqual, slug(1), 1.0), slug(2)),
        (contains(slug(2)), key(2)),
        (compare(key(0), Test::IsNull), key(1)),
        (compare(LogField::ScoreMap, Test::HasKeys(vec![evaluator_id(3).to_string()])), slug(3)),
        (Tree::Not(Box::new(number(Order::Less, slug(0), 1.5))), LogField::Id),
    ];
    let mut answers = Vec::new();
    for (filter, by) in filters {
        let sorted = sort(by, answers.len() % 2 == 0);
        let pick = Pick { order: PickOrder::By(sorted), ..Pick::of(filter.clone()) };
        let rows = select(stores, place, pick).await.rows;
        answers.push((rows, stores.logs.sums(place, filter).await.unwrap()));
    }
    answers
}

#[tokio::test]
async fn many_scores_are_loaded_as_they_were_built() {
    const ROWS: usize = 20_000;
    let directory = tempfile::tempdir().unwrap();
    let stores = open(options(directory.path())).await.unwrap();
    let (mine, rows) = (organization(1), rows_of(organization(1), dataset_id(1)));
    stores.datasets.create(dataset(mine, dataset_id(1), 1), None).await.unwrap();
    for start in (0..ROWS).step_by(2_000) {
        fill(&stores, rows, start..start + 2_000, start as u64).await;
    }
    // Opened before the first score: it is built one by one.
    assert_eq!(answers(&stores, rows).await[0].0.len(), ROWS);
    for evaluator in 0..3 {
        run_over(&stores, 1, evaluator, 1 + evaluator).await;
    }
    let mut dice = Dice(5);
    for number in 0..200 {
        let (place, id) = (*dice.pick(&[rows, request_logs(mine)]), log_id(dice.below(ROWS)));
        stores.scores.put(any_score(number, place, id, number as i64, &mut dice)).await.unwrap();
    }
    let built = answers(&stores, rows).await;
    assert!(built.iter().all(|(rows, _)| !rows.is_empty()));
    assert!(built[0].1.scores.len() >= 3);
    stores.health.close().await;
    let stores = open(options(directory.path())).await.unwrap();
    assert_eq!(answers(&stores, rows).await, built);
}
