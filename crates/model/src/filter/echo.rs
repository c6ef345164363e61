//! Filters shown back to the caller: `current_filters` of lists and `initial_log_filters` of datasets (contract A.5,
//! B.1).
//!
//! Both exist for the parse traps T9 and T10: the published client refuses some shapes it was itself able to send.

use super::wire::{Filters, free_label};
use crate::scalar::read_int;
use serde_json::{Map, Value, json};

/// `current_filters`: canonical operators, values as sent, each member an object: several conditions on one field
/// become a bundle (T10). Sent back as `filters` it means the same.
pub fn current_filters(filters: &Filters) -> Map<String, Value> {
    filters.write(true)
}

/// `initial_log_filters` of a dataset (T9): as kept, but `status_code` must be a condition with an integer or null
/// value; a one-element array is unwrapped, anything else moves into a bundle `status_code__group` (a bundle's own
/// label is free).
pub fn initial_log_filters(kept: &Map<String, Value>) -> Map<String, Value> {
    const NAME: &str = "status_code";
    let mut out = Map::new();
    for (key, entry) in kept {
        if key != NAME {
            out.insert(key.clone(), entry.clone());
        } else if let Some(safe) = safe_status_code(entry) {
            out.insert(key.clone(), safe);
        } else {
            let label = format!("{NAME}__group");
            let label = if kept.contains_key(&label) { free_label(kept, &label) } else { label };
            let is_bundle = entry.get("filter_params").is_some();
            let connector = connector(entry).unwrap_or_else(|| Value::from("AND"));
            let wrapped = json!({"connector": connector, "filter_params": {NAME: entry}});
            out.insert(label, if is_bundle { entry.clone() } else { wrapped });
        }
    }
    out
}

/// The entry in a shape that the client reads, if it has one.
fn safe_status_code(entry: &Value) -> Option<Value> {
    let fits = |value: &Value| value.is_null() || value.is_boolean() || read_int(value).is_some();
    match entry {
        Value::Object(members) if members.contains_key("filter_params") => None,
        Value::Object(members) => {
            let value = match members.get("value") {
                Some(Value::Array(list)) if list.len() == 1 => &list[0],
                Some(value) => value,
                None if members.contains_key("operator") => &Value::Null,
                None => return None,
            };
            let mut members = members.clone();
            members.insert("value".to_owned(), value.clone());
            fits(value).then_some(Value::Object(members))
        }
        Value::Array(_) => None,
        scalar => fits(scalar).then(|| json!({"operator": "", "value": scalar})),
    }
}

/// The connector with which an entry joins those before it, if it brings one.
fn connector(entry: &Value) -> Option<Value> {
    let first = entry.as_array().and_then(|list| list.first()).unwrap_or(entry);
    first.get("connector").filter(|connector| connector.is_string()).cloned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::filter::testing::parse;

    fn echoed(filters: &Value) -> Value {
        Value::Object(current_filters(&parse(filters).unwrap()))
    }

    #[test]
    fn each_member_of_the_echo_is_an_object() {
        assert_eq!(echoed(&json!({})), json!({}));
        assert_eq!(
            echoed(
                &json!({"status_code": {"operator": "eq", "value": 200}, "model": "gpt", "cost": {"gte": 1, "lt": 2}})
            ),
            json!({
                "status_code": {"operator": "", "value": 200},
                "model": {"operator": "", "value": "gpt"},
                "cost": {"connector": "AND", "filter_params": {"cost": [
                    {"operator": "gte", "value": 1}, {"operator": "lt", "value": 2}
                ]}},
            })
        );
        assert_eq!(
            echoed(&json!({"a": 1, "b": [{"value": 1, "connector": "OR"}, {"value": 2, "connector": "OR"}]})),
            json!({
                "a": {"operator": "", "value": 1},
                "b": {"connector": "OR", "filter_params": {"b": [
                    {"operator": "", "value": 1}, {"operator": "", "value": 2, "connector": "OR"}
                ]}},
            })
        );
        let bundle = json!({"g": {"connector": "AND", "filter_params": {"a": {"operator": "gt", "value": [1]}}}});
        assert_eq!(echoed(&bundle), bundle);
    }

    #[test]
    fn initial_filters_are_safe_for_the_client() {
        let show = |entry: Value| {
            let kept = json!({"model": {"operator": "in", "value": ["a", "b"]}, "status_code": entry, "z": [1]});
            let shown = initial_log_filters(kept.as_object().unwrap());
            assert_eq!(shown.keys().next().unwrap(), "model", "order and other fields are kept");
            assert_eq!((&shown["model"], &shown["z"]), (&kept["model"], &kept["z"]));
            let mut shown = shown;
            shown.retain(|key, _| key.starts_with("status_code"));
            Value::Object(shown)
        };
        for kept in [json!({"operator": "eq", "value": 200}), json!({"operator": "gte", "value": "400"})] {
            assert_eq!(show(kept.clone()), json!({"status_code": kept}));
        }
        assert_eq!(
            show(json!({"operator": "not", "value": [200]})),
            json!({"status_code": {"operator": "not", "value": 200}})
        );
        assert_eq!(
            show(json!({"operator": "not_empty"})),
            json!({"status_code": {"operator": "not_empty", "value": null}})
        );
        assert_eq!(show(json!(200)), json!({"status_code": {"operator": "", "value": 200}}));
        for wrapped in [
            json!({"operator": "in", "value": [200, 201]}),
            json!({"operator": "in", "value": []}),
            json!([{"operator": "gte", "value": 200}, {"operator": "lt", "value": 300}]),
            json!({"gte": 200}),
            json!({"operator": "gt", "value": 199.5}),
        ] {
            let group = json!({"connector": "AND", "filter_params": {"status_code": wrapped}});
            assert_eq!(show(wrapped), json!({"status_code__group": group}));
        }
        let joined = json!({"operator": "in", "value": [200, 201], "connector": "OR"});
        assert_eq!(show(joined)["status_code__group"]["connector"], "OR");
        let bundle = json!({"filter_params": {"cost": {"gt": 1}}});
        assert_eq!(show(bundle.clone()), json!({"status_code__group": bundle}));
    }
}
