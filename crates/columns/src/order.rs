//! Rows in order: a page by a threshold buffer or selection, or all of them. Knows keys, not what they stand for.
//!
//! Ties of one part are broken by id, ascending, whichever way the values run.

use crate::bits;
use crate::chunked::Grid;
use crate::ids::Ids;
use crate::key::Part;
use crate::narrow::keep_or;
use std::cmp::Ordering;

/// Up to this many rows from the front, a threshold buffer is kept; deeper pages are selected from all keys.
const BUFFERED_MAX: usize = 4_096;
/// Rows looked at to see which way keys run along positions.
const SAMPLES: usize = 17;
/// With at least so many chunks of rows, those far from a deep page are counted instead of collected; with fewer, passing over the
/// column three times costs more than it saves.
const COUNTED_CHUNKS: u64 = 32;
/// Ranges of keys that rows are counted in: their counts fit the nearest cache.
const RANGES: usize = 1 << 12;

/// Key and position.
type Item = (u64, u32);

/// Orders some rows of a collection by parts.
pub struct Sorter<'a> {
    grid: Grid,
    ids: &'a Ids,
    /// Words by position; only alive rows.
    rows: &'a [u64],
}

impl<'a> Sorter<'a> {
    /// Over these rows.
    pub fn new(grid: Grid, ids: &'a Ids, rows: &'a [u64]) -> Self {
        Self { grid, ids, rows }
    }

    /// Positions `offset..offset + limit` of the order.
    pub fn page(&self, parts: &[Part<'_>], offset: u64, limit: u64) -> Vec<usize> {
        let mut offset = usize::try_from(offset).unwrap_or(usize::MAX);
        let mut limit = usize::try_from(limit).unwrap_or(usize::MAX);
        let mut page = Vec::new();
        for part in parts {
            if limit == 0 {
                break;
            }
            let before = page.len();
            let members = match offset.checked_add(limit) {
                Some(depth) if depth <= BUFFERED_MAX => self.first(part, offset, depth, &mut page),
                _ => self.window(part, offset, limit, &mut page),
            };
            limit -= page.len() - before;
            offset = offset.saturating_sub(members);
        }
        page
    }

    /// All positions in order.
    pub fn all(&self, parts: &[Part<'_>]) -> Vec<usize> {
        let mut all = Vec::new();
        for part in parts {
            self.sort(part, &mut self.items(part), &mut all);
        }
        all
    }

    /// Adds the positions of all items in order.
    fn sort(&self, part: &Part<'_>, items: &mut [Item], out: &mut Vec<usize>) {
        items.sort_unstable();
        if !part.exact() || !self.ids.ascend() {
            for run in items.chunk_by_mut(|left, right| left.0 == right.0).filter(|run| run.len() > 1) {
                let len = run.len();
                self.settle(part, run, 0, len);
            }
        }
        out.extend(items.iter().map(|(_, position)| *position as usize));
    }

    /// Puts `from..to` of items with equal keys into order. Keys do not matter any more then and are spent.
    fn settle(&self, part: &Part<'_>, run: &mut [Item], from: usize, to: usize) {
        if !part.tied_by_id() {
            return select(run, from, to, |left, right| self.compare_ties(part, left, right));
        }
        if self.ids.ascend() {
            return select(run, from, to, Item::cmp);
        }
        // The beginning of the id beside the position saves going to the id for nearly every comparison.
        for item in &mut *run {
            item.0 = self.ids.head(item.1 as usize);
        }
        select(run, from, to, |left, right| {
            left.0
                .cmp(&right.0)
                .then_with(|| self.ids.compare(left.1 as usize, right.1 as usize))
                .then(left.1.cmp(&right.1))
        });
    }

    fn chunk_rows(&self, chunk: usize) -> &[u64] {
        bits::part(self.rows, self.grid.start(chunk) / bits::WORD, self.grid.words())
    }

    fn chunks(&self) -> usize {
        self.rows.len().div_ceil(self.grid.words())
    }

    fn items(&self, part: &Part<'_>) -> Vec<Item> {
        let mut items = Vec::with_capacity(bits::count(self.rows) as usize);
        for chunk in 0..self.chunks() {
            part.each(chunk, self.chunk_rows(chunk), |position, key| items.push((key, position as u32)));
        }
        items
    }

    fn compare_ties(&self, part: &Part<'_>, left: &Item, right: &Item) -> Ordering {
        let (a, b) = (left.1 as usize, right.1 as usize);
        let values = if part.exact() { Ordering::Equal } else { part.compare(a, b) };
        values.then_with(|| if self.ids.ascend() { a.cmp(&b) } else { self.ids.compare(a, b) }).then(a.cmp(&b))
    }

    fn compare(&self, part: &Part<'_>, left: &Item, right: &Item) -> Ordering {
        left.0.cmp(&right.0).then_with(|| self.compare_ties(part, left, right))
    }

    /// Adds `offset..depth` of a part; returns how many rows it has, or `depth` if that is less.
    fn first(&self, part: &Part<'_>, offset: usize, depth: usize, page: &mut Vec<usize>) -> usize {
        let backward = self.falling(part);
        let room = (depth * 2).max(512);
        let mut best = Best { sorter: self, part, depth, room, kept: Vec::with_capacity(room), last: None };
        let chunks = self.chunks();
        for step in 0..chunks {
            let chunk = if backward { chunks - 1 - step } else { step };
            let rows = self.chunk_rows(chunk);
            if bits::none(rows) {
                continue;
            }
            match best.last {
                None => part.each(chunk, rows, |position, key| best.consider(position, key)),
                Some(last) => {
                    let near = self.near(part, chunk, rows, last, !backward);
                    part.each(chunk, &near, |position, key| best.consider(position, key));
                }
            }
        }
        let mut kept = best.kept;
        kept.sort_unstable_by(|left, right| self.compare(part, left, right));
        kept.truncate(depth);
        page.extend(kept.iter().skip(offset).map(|(_, position)| *position as usize));
        kept.len()
    }

    /// Rows of a chunk that may come before `last`; `after`: all of them lie at later positions.
    fn near(&self, part: &Part<'_>, chunk: usize, rows: &[u64], last: Item, after: bool) -> Vec<u64> {
        if !part.tied_by_id() {
            return part.near(chunk, rows, last.0, true);
        }
        if self.ids.ascend() {
            return part.near(chunk, rows, last.0, !after);
        }
        let mut near = part.near(chunk, rows, last.0, true);
        if !bits::none(&near) {
            let lower = part.near(chunk, &near, last.0, false);
            let limit = self.ids.head(last.1 as usize);
            let mut earlier = vec![0; near.len()];
            self.ids.mark_heads(chunk, &near, &mut earlier, |head| head <= limit);
            keep_or(&mut near, &earlier, &lower);
        }
        near
    }

    /// Whether keys fall along positions, as those of the newest-first order do: then the last chunks hold the page.
    fn falling(&self, part: &Part<'_>) -> bool {
        let words = self.rows.len();
        let mut keys: Vec<u64> = Vec::with_capacity(SAMPLES);
        for sample in 0..SAMPLES {
            let from = words * sample / SAMPLES;
            let Some(index) = (from..words.min(from + self.grid.words())).find(|index| self.rows[*index] != 0) else {
                continue;
            };
            let place = self.grid.place(index * bits::WORD);
            let mut one = vec![0; place.offset / bits::WORD + 1];
            one[place.offset / bits::WORD] = self.rows[index] & self.rows[index].wrapping_neg();
            part.each(place.chunk, &one, |_, key| keys.push(key));
        }
        let falls = keys.windows(2).filter(|pair| pair[0] > pair[1]).count();
        falls > SAMPLES / 2 && falls * 4 > keys.len() * 3
    }

    fn each(&self, part: &Part<'_>, mut visit: impl FnMut(usize, u64)) {
        for chunk in 0..self.chunks() {
            part.each(chunk, self.chunk_rows(chunk), &mut visit);
        }
    }

    /// The rows of a part whose keys lie in the ranges that `offset..offset + limit` falls into.
    fn near_window(&self, part: &Part<'_>, offset: usize, limit: usize) -> Near {
        if bits::count(self.rows) < COUNTED_CHUNKS * self.grid.rows() as u64 {
            let items = self.items(part);
            return Near { before: 0, members: items.len(), items };
        }
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

    /// Adds `limit` rows of a part after `offset`; returns how many it has.
    fn window(&self, part: &Part<'_>, offset: usize, limit: usize, page: &mut Vec<usize>) -> usize {
        let Near { mut items, before, members } = self.near_window(part, offset, limit);
        if offset >= members {
            return members;
        }
        let end = offset.saturating_add(limit).min(members) - before;
        let offset = offset - before;
        // Rows whose key is that of the row at the offset, of which some may lie before it.
        let key = items.select_nth_unstable(offset).1.0;
        let (start, stop) = run_of(&mut items, key);
        let (run, rest) = items[start..].split_at_mut(stop - start);
        let taken = end.min(stop) - start;
        self.settle(part, run, offset - start, taken);
        page.extend(run[offset - start..taken].iter().map(|(_, position)| *position as usize));
        let Some(wanted) = end.checked_sub(stop).filter(|wanted| *wanted > 0) else { return members };
        // Rows before the last one's key are few and wanted whole, those with its key are cut.
        let key = rest.select_nth_unstable(wanted - 1).1.0;
        let (start, stop) = run_of(rest, key);
        let (before, run) = rest[..stop].split_at_mut(start);
        self.sort(part, before, page);
        self.settle(part, run, 0, wanted - start);
        page.extend(run[..wanted - start].iter().map(|(_, position)| *position as usize));
        members
    }
}

/// Rows that may be on a page.
struct Near {
    items: Vec<Item>,
    /// Rows that come before all of them.
    before: usize,
    /// Rows of the part.
    members: usize,
}

/// Moves items with smaller keys to the front and those with this key behind them; returns where these begin and end.
fn run_of(items: &mut [Item], key: u64) -> (usize, usize) {
    let mut start = 0;
    for at in 0..items.len() {
        if items[at].0 < key {
            items.swap(start, at);
            start += 1;
        }
    }
    let mut stop = start;
    for at in start..items.len() {
        if items[at].0 == key {
            items.swap(stop, at);
            stop += 1;
        }
    }
    (start, stop)
}

/// Puts `from..to` of the items into their place.
fn select(items: &mut [Item], from: usize, to: usize, by: impl Fn(&Item, &Item) -> Ordering) {
    let mut items = items;
    if to < items.len() {
        items.select_nth_unstable_by(to, &by);
        items = &mut items[..to];
    }
    if from > 0 && from < items.len() {
        items.select_nth_unstable_by(from, &by);
        items = &mut items[from..];
    }
    items.sort_unstable_by(by);
}

/// The best rows seen so far.
struct Best<'a> {
    sorter: &'a Sorter<'a>,
    part: &'a Part<'a>,
    depth: usize,
    room: usize,
    kept: Vec<Item>,
    /// Once `depth` items are known, nothing after the last of them can be on the page.
    last: Option<Item>,
}

impl Best<'_> {
    fn consider(&mut self, position: usize, key: u64) {
        let item = (key, position as u32);
        if let Some(last) = &self.last
            && (key > last.0 || (key == last.0 && self.sorter.compare_ties(self.part, &item, last).is_gt()))
        {
            return;
        }
        self.kept.push(item);
        if self.kept.len() == self.room {
            self.kept.select_nth_unstable_by(self.depth - 1, |left, right| self.sorter.compare(self.part, left, right));
            self.kept.truncate(self.depth);
            self.last = self.kept.last().copied();
        }
    }
}
