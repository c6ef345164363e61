//! Examines a data file without a server and without changing it.
//!
//! Finds damage of the file itself, counts that do not agree with the rows, rows without payload and payloads that
//! cannot be read. Repairs nothing.

use super::{payload, row};
use crate::file;
use crate::file::error::OpenError;
use crate::file::schema::{self, Stamp};
use rusqlite::Connection;
use std::path::{Path, PathBuf};

/// Most findings of one kind that are listed one by one.
const LISTED_MAX: usize = 20;

/// What was found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Report {
    /// Schema version of the file.
    pub version: i64,
    /// Bytes of the file, without its write-ahead log.
    pub file_bytes: u64,
    /// Bytes of the write-ahead log beside it: what is not folded into the file yet.
    pub log_bytes: u64,
    /// Every collection.
    pub collections: Vec<CollectionReport>,
    /// Payloads that were read.
    pub payloads_read: u64,
    /// What is wrong, in words; empty when all is well.
    pub findings: Vec<String>,
}

impl Report {
    /// Nothing is wrong.
    pub fn healthy(&self) -> bool {
        self.findings.is_empty()
    }
}

/// One collection.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CollectionReport {
    /// The store's number.
    pub id: i64,
    /// Owner's id.
    pub organization: String,
    /// `request_logs`, `saved_logs` or a dataset id.
    pub place: String,
    /// Name of the dataset; none for other places and for a dataset that is deleted.
    pub name: Option<String>,
    /// Waits to be purged.
    pub hidden: bool,
    /// Rows by its own count.
    pub log_count: i64,
    /// Rows that are there.
    pub rows: i64,
}

/// The data file of a directory, whether or not it is there.
pub fn database(data_dir: &Path) -> PathBuf {
    file::path(data_dir)
}

/// Examines the file of a directory. `thorough`: every payload is read, else about one in a hundred.
pub fn doctor(data_dir: &Path, thorough: bool) -> Result<Report, OpenError> {
    let path = file::path(data_dir);
    file::inspect(&path)?;
    let file_bytes = std::fs::metadata(&path).map_err(|cause| OpenError::io(&path, cause))?.len();
    let log_bytes = std::fs::metadata(file::log_path(&path)).map_or(0, |about| about.len());
    let connection = file::reader(&path)?;
    let fault = |cause: rusqlite::Error| OpenError::sqlite(&path, &cause);
    let stamp = Stamp::read(&connection).map_err(fault)?;
    stamp.check(&path)?;
    let mut report = Report { version: stamp.version, file_bytes, log_bytes, ..Report::default() };
    integrity(&connection, &mut report).map_err(fault)?;
    // Damage makes the other questions fail: what was found so far is the answer then.
    let examined = collections(&connection, &mut report)
        .and_then(|()| orphans(&connection, &mut report))
        .and_then(|()| rows(&connection, thorough, &mut report));
    if let Err(cause) = examined {
        report.findings.push(format!("the examination stopped: {cause}"));
    }
    Ok(report)
}

fn integrity(connection: &Connection, report: &mut Report) -> rusqlite::Result<()> {
    let mut statement = connection.prepare(&format!("PRAGMA integrity_check({LISTED_MAX})"))?;
    let mut lines = statement.query([])?;
    loop {
        match lines.next() {
            Ok(None) => return Ok(()),
            Ok(Some(line)) => {
                let text: String = line.get(0)?;
                if text != "ok" {
                    report.findings.push(format!("file: {text}"));
                }
            }
            Err(cause) => {
                report.findings.push(format!("file: {cause}"));
                return Ok(());
            }
        }
    }
}

fn collections(connection: &Connection, report: &mut Report) -> rusqlite::Result<()> {
    let mut statement = connection.prepare(
        "SELECT c.id, c.organization, c.place, c.hidden, c.log_count, c.completed_annotation_count, count(l.row), \
         count(CASE WHEN l.annotation_status = 'completed' THEN 1 END), \
         (SELECT d.name FROM dataset d WHERE d.id = c.place) \
         FROM collection c LEFT JOIN log l ON l.collection = c.id GROUP BY c.id ORDER BY c.id",
    )?;
    let mut lines = statement.query([])?;
    while let Some(line) = lines.next()? {
        let collection = CollectionReport {
            id: line.get(0)?,
            organization: line.get(1)?,
            place: line.get(2)?,
            hidden: line.get(3)?,
            log_count: line.get(4)?,
            rows: line.get(6)?,
            name: line.get(8)?,
        };
        let (completed, found): (i64, i64) = (line.get(5)?, line.get(7)?);
        let CollectionReport { id, place, log_count, rows, .. } = &collection;
        if log_count != rows {
            report.findings.push(format!("collection {id} ({place}) counts {log_count} rows and has {rows}"));
        }
        if completed != found {
            report
                .findings
                .push(format!("collection {id} ({place}) counts {completed} annotated rows and has {found}"));
        }
        report.collections.push(collection);
    }
    Ok(())
}

fn orphans(connection: &Connection, report: &mut Report) -> rusqlite::Result<()> {
    let count = |sql: &str| connection.query_row(sql, [], |line| line.get::<_, i64>(0));
    let questions = [
        ("rows without a payload", "SELECT count(*) FROM log WHERE row NOT IN (SELECT row FROM payload)"),
        ("payloads without a row", "SELECT count(*) FROM payload WHERE row NOT IN (SELECT row FROM log)"),
        ("rows of no collection", "SELECT count(*) FROM log WHERE collection NOT IN (SELECT id FROM collection)"),
        (
            "datasets without a collection",
            "SELECT count(*) FROM dataset WHERE id NOT IN (SELECT place FROM collection WHERE hidden = 0)",
        ),
        (
            "rows numbered above the counter of row numbers",
            "SELECT count(*) FROM log WHERE row >= (SELECT value FROM meta WHERE key = 'next_row')",
        ),
    ];
    for (what, sql) in questions {
        let found = count(sql)?;
        if found > 0 {
            report.findings.push(format!("{found} {what}"));
        }
    }
    Ok(())
}

/// Decodes rows and payloads.
fn rows(connection: &Connection, thorough: bool, report: &mut Report) -> rusqlite::Result<()> {
    let mut wrong = 0;
    let mut note = |report: &mut Report, text: String| {
        wrong += 1;
        if wrong <= LISTED_MAX {
            report.findings.push(text);
        }
    };
    let mut statement = connection.prepare(&schema::select_known(connection)?)?;
    let mut lines = statement.query([])?;
    while let Some(line) = lines.next()? {
        if let Err(cause) = row::decode(line) {
            note(report, cause.to_string());
        }
    }
    let mut statement = connection.prepare("SELECT row, codec, body FROM payload WHERE ?1 OR row % 97 = 0")?;
    let mut lines = statement.query([thorough])?;
    while let Some(line) = lines.next()? {
        report.payloads_read += 1;
        let row: i64 = line.get(0)?;
        let decoded = match (line.get(1), line.get_ref(2)?.as_blob()) {
            (Ok(codec), Ok(body)) => payload::check(codec, body).map_err(|cause| cause.to_string()),
            _ => Err("it is not bytes".to_owned()),
        };
        if let Err(cause) = decoded {
            note(report, format!("payload of row {row} cannot be read: {cause}"));
        }
    }
    if wrong > LISTED_MAX {
        report.findings.push(format!("{} more rows or payloads cannot be read", wrong - LISTED_MAX));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::{database, doctor};
    use crate::{Options, open};
    use evalset_store::conformance::samples::{dataset, dataset_id, organization};

    #[tokio::test]
    async fn the_log_beside_the_file_and_the_names_of_datasets_are_reported() {
        let directory = tempfile::tempdir().unwrap();
        let stores = open(Options::new(directory.path())).await.unwrap();
        let kept = dataset(organization(1), dataset_id(2), 0);
        stores.datasets.create(kept.clone(), None).await.unwrap();
        let report = doctor(directory.path(), true).unwrap();
        assert!(report.log_bytes > 0 && report.file_bytes == database(directory.path()).metadata().unwrap().len());
        let named: Vec<_> = report.collections.iter().map(|one| (one.place.clone(), one.name.clone())).collect();
        assert_eq!(named, [(kept.id.to_string(), Some(kept.name))]);
        stores.health.close().await;
        assert_eq!(doctor(directory.path(), true).unwrap().log_bytes, 0);
    }
}
