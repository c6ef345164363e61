//! What evalset does, without HTTP: the application, what may be asked of it, and the long work behind it.
//!
//! Layers, each knowing only those after it: `jobs` (long work) → `ops` (what the product does, one file per noun) →
//! `app` (what all of them work with) → `evaluation`, `clock`, `secrets`, … → the store's traits. Does not know HTTP,
//! the command line or the configuration.

pub mod actor;
pub mod app;
pub mod clock;
pub mod evaluation;
pub mod export_files;
pub mod jobs;
pub mod ops;
pub mod proof;
pub mod rates;
pub mod secrets;
