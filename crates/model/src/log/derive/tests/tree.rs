//! The views told from trees of values, naively: what the views found in text are held to.

use super::super::{COMPLETION, COMPLETION_MESSAGE, PROMPT, PROMPT_MESSAGES, TOOL_CALLS};
use crate::log::payload;
use serde_json::{Map, Value, json};
use std::borrow::Cow;

/// A payload as a tree.
pub struct Tree {
    pub payload: Map<String, Value>,
    pub chat_like: bool,
}

pub fn system_text(log: &Tree) -> Option<String> {
    let messages = input_messages(log)?;
    join(messages.as_array()?, is_instruction)
}

pub fn prompt(log: &Tree) -> Option<Cow<'_, str>> {
    if let Some(Value::String(text)) = log.payload.get(PROMPT) {
        return Some(Cow::Borrowed(text));
    }
    prompt_of(log.payload.get(payload::INPUT)?)
}

pub fn completion(log: &Tree) -> Option<Cow<'_, str>> {
    if let Some(Value::String(text)) = log.payload.get(COMPLETION) {
        return Some(Cow::Borrowed(text));
    }
    completion_of(log.payload.get(payload::OUTPUT)?, log.chat_like)
}

pub fn input_messages(log: &Tree) -> Option<Cow<'_, Value>> {
    match log.payload.get(PROMPT_MESSAGES) {
        Some(said) if are_objects(said) => Some(Cow::Borrowed(said)),
        _ => messages_of(log.payload.get(payload::INPUT)?, log.chat_like),
    }
}

pub fn output_message(log: &Tree) -> Option<Cow<'_, Value>> {
    match log.payload.get(COMPLETION_MESSAGE) {
        Some(said @ Value::Object(_)) => Some(Cow::Borrowed(said)),
        _ => message_of(log.payload.get(payload::OUTPUT)?, log.chat_like),
    }
}

pub fn tool_calls(log: &Tree) -> Option<Cow<'_, Value>> {
    match log.payload.get(TOOL_CALLS) {
        Some(said) => Some(Cow::Borrowed(said)),
        None => lifted_tool_calls(log),
    }
}

fn lifted_tool_calls(log: &Tree) -> Option<Cow<'_, Value>> {
    fn within(message: &Value) -> Option<&Value> {
        message.get(TOOL_CALLS).filter(|calls| are_objects(calls) && calls.get(0).is_some())
    }
    let in_output = log.payload.get(payload::OUTPUT).and_then(|output| match output {
        Value::Object(_) if within(output).is_some() => within(output).map(Cow::Borrowed),
        _ => match said_message(output, log.chat_like)? {
            Cow::Borrowed(message) => within(message).map(Cow::Borrowed),
            Cow::Owned(message) => within(&message).cloned().map(Cow::Owned),
        },
    });
    in_output.or_else(|| within(log.payload.get(COMPLETION_MESSAGE)?).map(Cow::Borrowed)).or_else(|| {
        let response = log.payload.get("full_response")?;
        within(response).or_else(|| within(response.get("choices")?.get(0)?.get("message")?)).map(Cow::Borrowed)
    })
}

fn are_objects(value: &Value) -> bool {
    value.as_array().is_some_and(|items| items.iter().all(Value::is_object))
}

fn text_of(value: &Value) -> Cow<'_, str> {
    match value {
        Value::String(text) => Cow::Borrowed(text),
        other => Cow::Owned(other.to_string()),
    }
}

fn prompt_of(input: &Value) -> Option<Cow<'_, str>> {
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

fn completion_of(output: &Value, chat_like: bool) -> Option<Cow<'_, str>> {
    if output.is_null() {
        return None;
    }
    Some(match said_message(output, chat_like) {
        Some(Cow::Borrowed(message)) => content_text(message),
        Some(Cow::Owned(message)) => Cow::Owned(content_text(&message).into_owned()),
        None => text_of(output),
    })
}

fn messages_of(input: &Value, chat_like: bool) -> Option<Cow<'_, Value>> {
    message_array(input).or_else(|| match input {
        Value::String(text) if chat_like => Some(Cow::Owned(json!([{"role": "user", "content": text}]))),
        _ => None,
    })
}

fn message_of(output: &Value, chat_like: bool) -> Option<Cow<'_, Value>> {
    if output.is_null() {
        return None;
    }
    said_message(output, chat_like)
        .or_else(|| chat_like.then(|| Cow::Owned(json!({"role": "assistant", "content": text_of(output)}))))
}

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

fn parsed(text: &str) -> Option<Value> {
    // Most strings are prose: look at the first byte before paying for a parser.
    text.trim_start().starts_with(['[', '{']).then(|| serde_json::from_str(text).ok()).flatten()
}

fn is_instruction(message: &Value) -> bool {
    matches!(message.get("role").and_then(Value::as_str), Some("system" | "developer"))
}

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
