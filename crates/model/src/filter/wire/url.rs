//! Filters in the query of a URL (contract C.7): `field=v`, `field[value]=v`, `field[operator]=op`,
//! `field[connector]=OR`.

use super::super::operator::{Operator, shorten};
use super::{Body, Condition, Entry, Filters, Join, Place};
use crate::error::{Error, Result};
use crate::limits::Limits;
use indexmap::IndexMap;
use serde_json::Value;

/// Names that have a meaning of their own in a query and are no filters in the plain form; `environment[value]=test` is
/// one.
pub const RESERVED: &[&str] = &[
    "page",
    "cursor",
    "page_size",
    "sort_by",
    "order_by",
    "start_time",
    "end_time",
    "environment",
    "is_test",
    "all_envs",
    "fetch_filters",
    "include_fields",
    "retrieval_mode",
    "export",
    "export_format",
    "group_by",
    "detail",
    "preview",
    "preview_length",
];

#[derive(Default)]
struct Parts<'a> {
    bracketed: bool,
    value: Option<&'a str>,
    operator: Option<&'a str>,
    connector: Option<&'a str>,
}

/// Reads the decoded pairs of a query, in order. Each field may have one value; all values are strings, which `check`
/// reads as the type of the field.
pub fn parse_url(pairs: &[(String, String)], limits: &Limits) -> Result<Filters> {
    let mut fields: IndexMap<&str, Parts<'_>> = IndexMap::new();
    for (name, text) in pairs {
        let (field, member) = split(name);
        if member.is_none() && RESERVED.contains(&field) {
            continue;
        }
        let parts = fields.entry(field).or_default();
        parts.bracketed |= member.is_some();
        let slot = match member {
            None | Some("value") => &mut parts.value,
            Some("operator") => &mut parts.operator,
            Some("connector") => &mut parts.connector,
            Some(_) => {
                let name = shorten(name);
                return Err(Error::invalid(
                    &name,
                    format!("`{name}` is no filter; allowed in brackets: value, operator, connector"),
                ));
            }
        };
        if slot.replace(text).is_some() {
            let name = shorten(name);
            return Err(Error::invalid(&name, format!("`{name}` is given twice; a filter in the URL has one value")));
        }
    }
    if fields.len() > limits.filter_conditions {
        let limit = limits.filter_conditions;
        return Err(Error::invalid(
            "filters",
            format!("filters hold more than {limit} conditions (`limits.filter_conditions`)"),
        ));
    }
    let entries = fields.into_iter().map(|(field, parts)| entry(field, &parts)).collect::<Result<_>>()?;
    Ok(Filters { entries })
}

fn entry(field: &str, parts: &Parts<'_>) -> Result<Entry> {
    let path = shorten(field);
    let member = |name: &str| if parts.bracketed { format!("{path}[{name}]") } else { path.clone() };
    let place = Place { path: path.clone(), operator: member("operator"), value: member("value") };
    let operator = Operator::read(parts.operator.unwrap_or_default(), &place.operator)?;
    let join = parts.connector.map_or(Ok(Join::And), |text| Join::parse(text, &member("connector")))?;
    let condition = Condition { operator, value: parts.value.map(Value::from), join, keys: None, place };
    Ok(Entry { key: field.to_owned(), join, body: Body::Conditions(vec![condition]) })
}

/// `field[member]` → both; anything else is a plain name.
fn split(name: &str) -> (&str, Option<&str>) {
    name.strip_suffix(']')
        .and_then(|name| name.split_once('['))
        .filter(|(field, _)| !field.is_empty())
        .map_or((name, None), |(field, member)| (field, Some(member)))
}
