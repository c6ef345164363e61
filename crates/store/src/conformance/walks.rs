//! Lists as text, and walks through them from place to place, held against pages and the reference order.

use super::samples::*;
use super::score_samples::*;
use super::scored_reads::{places, put_many};
use crate::Stores;
use crate::lists::{Bound, List, Listed, TextRow, Writing};
use crate::logs::With;
use evalset_model::field::Field;
use evalset_model::filter::{LogFilter, Tree};
use evalset_model::ids::{Collection, LogId};
use evalset_model::page::{Mark, Part, Sort, Window};
use evalset_model::score::ShownScores;
use evalset_model::{Error, Result};
use serde_json::json;
use std::collections::BTreeSet;
use std::sync::Arc;

/// One id a line.
fn ids_only() -> Writing {
    let row = |row: &TextRow<'_>, out: &mut Vec<u8>| -> Result<()> {
        out.extend_from_slice(row.log.id.as_str().as_bytes());
        out.push(b'\n');
        Ok(())
    };
    Writing { row: Arc::new(row), payload: false, scores: false, bound: Bound::Refuse(usize::MAX) }
}

fn lines(listed: &Listed) -> Vec<String> {
    let lines: Vec<_> = std::str::from_utf8(&listed.written.text).unwrap().lines().map(str::to_owned).collect();
    assert_eq!(lines.len() as u64, listed.written.rows);
    lines
}

async fn list(stores: &Stores, collection: Collection, (filter, sort): (&LogFilter, &Sort), part: Part) -> Listed {
    let list = List { filter: filter.clone(), sort: sort.clone(), part, writing: ids_only() };
    stores.logs.list(collection, list).await.unwrap()
}

/// All ids of a list, part by part.
async fn walk(stores: &Stores, collection: Collection, what: (&LogFilter, &Sort), limit: u64) -> Vec<String> {
    let (mut all, mut mark): (Vec<String>, Option<Mark>) = (Vec::new(), None);
    loop {
        let part = list(stores, collection, what, Part::After { mark, limit }).await;
        let found = lines(&part);
        assert!(part.next.is_none() || found.len() as u64 == limit, "only the last part may be short");
        all.extend(found);
        mark = part.next;
        if mark.is_none() {
            assert_eq!(part.total, all.len() as u64);
            return all;
        }
    }
}

pub async fn parts_are_as_pages_are(stores: &Stores) {
    let requests = request_logs(organization(1));
    assert_eq!(
        list(stores, requests, (&Tree::all(), &by_id()), Part::After { mark: None, limit: 5 }).await,
        Listed::default()
    );
    fill(stores, requests, 0..30, 1).await;
    let mut dice = Dice(2);
    for _ in 0..60 {
        let (filter, sort) = (filter(&mut dice, 2, true), any_sort(&mut dice));
        let (offset, limit) = (dice.below(20) as u64, 1 + dice.below(12) as u64);
        let wanted = page(stores, requests, filter.clone(), sort.clone(), (offset, limit)).await;
        let found = list(stores, requests, (&filter, &sort), Part::Page(Window { offset, limit })).await;
        assert_eq!(
            (lines(&found).iter().map(String::as_str).collect(), found.total),
            (ids(&wanted.rows), wanted.total)
        );
        assert_eq!(found.next, None);
    }
}

pub async fn walks_cover_every_list_once(stores: &Stores) {
    let requests = request_logs(organization(1));
    fill(stores, requests, 0..150, 3).await;
    let mut dice = Dice(4);
    for round in 0..80 {
        let (filter, sort) = (filter(&mut dice, 2, round % 3 == 0), any_sort(&mut dice));
        let filter = if round % 4 == 0 { Tree::all() } else { filter };
        let wanted = page(stores, requests, filter.clone(), sort.clone(), (0, 1_000)).await.rows;
        let limit = *dice.pick(&[1, 2, 7, 25, 149, 150, 151]);
        let found = walk(stores, requests, (&filter, &sort), limit).await;
        assert_eq!(found, ids(&wanted), "{filter:?} {sort:?} by {limit}");
    }
}

/// Between the parts rows come and go, the one at the place among them: all others are met, once each and in order.
pub async fn walks_stay_on_course_beside_writes(stores: &Stores) {
    let requests = request_logs(organization(1));
    let mut dice = Dice(6);
    let mut next_number = 0;
    for round in 0..25 {
        fill(stores, requests, next_number..next_number + 40, 7 + round).await;
        next_number += 40;
        let text = Tree::Or(vec![text_test(&mut dice), column_test(&mut dice)]);
        let filter = if dice.one_in(2) { Tree::all() } else { text };
        let sort = any_sort(&mut dice);
        let before = page(stores, requests, filter.clone(), sort.clone(), (0, 10_000)).await.rows;
        let (mut met, mut gone, mut mark) = (Vec::new(), BTreeSet::new(), None);
        loop {
            let limit = 1 + dice.below(9) as u64;
            let part = list(stores, requests, (&filter, &sort), Part::After { mark, limit }).await;
            met.extend(lines(&part));
            mark = part.next;
            let Some(place) = &mark else { break };
            // Often the row at the place itself.
            let doomed = if dice.one_in(2) { place.id.clone() } else { log_id(dice.below(next_number)) };
            gone.extend(stores.logs.delete(requests, std::slice::from_ref(&doomed)).await.map(|_| doomed.0));
            fill(stores, requests, next_number..next_number + 1, dice.roll()).await;
            next_number += 1;
        }
        let unique: BTreeSet<_> = met.iter().cloned().collect();
        assert_eq!(unique.len(), met.len(), "a row twice, by {sort:?}");
        let stayed = |ids: Vec<String>| ids.into_iter().filter(|id| !gone.contains(id)).collect::<Vec<_>>();
        let wanted = stayed(ids(&before).into_iter().map(str::to_owned).collect());
        let known: BTreeSet<_> = wanted.iter().cloned().collect();
        let found: Vec<_> = stayed(met).into_iter().filter(|id| known.contains(id)).collect();
        assert_eq!(found, wanted, "{filter:?} by {sort:?}");
    }
}

/// A dataset whose rows have scores.
async fn scored_rows(stores: &Stores, dice: &mut Dice) -> Collection {
    let [_, dataset, _] = places(stores).await;
    put_many(stores, &[dataset], 0..200, dice).await;
    dataset
}

pub async fn walks_by_scores(stores: &Stores) {
    let mut dice = Dice(9);
    let dataset = scored_rows(stores, &mut dice).await;
    for round in 0..60 {
        let (filter, sort) =
            (scored_filter(&mut dice, round % 2 == 1), sort(any_score_field(&mut dice), round % 4 < 2));
        let wanted = page(stores, dataset, filter.clone(), sort.clone(), (0, 1_000)).await.rows;
        assert_eq!(walk(stores, dataset, (&filter, &sort), 7).await, ids(&wanted), "{filter:?} {sort:?}");
    }
}

/// All that is known of scores, as text.
fn shown(scores: &ShownScores) -> String {
    format!("{scores:?}")
}

pub async fn rows_are_written_as_they_are_read(stores: &Stores) {
    let collection = scored_rows(stores, &mut Dice(10)).await;
    let row = |row: &TextRow<'_>, out: &mut Vec<u8>| {
        let (log, scores) = (row.log, shown(row.scores));
        let line = json!([row.number, log.id, log.metadata, log.payload, scores, log.text(Field::Model)]);
        out.extend_from_slice(format!("{line}\n").as_bytes());
        Ok(())
    };
    let numbers = numbers(stores, collection).await;
    let rows = stores.logs.read(collection, &numbers, With::EVERYTHING).await.unwrap();
    let none = ShownScores::none();
    for (payload, scores) in [(true, true), (false, true), (true, false)] {
        let writing = Writing { row: Arc::new(row), payload, scores, bound: Bound::Refuse(usize::MAX) };
        let written = stores.logs.write(collection, &numbers, writing).await.unwrap();
        let wanted = rows.iter().map(|row| {
            let all = if payload { json!(row.payload) } else { json!({}) };
            let scores = shown(if scores { &row.scores } else { &none });
            json!([row.number, row.id, row.metadata, all, scores, row.text(Field::Model)]).to_string()
        });
        let text = String::from_utf8(written.text).unwrap();
        assert_eq!((written.rows, text.lines().map(str::to_owned).collect()), (120, wanted.collect::<Vec<_>>()));
    }
    // Rows gone since are left out.
    stores.logs.delete(collection, &[LogId(rows[3].id.0.clone())]).await.unwrap();
    assert_eq!(stores.logs.write(collection, &numbers, ids_only()).await.unwrap().rows, 119);
}

pub async fn lists_are_bounded(stores: &Stores) {
    let requests = request_logs(organization(1));
    let logs = fill(stores, requests, 0..5, 1).await;
    let line = logs[0].id.as_str().len() + 1;
    let list = |limit, most| List {
        filter: Tree::all(),
        sort: by_id(),
        part: Part::Page(Window { offset: 0, limit }),
        writing: Writing { bound: Bound::Refuse(most), ..ids_only() },
    };
    assert_eq!(stores.logs.list(requests, list(5, 5 * line)).await.unwrap().written.rows, 5);
    let refused = stores.logs.list(requests, list(5, 5 * line - 1)).await;
    assert!(matches!(&refused, Err(Error::TooLarge(text)) if text.contains("limits.page_bytes")), "{refused:?}");
    // A row alone may be larger.
    assert_eq!(stores.logs.list(requests, list(1, 1)).await.unwrap().written.rows, 1);

    let mut numbers = numbers(stores, requests).await;
    stores.logs.delete(requests, &[log_id(3), log_id(0)]).await.unwrap();
    let mut parts = Vec::new();
    while !numbers.is_empty() {
        let writing = Writing { bound: Bound::Stop(line + 1), ..ids_only() };
        let part = stores.logs.write(requests, &numbers, writing).await.unwrap();
        numbers.drain(..part.passed);
        parts.push((part.passed, String::from_utf8(part.text).unwrap()));
    }
    assert_eq!(parts, [(3, "row-00004\nrow-00002\n".to_owned()), (2, "row-00001\n".to_owned())]);
}
