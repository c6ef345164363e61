//! What callers are told when the transaction around their write fails.

use super::*;
use evalset_index::Changed;
use tokio::sync::oneshot;

fn watched() -> Watched {
    let options = crate::Options::new("/nowhere").derived();
    Watched { derived: Derived::new(&options, &[], Changed::default()), damage: Arc::default() }
}

/// A write that succeeds, and what its caller is told.
fn command() -> (Command, oneshot::Receiver<Result<()>>) {
    let (reply, answer) = oneshot::channel();
    let run = move |_: Option<&mut Tx<'_>>| {
        Ran::Done(Box::new(move |commit: Result<()>| {
            let _ = reply.send(commit);
        }))
    };
    (Command { bytes: 1, place: None, run: Box::new(run) }, answer)
}

#[test]
fn a_savepoint_that_fails_is_told_to_its_caller_too() {
    let connection = Connection::open_in_memory().unwrap();
    connection.execute_batch("CREATE TABLE t (x); BEGIN").unwrap();
    // SQLite begins no savepoint while a statement writes.
    let mut writing = connection.prepare("INSERT INTO t VALUES (1), (2) RETURNING x").unwrap();
    let mut lines = writing.query([]).unwrap();
    lines.next().unwrap().unwrap();
    let watched = watched();
    let mut tx =
        Tx { connection: &connection, seq: CommitNumber(1), next_row: 1, changes: Vec::new(), watched: &watched };
    let (command, mut answer) = command();
    let mut replies = Vec::new();
    let error = one(command, &mut tx, false, &mut replies).unwrap_err();
    assert!(matches!(error, Error::Busy { .. }), "{error:?}");
    for reply in replies {
        reply(Err(again(&error)));
    }
    let told = answer.try_recv().unwrap();
    assert!(matches!(told, Err(Error::Busy { .. })), "{told:?}");
}

#[test]
fn the_fault_that_ends_a_transaction_is_the_one_told() {
    let connection = Connection::open_in_memory().unwrap();
    let watched = watched();
    for alone in [true, false] {
        connection.execute_batch("BEGIN").unwrap();
        let mut tx =
            Tx { connection: &connection, seq: CommitNumber(1), next_row: 1, changes: Vec::new(), watched: &watched };
        // What SQLite does by itself on a full disk.
        let run = |tx: Option<&mut Tx<'_>>| {
            tx.unwrap().connection.execute_batch("ROLLBACK").unwrap();
            Ran::Failed(Box::new(|_| {}), Error::StorageFull("full".to_owned()))
        };
        let error =
            one(Command { bytes: 1, place: None, run: Box::new(run) }, &mut tx, alone, &mut Vec::new()).unwrap_err();
        assert!(matches!(&error, Error::StorageFull(text) if text == "full"), "{error:?}");
    }
}
