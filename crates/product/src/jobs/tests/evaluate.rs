//! Evaluation runs stopped, killed and cancelled while their provider is silent, on both stores: every row is scored
//! once.

use super::*;
use crate::ops::evaluators::{self, NewEvaluator};
use crate::ops::providers::{self, KeyChange};
use crate::ops::runs::{self, RunRequest};
use evalset_model::evaluator::{Definition, Method};
use evalset_model::ids::{DatasetId, JobId};
use evalset_model::page::Window;
use evalset_model::provider::Provider;
use evalset_model::run::{Unit, UnitResult};
use evalset_store::runs::{Compared, RowValue, Runs};
use evalset_testkit::provider::FakeProvider;
use std::collections::BTreeMap;
use std::time::Duration;

/// Rows asked about at once.
const AT_ONCE: usize = 4;

/// A dataset of all logs, a judge of a silent provider over it, and its run, queued.
struct Judged {
    world: World,
    provider: FakeProvider,
    dataset: Dataset,
    run: JobId,
}

impl Judged {
    async fn new(world: World) -> Self {
        let (app, actor, provider) = (world.app(), world.actor(), FakeProvider::start().await);
        provider.hold();
        let dataset = world.dataset().await;
        world.import(&dataset, Value::Null, 100.0).await;
        run_next(&app, Lane::Rows).await.unwrap();
        let settings: Provider = serde_json::from_value(provider.settings(AT_ONCE as u32, 0.5)).unwrap();
        providers::put(&app, &actor, KeyChange::Keep, |_| Ok(settings.clone())).await.unwrap();
        let prompt = json!({"evaluator_definition": "<<{{ input | replace('question ', '') }}>> {{output}}"});
        let definition = Definition {
            name: "judge".into(),
            kind: "llm".into(),
            llm_config: prompt.as_object().cloned(),
            ..Definition::default()
        };
        evaluators::create(&app, &actor, NewEvaluator { definition, ..NewEvaluator::default() }).await.unwrap();
        let request = RunRequest {
            evaluators: vec!["judge".into()],
            method: Method::Llm,
            filters: Value::Null,
            sampling_percentage: 100.0,
            spending_limit: None,
            experiment_id: None,
        };
        let run = runs::start(&app, &actor, dataset.id, request).await.unwrap().runs[0].id;
        Self { world, provider, dataset, run }
    }

    /// Works on the run until `until` is there, then the process is gone, without a word.
    async fn killed(&self, until: impl Future<Output = ()>) {
        let app = self.world.app();
        tokio::select! {
            biased;
            _ = run_next(&app, Lane::Runs) => panic!("the run ended"),
            () = until => {}
        }
        self.provider.until_idle().await;
        assert_eq!(self.world.job(self.run).await.state, State::Running);
        assert_eq!(self.world.stores.jobs.requeue_expired(i64::MAX).await.unwrap(), 1);
    }

    /// Lets the provider answer and works on the run to its end; the job then.
    async fn finished(&self) -> Job {
        self.provider.release();
        assert!(run_next(&self.world.app(), Lane::Runs).await.unwrap(), "nothing is queued");
        self.world.job(self.run).await
    }

    /// Waits until so many rows have their result.
    async fn kept(&self, rows: u64) {
        while self.world.job(self.run).await.progress.done < rows {
            tokio::task::yield_now().await;
        }
    }

    /// Every row has the one score that its provider gives it, and the results and counts of the run say so as well.
    async fn is_whole(&self) {
        let job = self.world.job(self.run).await;
        assert_eq!((job.state, job.progress.total, job.progress.done), (State::Completed, Some(LOGS), LOGS));
        assert_eq!((job.progress.failed, job.progress.cost), (0, LOGS as f64 * 0.5));
        let (stores, organization) = (&self.world.stores, self.world.organization);
        let window = Window { offset: 0, limit: 100 };
        let results = stores.runs.results(organization, self.run, None, window).await.unwrap();
        assert_eq!(results.total, LOGS);
        let rows = self.world.rows(&self.dataset);
        let page = Query { filter: LogFilter::all(), sort: by_time(), window };
        let rows = stores.logs.page(rows, page).await.unwrap().rows;
        let shown: Vec<_> = rows
            .iter()
            .map(|row| {
                assert_eq!(row.scores.len(), 1, "{}", row.log.id.0);
                row.scores.iter().next().unwrap().values.numerical.unwrap()
            })
            .collect();
        assert_eq!(shown, (0..LOGS).map(|number| number as f64).collect::<Vec<_>>());
    }

    /// How often rows were asked about: times → rows.
    fn asked(&self) -> BTreeMap<usize, usize> {
        let mut times = BTreeMap::new();
        for asked in self.provider.asked_by_text().into_values() {
            *times.entry(asked).or_default() += 1;
        }
        times
    }
}

/// Runs a test on each store, at once.
async fn on_both_stores(test: impl AsyncFn(Judged)) {
    let (memory, disk) = (Judged::new(World::new().await).await, Judged::new(World::on_disk().await).await);
    tokio::join!(test(memory), test(disk));
}

#[tokio::test]
async fn a_run_killed_while_its_provider_is_silent_asks_again_only_what_was_under_way() {
    on_both_stores(async |judged| {
        judged.killed(judged.provider.until_asked(AT_ONCE)).await;
        judged.provider.let_through(3);
        judged.killed(judged.kept(3)).await;
        let job = judged.finished().await;
        assert_eq!(job.attempts, 3);
        judged.is_whole().await;
        assert!(judged.asked().keys().all(|times| *times <= 3), "{:?}", judged.asked());
        let once = judged.asked()[&1];
        assert!(once >= LOGS as usize - 2 * AT_ONCE, "{once} rows were asked about once");
    })
    .await;
}

/// Far more than a run that is asked to end gets, see `evaluate::LAST_RESULTS`, and less than the provider gets for an
/// answer.
const END: Duration = Duration::from_secs(40);

#[tokio::test]
async fn a_shutdown_does_not_wait_for_a_silent_provider_and_keeps_what_it_says_in_time() {
    on_both_stores(async |judged| {
        let app = judged.world.app();
        let stop = async {
            judged.provider.until_asked(AT_ONCE).await;
            app.stopping.cancel();
            tokio::time::sleep(Duration::from_millis(50)).await;
            judged.provider.let_through(2);
            judged.kept(2).await;
            tokio::time::Instant::now()
        };
        let (ran, asked_to) = tokio::join!(run_next(&app, Lane::Runs), stop);
        assert!(ran.unwrap());
        let took = asked_to.elapsed();
        assert!(took <= END, "{took:?}");
        let job = judged.world.job(judged.run).await;
        assert_eq!((job.state, job.progress.done), (State::Queued, 2));
        judged.finished().await;
        judged.is_whole().await;
        assert_eq!(judged.asked(), BTreeMap::from([(1, LOGS as usize - AT_ONCE + 2), (2, AT_ONCE - 2)]));
    })
    .await;
}

#[tokio::test]
async fn a_cancelled_run_begins_no_row_and_keeps_the_answers_under_way() {
    on_both_stores(async |judged| {
        let app = judged.world.app();
        let cancel = async {
            judged.provider.until_asked(AT_ONCE).await;
            jobs::cancel(&app, &judged.world.actor(), judged.run).await.unwrap();
            // Longer than a run takes to notice, see `evaluate::LOOK`.
            tokio::time::sleep(Duration::from_millis(600)).await;
            judged.provider.release();
        };
        let (ran, ()) = tokio::join!(run_next(&app, Lane::Runs), cancel);
        assert!(ran.unwrap());
        let job = judged.world.job(judged.run).await;
        assert_eq!((job.state, job.progress.done), (State::Cancelled, AT_ONCE as u64));
        assert_eq!(judged.provider.asked(), AT_ONCE);
        runs::resume(&app, &judged.world.actor(), &job, None).await.unwrap();
        judged.finished().await;
        judged.is_whole().await;
        assert_eq!(judged.asked(), BTreeMap::from([(1, LOGS as usize)]));
    })
    .await;
}

#[tokio::test]
async fn a_cancelled_run_does_not_wait_for_a_silent_provider_either() {
    on_both_stores(async |judged| {
        let app = judged.world.app();
        let cancel = async {
            judged.provider.until_asked(AT_ONCE).await;
            jobs::cancel(&app, &judged.world.actor(), judged.run).await.unwrap();
            tokio::time::Instant::now()
        };
        let (ran, asked_to) = tokio::join!(run_next(&app, Lane::Runs), cancel);
        assert!(ran.unwrap());
        assert!(asked_to.elapsed() <= END, "{:?}", asked_to.elapsed());
        let job = judged.world.job(judged.run).await;
        assert_eq!((job.state, job.progress.done), (State::Cancelled, 0));
        runs::resume(&app, &judged.world.actor(), &job, None).await.unwrap();
        judged.finished().await;
        judged.is_whole().await;
    })
    .await;
}

#[tokio::test]
async fn a_whole_run_can_be_continued_without_a_provider() {
    on_both_stores(async |judged| {
        judged.finished().await;
        let (app, actor) = (judged.world.app(), judged.world.actor());
        providers::delete(&app, &actor).await.unwrap();
        let job = judged.world.job(judged.run).await;
        runs::resume(&app, &actor, &job, None).await.unwrap();
        judged.finished().await;
        judged.is_whole().await;
    })
    .await;
}

/// The store of runs, on which every second record fails.
struct Failing {
    inner: Arc<dyn Runs>,
    calls: Mutex<usize>,
}

#[async_trait]
impl Runs for Failing {
    async fn record(&self, units: Vec<Unit>, step: Step) -> Result<()> {
        *self.calls.lock() += 1;
        if self.calls.lock().is_multiple_of(2) {
            return Err(busy());
        }
        self.inner.record(units, step).await
    }
    async fn done(&self, organization: OrganizationId, run: JobId) -> Result<Vec<RowNumber>> {
        self.inner.done(organization, run).await
    }
    async fn results(
        &self,
        organization: OrganizationId,
        run: JobId,
        failed: Option<bool>,
        window: Window,
    ) -> Result<Page<UnitResult>> {
        self.inner.results(organization, run, failed, window).await
    }
    async fn reopen(
        &self,
        organization: OrganizationId,
        run: JobId,
        spending_limit: Option<f64>,
        at: i64,
    ) -> Result<Option<Job>> {
        self.inner.reopen(organization, run, spending_limit, at).await
    }
    async fn list(&self, organization: OrganizationId, dataset: DatasetId, window: Window) -> Result<Page<Job>> {
        self.inner.list(organization, dataset, window).await
    }
    async fn values(&self, organization: OrganizationId, of: Compared) -> Result<Vec<RowValue>> {
        self.inner.values(organization, of).await
    }
}

#[tokio::test]
async fn results_that_could_not_be_kept_are_asked_for_again() {
    on_both_stores(async |mut judged| {
        judged.provider.release();
        judged.world.limits.run_batch_rows = UNIT;
        let stores = judged.world.stores.clone();
        let runs = Failing { inner: stores.runs.clone(), calls: Mutex::new(0) };
        let app = judged.world.app_on(Stores { runs: Arc::new(runs), ..stores });
        assert!(run_next(&app, Lane::Runs).await.unwrap());
        judged.is_whole().await;
        assert!(judged.asked().keys().any(|times| *times > 1), "nothing failed: {:?}", judged.asked());
    })
    .await;
}
