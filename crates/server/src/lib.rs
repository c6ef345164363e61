//! The server and program `evalset`: how the product is reached, over HTTP and from the command line, and its
//! configuration.
//!
//! What it does is in `evalset-product`; which rows and in what form, in `evalset-rows`. `wire` holds the other JSON
//! shapes.

pub mod cli;
pub mod config;
pub mod folder;
pub mod http;
pub mod open;
pub mod telemetry;
pub mod wire;
