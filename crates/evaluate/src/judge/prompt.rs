//! What a judge is asked for: an instruction and a reply format that fit the value type.
//!
//! Does not know the template nor how the reply is read.

use evalset_model::evaluator::{Definition, ScoreValueType};
use serde_json::{Value, json};

/// The whole message: what the template says, the rubric, and how to answer.
pub(super) fn message(asked: &str, rubric: Option<&str>, definition: &Definition) -> String {
    let rubric = rubric.map(|rubric| format!("Scoring rubric:\n{rubric}\n\n")).unwrap_or_default();
    format!("{asked}\n\n{rubric}{}", instruction(definition))
}

/// How to answer, in words.
fn instruction(definition: &Definition) -> String {
    let score = score_in_words(definition);
    format!(
        "Answer with a JSON object and nothing else: {{\"score\": <score>, \"explanation\": \"<one or two sentences>\"}}. \
         The score is {score}."
    )
}

fn score_in_words(definition: &Definition) -> String {
    let names = || {
        let names = definition.choices().iter().map(|choice| Value::from(choice.name.as_str()).to_string());
        names.collect::<Vec<_>>().join(", ")
    };
    match definition.score_value_type {
        ScoreValueType::Numerical | ScoreValueType::Percentage => match definition.bounds() {
            (Some(lowest), Some(highest)) => format!("a number from {lowest} to {highest}"),
            (Some(lowest), None) => format!("a number, {lowest} or more"),
            (None, Some(highest)) => format!("a number, at most {highest}"),
            (None, None) => "a number".to_owned(),
        },
        ScoreValueType::Boolean => "true or false".to_owned(),
        ScoreValueType::SingleSelect => format!("exactly one of: {}", names()),
        ScoreValueType::MultiSelect | ScoreValueType::Categorical => {
            format!("an array of none, one or several of: {}", names())
        }
        ScoreValueType::Text | ScoreValueType::Comment => "a text".to_owned(),
        ScoreValueType::Json => "any JSON value that the task asks for".to_owned(),
    }
}

/// The reply format for endpoints that can be held to one. Bounds are left to the instruction: not every endpoint takes
/// them.
pub(super) fn response_format(definition: &Definition) -> Value {
    let names: Vec<&str> = definition.choices().iter().map(|choice| choice.name.as_str()).collect();
    let score = match definition.score_value_type {
        ScoreValueType::Numerical | ScoreValueType::Percentage => json!({"type": "number"}),
        ScoreValueType::Boolean => json!({"type": "boolean"}),
        ScoreValueType::SingleSelect => json!({"type": "string", "enum": names}),
        ScoreValueType::MultiSelect | ScoreValueType::Categorical => {
            json!({"type": "array", "items": {"type": "string", "enum": names}})
        }
        ScoreValueType::Text | ScoreValueType::Comment => json!({"type": "string"}),
        // A strict schema cannot say "anything".
        ScoreValueType::Json => return json!({"type": "json_object"}),
    };
    json!({"type": "json_schema", "json_schema": {"name": "score", "strict": true, "schema": {
        "type": "object",
        "properties": {"score": score, "explanation": {"type": "string"}},
        "required": ["score", "explanation"],
        "additionalProperties": false,
    }}})
}
