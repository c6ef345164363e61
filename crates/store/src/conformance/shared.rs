//! What nodes share: signals, turns, windows; and who is there.

use super::samples::*;
use crate::Stores;
use crate::shared::{Bound, Notice, Taken};
use evalset_model::job::Lane;
use parking_lot::Mutex;
use std::time::Duration;
use tokio::time::timeout;

const SOON: Duration = Duration::from_millis(50);
const LATE: Duration = Duration::from_secs(10);

pub async fn wakes_are_kept(stores: &Stores) {
    let shared = &stores.shared;
    let woken = async |lane, time| timeout(time, shared.woken(lane)).await.is_ok();
    assert!(!woken(Lane::Rows, SOON).await);
    // It came while nobody waited.
    shared.wake(Lane::Rows);
    assert!(!woken(Lane::Runs, SOON).await);
    assert!(woken(Lane::Rows, LATE).await);
    assert!(!woken(Lane::Rows, SOON).await);
    let (woke, ()) = tokio::join!(woken(Lane::Runs, LATE), async {
        tokio::task::yield_now().await;
        shared.wake(Lane::Runs);
    });
    assert!(woke);
}

pub async fn notices_reach_everyone(stores: &Stores) {
    stores.shared.tell(Notice::Stop);
    let (mut first, mut second) = (stores.shared.notices(), stores.shared.notices());
    let told = [Notice::Provider(organization(1)), Notice::Stop];
    for notice in told {
        stores.shared.tell(notice);
    }
    for listener in [&mut first, &mut second] {
        for notice in told {
            assert_eq!(timeout(LATE, listener.next()).await.unwrap(), notice);
        }
        assert!(timeout(SOON, listener.next()).await.is_err());
    }
    // Who is slow learns that he missed something, and hears what comes after.
    for _ in 0..10_000 {
        stores.shared.tell(Notice::Stop);
    }
    assert_eq!(timeout(LATE, first.next()).await.unwrap(), Notice::Missed);
    stores.shared.tell(Notice::Provider(organization(2)));
    let mut last = Notice::Stop;
    while last != Notice::Provider(organization(2)) {
        last = timeout(LATE, second.next()).await.unwrap();
    }
}

pub async fn turns_come_one_after_the_other(stores: &Stores) {
    let (inside, order) = (Mutex::new(0), Mutex::new(Vec::new()));
    let work = async |name: &'static str| {
        let _turn = stores.shared.turn("ann").await.unwrap();
        *inside.lock() += 1;
        for _ in 0..5 {
            assert_eq!(*inside.lock(), 1);
            tokio::task::yield_now().await;
        }
        *inside.lock() -= 1;
        order.lock().push(name);
    };
    tokio::join!(work("a"), work("b"), work("c"));
    assert_eq!(*order.lock(), ["a", "b", "c"]);
    // One who goes away gives his turn up.
    let turn = stores.shared.turn("ann").await.unwrap();
    assert!(timeout(SOON, stores.shared.turn("ann")).await.is_err());
    drop(turn);
    timeout(LATE, stores.shared.turn("ann")).await.unwrap().unwrap();
}

pub async fn windows_slide(stores: &Stores) {
    let bound = Bound { limit: 3, length: 60 };
    let take = async |window: &str, amount, at| stores.shared.take(window, amount, bound, at).await.unwrap();
    for at in [100, 110, 120] {
        assert_eq!(take("mine", 1, at).await, Taken::Now);
    }
    assert_eq!(take("mine", 1, 130).await, Taken::NotBefore(160));
    assert_eq!(take("mine", 2, 159).await, Taken::NotBefore(170));
    assert_eq!(take("mine", 1, 160).await, Taken::Now);
    // Another one has room of its own, and more than the whole limit goes through when it is empty.
    assert_eq!(take("theirs", 9, 160).await, Taken::Now);
    assert_eq!(take("theirs", 1, 161).await, Taken::NotBefore(220));
}

pub async fn a_node_is_home_of_everything_when_alone(stores: &Stores) {
    let nodes = &stores.nodes;
    nodes.beat(5, 10).await.unwrap();
    assert_eq!(nodes.live(6).await.unwrap(), [nodes.me().clone()]);
    for place in [request_logs(organization(1)), rows_of(organization(2), dataset_id(3))] {
        assert_eq!(nodes.home(place, 6).await.unwrap(), *nodes.me());
    }
}
