//! Reads the members of a wire body: which layer gives a member, and whether its value is of the right shape.
//!
//! Knows the field table and the shapes of structured members, not what becomes of them.

use crate::error::{Error, Result};
use crate::field::Field;
use crate::json::{Json, Text, compact};
use crate::log::ingest::{Body, size};
use crate::log::{annotation, payload};
use crate::scalar::{Scalar, brief};
use serde_json::{Map, Value};
use std::borrow::Cow;
use std::fmt::Display;

/// Longest `span_name`, in characters (contract D.1).
pub const SPAN_NAME_CHARS: usize = 255;
/// Greatest integer a field takes, and the negative of the least: all that JSON readers agree on.
pub const MAX_INT: i64 = 9_007_199_254_740_992;
/// Year 1 to year 9999, microseconds since the epoch.
const TIMES: std::ops::RangeInclusive<i64> = -62_135_596_800_000_000..=253_402_300_799_999_999;

/// The members of a body that mean something, from the layer that wins to the one that gives way.
pub(crate) struct Members<'a> {
    body: &'a Body,
    layers: Vec<Layer<'a>>,
    /// Whether `null` is a value (PATCH: clear) or the same as absent (ingestion).
    nulls: bool,
}

/// An object of members.
struct Layer<'a> {
    /// Empty for the body itself.
    name: &'static str,
    members: Vec<Known<'a>>,
}

/// A member whose name is known.
struct Known<'a> {
    name: &'a str,
    /// The writable field of this name.
    field: Option<Field>,
    value: Json<'a>,
}

/// What a body says of a member.
#[derive(Debug, PartialEq)]
pub(crate) enum Stated<T> {
    /// Nothing.
    Absent,
    /// That it is null; only where nulls count.
    Null,
    /// A value.
    Value(T),
}

impl<T> Stated<T> {
    /// The same said of another type.
    pub fn map<U>(self, change: impl FnOnce(T) -> U) -> Stated<U> {
        match self {
            Self::Absent => Stated::Absent,
            Self::Null => Stated::Null,
            Self::Value(value) => Stated::Value(change(value)),
        }
    }

    /// The value, if there is one.
    pub fn value(self) -> Option<T> {
        match self {
            Self::Value(value) => Some(value),
            Self::Absent | Self::Null => None,
        }
    }
}

/// One member found.
pub(crate) struct Member<'a> {
    /// Its value; null only where nulls count.
    pub value: Json<'a>,
    layer: &'static str,
    name: &'a str,
}

impl Member<'_> {
    /// Where it stands in the body, for messages.
    pub fn path(&self) -> Cow<'_, str> {
        if self.layer.is_empty() {
            Cow::Borrowed(self.name)
        } else {
            Cow::Owned(format!("{}.{}", self.layer, self.name))
        }
    }
}

impl<'a> Layer<'a> {
    fn of(name: &'static str, members: impl Iterator<Item = (&'a str, Json<'a>)>) -> Self {
        let known = members.filter_map(|(name, value)| {
            let field = named(name);
            let known = field.is_some() || shape_of(name).is_some() || FURTHER.contains(&name);
            known.then_some(Known { name, field: field.filter(|field| field.spec().writable), value })
        });
        Self { name, members: known.collect() }
    }
}

impl<'a> Members<'a> {
    /// The body, then the objects it holds under `layers`, each giving way to those before it.
    pub fn new(body: &'a Body, layers: &[&'static str], nulls: bool) -> Result<Self> {
        let mut all = vec![Layer::of("", body.members())];
        for layer in layers {
            match body.get(layer) {
                None => {}
                Some(value) if value.is_null() => {}
                Some(value) if value.is_object() => all.push(Layer::of(layer, value.members())),
                Some(other) => return Err(wrong(layer, "an object", &other)),
            }
        }
        Ok(Self { body, layers: all, nulls })
    }

    /// A value of the body, to be kept.
    pub fn keep(&self, value: Json<'_>) -> Text {
        self.body.keep(value)
    }

    /// The member of this name.
    pub fn find(&self, name: &'a str) -> Option<Member<'a>> {
        self.layers.iter().find_map(|layer| {
            let found = layer.members.iter().find(|member| member.name == name && self.counts(member.value))?;
            Some(Member { value: found.value, layer: layer.name, name })
        })
    }

    /// Whether the body itself names the member, even as null.
    pub fn names(&self, name: &str) -> bool {
        self.layers.iter().any(|layer| layer.members.iter().any(|member| member.name == name))
    }

    /// The object of this name.
    pub fn object(&self, name: &'a str) -> Result<Stated<Json<'a>>> {
        let Some(member) = self.find(name) else { return Ok(Stated::Absent) };
        match member.value {
            value if value.is_null() => Ok(Stated::Null),
            value if value.is_object() => Ok(Stated::Value(value)),
            other => Err(wrong(&member.path(), "an object", &other)),
        }
    }

    /// The metadata, which is the one structured member that is held as values, so that their number is bounded.
    pub fn metadata(&self) -> Result<Stated<Map<String, Value>>> {
        let object = self.object("metadata")?;
        if let Stated::Value(metadata) = &object {
            size::check_metadata(metadata.values(), self.body.metadata_values())?;
        }
        let tree = |metadata: Json<'_>| match metadata.to_value() {
            Value::Object(members) => members,
            _ => Map::new(),
        };
        Ok(object.map(tree))
    }

    /// The member of this name as it is.
    pub fn any(&self, name: &'a str) -> Stated<Text> {
        match self.find(name).map(|member| member.value) {
            None => Stated::Absent,
            Some(value) if value.is_null() => Stated::Null,
            Some(value) => Stated::Value(self.keep(value)),
        }
    }

    /// Every writable scalar field given, each once: its own name wins over aliases, earlier layers over later ones.
    pub fn fields(&self) -> Result<Vec<(Field, Option<Scalar>)>> {
        let mut found: Vec<(Field, Option<Scalar>)> = Vec::new();
        for layer in &self.layers {
            for own_name in [true, false] {
                for Known { name, field, value } in &layer.members {
                    let Some(field) = *field else { continue };
                    let taken = found.iter().any(|(other, _)| *other == field);
                    if (field.name() == *name) != own_name || taken || !self.counts(*value) {
                        continue;
                    }
                    let member = Member { value: *value, layer: layer.name, name };
                    found.push((field, stated(field, *value, &member.path())?));
                }
            }
        }
        Ok(found)
    }

    /// Every structured member that is kept under its own name, checked; null only where nulls count.
    pub fn kept(&self) -> Result<Vec<(&'a str, Text)>> {
        let mut found: Vec<(&'a str, Text)> = Vec::new();
        for layer in &self.layers {
            for Known { name, value, .. } in &layer.members {
                let Some(shape) = shape_of(name) else { continue };
                if self.counts(*value) && !found.iter().any(|(other, _)| other == name) {
                    found.push((name, self.shaped(shape, &Member { value: *value, layer: layer.name, name })?));
                }
            }
        }
        Ok(found)
    }

    /// A member in this shape. Text of JSON in the right shape is read, as older SDKs send structures as text.
    pub fn shaped(&self, shape: Shape, member: &Member<'_>) -> Result<Text> {
        let value = member.value;
        if value.is_null() || shape.fits(value) {
            return Ok(self.keep(value));
        }
        let within = value.string().and_then(|text| compact(&text)).filter(|read| shape.fits(Json::written(read)));
        within.map(Text::written).ok_or_else(|| wrong(&member.path(), shape.name(), &value))
    }

    fn counts(&self, value: Json<'_>) -> bool {
        self.nulls || !value.is_null()
    }
}

/// Names that mean something beside fields and structured members.
const FURTHER: &[&str] = &[
    payload::INPUT,
    payload::OUTPUT,
    payload::EXPECTED_OUTPUT,
    payload::METRICS,
    "ideal_output",
    "messages",
    "prompt_messages",
    "completion_message",
    "prompt",
    "completion",
    "metadata",
    "disable_log",
    "unique_id",
];

fn named(name: &str) -> Option<Field> {
    // Contract D.5 knows this name for measurements only; a filter on it means a metadata key.
    if name == "tokens" { Some(Field::TotalRequestTokens) } else { Field::named(name) }
}

/// Reads the text of a value of a scalar field, see [`scalar`].
pub(crate) fn stated(field: Field, value: Json<'_>, path: &str) -> Result<Option<Scalar>> {
    match value.scalar() {
        Some(value) => scalar(field, &value, path),
        None => Err(field.kind().refused(path, &value)),
    }
}

/// Reads a value of a scalar field and holds it to the field's own bounds. `path` is named in errors.
pub(crate) fn scalar(field: Field, value: &Value, path: &str) -> Result<Option<Scalar>> {
    let Some(scalar) = Scalar::from_json(field.kind(), value, path)? else { return Ok(None) };
    Ok(match (field, scalar) {
        // An empty parent is how tracers write "no parent".
        (Field::SpanParentId, Scalar::Text(text)) if text.is_empty() => None,
        (Field::LogType, Scalar::Text(text)) => Some(Scalar::Text(text.to_lowercase())),
        (Field::SpanName, Scalar::Text(text)) if text.chars().count() > SPAN_NAME_CHARS => {
            let message =
                format!("`{path}` must be at most {SPAN_NAME_CHARS} characters, got {}", text.chars().count());
            return Err(Error::invalid(path, message));
        }
        (Field::AnnotationStatus, Scalar::Text(text)) if !annotation::is_status(&text) => {
            let allowed = "`pending`, `in_progress` or `completed`";
            return Err(wrong(path, allowed, value));
        }
        (_, Scalar::Int(number)) if number.unsigned_abs() > MAX_INT.unsigned_abs() => {
            return Err(wrong(path, &format!("an integer between -{MAX_INT} and {MAX_INT}"), value));
        }
        (_, Scalar::Time(micros)) if !TIMES.contains(&micros) => {
            return Err(wrong(path, "a time in the years 1 to 9999 (UTC)", value));
        }
        (_, scalar) => Some(scalar),
    })
}

/// The instant, moved into the years that can be written.
pub(crate) fn clamp_time(micros: i64) -> i64 {
    micros.clamp(*TIMES.start(), *TIMES.end())
}

/// The error that `path` holds `value` instead of what is `allowed`.
pub(crate) fn wrong(path: &str, allowed: &str, value: &impl Display) -> Error {
    Error::invalid(path, format!("`{path}` must be {allowed}, got {}", brief(value)))
}

/// What a structured member must be.
#[derive(Clone, Copy)]
pub(crate) enum Shape {
    /// Any JSON.
    Any,
    /// An object.
    Object,
    /// An array.
    Array,
    /// An array of objects.
    Objects,
    /// A number.
    Number,
}

impl Shape {
    fn fits(self, value: Json<'_>) -> bool {
        match self {
            Self::Any => true,
            Self::Object => value.is_object(),
            Self::Array => value.is_array(),
            Self::Objects => crate::log::derive::are_objects(value),
            Self::Number => value.is_number(),
        }
    }

    fn name(self) -> &'static str {
        match self {
            Self::Any => "any JSON",
            Self::Object => "an object",
            Self::Array => "an array",
            Self::Objects => "an array of objects",
            Self::Number => "a number",
        }
    }
}

/// The shape of a member of `payload::KEPT`; `None` for names that are read elsewhere or may not be written.
pub(crate) fn shape_of(name: &str) -> Option<Shape> {
    Some(match name {
        "full_request" | "full_response" | "variables" | "usage" | "response_format" | "customer_params" => {
            Shape::Object
        }
        "completion_messages" => Shape::Array,
        "tools" | "tool_calls" => Shape::Objects,
        "prompt_unit_price" | "completion_unit_price" => Shape::Number,
        "tool_choice" | "reasoning" | "properties" | "warnings" | "stop" | "embedding" | "encoding_format"
        | "dimensions" | "audio_input_file" | "audio_output_file" | "cache_enabled" | "cache_options" | "cache_ttl"
        | "span_handoffs" | "span_tools" | "span_links" => Shape::Any,
        _ => return None,
    })
}
