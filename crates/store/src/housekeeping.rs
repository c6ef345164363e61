//! Work that a store has of its own: nobody asked for it, nobody waits for it.

use async_trait::async_trait;
use evalset_model::Result;

/// What a store does beside requests and jobs, such as deleting for good the rows that were removed from sight.
///
/// A store starts nothing by itself: whoever runs jobs asks it, one unit after the other, so that it stops when the
/// process does.
#[async_trait]
pub trait Housekeeping: Send + Sync {
    /// Does one bounded unit of work, the time being `at` (microseconds since the epoch). Whether there is more to do
    /// at once. Two who ask at the same time do no harm. A unit that fails does not keep others from being done by
    /// later calls.
    async fn next(&self, at: i64) -> Result<bool>;
}
