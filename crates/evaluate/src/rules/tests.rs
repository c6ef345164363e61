//! Scores and errors of every rule, worked out by hand.

use super::*;
use serde_json::json;

fn inputs(members: &Value) -> EvalInputs {
    let member = |name: &str| members.get(name).cloned().unwrap_or_default();
    let map = |name: &str| member(name).as_object().cloned().unwrap_or_default();
    EvalInputs {
        input: member("input").into(),
        output: member("output").into(),
        expected_output: member("expected_output").into(),
        metrics: map("metrics"),
        metadata: map("metadata"),
    }
}

fn rule(name: &str, parameters: &Value) -> Rule {
    Rule::compile(name, parameters.as_object().unwrap()).unwrap_or_else(|error| panic!("{name} {parameters}: {error}"))
}

#[test]
fn scores() {
    let pair = |output: &str, expected: &str| json!({"output": output, "expected_output": expected});
    for (name, parameters, row, expected) in [
        ("exact_match", json!({}), pair("Paris", "Paris"), json!(true)),
        ("exact_match", json!({}), pair("Paris ", "paris"), json!(false)),
        ("exact_match", json!({"ignore_case": true, "trim": true}), pair(" PARÍS\n", "parís"), json!(true)),
        ("exact_match", json!({"ignore_case": true}), pair("Straße", "STRASSE"), json!(false)),
        ("exact_match", json!({}), pair("", ""), json!(true)),
        ("exact_match", json!({"value": "x"}), json!({"output": "x"}), json!(true)),
        (
            "exact_match",
            json!({"field": "metadata.a.b", "against": "input"}),
            json!({"input": "1", "metadata": {"a": {"b": 1}}}),
            json!(true),
        ),
        (
            "exact_match",
            json!({}),
            json!({"output": {"role": "assistant", "content": "Hi"}, "expected_output": "Hi"}),
            json!(true),
        ),
        ("contains", json!({}), pair("It is Paris.", "Paris"), json!(true)),
        ("contains", json!({}), pair("It is paris.", "Paris"), json!(false)),
        ("contains", json!({"ignore_case": true}), pair("It is PARIS.", "Paris"), json!(true)),
        ("contains", json!({"values": ["x", "is"]}), pair("It is", "-"), json!(true)),
        ("contains", json!({"values": "z"}), pair("It is", "-"), json!(false)),
        ("contains", json!({"values": ["It", "is"], "mode": "all"}), pair("It is", "-"), json!(true)),
        ("contains", json!({"values": ["It", "was"], "mode": "all"}), pair("It is", "-"), json!(false)),
        ("contains", json!({"values": [""]}), pair("", "-"), json!(true)),
        ("regex", json!({"pattern": r"\d{3}"}), json!({"output": "call 911 now"}), json!(true)),
        ("regex", json!({"pattern": r"\d{3}", "full_match": true}), json!({"output": "call 911 now"}), json!(false)),
        ("regex", json!({"pattern": "a|ab", "full_match": true}), json!({"output": "ab"}), json!(true)),
        (
            "regex",
            json!({"pattern": "PARIS", "ignore_case": true, "field": "input"}),
            json!({"input": "paris"}),
            json!(true),
        ),
        ("json_valid", json!({}), json!({"output": " {\"a\": [1, 2]} "}), json!(true)),
        ("json_valid", json!({}), json!({"output": "{\"a\": 1,}"}), json!(false)),
        ("json_valid", json!({}), json!({"output": ""}), json!(false)),
        ("json_valid", json!({}), json!({"output": "NaN"}), json!(false)),
        ("json_valid", json!({}), json!({"output": {"a": 1}}), json!(true)),
        (
            "json_schema",
            json!({"schema": {"type": "object", "required": ["a"]}}),
            json!({"output": "{\"a\": 1}"}),
            json!(true),
        ),
        (
            "json_schema",
            json!({"schema": {"type": "object", "required": ["a"]}}),
            json!({"output": "{\"b\": 1}"}),
            json!(false),
        ),
        ("json_schema", json!({"schema": {"type": "object"}}), json!({"output": "no"}), json!(false)),
        (
            "json_schema",
            json!({"schema": {"$ref": "#/$defs/n", "$defs": {"n": {"type": "integer"}}}}),
            json!({"output": "3"}),
            json!(true),
        ),
        ("similarity", json!({}), pair("kitten", "sitting"), json!(1.0 - 3.0 / 7.0)),
        ("similarity", json!({}), pair("", ""), json!(1.0)),
        ("similarity", json!({}), pair("abc", ""), json!(0.0)),
        ("similarity", json!({"ignore_case": true}), pair("ÀB", "àb"), json!(1.0)),
        ("similarity", json!({}), pair("naïve", "naive"), json!(0.8)),
        ("token_f1", json!({}), pair("The cat sat", "the cat, the mat"), json!(4.0 / 7.0)),
        ("token_f1", json!({}), pair("a a b", "a b b"), json!(2.0 / 3.0)),
        ("token_f1", json!({}), pair("", "!?"), json!(1.0)),
        ("token_f1", json!({}), pair("word", ""), json!(0.0)),
        ("token_f1", json!({}), pair("one", "two"), json!(0.0)),
        ("token_f1", json!({"value": "Zoë 42"}), json!({"output": "zoë—42"}), json!(1.0)),
        ("numeric_tolerance", json!({}), pair(" 3.0 ", "3"), json!(true)),
        ("numeric_tolerance", json!({"tolerance": 0.5}), pair("3.5", "3"), json!(true)),
        ("numeric_tolerance", json!({"tolerance": 0.5}), pair("3.6", "3"), json!(false)),
        ("numeric_tolerance", json!({"relative": 0.1}), pair("-109", "-100"), json!(true)),
        ("numeric_tolerance", json!({"relative": 0.1}), pair("111", "100"), json!(false)),
        ("numeric_tolerance", json!({}), pair("about 3", "3"), json!(false)),
        ("numeric_tolerance", json!({"extract": "last"}), pair("2 of 1,234.5 USD", "1234.5"), json!(true)),
        (
            "numeric_tolerance",
            json!({"extract": "first", "value": -2}),
            json!({"output": "x -2e0 then 7"}),
            json!(true),
        ),
        ("numeric_tolerance", json!({"value": 5}), json!({"output": 5}), json!(true)),
        ("latency", json!({"max_seconds": 1.5}), json!({"metrics": {"latency": 1.5}}), json!(true)),
        ("latency", json!({"max_seconds": 1.5}), json!({"metrics": {"latency": 1.51}}), json!(false)),
        ("cost", json!({"max_usd": 0}), json!({"metrics": {"cost": 0.0001}}), json!(false)),
    ] {
        let score =
            rule(name, &parameters).score(&inputs(&row)).unwrap_or_else(|error| panic!("{name} {row}: {error}"));
        match (score.value.as_f64(), expected.as_f64()) {
            (Some(got), Some(wanted)) => assert!((got - wanted).abs() < 1e-12, "{name} {parameters} {row}: {got}"),
            _ => assert_eq!(score.value, expected, "{name} {parameters} {row}"),
        }
    }
}

#[test]
fn a_row_that_lacks_what_is_needed_has_no_score() {
    for (name, parameters, row, said) in [
        ("exact_match", json!({}), json!({"output": "x"}), "no `expected_output`"),
        ("exact_match", json!({}), json!({"expected_output": "x"}), "no `output`"),
        (
            "similarity",
            json!({"against": "metadata.key"}),
            json!({"output": "x", "metadata": {"key": null}}),
            "no `metadata.key`",
        ),
        ("json_valid", json!({}), json!({"output": null}), "no `output`"),
        ("latency", json!({"max_seconds": 1}), json!({}), "`metrics.latency`"),
        ("cost", json!({"max_usd": 1}), json!({"metrics": {"cost": "1"}}), "`metrics.cost`"),
        ("numeric_tolerance", json!({}), json!({"output": "1", "expected_output": "one"}), "no number: `one`"),
    ] {
        let error = rule(name, &parameters).score(&inputs(&row)).unwrap_err();
        assert!(error.contains(said), "{name}: {error}");
    }
}

#[test]
fn what_cannot_be_compiled_is_named() {
    for (name, parameters, field) in [
        ("exact", json!({}), "code_config.builtin"),
        ("exact_match", json!({"fields": "output"}), "code_config.parameters.fields"),
        ("exact_match", json!({"field": "outputs"}), "code_config.parameters.field"),
        ("exact_match", json!({"field": "metadata."}), "code_config.parameters.field"),
        ("exact_match", json!({"ignore_case": "yes"}), "code_config.parameters.ignore_case"),
        ("exact_match", json!({"value": 3}), "code_config.parameters.value"),
        ("exact_match", json!({"value": "x", "against": "input"}), "code_config.parameters.value"),
        ("contains", json!({"values": []}), "code_config.parameters.values"),
        ("contains", json!({"values": [1]}), "code_config.parameters.values"),
        ("contains", json!({"values": ["a"], "mode": "some"}), "code_config.parameters.mode"),
        ("regex", json!({}), "code_config.parameters.pattern"),
        ("regex", json!({"pattern": "("}), "code_config.parameters.pattern"),
        ("regex", json!({"pattern": "(?=a)"}), "code_config.parameters.pattern"),
        ("regex", json!({"pattern": r"(\w{1000}){1000}"}), "code_config.parameters.pattern"),
        ("json_schema", json!({}), "code_config.parameters.schema"),
        ("json_schema", json!({"schema": "{}"}), "code_config.parameters.schema"),
        ("numeric_tolerance", json!({"tolerance": -1}), "code_config.parameters.tolerance"),
        ("numeric_tolerance", json!({"value": "3"}), "code_config.parameters.value"),
        ("latency", json!({}), "code_config.parameters.max_seconds"),
        ("latency", json!({"max_seconds": "1"}), "code_config.parameters.max_seconds"),
        ("cost", json!({"max_usd": -0.1}), "code_config.parameters.max_usd"),
    ] {
        let error = Rule::compile(name, parameters.as_object().unwrap()).unwrap_err();
        assert_eq!(error.by_field().keys().collect::<Vec<_>>(), [field], "{name} {parameters}: {error}");
    }
}

#[test]
fn explanations_say_what_was_missing() {
    let missing =
        rule("contains", &json!({"values": ["a", "b"], "mode": "all"})).score(&inputs(&json!({"output": "a"})));
    assert_eq!(missing.unwrap().explanation.as_deref(), Some("missing: `b`"));
    let schema = json!({"schema": {"properties": {"a": {"type": "string"}}}});
    let wrong = rule("json_schema", &schema).score(&inputs(&json!({"output": "{\"a\": 1}"}))).unwrap();
    assert!(wrong.explanation.unwrap().starts_with("at /a: "));
}

#[test]
fn every_line_of_the_catalogue_has_a_rule() {
    for info in CATALOGUE {
        let needed = json!({"regex": {"pattern": "a"}, "json_schema": {"schema": true}, "latency": {"max_seconds": 1}, "cost": {"max_usd": 1}});
        let parameters = needed.get(info.name).cloned().unwrap_or(json!({}));
        assert_eq!(rule(info.name, &parameters).info().name, info.name);
        assert!(info.parameters.iter().all(|each| !each.description.is_empty()));
    }
}
