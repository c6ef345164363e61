//! Filters, orders and sums by scores, held against the reference, on indexes read with the scores and on those that
//! were open before.

use super::samples::*;
use super::score_samples::*;
use crate::Stores;
use crate::logs::{Pick, PickOrder};
use evalset_model::filter::{LogField, Order, Test, Tree, meaning};
use evalset_model::ids::{Collection, Place};
use evalset_model::log::Log;
use evalset_model::page::Sort;
use evalset_model::score::{ComparedScores, Score, ShownScores};
use evalset_model::summary::Sums;

/// A row as the reference sees it.
struct Known {
    log: Log,
    scores: ComparedScores,
    shown: ShownScores,
}

/// The rows of a place, each with what all scores of the organization say of it.
async fn known(stores: &Stores, place: Collection) -> Vec<Known> {
    let scores = all_scores(stores, place.organization).await;
    let logs = all(stores, place).await;
    let known = |log: Log| {
        let concerns = |score: &&Score| {
            score.subject.log_id == log.id
                && (score.subject.place == place.place || score.subject.place == Place::RequestLogs)
        };
        let concerning: Vec<Score> = scores.iter().filter(concerns).cloned().collect();
        let shown = ShownScores::of(concerning, place.place);
        Known { scores: shown.compared(), shown, log }
    };
    logs.into_iter().map(known).collect()
}

fn any_order(dice: &mut Dice) -> Sort {
    if dice.one_in(3) { any_sort(dice) } else { sort(any_score_field(dice), dice.one_in(2)) }
}

/// Random questions about a place; returns how many of them some but not all rows answer.
async fn agree(stores: &Stores, place: Collection, rounds: usize, dice: &mut Dice) -> usize {
    let rows = known(stores, place).await;
    let mut met = 0;
    for round in 0..rounds {
        let (filter, order) = (scored_filter(dice, round % 2 == 1), any_order(dice));
        let mut wanted: Vec<&Known> =
            rows.iter().filter(|row| meaning::holds(&filter, &row.log, &row.scores)).collect();
        wanted.sort_by(|left, right| {
            meaning::compare_logs(&order, (&left.log, &left.scores), (&right.log, &right.scores))
        });
        met += usize::from(!wanted.is_empty() && wanted.len() < rows.len());
        let offset = dice.below(20);
        let page = row_page(stores, place, filter.clone(), order.clone(), (offset as u64, 25)).await;
        let part: Vec<_> = wanted.iter().skip(offset).take(25).map(|row| (&row.log, &row.shown)).collect();
        let found: Vec<_> = page.rows.iter().map(|row| (&row.log, &row.scores)).collect();
        let ids = |rows: &[(&Log, &ShownScores)]| rows.iter().map(|row| row.0.id.clone()).collect::<Vec<_>>();
        assert_eq!((page.total, ids(&found)), (wanted.len() as u64, ids(&part)), "{filter:?} {order:?}");
        assert_eq!(found, part);
        let pick = Pick { order: PickOrder::By(order), ..Pick::of(filter.clone()) };
        assert_eq!(select(stores, place, pick).await.rows.len(), wanted.len());
        let mut sums = Sums::default();
        for row in &wanted {
            sums.add(&row.log);
            sums.add_scores(&row.shown);
        }
        assert_eq!(stores.logs.sums(place, filter.clone()).await.unwrap(), sums, "{filter:?}");
    }
    met
}

/// 120 request logs, as many saved logs, and rows of a dataset.
pub async fn places(stores: &Stores) -> [Collection; 3] {
    let requests = request_logs(organization(1));
    let saved = Collection { place: Place::SavedLogs, ..requests };
    let rows = rows_of(organization(1), dataset_id(1));
    stores.datasets.create(dataset(organization(1), dataset_id(1), 1), None).await.unwrap();
    for (seed, place) in [requests, saved, rows].into_iter().enumerate() {
        fill(stores, place, 0..120, seed as u64).await;
    }
    [requests, saved, rows]
}

pub async fn put_many(stores: &Stores, places: &[Collection], numbers: std::ops::Range<usize>, dice: &mut Dice) {
    for number in numbers {
        let (place, id) = (*dice.pick(places), log_id(dice.below(130)));
        stores.scores.put(any_score(number as u128, place, id, number as i64, dice)).await.unwrap();
    }
}

pub async fn scores_read_with_the_rows_agree(stores: &Stores) {
    let places = places(stores).await;
    let mut dice = Dice(41);
    put_many(stores, &places, 0..500, &mut dice).await;
    let mut met = 0;
    for place in places {
        met += agree(stores, place, 80, &mut dice).await;
    }
    assert!(met > 100, "the filters say too little: {met}");
}

pub async fn scores_written_one_by_one_agree(stores: &Stores) {
    let places = places(stores).await;
    let mut dice = Dice(42);
    for round in 0..8 {
        for place in places {
            agree(stores, place, 12, &mut dice).await;
        }
        put_many(stores, &places, round * 60..(round + 1) * 60, &mut dice).await;
        let scores = all_scores(stores, organization(1)).await;
        for _ in 0..6 {
            stores.scores.delete(organization(1), dice.pick(&scores).id).await.unwrap();
        }
        let ids: Vec<_> = (0..3).map(|_| log_id(dice.below(120))).collect();
        stores.logs.delete(*dice.pick(&places), &ids).await.unwrap();
    }
    for place in places {
        agree(stores, place, 40, &mut dice).await;
    }
}

pub async fn custom_slugs_and_slugs_of_evaluators(stores: &Stores) {
    let rows = rows_of(organization(1), dataset_id(1));
    stores.datasets.create(dataset(organization(1), dataset_id(1), 1), None).await.unwrap();
    fill(stores, rows, 0..4, 1).await;
    all(stores, rows).await;
    let put = async |id: u128, row: usize, source, value: f64| {
        stores.scores.put(score(id, rows, log_id(row), source, number_value(value))).await.unwrap();
    };
    put(1, 0, source(1), 1.0).await;
    put(2, 1, source(1), 2.0).await;
    put(3, 1, custom("slug1"), 4.0).await;
    put(4, 2, custom("slug1"), 8.0).await;
    let value = |key: &str, value: f64| number(Order::GreaterOrEqual, LogField::Score(key.to_owned()), value);
    let found = async |filter| ids(&page(stores, rows, filter, by_id(), (0, 9)).await.rows).len();
    // Under the slug, the custom score wins; where there is none, the evaluator's is found.
    assert_eq!(found(value("slug1", 1.0)).await, 3);
    assert_eq!(found(value("slug1", 4.0)).await, 2);
    assert_eq!(found(value(&evaluator_id(1).to_string(), 1.0)).await, 2);
    let has = |key: &str| compare(LogField::ScoreMap, Test::HasKeys(vec![key.to_owned()]));
    assert_eq!((found(has("slug1")).await, found(Tree::Not(Box::new(has("slug1")))).await), (3, 1));
    // Sums tell them apart.
    let sums = stores.logs.sums(rows, Tree::all()).await.unwrap().scores;
    let sums: Vec<_> = sums.into_iter().map(|sum| (sum.source, sum.totals.numbers.sum)).collect();
    assert_eq!(sums, [(source(1), 3.0), (custom("slug1"), 12.0)]);
}
