//! Snapshots of column indexes: files from which a restart reads an index in a fraction of the time that its rows take.
//!
//! A snapshot is derived and may be thrown away at any time. It is believed only when the data file says so: the table `snapshot`
//! holds the token of the newest one and the commit it stands for, so that neither a data file brought back from a backup nor a
//! file left by another one is taken for it. Rows added since are read from the data file; after any other change the snapshot is
//! of no use. Knows files and checksums, not what columns are.

use super::error::Sql;
use super::indexes::Index;
use evalset_columns::{ColumnLimits, Columns};
use evalset_model::{Error, Result};
use rusqlite::{Connection, OptionalExtension};
use std::fs::{self, File};
use std::io::{self, BufReader, BufWriter, Read, Write};
use std::path::{Path, PathBuf};
use xxhash_rust::xxh3::Xxh3;

/// Begins each file.
const MAGIC: &[u8; 8] = b"evdscol\x01";
/// Bytes read or written at once.
const BUFFER_BYTES: usize = 1024 * 1024;
/// Bytes before the columns (mark and token) and after them (checksum).
const AROUND_BYTES: u64 = 24;

/// Where snapshots lie, and which indexes are worth one.
pub(super) struct Snapshots {
    folder: PathBuf,
    rows_min: u64,
}

impl Snapshots {
    /// In the folder `index` of the data folder, of indexes with at least so many rows.
    pub fn new(data_dir: &Path, rows_min: u64) -> Self {
        Self { folder: data_dir.join("index"), rows_min }
    }

    /// Whether an index is worth a snapshot.
    pub fn wants(&self, index: &Index) -> bool {
        index.columns.len() >= self.rows_min
    }

    fn path(&self, collection: i64) -> PathBuf {
        self.folder.join(format!("{collection}.columns"))
    }

    /// The columns of the newest snapshot and the commit they stand for, when only rows were added since. Whatever is wrong with
    /// it, the index can be read from the rows.
    pub fn load(
        &self,
        connection: &Connection,
        collection: i64,
        limits: ColumnLimits,
    ) -> Result<Option<(i64, Columns)>> {
        let believed: Option<(i64, i64)> = connection
            .prepare_cached(
                "SELECT s.seq, s.token FROM snapshot s JOIN collection c ON c.id = s.collection \
                 WHERE s.collection = ?1 AND s.seq >= c.changed AND s.seq <= c.seq",
            )
            .sql()?
            .query_row([collection], |line| Ok((line.get(0)?, line.get(1)?)))
            .optional()
            .sql()?;
        let Some((seq, token)) = believed else { return Ok(None) };
        match read(&self.path(collection), token, limits) {
            Ok(columns) => Ok(Some((seq, columns))),
            Err(error) => {
                tracing::warn!(collection, %error, "a snapshot of a column index cannot be used; its rows are read instead");
                Ok(None)
            }
        }
    }

    /// Writes a snapshot of an index and says in the data file that it may be believed. Inside a transaction of the writer.
    pub fn save(&self, connection: &Connection, collection: i64, index: &Index) -> Result<()> {
        let token = getrandom::u64().map_err(Error::internal)? as i64;
        let path = self.path(collection);
        let part = path.with_extension("part");
        fs::create_dir_all(&self.folder)
            .and_then(|()| write(&part, token, &index.columns))
            .and_then(|()| fs::rename(&part, &path))
            .map_err(Error::internal)?;
        connection
            .prepare_cached("INSERT OR REPLACE INTO snapshot (collection, seq, token) VALUES (?1, ?2, ?3)")
            .sql()?
            .execute((collection, index.seq, token))
            .sql()?;
        Ok(())
    }

    /// Removes files of collections that are gone, and what a process left that died over one.
    pub fn sweep(&self, connection: &Connection) -> Result<()> {
        connection
            .execute("DELETE FROM snapshot WHERE collection NOT IN (SELECT id FROM collection WHERE hidden = 0)", [])
            .sql()?;
        let Ok(files) = fs::read_dir(&self.folder) else { return Ok(()) };
        let mut kept = connection.prepare_cached("SELECT 1 FROM snapshot WHERE collection = ?1").sql()?;
        for path in files.filter_map(|file| Some(file.ok()?.path())) {
            let columns = path.extension().is_some_and(|extension| extension == "columns");
            let id = path.file_stem().and_then(|stem| stem.to_str()).and_then(|stem| stem.parse::<i64>().ok());
            let known = match id.filter(|_| columns) {
                Some(id) => kept.exists([id]).sql()?,
                None => false,
            };
            let ours = columns || path.extension().is_some_and(|extension| extension == "part");
            if ours
                && !known
                && let Err(error) = fs::remove_file(&path)
            {
                tracing::warn!(path = %path.display(), %error, "a useless snapshot cannot be removed");
            }
        }
        Ok(())
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

fn read(path: &Path, token: i64, limits: ColumnLimits) -> io::Result<Columns> {
    let odd = |what: &str| io::Error::new(io::ErrorKind::InvalidData, what.to_owned());
    let file = File::open(path)?;
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
    let columns = Columns::load(&limits, &mut input)?;
    if input.read(&mut [0])? != 0 {
        return Err(odd("it is too long"));
    }
    let Hashing { inner: mut file, hash } = input.into_inner().into_inner();
    let mut checksum = [0; 8];
    file.read_exact(&mut checksum)?;
    if u64::from_le_bytes(checksum) == hash.digest() { Ok(columns) } else { Err(odd("its checksum is wrong")) }
}
