//! JSON of logs: dataset rows in lists and alone, request logs, and the replies to their creation (contract B.7, B.9,
//! E.1, E.3, E.5).
//!
//! Rows are written straight from the stored log; nothing big is copied. Every member is always there, null when unset.
//! Does not know which rows to show.

pub mod csv;
mod member;
mod preview;
mod score;
mod text;

use member::Cell;
pub use member::{DETAIL, LIST, Member, Named, SPAN, ScoreShape, named};
pub use preview::Preview;
pub use score::score_value;
#[cfg(test)]
pub(crate) use score::tests::shown as some_scores;
pub use text::{RowKind, RowText};
use text::{Source, needs};

use evalset_model::field::Field;
use evalset_model::key::Organization;
use evalset_model::log::Log;
use evalset_model::score::ShownScores;
use serde::ser::{Serialize, SerializeMap, Serializer};
use serde_json::{Map, Value};

/// What all rows of one answer share.
#[derive(Clone, Debug)]
pub struct RowContext<'a> {
    organization: &'a Organization,
    dataset_id: Option<String>,
}

impl<'a> RowContext<'a> {
    /// `dataset_id` is none for request logs, see `Place::dataset_id_text`.
    pub fn new(organization: &'a Organization, dataset_id: Option<String>) -> Self {
        Self { organization, dataset_id }
    }
}

/// The members a caller asked for (contract A.7): `id`, `unique_id` and those named; names that no row has are passed
/// over.
#[derive(Clone, Debug, PartialEq)]
pub struct IncludeFields(Vec<Named>);

impl IncludeFields {
    /// Reads a comma-separated list of names.
    pub fn parse(names: &str) -> Self {
        let mut members = vec![("id", Member::Id), ("unique_id", Member::Id)];
        for asked in names.split(',').filter_map(|name| named(name.trim())) {
            if !members.contains(&asked) {
                members.push(asked);
            }
        }
        Self(members)
    }

    fn members(&self) -> &[Named] {
        &self.0
    }
}

/// One log with the members of one shape.
#[derive(Clone, Copy)]
struct Row<'a> {
    log: &'a Log,
    context: &'a RowContext<'a>,
    members: &'a [Named],
    shape: ScoreShape,
    scores: Option<&'a ShownScores>,
}

impl Serialize for Row<'_> {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        let Self { log, context, members, shape, scores } = *self;
        let mut object = to.serialize_map(Some(members.len()))?;
        for (name, member) in members {
            object.serialize_entry(name, &Cell { member: *member, log, context, scores, shape })?;
        }
        object.end()
    }
}

macro_rules! rows {
    ($($(#[$doc:meta])* $name:ident $members:ident $shape:ident;)*) => { $(
        $(#[$doc])*
        #[derive(Clone, Copy)]
        pub struct $name<'a>(Row<'a>);

        impl<'a> $name<'a> {
            /// The log as this shape, or with the members asked for; without scores.
            pub fn new(log: &'a Log, context: &'a RowContext<'a>, include: Option<&'a IncludeFields>) -> Self {
                let members = include.map_or($members.as_slice(), IncludeFields::members);
                Self(Row { log, context, members, shape: ScoreShape::$shape, scores: None })
            }

            /// With these scores.
            #[must_use]
            pub fn scored(mut self, scores: &'a ShownScores) -> Self {
                self.0.scores = Some(scores);
                self
            }
        }

        impl Serialize for $name<'_> {
            fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
                self.0.serialize(to)
            }
        }
    )* };
}

rows! {
    /// A dataset row in a list; `scores` is an object.
    ListRow LIST Object;
    /// A dataset row alone, and a line of an export; `scores` is an array.
    DetailRow DETAIL Array;
    /// A request log in a list; `scores` is an object.
    SpanRow SPAN Object;
}

/// A request log alone; `scores` is an object.
#[derive(Clone, Copy)]
pub struct SpanDetail<'a>(SpanRow<'a>);

impl<'a> SpanDetail<'a> {
    /// Everything stored of the log; without scores.
    pub fn new(log: &'a Log, context: &'a RowContext<'a>) -> Self {
        Self(SpanRow::new(log, context, None))
    }

    /// With these scores.
    #[must_use]
    pub fn scored(self, scores: &'a ShownScores) -> Self {
        Self(self.0.scored(scores))
    }
}

impl Serialize for SpanDetail<'_> {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        self.0.serialize(to)
    }
}

/// Reply to the creation of a dataset row (contract B.7, T12).
pub struct CreatedRow<'a>(DetailRow<'a>);

impl<'a> CreatedRow<'a> {
    /// For this new row.
    pub fn new(log: &'a Log, context: &'a RowContext<'a>) -> Self {
        Self(DetailRow::new(log, context, None))
    }
}

impl Serialize for CreatedRow<'_> {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        let mut object = to.serialize_map(Some(3))?;
        object.serialize_entry("message", "The log was added to the dataset.")?;
        object.serialize_entry("unique_id", self.0.0.log.id.as_str())?;
        object.serialize_entry("log_data", &self.0)?;
        object.end()
    }
}

/// Members of the reply to an ingested request log, beside `message` (contract E.1).
pub const CREATED_SPAN: &[Named] = &[
    ("id", Member::Id),
    ("unique_id", Member::Id),
    ("organization_id", Member::OrganizationId),
    ("customer_identifier", Member::Scalar(Field::CustomerIdentifier)),
    ("status", Member::Scalar(Field::Status)),
    ("cost", Member::Scalar(Field::Cost)),
    ("timestamp", Member::Scalar(Field::Timestamp)),
    ("environment", Member::Scalar(Field::Environment)),
    ("latency", Member::Scalar(Field::Latency)),
    ("time_to_first_token", Member::Scalar(Field::TimeToFirstToken)),
    ("prompt_cache_creation_tokens", Member::Scalar(Field::PromptCacheCreationTokens)),
    ("prompt_cache_hit_tokens", Member::Scalar(Field::PromptCacheHitTokens)),
];

/// Reply to an ingested request log (contract E.1).
pub struct CreatedSpan<'a> {
    log: &'a Log,
    context: &'a RowContext<'a>,
}

impl<'a> CreatedSpan<'a> {
    /// For this new log.
    pub fn new(log: &'a Log, context: &'a RowContext<'a>) -> Self {
        Self { log, context }
    }
}

impl Serialize for CreatedSpan<'_> {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        let Self { log, context } = *self;
        let mut object = to.serialize_map(Some(CREATED_SPAN.len() + 1))?;
        object.serialize_entry("message", "The log was stored.")?;
        for (name, member) in CREATED_SPAN {
            object.serialize_entry(
                name,
                &Cell { member: *member, log, context, scores: None, shape: ScoreShape::Object },
            )?;
        }
        object.end()
    }
}

/// The object a row writes, for callers that look into it.
pub fn to_map(row: &impl Serialize) -> Map<String, Value> {
    match serde_json::to_value(row) {
        Ok(Value::Object(members)) => members,
        _ => Map::new(),
    }
}

#[cfg(test)]
mod tests;
