//! An evaluator made ready to run: rows go in, outcomes come out, whatever way the definition scores.
//!
//! Knows the three ways to score (`rules`, `judge`, and code in a `sandbox`). Does not know where rows come from, nor
//! where scores go.

use crate::convert::{Range, Raw, convert, unwrap};
use crate::fault::{Failure, Fault};
use crate::judge::{Endpoint, JudgeConfig, Judged, Usage, judge};
use crate::passing::Passing;
use crate::prepared::Prepared;
use crate::sandbox::{Pool, Source};
use evalset_model::Result;
use evalset_model::evaluator::{Definition, EvalInputs, Method, ScoreValueType};
use evalset_model::score::ScoreValues;
use futures::{FutureExt, StreamExt};
use serde_json::Value;
use tokio_util::sync::CancellationToken;

/// `scorer` of what code scores.
pub const CODE: &str = "code";
/// What a row is told when its judge has nobody to ask.
pub const NO_ENDPOINT: &str =
    "no model endpoint is configured: set its base_url and key under the organization's provider settings";

/// The score of a row, ready to be written.
#[derive(Clone, Debug, PartialEq)]
pub struct Outcome {
    /// What it says.
    pub values: ScoreValues,
    /// Whether it passes (F.3).
    pub is_passed: Option<bool>,
    /// Why it is what it is.
    pub explanation: Option<String>,
    /// USD spent.
    pub cost: f64,
    /// Tokens of the prompt; 0 without a model.
    pub prompt_tokens: u64,
    /// Tokens of the reply; 0 without a model.
    pub completion_tokens: u64,
    /// The model's name, or `code`.
    pub scorer: String,
    /// `llm` or `code`.
    pub kind: &'static str,
}

/// What evaluators work with, shared by all of an organization.
#[derive(Clone, Copy)]
pub struct Means<'a> {
    /// Runs Python and schemas.
    pub code: &'a Pool,
    /// Runs templates: apart from code, so that no slow code keeps a judge from asking.
    pub templates: &'a Pool,
    /// Asks models; none when the organization has configured no endpoint.
    pub endpoint: Option<&'a Endpoint>,
    /// Once this is cancelled no model is asked any more; requests under way end.
    pub halt: &'a CancellationToken,
}

/// A row to be scored.
#[derive(Clone, Debug)]
pub struct Unit {
    /// Names the row, the evaluator and the run, so that an endpoint can tell a retry from a new question.
    pub id: String,
    /// What the evaluator is given.
    pub inputs: EvalInputs,
}

/// A definition made ready: how it runs and when its scores pass.
#[derive(Clone, Debug)]
pub struct Evaluator {
    /// What it says of itself.
    pub definition: Definition,
    /// How it runs.
    pub prepared: Prepared,
    passing: Passing,
}

impl Evaluator {
    /// Compiles a definition for a method.
    pub fn new(definition: Definition, method: Method) -> Result<Self> {
        let (prepared, passing) = (Prepared::new(&definition, method)?, Passing::compile(&definition)?);
        Ok(Self { definition, prepared, passing })
    }

    /// Scores rows; one result for each, in order. Questions to a model go out together, as many at once as its
    /// endpoint allows. Rules work on the calling thread: hand it few enough rows to bear that.
    pub async fn evaluate(&self, units: &[Unit], means: Means<'_>) -> Vec<Result<Outcome, Failure>> {
        match &self.prepared {
            Prepared::Rule(rule) => match rule.source() {
                Some(source) => self.apart(source, units, means).await.map(|raw| self.by_rule(raw)).collect(),
                None => units
                    .iter()
                    .map(|unit| {
                        let halted = means.halt.is_cancelled();
                        if halted {
                            Err(Failure::free(Fault::Halted, CODE))
                        } else {
                            self.by_rule(rule.score(&unit.inputs))
                        }
                    })
                    .collect(),
            },
            Prepared::Python(source) => self.apart(source, units, means).await.map(|raw| self.by_code(raw)).collect(),
            Prepared::Judge(config) => {
                // No more prompts in memory than questions under way.
                let at_once = means.endpoint.map_or(1, |endpoint| endpoint.settings().concurrency as usize);
                // Boxed: the compiler cannot see through the closure that the whole is `Send`.
                let question = |unit| self.by_judge(config, unit, means).boxed();
                let questions: Vec<_> = units.iter().map(question).collect();
                futures::stream::iter(questions).buffered(at_once.max(1)).collect().await
            }
            Prepared::Human => units
                .iter()
                .map(|_| Err(of_code("people score with this evaluator; it does not run".to_owned())))
                .collect(),
        }
    }

    /// What comes out of a child process for each row.
    async fn apart(
        &self,
        source: &Source,
        units: &[Unit],
        means: Means<'_>,
    ) -> impl Iterator<Item = Result<Raw, String>> {
        let rows: Vec<&EvalInputs> = units.iter().map(|unit| &unit.inputs).collect();
        means.code.run(source, &rows).await.into_iter().map(|result| result.map(unwrap))
    }

    /// What a rule says of a row.
    fn by_rule(&self, raw: Result<Raw, String>) -> Result<Outcome, Failure> {
        let percentage = self.definition.score_value_type == ScoreValueType::Percentage;
        self.by_code(raw.map(|raw| if percentage { as_percentage(raw) } else { raw }))
    }

    fn by_code(&self, raw: Result<Raw, String>) -> Result<Outcome, Failure> {
        let usage = Usage { model: CODE.to_owned(), ..Usage::default() };
        raw.and_then(|raw| self.finish(raw, "code", &usage)).map_err(of_code)
    }

    async fn by_judge(&self, config: &JudgeConfig, unit: &Unit, means: Means<'_>) -> Result<Outcome, Failure> {
        let Some(endpoint) = means.endpoint else {
            let fault = Fault::Provider { message: NO_ENDPOINT.to_owned(), hopeless: true };
            return Err(Failure::free(fault, config.model.clone().unwrap_or_default()));
        };
        let asked = match means.templates.run(&config.template, &[&unit.inputs]).await.pop() {
            Some(Ok(Value::String(text))) => text,
            Some(Err(message)) => return Err(unasked(config, endpoint, message)),
            _ => return Err(unasked(config, endpoint, "the template gave no text".to_owned())),
        };
        let Judged { raw, usage } = judge(config, &self.definition, endpoint, &asked, &unit.id, means.halt).await?;
        self.finish(raw, "llm", &usage).map_err(|message| Failure { fault: Fault::Row(message), usage })
    }

    /// Makes a raw value a score: a model's number is clamped to the bounds, code is held to them.
    pub fn finish(&self, raw: Raw, kind: &'static str, usage: &Usage) -> Result<Outcome, String> {
        let range = if kind == "llm" { Range::Clamp } else { Range::Refuse };
        let values = convert(&raw.value, &self.definition, range)?;
        Ok(Outcome {
            is_passed: self.passing.is_passed(&values),
            values,
            explanation: raw.explanation,
            cost: usage.cost,
            prompt_tokens: usage.prompt_tokens,
            completion_tokens: usage.completion_tokens,
            scorer: usage.model.clone(),
            kind,
        })
    }
}

/// A row whose question could not be made.
fn unasked(config: &JudgeConfig, endpoint: &Endpoint, message: String) -> Failure {
    Failure::free(Fault::Row(message), config.model_of(&endpoint.settings()))
}

/// A row that code has no score for.
fn of_code(message: String) -> Failure {
    Failure::free(Fault::Row(message), CODE)
}

/// A rule's natural value on the scale of percentages.
fn as_percentage(raw: Raw) -> Raw {
    let value = match &raw.value {
        Value::Bool(flag) => Value::from(if *flag { 100.0 } else { 0.0 }),
        Value::Number(number) => Value::from(number.as_f64().unwrap_or(f64::NAN) * 100.0),
        other => other.clone(),
    };
    Raw { value, ..raw }
}

#[cfg(test)]
mod tests;
