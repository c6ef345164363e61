//! The data file: its lock, the checks before it is trusted, and the settings of connections.
//!
//! Does not know tables beyond asking `schema` to prepare them.

pub(crate) mod collection;
pub(crate) mod damage;
pub(crate) mod derived;
pub(crate) mod doctor;
pub(crate) mod error;
pub(crate) mod number;
pub(crate) mod payload;
pub(crate) mod row;
pub(crate) mod schema;

use crate::file::error::OpenError;
use crate::file::schema::Stamp;
use rusqlite::config::DbConfig;
use rusqlite::{Connection, OpenFlags};
use std::fs::{File, OpenOptions, TryLockError};
use std::io::Read;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// Name of the data file in the data directory.
pub(crate) const DATABASE: &str = "evalset.db";
/// Name of the lock file.
const LOCK: &str = "evalset.lock";
/// First bytes of any SQLite file.
const MAGIC: &[u8; 16] = b"SQLite format 3\0";
/// Bytes of the header of an SQLite file.
const HEADER: usize = 100;

const PAGE_BYTES: i64 = 8_192;
/// The log file is cut back to this after a checkpoint.
const LOG_BYTES: i64 = 128 * 1024 * 1024;
const WRITER_CACHE_KIB: i64 = 64 * 1024;
const READER_CACHE_KIB: i64 = 8 * 1024;
const STATEMENTS: usize = 64;
/// Another process may hold the file for a moment (`evalset key create`).
const BUSY: Duration = Duration::from_secs(10);

/// The data file of a directory.
pub(crate) fn path(data_dir: &Path) -> PathBuf {
    data_dir.join(DATABASE)
}

/// Takes the directory for this process, for as long as the returned file lives.
pub(crate) fn lock(data_dir: &Path) -> Result<File, OpenError> {
    std::fs::create_dir_all(data_dir).map_err(|cause| OpenError::io(data_dir, cause))?;
    let path = data_dir.join(LOCK);
    let file = OpenOptions::new()
        .create(true)
        .truncate(false)
        .write(true)
        .open(&path)
        .map_err(|cause| OpenError::io(&path, cause))?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => Err(OpenError::Locked { path }),
        Err(TryLockError::Error(cause)) => Err(OpenError::io(&path, cause)),
    }
}

/// Looks at the bytes before SQLite does: absent and empty files pass, they are created, unless a write-ahead log
/// beside them tells of a file that was not: SQLite would throw the log away.
pub(crate) fn inspect(path: &Path) -> Result<(), OpenError> {
    let mut file = match File::open(path) {
        Ok(file) => file,
        Err(cause) if cause.kind() == std::io::ErrorKind::NotFound => return without_log(path),
        Err(cause) => return Err(OpenError::io(path, cause)),
    };
    let length = file.metadata().map_err(|cause| OpenError::io(path, cause))?.len();
    if length == 0 {
        return without_log(path);
    }
    let mut header = Vec::with_capacity(HEADER);
    (&mut file).take(HEADER as u64).read_to_end(&mut header).map_err(|cause| OpenError::io(path, cause))?;
    if !header.starts_with(MAGIC) {
        let detail = "it does not begin like an SQLite file".to_owned();
        return Err(OpenError::Foreign { path: path.to_owned(), detail });
    }
    let log = std::fs::metadata(log_path(path)).map_or(0, |data| data.len());
    let claimed = claimed_bytes(&header)
        .ok_or_else(|| OpenError::corrupt(path, format!("the file ends after {length} bytes, inside its header")))?;
    // With a write-ahead log the file may still be growing into its header; the checkpoint at opening settles that.
    if log == 0 && length < claimed {
        return Err(OpenError::corrupt(path, format!("it is {length} bytes long, its header says {claimed}")));
    }
    Ok(())
}

/// Refuses when there is something in the write-ahead log, whose file is absent or empty.
fn without_log(path: &Path) -> Result<(), OpenError> {
    let log = log_path(path);
    match std::fs::metadata(&log) {
        Ok(data) if data.len() > 0 => Err(OpenError::Lost { path: path.to_owned(), log }),
        Ok(_) => Ok(()),
        Err(cause) if cause.kind() == std::io::ErrorKind::NotFound => Ok(()),
        Err(cause) => Err(OpenError::io(&log, cause)),
    }
}

/// Page size times page count of a header.
fn claimed_bytes(header: &[u8]) -> Option<u64> {
    let page = match u16::from_be_bytes(header.get(16..18)?.try_into().ok()?) {
        1 => 65_536,
        bytes => u64::from(bytes),
    };
    let pages = u32::from_be_bytes(header.get(28..32)?.try_into().ok()?);
    (header.len() == HEADER).then_some(page * u64::from(pages))
}

/// The write-ahead log beside the file.
pub(crate) fn log_path(path: &Path) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push("-wal");
    PathBuf::from(name)
}

/// What holds for every connection. A name in double quotes is a column, never text: else a column that a file lacks
/// would read as its own name. Plans do not depend on bound values: else a statement may be compiled anew each time it
/// is bound.
fn settings(connection: &Connection) -> rusqlite::Result<()> {
    connection.busy_timeout(BUSY)?;
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_DQS_DML, false)?;
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_DQS_DDL, false)?;
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true)?;
    connection.set_prepared_statement_cache_capacity(STATEMENTS);
    Ok(())
}

/// Opens the file to write, creating it when absent, without touching its tables.
pub(crate) fn writer(path: &Path) -> Result<Connection, OpenError> {
    let fault = |cause: rusqlite::Error| OpenError::sqlite(path, &cause);
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_CREATE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(path, flags).map_err(fault)?;
    settings(&connection).map_err(fault)?;
    let set = |name: &str, value: i64| connection.pragma_update(None, name, value).map_err(fault);
    set("page_size", PAGE_BYTES)?;
    let stamp = Stamp::read(&connection).map_err(fault)?;
    if !stamp.blank() {
        stamp.check(path)?;
    }
    connection.pragma_update(None, "journal_mode", "WAL").map_err(fault)?;
    connection.pragma_update(None, "synchronous", "FULL").map_err(fault)?;
    connection.pragma_update(None, "temp_store", "MEMORY").map_err(fault)?;
    set("foreign_keys", 0)?;
    set("cache_size", -WRITER_CACHE_KIB)?;
    set("journal_size_limit", LOG_BYTES)?;
    Ok(connection)
}

/// Opens the file to read.
pub(crate) fn reader(path: &Path) -> Result<Connection, OpenError> {
    let fault = |cause: rusqlite::Error| OpenError::sqlite(path, &cause);
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(path, flags).map_err(fault)?;
    settings(&connection).map_err(fault)?;
    connection.pragma_update(None, "query_only", 1).map_err(fault)?;
    connection.pragma_update(None, "cache_size", -READER_CACHE_KIB).map_err(fault)?;
    Ok(connection)
}

/// Opens the file of a server: checked, with tables ready. `pages_max` bounds its size.
pub(crate) fn open(path: &Path, pages_max: Option<u32>) -> Result<Connection, OpenError> {
    let fault = |cause: rusqlite::Error| OpenError::sqlite(path, &cause);
    inspect(path)?;
    let mut connection = writer(path)?;
    if let Some(pages) = pages_max {
        connection.pragma_update(None, "max_page_count", pages).map_err(fault)?;
    }
    settle(&connection, path)?;
    schema::prepare(&mut connection, path)?;
    let meta: i64 = connection.query_row("SELECT count(*) FROM meta", [], |row| row.get(0)).map_err(fault)?;
    if meta < 3 {
        return Err(OpenError::corrupt(path, "its table `meta` is not complete"));
    }
    Ok(connection)
}

/// Folds the write-ahead log into the file, then compares the length with what the file says of itself.
fn settle(connection: &Connection, path: &Path) -> Result<(), OpenError> {
    let fault = |cause: rusqlite::Error| OpenError::sqlite(path, &cause);
    let folded = connection.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |row| row.get::<_, i64>(0));
    match folded {
        Ok(0) => {}
        Ok(_) => return Ok(()),
        Err(cause) if cause.sqlite_error_code() == Some(rusqlite::ErrorCode::DatabaseCorrupt) => {
            return Err(fault(cause));
        }
        Err(cause) => {
            // A full disk: the log stays beside the file, nothing is lost.
            tracing::warn!(error = %cause, "the write-ahead log could not be folded in at start");
            return Ok(());
        }
    }
    let pages: i64 = connection.query_row("PRAGMA page_count", [], |row| row.get(0)).map_err(fault)?;
    let size: i64 = connection.query_row("PRAGMA page_size", [], |row| row.get(0)).map_err(fault)?;
    let length = std::fs::metadata(path).map_err(|cause| OpenError::io(path, cause))?.len();
    let claimed = u64::try_from(pages.saturating_mul(size)).unwrap_or(u64::MAX);
    if length < claimed {
        return Err(OpenError::corrupt(path, format!("it is {length} bytes long and should be {claimed}")));
    }
    Ok(())
}
