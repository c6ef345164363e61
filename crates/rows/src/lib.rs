//! Which rows of a collection, and in what form: selections, their rows in batches, the bytes of lists and files, and
//! files that are read back into logs.
//!
//! Knows the model and the store's traits. Does not know who asks: no application, no HTTP, no jobs, no command line.

pub mod batches;
pub mod file;
pub mod import;
pub mod selection;
pub mod shape;
pub mod traces;
