//! One score as a line of `score`, there and back. Knows neither rows nor indexes.

use crate::engine::writer::Tx;
use crate::file::error::Sql;
use crate::file::number::SourceNumber;
use crate::scores::sources;
use evalset_index::CollectionNumber;
use evalset_model::evaluator::ScoreValueType;
use evalset_model::ids::{JobId, LogId, OrganizationId, Place, ScoreId};
use evalset_model::score::{Score, ScoreStatus, ScoreValues, Source, Subject};
use evalset_model::{Error, Result};
use rusqlite::{Connection, OptionalExtension, Row, params};
use serde::de::DeserializeOwned;
use uuid::Uuid;

macro_rules! columns {
    () => {
        "s.id AS id, s.log_id AS log_id, s.scorer AS scorer, s.kind AS kind, s.environment AS environment, \
         s.numerical_value AS numerical_value, s.boolean_value AS boolean_value, s.string_value AS string_value, \
         s.categorical_value AS categorical_value, s.json_value AS json_value, s.is_passed AS is_passed, s.cost AS cost, \
         s.status AS status, s.error_message AS error_message, s.explanation AS explanation, \
         s.evaluator_version AS evaluator_version, s.run AS run, s.extra AS extra, s.created_at AS created_at, \
         s.updated_at AS updated_at, o.evaluator_id AS evaluator_id, o.slug AS slug, o.name AS name, \
         o.value_type AS value_type, s.collection AS collection"
    };
}

/// Selects scores with their source; callers append `WHERE …`.
pub(crate) const SELECT: &str =
    concat!("SELECT ", columns!(), " FROM score s JOIN score_source o ON o.number = s.source");

/// The same with the number of the row that has the score's id in collection `?1`, as `row`.
pub(crate) const SELECT_WITH_ROW: &str = concat!(
    "SELECT ",
    columns!(),
    ", l.row AS row FROM score s JOIN score_source o ON o.number = s.source \
     CROSS JOIN log l ON l.collection = ?1 AND l.unique_id = s.log_id"
);

/// Reads one line of [`SELECT`].
pub(crate) fn decode(line: &Row<'_>, organization: OrganizationId, place: Place) -> Result<Score> {
    let text = |index: usize| line.get::<_, Option<String>>(index).sql();
    let must = |index: usize| line.get::<_, String>(index).sql();
    let value_type = must(23)?;
    Ok(Score {
        id: ScoreId(line.get::<_, Uuid>(0).sql()?),
        subject: Subject { organization, place, log_id: LogId(must(1)?) },
        source: Source {
            evaluator_id: text(20)?.map(|id| id.parse()).transpose().map_err(Error::internal)?,
            slug: must(21)?,
            name: must(22)?,
            value_type: ScoreValueType::parse("value_type", &value_type).map_err(Error::internal)?,
        },
        scorer: must(2)?,
        kind: must(3)?,
        environment: must(4)?,
        values: ScoreValues {
            numerical: line.get(5).sql()?,
            boolean: line.get(6).sql()?,
            string: text(7)?,
            categorical: text(8)?.map(|text| json(&text)).transpose()?,
            json: text(9)?,
        },
        is_passed: line.get(10).sql()?,
        cost: line.get(11).sql()?,
        status: if must(12)? == ScoreStatus::Failed.name() { ScoreStatus::Failed } else { ScoreStatus::Completed },
        error_message: text(13)?,
        explanation: text(14)?,
        evaluator_version: line.get(15).sql()?,
        run: text(16)?.map(|id| id.parse().map(JobId)).transpose().map_err(Error::internal)?,
        extra: text(17)?.map(|text| json(&text)).transpose()?.unwrap_or_default(),
        created_at: line.get(18).sql()?,
        updated_at: line.get(19).sql()?,
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

/// Writes a score over the one of the same subject, source and scorer, if there is one. Returns the id it has then; `None` when
/// it was not written.
pub(crate) fn upsert(
    connection: &Connection,
    score: &Score,
    (collection, source): (CollectionNumber, SourceNumber),
    failure: Failure,
) -> Result<Option<ScoreId>> {
    let values = &score.values;
    let extra = if score.extra.is_empty() { None } else { Some(to_json(&score.extra)?) };
    connection
        .prepare_cached(
            "INSERT INTO score (id, collection, log_id, source, scorer, kind, environment, numerical_value, boolean_value, \
             string_value, categorical_value, json_value, is_passed, cost, status, error_message, explanation, \
             evaluator_version, run, extra, created_at, updated_at) \
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17, ?18, ?19, ?20, ?21, ?22) \
             ON CONFLICT (collection, log_id, source, scorer) DO UPDATE SET kind = excluded.kind, \
             environment = excluded.environment, numerical_value = excluded.numerical_value, \
             boolean_value = excluded.boolean_value, string_value = excluded.string_value, \
             categorical_value = excluded.categorical_value, json_value = excluded.json_value, \
             is_passed = excluded.is_passed, cost = excluded.cost, status = excluded.status, \
             error_message = excluded.error_message, explanation = excluded.explanation, \
             evaluator_version = excluded.evaluator_version, run = excluded.run, extra = excluded.extra, \
             updated_at = excluded.updated_at \
             WHERE ?23 OR NOT (excluded.status = 'failed' AND score.status = 'completed') RETURNING id",
        )
        .sql()?
        .query_row(
            params![
                score.id.0,
                collection.0,
                score.subject.log_id.as_str(),
                source,
                score.scorer,
                score.kind,
                score.environment,
                values.numerical,
                values.boolean,
                values.string,
                values.categorical.as_ref().map(to_json).transpose()?,
                values.json,
                score.is_passed,
                score.cost,
                score.status.name(),
                score.error_message,
                score.explanation,
                score.evaluator_version,
                score.run.map(|run| run.to_string()),
                extra,
                score.created_at,
                score.updated_at,
                failure == Failure::Replaces,
            ],
            |line| line.get::<_, Uuid>(0),
        )
        .optional()
        .sql()
        .map(|id| id.map(ScoreId))
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
