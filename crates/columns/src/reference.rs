//! The reference meaning of a test, by type of stored value. Knows only how to hand a value over.

use evalset_model::filter::Test;
use evalset_model::filter::meaning::{Operand, test_holds};
use evalset_model::score::ComparedScore;
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

/// On the value of a score, as its column gives it back.
pub fn score(test: &Test, value: &Value) -> bool {
    let names = |list: &[Value]| list.iter().filter_map(|name| name.as_str().map(str::to_owned)).collect();
    let score = match value {
        Value::Number(number) => number.as_f64().map_or(ComparedScore::None, ComparedScore::Number),
        Value::Bool(flag) => ComparedScore::Bool(*flag),
        Value::String(text) => ComparedScore::Text(text.clone()),
        Value::Array(list) => ComparedScore::Choices(names(list)),
        Value::Null | Value::Object(_) => ComparedScore::None,
    };
    test_holds(test, &Operand::of_score(&score))
}
