//! Which way a definition scores, and everything that can be refused of it before it is stored.
//!
//! Knows definitions. Does not run anything.

use crate::convert::{CHOICES_MAX, member};
use crate::judge::JudgeConfig;
use crate::passing::Passing;
use crate::rules::{Natural, Rule};
use crate::sandbox::{Language, Source};
use evalset_model::evaluator::{Definition, Method, ScoreValueType};
use evalset_model::scalar::brief;
use evalset_model::{Error, Result};
use serde_json::{Map, Value};
use std::collections::HashSet;

/// The way a definition scores.
#[derive(Clone, Debug)]
pub enum Prepared {
    /// A built-in evaluator.
    Rule(Rule),
    /// Python, still to be checked by a [`Pool`](crate::sandbox::Pool).
    Python(Source),
    /// A model is asked.
    Judge(Box<JudgeConfig>),
    /// People score; nothing runs.
    Human,
}

impl Prepared {
    /// Chooses and compiles: for `auto` the LLM config, then the code config, then the older settings; the other
    /// methods demand theirs.
    pub fn new(definition: &Definition, method: Method) -> Result<Self> {
        let missing = |what: &str, config: &str| {
            let message = format!("`generation_method` `{what}` needs `{config}`, which this evaluator does not have");
            Err(Error::invalid("generation_method", message))
        };
        match method {
            Method::Llm => match llm(definition)?.or(legacy_llm(definition)?) {
                Some(prepared) => Ok(prepared),
                None => missing("llm", "llm_config"),
            },
            Method::Code => match code(definition)?.or(legacy_code(definition)?) {
                Some(prepared) => Ok(prepared),
                None => missing("code", "code_config"),
            },
            Method::Auto => {
                if let Some(prepared) = llm(definition)? {
                    return Ok(prepared);
                }
                if let Some(prepared) = code(definition)? {
                    return Ok(prepared);
                }
                let legacy = legacy_llm(definition)?.or(legacy_code(definition)?);
                match legacy {
                    Some(prepared) => Ok(prepared),
                    None => none_given(definition).map(|()| Self::Human),
                }
            }
        }
    }

    /// Whether its work is done in this process, by the thread that asks for it.
    pub fn runs_here(&self) -> bool {
        matches!(self, Self::Rule(rule) if rule.source().is_none())
    }

    /// `type` of the scores it makes: `llm` or `code`; none for people.
    pub fn kind(&self) -> Option<&'static str> {
        match self {
            Self::Rule(_) | Self::Python(_) => Some("code"),
            Self::Judge(_) => Some("llm"),
            Self::Human => None,
        }
    }
}

/// Everything that can be refused of a definition before it is stored, except what only a child process can say of its
/// sources.
pub fn check(definition: &Definition) -> Result<()> {
    check_bounds(definition)?;
    check_choices(definition)?;
    llm(definition)?;
    code(definition)?;
    legacy_llm(definition)?;
    legacy_code(definition)?;
    none_given(definition)?;
    Passing::compile(definition).map(|_| ())
}

/// The sources of a definition, for [`Pool::check`](crate::sandbox::Pool::check): the member each came in, and the
/// source.
pub fn sources(definition: &Definition) -> Result<Vec<(&'static str, Source)>> {
    let found = [
        (llm(definition)?, "llm_config.evaluator_definition"),
        (legacy_llm(definition)?, "configurations.evaluator_definition"),
        (code(definition)?, "code_config.eval_code_snippet"),
        (legacy_code(definition)?, "configurations.eval_code_snippet"),
    ];
    let source = |(prepared, member)| match prepared? {
        Prepared::Python(source) => Some((member, source)),
        Prepared::Judge(config) => Some((member, config.template)),
        Prepared::Rule(rule) => rule.source().map(|source| ("code_config.parameters.schema", source.clone())),
        Prepared::Human => None,
    };
    Ok(found.into_iter().filter_map(source).collect())
}

fn llm(definition: &Definition) -> Result<Option<Prepared>> {
    let config = definition.llm_config.as_ref().filter(|map| map.values().any(|value| !value.is_null()));
    config.map(|map| JudgeConfig::of_llm_config(map).map(|config| Prepared::Judge(Box::new(config)))).transpose()
}

fn code(definition: &Definition) -> Result<Option<Prepared>> {
    let Some(map) = &definition.code_config else { return Ok(None) };
    let builtin = text(map, "builtin", "code_config.builtin")?;
    let snippet = text(map, "eval_code_snippet", "code_config.eval_code_snippet")?;
    match (builtin, snippet) {
        (Some(_), Some(_)) => Err(Error::invalid(
            "code_config.builtin",
            "`code_config` must hold `builtin` or `eval_code_snippet`, not both",
        )),
        (Some(name), None) => {
            if let Some(key) =
                map.keys().find(|key| !matches!(key.as_str(), "builtin" | "parameters" | "eval_code_snippet"))
            {
                let path = format!("code_config.{key}");
                let message = format!(
                    "`{path}` is no member of a built-in evaluator's `code_config`: it has `builtin` and `parameters`"
                );
                return Err(Error::invalid(path, message));
            }
            let none = Map::new();
            let parameters = match member(map, "parameters") {
                None => &none,
                Some(Value::Object(parameters)) => parameters,
                Some(other) => {
                    let field = "code_config.parameters";
                    return Err(Error::invalid(field, format!("`{field}` must be an object, got {}", brief(other))));
                }
            };
            let rule = Rule::compile(name, parameters)?;
            fits(&rule, definition.score_value_type)?;
            Ok(Some(Prepared::Rule(rule)))
        }
        (None, Some(source)) => Ok(Some(Prepared::Python(Source::new(Language::Python, source)))),
        (None, None) => Ok(None),
    }
}

fn legacy_llm(definition: &Definition) -> Result<Option<Prepared>> {
    let map = &definition.configurations;
    if text(map, "evaluator_definition", "configurations.evaluator_definition")?.is_none() {
        return Ok(None);
    }
    JudgeConfig::of_configurations(map).map(|config| Some(Prepared::Judge(Box::new(config))))
}

fn legacy_code(definition: &Definition) -> Result<Option<Prepared>> {
    let source = text(&definition.configurations, "eval_code_snippet", "configurations.eval_code_snippet")?;
    Ok(source.map(|source| Prepared::Python(Source::new(Language::Python, source))))
}

/// A text that says something.
fn text<'a>(map: &'a Map<String, Value>, name: &str, path: &str) -> Result<Option<&'a str>> {
    match member(map, name) {
        None => Ok(None),
        Some(Value::String(text)) => Ok(Some(text.as_str()).filter(|text| !text.trim().is_empty())),
        Some(other) => Err(Error::invalid(path, format!("`{path}` must be a string, got {}", brief(other)))),
    }
}

/// Whether the evaluator may be without any way to run: one of people may.
fn none_given(definition: &Definition) -> Result<()> {
    let has_llm = llm(definition)?.or(legacy_llm(definition)?).is_some();
    let has_code = code(definition)?.or(legacy_code(definition)?).is_some();
    match definition.kind.as_str() {
        "llm" if !has_llm => Err(Error::invalid(
            "llm_config.evaluator_definition",
            "an evaluator of type `llm` needs `llm_config` with `evaluator_definition`",
        )),
        "code" if !has_code => Err(Error::invalid(
            "code_config.eval_code_snippet",
            "an evaluator of type `code` needs `code_config` with `eval_code_snippet` or `builtin`",
        )),
        _ => Ok(()),
    }
}

/// A ratio is no truth value and no choice; truth values can be written as anything.
fn fits(rule: &Rule, value_type: ScoreValueType) -> Result<()> {
    let info = rule.info();
    if info.natural == Natural::Ratio && (value_type == ScoreValueType::Boolean || value_type.is_select()) {
        let message = format!(
            "`{}` gives a number from 0 to 1, which is no `{}`: use `score_value_type` `numerical` or `percentage`, and \
             `passing_conditions` for a threshold",
            info.name,
            value_type.name()
        );
        return Err(Error::invalid("code_config.builtin", message));
    }
    Ok(())
}

fn check_bounds(definition: &Definition) -> Result<()> {
    for name in ["min_score", "max_score"] {
        if let Some(value) = member(&definition.configurations, name).filter(|value| !value.is_number()) {
            let path = format!("configurations.{name}");
            return Err(Error::invalid(&path, format!("`{path}` must be a number, got {}", brief(value))));
        }
    }
    let (lowest, highest) = definition.bounds();
    let config = definition.score_config.as_ref();
    let of_config = config.is_some_and(|config| config.min_score.is_some() || config.max_score.is_some());
    let path = if of_config { "score_config.min_score" } else { "configurations.min_score" };
    if let (Some(lowest), Some(highest)) = (lowest, highest)
        && lowest > highest
    {
        return Err(Error::invalid(path, format!("the lowest score {lowest} is above the highest, {highest}")));
    }
    let outside = |bound: Option<f64>| bound.is_some_and(|bound| !(0.0..=100.0).contains(&bound));
    if definition.score_value_type == ScoreValueType::Percentage && (outside(lowest) || outside(highest)) {
        return Err(Error::invalid(path, "a percentage lies between 0 and 100, so its bounds must too"));
    }
    Ok(())
}

fn check_choices(definition: &Definition) -> Result<()> {
    let choices = definition.choices();
    let wrong = |message: String| Err(Error::invalid("score_config.choices", message));
    if definition.score_value_type.is_select() && choices.is_empty() {
        let kind = definition.score_value_type.name();
        return wrong(format!("`score_value_type` `{kind}` needs choices: [{{\"name\": …, \"value\": …}}, …]"));
    }
    if choices.len() > CHOICES_MAX {
        return wrong(format!("there are {} choices, at most {CHOICES_MAX} are taken", choices.len()));
    }
    let mut names = HashSet::new();
    for choice in choices {
        if choice.name.is_empty() {
            return wrong("a choice needs a name".to_owned());
        }
        if !names.insert(choice.name.as_str()) {
            return wrong(format!("the choice `{}` is there twice", choice.name));
        }
        if choice.value.is_array() || choice.value.is_object() {
            return wrong(format!("the value of the choice `{}` must be a string, a number or a boolean", choice.name));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests;
