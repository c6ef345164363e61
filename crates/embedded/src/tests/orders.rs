//! Orders that pages share: they are made beside requests, and what is written to their rows counts at once.

use super::*;
use evalset_model::field::Field;
use evalset_model::filter::{LogField, Tree};
use evalset_model::page::Sort;
use evalset_model::scalar::Scalar;
use evalset_store::logs::Change;
use std::sync::Arc;

fn by_cost() -> Sort {
    Sort { field: LogField::Scalar(Field::Cost), descending: true }
}

/// Asks for pages until they are taken from orders.
async fn pages_with_orders(stores: &Stores) -> f64 {
    for _ in 0..10_000 {
        page(stores, request_logs(organization(1)), Tree::all(), by_cost(), (40, 10)).await;
        let gauges = stores.health.gauges();
        let bytes = gauges.iter().find(|(name, _)| *name == "evalset_store_index_order_bytes").unwrap().1;
        if bytes > 0.0 {
            return bytes;
        }
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    panic!("no orders are made");
}

#[tokio::test]
async fn pages_are_the_same_with_and_without_them() {
    let directory = tempfile::tempdir().unwrap();
    let stores = open(quiet(directory.path())).await.unwrap();
    let oracle = evalset_store::memory::open();
    let requests = request_logs(organization(1));
    for stores in [&stores, &oracle] {
        fill(stores, requests, 0..300, 1).await;
    }
    for turn in 0..4 {
        assert!(pages_with_orders(&stores).await <= 300.0 * 2.0);
        for (offset, limit) in [(0, 25), (60, 25), (150, 10), (290, 25), (0, 1_000)] {
            let [found, expected] =
                [&stores, &oracle].map(|stores| page(stores, requests, Tree::all(), by_cost(), (offset, limit)));
            let (found, expected) = (found.await, expected.await);
            assert_eq!(found.rows, expected.rows, "{limit} rows after {offset}, turn {turn}");
        }
        // The order of its chunk is of no use from here on: the row must be first at once, or gone.
        let id = log_id(turn * 70);
        let change: Change = Arc::new(move |mut log| {
            log.scalars.set(Field::Cost, Some(Scalar::Float(1_000.0 + turn as f64)));
            Ok(log)
        });
        for stores in [&stores, &oracle] {
            stores.logs.update(requests, &id, change.clone()).await.unwrap();
        }
        assert_eq!(page(&stores, requests, Tree::all(), by_cost(), (0, 1)).await.rows[0].id, id);
        for stores in [&stores, &oracle] {
            stores.logs.delete(requests, &[log_id(turn * 70 + 1)]).await.unwrap();
        }
    }
    stores.health.close().await;
}

#[tokio::test]
async fn without_memory_for_them_there_are_none() {
    let directory = tempfile::tempdir().unwrap();
    let mut options = quiet(directory.path());
    options.limits.order_memory_bytes = 0;
    let stores = open(options).await.unwrap();
    fill(&stores, request_logs(organization(1)), 0..300, 1).await;
    for _ in 0..50 {
        page(&stores, request_logs(organization(1)), Tree::all(), by_cost(), (40, 10)).await;
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    assert!(stores.health.gauges().contains(&("evalset_store_index_order_bytes", 0.0)));
}
