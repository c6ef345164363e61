//! Reads by filter, held against the reference meaning.

use super::*;
use crate::origin::Lease;
use evalset_model::field::{Field, TextField};
use evalset_model::filter::{LogFilter, Tree, meaning};
use evalset_model::log::Log;
use evalset_model::page::{Sort, Window};
use evalset_store::conformance::samples::{Dice, any_sort, by_id, contains, filter, ids, log, log_id, sort};
use evalset_store::conformance::score_samples::{any_score, any_score_field, scored_filter};
use evalset_store::logs::{Pick, PickOrder, Query, Selected};
use serde_json::json;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

/// Rows of a collection that pass, in order, by the reference.
fn expected(ledger: &Ledger, of: CollectionNumber, filter: &LogFilter, sort: &Sort) -> Vec<String> {
    let mut passing: Vec<_> = ledger
        .rows(of)
        .into_iter()
        .map(|(_, log, shown)| (log, shown.compared()))
        .filter(|(log, scores)| meaning::holds(filter, log, scores))
        .map(|(log, scores)| (meaning::order(&sort.field, &log, &scores).into_owned(), log.id))
        .collect();
    passing.sort_by(|(left, one), (right, other)| {
        meaning::compare_keys(left, right, sort.descending).then_with(|| one.cmp(other))
    });
    passing.into_iter().map(|(_, id)| id.0).collect()
}

/// The same rows, as they are answered.
fn answered(answers: &Answers, ledger: &Arc<Ledger>, name: Collection, filter: LogFilter, sort: Sort) -> Vec<String> {
    let query = Query { filter, sort, window: Window { offset: 0, limit: 100_000 } };
    let page = answers.page(&ledger.read(), name, &query).unwrap();
    assert_eq!(page.total, page.rows.len() as u64);
    page.rows.into_iter().map(|row| row.log.id.0).collect()
}

/// All sorts of filters and orders agree with the reference.
fn agree(answers: &Answers, ledger: &Arc<Ledger>, dice: &mut Dice) {
    for (name, of) in [(names()[0], LOGS), (names()[1], ROWS)] {
        for turn in 0..12 {
            let filter = if turn % 2 == 0 { filter(dice, 2, true) } else { scored_filter(dice, true) };
            let order = if turn % 3 == 0 { sort(any_score_field(dice), dice.one_in(2)) } else { any_sort(dice) };
            let wanted = expected(ledger, of, &filter, &order);
            let found = answered(answers, ledger, name, filter.clone(), order.clone());
            assert_eq!(found, wanted, "{name:?} {filter:?} {order:?}");
            let sums = answers.sums(&ledger.read(), name, &filter).unwrap();
            assert_eq!(sums.rows, wanted.len() as u64);
            let pick = Pick { order: PickOrder::By(order), ..Pick::of(filter) };
            let selected = answers.select(&ledger.read(), name, &pick).unwrap();
            assert_eq!((selected.matches(), selected.len()), (wanted.len() as u64, wanted.len() as u64));
        }
    }
}

/// One random write.
fn write(ledger: &Ledger, number: &mut usize, dice: &mut Dice) {
    let of = if dice.one_in(2) { LOGS } else { ROWS };
    let rows = ledger.rows(of);
    *number += 1;
    match dice.below(10) {
        0..=3 => {
            let mut logs: Vec<Log> = (0..=dice.below(9)).map(|more| log(*number * 100 + more, dice)).collect();
            if of == ROWS && dice.one_in(2) {
                // Copies, which show the scores of the logs.
                let there = |log: &Log| rows.iter().any(|(_, row, _)| row.id == log.id);
                logs = ledger.rows(LOGS).into_iter().map(|(_, log, _)| log).filter(|log| !there(log)).take(5).collect();
            }
            ledger.add(of, logs);
        }
        4 | 5 if !rows.is_empty() => {
            let (row, old, _) = dice.pick(&rows).clone();
            let mut changed = log(*number, dice);
            changed.id = old.id;
            ledger.replace(of, row, changed);
        }
        6 if rows.len() > 4 => ledger.remove(of, dice.pick(&rows).0),
        7 | 8 if !rows.is_empty() => {
            let name = names()[usize::from(of == ROWS)];
            let (row, log, _) = dice.pick(&rows).clone();
            let at = *number as i64;
            ledger.score(of, row, any_score(*number as u128, name, log.id, at, dice));
        }
        9 if dice.one_in(4) => ledger.reload(of),
        _ => {}
    }
}

fn caught_up(answers: &Answers, ledger: &Arc<Ledger>) {
    for _ in 0..20_000 {
        if answers.texts().caught_up(&ledger.read()).unwrap() {
            return;
        }
        thread::sleep(Duration::from_millis(1));
    }
    panic!("the text index does not catch up");
}

/// Writes of every kind, an origin that forgets its commits, restarts that find snapshots and segments of an earlier commit.
#[test]
fn answers_are_those_of_the_reference() {
    for seed in [1, 2, 3] {
        let (directory, ledger) = (tempfile::tempdir().unwrap(), Ledger::new(&names()));
        let (mut dice, mut number) = (Dice(seed), 0);
        let mut answers = open(&ledger, directory.path());
        for turn in 1..=40 {
            for _ in 0..dice.below(8) {
                write(&ledger, &mut number, &mut dice);
            }
            if turn % 3 == 0 {
                caught_up(&answers, &ledger);
            }
            if turn % 7 == 0 {
                ledger.trim();
            }
            agree(&answers, &ledger, &mut dice);
            if turn % 5 == 0 {
                // Until a snapshot was kept, mostly.
                thread::sleep(Duration::from_millis(if turn % 10 == 0 { 250 } else { 0 }));
                answers.stop();
                answers = open(&ledger, directory.path());
            }
        }
        answers.stop();
    }
}

/// Whoever answers: what was committed is seen by the next read of each.
#[test]
fn two_nodes_answer_alike() {
    let ledger = Ledger::new(&names());
    let (one, other) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let nodes = [open(&ledger, one.path()), open(&ledger, other.path())];
    let (mut dice, mut number) = (Dice(7), 0);
    for _ in 0..40 {
        write(&ledger, &mut number, &mut dice);
        for node in &nodes {
            agree(node, &ledger, &mut dice);
        }
    }
    for node in &nodes {
        node.stop();
    }
}

/// A row that says its turn in a field and in its text.
fn colored(number: usize, turn: usize) -> Log {
    let color = if (number + turn).is_multiple_of(2) { "red" } else { "blue" };
    let mut log = Log::new(log_id(number));
    log.scalars.set_text(Field::Model, color);
    log.payload.insert("input".to_owned(), json!(format!("it is {color} in turn {turn}")));
    log
}

/// Rows change under readers and the indexer: each answer is of one commit.
#[test]
fn an_answer_is_of_one_commit() {
    let (directory, ledger) = (tempfile::tempdir().unwrap(), Ledger::new(&names()));
    let answers = open(&ledger, directory.path());
    let red = ledger.add(LOGS, (0..2).map(|number| colored(number, 0)).collect());
    let done = AtomicBool::new(false);
    thread::scope(|scope| {
        for needle in ["red", "ed", "is red"] {
            let (answers, ledger, done) = (&answers, &ledger, &done);
            scope.spawn(move || {
                while !done.load(Ordering::Relaxed) {
                    let filter = contains(TextField::Input, needle, true);
                    let query = Query { filter, sort: by_id(), window: Window { offset: 0, limit: 100 } };
                    let page = answers.page(&ledger.read(), names()[0], &query).unwrap();
                    let rows: Vec<Log> = page.rows.into_iter().map(|row| row.log).collect();
                    assert!(page.total <= 2 && rows.len() as u64 == page.total, "{:?}", ids(&rows));
                    assert!(rows.iter().all(|log| log.text(Field::Model) == Some("red")));
                }
            });
        }
        for turn in 1..300 {
            for (number, row) in red.iter().enumerate() {
                ledger.replace(LOGS, *row, colored(number, turn));
            }
            let last = contains(TextField::Input, &format!("turn {turn}"), false);
            assert_eq!(answered(&answers, &ledger, names()[0], last, by_id()).len(), 2, "what was written is seen");
        }
        done.store(true, Ordering::Relaxed);
    });
    answers.stop();
}

#[test]
fn unreadable_rows_are_passed_over() {
    let (directory, ledger) = (tempfile::tempdir().unwrap(), Ledger::new(&names()));
    let mut dice = Dice(3);
    let rows = ledger.add(LOGS, (0..100).map(|number| log(number, &mut dice)).collect());
    ledger.damage(rows[10]);
    let answers = open(&ledger, directory.path());
    assert_eq!(answered(&answers, &ledger, names()[0], Tree::all(), by_id()).len(), 99);
    ledger.damage(rows[20]);
    let query = Query { filter: Tree::all(), sort: by_id(), window: Window { offset: 0, limit: 1_000 } };
    let page = answers.page(&ledger.read(), names()[0], &query).unwrap();
    assert_eq!((page.total, page.rows.len()), (99, 98));
    answers.stop();
}

#[test]
fn a_read_that_nobody_waits_for_ends() {
    let (directory, ledger) = (tempfile::tempdir().unwrap(), Ledger::new(&names()));
    let mut dice = Dice(3);
    ledger.add(LOGS, (0..100).map(|number| log(number, &mut dice)).collect());
    let answers = open(&ledger, directory.path());
    let gone = Arc::new(AtomicBool::new(true));
    let lease = ledger.lease(&gone);
    let punctuated = contains(TextField::Messages, "\":\"", false);
    assert!(answers.sums(&lease, names()[0], &punctuated).is_err());
    gone.store(false, Ordering::Relaxed);
    lease.end().unwrap();
    assert!(answers.sums(&lease, names()[0], &punctuated).is_ok());
    answers.stop();
}
