//! Orders of chunks, kept while nothing is written to them: a page then looks at the front of each order instead of at
//! every row.
//!
//! Requests say which orders they would have used; whoever owns the columns has them made beside requests and sees to
//! it that all of them stay within bounds. Derived from the chunks and never stored. Knows sorts and chunks, not how
//! rows are ordered.

use crate::key::Part;
use evalset_model::page::Sort;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// Parts of sorts of one collection whose orders may be kept or wanted at once.
const LISTS_MAX: usize = 64;

/// Requests that asked for orders, of any collection: tells which list was asked for last.
static ASKED: AtomicU64 = AtomicU64::new(0);

/// Offsets of those rows of a chunk, alive or not, that belong to a part of a sort, in order, ties settled.
pub(crate) type ChunkOrder = Arc<[u16]>;

/// An order that requests would have used.
#[derive(Clone, Debug, PartialEq)]
pub struct WantedOrder {
    pub(crate) sort: Sort,
    /// Which part of the sort, as [`Part::kind`].
    pub(crate) kind: u8,
    pub(crate) chunk: usize,
    /// Writes that the chunk had seen: with more the order is of no use.
    pub(crate) writes: u64,
    asked: u64,
}

impl WantedOrder {
    /// When its list was asked for last: greater is later, of all collections.
    pub fn asked(&self) -> u64 {
        self.asked
    }
}

/// Whether an order is to be made.
#[derive(Clone, Copy, Default, PartialEq, Eq)]
enum Want {
    #[default]
    No,
    /// Since the last look at what is wanted.
    New,
    /// Since before that: the chunk rests.
    Still,
}

/// One chunk's place in a list.
#[derive(Clone, Default)]
struct Slot {
    /// Writes that the chunk had seen when its order was made or wanted.
    writes: u64,
    order: Option<ChunkOrder>,
    want: Want,
}

/// The orders of all chunks by one part of a sort.
struct List {
    sort: Sort,
    kind: u8,
    asked: u64,
    slots: Vec<Slot>,
}

/// All orders that are kept of one collection.
#[derive(Default)]
pub(crate) struct KeptOrders {
    lists: Mutex<Vec<List>>,
}

impl List {
    fn is_of(&self, sort: &Sort, kind: u8) -> bool {
        self.kind == kind && self.sort == *sort
    }

    fn bytes(&self) -> usize {
        self.slots.iter().filter_map(|slot| slot.order.as_deref()).map(size_of_val).sum()
    }
}

impl KeptOrders {
    fn lists(&self) -> MutexGuard<'_, Vec<List>> {
        // Whatever a panic left is whole: orders come and go in single steps.
        self.lists.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The orders of chunks by a part, given the writes that each has seen.
    fn of(&self, sort: &Sort, kind: u8, writes: &[u64]) -> Vec<Option<ChunkOrder>> {
        let mut lists = self.lists();
        let Some(list) = lists.iter_mut().find(|list| list.is_of(sort, kind)) else { return Vec::new() };
        list.asked = ASKED.fetch_add(1, Ordering::Relaxed);
        let slots = list.slots.iter().zip(writes);
        slots.map(|(slot, writes)| slot.order.clone().filter(|_| slot.writes == *writes)).collect()
    }

    /// Wants the orders of some chunks by a part.
    fn want(&self, sort: &Sort, kind: u8, chunks: &[usize], writes: &[u64]) {
        let mut lists = self.lists();
        let asked = ASKED.fetch_add(1, Ordering::Relaxed);
        let at = lists.iter().position(|list| list.is_of(sort, kind)).unwrap_or_else(|| {
            if lists.len() == LISTS_MAX
                && let Some((oldest, _)) = lists.iter().enumerate().min_by_key(|(_, list)| list.asked)
            {
                lists.swap_remove(oldest);
            }
            lists.push(List { sort: sort.clone(), kind, asked, slots: Vec::new() });
            lists.len() - 1
        });
        let list = &mut lists[at];
        list.slots.resize(writes.len(), Slot::default());
        for chunk in chunks {
            let (Some(slot), Some(writes)) = (list.slots.get_mut(*chunk), writes.get(*chunk)) else { continue };
            if slot.writes != *writes || (slot.order.is_none() && slot.want == Want::No) {
                *slot = Slot { writes: *writes, order: None, want: Want::New };
            }
        }
    }

    /// What has been wanted since before the last call.
    pub fn wanted(&self) -> Vec<WantedOrder> {
        let mut wanted = Vec::new();
        for List { sort, kind, asked, slots } in &mut *self.lists() {
            for (chunk, slot) in slots.iter_mut().enumerate() {
                match slot.want {
                    Want::No => {}
                    Want::New => slot.want = Want::Still,
                    Want::Still => {
                        let (sort, writes) = (sort.clone(), slot.writes);
                        wanted.push(WantedOrder { sort, kind: *kind, chunk, writes, asked: *asked });
                    }
                }
            }
        }
        wanted
    }

    /// Keeps an order that was wanted; none when it cannot be made. Then it has to be wanted again.
    pub fn put(&self, wanted: &WantedOrder, order: Option<ChunkOrder>) {
        let mut lists = self.lists();
        let list = lists.iter_mut().find(|list| list.is_of(&wanted.sort, wanted.kind));
        let Some(slot) = list.and_then(|list| list.slots.get_mut(wanted.chunk)) else { return };
        if slot.writes == wanted.writes {
            (slot.order, slot.want) = (order, Want::No);
        }
    }

    /// Bytes of memory held.
    pub fn bytes(&self) -> usize {
        self.lists().iter().map(List::bytes).sum()
    }

    /// When the list with orders was asked for that no other was asked for before.
    pub fn oldest(&self) -> Option<u64> {
        self.lists().iter().filter(|list| list.bytes() > 0).map(|list| list.asked).min()
    }

    /// Gives up the orders of that list.
    pub fn drop_oldest(&self) {
        let mut lists = self.lists();
        let with_orders = lists.iter().enumerate().filter(|(_, list)| list.bytes() > 0);
        if let Some((oldest, _)) = with_orders.min_by_key(|(_, list)| list.asked) {
            lists.swap_remove(oldest);
        }
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
    /// The orders of chunks by a part; none for a part that is not kept.
    pub fn of(&self, part: &Part<'_>) -> Vec<Option<ChunkOrder>> {
        part.kind().map_or_else(Vec::new, |kind| self.orders.of(self.sort, kind, self.writes))
    }

    /// Says that the orders of these chunks would have been of use.
    pub fn want(&self, part: &Part<'_>, chunks: &[usize]) {
        if let Some(kind) = part.kind().filter(|_| !chunks.is_empty()) {
            self.orders.want(self.sort, kind, chunks, self.writes);
        }
    }
}
