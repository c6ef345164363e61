//! What must hold of an evaluator before it is stored (contract F.1 "Validation", F.4): size, type, and everything its
//! settings can be refused for, before anything runs.

use crate::app::App;
use evalset_model::evaluator::{Definition, KINDS};
use evalset_model::filter::wire;
use evalset_model::{Error, Result};
use serde_json::Value;

/// Refuses a definition that cannot be run as it says; the error names the member at fault. The one place for all
/// checks of settings, whoever makes them.
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
    if let Some(conditions) = &definition.passing_conditions {
        wire::parse("passing_conditions", Some(&Value::Object(conditions.clone())), None, &app.limits)?;
    }
    let model = definition.llm_config.as_ref().and_then(|config| config.get("model")).and_then(Value::as_str);
    if model.is_some_and(|model| model.trim().is_empty()) {
        let text = "`llm_config.model` must not be empty; leave it out for the provider's default model";
        return Err(Error::invalid("llm_config.model", text));
    }
    legacy(definition)?;
    evalset_evaluate::check(definition)?;
    for (member, source) in evalset_evaluate::sources(definition)? {
        let checked = app.evaluators.pool(source.language()).check(&source).await;
        checked.map_err(|error| source.refused(member, error))?;
    }
    Ok(())
}

/// The older settings are kept whether or not they are used: those that decide about scores must be what they seem.
fn legacy(definition: &Definition) -> Result<()> {
    for (name, is_object) in [("model_options", true), ("llm_engine", false), ("scoring_rubric", false)] {
        let Some(value) = definition.configurations.get(name).filter(|value| !value.is_null()) else { continue };
        if value.is_object() != is_object || (!is_object && !value.is_string()) {
            let (path, wanted) = (format!("configurations.{name}"), if is_object { "an object" } else { "a string" });
            return Err(Error::invalid(&path, format!("`{path}` must be {wanted}")));
        }
    }
    Ok(())
}
