//! What a run may spend, and when it gives up on a provider that is down. Knows money and faults, not evaluators.

use evalset_evaluate::{Failure, Fault, Outcome};
use parking_lot::Mutex;

/// The budget of one attempt at a run.
#[derive(Debug)]
pub struct Budget {
    limit: Option<f64>,
    faults_max: u32,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    /// USD, this attempt and those before it.
    spent: f64,
    /// USD and rows of this attempt, for what a row costs on average.
    spent_now: f64,
    ended: u64,
    begun: u64,
    faults: u32,
    stopped: Option<String>,
}

/// Room for rows that are under way.
#[derive(Debug)]
pub struct Room<'a> {
    budget: &'a Budget,
    rows: u64,
}

impl Drop for Room<'_> {
    fn drop(&mut self) {
        self.budget.state.lock().begun -= self.rows;
    }
}

impl Budget {
    /// Up to `limit` USD, of which `spent` are gone; after `faults_max` faults of the provider in a row, or one
    /// that every other row would meet too, it is over as well.
    pub fn new(limit: Option<f64>, spent: f64, faults_max: u32) -> Self {
        Self { limit, faults_max, state: Mutex::new(State { spent, ..State::default() }) }
    }

    /// Asks to begin rows; `None` when the run is to stop before them. What is under way counts with the cost of an
    /// average row, so that the limit is overrun by no more than rows cost beyond the average.
    pub fn begin(&self, rows: usize) -> Option<Room<'_>> {
        let mut state = self.state.lock();
        if state.stopped.is_some() {
            return None;
        }
        if let Some(limit) = self.limit {
            let average = if state.ended == 0 { 0.0 } else { state.spent_now / state.ended as f64 };
            if state.spent + average * state.begun as f64 >= limit {
                state.stopped = Some(format!("The spending limit of {limit} USD is reached"));
                return None;
            }
        }
        let rows = rows as u64;
        state.begun += rows;
        Some(Room { budget: self, rows })
    }

    /// Counts what became of a row.
    pub fn end(&self, outcome: &Result<Outcome, Failure>) {
        let mut state = self.state.lock();
        let cost = match outcome {
            Ok(outcome) => outcome.cost,
            Err(failure) => failure.usage.cost,
        };
        state.spent += cost;
        state.spent_now += cost;
        state.ended += 1;
        let Err(Failure { fault: Fault::Provider { message, hopeless }, .. }) = outcome else {
            state.faults = 0;
            return;
        };
        state.faults += 1;
        let faults = state.faults;
        let reason = if *hopeless {
            format!("The provider would refuse every row: {message}")
        } else if faults >= self.faults_max {
            format!("The provider failed {faults} rows in a row, the last with: {message}")
        } else {
            return;
        };
        state.stopped.get_or_insert(reason);
    }

    /// Why the run is over before its rows, if it is.
    pub fn stopped(&self) -> Option<String> {
        self.state.lock().stopped.clone()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use evalset_model::score::ScoreValues;

    fn paid(cost: f64) -> Outcome {
        Outcome {
            values: ScoreValues::default(),
            is_passed: None,
            explanation: None,
            cost,
            prompt_tokens: 0,
            completion_tokens: 0,
            scorer: String::new(),
            kind: "llm",
        }
    }

    fn refused(message: &str, hopeless: bool) -> Failure {
        Failure::free(Fault::Provider { message: message.to_owned(), hopeless }, "m")
    }

    fn down() -> Failure {
        refused("no answer", false)
    }

    #[test]
    fn a_refused_key_stops_a_run_at_once() {
        let budget = Budget::new(None, 0.0, 50);
        budget.end(&Err(refused("wrong key", true)));
        assert!(budget.begin(1).is_none());
        assert!(budget.stopped().unwrap().contains("wrong key"));
    }

    #[test]
    fn rows_under_way_count_with_the_average() {
        let budget = Budget::new(Some(1.0), 0.5, 3);
        let first = budget.begin(1).unwrap();
        budget.end(&Ok(paid(0.2)));
        drop(first);
        let _second = budget.begin(1).unwrap();
        let _third = budget.begin(1).unwrap();
        assert!(budget.begin(1).is_none(), "0.7 spent and two more of 0.2 under way");
        assert!(budget.stopped().unwrap().contains("1 USD"));
    }

    #[test]
    fn only_faults_in_a_row_stop_a_run() {
        let budget = Budget::new(None, 0.0, 2);
        let of_row = Failure::free(Fault::Row("no score".to_owned()), "m");
        for outcome in [Err(down()), Ok(paid(0.0)), Err(down()), Err(of_row), Err(down())] {
            budget.end(&outcome);
        }
        assert!(budget.begin(1).is_some());
        budget.end(&Err(down()));
        assert!(budget.begin(1).is_none());
        assert!(budget.stopped().unwrap().contains("no answer"));
    }
}
