//! JSON of evaluation runs: the task object of contract B.18 with our additions, and the result of one row.

use evalset_model::job::{Job, State};
use evalset_model::run::UnitResult;
use evalset_model::scalar::format_time;
use serde::Serialize;
use serde_json::{Map, Value, json};
use utoipa::ToSchema;

/// An evaluation run on the wire.
#[derive(Debug, Serialize, ToSchema)]
pub struct RunObject {
    /// Id; that of the job as well.
    pub task_id: String,
    /// Same as `task_id`, for older clients.
    pub id: String,
    /// Name of the evaluator.
    pub name: String,
    /// The dataset.
    pub dataset_id: String,
    /// The evaluator.
    pub evaluator_id: String,
    /// Its slug.
    pub evaluator_slug: String,
    /// The same as a list, for older clients.
    pub evaluator_slugs: Vec<String>,
    /// The version that the run is pinned to.
    pub evaluator_version: u32,
    /// That version's id.
    pub evaluator_version_id: String,
    /// `pending`, `running`, `completed`, `failed` or `cancelled`.
    pub status: &'static str,
    /// When it was asked for, ISO 8601 UTC.
    pub created_at: String,
    /// When it last moved.
    pub updated_at: String,
    /// When it first began to work.
    pub started_at: Option<String>,
    /// When it ended.
    pub completed_at: Option<String>,
    /// Why it failed, or what failed in it.
    pub error_message: Option<String>,
    /// Rows that got a score.
    pub evaluated_logs_count: u64,
    /// Rows that got none.
    pub failed_logs_count: u64,
    /// Rows to evaluate; null until they are selected.
    pub total_logs_count: Option<u64>,
    /// Whole percent; 100 only when completed.
    pub progress: u8,
    /// Mean of its numbers, or share of true.
    pub score: Option<f64>,
    /// USD spent.
    pub cost: f64,
    /// USD it may spend; null: no limit of its own.
    pub spending_limit: Option<f64>,
    /// Rows a second, measured since it last began to work.
    pub rate: Option<f64>,
    /// Seconds left at that rate; null when it does not run.
    pub seconds_left: Option<f64>,
    /// It was asked to stop and will when what is under way has ended.
    pub cancel_requested: bool,
    /// As given.
    pub experiment_id: Option<String>,
    /// Counts and score once more, for older clients.
    #[schema(value_type = Object)]
    pub results: Map<String, Value>,
}

/// Contract B.18 has its own names for the states of a run.
pub(super) fn status(state: State) -> &'static str {
    match state {
        State::Queued => "pending",
        other => other.name(),
    }
}

impl RunObject {
    /// The object of a job that is a run; `None` for another job.
    pub fn new(job: &Job) -> Option<Self> {
        let (task, progress) = (job.task.run()?, &job.progress);
        let evaluator = &task.evaluator;
        let rate = progress.attempt.and_then(|attempt| {
            let seconds = attempt.moved_at.saturating_sub(attempt.started_at) as f64 / 1e6;
            let rows = progress.done.saturating_sub(attempt.done);
            (seconds > 0.0 && rows > 0).then(|| rows as f64 / seconds)
        });
        let left = progress.total.map(|total| total.saturating_sub(progress.done));
        let seconds_left = rate.zip(left).filter(|_| job.state == State::Running);
        let percent = match (job.state, progress.total) {
            (State::Completed, _) => 100,
            (_, Some(total)) if total > 0 => (progress.done.saturating_mul(100) / total).min(99) as u8,
            _ => 0,
        };
        let score = (progress.scored.count > 0).then(|| progress.scored.value());
        let moved = job.completed_at.or(progress.attempt.map(|attempt| attempt.moved_at)).unwrap_or(job.created_at);
        let results = json!({
            "score": score, "evaluated_logs_count": progress.affected, "failed_logs_count": progress.failed,
        });
        Some(Self {
            task_id: job.id.to_string(),
            id: job.id.to_string(),
            name: evaluator.definition.name.clone(),
            dataset_id: job.dataset.map(|id| id.to_string()).unwrap_or_default(),
            evaluator_id: evaluator.id.to_string(),
            evaluator_slug: evaluator.slug.clone(),
            evaluator_slugs: vec![evaluator.slug.clone()],
            evaluator_version: evaluator.version,
            evaluator_version_id: evaluator.version_id.to_string(),
            status: status(job.state),
            created_at: format_time(job.created_at),
            updated_at: format_time(moved),
            started_at: job.started_at.map(format_time),
            completed_at: job.completed_at.map(format_time),
            error_message: job.error_message.clone(),
            evaluated_logs_count: progress.affected,
            failed_logs_count: progress.failed,
            total_logs_count: progress.total,
            progress: percent,
            score,
            cost: progress.cost,
            spending_limit: task.spending_limit,
            rate: rate.map(|rate| (rate * 10.0).round() / 10.0),
            seconds_left: seconds_left.map(|(rate, left)| (left as f64 / rate * 10.0).round() / 10.0),
            cancel_requested: job.cancel_requested,
            experiment_id: task.experiment_id.clone(),
            results: results.as_object().cloned().unwrap_or_default(),
        })
    }
}

/// Reply to the start of runs (contract B.18), with the first run's members at the top for older clients.
#[derive(Debug, Serialize, ToSchema)]
pub struct StartedRuns {
    /// The runs, one per evaluator.
    pub created_tasks: Vec<RunObject>,
    /// Evaluator as it was named → why it was not started.
    #[schema(value_type = Object)]
    pub errors: Map<String, Value>,
    /// Always false: there are no experiments here.
    pub experiment_updated: bool,
    /// Always empty.
    pub experiment_evaluator_ids: Vec<String>,
    /// What happens now.
    pub message: String,
    /// Id of the first run.
    pub id: String,
    /// The same.
    pub evaluation_id: String,
    /// The dataset.
    pub dataset_id: String,
    /// State of the first run.
    pub status: &'static str,
    /// Slugs of all runs.
    pub evaluator_slugs: Vec<String>,
}

impl StartedRuns {
    /// For these runs, of which there is at least one.
    pub fn new(jobs: &[Job], errors: Map<String, Value>) -> Self {
        let created_tasks: Vec<RunObject> = jobs.iter().filter_map(RunObject::new).collect();
        let first = created_tasks.first();
        let id = first.map(|run| run.task_id.clone()).unwrap_or_default();
        Self {
            errors,
            experiment_updated: false,
            experiment_evaluator_ids: Vec::new(),
            message: "The evaluators run in the background.".to_owned(),
            evaluation_id: id.clone(),
            id,
            dataset_id: first.map(|run| run.dataset_id.clone()).unwrap_or_default(),
            status: first.map_or("pending", |run| run.status),
            evaluator_slugs: created_tasks.iter().map(|run| run.evaluator_slug.clone()).collect(),
            created_tasks,
        }
    }
}

/// What became of one row of a run.
#[derive(Debug, Serialize, ToSchema)]
pub struct RunResultObject {
    /// The row.
    pub unique_id: String,
    /// Its `custom_identifier`.
    pub custom_identifier: Option<String>,
    /// `completed` or `failed`.
    pub status: &'static str,
    /// Why it failed.
    pub error_message: Option<String>,
    /// Number.
    pub numerical_value: Option<f64>,
    /// Yes or no.
    pub boolean_value: Option<bool>,
    /// Text.
    pub string_value: Option<String>,
    /// Names of choices.
    pub categorical_value: Option<Vec<String>>,
    /// JSON as text.
    pub json_value: Option<String>,
    /// Whether the evaluator's conditions held.
    pub is_passed: Option<bool>,
    /// USD.
    pub cost: f64,
}

impl From<UnitResult> for RunResultObject {
    fn from(result: UnitResult) -> Self {
        let values = result.values;
        Self {
            unique_id: result.log_id.0,
            custom_identifier: result.custom_identifier,
            status: if result.error_message.is_some() { "failed" } else { "completed" },
            error_message: result.error_message,
            numerical_value: values.numerical,
            boolean_value: values.boolean,
            string_value: values.string,
            categorical_value: values.categorical,
            json_value: values.json,
            is_passed: result.is_passed,
            cost: result.cost,
        }
    }
}
