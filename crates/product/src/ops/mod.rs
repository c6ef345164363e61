//! What the product does, one file per noun: plain async functions that know no HTTP. Ids and times are made here.

pub mod annotation;
pub mod comparisons;
pub mod dataset_logs;
pub mod datasets;
pub mod evaluations;
pub mod evaluators;
pub mod exports;
pub mod health;
pub mod imports;
pub mod jobs;
pub mod keys;
pub mod lists;
pub mod providers;
pub mod request_logs;
pub mod runs;
pub mod scores;
