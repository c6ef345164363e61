//! Rate limits of contract A.8: calls a minute and organization, over a sliding minute. Off unless `limits.parity` is set.

use evalset_model::ids::OrganizationId;
use evalset_model::limits::Limits;
use evalset_model::{Error, Result};
use parking_lot::Mutex;
use std::collections::{HashMap, VecDeque};
use std::time::{Duration, Instant};

/// Bulk calls a minute and organization when `limits.parity` is on.
const PARITY_BULK_CALLS: usize = 30;
const MINUTE: Duration = Duration::from_mins(1);

/// The windows of all organizations.
pub struct RateLimits {
    bulk: Option<Mutex<HashMap<OrganizationId, VecDeque<Instant>>>>,
}

impl RateLimits {
    /// As the limits say.
    pub fn new(limits: &Limits) -> Self {
        Self { bulk: limits.parity.then(Mutex::default) }
    }

    /// Counts one bulk call of the organization: `TooMany` when there were too many in the last minute.
    pub fn bulk_call(&self, organization: OrganizationId) -> Result<()> {
        match &self.bulk {
            Some(calls) => admit(calls.lock().entry(organization).or_default(), Instant::now()),
            None => Ok(()),
        }
    }
}

fn admit(calls: &mut VecDeque<Instant>, now: Instant) -> Result<()> {
    while calls.front().is_some_and(|first| now.duration_since(*first) >= MINUTE) {
        calls.pop_front();
    }
    match calls.front() {
        Some(first) if calls.len() >= PARITY_BULK_CALLS => {
            let wait = MINUTE.saturating_sub(now.duration_since(*first)).as_secs() + 1;
            let message = format!("more than {PARITY_BULK_CALLS} bulk calls a minute (`limits.parity`)");
            Err(Error::TooMany { message, retry_after: wait })
        }
        _ => {
            calls.push_back(now);
            Ok(())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{MINUTE, admit};
    use std::collections::VecDeque;
    use std::time::{Duration, Instant};

    #[test]
    fn the_31st_call_within_a_minute_is_refused_and_the_window_slides() {
        let (mut calls, start) = (VecDeque::new(), Instant::now());
        for second in 0..30 {
            assert!(admit(&mut calls, start + Duration::from_secs(second)).is_ok());
        }
        assert!(admit(&mut calls, start + Duration::from_secs(59)).is_err());
        assert!(admit(&mut calls, start + MINUTE).is_ok(), "the first call is a minute old");
        assert!(admit(&mut calls, start + MINUTE).is_err());
    }
}
