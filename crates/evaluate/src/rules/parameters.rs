//! The parameters of a built-in evaluator: their table, and reading them with errors that name the member.
//!
//! Does not know any rule.

use super::Info;
use evalset_model::scalar::brief;
use evalset_model::{Error, Result};
use serde_json::{Map, Value};

/// One parameter of a built-in evaluator.
#[derive(Clone, Copy, Debug)]
pub struct Parameter {
    /// Its name under `code_config.parameters`.
    pub name: &'static str,
    /// What it holds: `text`, `boolean`, `number`, `list of texts`, `JSON`, or the allowed words.
    pub kind: &'static str,
    /// What holds when it is absent; none: nothing, or it is needed.
    pub default: Option<&'static str>,
    /// What it does.
    pub description: &'static str,
}

/// Given parameters, all of them known to the rule.
pub(super) struct Given<'a>(&'a Map<String, Value>);

impl<'a> Given<'a> {
    /// Refuses parameters that the rule does not have.
    pub(super) fn new(info: &Info, map: &'a Map<String, Value>) -> Result<Self> {
        let stranger = map.keys().find(|key| info.parameters.iter().all(|known| known.name != key.as_str()));
        if let Some(key) = stranger {
            let names = info.parameters.iter().map(|known| known.name).collect::<Vec<_>>().join(", ");
            return Err(invalid(key, &format!("is not a parameter of `{}`; it has: {names}", info.name)));
        }
        Ok(Self(map))
    }

    /// All of them, as JSON text.
    pub(super) fn text_of_all(&self) -> String {
        // Keys are texts: this cannot fail.
        serde_json::to_string(self.0).unwrap_or_default()
    }

    pub(super) fn get(&self, name: &str) -> Option<&'a Value> {
        self.0.get(name).filter(|value| !value.is_null())
    }

    pub(super) fn needed(&self, name: &str) -> Result<&'a Value> {
        self.get(name).ok_or_else(|| invalid(name, "is needed"))
    }

    pub(super) fn text(&self, name: &str) -> Result<Option<&'a str>> {
        let read = |value: &'a Value| value.as_str().ok_or_else(|| wrong(name, "a text", value));
        self.get(name).map(read).transpose()
    }

    pub(super) fn flag(&self, name: &str, default: bool) -> Result<bool> {
        let read = |value: &Value| value.as_bool().ok_or_else(|| wrong(name, "true or false", value));
        self.get(name).map_or(Ok(default), read)
    }

    /// A number that is not negative.
    pub(super) fn amount(&self, name: &str) -> Result<Option<f64>> {
        let read = |value: &Value| {
            let number = value.as_f64().filter(|number| *number >= 0.0);
            number.ok_or_else(|| wrong(name, "a number, 0 or more", value))
        };
        self.get(name).map(read).transpose()
    }

    /// One of a few words; the first is the default.
    pub(super) fn word(&self, name: &str, words: &[&'static str]) -> Result<&'static str> {
        let first = words.first().copied().unwrap_or_default();
        let Some(value) = self.get(name) else { return Ok(first) };
        let found = words.iter().find(|word| value == **word).copied();
        found.ok_or_else(|| wrong(name, &format!("one of {}", words.join(", ")), value))
    }
}

/// An error at a parameter.
pub(super) fn invalid(name: &str, message: &str) -> Error {
    let name = crate::convert::cut(name, NAME_BYTES_SHOWN);
    let path = format!("code_config.parameters.{name}");
    Error::invalid(&path, format!("`{path}` {message}"))
}

/// Bytes of a caller's member name in an error.
const NAME_BYTES_SHOWN: usize = 100;

pub(super) fn wrong(name: &str, wanted: &str, value: &Value) -> Error {
    invalid(name, &format!("must be {wanted}, got {}", brief(value)))
}
