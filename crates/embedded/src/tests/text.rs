//! Text indexes: they are used, and whatever became of their files, answers are those of the rows.

use super::snapshots::harm_file;
use super::*;
use crate::Engine;
use evalset_model::field::{Field, TextField};
use evalset_model::filter::{LogField, LogFilter, Test, Tree, meaning};
use evalset_model::ids::Collection;
use evalset_model::log::Log;
use evalset_model::score::ComparedScores;
use evalset_store::logs::{Change, Existing};
use serde_json::json;
use std::fs;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

fn files(data: &Path) -> Vec<PathBuf> {
    let mut files: Vec<PathBuf> = fs::read_dir(data.join("text"))
        .into_iter()
        .flatten()
        .filter_map(|folder| fs::read_dir(folder.ok()?.path()).ok())
        .flatten()
        .filter_map(|file| Some(file.ok()?.path()))
        .collect();
    files.sort();
    files
}

/// Copies the text indexes of a store that may be at work: files may go meanwhile.
pub(super) fn copy(from: &Path, to: &Path) {
    for file in files(from) {
        let target = to.join(file.strip_prefix(from).unwrap());
        fs::create_dir_all(target.parent().unwrap()).unwrap();
        let _ = fs::copy(&file, target);
    }
}

/// Does something else to the files each time: nothing, cut, one bit turned, gone.
pub(super) fn harm(data: &Path, turn: usize) {
    for (at, file) in files(data).iter().enumerate() {
        harm_file(file, turn + at);
    }
}

fn mine() -> Collection {
    request_logs(organization(1))
}

/// Waits until the indexes have every row.
async fn caught_up(engine: &Arc<Engine>) {
    for _ in 0..20_000 {
        let asked = engine.clone();
        let done = engine.readers.run(move |lease| asked.answers.texts().caught_up(lease)).await.unwrap();
        if done {
            return;
        }
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    panic!("the text index does not catch up");
}

/// What a killed process leaves, now.
fn killed(data: &Path) -> TempDir {
    snapshots::left_behind(data)
}

/// Makes every payload unreadable behind the back of the store.
fn spoil(data: &Path) {
    let connection = rusqlite::Connection::open(data.join("evalset.db")).unwrap();
    connection.busy_timeout(Duration::from_secs(10)).unwrap();
    connection.execute("UPDATE payload SET codec = 9", []).unwrap();
}

fn expected(logs: &[Log], filter: &LogFilter) -> u64 {
    logs.iter().filter(|log| meaning::holds(filter, log, &ComparedScores::none())).count() as u64
}

/// Filters that an index answers alone.
fn certain() -> Vec<LogFilter> {
    let text = |field, test| compare(LogField::Text(field), test);
    let words = |words: &[&str]| Test::Words(words.iter().map(|word| (*word).to_owned()).collect());
    let mut filters = vec![
        contains(TextField::Input, "Or", false),
        contains(TextField::Input, "or", true),
        contains(TextField::Output, "größe", true),
        contains(TextField::FullText, "ay", false),
        contains(TextField::Output, "\":\"", false),
        contains(TextField::Output, "hello world", false),
        contains(TextField::Output, "lo wo", true),
        text(TextField::Input, words(&["refund", "late"])),
        text(TextField::FullText, words(&["hello", "assistant"])),
        text(TextField::Input, Test::StartsWith(vec!["re".to_owned(), "[".to_owned()])),
        text(TextField::Input, Test::EndsWith(vec!["d".to_owned()])),
        text(TextField::Input, Test::IsNull),
        text(TextField::ExpectedOutput, Test::Empty),
    ];
    filters.extend(filters.clone().into_iter().map(|filter| Tree::Not(Box::new(filter))));
    filters.push(Tree::And(vec![filters[1].clone(), model_is("claude")]));
    filters.push(Tree::Or(vec![filters[3].clone(), Tree::Not(Box::new(filters[5].clone()))]));
    filters
}

#[tokio::test]
async fn payloads_are_not_read_where_the_index_knows() {
    let directory = tempfile::tempdir().unwrap();
    let engine = Engine::open(&options(directory.path())).unwrap();
    let stores = super::super::stores(&engine, directory.path().join("exports"));
    let logs = fill(&stores, mine(), 0..400, 1).await;
    caught_up(&engine).await;
    spoil(directory.path());
    for filter in certain() {
        let expected = expected(&logs, &filter);
        assert_eq!(stores.logs.sums(mine(), filter.clone()).await.unwrap().rows, expected, "{filter:?}");
    }
    let punctuated = contains(TextField::Output, "\":\"hello", false);
    assert!(expected(&logs, &punctuated) > 0);
    assert_eq!(stores.logs.sums(mine(), punctuated).await.unwrap().rows, 0, "how gaps stand to words has to be read");
    stores.health.close().await;

    // The next process has it at once, or as soon as it is opened.
    let engine = Engine::open(&options(directory.path())).unwrap();
    let stores = super::super::stores(&engine, directory.path().join("exports"));
    caught_up(&engine).await;
    let filter = &certain()[0];
    assert_eq!(stores.logs.sums(mine(), filter.clone()).await.unwrap().rows, expected(&logs, filter));
}

/// Gives a row another text.
fn rewritten(number: usize) -> Change {
    Arc::new(move |mut log: Log| {
        log.payload.insert("input".to_owned(), json!(format!("Rewritten {number} order")));
        Ok(log)
    })
}

/// The answers to all sorts of filters are those of these rows.
async fn agree(stores: &Stores, logs: &[Log], dice: &mut Dice) {
    let filters = (0..60).map(|_| filter(dice, 2, true)).chain(certain());
    let rewritten = ["rewritten", "ewr", "order", "written 7", "rewritten 1 ord"];
    let more = rewritten.iter().map(|needle| contains(TextField::Input, needle, true));
    for filter in filters.chain(more).collect::<Vec<_>>() {
        let mut wanted: Vec<&str> = logs
            .iter()
            .filter(|log| meaning::holds(&filter, log, &ComparedScores::none()))
            .map(|log| log.id.as_str())
            .collect();
        wanted.sort_unstable();
        let page = page(stores, mine(), filter.clone(), by_id(), (0, 10_000)).await;
        assert_eq!(ids(&page.rows), wanted, "{filter:?}");
        assert_eq!(page.total, wanted.len() as u64);
    }
}

/// Additions, changes and removals, with the index ahead of them, behind them, killed, harmed or brought back.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn answers_are_those_of_the_rows() {
    let mut dice = Dice(11);
    let mut directory = tempfile::tempdir().unwrap();
    let mut engine = Engine::open(&options(directory.path())).unwrap();
    let mut logs: Vec<Log> = Vec::new();
    let mut backup: Option<(TempDir, Vec<Log>)> = None;
    for turn in 0..36 {
        let stores = super::super::stores(&engine, directory.path().join("exports"));
        logs.extend(fill(&stores, mine(), turn * 30..turn * 30 + 1 + dice.below(29), turn as u64).await);
        for number in 0..dice.below(12) {
            let at = dice.below(logs.len());
            logs[at] = stores.logs.update(mine(), &logs[at].id.clone(), rewritten(number)).await.unwrap().log;
        }
        for _ in 0..dice.below(4).min(logs.len() - 1) {
            let gone = logs.swap_remove(dice.below(logs.len()));
            stores.logs.delete(mine(), &[gone.id]).await.unwrap();
        }
        if dice.one_in(2) {
            caught_up(&engine).await;
        }
        agree(&stores, &logs, &mut dice).await;
        match turn % 6 {
            1 => fs::remove_dir_all(directory.path().join("text")).unwrap_or_default(),
            2 => {
                let left = killed(directory.path());
                stores.health.close().await;
                directory = left;
                engine = Engine::open(&options(directory.path())).unwrap();
            }
            3 => {
                stores.health.close().await;
                harm(directory.path(), turn);
                backup = Some((killed(directory.path()), logs.clone()));
                engine = Engine::open(&options(directory.path())).unwrap();
            }
            // The data file is brought back, the index of a later state stays: numbers of rows are given out again.
            5 => {
                stores.health.close().await;
                let (old, rows) = backup.take().unwrap();
                fs::remove_dir_all(old.path().join("text")).unwrap_or_default();
                copy(directory.path(), old.path());
                (directory, logs) = (old, rows);
                engine = Engine::open(&options(directory.path())).unwrap();
            }
            _ => {}
        }
    }
}

/// Texts change under readers and the indexer: each answer is of one commit.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn an_answer_is_of_one_commit() {
    let directory = tempfile::tempdir().unwrap();
    let stores = open(options(directory.path())).await.unwrap();
    let rows = |turn: usize| {
        (0..60).map(move |number| {
            let mut log = Log::new(log_id(number));
            let color = if (number + turn).is_multiple_of(2) { "red" } else { "blue" };
            log.scalars.set_text(Field::Model, color);
            log.payload.insert("input".to_owned(), json!(format!("it is {color} in turn {turn}")));
            log
        })
    };
    stores.logs.insert(mine(), rows(0).collect(), Existing::Keep).await.unwrap();
    let done = Arc::new(AtomicBool::new(false));
    let mut readers = tokio::task::JoinSet::new();
    for needle in ["red", "ed", "is red"] {
        let (stores, done) = (stores.clone(), done.clone());
        readers.spawn(async move {
            while !done.load(Ordering::Relaxed) {
                let page = page(&stores, mine(), contains(TextField::Input, needle, true), by_id(), (0, 100)).await;
                assert_eq!((page.total, page.rows.len()), (30, 30));
                assert!(page.rows.iter().all(|log| log.text(Field::Model) == Some("red")));
            }
        });
    }
    for turn in 1..400 {
        stores.logs.insert(mine(), rows(turn).collect(), Existing::Replace).await.unwrap();
        let last = format!("turn {turn}");
        let found = page(&stores, mine(), contains(TextField::Input, &last, false), by_id(), (0, 1)).await;
        assert_eq!(found.total, 60, "what was written is seen");
    }
    done.store(true, Ordering::Relaxed);
    while let Some(reader) = readers.join_next().await {
        reader.unwrap();
    }
}

#[tokio::test]
async fn an_index_goes_with_its_collection() {
    let directory = tempfile::tempdir().unwrap();
    let engine = Engine::open(&options(directory.path())).unwrap();
    let stores = super::super::stores(&engine, directory.path().join("exports"));
    let rows = rows_of(organization(1), dataset_id(1));
    stores.datasets.create(dataset(organization(1), dataset_id(1), 1), None).await.unwrap();
    fill(&stores, rows, 0..20, 1).await;
    caught_up(&engine).await;
    assert!(!files(directory.path()).is_empty());
    stores.datasets.delete(organization(1), dataset_id(1), 5).await.unwrap();
    for _ in 0..5_000 {
        if files(directory.path()).is_empty() {
            return;
        }
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    panic!("the index stays");
}
