//! Load: open loop at a fixed rate for latency, closed loop for throughput, both recorded in histograms.
//!
//! In the open loop a request's latency runs from the moment it was *due*, not from when it was sent: a server that
//! stalls is charged for every request that had to wait (no coordinated omission). A failed request fails the run.
//! Knows nothing of what is sent.

use anyhow::Result;
use hdrhistogram::Histogram;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};
use tokio::sync::{Mutex, mpsc};
use tokio::task::JoinSet;

/// Latencies are kept in microseconds up to ten minutes, with three significant digits.
const MICROS_MAX: u64 = 600_000_000;
const DIGITS: u8 = 3;

/// What a run of requests took.
#[derive(Clone, Debug)]
pub struct Measured {
    /// Latencies, microseconds.
    pub latency: Histogram<u64>,
    /// From the first to the last event of the run.
    pub elapsed: Duration,
    /// Sum of what the requests returned: rows, or bytes.
    pub units: u64,
}

impl Measured {
    fn empty() -> Result<Self> {
        let latency = Histogram::new_with_bounds(1, MICROS_MAX, DIGITS)?;
        Ok(Self { latency, elapsed: Duration::ZERO, units: 0 })
    }

    fn record(&mut self, latency: Duration, units: u64) {
        self.latency.saturating_record(latency.as_micros() as u64);
        self.units += units;
    }

    fn add(&mut self, other: &Self) -> Result<()> {
        self.latency.add(&other.latency)?;
        self.units += other.units;
        Ok(())
    }

    /// Latency that `share` (0 to 1) of the requests kept, milliseconds.
    pub fn quantile_ms(&self, share: f64) -> f64 {
        self.latency.value_at_quantile(share) as f64 / 1e3
    }

    /// Mean latency, seconds.
    pub fn mean_seconds(&self) -> f64 {
        self.latency.mean() / 1e6
    }

    /// Units a second.
    pub fn rate(&self) -> f64 {
        self.units as f64 / self.elapsed.as_secs_f64().max(1e-9)
    }
}

/// One request that is due.
#[derive(Clone, Copy, Debug)]
pub struct Tick {
    /// Number of the request.
    pub number: u64,
    /// When it is due.
    pub due: Instant,
}

/// Sends `requests` requests, `rate` a second, over at most `clients` connections. `send` gets the request's number.
pub async fn open_loop<F, Sent>(rate: f64, requests: u64, clients: usize, send: F) -> Result<Measured>
where
    F: Fn(u64) -> Sent + Clone + Send + 'static,
    Sent: Future<Output = Result<u64>> + Send,
{
    let (ticks, due) = mpsc::unbounded_channel();
    let start = Instant::now();
    // A thread of its own: the runtime's timer has a resolution of a millisecond, as much as a whole request takes.
    let pacer = std::thread::spawn(move || {
        for number in 0..requests {
            let tick = Tick { number, due: start + Duration::from_secs_f64(number as f64 / rate) };
            std::thread::sleep(tick.due.saturating_duration_since(Instant::now()));
            if ticks.send(tick).is_err() {
                return;
            }
        }
    });
    let mut measured = serve_ticks(due, clients, send).await?;
    measured.elapsed = start.elapsed();
    pacer.join().ok();
    Ok(measured)
}

/// Sends a request for every tick until the channel closes; latency runs from `Tick::due`.
async fn serve_ticks<F, Sent>(due: mpsc::UnboundedReceiver<Tick>, clients: usize, send: F) -> Result<Measured>
where
    F: Fn(u64) -> Sent + Clone + Send + 'static,
    Sent: Future<Output = Result<u64>> + Send,
{
    let due = Arc::new(Mutex::new(due));
    let mut workers = JoinSet::new();
    for _ in 0..clients.max(1) {
        let (due, send) = (Arc::clone(&due), send.clone());
        workers.spawn(async move {
            let mut measured = Measured::empty()?;
            loop {
                let tick = due.lock().await.recv().await;
                let Some(tick) = tick else { return anyhow::Ok(measured) };
                let units = send(tick.number).await?;
                measured.record(tick.due.elapsed(), units);
            }
        });
    }
    gather(workers).await
}

/// When a closed loop ends.
#[derive(Clone, Copy, Debug)]
pub enum Until {
    /// After this many requests.
    Requests(u64),
    /// At the first request that would start later than this.
    Time(Duration),
}

/// `clients` clients send one request after another. `send` gets the request's number, unique over all clients.
pub async fn closed_loop<F, Sent>(clients: usize, until: Until, send: F) -> Result<Measured>
where
    F: Fn(u64) -> Sent + Clone + Send + 'static,
    Sent: Future<Output = Result<u64>> + Send,
{
    let next = Arc::new(AtomicU64::new(0));
    let start = Instant::now();
    let mut workers = JoinSet::new();
    for _ in 0..clients.max(1) {
        let (next, send) = (Arc::clone(&next), send.clone());
        workers.spawn(async move {
            let mut measured = Measured::empty()?;
            loop {
                // Asked first: numbers that are taken are sent, so that none is missing between them.
                if matches!(until, Until::Time(time) if start.elapsed() >= time) {
                    return anyhow::Ok(measured);
                }
                let number = next.fetch_add(1, Ordering::Relaxed);
                if matches!(until, Until::Requests(requests) if number >= requests) {
                    return anyhow::Ok(measured);
                }
                let sent = Instant::now();
                let units = send(number).await?;
                measured.record(sent.elapsed(), units);
            }
        });
    }
    let mut measured = gather(workers).await?;
    measured.elapsed = start.elapsed();
    Ok(measured)
}

/// Adds up what the workers measured; the first failure ends them all.
async fn gather(mut workers: JoinSet<Result<Measured>>) -> Result<Measured> {
    let mut all = Measured::empty()?;
    while let Some(ended) = workers.join_next().await {
        all.add(&ended??)?;
    }
    Ok(all)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn latency_counts_from_the_due_time() {
        let (ticks, due) = mpsc::unbounded_channel();
        let late = Instant::now().checked_sub(Duration::from_millis(500)).unwrap();
        for number in 0..10 {
            ticks.send(Tick { number, due: late }).unwrap();
        }
        drop(ticks);
        // Each request itself takes no time: all of the latency is the wait before it.
        let measured = serve_ticks(due, 1, |_| async { Ok(1) }).await.unwrap();
        assert_eq!(measured.latency.len(), 10);
        assert!(measured.quantile_ms(0.0) >= 499.0, "{}", measured.quantile_ms(0.0));
        assert_eq!(measured.units, 10);
    }

    #[tokio::test]
    async fn a_stall_is_charged_to_the_requests_behind_it() {
        let stall = Duration::from_millis(60);
        let stuck = move |number| async move {
            let start = Instant::now();
            while number == 0 && start.elapsed() < stall {
                std::hint::spin_loop();
            }
            Ok(1)
        };
        // One client, 30 requests due within 30 ms of a 60 ms stall: a closed loop would show one slow request.
        let measured = open_loop(1_000.0, 30, 1, stuck).await.unwrap();
        assert_eq!(measured.latency.len(), 30);
        assert!(measured.quantile_ms(0.5) >= 30.0, "{}", measured.quantile_ms(0.5));
        let closed = closed_loop(1, Until::Requests(30), stuck).await.unwrap();
        assert!(closed.quantile_ms(0.5) < 30.0, "{}", closed.quantile_ms(0.5));
    }

    #[tokio::test]
    async fn the_open_loop_keeps_its_rate() {
        let measured = open_loop(2_000.0, 100, 4, |_| async { Ok(1) }).await.unwrap();
        assert_eq!(measured.latency.len(), 100);
        assert!(measured.elapsed >= Duration::from_micros(49_500), "{:?}", measured.elapsed);
    }

    #[tokio::test]
    async fn the_closed_loop_sends_every_number_once() {
        let seen = Arc::new(std::sync::Mutex::new(Vec::new()));
        let log = Arc::clone(&seen);
        let send = move |number| {
            log.lock().unwrap().push(number);
            async { Ok(2) }
        };
        let measured = closed_loop(4, Until::Requests(100), send).await.unwrap();
        let mut numbers = seen.lock().unwrap().clone();
        numbers.sort_unstable();
        assert_eq!(numbers, (0..100).collect::<Vec<u64>>());
        assert_eq!(measured.units, 200);
    }

    #[tokio::test]
    async fn a_closed_loop_that_ends_by_time_leaves_no_number_out() {
        let seen = Arc::new(std::sync::Mutex::new(Vec::new()));
        let log = Arc::clone(&seen);
        let send = move |number| {
            log.lock().unwrap().push(number);
            async { Ok(1) }
        };
        let measured = closed_loop(8, Until::Time(Duration::from_millis(20)), send).await.unwrap();
        let mut numbers = seen.lock().unwrap().clone();
        numbers.sort_unstable();
        assert_eq!(numbers, (0..measured.units).collect::<Vec<u64>>());
    }

    #[tokio::test]
    async fn one_failure_fails_the_run() {
        let send = |number| async move {
            anyhow::ensure!(number != 7, "no");
            Ok(1)
        };
        assert!(closed_loop(2, Until::Requests(20), send).await.is_err());
        assert!(open_loop(10_000.0, 20, 2, send).await.is_err());
    }
}
