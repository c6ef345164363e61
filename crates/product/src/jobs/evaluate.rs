//! An evaluation run: one evaluator over the selected rows of a dataset (contract F.7).
//!
//! Three things go on at once: rows are read ahead, as many as allowed are evaluated, and what comes out is kept. A
//! unit is a row; each is kept together with the run's progress, so a restart asks only for rows that have no result.
//! What was under way when the process died is asked again, first of all. Does not know how an evaluator works
//! (`crate::evaluation`).

use super::attempt::{Attempt, End};
use crate::app::App;
use crate::evaluation::{Budget, Evaluation, blank};
use evalset_evaluate::{Failure, Fault, Outcome, Prepared, Unit as Asked, inputs};
use evalset_model::ids::{Collection, JobId};
use evalset_model::job::AttemptStart;
use evalset_model::page::Window;
use evalset_model::run::{RunTask, Unit};
use evalset_model::score::Subject;
use evalset_model::{Error, Result};
use evalset_rows::batches::Batches;
use evalset_rows::selection::{self, Unknown};
use evalset_store::logs::{HeldRows, Pick, Row, Sample, Selected, With};
use evalset_store::selection::without;
use evalset_store::shared::{Notice, Notices};
use futures::{FutureExt, StreamExt};
use parking_lot::Mutex;
use std::time::Duration;
use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;
use tokio_util::sync::CancellationToken;

/// How often a run without results looks whether it is to stop.
const LOOK: Duration = Duration::from_millis(250);
/// Batches read ahead of the evaluator.
const READ_AHEAD: usize = 2;
/// Groups of results that wait to be kept.
const RESULTS_WAITING: usize = 64;
/// When a run is to stop, what is under way gets this long; when the process is to end, half of
/// `limits.shutdown_seconds` if that is less. A provider may take many minutes for an answer.
const LAST_RESULTS: Duration = Duration::from_secs(5);

/// Runs it, from wherever it was left.
pub(super) async fn run(run: &mut Attempt<'_>, task: &RunTask) -> Result<End> {
    let organization = run.job.organization;
    if matches!(Prepared::new(&task.evaluator.definition, task.method)?, Prepared::Human) {
        // F.7
        let text = "People score with this evaluator: nothing was evaluated.";
        return Ok(End::Partly(text.to_owned()));
    }
    let rows = select(run, task).await?;
    if rows.is_empty() {
        return conclude(run, None).await;
    }
    let Some(evaluation) = Evaluation::prepare(&run.app.evaluators, organization, &task.evaluator, task.method).await?
    else {
        return Err(Error::internal("an evaluator of people was to run"));
    };
    let budget = Budget::new(task.spending_limit, run.progress.cost, run.app.limits.run_faults_in_a_row);
    let work = Work { app: run.app, id: run.job.id, task, evaluation, budget, halt: CancellationToken::new() };
    let (keep, kept) = mpsc::channel(RESULTS_WAITING);
    let mut evaluated = Ok(());
    let ended = {
        let mut keeping = std::pin::pin!(keep_all(run, &work.halt, kept));
        // Keeping is over first only when the process ends or the store fails: then nobody waits for what is under way.
        tokio::select! {
            ended = &mut keeping => ended,
            done = work.evaluate(rows, keep) => {
                evaluated = done;
                keeping.await
            }
        }
    };
    if let Some(end) = ended? {
        return Ok(end);
    }
    evaluated?;
    conclude(run, work.budget.stopped()).await
}

/// The selected rows that have no result yet, in falling order.
async fn select(run: &mut Attempt<'_>, task: &RunTask) -> Result<HeldRows> {
    let (stores, seed) = (&run.app.stores, run.job.id.to_string());
    let filter = selection::stored(task.collection, &task.filters, Unknown::Metadata)?;
    let sample = match run.progress.cutoff {
        Some(cutoff) => Some(Sample::Cutoff { seed, cutoff }),
        None if task.sampling_percentage < 100.0 => Some(Sample::Percent { seed, percent: task.sampling_percentage }),
        None => None,
    };
    let pick = Pick { watermark: Some(task.watermark), sample, ..Pick::of(filter) };
    let selected = stores.logs.select(task.collection, pick).await?;
    let done = stores.runs.done(run.job.organization, run.job.id).await?;
    let rows = without(selected, &done).await?;
    let now = run.app.clock.now();
    run.progress.total = Some(run.progress.done + rows.len());
    run.progress.cutoff = rows.cutoff().or(run.progress.cutoff);
    run.progress.attempt = Some(AttemptStart { started_at: now, done: run.progress.done, moved_at: now });
    run.save().await?;
    Ok(rows)
}

/// What the evaluating side of a run needs.
struct Work<'a> {
    app: &'a App,
    id: JobId,
    task: &'a RunTask,
    evaluation: Evaluation,
    budget: Budget,
    /// No further row is begun once this is cancelled.
    halt: CancellationToken,
}

impl Work<'_> {
    /// Evaluates rows, as many at once as the evaluator allows, and hands on what comes out.
    async fn evaluate(&self, rows: HeldRows, keep: mpsc::Sender<Vec<Unit>>) -> Result<()> {
        let (feed, fed) = mpsc::channel(READ_AHEAD);
        let fault = Mutex::new(None);
        let reading = async {
            if let Err(error) = self.read(rows, feed).await {
                *fault.lock() = Some(error);
                self.halt.cancel();
            }
        };
        let size = self.evaluation.rows_at_once();
        let groups = ReceiverStream::new(fed).flat_map(|rows: Vec<Row>| {
            let mut rows = rows.into_iter();
            let groups = std::iter::from_fn(move || {
                let group: Vec<Row> = rows.by_ref().take(size).collect();
                (!group.is_empty()).then_some(group)
            });
            futures::stream::iter(groups.collect::<Vec<_>>())
        });
        let evaluating = async {
            let mut groups = std::pin::pin!(groups.take_until(self.halt.cancelled()));
            // What a row costs is known after the first: without it, as many as run at once could overrun the limit.
            if self.task.spending_limit.is_some()
                && let Some(first) = groups.next().await
            {
                self.hand_on(&keep, self.group(first).await).await;
            }
            let judged =
                groups.map(|group| self.group(group).boxed()).buffer_unordered(self.evaluation.groups_at_once());
            let mut judged = std::pin::pin!(judged);
            while let Some(units) = judged.next().await {
                self.hand_on(&keep, units).await;
            }
        };
        tokio::join!(reading, evaluating);
        fault.into_inner().map_or(Ok(()), Err)
    }

    /// Hands on what came out. The other side is gone only when it failed, which it tells itself.
    async fn hand_on(&self, keep: &mpsc::Sender<Vec<Unit>>, units: Vec<Unit>) {
        if !units.is_empty() && keep.send(units).await.is_err() {
            self.halt.cancel();
        }
    }

    /// Reads the rows in batches until nobody wants more.
    async fn read(&self, rows: HeldRows, feed: mpsc::Sender<Vec<Row>>) -> Result<()> {
        let mut batches = Batches::new(self.task.collection, Box::new(rows), With::PAYLOAD);
        while let Some(rows) = batches.next(&*self.app.stores.logs).await? {
            batches.measured_logs(&rows);
            let wanted = tokio::select! {
                sent = feed.send(rows) => sent.is_ok(),
                () = self.halt.cancelled() => false,
            };
            if !wanted {
                break;
            }
        }
        Ok(())
    }

    /// Evaluates some rows; none when the run is to stop before them.
    async fn group(&self, rows: Vec<Row>) -> Vec<Unit> {
        let Some(_room) = self.budget.begin(rows.len()) else {
            self.halt.cancel();
            return Vec::new();
        };
        let asked = rows
            .iter()
            .map(|row| Asked { id: format!("{}-{}", self.id, row.number), inputs: inputs::of_log(&row.log) })
            .collect();
        let outcomes = self.evaluation.judge(asked, &self.halt).await;
        // What was not evaluated has no result: it is done when the run goes on.
        let halted = |outcome: &_| matches!(outcome, Err(Failure { fault: Fault::Halted, .. }));
        let ended = rows.into_iter().zip(outcomes).filter(|(_, outcome)| !halted(outcome));
        let units = ended.map(|(row, outcome)| {
            self.budget.end(&outcome);
            self.unit(row, outcome)
        });
        units.collect()
    }

    fn unit(&self, row: Row, outcome: Result<Outcome, Failure>) -> Unit {
        let Row { number, log, .. } = row;
        let Collection { organization, place } = self.task.collection;
        let subject = Subject { organization, place, log_id: log.id };
        let blank = blank(&self.app.clock, &self.task.evaluator, subject, &self.task.environment, Some(self.id));
        Unit { row: number, score: self.evaluation.scored(blank, outcome) }
    }
}

/// Keeps results until no more come; `Some` when the run must end here. Without results it looks whether it is to stop.
async fn keep_all(
    run: &mut Attempt<'_>,
    halt: &CancellationToken,
    mut results: mpsc::Receiver<Vec<Unit>>,
) -> Result<Option<End>> {
    let most = run.app.limits.run_batch_rows.max(1);
    let mut look = tokio::time::interval(LOOK);
    let mut notices = run.app.stores.shared.notices();
    let (mut ending, mut last, mut hurried) = (None, None, false);
    loop {
        let first = tokio::select! {
            some = results.recv() => some,
            _ = look.tick() => Some(Vec::new()),
            // Rows cost money: a run that is to stop does not wait for the next look.
            () = told_to_stop(notices.as_mut()) => Some(Vec::new()),
            () = run.app.stopping.cancelled(), if ending.is_none() || !hurried => Some(Vec::new()),
        };
        let Some(mut units) = first else { break };
        if units.is_empty() {
            if ending.is_none()
                && let Some(end) = run.interrupted().await?
            {
                halt.cancel();
                if end == End::Lost {
                    // Nothing that comes could be kept.
                    return Ok(Some(end));
                }
                ending = Some(end);
            }
            // The process may be asked to end while a cancelled run waits for its last results, too: the sooner end
            // counts.
            if ending.is_some() && (last.is_none() || (run.app.stopping.is_cancelled() && !hurried)) {
                hurried = run.app.stopping.is_cancelled();
                let half = Duration::from_secs(run.app.limits.shutdown_seconds) / 2;
                let until = tokio::time::Instant::now() + if hurried { LAST_RESULTS.min(half) } else { LAST_RESULTS };
                last = Some(last.map_or(until, |last: tokio::time::Instant| last.min(until)));
            }
            match last {
                // What was asked and not answered by now is asked again when the run goes on.
                Some(until) if tokio::time::Instant::now() >= until => break,
                _ => continue,
            }
        }
        while units.len() < most
            && let Ok(more) = results.try_recv()
        {
            units.extend(more);
        }
        keep(run, units).await?;
    }
    Ok(ending)
}

/// Until some job was asked to stop.
async fn told_to_stop(notices: &mut dyn Notices) {
    while let Notice::Provider(_) = notices.next().await {}
}

/// Keeps units together with the progress that follows from them.
async fn keep(run: &mut Attempt<'_>, units: Vec<Unit>) -> Result<()> {
    let step = run.step();
    let mut progress = run.progress.clone();
    progress.add_units(&units);
    match run.app.stores.runs.record(units, step).await {
        Ok(()) => {
            run.progress = progress;
            Ok(())
        }
        // The run is not this attempt's any more, or its dataset is gone: `interrupted` says so at the next look.
        Err(Error::Conflict(_) | Error::NotFound(_)) => Ok(()),
        Err(error) => Err(error),
    }
}

/// How a run ends that came to the end of its rows, or was stopped by its budget.
async fn conclude(run: &Attempt<'_>, stopped: Option<String>) -> Result<End> {
    let progress = &run.progress;
    let total = progress.total.unwrap_or(progress.done);
    if let Some(reason) = stopped {
        let text =
            format!("{reason}. {} of {total} rows have a result; continue the run for the others.", progress.done);
        return Err(Error::Invalid { field: None, message: text });
    }
    if progress.failed == 0 {
        return Ok(End::Done);
    }
    let window = Window { offset: 0, limit: 1 };
    let failed = run.app.stores.runs.results(run.job.organization, run.job.id, Some(true), window).await?;
    let example =
        failed.rows.first().and_then(|result| Some(format!("{}: {}", result.log_id, result.error_message.as_ref()?)));
    let text = format!(
        "{} of {total} rows failed, such as {}. `results/?failed=true` lists them; continue the run to try them again.",
        progress.failed,
        example.unwrap_or_default(),
    );
    if progress.failed < progress.done {
        return Ok(End::Partly(text));
    }
    Err(Error::Invalid { field: None, message: text })
}
