//! Reads that nobody waits for any more end, and long ones leave room for short ones.

use super::*;
use crate::Engine;
use crate::engine::readers::RESERVED;
use evalset_model::field::{Field, TextField};
use evalset_model::filter::{Compare, LogField, LogFilter, Test, Tree};
use evalset_model::job::Lane;
use evalset_model::log::Log;
use evalset_model::page::Window;
use evalset_store::logs::{Existing, GroupBound, Logs, Pick, Query};
use evalset_store::{Health, Jobs};
use serde_json::json;
use std::sync::Arc;
use std::time::Duration;
use tokio::task::JoinSet;
use tokio::time::timeout;

/// Far less than the scans of these tests take, far more than a look at one row.
const PROMPTLY: Duration = Duration::from_secs(15);

/// No row of 2 KB has any of these words: each is looked for in each row, which takes minutes.
fn endless() -> LogFilter {
    let needles = (0..20_000).map(|number| format!("word{number}x")).collect();
    let test = Test::Contains { needles, fold: false };
    Tree::Not(Box::new(Tree::Compare(Compare { field: LogField::Text(TextField::Input), test })))
}

async fn engine(directory: &Path) -> Arc<Engine> {
    let engine = Engine::open(&options(directory)).unwrap();
    let text = "some words that are in every row ".repeat(60);
    let logs = (0..4_000).map(|number| {
        let mut log = Log::new(log_id(number));
        log.payload.insert("input".to_owned(), json!(text));
        log
    });
    engine.insert(request_logs(organization(1)), logs.collect(), Existing::Keep).await.unwrap();
    engine
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn scans_leave_room_and_end_with_their_callers() {
    let directory = tempfile::tempdir().unwrap();
    let engine = engine(directory.path()).await;
    let requests = request_logs(organization(1));
    engine.sums(requests, Tree::all()).await.unwrap();
    let all = engine.readers.free();
    let filter = Arc::new(endless());
    for kind in 0..4 {
        let mut scans = JoinSet::new();
        for _ in 0..all {
            let (engine, filter) = (engine.clone(), LogFilter::clone(&filter));
            scans.spawn(async move {
                match kind {
                    0 => {
                        let query = Query { filter, sort: by_id(), window: Window { offset: 0, limit: 10 } };
                        engine.page(requests, query).await.map(drop)
                    }
                    1 => engine.sums(requests, filter).await.map(drop),
                    2 => engine
                        .groups(requests, filter, LogField::Scalar(Field::Model), GroupBound::all())
                        .await
                        .map(drop),
                    _ => engine.select(requests, Pick::of(filter)).await.map(drop),
                }
            });
        }
        let taken = async {
            while engine.readers.free() > RESERVED {
                tokio::task::yield_now().await;
            }
        };
        timeout(PROMPTLY, taken).await.unwrap();
        // The scans hold all that they can get; what is short is answered nevertheless.
        let short = async {
            assert!(Logs::get(&*engine, requests, &log_id(7)).await.unwrap().is_some());
            assert!(engine.claim(Lane::Rows, &worker(1), 1, LEASE).await.unwrap().is_none());
            assert!(Jobs::get(&*engine, organization(1), job_id(1)).await.unwrap().is_none());
            engine.readable().await.unwrap();
        };
        timeout(PROMPTLY, short).await.unwrap();
        assert_eq!(engine.readers.free(), RESERVED);
        assert!(scans.try_join_next().is_none());
        scans.shutdown().await;
        timeout(PROMPTLY, engine.readers.await_free(all)).await.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn scans_end_when_the_store_closes() {
    let directory = tempfile::tempdir().unwrap();
    let engine = engine(directory.path()).await;
    let requests = request_logs(organization(1));
    let all = engine.readers.free();
    let mut scans = JoinSet::new();
    scans.spawn({
        let engine = engine.clone();
        async move { engine.sums(requests, endless()).await }
    });
    let taken = async {
        while engine.readers.free() == all {
            tokio::task::yield_now().await;
        }
    };
    timeout(PROMPTLY, taken).await.unwrap();
    engine.close().await;
    assert!(timeout(PROMPTLY, scans.join_next()).await.unwrap().unwrap().unwrap().is_err());
}
