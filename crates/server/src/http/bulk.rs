//! Bulk calls: the shape of the request and of the reply (contract B.14, E.2). Knows no noun.

use crate::http::error::{Answer, Failure};
use crate::http::extract;
use crate::wire::reply::{BulkResult, ItemError};
use axum::Json;
use axum::extract::{FromRequest, Request};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use evalset_model::ids::LogId;
use evalset_model::{Error, Result, json};
use evalset_product::app::App;
use serde::de::{DeserializeSeed, Deserializer, Error as _, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_json::value::RawValue;
use serde_json::{Map, Value};
use std::fmt;

/// The body of a bulk call. Items stay text until they are looked at one by one, so that a bad one fails alone and a
/// body of millions of them is refused without being built.
pub struct BulkBody {
    logs: Logs,
    /// The other members, see [`rest`](Self::rest).
    rest: Map<String, Value>,
    rest_is_whole: bool,
}

enum Logs {
    Absent,
    NoArray,
    /// The first items, as many as any bulk call may have, and how many there are in all.
    Items(Vec<Box<RawValue>>, usize),
}

impl FromRequest<App> for BulkBody {
    type Rejection = Failure;

    async fn from_request(request: Request, app: &App) -> Result<Self, Failure> {
        let sent = extract::read_bytes(request, app, app.limits.max_body_bytes, "max_body_bytes").await?;
        if sent.is_blank() {
            return Ok(Self { logs: Logs::Absent, rest: Map::new(), rest_is_whole: true });
        }
        let shape =
            Shape { most: app.limits.bulk_items.max(app.limits.batch_items), most_values: app.limits.body_values };
        let read = move || {
            let mut input = serde_json::Deserializer::from_slice(&sent.whole().bytes);
            let body = shape.deserialize(&mut input)?;
            input.end().map(|()| body)
        };
        let body = tokio::task::spawn_blocking(read).await.map_err(Error::internal)?;
        body.map_err(|error| extract::not_json(&error))
    }
}

impl BulkBody {
    /// Whether the body has `logs`, other than null.
    pub fn has_logs(&self) -> bool {
        !matches!(self.logs, Logs::Absent)
    }

    /// The other members. They are held as values, so their number is bounded.
    pub fn rest(&self) -> Result<&Map<String, Value>> {
        if self.rest_is_whole {
            return Ok(&self.rest);
        }
        Err(Error::TooLarge("the body is made of more values than one may be (`limits.body_values`)".to_owned()))
    }

    /// The items, as text: 1 to `limit`, else 422.
    pub fn items(self, limit: usize, limit_name: &str) -> Result<Vec<Box<RawValue>>> {
        let wrong = |message: String| Err(Error::unprocessable("logs", message));
        match self.logs {
            Logs::Absent => wrong("`logs` is required: an array of items".to_owned()),
            Logs::NoArray => wrong("`logs` must be an array".to_owned()),
            Logs::Items(_, 0) => wrong("`logs` must not be empty".to_owned()),
            Logs::Items(_, count) if count > limit => {
                wrong(format!("`logs` holds {count} items; at most {limit} are allowed (`limits.{limit_name}`)"))
            }
            Logs::Items(items, _) => Ok(items),
        }
    }
}

/// Reads the body's object, keeping at most `most` items of `logs`.
struct Shape {
    most: usize,
    /// Values that the other members may be made of.
    most_values: usize,
}

impl<'de> DeserializeSeed<'de> for Shape {
    type Value = BulkBody;

    fn deserialize<D: Deserializer<'de>>(self, input: D) -> Result<BulkBody, D::Error> {
        input.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for Shape {
    type Value = BulkBody;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<BulkBody, A::Error> {
        let mut body = BulkBody { logs: Logs::Absent, rest: Map::new(), rest_is_whole: true };
        let mut left = self.most_values;
        while let Some(name) = map.next_key::<String>()? {
            if name == "logs" {
                body.logs = map.next_value_seed(Items { most: self.most })?;
            } else {
                // Members that mean nothing here may be of any size: they are passed over as text.
                let text = map.next_value::<&RawValue>()?.get();
                let values = json::values_in(text.as_bytes());
                if values <= left {
                    left -= values;
                    body.rest.insert(name, serde_json::from_str(text).map_err(A::Error::custom)?);
                } else {
                    body.rest_is_whole = false;
                }
            }
        }
        Ok(body)
    }
}

/// Reads the value of `logs`.
struct Items {
    most: usize,
}

impl<'de> DeserializeSeed<'de> for Items {
    type Value = Logs;

    fn deserialize<D: Deserializer<'de>>(self, input: D) -> Result<Logs, D::Error> {
        input.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Items {
    type Value = Logs;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an array of items")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Logs, A::Error> {
        let mut kept = Vec::new();
        while kept.len() < self.most {
            let Some(item) = items.next_element::<Box<RawValue>>()? else { break };
            kept.push(item);
        }
        // At the end already, or the rest is only counted.
        let mut beyond = 0;
        while items.next_element::<IgnoredAny>()?.is_some() {
            beyond += 1;
        }
        let count = kept.len() + beyond;
        Ok(Logs::Items(kept, count))
    }

    fn visit_unit<E>(self) -> Result<Logs, E> {
        Ok(Logs::Absent)
    }

    fn visit_bool<E>(self, _: bool) -> Result<Logs, E> {
        Ok(Logs::NoArray)
    }

    fn visit_i64<E>(self, _: i64) -> Result<Logs, E> {
        Ok(Logs::NoArray)
    }

    fn visit_u64<E>(self, _: u64) -> Result<Logs, E> {
        Ok(Logs::NoArray)
    }

    fn visit_f64<E>(self, _: f64) -> Result<Logs, E> {
        Ok(Logs::NoArray)
    }

    fn visit_str<E>(self, _: &str) -> Result<Logs, E> {
        Ok(Logs::NoArray)
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Logs, A::Error> {
        while map.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
        Ok(Logs::NoArray)
    }
}

impl BulkResult {
    /// Counts and errors of the items, in the order sent.
    pub fn new(results: Vec<Result<LogId>>) -> Self {
        let (mut errors, mut unique_ids) = (Vec::new(), Vec::with_capacity(results.len()));
        for (index, result) in results.into_iter().enumerate() {
            match result {
                Ok(id) => unique_ids.push(Some(id.0)),
                Err(error) => {
                    errors.push(ItemError { index, error: error.to_string() });
                    unique_ids.push(None);
                }
            }
        }
        let error_count = errors.len();
        let success_count = unique_ids.len() - error_count;
        Self { success_count, error_count, total_errors: error_count, errors, unique_ids }
    }
}

/// 201 when at least one item went in, else 400 with the same members.
pub fn reply(result: BulkResult) -> Answer<Response> {
    if result.success_count > 0 {
        return Ok((StatusCode::CREATED, Json(result)).into_response());
    }
    let first = result.errors.first().map_or_else(String::new, |first| format!(": {}", first.error));
    let error = Error::Invalid { field: None, message: format!("every item was refused; the first{first}") };
    let members = serde_json::to_value(result).map_err(Error::internal)?;
    Err(Failure::from(error).with(members.as_object().cloned().unwrap_or_default()))
}

#[cfg(test)]
mod tests {
    use super::{BulkBody, Shape};
    use serde::de::DeserializeSeed;

    fn read(text: &str, most: usize) -> BulkBody {
        Shape { most, most_values: 9 }.deserialize(&mut serde_json::Deserializer::from_str(text)).unwrap()
    }

    #[test]
    fn items_stay_text_so_that_one_that_cannot_be_read_spoils_no_other() {
        let body = read(r#"{"logs": [{"input": "a"}, {"input": "\ud83d"}, 7], "x": 1}"#, 500);
        assert_eq!(body.rest().unwrap()["x"], 1);
        let items = body.items(500, "bulk_items").unwrap();
        assert_eq!((items.len(), items[1].get()), (3, r#"{"input": "\ud83d"}"#));
    }

    #[test]
    fn members_of_no_meaning_are_not_built_up() {
        let body = read(r#"{"x": [[1], [1], [1], [1], [1], [1]], "logs": [7], "name": "n"}"#, 500);
        assert!(matches!(body.rest(), Err(evalset_model::Error::TooLarge(_))));
        assert_eq!((body.rest.len(), body.items(500, "bulk_items").unwrap().len()), (1, 1));
    }

    #[test]
    fn too_many_items_are_counted_but_not_kept() {
        let many = format!(r#"{{"logs": [{}0]}}"#, "[],".repeat(9_999));
        let error = read(&many, 500).items(500, "bulk_items").unwrap_err();
        assert!(error.to_string().contains("10000 items"), "{error}");
    }

    #[test]
    fn what_is_no_array_is_told() {
        for text in
            [r#"{"logs": 5}"#, r#"{"logs": {"a": [1]}}"#, r#"{"logs": "x"}"#, r#"{"logs": true}"#, r#"{"logs": -1.5}"#]
        {
            let error = read(text, 500).items(500, "bulk_items").unwrap_err();
            assert!(error.to_string().contains("must be an array"), "{text}");
        }
        for text in ["{}", r#"{"logs": null}"#] {
            assert!(!read(text, 500).has_logs());
        }
    }
}
