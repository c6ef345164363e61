//! Input, output and expected output: which member gives them, and which views the caller stated beside them (contract D.3
//! rule 2, B.11).
//!
//! Does not derive anything itself; see `log::derive`.

use crate::error::Result;
use crate::field::Field;
use crate::log::ingest::members::{Member, Members, Shape, Stated, wrong};
use crate::log::{Log, derive, payload};
use serde_json::Value;

/// Assistant messages when more than one was asked for; the output when there is no other.
const ALTERNATIVES: &str = "completion_messages";

/// Older name of `expected_output`.
const OLDER_TARGET: &str = "ideal_output";

/// What a body says of one side of the exchange.
pub(crate) struct Said {
    side: Side,
    value: Stated<Value>,
    structured: Option<Value>,
    text: Option<String>,
    /// A structured view was given as null: forget the one stated before.
    forget_structured: bool,
}

#[derive(Clone, Copy, PartialEq)]
enum Side {
    Input,
    Output,
}

impl Side {
    fn name(self) -> &'static str {
        match self {
            Self::Input => payload::INPUT,
            Self::Output => payload::OUTPUT,
        }
    }

    fn structured(self) -> &'static str {
        match self {
            Self::Input => derive::PROMPT_MESSAGES,
            Self::Output => derive::COMPLETION_MESSAGE,
        }
    }

    fn text(self) -> &'static str {
        match self {
            Self::Input => derive::PROMPT,
            Self::Output => derive::COMPLETION,
        }
    }
}

/// What the body says of the input.
pub(crate) fn input(members: &Members<'_>) -> Result<Said> {
    let structured = members.find(derive::PROMPT_MESSAGES).or_else(|| members.find("messages"));
    let structured = structured.map(|member| Shape::Objects.read(member.value, &member.path())).transpose()?;
    said(members, Side::Input, structured, None)
}

/// What the body says of the output.
pub(crate) fn output(members: &Members<'_>) -> Result<Said> {
    let structured = members.find(derive::COMPLETION_MESSAGE);
    let structured = structured.map(|member| Shape::Object.read(member.value, &member.path())).transpose()?;
    let several = members.find(ALTERNATIVES);
    let several = several.map(|member| Shape::Array.read(member.value, &member.path())).transpose()?;
    said(members, Side::Output, structured, several.filter(|value| !value.is_null()))
}

/// Sets the target for evaluation: `expected_output`, or its older name where that is absent (contract D.1).
pub(crate) fn set_expected(log: &mut Log, members: &Members<'_>) {
    let (target, older) = (members.find(payload::EXPECTED_OUTPUT), members.find(OLDER_TARGET));
    let value = |member: Member<'_>| Some(member.value.clone());
    match (target, older) {
        (Some(target), Some(older)) => {
            set(log, payload::EXPECTED_OUTPUT, value(target));
            set(log, OLDER_TARGET, value(older));
        }
        (Some(only), None) | (None, Some(only)) => set(log, payload::EXPECTED_OUTPUT, value(only)),
        (None, None) => {}
    }
}

fn said(members: &Members<'_>, side: Side, structured: Option<Value>, several: Option<Value>) -> Result<Said> {
    let forget_structured = structured.as_ref().is_some_and(Value::is_null);
    let mut structured = structured.filter(|value| !value.is_null());
    let mut text = stated_text(members, side)?;
    let mut value = members.any(side.name());
    if value == Stated::Absent {
        value = match structured.take().or(several) {
            Some(structured) => Stated::Value(structured),
            None => std::mem::replace(&mut text, Stated::Absent).map(Value::String),
        };
    }
    Ok(Said { side, value, structured, text: text.value(), forget_structured })
}

fn stated_text(members: &Members<'_>, side: Side) -> Result<Stated<String>> {
    let Some(member) = members.find(side.text()) else { return Ok(Stated::Absent) };
    match member.value {
        Value::String(text) => Ok(Stated::Value(text.clone())),
        Value::Null => Ok(Stated::Null),
        // A reference to a stored prompt, see `aliases`; it states no text.
        Value::Object(_) if side == Side::Input => Ok(Stated::Absent),
        other => Err(wrong(&member.path(), "a string", other)),
    }
}

impl Said {
    /// Whether the body gives a value, or one can be read from its other members.
    pub fn has_value(&self) -> bool {
        matches!(self.value, Stated::Value(_))
    }

    /// Puts the value in its place. Views stated beside an older value go with it.
    pub fn set_value(&mut self, log: &mut Log) {
        let value = match std::mem::replace(&mut self.value, Stated::Absent) {
            Stated::Absent => return,
            stated => stated.value(),
        };
        log.payload.shift_remove(self.side.structured());
        log.payload.shift_remove(self.side.text());
        if self.side == Side::Output {
            log.payload.shift_remove(derive::TOOL_CALLS);
            log.payload.shift_remove(ALTERNATIVES);
        }
        set(log, self.side.name(), value);
    }

    /// Keeps the stated views that differ from the derived ones. The log's type and value must be set before.
    pub fn set_views(self, log: &mut Log) {
        let chat_like = log.text(Field::LogType).is_some_and(derive::is_chat_like);
        let value = log.payload.get(self.side.name());
        let (structured, text) = match self.side {
            Side::Input => {
                (value.and_then(|value| derive::messages_of(value, chat_like)), value.and_then(derive::prompt_of))
            }
            Side::Output => (
                value.and_then(|value| derive::message_of(value, chat_like)),
                value.and_then(|value| derive::completion_of(value, chat_like)),
            ),
        };
        let structured = self.structured.filter(|said| structured.as_deref() != Some(said));
        let text = self.text.filter(|said| text.as_deref() != Some(said));
        if self.forget_structured {
            log.payload.shift_remove(self.side.structured());
        }
        if self.side == Side::Output && log.payload.get(ALTERNATIVES) == log.payload.get(payload::OUTPUT) {
            log.payload.shift_remove(ALTERNATIVES);
        }
        if let Some(structured) = structured {
            log.payload.insert(self.side.structured().to_owned(), structured);
        }
        if let Some(text) = text {
            log.payload.insert(self.side.text().to_owned(), Value::String(text));
        }
    }
}

/// Sets or clears a payload member; the payload never holds a null.
pub(crate) fn set(log: &mut Log, name: &str, value: Option<Value>) {
    match value.filter(|value| !value.is_null()) {
        Some(value) => {
            log.payload.insert(name.to_owned(), value);
        }
        None => {
            log.payload.shift_remove(name);
        }
    }
}
