//! What a caller means by a reference to an evaluator: `id`, `id:version`, the id of a version, the slug (contract
//! F.1).

use super::NewEvaluator;
use crate::actor::Actor;
use crate::app::App;
use evalset_evaluate::rules::CATALOGUE;
use evalset_model::evaluator::{Definition, Evaluator, ScoreValueType};
use evalset_model::ids::{EvaluatorId, VersionId};
use evalset_model::{Error, Result};
use serde_json::{Map, Value};
use uuid::Uuid;

/// The evaluator a reference names: `id` or slug in its last version, `id:version` or `slug:version` in that version,
/// and one version by its own id. `NotFound` names the reference.
pub async fn resolve(app: &App, actor: &Actor, reference: &str) -> Result<Evaluator> {
    let found = match version_in(reference) {
        Some((evaluator, version)) => match last(app, actor, evaluator).await? {
            Some(last) => app.stores.evaluators.version(actor.organization(), last.id, version).await?,
            None => None,
        },
        None => match (last(app, actor, reference).await?, Uuid::parse_str(reference)) {
            (Some(last), _) => Some(last),
            (None, Ok(id)) => app.stores.evaluators.by_version_id(actor.organization(), VersionId(id)).await?,
            (None, Err(_)) => None,
        },
    };
    found.ok_or_else(|| Error::NotFound(format!("There is no evaluator `{reference}`.")))
}

/// As [`resolve`]; none when nothing has that name.
pub async fn find(app: &App, actor: &Actor, reference: &str) -> Result<Option<Evaluator>> {
    match resolve(app, actor, reference).await {
        Ok(evaluator) => Ok(Some(evaluator)),
        Err(Error::NotFound(_)) => Ok(None),
        Err(error) => Err(error),
    }
}

/// Begins a reference to a built-in evaluator.
const BUILTIN: &str = "builtin:";

/// As [`resolve`]; besides, `builtin:NAME` is the organization's evaluator of that name, made with its defaults when
/// there is none yet, so that a built-in one can be run without being created first.
pub async fn resolve_or_make(app: &App, actor: &Actor, reference: &str) -> Result<Evaluator> {
    let Some(name) = reference.strip_prefix(BUILTIN) else { return resolve(app, actor, reference).await };
    let Some(info) = CATALOGUE.iter().find(|info| info.name == name) else {
        let names = CATALOGUE.iter().map(|info| info.name).collect::<Vec<_>>().join(", ");
        return Err(Error::NotFound(format!("There is no built-in evaluator `{name}`; there are: {names}.")));
    };
    let same = |evaluator: &Evaluator| {
        let code = evaluator.definition.code_config.as_ref();
        code.and_then(|code| code.get("builtin")).and_then(Value::as_str) == Some(name)
    };
    let definition = Definition {
        name: name.to_owned(),
        description: info.description.to_owned(),
        kind: "code".to_owned(),
        score_value_type: ScoreValueType::parse("score_value_type", info.natural.score_value_type())?,
        code_config: Some(Map::from_iter([("builtin".to_owned(), Value::from(name))])),
        ..Definition::default()
    };
    // Someone may have given the plain slug to an evaluator of their own.
    for slug in [name.to_owned(), format!("builtin_{name}")] {
        let new = NewEvaluator { slug: Some(slug.clone()), definition: definition.clone(), ..NewEvaluator::default() };
        let made = match app.stores.evaluators.by_slug(actor.organization(), &slug).await? {
            Some(found) if same(&found) => return Ok(found),
            Some(_) => continue,
            None => super::create(app, actor, new).await,
        };
        // Another request may have been quicker.
        return match (made, app.stores.evaluators.by_slug(actor.organization(), &slug).await?.filter(same)) {
            (Err(_), Some(found)) => Ok(found),
            (made, _) => made,
        };
    }
    let text =
        format!("the slugs `{name}` and `builtin_{name}` belong to other evaluators; create one with another slug");
    Err(Error::Conflict(text))
}

/// What a path names: an evaluator, or one version of it by number or by its own id.
#[derive(Clone, Copy, Debug)]
pub struct Target<'a> {
    /// See [`resolve`].
    pub reference: &'a str,
    /// The version; that which the reference means when `None`.
    pub version: Option<&'a str>,
}

impl Target<'_> {
    /// The version that is named. `NotFound` says which part names nothing.
    pub async fn find(self, app: &App, actor: &Actor) -> Result<Evaluator> {
        let evaluator = resolve(app, actor, self.reference).await?;
        let Some(version) = self.version else { return Ok(evaluator) };
        let found = match (version.parse::<u32>(), Uuid::parse_str(version)) {
            (Ok(number), _) => app.stores.evaluators.version(actor.organization(), evaluator.id, number).await?,
            (_, Ok(id)) => app.stores.evaluators.by_version_id(actor.organization(), VersionId(id)).await?,
            _ => None,
        };
        let missing = || Error::NotFound(format!("The evaluator `{}` has no version `{version}`.", self.reference));
        found.filter(|found| found.id == evaluator.id).ok_or_else(missing)
    }
}

/// Whether the reference, which led to `found`, names one version of it rather than the evaluator.
pub fn names_a_version(reference: &str, found: &Evaluator) -> bool {
    version_in(reference).is_some() || Uuid::parse_str(reference).is_ok_and(|id| id == found.version_id.0)
}

/// `id:version` in its parts.
fn version_in(reference: &str) -> Option<(&str, u32)> {
    let (evaluator, version) = reference.rsplit_once(':')?;
    Some((evaluator, version.parse().ok()?))
}

/// The last version of an evaluator by id or slug. Slugs never look like ids.
async fn last(app: &App, actor: &Actor, name: &str) -> Result<Option<Evaluator>> {
    match Uuid::parse_str(name) {
        Ok(id) => app.stores.evaluators.get(actor.organization(), EvaluatorId(id)).await,
        Err(_) => app.stores.evaluators.by_slug(actor.organization(), name).await,
    }
}
