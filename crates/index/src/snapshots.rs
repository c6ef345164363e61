//! Snapshots of column indexes: files from which a restart reads an index in a fraction of the time that its rows take.
//!
//! A snapshot is derived and may be thrown away at any time. It is believed only when the origin says so, which remembers the
//! token of the newest one and the commit it stands for, so that neither an origin brought back from a backup nor a
//! file left by another one is taken for it. Rows added since are read, and commits made up for, as far as the origin can tell of
//! them; after any other change the snapshot is of no use. What rests in files of its own (`parts`) is referred to, so that a snapshot of many rows is written in a moment. Knows
//! files and checksums, not what columns are.
//!
//! `index/COLLECTION/columns` is the snapshot, `index/COLLECTION/*.part` what it refers to.

use crate::number::CollectionNumber;
use crate::origin::Kept;
use crate::parts::{self, PartFiles};
use crate::slot::Index;
use evalset_columns::{ColumnLimits, Columns, Draft, Sealed};
use evalset_model::{Error, Result};
use std::fs::{self, File};
use std::io::{self, BufReader, BufWriter, Read, Write};
use std::path::{Path, PathBuf};
use xxhash_rust::xxh3::Xxh3;

/// Begins each file.
const MAGIC: &[u8; 8] = b"evdscol\x02";
/// Bytes read or written at once.
const BUFFER_BYTES: usize = 1024 * 1024;
/// Bytes before the columns (mark and token) and after them (checksum).
const AROUND_BYTES: u64 = 24;

/// Name of a snapshot.
const NAME: &str = "columns";

/// Where snapshots lie, and which indexes are worth one.
pub(crate) struct Snapshots {
    folder: PathBuf,
    rows_min: u64,
    files: PartFiles,
}

impl Snapshots {
    /// In the folder `index` of the data folder, of indexes with at least so many rows; what is mapped of all files takes
    /// `memory_max` bytes of memory at most.
    pub fn new(data_dir: &Path, rows_min: u64, memory_max: usize) -> Self {
        Self { folder: data_dir.join("index"), rows_min, files: PartFiles::new(memory_max) }
    }

    /// Whether an index is worth a snapshot.
    pub fn wants(&self, index: &Index) -> bool {
        index.columns.len() >= self.rows_min
    }

    /// The files that parts rest in.
    pub fn files(&self) -> &PartFiles {
        &self.files
    }

    fn folder(&self, collection: CollectionNumber) -> PathBuf {
        self.folder.join(collection.to_string())
    }

    /// The columns of the snapshot that was kept under a token. Whatever is wrong with it, the index can be read from the rows.
    pub fn load(&self, collection: CollectionNumber, token: i64, limits: ColumnLimits) -> Option<Columns> {
        match read(&self.folder(collection), token, limits, &self.files) {
            Ok(columns) => Some(columns),
            Err(error) => {
                tracing::warn!(%collection, %error, "a snapshot of a column index cannot be used; its rows are read instead");
                None
            }
        }
    }

    /// Writes a snapshot of an index in place of the one before. It may be believed once the origin remembers what this returns.
    pub fn save(&self, collection: CollectionNumber, index: &Index) -> Result<Kept> {
        let token = getrandom::u64().map_err(Error::internal)? as i64;
        let folder = self.folder(collection);
        let (path, draft) = (folder.join(NAME), folder.join("draft"));
        fs::create_dir_all(&folder)
            .and_then(|()| write(&draft, token, &index.columns))
            .and_then(|()| fs::rename(&draft, &path))
            .map_err(Error::internal)?;
        Ok(Kept { seq: index.seq, token })
    }

    /// Writes parts of an index to one file.
    pub fn write(&self, collection: CollectionNumber, draft: Draft) -> io::Result<Sealed> {
        let file = self.files.write(&self.folder(collection), draft.bytes())?;
        draft.sealed(&file)
    }

    /// Removes the files of a collection that its index does not rest in.
    pub fn sweep_parts(&self, collection: CollectionNumber, columns: &Columns) {
        parts::sweep(&self.folder(collection), &columns.files());
    }

    /// Removes what belongs to collections of which no snapshot is kept, or to an earlier version.
    pub fn sweep(&self, kept: &[CollectionNumber]) {
        let Ok(entries) = fs::read_dir(&self.folder) else { return };
        for path in entries.filter_map(|entry| Some(entry.ok()?.path())) {
            let id = path.file_name().and_then(|name| name.to_str()).and_then(|name| name.parse::<i64>().ok());
            let useless = match id.filter(|_| path.is_dir()) {
                Some(id) => !kept.contains(&CollectionNumber(id)),
                None => path.extension().is_some_and(|extension| extension == "columns" || extension == "part"),
            };
            if useless {
                remove(&path);
            }
        }
    }
}

/// Removes a file or folder that is of no use.
pub(crate) fn remove(path: &Path) {
    let removed = if path.is_dir() { fs::remove_dir_all(path) } else { fs::remove_file(path) };
    if let Err(error) = removed {
        tracing::warn!(path = %path.display(), %error, "what is left of a snapshot cannot be removed");
    }
}

/// Passes bytes on and hashes them.
struct Hashing<T> {
    inner: T,
    hash: Xxh3,
}

impl<T: Read> Read for Hashing<T> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.inner.read(buffer)?;
        self.hash.update(&buffer[..count]);
        Ok(count)
    }
}

impl<T: Write> Write for Hashing<T> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let count = self.inner.write(bytes)?;
        self.hash.update(&bytes[..count]);
        Ok(count)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.inner.flush()
    }
}

fn write(path: &Path, token: i64, columns: &Columns) -> io::Result<()> {
    let hashing = Hashing { inner: File::create(path)?, hash: Xxh3::new() };
    let mut out = BufWriter::with_capacity(BUFFER_BYTES, hashing);
    out.write_all(MAGIC)?;
    out.write_all(&token.to_le_bytes())?;
    columns.save(&mut out)?;
    let Hashing { inner: mut file, hash } = out.into_inner().map_err(io::IntoInnerError::into_error)?;
    file.write_all(&hash.digest().to_le_bytes())
}

fn read(folder: &Path, token: i64, limits: ColumnLimits, files: &PartFiles) -> io::Result<Columns> {
    let odd = |what: &str| io::Error::new(io::ErrorKind::InvalidData, what.to_owned());
    let file = File::open(folder.join(NAME))?;
    let body = file.metadata()?.len().checked_sub(AROUND_BYTES).ok_or_else(|| odd("it is too short"))?;
    let hashing = Hashing { inner: file, hash: Xxh3::new() };
    let mut input = BufReader::with_capacity(BUFFER_BYTES, hashing.take(body + 16));
    let (mut magic, mut stored) = ([0; 8], [0; 8]);
    input.read_exact(&mut magic)?;
    input.read_exact(&mut stored)?;
    if magic != *MAGIC {
        return Err(odd("it is no snapshot of this version"));
    }
    if i64::from_le_bytes(stored) != token {
        return Err(odd("it belongs to another state of the data file"));
    }
    let columns = Columns::load(&limits, &mut input, &|part| files.open(folder, part))?;
    if input.read(&mut [0])? != 0 {
        return Err(odd("it is too long"));
    }
    let Hashing { inner: mut file, hash } = input.into_inner().into_inner();
    let mut checksum = [0; 8];
    file.read_exact(&mut checksum)?;
    if u64::from_le_bytes(checksum) == hash.digest() { Ok(columns) } else { Err(odd("its checksum is wrong")) }
}
