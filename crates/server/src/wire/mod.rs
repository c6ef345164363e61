//! JSON and CSV shapes that routes, exports and the command line share. Knows no HTTP.

pub mod annotation;
pub mod builtin;
pub mod comparison;
pub mod csv;
pub mod dataset;
pub mod evaluator;
pub mod log;
pub mod provider;
pub mod reply;
pub mod run;
pub mod score;
pub mod summary;
