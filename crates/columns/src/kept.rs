//! Orders of chunks, kept while nothing is written to them: a page then looks at the front of each order instead of at every row.
//!
//! Requests say which orders they would have used; whoever owns the columns has them made beside requests. Derived from the
//! chunks and never stored. Knows sorts and chunks, not how rows are ordered.

use crate::key::Part;
use evalset_model::page::Sort;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// Parts of sorts whose orders may be kept at once.
const LISTS_MAX: usize = 64;

/// Offsets of those rows of a chunk, alive or not, that belong to a part of a sort, in order, ties settled.
pub type ChunkOrder = Arc<[u16]>;

/// An order that requests would have used.
#[derive(Clone, Debug, PartialEq)]
pub struct WantedOrder {
    pub(crate) sort: Sort,
    /// Which part of the sort, as [`Part::kind`].
    pub(crate) kind: u8,
    pub(crate) chunk: usize,
    /// Writes that the chunk had seen: with more the order is of no use.
    pub(crate) writes: u64,
}

/// One chunk's place in a list.
#[derive(Clone, Default)]
struct Slot {
    /// Writes that the chunk had seen when it was asked for last.
    writes: Option<u64>,
    order: Option<ChunkOrder>,
    wanted: bool,
}

/// The orders of all chunks by one part of a sort.
struct List {
    sort: Sort,
    kind: u8,
    /// When it was asked for last.
    used: u64,
    slots: Vec<Slot>,
}

#[derive(Default)]
struct State {
    lists: Vec<List>,
    /// Requests so far.
    clock: u64,
}

/// All orders that are kept of one collection.
#[derive(Default)]
pub(crate) struct KeptOrders {
    state: Mutex<State>,
}

impl List {
    fn is_of(&self, sort: &Sort, kind: u8) -> bool {
        self.kind == kind && self.sort == *sort
    }

    fn bytes(&self) -> usize {
        self.slots.iter().filter_map(|slot| slot.order.as_deref()).map(size_of_val).sum()
    }
}

impl State {
    fn bytes(&self) -> usize {
        self.lists.iter().map(List::bytes).sum()
    }

    /// Makes room for `more` bytes within `most`, at the cost of lists that were asked for less recently than this one; false when
    /// that is not enough.
    fn make_room(&mut self, (sort, kind): (&Sort, u8), more: usize, most: usize) -> bool {
        while self.bytes() + more > most {
            let others = self.lists.iter().enumerate().filter(|(_, list)| !list.is_of(sort, kind) && list.bytes() > 0);
            let Some((oldest, _)) = others.min_by_key(|(_, list)| list.used) else { return false };
            self.lists.swap_remove(oldest);
        }
        true
    }
}

impl KeptOrders {
    fn state(&self) -> MutexGuard<'_, State> {
        // Whatever a panic left is whole: orders come and go in single steps.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The orders of chunks by a part, given the writes that each has seen. What is missing is wanted from now on.
    pub fn of(&self, sort: &Sort, kind: u8, writes: &[u64]) -> Vec<Option<ChunkOrder>> {
        let mut state = self.state();
        state.clock += 1;
        let clock = state.clock;
        let at = state.lists.iter().position(|list| list.is_of(sort, kind)).unwrap_or_else(|| {
            if state.lists.len() == LISTS_MAX
                && let Some((oldest, _)) = state.lists.iter().enumerate().min_by_key(|(_, list)| list.used)
            {
                state.lists.swap_remove(oldest);
            }
            state.lists.push(List { sort: sort.clone(), kind, used: clock, slots: Vec::new() });
            state.lists.len() - 1
        });
        let list = &mut state.lists[at];
        list.used = clock;
        list.slots.resize(writes.len(), Slot::default());
        let slots = list.slots.iter_mut().zip(writes);
        slots
            .map(|(slot, writes)| {
                if slot.writes != Some(*writes) {
                    *slot = Slot { writes: Some(*writes), order: None, wanted: true };
                }
                slot.order.clone()
            })
            .collect()
    }

    /// What is missing.
    pub fn wanted(&self) -> Vec<WantedOrder> {
        let state = self.state();
        let mut wanted = Vec::new();
        for list in &state.lists {
            for (chunk, slot) in list.slots.iter().enumerate().filter(|(_, slot)| slot.wanted) {
                let (sort, kind, writes) = (list.sort.clone(), list.kind, slot.writes.unwrap_or(0));
                wanted.push(WantedOrder { sort, kind, chunk, writes });
            }
        }
        wanted
    }

    /// Keeps an order, if there is room for it in `most` bytes for all.
    pub fn put(&self, wanted: &WantedOrder, order: ChunkOrder, most: usize) {
        let mut state = self.state();
        let kept = state.make_room((&wanted.sort, wanted.kind), size_of_val(&*order), most);
        let list = state.lists.iter_mut().find(|list| list.is_of(&wanted.sort, wanted.kind));
        let Some(slot) = list.and_then(|list| list.slots.get_mut(wanted.chunk)) else { return };
        if slot.writes == Some(wanted.writes) {
            // Without room it is not wanted again until the chunk changes.
            (slot.order, slot.wanted) = (kept.then_some(order), false);
        }
    }

    /// Bytes of memory held.
    pub fn bytes(&self) -> usize {
        self.state().bytes()
    }
}

/// Where a sorter finds the orders that are kept.
#[derive(Clone, Copy)]
pub(crate) struct Kept<'a> {
    pub orders: &'a KeptOrders,
    pub sort: &'a Sort,
    /// By chunk.
    pub writes: &'a [u64],
}

impl Kept<'_> {
    /// The orders of all chunks by a part; none for a part that is not kept.
    pub fn of(&self, part: &Part<'_>) -> Vec<Option<ChunkOrder>> {
        part.kind().map_or_else(Vec::new, |kind| self.orders.of(self.sort, kind, self.writes))
    }
}
