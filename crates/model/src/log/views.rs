//! The views of [`derive`](super::derive) as JSON text, written straight from a stored payload where that is plain: strings that
//! are prose, messages whose contents are strings. Whatever else there is, the caller asks `derive`, whose meaning this is.
//!
//! Stored texts are compact JSON as written by this program, so that a part of one can be copied as it is.

use super::derive::{COMPLETION, COMPLETION_MESSAGE, PROMPT, PROMPT_MESSAGES, TOOL_CALLS};
use super::payload::{INPUT, OUTPUT};
use super::text::{Name, PayloadText};
use serde::de::{Deserialize, Deserializer, IgnoredAny, MapAccess, Visitor};
use serde_json::value::RawValue;
use std::borrow::Cow;
use std::cell::OnceCell;
use std::fmt;

/// A view: JSON text in up to three pieces, to be written one after the other.
pub type Pieces<'a> = [Cow<'a, str>; 3];

/// A view as JSON text, `null` included.
#[derive(Debug)]
pub enum View<'a> {
    /// To be copied.
    Copied(&'a str),
    /// To be written piece by piece.
    Pieces(Pieces<'a>),
    /// Not plain: `derive` has to tell.
    Unknown,
}

/// The views of one payload.
pub struct Views<'a> {
    payload: &'a PayloadText<'a>,
    /// See [`derive::is_chat_like`](super::derive::is_chat_like).
    chat_like: bool,
    input: OnceCell<Input<'a>>,
}

/// What an input is.
enum Input<'a> {
    Nothing,
    /// A string that is prose, as JSON text.
    Prose(&'a str),
    /// Messages, as JSON text and one by one.
    Messages(&'a str, Vec<Message<'a>>),
    /// Anything else.
    Other,
}

const NULL: View<'static> = View::Copied("null");

impl<'a> Views<'a> {
    /// Over a payload.
    pub fn new(payload: &'a PayloadText<'a>, chat_like: bool) -> Self {
        Self { payload, chat_like, input: OnceCell::new() }
    }

    fn input(&self) -> &Input<'a> {
        self.input.get_or_init(|| match self.payload.get(INPUT) {
            None | Some("null") => Input::Nothing,
            Some(text) if is_prose(text) => Input::Prose(text),
            Some(text) if text.starts_with('[') => match serde_json::from_str::<Vec<Message<'a>>>(text) {
                Ok(messages) if !messages.is_empty() => Input::Messages(text, messages),
                _ => Input::Other,
            },
            Some(_) => Input::Other,
        })
    }

    /// See [`derive::prompt`](super::derive::prompt).
    pub fn prompt(&self) -> View<'a> {
        if let Some(said) = self.payload.get(PROMPT).filter(|said| said.starts_with('"')) {
            return View::Copied(said);
        }
        match self.input() {
            Input::Nothing => NULL,
            Input::Prose(text) => View::Copied(text),
            Input::Messages(_, messages) => {
                joined(messages.iter().filter(|message| !message.is_instruction()), View::Copied("\"\""))
            }
            Input::Other => View::Unknown,
        }
    }

    /// See [`derive::completion`](super::derive::completion).
    pub fn completion(&self) -> View<'a> {
        if let Some(said) = self.payload.get(COMPLETION).filter(|said| said.starts_with('"')) {
            return View::Copied(said);
        }
        match self.payload.get(OUTPUT) {
            None | Some("null") => NULL,
            Some(text) if is_prose(text) => View::Copied(text),
            Some(text) => match message(text).map(|message| message.content) {
                Some(Content::Text(content)) => View::Copied(content),
                Some(Content::Nothing) => View::Copied("\"\""),
                Some(Content::Other) | None => View::Unknown,
            },
        }
    }

    /// See [`derive::input_messages`](super::derive::input_messages).
    pub fn messages(&self) -> View<'a> {
        if self.payload.get(PROMPT_MESSAGES).is_some() {
            return View::Unknown;
        }
        match self.input() {
            Input::Prose(text) if self.chat_like => {
                View::Pieces([r#"[{"role":"user","content":"#.into(), (*text).into(), "}]".into()])
            }
            Input::Nothing | Input::Prose(_) => NULL,
            Input::Messages(text, _) => View::Copied(text),
            Input::Other => View::Unknown,
        }
    }

    /// See [`derive::output_message`](super::derive::output_message).
    pub fn completion_message(&self) -> View<'a> {
        if self.payload.get(COMPLETION_MESSAGE).is_some() {
            return View::Unknown;
        }
        match self.payload.get(OUTPUT) {
            None | Some("null") => NULL,
            Some(text) if is_prose(text) && self.chat_like => {
                View::Pieces([r#"{"role":"assistant","content":"#.into(), text.into(), "}".into()])
            }
            Some(text) if is_prose(text) => NULL,
            Some(text) if message(text).is_some() => View::Copied(text),
            Some(_) => View::Unknown,
        }
    }

    /// See [`derive::system_text`](super::derive::system_text).
    pub fn system(&self) -> View<'a> {
        if self.payload.get(PROMPT_MESSAGES).is_some() {
            return View::Unknown;
        }
        match self.input() {
            Input::Nothing | Input::Prose(_) => NULL,
            Input::Messages(_, messages) => joined(messages.iter().filter(|message| message.is_instruction()), NULL),
            Input::Other => View::Unknown,
        }
    }

    /// See [`derive::tool_calls`](super::derive::tool_calls).
    pub fn tool_calls(&self) -> View<'a> {
        if let Some(said) = self.payload.get(TOOL_CALLS) {
            return View::Copied(said);
        }
        let elsewhere = [COMPLETION_MESSAGE, "full_response"].iter().any(|name| self.payload.get(name).is_some());
        match self.payload.get(OUTPUT) {
            _ if elsewhere => View::Unknown,
            None | Some("null") => NULL,
            Some(text) if is_prose(text) => NULL,
            // JSON in a string may spell the name in other ways.
            Some(text) if text.starts_with('"') || text.contains(TOOL_CALLS) => View::Unknown,
            Some(_) => NULL,
        }
    }
}

/// Whether a JSON text is a string that does not look like JSON again.
fn is_prose(text: &str) -> bool {
    let Some(inner) = text.strip_prefix('"') else { return false };
    inner.chars().next().is_some_and(|first| !matches!(first, '\\' | '[' | '{') && !first.is_whitespace())
}

/// The output as a message, if it is one.
fn message(text: &str) -> Option<Message<'_>> {
    if text.starts_with('{') { serde_json::from_str(text).ok() } else { None }
}

/// Contents with a blank line between; `none` when there is no message.
fn joined<'a, 'm>(messages: impl Iterator<Item = &'m Message<'a>>, none: View<'a>) -> View<'a>
where
    'a: 'm,
{
    let (mut any, mut first, mut more) = (false, "\"\"", None::<String>);
    for message in messages {
        any = true;
        let text = match message.content {
            Content::Nothing => "\"\"",
            Content::Text(text) => text,
            Content::Other => return View::Unknown,
        };
        // What stands between the quotation marks of two strings may stand in one.
        match &mut more {
            _ if text == "\"\"" => {}
            None if first == "\"\"" => first = text,
            None => more = Some([&first[..first.len() - 1], "\\n\\n", &text[1..]].concat()),
            Some(joined) => {
                joined.pop();
                joined.push_str("\\n\\n");
                joined.push_str(&text[1..]);
            }
        }
    }
    match more {
        _ if !any => none,
        None => View::Copied(first),
        Some(joined) => View::Pieces([joined.into(), "".into(), "".into()]),
    }
}

/// One message.
struct Message<'a> {
    role: &'a RawValue,
    content: Content<'a>,
}

/// The content of a message.
#[derive(Clone, Copy)]
enum Content<'a> {
    /// None, or null.
    Nothing,
    /// A string, as JSON text.
    Text(&'a str),
    /// Parts, or anything else.
    Other,
}

impl Message<'_> {
    fn is_instruction(&self) -> bool {
        matches!(self.role.get(), "\"system\"" | "\"developer\"")
    }
}

impl<'de: 'a, 'a> Deserialize<'de> for Message<'a> {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        struct Members;
        impl<'de> Visitor<'de> for Members {
            type Value = Message<'de>;

            fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
                out.write_str("a message")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                let (mut role, mut content) = (None, Content::Nothing);
                while let Some(Name(name)) = map.next_key()? {
                    match &*name {
                        "role" => role = Some(map.next_value::<&RawValue>()?),
                        "content" => {
                            content = match map.next_value::<&RawValue>()?.get() {
                                "null" => Content::Nothing,
                                text if text.starts_with('"') => Content::Text(text),
                                _ => Content::Other,
                            }
                        }
                        _ => drop(map.next_value::<IgnoredAny>()?),
                    }
                }
                let role = role.ok_or_else(|| serde::de::Error::missing_field("role"))?;
                Ok(Message { role, content })
            }
        }
        from.deserialize_map(Members)
    }
}

#[cfg(test)]
mod tests;
