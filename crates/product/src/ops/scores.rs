//! Scores written by people and programs (contract F.5): create, list, read, change, delete. Knows no HTTP.
//!
//! What evaluators make themselves comes from `evaluations`.

use crate::actor::Actor;
use crate::app::App;
use crate::ops::{annotation, datasets, evaluators};
use evalset_evaluate::convert::EXPLANATION_BYTES_MAX;
use evalset_evaluate::passing::Passing;
use evalset_evaluate::posted;
use evalset_model::evaluator::{Evaluator, ScoreValueType};
use evalset_model::filter::build;
use evalset_model::filter::scores::LOG_ID;
use evalset_model::ids::{LogId, Place, ScoreId};
use evalset_model::page::Page;
use evalset_model::score::{Echoed, Score, ScoreStatus, ScoreValues, Source, Subject};
use evalset_model::{Error, Result};
use evalset_store::logs::Row;
use serde_json::{Map, Value};
use std::sync::Arc;

pub use evalset_store::scores::ScoreQuery;

/// `type` of scores under a slug that no evaluator has.
const CUSTOM: &str = "custom";
/// Bound on a slug, scorer or id that a caller names, characters.
const NAME_CHARS_MAX: usize = 255;

/// A score as a caller writes it.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct NewScore {
    /// The log or row it is about.
    pub log_id: Option<String>,
    /// The dataset of the row: an id or `_saved_logs`.
    pub dataset_id: Option<String>,
    /// An evaluator's id, or `id:version`.
    pub evaluator_id: Option<String>,
    /// An evaluator's slug, or a custom one.
    pub evaluator_slug: Option<String>,
    /// Who says it; the key's name when none.
    pub scorer: Option<String>,
    /// `prod` or `test`; that of the key when none.
    pub environment: Option<String>,
    /// The value fields and `explanation`, as sent.
    pub body: Map<String, Value>,
    /// USD.
    pub cost: f64,
    /// What is given back as it is.
    pub extra: Echoed,
}

/// Which logs a score may be written for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Target {
    /// Any id: the log may come later (S1).
    Any,
    /// Only one that is there (S9).
    Known,
}

/// Writes a score: new, or over the one of the same log, evaluator and scorer. True when it is new.
pub async fn put(app: &App, actor: &Actor, new: NewScore, target: Target) -> Result<(Score, bool)> {
    let evaluator = evaluator_of(app, actor, &new).await?;
    let subject = subject(app, actor, &new, target).await?;
    let now = app.clock.now();
    let scorer = bounded("scorer", new.scorer)?.unwrap_or_else(|| actor.name().to_owned());
    let (values, is_passed) = judged(evaluator.as_ref(), &new.body)?;
    let source = source(evaluator.as_ref(), new.evaluator_slug, &values)?;
    let score = Score {
        kind: evaluator.as_ref().map_or(CUSTOM, |evaluator| &evaluator.definition.kind).to_owned(),
        scorer,
        environment: environment(new.environment, actor)?,
        values,
        is_passed,
        cost: new.cost,
        explanation: explanation(&new.body)?,
        evaluator_version: evaluator.as_ref().map(|evaluator| evaluator.version),
        extra: new.extra,
        ..Score::unsaid(ScoreId(app.clock.new_id()), subject, source, now)
    };
    let human = score.kind.starts_with("human");
    let (score, is_new) = app.stores.scores.put(score).await?;
    if human && score.subject.place != Place::RequestLogs {
        annotation::completed_by_score(app, actor, score.subject.place, &score.subject.log_id, &score.scorer).await?;
    }
    Ok((score, is_new))
}

/// The value fields of a body as they are stored, and whether they pass.
fn judged(evaluator: Option<&Evaluator>, body: &Map<String, Value>) -> Result<(ScoreValues, Option<bool>)> {
    let definition = evaluator.map(|evaluator| &evaluator.definition);
    let values = posted::check_posted(body, definition)?;
    if values.is_empty() {
        let field = definition.map_or("numerical_value", |definition| posted::field_of(definition.score_value_type));
        return Err(Error::invalid(field, format!("a score needs a value: `{field}` is missing")));
    }
    match definition {
        Some(definition) => {
            let passed = Passing::compile(definition)?.is_passed(&values);
            Ok((values, passed))
        }
        None => Ok((values.clone(), values.boolean)),
    }
}

/// `explanation` of a body.
fn explanation(body: &Map<String, Value>) -> Result<Option<String>> {
    match body.get("explanation") {
        None | Some(Value::Null) => Ok(None),
        Some(Value::String(text)) if text.len() <= EXPLANATION_BYTES_MAX => Ok(Some(text.clone())),
        Some(Value::String(_)) => {
            Err(Error::invalid("explanation", format!("`explanation` may have {EXPLANATION_BYTES_MAX} bytes")))
        }
        Some(_) => Err(Error::invalid("explanation", "`explanation` must be a string")),
    }
}

/// The evaluator that the score names, if it names one that exists. A slug that matches none is a custom one.
async fn evaluator_of(app: &App, actor: &Actor, new: &NewScore) -> Result<Option<Evaluator>> {
    if let Some(id) = &new.evaluator_id {
        let unknown = || Error::invalid("evaluator_id", format!("there is no evaluator `{id}` in this organization"));
        return evaluators::find(app, actor, id).await?.ok_or_else(unknown).map(Some);
    }
    let Some(slug) = &new.evaluator_slug else {
        return Err(Error::invalid("evaluator_id", "`evaluator_id` or `evaluator_slug` is required"));
    };
    if let Some(found) = evaluators::find(app, actor, slug).await? {
        return Ok(Some(found));
    }
    // `slug:9` of an evaluator that has no such version is a slip, not a slug of somebody's own.
    if let Some((base, version)) = slug.rsplit_once(':')
        && version.parse::<u32>().is_ok()
        && evaluators::find(app, actor, base).await?.is_some()
    {
        let text = format!("the evaluator `{base}` has no version `{version}`");
        return Err(Error::invalid("evaluator_slug", text));
    }
    Ok(None)
}

fn source(evaluator: Option<&Evaluator>, slug: Option<String>, values: &ScoreValues) -> Result<Source> {
    if let Some(evaluator) = evaluator {
        return Ok(Source::of(evaluator));
    }
    let slug = bounded("evaluator_slug", slug)?.unwrap_or_default();
    if slug.is_empty() {
        return Err(Error::invalid("evaluator_slug", "`evaluator_slug` must not be empty"));
    }
    let value_type = match values {
        ScoreValues { numerical: Some(_), .. } => ScoreValueType::Numerical,
        ScoreValues { boolean: Some(_), .. } => ScoreValueType::Boolean,
        ScoreValues { categorical: Some(_), .. } => ScoreValueType::MultiSelect,
        ScoreValues { json: Some(_), .. } => ScoreValueType::Json,
        _ => ScoreValueType::Text,
    };
    Ok(Source { evaluator_id: None, name: slug.clone(), slug, value_type })
}

async fn subject(app: &App, actor: &Actor, new: &NewScore, target: Target) -> Result<Subject> {
    let log_id = bounded("log_id", new.log_id.clone())?.filter(|id| !id.is_empty());
    let log_id =
        LogId(log_id.ok_or_else(|| Error::invalid("log_id", "`log_id` is required: the log or row to score"))?);
    let place = place(app, actor, new.dataset_id.as_deref()).await?;
    if target == Target::Known {
        let places = app.stores.logs.places(actor.organization(), &log_id).await?;
        let there = match place {
            Place::RequestLogs => !places.is_empty(),
            place => places.contains(&place),
        };
        if !there {
            return Err(Error::NotFound(format!("there is no log `{log_id}` there to score")));
        }
    }
    Ok(Subject { organization: actor.organization(), place, log_id })
}

/// Where a `dataset_id` leads: request logs when none is given.
async fn place(app: &App, actor: &Actor, dataset: Option<&str>) -> Result<Place> {
    let unknown = |id: &str| Error::invalid("dataset_id", format!("there is no dataset `{id}` in this organization"));
    match dataset {
        None | Some("") => Ok(Place::RequestLogs),
        Some("_saved_logs") => Ok(Place::SavedLogs),
        Some(text) => {
            let id = text.parse().map_err(|_| unknown(text))?;
            match datasets::get(app, actor, id).await {
                Ok(dataset) => Ok(Place::Dataset(dataset.id)),
                Err(Error::NotFound(_)) => Err(unknown(text)),
                Err(error) => Err(error),
            }
        }
    }
}

fn environment(given: Option<String>, actor: &Actor) -> Result<String> {
    match given.as_deref() {
        None => Ok(actor.environment().name().to_owned()),
        Some("prod" | "test") => Ok(given.unwrap_or_default()),
        Some(other) => {
            Err(Error::invalid("environment", format!("`environment` must be `prod` or `test`, got `{other}`")))
        }
    }
}

fn bounded(name: &str, text: Option<String>) -> Result<Option<String>> {
    match text {
        Some(text) if text.chars().count() > NAME_CHARS_MAX => {
            Err(Error::invalid(name, format!("`{name}` may have {NAME_CHARS_MAX} characters")))
        }
        text => Ok(text),
    }
}

/// One score; of this log only, when one is named.
pub async fn get(app: &App, actor: &Actor, id: ScoreId, log: Option<&LogId>) -> Result<Score> {
    let found = app.stores.scores.get(actor.organization(), id).await?;
    found.filter(|score| log.is_none_or(|log| score.subject.log_id == *log)).ok_or_else(Error::not_found)
}

/// The record that a score is about, when it is there: in its own place, else wherever a log of that id is.
pub async fn record(app: &App, actor: &Actor, score: &Score) -> Result<Option<Row>> {
    let subject = &score.subject;
    if let Some(row) = app.stores.logs.get(actor.collection(subject.place), &subject.log_id).await? {
        return Ok(Some(row));
    }
    if subject.place != Place::RequestLogs {
        return Ok(None);
    }
    match app.stores.logs.places(actor.organization(), &subject.log_id).await?.first() {
        Some(place) => app.stores.logs.get(actor.collection(*place), &subject.log_id).await,
        None => Ok(None),
    }
}

/// How a score is to be changed.
#[derive(Clone, Debug)]
pub enum Edit {
    /// Members that are there are set, null empties, others stay (PATCH).
    Merge(Map<String, Value>),
    /// Values that are not there are emptied (PUT).
    Replace(Map<String, Value>),
}

/// Changes values and explanation of a score; its conditions are looked at anew.
pub async fn update(app: &App, actor: &Actor, id: ScoreId, log: Option<&LogId>, edit: Edit) -> Result<Score> {
    let present = get(app, actor, id, log).await?;
    let evaluator = match present.source.evaluator_id {
        Some(id) => match evaluators::resolve(app, actor, &id.to_string()).await {
            Ok(evaluator) => Some(evaluator),
            Err(Error::NotFound(_)) => None,
            Err(error) => return Err(error),
        },
        None => None,
    };
    let now = app.clock.now();
    let change = move |score: Score| {
        let body = match &edit {
            Edit::Replace(body) => body.clone(),
            Edit::Merge(body) => merged(&score, body),
        };
        let (values, is_passed) = judged(evaluator.as_ref(), &body)?;
        let explanation = explanation(&body)?;
        let status = ScoreStatus::Completed;
        Ok(Score { values, is_passed, explanation, status, error_message: None, updated_at: now, ..score })
    };
    app.stores.scores.update(actor.organization(), id, Arc::new(change)).await
}

/// What a score says now, as a body, under what is to be changed.
fn merged(score: &Score, changes: &Map<String, Value>) -> Map<String, Value> {
    let values = &score.values;
    let mut body = Map::from_iter([
        ("numerical_value".to_owned(), values.numerical.into()),
        ("boolean_value".to_owned(), values.boolean.into()),
        ("string_value".to_owned(), values.string.clone().into()),
        ("categorical_value".to_owned(), values.categorical.clone().into()),
        ("json_value".to_owned(), values.json.clone().into()),
        ("explanation".to_owned(), score.explanation.clone().into()),
    ]);
    body.extend(changes.iter().map(|(name, value)| (name.clone(), value.clone())));
    body
}

/// Removes a score; 404 when unknown.
pub async fn delete(app: &App, actor: &Actor, id: ScoreId, log: Option<&LogId>) -> Result<()> {
    get(app, actor, id, log).await?;
    if app.stores.scores.delete(actor.organization(), id).await? { Ok(()) } else { Err(Error::not_found()) }
}

/// A page of scores.
pub async fn list(app: &App, actor: &Actor, query: ScoreQuery) -> Result<Page<Score>> {
    app.stores.scores.list(actor.organization(), query).await
}

/// A page of the scores of one log, whatever dataset they name; 404 when there are none and there is no such log.
pub async fn of_log(app: &App, actor: &Actor, log: &LogId, query: ScoreQuery) -> Result<Page<Score>> {
    let filter = query.filter.and(build::equals(LOG_ID, log.as_str()));
    let page = list(app, actor, ScoreQuery { filter, ..query }).await?;
    if page.total == 0 && app.stores.logs.places(actor.organization(), log).await?.is_empty() {
        return Err(Error::NotFound(format!("there is no log `{log}`")));
    }
    Ok(page)
}
