//! Bodies of evaluators → definitions (contract F.1): the whole one of POST and PUT, and the change of PATCH.
//!
//! Knows the types of members, so that errors can name them; what settings must hold is checked in `ops::evaluators`.

use crate::http::members;
use crate::wire::evaluator::members as members_of;
use evalset_evaluate::rules::CATALOGUE;
use evalset_model::dataset::Tag;
use evalset_model::evaluator::{Choice, Definition, ScoreConfig, ScoreValueType};
use evalset_model::scalar::{brief, read_number, type_name};
use evalset_model::{Error, Result};
use evalset_product::ops::evaluators::{self, NewEvaluator};
use serde_json::{Map, Value};

/// Tags of one evaluator.
const TAGS_MAX: usize = 100;
/// Members that PATCH merges key by key; others are replaced.
const MERGED: &[&str] = &["score_config", "llm_config", "code_config", "configurations"];

/// A body of V1.
pub fn new_evaluator(body: &Map<String, Value>) -> Result<NewEvaluator> {
    Ok(NewEvaluator {
        slug: slug(body)?,
        definition: definition(body)?,
        starred: starred(body)?.unwrap_or(false),
        tags: tags(body)?.unwrap_or_default(),
    })
}

/// `evaluator_slug`, or its older name.
pub fn slug(body: &Map<String, Value>) -> Result<Option<String>> {
    Ok(members::text(body, "evaluator_slug")?.or(members::text(body, "slug")?))
}

/// The star; null is none.
pub fn starred(body: &Map<String, Value>) -> Result<Option<bool>> {
    Ok(members::flag(body, "starred")?.or(members::given(body, "starred").map(|_| false)))
}

/// Tags: ids, or tag objects as they are answered; null is none.
pub fn tags(body: &Map<String, Value>) -> Result<Option<Vec<Tag>>> {
    let Some(items) = members::array(body, "tags")? else {
        return Ok(members::given(body, "tags").map(|_| Vec::new()));
    };
    if items.len() > TAGS_MAX {
        let message = format!("`tags` must hold at most {TAGS_MAX} tags, got {}", items.len());
        return Err(Error::invalid("tags", message));
    }
    items.iter().map(tag).collect::<Result<_>>().map(Some)
}

fn tag(item: &Value) -> Result<Tag> {
    let wrong = || {
        let message = "`tags` must be an array of ids or of objects with `id` or `name`";
        Error::invalid("tags", format!("{message}, got {} in it", brief(item)))
    };
    let text = |value: &Value| match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        _ => None,
    };
    let Value::Object(given) = item else { return text(item).map(|id| evaluators::tag(&id)).ok_or_else(wrong) };
    let part = |name: &str| given.get(name).and_then(text);
    let mut tag = evaluators::tag(&part("id").or_else(|| part("name")).ok_or_else(wrong)?);
    tag.name = part("name").unwrap_or(tag.name);
    tag.color = part("color").unwrap_or_default();
    Ok(tag)
}

/// The definition that a whole body describes: absent members have their defaults.
pub fn definition(body: &Map<String, Value>) -> Result<Definition> {
    let name = members::text(body, "name")?.ok_or_else(|| Error::invalid("name", "`name` is required"))?;
    let (llm_config, code_config) = (config(body, "llm_config")?, config(body, "code_config")?);
    let primary_use = match (&llm_config, &code_config) {
        (Some(_), _) => "llm",
        (None, Some(_)) => "code",
        (None, None) => "human",
    };
    let value_type = members::text(body, "score_value_type")?;
    let value_type = value_type.map(|text| ScoreValueType::parse("score_value_type", &text)).transpose()?;
    Ok(Definition {
        name,
        description: members::text(body, "description")?.unwrap_or_default(),
        kind: members::text(body, "type")?.unwrap_or_else(|| primary_use.to_owned()),
        score_value_type: value_type.or(natural(code_config.as_ref())).unwrap_or_default(),
        eval_class: members::text(body, "eval_class")?,
        score_config: members::object(body, "score_config")?.map(score_config).transpose()?,
        passing_conditions: members::object(body, "passing_conditions")?.cloned(),
        llm_config,
        code_config,
        configurations: config(body, "configurations")?.unwrap_or_default(),
        categorical_choices: choices(body, "categorical_choices", "categorical_choices")?,
        custom_required_fields: members::array(body, "custom_required_fields")?.unwrap_or_default().to_vec(),
    })
}

/// What a built-in evaluator gives by nature.
fn natural(code_config: Option<&Map<String, Value>>) -> Option<ScoreValueType> {
    let name = code_config?.get("builtin")?.as_str()?;
    let info = CATALOGUE.iter().find(|info| info.name == name)?;
    ScoreValueType::parse("score_value_type", info.natural.score_value_type()).ok()
}

/// A configuration without its nulls, which mean absent. A single `stop` becomes an array, since clients read one
/// (T17).
fn config(body: &Map<String, Value>, name: &str) -> Result<Option<Map<String, Value>>> {
    let Some(mut config) = members::object(body, name)?.cloned() else { return Ok(None) };
    config.retain(|_, value| !value.is_null());
    if let Some(stop) = config.get_mut("stop")
        && stop.is_string()
    {
        *stop = Value::Array(vec![stop.take()]);
    }
    Ok(Some(config))
}

fn score_config(config: &Map<String, Value>) -> Result<ScoreConfig> {
    let number = |name: &str| {
        let read = |value| {
            let path = format!("score_config.{name}");
            let message = format!("`{path}` must be a number, got {}", brief(value));
            read_number(value).ok_or_else(|| Error::invalid(path, message))
        };
        members::present(config, name).map(read).transpose()
    };
    Ok(ScoreConfig {
        min_score: number("min_score")?,
        max_score: number("max_score")?,
        choices: choices(config, "choices", "score_config.choices")?.unwrap_or_default(),
    })
}

/// Choices of a select type; `path` is what errors name. A choice without a value has its name as value.
fn choices(members: &Map<String, Value>, name: &str, path: &str) -> Result<Option<Vec<Choice>>> {
    let Some(value) = members::present(members, name) else { return Ok(None) };
    let array = || Error::invalid(path, format!("`{path}` must be an array, got {}", type_name(value)));
    let read = |(index, item): (usize, &Value)| {
        let path = format!("{path}.{index}");
        let wrong = |what: &str| Error::invalid(&path, format!("`{path}` must be {what}, got {}", brief(item)));
        let name = item.get("name").and_then(Value::as_str).filter(|name| !name.is_empty());
        let name = name.ok_or_else(|| wrong("an object with a `name` and a `value`"))?.to_owned();
        match item.get("value") {
            None | Some(Value::Null) => Ok(Choice { value: Value::from(name.as_str()), name }),
            Some(Value::Object(_) | Value::Array(_)) => {
                Err(wrong("a choice whose `value` is a string, number or boolean"))
            }
            Some(value) => Ok(Choice { name, value: value.clone() }),
        }
    };
    value.as_array().ok_or_else(array)?.iter().enumerate().map(read).collect::<Result<_>>().map(Some)
}

/// `current` with the members of a PATCH: configurations are merged key by key, null removes, all else is replaced.
pub fn merged(current: &Definition, body: &Map<String, Value>) -> Result<Definition> {
    let mut whole = members_of(current)?;
    forget_other_choices(&mut whole, body);
    for (name, new) in body {
        match (whole.get_mut(name), new) {
            (Some(Value::Object(old)), Value::Object(new)) if MERGED.contains(&name.as_str()) => {
                // What is null here goes when the whole is read.
                old.extend(new.clone());
            }
            _ => {
                whole.insert(name.clone(), new.clone());
            }
        }
    }
    definition(&whole)
}

/// Choices have two places; those given last count, so the other place is emptied.
fn forget_other_choices(whole: &mut Map<String, Value>, body: &Map<String, Value>) {
    let in_config = |members: &Map<String, Value>| {
        members.get("score_config").and_then(Value::as_object).is_some_and(|config| config.contains_key("choices"))
    };
    match (in_config(body), body.contains_key("categorical_choices")) {
        (true, false) => {
            whole.remove("categorical_choices");
        }
        (false, true) => {
            if let Some(config) = whole.get_mut("score_config").and_then(Value::as_object_mut) {
                config.remove("choices");
            }
        }
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn read(body: &Value) -> Result<Definition> {
        definition(body.as_object().unwrap())
    }

    fn patched(before: &Value, patch: &Value) -> Definition {
        merged(&read(before).unwrap(), patch.as_object().unwrap()).unwrap()
    }

    #[test]
    fn the_type_follows_the_configuration() {
        let kind = |body: Value| read(&body).unwrap().kind;
        assert_eq!(kind(json!({"name": "x"})), "human");
        assert_eq!(kind(json!({"name": "x", "llm_config": {}, "code_config": {}})), "llm");
        assert_eq!(kind(json!({"name": "x", "llm_config": null, "code_config": {}})), "code");
        assert_eq!(kind(json!({"name": "x", "type": "human", "llm_config": {}})), "human");
    }

    #[test]
    fn errors_name_the_path_of_the_member() {
        for (body, path) in [
            (json!({}), "name"),
            (json!({"name": "x", "type": 1}), "type"),
            (json!({"name": "x", "score_value_type": "colour"}), "score_value_type"),
            (json!({"name": "x", "score_config": []}), "score_config"),
            (json!({"name": "x", "score_config": {"min_score": "low"}}), "score_config.min_score"),
            (json!({"name": "x", "score_config": {"choices": {}}}), "score_config.choices"),
            (json!({"name": "x", "score_config": {"choices": [{"name": "a"}, "b"]}}), "score_config.choices.1"),
            (json!({"name": "x", "categorical_choices": [{"name": "a", "value": []}]}), "categorical_choices.0"),
            (json!({"name": "x", "llm_config": "gpt"}), "llm_config"),
            (json!({"name": "x", "passing_conditions": []}), "passing_conditions"),
            (json!({"name": "x", "custom_required_fields": {}}), "custom_required_fields"),
        ] {
            let error = read(&body).unwrap_err();
            assert!(error.by_field().contains_key(path), "{body}: {error}");
        }
    }

    #[test]
    fn a_patch_merges_configurations_and_replaces_what_is_inside() {
        let before = json!({"name": "x", "description": "d", "llm_config": {"model": "m", "temperature": 1, "stop": "a"},
            "configurations": {"model_options": {"temperature": 1}, "passing_score": 3},
            "passing_conditions": {"primary_score": 1}, "score_config": {"min_score": 1, "max_score": 5}});
        assert_eq!(patched(&before, &json!({})), read(&before).unwrap());
        let after = patched(
            &before,
            &json!({"llm_config": {"temperature": null, "top_p": 0.5}, "configurations": {"model_options": {"n": 1}},
                "passing_conditions": {"boolean_value": true}, "score_config": {"max_score": null}}),
        );
        assert_eq!(Value::from(after.llm_config.unwrap()), json!({"model": "m", "stop": ["a"], "top_p": 0.5}));
        assert_eq!(Value::from(after.configurations), json!({"model_options": {"n": 1}, "passing_score": 3}));
        assert_eq!(Value::from(after.passing_conditions.unwrap()), json!({"boolean_value": true}));
        assert_eq!(after.score_config.map(|config| (config.min_score, config.max_score)), Some((Some(1.0), None)));
        assert_eq!(after.description, "d");
        let cleared = patched(&before, &json!({"llm_config": null, "description": null, "passing_conditions": null}));
        assert_eq!((cleared.llm_config, cleared.passing_conditions), (None, None));
        assert_eq!((cleared.description.as_str(), cleared.kind.as_str()), ("", "llm"));
    }

    #[test]
    fn choices_given_last_count() {
        let choices = |name: &str| json!([{"name": name, "value": 1}]);
        let names = |definition: &Definition| definition.choices()[0].name.clone();
        let old = json!({"name": "x", "score_config": {"choices": choices("a")}});
        assert_eq!(names(&patched(&old, &json!({"categorical_choices": choices("b")}))), "b");
        let older = json!({"name": "x", "categorical_choices": choices("a")});
        assert_eq!(names(&patched(&older, &json!({"score_config": {"choices": choices("b")}}))), "b");
    }

    #[test]
    fn tags_are_ids_or_objects() {
        let read = |value: Value| tags(json!({ "tags": value }).as_object().unwrap());
        let given = json!([7, "7", {"id": 7, "name": "vip", "color": "red"}, {"name": "vip"}]);
        let tags = read(given).unwrap().unwrap();
        assert_eq!(tags[0], tags[1]);
        assert_eq!((tags[2].id.as_str(), tags[2].name.as_str(), tags[2].color.as_str()), ("7", "vip", "red"));
        assert_eq!(tags[3], evaluators::tag("vip"));
        assert_eq!(read(json!(null)).unwrap(), Some(Vec::new()));
        for bad in [json!("a"), json!([true]), json!([{}])] {
            assert!(read(bad.clone()).unwrap_err().by_field().contains_key("tags"), "{bad}");
        }
    }

    #[test]
    fn the_document_shows_what_is_read() {
        use crate::http::members::document::{agrees, note};
        use crate::http::schema::EvaluatorBody;
        agrees::<EvaluatorBody>(&["slug"], || {
            drop(new_evaluator(json!({"name": "x"}).as_object().unwrap()).unwrap());
            // Read where a version is committed.
            note("version_description");
        });
    }
}
