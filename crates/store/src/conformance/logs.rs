//! Writing and reading rows by id.

use super::samples::*;
use super::score_samples::any_score;
use crate::Stores;
use crate::logs::{Added, Change, Existing, With};
use evalset_model::Error;
use evalset_model::field::Field;
use evalset_model::filter::{Literal, LogField, LogFilter, Test, Tree};
use evalset_model::ids::{Collection, LogId, Place, RowNumber};
use evalset_model::log::{Log, Payload};
use evalset_model::scalar::Scalar;
use serde_json::{Value, json};
use std::sync::Arc;
use tokio::task::JoinSet;

fn added(written: u64, skipped: u64) -> Added {
    Added { written, skipped, replaced: 0 }
}

fn noted(mut log: Log, note: &str) -> Log {
    log.scalars.set_text(Field::Note, note);
    log
}

pub async fn insert_and_read_back(stores: &Stores) {
    let requests = request_logs(organization(1));
    let logs = fill(stores, requests, 0..50, 1).await;
    for log in &logs {
        assert_eq!(get(stores, requests, &log.id).await.as_ref(), Some(log));
    }
    assert_eq!(stores.logs.get(requests, &log_id(50)).await.unwrap(), None);
    assert_eq!(all(stores, requests).await, logs);
}

pub async fn insert_is_all_or_none(stores: &Stores) {
    let gone = rows_of(organization(1), dataset_id(9));
    let logs = vec![log(1, &mut Dice(1))];
    let refused = stores.logs.insert(gone, logs, Existing::Keep).await;
    assert!(matches!(refused, Err(Error::NotFound(_))), "{refused:?}");
    assert!(all(stores, gone).await.is_empty());
    assert_eq!(
        stores.logs.insert(request_logs(organization(1)), Vec::new(), Existing::Keep).await.unwrap(),
        added(0, 0)
    );
}

pub async fn existing_rows_are_kept_or_replaced(stores: &Stores) {
    let requests = request_logs(organization(1));
    let logs = fill(stores, requests, 0..3, 1).await;
    let again: Vec<_> = [0, 3].map(|number| noted(log(number, &mut Dice(9)), "new")).into();
    assert_eq!(stores.logs.insert(requests, again.clone(), Existing::Keep).await.unwrap(), added(1, 1));
    assert_eq!(get(stores, requests, &log_id(0)).await.as_ref(), Some(&logs[0]));
    assert_eq!(
        stores.logs.insert(requests, again.clone(), Existing::Replace).await.unwrap(),
        Added { replaced: 2, ..added(2, 0) }
    );
    let now = all(stores, requests).await;
    assert_eq!(now, [again[0].clone(), logs[1].clone(), logs[2].clone(), again[1].clone()]);
}

pub async fn duplicates_inside_one_call(stores: &Stores) {
    let requests = request_logs(organization(1));
    let twice = |first: &str, second: &str| [first, second].map(|note| noted(log(7, &mut Dice(1)), note)).to_vec();
    let note = async || all(stores, requests).await[0].text(Field::Note).unwrap().to_owned();
    assert_eq!(stores.logs.insert(requests, twice("a", "b"), Existing::Keep).await.unwrap(), added(1, 1));
    assert_eq!(note().await, "a");
    let replaced = stores.logs.insert(requests, twice("c", "d"), Existing::Replace).await.unwrap();
    assert_eq!(replaced, Added { replaced: 2, ..added(2, 0) });
    assert_eq!(note().await, "d");
    assert_eq!(all(stores, requests).await.len(), 1);
}

pub async fn new_rows_are_written_all_or_none(stores: &Stores) {
    let requests = request_logs(organization(1));
    let logs: Vec<_> = (0..3).map(|number| log(number, &mut Dice(number as u64))).collect();
    assert_eq!(stores.logs.insert(requests, logs.clone(), Existing::New).await.unwrap(), added(3, 0));
    assert_eq!(all(stores, requests).await, logs);
    let gone = rows_of(organization(1), dataset_id(9));
    let refused = stores.logs.insert(gone, logs.clone(), Existing::New).await;
    assert!(matches!(refused, Err(Error::NotFound(_))), "{refused:?}");
    // An id that is there all the same: a store that sees it refuses the call, and none ever has it twice.
    let mixed: Vec<_> = [5, 1, 6].map(|number| noted(log(number, &mut Dice(9)), "new")).into();
    match stores.logs.insert(requests, mixed, Existing::New).await {
        Ok(_) => assert_eq!(all(stores, requests).await.len(), 5),
        Err(Error::Conflict(_)) => assert_eq!(all(stores, requests).await, logs),
        Err(error) => panic!("{error}"),
    }
    let twice = vec![log(7, &mut Dice(1)), log(7, &mut Dice(2))];
    let refused = stores.logs.insert(requests, twice, Existing::New).await;
    let found = page(stores, requests, with_id(&log_id(7)), by_id(), (0, 9)).await.total;
    assert_eq!(found, u64::from(refused.is_ok()));
}

fn with_id(id: &LogId) -> LogFilter {
    compare(LogField::Id, Test::AnyOf(vec![Literal::from(id.as_str())]))
}

pub async fn reads_bring_what_was_asked_for(stores: &Stores) {
    let requests = request_logs(organization(1));
    let logs = fill(stores, requests, 0..5, 3).await;
    stores.scores.put(any_score(1, requests, log_id(2), 1, &mut Dice(4))).await.unwrap();
    let rows = numbers(stores, requests).await;
    for (payload, scores) in [(false, false), (true, false), (false, true), (true, true)] {
        let read = stores.logs.read(requests, &rows, With { payload, scores }).await.unwrap();
        for (row, log) in read.iter().zip(logs.iter().rev()) {
            let payload = if payload { log.payload.clone() } else { Payload::default() };
            assert_eq!(row.log, Log { payload, ..log.clone() });
            assert_eq!(row.scores.is_empty(), !(scores && log.id == log_id(2)));
        }
        assert_eq!(read.len(), 5);
    }
}

pub async fn update_changes_one_row(stores: &Stores) {
    let requests = request_logs(organization(1));
    let logs = fill(stores, requests, 0..3, 1).await;
    let change: Change = Arc::new(|mut log| {
        log.scalars.set(Field::Cost, Some(Scalar::Float(2.5)));
        log.metadata.insert("tier".to_owned(), json!("new"));
        log.payload.insert("output".to_owned(), json!("rewritten"));
        Ok(log)
    });
    let new = stores.logs.update(requests, &log_id(1), change.clone()).await.unwrap().log;
    assert_eq!(new, change(logs[1].clone()).unwrap());
    assert_eq!(all(stores, requests).await, [logs[0].clone(), new, logs[2].clone()]);
}

pub async fn update_refused_changes_nothing(stores: &Stores) {
    let requests = request_logs(organization(1));
    let logs = fill(stores, requests, 0..1, 1).await;
    let refuse: Change = Arc::new(|_| Err(Error::invalid("note", "no")));
    let refused = stores.logs.update(requests, &log_id(0), refuse.clone()).await;
    assert!(matches!(refused, Err(Error::Invalid { .. })), "{refused:?}");
    let rename: Change = Arc::new(|_| Ok(Log::new(LogId("other".to_owned()))));
    assert!(stores.logs.update(requests, &log_id(0), rename).await.is_err());
    let missing = stores.logs.update(requests, &log_id(1), refuse.clone()).await;
    assert!(matches!(missing, Err(Error::NotFound(_))), "{missing:?}");
    let nowhere = stores.logs.update(rows_of(organization(1), dataset_id(9)), &log_id(1), refuse).await;
    assert!(matches!(nowhere, Err(Error::NotFound(_))), "{nowhere:?}");
    assert_eq!(all(stores, requests).await, logs);
}

pub async fn concurrent_updates_all_apply(stores: &Stores) {
    let requests = request_logs(organization(1));
    fill(stores, requests, 0..2, 1).await;
    let mut tasks = JoinSet::new();
    for _ in 0..100 {
        let logs = stores.logs.clone();
        tasks.spawn(async move {
            let add: Change = Arc::new(|mut log| {
                let count = log.metadata.get("count").and_then(Value::as_i64).unwrap_or(0);
                log.metadata.insert("count".to_owned(), json!(count + 1));
                Ok(log)
            });
            logs.update(requests, &log_id(1), add).await.unwrap();
        });
    }
    while let Some(done) = tasks.join_next().await {
        done.unwrap();
    }
    assert_eq!(all(stores, requests).await[1].metadata["count"], json!(100));
}

pub async fn delete_by_id(stores: &Stores) {
    let requests = request_logs(organization(1));
    fill(stores, requests, 0..5, 1).await;
    let unwanted = [log_id(1), log_id(3), log_id(3), log_id(77)];
    assert_eq!(stores.logs.delete(requests, &unwanted).await.unwrap(), 2);
    assert_eq!(stores.logs.delete(requests, &unwanted).await.unwrap(), 0);
    assert_eq!(ids(&all(stores, requests).await), ["row-00000", "row-00002", "row-00004"]);
    // A row that comes back is a new row.
    let before = stores.logs.watermark(requests).await.unwrap();
    fill(stores, requests, 1..2, 1).await;
    assert!(stores.logs.watermark(requests).await.unwrap() > before);
}

pub async fn counts_follow_every_write(stores: &Stores) {
    let mine = organization(1);
    let id = dataset_id(1);
    let rows = rows_of(mine, id);
    stores.datasets.create(dataset(mine, id, 1), None).await.unwrap();
    let counts = async || {
        let dataset = stores.datasets.get(mine, id).await.unwrap().unwrap();
        (dataset.log_count, dataset.completed_annotation_count)
    };
    let annotated = |number: usize, status: &str| {
        let mut log = Log::new(log_id(number));
        log.scalars.set_text(Field::AnnotationStatus, status);
        log
    };
    let logs = vec![annotated(0, "completed"), annotated(1, "pending"), annotated(2, "completed"), Log::new(log_id(3))];
    stores.logs.insert(rows, logs, Existing::Keep).await.unwrap();
    assert_eq!(counts().await, (4, 2));
    let set = |status: &'static str| -> Change {
        Arc::new(move |mut log| {
            log.scalars.set_text(Field::AnnotationStatus, status);
            Ok(log)
        })
    };
    stores.logs.update(rows, &log_id(3), set("completed")).await.unwrap();
    assert_eq!(counts().await, (4, 3));
    stores.logs.update(rows, &log_id(0), set("in_progress")).await.unwrap();
    assert_eq!(counts().await, (4, 2));
    stores.logs.insert(rows, vec![annotated(1, "completed")], Existing::Replace).await.unwrap();
    assert_eq!(counts().await, (4, 3));
    stores.logs.insert(rows, vec![annotated(1, "pending")], Existing::Keep).await.unwrap();
    assert_eq!(counts().await, (4, 3));
    stores.logs.delete(rows, &[log_id(2)]).await.unwrap();
    assert_eq!(counts().await, (3, 2));
    let last = numbers(stores, rows).await[0];
    stores.logs.remove(rows, &[last, last], None).await.unwrap();
    assert_eq!(counts().await, (2, 1));
    let other = rows_of(mine, dataset_id(2));
    stores.datasets.create(dataset(mine, dataset_id(2), 2), None).await.unwrap();
    stores.logs.copy(rows, &numbers(stores, rows).await, other, None).await.unwrap();
    let copy = stores.datasets.get(mine, dataset_id(2)).await.unwrap().unwrap();
    assert_eq!((copy.log_count, copy.completed_annotation_count), (2, 0));
    assert_eq!(counts().await, (2, 1));
}

pub async fn organizations_do_not_meet(stores: &Stores) {
    let (mine, theirs) = (organization(1), organization(2));
    stores.datasets.create(dataset(mine, dataset_id(1), 1), None).await.unwrap();
    fill(stores, request_logs(mine), 0..3, 1).await;
    fill(stores, rows_of(mine, dataset_id(1)), 0..2, 1).await;
    let stolen = rows_of(theirs, dataset_id(1));
    for collection in [request_logs(theirs), stolen] {
        assert!(all(stores, collection).await.is_empty());
        assert_eq!(stores.logs.get(collection, &log_id(0)).await.unwrap(), None);
        assert!(numbers(stores, collection).await.is_empty());
        assert_eq!(stores.logs.sums(collection, Tree::all()).await.unwrap().rows, 0);
        assert!(
            stores.logs.read(collection, &[1, 2, 3].map(RowNumber::new), With::EVERYTHING).await.unwrap().is_empty()
        );
    }
    let written = stores.logs.insert(stolen, vec![Log::new(log_id(9))], Existing::Keep).await;
    assert!(matches!(written, Err(Error::NotFound(_))), "{written:?}");
    assert!(matches!(stores.logs.delete(stolen, &[log_id(0)]).await, Err(Error::NotFound(_))));
    assert_eq!(stores.logs.delete(request_logs(theirs), &[log_id(0)]).await.unwrap(), 0);
    assert_eq!(stores.datasets.get(theirs, dataset_id(1)).await.unwrap(), None);
    assert!(!stores.datasets.delete(theirs, dataset_id(1), 1).await.unwrap());
    assert_eq!(all(stores, request_logs(mine)).await.len(), 3);
    assert_eq!(all(stores, rows_of(mine, dataset_id(1))).await.len(), 2);
}

pub async fn places_do_not_meet(stores: &Stores) {
    let mine = organization(1);
    let saved = Collection { organization: mine, place: Place::SavedLogs };
    stores.datasets.create(dataset(mine, dataset_id(1), 1), None).await.unwrap();
    let places = [request_logs(mine), saved, rows_of(mine, dataset_id(1))];
    for (size, place) in places.into_iter().enumerate() {
        fill(stores, place, 0..size + 1, 1).await;
    }
    for (size, place) in places.into_iter().enumerate() {
        assert_eq!(all(stores, place).await.len(), size + 1);
    }
    assert_eq!(stores.logs.delete(saved, &[log_id(0)]).await.unwrap(), 1);
    assert_eq!(all(stores, request_logs(mine)).await.len(), 1);
    // A row number of one collection means nothing to another.
    let row = numbers(stores, request_logs(mine)).await[0];
    assert!(stores.logs.read(saved, &[row], With::PAYLOAD).await.unwrap().is_empty());
    assert_eq!(stores.logs.remove(saved, &[row], None).await.unwrap(), 0);
}

pub async fn unknown_datasets(stores: &Stores) {
    let nowhere = rows_of(organization(1), dataset_id(5));
    assert!(all(stores, nowhere).await.is_empty());
    assert!(matches!(stores.logs.delete(nowhere, &[log_id(0)]).await, Err(Error::NotFound(_))));
    assert!(matches!(stores.logs.remove(nowhere, &[RowNumber::new(1)], None).await, Err(Error::NotFound(_))));
}

pub async fn odd_values_survive(stores: &Stores) {
    let requests = request_logs(organization(1));
    let mut log = Log::new(LogId("id with \u{0} and \"quotes\" and 🎈".to_owned()));
    log.scalars.set_text(Field::Note, "nul \u{0} inside, \u{10FFFF}, line\nfeed");
    log.scalars.set_text(Field::Model, "");
    log.scalars.set(Field::PromptTokens, Some(Scalar::Int(i64::MAX)));
    log.scalars.set(Field::CompletionTokens, Some(Scalar::Int(i64::MIN)));
    log.scalars.set(Field::Cost, Some(Scalar::Float(-0.0)));
    log.scalars.set(Field::Latency, Some(Scalar::Float(f64::MIN_POSITIVE)));
    log.scalars.set(Field::StartTime, Some(Scalar::Time(-1)));
    log.scalars.set(Field::Stream, Some(Scalar::Bool(false)));
    log.metadata.insert(String::new(), json!({"": [null, 1e300, -0.0, 0.1, "\u{0}"]}));
    log.payload.insert("input".to_owned(), json!({"deep": [[[[{"a": 18_446_744_073_709_551_615_u64}]]]]}));
    stores.logs.insert(requests, vec![log.clone()], Existing::Keep).await.unwrap();
    assert_eq!(get(stores, requests, &log.id).await, Some(log.clone()));
    assert_eq!(all(stores, requests).await, [log.clone()]);
    let empty = Log::new(LogId(String::new()));
    stores.logs.insert(requests, vec![empty.clone()], Existing::Keep).await.unwrap();
    assert_eq!(all(stores, requests).await, [empty, log]);
}
