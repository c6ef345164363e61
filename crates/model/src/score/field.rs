//! The fields of a score: one table that the struct, its storage, filters, sorts and the wire all read (contract C.8,
//! F.5).
//!
//! A line in braces is a member of [`Score`] that is kept as one value: adding one here, and its column by a migration,
//! adds a field to storage, lists, filters and sorts; bodies and the summaries that rows show name theirs by
//! themselves. A line with `=` says how a field follows from what is not kept so.

use super::{Echoed, ScoreStatus, ScoreValues, Source, Subject};
use crate::ids::{JobId, Place, ScoreId};
use crate::scalar::{Kind, Scalar};
use serde_json::Value;
use std::borrow::Cow;
use std::sync::LazyLock;

/// What is said of a field of a score.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ScoreSpec {
    /// Name on the wire.
    pub name: &'static str,
    /// Type; lists of texts and values of any type count as text.
    pub kind: Kind,
    /// What it says, for people.
    pub about: &'static str,
    /// Filters may name it.
    pub filtered: bool,
    /// Lists can be sorted by it (contract A.6).
    pub sortable: bool,
    /// Every score has it.
    pub required: bool,
}

/// The value of a field of one score.
#[derive(Clone, Debug, PartialEq)]
pub enum ScoreFieldValue<'a> {
    /// None.
    Null,
    /// One value.
    Scalar(Scalar),
    /// A text of the score's own.
    Text(Cow<'a, str>),
    /// Names of choices.
    Names(&'a [String]),
    /// As it was given, of any type.
    Echoed(&'a Value),
}

/// A member that is kept as one value.
trait Plain: Sized {
    /// Its type.
    const KIND: Kind;
    /// There is always one.
    const REQUIRED: bool;
    /// Before anything is said.
    fn unsaid() -> Self;
    fn value(&self) -> ScoreFieldValue<'_>;
    /// Reads back what was kept; `None` when it is of another type.
    fn read(kept: Option<Scalar>) -> Option<Self>;
}

macro_rules! plain {
    ($($type:ty, $kind:ident, $kept:ident => $read:expr, $value:ident => $write:expr;)*) => { $(
        impl Plain for $type {
            const KIND: Kind = Kind::$kind;
            const REQUIRED: bool = true;
            fn unsaid() -> Self { Self::default() }
            fn value(&self) -> ScoreFieldValue<'_> { let $value = self; $write }
            fn read(kept: Option<Scalar>) -> Option<Self> {
                match kept { Some(Scalar::$kind($kept)) => $read, _ => None }
            }
        }
        impl Plain for Option<$type> {
            const KIND: Kind = Kind::$kind;
            const REQUIRED: bool = false;
            fn unsaid() -> Self { None }
            fn value(&self) -> ScoreFieldValue<'_> { self.as_ref().map_or(ScoreFieldValue::Null, Plain::value) }
            fn read(kept: Option<Scalar>) -> Option<Self> {
                match kept { None => Some(None), kept => <$type as Plain>::read(kept).map(Some) }
            }
        }
    )* };
}

plain! {
    String, Text, text => Some(text), text => ScoreFieldValue::Text(Cow::Borrowed(text));
    f64, Float, number => Some(number), number => ScoreFieldValue::Scalar(Scalar::Float(*number));
    bool, Bool, flag => Some(flag), flag => ScoreFieldValue::Scalar(Scalar::Bool(*flag));
    u32, Int, number => u32::try_from(number).ok(), number => ScoreFieldValue::Scalar(Scalar::Int(i64::from(*number)));
}

macro_rules! fields {
    (
        $(#[doc = $struct_doc:literal])* Score { $($(#[doc = $kept_doc:literal])* $kept:ident: $kept_type:ty,)* }
        $(#[doc = $doc:literal] $variant:ident $name:literal [$($flag:ident)*]
            $({ $member:ident: $type:ty })? $($kind:ident $required:ident = $value:expr)?;)*
    ) => {
        $(#[doc = $struct_doc])*
        #[derive(Clone, Debug, PartialEq)]
        pub struct Score {
            $($(#[doc = $kept_doc])* pub $kept: $kept_type,)*
            $($(#[doc = $doc] pub $member: $type,)?)*
        }

        impl Score {
            /// A score of which nothing is said but what it is about and whose it is, written at `at`.
            pub fn unsaid(id: ScoreId, subject: Subject, source: Source, at: i64) -> Self {
                Self {
                    id,
                    subject,
                    source,
                    values: ScoreValues::default(),
                    status: ScoreStatus::default(),
                    run: None,
                    extra: Echoed::default(),
                    created_at: at,
                    updated_at: at,
                    $($($member: <$type as Plain>::unsaid(),)?)*
                }
            }
        }

        /// A field of a score (contract F.5).
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub enum ScoreField { $(#[doc = $doc] $variant,)* }

        impl ScoreField {
            /// Every field, in the order of the wire.
            pub const ALL: &'static [Self] = &[$(Self::$variant,)*];
            /// Those that are kept as one value.
            pub const PLAIN: &'static [Self] = &[$($(fields!(@plain $variant $member),)?)*];
            const SPECS: &'static [ScoreSpec] = &[$(ScoreSpec {
                name: $name,
                about: $doc,
                filtered: fields!(@has filtered $($flag)*),
                sortable: fields!(@has sortable $($flag)*),
                $(kind: <$type as Plain>::KIND, required: <$type as Plain>::REQUIRED,)?
                $(kind: Kind::$kind, required: fields!(@required $required),)?
            },)*];

            /// Its value in a score.
            pub fn value(self, score: &Score) -> ScoreFieldValue<'_> {
                match self { $(Self::$variant => {
                    $(Plain::value(&score.$member))?
                    $({ let value: for<'a> fn(&'a Score) -> ScoreFieldValue<'a> = $value; value(score) })?
                })* }
            }

            /// Puts what was kept of one of [`ScoreField::PLAIN`] into a score; false when it is of another type or the
            /// field is not one of these.
            pub fn put(self, score: &mut Score, kept: Option<Scalar>) -> bool {
                match self {
                    $($(Self::$variant => match <$type as Plain>::read(kept) {
                        Some(value) => { score.$member = value; true }
                        None => false,
                    },)?)*
                    _ => false,
                }
            }
        }
    };
    (@has filtered filtered $($rest:ident)*) => { true };
    (@has sortable sortable $($rest:ident)*) => { true };
    (@has $flag:ident $other:ident $($rest:ident)*) => { fields!(@has $flag $($rest)*) };
    (@has $flag:ident) => { false };
    (@plain $variant:ident $member:ident) => { Self::$variant };
    (@required always) => { true };
    (@required maybe) => { false };
}

// variant, name on the wire, [filtered, sortable], then `{ member: type }`, or type, always / maybe there, and how it
// follows
fields! {
    /// One score, as stored. Times are microseconds since the epoch. Unique by subject, source and `scorer`.
    Score {
        /// Id; kept when the score is written again.
        id: ScoreId,
        /// What it is about.
        subject: Subject,
        /// Whose it is.
        source: Source,
        /// What it says.
        values: ScoreValues,
        /// How its making ended.
        status: ScoreStatus,
        /// The run that made it.
        run: Option<JobId>,
        /// What its writer wants back as it was given.
        extra: Echoed,
        /// First written.
        created_at: i64,
        /// Last written.
        updated_at: i64,
    }

    /// Id.
    Id "id" [filtered] Text always = |score| owned(score.id.to_string());
    /// First written, ISO 8601 UTC.
    CreatedAt "created_at" [filtered sortable] Time always = |score| time(score.created_at);
    /// Last written, ISO 8601 UTC.
    UpdatedAt "updated_at" [filtered sortable] Time always = |score| time(score.updated_at);
    /// `llm`, `human`, `code`, `custom`, …
    Kind "type" [filtered] { kind: String };
    /// `prod` or `test`.
    Environment "environment" [filtered] { environment: String };
    /// Number.
    NumericalValue "numerical_value" [filtered sortable] Float maybe = |score| score.values.numerical.value();
    /// Text.
    StringValue "string_value" [filtered] Text maybe = |score| score.values.string.value();
    /// Yes or no.
    BooleanValue "boolean_value" [filtered] Bool maybe = |score| score.values.boolean.value();
    /// Names of choices.
    CategoricalValue "categorical_value" [filtered] Text maybe = |score| names(score.values.categorical.as_deref());
    /// JSON as text (T19).
    JsonValue "json_value" [filtered] Text maybe = |score| score.values.json.value();
    /// Whether the evaluator's conditions hold; none when they do not tell (F.3).
    IsPassed "is_passed" [filtered] { is_passed: Option<bool> };
    /// USD spent on it.
    Cost "cost" [filtered sortable] { cost: f64 };
    /// The evaluator; null for a custom slug.
    EvaluatorId "evaluator_id" [filtered] Text maybe = |score| shown(score.source.evaluator_id);
    /// Its slug.
    EvaluatorSlug "evaluator_slug" [filtered] Text always = |score| score.source.slug.value();
    /// Its name.
    EvaluatorName "evaluator_name" [filtered] Text always = |score| score.source.name.value();
    /// Version of the evaluator that made it.
    EvaluatorVersion "evaluator_version" [] { evaluator_version: Option<u32> };
    /// What its scores hold.
    ScoreValueType "score_value_type" [] Text always = |score| name(score.source.value_type.name());
    /// Who or what produced it: a model, `code`, a person.
    Scorer "scorer" [filtered] { scorer: String };
    /// The log or row it is about.
    LogId "log_id" [filtered] Text always = |score| name(score.subject.log_id.as_str());
    /// The dataset that the row is in; null for a request log.
    DatasetId "dataset_id" [filtered] Text maybe = |score| dataset_id(score).map_or(ScoreFieldValue::Null, owned);
    /// As given.
    PromptId "prompt_id" [filtered] Text always = |score| echoed(score.extra.prompt_id.as_ref());
    /// As given.
    PromptVersionNumber "prompt_version_number" [] Text always = |score| echoed(prompt_version(score));
    /// As given.
    AutomationId "automation_id" [filtered] Text always = |score| echoed(score.extra.automation_id.as_ref());
    /// `completed` or `failed`.
    Status "status" [filtered] Text always = |score| name(score.status.name());
    /// Why it failed.
    ErrorMessage "error_message" [filtered] { error_message: Option<String> };
    /// Why it is what it is.
    Explanation "explanation" [filtered] { explanation: Option<String> };
    /// The evaluation run that made it.
    RunId "run_id" [filtered] Text maybe = |score| shown(score.run);
}

fn owned(text: String) -> ScoreFieldValue<'static> {
    ScoreFieldValue::Text(Cow::Owned(text))
}

fn name(text: &str) -> ScoreFieldValue<'_> {
    ScoreFieldValue::Text(Cow::Borrowed(text))
}

fn shown(id: Option<impl ToString>) -> ScoreFieldValue<'static> {
    id.map_or(ScoreFieldValue::Null, |id| owned(id.to_string()))
}

fn names(names: Option<&[String]>) -> ScoreFieldValue<'_> {
    names.map_or(ScoreFieldValue::Null, ScoreFieldValue::Names)
}

fn prompt_version(score: &Score) -> Option<&Value> {
    score.extra.prompt_version_number.as_ref()
}

fn time(micros: i64) -> ScoreFieldValue<'static> {
    ScoreFieldValue::Scalar(Scalar::Time(micros))
}

fn echoed(value: Option<&Value>) -> ScoreFieldValue<'_> {
    value.map_or(ScoreFieldValue::Null, ScoreFieldValue::Echoed)
}

/// What a score shows as `dataset_id`: none for a score of a request log.
fn dataset_id(score: &Score) -> Option<String> {
    match score.subject.place {
        Place::RequestLogs => None,
        place => place.dataset_id_text(),
    }
}

impl ScoreField {
    /// The line of the table.
    pub const fn spec(self) -> &'static ScoreSpec {
        &Self::SPECS[self as usize]
    }

    /// Name on the wire.
    pub fn name(self) -> &'static str {
        self.spec().name
    }

    /// The field of this name.
    pub fn named(name: &str) -> Option<Self> {
        static BY_NAME: LazyLock<std::collections::HashMap<&'static str, ScoreField>> =
            LazyLock::new(|| ScoreField::ALL.iter().map(|field| (field.name(), *field)).collect());
        BY_NAME.get(name).copied()
    }
}
