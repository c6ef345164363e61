//! Sliding windows: at most so much in any minute. Those who wait are served in the order they came.
//!
//! Knows time, not what is counted.

use parking_lot::Mutex;
use std::collections::VecDeque;
use std::time::Duration;
use tokio::time::{Instant, sleep_until};

/// Length of the window.
pub(super) const WINDOW: Duration = Duration::from_mins(1);

/// What was taken in the last minute.
#[derive(Default)]
pub(super) struct Window {
    /// Held by the one who waits for room: the others queue behind.
    turn: tokio::sync::Mutex<()>,
    taken: Mutex<Taken>,
}

#[derive(Default)]
struct Taken {
    next: u64,
    entries: VecDeque<Entry>,
}

struct Entry {
    number: u64,
    at: Instant,
    amount: u64,
}

/// What was taken at one time, to be corrected later.
#[derive(Clone, Copy, Debug)]
pub(super) struct Ticket(u64);

impl Window {
    /// Takes an amount as soon as the window has room for it. More than the whole limit waits for an empty window.
    pub(super) async fn take(&self, limit: u64, amount: u64) -> Ticket {
        let amount = amount.min(limit);
        let _turn = self.turn.lock().await;
        loop {
            let room_at = match self.taken.lock().try_take(limit, amount) {
                Ok(ticket) => return ticket,
                Err(room_at) => room_at,
            };
            sleep_until(room_at).await;
        }
    }

    /// Says what an estimate came to.
    pub(super) fn correct(&self, ticket: Ticket, amount: u64) {
        let mut taken = self.taken.lock();
        if let Some(entry) = taken.entries.iter_mut().rev().find(|entry| entry.number == ticket.0) {
            entry.amount = amount;
        }
    }
}

impl Taken {
    /// Takes, or says when there may be room.
    fn try_take(&mut self, limit: u64, amount: u64) -> Result<Ticket, Instant> {
        let now = Instant::now();
        while self.entries.front().is_some_and(|entry| entry.at + WINDOW <= now) {
            self.entries.pop_front();
        }
        let mut sum = self.entries.iter().fold(0_u64, |sum, entry| sum.saturating_add(entry.amount));
        for entry in &self.entries {
            if sum.saturating_add(amount) <= limit {
                break;
            }
            sum = sum.saturating_sub(entry.amount);
            if sum.saturating_add(amount) <= limit {
                return Err(entry.at + WINDOW);
            }
        }
        // Either there is room, or nothing is left that could make some: a limit of nothing lets one through at a time.
        self.next += 1;
        self.entries.push_back(Entry { number: self.next, at: now, amount });
        Ok(Ticket(self.next))
    }
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
