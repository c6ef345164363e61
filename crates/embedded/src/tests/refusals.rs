//! Files that must not be opened, and what the doctor says.

use super::*;
use crate::file::schema;
use crate::{OpenError, doctor, open_keys_only};
use rusqlite::Connection;
use std::fs::OpenOptions;
use std::path::PathBuf;

async fn refused(directory: &Path) -> OpenError {
    match open(options(directory)).await {
        Ok(_) => panic!("the file was opened"),
        Err(error) => error,
    }
}

/// A closed store with rows in it.
async fn filled() -> (TempDir, PathBuf) {
    let directory = tempfile::tempdir().unwrap();
    let stores = open(options(directory.path())).await.unwrap();
    fill(&stores, request_logs(organization(1)), 0..200, 1).await;
    stores.health.close().await;
    let path = directory.path().join("evalset.db");
    assert!(std::fs::metadata(&path).unwrap().len() > 30_000);
    (directory, path)
}

#[tokio::test]
async fn a_directory_in_use() {
    let directory = tempfile::tempdir().unwrap();
    let stores = open(options(directory.path())).await.unwrap();
    let error = refused(directory.path()).await;
    assert!(matches!(error, OpenError::Locked { .. }), "{error}");
    assert!(error.to_string().contains("another evalset process"), "{error}");
    stores.health.close().await;
    assert!(open(options(directory.path())).await.is_ok());
}

#[tokio::test]
async fn dropping_lets_go_too() {
    let directory = tempfile::tempdir().unwrap();
    let stores = open(options(directory.path())).await.unwrap();
    let logs = fill(&stores, request_logs(organization(1)), 0..3, 1).await;
    drop(stores);
    let stores = open(options(directory.path())).await.unwrap();
    assert_eq!(all(&stores, request_logs(organization(1))).await, logs);
}

#[tokio::test]
async fn empty_files_are_filled() {
    let directory = tempfile::tempdir().unwrap();
    std::fs::write(directory.path().join("evalset.db"), b"").unwrap();
    let stores = open(options(directory.path())).await.unwrap();
    fill(&stores, request_logs(organization(1)), 0..3, 1).await;
}

/// A log beside no file, or an empty one: opening would begin empty and throw away what the log holds.
#[tokio::test]
async fn logs_without_their_file() {
    let running = tempfile::tempdir().unwrap();
    let stores = open(options(running.path())).await.unwrap();
    let logs = fill(&stores, request_logs(organization(1)), 0..5, 1).await;
    let left = tempfile::tempdir().unwrap();
    let (path, log) = (left.path().join("evalset.db"), left.path().join("evalset.db-wal"));
    std::fs::copy(running.path().join("evalset.db-wal"), &log).unwrap();
    let before = std::fs::read(&log).unwrap();
    for empty in [false, true] {
        if empty {
            std::fs::write(&path, b"").unwrap();
        }
        let error = refused(left.path()).await;
        assert!(matches!(error, OpenError::Lost { .. }), "{error}");
        for wanted in ["evalset.db-wal", "move that -wal file away", "from a backup", "start empty"] {
            assert!(error.to_string().contains(wanted), "{wanted}: {error}");
        }
        assert!(matches!(open_keys_only(left.path()), Err(OpenError::Lost { .. })));
        assert!(matches!(doctor(left.path(), true), Err(OpenError::Lost { .. })));
        assert_eq!(std::fs::read(&log).unwrap(), before);
        assert_eq!(path.exists(), empty);
    }
    // Both ways out.
    std::fs::copy(running.path().join("evalset.db"), &path).unwrap();
    let restored = open(options(left.path())).await.unwrap();
    assert_eq!(all(&restored, request_logs(organization(1))).await, logs);
    restored.health.close().await;
    std::fs::write(&path, b"").unwrap();
    std::fs::write(&log, b"").unwrap();
    let fresh = open(options(left.path())).await.unwrap();
    assert_eq!(all(&fresh, request_logs(organization(1))).await, []);
}

#[tokio::test]
async fn foreign_files_are_not_touched() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("evalset.db");
    for text in ["id,name\n1,x\n", "x"] {
        std::fs::write(&path, text).unwrap();
        let error = refused(directory.path()).await;
        assert!(matches!(error, OpenError::Foreign { .. }), "{error}");
        assert!(matches!(open_keys_only(directory.path()), Err(OpenError::Foreign { .. })));
        assert_eq!(std::fs::read_to_string(&path).unwrap(), text);
    }
    std::fs::remove_file(&path).unwrap();
    Connection::open(&path).unwrap().execute_batch("CREATE TABLE theirs (x); INSERT INTO theirs VALUES (1)").unwrap();
    let before = std::fs::read(&path).unwrap();
    let error = refused(directory.path()).await;
    assert!(matches!(error, OpenError::Foreign { .. }), "{error}");
    assert!(error.to_string().contains("move it away"), "{error}");
    assert!(matches!(open_keys_only(directory.path()), Err(OpenError::Foreign { .. })));
    assert!(matches!(doctor(directory.path(), true), Err(OpenError::Foreign { .. })));
    assert_eq!(std::fs::read(&path).unwrap(), before);
}

#[tokio::test]
async fn newer_files() {
    let (directory, path) = filled().await;
    Connection::open(&path).unwrap().pragma_update(None, "user_version", 99).unwrap();
    let error = refused(directory.path()).await;
    assert!(matches!(error, OpenError::Newer { found: 99, known } if known == schema::VERSION), "{error}");
    assert!(error.to_string().contains("newer release"), "{error}");
    assert!(matches!(open_keys_only(directory.path()), Err(OpenError::Newer { .. })));
}

#[tokio::test]
async fn truncated_files() {
    let (directory, path) = filled().await;
    let length = std::fs::metadata(&path).unwrap().len();
    for length in [length - 8_192, length - 1, 8_192, 100, 50, 16] {
        OpenOptions::new().write(true).open(&path).unwrap().set_len(length).unwrap();
        let error = refused(directory.path()).await;
        assert!(matches!(error, OpenError::Corrupt { .. }), "{length}: {error}");
        assert!(error.to_string().contains("evalset doctor"), "{error}");
    }
}

#[tokio::test]
async fn damaged_headers() {
    let (directory, path) = filled().await;
    let bytes = std::fs::read(&path).unwrap();
    let mut broken = bytes.clone();
    broken[..16].fill(b'x');
    std::fs::write(&path, &broken).unwrap();
    assert!(matches!(refused(directory.path()).await, OpenError::Foreign { .. }));
    let mut broken = bytes.clone();
    broken[100..4_000].fill(0xA5);
    std::fs::write(&path, &broken).unwrap();
    let error = refused(directory.path()).await;
    assert!(matches!(error, OpenError::Corrupt { .. }), "{error}");
    std::fs::write(&path, &bytes).unwrap();
    assert!(open(options(directory.path())).await.is_ok());
}

#[tokio::test]
async fn the_doctor_finds_wrong_counts_and_payloads() {
    let (directory, path) = filled().await;
    let report = doctor(directory.path(), true).unwrap();
    assert_eq!((report.findings.len(), report.payloads_read, report.collections[0].rows), (0, 200, 200));
    let connection = Connection::open(&path).unwrap();
    connection
        .execute_batch(
            "UPDATE collection SET log_count = 7; DELETE FROM payload WHERE row = 5; \
             INSERT INTO payload VALUES (9999, 0, x'7b7d'); UPDATE payload SET codec = 1, body = x'00' WHERE row = 9; \
             UPDATE log SET status_code = 'text' WHERE row = 11;",
        )
        .unwrap();
    drop(connection);
    let report = doctor(directory.path(), true).unwrap();
    let found = report.findings.join("\n");
    for wanted in [
        "counts 7 rows and has 200",
        "1 rows without a payload",
        "1 payloads without a row",
        "payload of row 9",
        "row 11",
    ] {
        assert!(found.contains(wanted), "{wanted}: {found}");
    }
}

#[tokio::test]
async fn new_fields_get_their_column() {
    let (directory, path) = filled().await;
    let connection = Connection::open(&path).unwrap();
    connection.execute_batch("ALTER TABLE log DROP COLUMN category").unwrap();
    drop(connection);
    let stores = open(options(directory.path())).await.unwrap();
    assert_eq!(all(&stores, request_logs(organization(1))).await.len(), 200);
    fill(&stores, request_logs(organization(1)), 200..201, 1).await;
}
