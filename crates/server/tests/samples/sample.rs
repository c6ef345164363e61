//! Samples where they lie, and copies of them to open.

use serde::Deserialize;
use serde_json::Value;
use std::fs;
use std::path::{Path, PathBuf};
use tempfile::TempDir;

/// What was answered for a sample, by the program that made it.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Told {
    /// Schema version of the file.
    pub schema: i64,
    /// Commit that the program was built from.
    #[expect(dead_code, reason = "for whoever reads the file")]
    pub program: String,
    /// Address of the LLM provider in the file; none in versions that know none.
    pub provider: Option<String>,
    /// API keys by who asks.
    pub keys: Keys,
    /// Jobs as they are in the file of a killed server, oldest first.
    #[serde(default)]
    pub jobs: Vec<StoredJob>,
    /// When the server was killed, microseconds since the epoch; 0 for one that was stopped.
    #[serde(default)]
    pub killed_at: i64,
    /// Questions and what they were answered with.
    pub answers: Vec<Exchange>,
}

/// Keys by who asks.
#[derive(Debug, Deserialize)]
pub struct Keys {
    /// Organization `default`, environment prod.
    pub default: String,
    /// Another organization.
    pub other: String,
    /// Organization `default`, environment test.
    pub test: String,
}

impl Keys {
    /// The key of who asks.
    pub fn of(&self, who: &str) -> &str {
        match who {
            "other" => &self.other,
            "test" => &self.test,
            _ => &self.default,
        }
    }
}

/// A job as it is in the data file.
#[derive(Debug, Deserialize)]
pub struct StoredJob {
    /// Its id.
    pub id: String,
    /// Its kind.
    pub kind: String,
    /// Its state.
    pub state: String,
    /// How far it is.
    pub progress: Value,
}

/// A question and its answer.
#[derive(Debug, Deserialize)]
pub struct Exchange {
    /// Who asks.
    #[serde(rename = "as")]
    pub who: String,
    /// HTTP method.
    pub method: String,
    /// Path with query.
    pub path: String,
    /// Body, if one was sent.
    #[serde(default)]
    pub body: Option<Value>,
    /// HTTP status.
    pub status: u16,
    /// Body of the answer: JSON, or text that is none.
    pub answer: Value,
}

/// How the server of a sample ended.
#[derive(Clone, Copy, Debug)]
pub enum Ended {
    /// In order, with no job open.
    Stopped,
    /// By SIGKILL amid its jobs.
    Killed,
}

impl Ended {
    fn name(self) -> &'static str {
        match self {
            Self::Stopped => "stopped",
            Self::Killed => "killed",
        }
    }
}

/// The folder of all samples.
fn all() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../embedded/samples")
}

/// Whether the samples of a version are there.
pub fn exists(version: i64) -> bool {
    let folder = all().join(format!("v{version}"));
    [Ended::Stopped, Ended::Killed]
        .into_iter()
        .all(|ended| folder.join(ended.name()).join("evalset.db.zst").is_file() && told_path(version, ended).is_file())
}

/// The versions that have a folder, in order.
pub fn versions() -> Vec<i64> {
    let number = |entry: fs::DirEntry| entry.file_name().to_str()?.strip_prefix('v')?.parse().ok();
    let mut found: Vec<_> = fs::read_dir(all()).unwrap().filter_map(|entry| number(entry.unwrap())).collect();
    found.sort_unstable();
    found
}

fn told_path(version: i64, ended: Ended) -> PathBuf {
    all().join(format!("v{version}/{}.json.zst", ended.name()))
}

fn unpacked(path: &Path) -> Vec<u8> {
    zstd::decode_all(fs::File::open(path).unwrap()).unwrap()
}

/// A copy of a sample's data folder, and what was answered for it.
pub fn open(version: i64, ended: Ended) -> (TempDir, Told) {
    let told: Told = serde_json::from_slice(&unpacked(&told_path(version, ended))).unwrap();
    assert_eq!(told.schema, version);
    let copy = tempfile::tempdir().unwrap();
    unpack(&all().join(format!("v{version}")).join(ended.name()), copy.path());
    (copy, told)
}

fn unpack(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap().map(Result::unwrap) {
        let target = to.join(entry.file_name());
        if entry.path().is_dir() {
            unpack(&entry.path(), &target);
        } else {
            fs::write(target.with_extension(""), unpacked(&entry.path())).unwrap();
        }
    }
}
