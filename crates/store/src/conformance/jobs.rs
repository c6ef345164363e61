//! Jobs: their order, states and what they do to the status of a dataset.

use super::samples::*;
use crate::Stores;
use crate::jobs::{Outcome, Renewal};
use evalset_model::Error;
use evalset_model::dataset::Status;
use evalset_model::ids::{DatasetId, RowNumber};
use evalset_model::job::{AttemptStart, Lane, Lease, Progress, State, Step};
use evalset_model::page::Window;
use evalset_model::summary::Mean;

fn outcome(state: State, at: i64) -> Outcome {
    Outcome { state, error_message: None, at, dataset: None }
}

/// Datasets 1 and 2 of organization 1, dataset 3 of organization 2.
async fn datasets(stores: &Stores) {
    for (owner, number) in [(1, 1), (1, 2), (2, 3)] {
        stores.datasets.create(dataset(organization(owner), dataset_id(number), 1), None).await.unwrap();
    }
}

async fn state(stores: &Stores, number: u128) -> State {
    stores.jobs.get(organization(1), job_id(number)).await.unwrap().unwrap().state
}

async fn status(stores: &Stores, id: DatasetId) -> Status {
    stores.datasets.get(organization(1), id).await.unwrap().unwrap().status
}

pub async fn claims_go_by_age(stores: &Stores) {
    datasets(stores).await;
    assert_eq!(stores.jobs.claim(Lane::Rows, &worker(1), 1, LEASE).await.unwrap(), None);
    for (number, owner, set, at) in [(1, 1, 1, 30), (2, 2, 3, 10), (3, 1, 2, 20), (4, 1, 2, 20)] {
        stores.jobs.enqueue(import_job(number, organization(owner), dataset_id(set), at), None).await.unwrap();
    }
    let again = stores.jobs.enqueue(import_job(1, organization(1), dataset_id(1), 99), None).await;
    assert!(matches!(again, Err(Error::Conflict(_))), "{again:?}");
    let orphan = stores.jobs.enqueue(import_job(8, organization(1), dataset_id(3), 99), None).await;
    assert!(matches!(orphan, Err(Error::NotFound(_))), "{orphan:?}");
    let mut order = Vec::new();
    while let Some(job) = stores.jobs.claim(Lane::Rows, &worker(1), 50, LEASE).await.unwrap() {
        assert_eq!((job.state, job.attempts, job.started_at), (State::Running, 1, Some(50)));
        order.push(job.id);
    }
    assert_eq!(order, [2, 3, 4, 1].map(job_id));
}

pub async fn progress_is_kept(stores: &Stores) {
    datasets(stores).await;
    let mut job = import_job(1, organization(1), dataset_id(1), 5);
    stores.jobs.enqueue(job.clone(), None).await.unwrap();
    let progress = Progress {
        total: Some(u64::from(u32::MAX)),
        done: 4,
        affected: 3,
        skipped: 1,
        cursor: Some(RowNumber::new(77)),
        cutoff: Some(u64::MAX - 1),
        failed: 2,
        cost: 0.1,
        scored: Mean { sum: -1.5, count: 2 },
        attempt: Some(AttemptStart { started_at: 5, done: 1, moved_at: 6 }),
    };
    let step = Step { job: job.id, attempt: 1, progress: progress.clone() };
    let early = stores.jobs.save(step.clone()).await;
    assert!(matches!(early, Err(Error::Conflict(_))), "{early:?}");
    stores.jobs.claim(Lane::Rows, &worker(1), 6, LEASE).await.unwrap();
    stores.jobs.save(step).await.unwrap();
    job.state = State::Running;
    job.attempts = 1;
    job.lease = Some(Lease { worker: worker(1), until: 6 + LEASE });
    job.started_at = Some(6);
    job.progress = progress;
    assert_eq!(stores.jobs.get(organization(1), job.id).await.unwrap(), Some(job.clone()));
    assert_eq!(stores.jobs.get(organization(2), job.id).await.unwrap(), None);
}

pub async fn cancel_queued_and_running(stores: &Stores) {
    datasets(stores).await;
    for number in [1, 2] {
        stores.jobs.enqueue(remove_job(number, organization(1), dataset_id(1), number as i64), None).await.unwrap();
    }
    stores.jobs.claim(Lane::Rows, &worker(1), 5, LEASE).await.unwrap();
    let renewal = async |number| stores.jobs.renew(job_id(number), 1, 6, LEASE).await.unwrap();
    assert_eq!(renewal(1).await, Renewal::GoOn);
    assert_eq!(stores.jobs.cancel(organization(2), job_id(1), 6).await.unwrap(), None);
    assert_eq!(stores.jobs.cancel(organization(1), job_id(9), 6).await.unwrap(), None);
    assert_eq!(renewal(1).await, Renewal::GoOn);
    let running = stores.jobs.cancel(organization(1), job_id(1), 6).await.unwrap().unwrap();
    assert_eq!((running.state, running.cancel_requested, running.completed_at), (State::Running, true, None));
    assert_eq!(renewal(1).await, Renewal::Stop);
    let queued = stores.jobs.cancel(organization(1), job_id(2), 7).await.unwrap().unwrap();
    assert_eq!((queued.state, queued.completed_at), (State::Cancelled, Some(7)));
    assert_eq!((renewal(2).await, renewal(99).await), (Renewal::Lost, Renewal::Lost));
    // Twice is once.
    assert_eq!(stores.jobs.cancel(organization(1), job_id(2), 9).await.unwrap(), Some(queued));
    assert_eq!(stores.jobs.claim(Lane::Rows, &worker(1), 10, LEASE).await.unwrap(), None);
    assert_eq!(stores.jobs.open(organization(1)).await.unwrap(), 1);
}

pub async fn finish_and_retry(stores: &Stores) {
    datasets(stores).await;
    stores.jobs.enqueue(remove_job(1, organization(1), dataset_id(1), 1), None).await.unwrap();
    stores.jobs.claim(Lane::Rows, &worker(1), 5, LEASE).await.unwrap();
    stores.jobs.finish(job_id(1), 1, outcome(State::Queued, 6)).await.unwrap();
    let retried = stores.jobs.claim(Lane::Rows, &worker(1), 7, LEASE).await.unwrap().unwrap();
    assert_eq!((retried.attempts, retried.started_at, retried.completed_at), (2, Some(5), None));
    let failed = Outcome { error_message: Some("no".to_owned()), ..outcome(State::Failed, 8) };
    stores.jobs.finish(job_id(1), 2, failed).await.unwrap();
    let job = stores.jobs.get(organization(1), job_id(1)).await.unwrap().unwrap();
    assert_eq!((job.state, job.error_message.as_deref(), job.completed_at), (State::Failed, Some("no"), Some(8)));
    stores.jobs.finish(job_id(99), 1, outcome(State::Completed, 9)).await.unwrap();
}

pub async fn finish_after_cancel_does_nothing(stores: &Stores) {
    datasets(stores).await;
    stores.jobs.enqueue(remove_job(1, organization(1), dataset_id(1), 1), None).await.unwrap();
    stores.jobs.cancel(organization(1), job_id(1), 2).await.unwrap();
    let late = Outcome { dataset: Some((dataset_id(1), Status::Failed)), ..outcome(State::Completed, 3) };
    stores.jobs.finish(job_id(1), 1, late).await.unwrap();
    assert_eq!(state(stores, 1).await, State::Cancelled);
    assert_eq!(status(stores, dataset_id(1)).await, Status::Ready);
}

pub async fn requeue_after_a_crash(stores: &Stores) {
    datasets(stores).await;
    for number in [1, 2, 3] {
        stores.jobs.enqueue(remove_job(number, organization(1), dataset_id(1), number as i64), None).await.unwrap();
    }
    stores.jobs.claim(Lane::Rows, &worker(1), 5, LEASE).await.unwrap();
    stores.jobs.claim(Lane::Rows, &worker(1), 5, LEASE).await.unwrap();
    stores.jobs.finish(job_id(2), 1, outcome(State::Completed, 6)).await.unwrap();
    let later = 6 + LEASE;
    assert_eq!(stores.jobs.requeue_expired(later - 1).await.unwrap(), 0);
    assert_eq!(stores.jobs.requeue_expired(later).await.unwrap(), 1);
    assert_eq!(stores.jobs.requeue_expired(later).await.unwrap(), 0);
    let first = stores.jobs.claim(Lane::Rows, &worker(1), 8, LEASE).await.unwrap().unwrap();
    assert_eq!((first.id, first.attempts, first.started_at), (job_id(1), 2, Some(5)));
    assert_eq!(state(stores, 2).await, State::Completed);
}

pub async fn lists_by_organization_and_kind(stores: &Stores) {
    datasets(stores).await;
    let mine = organization(1);
    fill(stores, rows_of(mine, dataset_id(1)), 0..3, 1).await;
    for (number, at) in [(1, 10), (2, 30), (3, 20)] {
        stores.jobs.enqueue(remove_job(number, mine, dataset_id(1), at), None).await.unwrap();
    }
    stores.jobs.enqueue(import_job(4, mine, dataset_id(2), 20), None).await.unwrap();
    stores.jobs.enqueue(import_job(5, organization(2), dataset_id(3), 40), None).await.unwrap();
    stores.datasets.clear(mine, dataset_id(1), 50).await.unwrap();
    let list = async |kind, offset, limit| {
        let page = stores.jobs.list(mine, kind, Window { offset, limit }).await.unwrap();
        (page.rows.into_iter().map(|job| job.id).collect::<Vec<_>>(), page.total)
    };
    assert_eq!(list(None, 0, 10).await, ([2, 4, 3, 1].map(job_id).to_vec(), 4));
    assert_eq!(list(None, 1, 2).await, ([4, 3].map(job_id).to_vec(), 4));
    assert_eq!(list(None, 9, 2).await, (Vec::new(), 4));
    assert_eq!(list(Some("import"), 0, 10).await, ([4].map(job_id).to_vec(), 1));
    assert_eq!(list(Some("export"), 0, 10).await, (Vec::new(), 0));
    // The clear has cancelled three.
    assert_eq!(stores.jobs.open(mine).await.unwrap(), 1);
    assert_eq!(stores.jobs.open(organization(2)).await.unwrap(), 1);
}

pub async fn dataset_status_follows_its_copy_jobs(stores: &Stores) {
    datasets(stores).await;
    let (mine, id) = (organization(1), dataset_id(1));
    for number in [1, 2] {
        let job = import_job(number, mine, id, number as i64);
        stores.jobs.enqueue(job, Some((id, Status::Initializing))).await.unwrap();
    }
    assert_eq!(status(stores, id).await, Status::Initializing);
    stores.jobs.claim(Lane::Rows, &worker(1), 5, LEASE).await.unwrap();
    assert_eq!(status(stores, id).await, Status::Loading);
    let ready = Outcome { dataset: Some((id, Status::Ready)), ..outcome(State::Completed, 6) };
    stores.jobs.finish(job_id(1), 1, ready).await.unwrap();
    // The second copy job has not ended.
    assert_eq!(status(stores, id).await, Status::Loading);
    stores.jobs.claim(Lane::Rows, &worker(1), 7, LEASE).await.unwrap();
    // A removal holds nothing.
    stores.jobs.enqueue(remove_job(3, mine, id, 3), None).await.unwrap();
    let failed = Outcome { dataset: Some((id, Status::Failed)), ..outcome(State::Failed, 8) };
    stores.jobs.finish(job_id(2), 1, failed).await.unwrap();
    assert_eq!(status(stores, id).await, Status::Failed);
    stores.jobs.claim(Lane::Rows, &worker(1), 9, LEASE).await.unwrap();
    assert_eq!(status(stores, id).await, Status::Failed);
    // The last copy job decides.
    stores.jobs.enqueue(import_job(4, mine, id, 4), None).await.unwrap();
    stores.jobs.claim(Lane::Rows, &worker(1), 10, LEASE).await.unwrap();
    assert_eq!(status(stores, id).await, Status::Loading);
    // What ends the job at that moment ends the loading with it.
    stores.datasets.clear(mine, id, 11).await.unwrap();
    assert_eq!((state(stores, 4).await, status(stores, id).await), (State::Cancelled, Status::Ready));
}

pub async fn cancelled_copies_leave_the_dataset_ready(stores: &Stores) {
    datasets(stores).await;
    let mine = organization(1);
    for (number, set) in [(1, 1), (2, 1), (3, 2)] {
        let job = import_job(number, mine, dataset_id(set), number as i64);
        stores.jobs.enqueue(job, Some((dataset_id(set), Status::Initializing))).await.unwrap();
    }
    stores.jobs.cancel(mine, job_id(1), 5).await.unwrap();
    assert_eq!(status(stores, dataset_id(1)).await, Status::Initializing);
    stores.jobs.cancel(mine, job_id(2), 6).await.unwrap();
    assert_eq!(status(stores, dataset_id(1)).await, Status::Ready);
    stores.datasets.clear(mine, dataset_id(2), 7).await.unwrap();
    assert_eq!(state(stores, 3).await, State::Cancelled);
    assert_eq!(status(stores, dataset_id(2)).await, Status::Ready);
}
