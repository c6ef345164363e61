//! Text and message views of a log's input and output (contract D.3). Nothing here is stored: every view is read anew.
//!
//! Members `prompt`, `completion`, `prompt_messages` and `completion_message` of the payload, where present, are what the
//! caller said instead of the derived view; ingestion keeps them only when they differ from it. Knows nothing of the wire
//! rows that show these views.

use crate::field::Field;
use crate::log::{Log, payload};
use serde_json::{Value, json};
use std::borrow::Cow;

/// Payload member: the caller's own text view of the input.
pub const PROMPT: &str = "prompt";
/// Payload member: the caller's own text view of the output.
pub const COMPLETION: &str = "completion";
/// Payload member: the caller's own messages beside an input that reads otherwise.
pub const PROMPT_MESSAGES: &str = "prompt_messages";
/// Payload member: the caller's own assistant message beside an output that reads otherwise.
pub const COMPLETION_MESSAGE: &str = "completion_message";
/// Payload member: the caller's own tool calls beside those in the output.
pub const TOOL_CALLS: &str = "tool_calls";

/// Text view of the input (`prompt`, D.3 rule 6).
pub fn prompt_text(log: &Log) -> Option<String> {
    prompt(log).map(Cow::into_owned)
}

/// Text view of the output (`completion`, D.3 rule 6).
pub fn completion_text(log: &Log) -> Option<String> {
    completion(log).map(Cow::into_owned)
}

/// The input as messages (`messages` of a row, D.3 rule 4).
pub fn messages(log: &Log) -> Option<Value> {
    input_messages(log).map(Cow::into_owned)
}

/// The input as messages (`prompt_messages` of a span, D.3 rule 4).
pub fn prompt_messages(log: &Log) -> Option<Value> {
    messages(log)
}

/// The output as an assistant message (D.3 rule 5).
pub fn completion_message(log: &Log) -> Option<Value> {
    output_message(log).map(Cow::into_owned)
}

/// Joined content of the system and developer messages (D.3 rule 6).
pub fn system_text(log: &Log) -> Option<String> {
    let messages = input_messages(log)?;
    join(messages.as_array()?, is_instruction)
}

/// [`prompt_text`] without a copy where the input is the text.
pub fn prompt(log: &Log) -> Option<Cow<'_, str>> {
    if let Some(Value::String(text)) = log.payload.get(PROMPT) {
        return Some(Cow::Borrowed(text));
    }
    prompt_of(log.payload.get(payload::INPUT)?)
}

/// [`completion_text`] without a copy where the output holds the text.
pub fn completion(log: &Log) -> Option<Cow<'_, str>> {
    if let Some(Value::String(text)) = log.payload.get(COMPLETION) {
        return Some(Cow::Borrowed(text));
    }
    completion_of(log.payload.get(payload::OUTPUT)?, chat_like(log))
}

/// [`messages`] without a copy where they are stored as such.
pub fn input_messages(log: &Log) -> Option<Cow<'_, Value>> {
    match log.payload.get(PROMPT_MESSAGES) {
        Some(said) if are_objects(said) => Some(Cow::Borrowed(said)),
        _ => messages_of(log.payload.get(payload::INPUT)?, chat_like(log)),
    }
}

/// [`completion_message`] without a copy where it is stored as such.
pub fn output_message(log: &Log) -> Option<Cow<'_, Value>> {
    match log.payload.get(COMPLETION_MESSAGE) {
        Some(said @ Value::Object(_)) => Some(Cow::Borrowed(said)),
        _ => message_of(log.payload.get(payload::OUTPUT)?, chat_like(log)),
    }
}

/// The tool calls returned: as said, else lifted from the output or the provider's response (contract D.1).
pub fn tool_calls(log: &Log) -> Option<Cow<'_, Value>> {
    match log.payload.get(TOOL_CALLS) {
        Some(said) => Some(Cow::Borrowed(said)),
        None => lifted_tool_calls(log),
    }
}

/// [`tool_calls`] without regard to what the caller said.
pub(crate) fn lifted_tool_calls(log: &Log) -> Option<Cow<'_, Value>> {
    fn within(message: &Value) -> Option<&Value> {
        message.get(TOOL_CALLS).filter(|calls| are_objects(calls) && calls.get(0).is_some())
    }
    let in_output = log.payload.get(payload::OUTPUT).and_then(|output| match output {
        Value::Object(_) if within(output).is_some() => within(output).map(Cow::Borrowed),
        _ => match said_message(output, chat_like(log))? {
            Cow::Borrowed(message) => within(message).map(Cow::Borrowed),
            Cow::Owned(message) => within(&message).cloned().map(Cow::Owned),
        },
    });
    in_output.or_else(|| within(log.payload.get(COMPLETION_MESSAGE)?).map(Cow::Borrowed)).or_else(|| {
        let response = log.payload.get("full_response")?;
        within(response).or_else(|| within(response.get("choices")?.get(0)?.get("message")?)).map(Cow::Borrowed)
    })
}

/// Whether the value reads as messages (D.3 rule 3). An empty array says nothing of what it would hold, so it does not.
pub fn reads_as_messages(value: &Value) -> bool {
    message_array(value).is_some()
}

/// Whether logs of this type are conversations, whose plain strings are one message (D.3).
pub fn is_chat_like(log_type: &str) -> bool {
    matches!(log_type, "chat" | "completion" | "text" | "response")
}

/// Whether the value is an array of objects, which is all that `messages` may be (T6).
pub fn are_objects(value: &Value) -> bool {
    value.as_array().is_some_and(|items| items.iter().all(Value::is_object))
}

/// A string as it is, anything else as compact JSON text.
pub fn text_of(value: &Value) -> Cow<'_, str> {
    match value {
        Value::String(text) => Cow::Borrowed(text),
        other => Cow::Owned(other.to_string()),
    }
}

/// Text view of an input by itself: the contents of its messages without the instructions, else [`text_of`]; none for null.
pub fn prompt_of(input: &Value) -> Option<Cow<'_, str>> {
    if input.is_null() {
        return None;
    }
    Some(match message_array(input) {
        Some(messages) => Cow::Owned(
            messages.as_array().and_then(|items| join(items, |message| !is_instruction(message))).unwrap_or_default(),
        ),
        None => text_of(input),
    })
}

/// Text view of an output by itself: the content of its message, else [`text_of`]; none for null.
pub fn completion_of(output: &Value, chat_like: bool) -> Option<Cow<'_, str>> {
    if output.is_null() {
        return None;
    }
    Some(match said_message(output, chat_like) {
        Some(Cow::Borrowed(message)) => content_text(message),
        Some(Cow::Owned(message)) => Cow::Owned(content_text(&message).into_owned()),
        None => text_of(output),
    })
}

pub(crate) fn messages_of(input: &Value, chat_like: bool) -> Option<Cow<'_, Value>> {
    message_array(input).or_else(|| match input {
        Value::String(text) if chat_like => Some(Cow::Owned(json!([{"role": "user", "content": text}]))),
        _ => None,
    })
}

pub(crate) fn message_of(output: &Value, chat_like: bool) -> Option<Cow<'_, Value>> {
    if output.is_null() {
        return None;
    }
    said_message(output, chat_like)
        .or_else(|| chat_like.then(|| Cow::Owned(json!({"role": "assistant", "content": text_of(output)}))))
}

fn chat_like(log: &Log) -> bool {
    log.text(Field::LogType).is_some_and(is_chat_like)
}

/// The message array in an input: itself, under `messages`, or in a JSON string of either.
fn message_array(input: &Value) -> Option<Cow<'_, Value>> {
    if let Value::String(text) = input {
        let mut read = parsed(text)?;
        return if is_message_array(&read) {
            Some(Cow::Owned(read))
        } else {
            let inner = read.get_mut("messages")?.take();
            is_message_array(&inner).then_some(Cow::Owned(inner))
        };
    }
    if is_message_array(input) {
        return Some(Cow::Borrowed(input));
    }
    input.as_object()?.get("messages").filter(|inner| is_message_array(inner)).map(Cow::Borrowed)
}

fn is_message_array(value: &Value) -> bool {
    value.as_array().is_some_and(|items| !items.is_empty() && items.iter().all(|item| item.get("role").is_some()))
}

/// The message an output states by itself. Of several alternatives (`n` > 1) it is the first.
fn said_message(output: &Value, chat_like: bool) -> Option<Cow<'_, Value>> {
    fn within(value: &Value) -> Option<&Value> {
        if value.get("role").is_some() {
            return Some(value);
        }
        if is_message_array(value) {
            return value.get(0);
        }
        value.get("choices")?.get(0)?.get("message").filter(|message| message.is_object())
    }
    match output {
        Value::String(text) if chat_like => within(&parsed(text)?).cloned().map(Cow::Owned),
        Value::String(_) => None,
        other => within(other).map(Cow::Borrowed),
    }
}

/// A JSON array or object in a string.
fn parsed(text: &str) -> Option<Value> {
    // Most strings are prose: look at the first byte before paying for a parser.
    text.trim_start().starts_with(['[', '{']).then(|| serde_json::from_str(text).ok()).flatten()
}

fn is_instruction(message: &Value) -> bool {
    matches!(message.get("role").and_then(Value::as_str), Some("system" | "developer"))
}

/// Content texts of the messages wanted, with a blank line between; `None` when none is wanted.
fn join(messages: &[Value], wanted: impl Fn(&Value) -> bool) -> Option<String> {
    let mut any = false;
    let mut joined = String::new();
    for message in messages.iter().filter(|message| wanted(message)) {
        any = true;
        let text = content_text(message);
        if !joined.is_empty() && !text.is_empty() {
            joined.push_str("\n\n");
        }
        joined.push_str(&text);
    }
    any.then_some(joined)
}

/// Text of a message's content (D.3 rule 7).
fn content_text(message: &Value) -> Cow<'_, str> {
    match message.get("content") {
        None | Some(Value::Null) => Cow::Borrowed(""),
        Some(Value::Array(parts)) => Cow::Owned(parts.iter().filter_map(part_text).collect::<Vec<_>>().join("\n")),
        Some(other) => text_of(other),
    }
}

fn part_text(part: &Value) -> Option<&str> {
    if let Value::String(text) = part {
        return Some(text);
    }
    if let Some(text) = part.get("text").and_then(Value::as_str) {
        return Some(text);
    }
    match part.get("type").and_then(Value::as_str)? {
        "image" | "image_url" | "input_image" | "output_image" => Some("[image]"),
        "file" | "input_file" | "document" => Some("[file]"),
        _ => None,
    }
}

#[cfg(test)]
mod tests;
