//! Text and message views of a log's input and output (contract D.3). Nothing here is stored: every view is found anew
//! in the text that is stored, and copied from it where it stands there as it is shown.
//!
//! Members `prompt`, `completion`, `prompt_messages` and `completion_message` of the payload, where present, are what
//! the caller said instead of the derived view; ingestion keeps them only when they differ from it. Knows nothing of
//! the wire rows that show these views.

mod prose;

pub use prose::Prose;

use crate::field::Field;
use crate::json::{Json, compact};
use crate::log::{Log, payload};
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

/// Compact JSON text: part of what is stored, or made from it.
pub type Found<'a> = Cow<'a, str>;

fn json<'a>(found: &'a Found<'_>) -> Json<'a> {
    Json::written(found)
}

/// Text view of the input (`prompt`, D.3 rule 6).
pub fn prompt(log: &Log) -> Option<Prose<'_>> {
    if let Some(said) = log.payload.get(PROMPT).filter(|said| said.is_string()) {
        return Some(Prose::Value(said));
    }
    prompt_of(log.payload.get(payload::INPUT)?)
}

/// Text view of the output (`completion`, D.3 rule 6).
pub fn completion(log: &Log) -> Option<Prose<'_>> {
    if let Some(said) = log.payload.get(COMPLETION).filter(|said| said.is_string()) {
        return Some(Prose::Value(said));
    }
    completion_of(log.payload.get(payload::OUTPUT)?, chat_like(log))
}

/// The input as messages (`messages` of a row, `prompt_messages` of a span, D.3 rule 4).
pub fn input_messages(log: &Log) -> Option<Found<'_>> {
    match log.payload.get(PROMPT_MESSAGES) {
        Some(said) if are_objects(said) => Some(Cow::Borrowed(said.text())),
        _ => messages_of(log.payload.get(payload::INPUT)?, chat_like(log)),
    }
}

/// The output as an assistant message (D.3 rule 5).
pub fn output_message(log: &Log) -> Option<Found<'_>> {
    match log.payload.get(COMPLETION_MESSAGE) {
        Some(said) if said.is_object() => Some(Cow::Borrowed(said.text())),
        _ => message_of(log.payload.get(payload::OUTPUT)?, chat_like(log)),
    }
}

/// Joined content of the system and developer messages (D.3 rule 6).
pub fn system(log: &Log) -> Option<Prose<'_>> {
    let messages = input_messages(log)?;
    json(&messages).items().any(is_instruction).then_some(Prose::Instructions(messages))
}

/// The tool calls returned: as said, else lifted from the output or the provider's response (contract D.1).
pub fn tool_calls(log: &Log) -> Option<Found<'_>> {
    match log.payload.get(TOOL_CALLS) {
        Some(said) => Some(Cow::Borrowed(said.text())),
        None => lifted_tool_calls(log),
    }
}

/// [`tool_calls`] without regard to what the caller said.
pub(crate) fn lifted_tool_calls(log: &Log) -> Option<Found<'_>> {
    fn within(message: Json<'_>) -> Option<Json<'_>> {
        message.get(TOOL_CALLS).filter(|calls| are_objects(*calls) && calls.items().next().is_some())
    }
    let in_output = log.payload.get(payload::OUTPUT).and_then(|output| {
        if let Some(calls) = within(output) {
            return Some(Cow::Borrowed(calls.text()));
        }
        match said_message(output, chat_like(log))? {
            Cow::Borrowed(message) => within(Json::written(message)).map(|calls| calls.text().into()),
            Cow::Owned(message) => within(Json::written(&message)).map(|calls| calls.text().to_owned().into()),
        }
    });
    in_output.or_else(|| within(log.payload.get(COMPLETION_MESSAGE)?).map(|calls| calls.text().into())).or_else(|| {
        let response = log.payload.get("full_response")?;
        let first = || within(response.get("choices")?.items().next()?.get("message")?);
        within(response).or_else(first).map(|calls| calls.text().into())
    })
}

/// Whether the value reads as messages (D.3 rule 3). An empty array says nothing of what it would hold, so it does not.
pub fn reads_as_messages(value: Json<'_>) -> bool {
    message_array(value).is_some()
}

/// Whether logs of this type are conversations, whose plain strings are one message (D.3).
pub fn is_chat_like(log_type: &str) -> bool {
    matches!(log_type, "chat" | "completion" | "text" | "response")
}

/// Whether the value is an array of objects, which is all that `messages` may be (T6).
pub fn are_objects(value: Json<'_>) -> bool {
    value.is_array() && value.items().all(Json::is_object)
}

/// Text view of an input by itself: the contents of its messages without the instructions, else a string as it is and
/// anything else as compact JSON text; none for null.
pub fn prompt_of(input: Json<'_>) -> Option<Prose<'_>> {
    if input.is_null() {
        return None;
    }
    Some(message_array(input).map_or(Prose::Value(input), Prose::Messages))
}

/// Text view of an output by itself: the content of its message, else a string as it is and anything else as compact
/// JSON text; none for null.
pub fn completion_of(output: Json<'_>, chat_like: bool) -> Option<Prose<'_>> {
    if output.is_null() {
        return None;
    }
    Some(said_message(output, chat_like).map_or(Prose::Value(output), Prose::Message))
}

pub(crate) fn messages_of(input: Json<'_>, chat_like: bool) -> Option<Found<'_>> {
    let alone = || format!(r#"[{{"role":"user","content":{input}}}]"#).into();
    message_array(input).or_else(|| (chat_like && input.is_string()).then(alone))
}

pub(crate) fn message_of(output: Json<'_>, chat_like: bool) -> Option<Found<'_>> {
    if output.is_null() {
        return None;
    }
    let alone = || {
        let mut message = br#"{"role":"assistant","content":"#.to_vec();
        Prose::Value(output).write(&mut message);
        message.push(b'}');
        String::from_utf8(message).unwrap_or_default().into()
    };
    said_message(output, chat_like).or_else(|| chat_like.then(alone))
}

fn chat_like(log: &Log) -> bool {
    log.text(Field::LogType).is_some_and(is_chat_like)
}

/// The message array in an input: itself, under `messages`, or in a JSON string of either.
fn message_array(input: Json<'_>) -> Option<Found<'_>> {
    fn within(value: Json<'_>) -> Option<Json<'_>> {
        if value.is_array() { Some(value) } else { value.get("messages") }.filter(|found| is_message_array(*found))
    }
    if input.is_string() {
        return part_of(parsed(input)?, within);
    }
    within(input).map(|found| found.text().into())
}

fn is_message_array(value: Json<'_>) -> bool {
    value.items().next().is_some() && value.items().all(|item| item.get("role").is_some())
}

/// The message an output states by itself. Of several alternatives (`n` > 1) it is the first.
fn said_message(output: Json<'_>, chat_like: bool) -> Option<Found<'_>> {
    fn within(value: Json<'_>) -> Option<Json<'_>> {
        if value.get("role").is_some() {
            return Some(value);
        }
        if is_message_array(value) {
            return value.items().next();
        }
        value.get("choices")?.items().next()?.get("message").filter(|message| message.is_object())
    }
    if output.is_string() {
        return if chat_like { part_of(parsed(output)?, within) } else { None };
    }
    within(output).map(|found| found.text().into())
}

/// A part of a text that was made here.
fn part_of<'a>(text: String, find: impl Fn(Json<'_>) -> Option<Json<'_>>) -> Option<Found<'a>> {
    let found = find(Json::written(&text))?.text();
    if found.len() == text.len() { Some(text.into()) } else { Some(found.to_owned().into()) }
}

/// A JSON array or object in a string.
fn parsed(string: Json<'_>) -> Option<String> {
    // Most strings are prose: look at the first characters before paying for a parser.
    let begins = string.quoted()?.trim_start();
    if !begins.starts_with(['[', '{', '\\']) {
        return None;
    }
    let text = string.string()?;
    if text.trim_start().starts_with(['[', '{']) { compact(&text) } else { None }
}

fn is_instruction(message: Json<'_>) -> bool {
    matches!(message.get("role").map(Json::text), Some("\"system\"" | "\"developer\""))
}

#[cfg(test)]
pub(crate) mod tests;
