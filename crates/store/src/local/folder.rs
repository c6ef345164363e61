//! Files in a folder of this process. A file is written under another name and appears whole.

use crate::files::{FileEntry, FileWriter, Files, OpenFile, check_name};
use async_trait::async_trait;
use evalset_model::{Error, Result};
use parking_lot::Mutex;
use std::collections::HashSet;
use std::io::{Error as IoError, ErrorKind};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, UNIX_EPOCH};
use tokio::fs;
use tokio::io::AsyncWriteExt;

/// Suffix of a file being written.
const PART: &str = "part";

/// Files in a folder, which is made when the first one is written. Only one process may have it.
pub struct Folder {
    path: PathBuf,
    /// Files begun so far: keeps two of the same name apart.
    begun: AtomicU64,
    /// What is being written.
    parts: Arc<Mutex<HashSet<PathBuf>>>,
}

impl Folder {
    /// The files in this folder.
    pub fn new(path: PathBuf) -> Self {
        Self { path, begun: AtomicU64::new(0), parts: Arc::default() }
    }

    /// Where the file of this name is.
    fn file(&self, name: &str) -> Result<PathBuf> {
        check_name(name)?;
        Ok(self.path.join(name))
    }

    /// Everything in the folder that is a file, with the time it was written, microseconds.
    async fn all(&self) -> Result<Vec<(PathBuf, i64)>> {
        let mut folder = match fs::read_dir(&self.path).await {
            Ok(folder) => folder,
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Vec::new()),
            Err(error) => return Err(fault(&error)),
        };
        let mut found = Vec::new();
        while let Some(entry) = folder.next_entry().await.map_err(|error| fault(&error))? {
            let about = match entry.metadata().await {
                Err(error) if error.kind() == ErrorKind::NotFound => continue,
                about => about.map_err(|error| fault(&error))?,
            };
            if about.is_file() {
                let written = about.modified().map_err(|error| fault(&error))?;
                let written = written.duration_since(UNIX_EPOCH).unwrap_or_default().as_micros();
                found.push((entry.path(), i64::try_from(written).unwrap_or(i64::MAX)));
            }
        }
        Ok(found)
    }
}

fn is_part(path: &Path) -> bool {
    path.extension().is_some_and(|suffix| suffix == PART)
}

/// A file being written; its part goes when this does.
struct Writer {
    file: fs::File,
    part: PathBuf,
    target: PathBuf,
    parts: Arc<Mutex<HashSet<PathBuf>>>,
}

#[async_trait]
impl FileWriter for Writer {
    async fn write(&mut self, bytes: &[u8]) -> Result<()> {
        self.file.write_all(bytes).await.map_err(|error| fault(&error))
    }

    async fn finish(mut self: Box<Self>, at: i64) -> Result<()> {
        self.file.flush().await.map_err(|error| fault(&error))?;
        let time = UNIX_EPOCH + Duration::from_micros(at.max(0).unsigned_abs());
        let file = self.file.try_clone().await.map_err(|error| fault(&error))?.into_std().await;
        file.set_modified(time).map_err(|error| fault(&error))?;
        self.file.sync_all().await.map_err(|error| fault(&error))?;
        fs::rename(&self.part, &self.target).await.map_err(|error| fault(&error))?;
        // The new name becomes durable.
        let folder = self.target.parent().unwrap_or(Path::new("."));
        let folder = fs::File::open(folder).await.map_err(|error| fault(&error))?;
        folder.sync_all().await.map_err(|error| fault(&error))
    }
}

impl Drop for Writer {
    fn drop(&mut self) {
        // Gone already when it was finished. What cannot be removed now is swept at the next start.
        let _ = std::fs::remove_file(&self.part);
        self.parts.lock().remove(&self.part);
    }
}

#[async_trait]
impl Files for Folder {
    async fn create(&self, name: &str) -> Result<Box<dyn FileWriter>> {
        let target = self.file(name)?;
        let part = self.file(&format!("{name}.{}.{PART}", self.begun.fetch_add(1, Ordering::Relaxed)))?;
        fs::create_dir_all(&self.path).await.map_err(|error| fault(&error))?;
        self.parts.lock().insert(part.clone());
        match fs::File::create(&part).await {
            Ok(file) => Ok(Box::new(Writer { file, part, target, parts: self.parts.clone() })),
            Err(error) => {
                self.parts.lock().remove(&part);
                Err(fault(&error))
            }
        }
    }

    async fn open(&self, name: &str) -> Result<Option<OpenFile>> {
        match fs::File::open(self.file(name)?).await {
            Ok(file) => {
                let length = file.metadata().await.map_err(|error| fault(&error))?.len();
                Ok(Some(OpenFile { length, reader: Box::new(file) }))
            }
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
            Err(error) => Err(fault(&error)),
        }
    }

    async fn list(&self) -> Result<Vec<FileEntry>> {
        let all = self.all().await?.into_iter().filter(|(path, _)| !is_part(path));
        let entries = all.filter_map(|(path, written_at)| {
            Some(FileEntry { name: path.file_name()?.to_str()?.to_owned(), written_at })
        });
        Ok(entries.collect())
    }

    async fn remove(&self, name: &str) -> Result<()> {
        match fs::remove_file(self.file(name)?).await {
            Err(error) if error.kind() != ErrorKind::NotFound => Err(fault(&error)),
            _ => Ok(()),
        }
    }

    async fn sweep(&self) -> Result<u64> {
        let mut gone = 0;
        for (path, _) in self.all().await? {
            if is_part(&path) && !self.parts.lock().contains(&path) {
                fs::remove_file(&path).await.map_err(|error| fault(&error))?;
                gone += 1;
            }
        }
        Ok(gone)
    }
}

fn fault(error: &IoError) -> Error {
    match error.kind() {
        ErrorKind::StorageFull | ErrorKind::QuotaExceeded | ErrorKind::ReadOnlyFilesystem => {
            Error::StorageFull(format!("the export folder cannot be written: {error}"))
        }
        _ => Error::internal(format!("export file: {error}")),
    }
}
