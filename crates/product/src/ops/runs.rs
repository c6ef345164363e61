//! Evaluation runs: start, list, watch, cancel, continue (contract B.18, F.7). Knows no HTTP; how a run works is in
//! `crate::jobs::evaluate`.

use crate::actor::Actor;
use crate::app::App;
use crate::ops::{datasets, evaluators, jobs};
use evalset_evaluate::Prepared;
use evalset_model::dataset::{Dataset, Status};
use evalset_model::evaluator::{Evaluator, Method};
use evalset_model::filter::wire;
use evalset_model::ids::{DatasetId, JobId, Place};
use evalset_model::job::{Job, Lane, Task};
use evalset_model::page::{Page, Window};
use evalset_model::run::{RunTask, UnitResult};
use evalset_model::{Error, Result};
use evalset_rows::selection::{self, Unknown};
use serde_json::Value;

/// Evaluators of one request.
const EVALUATORS_MAX: usize = 100;

/// What a caller wants evaluated.
#[derive(Clone, Debug, PartialEq)]
pub struct RunRequest {
    /// Ids (`id`, `id:version`) or slugs.
    pub evaluators: Vec<String>,
    /// How to run them.
    pub method: Method,
    /// Filters over rows, wire form; null for none.
    pub filters: Value,
    /// Percent of the matches, above 0 up to 100.
    pub sampling_percentage: f64,
    /// USD that each run may spend.
    pub spending_limit: Option<f64>,
    /// Stored and echoed.
    pub experiment_id: Option<String>,
}

/// What became of a request: one run per evaluator, and why others were not started.
#[derive(Debug)]
pub struct Started {
    /// The runs, queued.
    pub runs: Vec<Job>,
    /// Evaluator as it was named → why it was not started.
    pub errors: Vec<(String, Error)>,
}

/// Starts one run per evaluator over the rows there are now. Fails when none could be started.
pub async fn start(app: &App, actor: &Actor, dataset: DatasetId, request: RunRequest) -> Result<Started> {
    let dataset = datasets::get(app, actor, dataset).await?;
    if matches!(dataset.status, Status::Initializing | Status::Loading) {
        let status = dataset.status.name();
        let text = format!("the dataset is being filled (`status` is `{status}`): start the run when it is `ready`");
        return Err(Error::Conflict(text));
    }
    let names = distinct(&request.evaluators);
    if names.is_empty() {
        return Err(Error::invalid("evaluator_ids", "name at least one evaluator in `evaluator_ids`"));
    }
    if names.len() > EVALUATORS_MAX {
        return Err(Error::invalid("evaluator_ids", format!("at most {EVALUATORS_MAX} evaluators can be run at once")));
    }
    // All or none: whoever is refused asks for all of them again.
    jobs::admit(app, actor, names.len()).await?;
    let rows = actor.collection(Place::Dataset(dataset.id));
    let filters = wire::parse("filters", Some(&request.filters), None, &app.limits)?;
    selection::check(rows, &filters, Unknown::Metadata)?;
    let watermark = app.stores.logs.watermark(rows).await?;
    let mut started = Started { runs: Vec::new(), errors: Vec::new() };
    for name in names {
        match usable(app, actor, &name, &request).await {
            Ok(evaluator) => {
                let task = RunTask {
                    collection: rows,
                    evaluator,
                    method: request.method,
                    filters: Value::Object(filters.to_json()),
                    sampling_percentage: request.sampling_percentage,
                    watermark,
                    spending_limit: request.spending_limit,
                    experiment_id: request.experiment_id.clone(),
                    environment: actor.environment().name().to_owned(),
                };
                started.runs.push(queue(app, actor, &dataset, task).await?);
            }
            Err(error @ (Error::Internal(_) | Error::Busy { .. } | Error::StorageFull(_))) => return Err(error),
            Err(error) => started.errors.push((name, error)),
        }
    }
    match (started.runs.is_empty(), started.errors.first()) {
        (true, Some((name, error))) => {
            Err(Error::invalid("evaluator_ids", format!("no evaluator could be started; `{name}`: {error}")))
        }
        _ => Ok(started),
    }
}

/// Each name once, in order.
fn distinct(names: &[String]) -> Vec<String> {
    let mut once: Vec<String> = Vec::with_capacity(names.len());
    names.iter().filter(|name| !name.is_empty()).for_each(|name| {
        if !once.contains(name) {
            once.push(name.clone());
        }
    });
    once
}

/// The evaluator of this name, if it can run as it is asked to.
async fn usable(app: &App, actor: &Actor, name: &str, request: &RunRequest) -> Result<Evaluator> {
    let evaluator = evaluators::resolve_or_make(app, actor, name).await?;
    if let Prepared::Judge(config) = Prepared::new(&evaluator.definition, request.method)?
        && request.spending_limit.is_some()
        && let Some((settings, _)) = app.evaluators.settings().get(actor.organization()).await?
    {
        let model = config.model.as_ref().unwrap_or(&settings.default_model);
        if !settings.prices.contains_key(model) {
            let text = format!(
                "`spending_limit` would have no effect: the LLM provider's settings have no price of `{model}`; PATCH \
                 `prices` of /api/llm-provider/, or leave the limit out"
            );
            return Err(Error::invalid("spending_limit", text));
        }
    }
    Ok(evaluator)
}

async fn queue(app: &App, actor: &Actor, dataset: &Dataset, task: RunTask) -> Result<Job> {
    let job = jobs::new(app, actor, Some(dataset.id), Task::Evaluate(Box::new(task)));
    jobs::enqueue(app, actor, job, None).await
}

/// A page of a dataset's runs, newest first.
pub async fn list(app: &App, actor: &Actor, dataset: DatasetId, window: Window) -> Result<Page<Job>> {
    datasets::get(app, actor, dataset).await?;
    app.stores.runs.list(actor.organization(), dataset, window).await
}

/// One run of a dataset.
pub async fn get(app: &App, actor: &Actor, dataset: DatasetId, id: JobId) -> Result<Job> {
    // The runs of a dataset go with it (B.6).
    datasets::get(app, actor, dataset).await?;
    let job = jobs::get(app, actor, id).await?;
    if job.task.run().is_some() && job.dataset == Some(dataset) { Ok(job) } else { Err(Error::not_found()) }
}

/// A page of a run's results by row; only the failed, or only the others, when asked.
pub async fn results(
    app: &App,
    actor: &Actor,
    run: &Job,
    failed: Option<bool>,
    window: Window,
) -> Result<Page<UnitResult>> {
    app.stores.runs.results(actor.organization(), run.id, failed, window).await
}

/// Takes an ended run up again for the rows that failed and those it never came to, with a new limit of spending if one
/// is given.
pub async fn resume(app: &App, actor: &Actor, run: &Job, spending_limit: Option<f64>) -> Result<Job> {
    jobs::admit(app, actor, 1).await?;
    let now = app.clock.now();
    let job = app
        .stores
        .runs
        .reopen(actor.organization(), run.id, spending_limit, now)
        .await?
        .ok_or_else(Error::not_found)?;
    app.stores.shared.wake(Lane::Runs);
    Ok(job)
}
