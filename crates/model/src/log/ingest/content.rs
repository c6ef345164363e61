//! Input, output and expected output: which member gives them, and which views the caller stated beside them (contract
//! D.3 rule 2, B.11).
//!
//! Does not derive anything itself; see `log::derive`.

use crate::error::Result;
use crate::field::Field;
use crate::json::{Json, Text, same};
use crate::log::ingest::members::{Member, Members, Shape, Stated, wrong};
use crate::log::{Log, derive, payload};

/// Assistant messages when more than one was asked for; the output when there is no other.
const ALTERNATIVES: &str = "completion_messages";

/// Older name of `expected_output`.
const OLDER_TARGET: &str = "ideal_output";

/// What a body says of one side of the exchange.
pub(crate) struct Said {
    side: Side,
    value: Stated<Text>,
    structured: Option<Text>,
    /// A string.
    text: Option<Text>,
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
    let structured = structured.map(|member| members.shaped(Shape::Objects, &member)).transpose()?;
    said(members, Side::Input, structured, None)
}

/// What the body says of the output.
pub(crate) fn output(members: &Members<'_>) -> Result<Said> {
    let structured = members.find(derive::COMPLETION_MESSAGE);
    let structured = structured.map(|member| members.shaped(Shape::Object, &member)).transpose()?;
    let several = members.find(ALTERNATIVES);
    let several = several.map(|member| members.shaped(Shape::Array, &member)).transpose()?;
    said(members, Side::Output, structured, several.filter(|value| !value.json().is_null()))
}

/// Sets the target for evaluation: `expected_output`, or its older name where that is absent (contract D.1).
pub(crate) fn set_expected(log: &mut Log, members: &Members<'_>) {
    let (target, older) = (members.find(payload::EXPECTED_OUTPUT), members.find(OLDER_TARGET));
    let value = |member: Member<'_>| Some(members.keep(member.value));
    match (target, older) {
        (Some(target), Some(older)) => {
            log.payload.set(payload::EXPECTED_OUTPUT, value(target));
            log.payload.set(OLDER_TARGET, value(older));
        }
        (Some(only), None) | (None, Some(only)) => log.payload.set(payload::EXPECTED_OUTPUT, value(only)),
        (None, None) => {}
    }
}

fn said(members: &Members<'_>, side: Side, structured: Option<Text>, several: Option<Text>) -> Result<Said> {
    let forget_structured = structured.as_ref().is_some_and(|value| value.json().is_null());
    let mut structured = structured.filter(|_| !forget_structured);
    let mut text = stated_text(members, side)?;
    let mut value = members.any(side.name());
    if value == Stated::Absent {
        value = match structured.take().or(several) {
            Some(structured) => Stated::Value(structured),
            None => std::mem::replace(&mut text, Stated::Absent),
        };
    }
    Ok(Said { side, value, structured, text: text.value(), forget_structured })
}

fn stated_text(members: &Members<'_>, side: Side) -> Result<Stated<Text>> {
    let Some(member) = members.find(side.text()) else { return Ok(Stated::Absent) };
    match member.value {
        value if value.is_string() => Ok(Stated::Value(members.keep(value))),
        value if value.is_null() => Ok(Stated::Null),
        // A reference to a stored prompt, see `aliases`; it states no text.
        value if value.is_object() && side == Side::Input => Ok(Stated::Absent),
        other => Err(wrong(&member.path(), "a string", &other)),
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
        log.payload.remove(self.side.structured());
        log.payload.remove(self.side.text());
        if self.side == Side::Output {
            log.payload.remove(derive::TOOL_CALLS);
            log.payload.remove(ALTERNATIVES);
        }
        log.payload.set(self.side.name(), value);
    }

    /// Keeps the stated views that differ from the derived ones. The log's type and value must be set before.
    pub fn set_views(self, log: &mut Log) {
        let structured = self.structured.as_ref().filter(|said| !self.is_derived(said, log)).cloned();
        let text = self.text.as_ref().filter(|said| !self.is_derived_text(said, log)).cloned();
        if self.forget_structured {
            log.payload.remove(self.side.structured());
        }
        if self.side == Side::Output
            && let (Some(several), Some(output)) = (log.payload.get(ALTERNATIVES), log.payload.get(payload::OUTPUT))
            && same(several, output)
        {
            log.payload.remove(ALTERNATIVES);
        }
        if let Some(structured) = structured {
            log.payload.set(self.side.structured(), Some(structured));
        }
        if let Some(text) = text {
            log.payload.set(self.side.text(), Some(text));
        }
    }

    /// Whether the messages said are those that the value reads as.
    fn is_derived(&self, said: &Text, log: &Log) -> bool {
        let chat_like = log.text(Field::LogType).is_some_and(derive::is_chat_like);
        let derived = log.payload.get(self.side.name()).and_then(|value| match self.side {
            Side::Input => derive::messages_of(value, chat_like),
            Side::Output => derive::message_of(value, chat_like),
        });
        derived.is_some_and(|derived| same(Json::written(&derived), said.json()))
    }

    /// Whether the text said is the one that the value reads as.
    fn is_derived_text(&self, said: &Text, log: &Log) -> bool {
        let chat_like = log.text(Field::LogType).is_some_and(derive::is_chat_like);
        let derived = log.payload.get(self.side.name()).and_then(|value| match self.side {
            Side::Input => derive::prompt_of(value),
            Side::Output => derive::completion_of(value, chat_like),
        });
        derived.is_some_and(|derived| said.json().string() == Some(derived.text()))
    }
}
