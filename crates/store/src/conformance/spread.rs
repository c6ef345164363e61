//! Groups and statistics: how rows are spread over values, held against what is computed here.

use super::reads::expected;
use super::samples::*;
use crate::Stores;
use crate::logs::{Existing, GroupBound, GroupOrder, Measure, Statistics};
use crate::reference;
use crate::statistics::{Histogram, Statistic, TopValues};
use evalset_model::field::Field;
use evalset_model::filter::meaning::SortKey;
use evalset_model::filter::{LogField, Tree, meaning};
use evalset_model::log::Log;
use evalset_model::scalar::Scalar;
use evalset_model::score::ComparedScores;
use evalset_model::summary::{Group, Sums};
use serde_json::{Value, json};
use std::collections::BTreeMap;

fn expected_groups(logs: &[Log], by: &LogField) -> BTreeMap<Option<String>, Sums> {
    let mut groups: BTreeMap<Option<String>, Sums> = BTreeMap::new();
    for log in logs {
        groups.entry(reference::group_key(log, by)).or_default().add(log);
    }
    groups
}

pub async fn groups_agree_with_the_reference(stores: &Stores) {
    let requests = request_logs(organization(1));
    let logs = fill(stores, requests, 0..200, 8).await;
    let mut dice = Dice(9);
    let keys = [
        LogField::Scalar(Field::Model),
        LogField::Scalar(Field::CustomIdentifier),
        LogField::Scalar(Field::Note),
        LogField::Metadata("tier".to_owned()),
        LogField::Metadata("mixed".to_owned()),
        LogField::Metadata("user.plan".to_owned()),
    ];
    for round in 0..100 {
        let filter = filter(&mut dice, 2, round % 2 == 0);
        let matching = expected(&logs, &filter, &by_id());
        let by = dice.pick(&keys).clone();
        let bound = any_bound(&mut dice);
        let groups = stores.logs.groups(requests, filter.clone(), by.clone(), bound).await.unwrap();
        let mut wanted: Vec<_> =
            expected_groups(&matching, &by).into_iter().map(|(key, sums)| Group { key, sums }).collect();
        assert_eq!(groups.total, wanted.len() as u64, "{filter:?} {by:?}");
        wanted.sort_by(|left, right| bound.compare(left, right));
        wanted.truncate(bound.most);
        assert_eq!(groups.groups, wanted, "{filter:?} {by:?} {bound:?}");
    }
}

fn any_bound(dice: &mut Dice) -> GroupBound {
    let order = *dice.pick(&[
        GroupOrder::Key,
        GroupOrder::Rows,
        GroupOrder::Cost,
        GroupOrder::Tokens,
        GroupOrder::Errors,
        GroupOrder::ErrorShare,
        GroupOrder::MeanCost,
        GroupOrder::MeanTokens,
        GroupOrder::MeanLatency,
        GroupOrder::MeanTimeToFirstToken,
        GroupOrder::MeanTokensPerSecond,
        GroupOrder::CacheHitShare,
    ]);
    GroupBound { most: *dice.pick(&[0, 1, 3, 1_000]), order, descending: dice.one_in(2) }
}

/// Spelled out, since the order itself is shared by the stores.
pub async fn groups_are_ordered_bounded_and_counted(stores: &Stores) {
    let requests = request_logs(organization(1));
    let of = |number: usize, model: Option<&str>, cost: f64| {
        let mut log = Log::new(log_id(number));
        log.scalars.set(Field::Model, model.map(|model| Scalar::Text(model.to_owned())));
        log.scalars.set(Field::Cost, Some(Scalar::Float(cost)));
        log
    };
    let logs = [
        of(0, Some("b"), 1.0),
        of(1, Some("a"), 4.0),
        of(2, Some("c"), 0.5),
        of(3, Some("c"), 0.5),
        of(4, None, 2.0),
        of(5, None, 0.0),
        of(6, None, 0.0),
    ];
    stores.logs.insert(requests, logs.to_vec(), Existing::Keep).await.unwrap();
    let (b, a, c, none) = (Some("b"), Some("a"), Some("c"), None);
    for (order, descending, most, wanted) in [
        (GroupOrder::Rows, true, 9, vec![none, c, a, b]),
        (GroupOrder::Rows, false, 3, vec![a, b, c]),
        (GroupOrder::Key, false, 9, vec![a, b, c, none]),
        (GroupOrder::Key, true, 9, vec![c, b, a, none]),
        (GroupOrder::Cost, true, 2, vec![a, none]),
        (GroupOrder::Cost, false, 9, vec![c, b, none, a]),
        (GroupOrder::Rows, true, 0, vec![]),
    ] {
        let bound = GroupBound { most, order, descending };
        let groups = stores.logs.groups(requests, Tree::all(), LogField::Scalar(Field::Model), bound).await.unwrap();
        let keys: Vec<_> = groups.groups.iter().map(|group| group.key.as_deref()).collect();
        assert_eq!((keys, groups.total), (wanted, 4), "{bound:?}");
    }
}

pub async fn statistics_of_a_few_rows(stores: &Stores) {
    let requests = request_logs(organization(1));
    let of = |number: usize, cost: Option<f64>, mixed: Value| {
        let mut log = Log::new(log_id(number));
        log.scalars.set(Field::Cost, cost.map(Scalar::Float));
        log.metadata.insert("mixed".to_owned(), mixed);
        log
    };
    let logs = [
        of(0, Some(1.0), json!("x")),
        of(1, Some(-0.0), json!(1)),
        of(2, Some(2.5), json!(1.0)),
        of(3, None, json!([1])),
        of(4, Some(2.0), json!(true)),
        of(5, None, Value::Null),
        of(6, Some(9.0), json!(2)),
    ];
    stores.logs.insert(requests, logs.to_vec(), Existing::Keep).await.unwrap();
    let (cost, mixed) = (LogField::Scalar(Field::Cost), LogField::Metadata("mixed".to_owned()));
    let measures = [
        Measure::Histogram { field: cost.clone(), bounds: vec![0.0, 2.0, 9.5] },
        Measure::Histogram { field: mixed.clone(), bounds: Vec::new() },
        Measure::Top { field: mixed, most: 3 },
        Measure::Top { field: LogField::Scalar(Field::Note), most: 3 },
    ];
    let Statistics { rows, of } = stores.logs.statistics(requests, Tree::all(), &measures).await.unwrap();
    assert_eq!((rows, of.len()), (7, 4));
    let histogram = |counts: &[u64], least, greatest, (others, nulls)| {
        let (least, greatest) = (Some(least), Some(greatest));
        Statistic::Histogram(Histogram { counts: counts.to_vec(), least, greatest, others, nulls })
    };
    assert_eq!(of[0], histogram(&[0, 2, 3, 0], 0.0, 9.0, (0, 2)));
    assert_eq!(of[1], histogram(&[3], 1.0, 2.0, (3, 1)));
    let values = ["1", "1.0", "2"].map(|text| (text.to_owned(), 1)).to_vec();
    assert_eq!(of[2], Statistic::Top(TopValues { values, distinct: 6, nulls: 1 }));
    assert_eq!(of[3], Statistic::Top(TopValues { nulls: 7, ..TopValues::default() }));
    let none = stores.logs.statistics(requests, Tree::none(), &measures[..1]).await.unwrap();
    let nothing = Statistic::Histogram(Histogram { counts: vec![0; 4], ..Histogram::default() });
    assert_eq!(none, Statistics { rows: 0, of: vec![nothing] });
}

/// What a measure has to come to, computed another way.
fn expected_statistic(logs: &[Log], measure: &Measure) -> Statistic {
    let none = ComparedScores::none();
    match measure {
        Measure::Top { field, most } => {
            let mut counts: BTreeMap<String, u64> = BTreeMap::new();
            let keys: Vec<_> = logs.iter().filter_map(|log| reference::group_key(log, field)).collect();
            let nulls = (logs.len() - keys.len()) as u64;
            for key in keys {
                *counts.entry(key).or_default() += 1;
            }
            let distinct = counts.len() as u64;
            let mut values: Vec<_> = counts.into_iter().collect();
            values.sort_by_key(|(_, rows)| std::cmp::Reverse(*rows));
            values.truncate(*most);
            Statistic::Top(TopValues { values, distinct, nulls })
        }
        Measure::Histogram { field, bounds } => {
            let keys: Vec<_> = logs.iter().map(|log| meaning::order(field, log, &none)).collect();
            let nulls = keys.iter().filter(|key| **key == SortKey::Null).count() as u64;
            let number = |key: &SortKey<'_>| match key {
                SortKey::Int(number) => Some(*number as f64),
                SortKey::Number(number) => Some(*number),
                _ => None,
            };
            let numbers: Vec<f64> = keys.iter().filter_map(number).collect();
            let below = |bound: &f64| numbers.iter().filter(|number| *number < bound).count() as u64;
            let mut passed = 0;
            let mut counts = Vec::new();
            for count in bounds.iter().map(below).chain([numbers.len() as u64]) {
                counts.push(count - passed);
                passed = count;
            }
            let (least, greatest) =
                (numbers.iter().copied().reduce(f64::min), numbers.iter().copied().reduce(f64::max));
            let others = logs.len() as u64 - nulls - numbers.len() as u64;
            Statistic::Histogram(Histogram { counts, least, greatest, others, nulls })
        }
    }
}

pub async fn statistics_agree_with_the_reference(stores: &Stores) {
    let requests = request_logs(organization(1));
    let logs = fill(stores, requests, 0..200, 12).await;
    let mut dice = Dice(13);
    for round in 0..100 {
        let filter = filter(&mut dice, 2, round % 2 == 0);
        let matching = expected(&logs, &filter, &by_id());
        let measures: Vec<_> = (0..dice.below(4))
            .map(|_| {
                let field = any_sort(&mut dice).field;
                if dice.one_in(2) {
                    return Measure::Top { field, most: dice.below(6) };
                }
                let bounds = [-1.0, 0.0, 0.25, 1.0, 200.0, 404.0, 1.7e15];
                Measure::Histogram { field, bounds: bounds.into_iter().filter(|_| dice.one_in(2)).collect() }
            })
            .collect();
        let found = stores.logs.statistics(requests, filter.clone(), &measures).await.unwrap();
        let of = measures.iter().map(|measure| expected_statistic(&matching, measure)).collect();
        assert_eq!(found, Statistics { rows: matching.len() as u64, of }, "{filter:?} {measures:?}");
    }
}
