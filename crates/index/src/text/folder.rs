//! The folder of one collection's text index: segment files, and lists of those that belong together.
//!
//! A list is named by its token and written before the origin remembers that token; the one before it stays until then.
//! So at any moment the list that the origin remembers is there, with all its segments, and anything else is left over.
//! Knows files only.

use crate::number::CollectionNumber;
use evalset_model::ids::RowNumber;
use std::fmt::Write as _;
use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use xxhash_rust::xxh3::xxh3_64;

/// Begins each list; another version is another list.
const HEAD: &str = "evalset text index 1";

/// Where the index of a collection lies.
pub(super) struct Folder {
    path: PathBuf,
}

/// Segments that belong together.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct List {
    /// Rows up to this one have been looked at.
    pub above: RowNumber,
    /// Names of segments, oldest first.
    pub names: Vec<u64>,
}

impl List {
    fn text(&self, token: i64) -> String {
        let mut text = format!("{HEAD}\n{token:016x}\n{}\n", self.above);
        for name in &self.names {
            let _ = writeln!(text, "{name:016x}");
        }
        let checksum = xxh3_64(text.as_bytes());
        let _ = writeln!(text, "{checksum:016x}");
        text
    }

    fn parse(text: &str, token: i64) -> Option<Self> {
        let mut lines = text.lines().skip(2);
        let above = RowNumber::new(lines.next()?.parse().ok()?);
        let mut names = lines.map(|line| u64::from_str_radix(line, 16)).collect::<Result<Vec<_>, _>>().ok()?;
        names.pop()?;
        let list = Self { above, names };
        (list.text(token) == text).then_some(list)
    }
}

impl Folder {
    /// In a folder named by the collection.
    pub fn new(root: &Path, collection: CollectionNumber) -> Self {
        Self { path: root.join(collection.to_string()) }
    }

    /// Whether it is there.
    pub fn exists(&self) -> bool {
        self.path.is_dir()
    }

    /// Makes it, if need be.
    pub fn create(&self) -> io::Result<()> {
        fs::create_dir_all(&self.path)
    }

    /// The file of a segment.
    pub fn segment(&self, name: u64) -> PathBuf {
        self.path.join(format!("{name:016x}.segment"))
    }

    fn list(&self, token: i64) -> PathBuf {
        self.path.join(format!("{token:016x}.list"))
    }

    /// Writes a list, and sees it and the segments' names on the disk.
    pub fn write_list(&self, token: i64, list: &List) -> io::Result<()> {
        let path = self.list(token);
        let part = path.with_extension("part");
        let mut file = File::create(&part)?;
        file.write_all(list.text(token).as_bytes())?;
        file.sync_all()?;
        fs::rename(&part, &path)?;
        File::open(&self.path)?.sync_all()
    }

    /// Reads the list with this token.
    pub fn read_list(&self, token: i64) -> io::Result<List> {
        let text = fs::read_to_string(self.list(token))?;
        List::parse(&text, token).ok_or_else(|| io::Error::new(io::ErrorKind::InvalidData, "a list is damaged"))
    }

    /// Removes every file but this list and its segments.
    pub fn keep(&self, token: i64, names: &[u64]) {
        let mut kept: Vec<PathBuf> = names.iter().map(|name| self.segment(*name)).collect();
        kept.push(self.list(token));
        let Ok(files) = fs::read_dir(&self.path) else { return };
        for path in files.filter_map(|file| Some(file.ok()?.path())).filter(|path| !kept.contains(path)) {
            if let Err(error) = fs::remove_file(&path) {
                tracing::warn!(path = %path.display(), %error, "a useless file of a text index cannot be removed");
            }
        }
    }

    /// Removes all of it.
    pub fn remove(&self) {
        if let Err(error) = fs::remove_dir_all(&self.path)
            && error.kind() != io::ErrorKind::NotFound
        {
            tracing::warn!(path = %self.path.display(), %error, "a useless text index cannot be removed");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_comes_back_or_is_refused() {
        let root = tempfile::tempdir().unwrap();
        let folder = Folder::new(root.path(), CollectionNumber(3));
        folder.create().unwrap();
        let list = List { above: RowNumber::new(77), names: vec![5, u64::MAX] };
        folder.write_list(-4, &list).unwrap();
        assert_eq!(folder.read_list(-4).unwrap(), list);
        fs::copy(folder.list(-4), folder.list(5)).unwrap();
        assert!(folder.read_list(5).is_err(), "of another token");
        let text = fs::read_to_string(folder.list(-4)).unwrap();
        for cut in 0..text.len() {
            fs::write(folder.list(-4), &text[..cut]).unwrap();
            assert!(folder.read_list(-4).is_err(), "{cut}");
        }
        fs::write(folder.segment(5), "x").unwrap();
        fs::write(folder.segment(6), "x").unwrap();
        folder.keep(-4, &[5]);
        assert!(folder.segment(5).exists() && folder.list(-4).exists());
        assert!(!folder.segment(6).exists() && !folder.list(5).exists());
        folder.remove();
        assert!(!folder.segment(5).exists());
    }
}
