//! One HTTP exchange with a model endpoint: a request out, a bounded reply in, and what its status means.
//!
//! Does not retry, count or wait: `endpoint` does. The API key never goes into a message.

use crate::convert::cut;
use reqwest::StatusCode;
use reqwest::header::{DATE, HeaderMap, RETRY_AFTER};
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;
use serde_json::Value;
use std::time::Duration;

/// Bytes of a reply.
const REPLY_BYTES_MAX: usize = 4 * 1024 * 1024;
/// Bytes of an endpoint's own words in an error.
const SAID_BYTES_MAX: usize = 300;
/// Tokens that one exchange can have used.
const TOKENS_MAX: f64 = 1e12;
/// Some servers begin their JSON with it.
const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";
/// Bytes of an error's body that are read at all.
const ERROR_BYTES_MAX: usize = 64 * 1024;

/// What a model answered.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Answer {
    /// Its text; the arguments of its tool call when it made one instead.
    pub content: String,
    /// It was cut off at its token limit.
    pub cut_off: bool,
    pub prompt_tokens: u64,
    pub completion_tokens: u64,
}

/// Why one exchange has no answer: what `endpoint` decides by whether to ask again.
#[derive(Debug)]
pub(super) enum Trouble {
    /// It may pass: 408, 429, 5xx, no connection, no reply in time.
    Passing { message: String, retry_after: Option<Duration> },
    /// A success whose body is no chat completion.
    Malformed(String),
    /// The endpoint does not take this request.
    Refused { status: StatusCode, message: String },
    /// The caller wants no more requests; this one was not sent.
    Halted,
}

/// Where and how to ask.
pub(super) struct Call<'a> {
    pub client: &'a reqwest::Client,
    pub url: &'a reqwest::Url,
    pub key: Option<&'a SecretString>,
    pub timeout: Duration,
    /// The same for every try of a unit, so that an endpoint which knows it does not work twice.
    pub unit: &'a str,
}

impl Call<'_> {
    /// Sends one request.
    pub(super) async fn send(&self, body: &Value) -> Result<Answer, Trouble> {
        let mut request = self.client.post(self.url.clone()).timeout(self.timeout).json(body);
        // An id that is no header value is of no use to the endpoint either.
        if let Ok(unit) = reqwest::header::HeaderValue::from_str(self.unit) {
            request = request.header("Idempotency-Key", unit);
        }
        if let Some(key) = self.key {
            request = request.bearer_auth(key.expose_secret());
        }
        let response = request.send().await.map_err(|error| self.unreachable(&error))?;
        let (status, headers) = (response.status(), response.headers().clone());
        if status.is_success() {
            let bytes = self.body(response, REPLY_BYTES_MAX).await?;
            return read(&bytes).ok_or_else(|| {
                let body = self.said(&bytes);
                let body = if body.is_empty() { "it is empty" } else { &body };
                Trouble::Malformed(format!("the model endpoint's reply is no chat completion: {body}"))
            });
        }
        let said = self.body(response, ERROR_BYTES_MAX).await.map_or(String::new(), |bytes| self.said(&bytes));
        Err(self.refusal(status, &headers, &said))
    }

    /// Bytes of a reply, unless there are more than `most`.
    async fn body(&self, mut response: reqwest::Response, most: usize) -> Result<Vec<u8>, Trouble> {
        let mut bytes = Vec::new();
        while let Some(chunk) = response.chunk().await.map_err(|error| self.unreachable(&error))? {
            if bytes.len() + chunk.len() > most {
                return Err(Trouble::Malformed(format!("the model endpoint's reply has more than {most} bytes")));
            }
            bytes.extend_from_slice(&chunk);
        }
        Ok(bytes)
    }

    fn unreachable(&self, error: &reqwest::Error) -> Trouble {
        let host = self.url.host_str().unwrap_or_default();
        let what = if error.is_timeout() {
            format!("did not answer within {} s", self.timeout.as_secs_f64())
        } else if error.is_connect() {
            format!("cannot be reached: {}", root_cause(error))
        } else {
            format!("broke off: {}", root_cause(error))
        };
        Trouble::Passing { message: format!("the model endpoint {host} {what}"), retry_after: None }
    }

    fn refusal(&self, status: StatusCode, headers: &HeaderMap, said: &str) -> Trouble {
        let passing = status == StatusCode::REQUEST_TIMEOUT
            || status == StatusCode::TOO_MANY_REQUESTS
            || status.is_server_error();
        let (code, host) = (status.as_u16(), self.url.host_str().unwrap_or_default());
        let said = if said.is_empty() { String::new() } else { format!(": {said}") };
        if passing {
            let message = format!("the model endpoint {host} answered {code}{said}");
            return Trouble::Passing { message, retry_after: retry_after(headers) };
        }
        let message = match code {
            401 | 403 => format!("the model endpoint {host} refuses the API key ({code}){said}"),
            404 => format!("the model endpoint {host} does not know the model or the address (404){said}"),
            300..=399 => {
                format!("the model endpoint {host} redirects ({code}), which is not followed: set its final address")
            }
            _ => format!("the model endpoint {host} refuses the request ({code}){said}"),
        };
        Trouble::Refused { status, message }
    }

    /// The endpoint's own words about an error, shortened, without the key.
    fn said(&self, bytes: &[u8]) -> String {
        let text = String::from_utf8_lossy(bytes);
        let message = serde_json::from_str::<Value>(&text).ok().and_then(|body| {
            let error = body.get("error").unwrap_or(&body);
            let message = error.get("message").or_else(|| error.get("detail")).unwrap_or(error);
            message.as_str().map(ToOwned::to_owned)
        });
        let text = without_key(message.unwrap_or_else(|| text.into_owned()), self.key);
        cut(text.trim(), SAID_BYTES_MAX)
    }
}

/// An endpoint's words without the key, should it repeat it, as it is or as JSON writes it.
pub(super) fn without_key(text: String, key: Option<&SecretString>) -> String {
    const HIDDEN: &str = "[API key]";
    let Some(key) = key.map(ExposeSecret::expose_secret).filter(|key| !key.is_empty()) else { return text };
    let quoted = Value::from(key).to_string();
    let escaped = quoted.trim_matches('"');
    let text = if text.contains(key) { text.replace(key, HIDDEN) } else { text };
    if text.contains(escaped) { text.replace(escaped, HIDDEN) } else { text }
}

fn root_cause(error: &reqwest::Error) -> String {
    let mut cause: &dyn std::error::Error = error;
    while let Some(next) = cause.source() {
        cause = next;
    }
    cut(&cause.to_string(), SAID_BYTES_MAX)
}

/// `Retry-After` in seconds, or as a date, which is held against the reply's own `Date`: both are of the endpoint's
/// clock.
fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    let text = |name| headers.get(name).and_then(|value| value.to_str().ok()).map(str::trim);
    let said = text(RETRY_AFTER)?;
    if let Ok(seconds) = said.parse::<f64>() {
        return Duration::try_from_secs_f64(seconds).ok();
    }
    let date = |text: &str| chrono::DateTime::parse_from_rfc2822(text).ok();
    let wait = date(said)?.signed_duration_since(date(text(DATE)?)?);
    Some(wait.to_std().unwrap_or_default())
}

#[derive(Deserialize)]
struct Completion {
    choices: Vec<CompletionChoice>,
    #[serde(default)]
    usage: Option<Usage>,
}

#[derive(Deserialize)]
struct CompletionChoice {
    message: Message,
    #[serde(default)]
    finish_reason: Option<String>,
}

#[derive(Deserialize)]
struct Message {
    #[serde(default)]
    content: Value,
    #[serde(default)]
    refusal: Option<String>,
    #[serde(default)]
    tool_calls: Option<Vec<Value>>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Usage {
    prompt_tokens: Value,
    completion_tokens: Value,
}

/// Tokens as they are said; what no endpoint can mean counts as not said.
fn tokens(said: &Value) -> u64 {
    let number = said.as_f64().filter(|number| (0.0..=TOKENS_MAX).contains(number));
    number.map_or(0, |number| number.round() as u64)
}

/// A chat completion's first choice.
fn read(bytes: &[u8]) -> Option<Answer> {
    let completion: Completion = serde_json::from_slice(bytes.strip_prefix(BYTE_ORDER_MARK).unwrap_or(bytes)).ok()?;
    let choice = completion.choices.into_iter().next()?;
    let usage = completion.usage.unwrap_or_default();
    let message = choice.message;
    let mut content = match &message.content {
        Value::String(text) => text.clone(),
        Value::Array(parts) => {
            parts.iter().filter_map(|part| part.get("text").and_then(Value::as_str)).collect::<Vec<_>>().join("\n")
        }
        _ => String::new(),
    };
    if content.trim().is_empty() {
        let call = message.tool_calls.as_ref().and_then(|calls| calls.first());
        let arguments = call.and_then(|call| call.pointer("/function/arguments")).and_then(Value::as_str);
        content = arguments.map(ToOwned::to_owned).or(message.refusal).unwrap_or_default();
    }
    Some(Answer {
        content,
        cut_off: choice.finish_reason.as_deref() == Some("length"),
        prompt_tokens: tokens(&usage.prompt_tokens),
        completion_tokens: tokens(&usage.completion_tokens),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn headers(pairs: &[(&'static str, &str)]) -> HeaderMap {
        pairs.iter().map(|(name, value)| (name.parse().unwrap(), value.parse().unwrap())).collect()
    }

    #[test]
    fn retry_after_is_seconds_or_a_date() {
        let date = "Wed, 25 Nov 2026 10:00:00 GMT";
        for (pairs, seconds) in [
            (vec![("retry-after", "7")], Some(7.0)),
            (vec![("retry-after", "0.5")], Some(0.5)),
            (vec![("retry-after", "Wed, 25 Nov 2026 10:00:09 GMT"), ("date", date)], Some(9.0)),
            (vec![("retry-after", "Wed, 25 Nov 2026 09:00:09 GMT"), ("date", date)], Some(0.0)),
            (vec![("retry-after", "Wed, 25 Nov 2026 10:00:09 GMT")], None),
            (vec![("retry-after", "-1")], None),
            (vec![("retry-after", "soon"), ("date", date)], None),
            (vec![], None),
        ] {
            assert_eq!(retry_after(&headers(&pairs)).map(|wait| wait.as_secs_f64()), seconds, "{pairs:?}");
        }
    }

    #[test]
    fn the_key_is_hidden_in_any_form_that_json_gives_it() {
        let key = SecretString::from("sk-\"a\\b");
        for text in ["Bearer sk-\"a\\b.", "Bearer sk-\\\"a\\\\b."] {
            assert_eq!(without_key(text.to_owned(), Some(&key)), "Bearer [API key].");
        }
        assert_eq!(without_key("plain".to_owned(), None), "plain");
    }

    #[test]
    fn completions() {
        let read = |body: Value| super::read(body.to_string().as_bytes());
        let answer = read(json!({"choices": [{"message": {"content": "4"}, "finish_reason": "stop"}],
            "usage": {"prompt_tokens": 3, "completion_tokens": 1, "total_tokens": 4}}));
        assert_eq!(
            answer,
            Some(Answer { content: "4".to_owned(), cut_off: false, prompt_tokens: 3, completion_tokens: 1 })
        );
        let parts = json!({"choices": [{"message": {"content": [{"type": "text", "text": "a"}, {"type": "text", "text": "b"}]}}]});
        assert_eq!(read(parts).unwrap().content, "a\nb");
        let call = json!({"choices": [{"message": {"content": null, "tool_calls": [{"function": {"name": "f", "arguments": "{\"score\": 1}"}}]}}]});
        assert_eq!(read(call).unwrap().content, "{\"score\": 1}");
        let refusal =
            json!({"choices": [{"message": {"content": null, "refusal": "I will not"}, "finish_reason": "length"}]});
        assert!(read(refusal).is_some_and(|answer| answer.content == "I will not" && answer.cut_off));
        for (usage, tokens) in [
            (json!({"prompt_tokens": null, "completion_tokens": 2.0}), (0, 2)),
            (json!({"prompt_tokens": -1, "completion_tokens": u64::MAX}), (0, 0)),
            (json!(null), (0, 0)),
        ] {
            let answer = read(json!({"choices": [{"message": {"content": "4"}}], "usage": usage})).unwrap();
            assert_eq!((answer.prompt_tokens, answer.completion_tokens), tokens, "{usage}");
        }
        assert!(super::read("\u{feff}{\"choices\": [{\"message\": {\"content\": \"4\"}}]}".as_bytes()).is_some());
        for body in [json!({}), json!({"choices": []}), json!({"choices": [{}]}), json!([])] {
            assert_eq!(read(body.clone()), None, "{body}");
        }
    }
}
