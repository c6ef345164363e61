//! Which rows may be on a page far inside an order: those before and after it are counted, not collected. Knows keys
//! and orders of chunks, not what they stand for.

use crate::bits;
use crate::kept::ChunkOrder;
use crate::key::Part;
use crate::order::{Item, Sorter};
use crate::watch::Watched;

/// With at least so many chunks of rows, those far from a deep page are counted by ranges of keys where no orders are
/// kept; with fewer, passing over the column three times costs more than it saves.
const COUNTED_CHUNKS: u64 = 32;
/// Ranges of keys that rows are counted in: their counts fit the nearest cache.
const RANGES: usize = 1 << 12;
/// Chunks' worth of rows that may lie in chunks without an order: they are sorted for the occasion.
const LOOSE_CHUNKS: u64 = 1;

/// Rows that may be on a page.
pub(crate) struct Near {
    pub items: Vec<Item>,
    /// Rows that come before all of them.
    pub before: usize,
    /// Rows of the part.
    pub members: usize,
}

/// Rows of a chunk in order of their keys.
enum Run {
    /// A kept order, all of it: first position of the chunk, and offsets.
    Whole(usize, ChunkOrder),
    /// Some of a kept order.
    Kept(usize, Vec<u16>),
    /// Sorted for the occasion.
    Loose(Vec<Item>),
}

impl Run {
    fn len(&self) -> usize {
        match self {
            Self::Whole(_, order) => order.len(),
            Self::Kept(_, offsets) => offsets.len(),
            Self::Loose(items) => items.len(),
        }
    }

    fn item(&self, part: &Part<'_>, at: usize) -> Item {
        let position = match self {
            Self::Whole(start, order) => start + usize::from(order[at]),
            Self::Kept(start, offsets) => start + usize::from(offsets[at]),
            Self::Loose(items) => return items[at],
        };
        (part.key_at(position).unwrap_or(u64::MAX), position as u32)
    }

    /// Where in `from..to` keys begin that do not pass; all that pass lie before them.
    fn partition(&self, part: &Part<'_>, (mut from, mut to): (usize, usize), pass: impl Fn(u64) -> bool) -> usize {
        while from < to {
            let middle = from + (to - from) / 2;
            if pass(self.item(part, middle).0) { from = middle + 1 } else { to = middle }
        }
        from
    }
}

impl Sorter<'_> {
    /// Rows of a part among which are `offset..offset + limit`.
    pub(crate) fn near_window(&self, part: &Part<'_>, offset: usize, limit: usize) -> Near {
        if let Some(runs) = self.runs(part) {
            return near_in_runs(self.watch, part, &runs, offset, limit);
        }
        if bits::count(self.rows) < COUNTED_CHUNKS * self.grid.rows() as u64 {
            let items = self.items(part);
            return Near { before: 0, members: items.len(), items };
        }
        self.near_by_ranges(part, offset, limit)
    }

    /// The rows of each chunk in order; none unless nearly all rows lie in chunks whose order is kept.
    fn runs(&self, part: &Part<'_>) -> Option<Vec<Run>> {
        let orders = self.orders(part);
        let order = |chunk: usize| orders.get(chunk).and_then(Option::as_ref);
        let chunks = || (0..self.chunks()).map(|chunk| (chunk, self.chunk_rows(chunk)));
        let missing = chunks().filter(|(chunk, rows)| order(*chunk).is_none() && !bits::none(rows));
        let (missing, loose): (Vec<usize>, Vec<u64>) = missing.map(|(chunk, rows)| (chunk, bits::count(rows))).unzip();
        self.want(part, &missing);
        if orders.iter().all(Option::is_none) || loose.iter().sum::<u64>() > LOOSE_CHUNKS * self.grid.rows() as u64 {
            return None;
        }
        let run = |(chunk, rows): (usize, &[u64])| {
            self.watch.passed();
            if let Some(order) = order(chunk) {
                let (start, all) = (self.grid.start(chunk), bits::count(rows) == self.grid.rows() as u64);
                return if all { Run::Whole(start, order.clone()) } else { Run::Kept(start, among(order, rows)) };
            }
            let mut items = Vec::new();
            part.each(chunk, rows, |position, key| items.push((key, position as u32)));
            items.sort_unstable();
            Run::Loose(items)
        };
        Some(chunks().map(run).filter(|run| run.len() > 0).collect())
    }

    fn each(&self, part: &Part<'_>, mut visit: impl FnMut(usize, u64)) {
        for chunk in 0..self.chunks() {
            part.each(chunk, self.chunk_rows(chunk), &mut visit);
            self.watch.passed();
        }
    }

    /// Counts rows in ranges of keys, then collects those of the ranges that the page falls into.
    fn near_by_ranges(&self, part: &Part<'_>, offset: usize, limit: usize) -> Near {
        let (mut lowest, mut highest) = (u64::MAX, 0);
        self.each(part, |_, key| (lowest, highest) = (lowest.min(key), highest.max(key)));
        let shift = (u64::BITS - highest.saturating_sub(lowest).leading_zeros()).saturating_sub(RANGES.ilog2());
        let range = |key: u64| ((key - lowest) >> shift) as usize;
        let mut counts = vec![0_u32; RANGES];
        self.each(part, |_, key| counts[range(key)] += 1);
        let end = offset.saturating_add(limit);
        let mut near = Near { items: Vec::new(), before: 0, members: 0 };
        // Ranges that begin before the page ends and end after it begins.
        let (mut first, mut after) = (0, RANGES);
        for (index, count) in counts.into_iter().enumerate() {
            let count = count as usize;
            if near.members + count <= offset {
                (first, near.before) = (index + 1, near.members + count);
            }
            if near.members < end && near.members + count >= end {
                after = index + 1;
            }
            near.members += count;
        }
        let items = &mut near.items;
        if offset < near.members {
            self.each(part, |position, key| {
                if (first..after).contains(&range(key)) {
                    items.push((key, position as u32));
                }
            });
        }
        near
    }
}

/// Those offsets of an order whose rows are among these.
fn among(order: &ChunkOrder, rows: &[u64]) -> Vec<u16> {
    // Without a branch for each row: about as many pass as do not.
    let (mut offsets, mut count) = (vec![0; order.len()], 0);
    for offset in order.iter() {
        offsets[count] = *offset;
        count += usize::from(bits::get(rows, usize::from(*offset)));
    }
    offsets.truncate(count);
    offsets
}

fn near_in_runs(watch: &Watched, part: &Part<'_>, runs: &[Run], offset: usize, limit: usize) -> Near {
    let members = runs.iter().map(Run::len).sum();
    if offset >= members {
        return Near { items: Vec::new(), before: 0, members };
    }
    let first = key_of_rank(watch, part, runs, offset);
    let last = key_of_rank(watch, part, runs, offset.saturating_add(limit.max(1) - 1).min(members - 1));
    let mut near = Near { items: Vec::new(), before: 0, members };
    for run in runs {
        let from = run.partition(part, (0, run.len()), |key| key < first);
        let to = run.partition(part, (from, run.len()), |key| key <= last);
        near.before += from;
        watch.passed();
        near.items.extend((from..to).map(|at| run.item(part, at)));
    }
    near
}

/// The key of the row that so many come before: the smallest key that more rows than that do not exceed.
fn key_of_rank(watch: &Watched, part: &Part<'_>, runs: &[Run], rank: usize) -> u64 {
    // Rows of each run before which the border certainly is not, and behind which it is not.
    let mut borders: Vec<(usize, usize)> = runs.iter().map(|run| (0, run.len())).collect();
    let (mut low, mut high) = (0, u64::MAX);
    while low < high {
        let middle = low + (high - low) / 2;
        let place = |(run, border): (&Run, &(usize, usize))| {
            // The first steps map what the others look at.
            if high == u64::MAX {
                watch.passed();
            }
            run.partition(part, *border, |key| key <= middle)
        };
        let places: Vec<usize> = runs.iter().zip(&borders).map(place).collect();
        let enough = places.iter().sum::<usize>() > rank;
        for (border, place) in borders.iter_mut().zip(places) {
            if enough { border.1 = place } else { border.0 = place }
        }
        if enough { high = middle } else { low = middle + 1 }
    }
    low
}
