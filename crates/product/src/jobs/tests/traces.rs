//! Imports into datasets whose rows are traces.

use super::*;
use evalset_model::dataset::Granularity;
use evalset_model::filter::{LogFilter, wire};
use evalset_rows::traces as scan;

const TRACES: u64 = 9;

/// Trace `n` has `n % 3 + 1` spans; its root ends at second `100 + n` and carries a third of its cost.
fn spans(n: u64) -> Vec<Log> {
    (0..=n % 3).map(|part| span(n, part)).collect()
}

fn span(n: u64, part: u64) -> Log {
    let mut log = Log::new(LogId(format!("trace{n}-{part}")));
    let second = |second: u64| Some(Scalar::Time(second as i64 * 1_000_000));
    log.scalars.set_text(Field::TraceUniqueId, format!("trace{n}"));
    log.scalars.set(Field::StartTime, second(90 + n + part));
    log.scalars.set(Field::Timestamp, second(100 + n + part));
    log.scalars.set(Field::Cost, Some(Scalar::Float(0.25)));
    log.scalars.set(Field::PromptTokens, Some(Scalar::Int(10)));
    log.scalars.set(Field::TotalRequestTokens, Some(Scalar::Int(10)));
    if part == 0 {
        log.scalars.set_text(Field::LogType, "workflow");
        log.scalars.set_text(Field::SpanName, if n.is_multiple_of(2) { "even" } else { "odd" });
        log.scalars.set_text(Field::AnnotationStatus, "completed");
        log.metadata.insert("number".into(), n.into());
    } else {
        log.scalars.set_text(Field::LogType, "chat");
        log.scalars.set_text(Field::SpanParentId, format!("s{n}"));
    }
    log
}

fn root_ids(numbers: impl IntoIterator<Item = u64>) -> BTreeSet<String> {
    numbers.into_iter().map(|n| format!("trace{n}-0")).collect()
}

impl World {
    /// With traces beside the logs, which are in no trace.
    async fn with_traces() -> Self {
        let world = Self::new().await;
        // Children arrive before their parents, as tracers send them, and traces overlap.
        let mut all: Vec<Log> = (0..TRACES).flat_map(spans).collect();
        all.reverse();
        world.stores.logs.insert(world.logs(), all, Existing::Replace).await.unwrap();
        world
    }

    async fn dataset_of_traces(&self) -> Dataset {
        let granularity = Some(Granularity::Traces);
        let new = datasets::NewDataset { name: Some("t".into()), granularity, ..datasets::NewDataset::default() };
        datasets::create(&self.app(), &self.actor(), new).await.unwrap()
    }

    /// Imports to the end; the job and the ids of the rows there are then.
    async fn imported(&self, dataset: &Dataset, filters: Value, percent: f64) -> (Job, BTreeSet<String>) {
        let job = self.import(dataset, filters, percent).await;
        run_next(&self.app(), Lane::Rows).await.unwrap();
        let job = self.job(job.id).await;
        assert_eq!(job.state, State::Completed, "{:?}", job.error_message);
        (job, self.ids(self.rows(dataset)).await)
    }
}

fn request(filters: Value) -> ImportRequest {
    ImportRequest { start_time: None, end_time: None, filters, sampling_percentage: 100.0 }
}

#[tokio::test]
async fn a_trace_becomes_one_row_with_its_totals() {
    let world = World::with_traces().await;
    let dataset = world.dataset_of_traces().await;
    let (job, ids) = world.imported(&dataset, Value::Null, 100.0).await;
    assert_eq!(ids, root_ids(0..TRACES), "logs outside of traces and spans with a parent are no rows");
    assert_eq!((job.progress.total, job.progress.affected, job.progress.skipped), (Some(TRACES), TRACES, 0));
    assert_eq!(world.status(&dataset).await, Status::Ready);

    let row = world.stores.logs.get(world.rows(&dataset), &LogId("trace5-0".into())).await.unwrap().unwrap();
    assert_eq!((row.text(Field::TraceUniqueId), row.text(Field::LogType)), (Some("trace5"), Some("workflow")));
    assert_eq!((row.float(Field::Cost), row.float(Field::Latency)), (Some(0.75), Some(12.0)));
    assert_eq!((row.int(Field::PromptTokens), row.int(Field::TotalRequestTokens)), (Some(30), Some(30)));
    assert_eq!((row.text(Field::AnnotationStatus), row.metadata["number"].as_u64()), (Some("pending"), Some(5)));

    let (again, ids) = world.imported(&dataset, Value::Null, 100.0).await;
    assert_eq!((again.progress.affected, again.progress.skipped, ids.len() as u64), (0, TRACES, TRACES));
}

#[tokio::test]
async fn filters_and_window_choose_traces_and_the_count_agrees() {
    let world = World::with_traces().await;
    for (filters, expected) in [
        (json!({"span_count": 3}), vec![2, 5, 8]),
        (json!({"name": "odd", "total_cost": {"operator": "gte", "value": 0.5}}), vec![1, 5, 7]),
        (json!({"llm_call_count": 0, "number": {"operator": "gt", "value": 0}}), vec![3, 6]),
        (
            json!({"duration": {"operator": "lt", "value": 11}, "name": {"value": "even", "connector": "OR"}}),
            vec![0, 2, 3, 4, 6, 8],
        ),
        (json!({"trace_unique_id": {"operator": "in", "value": ["trace1", "trace4", "other"]}}), vec![1, 4]),
        (json!({"span_count": 4}), vec![]),
    ] {
        let dataset = world.dataset_of_traces().await;
        let count = imports::matching(&world.app(), &world.actor(), &dataset, &request(filters.clone())).await.unwrap();
        let (job, ids) = world.imported(&dataset, filters.clone(), 100.0).await;
        assert_eq!((ids, count), (root_ids(expected.clone()), expected.len() as u64), "{filters}");
        assert_eq!(job.progress.total, Some(job.progress.done), "{filters}");
    }
    let dataset = world.dataset_of_traces().await;
    let window = ImportRequest { start_time: Some(103_000_000), end_time: Some(105_000_000), ..request(Value::Null) };
    assert_eq!(imports::matching(&world.app(), &world.actor(), &dataset, &window).await.unwrap(), 3);
    imports::import(&world.app(), &world.actor(), &dataset, window).await.unwrap();
    run_next(&world.app(), Lane::Rows).await.unwrap();
    let rows = world.rows(&dataset);
    assert_eq!(world.ids(rows).await, root_ids(3..=5), "by the end of the root span, both ends inclusive");
    let row = world.stores.logs.get(rows, &LogId("trace5-0".into())).await.unwrap().unwrap();
    assert_eq!(row.float(Field::Cost), Some(0.75), "spans after the window belong to their trace");
}

#[tokio::test]
async fn a_trace_with_several_roots_is_one_row() {
    let world = World::with_traces().await;
    let mut late = span(0, 0);
    late.id = LogId("late".into());
    late.scalars.set(Field::StartTime, Some(Scalar::Time(99_000_000)));
    late.scalars.set(Field::Timestamp, Some(Scalar::Time(500_000_000)));
    world.stores.logs.insert(world.logs(), vec![late], Existing::Replace).await.unwrap();
    let dataset = world.dataset_of_traces().await;
    let late_window = ImportRequest { start_time: Some(499_000_000), ..request(Value::Null) };
    assert_eq!(
        imports::matching(&world.app(), &world.actor(), &dataset, &late_window).await.unwrap(),
        0,
        "its root ended long before"
    );
    let (job, ids) = world.imported(&dataset, json!({"trace_unique_id": "trace0"}), 100.0).await;
    assert_eq!(ids, root_ids([0]));
    assert_eq!((job.progress.total, job.progress.affected, job.progress.skipped), (Some(1), 1, 0));
}

#[tokio::test]
async fn a_sample_is_of_the_matching_traces_and_repeatable() {
    let world = World::with_traces().await;
    let (dataset, filters) = (world.dataset_of_traces().await, json!({"span_count": {"operator": "gte", "value": 2}}));
    let matching = (0..TRACES).filter(|n| n % 3 > 0);
    let mut ranked: Vec<u64> = matching.collect();
    let seed = dataset.id.to_string();
    ranked.sort_by_key(|n| sample_hash(&seed, &LogId(format!("trace{n}-0"))));
    let half = ImportRequest { sampling_percentage: 50.0, ..request(filters.clone()) };
    assert_eq!(imports::matching(&world.app(), &world.actor(), &dataset, &half).await.unwrap(), 3);
    for _ in 0..2 {
        let (_, ids) = world.imported(&dataset, filters.clone(), 50.0).await;
        assert_eq!(ids, root_ids(ranked[..3].to_vec()));
    }
    let empty = world.dataset_of_traces().await;
    let (job, ids) = world.imported(&empty, json!({"span_count": 7}), 50.0).await;
    assert_eq!((job.progress.total, ids.len()), (Some(0), 0));
}

#[tokio::test]
async fn a_shutdown_resumes_with_the_same_sample_and_without_later_spans() {
    let world = World::with_traces().await;
    let dataset = world.dataset_of_traces().await;
    let job = world.import(&dataset, Value::Null, 70.0).await;
    let stopping = Arc::new(Mutex::new(None::<tokio_util::sync::CancellationToken>));
    let token = Arc::clone(&stopping);
    let app = world.hooked(move |_| {
        token.lock().as_ref().unwrap().cancel();
        Ok(())
    });
    *stopping.lock() = Some(app.stopping.clone());
    run_next(&app, Lane::Rows).await.unwrap();
    let stopped = world.job(job.id).await;
    assert_eq!((stopped.state, stopped.progress.done, stopped.progress.total), (State::Queued, UNIT as u64, Some(6)));
    assert_eq!(world.ids(world.rows(&dataset)).await.len(), UNIT);

    let later: Vec<Log> = (20..40).flat_map(spans).chain((0..TRACES).map(|n| span(n, 7))).collect();
    world.stores.logs.insert(world.logs(), later, Existing::Replace).await.unwrap();
    run_next(&world.app(), Lane::Rows).await.unwrap();
    let ended = world.job(job.id).await;
    assert_eq!((ended.state, ended.progress.affected, ended.progress.skipped), (State::Completed, 6, 0));
    let mut ranked: Vec<u64> = (0..TRACES).collect();
    let seed = dataset.id.to_string();
    ranked.sort_by_key(|n| sample_hash(&seed, &LogId(format!("trace{n}-0"))));
    assert_eq!(world.ids(world.rows(&dataset)).await, root_ids(ranked[..6].to_vec()));
    let rows = world.stores.logs.sums(world.rows(&dataset), LogFilter::all()).await.unwrap();
    let spans: u64 = ranked[..6].iter().map(|n| n % 3 + 1).sum();
    assert_eq!((rows.cost * 4.0) as u64, spans, "spans that came after the request are not counted");
}

#[tokio::test]
async fn a_crash_after_a_batch_changes_only_the_counts() {
    let world = World::with_traces().await;
    let dataset = world.dataset_of_traces().await;
    let job = world.import(&dataset, Value::Null, 100.0).await;
    // What a process wrote whose progress was not stored any more.
    let (app, claimed) = (world.app(), world.stores.jobs.claim(Lane::Rows, &worker(), 1, 1).await.unwrap().unwrap());
    let filters = wire::parse("filters", None, None, &app.limits).unwrap();
    let selection = scan::Selection::new(world.organization, &filters, None, None).unwrap();
    assert_eq!(scan::count(&*app.stores.logs, &selection).await.unwrap(), TRACES);
    let lost = (6..TRACES).map(|n| span(n, 0)).collect();
    world.stores.logs.insert(world.rows(&dataset), lost, Existing::Keep).await.unwrap();
    assert_eq!((claimed.id, world.stores.jobs.requeue_expired(i64::MAX).await.unwrap()), (job.id, 1));
    run_next(&app, Lane::Rows).await.unwrap();
    let job = world.job(job.id).await;
    assert_eq!((job.state, job.progress.affected, job.progress.skipped), (State::Completed, 6, 3));
    assert_eq!(world.ids(world.rows(&dataset)).await, root_ids(0..TRACES));
}

#[tokio::test]
async fn cancelling_keeps_the_batches_done() {
    let world = World::with_traces().await;
    let dataset = world.dataset_of_traces().await;
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
}

#[tokio::test]
async fn what_no_trace_has_is_refused_before_anything_is_queued() {
    let world = World::with_traces().await;
    let (app, dataset) = (world.app(), world.dataset_of_traces().await);
    for filters in [json!({"model": "even"}), json!({"span_count": "many"}), json!({"name": {"operator": "resembles"}})]
    {
        for result in [
            imports::import(&app, &world.actor(), &dataset, request(filters.clone())).await.map(drop),
            imports::matching(&app, &world.actor(), &dataset, &request(filters.clone())).await.map(drop),
        ] {
            assert!(matches!(result, Err(Error::Invalid { field: Some(_), .. })), "{filters}: {result:?}");
        }
    }
    let error = imports::add_by_ids(&app, &world.actor(), &dataset, vec!["trace1-0".into()]).await.unwrap_err();
    assert!(matches!(&error, Error::Invalid { field: Some(field), .. } if field == "log_ids"), "{error}");
    assert_eq!(world.stores.jobs.open(world.organization).await.unwrap(), 0);

    let (_, ids) = world.imported(&dataset, json!({"span_count": 1}), 100.0).await;
    let new = datasets::NewDataset { source: Some(dataset.id), ..datasets::NewDataset::default() };
    let copy = datasets::create(&app, &world.actor(), new).await.unwrap();
    run_next(&app, Lane::Rows).await.unwrap();
    assert_eq!((copy.granularity, world.ids(world.rows(&copy)).await), (Granularity::Traces, ids));
}
