//! The text index of one collection of logs: which rows have a word or a substring in input, output or expected output.
//!
//! Derived from the stored rows and disposable. A text is cut into runs: the longest stretches of letters and digits (words) and
//! what stands between them. The runs of some rows, as they are written and lower-cased, make the dictionary of a *segment*: a
//! file that never changes, with the list of rows for each entry and, for words, their places in the texts. A test of a filter becomes a [`Plan`] over entries, and a
//! segment answers it with two sets ([`Outcome`]): rows that pass for certain, and rows that may pass. The meaning is the
//! reference's (`evalset_model::filter::meaning`): certain ⊆ pass ⊆ possible, for every text and every test.
//!
//! Knows `evalset-model` and its own files. Knows neither the store nor which rows are alive or have changed since; takes no locks
//! and starts no threads.

mod blocks;
mod builder;
mod cursor;
mod docs;
mod entry;
mod find;
mod merge;
mod needles;
mod outcome;
mod phrase;
mod plan;
mod postings;
mod segment;
mod spots;
mod writer;

#[cfg(test)]
mod tests;

pub use builder::Builder;
pub use docs::Docs;
pub use merge::merge;
pub use outcome::Outcome;
pub use plan::{Part, Plan, plan};
pub use segment::Segment;
