//! How far an import is, kept in a small file so that a killed one can go on and a finished one is known; and the ids
//! of lines that bring none.
//!
//! The state is stored after the lines it counts. Should the process die between the two, those lines are written again
//! under the same ids.

use super::target::{Outcome, Target};
use anyhow::{Context as _, bail, ensure};
use evalset_model::ids::LogId;
use evalset_product::clock::Clock;
use evalset_rows::import::{Line, Source};
use serde::{Deserialize, Serialize};
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::time::UNIX_EPOCH;
use xxhash_rust::xxh3::{xxh3_64, xxh3_128};

/// What a state file holds.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct State {
    /// Absolute path of the file.
    file: String,
    /// Its size when the import began.
    size: u64,
    /// Its time of change then, seconds.
    modified: u64,
    /// Hash of its beginning then.
    head: u64,
    /// What ids are made from, as hex.
    identity: String,
    /// Lines (CSV: records) dealt with.
    pub lines: u64,
    /// What became of the lines.
    #[serde(flatten)]
    pub counts: Counts,
    /// The whole file is dealt with.
    #[serde(default)]
    finished: bool,
}

/// What became of lines.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Counts {
    /// Rows written that were not there; through a server, all rows written.
    pub added: u64,
    /// Request logs that were there and are replaced, as far as can be told.
    #[serde(default)]
    pub replaced: u64,
    /// Rows that were there already and stay, and logs that asked not to be kept.
    pub skipped: u64,
    /// Lines left out.
    pub bad: u64,
}

impl Counts {
    /// Counts what became of more lines.
    pub fn add(&mut self, outcome: &Outcome) {
        self.added += outcome.added;
        self.replaced += outcome.replaced;
        self.skipped += outcome.skipped;
        self.bad += outcome.bad.len() as u64;
    }
}

/// The state of one import.
#[derive(Debug)]
pub struct Resume {
    /// As last stored, or about to be.
    pub state: State,
    path: Option<PathBuf>,
    identity: u128,
}

impl Resume {
    /// A fresh state. Nothing is stored for standard input, which cannot be read again.
    pub fn new(source: &Source, target: &Target, data: &Path) -> anyhow::Result<Self> {
        let Some(file) = source.file() else {
            let identity = Clock::default().new_id().as_u128();
            return Ok(Self { state: State::default(), path: None, identity });
        };
        let absolute = file.canonicalize().with_context(|| format!("cannot open {}", file.display()))?;
        let about = absolute.metadata().with_context(|| format!("cannot read {}", file.display()))?;
        ensure!(about.is_file(), "{} is not a file", file.display());
        let modified = about.modified().ok().and_then(|at| at.duration_since(UNIX_EPOCH).ok()).unwrap_or_default();
        let head = source.head(about.len())?;
        let name = absolute.file_name().unwrap_or_default().to_string_lossy();
        let identity = xxh3_128(format!("{name}\0{head:016x}").as_bytes());
        let path = match target {
            Target::Local(_) => {
                let key = xxh3_64(format!("{}\0{}", absolute.display(), target.place()).as_bytes());
                data.join("imports").join(format!("{key:016x}.json"))
            }
            Target::Remote(_) => {
                let key = xxh3_64(target.place().as_bytes());
                // A hidden file, which a pattern such as `*.json` does not take for one to import.
                absolute.with_file_name(format!(".{name}.import-{key:016x}.json"))
            }
        };
        let state = State {
            file: absolute.display().to_string(),
            size: about.len(),
            modified: modified.as_secs(),
            head,
            identity: format!("{identity:032x}"),
            ..State::default()
        };
        Ok(Self { state, path: Some(path), identity })
    }

    /// Goes on where a stored state says, if there is one. The file may have grown since, not changed.
    pub fn load(&mut self, source: &Source) -> anyhow::Result<()> {
        let Some(path) = &self.path else { bail!("standard input cannot be resumed") };
        let text = match std::fs::read(path) {
            Ok(text) => text,
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(()),
            Err(error) => return Err(error).with_context(|| format!("cannot read {}", path.display())),
        };
        let stored: State = serde_json::from_slice(&text)
            .with_context(|| format!("{} is damaged; without --resume the import starts anew", path.display()))?;
        let edited = stored.size == self.state.size && stored.modified != self.state.modified;
        let same = !edited && stored.size <= self.state.size && source.head(stored.size)? == stored.head;
        ensure!(same, "{} has changed since the import began; without --resume it is imported anew", stored.file);
        self.identity = u128::from_str_radix(&stored.identity, 16)
            .with_context(|| format!("{} is damaged; without --resume the import starts anew", path.display()))?;
        let State { size, modified, head, .. } = self.state;
        // Lines that were appended since are still to do.
        let finished = stored.finished && stored.size == size;
        self.state = State { size, modified, head, finished, ..stored };
        Ok(())
    }

    /// Whether an earlier run came to the end of the file as it is.
    pub fn is_finished(&self) -> bool {
        self.state.finished
    }

    /// Whether a later `--resume` can go on.
    pub fn is_kept(&self) -> bool {
        self.path.is_some()
    }

    /// What ids of lines are made from.
    pub fn identity(&self) -> u128 {
        self.identity
    }

    /// Stores the state; it appears whole.
    pub fn save(&self) -> anyhow::Result<()> {
        let Some(path) = &self.path else { return Ok(()) };
        let context = || format!("cannot store how far the import is in {}", path.display());
        if let Some(folder) = path.parent() {
            std::fs::create_dir_all(folder).with_context(context)?;
        }
        let part = path.with_extension("part");
        std::fs::write(&part, serde_json::to_vec(&self.state)?).with_context(context)?;
        std::fs::rename(&part, path).with_context(context)
    }

    /// The import is complete, which is kept, so that `--resume` of the same file does nothing.
    pub fn done(&mut self) -> anyhow::Result<()> {
        self.state.finished = true;
        self.save()
    }
}

/// The id of a line that brings none: the same for the same line of the same file, whenever it is imported.
pub fn id_of(identity: u128, line: &Line) -> LogId {
    let mut bytes = [0; 32];
    bytes[..16].copy_from_slice(&identity.to_le_bytes());
    bytes[16..24].copy_from_slice(&line.number.to_le_bytes());
    bytes[24..].copy_from_slice(&line.hash.to_le_bytes());
    LogId(format!("{:032x}", xxh3_128(&bytes)))
}
