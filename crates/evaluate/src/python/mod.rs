//! Python evaluators, run by an interpreter without a system underneath. It runs in a child process, see `sandbox`.
//!
//! `program` is the interpreter, `values` what goes in and out.

mod program;
mod values;

pub(crate) use program::Program;
