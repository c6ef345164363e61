//! One evaluator on what is at hand: given inputs, or stored logs (V9, contract F.4). Knows no HTTP. Whole datasets are
//! `runs`.

use crate::actor::Actor;
use crate::app::App;
use crate::evaluation::{Evaluation, blank, late};
use evalset_evaluate::{Failure, Fault, Outcome, Unit, inputs};
use evalset_model::evaluator::{EvalInputs, Evaluator, Method};
use evalset_model::ids::{LogId, Place};
use evalset_model::score::{Score, ScoreStatus, Subject};
use evalset_model::{Error, Result};
use futures::{FutureExt as _, StreamExt as _, TryStreamExt as _};
use std::time::Duration;

/// Logs that one request may have scored; more are a run.
const LOGS_MAX: usize = 100;
/// Share of a request's time that its evaluation may take.
const SHARE_OF_REQUEST: f64 = 0.9;
/// Seconds after which a caller may try again whom the server's end cut off.
const RETRY_SECONDS: u64 = 5;

/// Evaluates the inputs and gives what would be the score; nothing is stored. A fault of the evaluation is a score that
/// `failed`: retries of the caller would ask and pay again.
pub async fn of_inputs(
    app: &App,
    actor: &Actor,
    evaluator: &Evaluator,
    method: Method,
    inputs: EvalInputs,
) -> Result<Score> {
    let subject =
        Subject { organization: actor.organization(), place: Place::RequestLogs, log_id: LogId(String::new()) };
    let blank = blank(&app.clock, evaluator, subject, actor.environment().name(), None);
    let Some(evaluation) = Evaluation::prepare(&app.evaluators, actor.organization(), evaluator, method).await? else {
        return Ok(placeholder(blank, evaluator));
    };
    by(app, &evaluation, blank, inputs, tokio::time::Instant::now() + patience(app)).await
}

/// Scores stored logs, wherever they are, and keeps the scores; the answers are in the order of the ids. One that
/// `failed` is kept where there is no better.
pub async fn of_logs(
    app: &App,
    actor: &Actor,
    evaluator: &Evaluator,
    method: Method,
    ids: &[String],
) -> Result<Vec<Score>> {
    if ids.is_empty() || ids.len() > LOGS_MAX {
        let text = format!("`log_ids` must hold 1 to {LOGS_MAX} ids; evaluate a dataset for more");
        return Err(Error::invalid("log_ids", text));
    }
    let (mut subjects, mut given) = (Vec::with_capacity(ids.len()), Vec::with_capacity(ids.len()));
    for id in ids {
        let (subject, read) = log(app, actor, LogId(id.clone())).await?;
        subjects.push(subject);
        given.push(read);
    }
    let blanks: Vec<Score> = subjects
        .into_iter()
        .map(|subject| blank(&app.clock, evaluator, subject, actor.environment().name(), None))
        .collect();
    let Some(evaluation) = Evaluation::prepare(&app.evaluators, actor.organization(), evaluator, method).await? else {
        return Ok(blanks.into_iter().map(|blank| placeholder(blank, evaluator)).collect());
    };
    let until = tokio::time::Instant::now() + patience(app);
    let scored = blanks.into_iter().zip(given).map(|(blank, inputs)| {
        let evaluation = &evaluation;
        // Each is kept as it comes: what was paid for is not lost when the others take too long.
        async move {
            let score = by(app, evaluation, blank, inputs, until).await?;
            let (kept, _) = app.stores.scores.put(score.clone()).await?;
            // A failure leaves a good score of before; the caller learns of the failure all the same.
            Ok(if score.status == ScoreStatus::Failed { score } else { kept })
        }
        .boxed()
    });
    futures::stream::iter(scored).buffered(evaluation.groups_at_once()).try_collect().await
}

/// One score, or a failed one that says that it took too long.
async fn by(
    app: &App,
    evaluation: &Evaluation,
    blank: Score,
    inputs: EvalInputs,
    until: tokio::time::Instant,
) -> Result<Score> {
    let unit = Unit { id: blank.id.to_string(), inputs };
    let judged = tokio::time::timeout_at(until, evaluation.judge(vec![unit], &app.stopping));
    let Ok(mut outcomes) = judged.await else {
        return Ok(evaluation.scored(blank, Err(late(patience(app)))));
    };
    let outcome = outcomes.pop().ok_or_else(|| Error::internal("an evaluator gave no answer"))?;
    Ok(evaluation.scored(blank, answered(outcome)?))
}

/// Ends before the request itself is out of time: its caller would learn nothing of the evaluator.
fn patience(app: &App) -> Duration {
    Duration::from_secs(app.limits.request_seconds).mul_f64(SHARE_OF_REQUEST)
}

/// A stored log by its id: among request logs first, then in `_saved_logs` and datasets. A score on a row names its
/// dataset.
async fn log(app: &App, actor: &Actor, id: LogId) -> Result<(Subject, EvalInputs)> {
    let places = app.stores.logs.places(actor.organization(), &id).await?;
    let place = if places.contains(&Place::RequestLogs) { Some(&Place::RequestLogs) } else { places.first() };
    let unknown = || Error::invalid("log_ids", format!("there is no log `{id}` in this organization"));
    let place = *place.ok_or_else(unknown)?;
    let row = app.stores.logs.get(actor.collection(place), &id).await?.ok_or_else(unknown)?;
    let inputs = inputs::of_log(&row.log);
    Ok((Subject { organization: actor.organization(), place, log_id: id }, inputs))
}

/// What was evaluated; an error when the server stops before.
fn answered(outcome: Result<Outcome, Failure>) -> Result<Result<Outcome, Failure>> {
    match outcome {
        Err(Failure { fault: Fault::Halted, .. }) => {
            Err(Error::Busy { message: "the server is stopping; try again".to_owned(), retry_after: RETRY_SECONDS })
        }
        outcome => Ok(outcome),
    }
}

/// What stands for the score of an evaluator that is a person (F.4).
fn placeholder(blank: Score, evaluator: &Evaluator) -> Score {
    let text = format!("`{}` is scored by people: nothing was evaluated", evaluator.definition.name);
    Score { explanation: Some(text), status: ScoreStatus::Completed, ..blank }
}
