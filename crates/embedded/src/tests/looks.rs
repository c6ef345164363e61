//! Looks at the columns that last: nobody who writes waits for them, whoever reads sees what was written, and they
//! themselves see one commit from beginning to end.

use super::*;
use crate::{Engine, stores};
use evalset_index::CollectionNumber;
use evalset_model::field::Field;
use evalset_model::filter::Tree;
use evalset_model::ids::{Collection, LogId};
use evalset_model::log::Log;
use evalset_store::logs::{Change, Existing};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread::JoinHandle;
use tokio::task::JoinSet;
use tokio::time::timeout;

/// Far more than a write or a read takes.
const PROMPTLY: Duration = Duration::from_secs(15);
/// Far more than it takes to find out that one need not wait.
const A_WHILE: Duration = Duration::from_millis(300);

/// A look at the columns of a collection that goes on until it is let go.
struct Held {
    release: Sender<()>,
    /// Rows at its beginning and at its end.
    rows: JoinHandle<(u64, u64)>,
}

impl Held {
    /// Begins to look.
    fn at(engine: &Arc<Engine>, name: Collection) -> Self {
        let (release, released) = channel::<()>();
        let (begin, begun): (Sender<()>, Receiver<()>) = channel();
        let engine = engine.clone();
        let rows = std::thread::spawn(move || {
            let lease = engine.readers.spare().unwrap();
            let view = engine.answers.view(&lease, name, false, |columns| {
                let rows = columns.len();
                begin.send(()).unwrap();
                released.recv_timeout(PROMPTLY * 4).unwrap();
                (rows, columns.len())
            });
            view.unwrap().unwrap().seen
        });
        begun.recv_timeout(PROMPTLY).unwrap();
        Self { release, rows }
    }

    /// Ends the look; how many rows it saw, from its beginning to its end.
    fn end(self) -> u64 {
        self.release.send(()).unwrap();
        let (first, last) = self.rows.join().unwrap();
        assert_eq!(first, last, "a look sees one commit");
        first
    }
}

fn engine(options: &Options) -> (Arc<Engine>, Stores) {
    let engine = Engine::open(options).unwrap();
    let stores = stores(&engine, options.exports_dir.clone());
    (engine, stores)
}

/// Commits that the index of a collection does not have yet.
fn waits(engine: &Engine, collection: CollectionNumber) -> bool {
    engine.answers.indexes().waits(collection)
}

fn model(name: &'static str) -> Change {
    Arc::new(move |mut log: Log| {
        log.scalars.set_text(Field::Model, name);
        Ok(log)
    })
}

/// The number of the collection that was written to first.
const FIRST: CollectionNumber = CollectionNumber(1);

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn writes_do_not_wait_for_a_look() {
    let directory = tempfile::tempdir().unwrap();
    let (engine, stores) = engine(&quiet(directory.path()));
    let (mine, theirs) = (request_logs(organization(1)), rows_of(organization(2), dataset_id(2)));
    let mut logs = fill(&stores, mine, 0..200, 1).await;
    let held = Held::at(&engine, mine);
    let written = async {
        logs.extend(fill(&stores, mine, 200..260, 2).await);
        for number in [3, 130, 255] {
            logs[number] = stores.logs.update(mine, &log_id(number), model("other")).await.unwrap().log;
        }
        stores.logs.delete(mine, &[log_id(7), log_id(259)]).await.unwrap();
        // What others write and read is there at once.
        stores.datasets.create(dataset(organization(2), dataset_id(2), 0), None).await.unwrap();
        let others = fill(&stores, theirs, 0..70, 3).await;
        assert_eq!(all(&stores, theirs).await, others);
        // So is what is read from the file.
        assert_eq!(get(&stores, mine, &log_id(255)).await.as_ref(), logs.get(255));
        assert_eq!(get(&stores, mine, &log_id(7)).await, None);
    };
    timeout(PROMPTLY, written).await.expect("a write waits for a look");
    assert!(waits(&engine, FIRST));
    assert_eq!(held.end(), 200);
    logs.retain(|log| ![log_id(7), log_id(259)].contains(&log.id));
    assert_eq!(all(&stores, mine).await, logs);
    assert!(!waits(&engine, FIRST));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_reads_behind_a_look_sees_what_was_written() {
    let directory = tempfile::tempdir().unwrap();
    let (engine, stores) = engine(&quiet(directory.path()));
    let requests = request_logs(organization(1));
    fill(&stores, requests, 0..100, 1).await;
    let held = Held::at(&engine, requests);
    // Nothing was written since: who comes looks beside.
    assert_eq!(timeout(PROMPTLY, all(&stores, requests)).await.unwrap().len(), 100);
    stores.logs.update(requests, &log_id(5), model("other")).await.unwrap();
    let mut readers = JoinSet::new();
    for _ in 0..4 {
        let stores = stores.clone();
        readers.spawn(async move { page(&stores, requests, model_is("other"), by_id(), (0, 9)).await.total });
    }
    assert!(timeout(A_WHILE, readers.join_next()).await.is_err(), "it cannot know yet");
    // Written while they wait: it may be seen, and must not confuse.
    stores.logs.update(requests, &log_id(6), model("other")).await.unwrap();
    assert_eq!(held.end(), 100);
    while let Some(total) = timeout(PROMPTLY, readers.join_next()).await.unwrap() {
        assert!([1, 2].contains(&total.unwrap()));
    }
    assert_eq!(page(&stores, requests, model_is("other"), by_id(), (0, 9)).await.total, 2);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_waited_is_applied_in_order_though_nobody_asks() {
    let directory = tempfile::tempdir().unwrap();
    let (engine, stores) = engine(&quiet(directory.path()));
    let requests = request_logs(organization(1));
    fill(&stores, requests, 0..100, 1).await;
    assert_eq!(all(&stores, requests).await.len(), 100);
    let held = Held::at(&engine, requests);
    for turn in 0..20 {
        // One row changes again and again, another goes and comes back under the same id.
        stores.logs.update(requests, &log_id(5), model(["even", "odd"][turn % 2])).await.unwrap();
        stores.logs.delete(requests, &[log_id(6)]).await.unwrap();
        fill(&stores, requests, 6..7, turn as u64).await;
    }
    stores.logs.delete(requests, &[log_id(6)]).await.unwrap();
    assert!(waits(&engine, FIRST));
    assert_eq!(held.end(), 100);
    let settled = async {
        while waits(&engine, FIRST) {
            tokio::task::yield_now().await;
        }
    };
    timeout(PROMPTLY, settled).await.expect("the keeper applies what waits");
    let page = page(&stores, requests, model_is("odd"), by_id(), (0, 9)).await;
    assert_eq!(ids(&page.rows), [log_id(5).as_str()]);
    assert_eq!(all(&stores, requests).await.len(), 99);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn writes_wait_when_too_much_waits() {
    let directory = tempfile::tempdir().unwrap();
    let mut options = quiet(directory.path());
    options.limits.pending_memory_bytes = 100_000;
    let (engine, stores) = engine(&options);
    let requests = request_logs(organization(1));
    fill(&stores, requests, 0..100, 1).await;
    assert_eq!(all(&stores, requests).await.len(), 100);
    let held = Held::at(&engine, requests);
    timeout(PROMPTLY, fill(&stores, requests, 100..105, 2)).await.unwrap();
    let mut writers = JoinSet::new();
    let more = stores.clone();
    writers.spawn(async move { fill(&more, requests, 105..305, 3).await });
    assert!(timeout(A_WHILE, writers.join_next()).await.is_err());
    assert_eq!(held.end(), 100);
    timeout(PROMPTLY, writers.join_next()).await.unwrap().unwrap().unwrap();
    assert_eq!(all(&stores, requests).await.len(), 305);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_index_that_is_given_up_is_read_anew_beside_the_look() {
    let directory = tempfile::tempdir().unwrap();
    let (engine, stores) = engine(&quiet(directory.path()));
    let rows = rows_of(organization(1), dataset_id(2));
    stores.datasets.create(dataset(organization(1), dataset_id(2), 0), None).await.unwrap();
    let mut logs = fill(&stores, rows, 0..100, 1).await;
    assert_eq!(all(&stores, rows).await, logs);
    let held = Held::at(&engine, rows);
    logs.extend(fill(&stores, rows, 100..110, 2).await);
    // As when the slug of an evaluator changes, and every score may be shown under another one.
    let reload = engine.writer.run(1, |tx| {
        tx.change(FIRST, evalset_index::Change::Reload);
        tx.count(FIRST, 0, 0)
    });
    timeout(PROMPTLY, reload).await.unwrap().unwrap();
    logs.extend(fill(&stores, rows, 110..120, 3).await);
    assert_eq!(timeout(PROMPTLY, all(&stores, rows)).await.unwrap(), logs);
    assert_eq!(held.end(), 100);
    assert_eq!(all(&stores, rows).await, logs);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_waits_when_the_store_closes_is_not_lost() {
    let directory = tempfile::tempdir().unwrap();
    let (engine, stores) = engine(&quiet(directory.path()));
    let requests = request_logs(organization(1));
    fill(&stores, requests, 0..200, 1).await;
    let mut logs = all(&stores, requests).await;
    // An earlier snapshot is there and could be taken for the newest.
    stores.health.close().await;
    drop((engine, stores));
    for round in 0..3 {
        let (engine, stores) = self::engine(&quiet(directory.path()));
        assert_eq!(all(&stores, requests).await, logs);
        let held = Held::at(&engine, requests);
        let first = 200 + round * 50;
        logs.extend(fill(&stores, requests, first..first + 50, 2).await);
        if round > 0 {
            logs[5] = stores.logs.update(requests, &log_id(5), model(["a", "b", "c"][round])).await.unwrap().log;
        }
        assert!(waits(&engine, FIRST));
        if round == 2 {
            assert_eq!(held.end(), first as u64);
            timeout(PROMPTLY, stores.health.close()).await.unwrap();
            continue;
        }
        // It lasts so long that the index cannot be kept as it should be, and no longer: the end also waits for
        // transactions.
        let look = async {
            tokio::time::sleep(Duration::from_secs(1)).await;
            assert_eq!(held.end(), first as u64);
        };
        timeout(PROMPTLY, async { tokio::join!(stores.health.close(), look) }).await.unwrap();
    }
    let (_engine, stores) = self::engine(&quiet(directory.path()));
    assert_eq!(all(&stores, requests).await, logs);
    let changed: Vec<LogId> =
        page(&stores, requests, model_is("c"), by_id(), (0, 9)).await.rows.into_iter().map(|log| log.id).collect();
    assert_eq!(changed, [log_id(5)]);
}

/// Text filters take more connections along, at the same commit: the writer must not wait for a look on their behalf
/// either.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_search_that_waits_for_a_look_holds_up_nobody() {
    let directory = tempfile::tempdir().unwrap();
    let (engine, stores) = engine(&quiet(directory.path()));
    let (mine, theirs) = (request_logs(organization(1)), request_logs(organization(2)));
    fill(&stores, mine, 0..100, 1).await;
    assert_eq!(all(&stores, mine).await.len(), 100);
    let held = Held::at(&engine, mine);
    stores.logs.insert(mine, vec![Log::new(log_id(500))], Existing::Keep).await.unwrap();
    let mut readers = JoinSet::new();
    for _ in 0..2 {
        let stores = stores.clone();
        let filter = Tree::Not(Box::new(contains(evalset_model::field::TextField::Output, "nowhere", true)));
        readers.spawn(async move { page(&stores, mine, filter, by_id(), (0, 1_000)).await.total });
    }
    assert!(timeout(A_WHILE, readers.join_next()).await.is_err());
    timeout(PROMPTLY, fill(&stores, theirs, 0..10, 2)).await.expect("a write waits for a search");
    timeout(PROMPTLY, fill(&stores, mine, 100..110, 3)).await.expect("a write waits for a search");
    assert_eq!(held.end(), 100);
    while let Some(total) = timeout(PROMPTLY, readers.join_next()).await.unwrap() {
        assert!((101..=111).contains(&total.unwrap()));
    }
}
