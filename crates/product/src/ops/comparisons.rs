//! Two evaluations of the same rows side by side: finds what is meant, reads its values and has them compared. Knows no
//! HTTP; the statistics are those of `evalset_model::comparison`.

mod rows;

pub use rows::{Match, Outcome, Paired, RowPair, label};

use crate::actor::Actor;
use crate::app::App;
use crate::ops::{datasets, evaluators, jobs};
use evalset_model::comparison::{Options, PassRate};
use evalset_model::dataset::Dataset;
use evalset_model::evaluator::Evaluator;
use evalset_model::ids::{DatasetId, EvaluatorId, JobId};
use evalset_model::job::Job;
use evalset_model::{Error, Result};
use evalset_store::runs::{Compared, RowValue};

/// What stands on one side.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Side {
    /// The results of a run, by its id.
    Run(String),
    /// The scores that the rows of a dataset show now.
    Scores {
        /// The dataset's id.
        dataset: String,
        /// An evaluator's id or slug, or a custom slug.
        evaluator: String,
    },
}

/// What to compare, and how.
#[derive(Clone, Debug, PartialEq)]
pub struct Ask {
    /// What was there before.
    pub a: Side,
    /// What may be better.
    pub b: Side,
    /// What makes two rows the same; none: `unique_id` within one dataset, else `custom_identifier`.
    pub matching: Option<Match>,
    /// Confidence, resamples and the like.
    pub options: Options,
}

/// What a side was found to be.
#[derive(Clone, Debug)]
pub struct Found {
    /// Whose rows.
    pub dataset: Dataset,
    /// The run, when it is one.
    pub run: Option<Job>,
    /// The evaluator: of a run as it was then, else as it is now; none for a custom slug or a deleted one.
    pub evaluator: Option<Evaluator>,
    /// How it was named.
    pub name: String,
    /// How many rows passed.
    pub passed: PassRate,
}

/// Two sides compared.
#[derive(Clone, Debug)]
pub struct Told {
    /// Side A.
    pub a: Found,
    /// Side B.
    pub b: Found,
    /// What made two rows the same.
    pub matching: Match,
    /// As asked.
    pub options: Options,
    /// What came out.
    pub paired: Paired,
}

/// Compares. Errors name the member, such as `a.run`.
pub async fn compare(app: &App, actor: &Actor, ask: Ask) -> Result<Told> {
    ask.options.check(&app.limits)?;
    let (a, of_a) = find(app, actor, "a", &ask.a).await?;
    let (b, of_b) = find(app, actor, "b", &ask.b).await?;
    let usual = if a.dataset.id == b.dataset.id { Match::UniqueId } else { Match::CustomIdentifier };
    let (matching, options) = (ask.matching.unwrap_or(usual), ask.options);
    let how = options.clone();
    // Up to a second of work on a million rows, which must not hold up other requests.
    let compared = tokio::task::spawn_blocking(move || {
        let passed = (rows::passed(&of_a, matching), rows::passed(&of_b, matching));
        rows::side_by_side(&of_a, &of_b, matching, &how).map(|paired| (passed, paired))
    });
    let ((passed_a, passed_b), paired) = compared.await.map_err(Error::internal)??;
    let (a, b) = (Found { passed: passed_a, ..a }, Found { passed: passed_b, ..b });
    Ok(Told { a, b, matching, options, paired })
}

async fn find(app: &App, actor: &Actor, member: &str, side: &Side) -> Result<(Found, Vec<RowValue>)> {
    let (found, of) = match side {
        Side::Run(id) => run(app, actor, member, id).await?,
        Side::Scores { dataset, evaluator } => scores(app, actor, member, dataset, evaluator).await?,
    };
    let values = app.stores.runs.values(actor.organization(), of).await?;
    if values.is_empty() && found.evaluator.is_none() {
        let message = format!("there is no evaluator `{0}`, and no score of that slug in this dataset", found.name);
        return Err(Error::invalid(format!("{member}.evaluator"), message));
    }
    Ok((found, values))
}

async fn run(app: &App, actor: &Actor, member: &str, id: &str) -> Result<(Found, Compared)> {
    let unknown = || Error::invalid(format!("{member}.run"), format!("there is no evaluation run `{id}`"));
    let run: JobId = id.parse().map_err(|_| unknown())?;
    let job = jobs::get(app, actor, run).await.map_err(|error| named(error, unknown))?;
    let (Some(task), Some(dataset)) = (job.task.run(), job.dataset) else { return Err(unknown()) };
    // The runs of a dataset go with it.
    let dataset = datasets::get(app, actor, dataset).await.map_err(|error| named(error, unknown))?;
    let evaluator = Some(task.evaluator.clone());
    let found = Found { dataset, evaluator, name: id.to_owned(), run: Some(job), passed: PassRate::default() };
    Ok((found, Compared::Run(run)))
}

async fn scores(app: &App, actor: &Actor, member: &str, dataset: &str, name: &str) -> Result<(Found, Compared)> {
    let unknown = || Error::invalid(format!("{member}.dataset_id"), format!("there is no dataset `{dataset}`"));
    let id: DatasetId = dataset.parse().map_err(|_| unknown())?;
    let dataset = datasets::get(app, actor, id).await.map_err(|error| named(error, unknown))?;
    // None: a custom slug, or an evaluator that is gone and left its scores.
    let evaluator = evaluators::find(app, actor, name).await?;
    if evaluator.as_ref().is_some_and(|evaluator| evaluators::names_a_version(name, evaluator)) {
        let text = "the scores that rows show may be by several versions: compare runs of the version, or leave it out";
        return Err(Error::invalid(format!("{member}.evaluator"), text));
    }
    let key = match &evaluator {
        Some(evaluator) => evaluator.id.to_string(),
        None => name.parse::<EvaluatorId>().map_or_else(|_| name.to_owned(), |id| id.to_string()),
    };
    let found = Found { dataset, evaluator, name: name.to_owned(), run: None, passed: PassRate::default() };
    Ok((found, Compared::Dataset(id, key)))
}

/// What is not found is a wrong member of the request here.
fn named(error: Error, unknown: impl Fn() -> Error) -> Error {
    if matches!(error, Error::NotFound(_)) { unknown() } else { error }
}
