//! Files that parts of a column index rest in, mapped into memory: the system reads what is asked for and lets go of what is
//! not. Knows bytes and checksums, not what columns are.
//!
//! A file is written once, under a name of its own, and never changed.

use evalset_columns::{Backing, FileRef};
use memmap2::Mmap;
use parking_lot::Mutex;
use std::fs::{self, File};
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Weak};
use xxhash_rust::xxh3::{Xxh3, xxh3_64};

/// Bytes read at once for a checksum.
const BUFFER_BYTES: usize = 1024 * 1024;
/// How the names of these files end.
const EXTENSION: &str = "part";

/// An open file.
struct PartFile {
    id: u64,
    checksum: u64,
    map: Mmap,
}

impl Backing for PartFile {
    fn id(&self) -> u64 {
        self.id
    }

    fn checksum(&self) -> u64 {
        self.checksum
    }

    fn bytes(&self) -> &[u8] {
        &self.map
    }
}

impl PartFile {
    #[expect(unsafe_code, reason = "the advice is unsafe for memory that is not backed by a file")]
    fn release(&self) {
        // SAFETY: the mapping is of a file and never written to, so its contents are the same when read again.
        if let Err(error) = unsafe { self.map.unchecked_advise(memmap2::UncheckedAdvice::DontNeed) } {
            tracing::warn!(%error, "memory of a column index could not be let go");
        }
    }
}

/// All files that are open.
#[derive(Default)]
pub(super) struct PartFiles {
    open: Mutex<Vec<Weak<PartFile>>>,
}

impl PartFiles {
    /// Writes a file into a folder.
    pub fn write(&self, folder: &Path, bytes: &[u8]) -> io::Result<Arc<dyn Backing>> {
        let id = getrandom::u64().map_err(io::Error::other)?;
        fs::create_dir_all(folder)?;
        fs::write(path(folder, id), bytes)?;
        self.map(&File::open(path(folder, id))?, id, xxh3_64(bytes))
    }

    /// Opens a file of a folder; an error when it does not hold what was written.
    pub fn open(&self, folder: &Path, wanted: &FileRef) -> io::Result<Arc<dyn Backing>> {
        let mut file = File::open(path(folder, wanted.id))?;
        // Read, not mapped, for the checksum: what is only checked need not stay in memory.
        let (mut hash, mut length, mut buffer) = (Xxh3::new(), 0_u64, vec![0; BUFFER_BYTES]);
        loop {
            let count = file.read(&mut buffer)?;
            if count == 0 {
                break;
            }
            hash.update(&buffer[..count]);
            length += count as u64;
        }
        if length != wanted.length || hash.digest() != wanted.checksum {
            return Err(io::Error::new(io::ErrorKind::InvalidData, "a part holds something else than was written"));
        }
        // Reading the beginnings of lists touches much of a file: no more than one file's at a time.
        if let Some(before) = self.open.lock().last().and_then(Weak::upgrade) {
            before.release();
        }
        self.map(&file, wanted.id, wanted.checksum)
    }

    #[expect(unsafe_code, reason = "mapping a file is unsafe where others may change it")]
    fn map(&self, file: &File, id: u64, checksum: u64) -> io::Result<Arc<dyn Backing>> {
        // SAFETY: the file lies in the data folder, which is locked for this process; this process never changes or cuts a part,
        // it only unlinks it, which leaves the mapping whole.
        let map = unsafe { Mmap::map(file) }?;
        #[cfg(target_os = "linux")]
        if let Err(error) = map.advise(memmap2::Advice::NoHugePage) {
            // Then a value that is asked for may take 2 MB of memory with it, until that is let go.
            tracing::debug!(%error, "the system does not map in small pages");
        }
        let file = Arc::new(PartFile { id, checksum, map });
        let mut open = self.open.lock();
        open.retain(|file| file.strong_count() > 0);
        open.push(Arc::downgrade(&file));
        Ok(file)
    }

    /// Bytes of all files that are open.
    pub fn mapped_bytes(&self) -> usize {
        self.open.lock().iter().filter_map(Weak::upgrade).map(|file| file.map.len()).sum()
    }

    /// [`PartFiles::release`] for some of the files.
    pub fn release_some(&self, files: &[Arc<dyn Backing>]) {
        let open: Vec<_> = self.open.lock().iter().filter_map(Weak::upgrade).collect();
        for file in open.iter().filter(|file| files.iter().any(|some| some.id() == file.id)) {
            file.release();
        }
    }

    /// Lets go of all memory that file contents take. What is asked for again is read again, mostly from the system's cache.
    pub fn release(&self) {
        let open: Vec<_> = self.open.lock().iter().filter_map(Weak::upgrade).collect();
        for file in open {
            file.release();
        }
    }
}

fn path(folder: &Path, id: u64) -> PathBuf {
    folder.join(format!("{id:016x}.{EXTENSION}"))
}

/// Removes the files of a folder that are none of these.
pub(super) fn sweep(folder: &Path, kept: &[Arc<dyn Backing>]) {
    let Ok(files) = fs::read_dir(folder) else { return };
    for file in files.filter_map(|file| Some(file.ok()?.path())) {
        let ours = file.extension().is_some_and(|extension| extension == EXTENSION);
        if ours && !kept.iter().any(|kept| path(folder, kept.id()) == file) {
            super::snapshots::remove(&file);
        }
    }
}

/// Memory that file contents take in this process, in bytes; none where the system does not tell.
pub(super) fn resident_bytes() -> Option<usize> {
    let status = fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("RssFile:"))?;
    line.trim().strip_suffix(" kB")?.trim().parse::<usize>().ok().map(|kilobytes| kilobytes * 1024)
}
