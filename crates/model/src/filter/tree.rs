//! The checked filter: small, typed, bounded, the same for every store.
//!
//! Only positive tests exist; negative operators are `Not` around them, so that a null counts as "not equal" (contract
//! C.2).

use super::literal::Literal;
use super::pattern::{Like, Pattern};
use crate::field::{Field, TextField};
use serde::{Deserialize, Serialize};

/// A checked filter over fields of type `F`. `And([])` is true, `Or([])` is false.
#[derive(Clone, Debug)]
pub enum Tree<F> {
    /// All hold.
    And(Vec<Tree<F>>),
    /// At least one holds.
    Or(Vec<Tree<F>>),
    /// Does not hold.
    Not(Box<Tree<F>>),
    /// One field, one test.
    Compare(Compare<F>),
}

/// Filter over logs and dataset rows.
pub type LogFilter = Tree<LogField>;

impl<F> Tree<F> {
    /// The filter that every row passes.
    pub fn all() -> Self {
        Self::And(Vec::new())
    }

    /// The filter that no row passes.
    pub fn none() -> Self {
        Self::Or(Vec::new())
    }

    /// Whether this is [`Tree::all`].
    pub fn is_all(&self) -> bool {
        matches!(self, Self::And(parts) if parts.is_empty())
    }

    /// Both must hold.
    #[must_use]
    pub fn and(self, other: Self) -> Self {
        match (self, other) {
            (left, right) if right.is_all() => left,
            (left, right) if left.is_all() => right,
            (Self::And(mut parts), right) => {
                parts.push(right);
                Self::And(parts)
            }
            (left, right) => Self::And(vec![left, right]),
        }
    }

    /// The same filter over other fields.
    pub fn map<G>(self, field: &impl Fn(F) -> G) -> Tree<G> {
        let all = |parts: Vec<Self>| parts.into_iter().map(|part| part.map(field)).collect();
        match self {
            Self::And(parts) => Tree::And(all(parts)),
            Self::Or(parts) => Tree::Or(all(parts)),
            Self::Not(part) => Tree::Not(Box::new(part.map(field))),
            Self::Compare(part) => Tree::Compare(Compare { field: field(part.field), test: part.test }),
        }
    }

    /// Visits every comparison.
    pub fn visit<'a>(&'a self, seen: &mut impl FnMut(&'a Compare<F>)) {
        match self {
            Self::And(parts) | Self::Or(parts) => parts.iter().for_each(|part| part.visit(seen)),
            Self::Not(part) => part.visit(seen),
            Self::Compare(compare) => seen(compare),
        }
    }
}

/// One field, one test.
#[derive(Clone, Debug)]
pub struct Compare<F> {
    /// The field.
    pub field: F,
    /// The test. A null or absent field fails every test but `IsNull` and `Empty`.
    pub test: Test,
}

/// What is asked of a value.
#[derive(Clone, Debug)]
pub enum Test {
    /// Equals one of these; for an array value: one of its elements does.
    AnyOf(Vec<Literal>),
    /// Equals one of these after Unicode lower-casing both; texts are already lower-cased.
    AnyOfFolded(Vec<String>),
    /// Stands in this order to the literal.
    Ordered(Order, Literal),
    /// Contains one of these substrings; `fold`: after lower-casing both (needles already are).
    Contains {
        /// Substrings.
        needles: Vec<String>,
        /// Ignore case.
        fold: bool,
    },
    /// Begins with one of these.
    StartsWith(Vec<String>),
    /// Ends with one of these.
    EndsWith(Vec<String>),
    /// Has a match of the pattern anywhere.
    Regex(Pattern),
    /// Matches the pattern with wildcards as a whole, ignoring case.
    Like(Like),
    /// All of these lower-case words occur as words (runs of letters and digits), ignoring case.
    Words(Vec<String>),
    /// Trigram word similarity to this lower-case text is at least 0.6.
    Similar(String),
    /// Null or absent.
    IsNull,
    /// Null, absent, `""`, `[]` or `{}`.
    Empty,
    /// A map with every one of these keys, whatever their values.
    HasKeys(Vec<String>),
}

/// Direction of an ordered comparison.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Order {
    /// `>`
    Greater,
    /// `>=`
    GreaterOrEqual,
    /// `<`
    Less,
    /// `<=`
    LessOrEqual,
}

impl Order {
    /// Whether an ordering of value against literal satisfies this.
    pub fn holds(self, ordering: std::cmp::Ordering) -> bool {
        match self {
            Self::Greater => ordering.is_gt(),
            Self::GreaterOrEqual => ordering.is_ge(),
            Self::Less => ordering.is_lt(),
            Self::LessOrEqual => ordering.is_le(),
        }
    }
}

/// A field of a log or row that a filter or sort can name (contract C.4).
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum LogField {
    /// `id` = `unique_id`.
    Id,
    /// A typed column.
    Scalar(#[serde(with = "field_name")] Field),
    /// Text from the payload.
    Text(#[serde(with = "text_field_name")] TextField),
    /// A metadata value: the literal key, else the nested path (see `meaning::lookup`).
    Metadata(String),
    /// The whole metadata object: `HasKeys`, or text tests over its compact JSON text (`_` keys included).
    MetadataMap,
    /// The score of this evaluator id or slug.
    Score(String),
    /// The scores as a map keyed by evaluator id: `HasKeys` only; `evaluator_id` filters become this.
    ScoreMap,
}

impl LogField {
    /// Whether rows can be ordered by it: everything but payload text and whole maps.
    pub fn sortable(&self) -> bool {
        matches!(self, Self::Id | Self::Scalar(_) | Self::Metadata(_) | Self::Score(_))
    }

    /// Whether a test of it needs the payload of the row.
    pub fn needs_payload(&self) -> bool {
        matches!(self, Self::Text(_))
    }

    /// Name on the wire.
    pub fn name(&self) -> String {
        match self {
            Self::Id => "unique_id".to_owned(),
            Self::Scalar(field) => field.name().to_owned(),
            Self::Text(field) => field.name().to_owned(),
            Self::Metadata(key) => format!("metadata__{key}"),
            Self::MetadataMap => "metadata".to_owned(),
            Self::Score(key) => format!("scores__{key}"),
            Self::ScoreMap => "scores".to_owned(),
        }
    }
}

mod field_name {
    use crate::field::Field;
    use serde::{Deserialize, Deserializer, Serializer, de::Error};

    #[expect(clippy::trivially_copy_pass_by_ref, reason = "the shape serde's `with` calls")]
    pub fn serialize<S: Serializer>(field: &Field, out: S) -> Result<S::Ok, S::Error> {
        out.serialize_str(field.name())
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(input: D) -> Result<Field, D::Error> {
        let name = String::deserialize(input)?;
        Field::named(&name).ok_or_else(|| D::Error::custom(format!("no field `{name}`")))
    }
}

mod text_field_name {
    use crate::field::TextField;
    use serde::{Deserialize, Deserializer, Serializer, de::Error};

    #[expect(clippy::trivially_copy_pass_by_ref, reason = "the shape serde's `with` calls")]
    pub fn serialize<S: Serializer>(field: &TextField, out: S) -> Result<S::Ok, S::Error> {
        out.serialize_str(field.name())
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(input: D) -> Result<TextField, D::Error> {
        let name = String::deserialize(input)?;
        TextField::named(&name).ok_or_else(|| D::Error::custom(format!("no field `{name}`")))
    }
}
