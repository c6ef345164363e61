//! Selections for jobs: order, watermark, sampling.

use super::samples::*;
use crate::Stores;
use crate::logs::{Existing, Pick, PickOrder, Sample, With, sample_hash, sample_size};
use evalset_model::field::{Field, TextField};
use evalset_model::filter::{LogField, LogFilter, Tree, meaning};
use evalset_model::ids::{Collection, RowNumber};
use evalset_model::log::Log;
use evalset_model::score::ComparedScores;

fn pick(filter: LogFilter, sample: Option<Sample>) -> Pick {
    Pick { sample, ..Pick::of(filter) }
}

fn percent(percent: f64) -> Sample {
    Sample::Percent { seed: "seed".to_owned(), percent }
}

async fn picked(stores: &Stores, collection: Collection, pick: Pick) -> (Picked, Vec<Log>) {
    let picked = select(stores, collection, pick).await;
    let rows = stores.logs.read(collection, &picked.rows, With::PAYLOAD).await.unwrap();
    assert_eq!(rows.iter().map(|row| row.number).collect::<Vec<_>>(), picked.rows);
    (picked, rows.into_iter().map(|row| row.log).collect())
}

pub async fn a_watermark_parts_rows_from_later_ones(stores: &Stores) {
    let requests = request_logs(organization(1));
    let logs = fill(stores, requests, 0..20, 1).await;
    let mark = stores.logs.watermark(requests).await.unwrap();
    fill(stores, requests, 20..30, 2).await;
    let (all, rows) = picked(stores, requests, pick(Tree::all(), None)).await;
    assert_eq!((all.matches, all.cutoff), (30, None));
    assert!(all.rows.windows(2).all(|pair| pair[0] > pair[1]));
    assert_eq!(rows[29].id, log_id(0));
    let marked = Pick { watermark: Some(mark), ..pick(Tree::all(), None) };
    let (some, rows) = picked(stores, requests, marked.clone()).await;
    assert_eq!((some.matches, ids(&rows)), (20, ids(&logs.iter().rev().cloned().collect::<Vec<_>>())));
    assert!(some.rows[0].get() <= mark.get() && all.rows.iter().filter(|row| row.get() > mark.get()).count() == 10);
    let sort = sort(LogField::Scalar(Field::Cost), true);
    let (_, rows) = picked(stores, requests, Pick { order: PickOrder::By(sort.clone()), ..marked }).await;
    let none = ComparedScores::none();
    let mut wanted = logs;
    wanted.sort_by(|left, right| meaning::compare_logs(&sort, (left, &none), (right, &none)));
    assert_eq!(rows, wanted);
    // Rows gone since are left out of a read.
    stores.logs.delete(requests, &[log_id(5)]).await.unwrap();
    assert_eq!(stores.logs.read(requests, &some.rows, With::PAYLOAD).await.unwrap().len(), 19);
}

pub async fn sample_sizes(stores: &Stores) {
    let requests = request_logs(organization(1));
    fill(stores, requests, 0..101, 1).await;
    for (part, size) in [(100.0, 101), (50.0, 51), (40.0, 40), (1.0, 1), (0.001, 1), (99.6, 101), (33.3, 34)] {
        let (picked, _) = picked(stores, requests, pick(Tree::all(), Some(percent(part)))).await;
        assert_eq!((picked.matches, picked.rows.len()), (101, size), "{part} %");
        assert_eq!(sample_size(101, part), size as u64);
    }
    let (none, _) = picked(stores, requests, pick(Tree::none(), Some(percent(50.0)))).await;
    assert_eq!(none, Picked { matches: 0, cutoff: None, rows: Vec::new() });
}

pub async fn samples_repeat(stores: &Stores) {
    let requests = request_logs(organization(1));
    let logs = fill(stores, requests, 0..100, 1).await;
    let (first, rows) = picked(stores, requests, pick(Tree::all(), Some(percent(30.0)))).await;
    let (again, _) = picked(stores, requests, pick(Tree::all(), Some(percent(30.0)))).await;
    assert_eq!(first, again);
    // The lowest hashes win, whatever the rows were added with.
    let mut hashes: Vec<_> = logs.iter().map(|log| sample_hash("seed", &log.id)).collect();
    hashes.sort_unstable();
    assert_eq!(first.cutoff, Some(hashes[29]));
    assert!(rows.iter().all(|log| sample_hash("seed", &log.id) <= hashes[29]));
    let other = Some(Sample::Percent { seed: "other".to_owned(), percent: 30.0 });
    assert_ne!(select(stores, requests, pick(Tree::all(), other)).await.rows, first.rows);
}

pub async fn cutoff_makes_the_same_choice(stores: &Stores) {
    let requests = request_logs(organization(1));
    fill(stores, requests, 0..100, 1).await;
    let mark = stores.logs.watermark(requests).await.unwrap();
    let first = select(stores, requests, pick(Tree::all(), Some(percent(25.0)))).await;
    fill(stores, requests, 100..150, 2).await;
    let cutoff = Some(Sample::Cutoff { seed: "seed".to_owned(), cutoff: first.cutoff.unwrap() });
    let resumed = Pick { watermark: Some(mark), ..pick(Tree::all(), cutoff) };
    assert_eq!(select(stores, requests, resumed.clone()).await, first);
    // Rows done meanwhile may be gone; the rest of the choice stands.
    let gone = stores.logs.read(requests, &first.rows[..5], With::PAYLOAD).await.unwrap();
    stores.logs.delete(requests, &gone.into_iter().map(|row| row.log.id).collect::<Vec<_>>()).await.unwrap();
    let rest = select(stores, requests, resumed).await;
    assert_eq!((rest.rows, rest.cutoff, rest.matches), (first.rows[5..].to_vec(), first.cutoff, 95));
}

pub async fn text_filters_pick(stores: &Stores) {
    let requests = request_logs(organization(1));
    let logs = fill(stores, requests, 0..120, 3).await;
    let filter = Tree::Or(vec![contains(TextField::Input, "refund", true), model_is("claude")]);
    let none = ComparedScores::none();
    let wanted: Vec<_> = logs.iter().rev().filter(|log| meaning::holds(&filter, log, &none)).cloned().collect();
    let (all, rows) = picked(stores, requests, pick(filter.clone(), None)).await;
    assert_eq!((all.matches, rows), (wanted.len() as u64, wanted.clone()));
    let (sample, rows) = picked(stores, requests, pick(filter.clone(), Some(percent(40.0)))).await;
    assert_eq!(rows.len() as u64, sample_size(wanted.len() as u64, 40.0));
    let cutoff = sample.cutoff.unwrap();
    let kept: Vec<_> = wanted.into_iter().filter(|log| sample_hash("seed", &log.id) <= cutoff).collect();
    assert_eq!(rows, kept);
    // A write that changes the text changes the choice.
    stores.logs.insert(requests, vec![Log::new(rows[0].id.clone())], Existing::Replace).await.unwrap();
    assert_eq!(select(stores, requests, pick(filter, None)).await.matches, all.matches - 1);
}

pub async fn selections_come_in_pieces(stores: &Stores) {
    let requests = request_logs(organization(1));
    let logs = fill(stores, requests, 0..150, 4).await;
    let mut dice = Dice(8);
    let none = ComparedScores::none();
    for round in 0..60 {
        let (filter, sort) = (filter(&mut dice, 2, round % 3 == 0), any_sort(&mut dice));
        let pick = Pick { order: PickOrder::By(sort.clone()), ..Pick::of(filter.clone()) };
        let selected = stores.logs.select(requests, pick).await.unwrap();
        let found = drained(selected, *dice.pick(&[1, 7, 149, 150, 151])).await;
        let mut wanted: Vec<_> = logs.iter().filter(|log| meaning::holds(&filter, log, &none)).collect();
        wanted.sort_by(|left, right| meaning::compare_logs(&sort, (left, &none), (right, &none)));
        let rows = stores.logs.read(requests, &found.rows, With::FIELDS).await.unwrap();
        let ids: Vec<_> = rows.iter().map(|row| &row.log.id).collect();
        assert_eq!(ids, wanted.iter().map(|log| &log.id).collect::<Vec<_>>(), "{filter:?} {sort:?}");
        assert_eq!(found.matches, wanted.len() as u64);
    }
}

/// What was selected stands, whatever is written before it is taken.
pub async fn a_selection_is_settled_when_made(stores: &Stores) {
    let requests = request_logs(organization(1));
    fill(stores, requests, 0..100, 1).await;
    let by_cost = PickOrder::By(sort(LogField::Scalar(Field::Cost), true));
    for (round, order) in [PickOrder::Falling { after: None }, by_cost].into_iter().enumerate() {
        let pick = Pick { order, ..Pick::of(Tree::all()) };
        let wanted = select(stores, requests, pick.clone()).await;
        let mut selected = stores.logs.select(requests, pick).await.unwrap();
        let mut rows = selected.next(10).await.unwrap();
        let late = fill(stores, requests, 200 + 3 * round..203 + 3 * round, 2).await;
        stores.logs.insert(requests, vec![Log::new(log_id(50))], Existing::Replace).await.unwrap();
        rows.extend(selected.next(1_000).await.unwrap());
        assert_eq!(rows, wanted.rows);
        let late: Vec<_> = late.iter().map(|log| log.id.clone()).collect();
        stores.logs.delete(requests, &late).await.unwrap();
    }
}

pub async fn a_job_goes_on_after_its_cursor(stores: &Stores) {
    let requests = request_logs(organization(1));
    fill(stores, requests, 0..120, 5).await;
    let filter = Tree::Or(vec![contains(TextField::Input, "refund", true), model_is("claude")]);
    let all = select(stores, requests, Pick::of(filter.clone())).await.rows;
    let below = |after| Pick { order: PickOrder::Falling { after: Some(after) }, ..Pick::of(filter.clone()) };
    for done in [1, all.len() / 2, all.len()] {
        let rest = select(stores, requests, below(all[done - 1])).await;
        assert_eq!((rest.rows.as_slice(), rest.matches), (&all[done..], (all.len() - done) as u64));
    }
    // The row at the cursor may be gone.
    let gone = stores.logs.read(requests, &all[2..3], With::FIELDS).await.unwrap().remove(0).log.id;
    stores.logs.delete(requests, &[gone]).await.unwrap();
    assert_eq!(select(stores, requests, below(all[2])).await.rows, all[3..]);
    assert!(select(stores, requests, below(RowNumber::new(i64::MIN))).await.rows.is_empty());
}

/// Eight bytes a row would be two million for the rows of one streamed export of a small organization.
pub async fn a_selection_takes_little_memory(stores: &Stores) {
    let requests = request_logs(organization(1));
    fill(stores, requests, 0..2_000, 1).await;
    let held = async |order| {
        let pick = Pick { order, ..Pick::of(Tree::all()) };
        stores.logs.select(requests, pick).await.unwrap().held_bytes()
    };
    assert!(held(PickOrder::Falling { after: None }).await < 1_000);
    assert!(held(PickOrder::By(sort(LogField::Scalar(Field::Note), false))).await < 2 * 2_000 + 1_000);
}
