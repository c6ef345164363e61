//! Evaluation runs: what they record, what of it is shown, how they end and go on, and what their dataset shows of
//! them.

use super::samples::*;
use super::score_samples::*;
use crate::Stores;
use crate::jobs::{Outcome, Renewal};
use crate::runs::{Compared, RowValue};
use evalset_model::Error;
use evalset_model::field::Field;
use evalset_model::filter::Tree;
use evalset_model::ids::{Collection, JobId, RowNumber};
use evalset_model::job::{AttemptStart, Job, Lane, Progress, State, Step, Task};
use evalset_model::page::Window;
use evalset_model::run::{Unit, UnitResult};
use evalset_model::score::{Score, ScoreValues};
use evalset_model::summary::Mean;

const ALL: Window = Window { offset: 0, limit: 100 };

fn mine() -> evalset_model::ids::OrganizationId {
    organization(1)
}

/// Dataset 1 with ten rows, and their numbers.
async fn rows(stores: &Stores) -> (Collection, Vec<RowNumber>) {
    let rows = rows_of(mine(), dataset_id(1));
    stores.datasets.create(dataset(mine(), dataset_id(1), 1), None).await.unwrap();
    fill(stores, rows, 0..10, 1).await;
    let page = row_page(stores, rows, Tree::all(), by_id(), (0, 99)).await;
    (rows, page.rows.into_iter().map(|row| row.number).collect())
}

/// A run of evaluator `evaluator` over dataset 1 that has been claimed.
async fn running(stores: &Stores, number: u128, evaluator: u128) -> JobId {
    stores.jobs.enqueue(run_job(number, mine(), dataset_id(1), evaluator, number as i64), None).await.unwrap();
    let job = stores.jobs.claim(Lane::Runs, &worker(1), 100 + number as i64, LEASE).await.unwrap().unwrap();
    assert_eq!((job.id, job.state), (job_id(number), State::Running));
    job.id
}

/// What run `run` of evaluator 0 says of the row at `index`.
fn unit(rows: Collection, numbers: &[RowNumber], index: usize, run: JobId, value: f64) -> Unit {
    let id = run.0.as_u128() * 100 + index as u128;
    let score = score(id, rows, log_id(index), source(0), number_value(value));
    Unit { row: numbers[index], score: Score { run: Some(run), updated_at: 1_000 + index as i64, ..score } }
}

fn failing(unit: Unit) -> Unit {
    Unit { score: failed(unit.score), ..unit }
}

async fn job(stores: &Stores, run: JobId) -> Job {
    stores.jobs.get(mine(), run).await.unwrap().unwrap()
}

async fn end(stores: &Stores, run: JobId, state: State, at: i64) {
    let attempt = job(stores, run).await.attempts;
    stores.jobs.finish(run, attempt, Outcome { state, error_message: None, at, dataset: None }).await.unwrap();
}

async fn results(stores: &Stores, run: JobId, failed: Option<bool>) -> Vec<UnitResult> {
    let page = stores.runs.results(mine(), run, failed, ALL).await.unwrap();
    assert_eq!(page.total, page.rows.len() as u64);
    page.rows
}

fn names(results: &[UnitResult]) -> Vec<&str> {
    results.iter().map(|result| result.log_id.as_str()).collect()
}

pub async fn recorded_units_count_with_their_run(stores: &Stores) {
    let (place, numbers) = rows(stores).await;
    let run = running(stores, 1, 0).await;
    let at = |index, value| unit(place, &numbers, index, run, value);
    let attempt = AttemptStart { started_at: 101, done: 0, moved_at: 101 };
    let progress = Progress { total: Some(10), attempt: Some(attempt), ..Progress::default() };
    stores.jobs.save(Step { job: run, attempt: 1, progress }).await.unwrap();
    stores.logs.delete(place, &[log_id(3)]).await.unwrap();
    let flag = |mut unit: Unit| {
        unit.score.values = flag_value(true);
        unit
    };
    let units = vec![at(0, 0.5), failing(at(1, 0.0)), flag(at(2, 0.0)), at(3, 4.0)];
    let progress = record(stores, mine(), run, units.clone()).await;
    let wanted = Progress {
        total: Some(10),
        done: 4,
        affected: 3,
        failed: 1,
        cost: 1.0,
        scored: Mean { sum: 5.5, count: 3 },
        attempt: Some(AttemptStart { moved_at: 1_003, ..attempt }),
        ..Progress::default()
    };
    assert_eq!(progress, wanted);
    // Nothing stays of the row that is gone.
    assert_eq!(stores.runs.done(mine(), run).await.unwrap(), numbers[..3]);
    assert_eq!(names(&results(stores, run, None).await), ["row-00000", "row-00001", "row-00002"]);
    assert_eq!(all_scores(stores, mine()).await.len(), 3);
    fill(stores, place, 3..4, 1).await;
    assert!(stores.logs.get(place, &log_id(3)).await.unwrap().unwrap().scores.is_empty());
    for unit in &units[..3] {
        let score = stores.scores.get(mine(), unit.score.id).await.unwrap();
        assert_eq!(score.as_ref(), Some(&unit.score));
        let row = stores.logs.get(place, &unit.score.subject.log_id).await.unwrap().unwrap();
        assert_eq!(row.scores.len(), 1);
    }
    // Again: the new result stands, and the score that it is about.
    let progress = record(stores, mine(), run, vec![at(1, 2.0), failing(at(0, 0.0))]).await;
    assert_eq!((progress.done, progress.affected, progress.failed), (6, 4, 2));
    assert_eq!((progress.cost, progress.scored), (1.5, Mean { sum: 7.5, count: 4 }));
    assert_eq!(names(&results(stores, run, Some(true)).await), ["row-00000"]);
    // A failure leaves the good score where it is.
    assert_eq!(stores.scores.get(mine(), at(0, 0.0).score.id).await.unwrap(), Some(at(0, 0.5).score));
    assert_eq!(stores.scores.get(mine(), at(1, 0.0).score.id).await.unwrap().unwrap().values, number_value(2.0));
}

/// A step that writes nothing is a commit all the same: the one after it must reach an open index.
pub async fn steps_without_rows_hide_nothing(stores: &Stores) {
    let (place, numbers) = rows(stores).await;
    all(stores, place).await;
    let run = running(stores, 1, 0).await;
    for round in 0..3 {
        let gone = Unit { row: RowNumber::new(i64::MAX), ..unit(place, &numbers, 0, run, 1.0) };
        record(stores, mine(), run, vec![gone]).await;
        assert_eq!(all(stores, place).await.len(), 10 + round);
        fill(stores, place, 10 + round..11 + round, 1).await;
        assert_eq!(all(stores, place).await.len(), 11 + round);
    }
}

pub async fn only_running_runs_record(stores: &Stores) {
    let (place, numbers) = rows(stores).await;
    let units = |run: JobId| vec![unit(place, &numbers, 0, run, 1.0)];
    let refused = async |run: JobId| {
        let step = Step { job: run, attempt: 1, progress: Progress::default() };
        let outcome = stores.runs.record(units(run), step).await;
        assert!(matches!(outcome, Err(Error::Conflict(_))), "{outcome:?}");
        assert_eq!(all_scores(stores, mine()).await, []);
        assert_eq!(stores.runs.done(mine(), run).await.unwrap(), []);
    };
    refused(job_id(9)).await;
    stores.jobs.enqueue(run_job(1, mine(), dataset_id(1), 0, 1), None).await.unwrap();
    refused(job_id(1)).await;
    stores.jobs.claim(Lane::Runs, &worker(1), 2, LEASE).await.unwrap();
    end(stores, job_id(1), State::Cancelled, 3).await;
    refused(job_id(1)).await;
    assert_eq!(job(stores, job_id(1)).await.progress, Progress::default());
    // Another kind of job records nothing.
    stores.jobs.enqueue(import_job(2, mine(), dataset_id(1), 4), None).await.unwrap();
    stores.jobs.claim(Lane::Rows, &worker(1), 5, LEASE).await.unwrap();
    refused(job_id(2)).await;
}

pub async fn a_mixed_record_is_refused(stores: &Stores) {
    let (place, numbers) = rows(stores).await;
    stores.datasets.create(dataset(mine(), dataset_id(2), 1), None).await.unwrap();
    let run = running(stores, 1, 0).await;
    let first = unit(place, &numbers, 0, run, 1.0);
    let mut of_another = unit(place, &numbers, 1, run, 1.0);
    of_another.score.source = source(1);
    let mut elsewhere = unit(rows_of(mine(), dataset_id(2)), &numbers, 1, run, 1.0);
    elsewhere.score.id = score_id(77);
    let mut of_logs = unit(request_logs(mine()), &numbers, 1, run, 1.0);
    of_logs.score.id = score_id(78);
    let before = job(stores, run).await;
    for other in [of_another, elsewhere, of_logs] {
        for units in [vec![first.clone(), other.clone()], vec![other.clone(), first.clone()]] {
            let outcome = stores.runs.record(units, step_of(stores, mine(), run).await).await;
            assert!(matches!(outcome, Err(Error::Invalid { .. })), "{outcome:?}");
        }
    }
    assert_eq!(all_scores(stores, mine()).await, []);
    assert_eq!(stores.runs.done(mine(), run).await.unwrap(), []);
    assert_eq!(job(stores, run).await, before);
}

pub async fn results_by_page(stores: &Stores) {
    let (place, numbers) = rows(stores).await;
    let run = running(stores, 1, 0).await;
    let rich = |index: usize| {
        let mut unit = unit(place, &numbers, index, run, index as f64);
        unit.score.is_passed = Some(index.is_multiple_of(2));
        unit.score.values.categorical = Some(vec!["a".to_owned()]);
        unit.score.values.json = Some("[]".to_owned());
        if index.is_multiple_of(3) { failing(unit) } else { unit }
    };
    let units: Vec<Unit> = (0..10).rev().map(rich).collect();
    record(stores, mine(), run, units).await;
    let mut wanted = Vec::new();
    for (index, log) in all(stores, place).await.into_iter().enumerate() {
        let Score { values, is_passed, error_message, cost, .. } = rich(index).score;
        let custom_identifier = log.text(Field::CustomIdentifier).map(str::to_owned);
        wanted.push(UnitResult { log_id: log.id, values, is_passed, error_message, cost, custom_identifier });
    }
    assert_eq!(results(stores, run, None).await, wanted);
    for failed in [true, false] {
        let part: Vec<_> = wanted.iter().filter(|one| one.error_message.is_some() == failed).cloned().collect();
        assert_eq!(results(stores, run, Some(failed)).await, part);
        let window = Window { offset: 1, limit: 2 };
        let page = stores.runs.results(mine(), run, Some(failed), window).await.unwrap();
        assert_eq!((page.total, page.rows), (part.len() as u64, part[1..3].to_vec()));
    }
    for (owner, of) in [(organization(2), run), (mine(), job_id(9))] {
        assert_eq!(stores.runs.results(owner, of, None, ALL).await.unwrap().total, 0);
        assert_eq!(stores.runs.done(owner, of).await.unwrap(), []);
        assert_eq!(stores.runs.values(owner, Compared::Run(of)).await.unwrap(), []);
    }
    // Values: failed ones left out.
    let values = stores.runs.values(mine(), Compared::Run(run)).await.unwrap();
    let good = wanted.iter().filter(|one| one.error_message.is_none()).cloned();
    let good = good.map(|UnitResult { log_id, custom_identifier, values, is_passed, .. }| RowValue {
        log_id,
        custom_identifier,
        values,
        is_passed,
    });
    assert_eq!(values, good.collect::<Vec<_>>());
    // Rows that are gone are left out, and all of them when the dataset is emptied.
    stores.logs.delete(place, &[log_id(2), log_id(3)]).await.unwrap();
    assert_eq!((results(stores, run, None).await.len(), results(stores, run, Some(true)).await.len()), (8, 3));
    assert_eq!(stores.runs.values(mine(), Compared::Run(run)).await.unwrap().len(), 5);
    stores.datasets.clear(mine(), dataset_id(1), 50).await.unwrap();
    fill(stores, place, 0..10, 1).await;
    assert_eq!(results(stores, run, None).await, []);
    assert_eq!(stores.runs.values(mine(), Compared::Run(run)).await.unwrap(), []);
}

pub async fn values_of_a_dataset(stores: &Stores) {
    let (place, _) = rows(stores).await;
    let requests = request_logs(mine());
    let put = async |score| stores.scores.put(score).await.unwrap();
    put(score(1, place, log_id(4), source(0), number_value(4.0))).await;
    put(score(2, requests, log_id(1), source(0), number_value(1.0))).await;
    put(score(3, requests, log_id(4), source(0), number_value(9.0))).await;
    put(score(4, place, log_id(2), source(0), ScoreValues::default())).await;
    put(failed(score(5, place, log_id(3), source(0), ScoreValues::default()))).await;
    put(score(6, place, log_id(6), source(2), number_value(6.0))).await;
    put(score(7, place, log_id(7), custom("free"), flag_value(true))).await;
    put(score(8, place, log_id(55), source(0), number_value(1.0))).await;
    let values = async |owner, key: &str| {
        let of = Compared::Dataset(dataset_id(1), key.to_owned());
        let values = stores.runs.values(owner, of).await.unwrap();
        values.into_iter().map(|value| (value.log_id, value.values.number())).collect::<Vec<_>>()
    };
    let evaluator = evaluator_id(0).to_string();
    assert_eq!(values(mine(), &evaluator).await, [(log_id(1), Some(1.0)), (log_id(4), Some(4.0))]);
    assert_eq!(values(mine(), "free").await, [(log_id(7), Some(1.0))]);
    assert_eq!(values(mine(), "slug0").await, []);
    assert_eq!(values(organization(2), &evaluator).await, []);
}

pub async fn ended_runs_go_on(stores: &Stores) {
    let (place, numbers) = rows(stores).await;
    assert_eq!(stores.runs.reopen(mine(), job_id(1), None, 1).await.unwrap(), None);
    let run = running(stores, 1, 0).await;
    let at = |index, value| unit(place, &numbers, index, run, value);
    record(stores, mine(), run, vec![at(0, 1.0), failing(at(1, 0.0)), failing(at(2, 0.0)), at(3, 2.0)]).await;
    let early = stores.runs.reopen(mine(), run, None, 1).await;
    assert!(matches!(early, Err(Error::Conflict(_))), "{early:?}");
    stores.jobs.cancel(mine(), run, 140).await.unwrap();
    stores
        .jobs
        .finish(
            run,
            1,
            Outcome { state: State::Failed, error_message: Some("too dear".to_owned()), at: 150, dataset: None },
        )
        .await
        .unwrap();
    let before = job(stores, run).await;
    assert_eq!(stores.runs.reopen(organization(2), run, None, 160).await.unwrap(), None);
    let again = stores.runs.reopen(mine(), run, Some(7.5), 160).await.unwrap().unwrap();
    let Task::Evaluate(mut task) = before.task.clone() else { panic!("{before:?}") };
    task.spending_limit = Some(7.5);
    let wanted = Job {
        task: Task::Evaluate(task),
        state: State::Queued,
        cancel_requested: false,
        error_message: None,
        completed_at: None,
        progress: Progress { done: 2, failed: 0, ..before.progress.clone() },
        ..before
    };
    assert_eq!(again, wanted);
    assert_eq!(job(stores, run).await, wanted);
    assert_eq!(stores.runs.done(mine(), run).await.unwrap(), [numbers[0], numbers[3]]);
    assert_eq!(results(stores, run, Some(true)).await, []);
    let set = stores.datasets.get(mine(), dataset_id(1)).await.unwrap().unwrap();
    assert_eq!((set.running_status.as_str(), set.running_at), ("pending", Some(160)));
    // The limit stays when none is given.
    assert_eq!(stores.jobs.claim(Lane::Runs, &worker(1), 170, LEASE).await.unwrap().unwrap().id, run);
    let progress = record(stores, mine(), run, vec![at(1, 3.0)]).await;
    assert_eq!((progress.done, progress.affected, progress.failed), (3, 3, 0));
    assert_eq!((progress.cost, progress.scored), (1.25, Mean { sum: 6.0, count: 3 }));
    end(stores, run, State::Completed, 180).await;
    let again = stores.runs.reopen(mine(), run, None, 190).await.unwrap().unwrap();
    assert_eq!(again.task.run().unwrap().spending_limit, Some(7.5));
    // Not when its dataset is gone.
    stores.jobs.cancel(mine(), run, 200).await.unwrap();
    stores.datasets.delete(mine(), dataset_id(1), 210).await.unwrap();
    assert_eq!(stores.runs.reopen(mine(), run, None, 220).await.unwrap(), None);
    // What is no run is not taken up.
    stores.datasets.create(dataset(mine(), dataset_id(2), 1), None).await.unwrap();
    stores.jobs.enqueue(import_job(8, mine(), dataset_id(2), 1), None).await.unwrap();
    stores.jobs.cancel(mine(), job_id(8), 2).await.unwrap();
    assert_eq!(stores.runs.reopen(mine(), job_id(8), None, 3).await.unwrap(), None);
}

pub async fn lists_are_newest_first(stores: &Stores) {
    rows(stores).await;
    stores.datasets.create(dataset(mine(), dataset_id(2), 1), None).await.unwrap();
    for (number, set, at) in [(1, 1, 10), (2, 1, 30), (3, 1, 20), (4, 1, 20), (5, 2, 40)] {
        stores.jobs.enqueue(run_job(number, mine(), dataset_id(set), 0, at), None).await.unwrap();
    }
    stores.jobs.enqueue(import_job(6, mine(), dataset_id(1), 50), None).await.unwrap();
    let list = async |owner, window| {
        let page = stores.runs.list(owner, dataset_id(1), window).await.unwrap();
        (page.rows.into_iter().map(|job| job.id).collect::<Vec<_>>(), page.total)
    };
    assert_eq!(list(mine(), ALL).await, ([2, 4, 3, 1].map(job_id).to_vec(), 4));
    assert_eq!(list(mine(), Window { offset: 1, limit: 2 }).await, ([4, 3].map(job_id).to_vec(), 4));
    assert_eq!(list(organization(2), ALL).await, (vec![], 0));
}

pub async fn lanes_do_not_meet(stores: &Stores) {
    rows(stores).await;
    stores.jobs.enqueue(run_job(1, mine(), dataset_id(1), 0, 1), None).await.unwrap();
    stores.jobs.enqueue(import_job(2, mine(), dataset_id(1), 2), None).await.unwrap();
    stores.jobs.enqueue(run_job(3, mine(), dataset_id(1), 0, 3), None).await.unwrap();
    let claim = async |lane| stores.jobs.claim(lane, &worker(1), 5, LEASE).await.unwrap().map(|job| job.id);
    assert_eq!(claim(Lane::Rows).await, Some(job_id(2)));
    assert_eq!(claim(Lane::Rows).await, None);
    assert_eq!((claim(Lane::Runs).await, claim(Lane::Runs).await), (Some(job_id(1)), Some(job_id(3))));
    assert_eq!(claim(Lane::Runs).await, None);
}

pub async fn datasets_show_their_runs(stores: &Stores) {
    let (place, numbers) = rows(stores).await;
    let shown = async || {
        let dataset = stores.datasets.get(mine(), dataset_id(1)).await.unwrap().unwrap();
        (dataset.running_status, dataset.running_progress, dataset.running_at)
    };
    let is = |status: &str, progress: u8, at: i64| (status.to_owned(), progress, Some(at));
    assert_eq!(shown().await, ("pending".to_owned(), 0, None));
    stores.jobs.enqueue(run_job(1, mine(), dataset_id(1), 0, 10), None).await.unwrap();
    assert_eq!(shown().await, is("pending", 0, 10));
    // One that is refused changes nothing.
    assert!(stores.jobs.enqueue(run_job(1, mine(), dataset_id(1), 0, 11), None).await.is_err());
    stores.jobs.enqueue(run_job(2, mine(), dataset_id(1), 2, 20), None).await.unwrap();
    assert_eq!(shown().await, is("pending", 0, 10));
    stores.jobs.claim(Lane::Runs, &worker(1), 30, LEASE).await.unwrap();
    assert_eq!(shown().await, is("running", 0, 10));
    let total = Progress { total: Some(10), ..Progress::default() };
    for run in [1, 2].map(job_id) {
        stores.jobs.claim(Lane::Runs, &worker(1), 30, LEASE).await.unwrap();
        stores.jobs.save(Step { job: run, attempt: 1, progress: total.clone() }).await.unwrap();
    }
    let units =
        |run, range: std::ops::Range<usize>| range.map(|index| unit(place, &numbers, index, run, 1.0)).collect();
    record(stores, mine(), job_id(1), units(job_id(1), 0..5)).await;
    assert_eq!(shown().await, is("running", 25, 10));
    record(stores, mine(), job_id(2), units(job_id(2), 0..1)).await;
    assert_eq!(shown().await, is("running", 30, 10));
    end(stores, job_id(1), State::Completed, 40).await;
    assert_eq!(shown().await, is("running", 55, 10));
    // A copy job is none of them.
    stores.jobs.enqueue(import_job(3, mine(), dataset_id(1), 45), None).await.unwrap();
    stores.jobs.cancel(mine(), job_id(2), 50).await.unwrap();
    assert_eq!(shown().await, is("running", 55, 10));
    end(stores, job_id(2), State::Cancelled, 50).await;
    assert_eq!(shown().await, is("completed", 55, 10));
    // The next one begins anew, and a queued one ends at once.
    stores.jobs.enqueue(run_job(4, mine(), dataset_id(1), 0, 60), None).await.unwrap();
    assert_eq!(shown().await, is("pending", 0, 60));
    stores.jobs.cancel(mine(), job_id(4), 70).await.unwrap();
    assert_eq!(shown().await, is("cancelled", 0, 60));
    stores.jobs.enqueue(run_job(5, mine(), dataset_id(1), 0, 80), None).await.unwrap();
    stores.jobs.claim(Lane::Runs, &worker(1), 90, LEASE).await.unwrap();
    assert_eq!(shown().await, is("running", 0, 80));
    // Emptying the dataset cancels it.
    stores.datasets.clear(mine(), dataset_id(1), 95).await.unwrap();
    assert_eq!(job(stores, job_id(5)).await.state, State::Cancelled);
    assert_eq!(shown().await, is("cancelled", 0, 80));
}

pub async fn deleting_the_dataset_ends_its_runs(stores: &Stores) {
    let (place, numbers) = rows(stores).await;
    let run = running(stores, 1, 0).await;
    record(stores, mine(), run, vec![unit(place, &numbers, 0, run, 1.0)]).await;
    stores.jobs.enqueue(run_job(2, mine(), dataset_id(1), 0, 2), None).await.unwrap();
    stores.datasets.delete(mine(), dataset_id(1), 7).await.unwrap();
    for number in [1, 2] {
        let job = job(stores, job_id(number)).await;
        assert_eq!((job.state, job.completed_at), (State::Cancelled, Some(7)));
    }
    assert_eq!(stores.jobs.renew(run, 1, 8, LEASE).await.unwrap(), Renewal::Lost);
    let step = step_of(stores, mine(), run).await;
    let late = stores.runs.record(vec![unit(place, &numbers, 1, run, 1.0)], step).await;
    assert!(matches!(late, Err(Error::Conflict(_))), "{late:?}");
    assert_eq!(results(stores, run, None).await, []);
    assert_eq!(all_scores(stores, mine()).await, []);
    assert_eq!(stores.jobs.claim(Lane::Runs, &worker(1), 9, LEASE).await.unwrap(), None);
}

pub async fn recorded_scores_are_found(stores: &Stores) {
    let (place, numbers) = rows(stores).await;
    // An index that is open before learns of each.
    all(stores, place).await;
    let found = async |key: &str, least: f64| {
        use evalset_model::filter::{LogField, Order};
        let filter = number(Order::GreaterOrEqual, LogField::Score(key.to_owned()), least);
        page(stores, place, filter, by_id(), (0, 99)).await.total
    };
    let evaluator = evaluator_id(0).to_string();
    // A person's score came while the run was asking: it is the newer one.
    let human = score(900, place, log_id(0), source(0), number_value(9.0));
    stores.scores.put(Score { scorer: "ann".to_owned(), updated_at: 5_000, ..human }).await.unwrap();
    // A custom slug that reads like the evaluator's.
    stores.scores.put(score(901, place, log_id(1), custom("slug0"), number_value(8.0))).await.unwrap();
    // A log's score that names no dataset.
    stores.scores.put(score(902, request_logs(mine()), log_id(2), source(0), number_value(7.0))).await.unwrap();
    let run = running(stores, 1, 0).await;
    let units = (0..10).map(|index| unit(place, &numbers, index, run, 1.0)).collect();
    record(stores, mine(), run, units).await;
    assert_eq!((found(&evaluator, 1.0).await, found(&evaluator, 2.0).await), (10, 1));
    assert_eq!((found("slug0", 1.0).await, found("slug0", 2.0).await), (10, 2));
    let sums = stores.logs.sums(place, Tree::all()).await.unwrap().scores;
    let sums: Vec<_> = sums.into_iter().map(|sum| (sum.source, sum.totals.numbers.sum)).collect();
    assert_eq!(sums, [(source(0), 18.0), (custom("slug0"), 8.0)]);
    // A later run whose rows fail leaves the good scores.
    end(stores, run, State::Completed, 200).await;
    let run = running(stores, 2, 0).await;
    let units = (0..10).map(|index| failing(unit(place, &numbers, index, run, 1.0))).collect();
    record(stores, mine(), run, units).await;
    assert_eq!((found(&evaluator, 1.0).await, found("slug0", 2.0).await), (10, 2));
}
