//! What the data is: records, datasets, evaluators, scores, jobs, keys, the filter language and the limits.
//!
//! Knows nothing of files, sockets, SQL, HTTP, threads or the wall clock: ids and times are handed in.

pub mod comparison;
pub mod dataset;
pub mod error;
pub mod evaluator;
pub mod field;
pub mod filter;
pub mod ids;
pub mod job;
pub mod json;
pub mod key;
pub mod limits;
pub mod log;
pub mod page;
pub mod provider;
pub mod run;
pub mod scalar;
pub mod score;
pub mod spelling;
pub mod summary;
pub mod trace;
pub mod window;

pub use error::{Error, Result};
