//! Filters: wire form → checked tree → meaning (contract C, design section 5).
//!
//! `wire` parses JSON and URL forms keeping member order, `check` resolves names and coerces values, `meaning` is the
//! reference that every store must equal, `build` makes filters in code, `echo` and `choices` serve `current_filters` and
//! `filters_data`. `datasets`, `evaluators` and `traces` are the same language over those.

pub mod build;
pub mod check;
pub mod choices;
pub mod datasets;
pub mod echo;
pub mod evaluators;
pub mod meaning;
pub mod operator;
pub mod scores;
pub mod traces;
pub mod tree;
pub mod wire;

#[cfg(test)]
pub(crate) mod testing;

pub use operator::Operator;
pub use tree::{Compare, Literal, LogField, LogFilter, Order, Test, Tree};
