//! The text index of one collection of logs: which rows have a word or a substring in input, output or expected output.
//!
//! Derived from the stored rows and disposable. A text is cut into tokens: the longest stretches of letters and digits
//! (words) and what stands between them. The tokens of some rows, as they are written and lower-cased, are the terms of
//! the dictionary of a *segment*: a file that never changes, with a posting list of documents for each term and, for
//! words, their positions in the texts. A test of a filter becomes a [`Plan`] over terms, and a segment answers it with
//! two sets ([`Outcome`]): rows that pass for certain, and rows that may pass. The meaning is the reference's
//! (`evalset_model::filter::meaning`): certain ⊆ pass ⊆ possible, for every text and every test. Why this and no
//! general search engine: `docs/storage.md`.
//!
//! Knows `evalset-model` and its own files. Knows neither the store nor which rows are alive or have changed since;
//! takes no locks and starts no threads.

mod blocks;
mod builder;
mod cursor;
mod docs;
mod find;
mod merge;
mod needles;
mod outcome;
mod phrase;
mod plan;
mod position;
mod postings;
mod segment;
mod term;
mod writer;

#[cfg(test)]
mod tests;

pub use builder::Builder;
pub use docs::Docs;
pub use merge::merge;
pub use outcome::Outcome;
pub use plan::{Part, Plan, plan};
pub use segment::Segment;
