//! JSON shapes that routes and the command line share, and what rows of logs look like for the OpenAPI document. Knows
//! no HTTP.

pub mod annotation;
pub mod builtin;
pub mod comparison;
pub mod dataset;
pub mod evaluator;
pub mod log;
pub mod provider;
pub mod reply;
pub mod run;
pub mod score;
pub mod summary;
