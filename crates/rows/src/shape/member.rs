//! The members of log objects: their names, which object has which, and how each is written from a stored log.
//!
//! One table for JSON rows, CSV columns, `include_fields` and the OpenAPI document (contract B.9, D.1, E.3, E.5).

use super::RowContext;
use super::score::Summary;
use evalset_model::field::Field;
use evalset_model::json::Json;
use evalset_model::log::derive::{self, Prose};
use evalset_model::log::{Log, payload};
use evalset_model::scalar::{Scalar, format_time};
use evalset_model::score::ShownScores;
use serde::Serialize;
use serde::ser::{SerializeMap, Serializer};
use serde_json::{Map, Value};
use std::sync::LazyLock;

/// A member of a log object.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Member {
    /// `id` and `unique_id`.
    Id,
    /// The dataset a row is in.
    DatasetId,
    /// UUID of the organization, under both its names.
    OrganizationId,
    /// A typed field.
    Scalar(Field),
    /// Who completed the annotation: a user triple.
    Annotator,
    /// Text view of the input.
    Prompt,
    /// Text view of the output.
    Completion,
    /// The input as messages, under both its names.
    Messages,
    /// The output as an assistant message.
    CompletionMessage,
    /// Text of the instructions.
    System,
    /// Tool calls, said or lifted.
    ToolCalls,
    /// Metadata without reserved keys.
    Metadata,
    /// Scores: an object or an array, as the place wants.
    Scores,
    /// A structured member, as stored.
    Stored(&'static str),
    /// Name of the key, under the older list's name for it.
    KeyName,
    /// Always false here.
    False,
    /// Always null here.
    Null,
}

/// Which JSON `scores` are: by evaluator id or custom slug, or one after the other; newest first (contract F.6).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ScoreShape {
    /// T2, T21.
    Object,
    /// T3.
    Array,
}

/// A member under one of its names.
pub type Named = (&'static str, Member);

/// Members of a list row (contract B.9).
pub static LIST: LazyLock<Vec<Named>> = LazyLock::new(|| {
    let mut members = identity();
    members.truncate(4);
    members.extend(Field::ALL.iter().filter(|field| field.spec().in_list).map(|field| scalar(*field)));
    members.extend([
        ("prompt", Member::Prompt),
        ("completion", Member::Completion),
        ("input", Member::Stored(payload::INPUT)),
        ("output", Member::Stored(payload::OUTPUT)),
        ("expected_output", Member::Stored(payload::EXPECTED_OUTPUT)),
        ("metadata", Member::Metadata),
        ("scores", Member::Scores),
    ]);
    members
});

/// Members of a detail row: everything stored (contract B.9).
pub static DETAIL: LazyLock<Vec<Named>> = LazyLock::new(|| {
    let mut members = identity();
    members.extend(Field::ALL.iter().map(|field| scalar(*field)));
    members.extend([
        ("prompt", Member::Prompt),
        ("completion", Member::Completion),
        ("system", Member::System),
        ("input", Member::Stored(payload::INPUT)),
        ("output", Member::Stored(payload::OUTPUT)),
        ("expected_output", Member::Stored(payload::EXPECTED_OUTPUT)),
        ("messages", Member::Messages),
    ]);
    members.extend(structured());
    members
});

/// Members of a request log, in lists and alone (contract E.3, E.5).
pub static SPAN: LazyLock<Vec<Named>> = LazyLock::new(|| {
    let mut members = identity();
    members.retain(|(name, _)| *name != "dataset_id");
    members.extend(Field::ALL.iter().filter(|field| !Field::ANNOTATION.contains(field)).map(|field| scalar(*field)));
    members.extend([
        ("period_start", Member::Null),
        ("period_end", Member::Null),
        ("input", Member::Stored(payload::INPUT)),
        ("output", Member::Stored(payload::OUTPUT)),
        ("expected_output", Member::Stored(payload::EXPECTED_OUTPUT)),
    ]);
    members.extend(structured());
    members.extend([("organization_key__name", Member::KeyName), ("used_custom_credential", Member::False)]);
    members
});

fn identity() -> Vec<Named> {
    vec![
        ("id", Member::Id),
        ("unique_id", Member::Id),
        ("dataset_id", Member::DatasetId),
        ("organization_id", Member::OrganizationId),
        ("unique_organization_id", Member::OrganizationId),
    ]
}

fn scalar(field: Field) -> Named {
    match field {
        Field::AnnotationCompletedBy => (field.name(), Member::Annotator),
        _ => (field.name(), Member::Scalar(field)),
    }
}

/// What both detail shapes have beside fields and content.
fn structured() -> Vec<Named> {
    let mut members =
        vec![("metadata", Member::Metadata), ("metrics", Member::Stored(payload::METRICS)), ("scores", Member::Scores)];
    members.extend(payload::KEPT.iter().map(|name| {
        let member = match *name {
            derive::PROMPT_MESSAGES => Member::Messages,
            derive::COMPLETION_MESSAGE => Member::CompletionMessage,
            derive::TOOL_CALLS => Member::ToolCalls,
            name => Member::Stored(name),
        };
        (*name, member)
    }));
    members
}

/// The member of this name that a list may be asked to include; `None` for unknown names.
pub fn named(name: &str) -> Option<Named> {
    let known = DETAIL.iter().chain(SPAN.iter()).find(|(known, _)| *known == name).copied();
    known.or_else(|| {
        let field = Field::named(name)?;
        let alias = field.spec().aliases.iter().find(|alias| **alias == name)?;
        Some((*alias, scalar(field).1))
    })
}

/// The value of one member of one log, ready to be written.
pub(super) struct Cell<'a> {
    /// Which member.
    pub member: Member,
    /// Of which log.
    pub log: &'a Log,
    /// Where it stands.
    pub context: &'a RowContext<'a>,
    /// The scores it shows.
    pub scores: Option<&'a ShownScores>,
    /// How they are written.
    pub shape: ScoreShape,
}

impl Serialize for Cell<'_> {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        let log = self.log;
        match self.member {
            Member::Id => to.serialize_str(log.id.as_str()),
            Member::DatasetId => self.context.dataset_id.serialize(to),
            Member::OrganizationId => to.collect_str(&self.context.organization.id),
            Member::Scalar(field) => write_scalar(log.scalars.get(field), to),
            Member::Annotator => annotator(log).serialize(to),
            Member::Prompt => derive::prompt(log).map(Prose::text).serialize(to),
            Member::Completion => derive::completion(log).map(Prose::text).serialize(to),
            Member::Messages => derive::input_messages(log).as_deref().map(Json::written).serialize(to),
            Member::CompletionMessage => derive::output_message(log).as_deref().map(Json::written).serialize(to),
            Member::System => derive::system(log).map(Prose::text).serialize(to),
            Member::ToolCalls => derive::tool_calls(log).as_deref().map(Json::written).serialize(to),
            Member::Metadata => write_metadata(&log.metadata, to),
            Member::Scores => self.write_scores(to),
            Member::Stored(name) => log.payload.get(name).serialize(to),
            Member::KeyName => log.text(Field::OrganizationKeyName).serialize(to),
            Member::False => to.serialize_bool(false),
            Member::Null => to.serialize_none(),
        }
    }
}

impl Cell<'_> {
    fn write_scores<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        let scores = self.scores.into_iter().flatten();
        match self.shape {
            ScoreShape::Object => to.collect_map(scores.map(|score| (score.source.key(), Summary(score)))),
            ScoreShape::Array => to.collect_seq(scores.map(Summary)),
        }
    }
}

fn write_scalar<S: Serializer>(scalar: Option<&Scalar>, to: S) -> Result<S::Ok, S::Error> {
    match scalar {
        None => to.serialize_none(),
        Some(Scalar::Text(text)) => to.serialize_str(text),
        Some(Scalar::Int(number)) => to.serialize_i64(*number),
        Some(Scalar::Float(number)) => to.serialize_f64(*number),
        Some(Scalar::Bool(flag)) => to.serialize_bool(*flag),
        Some(Scalar::Time(micros)) => to.serialize_str(&format_time(*micros)),
    }
}

/// Keys that begin with `_` are the platform's: stored, never shown (contract A.3).
fn write_metadata<S: Serializer>(metadata: &Map<String, Value>, to: S) -> Result<S::Ok, S::Error> {
    let mut map = to.serialize_map(None)?;
    for (key, value) in metadata.iter().filter(|(key, _)| !key.starts_with('_')) {
        map.serialize_entry(key, value)?;
    }
    map.end()
}

/// A user as the API shows one; empty strings when nobody (contract B.9).
#[derive(Serialize)]
struct User<'a> {
    first_name: &'a str,
    last_name: &'a str,
    email: &'a str,
}

fn annotator(log: &Log) -> User<'_> {
    User { first_name: "", last_name: "", email: log.text(Field::AnnotationCompletedBy).unwrap_or("") }
}
