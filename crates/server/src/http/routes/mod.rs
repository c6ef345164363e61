//! Handlers, one file per noun: five to fifteen lines over `ops`, and the JSON shapes of their bodies.

pub mod annotation;
pub mod comparisons;
pub mod dataset_imports;
pub mod dataset_logs;
pub mod datasets;
pub mod eval_reports;
pub mod evaluator_builtins;
pub mod evaluator_runs;
pub mod evaluator_versions;
pub mod evaluators;
pub mod exports;
pub mod health;
pub mod jobs;
pub mod log_scores;
pub mod providers;
pub mod request_log_groups;
pub mod request_logs;
pub mod saved_logs;
pub mod scores;
