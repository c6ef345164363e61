//! The in-memory column index of one collection of logs: which rows pass a filter, in what order, and their sums.
//!
//! Derived from the stored rows and disposable. Values lie in chunks of 65,536 rows: texts as dictionary codes, numbers
//! as they are, metadata and scores as one column per key. A filter becomes one bit a row ([`Rows`]); what only the
//! whole row can tell comes back as undecided ([`Verdict`]). The meaning of every test is the reference's
//! (`evalset_model::filter::meaning`), asked once per distinct text.
//!
//! Knows `evalset-model`. Does no IO and starts no threads; whoever owns a [`Columns`] guards it. The only lock is that
//! of the orders that are kept for pages (`kept`), held for moments.

mod after;
mod bits;
mod cells;
mod chunked;
mod codes;
mod columns;
mod dictionary;
mod dynamic;
mod evaluate;
mod given;
mod ids;
mod kept;
mod key;
mod leaf;
mod log_ref;
mod narrow;
mod near;
mod numbers;
mod order;
mod plan;
mod probe;
mod read;
mod reference;
mod rows;
mod scalar;
mod seal;
mod search;
mod slab;
mod snapshot;
mod sparse;
mod spread;
mod sums;
mod traces;
mod watch;

pub use columns::{ColumnLimits, Columns};
pub use evaluate::Verdict;
pub use given::{Answer, Given};
pub use kept::WantedOrder;
pub use log_ref::LogRef;
pub use rows::Rows;
pub use seal::{Draft, Part, Sealed, TextsOf};
pub use slab::{ALIGNMENT, Backing};
pub use snapshot::{FileRef, Files};
pub use spread::NoNumbers;
pub use traces::FoldedTrace;
pub use watch::Watch;
