//! What an evaluator is given of a record, and the text views of it (contract F.4, F.7).
//!
//! Knows stored logs and the `inputs` of a request. Does not know what an evaluator does with them.

use evalset_model::evaluator::EvalInputs;
use evalset_model::field::Field;
use evalset_model::json::Text;
use evalset_model::log::derive::{self, Prose};
use evalset_model::log::{Log, payload};
use evalset_model::scalar::{Scalar, brief};
use evalset_model::{Error, Result};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use serde_json::{Map, Value};
use std::borrow::Cow;

/// Fields of a log that evaluators see under `metrics`, when set.
const METRICS: &[Field] = &[
    Field::PromptTokens,
    Field::CompletionTokens,
    Field::TotalRequestTokens,
    Field::Cost,
    Field::Latency,
    Field::TimeToFirstToken,
    Field::TokensPerSecond,
];

/// The older place of the target, in metadata (contract F.4).
pub const IDEAL_OUTPUT: &str = "ideal_output";

/// The inputs of a stored record: payload values as they are, metadata without reserved keys, known metrics and the
/// others.
pub fn of_log(log: &Log) -> EvalInputs {
    let member = |name: &str| log.payload.text(name).cloned().unwrap_or_default();
    let known = METRICS.iter().filter_map(|field| {
        let value = match log.scalars.get(*field)? {
            Scalar::Int(number) => Value::from(*number),
            Scalar::Float(number) => Value::from(*number),
            Scalar::Text(_) | Scalar::Bool(_) | Scalar::Time(_) => return None,
        };
        Some((field.name().to_owned(), value))
    });
    let mut metrics: Map<String, Value> = known.collect();
    if let Value::Object(others) = log.payload.value(payload::METRICS) {
        for (name, value) in others {
            metrics.entry(name).or_insert(value);
        }
    }
    let shown = log.metadata.iter().filter(|(key, _)| !key.starts_with('_'));
    EvalInputs {
        input: member(payload::INPUT),
        output: member(payload::OUTPUT),
        expected_output: member(payload::EXPECTED_OUTPUT),
        metrics,
        metadata: shown.map(|(key, value)| (key.clone(), value.clone())).collect(),
    }
}

/// The inputs of a request's `inputs` object; `llm_input` and `llm_output` stand in for absent `input` and `output`.
/// Other members are ignored, as the hosted service does.
pub fn of_body(inputs: &Value) -> Result<EvalInputs> {
    let Value::Object(members) = inputs else {
        return Err(Error::invalid("inputs", format!("`inputs` must be an object, got {}", brief(inputs))));
    };
    let value = |name: &str, older: &str| {
        let given = |name: &str| members.get(name).filter(|value| !value.is_null()).cloned();
        given(name).or_else(|| given(older)).map(Text::from).unwrap_or_default()
    };
    let map = |name: &str| match members.get(name) {
        None | Some(Value::Null) => Ok(Map::new()),
        Some(Value::Object(map)) => Ok(map.clone()),
        Some(other) => {
            let path = format!("inputs.{name}");
            let message = format!("`{path}` must be an object, got {}", brief(other));
            Err(Error::invalid(path, message))
        }
    };
    Ok(EvalInputs {
        input: value("input", "llm_input"),
        output: value("output", "llm_output"),
        expected_output: value("expected_output", IDEAL_OUTPUT),
        metrics: map("metrics")?,
        metadata: map("metadata")?,
    })
}

/// Text view of an input: a string as it is, messages as their contents without the instructions, anything else as
/// compact JSON, null as nothing.
pub fn input_text(value: &Text) -> Cow<'_, str> {
    derive::prompt_of(value.json()).map(Prose::text).unwrap_or_default()
}

/// Text view of an output or a target: a string as it is, a message (or the first of several) as its content, anything
/// else as compact JSON, null as nothing.
pub fn output_text(value: &Text) -> Cow<'_, str> {
    derive::completion_of(value.json(), false).map(Prose::text).unwrap_or_default()
}

/// The target as older templates call it: `metadata.ideal_output` where given, else the expected output.
pub fn ideal_output(inputs: &EvalInputs) -> Text {
    let older = inputs.metadata.get(IDEAL_OUTPUT).filter(|value| !value.is_null());
    older.map_or_else(|| inputs.expected_output.clone(), |value| value.clone().into())
}

/// A string as it is, anything else as compact JSON text.
pub fn text_of(value: &Value) -> Cow<'_, str> {
    match value {
        Value::String(text) => Cow::Borrowed(text),
        other => Cow::Owned(other.to_string()),
    }
}

/// The dictionary a Python evaluator is called with: every key is always there.
#[derive(Serialize)]
pub struct Dictionary<'a> {
    input: &'a Text,
    output: &'a Text,
    expected_output: &'a Text,
    metrics: &'a Map<String, Value>,
    metadata: &'a Map<String, Value>,
    llm_input: Cow<'a, str>,
    llm_output: Cow<'a, str>,
}

/// The inputs back from the JSON of a [`Dictionary`].
pub fn of_dictionary(text: &[u8]) -> serde_json::Result<EvalInputs> {
    #[derive(Deserialize)]
    struct Row {
        input: Box<RawValue>,
        output: Box<RawValue>,
        expected_output: Box<RawValue>,
        metrics: Map<String, Value>,
        metadata: Map<String, Value>,
    }
    let Row { input, output, expected_output, metrics, metadata } = serde_json::from_slice(text)?;
    let [input, output, expected_output] =
        [input, output, expected_output].map(|value| Text::written(String::from(Box::<str>::from(value))));
    Ok(EvalInputs { input, output, expected_output, metrics, metadata })
}

/// The inputs as Python evaluators get them.
pub fn dictionary(inputs: &EvalInputs) -> Dictionary<'_> {
    Dictionary {
        input: &inputs.input,
        output: &inputs.output,
        expected_output: &inputs.expected_output,
        metrics: &inputs.metrics,
        metadata: &inputs.metadata,
        llm_input: input_text(&inputs.input),
        llm_output: output_text(&inputs.output),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use evalset_model::ids::LogId;
    use serde_json::json;

    #[test]
    fn a_log_gives_payload_set_metrics_and_open_metadata() {
        let mut log = Log::new(LogId("r1".to_owned()));
        log.scalars.set(Field::PromptTokens, Some(Scalar::Int(7)));
        log.scalars.set(Field::Latency, Some(Scalar::Float(0.25)));
        log.scalars.set_text(Field::Model, "m");
        log.payload.insert("input".to_owned(), json!([{"role": "user", "content": "hi"}]));
        log.payload.insert("metrics".to_owned(), json!({"rouge": 0.5, "latency": 9}));
        log.metadata = json!({"tier": "gold", "_hidden": 1}).as_object().cloned().unwrap();
        let inputs = of_log(&log);
        assert_eq!(
            serde_json::to_value(dictionary(&inputs)).unwrap(),
            json!({"input": [{"role": "user", "content": "hi"}], "output": null, "expected_output": null,
                "metrics": {"prompt_tokens": 7, "latency": 0.25, "rouge": 0.5}, "metadata": {"tier": "gold"},
                "llm_input": "hi", "llm_output": ""})
        );
    }

    #[test]
    fn a_body_may_use_the_older_names() {
        let inputs =
            of_body(&json!({"llm_input": "a", "input": null, "output": "b", "llm_output": "c", "metrics": null,
            "ideal_output": "d", "other": 1}))
            .unwrap();
        assert_eq!(
            (inputs.input, inputs.output, inputs.expected_output),
            (json!("a").into(), json!("b").into(), json!("d").into())
        );
        for (body, field) in [(json!([]), "inputs"), (json!({"metadata": "x"}), "inputs.metadata")] {
            assert_eq!(of_body(&body).unwrap_err().by_field().keys().collect::<Vec<_>>(), [field]);
        }
    }

    #[test]
    fn texts() {
        for (value, input, output) in [
            (json!("plain"), "plain", "plain"),
            (json!(null), "", ""),
            (json!(""), "", ""),
            (json!(3.5), "3.5", "3.5"),
            (json!({"a": [1, null]}), r#"{"a":[1,null]}"#, r#"{"a":[1,null]}"#),
            (json!([{"role": "system", "content": "s"}, {"role": "user", "content": "ü"}]), "ü", "s"),
            (
                json!({"role": "assistant", "content": [{"type": "text", "text": "é"}]}),
                r#"{"role":"assistant","content":[{"type":"text","text":"é"}]}"#,
                "é",
            ),
        ] {
            let text = Text::from(value);
            assert_eq!((input_text(&text).as_ref(), output_text(&text).as_ref()), (input, output), "{text:?}");
        }
    }

    #[test]
    fn the_ideal_output_is_looked_for_in_metadata_first() {
        let mut inputs = EvalInputs { expected_output: json!("e").into(), ..EvalInputs::default() };
        assert_eq!(ideal_output(&inputs).json().text(), "\"e\"");
        inputs.metadata.insert("ideal_output".to_owned(), json!("m"));
        assert_eq!(ideal_output(&inputs).json().text(), "\"m\"");
    }
}
