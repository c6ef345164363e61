//! A text view: which value or messages it is told from, and how it is told, as text or as a JSON string. What stands
//! between the quotation marks of a string in the stored text is copied between those of another, never read and
//! written again.

use super::{Found, is_instruction, json};
use crate::json::Json;
use std::borrow::Cow;

/// A text view.
#[derive(Clone, Debug)]
pub enum Prose<'a> {
    /// A string as it is, anything else as its compact JSON text.
    Value(Json<'a>),
    /// Contents of the messages of an array that are no instructions, with a blank line between.
    Messages(Found<'a>),
    /// Contents of those that are.
    Instructions(Found<'a>),
    /// Content of one message.
    Message(Found<'a>),
}

impl<'a> Prose<'a> {
    /// The text; copied only where it does not stand in the stored text as it is.
    pub fn text(self) -> Cow<'a, str> {
        match &self {
            Self::Value(value) => return text_of(*value),
            Self::Message(Cow::Borrowed(message)) => {
                if let Some(content) = Json::written(message).get("content").filter(|content| !content.is_array()) {
                    return if content.is_null() { "".into() } else { text_of(content) };
                }
            }
            Self::Message(_) | Self::Messages(_) | Self::Instructions(_) => {}
        }
        let mut text = Plain(String::new());
        self.tell(&mut text);
        text.0.into()
    }

    /// Writes it as a JSON string.
    pub fn write(&self, out: &mut Vec<u8>) {
        out.push(b'"');
        self.tell(&mut Quoted(out));
        out.push(b'"');
    }

    fn tell(&self, to: &mut impl Teller) {
        match self {
            Self::Value(value) => tell_value(*value, to),
            Self::Messages(messages) => tell_messages(json(messages), |message| !is_instruction(message), to),
            Self::Instructions(messages) => tell_messages(json(messages), is_instruction, to),
            Self::Message(message) => tell_content(json(message), to),
        }
    }
}

/// A string as it is, anything else as its compact JSON text.
pub(super) fn text_of(value: Json<'_>) -> Cow<'_, str> {
    value.string().unwrap_or(Cow::Borrowed(value.text()))
}

/// Where a view is told.
trait Teller {
    /// Adds what stands between the quotation marks of a JSON string.
    fn quoted(&mut self, inside: &str);
    /// Adds a text.
    fn plain(&mut self, text: &str);
    /// How much there is.
    fn len(&self) -> usize;
    /// Puts a blank line in, behind so much.
    fn part(&mut self, at: usize);
}

struct Plain(String);

impl Teller for Plain {
    fn quoted(&mut self, inside: &str) {
        if inside.contains('\\') {
            let text: String = serde_json::from_str(&format!("\"{inside}\"")).unwrap_or_default();
            self.0.push_str(&text);
        } else {
            self.0.push_str(inside);
        }
    }

    fn plain(&mut self, text: &str) {
        self.0.push_str(text);
    }

    fn len(&self) -> usize {
        self.0.len()
    }

    fn part(&mut self, at: usize) {
        self.0.insert_str(at, "\n\n");
    }
}

struct Quoted<'o>(&'o mut Vec<u8>);

impl Teller for Quoted<'_> {
    fn quoted(&mut self, inside: &str) {
        self.0.extend_from_slice(inside.as_bytes());
    }

    fn plain(&mut self, text: &str) {
        let start = self.0.len();
        // Text always serialises, and a vector takes it all.
        serde_json::to_writer(&mut *self.0, text).ok();
        self.0.pop();
        self.0.remove(start);
    }

    fn len(&self) -> usize {
        self.0.len()
    }

    fn part(&mut self, at: usize) {
        self.0.splice(at..at, *b"\\n\\n");
    }
}

fn tell_value(value: Json<'_>, to: &mut impl Teller) {
    match value.quoted() {
        Some(inside) => to.quoted(inside),
        None => to.plain(value.text()),
    }
}

fn tell_messages(messages: Json<'_>, wanted: impl Fn(Json<'_>) -> bool, to: &mut impl Teller) {
    let start = to.len();
    for message in messages.items().filter(|message| wanted(*message)) {
        let before = to.len();
        tell_content(message, to);
        // Contents that are empty make no blank line.
        if before > start && to.len() > before {
            to.part(before);
        }
    }
}

/// Text of a message's content (D.3 rule 7).
fn tell_content(message: Json<'_>, to: &mut impl Teller) {
    let Some(content) = message.get("content").filter(|content| !content.is_null()) else { return };
    if !content.is_array() {
        return tell_value(content, to);
    }
    let mut any = false;
    for part in content.items() {
        let Some(part) = part_text(part) else { continue };
        if any {
            to.plain("\n");
        }
        any = true;
        tell_value(part, to);
    }
}

fn part_text(part: Json<'_>) -> Option<Json<'_>> {
    if part.is_string() {
        return Some(part);
    }
    if let Some(text) = part.get("text").filter(|text| text.is_string()) {
        return Some(text);
    }
    match part.get("type")?.quoted()? {
        "image" | "image_url" | "input_image" | "output_image" => Some(Json::written("\"[image]\"")),
        "file" | "input_file" | "document" => Some(Json::written("\"[file]\"")),
        _ => None,
    }
}
