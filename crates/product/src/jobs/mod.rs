//! Long work: durable, resumable, cancellable (design section 6).
//!
//! A worker claims a queued job and runs its task; each unit of work commits together with the job's progress, so a
//! restart goes on exactly after the last committed unit. `ops` enqueue; this module only runs.

mod attempt;
mod copy;
mod evaluate;
mod export;
mod remove;
pub mod runner;
#[cfg(test)]
mod tests;
mod traces;

pub use runner::start;
