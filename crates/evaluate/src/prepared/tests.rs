//! Which way is chosen, and what is refused.

use super::*;
use serde_json::json;

fn definition(members: &Value) -> Definition {
    let mut whole = json!({"name": "e", "kind": "human"});
    for (name, value) in members.as_object().unwrap() {
        whole[name] = value.clone();
    }
    serde_json::from_value(whole).unwrap()
}

const JUDGE: &str = r#"{"model": "m", "evaluator_definition": "{{output}}"}"#;

fn chosen(members: &Value, method: Method) -> &'static str {
    match Prepared::new(&definition(members), method).unwrap() {
        Prepared::Rule(rule) => rule.info().name,
        Prepared::Python(_) => "python",
        Prepared::Judge(_) => "judge",
        Prepared::Human => "human",
    }
}

#[test]
fn the_way_is_chosen_by_method_and_what_there_is() {
    let judge: Value = serde_json::from_str(JUDGE).unwrap();
    let both = json!({"kind": "code", "llm_config": judge, "code_config": {"builtin": "exact_match"}});
    let legacy =
        json!({"configurations": {"evaluator_definition": "{{llm_output}}", "eval_code_snippet": "def main(e): pass"}});
    for (members, method, expected) in [
        (both.clone(), Method::Auto, "judge"),
        (both.clone(), Method::Llm, "judge"),
        (both, Method::Code, "exact_match"),
        (json!({"code_config": {"eval_code_snippet": "x"}}), Method::Auto, "python"),
        (
            json!({"code_config": {"eval_code_snippet": "", "builtin": "json_valid"}, "llm_config": {}}),
            Method::Auto,
            "json_valid",
        ),
        (
            json!({"code_config": {"eval_code_snippet": "x"}, "configurations": {"evaluator_definition": "{{output}}"}}),
            Method::Auto,
            "python",
        ),
        (legacy.clone(), Method::Auto, "judge"),
        (legacy, Method::Code, "python"),
        (json!({}), Method::Auto, "human"),
        (json!({"kind": "human_numerical", "llm_config": null, "code_config": {}}), Method::Auto, "human"),
    ] {
        assert_eq!(chosen(&members, method), expected, "{members} {method:?}");
    }
    for (members, method, field) in [
        (json!({}), Method::Llm, "generation_method"),
        (json!({"llm_config": judge}), Method::Code, "generation_method"),
        (json!({"kind": "llm"}), Method::Auto, "llm_config.evaluator_definition"),
        (json!({"kind": "code"}), Method::Auto, "code_config.eval_code_snippet"),
    ] {
        let error = Prepared::new(&definition(&members), method).unwrap_err();
        assert!(error.by_field().contains_key(field), "{members}: {error}");
    }
}

#[test]
fn what_is_refused_before_it_is_stored() {
    let choices = json!([{"name": "a", "value": 1}]);
    for (members, field) in [
        (json!({"score_config": {"min_score": 5, "max_score": 1}}), "score_config.min_score"),
        (json!({"configurations": {"min_score": 5, "max_score": 1}}), "configurations.min_score"),
        (json!({"configurations": {"max_score": "5"}}), "configurations.max_score"),
        (json!({"score_value_type": "percentage", "score_config": {"max_score": 200}}), "score_config.min_score"),
        (json!({"score_value_type": "single_select"}), "score_config.choices"),
        (
            json!({"score_value_type": "categorical", "score_config": {"choices": [{"name": "a", "value": 1}, {"name": "a", "value": 2}]}}),
            "score_config.choices",
        ),
        (
            json!({"score_value_type": "multi_select", "categorical_choices": [{"name": "", "value": 1}]}),
            "score_config.choices",
        ),
        (
            json!({"score_value_type": "multi_select", "categorical_choices": [{"name": "x", "value": []}]}),
            "score_config.choices",
        ),
        (json!({"llm_config": {"model": "m"}}), "llm_config.evaluator_definition"),
        (json!({"llm_config": {"evaluator_definition": "{{output}}", "top_p": 2}}), "llm_config.top_p"),
        (json!({"code_config": {"builtin": "no"}}), "code_config.builtin"),
        (json!({"code_config": {"builtin": 1}}), "code_config.builtin"),
        (json!({"code_config": {"eval_code_snippet": ["x"]}}), "code_config.eval_code_snippet"),
        (json!({"code_config": {"builtin": "regex", "eval_code_snippet": "x"}}), "code_config.builtin"),
        (json!({"code_config": {"builtin": "regex", "parameters": []}}), "code_config.parameters"),
        (
            json!({"code_config": {"builtin": "regex", "parameters": {"pattern": "["}}}),
            "code_config.parameters.pattern",
        ),
        (json!({"score_value_type": "boolean", "code_config": {"builtin": "similarity"}}), "code_config.builtin"),
        (
            json!({"score_value_type": "single_select", "score_config": {"choices": choices}, "code_config": {"builtin": "token_f1"}}),
            "code_config.builtin",
        ),
        (json!({"configurations": {"evaluator_definition": 1}}), "configurations.evaluator_definition"),
        (
            json!({"passing_conditions": {"primary_score": {"operator": "much"}}}),
            "passing_conditions.primary_score.operator",
        ),
        (json!({"kind": "llm", "code_config": {"builtin": "exact_match"}}), "llm_config.evaluator_definition"),
    ] {
        let error = check(&definition(&members)).unwrap_err();
        assert_eq!(error.by_field().keys().collect::<Vec<_>>(), [field], "{members}: {error}");
    }
    for members in [
        json!({}),
        json!({"kind": "code", "score_value_type": "boolean", "code_config": {"builtin": "exact_match"}}),
        json!({"score_value_type": "percentage", "code_config": {"builtin": "similarity"}, "score_config": {"min_score": 0}}),
        json!({"score_value_type": "single_select", "categorical_choices": choices}),
        json!({"passing_conditions": {"primary_score": {"operator": "gte", "value": 3}}}),
    ] {
        assert!(check(&definition(&members)).is_ok(), "{members}");
    }
}

#[test]
fn sources_for_the_interpreter() {
    let both =
        definition(&json!({"code_config": {"eval_code_snippet": "a"}, "configurations": {"eval_code_snippet": "b"}}));
    let found = sources(&both).unwrap();
    let found: Vec<(&str, &str)> = found.iter().map(|(field, source)| (*field, source.text())).collect();
    assert_eq!(found, [("code_config.eval_code_snippet", "a"), ("configurations.eval_code_snippet", "b")]);
    assert!(sources(&definition(&json!({"code_config": {"builtin": "exact_match"}}))).unwrap().is_empty());
}
