//! Scores: writing them, what rows show of them, what becomes of them, and their list.

use super::samples::*;
use super::score_samples::*;
use crate::Stores;
use crate::logs::{Existing, With};
use crate::scores::ScoreChange;
use evalset_model::Error;
use evalset_model::filter::{LogField, LogFilter, Order, Test, Tree, scores as meaning};
use evalset_model::ids::{Collection, LogId, Place};
use evalset_model::log::Log;
use evalset_model::page::Window;
use evalset_model::score::{Echoed, Score, ScoreStatus, ScoreValues, ShownScores, Source};
use serde_json::json;
use std::sync::Arc;

/// What a record shows, read in three ways.
async fn shown(stores: &Stores, place: Collection, id: &LogId) -> ShownScores {
    let row = stores.logs.get(place, id).await.unwrap().unwrap();
    let page = row_page(stores, place, Tree::all(), by_id(), (0, 1_000)).await.rows;
    assert_eq!(page.iter().find(|other| other.log.id == *id), Some(&row));
    assert_eq!(stores.logs.read(place, &[row.number], With::EVERYTHING).await.unwrap(), std::slice::from_ref(&row));
    let bare = stores.logs.read(place, &[row.number], With::PAYLOAD).await.unwrap();
    assert_eq!((bare[0].log == row.log, bare[0].scores.len()), (true, 0));
    row.scores
}

/// The number that a record shows under each key, newest first.
async fn numbers(stores: &Stores, place: Collection, id: &LogId) -> Vec<(String, Option<f64>)> {
    let shown = shown(stores, place, id).await;
    shown.iter().map(|score| (score.source.key(), score.values.numerical)).collect()
}

fn key(number: u128) -> String {
    evaluator_id(number).to_string()
}

/// Request logs and dataset 1 with the rows 0 to 4 each.
async fn places(stores: &Stores) -> (Collection, Collection) {
    let (requests, rows) = (request_logs(organization(1)), rows_of(organization(1), dataset_id(1)));
    stores.datasets.create(dataset(organization(1), dataset_id(1), 1), None).await.unwrap();
    for place in [requests, rows] {
        fill(stores, place, 0..5, 1).await;
        // Open indexes have to learn of everything that follows.
        all(stores, place).await;
    }
    (requests, rows)
}

pub async fn one_per_subject_source_and_scorer(stores: &Stores) {
    let (requests, rows) = places(stores).await;
    let mine = organization(1);
    let full = Score {
        is_passed: Some(true),
        explanation: Some("because".to_owned()),
        run: Some(job_id(7)),
        evaluator_version: None,
        extra: Echoed { prompt_id: Some(json!("p")), prompt_version_number: Some(json!(3)), ..Echoed::default() },
        values: ScoreValues {
            numerical: Some(0.1),
            boolean: Some(true),
            string: Some("nul \u{0} text".to_owned()),
            categorical: Some(vec!["a".to_owned(), String::new()]),
            json: Some("{}".to_owned()),
        },
        ..score(1, rows, log_id(0), source(0), ScoreValues::default())
    };
    assert_eq!(stores.scores.put(full.clone()).await.unwrap(), (full.clone(), true));
    assert_eq!(stores.scores.get(mine, full.id).await.unwrap(), Some(full.clone()));
    // Written again: the id and the creation stay.
    let again = Score { cost: 9.0, ..score(2, rows, log_id(0), source(0), number_value(2.0)) };
    let kept = Score { id: full.id, created_at: full.created_at, ..again.clone() };
    assert_eq!(stores.scores.put(again).await.unwrap(), (kept.clone(), false));
    assert_eq!(stores.scores.get(mine, full.id).await.unwrap(), Some(kept.clone()));
    assert_eq!(stores.scores.get(mine, score_id(2)).await.unwrap(), None);
    assert_eq!(stores.scores.put(kept.clone()).await.unwrap(), (kept.clone(), false));
    // Whatever differs makes another one.
    let others = [
        score(3, requests, log_id(0), source(0), number_value(1.0)),
        score(4, rows, log_id(1), source(0), number_value(1.0)),
        score(5, rows, log_id(0), source(2), number_value(1.0)),
        score(6, rows, log_id(0), custom("slug0"), number_value(1.0)),
        Score { scorer: "second".to_owned(), ..score(7, rows, log_id(0), source(0), number_value(1.0)) },
    ];
    for other in &others {
        assert_eq!(stores.scores.put(other.clone()).await.unwrap(), (other.clone(), true));
    }
    assert_eq!(all_scores(stores, mine).await, [vec![kept], others.to_vec()].concat());
}

pub async fn the_latest_of_several_scorers_is_shown(stores: &Stores) {
    let (_, rows) = places(stores).await;
    let by = |scorer: &str, number: u128, at: i64| Score {
        scorer: scorer.to_owned(),
        updated_at: at,
        ..score(number, rows, log_id(0), source(0), number_value(number as f64))
    };
    for (scorer, number, at, wanted) in
        [("a", 1, 10, 1.0), ("b", 2, 30, 2.0), ("c", 3, 20, 2.0), ("a", 4, 40, 4.0), ("c", 5, 40, 4.0)]
    {
        stores.scores.put(by(scorer, number, at)).await.unwrap();
        let seen = numbers(stores, rows, &log_id(0)).await;
        // The last two are as old; the greater id wins, and the first one kept its id.
        let wanted = if number == 5 { 5.0 } else { wanted };
        assert_eq!(seen, [(key(0), Some(wanted))]);
    }
    stores
        .scores
        .put(Score { updated_at: 99, ..score(9, rows, log_id(0), source(2), number_value(9.0)) })
        .await
        .unwrap();
    let seen = numbers(stores, rows, &log_id(0)).await;
    assert_eq!(seen, [(key(2), Some(9.0)), (key(0), Some(5.0))]);
    let seen = shown(stores, rows, &log_id(0)).await;
    let newest = seen.by_key(&key(2)).unwrap();
    assert_eq!((newest.source.slug.as_str(), newest.values.numerical), ("slug2", Some(9.0)));
}

pub async fn scores_of_the_place_win(stores: &Stores) {
    let (requests, rows) = places(stores).await;
    let saved = Collection { place: Place::SavedLogs, ..requests };
    fill(stores, saved, 0..2, 1).await;
    assert!(shown(stores, saved, &log_id(0)).await.is_empty());
    stores.scores.put(score(1, requests, log_id(0), source(0), number_value(1.0))).await.unwrap();
    // Without a dataset it is seen on all rows of that id.
    for place in [requests, rows, saved] {
        assert_eq!(numbers(stores, place, &log_id(0)).await, [(key(0), Some(1.0))]);
        assert_eq!(shown(stores, place, &log_id(1)).await, ShownScores::none());
    }
    let older = Score { updated_at: -5, ..score(2, rows, log_id(0), source(0), number_value(2.0)) };
    stores.scores.put(older).await.unwrap();
    stores.scores.put(score(3, saved, log_id(0), custom("free"), number_value(3.0))).await.unwrap();
    assert_eq!(numbers(stores, requests, &log_id(0)).await, [(key(0), Some(1.0))]);
    assert_eq!(numbers(stores, rows, &log_id(0)).await, [(key(0), Some(2.0))]);
    let both = [("free".to_owned(), Some(3.0)), (key(0), Some(1.0))];
    assert_eq!(numbers(stores, saved, &log_id(0)).await, both);
    stores.scores.delete(organization(1), score_id(2)).await.unwrap();
    assert_eq!(numbers(stores, rows, &log_id(0)).await, [(key(0), Some(1.0))]);
    stores.scores.delete(organization(1), score_id(1)).await.unwrap();
    assert_eq!(numbers(stores, saved, &log_id(0)).await, [("free".to_owned(), Some(3.0))]);
    assert_eq!(shown(stores, rows, &log_id(0)).await, ShownScores::none());
}

pub async fn scores_wait_for_their_records(stores: &Stores) {
    let (requests, rows) = places(stores).await;
    let other = rows_of(organization(1), dataset_id(2));
    stores.datasets.create(dataset(organization(1), dataset_id(2), 1), None).await.unwrap();
    all(stores, other).await;
    for (number, place) in [(1, requests), (2, rows), (3, other)] {
        stores.scores.put(score(number, place, log_id(9), source(0), number_value(number as f64))).await.unwrap();
    }
    assert_eq!(all_scores(stores, organization(1)).await.len(), 3);
    // Deleting what is not there takes nothing along.
    assert_eq!(stores.logs.delete(rows, &[log_id(9)]).await.unwrap(), 0);
    let matches = async |place| page(stores, place, having_number(), by_id(), (0, 9)).await.total;
    assert_eq!((matches(requests).await, matches(rows).await), (0, 0));
    fill(stores, rows, 9..10, 1).await;
    assert_eq!(numbers(stores, rows, &log_id(9)).await, [(key(0), Some(2.0))]);
    assert_eq!((matches(requests).await, matches(rows).await), (0, 1));
    fill(stores, requests, 9..10, 1).await;
    assert_eq!(numbers(stores, requests, &log_id(9)).await, [(key(0), Some(1.0))]);
    // A copy has those of its own place, not those of the place it came from.
    let number = stores.logs.get(rows, &log_id(9)).await.unwrap().unwrap().number;
    stores.logs.copy(rows, &[number], other, None).await.unwrap();
    assert_eq!(numbers(stores, other, &log_id(9)).await, [(key(0), Some(3.0))]);
    assert_eq!((matches(requests).await, matches(other).await), (1, 1));
    // New values of a record leave its scores.
    stores.logs.insert(other, vec![Log::new(log_id(9))], Existing::Replace).await.unwrap();
    assert_eq!(numbers(stores, other, &log_id(9)).await, [(key(0), Some(3.0))]);
    let same: crate::logs::Change = Arc::new(Ok);
    let updated = stores.logs.update(other, &log_id(9), same).await.unwrap();
    assert_eq!(updated.scores, shown(stores, other, &log_id(9)).await);
    assert_eq!(matches(other).await, 1);
}

pub async fn scores_go_with_their_rows(stores: &Stores) {
    let (requests, rows) = places(stores).await;
    let mine = organization(1);
    for (number, place, id) in
        [(1, requests, 0), (2, rows, 0), (3, rows, 1), (4, rows, 2), (5, rows, 77), (6, requests, 3)]
    {
        stores.scores.put(score(number, place, log_id(id), source(0), number_value(number as f64))).await.unwrap();
    }
    let ids = async || all_scores(stores, mine).await.into_iter().map(|score| score.id).collect::<Vec<_>>();
    stores.logs.delete(rows, &[log_id(0), log_id(4)]).await.unwrap();
    assert_eq!(ids().await, [1, 3, 4, 5, 6].map(score_id));
    assert_eq!(stores.scores.get(mine, score_id(2)).await.unwrap(), None);
    let number = stores.logs.get(rows, &log_id(1)).await.unwrap().unwrap().number;
    stores.logs.remove(rows, &[number], None).await.unwrap();
    assert_eq!(ids().await, [1, 4, 5, 6].map(score_id));
    // The row that comes again is another one.
    fill(stores, rows, 0..2, 1).await;
    assert_eq!(numbers(stores, rows, &log_id(0)).await, [(key(0), Some(1.0))]);
    assert_eq!(shown(stores, rows, &log_id(1)).await, ShownScores::none());
    // What a request log took along is not seen on rows of datasets any more.
    assert_eq!(page(stores, rows, having_number(), by_id(), (0, 9)).await.total, 3);
    stores.logs.delete(requests, &[log_id(0), log_id(3)]).await.unwrap();
    assert_eq!(shown(stores, rows, &log_id(0)).await, ShownScores::none());
    assert_eq!(page(stores, rows, having_number(), by_id(), (0, 9)).await.total, 1);
    stores.datasets.clear(mine, dataset_id(1), 5).await.unwrap();
    assert_eq!(ids().await, []);
    fill(stores, rows, 0..3, 1).await;
    assert_eq!(shown(stores, rows, &log_id(2)).await, ShownScores::none());
    // One without rows, and one with.
    for rows_left in [0, 2] {
        stores.datasets.clear(mine, dataset_id(1), 6).await.unwrap();
        fill(stores, rows, 0..rows_left as usize, 1).await;
        stores.scores.put(score(8, rows, log_id(1), source(0), number_value(1.0))).await.unwrap();
        stores.datasets.clear(mine, dataset_id(1), 7).await.unwrap();
        assert_eq!(ids().await, []);
    }
    stores.scores.put(score(9, rows, log_id(1), source(0), number_value(1.0))).await.unwrap();
    stores.datasets.delete(mine, dataset_id(1), 8).await.unwrap();
    assert_eq!((ids().await, stores.scores.get(mine, score_id(9)).await.unwrap()), (vec![], None));
}

/// Rows that have a number of evaluator 0.
fn having_number() -> LogFilter {
    number(Order::GreaterOrEqual, LogField::Score(key(0)), 0.0)
}

pub async fn failed_scores_do_not_replace_completed_ones(stores: &Stores) {
    let (requests, rows) = places(stores).await;
    let at = |number: u128| score(number, rows, log_id(0), source(0), number_value(number as f64));
    let first = failed(at(1));
    assert_eq!(stores.scores.put(first.clone()).await.unwrap(), (first.clone(), true));
    let seen = shown(stores, rows, &log_id(0)).await;
    let seen = seen.by_key(&key(0)).unwrap();
    assert_eq!((seen.status, seen.error_message.as_deref()), (ScoreStatus::Failed, Some("no answer")));
    assert_eq!(page(stores, rows, having_number(), by_id(), (0, 9)).await.total, 0);
    // A failed one replaces a failed one, a completed one replaces both.
    for newer in [failed(Score { explanation: Some("x".to_owned()), ..at(2) }), at(3)] {
        let kept = Score { id: first.id, created_at: first.created_at, ..newer.clone() };
        assert_eq!(stores.scores.put(newer).await.unwrap(), (kept, false));
    }
    let good = stores.scores.get(organization(1), first.id).await.unwrap().unwrap();
    assert_eq!(stores.scores.put(failed(at(4))).await.unwrap(), (good.clone(), false));
    assert_eq!(stores.scores.get(organization(1), first.id).await.unwrap(), Some(good));
    // Another scorer's failure is newer and still not shown.
    stores.scores.put(Score { scorer: "second".to_owned(), ..failed(at(5)) }).await.unwrap();
    assert_eq!(numbers(stores, rows, &log_id(0)).await, [(key(0), Some(3.0))]);
    // Those of the place come first, failed or not.
    stores.scores.put(score(6, requests, log_id(1), source(0), number_value(6.0))).await.unwrap();
    stores.scores.put(failed(score(7, rows, log_id(1), source(0), ScoreValues::default()))).await.unwrap();
    assert_eq!(numbers(stores, rows, &log_id(1)).await, [(key(0), None)]);
    assert_eq!(page(stores, rows, having_number(), by_id(), (0, 9)).await.total, 1);
    // Who says so may make a completed one a failed one.
    let change: ScoreChange = Arc::new(|score| Ok(failed(score)));
    let changed = stores.scores.update(organization(1), first.id, change).await.unwrap();
    assert_eq!(stores.scores.get(organization(1), first.id).await.unwrap(), Some(changed.clone()));
    assert_eq!(changed.status, ScoreStatus::Failed);
    assert_eq!(page(stores, rows, having_number(), by_id(), (0, 9)).await.total, 0);
}

pub async fn sources_are_known_by_their_last_name(stores: &Stores) {
    let (_, rows) = places(stores).await;
    let mine = organization(1);
    stores.scores.put(score(1, rows, log_id(0), source(0), number_value(1.0))).await.unwrap();
    stores.scores.put(score(2, rows, log_id(0), custom("free"), number_value(2.0))).await.unwrap();
    let seen = shown(stores, rows, &log_id(0)).await;
    let free = &seen.by_key("free").unwrap().source;
    assert_eq!((free.evaluator_id, free.slug.as_str()), (None, "free"));
    let by_slug = |slug: &str| Tree::Not(Box::new(compare(LogField::Score(slug.to_owned()), Test::IsNull)));
    let count = async |slug: &str| page(stores, rows, by_slug(slug), by_id(), (0, 9)).await.total;
    assert_eq!((count("slug0").await, count("free").await, count("renamed").await), (1, 1, 0));
    let renamed = Source { name: "New name".to_owned(), slug: "renamed".to_owned(), ..source(0) };
    stores.scores.put(score(3, rows, log_id(1), renamed.clone(), number_value(3.0))).await.unwrap();
    assert_eq!(stores.scores.get(mine, score_id(1)).await.unwrap().unwrap().source, renamed);
    let seen = shown(stores, rows, &log_id(0)).await;
    assert_eq!(seen.by_key(&key(0)).unwrap().source.name, "New name");
    assert_eq!((count("slug0").await, count("free").await, count("renamed").await), (0, 1, 2));
    let sums = stores.logs.sums(rows, Tree::all()).await.unwrap().scores;
    let sums: Vec<_> = sums.into_iter().map(|sum| (sum.source, sum.totals.numbers.sum)).collect();
    assert_eq!(sums, [(renamed, 4.0), (custom("free"), 2.0)]);
}

pub async fn update_and_delete(stores: &Stores) {
    let (_, rows) = places(stores).await;
    let mine = organization(1);
    let first = score(1, rows, log_id(0), source(0), number_value(1.0));
    stores.scores.put(first.clone()).await.unwrap();
    let change: ScoreChange = Arc::new(|old| {
        let other = score(5, request_logs(organization(2)), log_id(3), custom("no"), flag_value(true));
        Ok(Score { explanation: Some(format!("was {:?}", old.values.numerical)), updated_at: 50, ..other })
    });
    let new = stores.scores.update(mine, first.id, change.clone()).await.unwrap();
    let other = change(first.clone()).unwrap();
    let Score { id, subject, source, scorer, created_at, .. } = first.clone();
    assert_eq!(new, Score { id, subject, source, scorer, created_at, ..other });
    assert_eq!(stores.scores.get(mine, first.id).await.unwrap(), Some(new.clone()));
    let seen = shown(stores, rows, &log_id(0)).await;
    assert_eq!(seen.by_key(&key(0)).unwrap().values.boolean, Some(true));
    let refused: ScoreChange = Arc::new(|_| Err(Error::Conflict("no".to_owned())));
    assert!(matches!(stores.scores.update(mine, first.id, refused).await, Err(Error::Conflict(_))));
    for (owner, id) in [(organization(2), first.id), (mine, score_id(9))] {
        assert!(matches!(stores.scores.update(owner, id, change.clone()).await, Err(Error::NotFound(_))));
        assert_eq!(stores.scores.get(owner, id).await.unwrap(), None);
        assert!(!stores.scores.delete(owner, id).await.unwrap());
    }
    assert_eq!(all_scores(stores, mine).await, [new]);
    assert!(stores.scores.delete(mine, first.id).await.unwrap());
    assert!(!stores.scores.delete(mine, first.id).await.unwrap());
    assert_eq!((all_scores(stores, mine).await, shown(stores, rows, &log_id(0)).await), (vec![], ShownScores::none()));
}

pub async fn organizations_do_not_meet(stores: &Stores) {
    let (requests, rows) = places(stores).await;
    let theirs = request_logs(organization(2));
    fill(stores, theirs, 0..2, 1).await;
    stores.scores.put(score(1, requests, log_id(0), source(0), number_value(1.0))).await.unwrap();
    stores.scores.put(score(2, theirs, log_id(0), source(0), number_value(2.0))).await.unwrap();
    assert_eq!(numbers(stores, requests, &log_id(0)).await, [(key(0), Some(1.0))]);
    assert_eq!(numbers(stores, theirs, &log_id(0)).await, [(key(0), Some(2.0))]);
    assert_eq!(all_scores(stores, organization(2)).await.len(), 1);
    assert_eq!(all_scores(stores, organization(3)).await, []);
    // Names of sources are each organization's own.
    let renamed = Source { name: "theirs".to_owned(), ..source(0) };
    stores.scores.put(score(3, theirs, log_id(1), renamed, number_value(2.0))).await.unwrap();
    assert_eq!(stores.scores.get(organization(1), score_id(1)).await.unwrap().unwrap().source, source(0));
    for nowhere in [rows_of(organization(2), dataset_id(1)), rows_of(organization(1), dataset_id(8))] {
        let refused = stores.scores.put(score(4, nowhere, log_id(0), source(1), number_value(1.0))).await;
        assert!(matches!(refused, Err(Error::NotFound(_))), "{refused:?}");
    }
    assert_eq!(shown(stores, rows, &log_id(1)).await, ShownScores::none());
    assert_eq!(all_scores(stores, organization(1)).await.len(), 1);
}

/// Scores all over: request logs, saved logs and two datasets.
async fn scattered(stores: &Stores, count: usize) -> Vec<Score> {
    let (requests, rows) = places(stores).await;
    stores.datasets.create(dataset(organization(1), dataset_id(2), 1), None).await.unwrap();
    let saved = Collection { place: Place::SavedLogs, ..requests };
    let places = [requests, rows, saved, rows_of(organization(1), dataset_id(2))];
    let mut dice = Dice(31);
    for number in 0..count {
        let (place, id) = (*dice.pick(&places), log_id(dice.below(9)));
        let at = dice.below(60) as i64;
        stores.scores.put(any_score(100 + number as u128, place, id, at, &mut dice)).await.unwrap();
    }
    all_scores(stores, organization(1)).await
}

pub async fn lists_agree_with_the_reference(stores: &Stores) {
    let scores = scattered(stores, 300).await;
    assert!(scores.len() > 100);
    let mut dice = Dice(32);
    let mut met = 0;
    for round in 0..600 {
        let filters = [(); 3].map(|()| any_score_filter(&mut dice, &scores));
        // Some that no search of the file can narrow down, and those that it can.
        let [one, two, three] = filters.each_ref().map(over_scores);
        let filter = match round % 4 {
            0 => one,
            1 => Tree::And(vec![one, Tree::Not(Box::new(two))]),
            2 => Tree::Or(vec![one, Tree::And(vec![two, three])]),
            _ => Tree::And(vec![Tree::And(vec![one]), two]),
        };
        let (sort, descending) = (*dice.pick(meaning::sortable()), dice.one_in(2));
        let mut wanted: Vec<_> = scores.iter().filter(|score| meaning::holds(&filter, score)).cloned().collect();
        wanted.sort_by(|left, right| meaning::compare(sort, descending, left, right));
        met += usize::from(!wanted.is_empty() && wanted.len() < scores.len());
        let mut query = score_query(filter, sort, descending);
        let whole = stores.scores.list(organization(1), query.clone()).await.unwrap();
        assert_eq!((whole.total, &whole.rows), (wanted.len() as u64, &wanted), "{filters:?} {sort:?}");
        query.window = Window { offset: dice.below(20) as u64, limit: dice.below(20) as u64 };
        let part = stores.scores.list(organization(1), query.clone()).await.unwrap();
        let window = wanted.into_iter().skip(query.window.offset as usize).take(query.window.limit as usize);
        assert_eq!((part.total, part.rows), (whole.total, window.collect::<Vec<_>>()), "{filters:?} {sort:?}");
    }
    assert!(met > 200, "the filters say too little: {met}");
}

pub async fn summaries_agree_with_the_reference(stores: &Stores) {
    let scores = scattered(stores, 300).await;
    for place in [request_logs(organization(1)), rows_of(organization(1), dataset_id(1))] {
        for row in row_page(stores, place, Tree::all(), by_id(), (0, 99)).await.rows {
            let concerns = |score: &&Score| {
                score.subject.log_id == row.log.id
                    && (score.subject.place == place.place || score.subject.place == Place::RequestLogs)
            };
            let wanted = ShownScores::of(scores.iter().filter(concerns).cloned().collect(), place.place);
            assert_eq!(row.scores, wanted);
        }
    }
}
