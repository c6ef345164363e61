//! Every value type against every kind of raw value.

use super::*;
use evalset_model::evaluator::ScoreConfig;
use serde_json::json;

fn definition(value_type: ScoreValueType) -> Definition {
    let choice = |name: &str, value: Value| Choice { name: name.to_owned(), value };
    Definition {
        score_value_type: value_type,
        score_config: Some(ScoreConfig {
            min_score: None,
            max_score: None,
            choices: vec![
                choice("Good", json!("g")),
                choice("Two", json!(2)),
                choice("Yes", json!(true)),
                choice("2", json!("x")),
            ],
        }),
        ..Definition::default()
    }
}

#[test]
fn what_is_taken() {
    use ScoreValueType as T;
    for (value_type, raw, expected) in [
        (T::Numerical, json!(3), json!({"numerical": 3.0})),
        (T::Numerical, json!(-0.5), json!({"numerical": -0.5})),
        (T::Numerical, json!(true), json!({"numerical": 1.0})),
        (T::Numerical, json!(false), json!({"numerical": 0.0})),
        (T::Percentage, json!(0), json!({"numerical": 0.0})),
        (T::Percentage, json!(100), json!({"numerical": 100.0})),
        (T::Boolean, json!(true), json!({"boolean": true})),
        (T::Boolean, json!(1), json!({"boolean": true})),
        (T::Boolean, json!(0.0), json!({"boolean": false})),
        (T::SingleSelect, json!("Good"), json!({"categorical": ["Good"]})),
        (T::SingleSelect, json!("g"), json!({"categorical": ["Good"]})),
        (T::SingleSelect, json!(["g"]), json!({"categorical": ["Good"]})),
        (T::SingleSelect, json!(2.0), json!({"categorical": ["Two"]})),
        (T::SingleSelect, json!("2"), json!({"categorical": ["2"]})),
        (T::SingleSelect, json!(true), json!({"categorical": ["Yes"]})),
        (T::SingleSelect, json!(["Good", "g"]), json!({"categorical": ["Good"]})),
        (T::MultiSelect, json!(["Two", "Good", 2]), json!({"categorical": ["Two", "Good"]})),
        (T::MultiSelect, json!([]), json!({"categorical": []})),
        (T::Categorical, json!("Good"), json!({"categorical": ["Good"]})),
        (T::Text, json!("é"), json!({"string": "é"})),
        (T::Comment, json!(""), json!({"string": ""})),
        (T::Text, json!(2.5), json!({"string": "2.5"})),
        (T::Json, json!({"b": 1, "a": null}), json!({"json": r#"{"b":1,"a":null}"#})),
        (T::Json, json!("t"), json!({"json": r#""t""#})),
        (T::Json, json!(null), json!({"json": "null"})),
    ] {
        let values =
            convert(&raw, &definition(value_type), Range::Refuse).unwrap_or_else(|error| panic!("{raw}: {error}"));
        assert_eq!(serde_json::to_value(values).unwrap(), expected, "{value_type:?} {raw}");
    }
}

#[test]
fn what_is_refused() {
    use ScoreValueType as T;
    for (value_type, raw, said) in [
        (T::Numerical, json!("3"), "must be a number"),
        (T::Numerical, json!(null), "must be a number"),
        (T::Numerical, json!([1]), "must be a number"),
        (T::Percentage, json!(true), "a number from 0 to 100"),
        (T::Percentage, json!(100.5), "outside its range"),
        (T::Percentage, json!(-1), "outside its range"),
        (T::Boolean, json!(2), "true or false"),
        (T::Boolean, json!("true"), "true or false"),
        (T::SingleSelect, json!("Bad"), "\"Bad\" is not a choice; allowed: `Good`, `Two`"),
        (T::SingleSelect, json!(["Good", "Two"]), "exactly one choice"),
        (T::SingleSelect, json!([]), "exactly one choice"),
        (T::MultiSelect, json!(["Good", "nope"]), "\"nope\" is not a choice"),
        (T::MultiSelect, json!(null), "null is not a choice"),
        (T::Text, json!({"a": 1}), "must be a text"),
        (T::Text, json!(null), "must be a text"),
        (T::Text, json!("x".repeat(TEXT_BYTES_MAX + 1)), "bytes, at most"),
        (T::Json, json!("x".repeat(TEXT_BYTES_MAX)), "bytes, at most"),
    ] {
        let error = convert(&raw, &definition(value_type), Range::Refuse).unwrap_err();
        assert!(error.contains(said), "{error}");
    }
}

#[test]
fn numbers_outside_the_bounds_are_clamped_or_refused() {
    let mut definition = definition(ScoreValueType::Numerical);
    if let Some(config) = &mut definition.score_config {
        (config.min_score, config.max_score) = (Some(1.0), Some(5.0));
    }
    for (raw, clamped) in [(0.0, 1.0), (1.0, 1.0), (3.5, 3.5), (5.0, 5.0), (1e300, 5.0)] {
        assert_eq!(convert(&json!(raw), &definition, Range::Clamp).unwrap().numerical, Some(clamped));
        assert_eq!(convert(&json!(raw), &definition, Range::Refuse).is_ok(), (1.0..=5.0).contains(&raw));
    }
    assert!(within(f64::NAN, &definition, Range::Clamp).unwrap_err().contains("finite"));
    assert!(within(f64::INFINITY, &definition, Range::Clamp).unwrap_err().contains("finite"));
    let unbounded = Definition::default();
    assert_eq!(within(-1e100, &unbounded, Range::Refuse), Ok(-1e100));
    assert!(within(1.7e308, &unbounded, Range::Refuse).unwrap_err().contains("too large"));
}

#[test]
fn an_object_with_a_score_unwraps() {
    for (value, score, explanation) in [
        (json!({"score": 1, "explanation": "e", "reasoning": "r"}), json!(1), Some("e")),
        (json!({"score": null, "reasoning": "r"}), json!(null), Some("r")),
        (json!({"score": 2, "explanation": null, "reasoning": ""}), json!(2), None),
        (json!({"score": 2, "explanation": ["a"]}), json!(2), Some("[\"a\"]")),
        (json!({"other": 2}), json!({"other": 2}), None),
        (json!([{"score": 2}]), json!([{"score": 2}]), None),
    ] {
        let raw = unwrap(value);
        assert_eq!((raw.value, raw.explanation.as_deref()), (score, explanation));
    }
}

#[test]
fn texts_are_cut_at_characters() {
    assert_eq!(cut("abc", 3), "abc");
    assert_eq!(cut("éééé", 6), "é…");
    assert_eq!(cut("abcd", 3), "…");
}
