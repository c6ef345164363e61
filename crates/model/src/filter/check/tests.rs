//! Names, operators and values: what is accepted and how what is not is refused.

use super::*;
use crate::filter::operator::Operator;
use crate::filter::testing::{compile, complaint, parse, passes, rows};
use crate::filter::tree::LogField;
use crate::filter::{datasets, wire};
use crate::limits::Limits;
use crate::page::Sort;
use serde_json::{Value, json};

#[test]
fn every_example_of_the_contract() {
    let range = json!({"timestamp": {"gte": "2026-01-01T00:00:00Z", "lte": "2026-01-31T23:59:59Z"}});
    let nested = json!({"model": {"operator": "", "value": ["gpt-4o"]}, "g1": {"connector": "AND", "filter_params":
        {"cost": {"operator": "gt", "value": 0.1}, "latency": {"operator": "gt", "value": 5, "connector": "OR"}}}});
    let map = json!({"metadata": {"operator_function": "mapContainsKey", "operator_args": ["tier"], "operator": "", "value": [true]}});
    let either = json!({"status_code": {"operator": "gte", "value": 500},
        "latency": {"operator": "gt", "value": 10, "connector": "OR"}});
    for (filter, expected) in [
        (json!({"status_code": {"operator": "eq", "value": 200}}), true),
        (json!({"model": {"operator": "", "value": ["gpt-4o"]}}), false),
        (json!({"status_code": {"operator": "not", "value": [200]}}), false),
        (json!({"status": {"operator": "iexact", "value": ["SUCCESS"]}}), true),
        (json!({"latency": [{"operator": "gte", "value": 0.5}, {"operator": "lt", "value": 2}]}), true),
        (range, true),
        (json!({"id": {"operator": "in", "value": ["a1", "b2"]}}), true),
        (json!({"environment": {"operator": "not_in", "value": ["test"]}}), true),
        (json!({"completion": {"operator": "icontains", "value": ["refund"]}}), true),
        (json!({"span_workflow_name": {"operator": "startswith", "value": ["chat_"]}}), true),
        (json!({"model": {"operator": "endswith", "value": ["-mini"]}}), true),
        (json!({"expected_output": {"operator": "isnull", "value": [true]}}), true),
        (json!({"custom_identifier": {"operator": "not_empty", "value": []}}), false),
        (json!({"error_message": {"operator": "regex", "value": "timed? ?out after \\d+ ?ms"}}), true),
        (json!({"input": {"operator": "full_text_search", "value": "reset password"}}), true),
        (json!({"metadata__tier": {"operator": "", "value": ["gold"]}}), true),
        (json!({"metadata__turns": {"operator": "gte", "value": [3]}}), true),
        (map, true),
        (json!({"scores__550e8400-e29b-41d4-a716-446655440000": {"operator": "lte", "value": [2.0]}}), false),
        (either, false),
        (nested, false),
        (json!({"annotation_status": {"operator": "", "value": ["completed"]}}), true),
        (json!([{"field": "status", "operator": "=", "value": "error"}]), false),
        (json!({"model": "gpt-4o-mini", "metadata.tier": "gold"}), true),
    ] {
        assert_eq!(passes(&filter), expected, "{filter}");
    }
}

#[test]
fn every_operator_name_means_its_canonical_one() {
    let pairs = [
        ("", "= == eq equals is"),
        ("not", "!= neq not_equals"),
        ("in", "IN"),
        ("gt", "> greater_than"),
        ("gte", ">= greater_than_or_equal"),
        ("lt", "< less_than"),
        ("lte", "<= less_than_or_equal"),
        ("startswith", "startsWith starts_with"),
        ("endswith", "endsWith ends_with"),
        ("not_empty", "notEmpty"),
    ];
    for (canonical, aliases) in pairs {
        for alias in aliases.split(' ').chain([canonical]) {
            let name = |operator: &str| Operator::named(operator).map(Operator::name);
            assert_eq!(name(alias), Some(canonical), "{alias}");
            for value in ["gpt-4o-mini", "gpt", "mini", "z"] {
                let ask = |operator: &str| json!({"model": {"operator": operator, "value": value}});
                assert_eq!(passes(&ask(alias)), passes(&ask(canonical)), "{alias} {value}");
            }
        }
    }
    assert_eq!(Operator::named("NOT IN"), Some(Operator::NotIn));
    for operator in Operator::ALL {
        assert_eq!(Operator::named(operator.name()), Some(*operator));
    }
    assert!(passes(&json!({"model": {"value": "gpt-4o-mini"}})), "operator missing");
    assert!(passes(&json!({"model": {"operator": null, "value": "gpt-4o-mini"}})), "operator null");
}

#[test]
fn constants_of_the_scope_fold() {
    let is = |filter: &Value| match compile(filter, Unknown::Metadata).unwrap() {
        tree if tree.is_all() => true,
        tree if is_none(&tree) => false,
        other => panic!("{filter} did not fold: {other:?}"),
    };
    assert!(is(&json!({"organization_id": "org-1"})));
    assert!(is(&json!({"unique_organization_id": {"operator": "startswith", "value": "org"}})));
    assert!(!is(&json!({"organization_id": {"operator": "not", "value": "org-1"}})));
    assert!(is(&json!({"dataset_id": {"operator": "in", "value": ["set-1", "set-2"]}})));
    assert!(!is(&json!({"dataset_id": {"operator": "isnull", "value": true}})));
    // Folded parts vanish from the whole.
    assert!(!is(&json!({"model": "x", "dataset_id": "set-2"})));
    assert!(is(&json!({"model": "x", "dataset_id": {"value": "set-1", "connector": "OR"}})));
    let kept = compile(&json!({"model": "x", "dataset_id": "set-1"}), Unknown::Metadata).unwrap();
    assert!(matches!(kept, Tree::Compare(_)), "{kept:?}");
}

#[test]
fn request_logs_have_no_row_fields() {
    let scope = LogScope { dataset_id: None, rows: false, ..rows(Unknown::Metadata) };
    for name in ["dataset_id", "annotation_status", "annotation_completed_by"] {
        let error = logs(&parse(&json!({name: "x"})).unwrap(), &scope).unwrap_err();
        let (field, message) = complaint(&error);
        assert_eq!(field, format!("filters.{name}"));
        assert!(message.contains("field of dataset rows"), "{message}");
    }
}

#[test]
fn unknown_names_are_refused_where_asked() {
    let filter = json!({"staus": "error"});
    assert!(compile(&filter, Unknown::Metadata).is_ok());
    let (field, message) = complaint(&compile(&filter, Unknown::Refuse).unwrap_err());
    assert_eq!(field, "filters.staus");
    assert!(message.contains("not a field; near it:") && message.contains("`status`"), "{message}");
    assert!(message.contains("`metadata__staus`"), "{message}");
    assert!(
        compile(
            &json!({"metadata__staus": "error", "metadata.x": 1, "g": {"filter_params": {"id": "a"}}}),
            Unknown::Refuse
        )
        .is_ok()
    );
    let inside = json!({"g": {"filter_params": {"staus": 1}}});
    assert_eq!(complaint(&compile(&inside, Unknown::Refuse).unwrap_err()).0, "filters.g.filter_params.staus");
}

fn ask(key: &str, operator: &str, value: &Value) -> Value {
    json!({key: {"operator": operator, "value": value}})
}

/// Each filter is refused at the field, with a message that holds the words.
fn refuses(table: &[(Value, &str, &str)]) {
    for (filter, field, words) in table {
        let error =
            compile(filter, Unknown::Metadata).map(|tree| panic!("{filter} was taken as {tree:?}")).unwrap_err();
        let (path, message) = complaint(&error);
        assert_eq!(path, *field, "{filter}: {message}");
        assert!(message.contains(words), "{filter}: {message}");
    }
}

#[test]
fn forms_outside_the_grammar_are_refused() {
    let long = "a".repeat(300);
    refuses(&[
        (json!("model"), "filters", "must be an object of conditions or an array"),
        (json!(3), "filters", "must be an object of conditions or an array"),
        (json!(true), "filters", "got true"),
        (json!(["model"]), "filters[0]", "must be an object {field, operator, value}"),
        (json!([{"operator": "eq", "value": 1}]), "filters[0].field", "is missing"),
        (json!([{"field": 3, "value": 1}]), "filters[0].field", "name of a field"),
        (json!([{"field": "model"}]), "filters[0]", "is empty"),
        (json!({"model": {}}), "filters.model", "is empty"),
        (json!({"model": []}), "filters.model", "at least one condition"),
        (json!({"model": ["gpt-4o"]}), "filters.model[0]", "\"operator\": \"in\""),
        (json!({"model": [{"gte": 1}]}), "filters.model[0]", "must be a condition"),
        (json!({"model": {"values": 1}}), "filters.model.values", "`values` has no meaning in a filter"),
        (json!({"metadata": {"tier": "gold"}}), "filters.metadata.tier", "metadata__KEY"),
        (
            json!({"model": {"value": 1, "conector": "OR"}}),
            "filters.model.conector",
            "allowed: operator, value, connector",
        ),
        (json!({"model": {"gte": 1, "connector": "OR"}}), "filters.model.connector", "has no meaning"),
        (
            ask("model", "like", &json!("x")),
            "filters.model.operator",
            "`like` is not an operator; allowed: eq, iexact, not",
        ),
        (ask("model", "EQ", &json!("x")), "filters.model.operator", "`EQ` is not an operator"),
        (ask("model", &long, &json!("x")), "filters.model.operator", "a…` is not"),
        (json!({"model": {"operator": 3, "value": 1}}), "filters.model.operator", "name of an operator, got 3"),
        (
            json!({"model": {"value": 1, "connector": "XOR"}}),
            "filters.model.connector",
            "must be `AND` or `OR`, got `XOR`",
        ),
        (json!({"model": {"value": 1, "connector": 1}}), "filters.model.connector", "must be `AND` or `OR`, got 1"),
        (json!({"g": {"filter_params": {}}}), "filters.g.filter_params", "at least one condition"),
        (json!({"g": {"filter_params": null}}), "filters.g.filter_params", "must be an object"),
        (json!({"g": {"filter_params": "x"}}), "filters.g.filter_params", "must be an object"),
        (
            json!({"g": {"filter_params": {"a": 1}, "operator": "OR"}}),
            "filters.g.operator",
            "allowed: connector, filter_params",
        ),
    ]);
}

#[test]
fn values_that_cannot_be_meant_are_refused() {
    let long = "a".repeat(300);
    refuses(&[
        (json!({"model": {"operator": "eq"}}), "filters.model.value", "is missing: `eq` needs a value"),
        (json!({"model": {"operator": "isnull"}}), "filters.model.value", "is missing"),
        (ask("model", "isnull", &json!("maybe")), "filters.model.value", "true or false for `isnull`"),
        (ask("model", "isnull", &json!([true, false])), "filters.model.value", "must be one value"),
        (ask("model", "eq", &json!({"a": 1})), "filters.model.value", "a string, a number or a boolean"),
        (ask("model", "eq", &json!(["a", ["b"]])), "filters.model.value[1]", "a string, a number or a boolean"),
        (ask("model", "contains", &json!(null)), "filters.model.value", "must be a text for `contains`, got null"),
        (ask("model", "gt", &json!(null)), "filters.model.value", "must not be null for `gt`"),
        (ask("latency", "gt", &json!([1, 2])), "filters.latency.value", "must be one value for `gt`, got 2"),
        (ask("latency", "gt", &json!([])), "filters.latency.value", "must be one value for `gt`, got 0"),
        (ask("status_code", "eq", &json!("ok")), "filters.status_code.value", "must be an integer, got \"ok\""),
        (ask("status_code", "eq", &json!(200.5)), "filters.status_code.value", "must be an integer"),
        (ask("status_code", "in", &json!([200, "x"])), "filters.status_code.value[1]", "must be an integer"),
        (ask("cost", "gt", &json!("much")), "filters.cost.value", "must be a number"),
        (ask("cost", "gt", &json!("NaN")), "filters.cost.value", "must be a number"),
        (ask("cache_hit", "eq", &json!("yes")), "filters.cache_hit.value", "must be true or false"),
        (
            ask("cache_hit", "gt", &json!(0)),
            "filters.cache_hit.operator",
            "`gt` cannot be asked of `cache_hit`, a boolean",
        ),
        (ask("timestamp", "gt", &json!("yesterday")), "filters.timestamp.value", "ISO 8601"),
        (ask("timestamp", "gt", &json!(1_700_000_000)), "filters.timestamp.value", "ISO 8601"),
        (json!({"timestamp": {"gte": "soon"}}), "filters.timestamp.gte", "ISO 8601"),
        (json!({"status_code": "ok"}), "filters.status_code", "must be an integer"),
        (ask("latency", "contains", &json!("1")), "filters.latency.operator", "a number; allowed: eq, iexact, not, in"),
        (ask("status_code", "startswith", &json!("2")), "filters.status_code.operator", "an integer; allowed"),
        (ask("timestamp", "regex", &json!("2026")), "filters.timestamp.operator", "a time; allowed"),
        (ask("scores__e1", "contains", &json!("x")), "filters.scores__e1.operator", "a score; allowed"),
        (ask("scores", "eq", &json!("x")), "filters.scores.operator", "takes only `mapContainsKey`"),
        (ask("evaluator_id", "contains", &json!("x")), "filters.evaluator_id.operator", "allowed: eq, not, in, not_in"),
        (ask("evaluator_id", "eq", &json!(null)), "filters.evaluator_id.value", "evaluator ids"),
        (ask("metadata__", "eq", &json!(1)), "filters.metadata__", "without a key"),
        (ask("model", "regex", &json!("(a")), "filters.model.value", "unclosed group"),
        (ask("model", "regex", &json!("(?=a)")), "filters.model.value", "not a usable regular expression"),
        (ask("model", "regex", &json!("(\\pL{500}){500}")), "filters.model.value", "size limit"),
        (ask("model", "full_text_search", &json!("?!")), "filters.model.value", "at least one letter or digit"),
        (ask("model", "trigram_word_similar", &json!("--")), "filters.model.value", "at least one letter or digit"),
        (ask("model", "trigram_word_similar", &json!(long)), "filters.model.value", "at most 256 characters"),
    ]);
}

#[test]
fn map_functions_outside_the_grammar_are_refused() {
    let keys =
        |function: Value, args: Value| json!({"metadata": {"operator_function": function, "operator_args": args}});
    refuses(&[
        (keys(json!("mapHas"), json!(["a"])), "filters.metadata.operator_function", "must be `mapContainsKey`"),
        (keys(json!("mapContainsKey"), json!([])), "filters.metadata.operator_args", "one or more keys"),
        (keys(json!("mapContainsKey"), json!([1])), "filters.metadata.operator_args", "one or more keys"),
        (keys(json!("mapContainsKey"), json!(null)), "filters.metadata.operator_args", "one or more keys"),
        (keys(json!(null), json!(["a"])), "filters.metadata.operator_args", "needs `operator_function`"),
        (
            json!({"metadata": {"operator_function": "mapContainsKey", "operator_args": ["a"], "operator": "gt"}}),
            "filters.metadata.operator",
            "must be `eq` or `not`",
        ),
        (
            json!({"metadata": {"operator_function": "mapContainsKey", "operator_args": ["a"], "value": "perhaps"}}),
            "filters.metadata.value",
            "must be true or false",
        ),
        (
            json!({"model": {"operator_function": "mapContainsKey", "operator_args": ["a"]}}),
            "filters.model.operator_function",
            "`model` is not a map",
        ),
        (
            json!({"dataset_id": {"operator_function": "mapContainsKey", "operator_args": ["a"]}}),
            "filters.dataset_id.operator_function",
            "`dataset_id` is not a map",
        ),
    ]);
}

#[test]
fn patterns_are_bounded_together() {
    let many = |count: usize| {
        let half = vec!["a"; count - 1];
        json!({"model": {"operator": "regex", "value": half}, "g": {"filter_params": {"x": {"operator": "ilike", "value": "a%"}}}})
    };
    assert!(compile(&many(64), Unknown::Metadata).is_ok());
    let (field, message) = complaint(&compile(&many(65), Unknown::Metadata).unwrap_err());
    assert_eq!(field, "filters.g.filter_params.x.value");
    assert_eq!(message, "a filter may hold at most 64 values of `regex` and `ilike`");
}

#[test]
fn sorts() {
    let default = Sort { field: LogField::Scalar(crate::field::Field::Timestamp), descending: true };
    let read = |text: &str| sort(text, default.clone());
    assert_eq!(read("").unwrap(), default);
    assert_eq!(read("-created_at").unwrap(), default);
    assert_eq!(read("all_tokens").unwrap().field.name(), "total_request_tokens");
    assert_eq!(read("-id").unwrap(), Sort { field: LogField::Id, descending: true });
    assert_eq!(read("metadata__a.b").unwrap().field, LogField::Metadata("a.b".to_owned()));
    assert_eq!(read("-metadata.k").unwrap().field, LogField::Metadata("k".to_owned()));
    assert_eq!(read("-scores__e1").unwrap().field, LogField::Score("e1".to_owned()));
    for bad in ["tier", "-", "input", "metadata", "metadata__", "scores", "--cost", "organization_id"] {
        let (field, message) = complaint(&read(bad).unwrap_err());
        assert_eq!(field, "sort_by");
        assert!(
            message.contains("cannot be sorted by; allowed") && message.contains("scores__EVALUATOR_ID"),
            "{bad}: {message}"
        );
    }
    assert_eq!(
        sort_in("-log_count", datasets::SORTABLE).map(|(field, down)| (field.name, down)).unwrap(),
        ("log_count", true)
    );
    let message = complaint(&sort_in("tags", datasets::SORTABLE).unwrap_err()).1;
    assert!(message.contains("created_at, updated_at, name, log_count"), "{message}");
}

#[test]
fn named_fields_refuse_others() {
    let filters = |value: Value| wire::parse("filters", Some(&value), None, &Limits::default()).unwrap();
    let (field, message) = complaint(&fields(&filters(json!({"nam": "x"})), datasets::FIELDS).unwrap_err());
    assert_eq!(field, "filters.nam");
    assert!(message.starts_with("`nam` is not a field; allowed: id, name, description"), "{message}");
    let keys = json!({"tags": {"operator_function": "mapContainsKey", "operator_args": ["a"]}});
    assert!(fields(&filters(keys), datasets::FIELDS).is_err());
}
