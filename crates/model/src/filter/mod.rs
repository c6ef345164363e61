//! Filters: wire form → checked tree → meaning (contract C, design section 5).
//!
//! `wire` parses JSON and URL forms keeping member order, `check` resolves names and coerces values, `meaning` is the
//! reference that every store must equal, `echo` and `choices` serve `current_filters` and `filters_data`.

pub mod check;
pub mod choices;
pub mod meaning;
pub mod tree;
pub mod wire;

pub use tree::{Compare, Literal, LogField, LogFilter, Order, Test, Tree};
