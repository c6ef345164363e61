//! Holds an answer of today against one of an older program: everything that was said must be said again.

use evalset_model::scalar::parse_time;
use serde_json::Value;
use std::fmt;
use std::fmt::Write as _;
use uuid::Uuid;

/// Members that answers gained since, by the version of the data file that has them first. No other may be added in
/// silence: a caller of then must be able to read the answers of now.
const ADDED: &[&str] = &[
    // Version 2: annotators claim rows of a dataset.
    "annotation_assignee",
    "annotation_completed_at",
    "annotation_lease_until",
];

/// Members calculated from how long something took.
const OF_DURATION: &[&str] = &["rate"];

/// What may differ.
#[derive(Clone, Copy, Debug)]
pub struct Allowed {
    /// Times and ids made after this moment, microseconds since the epoch, are made anew by each program that ends the
    /// same jobs.
    pub made_after: Option<i64>,
}

/// One difference: where, and what.
#[derive(Debug)]
pub struct Difference(String);

impl fmt::Display for Difference {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(&self.0)
    }
}

/// All differences between what was told and what is told.
pub fn differences(then: &Value, now: &Value, allowed: Allowed) -> Vec<Difference> {
    let mut found = Vec::new();
    compare(&mut String::new(), then, now, allowed, &mut found);
    found
}

fn compare(path: &mut String, then: &Value, now: &Value, allowed: Allowed, found: &mut Vec<Difference>) {
    let length = path.len();
    match (then, now) {
        (Value::Object(then), Value::Object(now)) => {
            for (name, value) in then {
                path.push('.');
                path.push_str(name);
                match now.get(name) {
                    Some(_) if OF_DURATION.contains(&name.as_str()) && allowed.made_after.is_some() => {}
                    Some(now) => compare(path, value, now, allowed, found),
                    None => found.push(Difference(format!("{path} is missing; it was {value}"))),
                }
                path.truncate(length);
            }
            for (name, value) in now.iter().filter(|(name, _)| !then.contains_key(*name)) {
                if !ADDED.contains(&name.as_str()) {
                    found.push(Difference(format!("{path}.{name} is new: {value}")));
                }
            }
        }
        (Value::Array(then), Value::Array(now)) if then.len() == now.len() => {
            for (index, (then, now)) in then.iter().zip(now).enumerate() {
                let _ = write!(path, "[{index}]");
                compare(path, then, now, allowed, found);
                path.truncate(length);
            }
        }
        (then, now) if then == now || made_anew(then, now, allowed) || added_up_anew(then, now, allowed) => {}
        (then, now) => found.push(Difference(format!("{path} was {then} and is {now}"))),
    }
}

/// Both are times, or both ids, of after the moment from which on they may differ.
fn made_anew(then: &Value, now: &Value, allowed: Allowed) -> bool {
    let (Some(after), Some(then), Some(now)) = (allowed.made_after, then.as_str(), now.as_str()) else { return false };
    let late = |text: &str| made_at(text).is_some_and(|at| at >= after);
    late(then) && late(now)
}

/// Both are the same number but for rounding: rows are evaluated side by side, and sums are in the order of their ends.
fn added_up_anew(then: &Value, now: &Value, allowed: Allowed) -> bool {
    if allowed.made_after.is_none() || !(then.is_f64() && now.is_f64()) {
        return false;
    }
    matches!((then.as_f64(), now.as_f64()), (Some(then), Some(now)) if (then - now).abs() <= 1e-12 * then.abs())
}

/// The rows of a JSONL file as a list; any other answer as it is.
pub fn rows_of_file(answer: Value) -> Value {
    let rows = |text: &str| text.lines().map(|line| serde_json::from_str(line).ok().filter(Value::is_object)).collect();
    answer.as_str().and_then(rows).unwrap_or(answer)
}

/// When something was made, microseconds since the epoch: the time itself, or that in an id that has one.
fn made_at(text: &str) -> Option<i64> {
    if let Ok(id) = Uuid::parse_str(text) {
        let (seconds, nanoseconds) = id.get_timestamp()?.to_unix();
        return Some(seconds as i64 * 1_000_000 + i64::from(nanoseconds) / 1_000);
    }
    parse_time(text)
}
