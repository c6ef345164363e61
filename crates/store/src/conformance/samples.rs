//! Logs, filters and ids for tests: small, seeded, and such that sums are exact in any order.

use crate::Stores;
use crate::logs::{Existing, Pick, Query, Row, Selected};
use evalset_model::dataset::{Dataset, Granularity, Status};
use evalset_model::field::{Field, TextField};
use evalset_model::filter::{Compare, Literal, LogField, LogFilter, Order, Pattern, Readings, Test, Tree};
use evalset_model::ids::{Collection, DatasetId, JobId, LogId, OrganizationId, Place, RowNumber, Watermark, WorkerId};
use evalset_model::job::{Job, Progress, State, Task};
use evalset_model::log::Log;
use evalset_model::page::{Page, Sort, Window};
use evalset_model::scalar::Scalar;
use serde_json::{Map, Value, json};
use uuid::Uuid;

/// A small generator of pseudo-random numbers.
pub struct Dice(pub u64);

impl Dice {
    pub fn roll(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^ (mixed >> 31)
    }

    /// Below `end`.
    pub fn below(&mut self, end: usize) -> usize {
        (self.roll() % end as u64) as usize
    }

    pub fn one_in(&mut self, count: usize) -> bool {
        self.below(count) == 0
    }

    pub fn text(&mut self, items: &[&'static str]) -> &'static str {
        items[self.below(items.len())]
    }

    pub fn pick<'a, T>(&mut self, items: &'a [T]) -> &'a T {
        &items[self.below(items.len())]
    }
}

pub const WORDS: &[&str] =
    &["refund", "Order", "late", "Größe", "payment", "hello", "world", "ΣΙΓΜΑ", "tokens", "cancel"];

pub fn organization(number: u128) -> OrganizationId {
    OrganizationId(Uuid::from_u128(0x1000 + number))
}

pub fn dataset_id(number: u128) -> DatasetId {
    DatasetId(Uuid::from_u128(0x2000 + number))
}

pub fn job_id(number: u128) -> JobId {
    JobId(Uuid::from_u128(0x3000 + number))
}

pub fn log_id(number: usize) -> LogId {
    LogId(format!("row-{number:05}"))
}

pub fn request_logs(organization: OrganizationId) -> Collection {
    Collection { organization, place: Place::RequestLogs }
}

pub fn rows_of(organization: OrganizationId, id: DatasetId) -> Collection {
    Collection { organization, place: Place::Dataset(id) }
}

pub fn dataset(organization: OrganizationId, id: DatasetId, created_at: i64) -> Dataset {
    Dataset {
        id,
        organization,
        name: format!("set {created_at}"),
        description: String::new(),
        kind: "sampling".to_owned(),
        status: Status::Ready,
        granularity: Granularity::Logs,
        initial_log_filters: Map::from_iter([("model".to_owned(), json!({"operator": "", "value": ["a"]}))]),
        log_count: 0,
        completed_annotation_count: 0,
        created_at,
        updated_at: created_at,
        starred: false,
        tags: Vec::new(),
        running_status: "pending".to_owned(),
        running_progress: 0,
        running_at: None,
    }
}

pub fn import_job(number: u128, organization: OrganizationId, dataset: DatasetId, at: i64) -> Job {
    let task = Task::Import {
        dataset,
        start_time: None,
        end_time: None,
        filters: json!({"model": "a"}),
        sampling_percentage: 40.0,
        watermark: Watermark::new(7),
    };
    job(number, organization, Some(dataset), task, at)
}

pub fn remove_job(number: u128, organization: OrganizationId, dataset: DatasetId, at: i64) -> Job {
    let task =
        Task::Remove { dataset, filters: json!({}), start_time: None, end_time: Some(5), watermark: Watermark::new(1) };
    job(number, organization, Some(dataset), task, at)
}

pub fn job(number: u128, organization: OrganizationId, dataset: Option<DatasetId>, task: Task, at: i64) -> Job {
    Job {
        id: job_id(number),
        organization,
        dataset,
        task,
        state: State::Queued,
        progress: Progress::default(),
        cancel_requested: false,
        attempts: 0,
        lease: None,
        error_message: None,
        created_at: at,
        started_at: None,
        completed_at: None,
    }
}

/// How long a claimed job is held, microseconds.
pub const LEASE: i64 = 1_000;

pub fn worker(number: u8) -> WorkerId {
    WorkerId(format!("worker {number}"))
}

/// Has the store do all that it has left to do; returns in how many units.
pub async fn keep_house(stores: &Stores) -> usize {
    let mut units = 1;
    while stores.housekeeping.next(1).await.unwrap() {
        units += 1;
        assert!(units < 10_000, "no end");
    }
    units
}

/// A log whose values are drawn; many are missing.
pub fn log(number: usize, dice: &mut Dice) -> Log {
    let mut log = Log::new(log_id(number));
    let mut set = |field: Field, value: Scalar| log.scalars.set(field, Some(value));
    set(Field::Timestamp, Scalar::Time(1_700_000_000_000_000 + (dice.below(50) as i64) * 1_000_000));
    set(Field::Model, Scalar::Text(dice.text(&["gpt-4o", "gpt-4o-mini", "claude", "Ärger"]).to_owned()));
    set(Field::Status, Scalar::Text(dice.text(&["success", "success", "error"]).to_owned()));
    if !dice.one_in(5) {
        set(Field::StatusCode, Scalar::Int(*dice.pick(&[200, 200, 404, 500])));
        set(Field::PromptTokens, Scalar::Int(dice.below(100) as i64));
        set(Field::TotalRequestTokens, Scalar::Int(dice.below(200) as i64));
    }
    if !dice.one_in(4) {
        // Multiples of a power of two: their sums do not depend on the order.
        set(Field::Cost, Scalar::Float(dice.below(1_000) as f64 / 1024.0));
        set(Field::Latency, Scalar::Float(dice.below(4_000) as f64 / 256.0));
    }
    if dice.one_in(2) {
        set(Field::CacheHit, Scalar::Bool(dice.one_in(2)));
        set(Field::CustomIdentifier, Scalar::Text(format!("custom-{}", dice.below(8))));
    }
    if dice.one_in(3) {
        set(Field::AnnotationStatus, Scalar::Text(dice.text(&["pending", "completed"]).to_owned()));
        set(Field::AnnotationCompletedBy, Scalar::Text("ann@example.com".to_owned()));
        set(Field::AnnotationCompletedAt, Scalar::Time(1_767_700_000_000_000));
        set(Field::AnnotationAssignee, Scalar::Text("bob@example.com".to_owned()));
        set(Field::AnnotationLeaseUntil, Scalar::Time(1_767_700_900_000_000));
    }
    log.metadata = metadata(dice);
    let sentence = |dice: &mut Dice| (0..dice.below(9)).map(|_| dice.text(WORDS)).collect::<Vec<_>>().join(" ");
    if !dice.one_in(6) {
        let input = sentence(dice);
        let input = if dice.one_in(2) { json!(input) } else { json!([{"role": "user", "content": input}]) };
        log.payload.insert("input".to_owned(), input);
    }
    if !dice.one_in(6) {
        let output = sentence(dice).repeat(1 + dice.below(8));
        log.payload.insert("output".to_owned(), json!({"role": "assistant", "content": output}));
    }
    log
}

fn metadata(dice: &mut Dice) -> Map<String, Value> {
    let mut map = Map::new();
    if !dice.one_in(4) {
        map.insert("tier".to_owned(), json!(dice.pick(&["gold", "silver", "bronze"])));
    }
    if !dice.one_in(3) {
        map.insert("turns".to_owned(), json!(dice.below(6)));
    }
    if dice.one_in(4) {
        // One key, several types.
        let value = dice.pick(&[json!("1"), json!(1), json!(1.5), json!(true), Value::Null, json!(["x", 1])]).clone();
        map.insert("mixed".to_owned(), value);
    }
    if dice.one_in(3) {
        map.insert("user".to_owned(), json!({"plan": dice.pick(&["free", "paid"]), "age": dice.below(3)}));
    }
    if dice.one_in(5) {
        map.insert(format!("key{}", dice.below(12)), json!(dice.below(2)));
    }
    map
}

/// Adds rows `numbers` to a collection and returns them.
pub async fn fill(stores: &Stores, collection: Collection, numbers: std::ops::Range<usize>, seed: u64) -> Vec<Log> {
    let mut dice = Dice(seed);
    let logs: Vec<_> = numbers.map(|number| log(number, &mut dice)).collect();
    let added = stores.logs.insert(collection, logs.clone(), Existing::Keep).await.unwrap();
    assert_eq!((added.written, added.skipped, added.replaced), (logs.len() as u64, 0, 0));
    logs
}

/// A whole selection.
#[derive(Clone, Debug, PartialEq)]
pub struct Picked {
    pub matches: u64,
    pub cutoff: Option<u64>,
    pub rows: Vec<RowNumber>,
}

/// Takes a selection to its end, in pieces of so many rows.
pub async fn drained(mut selected: Box<dyn Selected>, most: usize) -> Picked {
    let mut rows = Vec::new();
    loop {
        let piece = selected.next(most).await.unwrap();
        assert!(piece.len() <= most, "more than was asked for");
        rows.extend_from_slice(&piece);
        if piece.len() < most {
            break;
        }
    }
    assert_eq!(selected.len(), rows.len() as u64);
    assert!(selected.next(most).await.unwrap().is_empty());
    Picked { matches: selected.matches(), cutoff: selected.cutoff(), rows }
}

pub async fn select(stores: &Stores, collection: Collection, pick: Pick) -> Picked {
    drained(stores.logs.select(collection, pick).await.unwrap(), 1_000).await
}

/// The numbers of all rows, falling.
pub async fn numbers(stores: &Stores, collection: Collection) -> Vec<RowNumber> {
    select(stores, collection, Pick::of(Tree::all())).await.rows
}

pub fn sort(field: LogField, descending: bool) -> Sort {
    Sort { field, descending }
}

pub fn by_id() -> Sort {
    sort(LogField::Id, false)
}

pub async fn page(
    stores: &Stores,
    collection: Collection,
    filter: LogFilter,
    sort: Sort,
    window: (u64, u64),
) -> Page<Log> {
    let page = row_page(stores, collection, filter, sort, window).await;
    Page { rows: page.rows.into_iter().map(|row| row.log).collect(), total: page.total }
}

/// [`page`] with numbers and scores.
pub async fn row_page(
    stores: &Stores,
    collection: Collection,
    filter: LogFilter,
    sort: Sort,
    window: (u64, u64),
) -> Page<Row> {
    let window = Window { offset: window.0, limit: window.1 };
    stores.logs.page(collection, Query { filter, sort, window }).await.unwrap()
}

pub async fn get(stores: &Stores, collection: Collection, id: &LogId) -> Option<Log> {
    stores.logs.get(collection, id).await.unwrap().map(|row| row.log)
}

pub async fn all(stores: &Stores, collection: Collection) -> Vec<Log> {
    page(stores, collection, Tree::all(), by_id(), (0, 100_000)).await.rows
}

pub fn ids(logs: &[Log]) -> Vec<&str> {
    logs.iter().map(|log| log.id.as_str()).collect()
}

pub fn compare(field: LogField, test: Test) -> LogFilter {
    Tree::Compare(Compare { field, test })
}

pub fn model_is(model: &str) -> LogFilter {
    let literal = Literal::from(model);
    compare(LogField::Scalar(Field::Model), Test::AnyOf(vec![literal]))
}

pub fn contains(field: TextField, needle: &str, fold: bool) -> LogFilter {
    let needle = if fold { needle.to_lowercase() } else { needle.to_owned() };
    compare(LogField::Text(field), Test::Contains { needles: vec![needle], fold })
}

pub fn number(order: Order, field: LogField, number: f64) -> LogFilter {
    compare(field, Test::Ordered(order, Literal::Number(number)))
}

/// One comparison that the columns can decide.
pub fn column_test(dice: &mut Dice) -> LogFilter {
    let order = *dice.pick(&[Order::Greater, Order::GreaterOrEqual, Order::Less, Order::LessOrEqual]);
    let scalar = LogField::Scalar;
    let metadata = |key: &str| LogField::Metadata(key.to_owned());
    match dice.below(14) {
        0 => model_is(dice.text(&["gpt-4o", "claude", "Ärger", "none such"])),
        1 => compare(scalar(Field::Model), Test::Contains { needles: vec!["4o".to_owned()], fold: false }),
        2 => compare(scalar(Field::Model), Test::AnyOfFolded(vec!["ärger".to_owned()])),
        3 => number(order, scalar(Field::StatusCode), 404.0),
        4 => number(order, scalar(Field::Cost), dice.below(1_000) as f64 / 1024.0),
        5 => {
            let time = 1_700_000_000_000_000 + (dice.below(50) as i64) * 1_000_000;
            compare(scalar(Field::Timestamp), Test::Ordered(order, Literal::Time(time)))
        }
        6 => compare(scalar(*dice.pick(&[Field::Cost, Field::CacheHit, Field::Note])), Test::IsNull),
        7 => {
            let flag = dice.one_in(2);
            compare(scalar(Field::CacheHit), Test::AnyOf(vec![Literal::Bool(flag)]))
        }
        8 => compare(metadata("tier"), Test::AnyOf(vec!["gold".into(), "bronze".into()])),
        9 => number(order, metadata(dice.text(&["turns", "mixed", "user.age"])), dice.below(6) as f64),
        10 => compare(metadata(dice.text(&["tier", "mixed", "user.plan", "none"])), Test::IsNull),
        11 => compare(LogField::MetadataMap, Test::HasKeys(vec!["tier".to_owned(), "turns".to_owned()])),
        12 => {
            let one = Readings { text: Some("1".to_owned()), number: Some(1.0), boolean: None };
            compare(metadata(&format!("key{}", dice.below(12))), Test::AnyOf(vec![Literal::Dynamic(one)]))
        }
        _ => compare(LogField::Id, Test::EndsWith(vec![dice.below(10).to_string()])),
    }
}

/// One comparison that needs the payload.
pub fn text_test(dice: &mut Dice) -> LogFilter {
    let field = LogField::Text(*dice.pick(TextField::ALL));
    let word = dice.text(WORDS).to_owned();
    let (start, length) = (dice.below(3), 1 + dice.below(4));
    let piece: String = word.chars().skip(start).take(length).collect();
    let phrase = format!("{piece} {}", dice.pick(WORDS));
    let text = |text: &str| Literal::from(text);
    let test = match dice.below(14) {
        0 | 1 => Test::Contains { needles: vec![word], fold: false },
        2 => Test::Contains { needles: vec![word.to_lowercase()], fold: true },
        3 => Test::Words(vec![word.to_lowercase()]),
        4 => Test::IsNull,
        5 => Test::Regex(Pattern::new(format!("{word}.*{}", dice.pick(WORDS)), true, false).unwrap()),
        6 => Test::Contains { needles: vec![piece.to_lowercase()], fold: true },
        7 => Test::Contains { needles: vec![piece, phrase], fold: false },
        8 => Test::Contains { needles: vec![phrase.to_lowercase()], fold: true },
        9 => Test::StartsWith(vec![piece, phrase]),
        10 => Test::EndsWith(vec![word, phrase]),
        11 => Test::AnyOf(vec![text(&word), text(&phrase), text("")]),
        12 => Test::AnyOfFolded(vec![word.to_lowercase(), phrase.to_lowercase()]),
        _ => Test::Empty,
    };
    compare(field, test)
}

/// A filter of a few levels, with or without text tests.
pub fn filter(dice: &mut Dice, depth: usize, text: bool) -> LogFilter {
    match if depth == 0 { 0 } else { dice.below(6) } {
        1 => Tree::And((0..dice.below(4)).map(|_| filter(dice, depth - 1, text)).collect()),
        2 | 3 => Tree::Or((0..dice.below(4)).map(|_| filter(dice, depth - 1, text)).collect()),
        4 => Tree::Not(Box::new(filter(dice, depth - 1, text))),
        _ if text && dice.one_in(2) => text_test(dice),
        _ => column_test(dice),
    }
}

/// Any order.
pub fn any_sort(dice: &mut Dice) -> Sort {
    let field = match dice.below(5) {
        0 => LogField::Id,
        1 => LogField::Metadata(dice.text(&["tier", "turns", "mixed", "user.age", "key3", "none"]).to_owned()),
        _ => LogField::Scalar(*dice.pick(&[
            Field::Timestamp,
            Field::Model,
            Field::Cost,
            Field::StatusCode,
            Field::CacheHit,
            Field::Note,
        ])),
    };
    sort(field, dice.one_in(2))
}
