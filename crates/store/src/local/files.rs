//! Files in memory, for tests.

use crate::files::{FileEntry, FileWriter, Files, OpenFile, check_name};
use async_trait::async_trait;
use evalset_model::Result;
use parking_lot::Mutex;
use std::collections::BTreeMap;
use std::io::Cursor;
use std::sync::Arc;

/// Finished files by name, with their time.
type Finished = Arc<Mutex<BTreeMap<String, (Arc<[u8]>, i64)>>>;

/// Files that end with the process.
#[derive(Default)]
pub struct FilesInMemory {
    finished: Finished,
}

struct Writer {
    name: String,
    bytes: Vec<u8>,
    finished: Finished,
}

#[async_trait]
impl FileWriter for Writer {
    async fn write(&mut self, bytes: &[u8]) -> Result<()> {
        self.bytes.extend_from_slice(bytes);
        Ok(())
    }

    async fn finish(self: Box<Self>, at: i64) -> Result<()> {
        self.finished.lock().insert(self.name, (self.bytes.into(), at));
        Ok(())
    }
}

#[async_trait]
impl Files for FilesInMemory {
    async fn create(&self, name: &str) -> Result<Box<dyn FileWriter>> {
        check_name(name)?;
        Ok(Box::new(Writer { name: name.to_owned(), bytes: Vec::new(), finished: self.finished.clone() }))
    }

    async fn open(&self, name: &str) -> Result<Option<OpenFile>> {
        check_name(name)?;
        let found = self.finished.lock().get(name).cloned();
        Ok(found.map(|(bytes, _)| OpenFile { length: bytes.len() as u64, reader: Box::new(Cursor::new(bytes)) }))
    }

    async fn list(&self) -> Result<Vec<FileEntry>> {
        let finished = self.finished.lock();
        let entry = |(name, (_, at)): (&String, &(Arc<[u8]>, i64))| FileEntry { name: name.clone(), written_at: *at };
        Ok(finished.iter().map(entry).collect())
    }

    async fn remove(&self, name: &str) -> Result<()> {
        check_name(name)?;
        self.finished.lock().remove(name);
        Ok(())
    }

    async fn sweep(&self) -> Result<u64> {
        Ok(0)
    }
}
