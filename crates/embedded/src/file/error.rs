//! What can go wrong with the file: errors of opening it, and what an SQLite fault means to a caller.
//!
//! Does not know which operation failed; callers add nothing, since the texts of `Internal` are for the process log.

use evalset_model::{Error, Result};
use rusqlite::ffi;
use std::path::{Path, PathBuf};

/// Why the data file cannot be opened, and what to do about it.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum OpenError {
    /// Another process holds the directory.
    #[error(
        "{} is in use by another evalset process: stop that one, or choose another data directory",
        path.display()
    )]
    Locked {
        /// The lock file.
        path: PathBuf,
    },
    /// The file was not made by this program.
    #[error(
        "{} is not an evalset database ({detail}): move it away or choose another data directory; it was not changed",
        path.display()
    )]
    Foreign {
        /// The file.
        path: PathBuf,
        /// How that was seen.
        detail: String,
    },
    /// A newer release wrote the file.
    #[error(
        "the database has schema version {found}, this release knows up to {known}: start the newer release of evalset that \
         wrote it; the file was not changed"
    )]
    Newer {
        /// Version in the file.
        found: i64,
        /// Newest version this program knows.
        known: i64,
    },
    /// The file is damaged.
    #[error(
        "{} is damaged ({detail}): run `evalset doctor` on it and restore it from a backup if it cannot be read",
        path.display()
    )]
    Corrupt {
        /// The file.
        path: PathBuf,
        /// What was found.
        detail: String,
    },
    /// The file is gone or empty while its write-ahead log is still there.
    #[error(
        "{} is missing or empty, but {} beside it holds changes of such a file: put back the database that belongs to them; \
         or move that -wal file away, then restore the database from a backup or start empty; nothing was changed",
        path.display(),
        log.display()
    )]
    Lost {
        /// The file.
        path: PathBuf,
        /// Its write-ahead log.
        log: PathBuf,
    },
    /// The operating system refused.
    #[error("cannot open {}: {detail}; check that the directory exists, is writable and has free space", path.display())]
    Io {
        /// File or directory.
        path: PathBuf,
        /// The system's own words.
        detail: String,
    },
}

impl OpenError {
    pub(crate) fn io(path: &Path, cause: impl std::fmt::Display) -> Self {
        Self::Io { path: path.to_owned(), detail: cause.to_string() }
    }

    pub(crate) fn corrupt(path: &Path, detail: impl std::fmt::Display) -> Self {
        Self::Corrupt { path: path.to_owned(), detail: detail.to_string() }
    }

    /// What an SQLite fault while opening `path` means.
    pub(crate) fn sqlite(path: &Path, cause: &rusqlite::Error) -> Self {
        match cause.sqlite_error_code() {
            Some(rusqlite::ErrorCode::DatabaseCorrupt) => Self::corrupt(path, cause),
            Some(rusqlite::ErrorCode::NotADatabase) => {
                Self::Foreign { path: path.to_owned(), detail: cause.to_string() }
            }
            _ => Self::io(path, cause),
        }
    }
}

/// Extended result codes of SQLite that mean "this could not be written".
const WRITE_FAULTS: &[i32] = &[
    ffi::SQLITE_IOERR_WRITE,
    ffi::SQLITE_IOERR_FSYNC,
    ffi::SQLITE_IOERR_DIR_FSYNC,
    ffi::SQLITE_IOERR_TRUNCATE,
    ffi::SQLITE_IOERR_DELETE,
    ffi::SQLITE_IOERR_SHMSIZE,
    ffi::SQLITE_IOERR_SHMMAP,
    ffi::SQLITE_IOERR_SHMOPEN,
    ffi::SQLITE_IOERR_BEGIN_ATOMIC,
    ffi::SQLITE_IOERR_COMMIT_ATOMIC,
    ffi::SQLITE_IOERR_ROLLBACK_ATOMIC,
];

/// What an SQLite fault means to the caller of a store.
pub(crate) fn meaning(cause: &rusqlite::Error) -> Error {
    use rusqlite::ErrorCode;
    let extended = cause.sqlite_error().map_or(0, |error| error.extended_code);
    match cause.sqlite_error_code() {
        Some(ErrorCode::DiskFull | ErrorCode::ReadOnly) => full(cause),
        Some(ErrorCode::SystemIoFailure) if WRITE_FAULTS.contains(&extended) => full(cause),
        Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => {
            Error::Busy { message: "the database is locked by another process".to_owned(), retry_after: 1 }
        }
        Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase) => {
            tracing::error!(error = %cause, "the database file is damaged");
            Error::internal(cause)
        }
        _ => Error::internal(cause),
    }
}

fn full(cause: &rusqlite::Error) -> Error {
    tracing::error!(error = %cause, "the database cannot be written");
    Error::StorageFull("The disk is full or cannot be written: nothing was changed. Reads still work.".to_owned())
}

/// Turns results of SQLite into ours.
pub(crate) trait Sql<T> {
    /// The value, or what the fault means to a caller.
    fn sql(self) -> Result<T>;
}

impl<T> Sql<T> for rusqlite::Result<T> {
    fn sql(self) -> Result<T> {
        self.map_err(|cause| meaning(&cause))
    }
}

/// A second copy of an error, for every caller that shared a failed transaction.
pub(crate) fn again(error: &Error) -> Error {
    match error {
        Error::StorageFull(message) => Error::StorageFull(message.clone()),
        Error::Busy { message, retry_after } => Error::Busy { message: message.clone(), retry_after: *retry_after },
        other => Error::internal(other),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_cannot_be_written_is_storage() {
        let of = |code: i32| meaning(&rusqlite::Error::SqliteFailure(ffi::Error::new(code), None));
        for code in [ffi::SQLITE_FULL, ffi::SQLITE_IOERR_WRITE, ffi::SQLITE_IOERR_FSYNC, ffi::SQLITE_IOERR_SHMOPEN] {
            assert!(matches!(of(code), Error::StorageFull(_)), "{code}");
        }
        for code in [ffi::SQLITE_IOERR_READ, ffi::SQLITE_CORRUPT, ffi::SQLITE_ERROR] {
            assert!(matches!(of(code), Error::Internal(_)), "{code}");
        }
        assert!(matches!(of(ffi::SQLITE_BUSY), Error::Busy { .. }));
    }
}
