//! The reference meaning of a test, by type of stored value. Knows only how to hand a value over.

use evalset_model::filter::Test;
use evalset_model::filter::meaning::{Operand, score_operand, test_holds};
use serde_json::Value;
use std::borrow::Cow;

/// On a text.
pub fn text(test: &Test, text: &str) -> bool {
    test_holds(test, &Operand::Text(Cow::Borrowed(text)))
}

/// On a text that stands for a structure.
pub fn document(test: &Test, text: &str) -> bool {
    test_holds(test, &Operand::Document(Cow::Borrowed(text)))
}

/// On an integer.
pub fn int(test: &Test, number: i64) -> bool {
    test_holds(test, &Operand::Number(number as f64))
}

/// On a float.
pub fn float(test: &Test, number: f64) -> bool {
    test_holds(test, &Operand::Number(number))
}

/// On a boolean.
pub fn flag(test: &Test, flag: bool) -> bool {
    test_holds(test, &Operand::Bool(flag))
}

/// On an instant.
pub fn time(test: &Test, micros: i64) -> bool {
    test_holds(test, &Operand::Time(micros))
}

/// On null.
pub fn null(test: &Test) -> bool {
    test_holds(test, &Operand::Null)
}

/// On a metadata value.
pub fn json(test: &Test, value: &Value) -> bool {
    test_holds(test, &Operand::of_json(value))
}

/// On the value of a score, as [`evalset_model::filter::meaning::score_operand`] takes it out of its summary.
pub fn score(test: &Test, value: &Value) -> bool {
    match value {
        // An object here is the value itself, no longer a summary around it.
        Value::Object(_) => json(test, value),
        value => test_holds(test, &score_operand(value)),
    }
}
