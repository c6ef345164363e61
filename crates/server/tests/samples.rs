//! Data folders of every schema version, written by the program of its time, opened by today's; see
//! `tests/samples/README.md`.
//!
//! Here and not in a crate of the store, because what counts is what callers are told: each sample has the answers that
//! the old program gave over HTTP, and whole bodies are compared.
#![expect(clippy::unwrap_used, reason = "tests fail by panicking")]

mod samples {
    mod compare;
    mod opened;
    mod sample;
}
