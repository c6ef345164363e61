//! The settings of an LLM judge: `llm_config`, or the older `configurations` (contract F.1, F.4).
//!
//! Knows which members there are and what they may hold; does not know what is asked of the model.

use crate::convert::member;
use crate::sandbox::{Language, Source};
use evalset_model::provider::Provider;
use evalset_model::scalar::brief;
use evalset_model::{Error, Result};
use serde_json::{Map, Value};

/// Bytes of a rubric.
const RUBRIC_BYTES_MAX: usize = 256 * 1024;
/// Entries of `stop`.
const STOPS_MAX: usize = 16;
/// Bytes of a model's name.
const MODEL_BYTES_MAX: usize = 256;

/// What a judge is told, checked.
#[derive(Clone, Debug)]
pub struct JudgeConfig {
    /// The model; none: the endpoint's default.
    pub model: Option<String>,
    /// What is asked: a template, still to be checked by a [`Pool`](crate::sandbox::Pool).
    pub template: Source,
    /// How to score, appended to what is asked.
    pub rubric: Option<String>,
    /// Members that go into the request as they are.
    pub sent: Map<String, Value>,
}

impl JudgeConfig {
    /// The model that is asked.
    pub fn model_of(&self, settings: &Provider) -> String {
        self.model.clone().unwrap_or_else(|| settings.default_model.clone())
    }

    /// Whether the caller chose the form of the reply.
    pub fn chooses_format(&self) -> bool {
        self.sent.contains_key("response_format")
    }

    /// Reads `llm_config`. Members that are not known stay where they are stored, and are not sent.
    pub fn of_llm_config(map: &Map<String, Value>) -> Result<Self> {
        Self::read(map, map, "llm_config", "model", "llm_config")
    }

    /// Reads the older settings.
    pub fn of_configurations(map: &Map<String, Value>) -> Result<Self> {
        let none = Map::new();
        let options = match member(map, "model_options") {
            None => &none,
            Some(Value::Object(options)) => options,
            Some(other) => return Err(wrong("configurations.model_options", "an object", other)),
        };
        Self::read(map, options, "configurations", "llm_engine", "configurations.model_options")
    }

    fn read(
        map: &Map<String, Value>,
        options: &Map<String, Value>,
        path: &str,
        model: &str,
        options_path: &str,
    ) -> Result<Self> {
        let text = |name: &str, most: usize| {
            let path = format!("{path}.{name}");
            match member(map, name) {
                None => Ok(None),
                Some(Value::String(text)) if text.len() <= most => {
                    Ok(Some(text.clone()).filter(|text| !text.trim().is_empty()))
                }
                Some(Value::String(text)) => {
                    let message = format!("`{path}` has {} bytes, at most {most} are taken", text.len());
                    Err(Error::invalid(path, message))
                }
                Some(other) => Err(wrong(&path, "a string", other)),
            }
        };
        let definition = format!("{path}.evaluator_definition");
        // The pool bounds its size.
        let Some(source) = text("evaluator_definition", usize::MAX)? else {
            let message = format!("`{definition}` is missing: a Jinja2 template that contains {{{{output}}}}");
            return Err(Error::invalid(definition, message));
        };
        Ok(Self {
            model: text(model, MODEL_BYTES_MAX)?,
            template: Source::new(Language::Template, &source),
            rubric: text("scoring_rubric", RUBRIC_BYTES_MAX)?,
            sent: sent(options, options_path)?,
        })
    }
}

/// What a member may hold.
enum Kind {
    Number(f64, f64),
    Count,
    Text,
    Flag,
    Object,
    Objects,
    TextOrObject,
    Stops,
}

const SENT: &[(&str, Kind)] = &[
    ("temperature", Kind::Number(0.0, 2.0)),
    ("max_tokens", Kind::Count),
    ("max_completion_tokens", Kind::Count),
    ("top_p", Kind::Number(0.0, 1.0)),
    ("frequency_penalty", Kind::Number(-2.0, 2.0)),
    ("presence_penalty", Kind::Number(-2.0, 2.0)),
    ("stop", Kind::Stops),
    ("response_format", Kind::Object),
    ("tools", Kind::Objects),
    ("tool_choice", Kind::TextOrObject),
    ("parallel_tool_calls", Kind::Flag),
    ("verbosity", Kind::Text),
];

fn sent(options: &Map<String, Value>, path: &str) -> Result<Map<String, Value>> {
    let mut sent = Map::new();
    for (name, kind) in SENT {
        if let Some(value) = member(options, name) {
            if let Some(wanted) = kind.complaint(value) {
                return Err(wrong(&format!("{path}.{name}"), &wanted, value));
            }
            sent.insert((*name).to_owned(), value.clone());
        }
    }
    if let Some(other) = member(options, "stream").filter(|value| !value.is_boolean()) {
        return Err(wrong(&format!("{path}.stream"), "true or false (it has no effect)", other));
    }
    Ok(sent)
}

impl Kind {
    /// What the value should have been, if it is not.
    fn complaint(&self, value: &Value) -> Option<String> {
        let objects = |list: &Vec<Value>| list.iter().all(Value::is_object);
        let texts = |list: &Vec<Value>| list.len() <= STOPS_MAX && list.iter().all(Value::is_string);
        let (good, wanted) = match self {
            Self::Number(lowest, highest) => (
                value.as_f64().is_some_and(|number| (*lowest..=*highest).contains(&number)),
                format!("a number from {lowest} to {highest}"),
            ),
            Self::Count => (value.as_u64().is_some_and(|count| count > 0), "a whole number above 0".to_owned()),
            Self::Text => (value.is_string(), "a string".to_owned()),
            Self::Flag => (value.is_boolean(), "true or false".to_owned()),
            Self::Object => (value.is_object(), "an object".to_owned()),
            Self::Objects => (value.as_array().is_some_and(objects), "an array of objects".to_owned()),
            Self::TextOrObject => (value.is_string() || value.is_object(), "a string or an object".to_owned()),
            Self::Stops => (
                value.is_string() || value.as_array().is_some_and(texts),
                format!("an array of at most {STOPS_MAX} strings"),
            ),
        };
        (!good).then_some(wanted)
    }
}

fn wrong(path: &str, wanted: &str, value: &Value) -> Error {
    Error::invalid(path, format!("`{path}` must be {wanted}, got {}", brief(value)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn read(config: &Value) -> Result<JudgeConfig> {
        JudgeConfig::of_llm_config(config.as_object().unwrap())
    }

    #[test]
    fn known_members_are_sent_and_others_are_not() {
        let config = read(&json!({"model": "m", "evaluator_definition": "{{output}}", "scoring_rubric": "1 to 5",
            "temperature": 0, "max_tokens": 50, "stop": ["x"], "top_p": null, "stream": true, "other": {"a": 1}}))
        .unwrap();
        assert_eq!(Value::Object(config.sent), json!({"temperature": 0, "max_tokens": 50, "stop": ["x"]}));
        assert_eq!((config.model.as_deref(), config.rubric.as_deref()), (Some("m"), Some("1 to 5")));
    }

    #[test]
    fn older_settings() {
        let map = json!({"llm_engine": "gpt-4o", "evaluator_definition": "{{llm_output}}", "scoring_rubric": "",
            "model_options": {"temperature": 0.2}, "temperature": 9});
        let config = JudgeConfig::of_configurations(map.as_object().unwrap()).unwrap();
        assert_eq!((config.model.as_deref(), config.rubric), (Some("gpt-4o"), None));
        assert_eq!(Value::Object(config.sent), json!({"temperature": 0.2}));
        let wrong = json!({"evaluator_definition": "{{output}}", "model_options": {"temperature": "hot"}});
        let error = JudgeConfig::of_configurations(wrong.as_object().unwrap()).unwrap_err();
        assert!(error.by_field().contains_key("configurations.model_options.temperature"));
    }

    #[test]
    fn wrong_members_are_named() {
        for (name, value) in [
            ("model", json!(3)),
            ("scoring_rubric", json!(["a"])),
            ("evaluator_definition", json!("")),
            ("temperature", json!(2.1)),
            ("temperature", json!("0")),
            ("max_tokens", json!(0)),
            ("max_completion_tokens", json!(1.5)),
            ("top_p", json!(-0.1)),
            ("frequency_penalty", json!(3)),
            ("presence_penalty", json!([])),
            ("stop", json!([1])),
            ("response_format", json!("json")),
            ("tools", json!({})),
            ("tool_choice", json!(1)),
            ("parallel_tool_calls", json!("yes")),
            ("verbosity", json!(1)),
            ("stream", json!("no")),
        ] {
            let mut config = json!({"model": "m", "evaluator_definition": "{{output}}"});
            config[name] = value;
            let error = read(&config).unwrap_err();
            assert!(error.by_field().contains_key(&format!("llm_config.{name}")), "{config}: {error}");
        }
    }
}
