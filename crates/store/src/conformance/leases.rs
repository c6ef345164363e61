//! Two workers on one store: who holds a job, and what becomes of one who was taken for dead. Times are given, so that
//! nobody waits.

use super::samples::*;
use super::score_samples::{number_value, run_job, score, source};
use crate::Stores;
use crate::jobs::{Outcome, Renewal};
use crate::logs::Added;
use evalset_model::dataset::Status;
use evalset_model::filter::Tree;
use evalset_model::ids::{Collection, JobId, RowNumber};
use evalset_model::job::{Job, Lane, Lease, Progress, State, Step};
use evalset_model::run::Unit;
use evalset_model::score::Score;
use evalset_model::{Error, Result};

fn mine() -> evalset_model::ids::OrganizationId {
    organization(1)
}

/// Request logs, as many empty datasets with an import job for each (number n fills dataset n), and the numbers of the
/// logs.
async fn imports(stores: &Stores, logs: usize, jobs: u128) -> (Collection, Vec<RowNumber>) {
    fill(stores, request_logs(mine()), 0..logs, 1).await;
    for number in 1..=jobs {
        stores.datasets.create(dataset(mine(), dataset_id(number), 1), None).await.unwrap();
        stores.jobs.enqueue(import_job(number, mine(), dataset_id(number), number as i64), None).await.unwrap();
    }
    (request_logs(mine()), numbers(stores, request_logs(mine())).await)
}

async fn claim(stores: &Stores, lane: Lane, by: u8, at: i64) -> Option<Job> {
    stores.jobs.claim(lane, &worker(by), at, LEASE).await.unwrap()
}

async fn renew(stores: &Stores, id: JobId, attempt: u32, at: i64) -> Renewal {
    stores.jobs.renew(id, attempt, at, LEASE).await.unwrap()
}

async fn job(stores: &Stores, id: JobId) -> Job {
    stores.jobs.get(mine(), id).await.unwrap().unwrap()
}

fn step(job: &Job) -> Step {
    Step { job: job.id, attempt: job.attempts, progress: job.progress.clone() }
}

fn refused<T: std::fmt::Debug>(outcome: Result<T>) {
    match outcome {
        Err(Error::Conflict(_)) => {}
        other => panic!("{other:?}"),
    }
}

pub async fn two_workers_never_hold_one_job(stores: &Stores) {
    imports(stores, 0, 20).await;
    let work = async |by| {
        let mut held = Vec::new();
        while let Some(job) = claim(stores, Lane::Rows, by, 50).await {
            assert_eq!((job.attempts, job.lease), (1, Some(Lease { worker: worker(by), until: 50 + LEASE })));
            held.push(job.id);
            tokio::task::yield_now().await;
        }
        held
    };
    let (first, second) = tokio::join!(work(1), work(2));
    let mut all: Vec<JobId> = first.into_iter().chain(second).collect();
    all.sort();
    assert_eq!(all, (1..=20).map(job_id).collect::<Vec<_>>());
}

pub async fn a_second_process_takes_nothing_away(stores: &Stores) {
    imports(stores, 0, 1).await;
    let held = claim(stores, Lane::Rows, 1, 5).await.unwrap();
    // What a process does when it starts, while the first one is at work.
    assert_eq!(stores.jobs.requeue_expired(5 + LEASE).await.unwrap(), 0);
    assert_eq!(claim(stores, Lane::Rows, 2, 5 + LEASE).await, None);
    assert_eq!(job(stores, held.id).await, held);
    assert_eq!(renew(stores, held.id, 1, 5 + LEASE).await, Renewal::GoOn);
    stores.jobs.save(step(&held)).await.unwrap();
}

pub async fn a_renewed_lease_does_not_run_out(stores: &Stores) {
    imports(stores, 0, 1).await;
    let id = claim(stores, Lane::Rows, 1, 0).await.unwrap().id;
    let mut ended = LEASE;
    for round in 1..20 {
        // As often as workers do.
        let at = round * LEASE / 4;
        assert_eq!(renew(stores, id, 1, at).await, Renewal::GoOn);
        let until = job(stores, id).await.lease.unwrap().until;
        assert!(until >= at + LEASE * 3 / 4 && until >= ended, "{round}: {until}");
        ended = until;
        assert_eq!(stores.jobs.requeue_expired(at + LEASE / 2).await.unwrap(), 0);
    }
    // One who comes late, but before anybody took the job back, keeps it.
    assert_eq!(renew(stores, id, 1, ended + 9 * LEASE).await, Renewal::GoOn);
    assert_eq!(stores.jobs.requeue_expired(ended + 9 * LEASE).await.unwrap(), 0);
    // A sign of life does not make a lease shorter, and one of another attempt is none.
    let before = job(stores, id).await;
    assert_eq!(renew(stores, id, 1, 1).await, Renewal::GoOn);
    assert_eq!(renew(stores, id, 2, ended + 90 * LEASE).await, Renewal::Lost);
    assert_eq!(job(stores, id).await, before);
    // One that was asked to stop is its worker's until it ends.
    stores.jobs.cancel(mine(), id, 9).await.unwrap();
    assert_eq!(renew(stores, id, 1, ended + 10 * LEASE).await, Renewal::Stop);
    assert_eq!(stores.jobs.requeue_expired(ended + 10 * LEASE).await.unwrap(), 0);
}

pub async fn an_expired_job_goes_to_another(stores: &Stores) {
    imports(stores, 0, 2).await;
    let first = claim(stores, Lane::Rows, 1, 5).await.unwrap();
    assert_eq!(stores.jobs.requeue_expired(6 + LEASE).await.unwrap(), 1);
    let queued = job(stores, first.id).await;
    assert_eq!((queued.state, queued.lease), (State::Queued, None));
    assert_eq!(renew(stores, first.id, 1, 7 + LEASE).await, Renewal::Lost);
    // It is the oldest again.
    let second = claim(stores, Lane::Rows, 2, 7 + LEASE).await.unwrap();
    assert_eq!((second.id, second.attempts, second.started_at), (first.id, 2, Some(5)));
    assert_eq!(second.lease, Some(Lease { worker: worker(2), until: 7 + 2 * LEASE }));
    assert_eq!(renew(stores, first.id, 1, 8 + LEASE).await, Renewal::Lost);
    assert_eq!(renew(stores, first.id, 2, 8 + LEASE).await, Renewal::GoOn);
}

pub async fn a_worker_without_its_lease_cannot_save(stores: &Stores) {
    let (from, rows) = imports(stores, 6, 1).await;
    let target = rows_of(mine(), dataset_id(1));
    let held = claim(stores, Lane::Rows, 1, 5).await.unwrap();
    stores.logs.copy(from, &rows[..2], target, Some(step(&held))).await.unwrap();
    stores.jobs.enqueue(run_job(7, mine(), dataset_id(1), 0, 6), None).await.unwrap();
    let run = claim(stores, Lane::Runs, 1, 6).await.unwrap();
    assert_eq!(stores.jobs.requeue_expired(9 + LEASE).await.unwrap(), 2);
    let late = async || {
        let before = (all(stores, target).await, job(stores, held.id).await, job(stores, run.id).await);
        refused(stores.logs.copy(from, &rows[2..4], target, Some(step(&held))).await);
        // Nor one that it has done before.
        refused(stores.logs.copy(from, &rows[..2], target, Some(step(&held))).await);
        refused(stores.logs.remove(target, &rows, Some(step(&held))).await);
        refused(stores.jobs.save(Step { progress: Progress { done: 9, ..Progress::default() }, ..step(&held) }).await);
        let subject = score(1, target, log_id(5), source(0), number_value(1.0));
        let unit = Unit { row: RowNumber::new(i64::MAX), score: Score { run: Some(run.id), ..subject } };
        refused(stores.runs.record(vec![unit], step(&run)).await);
        assert_eq!((all(stores, target).await, job(stores, held.id).await, job(stores, run.id).await), before);
    };
    // While the jobs wait, and while another works on them.
    late().await;
    let next = claim(stores, Lane::Rows, 2, 9 + LEASE).await.unwrap();
    assert!(claim(stores, Lane::Runs, 2, 9 + LEASE).await.is_some());
    late().await;
    assert_eq!(next.progress.done, 2);
    stores.logs.copy(from, &rows[2..4], target, Some(step(&next))).await.unwrap();
    late().await;
    assert_eq!(all(stores, target).await.len(), 4);
}

pub async fn a_late_finish_changes_nothing(stores: &Stores) {
    imports(stores, 0, 1).await;
    let first = claim(stores, Lane::Rows, 1, 5).await.unwrap();
    stores.jobs.requeue_expired(6 + LEASE).await.unwrap();
    let late = async || {
        let before = job(stores, first.id).await;
        for state in [State::Completed, State::Failed, State::Cancelled, State::Queued] {
            let dataset = Some((dataset_id(1), Status::Failed));
            let outcome = Outcome { state, error_message: Some("late".to_owned()), at: 99, dataset };
            stores.jobs.finish(first.id, 1, outcome).await.unwrap();
        }
        assert_eq!(job(stores, first.id).await, before);
        let dataset = stores.datasets.get(mine(), dataset_id(1)).await.unwrap().unwrap();
        assert_ne!(dataset.status, Status::Failed);
    };
    late().await;
    claim(stores, Lane::Rows, 2, 7 + LEASE).await.unwrap();
    late().await;
    let done = Outcome { state: State::Completed, error_message: None, at: 50, dataset: None };
    stores.jobs.finish(first.id, 2, done).await.unwrap();
    assert_eq!(job(stores, first.id).await.completed_at, Some(50));
    late().await;
}

pub async fn a_unit_done_twice_counts_once(stores: &Stores) {
    let (from, rows) = imports(stores, 10, 1).await;
    let target = rows_of(mine(), dataset_id(1));
    stores.logs.copy(from, &rows[1..2], target, None).await.unwrap();
    let counts = async |id| {
        let progress = job(stores, id).await.progress;
        (progress.done, progress.affected, progress.skipped)
    };
    // A copy whose answer was lost.
    let held = claim(stores, Lane::Rows, 1, 5).await.unwrap();
    for _ in 0..3 {
        let copied = stores.logs.copy(from, &rows[..4], target, Some(step(&held))).await.unwrap();
        assert_eq!((copied.written, copied.skipped), (3, 1));
        assert_eq!((counts(held.id).await, all(stores, target).await.len()), ((4, 3, 1), 4));
    }
    // Not even when the rows were edited or removed in between: what people did since stays.
    stores.logs.delete(target, &[log_id(9)]).await.unwrap();
    stores.logs.copy(from, &rows[..4], target, Some(step(&held))).await.unwrap();
    assert_eq!((counts(held.id).await, all(stores, target).await.len()), ((4, 3, 1), 3));
    // The next unit.
    let held = job(stores, held.id).await;
    let copied = stores.logs.copy(from, &rows[4..], target, Some(step(&held))).await.unwrap();
    assert_eq!(copied, Added { written: 6, ..Added::default() });
    assert_eq!(counts(held.id).await, (10, 9, 1));

    // A removal.
    stores.jobs.enqueue(remove_job(2, mine(), dataset_id(1), 2), None).await.unwrap();
    let held = claim(stores, Lane::Rows, 1, 6).await.unwrap();
    let rows = numbers(stores, target).await;
    for _ in 0..3 {
        assert_eq!(stores.logs.remove(target, &rows[..5], Some(step(&held))).await.unwrap(), 5);
        assert_eq!((counts(held.id).await, all(stores, target).await.len()), ((5, 5, 0), 4));
    }

    // Results of a run.
    stores.jobs.enqueue(run_job(3, mine(), dataset_id(1), 0, 3), None).await.unwrap();
    let held = claim(stores, Lane::Runs, 1, 7).await.unwrap();
    let left = row_page(stores, target, Tree::all(), by_id(), (0, 2)).await.rows;
    let units: Vec<Unit> = left
        .into_iter()
        .zip(100..)
        .map(|(row, id)| {
            let score = score(id, target, row.log.id.clone(), source(0), number_value(2.0));
            Unit { row: row.number, score: Score { run: Some(held.id), ..score } }
        })
        .collect();
    let mut recorded = Vec::new();
    for _ in 0..2 {
        stores.runs.record(units.clone(), step(&held)).await.unwrap();
        recorded.push((job(stores, held.id).await.progress, stores.runs.done(mine(), held.id).await.unwrap()));
    }
    assert_eq!(recorded[0], recorded[1]);
    assert_eq!((recorded[0].0.done, recorded[0].0.cost, recorded[0].1.len()), (2, 0.5, 2));
}

/// One of two workers, as far as it knows.
struct Worker {
    name: u8,
    held: Option<Job>,
}

impl Worker {
    /// The next unit of its job, or its end, or the next job. What it has done it may not learn.
    async fn work(&mut self, stores: &Stores, rows: &[RowNumber], at: i64, dice: &mut Dice) -> Result<()> {
        let Some(held) = &mut self.held else {
            self.held = claim(stores, Lane::Rows, self.name, at).await;
            return Ok(());
        };
        let rest = &rows[held.progress.done as usize..];
        if rest.is_empty() {
            let outcome = Outcome { state: State::Completed, error_message: None, at, dataset: None };
            stores.jobs.finish(held.id, held.attempts, outcome).await?;
            self.held = None;
            return Ok(());
        }
        let unit = &rest[..rest.len().min(4)];
        let Some(dataset) = held.dataset else { panic!("{held:?}") };
        let added = stores.logs.copy(request_logs(mine()), unit, rows_of(mine(), dataset), Some(step(held))).await?;
        if !dice.one_in(3) {
            held.progress.add(unit, added.written);
        }
        Ok(())
    }
}

pub async fn two_workers_that_stall_do_everything_once(stores: &Stores) {
    let (_, rows) = imports(stores, 60, 6).await;
    let mut dice = Dice(11);
    let (mut at, mut lost) = (0, 0);
    let mut workers = [1, 2].map(|name| Worker { name, held: None });
    for _ in 0..2_000 {
        at += 1 + dice.below(20) as i64;
        if dice.one_in(8) {
            // Both stall for longer than they may, and a third process looks after the jobs.
            at += 2 * LEASE;
            stores.jobs.requeue_expired(at).await.unwrap();
        }
        let worker = &mut workers[dice.below(2)];
        if dice.one_in(3)
            && let Some(held) = &worker.held
            && renew(stores, held.id, held.attempts, at).await == Renewal::Lost
        {
            (worker.held, lost) = (None, lost + 1);
        }
        match worker.work(stores, &rows, at, &mut dice).await {
            Ok(()) => {}
            Err(Error::Conflict(_)) => (worker.held, lost) = (None, lost + 1),
            Err(error) => panic!("{error}"),
        }
    }
    assert!(lost > 5, "{lost}");
    for number in 1..=6 {
        let job = job(stores, job_id(number)).await;
        let progress = (job.progress.done, job.progress.affected, job.progress.skipped);
        assert_eq!((job.state, progress), (State::Completed, (60, 60, 0)), "{job:?}");
        assert_eq!(all(stores, rows_of(mine(), dataset_id(number))).await.len(), 60);
    }
}
