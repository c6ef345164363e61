//! One score as a line of `score`, there and back; its columns follow from the table of score fields. Knows neither
//! rows nor indexes.

use crate::engine::writer::Tx;
use crate::file::error::Sql;
use crate::file::number::SourceNumber;
use crate::scores::sources;
use evalset_index::CollectionNumber;
use evalset_model::evaluator::ScoreValueType;
use evalset_model::ids::{JobId, LogId, OrganizationId, Place, ScoreId};
use evalset_model::scalar::{Kind, Scalar};
use evalset_model::score::{Score, ScoreField, ScoreFieldValue, ScoreStatus, ScoreValues, Source, Subject};
use evalset_model::{Error, Result};
use rusqlite::types::Value;
use rusqlite::{Connection, OptionalExtension, Row};
use serde::de::DeserializeOwned;
use std::sync::LazyLock;
use uuid::Uuid;

/// Columns that are not a value of their own, in the order they are read and written in; those of [`ScoreField::PLAIN`]
/// follow.
const FIXED: &[&str] = &[
    "id",
    "log_id",
    "numerical_value",
    "boolean_value",
    "string_value",
    "categorical_value",
    "json_value",
    "status",
    "run",
    "extra",
    "created_at",
    "updated_at",
];

/// Columns of the source and of the place, which are read before all others.
const AROUND: &str = "o.evaluator_id, o.slug, o.name, o.value_type, s.collection AS collection";
/// How many they are.
const AROUND_COLUMNS: usize = 5;

/// The column of a field.
fn column(field: ScoreField) -> &'static str {
    match field {
        ScoreField::Kind => "kind",
        field => field.name(),
    }
}

/// Columns of `score` that hold what a score says.
fn columns() -> impl Iterator<Item = &'static str> {
    FIXED.iter().copied().chain(ScoreField::PLAIN.iter().map(|field| column(*field)))
}

/// Selects scores with their source; callers append `WHERE …`.
pub(crate) static SELECT: LazyLock<String> =
    LazyLock::new(|| format!("{} FROM score s JOIN score_source o ON o.number = s.source", selected()));

/// The same with the number of the row that has the score's id in collection `?1`, as `row`.
pub(crate) static SELECT_WITH_ROW: LazyLock<String> = LazyLock::new(|| {
    format!(
        "{}, l.row AS row FROM score s JOIN score_source o ON o.number = s.source \
         CROSS JOIN log l ON l.collection = ?1 AND l.unique_id = s.log_id",
        selected()
    )
});

fn selected() -> String {
    let columns: Vec<String> = columns().map(|column| format!("s.{column} AS {column}")).collect();
    format!("SELECT {AROUND}, {}", columns.join(", "))
}

/// Reads one line of [`SELECT`].
pub(crate) fn decode(line: &Row<'_>, organization: OrganizationId, place: Place) -> Result<Score> {
    let text = |index: usize| line.get::<_, Option<String>>(index).sql();
    let must = |index: usize| line.get::<_, String>(index).sql();
    let source = Source {
        evaluator_id: text(0)?.map(|id| id.parse()).transpose().map_err(Error::internal)?,
        slug: must(1)?,
        name: must(2)?,
        value_type: ScoreValueType::parse("value_type", &must(3)?).map_err(Error::internal)?,
    };
    let at = |index: usize| AROUND_COLUMNS + index;
    let id = ScoreId(line.get::<_, Uuid>(at(0)).sql()?);
    let subject = Subject { organization, place, log_id: LogId(must(at(1))?) };
    let failed = must(at(7))? == ScoreStatus::Failed.name();
    let mut score = Score {
        values: ScoreValues {
            numerical: line.get(at(2)).sql()?,
            boolean: line.get(at(3)).sql()?,
            string: text(at(4))?,
            categorical: text(at(5))?.map(|text| json(&text)).transpose()?,
            json: text(at(6))?,
        },
        status: if failed { ScoreStatus::Failed } else { ScoreStatus::Completed },
        run: text(at(8))?.map(|id| id.parse().map(JobId)).transpose().map_err(Error::internal)?,
        extra: text(at(9))?.map(|text| json(&text)).transpose()?.unwrap_or_default(),
        updated_at: line.get(at(11)).sql()?,
        ..Score::unsaid(id, subject, source, line.get(at(10)).sql()?)
    };
    for (index, field) in ScoreField::PLAIN.iter().enumerate() {
        let kept = scalar(line, at(FIXED.len() + index), field.spec().kind)?;
        if !field.put(&mut score, kept) {
            return Err(Error::internal(format!("a score holds a wrong `{}`", column(*field))));
        }
    }
    Ok(score)
}

/// The value of a column that holds one of a kind.
fn scalar(line: &Row<'_>, index: usize, kind: Kind) -> Result<Option<Scalar>> {
    Ok(match kind {
        Kind::Text => line.get::<_, Option<String>>(index).sql()?.map(Scalar::Text),
        Kind::Int => line.get::<_, Option<i64>>(index).sql()?.map(Scalar::Int),
        Kind::Float => line.get::<_, Option<f64>>(index).sql()?.map(Scalar::Float),
        Kind::Bool => line.get::<_, Option<bool>>(index).sql()?.map(Scalar::Bool),
        Kind::Time => line.get::<_, Option<i64>>(index).sql()?.map(Scalar::Time),
    })
}

/// What stands in the way of a failed score.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Failure {
    /// A completed score of the same subject, source and scorer.
    Yields,
    /// Nothing.
    Replaces,
}

/// Of `score`: what says whose a score is and what it is about, which a score written over another one leaves as it is.
const OF_SUBJECT: &[&str] = &["id", "log_id", "scorer", "created_at"];

/// Writes over the score of the same collection (`?1`), log, source (`?2`) and scorer, if there is one; `?3`: also a
/// failed one over a completed one.
static UPSERT: LazyLock<String> = LazyLock::new(|| {
    let names: Vec<&str> = columns().collect();
    let places: Vec<String> = (0..names.len()).map(|index| format!("?{}", index + BEFORE + 1)).collect();
    let changed = names.iter().filter(|name| !OF_SUBJECT.contains(name));
    let changes: Vec<String> = changed.map(|name| format!("{name} = excluded.{name}")).collect();
    format!(
        "INSERT INTO score (collection, source, {}) VALUES (?1, ?2, {}) \
         ON CONFLICT (collection, log_id, source, scorer) DO UPDATE SET {} \
         WHERE ?3 OR NOT (excluded.status = 'failed' AND score.status = 'completed') RETURNING id",
        names.join(", "),
        places.join(", "),
        changes.join(", ")
    )
});

/// Parameters of [`UPSERT`] before those of the columns.
const BEFORE: usize = 3;

/// Writes a score over the one of the same subject, source and scorer, if there is one. Returns the id it has then;
/// `None` when it was not written.
pub(crate) fn upsert(
    connection: &Connection,
    score: &Score,
    (collection, source): (CollectionNumber, SourceNumber),
    failure: Failure,
) -> Result<Option<ScoreId>> {
    let mut statement = connection.prepare_cached(&UPSERT).sql()?;
    statement.raw_bind_parameter(1, collection.0).sql()?;
    statement.raw_bind_parameter(2, source).sql()?;
    statement.raw_bind_parameter(3, failure == Failure::Replaces).sql()?;
    for (index, value) in values(score)?.into_iter().enumerate() {
        statement.raw_bind_parameter(BEFORE + 1 + index, value).sql()?;
    }
    let mut lines = statement.raw_query();
    let id = lines.next().sql()?.map(|line| line.get::<_, Uuid>(0)).transpose().sql()?;
    // To its end, so that the statement has done all of its work.
    while lines.next().sql()?.is_some() {}
    Ok(id.map(ScoreId))
}

/// What stands in [`columns`].
fn values(score: &Score) -> Result<Vec<Value>> {
    let said = &score.values;
    let text = |text: &Option<String>| text.clone().map_or(Value::Null, Value::Text);
    let extra = if score.extra.is_empty() { None } else { Some(to_json(&score.extra)?) };
    let mut values = vec![
        Value::Blob(score.id.0.as_bytes().to_vec()),
        Value::Text(score.subject.log_id.0.clone()),
        said.numerical.map_or(Value::Null, Value::Real),
        said.boolean.map_or(Value::Null, |flag| Value::Integer(i64::from(flag))),
        text(&said.string),
        text(&said.categorical.as_ref().map(to_json).transpose()?),
        text(&said.json),
        Value::Text(score.status.name().to_owned()),
        text(&score.run.map(|run| run.to_string())),
        text(&extra),
        Value::Integer(score.created_at),
        Value::Integer(score.updated_at),
    ];
    for field in ScoreField::PLAIN {
        values.push(match field.value(score) {
            ScoreFieldValue::Null => Value::Null,
            ScoreFieldValue::Text(text) => Value::Text(text.into_owned()),
            ScoreFieldValue::Scalar(Scalar::Text(text)) => Value::Text(text),
            ScoreFieldValue::Scalar(Scalar::Int(number) | Scalar::Time(number)) => Value::Integer(number),
            ScoreFieldValue::Scalar(Scalar::Float(number)) => Value::Real(number),
            ScoreFieldValue::Scalar(Scalar::Bool(flag)) => Value::Integer(i64::from(flag)),
            ScoreFieldValue::Names(_) | ScoreFieldValue::Echoed(_) => {
                return Err(Error::internal(format!("`{}` is not kept as one value", field.name())));
            }
        });
    }
    Ok(values)
}

/// The number of a score's source, made when needed.
pub(crate) fn source(tx: &mut Tx<'_>, score: &Score) -> Result<SourceNumber> {
    sources::number(tx, score.subject.organization, &score.source)
}

/// The id of the score of the same subject, source and scorer, if there is one.
pub(crate) fn present(
    connection: &Connection,
    score: &Score,
    (collection, source): (CollectionNumber, SourceNumber),
) -> Result<Option<ScoreId>> {
    connection
        .prepare_cached("SELECT id FROM score WHERE collection = ?1 AND log_id = ?2 AND source = ?3 AND scorer = ?4")
        .sql()?
        .query_row((collection.0, score.subject.log_id.as_str(), source, &score.scorer), |line| line.get::<_, Uuid>(0))
        .optional()
        .sql()
        .map(|id| id.map(ScoreId))
}

fn to_json(value: &impl serde::Serialize) -> Result<String> {
    serde_json::to_string(value).map_err(Error::internal)
}

fn json<T: DeserializeOwned>(text: &str) -> Result<T> {
    serde_json::from_str(text).map_err(Error::internal)
}
