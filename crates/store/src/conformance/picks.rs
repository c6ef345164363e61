//! Selections for jobs: order, watermark, sampling.

use super::samples::*;
use crate::Stores;
use crate::logs::{Existing, Pick, Picked, Sample, With, sample_hash, sample_size};
use evalset_model::field::{Field, TextField};
use evalset_model::filter::{LogField, LogFilter, Tree, meaning};
use evalset_model::ids::Collection;
use evalset_model::log::Log;
use serde_json::Map;

fn pick(filter: LogFilter, sample: Option<Sample>) -> Pick {
    Pick { filter, watermark: None, sample, sort: None }
}

fn percent(percent: f64) -> Sample {
    Sample::Percent { seed: "seed".to_owned(), percent }
}

async fn picked(stores: &Stores, collection: Collection, pick: Pick) -> (Picked, Vec<Log>) {
    let picked = stores.logs.pick(collection, pick).await.unwrap();
    let rows = stores.logs.read(collection, &picked.rows, With::Nothing).await.unwrap();
    assert_eq!(rows.iter().map(|row| row.number).collect::<Vec<_>>(), picked.rows);
    (picked, rows.into_iter().map(|row| row.log).collect())
}

pub async fn order_and_watermark(stores: &Stores) {
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
    assert_eq!(some.rows[0], mark);
    let sort = sort(LogField::Scalar(Field::Cost), true);
    let (_, rows) = picked(stores, requests, Pick { sort: Some(sort.clone()), ..marked }).await;
    let none = Map::new();
    let mut wanted = logs;
    wanted.sort_by(|left, right| meaning::compare_logs(&sort, (left, &none), (right, &none)));
    assert_eq!(rows, wanted);
    // Rows gone since are left out of a read.
    stores.logs.delete(requests, &[log_id(5)]).await.unwrap();
    assert_eq!(stores.logs.read(requests, &some.rows, With::Nothing).await.unwrap().len(), 19);
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
    assert_ne!(stores.logs.pick(requests, pick(Tree::all(), other)).await.unwrap().rows, first.rows);
}

pub async fn cutoff_makes_the_same_choice(stores: &Stores) {
    let requests = request_logs(organization(1));
    fill(stores, requests, 0..100, 1).await;
    let mark = stores.logs.watermark(requests).await.unwrap();
    let first = stores.logs.pick(requests, pick(Tree::all(), Some(percent(25.0)))).await.unwrap();
    fill(stores, requests, 100..150, 2).await;
    let cutoff = Some(Sample::Cutoff { seed: "seed".to_owned(), cutoff: first.cutoff.unwrap() });
    let resumed = Pick { watermark: Some(mark), ..pick(Tree::all(), cutoff) };
    assert_eq!(stores.logs.pick(requests, resumed.clone()).await.unwrap(), first);
    // Rows done meanwhile may be gone; the rest of the choice stands.
    let gone = stores.logs.read(requests, &first.rows[..5], With::Nothing).await.unwrap();
    stores.logs.delete(requests, &gone.into_iter().map(|row| row.log.id).collect::<Vec<_>>()).await.unwrap();
    let rest = stores.logs.pick(requests, resumed).await.unwrap();
    assert_eq!((rest.rows, rest.cutoff, rest.matches), (first.rows[5..].to_vec(), first.cutoff, 95));
}

pub async fn text_filters_pick(stores: &Stores) {
    let requests = request_logs(organization(1));
    let logs = fill(stores, requests, 0..120, 3).await;
    let filter = Tree::Or(vec![contains(TextField::Input, "refund", true), model_is("claude")]);
    let none = Map::new();
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
    assert_eq!(stores.logs.pick(requests, pick(filter, None)).await.unwrap().matches, all.matches - 1);
}
