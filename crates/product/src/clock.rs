//! The one place that reads the wall clock and makes ids. Knows nothing else.

use evalset_model::ids::LogId;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Instant;
use uuid::Uuid;

/// Source of times and time-ordered ids. Cheap to share.
#[derive(Debug)]
pub struct Clock {
    /// Frozen time in microseconds for tests; 0 means the wall clock.
    frozen: AtomicI64,
    started: Instant,
}

impl Default for Clock {
    fn default() -> Self {
        Self { frozen: AtomicI64::new(0), started: Instant::now() }
    }
}

impl Clock {
    /// Now, microseconds since the epoch.
    #[expect(clippy::disallowed_methods, reason = "this is the clock")]
    pub fn now(&self) -> i64 {
        match self.frozen.load(Ordering::Relaxed) {
            0 => chrono::Utc::now().timestamp_micros(),
            frozen => frozen,
        }
    }

    /// Stops the clock at `micros` (tests).
    pub fn freeze(&self, micros: i64) {
        self.frozen.store(micros, Ordering::Relaxed);
    }

    /// Seconds since the process made its clock.
    pub fn uptime_seconds(&self) -> f64 {
        self.started.elapsed().as_secs_f64()
    }

    /// A new time-ordered id.
    pub fn new_id(&self) -> Uuid {
        Uuid::now_v7()
    }

    /// A new row id: 32 hex digits (contract A.9).
    pub fn new_log_id(&self) -> LogId {
        LogId::from(Uuid::now_v7())
    }
}
