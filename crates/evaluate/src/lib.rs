//! How a record gets a score: built-in rules, an LLM judge, Python in a child process; and what a raw value becomes.
//!
//! Knows the model. Does not know the store nor HTTP routes.

pub mod convert;
pub mod inputs;
pub mod passing;
pub mod posted;
pub mod python;
pub mod rules;
pub mod template;
