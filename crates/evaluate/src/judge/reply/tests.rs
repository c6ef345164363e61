//! Replies as models give them.

use super::*;
use evalset_model::evaluator::{Choice, ScoreConfig};
use serde_json::json;

fn definition(value_type: ScoreValueType) -> Definition {
    let choice = |name: &str, value: Value| Choice { name: name.to_owned(), value };
    let choices = vec![choice("Good", json!("g")), choice("Very good", json!(2)), choice("Bad", json!("b"))];
    Definition {
        score_value_type: value_type,
        score_config: Some(ScoreConfig { choices, ..ScoreConfig::default() }),
        ..Definition::default()
    }
}

#[test]
fn what_is_read() {
    use ScoreValueType as T;
    for (value_type, reply, value, explanation) in [
        (T::Numerical, r#"{"score": 4, "explanation": "good"}"#, json!(4), Some("good")),
        (T::Numerical, " \n{\"explanation\": \"e\", \"score\": \"4.5\"}\n", json!(4.5), Some("e")),
        (T::Numerical, r#"{"Score": 3, "Reasoning": "r"}"#, json!(3), Some("r")),
        (T::Numerical, "```json\n{\"score\": 2}\n```", json!(2), None),
        (T::Numerical, "Here:\n```\n{\"score\": 2, \"explanation\": \"x\"}\n```\nDone.", json!(2), Some("x")),
        (
            T::Numerical,
            "The format {\"score\": 1} is asked. My answer: {\"score\": 5, \"explanation\": \"{}\"} so.",
            json!(5),
            Some("{}"),
        ),
        (T::Numerical, "An object {broken then {\"score\": 2}", json!(2), None),
        (T::Numerical, "Score: 4", json!(4.0), None),
        (T::Numerical, "**Final Score:** 4/5", json!(4.0), None),
        (T::Numerical, "score = 3.5.", json!(3.5), None),
        (T::Numerical, "The score is 2, since", json!(2.0), None),
        (T::Numerical, "Score: 1\nlater\nScore: -3 (low)", json!(-3.0), None),
        (T::Numerical, "4", json!(4), None),
        (T::Numerical, " \"4\" ", json!(4.0), None),
        (T::Numerical, "4.", json!(4.0), None),
        (T::Numerical, ".5", json!(0.5), None),
        (T::Numerical, "Score: .5", json!(0.5), None),
        (T::Numerical, r#"{"score": ".5"}"#, json!(0.5), None),
        (T::Numerical, "Score: 1,234", json!(1234.0), None),
        (T::Numerical, "Score: 4, as it is good", json!(4.0), None),
        (T::Numerical, "Score: 0.5e3 points", json!(500.0), None),
        (T::Boolean, "Score: no, it is wrong", json!(false), None),
        (T::Boolean, "Score: yes because it is right", json!(true), None),
        (T::Percentage, "85%", json!(85.0), None),
        (T::Percentage, r#"{"score": "85 %"}"#, json!(85.0), None),
        (T::Numerical, "<think>maybe {\"score\": 1}?</think>\n{\"score\": 2}", json!(2), None),
        (T::Boolean, r#"{"score": true}"#, json!(true), None),
        (T::Boolean, r#"{"score": "No"}"#, json!(false), None),
        (T::Boolean, "true", json!(true), None),
        (T::Boolean, "Yes.", json!(true), None),
        (T::Boolean, "Score: FAIL, it is wrong", json!(false), None),
        (T::Boolean, "1", json!(1), None),
        (T::SingleSelect, r#"{"score": "Good"}"#, json!("Good"), None),
        (T::SingleSelect, r#"{"score": "very GOOD"}"#, json!("Very good"), None),
        (T::SingleSelect, "good", json!("Good"), None),
        (T::SingleSelect, "**Bad**", json!("Bad"), None),
        (T::SingleSelect, "Score: Very good because of it", json!("Very good"), None),
        (T::SingleSelect, r#"{"score": "2"}"#, json!("Very good"), None),
        (T::SingleSelect, r#"{"score": ["good"]}"#, json!(["Good"]), None),
        (T::MultiSelect, r#"{"score": ["good", "Bad"], "explanation": "e"}"#, json!(["Good", "Bad"]), Some("e")),
        (T::MultiSelect, r#"["Bad"]"#, json!(["Bad"]), None),
        (T::MultiSelect, "Good, bad", json!(["Good", "Bad"]), None),
        (T::Categorical, r#"{"score": []}"#, json!([]), None),
        (T::Text, r#"{"score": "fine words"}"#, json!("fine words"), None),
        (T::Text, "Just words. Score: 4", json!("Just words. Score: 4"), None),
        (T::Comment, "4", json!("4"), None),
        (T::Json, r#"{"score": {"a": 1}, "explanation": "e"}"#, json!({"a": 1}), Some("e")),
        (T::Json, r#"{"a": 1}"#, json!({"a": 1}), None),
        (T::Json, "```json\n[1, 2]\n```", json!([1, 2]), None),
    ] {
        let raw = parse(reply, &definition(value_type)).unwrap_or_else(|error| panic!("{reply}: {error}"));
        assert_eq!((raw.value, raw.explanation.as_deref()), (value, explanation), "{value_type:?} {reply}");
    }
}

#[test]
fn what_is_not_read_is_quoted() {
    use ScoreValueType as T;
    let long = "word ".repeat(500);
    for (value_type, reply) in [
        (T::Numerical, "I cannot judge this."),
        (T::Numerical, r#"{"rating_of_it": 4}"#),
        (T::Numerical, r#"{"score": null, "explanation": "unsure"}"#),
        (T::Numerical, r#"{"score": "high"}"#),
        (T::Boolean, "perhaps"),
        (T::SingleSelect, r#"{"score": "Ugly"}"#),
        (T::SingleSelect, "Goodish"),
        (T::Json, "no json"),
        (T::Numerical, long.as_str()),
        (T::Numerical, "NaN"),
        (T::Numerical, r#"{"score": 1e999}"#),
        (T::Numerical, "Score: 1 000"),
        (T::Numerical, "Score: 1,5"),
        (T::Boolean, "Score: no doubt this passes"),
    ] {
        let error = parse(reply, &definition(value_type)).unwrap_err();
        assert!(error.contains("no score of type") && error.len() < 400, "{error}");
    }
    assert!(parse("  ", &definition(T::Text)).unwrap_err().contains("empty"));
    // Many openings take bounded work.
    assert!(parse(&"{\"a\":\"".repeat(100_000), &definition(T::Numerical)).is_err());
}
