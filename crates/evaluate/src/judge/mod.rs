//! LLM judges: a template over a row, a question to a model, a score read from its reply.
//!
//! `config` is what a judge is told, `prompt` what it asks for, `endpoint` who is asked (`exchange` one request,
//! `limiter` how often), `reply` what is made of the answer.

mod config;
mod endpoint;
mod exchange;
mod limiter;
mod prompt;
mod reply;

#[cfg(test)]
mod tests;

pub use config::JudgeConfig;
pub use endpoint::{Endpoint, Pacing};

use crate::convert::Raw;
use crate::fault::{Failure, Fault};
use endpoint::Question;
use evalset_model::evaluator::Definition;
use serde_json::{Value, json};
use tokio_util::sync::CancellationToken;

/// What a judge said of a row, and what it took.
#[derive(Clone, Debug, PartialEq)]
pub struct Judged {
    /// The score and why.
    pub raw: Raw,
    /// What was used.
    pub usage: Usage,
}

/// Tokens and money spent on a row.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Usage {
    /// The model asked.
    pub model: String,
    /// Tokens of the prompt.
    pub prompt_tokens: u64,
    /// Tokens of the reply.
    pub completion_tokens: u64,
    /// USD, by the endpoint's prices.
    pub cost: f64,
}

/// Judges a row: one question to the endpoint, which holds its own limits and retries. `asked` is the template's text
/// for the row; `unit` names the row and the evaluator and is sent with every try. Once `halt` is cancelled nothing
/// more is sent.
pub async fn judge(
    config: &JudgeConfig,
    definition: &Definition,
    endpoint: &Endpoint,
    asked: &str,
    unit: &str,
    halt: &CancellationToken,
) -> Result<Judged, Failure> {
    let settings = endpoint.settings();
    let model = config.model_of(&settings);
    let mut usage = Usage { model: model.clone(), ..Usage::default() };
    let asked = prompt::message(asked, config.rubric.as_deref(), definition);
    let mut body = config.sent.clone();
    body.insert("model".to_owned(), Value::from(model.as_str()));
    body.insert("messages".to_owned(), json!([{"role": "user", "content": asked}]));
    let format = (!config.chooses_format()).then(|| prompt::response_format(definition));
    let question = Question { model, body, format };
    let answer = match endpoint.ask(&question, unit, halt).await {
        Ok(answer) => answer,
        Err(fault) => return Err(Failure { fault, usage }),
    };
    usage.prompt_tokens = answer.prompt_tokens;
    usage.completion_tokens = answer.completion_tokens;
    usage.cost = settings.cost(&usage.model, answer.prompt_tokens, answer.completion_tokens);
    // Twice, since what stands in the reply may be JSON with escapes of its own.
    let hidden = |text: String| endpoint.without_key(text);
    match reply::parse(&hidden(answer.content), definition).map_err(hidden) {
        Ok(raw) => Ok(Judged { raw: Raw { explanation: raw.explanation.map(hidden), ..raw }, usage }),
        Err(mut message) => {
            if answer.cut_off {
                message.push_str(" (it was cut off at its token limit: raise `max_tokens`)");
            }
            Err(Failure { fault: Fault::Row(message), usage })
        }
    }
}
