//! Jobs on the in-memory store: stopped, cancelled, failing and resumed after any unit of work.

mod evaluate;
mod export;
mod leases;
mod traces;

use super::runner;
use crate::actor::Actor;
use crate::app::{App, Options};
use crate::ops::imports::{self, ImportRequest, Removal, RemoveRequest};
use crate::ops::{datasets, jobs};
use async_trait::async_trait;
use evalset_model::dataset::{Dataset, Status};
use evalset_model::field::Field;

use evalset_embedded as embedded;
use evalset_model::filter::{LogField, LogFilter};
use evalset_model::ids::{Collection, LogId, OrganizationId, Place, RowNumber, Watermark, WorkerId};
use evalset_model::job::{Job, Lane, State, Step};
use evalset_model::limits::Limits;
use evalset_model::log::Log;
use evalset_model::page::{Page, Sort};
use evalset_model::scalar::Scalar;
use evalset_model::summary::Sums;
use evalset_model::{Error, Result};
use evalset_rows::selection::{self, Unknown};
use evalset_store::lists::{List, Listed, Writing, Written};
use evalset_store::logs::{
    Added, Change, Existing, GroupBound, Groups, Logs, Measure, Pick, Query, Row, Selected, Statistics, TracePick,
    TraceQuery, TraceTotals, With, sample_hash,
};
use evalset_store::{Stores, memory};
use futures::FutureExt;
use parking_lot::Mutex;
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::sync::Arc;

/// Decides, before each unit of work, whether it fails. Called with the units begun so far.
type Hook = Box<dyn Fn(usize) -> Result<()> + Send + Sync>;

/// The store with a hook before each `insert`, `copy` and `remove`.
struct Hooked {
    inner: Arc<dyn Logs>,
    calls: Mutex<usize>,
    hook: Hook,
    /// Rows that a copy takes at most.
    most: usize,
}

impl Hooked {
    fn unit(&self) -> Result<()> {
        let mut calls = self.calls.lock();
        *calls += 1;
        (self.hook)(*calls)
    }
}

#[async_trait]
impl Logs for Hooked {
    async fn insert(&self, collection: Collection, rows: Vec<Log>, existing: Existing) -> Result<Added> {
        self.unit()?;
        self.inner.insert(collection, rows, existing).await
    }
    async fn get(&self, collection: Collection, id: &LogId) -> Result<Option<Row>> {
        self.inner.get(collection, id).await
    }
    async fn update(&self, collection: Collection, id: &LogId, change: Change) -> Result<Row> {
        self.inner.update(collection, id, change).await
    }
    async fn places(&self, organization: OrganizationId, id: &LogId) -> Result<Vec<Place>> {
        self.inner.places(organization, id).await
    }
    async fn delete(&self, collection: Collection, ids: &[LogId]) -> Result<u64> {
        self.inner.delete(collection, ids).await
    }
    async fn page(&self, collection: Collection, query: Query) -> Result<Page<Row>> {
        self.inner.page(collection, query).await
    }
    async fn list(&self, collection: Collection, list: List) -> Result<Listed> {
        self.inner.list(collection, list).await
    }
    async fn write(&self, collection: Collection, rows: &[RowNumber], writing: Writing) -> Result<Written> {
        self.inner.write(collection, rows, writing).await
    }
    async fn sums(&self, collection: Collection, filter: LogFilter) -> Result<Sums> {
        self.inner.sums(collection, filter).await
    }
    async fn groups(
        &self,
        collection: Collection,
        filter: LogFilter,
        by: LogField,
        bound: GroupBound,
    ) -> Result<Groups> {
        self.inner.groups(collection, filter, by, bound).await
    }
    async fn statistics(&self, collection: Collection, filter: LogFilter, of: &[Measure]) -> Result<Statistics> {
        self.inner.statistics(collection, filter, of).await
    }
    async fn watermark(&self, collection: Collection) -> Result<Watermark> {
        self.inner.watermark(collection).await
    }
    async fn select(&self, collection: Collection, pick: Pick) -> Result<Box<dyn Selected>> {
        self.inner.select(collection, pick).await
    }
    async fn traces(&self, collection: Collection, query: TraceQuery) -> Result<Page<TraceTotals>> {
        self.inner.traces(collection, query).await
    }
    async fn select_traces(&self, collection: Collection, pick: TracePick) -> Result<Box<dyn Selected>> {
        self.inner.select_traces(collection, pick).await
    }
    async fn trace_totals(
        &self,
        collection: Collection,
        roots: &[RowNumber],
        watermark: Option<Watermark>,
    ) -> Result<Vec<TraceTotals>> {
        self.inner.trace_totals(collection, roots, watermark).await
    }
    async fn read(&self, collection: Collection, rows: &[RowNumber], with: With) -> Result<Vec<Row>> {
        self.inner.read(collection, rows, with).await
    }
    async fn copy(&self, from: Collection, rows: &[RowNumber], to: Collection, step: Option<Step>) -> Result<Added> {
        self.unit()?;
        self.inner.copy(from, &rows[..rows.len().min(self.most)], to, step).await
    }
    async fn remove(&self, collection: Collection, rows: &[RowNumber], step: Option<Step>) -> Result<u64> {
        self.unit()?;
        self.inner.remove(collection, rows, step).await
    }
}

/// A store with one organization, `LOGS` request logs and a folder for exports. `app` is a process on it.
struct World {
    stores: Stores,
    organization: OrganizationId,
    limits: Limits,
    folder: tempfile::TempDir,
}

fn worker() -> WorkerId {
    WorkerId("test".to_owned())
}

async fn run_next(app: &App, lane: Lane) -> Result<bool> {
    runner::run_next(app, lane, &worker()).await
}

const LOGS: u64 = 10;
/// Rows a unit, so that the logs are four units.
const UNIT: usize = 3;

impl World {
    async fn new() -> Self {
        Self::on(memory::open(), tempfile::tempdir().unwrap()).await
    }

    /// On a store of one file, in the folder.
    async fn on_disk() -> Self {
        let folder = tempfile::tempdir().unwrap();
        Self::on(embedded::open(embedded::Options::new(folder.path())).await.unwrap(), folder).await
    }

    async fn on(stores: Stores, folder: tempfile::TempDir) -> Self {
        let limits = Limits { job_batch_rows: UNIT, open_jobs: 3, bulk_items: 5, ..Limits::default() };
        let mut world = Self { stores, organization: OrganizationId(uuid::Uuid::now_v7()), limits, folder };
        let app = world.app();
        world.organization = app.stores.keys.create_organization(world.organization, "test", 1).await.unwrap().id;
        let logs = (0..LOGS).map(log).collect();
        app.stores.logs.insert(world.logs(), logs, Existing::Replace).await.unwrap();
        world
    }

    fn app_on(&self, stores: Stores) -> App {
        let options = Options::new(self.folder.path(), evalset_testkit::program());
        App::new(stores, Options { limits: self.limits.clone(), ..options })
    }

    /// Who asks for what is done.
    fn actor(&self) -> Actor {
        Actor::local(self.organization)
    }

    /// A process on the store as it is.
    fn app(&self) -> App {
        self.app_on(self.stores.clone())
    }

    /// A process on the store with `hook` before each unit.
    fn hooked(&self, hook: impl Fn(usize) -> Result<()> + Send + Sync + 'static) -> App {
        self.taking(UNIT, hook)
    }

    /// The same, on a store that copies at most so many rows at a time.
    fn taking(&self, most: usize, hook: impl Fn(usize) -> Result<()> + Send + Sync + 'static) -> App {
        let logs = Hooked { inner: self.stores.logs.clone(), calls: Mutex::new(0), hook: Box::new(hook), most };
        self.app_on(Stores { logs: Arc::new(logs), ..self.stores.clone() })
    }

    fn logs(&self) -> Collection {
        Collection { organization: self.organization, place: Place::RequestLogs }
    }

    fn rows(&self, dataset: &Dataset) -> Collection {
        Collection { organization: self.organization, place: Place::Dataset(dataset.id) }
    }

    async fn dataset(&self) -> Dataset {
        let new = datasets::NewDataset { name: Some("d".into()), ..datasets::NewDataset::default() };
        datasets::create(&self.app(), &self.actor(), new).await.unwrap()
    }

    async fn import(&self, dataset: &Dataset, filters: Value, sampling_percentage: f64) -> Job {
        let request = ImportRequest { start_time: None, end_time: None, filters, sampling_percentage };
        imports::import(&self.app(), &self.actor(), dataset, request).await.unwrap()
    }

    async fn job(&self, id: evalset_model::ids::JobId) -> Job {
        jobs::get(&self.app(), &self.actor(), id).await.unwrap()
    }

    async fn status(&self, dataset: &Dataset) -> Status {
        self.stores.datasets.get(self.organization, dataset.id).await.unwrap().unwrap().status
    }

    async fn ids(&self, collection: Collection) -> BTreeSet<String> {
        let mut selected = self.stores.logs.select(collection, Pick::of(LogFilter::all())).await.unwrap();
        let rows = selected.next(usize::MAX).await.unwrap();
        self.stores
            .logs
            .read(collection, &rows, With::FIELDS)
            .await
            .unwrap()
            .into_iter()
            .map(|row| row.log.id.0)
            .collect()
    }
}

fn log(number: u64) -> Log {
    let mut log = Log::new(LogId(format!("log{number}")));
    log.scalars.set(Field::Timestamp, Some(Scalar::Time(number as i64 * 1_000_000)));
    log.scalars.set_text(Field::Model, if number.is_multiple_of(2) { "even" } else { "odd" });
    log.scalars.set(Field::Cost, Some(Scalar::Float(number as f64 / 4.0)));
    log.scalars.set_text(Field::Note, format!("=SUM(A{number})"));
    log.payload.insert("input".into(), json!(format!("question {number}")));
    log.payload.insert("output".into(), json!({"text": "a \"quoted\", line\nand another"}));
    log
}

fn model(name: &str) -> Value {
    json!({"model": {"operator": "eq", "value": name}})
}

fn by_time() -> Sort {
    Sort { field: LogField::Scalar(Field::Timestamp), descending: false }
}

fn busy() -> Error {
    Error::Busy { message: "the writer is busy".into(), retry_after: 1 }
}

#[tokio::test]
async fn an_import_fills_the_dataset_and_its_status_follows() {
    let world = World::new().await;
    let dataset = world.dataset().await;
    assert_eq!(world.status(&dataset).await, Status::Ready);
    let job = world.import(&dataset, model("even"), 100.0).await;
    assert_eq!(world.status(&dataset).await, Status::Loading);
    let late = log(20);
    world.stores.logs.insert(world.logs(), vec![late], Existing::Replace).await.unwrap();

    assert!(run_next(&world.app(), Lane::Rows).await.unwrap());
    let job = world.job(job.id).await;
    assert_eq!((job.state, job.progress.total, job.progress.done), (State::Completed, Some(5), 5));
    assert_eq!((job.progress.affected, job.progress.skipped), (5, 0));
    assert_eq!(world.status(&dataset).await, Status::Ready);
    let expected = BTreeSet::from(["log0", "log2", "log4", "log6", "log8"].map(str::to_owned));
    assert_eq!(world.ids(world.rows(&dataset)).await, expected, "a log that came after the request is not copied");

    let again = world.import(&dataset, Value::Null, 100.0).await;
    run_next(&world.app(), Lane::Rows).await.unwrap();
    let again = world.job(again.id).await;
    assert_eq!((again.progress.affected, again.progress.skipped), (6, 5), "rows that are there are skipped");
    assert!(!run_next(&world.app(), Lane::Rows).await.unwrap(), "the queue is empty");
}

#[tokio::test]
async fn the_window_of_an_import_is_inclusive() {
    let world = World::new().await;
    let dataset = world.dataset().await;
    let request = ImportRequest {
        start_time: Some(3_000_000),
        end_time: Some(5_000_000),
        filters: Value::Null,
        sampling_percentage: 100.0,
    };
    assert_eq!(imports::matching(&world.app(), &world.actor(), &dataset, &request).await.unwrap(), 3);
    imports::import(&world.app(), &world.actor(), &dataset, request).await.unwrap();
    run_next(&world.app(), Lane::Rows).await.unwrap();
    assert_eq!(world.ids(world.rows(&dataset)).await, BTreeSet::from(["log3", "log4", "log5"].map(str::to_owned)));
}

#[tokio::test]
async fn a_shutdown_after_any_unit_resumes_exactly_there_with_the_same_sample() {
    let world = World::new().await;
    let dataset = world.dataset().await;
    let job = world.import(&dataset, Value::Null, 70.0).await;
    for unit in 1..=2_u64 {
        let stopping = Arc::new(Mutex::new(None::<tokio_util::sync::CancellationToken>));
        let token = Arc::clone(&stopping);
        let app = world.hooked(move |_| {
            token.lock().as_ref().unwrap().cancel();
            Ok(())
        });
        *stopping.lock() = Some(app.stopping.clone());
        run_next(&app, Lane::Rows).await.unwrap();
        let job = world.job(job.id).await;
        assert_eq!((job.state, job.progress.done), (State::Queued, unit * UNIT as u64), "stopped after unit {unit}");
        assert_eq!(world.ids(world.rows(&dataset)).await.len(), unit as usize * UNIT);
        assert_eq!(world.status(&dataset).await, Status::Loading);
    }
    // A row of the source that matches and would have been in a fresh sample changes nothing now.
    world.stores.logs.insert(world.logs(), (30..60).map(log).collect(), Existing::Replace).await.unwrap();
    run_next(&world.app(), Lane::Rows).await.unwrap();
    let job = world.job(job.id).await;
    assert_eq!((job.state, job.progress.total, job.progress.affected), (State::Completed, Some(7), 7));

    let seed = dataset.id.to_string();
    let mut ranked: Vec<String> = (0..LOGS).map(|number| log(number).id.0).collect();
    ranked.sort_by_key(|id| sample_hash(&seed, &LogId(id.clone())));
    assert_eq!(world.ids(world.rows(&dataset)).await, ranked.into_iter().take(7).collect());
}

#[tokio::test]
async fn a_crash_between_two_units_loses_and_repeats_nothing() {
    let world = World::new().await;
    let dataset = world.dataset().await;
    let job = world.import(&dataset, Value::Null, 100.0).await;
    let (reached, wait) = std::sync::mpsc::channel();
    let app = world.hooked(move |unit| {
        if unit == 3 {
            reached.send(()).unwrap();
            return Err(busy());
        }
        Ok(())
    });
    // The process dies while it pauses after a failed third unit: the future is dropped, nothing is recorded.
    tokio::select! {
        biased;
        _ = run_next(&app, Lane::Rows) => panic!("the job ended"),
        () = async { while wait.try_recv().is_err() { tokio::task::yield_now().await } } => {}
    }
    assert_eq!(world.job(job.id).await.state, State::Running);
    assert_eq!(world.stores.jobs.requeue_expired(i64::MAX).await.unwrap(), 1);
    run_next(&world.app(), Lane::Rows).await.unwrap();
    let job = world.job(job.id).await;
    assert_eq!((job.state, job.attempts), (State::Completed, 2));
    assert_eq!((job.progress.done, job.progress.affected, job.progress.skipped), (LOGS, LOGS, 0));
    assert_eq!(world.ids(world.rows(&dataset)).await.len() as u64, LOGS);
}

#[tokio::test(start_paused = true)]
async fn passing_faults_are_retried_as_long_as_units_get_done() {
    let world = World::new().await;
    let dataset = world.dataset().await;
    let job = world.import(&dataset, Value::Null, 100.0).await;
    // Three failures before each unit: more in all than are allowed in a row.
    let app = world.hooked(|call| if call % 4 == 0 { Ok(()) } else { Err(busy()) });
    run_next(&app, Lane::Rows).await.unwrap();
    let job = world.job(job.id).await;
    assert_eq!((job.state, job.progress.affected), (State::Completed, LOGS));
}

#[tokio::test(start_paused = true)]
async fn counts_are_exact_after_a_fault_and_with_a_store_that_takes_fewer_rows() {
    for most in [1, 2, UNIT] {
        let world = World::new().await;
        let dataset = world.dataset().await;
        // Of the first unit, since rows are copied from the newest to the oldest.
        world.stores.logs.insert(world.rows(&dataset), vec![log(LOGS - 1)], Existing::Keep).await.unwrap();
        let job = world.import(&dataset, Value::Null, 100.0).await;
        let app = world.taking(most, |call| if call == 2 { Err(busy()) } else { Ok(()) });
        run_next(&app, Lane::Rows).await.unwrap();
        let job = world.job(job.id).await;
        let progress = job.progress;
        assert_eq!((job.state, progress.total, progress.done), (State::Completed, Some(LOGS), LOGS), "{most}");
        assert_eq!((progress.affected, progress.skipped), (LOGS - 1, 1), "{most}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_fault_that_stays_fails_the_job_without_telling_its_cause() {
    let world = World::new().await;
    let dataset = world.dataset().await;
    let job = world.import(&dataset, Value::Null, 100.0).await;
    let app = world.hooked(|call| if call == 1 { Ok(()) } else { Err(Error::internal("disk sector 7")) });
    run_next(&app, Lane::Rows).await.unwrap();
    let job = world.job(job.id).await;
    assert_eq!(job.state, State::Failed);
    let text = job.error_message.unwrap();
    assert!(text.contains(&job.id.to_string()) && !text.contains("sector"), "{text}");
    assert_eq!(world.status(&dataset).await, Status::Failed);
    assert_eq!(world.ids(world.rows(&dataset)).await.len(), UNIT, "what was added stays");
}

#[tokio::test]
async fn a_lasting_error_fails_at_once_and_a_panic_spares_the_worker() {
    let world = World::new().await;
    let dataset = world.dataset().await;
    let first = world.import(&dataset, Value::Null, 100.0).await;
    let calls = Arc::new(Mutex::new(0));
    let counted = Arc::clone(&calls);
    let app = world.hooked(move |_| {
        *counted.lock() += 1;
        Err(Error::TooLarge("no room for this row".into()))
    });
    run_next(&app, Lane::Rows).await.unwrap();
    let first = world.job(first.id).await;
    assert_eq!((first.state, first.error_message.as_deref()), (State::Failed, Some("no room for this row")));
    assert_eq!(*calls.lock(), 1);

    let second = world.import(&dataset, Value::Null, 100.0).await;
    let app = world.hooked(|_| panic!("a bug"));
    assert!(run_next(&app, Lane::Rows).await.unwrap(), "the panic ends the job, not the worker");
    assert_eq!(world.job(second.id).await.state, State::Failed);
    assert_eq!(world.status(&dataset).await, Status::Failed);

    world.import(&dataset, Value::Null, 100.0).await;
    run_next(&world.app(), Lane::Rows).await.unwrap();
    assert_eq!(world.status(&dataset).await, Status::Ready, "the last copy job decides");
}

#[tokio::test]
async fn cancelling_stops_at_the_next_unit_and_keeps_what_was_done() {
    let world = World::new().await;
    let dataset = world.dataset().await;
    let job = world.import(&dataset, Value::Null, 100.0).await;
    let (stores, organization, id) = (world.stores.clone(), world.organization, job.id);
    let app = world.hooked(move |_| {
        stores.jobs.cancel(organization, id, 5).now_or_never().unwrap()?;
        Ok(())
    });
    run_next(&app, Lane::Rows).await.unwrap();
    let job = world.job(job.id).await;
    assert_eq!((job.state, job.progress.affected), (State::Cancelled, UNIT as u64));
    assert_eq!(world.status(&dataset).await, Status::Ready);

    let queued = world.import(&dataset, Value::Null, 100.0).await;
    let queued = jobs::cancel(&world.app(), &world.actor(), queued.id).await.unwrap();
    assert_eq!(queued.state, State::Cancelled);
    assert_eq!(world.status(&dataset).await, Status::Ready, "a queued job that is cancelled does not leave it loading");
    let again = jobs::cancel(&world.app(), &world.actor(), queued.id).await.unwrap();
    assert_eq!(again, queued, "a job that has ended stays as it is");
}

#[tokio::test]
async fn deleting_the_dataset_under_way_ends_its_job_quietly() {
    let world = World::new().await;
    let dataset = world.dataset().await;
    let job = world.import(&dataset, Value::Null, 100.0).await;
    let (stores, organization, id) = (world.stores.clone(), world.organization, dataset.id);
    let app = world.hooked(move |unit| {
        if unit == 2 {
            stores.datasets.delete(organization, id, 5).now_or_never().unwrap()?;
        }
        Ok(())
    });
    run_next(&app, Lane::Rows).await.unwrap();
    assert_eq!(world.job(job.id).await.state, State::Cancelled);
    assert!(!run_next(&world.app(), Lane::Rows).await.unwrap());
}

#[tokio::test]
async fn a_removal_takes_the_matching_rows_of_its_time_and_resumes() {
    let world = World::new().await;
    let dataset = world.dataset().await;
    world.import(&dataset, Value::Null, 100.0).await;
    run_next(&world.app(), Lane::Rows).await.unwrap();
    let request = RemoveRequest { filters: model("even"), ..RemoveRequest::default() };
    let Removal::Queued(job) = imports::remove(&world.app(), &world.actor(), &dataset, request).await.unwrap() else {
        panic!("removed without a job")
    };
    world.stores.logs.insert(world.rows(&dataset), vec![log(40)], Existing::Keep).await.unwrap();
    let app = world.hooked(|unit| if unit == 2 { Err(Error::TooLarge("broken".into())) } else { Ok(()) });
    run_next(&app, Lane::Rows).await.unwrap();
    assert_eq!(world.job(job.id).await.progress.done, UNIT as u64);
    assert_eq!(world.status(&dataset).await, Status::Ready, "a failed removal does not make the dataset `failed`");

    let request = RemoveRequest { filters: model("even"), end_time: Some(9_000_000), ..RemoveRequest::default() };
    imports::remove(&world.app(), &world.actor(), &dataset, request).await.unwrap();
    run_next(&world.app(), Lane::Rows).await.unwrap();
    let left = BTreeSet::from(["log1", "log3", "log5", "log7", "log9", "log40"].map(str::to_owned));
    assert_eq!(world.ids(world.rows(&dataset)).await, left);

    let all = RemoveRequest { is_deleting_all_logs: true, ..RemoveRequest::default() };
    assert_eq!(
        imports::remove(&world.app(), &world.actor(), &dataset, all).await.unwrap(),
        Removal::Emptied { rows: 6 }
    );
    assert!(world.ids(world.rows(&dataset)).await.is_empty());
}

#[tokio::test]
async fn what_cannot_be_meant_is_refused_before_anything_is_queued() {
    let world = World::new().await;
    let (app, dataset) = (world.app(), world.dataset().await);
    let import = |filters: Value, sampling_percentage: f64| ImportRequest {
        start_time: Some(2),
        end_time: Some(3),
        filters,
        sampling_percentage,
    };
    let backwards = ImportRequest { start_time: Some(9), ..import(Value::Null, 100.0) };
    let bad_operator = json!({"model": {"operator": "resembles", "value": "x"}});
    for request in [import(bad_operator, 100.0), import(Value::Null, 0.0), import(Value::Null, 100.1), backwards] {
        let error = imports::import(&app, &world.actor(), &dataset, request.clone()).await.unwrap_err();
        assert!(matches!(error, Error::Invalid { field: Some(_), .. }), "{request:?}: {error}");
    }
    let unknown = json!({"no_such_field": {"operator": "eq", "value": "x"}});
    for filters in [Value::Null, json!({}), json!([]), unknown] {
        let request = RemoveRequest { filters: filters.clone(), ..RemoveRequest::default() };
        let error = imports::remove(&app, &world.actor(), &dataset, request).await.unwrap_err();
        assert!(matches!(error, Error::Invalid { .. }), "{filters}: {error}");
    }
    assert_eq!(world.stores.jobs.open(world.organization).await.unwrap(), 0);
    assert_eq!(world.status(&dataset).await, Status::Ready);

    for _ in 0..world.limits.open_jobs {
        world.import(&dataset, Value::Null, 100.0).await;
    }
    let error = imports::import(&app, &world.actor(), &dataset, import(Value::Null, 100.0)).await.unwrap_err();
    assert!(matches!(error, Error::Busy { .. }), "{error}");
}

#[tokio::test]
async fn a_copy_of_a_dataset_has_its_rows() {
    let world = World::new().await;
    let dataset = world.dataset().await;
    world.import(&dataset, model("odd"), 100.0).await;
    run_next(&world.app(), Lane::Rows).await.unwrap();
    let new = datasets::NewDataset { source: Some(dataset.id), ..datasets::NewDataset::default() };
    let copy = datasets::create(&world.app(), &world.actor(), new).await.unwrap();
    assert_eq!(copy.status, Status::Initializing);
    run_next(&world.app(), Lane::Rows).await.unwrap();
    assert_eq!(world.status(&copy).await, Status::Ready);
    assert_eq!(world.ids(world.rows(&copy)).await, world.ids(world.rows(&dataset)).await);
}

#[tokio::test]
async fn logs_are_added_by_id_each_on_its_own() {
    let world = World::new().await;
    let dataset = world.dataset().await;
    let ids = ["log1", "nothing", "log2", "log1"].map(str::to_owned).to_vec();
    let result = imports::add_by_ids(&world.app(), &world.actor(), &dataset, ids).await.unwrap();
    let items: Vec<_> = result.items.iter().map(Result::is_ok).collect();
    assert_eq!((result.added.written, items), (2, vec![true, false, true, true]));
    assert_eq!(world.ids(world.rows(&dataset)).await.len(), 2);
    for wrong in [vec![], vec!["x".to_owned(); 6]] {
        let error = imports::add_by_ids(&world.app(), &world.actor(), &dataset, wrong).await.unwrap_err();
        assert!(matches!(error, Error::Unprocessable { .. }), "{error}");
    }
}

#[tokio::test]
async fn workers_run_what_is_queued_and_stop_when_asked() {
    let world = World::new().await;
    let dataset = world.dataset().await;
    let job = world.import(&dataset, Value::Null, 100.0).await;
    world.stores.jobs.claim(Lane::Rows, &worker(), 1, 1).await.unwrap().unwrap();
    let app = world.app();
    runner::start(&app);
    while !world.job(job.id).await.state.ended() {
        tokio::task::yield_now().await;
    }
    assert_eq!(world.job(job.id).await.state, State::Completed, "the job of a dead process goes on at the start");
    app.stopping.cancel();
    app.tasks.close();
    app.tasks.wait().await;
}
