//! Pages and sums, held against the reference meaning computed here.

use super::samples::*;
use crate::Stores;
use crate::logs::{Change, Existing, GroupBound, Groups, Pick};
use evalset_model::field::Field;
use evalset_model::filter::{LogField, LogFilter, Tree, meaning};
use evalset_model::ids::Collection;
use evalset_model::log::Log;
use evalset_model::page::Sort;
use evalset_model::scalar::Scalar;
use evalset_model::score::ComparedScores;
use evalset_model::summary::Sums;
use std::sync::Arc;

/// What a page without bounds has to be.
pub fn expected(logs: &[Log], filter: &LogFilter, sort: &Sort) -> Vec<Log> {
    let none = ComparedScores::none();
    let mut rows: Vec<_> = logs.iter().filter(|log| meaning::holds(filter, log, &none)).cloned().collect();
    rows.sort_by(|left, right| meaning::compare_logs(sort, (left, &none), (right, &none)));
    rows
}

pub async fn total_and_window(stores: &Stores) {
    let requests = request_logs(organization(1));
    let logs = fill(stores, requests, 0..30, 1).await;
    let window = page(stores, requests, Tree::all(), by_id(), (10, 5)).await;
    assert_eq!((window.total, window.rows), (30, logs[10..15].to_vec()));
    let last = page(stores, requests, Tree::all(), sort(LogField::Id, true), (28, 5)).await;
    assert_eq!(ids(&last.rows), ["row-00001", "row-00000"]);
    let beyond = page(stores, requests, Tree::all(), by_id(), (30, 5)).await;
    assert_eq!((beyond.total, beyond.rows.len()), (30, 0));
    let far = page(stores, requests, Tree::all(), by_id(), (u64::MAX, u64::MAX)).await;
    assert_eq!((far.total, far.rows.len()), (30, 0));
    let nothing = page(stores, requests, Tree::none(), by_id(), (0, 5)).await;
    assert_eq!((nothing.total, nothing.rows.len()), (0, 0));
    assert_eq!(page(stores, requests, Tree::all(), by_id(), (0, 0)).await.total, 30);
}

pub async fn pages_cover_all_rows_once(stores: &Stores) {
    let requests = request_logs(organization(1));
    let logs = fill(stores, requests, 0..83, 2).await;
    let mut dice = Dice(3);
    for text in [false, true] {
        let filter = if text { Tree::Or(vec![text_test(&mut dice), model_is("claude")]) } else { Tree::all() };
        for field in [Field::Cost, Field::Model, Field::StatusCode, Field::Note] {
            let sort = sort(LogField::Scalar(field), dice.one_in(2));
            let wanted = expected(&logs, &filter, &sort);
            let mut seen = Vec::new();
            for offset in (0..100).step_by(10) {
                let part = page(stores, requests, filter.clone(), sort.clone(), (offset, 10)).await;
                assert_eq!(part.total, wanted.len() as u64);
                seen.extend(part.rows);
            }
            assert_eq!(ids(&seen), ids(&wanted));
        }
    }
}

pub async fn nulls_come_last(stores: &Stores) {
    let requests = request_logs(organization(1));
    let with = |number: usize, cost: Option<f64>| {
        let mut log = Log::new(log_id(number));
        log.scalars.set(Field::Cost, cost.map(Scalar::Float));
        log
    };
    let logs = vec![with(3, None), with(1, Some(2.0)), with(2, Some(1.0)), with(0, None), with(4, Some(1.0))];
    stores.logs.insert(requests, logs, Existing::Keep).await.unwrap();
    for (descending, wanted) in [(false, [2, 4, 1, 0, 3]), (true, [1, 2, 4, 0, 3])] {
        let sort = sort(LogField::Scalar(Field::Cost), descending);
        let page = page(stores, requests, Tree::all(), sort, (0, 9)).await;
        assert_eq!(page.rows.iter().map(|log| log.id.clone()).collect::<Vec<_>>(), wanted.map(log_id));
    }
}

async fn agree(stores: &Stores, requests: Collection, logs: &[Log], dice: &mut Dice, text: bool) {
    let (filter, sort) = (filter(dice, 2, text), any_sort(dice));
    let wanted = expected(logs, &filter, &sort);
    let offset = if dice.one_in(2) { 0 } else { dice.below(40) };
    let found = page(stores, requests, filter.clone(), sort.clone(), (offset as u64, 25)).await;
    let part: Vec<_> = wanted.iter().skip(offset).take(25).cloned().collect();
    assert_eq!((found.total, ids(&found.rows)), (wanted.len() as u64, ids(&part)), "{filter:?} {sort:?}");
    assert_eq!(found.rows, part);
}

pub async fn filters_agree_with_the_reference(stores: &Stores) {
    let requests = request_logs(organization(1));
    let logs = fill(stores, requests, 0..200, 4).await;
    let mut dice = Dice(5);
    for _ in 0..300 {
        agree(stores, requests, &logs, &mut dice, false).await;
    }
}

pub async fn text_filters_agree_with_the_reference(stores: &Stores) {
    let requests = request_logs(organization(1));
    let logs = fill(stores, requests, 0..200, 6).await;
    let mut dice = Dice(7);
    for _ in 0..300 {
        agree(stores, requests, &logs, &mut dice, true).await;
    }
}

pub async fn sums_agree_with_the_reference(stores: &Stores) {
    let requests = request_logs(organization(1));
    let logs = fill(stores, requests, 0..200, 8).await;
    let mut dice = Dice(9);
    for round in 0..100 {
        let filter = filter(&mut dice, 2, round % 2 == 0);
        let matching = expected(&logs, &filter, &by_id());
        let mut sums = Sums::default();
        for log in &matching {
            sums.add(log);
        }
        assert_eq!(stores.logs.sums(requests, filter.clone()).await.unwrap(), sums, "{filter:?}");
    }
}

pub async fn empty_collections(stores: &Stores) {
    let requests = request_logs(organization(1));
    let text = text_test(&mut Dice(1));
    for filter in [Tree::all(), text] {
        assert_eq!(page(stores, requests, filter.clone(), by_id(), (0, 10)).await.total, 0);
        assert_eq!(stores.logs.sums(requests, filter.clone()).await.unwrap(), Sums::default());
        let by = LogField::Scalar(Field::Model);
        assert_eq!(stores.logs.groups(requests, filter, by, GroupBound::all()).await.unwrap(), Groups::default());
    }
    // What comes later is not within what was there.
    let mark = stores.logs.watermark(requests).await.unwrap();
    fill(stores, requests, 0..1, 1).await;
    let before = Pick { watermark: Some(mark), ..Pick::of(Tree::all()) };
    assert_eq!(select(stores, requests, before).await.matches, 0);
}

pub async fn reads_see_every_write(stores: &Stores) {
    let requests = request_logs(organization(1));
    let word = |log: &Log| log.payload.get("output").is_some();
    let mut dice = Dice(11);
    for number in 0..40 {
        let new = log(number, &mut dice);
        stores.logs.insert(requests, vec![new.clone()], Existing::Keep).await.unwrap();
        let total = page(stores, requests, Tree::all(), by_id(), (0, 1)).await.total;
        assert_eq!(total, number as u64 + 1);
        let change: Change = Arc::new(move |mut log| {
            log.scalars.set_text(Field::Model, format!("model-{number}"));
            log.payload.insert("output".to_owned(), serde_json::json!(format!("answer {number} ends")));
            Ok(log)
        });
        let changed = stores.logs.update(requests, &new.id, change).await.unwrap().log;
        assert!(word(&changed));
        let found = page(stores, requests, model_is(&format!("model-{number}")), by_id(), (0, 9)).await;
        assert_eq!(found.rows, std::slice::from_ref(&changed));
        let text = contains(evalset_model::field::TextField::Output, &format!("answer {number} ends"), false);
        assert_eq!(page(stores, requests, text, by_id(), (0, 9)).await.rows, [changed]);
    }
    for number in 0..40 {
        stores.logs.delete(requests, &[log_id(number)]).await.unwrap();
        let found = page(stores, requests, model_is(&format!("model-{number}")), by_id(), (0, 9)).await;
        assert_eq!((found.total, found.rows.len()), (0, 0));
    }
}
