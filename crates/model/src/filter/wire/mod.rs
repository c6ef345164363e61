//! The wire forms of a filter, read into one neutral tree that keeps member order (contract C.1, C.5).
//!
//! Knows the grammar and the operator names, not the fields: what a key means is decided in `check`. Nothing is
//! dropped: a member that has no place in the grammar is an error that names it.

mod read;
mod url;

#[cfg(test)]
mod tests;

pub use url::parse_url;

use super::operator::Operator;
use crate::error::{Error, Result};
use crate::limits::Limits;
use serde_json::{Map, Value, json};

/// A filter as the caller wrote it. No entries: every row passes.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Filters {
    /// In member order; each is joined to what stands before it, left to right, without precedence (contract C.5).
    pub entries: Vec<Entry>,
}

/// One member of a filter.
#[derive(Clone, Debug, PartialEq)]
pub struct Entry {
    /// The field's name as sent, or the label of a bundle.
    pub key: String,
    /// How it joins the entries before it; without effect on the first.
    pub join: Join,
    /// What it asks.
    pub body: Body,
}

/// What an entry asks.
#[derive(Clone, Debug, PartialEq)]
pub enum Body {
    /// Conditions on the field, at least one, folded left to right into one operand.
    Conditions(Vec<Condition>),
    /// A filter evaluated on its own; never without entries.
    Bundle(Filters),
}

/// One condition on the field of its entry.
#[derive(Clone, Debug, PartialEq)]
pub struct Condition {
    /// What is asked.
    pub operator: Operator,
    /// Asked with what; `None` when the caller gave none.
    pub value: Option<Value>,
    /// How it joins the conditions before it in the same entry; without effect on the first.
    pub join: Join,
    /// `mapContainsKey`: the map must have these keys. `operator` is then equality or its negation, `value` a boolean.
    pub keys: Option<Vec<String>>,
    /// Where it stood, for errors.
    pub place: Place,
}

/// Where a condition stood in the request, as paths such as `filters.model.operator`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    /// The condition itself.
    pub path: String,
    /// Its operator.
    pub operator: String,
    /// Its value.
    pub value: String,
}

/// How an operand joins those before it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Join {
    /// Both.
    #[default]
    And,
    /// Either.
    Or,
}

impl Join {
    /// Name on the wire.
    pub fn name(self) -> &'static str {
        match self {
            Self::And => "AND",
            Self::Or => "OR",
        }
    }

    fn parse(text: &str, path: &str) -> Result<Self> {
        if text.eq_ignore_ascii_case("and") {
            Ok(Self::And)
        } else if text.eq_ignore_ascii_case("or") {
            Ok(Self::Or)
        } else {
            let text = super::operator::shorten(text);
            Err(Error::invalid(path, format!("`{path}` must be `AND` or `OR`, got `{text}`")))
        }
    }
}

/// Reads the member `name` of a body. `None` and `null` are no filter. `operator` is the `AND`/`OR` beside `filters`
/// (contract C.1): it joins the outermost entries that bring no connector of their own.
pub fn parse(name: &str, value: Option<&Value>, operator: Option<&str>, limits: &Limits) -> Result<Filters> {
    let join = operator.map_or(Ok(Join::And), |text| Join::parse(text, "operator"))?;
    read::Reader::new(limits.filter_depth, limits.filter_conditions).filters(value, name, join)
}

/// Reads what [`Filters::to_json`] wrote and the server kept: its size was checked when it was accepted, so that limits
/// lowered since, or the bundles that `to_json` adds, do not stop a stored job.
pub fn parse_stored(value: &Value) -> Result<Filters> {
    read::Reader::new(usize::MAX, usize::MAX).filters(Some(value), "filters", Join::And)
}

impl Filters {
    /// Whether there is no filter at all.
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// Both must hold, as for filters of URL and body together (contract C.7).
    #[must_use]
    pub fn and(mut self, mut other: Self) -> Self {
        if self.is_empty() {
            return other;
        }
        // A left fold of ANDs may be appended; anything else has to stay an operand of its own.
        if other.entries.iter().skip(1).all(|entry| entry.join == Join::And) {
            if let Some(first) = other.entries.first_mut() {
                first.join = Join::And;
            }
            self.entries.append(&mut other.entries);
        } else {
            self.entries.push(Entry { key: "and".to_owned(), join: Join::And, body: Body::Bundle(other) });
        }
        self
    }

    /// The JSON form, which reads back (by [`parse_stored`]) to the same meaning. A key that occurs twice is put into a
    /// bundle with a label of its own, since an object holds a key once.
    pub fn to_json(&self) -> Map<String, Value> {
        self.write(false)
    }

    /// Writes the entries under unique keys; `bundled`: several conditions on one field as a bundle, not as an array.
    pub(super) fn write(&self, bundled: bool) -> Map<String, Value> {
        let mut out = Map::new();
        for (position, entry) in self.entries.iter().enumerate() {
            let join = if position == 0 { Join::And } else { entry.join };
            let taken = out.contains_key(&entry.key);
            let body = match &entry.body {
                Body::Conditions(list) => match list.as_slice() {
                    [one] if !taken => one.to_json(join),
                    [one] => bundle(&json!({entry.key.as_str(): one.to_json(Join::And)}), join),
                    several if !taken && !bundled => array(several, join),
                    several => bundle(&json!({entry.key.as_str(): array(several, Join::And)}), join),
                },
                Body::Bundle(inner) => bundle(&Value::Object(inner.write(bundled)), join),
            };
            let label = if taken { free_label(&out, &entry.key) } else { entry.key.clone() };
            out.insert(label, body);
        }
        out
    }
}

impl Condition {
    /// The condition as an object; AND is the default and is left out.
    fn to_json(&self, join: Join) -> Value {
        let mut out = Map::new();
        if let Some(keys) = &self.keys {
            out.insert("operator_function".to_owned(), Value::from(read::MAP_CONTAINS_KEY));
            out.insert("operator_args".to_owned(), json!(keys));
        }
        out.insert("operator".to_owned(), Value::from(self.operator.name()));
        if let Some(value) = &self.value {
            out.insert("value".to_owned(), value.clone());
        }
        if join == Join::Or {
            out.insert("connector".to_owned(), Value::from(join.name()));
        }
        Value::Object(out)
    }
}

fn bundle(filter_params: &Value, join: Join) -> Value {
    json!({"connector": join.name(), "filter_params": filter_params})
}

/// An array of conditions; the first one's connector is that of the whole.
fn array(conditions: &[Condition], first: Join) -> Value {
    let join = |position, condition: &Condition| if position == 0 { first } else { condition.join };
    conditions.iter().enumerate().map(|(position, condition)| condition.to_json(join(position, condition))).collect()
}

/// A label made of `key` that is not yet in `taken`.
pub(super) fn free_label(taken: &Map<String, Value>, key: &str) -> String {
    // One of the next `len + 1` labels is free.
    (2..=taken.len() + 2)
        .map(|number| format!("{key}__{number}"))
        .find(|label| !taken.contains_key(label))
        .unwrap_or_else(|| key.to_owned())
}
