//! Filters: wire form → checked tree → meaning (contract C, design section 5).
//!
//! `wire` parses JSON and URL forms keeping member order, `check` resolves names and coerces values, `meaning` is the
//! reference that every store must equal, `build` makes filters in code, `echo` and `choices` serve `current_filters`
//! and `filters_data`. `datasets`, `evaluators`, `scores` and `traces` are the same language over those, `listed` what
//! nouns with few records share.

pub mod build;
pub mod check;
pub mod choices;
pub mod datasets;
pub mod echo;
pub mod evaluators;
pub mod listed;
mod literal;
pub mod meaning;
pub mod operator;
mod pattern;
pub mod scores;
pub mod traces;
pub mod tree;
pub mod wire;

#[cfg(test)]
pub(crate) mod testing;

pub use literal::{Literal, Readings};
pub use operator::Operator;
pub use pattern::{Like, LikePart, Pattern};
pub use tree::{Compare, LogField, LogFilter, Order, Test, Tree};
