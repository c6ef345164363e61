//! Which rows a job, an export or a count takes: asked for once, handed out in pieces.
//!
//! Knows no store. What is held of a selection between its pieces is small: see [`Selected::held_bytes`].

use crate::packed::{PackedRows, Unpacked};
use async_trait::async_trait;
use evalset_model::Result;
use evalset_model::filter::LogFilter;
use evalset_model::ids::{LogId, RowNumber, Watermark};
use evalset_model::page::Sort;

/// Which rows to select.
#[derive(Clone, Debug)]
pub struct Pick {
    /// Which rows.
    pub filter: LogFilter,
    /// Only rows up to this watermark, if given.
    pub watermark: Option<Watermark>,
    /// Keep a part of them, if given.
    pub sample: Option<Sample>,
    /// In what order.
    pub order: PickOrder,
}

impl Pick {
    /// All rows that pass a filter, by falling row number.
    pub fn of(filter: LogFilter) -> Self {
        Self { filter, watermark: None, sample: None, order: PickOrder::Falling { after: None } }
    }
}

/// The order of a selection.
#[derive(Clone, Debug, PartialEq)]
pub enum PickOrder {
    /// By falling row number: the order in which a job goes on where it was.
    Falling {
        /// Only rows below this number, if given, whether or not it is there: those before it are done.
        after: Option<RowNumber>,
    },
    /// As a list in this order.
    By(Sort),
}

/// Repeatable pseudo-random choice: rows are ranked by [`sample_hash`] of seed and id, and the lowest are kept.
#[derive(Clone, Debug, PartialEq)]
pub enum Sample {
    /// Keep `round(n · percent / 100)` of the n matches, at least 1 when n ≥ 1.
    Percent {
        /// The dataset's id.
        seed: String,
        /// Above 0, up to 100.
        percent: f64,
    },
    /// Keep rows whose hash is at most `cutoff`: the same choice made again.
    Cutoff {
        /// The dataset's id.
        seed: String,
        /// From the first [`Selected`].
        cutoff: u64,
    },
}

impl Sample {
    /// What rows are ranked by beside their id.
    pub fn seed(&self) -> &str {
        let (Self::Percent { seed, .. } | Self::Cutoff { seed, .. }) = self;
        seed
    }

    /// The greatest hash kept of those of all matches; `None` when there is no match to choose from.
    pub fn cutoff(&self, hashes: &mut [u64]) -> Option<u64> {
        match self {
            Self::Cutoff { cutoff, .. } => Some(*cutoff),
            Self::Percent { percent, .. } => {
                let size = sample_size(hashes.len() as u64, *percent);
                let last = usize::try_from(size).unwrap_or(usize::MAX).checked_sub(1)?;
                Some(*hashes.select_nth_unstable(last).1)
            }
        }
    }
}

/// The hash rows are ranked by.
pub fn sample_hash(seed: &str, id: &LogId) -> u64 {
    let mut bytes = Vec::with_capacity(seed.len() + id.as_str().len() + 1);
    bytes.extend_from_slice(seed.as_bytes());
    bytes.push(0);
    bytes.extend_from_slice(id.as_str().as_bytes());
    xxhash_rust::xxh3::xxh3_64(&bytes)
}

/// How many of `matches` a sample of `percent` keeps (contract B.15).
pub fn sample_size(matches: u64, percent: f64) -> u64 {
    if matches == 0 { 0 } else { ((matches as f64 * percent / 100.0).round() as u64).clamp(1, matches) }
}

/// Selected rows. Which they are is settled when the selection is made: rows added later are not among them, those that
/// change stay, those that go are still handed out, and left out by whoever reads them.
#[async_trait]
pub trait Selected: Send + Sync {
    /// Rows that match, before sampling.
    fn matches(&self) -> u64;

    /// The greatest hash kept, when sampling; `None` when there was nothing to sample.
    fn cutoff(&self) -> Option<u64>;

    /// Rows selected, those handed out already among them.
    fn len(&self) -> u64;

    /// Whether no row is selected.
    fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Bytes of memory that it takes from one piece to the next: a few for rows without gaps between them, about one a
    /// row where they nearly follow the order of arrival, and four a row at most in any order of ten million rows.
    fn held_bytes(&self) -> usize;

    /// The next rows in order, at most so many; fewer than `most`, which is above 0, only at the end.
    async fn next(&mut self, most: usize) -> Result<Vec<RowNumber>>;
}

/// A selection of which this process holds the row numbers, packed.
#[derive(Debug)]
pub struct HeldRows {
    matches: u64,
    cutoff: Option<u64>,
    len: u64,
    rows: Unpacked,
}

impl HeldRows {
    /// These rows of so many matches, in this order.
    pub fn new(matches: u64, cutoff: Option<u64>, rows: PackedRows) -> Self {
        Self { matches, cutoff, len: rows.len(), rows: rows.into_iter() }
    }
}

#[async_trait]
impl Selected for HeldRows {
    fn matches(&self) -> u64 {
        self.matches
    }

    fn cutoff(&self) -> Option<u64> {
        self.cutoff
    }

    fn len(&self) -> u64 {
        self.len
    }

    fn held_bytes(&self) -> usize {
        self.rows.held_bytes()
    }

    async fn next(&mut self, most: usize) -> Result<Vec<RowNumber>> {
        Ok(self.rows.by_ref().take(most).collect())
    }
}

/// Rows taken at once from a selection that is looked through.
const LOOKED_AT: usize = 65_536;

/// The rest of a selection without some of its rows, which rise.
pub async fn without(mut selected: Box<dyn Selected>, rows: &[RowNumber]) -> Result<HeldRows> {
    let mut rest = PackedRows::default();
    loop {
        let piece = selected.next(LOOKED_AT).await?;
        let last = piece.len() < LOOKED_AT;
        piece.into_iter().filter(|row| rows.binary_search(row).is_err()).for_each(|row| rest.push(row));
        if last {
            return Ok(HeldRows::new(selected.matches(), selected.cutoff(), rest));
        }
    }
}
