//! What an evaluator must have to be stored: the shape of its settings (contract F.1 "Validation", F.4).
//!
//! Does not know whether a template renders, code compiles or a pattern is sound.

use crate::app::App;
use evalset_model::evaluator::{Definition, KINDS};
use evalset_model::filter::wire;
use evalset_model::scalar::brief;
use evalset_model::{Error, Result};
use serde_json::{Map, Value};
use std::collections::HashSet;

/// Refuses a definition that cannot be run as it says; the error names the member at fault. The one place for all checks of
/// settings, whoever makes them.
pub async fn check(app: &App, definition: &Definition) -> Result<()> {
    let bytes = serde_json::to_vec(definition).map_err(Error::internal)?.len();
    let most = app.limits.evaluator_bytes;
    if bytes > most {
        let message = format!("the evaluator is larger than {most} bytes (`limits.evaluator_bytes`)");
        return Err(Error::TooLarge(message));
    }
    if !KINDS.contains(&definition.kind.as_str()) {
        let (kind, kinds) = (&definition.kind, KINDS.join(", "));
        return Err(Error::invalid("type", format!("`type` must be one of {kinds}; got `{kind}`")));
    }
    values(definition)?;
    if let Some(conditions) = &definition.passing_conditions {
        wire::parse("passing_conditions", Some(&Value::Object(conditions.clone())), None, &app.limits)?;
    }
    llm(definition)?;
    code(definition)
}

/// Bounds and choices of the score.
fn values(definition: &Definition) -> Result<()> {
    if let (Some(lowest), Some(highest)) = definition.bounds()
        && lowest > highest
    {
        let message = format!("`score_config.min_score` ({lowest}) is above `score_config.max_score` ({highest})");
        return Err(Error::invalid("score_config.min_score", message));
    }
    let (choices, kind) = (definition.choices(), definition.score_value_type);
    if kind.is_select() && choices.is_empty() {
        let message = format!(
            "`score_value_type` `{}` needs `score_config.choices`, an array of objects with `name` and `value`",
            kind.name()
        );
        return Err(Error::invalid("score_config.choices", message));
    }
    let mut names = HashSet::new();
    match choices.iter().find(|choice| !names.insert(choice.name.as_str())) {
        Some(twice) => {
            let message = format!("`score_config.choices` has two choices of the name `{}`", twice.name);
            Err(Error::invalid("score_config.choices", message))
        }
        None => Ok(()),
    }
}

/// What a member of a configuration must be.
#[derive(Clone, Copy)]
enum Kind {
    Text,
    Number,
    /// A whole number from 1.
    Count,
    Flag,
    Object,
    Texts,
    Objects,
    TextOrObject,
}

impl Kind {
    fn named(self) -> &'static str {
        match self {
            Self::Text => "a string",
            Self::Number => "a number",
            Self::Count => "a whole number from 1",
            Self::Flag => "true or false",
            Self::Object => "an object",
            Self::Texts => "an array of strings",
            Self::Objects => "an array of objects",
            Self::TextOrObject => "a string or an object",
        }
    }

    fn fits(self, value: &Value) -> bool {
        let all = |fits: fn(&Value) -> bool| value.as_array().is_some_and(|items| items.iter().all(fits));
        match self {
            Self::Text => value.is_string(),
            Self::Number => value.is_number(),
            Self::Count => value.as_u64().is_some_and(|number| number >= 1),
            Self::Flag => value.is_boolean(),
            Self::Object => value.is_object(),
            Self::Texts => all(Value::is_string),
            Self::Objects => all(Value::is_object),
            Self::TextOrObject => value.is_string() || value.is_object(),
        }
    }
}

/// Members of `llm_config` (contract F.4). Others are kept as they are.
const LLM: &[(&str, Kind)] = &[
    ("model", Kind::Text),
    ("evaluator_definition", Kind::Text),
    ("scoring_rubric", Kind::Text),
    ("temperature", Kind::Number),
    ("top_p", Kind::Number),
    ("frequency_penalty", Kind::Number),
    ("presence_penalty", Kind::Number),
    ("max_tokens", Kind::Count),
    ("max_completion_tokens", Kind::Count),
    ("stop", Kind::Texts),
    ("response_format", Kind::Object),
    ("tools", Kind::Objects),
    ("tool_choice", Kind::TextOrObject),
    ("verbosity", Kind::Text),
    ("stream", Kind::Flag),
    ("parallel_tool_calls", Kind::Flag),
];

/// Members of `code_config`; `builtin` and `parameters` are ours.
const CODE: &[(&str, Kind)] =
    &[("eval_code_snippet", Kind::Text), ("builtin", Kind::Text), ("parameters", Kind::Object)];

/// Members of `configurations` that decide about scores; their numbers may also be texts, as old records have them.
const LEGACY: &[(&str, Kind)] = &[
    ("evaluator_definition", Kind::Text),
    ("scoring_rubric", Kind::Text),
    ("llm_engine", Kind::Text),
    ("model_options", Kind::Object),
    ("eval_code_snippet", Kind::Text),
];

fn members(name: &str, config: &Map<String, Value>, allowed: &[(&str, Kind)]) -> Result<()> {
    for (member, kind) in allowed {
        let Some(value) = config.get(*member).filter(|value| !value.is_null()) else { continue };
        if !kind.fits(value) {
            let path = format!("{name}.{member}");
            let message = format!("`{path}` must be {}, got {}", kind.named(), brief(value));
            return Err(Error::invalid(path, message));
        }
    }
    Ok(())
}

/// A member that is text and says something.
fn said<'a>(config: Option<&'a Map<String, Value>>, member: &str) -> Option<&'a str> {
    config?.get(member)?.as_str().filter(|text| !text.trim().is_empty())
}

fn llm(definition: &Definition) -> Result<()> {
    members("configurations", &definition.configurations, LEGACY)?;
    let config = definition.llm_config.as_ref();
    if let Some(config) = config {
        members("llm_config", config, LLM)?;
        if config.get("model").is_some_and(Value::is_string) && said(Some(config), "model").is_none() {
            let message = "`llm_config.model` must not be empty; leave it out to use the organization's default model";
            return Err(Error::invalid("llm_config.model", message));
        }
    }
    let legacy = said(Some(&definition.configurations), "evaluator_definition");
    let wanted = definition.kind == "llm" || config.is_some_and(|config| !config.is_empty());
    match said(config, "evaluator_definition") {
        Some(template) if !speaks_of_output(template) => {
            let message = "`llm_config.evaluator_definition` must contain `{{output}}` (or `{{llm_output}}`), the output \
                           to judge";
            Err(Error::invalid("llm_config.evaluator_definition", message))
        }
        None if wanted && legacy.is_none() => {
            let message =
                "an LLM evaluator needs `llm_config.evaluator_definition`, a template that contains `{{output}}`";
            Err(Error::invalid("llm_config.evaluator_definition", message))
        }
        _ => Ok(()),
    }
}

/// Whether an expression or statement of the template names the output.
fn speaks_of_output(template: &str) -> bool {
    let inside = |opening: &str, closing: &str| {
        let blocks = template.split(opening).skip(1).filter_map(|rest| rest.split(closing).next()).collect::<Vec<_>>();
        blocks.into_iter().any(|block| {
            let mut words = block.split(|letter: char| !(letter.is_alphanumeric() || letter == '_'));
            words.any(|word| matches!(word, "output" | "llm_output"))
        })
    };
    inside("{{", "}}") || inside("{%", "%}")
}

fn code(definition: &Definition) -> Result<()> {
    let config = definition.code_config.as_ref();
    if let Some(config) = config {
        members("code_config", config, CODE)?;
    }
    let (snippet, builtin) = (said(config, "eval_code_snippet"), said(config, "builtin"));
    let legacy = said(Some(&definition.configurations), "eval_code_snippet");
    let wanted = definition.kind == "code" || config.is_some_and(|config| !config.is_empty());
    match (snippet, builtin) {
        (Some(_), Some(_)) => {
            let message = "`code_config` holds both `eval_code_snippet` and `builtin`; set one of them to null";
            Err(Error::invalid("code_config.builtin", message))
        }
        (None, None) if wanted && legacy.is_none() => {
            let message = "a code evaluator needs `code_config.eval_code_snippet`, Python that defines \
                           `main(eval_inputs)`, or `code_config.builtin`, the name of a built-in rule";
            Err(Error::invalid("code_config.eval_code_snippet", message))
        }
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::speaks_of_output;

    #[test]
    fn templates_must_name_the_output() {
        for good in [
            "Rate {{output}}",
            "{{ output | tojson }}",
            "{{llm_output}}",
            "{{ output.content }}",
            "{% for part in output %}{{ part }}{% endfor %}",
            "{{input}} and {{output}}",
        ] {
            assert!(speaks_of_output(good), "{good}");
        }
        for bad in ["", "output", "{{input}} output", "{{ expected_output }}", "{{ outputs }}", "{{input}}output{{x}}"]
        {
            assert!(!speaks_of_output(bad), "{bad}");
        }
    }
}
