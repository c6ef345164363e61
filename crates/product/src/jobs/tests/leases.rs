//! Two processes on one store: a worker that gives signs of life keeps its job, one that does not loses it.

use super::*;
use evalset_store::Housekeeping;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

/// The store's own work, and how often it was asked for.
struct Counted(Arc<dyn Housekeeping>, AtomicUsize);

#[async_trait]
impl Housekeeping for Counted {
    async fn next(&self, at: i64) -> Result<bool> {
        let more = self.0.next(at).await;
        self.1.fetch_add(1, Ordering::SeqCst);
        more
    }
}

/// A process on the world's store that fails before every unit until it was asked so often, and so stays at its job for
/// some seconds.
fn slow(world: &World, failures: usize) -> App {
    world.hooked(move |unit| if unit <= failures { Err(busy()) } else { Ok(()) })
}

fn seconds(count: i64) -> i64 {
    count * 1_000_000
}

#[tokio::test(start_paused = true)]
async fn a_worker_keeps_a_job_that_takes_longer_than_a_lease() {
    let mut world = World::new().await;
    world.limits.job_lease_seconds = 3;
    let dataset = world.dataset().await;
    let job = world.import(&dataset, Value::Null, 100.0).await;
    // Its pauses after failures come to 15 seconds.
    let (app, other) = (slow(&world, 4), world.app());
    let (begin, started) = (app.clock.now(), tokio::time::Instant::now());
    app.clock.freeze(begin);
    let looks = async {
        loop {
            tokio::time::sleep(Duration::from_millis(500)).await;
            let now = begin + i64::try_from(started.elapsed().as_micros()).unwrap();
            app.clock.freeze(now);
            other.clock.freeze(now);
            assert_eq!(other.stores.jobs.requeue_expired(now).await.unwrap(), 0);
            assert!(!run_next(&other, Lane::Rows).await.unwrap());
        }
    };
    tokio::select! {
        ran = run_next(&app, Lane::Rows) => assert!(ran.unwrap()),
        () = looks => {}
    }
    assert!(started.elapsed() > Duration::from_secs(14));
    let job = world.job(job.id).await;
    assert_eq!((job.state, job.attempts, job.progress.affected), (State::Completed, 1, LOGS));
}

#[tokio::test(start_paused = true)]
async fn a_worker_that_lost_its_job_drops_its_work() {
    let mut world = World::new().await;
    world.limits.job_lease_seconds = 3;
    let dataset = world.dataset().await;
    let job = world.import(&dataset, Value::Null, 100.0).await;
    // One unit is done, then it fails for good unless it is stopped.
    let app = world.hooked(|unit| if unit > 1 { Err(busy()) } else { Ok(()) });
    let begin = app.clock.now();
    app.clock.freeze(begin);
    let other = world.app();
    let takes_over = async {
        // As if the first process had stood still: the clock of the other one is ahead.
        tokio::time::sleep(Duration::from_millis(100)).await;
        other.clock.freeze(begin + seconds(4));
        assert_eq!(other.stores.jobs.requeue_expired(begin + seconds(4)).await.unwrap(), 1);
        assert!(run_next(&other, Lane::Rows).await.unwrap());
    };
    let (ran, ()) = tokio::join!(run_next(&app, Lane::Rows), takes_over);
    assert!(ran.unwrap());
    let job = world.job(job.id).await;
    assert_eq!((job.state, job.attempts, job.error_message), (State::Completed, 2, None));
    assert_eq!((job.progress.done, job.progress.affected, job.progress.skipped), (LOGS, LOGS, 0));
    assert_eq!(world.status(&dataset).await, Status::Ready);
}

#[tokio::test]
async fn a_started_process_takes_over_what_another_left_and_clears_up() {
    let world = World::new().await;
    let dataset = world.dataset().await;
    let job = world.import(&dataset, Value::Null, 100.0).await;
    let removed = world.dataset().await;
    world.stores.logs.insert(world.rows(&removed), vec![log(1)], Existing::Keep).await.unwrap();
    datasets::delete(&world.app(), &world.actor(), removed.id).await.unwrap();
    let app = world.app();
    let held = world.stores.jobs.claim(Lane::Rows, &worker(), app.clock.now(), 300_000).await.unwrap().unwrap();
    assert_eq!(held.id, job.id);
    let counted = Arc::new(Counted(world.stores.housekeeping.clone(), AtomicUsize::new(0)));
    let mut world = world;
    world.limits.job_lease_seconds = 1;
    let app = world.app_on(Stores { housekeeping: counted.clone(), ..world.stores.clone() });
    runner::start(&app);
    let done = async {
        loop {
            let job = world.job(held.id).await;
            if job.state.ended() && counted.1.load(Ordering::SeqCst) > 0 {
                return job;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    let job = tokio::time::timeout(Duration::from_secs(20), done).await.expect("not taken over");
    assert_eq!((job.state, job.attempts), (State::Completed, 2));
    assert!(!world.stores.housekeeping.next(1).await.unwrap(), "nothing is left to clear up");
    app.stopping.cancel();
    app.tasks.close();
    app.tasks.wait().await;
}
