//! The store of files that jobs write and callers download. Knows names and bytes, not what is in them.

use async_trait::async_trait;
use evalset_model::{Error, Result};
use std::fmt;
use std::path::Path;
use tokio::io::AsyncRead;

/// A file that is being written. Dropped before it is finished, it leaves nothing behind.
#[async_trait]
pub trait FileWriter: Send {
    /// Appends. `StorageFull` when there is no room.
    async fn write(&mut self, bytes: &[u8]) -> Result<()>;

    /// Makes it durable and shows it whole under its name, in the place of the one before; `at` (microseconds since the
    /// epoch) is its time from then on.
    async fn finish(self: Box<Self>, at: i64) -> Result<()>;
}

/// A file open for reading.
pub struct OpenFile {
    /// Bytes.
    pub length: u64,
    /// From the first byte on. What is open can be read to its end, even when the file is removed or replaced
    /// meanwhile.
    pub reader: Box<dyn AsyncRead + Send + Unpin>,
}

impl fmt::Debug for OpenFile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OpenFile").field("length", &self.length).finish_non_exhaustive()
    }
}

/// What is known of a file without opening it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FileEntry {
    /// Its name.
    pub name: String,
    /// When it was finished, microseconds since the epoch.
    pub written_at: i64,
}

/// Whether `name` names a file and no folder.
pub fn check_name(name: &str) -> Result<()> {
    if Path::new(name).file_name().is_some_and(|plain| plain == name) {
        Ok(())
    } else {
        Err(Error::internal(format!("`{name}` is no name of a file")))
    }
}

/// Files by name. A name has no folder ([`check_name`]).
#[async_trait]
pub trait Files: Send + Sync {
    /// Begins a file. Two who write the same name at once do not meet: each has his own, and the last who finishes
    /// stands.
    async fn create(&self, name: &str) -> Result<Box<dyn FileWriter>>;

    /// Opens a file; none when there is none.
    async fn open(&self, name: &str) -> Result<Option<OpenFile>>;

    /// All finished files, in no particular order.
    async fn list(&self) -> Result<Vec<FileEntry>>;

    /// Removes a file; nothing happens when there is none.
    async fn remove(&self, name: &str) -> Result<()>;

    /// Removes what writers that died left behind; returns how many files that were. What is being written, by this
    /// process or by another node, stays.
    async fn sweep(&self) -> Result<u64>;
}
