//! Evaluators at work for organizations: the children that run Python, the endpoints that models are asked at, and an
//! evaluator with what it needs of them. Knows no rows, jobs or HTTP.

pub mod budget;
pub mod settings;

pub use budget::Budget;
pub use settings::Settings;

use crate::clock::Clock;
use evalset_evaluate::evaluator::CODE;
use evalset_evaluate::judge::Endpoint;
use evalset_evaluate::sandbox::{Language, Pool, PoolOptions, RENDERED_JSON_BYTES};
use evalset_evaluate::{Failure, Fault, Means, Outcome, Prepared, Unit};
use evalset_model::evaluator::{Evaluator, Method};
use evalset_model::ids::{JobId, OrganizationId, ScoreId};
use evalset_model::limits::Limits;
use evalset_model::score::{Score, ScoreStatus, Source, Subject};
use evalset_model::{Error, Result};
use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::Mutex;
use tokio_util::sync::CancellationToken;

/// Hidden subcommand of the program under which it runs for its parent what others wrote.
pub const SANDBOX_WORKER: &str = "sandbox-worker";
/// Rows of a group that a rule or a child takes at a time.
const GROUP_ROWS: usize = 100;
/// Groups that rules work on at once: one more than the writer leaves cores for helps nobody.
const RULE_GROUPS: usize = 2;
/// What a run without a provider is told.
const NO_PROVIDER: &str =
    "No LLM provider is configured: PUT its `base_url` and `api_key` to /api/llm-provider/ first.";

/// What evaluators work with, for all organizations.
pub struct Evaluators {
    code: Arc<Pool>,
    templates: Arc<Pool>,
    settings: Settings,
    endpoints: parking_lot::Mutex<HashMap<OrganizationId, Arc<Slot>>>,
}

/// The endpoint of one organization, with the version of the settings that it has. Held while settings are read, so
/// that none is put in place after a newer one; other organizations do not wait for that.
type Slot = Mutex<Option<(i64, Arc<Endpoint>)>>;

impl Evaluators {
    /// Nothing runs yet. `program` is this program, which children are started from as [`SANDBOX_WORKER`].
    pub fn new(program: PathBuf, limits: &Limits, settings: Settings) -> Self {
        let options = PoolOptions {
            workers: limits.sandbox_workers.max(1),
            row_seconds: limits.sandbox_seconds as f64,
            memory_bytes: limits.sandbox_memory_bytes as u64,
            output_bytes: limits.sandbox_output_bytes,
            source_bytes: limits.evaluator_bytes,
            ..PoolOptions::new(program, vec![SANDBOX_WORKER.to_owned()])
        };
        let templates = PoolOptions { output_bytes: RENDERED_JSON_BYTES, ..options.clone() };
        Self {
            code: Arc::new(Pool::new(options)),
            templates: Arc::new(Pool::new(templates)),
            settings,
            endpoints: parking_lot::Mutex::default(),
        }
    }

    /// The children that run sources of a language.
    pub fn pool(&self, language: Language) -> &Pool {
        match language {
            Language::Template => &self.templates,
            Language::Python | Language::JsonSchema => &self.code,
        }
    }

    /// The settings of organizations' providers.
    pub fn settings(&self) -> &Settings {
        &self.settings
    }

    /// The endpoint of an organization, with the settings it has now; none when none are stored. Everything of an
    /// organization shares one, and so its limits.
    async fn endpoint(&self, organization: OrganizationId) -> Result<Option<Arc<Endpoint>>> {
        let slot = self.endpoints.lock().entry(organization).or_default().clone();
        let mut slot = slot.lock().await;
        let Some(version) = self.settings.version(organization).await? else {
            *slot = None;
            return Ok(None);
        };
        if let Some((seen, endpoint)) = &*slot
            && *seen == version
        {
            return Ok(Some(endpoint.clone()));
        }
        let Some((settings, key)) = self.settings.get(organization).await? else { return Ok(None) };
        let endpoint = match &*slot {
            Some((_, endpoint)) => {
                endpoint.replace(settings, key)?;
                endpoint.clone()
            }
            None => Arc::new(Endpoint::new(settings, key)?),
        };
        *slot = Some((version, endpoint.clone()));
        Ok(Some(endpoint))
    }

    /// Brings the endpoint of an organization, if it is in use, in line with settings that were just stored.
    pub async fn renew(&self, organization: OrganizationId) -> Result<()> {
        let slot = self.endpoints.lock().get(&organization).cloned();
        let in_use = match slot {
            Some(slot) => slot.lock().await.is_some(),
            None => false,
        };
        if in_use { self.endpoint(organization).await.map(drop) } else { Ok(()) }
    }

    /// The same for every organization, when it is not known whose settings were stored.
    pub async fn renew_all(&self) -> Result<()> {
        let organizations: Vec<_> = self.endpoints.lock().keys().copied().collect();
        for organization in organizations {
            self.renew(organization).await?;
        }
        Ok(())
    }
}

/// What became of a row whose evaluation took longer than a request may.
pub fn late(patience: Duration) -> Failure {
    let message = format!(
        "no score within {} s (`limits.request_seconds`): the provider is slow or its limits hold the question back; run \
         the evaluator over a dataset, where it may take longer",
        patience.as_secs()
    );
    Failure::free(Fault::Provider { message, hopeless: false }, "")
}

/// A fault of ours; the log has its cause.
fn broken() -> Failure {
    let message = "the evaluator broke down on this row or one beside it; the server's log has the cause".to_owned();
    Failure::free(Fault::Row(message), CODE)
}

/// The score of a record by an evaluator, with nothing said in it yet.
pub fn blank(clock: &Clock, evaluator: &Evaluator, subject: Subject, environment: &str, run: Option<JobId>) -> Score {
    Score {
        kind: evaluator.definition.kind.clone(),
        environment: environment.to_owned(),
        status: ScoreStatus::Failed,
        evaluator_version: Some(evaluator.version),
        run,
        ..Score::unsaid(ScoreId(clock.new_id()), subject, Source::of(evaluator), clock.now())
    }
}

/// An evaluator made ready to score for an organization.
pub struct Evaluation {
    evaluator: Arc<evalset_evaluate::Evaluator>,
    code: Arc<Pool>,
    templates: Arc<Pool>,
    endpoint: Option<Arc<Endpoint>>,
}

impl Evaluation {
    /// Compiles the evaluator and finds what it needs; `None` when it is people that score.
    pub async fn prepare(
        evaluators: &Evaluators,
        organization: OrganizationId,
        evaluator: &Evaluator,
        method: Method,
    ) -> Result<Option<Self>> {
        let ready = evalset_evaluate::Evaluator::new(evaluator.definition.clone(), method)?;
        let endpoint = match ready.prepared {
            Prepared::Human => return Ok(None),
            Prepared::Judge(_) => match evaluators.endpoint(organization).await? {
                Some(endpoint) => Some(endpoint),
                None => return Err(Error::invalid("llm_config", NO_PROVIDER)),
            },
            Prepared::Rule(_) | Prepared::Python(_) => None,
        };
        let (code, templates) = (evaluators.code.clone(), evaluators.templates.clone());
        Ok(Some(Self { evaluator: Arc::new(ready), code, templates, endpoint }))
    }

    /// Rows of a group: what is under way is lost with the process, so a model is asked row by row.
    pub fn rows_at_once(&self) -> usize {
        if self.endpoint.is_some() { 1 } else { GROUP_ROWS }
    }

    /// Groups at work at once.
    pub fn groups_at_once(&self) -> usize {
        match &self.endpoint {
            Some(endpoint) => (endpoint.settings().concurrency as usize).max(1),
            None if self.evaluator.prepared.runs_here() => RULE_GROUPS,
            // One more than there are children, so that none waits for its next rows.
            None => self.code.workers() + 1,
        }
    }

    /// Scores rows; one result for each, in order. Once `halt` is cancelled no model is asked any more.
    pub async fn judge(&self, units: Vec<Unit>, halt: &CancellationToken) -> Vec<Result<Outcome, Failure>> {
        let evaluator = self.evaluator.clone();
        if evaluator.prepared.runs_here() {
            let (code, templates) = (self.code.clone(), self.templates.clone());
            // Work for a thread, without anything to wait for.
            let (rows, halt, runtime) = (units.len(), halt.clone(), tokio::runtime::Handle::current());
            let work = move || {
                let means = Means { code: &code, templates: &templates, endpoint: None, halt: &halt };
                runtime.block_on(evaluator.evaluate(&units, means))
            };
            tokio::task::spawn_blocking(work).await.unwrap_or_else(|error| {
                tracing::error!(%error, "a built-in evaluator panicked");
                vec![Err(broken()); rows]
            })
        } else {
            let (code, templates) = (&*self.code, &*self.templates);
            let means = Means { code, templates, endpoint: self.endpoint.as_deref(), halt };
            evaluator.evaluate(&units, means).await
        }
    }

    /// The score of a row: `blank` with what came out.
    pub fn scored(&self, blank: Score, outcome: Result<Outcome, Failure>) -> Score {
        match outcome {
            Ok(outcome) => Score {
                scorer: outcome.scorer,
                kind: outcome.kind.to_owned(),
                values: outcome.values,
                is_passed: outcome.is_passed,
                cost: outcome.cost,
                status: ScoreStatus::Completed,
                explanation: outcome.explanation,
                ..blank
            },
            Err(Failure { fault, usage }) => Score {
                scorer: usage.model,
                kind: self.evaluator.prepared.kind().unwrap_or_default().to_owned(),
                cost: usage.cost,
                status: ScoreStatus::Failed,
                error_message: Some(fault.to_string()),
                ..blank
            },
        }
    }
}
