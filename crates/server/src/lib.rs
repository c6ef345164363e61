//! The server and program `evalset`: HTTP, jobs, configuration and command line over `evalset-store`.
//!
//! Layers, each knowing only those after it: `cli` and `http` → `ops` (what the product does, without HTTP) → the store traits.
//! `jobs` runs long work through `ops`; `wire` holds the JSON shapes that routes and exports share.

pub mod app;
pub mod cli;
pub mod clock;
pub mod config;
pub mod evaluation;
pub mod http;
pub mod jobs;
pub mod ops;
pub mod secrets;
pub mod telemetry;
pub mod wire;
