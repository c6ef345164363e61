//! Reading single members of a JSON body, with errors that name them. Absent and null are both `None` unless said
//! otherwise.

use evalset_model::scalar::{brief, parse_time, read_bool, read_number, type_name};
use evalset_model::{Error, Result};
use serde_json::{Map, Value};

/// A member that is there, null or not. Bodies are read through this alone, so that tests see what a reader asks for.
pub fn given<'a>(body: &'a Map<String, Value>, name: &str) -> Option<&'a Value> {
    #[cfg(test)]
    document::note(name);
    body.get(name)
}

/// A member that is there and not null.
pub fn present<'a>(body: &'a Map<String, Value>, name: &str) -> Option<&'a Value> {
    given(body, name).filter(|value| !value.is_null())
}

/// A string.
pub fn text(body: &Map<String, Value>, name: &str) -> Result<Option<String>> {
    match present(body, name) {
        None => Ok(None),
        Some(Value::String(text)) => Ok(Some(text.clone())),
        Some(other) => Err(Error::invalid(name, format!("`{name}` must be a string, got {}", type_name(other)))),
    }
}

/// An object.
pub fn object<'a>(body: &'a Map<String, Value>, name: &str) -> Result<Option<&'a Map<String, Value>>> {
    match present(body, name) {
        None => Ok(None),
        Some(Value::Object(members)) => Ok(Some(members)),
        Some(other) => Err(Error::invalid(name, format!("`{name}` must be an object, got {}", type_name(other)))),
    }
}

/// An array.
pub fn array<'a>(body: &'a Map<String, Value>, name: &str) -> Result<Option<&'a [Value]>> {
    match present(body, name) {
        None => Ok(None),
        Some(Value::Array(items)) => Ok(Some(items)),
        Some(other) => Err(Error::invalid(name, format!("`{name}` must be an array, got {}", type_name(other)))),
    }
}

/// A whole number that fits the type, from 0; numeric strings are read (contract C.3).
pub fn whole<T: TryFrom<u64>>(body: &Map<String, Value>, name: &str) -> Result<Option<T>> {
    let Some(value) = present(body, name) else { return Ok(None) };
    let read = value.as_u64().or_else(|| value.as_str()?.trim().parse().ok());
    // `8.0` is as whole as `8`, for clients whose numbers are all floats.
    let float = || read_number(value).filter(|number| number.fract() == 0.0 && (0.0..9e15).contains(number));
    let read = read.or_else(|| float().map(|number| number as u64)).and_then(|number| T::try_from(number).ok());
    let wrong = || Error::invalid(name, format!("`{name}` must be a whole number from 0, got {}", brief(value)));
    read.map(Some).ok_or_else(wrong)
}

/// A number.
pub fn number(body: &Map<String, Value>, name: &str) -> Result<Option<f64>> {
    let Some(value) = present(body, name) else { return Ok(None) };
    let wrong = || Error::invalid(name, format!("`{name}` must be a number, got {}", brief(value)));
    read_number(value).map(Some).ok_or_else(wrong)
}

/// Refuses members that are not `known`; `path` is where the object stands, empty for the body itself. For routes of
/// our own: those of the contract ignore what they do not know (A.2).
pub fn only(body: &Map<String, Value>, path: &str, known: &[&str]) -> Result<()> {
    let Some(name) = body.keys().find(|name| !known.contains(&name.as_str())) else { return Ok(()) };
    let path = if path.is_empty() { name.clone() } else { format!("{path}.{name}") };
    let message = format!("`{path}` is not a member here; allowed: {}", known.join(", "));
    Err(Error::invalid(path, message))
}

/// A boolean, in any form of contract C.3.
pub fn flag(body: &Map<String, Value>, name: &str) -> Result<Option<bool>> {
    let read = |value| {
        read_bool(value)
            .ok_or_else(|| Error::invalid(name, format!("`{name}` must be true or false, got {}", brief(value))))
    };
    present(body, name).map(read).transpose()
}

/// An instant in any form of contract A.2, microseconds since the epoch.
pub fn time(body: &Map<String, Value>, name: &str) -> Result<Option<i64>> {
    present(body, name).map(|value| time_value(name, value)).transpose()
}

/// An instant given as text, such as a query parameter.
pub fn time_text(name: &str, text: &str) -> Result<i64> {
    time_value(name, &Value::from(text))
}

fn time_value(name: &str, value: &Value) -> Result<i64> {
    value.as_str().and_then(parse_time).ok_or_else(|| {
        let wanted = "an ISO 8601 date and time such as `2026-01-31T09:30:00Z`";
        Error::invalid(name, format!("`{name}` must be {wanted}, got {}", brief(value)))
    })
}

/// A share of rows in percent, above 0 up to 100; a non-integer strictly between 0 and 1 is a fraction (H5).
pub fn percent(body: &Map<String, Value>, name: &str) -> Result<Option<f64>> {
    let Some(value) = present(body, name) else { return Ok(None) };
    let wrong = || Error::invalid(name, format!("`{name}` must be a percentage from 1 to 100, got {}", brief(value)));
    let number = read_number(value).ok_or_else(wrong)?;
    match number {
        fraction if fraction > 0.0 && fraction < 1.0 => Ok(Some(fraction * 100.0)),
        percent if (1.0..=100.0).contains(&percent) => Ok(Some(percent)),
        _ => Err(wrong()),
    }
}

/// A list of strings; numbers are taken as their text.
pub fn texts(body: &Map<String, Value>, name: &str) -> Result<Option<Vec<String>>> {
    let Some(value) = present(body, name) else { return Ok(None) };
    let wrong = || Error::invalid(name, format!("`{name}` must be an array of strings, got {}", brief(value)));
    let items = value.as_array().ok_or_else(wrong)?;
    let texts = items.iter().map(|item| match item {
        Value::String(text) => Ok(text.clone()),
        Value::Number(number) => Ok(number.to_string()),
        _ => Err(wrong()),
    });
    texts.collect::<Result<_>>().map(Some)
}

/// Whether the readers of bodies and the OpenAPI document agree.
#[cfg(test)]
pub(in crate::http) mod document {
    use std::cell::RefCell;
    use std::collections::BTreeSet;
    use utoipa::PartialSchema;

    thread_local! {
        static READ: RefCell<BTreeSet<String>> = RefCell::default();
    }

    /// A member was asked for.
    pub fn note(name: &str) {
        READ.with_borrow_mut(|read| read.insert(name.to_owned()));
    }

    /// The members that the schema of `T` shows.
    pub fn shown<T: PartialSchema>() -> BTreeSet<String> {
        let schema = serde_json::to_value(T::schema()).unwrap();
        schema["properties"].as_object().unwrap().keys().cloned().collect()
    }

    /// Fails unless `read` asks for all that the schema of `T` shows, and for nothing else but `unshown`, older names
    /// of the same.
    #[track_caller]
    pub fn agrees<T: PartialSchema>(unshown: &[&str], read: impl FnOnce()) {
        READ.take();
        read();
        let mut known = shown::<T>();
        known.extend(unshown.iter().map(|name| (*name).to_owned()));
        assert_eq!(READ.take(), known);
    }

    /// Fails unless these are the members that the schema of `T` shows.
    #[track_caller]
    pub fn lists<T: PartialSchema>(members: &[&str]) {
        assert_eq!(members.iter().map(|name| (*name).to_owned()).collect::<BTreeSet<_>>(), shown::<T>());
    }
}

#[cfg(test)]
mod tests {
    use super::{percent, texts, time};
    use serde_json::json;

    #[test]
    fn percent_follows_h5() {
        let read = |value| percent(json!({ "s": value }).as_object().unwrap(), "s");
        for (given, used) in
            [(json!(25), 25.0), (json!(0.25), 25.0), (json!(1), 1.0), (json!("40"), 40.0), (json!(100), 100.0)]
        {
            assert_eq!(read(given.clone()).unwrap(), Some(used), "{given}");
        }
        for bad in [json!(0), json!(-1), json!(101), json!("x"), json!([]), json!(true)] {
            assert!(read(bad.clone()).is_err(), "{bad}");
        }
        assert_eq!(read(json!(null)).unwrap(), None);
    }

    #[test]
    fn errors_name_the_member() {
        let body = json!({"start_time": "yesterday", "tags": [1, {}]});
        let body = body.as_object().unwrap();
        assert!(time(body, "start_time").unwrap_err().by_field().contains_key("start_time"));
        assert!(texts(body, "tags").unwrap_err().by_field().contains_key("tags"));
    }
}
