//! Turns: who comes under the same name is served one after the other. Knows no rows.

/// Calls of one annotator for a row come one after the other, so that a double click does not get two. (Rows are kept apart by the
/// store; this is for the comfort of annotators.) Few locks for all: who shares one waits a little.
pub struct Turns([tokio::sync::Mutex<()>; TURNS]);

/// Annotators who are served at once.
const TURNS: usize = 256;

impl Default for Turns {
    fn default() -> Self {
        Self(std::array::from_fn(|_| tokio::sync::Mutex::default()))
    }
}

impl Turns {
    /// The lock of this name.
    pub fn of(&self, annotator: &str) -> &tokio::sync::Mutex<()> {
        &self.0[xxhash_rust::xxh3::xxh3_64(annotator.as_bytes()) as usize % TURNS]
    }
}
