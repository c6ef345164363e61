//! JSON → [`Filters`]: condition, array, bundle, operator map, bare scalar, and the outer array form (contract C.1).

use super::super::operator::{Operator, shorten};
use super::{Body, Condition, Entry, Filters, Join, Place};
use crate::error::{Error, Result};
use crate::scalar::brief;
use serde_json::{Map, Value};

/// The only operator function (contract C.4).
pub(super) const MAP_CONTAINS_KEY: &str = "mapContainsKey";

const CONDITION: &[&str] = &["operator", "value", "connector", "operator_function", "operator_args"];

/// Reads one filter and counts what it holds.
pub(super) struct Reader {
    depth_max: usize,
    conditions_max: usize,
    conditions: usize,
}

impl Reader {
    pub(super) fn new(depth_max: usize, conditions_max: usize) -> Self {
        Self { depth_max, conditions_max, conditions: 0 }
    }

    /// The member at `path`; absent and null are no filter. `join` is for entries without a connector.
    pub(super) fn filters(&mut self, value: Option<&Value>, path: &str, join: Join) -> Result<Filters> {
        value.filter(|value| !value.is_null()).map_or(Ok(Filters::default()), |value| self.level(value, path, join, 0))
    }

    fn level(&mut self, value: &Value, path: &str, join: Join, depth: usize) -> Result<Filters> {
        let entries = match value {
            Value::Object(members) => members
                .iter()
                .map(|(key, entry)| self.entry(key, entry, &format!("{path}.{}", shorten(key)), join, depth))
                .collect::<Result<_>>()?,
            Value::Array(list) => list
                .iter()
                .enumerate()
                .map(|(index, entry)| self.listed(entry, &format!("{path}[{index}]"), join, depth))
                .collect::<Result<_>>()?,
            other => {
                return Err(Error::invalid(
                    path,
                    format!(
                        "`{path}` must be an object of conditions or an array of {{field, operator, value}}, got {}",
                        brief(other)
                    ),
                ));
            }
        };
        Ok(Filters { entries })
    }

    /// One element of the outer array form: a condition that names its field, or a bundle.
    fn listed(&mut self, value: &Value, path: &str, join: Join, depth: usize) -> Result<Entry> {
        let Value::Object(members) = value else {
            return Err(Error::invalid(
                path,
                format!("`{path}` must be an object {{field, operator, value}}, got {}", brief(value)),
            ));
        };
        let mut members = members.clone();
        let key = match members.shift_remove("field") {
            Some(Value::String(key)) => key,
            None if members.contains_key("filter_params") => path.to_owned(),
            _ => {
                let field = format!("{path}.field");
                return Err(Error::invalid(&field, format!("`{field}` is missing: it must be the name of a field")));
            }
        };
        self.entry(&key, &Value::Object(members), path, join, depth)
    }

    /// One member of a filter, whatever its form.
    fn entry(&mut self, key: &str, value: &Value, path: &str, join: Join, depth: usize) -> Result<Entry> {
        let (join, body) = match value {
            Value::Object(members) if members.contains_key("filter_params") => {
                self.bundle(members, path, join, depth)?
            }
            Value::Object(members) if is_condition(members) => {
                let condition = self.condition(members, path, join)?;
                (condition.join, Body::Conditions(vec![condition]))
            }
            Value::Object(members) => (join, Body::Conditions(self.operator_map(members, path)?)),
            Value::Array(list) => {
                let conditions = self.list(list, path, join)?;
                (conditions.first().map_or(join, |first| first.join), Body::Conditions(conditions))
            }
            scalar => {
                self.count(path)?;
                let place = Place { path: path.to_owned(), operator: path.to_owned(), value: path.to_owned() };
                let value = Some(scalar.clone());
                let condition = Condition { operator: Operator::Equal, value, join, keys: None, place };
                (join, Body::Conditions(vec![condition]))
            }
        };
        Ok(Entry { key: key.to_owned(), join, body })
    }

    fn bundle(&mut self, members: &Map<String, Value>, path: &str, join: Join, depth: usize) -> Result<(Join, Body)> {
        only(members, &["connector", "filter_params"], path)?;
        if depth >= self.depth_max {
            let limit = self.depth_max;
            return Err(Error::invalid(
                path,
                format!("filters are nested deeper than {limit} bundles (`limits.filter_depth`)"),
            ));
        }
        let join = connector(members, path)?.unwrap_or(join);
        let path = format!("{path}.filter_params");
        let inner = self.level(members.get("filter_params").unwrap_or(&Value::Null), &path, Join::And, depth + 1)?;
        if inner.is_empty() {
            return Err(Error::invalid(&path, format!("`{path}` must hold at least one condition")));
        }
        Ok((join, Body::Bundle(inner)))
    }

    /// An array of conditions on one field. The first one's connector joins the whole, the others default to AND.
    fn list(&mut self, list: &[Value], path: &str, join: Join) -> Result<Vec<Condition>> {
        if list.is_empty() {
            return Err(Error::invalid(path, format!("`{path}` must hold at least one condition")));
        }
        list.iter()
            .enumerate()
            .map(|(index, value)| {
                let path = format!("{path}[{index}]");
                match value {
                    Value::Object(members) if is_condition(members) => {
                        self.condition(members, &path, if index == 0 { join } else { Join::And })
                    }
                    other => Err(Error::invalid(
                        &path,
                        format!(
                            "`{path}` must be a condition such as {{\"operator\": \"in\", \"value\": [\"a\", \"b\"]}}, got {}",
                            brief(other)
                        ),
                    )),
                }
            })
            .collect()
    }

    fn condition(&mut self, members: &Map<String, Value>, path: &str, join: Join) -> Result<Condition> {
        self.count(path)?;
        only(members, CONDITION, path)?;
        let place =
            Place { path: path.to_owned(), operator: format!("{path}.operator"), value: format!("{path}.value") };
        let operator = match members.get("operator") {
            None | Some(Value::Null) => Operator::Equal,
            Some(Value::String(name)) => Operator::read(name, &place.operator)?,
            Some(other) => {
                let path = &place.operator;
                return Err(Error::invalid(
                    path,
                    format!("`{path}` must be the name of an operator, got {}", brief(other)),
                ));
            }
        };
        let join = connector(members, path)?.unwrap_or(join);
        let value = members.get("value").cloned();
        match present(members, "operator_function") {
            Some(function) => {
                let (keys, value) = map_keys(function, members, operator, &place)?;
                Ok(Condition { operator, value: Some(value), join, keys: Some(keys), place })
            }
            None if present(members, "operator_args").is_some() => {
                let path = format!("{path}.operator_args");
                Err(Error::invalid(&path, format!("`{path}` needs `operator_function`: \"{MAP_CONTAINS_KEY}\"")))
            }
            None => Ok(Condition { operator, value, join, keys: None, place }),
        }
    }

    /// `{"gte": x, "lt": y}`: one condition for each member, all of which must hold.
    fn operator_map(&mut self, members: &Map<String, Value>, path: &str) -> Result<Vec<Condition>> {
        if members.is_empty() {
            return Err(Error::invalid(path, format!("`{path}` is empty: it must hold `operator` and `value`")));
        }
        members
            .iter()
            .map(|(name, value)| {
                self.count(path)?;
                let operator = Operator::named(name).ok_or_else(|| {
                    let (at, name) = (format!("{path}.{}", shorten(name)), shorten(name));
                    let allowed = Operator::list(Operator::ALL);
                    Error::invalid(
                        at,
                        format!(
                            "`{name}` has no meaning in a filter; allowed: `operator` with `value`, `filter_params`, or only \
                             operators as members ({allowed}). A metadata key is named as `metadata__KEY`"
                        ),
                    )
                })?;
                let at = format!("{path}.{name}");
                let place = Place { path: path.to_owned(), operator: at.clone(), value: at };
                Ok(Condition { operator, value: Some(value.clone()), join: Join::And, keys: None, place })
            })
            .collect()
    }

    fn count(&mut self, path: &str) -> Result<()> {
        self.conditions += 1;
        if self.conditions > self.conditions_max {
            let limit = self.conditions_max;
            return Err(Error::invalid(
                path,
                format!("filters hold more than {limit} conditions (`limits.filter_conditions`)"),
            ));
        }
        Ok(())
    }
}

fn is_condition(members: &Map<String, Value>) -> bool {
    ["value", "operator", "operator_function"].iter().any(|name| members.contains_key(*name))
}

/// A member that is there and not null.
fn present<'a>(members: &'a Map<String, Value>, name: &str) -> Option<&'a Value> {
    members.get(name).filter(|value| !value.is_null())
}

/// Refuses members that the form does not have: a misspelled connector would change what is found.
fn only(members: &Map<String, Value>, allowed: &[&str], path: &str) -> Result<()> {
    match members.keys().find(|name| !allowed.contains(&name.as_str())) {
        None => Ok(()),
        Some(name) => {
            let (at, name) = (format!("{path}.{}", shorten(name)), shorten(name));
            Err(Error::invalid(at, format!("`{name}` has no meaning here; allowed: {}", allowed.join(", "))))
        }
    }
}

fn connector(members: &Map<String, Value>, path: &str) -> Result<Option<Join>> {
    let path = format!("{path}.connector");
    match present(members, "connector") {
        None => Ok(None),
        Some(Value::String(text)) => Join::parse(text, &path).map(Some),
        Some(other) => Err(Error::invalid(&path, format!("`{path}` must be `AND` or `OR`, got {}", brief(other)))),
    }
}

/// Keys and wanted answer of `mapContainsKey` (contract C.4): without `operator_args`, `value` holds the keys.
fn map_keys(
    function: &Value,
    members: &Map<String, Value>,
    operator: Operator,
    place: &Place,
) -> Result<(Vec<String>, Value)> {
    if function.as_str() != Some(MAP_CONTAINS_KEY) {
        let path = format!("{}.operator_function", place.path);
        return Err(Error::invalid(&path, format!("`{path}` must be `{MAP_CONTAINS_KEY}`, got {}", brief(function))));
    }
    if !matches!(operator, Operator::Equal | Operator::Not) {
        let path = &place.operator;
        return Err(Error::invalid(
            path,
            format!("`{path}` must be `eq` or `not` with `{MAP_CONTAINS_KEY}`, got `{}`", operator.visible()),
        ));
    }
    let (keys, path, wanted) = match (present(members, "operator_args"), present(members, "value")) {
        (Some(keys), wanted) => (keys, format!("{}.operator_args", place.path), wanted.cloned()),
        (None, Some(keys)) => (keys, place.value.clone(), None),
        (None, None) => (&Value::Null, format!("{}.operator_args", place.path), None),
    };
    let keys = match keys {
        Value::String(key) => Some(vec![key.clone()]),
        Value::Array(list) if !list.is_empty() => list.iter().map(|key| key.as_str().map(str::to_owned)).collect(),
        _ => None,
    };
    let keys = keys
        .ok_or_else(|| Error::invalid(&path, format!("`{path}` must be an array of one or more keys, as strings")))?;
    Ok((keys, wanted.unwrap_or(Value::Bool(true))))
}
