//! The last proof that writes work, shared by all who ask for one: a proof costs a durable write.

use std::time::Duration;
use tokio::sync::Mutex;
use tokio::time::Instant;

/// How long a proof is good for.
pub const GOOD_FOR: Duration = Duration::from_secs(2);

/// What was found when it was last tried, and when.
#[derive(Debug, Default)]
pub struct LastProof(Mutex<Option<(Instant, Result<(), String>)>>);

impl LastProof {
    /// The last proof if it is still good, else that of `attempt`. Those who ask meanwhile wait for the same one.
    pub async fn or(&self, attempt: impl Future<Output = Result<(), String>>) -> Result<(), String> {
        let mut last = self.0.lock().await;
        if let Some((at, found)) = &*last
            && at.elapsed() < GOOD_FOR
        {
            return found.clone();
        }
        let found = attempt.await;
        *last = Some((Instant::now(), found.clone()));
        found
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::{AtomicU32, Ordering};

    #[tokio::test(start_paused = true)]
    async fn many_who_ask_cost_one_attempt() {
        let (proof, attempts) = (LastProof::default(), AtomicU32::new(0));
        let ask = async |found: Result<(), String>| {
            let attempt = async {
                tokio::time::sleep(Duration::from_millis(100)).await;
                attempts.fetch_add(1, Ordering::Relaxed);
                found
            };
            proof.or(attempt).await
        };
        assert_eq!(tokio::join!(ask(Ok(())), ask(Err("late".to_owned()))), (Ok(()), Ok(())));
        tokio::time::sleep(GOOD_FOR.saturating_sub(Duration::from_millis(200))).await;
        assert_eq!(ask(Err("no".to_owned())).await, Ok(()));
        tokio::time::sleep(Duration::from_millis(200)).await;
        assert_eq!(ask(Err("no".to_owned())).await, Err("no".to_owned()));
        assert_eq!(attempts.load(Ordering::Relaxed), 2);
    }
}
