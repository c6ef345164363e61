//! Files that parts of a column index rest in, mapped into memory: the system reads what is asked for and lets go of what is
//! not. Keeps the memory that they take within its bound. Knows bytes and checksums, not what columns are.
//!
//! A file is written once, under a name of its own, and never changed. What is written to its mapping stays in this process: the
//! system copies the page, and the page is never let go.

use evalset_columns::{Backing, FileRef, Watch};
use memmap2::{Advice, MmapOptions, MmapRaw, UncheckedAdvice};
use parking_lot::Mutex;
use std::collections::BTreeSet;
use std::fs::{self, File};
use std::io::{self, Read, Write};
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, LazyLock, Weak};
use xxhash_rust::xxh3::{Xxh3, xxh3_64};

/// Bytes read at once for a checksum.
const BUFFER_BYTES: usize = 1024 * 1024;
/// Bytes written at once. The system caches in folios as large as what was written, up to 2 MB, and Linux 6.18 maps all of one
/// for a single byte: a filter on one column would map four times as much as it reads.
const PIECE_BYTES: usize = 64 * 1024;
/// How the names of these files end.
const EXTENSION: &str = "part";

/// Pages of memory are this long, or a part of it.
const PAGE_BYTES: usize = if cfg!(target_arch = "x86_64") { 4096 } else { 65_536 };

/// Chunks that walks come past from one look at the memory to the next: each may have brought a few megabytes.
const WALKED_LOOK: usize = 8;

/// An open file.
struct PartFile {
    id: u64,
    checksum: u64,
    map: MmapRaw,
    /// Pages written to.
    written: Mutex<BTreeSet<usize>>,
    all: Arc<OpenFiles>,
}

#[expect(unsafe_code, reason = "the mapping is written to beside references to other bytes of it")]
impl Backing for PartFile {
    fn id(&self) -> u64 {
        self.id
    }

    fn checksum(&self) -> u64 {
        self.checksum
    }

    fn bytes(&self) -> &[u8] {
        // SAFETY: the mapping lives as long as `self`; who writes to some of its bytes knows of no reference to those.
        unsafe { std::slice::from_raw_parts(self.map.as_ptr(), self.map.len()) }
    }

    unsafe fn write(&self, at: usize, bytes: &[u8]) -> bool {
        let fits = at.checked_add(bytes.len()).is_some_and(|to| to <= self.map.len());
        if !fits || bytes.is_empty() {
            return false;
        }
        // Held until it is written: `release` lets go of pages that are not noted.
        let mut written = self.written.lock();
        written.extend(at / PAGE_BYTES..=(at + bytes.len() - 1) / PAGE_BYTES);
        // SAFETY: they lie within the mapping, which is private and writable, and nobody has a reference to them.
        unsafe { std::ptr::copy_nonoverlapping(bytes.as_ptr(), self.map.as_mut_ptr().add(at), bytes.len()) };
        true
    }

    fn watch(&self) -> Option<Arc<dyn Watch>> {
        Some(self.all.clone())
    }
}

impl PartFile {
    /// Lets go of the memory of pages that are as in the file.
    fn release(&self) {
        let written = self.written.lock();
        let mut from = 0;
        for page in written.iter() {
            self.release_bytes(from, page * PAGE_BYTES);
            from = (page + 1) * PAGE_BYTES;
        }
        self.release_bytes(from, self.map.len());
    }

    /// `from` is the beginning of a page, `to` too or the end.
    #[expect(unsafe_code, reason = "the advice is unsafe for memory that is not as in a file")]
    fn release_bytes(&self, from: usize, to: usize) {
        if from >= to {
            return;
        }
        // SAFETY: none of these pages was written to, so that their contents are the same when read again.
        let advised = unsafe { self.map.unchecked_advise_range(UncheckedAdvice::DontNeed, from, to - from) };
        if let Err(error) = advised {
            tracing::warn!(%error, "memory of a column index could not be let go");
        }
    }

    fn written_bytes(&self) -> usize {
        self.written.lock().len() * PAGE_BYTES
    }
}

/// All files that are open, and the memory that their contents may take.
struct OpenFiles {
    files: Mutex<Vec<Weak<PartFile>>>,
    /// Bytes.
    memory_max: usize,
    /// Chunks that walks have come past.
    walked: AtomicUsize,
    /// Of the files, the one to be let go of next. Held by whoever lets go.
    next: Mutex<usize>,
}

impl Watch for OpenFiles {
    fn passed(&self) {
        if self.walked.fetch_add(1, Ordering::Relaxed).is_multiple_of(WALKED_LOOK) {
            self.keep_within();
        }
    }
}

impl OpenFiles {
    /// Lets go of some of the memory that file contents take when that is more than they may: one file after the other in turn, not
    /// of all, since the next page would have to get all of it back. What is asked for again is read again, mostly from the
    /// system's cache. Says whether it was more than half of that; it may be while somebody else is at it.
    fn keep_within(&self) -> bool {
        let Some(mut next) = self.next.try_lock() else { return true };
        let Some(there) = resident_bytes().filter(|there| *there > self.memory_max / 2) else { return false };
        if there > self.memory_max {
            let files: Vec<_> = self.files.lock().iter().filter_map(Weak::upgrade).collect();
            for _ in 0..files.len() {
                *next = (*next + 1) % files.len();
                files[*next].release();
                if resident_bytes().is_none_or(|there| there <= self.memory_max / 4 * 3) {
                    break;
                }
            }
        }
        true
    }
}

/// Writes and opens these files, and knows all that are open.
pub(crate) struct PartFiles {
    open: Arc<OpenFiles>,
}

impl PartFiles {
    /// Whose contents may take so many bytes of memory, the program's own file among them. More is taken for a moment by what a walk
    /// maps from one look to the next, and by walks that come past chunks while another one lets go.
    pub fn new(memory_max: usize) -> Self {
        let (files, walked, next) = Default::default();
        Self { open: Arc::new(OpenFiles { files, memory_max, walked, next }) }
    }

    /// Keeps the memory of all files within its bound; says whether it was more than half of it, or may be.
    pub fn keep_within(&self) -> bool {
        self.mapped_bytes() > 0 && self.open.keep_within()
    }

    /// Writes a file into a folder.
    pub fn write(&self, folder: &Path, bytes: &[u8]) -> io::Result<Arc<dyn Backing>> {
        let id = getrandom::u64().map_err(io::Error::other)?;
        fs::create_dir_all(folder)?;
        let path = path(folder, id);
        let written = create(&path, |file| write_pieces(file, bytes))
            .and_then(|()| self.map(&File::open(&path)?, id, xxh3_64(bytes)));
        // Whoever moves part after part reads all of each.
        self.open.keep_within();
        written
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
        let before = self.open.files.lock().last().and_then(Weak::upgrade);
        if let Some(before) = before {
            before.release();
        }
        self.map(&file, wanted.id, wanted.checksum)
    }

    #[expect(unsafe_code, reason = "mapping a file is unsafe where others may change it")]
    fn map(&self, file: &File, id: u64, checksum: u64) -> io::Result<Arc<dyn Backing>> {
        // SAFETY: the file lies in the data folder, which is locked for this process; this process never changes or cuts a part,
        // it only unlinks it, which leaves the mapping whole.
        let map = unsafe { MmapOptions::new().no_reserve_swap().map_copy(file) }?;
        let map = MmapRaw::from(map);
        #[cfg(target_os = "linux")]
        if let Err(error) = map.advise(Advice::NoHugePage) {
            // Then a value that is asked for may take 2 MB of memory with it, until that is let go.
            tracing::debug!(%error, "the system does not map in small pages");
        }
        let file = Arc::new(PartFile { id, checksum, map, written: Mutex::default(), all: self.open.clone() });
        let mut open = self.open.files.lock();
        open.retain(|file| file.strong_count() > 0);
        open.push(Arc::downgrade(&file));
        Ok(file)
    }

    /// Bytes of all files that are open.
    pub fn mapped_bytes(&self) -> usize {
        self.open.files.lock().iter().filter_map(Weak::upgrade).map(|file| file.map.len()).sum()
    }

    /// Bytes of memory of pages that were written to.
    pub fn written_bytes(&self) -> usize {
        self.open.files.lock().iter().filter_map(Weak::upgrade).map(|file| file.written_bytes()).sum()
    }

    /// Lets go of the memory that these files take.
    pub fn release_some(&self, files: &[Arc<dyn Backing>]) {
        let open: Vec<_> = self.open.files.lock().iter().filter_map(Weak::upgrade).collect();
        for file in open.iter().filter(|file| files.iter().any(|some| some.id() == file.id)) {
            file.release();
        }
    }
}

/// Makes a file that `fill` writes. One that could not be written is removed: the disk is full, mostly, the next try comes within
/// seconds, and what came of this one would take the room it needs.
fn create(path: &Path, fill: impl FnOnce(&mut File) -> io::Result<()>) -> io::Result<()> {
    let written = fill(&mut File::create(path)?);
    if written.is_err() {
        crate::snapshots::remove(path);
    }
    written
}

fn write_pieces(file: &mut File, bytes: &[u8]) -> io::Result<()> {
    bytes.chunks(PIECE_BYTES).try_for_each(|piece| file.write_all(piece))
}

fn path(folder: &Path, id: u64) -> PathBuf {
    folder.join(format!("{id:016x}.{EXTENSION}"))
}

/// Removes the files of a folder that are none of these.
pub(crate) fn sweep(folder: &Path, kept: &[Arc<dyn Backing>]) {
    let Ok(files) = fs::read_dir(folder) else { return };
    for file in files.filter_map(|file| Some(file.ok()?.path())) {
        let ours = file.extension().is_some_and(|extension| extension == EXTENSION);
        if ours && !kept.iter().any(|kept| path(folder, kept.id()) == file) {
            crate::snapshots::remove(&file);
        }
    }
}

/// Memory that file contents take in this process, in bytes; none where the system does not tell.
fn resident_bytes() -> Option<usize> {
    let mut text = [0; COUNTS_BYTES];
    let length = COUNTS.as_ref()?.read_at(&mut text, 0).ok()?;
    let shared = std::str::from_utf8(&text[..length]).ok()?.split(' ').nth(2)?;
    shared.parse::<usize>().ok().map(|pages| pages * *SYSTEM_PAGE_BYTES)
}

/// Sizes of this process in pages: seven numbers. Kept open, since walks ask often: 2 us instead of 10, and 22 for `status`.
static COUNTS: LazyLock<Option<File>> = LazyLock::new(|| File::open("/proc/self/statm").ok());

/// More than seven numbers take.
const COUNTS_BYTES: usize = 192;

/// What the system counts memory in.
static SYSTEM_PAGE_BYTES: LazyLock<usize> = LazyLock::new(system_page_bytes);

#[cfg(target_os = "linux")]
#[expect(unsafe_code, reason = "the function of the C library has no safe form")]
fn system_page_bytes() -> usize {
    // SAFETY: it takes no pointers, and may be called at any time by any thread.
    usize::try_from(unsafe { libc::sysconf(libc::_SC_PAGESIZE) }).unwrap_or(PAGE_BYTES)
}

/// Others have no /proc to count in.
#[cfg(not(target_os = "linux"))]
fn system_page_bytes() -> usize {
    PAGE_BYTES
}

#[cfg(test)]
mod tests {
    use super::*;

    const FILE_BYTES: usize = 1024 * 1024;
    const FILES: usize = 96;
    /// What the test's own code may map beside the files.
    const SLACK: usize = 4 * 1024 * 1024;

    #[test]
    fn nothing_stays_of_a_file_that_could_not_be_written() {
        let folder = tempfile::tempdir().unwrap();
        let full = || io::Error::from(io::ErrorKind::StorageFull);
        let tried = create(&path(folder.path(), 1), |file| file.write_all(b"a piece").and(Err(full())));
        assert_eq!(tried.unwrap_err().kind(), io::ErrorKind::StorageFull);
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
        create(&path(folder.path(), 2), |file| write_pieces(file, b"all of it")).unwrap();
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
    }

    /// No other thread helps here: a walk through much more than fits keeps within bounds on its way.
    #[test]
    fn walks_keep_the_memory_of_files_within_bounds() {
        let folder = tempfile::tempdir().unwrap();
        let written = PartFiles::new(usize::MAX);
        let contents: Vec<u8> = (0..FILE_BYTES).map(|at| at as u8).collect();
        let refs: Vec<_> =
            (0..FILES).map(|_| FileRef::of(&*written.write(folder.path(), &contents).unwrap())).collect();
        drop(written);
        let Some(before) = resident_bytes() else { return };
        let bound = before + 16 * FILE_BYTES;
        let opened = PartFiles::new(bound);
        let files: Vec<_> = refs.iter().map(|file| opened.open(folder.path(), file).unwrap()).collect();
        let mut most = 0;
        for _ in 0..3 {
            for file in &files {
                assert!(file.bytes() == contents);
                most = most.max(resident_bytes().unwrap());
                file.watch().unwrap().passed();
            }
        }
        assert!(most <= bound + WALKED_LOOK * FILE_BYTES + SLACK, "{most} bytes, {bound} may be taken");
        assert!(most > before + 8 * FILE_BYTES, "it lets go of more than it must: {most} of {bound} bytes");
    }
}
