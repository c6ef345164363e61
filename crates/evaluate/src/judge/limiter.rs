//! Sliding windows of one minute, with those who wait for room served in the order they came.
//!
//! Knows time, not what is counted; what a window holds is [`SlidingWindow`].

use evalset_model::window::{SlidingWindow, Ticket};
use parking_lot::Mutex;
use std::time::Duration;
use tokio::time::{Instant, sleep_until};

/// Length of the window.
pub(super) const WINDOW: Duration = Duration::from_mins(1);

/// What was taken in the last minute.
pub(super) struct Window {
    /// Held by the one who waits for room: the others queue behind.
    turn: tokio::sync::Mutex<()>,
    taken: Mutex<SlidingWindow>,
    /// Times are counted from here.
    begin: Instant,
}

impl Default for Window {
    fn default() -> Self {
        let taken = Mutex::new(SlidingWindow::new(micros(WINDOW)));
        Self { turn: tokio::sync::Mutex::default(), taken, begin: Instant::now() }
    }
}

impl Window {
    /// Takes an amount as soon as the window has room for it. More than the whole limit waits for an empty window.
    pub(super) async fn take(&self, limit: u64, amount: u64) -> Ticket {
        let amount = amount.min(limit);
        let _turn = self.turn.lock().await;
        loop {
            let taken = self.taken.lock().take(micros(self.begin.elapsed()), limit, amount);
            let room_at = match taken {
                Ok(ticket) => return ticket,
                Err(room_at) => Duration::from_micros(room_at.unsigned_abs()),
            };
            sleep_until(self.begin + room_at).await;
        }
    }

    /// Says what an estimate came to.
    pub(super) fn correct(&self, ticket: Ticket, amount: u64) {
        self.taken.lock().correct(ticket, amount);
    }
}

fn micros(time: Duration) -> i64 {
    i64::try_from(time.as_micros()).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_minute_holds_no_more_than_the_limit() {
        let window = Window::default();
        let begin = Instant::now();
        let mut times = Vec::new();
        for _ in 0..7 {
            window.take(3, 1).await;
            times.push(begin.elapsed().as_secs());
        }
        assert_eq!(times, [0, 0, 0, 60, 60, 60, 120]);
    }

    #[tokio::test(start_paused = true)]
    async fn estimates_are_corrected() {
        let window = Window::default();
        let begin = Instant::now();
        let first = window.take(100, 90).await;
        window.correct(first, 10);
        window.take(100, 90).await;
        assert_eq!(begin.elapsed().as_secs(), 0);
        window.take(100, 90).await;
        assert_eq!(begin.elapsed().as_secs(), 60);
        window.take(100, 5_000).await;
        assert_eq!(begin.elapsed().as_secs(), 120, "more than the limit waits for an empty window");
    }

    #[tokio::test(start_paused = true)]
    async fn those_who_wait_are_served_in_order() {
        let window = Window::default();
        window.take(1, 1).await;
        let order = Mutex::new(Vec::new());
        let wait = async |name: &'static str| {
            window.take(1, 1).await;
            order.lock().push(name);
        };
        tokio::join!(wait("a"), wait("b"), wait("c"));
        assert_eq!(*order.lock(), ["a", "b", "c"]);
    }
}
