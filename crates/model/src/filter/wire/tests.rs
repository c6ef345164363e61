//! Forms, limits, and that no JSON whatever makes the parser panic.

use super::*;
use crate::filter::check::{self, Unknown};
use crate::filter::testing::{complaint, log, parse, rows, sample, scores};
use crate::filter::{echo, meaning};
use crate::score::ComparedScores;
use proptest::prelude::*;

fn url(pairs: &[(&str, &str)]) -> Result<Filters> {
    let pairs: Vec<_> = pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
    parse_url(&pairs, &Limits::default())
}

fn json_of(filters: &Filters) -> Value {
    Value::Object(filters.to_json())
}

#[test]
fn forms_that_mean_the_same() {
    let same = [
        (json!({"model": "a"}), json!({"model": {"operator": "", "value": "a"}})),
        (json!({"model": null}), json!({"model": {"operator": "", "value": null}})),
        (json!({"model": {"operator": "=", "value": "a"}}), json!({"model": {"operator": "", "value": "a"}})),
        (
            json!({"cost": {"gte": 1, "<": 2}}),
            json!({"cost": [{"operator": "gte", "value": 1}, {"operator": "lt", "value": 2}]}),
        ),
        (
            json!([{"field": "a", "operator": "=", "value": 1}, {"field": "b", "value": 2, "connector": "or"}]),
            json!({"a": {"operator": "", "value": 1}, "b": {"operator": "", "value": 2, "connector": "OR"}}),
        ),
        (
            json!([{"field": "a", "value": 1}, {"filter_params": [{"field": "b", "value": 2}]}]),
            json!({"a": {"operator": "", "value": 1},
                "filters[1]": {"connector": "AND", "filter_params": {"b": {"operator": "", "value": 2}}}}),
        ),
        (
            json!([{"field": "a", "value": 1}, {"field": "a", "value": 2, "connector": "OR"}]),
            json!({"a": {"operator": "", "value": 1},
                "a__2": {"connector": "OR", "filter_params": {"a": {"operator": "", "value": 2}}}}),
        ),
        (
            json!({"metadata": {"operator_function": "mapContainsKey", "value": "k"}}),
            json!({"metadata": {"operator_function": "mapContainsKey", "operator_args": ["k"], "operator": "", "value": true}}),
        ),
        (json!({}), json!({})),
        (json!(null), json!({})),
    ];
    for (given, expected) in same {
        assert_eq!(json_of(&parse(&given).unwrap()), expected, "{given}");
        assert_eq!(json_of(&parse_stored(&expected).unwrap()), expected);
    }
    assert!(wire::parse("filters", None, None, &Limits::default()).unwrap().is_empty());
}

use super::super::wire;

#[test]
fn order_of_members_is_kept() {
    let keys = ["zeta", "alpha", "m", "beta", "a9", "a1"];
    let filters = Value::Object(keys.iter().map(|key| ((*key).to_owned(), json!(1))).collect());
    let parsed = parse(&filters).unwrap();
    assert_eq!(parsed.entries.iter().map(|entry| entry.key.as_str()).collect::<Vec<_>>(), keys);
}

#[test]
fn the_operator_beside_filters_joins_entries_without_a_connector() {
    let filters = json!({"a": 1, "b": 2, "c": {"value": 3, "connector": "AND"}, "d": [{"value": 1}, {"value": 2}],
        "g": {"filter_params": {"x": 1, "y": 2}}});
    let read = |operator| wire::parse("filters", Some(&filters), operator, &Limits::default());
    let joins = |filters: &Filters| filters.entries.iter().map(|entry| entry.join.name()).collect::<Vec<_>>().join(" ");
    let either = read(Some("OR")).unwrap();
    assert_eq!(joins(&either), "OR OR AND OR OR");
    let Body::Bundle(inner) = &either.entries[4].body else { panic!("a bundle") };
    assert_eq!(joins(inner), "AND AND", "only the outermost entries");
    let Body::Conditions(list) = &either.entries[3].body else { panic!("conditions") };
    assert_eq!(list[1].join, Join::And);
    assert_eq!(joins(&read(None).unwrap()), "AND AND AND AND AND");
    let (field, message) = complaint(&read(Some("XOR")).unwrap_err());
    assert_eq!((field.as_str(), message.as_str()), ("operator", "`operator` must be `AND` or `OR`, got `XOR`"));
}

#[test]
fn errors_carry_the_name_of_the_member() {
    let error = wire::parse("initial_log_filters", Some(&json!({"a": {"operator": "x"}})), None, &Limits::default());
    assert_eq!(complaint(&error.unwrap_err()).0, "initial_log_filters.a.operator");
}

#[test]
fn depth_is_bounded() {
    let nest =
        |levels: usize| (0..levels).fold(json!({"model": "a"}), |inner, _| json!({"g": {"filter_params": inner}}));
    assert!(parse(&nest(16)).is_ok());
    let (_, message) = complaint(&parse(&nest(17)).unwrap_err());
    assert_eq!(message, "filters are nested deeper than 16 bundles (`limits.filter_depth`)");
    assert!(parse_stored(&nest(17)).is_ok(), "what was accepted once stays readable");
}

#[test]
fn conditions_are_bounded() {
    let many = |count: usize| Value::Object((0..count).map(|index| (format!("k{index}"), json!(1))).collect());
    assert!(parse(&many(1000)).is_ok());
    let expected = "filters hold more than 1000 conditions (`limits.filter_conditions`)";
    assert_eq!(complaint(&parse(&many(1001)).unwrap_err()).1, expected);
    let array =
        json!({"a": vec![json!({"value": 1}); 600], "g": {"filter_params": {"b": vec![json!({"value": 1}); 401]}}});
    assert_eq!(complaint(&parse(&array).unwrap_err()).1, expected);
    let pairs: Vec<_> = (0..1001).map(|index| (format!("k{index}"), String::new())).collect();
    assert_eq!(complaint(&parse_url(&pairs, &Limits::default()).unwrap_err()).1, expected);
    let limits = Limits { filter_conditions: 1, ..Limits::default() };
    let error = wire::parse("filters", Some(&json!({"cost": {"gt": 1, "lt": 2}})), None, &limits).unwrap_err();
    assert!(complaint(&error).1.contains("more than 1 conditions"));
}

#[test]
fn the_longest_chain_of_connectors_is_evaluated() {
    // Alternating connectors give the deepest tree there is; a thread of tests has 2 MiB of stack, as a worker has.
    let chain = |last: i64| {
        let entries = (0..1000).map(|index| {
            let connector = if index % 2 == 0 { "AND" } else { "OR" };
            let value = if index == 999 { last } else { 0 };
            json!({"field": "status_code", "operator": "eq", "value": value, "connector": connector})
        });
        let tree = check::logs(&parse(&entries.collect()).unwrap(), &rows(Unknown::Metadata)).unwrap();
        meaning::holds(&tree.clone(), &sample(), &scores())
    };
    assert!(chain(200));
    assert!(!chain(201));
}

#[test]
fn url_forms() {
    let filters = url(&[
        ("page", "2"),
        ("environment", "test"),
        ("model", "gpt-4o"),
        ("latency[operator]", "gte"),
        ("latency[value]", "0.5"),
        ("latency[connector]", "OR"),
        ("customer_tier", "gold"),
        ("environment[value]", "prod"),
        ("input[operator]", "not_empty"),
        ("[odd]", "x"),
    ]);
    assert_eq!(
        json_of(&filters.unwrap()),
        json!({
            "model": {"operator": "", "value": "gpt-4o"},
            "latency": {"operator": "gte", "value": "0.5", "connector": "OR"},
            "customer_tier": {"operator": "", "value": "gold"},
            "environment": {"operator": "", "value": "prod"},
            "input": {"operator": "not_empty"},
            "[odd]": {"operator": "", "value": "x"},
        })
    );
    // Strings are read as the field's type; unknown names are metadata.
    let row = log("x", json!({"latency": 0.75, "stream": true, "metadata": {"tier": "gold", "turns": 3}}));
    let found = |pairs: &[(&str, &str)]| {
        let tree = check::logs(&url(pairs).unwrap(), &rows(Unknown::Metadata)).unwrap();
        meaning::holds(&tree, &row, &ComparedScores::none())
    };
    assert!(found(&[("latency", "0.75"), ("stream", "true"), ("tier", "gold"), ("turns", "3")]));
    assert!(found(&[("turns[operator]", ">="), ("turns[value]", "3")]));
    assert!(!found(&[("turns[operator]", "<"), ("turns[value]", "3")]));
}

#[test]
fn bad_urls() {
    for (pairs, field, words) in [
        (vec![("model[op]", "eq")], "model[op]", "allowed in brackets: value, operator, connector"),
        (vec![("model", "a"), ("model", "b")], "model", "given twice"),
        (vec![("model", "a"), ("model[value]", "b")], "model[value]", "given twice"),
        (vec![("model[operator]", "like")], "model[operator]", "is not an operator"),
        (vec![("model[value]", "a"), ("model[connector]", "NOR")], "model[connector]", "must be `AND` or `OR`"),
    ] {
        let (path, message) = complaint(&url(&pairs).unwrap_err());
        assert_eq!(path, field);
        assert!(message.contains(words), "{message}");
    }
    for (pairs, field, words) in [
        (vec![("model[operator]", "eq")], "model[value]", "is missing"),
        (vec![("cost", "dear")], "cost", "must be a number"),
        (vec![("cost[value]", "dear")], "cost[value]", "must be a number"),
        (vec![("cost[value]", "1"), ("cost[operator]", "regex")], "cost[operator]", "cannot be asked of"),
    ] {
        let (path, message) = complaint(&check::logs(&url(&pairs).unwrap(), &rows(Unknown::Metadata)).unwrap_err());
        assert_eq!(path, field);
        assert!(message.contains(words), "{message}");
    }
}

#[test]
fn url_and_body_are_anded() {
    let t = json!({"status_code": 200});
    let f = json!({"status_code": 500});
    let or_t = json!({"model": "none", "status": {"value": "success", "connector": "OR"}});
    for (left, right, expected) in [
        (&t, &or_t, true),
        (&f, &or_t, false),
        (&or_t, &f, false),
        (&or_t, &t, true),
        (&json!({}), &f, false),
        (&f, &json!({}), false),
    ] {
        let both = parse(left).unwrap().and(parse(right).unwrap());
        for filters in [both.clone(), parse_stored(&json_of(&both)).unwrap()] {
            let tree = check::logs(&filters, &rows(Unknown::Metadata)).unwrap();
            assert_eq!(meaning::holds(&tree, &sample(), &scores()), expected, "{left} AND {right}");
        }
    }
}

/// JSON that is often nearly a filter.
fn nearly_filters() -> impl Strategy<Value = Value> {
    let name = prop::sample::select(vec![
        "model",
        "status_code",
        "latency",
        "timestamp",
        "cache_hit",
        "metadata",
        "metadata__tier",
        "metadata__tags",
        "scores__e1",
        "evaluator_id",
        "dataset_id",
        "input",
        "field",
        "value",
        "operator",
        "connector",
        "filter_params",
        "operator_function",
        "operator_args",
        "gte",
        "in",
        "not",
        "regex",
        "x",
    ]);
    let text = prop::sample::select(vec![
        "",
        "eq",
        "not",
        "in",
        "gte",
        "lt",
        "contains",
        "icontains",
        "regex",
        "ilike",
        "isnull",
        "empty",
        "full_text_search",
        "trigram_word_similar",
        "AND",
        "OR",
        "mapContainsKey",
        "gold",
        "200",
        "true",
        "2026-01-15",
        "(",
        "%_\\",
        "é",
    ]);
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        text.prop_map(Value::from),
        any::<String>().prop_map(Value::from),
    ];
    leaf.prop_recursive(6, 48, 6, move |inner| {
        let key = prop_oneof![9 => name.clone().prop_map(str::to_owned), 1 => any::<String>()];
        prop_oneof![
            1 => prop::collection::vec(inner.clone(), 0..5).prop_map(Value::from),
            3 => prop::collection::vec((key, inner), 0..5).prop_map(|members| Value::Object(members.into_iter().collect())),
        ]
    })
}

/// Filters that are accepted, with every form and connector.
fn filters() -> impl Strategy<Value = Value> {
    let condition = (
        prop::sample::select(vec!["eq", "not", "gte", "lt", "isnull"]),
        prop::sample::select(vec!["AND", "OR"]),
        prop::sample::select(vec![json!(0), json!(1), json!("0")]),
    )
        .prop_map(|(operator, connector, value)| json!({"operator": operator, "connector": connector, "value": value}));
    let key = prop::sample::select(vec!["status_code", "metadata__turns", "turns", "cache_hit_", "scores__e1"]);
    let entry = prop_oneof![
        condition.clone(),
        prop::collection::vec(condition, 1..4).prop_map(Value::from),
        any::<u8>().prop_map(Value::from),
        Just(json!({"gte": 1, "lte": 200})),
    ];
    let level = prop::collection::vec((key, entry), 1..5)
        .prop_map(|members| Value::Object(members.into_iter().map(|(key, entry)| (key.to_owned(), entry)).collect()));
    level.prop_recursive(3, 20, 3, |inner| {
        let connector = prop::sample::select(vec!["AND", "OR"]);
        prop::collection::vec((connector, inner), 1..4).prop_map(|bundles| {
            let bundles = bundles.into_iter().enumerate().map(|(index, (connector, inner))| {
                (format!("g{index}"), json!({"connector": connector, "filter_params": inner}))
            });
            Value::Object(bundles.collect())
        })
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    #[test]
    fn no_json_makes_the_parser_panic(value in nearly_filters()) {
        if let Ok(filters) = parse(&value)
            && let Ok(tree) = check::logs(&filters, &rows(Unknown::Metadata))
        {
            let row = sample();
            let answer = meaning::holds(&tree, &row, &scores());
            let again = check::logs(&parse_stored(&json_of(&filters)).unwrap(), &rows(Unknown::Metadata)).unwrap();
            prop_assert_eq!(meaning::holds(&again, &row, &scores()), answer, "stored form of {}", value);
        }
    }

    #[test]
    fn no_query_makes_the_parser_panic(pairs in prop::collection::vec((any::<String>(), any::<String>()), 0..5)) {
        if let Ok(filters) = parse_url(&pairs, &Limits::default()) {
            let _ = check::logs(&filters, &rows(Unknown::Metadata));
        }
    }

    #[test]
    fn echo_and_stored_form_mean_the_same(value in filters()) {
        let filters = parse(&value).unwrap();
        let answers = |filters: &Filters| {
            let tree = check::logs(filters, &rows(Unknown::Metadata)).unwrap();
            [json!({"status_code": 200, "metadata": {"turns": 0}}), json!({"metadata": {"turns": 2}}), json!({"status_code": 1})]
                .map(|row| meaning::holds(&tree, &log("x", row), &scores()))
        };
        let echo = echo::current_filters(&filters);
        prop_assert!(echo.values().all(Value::is_object), "T10: {:?}", echo);
        prop_assert_eq!(answers(&parse_stored(&Value::Object(echo)).unwrap()), answers(&filters));
        prop_assert_eq!(answers(&parse_stored(&json_of(&filters)).unwrap()), answers(&filters));
    }
}
