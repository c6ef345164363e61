//! A sliding window: at most so much in any stretch of time of one length. Knows no clock and nobody who waits: times
//! are given.

use std::collections::VecDeque;

/// What was taken within the length of the window.
#[derive(Clone, Debug)]
pub struct SlidingWindow {
    /// Microseconds.
    length: i64,
    next: u64,
    /// Oldest first.
    entries: VecDeque<Entry>,
}

#[derive(Clone, Debug)]
struct Entry {
    number: u64,
    at: i64,
    amount: u64,
}

/// What was taken at one time, to be corrected later.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ticket(u64);

impl SlidingWindow {
    /// An empty window of so many microseconds.
    pub fn new(length: i64) -> Self {
        Self { length, next: 0, entries: VecDeque::new() }
    }

    /// Takes an amount at the time `now` (microseconds), if no more than `limit` is taken with it; else the time when
    /// there may be room. What alone is more than the limit is let through when nothing else was taken, so that nobody
    /// waits for ever.
    pub fn take(&mut self, now: i64, limit: u64, amount: u64) -> Result<Ticket, i64> {
        self.slide(now);
        let mut sum = self.entries.iter().fold(0_u64, |sum, entry| sum.saturating_add(entry.amount));
        for entry in &self.entries {
            if sum.saturating_add(amount) <= limit {
                break;
            }
            sum = sum.saturating_sub(entry.amount);
            if sum.saturating_add(amount) <= limit {
                return Err(entry.at.saturating_add(self.length));
            }
        }
        self.next += 1;
        self.entries.push_back(Entry { number: self.next, at: now, amount });
        Ok(Ticket(self.next))
    }

    /// Says what an estimate came to.
    pub fn correct(&mut self, ticket: Ticket, amount: u64) {
        if let Some(entry) = self.entries.iter_mut().rev().find(|entry| entry.number == ticket.0) {
            entry.amount = amount;
        }
    }

    /// Whether nothing that was taken counts any more at the time `now`.
    pub fn is_empty(&mut self, now: i64) -> bool {
        self.slide(now);
        self.entries.is_empty()
    }

    fn slide(&mut self, now: i64) {
        // A clock that was set back must not hold anyone up for longer than the window is.
        for entry in self.entries.iter_mut().rev().take_while(|entry| entry.at > now) {
            entry.at = now;
        }
        while self.entries.front().is_some_and(|entry| entry.at.saturating_add(self.length) <= now) {
            self.entries.pop_front();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_slides() {
        let mut window = SlidingWindow::new(60);
        for at in 0..30 {
            assert!(window.take(at, 30, 1).is_ok());
        }
        assert_eq!(window.take(59, 30, 1), Err(60));
        assert!(window.take(60, 30, 1).is_ok(), "the first one is out");
        assert_eq!(window.take(60, 30, 1), Err(61));
        assert!(!window.is_empty(119) && window.is_empty(120));
    }

    #[test]
    fn it_says_when_there_is_room_for_more_than_one() {
        let mut window = SlidingWindow::new(60);
        for (at, amount) in [(0, 2), (10, 3), (20, 4)] {
            window.take(at, 9, amount).unwrap();
        }
        assert_eq!(window.take(30, 9, 5), Err(70));
        assert_eq!(window.take(30, 9, 6), Err(80));
        assert!(window.take(80, 9, 99).is_ok(), "more than the limit goes through an empty window");
    }

    #[test]
    fn a_clock_that_was_set_back_holds_nobody_up() {
        let mut window = SlidingWindow::new(60);
        window.take(1_000_000, 1, 1).unwrap();
        assert_eq!(window.take(100, 1, 1), Err(160));
        assert!(window.take(160, 1, 1).is_ok());
    }

    #[test]
    fn estimates_are_corrected() {
        let mut window = SlidingWindow::new(60);
        let ticket = window.take(0, 100, 90).unwrap();
        window.correct(ticket, 10);
        assert!(window.take(1, 100, 90).is_ok());
        assert_eq!(window.take(2, 100, 1), Err(60));
    }
}
