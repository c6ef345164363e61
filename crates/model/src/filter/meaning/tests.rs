//! The pins of the meaning: what holds on the sample row of `testing`.

use super::*;
use crate::filter::check::{self, Unknown};
use crate::filter::testing::{compile, log, passes, sample};
use crate::ids::LogId;
use crate::page::Sort;
use serde_json::json;

/// Checks a table of `{key: entry}` filters, and that `not` around each gives the contrary.
fn table(rows: &[(Value, bool)]) {
    for (filter, expected) in rows {
        assert_eq!(passes(filter), *expected, "{filter}");
        let tree = Tree::Not(Box::new(compile(filter, Unknown::Metadata).unwrap()));
        assert_ne!(holds(&tree, &sample(), &crate::filter::testing::scores()), *expected, "NOT of {filter}");
    }
}

#[expect(clippy::needless_pass_by_value, reason = "tables of `json!` values read better without `&`")]
fn ask(key: &str, operator: &str, value: Value) -> Value {
    json!({key: {"operator": operator, "value": value}})
}

#[test]
fn absent_and_null() {
    // `metadata__none` is null, `metadata__gone` and `error_code` are absent: all the same.
    for key in ["metadata__none", "metadata__gone", "error_code", "expected_output", "scores__gone", "routing_time"] {
        table(&[
            (ask(key, "isnull", json!(true)), true),
            (ask(key, "isnull", json!([false])), false),
            (ask(key, "isnull", json!("false")), false),
            (ask(key, "eq", json!(null)), true),
            (ask(key, "not", json!(null)), false),
            (ask(key, "eq", json!(1)), false),
            (ask(key, "not", json!(1)), true),
            (ask(key, "not", json!([1, 2])), true),
            (ask(key, "in", json!([1])), false),
            (ask(key, "in", json!([1, null])), true),
            (ask(key, "not_in", json!([1])), true),
            (ask(key, "not_in", json!([1, null])), false),
            (ask(key, "gte", json!(0)), false),
            (ask(key, "lt", json!(1e9)), false),
            (ask(key, "empty", json!([])), true),
            (ask(key, "not_empty", json!([])), false),
        ]);
    }
    for key in ["metadata__none", "metadata__gone", "error_code", "expected_output"] {
        for operator in ["contains", "icontains", "startswith", "endswith", "regex", "iexact"] {
            table(&[(ask(key, operator, json!("")), false)]);
        }
        for operator in ["not_contains", "not_startswith", "not_endswith"] {
            table(&[(ask(key, operator, json!("x")), true)]);
        }
        for operator in ["ilike", "trigram_word_similar", "full_text_search"] {
            table(&[(ask(key, operator, json!("x")), false)]);
        }
    }
}

#[test]
fn lists_of_no_values() {
    for operator in ["", "in", "iexact", "contains", "icontains", "startswith", "endswith", "regex", "ilike"] {
        table(&[(ask("model", operator, json!([])), false)]);
    }
    for operator in ["not", "not_in", "not_contains", "not_startswith", "not_endswith"] {
        table(&[(ask("model", operator, json!([])), true)]);
    }
}

#[test]
fn emptiness() {
    table(&[
        (ask("custom_identifier", "empty", json!(null)), true),
        (ask("custom_identifier", "isnull", json!(true)), false),
        (ask("custom_identifier", "eq", json!("")), true),
        (ask("custom_identifier", "contains", json!("")), true),
        (ask("metadata__blank", "empty", json!(null)), true),
        (ask("metadata__void", "empty", json!(null)), true),
        (ask("metadata__list", "empty", json!(null)), true),
        (ask("metadata__list", "isnull", json!(true)), false),
        (ask("metadata__turns", "empty", json!(null)), false),
        (ask("metadata__vip", "not_empty", json!(null)), true),
        (ask("metadata", "empty", json!(null)), false),
        (ask("input", "empty", json!(null)), false),
        (ask("latency", "not_empty", json!(null)), true),
    ]);
    for empty in [json!(""), json!([]), json!({})] {
        let row = log("x", json!({"input": empty}));
        let filter = compile(&ask("input", "empty", json!(null)), Unknown::Metadata).unwrap();
        assert!(holds(&filter, &row, &ComparedScores::none()), "input {empty}");
    }
}

#[test]
fn types_meet_types() {
    table(&[
        // Typed fields read their value: strings from a URL work as numbers do.
        (ask("status_code", "eq", json!("200")), true),
        (ask("status_code", "eq", json!(200.0)), true),
        (ask("status_code", "iexact", json!(200)), true),
        (ask("status_code", "gt", json!(199.5)), true),
        (ask("latency", "lte", json!("1.5")), true),
        (ask("cache_hit", "eq", json!("TRUE")), true),
        (ask("cache_hit", "not", json!(0)), true),
        (ask("timestamp", "eq", json!("2026-01-15 10:00:00")), true),
        (ask("timestamp", "lt", json!("2026-01-15T12:00:00+02:00")), false),
        (ask("created_at", "lte", json!(["2026-01-15T12:00:00+02:00"])), true),
        (ask("model", "gt", json!("gpt-3")), true),
        (ask("custom_identifier", "eq", json!(42)), false),
        // A metadata value is compared with the part of the literal that has its type.
        (ask("metadata__turns", "eq", json!(4)), true),
        (ask("metadata__turns", "eq", json!("4")), true),
        (ask("metadata__turns", "eq", json!("four")), false),
        (ask("metadata__number", "eq", json!("10")), true),
        (ask("metadata__number", "eq", json!(10)), true),
        (ask("metadata__number", "eq", json!(10.0)), false),
        (ask("metadata__vip", "eq", json!(true)), true),
        (ask("metadata__vip", "eq", json!("true")), true),
        (ask("metadata__vip", "eq", json!(1)), true),
        (ask("metadata__vip", "eq", json!(0)), false),
        (ask("metadata__turns", "gte", json!(3)), true),
        (ask("metadata__turns", "gte", json!("3")), true),
        (ask("metadata__turns", "gt", json!("b")), false),
        // Order: texts only against texts, by bytes; booleans, arrays and objects have none.
        (ask("metadata__number", "gte", json!(3)), false),
        (ask("metadata__number", "gte", json!("3")), false),
        (ask("metadata__number", "lt", json!("3")), true),
        (ask("metadata__tier", "gt", json!("Gold")), true),
        (ask("metadata__vip", "gte", json!(0)), false),
        (ask("metadata__tags", "gte", json!(0)), false),
        (ask("metadata__tags", "gte", json!("")), false),
        (ask("metadata__a", "gte", json!("")), false),
        // Text tests see the JSON text of other types.
        (ask("metadata__turns", "startswith", json!("4")), true),
        (ask("metadata__turns", "contains", json!(4)), true),
        (ask("metadata__vip", "regex", json!("^tr")), true),
        (ask("metadata__vip", "iexact", json!("TRUE")), true),
        (ask("metadata__tags", "contains", json!("\"b\",3")), true),
        (ask("metadata__void", "eq", json!("{}")), false),
        (ask("metadata__void", "contains", json!("{}")), true),
    ]);
}

#[test]
fn arrays_and_maps() {
    table(&[
        (ask("metadata__tags", "eq", json!("a")), true),
        (ask("metadata__tags", "in", json!(["z", "b"])), true),
        (ask("metadata__tags", "in", json!(["z"])), false),
        (ask("metadata__tags", "eq", json!(3)), true),
        (ask("metadata__tags", "not", json!("a")), false),
        (ask("metadata__tags", "not_in", json!(["z"])), true),
        (ask("metadata__tags", "iexact", json!("B")), true),
        (ask("metadata__list", "eq", json!("a")), false),
        (ask("metadata__a", "eq", json!("nested")), false),
        (ask("metadata", "contains", json!("\"_hidden\":\"x\"")), true),
        (ask("metadata__none", "isnull", json!(true)), true),
        (
            json!({"metadata": {"operator_function": "mapContainsKey", "operator_args": ["none", "tier"], "value": [true]}}),
            true,
        ),
        (json!({"metadata": {"operator_function": "mapContainsKey", "operator_args": ["tier", "gone"]}}), false),
        (json!({"metadata": {"operator_function": "mapContainsKey", "operator_args": ["gone"], "value": false}}), true),
        (
            json!({"metadata": {"operator_function": "mapContainsKey", "operator_args": ["gone"], "operator": "not"}}),
            true,
        ),
        (json!({"metadata": {"operator_function": "mapContainsKey", "value": ["tier"]}}), true),
        (json!({"metadata__a": {"operator_function": "mapContainsKey", "operator_args": ["c"]}}), true),
        (json!({"metadata__tier": {"operator_function": "mapContainsKey", "operator_args": ["c"]}}), false),
        (json!({"variables": {"operator_function": "mapContainsKey", "operator_args": ["name"]}}), true),
        (json!({"properties": {"operator_function": "mapContainsKey", "operator_args": ["name"]}}), false),
        (json!({"scores": {"operator_function": "mapContainsKey", "operator_args": ["e1", "quality"]}}), true),
    ]);
}

#[test]
fn metadata_paths() {
    table(&[
        (ask("metadata__a.b", "eq", json!("literal")), true),
        (ask("metadata.a.b", "eq", json!("nested")), false),
        (ask("metadata__a.c.d", "eq", json!(5)), true),
        (ask("metadata.a.c.d", "eq", json!(5)), true),
        (ask("metadata__a.c.gone", "isnull", json!(true)), true),
        (ask("metadata__tier.x", "isnull", json!(true)), true),
        (ask("metadata___hidden", "eq", json!("x")), true),
        // A name that is no field is a metadata key.
        (ask("tier", "eq", json!("gold")), true),
        (ask("a.c.d", "eq", json!(5)), true),
    ]);
    let map = json!({"a.b": null, "a": {"b": 1, "c.d": 2, "c": {"d": 3}}});
    let map = map.as_object().unwrap();
    assert_eq!(lookup(map, "a.b"), None, "a literal key wins even when it is null");
    assert_eq!(lookup(map, "a.c.d"), Some(&json!(2)), "and wins again inside");
}

#[test]
fn case_folds_by_unicode_lower_case() {
    let row = log("x", json!({"note": "Straße ÅNGSTRÖM ΑΒΓ İx", "metadata": {"city": "ZÜRICH"}}));
    for (filter, expected) in [
        (ask("note", "icontains", json!("ångström")), true),
        (ask("note", "contains", json!("ångström")), false),
        (ask("note", "icontains", json!("αβγ")), true),
        (ask("note", "icontains", json!("STRASSE")), false),
        (ask("note", "icontains", json!("İX")), true),
        (ask("metadata__city", "iexact", json!("zürich")), true),
        (ask("metadata__city", "eq", json!("zürich")), false),
        (ask("metadata__city", "ilike", json!("z_RI%")), true),
        (ask("note", "full_text_search", json!("ångström STRASSE")), false),
        (ask("note", "full_text_search", json!("ångström αβγ")), true),
    ] {
        let tree = compile(&filter, Unknown::Metadata).unwrap();
        assert_eq!(holds(&tree, &row, &ComparedScores::none()), expected, "{filter}");
    }
}

#[test]
fn text_operators() {
    table(&[
        (ask("model", "startswith", json!(["claude", "gpt"])), true),
        (ask("model", "endswith", json!("-MINI")), false),
        (ask("model", "not_endswith", json!(["-mini", "x"])), false),
        (ask("model", "not_contains", json!("claude")), true),
        (ask("model", "icontains", json!(["X", "GPT"])), true),
        (ask("model", "regex", json!("4o?-m")), true),
        (ask("model", "regex", json!("GPT")), false),
        (ask("model", "regex", json!(["x", "gpt"])), true),
        (ask("model", "ilike", json!("GPT")), true),
        (ask("model", "ilike", json!("GPT%")), true),
        (ask("model", "ilike", json!("PT%")), false),
        (ask("model", "ilike", json!("gpt-4o_mini")), true),
        (ask("model", "ilike", json!("gpt\\_4o-mini%")), false),
        (ask("status", "eq", json!("Success")), false),
        (ask("log_type", "eq", json!("CHAT")), true),
        (ask("log_type", "startswith", json!("Ch")), true),
        (ask("log_type", "regex", json!("^CH\\D+$")), true),
        (ask("span_workflow_name", "trigram_word_similar", json!("suport")), true),
        (ask("span_workflow_name", "trigram_word_similar", json!("sport")), false),
    ]);
}

#[test]
fn payload_texts() {
    table(&[
        (ask("input", "contains", json!("\"role\":\"user\"")), true),
        (ask("prompt", "eq", json!("How do I reset my Password?")), true),
        (ask("completion", "icontains", json!("refund")), true),
        (ask("output", "contains", json!("Zoë")), true),
        (ask("messages", "contains", json!("reset my")), true),
        (ask("full_text", "contains", json!("\"}]\n{\"")), true),
        // Words are looked for in input and output together, whichever is named.
        (ask("input", "full_text_search", json!("password refund")), true),
        (ask("output", "full_text_search", json!("password, zoë!")), true),
        (ask("output", "full_text_search", json!("passwor")), false),
        (ask("completion", "full_text_search", json!("password")), false),
        (ask("input", "full_text_search", json!(["nothing", "reset"])), true),
        (ask("variables", "contains", json!("Ann")), true),
    ]);
    let text = log("x", json!({"input": "Hi", "output": null}));
    assert_eq!(text_of(&text, TextField::Input).as_deref(), Some("Hi"));
    assert_eq!(text_of(&text, TextField::FullText).as_deref(), Some("Hi\n"));
    assert_eq!(text_of(&log("x", json!({})), TextField::FullText), None);
}

#[test]
fn scores_by_value() {
    table(&[
        (ask("scores__e1", "lte", json!([2.0])), true),
        (ask("scores__quality", "gt", json!(1)), true),
        (ask("scores.e1", "not", json!(2)), false),
        (ask("scores__e2", "eq", json!(true)), true),
        (ask("scores__e2", "eq", json!(1)), true),
        (ask("scores__e2", "gte", json!(1)), true),
        (ask("scores__e2", "eq", json!(false)), false),
        (ask("scores__e3", "eq", json!("good")), true),
        (ask("scores__e3", "gt", json!("bad")), true),
        (ask("scores__e3", "gt", json!(0)), false),
        (ask("scores__e4", "eq", json!("blue")), true),
        (ask("scores__e4", "gt", json!("blue")), false),
        (ask("scores__e4", "not_empty", json!(true)), true),
        (ask("scores__e9", "eq", json!(0)), false),
        // A score without a value is there, and null.
        (ask("scores__e5", "isnull", json!(true)), true),
        (ask("scores__e5", "not", json!(0)), true),
        (ask("evaluator_id", "eq", json!("e5")), true),
        (ask("evaluator_id", "eq", json!("e1")), true),
        (ask("evaluator_id", "in", json!(["e9", "e2"])), true),
        (ask("evaluator_id", "not_in", json!(["e9"])), true),
        (ask("evaluator_id", "not", json!(["e1", "e9"])), false),
    ]);
}

#[test]
fn empty_and_or() {
    let row = sample();
    let none = ComparedScores::none();
    let (all, no): (LogFilter, LogFilter) = (Tree::And(Vec::new()), Tree::Or(Vec::new()));
    assert!(holds(&all, &row, &none));
    assert!(!holds(&no, &row, &none));
    assert!(!holds(&Tree::Not(Box::new(all)), &row, &none));
    assert!(holds(&Tree::Not(Box::new(no)), &row, &none));
    table(&[(json!({}), true), (json!([]), true), (Value::Null, true)]);
}

#[test]
fn connectors_fold_left_to_right() {
    // t and f are conditions that hold and do not hold on the row.
    let t = |connector: &str| json!({"operator": "eq", "value": "gold", "connector": connector});
    let f = |connector: &str| json!({"operator": "eq", "value": "tin", "connector": connector});
    table(&[
        // (t OR f) AND f, not t OR (f AND f)
        (json!([{"field": "tier", "value": "gold"}, with(f("OR"), "tier"), with(f("AND"), "tier")]), false),
        // (f AND f) OR t
        (json!([with(f("AND"), "tier"), with(f("AND"), "tier"), with(t("OR"), "tier")]), true),
        // The first connector has no effect.
        (json!([with(f("OR"), "tier"), with(t("AND"), "tier")]), false),
        // An array is one operand: f OR (t AND f)
        (json!({"x": "y", "tier": [t("OR"), f("AND")]}), false),
        (json!({"x": "y", "tier": [t("OR"), f("OR")]}), true),
        // joined by its first element's connector: f AND (t OR f)
        (json!({"x": "y", "tier": [t("AND"), f("OR")]}), false),
        // A bundle is evaluated on its own: t AND (f OR t), against (t AND f) OR t
        (
            json!({"model": "gpt-4o-mini", "g": {"filter_params": {"tier": "tin", "vip": {"value": true, "connector": "OR"}}}}),
            true,
        ),
        (
            json!({"model": "other", "g": {"filter_params": {"tier": "tin", "vip": {"value": true, "connector": "OR"}}}}),
            false,
        ),
        (json!({"model": "other", "g": {"connector": "OR", "filter_params": {"tier": "gold"}}}), true),
    ]);
}

fn with(mut condition: Value, field: &str) -> Value {
    condition["field"] = json!(field);
    condition
}

#[test]
fn similarity_formula() {
    assert!(similar::similar("word", "two words"), "4 of 5");
    assert!(similar::similar("word", "sword"), "3 of 5 is just enough");
    assert!(!similar::similar("word", "swore"), "2 of 5 is not");
    assert!(similar::similar("reset password", "How to reset the password"));
    assert!(similar::similar("ZOË", "zoë"));
    assert!(!similar::similar("refund", "fun"));
    assert!(!similar::similar("a", ""));
}

#[test]
fn rows_in_order() {
    let value = |id: &str, value: Value| log(id, json!({"metadata": {"v": value}}));
    let rows = [
        value("n2", json!(2)),
        value("n10", json!(10.5)),
        value("s1", json!("10")),
        value("s2", json!("é")),
        value("b1", json!(false)),
        value("b2", json!(true)),
        value("j1", json!([1])),
        value("j2", json!({"a": 1})),
        value("z1", json!(null)),
        value("z2", json!(2)),
    ];
    let sorted = |descending| {
        let sort = Sort { field: LogField::Metadata("v".to_owned()), descending };
        let none = ComparedScores::none();
        let mut order: Vec<&Log> = rows.iter().rev().collect();
        order.sort_by(|left, right| compare_logs(&sort, (left, &none), (right, &none)));
        order.iter().map(|row| row.id.to_string()).collect::<Vec<_>>().join(" ")
    };
    assert_eq!(sorted(false), "n2 z2 n10 s1 s2 b1 b2 j1 j2 z1");
    assert_eq!(sorted(true), "j2 j1 b2 b1 s2 s1 n10 n2 z2 z1");
}

#[test]
fn typed_and_score_keys() {
    let row = sample();
    let scores = crate::filter::testing::scores();
    let default = Sort { field: LogField::Id, descending: false };
    let key = |name: &str| order(&check::sort(name, default.clone()).unwrap().field, &row, &scores);
    assert_eq!(key("id"), SortKey::Text("a1".into()));
    assert_eq!(key("status_code"), SortKey::Int(200));
    assert_eq!(key("-latency"), SortKey::Number(1.5));
    assert_eq!(key("cache_hit"), SortKey::Bool(true));
    assert_eq!(key("scores__quality"), SortKey::Number(2.0));
    assert_eq!(key("scores__e2"), SortKey::Number(1.0));
    assert_eq!(key("scores__gone"), SortKey::Null);
    assert_eq!(key("error_code"), SortKey::Null);
    assert!(compare_keys(&SortKey::Null, &SortKey::Int(1), true).is_gt());
    assert!(LogId("a".to_owned()) < LogId("b".to_owned()));
}
