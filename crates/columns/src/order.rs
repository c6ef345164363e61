//! Rows in order: a page by a threshold buffer or selection, or all of them. Knows keys, not what they stand for.
//!
//! Ties of one part are broken by id, ascending, whichever way the values run.

use crate::bits;
use crate::chunked::Grid;
use crate::ids::Ids;
use crate::kept::{ChunkOrder, Kept};
use crate::key::Part;
use crate::narrow::keep_or;
use crate::near::Near;
use crate::watch::Watched;
use std::cmp::Ordering;

/// Up to this many rows from the front, and no more than a chunk has, a threshold buffer is kept; deeper pages are
/// selected from rows that may be on them.
const BUFFERED_MAX: usize = 4_096;
/// Rows looked at to see which way keys run along positions.
const SAMPLES: usize = 17;
/// Orders of chunks are of use from this part of a chunk's rows on.
const KEPT_SHARE: usize = 4;

/// Key and position.
pub(crate) type Item = (u64, u32);

/// Orders some rows of a collection by parts.
pub struct Sorter<'a> {
    pub(crate) grid: Grid,
    ids: &'a Ids,
    /// Words by position; only alive rows.
    pub(crate) rows: &'a [u64],
    /// Orders that are kept, if they are of use for these rows.
    kept: Option<Kept<'a>>,
    pub(crate) watch: &'a Watched,
}

impl<'a> Sorter<'a> {
    /// Over these rows.
    pub fn new(grid: Grid, ids: &'a Ids, rows: &'a [u64], watch: &'a Watched) -> Self {
        Self { grid, ids, rows, kept: None, watch }
    }

    /// The same with orders of chunks that are kept, where there are enough rows for them to be of use.
    pub fn with(self, kept: Kept<'a>) -> Self {
        let useful = bits::count(self.rows) as usize * KEPT_SHARE >= self.grid.rows();
        Self { kept: useful.then_some(kept), ..self }
    }

    /// The orders of chunks by a part, as far as they are kept.
    pub(crate) fn orders(&self, part: &Part<'_>) -> Vec<Option<ChunkOrder>> {
        self.kept.map_or_else(Vec::new, |kept| kept.of(part))
    }

    /// Says that the orders of these chunks would have been of use.
    pub(crate) fn want(&self, part: &Part<'_>, chunks: &[usize]) {
        if let Some(kept) = self.kept {
            kept.want(part, chunks);
        }
    }

    /// The offsets of those of a chunk's rows that belong to a part, in order.
    pub fn chunk_order(&self, part: &Part<'_>, chunk: usize, rows: &[u64]) -> ChunkOrder {
        let (mut items, mut positions) = (Vec::new(), Vec::new());
        part.each(chunk, rows, |position, key| items.push((key, position as u32)));
        self.sort(part, &mut items, &mut positions);
        // A chunk has 65,536 rows at most.
        positions.into_iter().map(|position| self.grid.place(position).offset as u16).collect()
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
                Some(depth) if depth <= BUFFERED_MAX.min(self.grid.rows()) => {
                    self.first(part, offset, depth, &mut page)
                }
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

    pub(crate) fn chunk_rows(&self, chunk: usize) -> &[u64] {
        bits::part(self.rows, self.grid.start(chunk) / bits::WORD, self.grid.words())
    }

    pub(crate) fn chunks(&self) -> usize {
        self.rows.len().div_ceil(self.grid.words())
    }

    pub(crate) fn items(&self, part: &Part<'_>) -> Vec<Item> {
        let mut items = Vec::with_capacity(bits::count(self.rows) as usize);
        for chunk in 0..self.chunks() {
            part.each(chunk, self.chunk_rows(chunk), |position, key| items.push((key, position as u32)));
            self.watch.passed();
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
        let mut best = Best { sorter: self, part, depth, room, found: Vec::with_capacity(room), last: None };
        let (chunks, orders, mut wanted) = (self.chunks(), self.orders(part), Vec::new());
        for step in 0..chunks {
            let chunk = if backward { chunks - 1 - step } else { step };
            let rows = self.chunk_rows(chunk);
            if bits::none(rows) {
                continue;
            }
            self.watch.passed();
            if worth_walking(self.grid.rows(), rows, depth) {
                if let Some(Some(order)) = orders.get(chunk) {
                    best.walk(order, self.grid.start(chunk), rows);
                    continue;
                }
                wanted.push(chunk);
            }
            match best.last {
                None => part.each(chunk, rows, |position, key| {
                    best.consider(position, key);
                }),
                Some(last) => {
                    let near = self.near(part, chunk, rows, last, !backward);
                    part.each(chunk, &near, |position, key| {
                        best.consider(position, key);
                    });
                }
            }
        }
        let mut found = best.found;
        self.want(part, &wanted);
        found.sort_unstable_by(|left, right| self.compare(part, left, right));
        found.truncate(depth);
        page.extend(found.iter().skip(offset).map(|(_, position)| *position as usize));
        found.len()
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
            self.ids.mark_heads(chunk, &near, &mut earlier, move |head| head <= limit);
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
    found: Vec<Item>,
    /// Once `depth` items are known, nothing after the last of them can be on the page.
    last: Option<Item>,
}

impl Best<'_> {
    /// Considers rows of a chunk in order, until no later one can be among the best.
    fn walk(&mut self, order: &[u16], start: usize, rows: &[u64]) {
        let offsets = order.iter().map(|offset| usize::from(*offset));
        for offset in offsets.filter(|offset| bits::get(rows, *offset)).take(self.depth) {
            let key = self.part.key_at(start + offset).unwrap_or(u64::MAX);
            if !self.consider(start + offset, key) {
                return;
            }
        }
    }

    /// Keeps a row if it may be among the best; else false.
    fn consider(&mut self, position: usize, key: u64) -> bool {
        let item = (key, position as u32);
        if let Some(last) = &self.last
            && (key > last.0 || (key == last.0 && self.sorter.compare_ties(self.part, &item, last).is_gt()))
        {
            return false;
        }
        self.found.push(item);
        if self.found.len() == self.room {
            self.found
                .select_nth_unstable_by(self.depth - 1, |left, right| self.sorter.compare(self.part, left, right));
            self.found.truncate(self.depth);
            self.last = self.found.last().copied();
        }
        true
    }
}

/// Whether going through the order of a chunk until so many of the rows are found takes less than looking at all of
/// them.
fn worth_walking(chunk_rows: usize, rows: &[u64], depth: usize) -> bool {
    let count = bits::count(rows) as usize;
    depth.saturating_mul(chunk_rows) < count.saturating_mul(count)
}
