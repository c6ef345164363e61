//! How a record gets a score: built-in rules, an LLM judge, Python in a child process; and what a raw value becomes.
//!
//! Knows the model. Does not know the store nor HTTP routes.

pub mod convert;
pub mod evaluator;
mod fault;
pub mod inputs;
pub mod judge;
pub mod passing;
pub mod posted;
pub mod prepared;
mod python;
pub mod rules;
pub mod sandbox;
mod template;

pub use evaluator::{Evaluator, Means, Outcome, Unit};
pub use fault::{Failure, Fault};
pub use prepared::{Prepared, check, sources};
