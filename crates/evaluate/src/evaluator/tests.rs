//! Rows in, outcomes out.

use super::*;
use crate::sandbox::PoolOptions;
use serde_json::json;
use tokio_util::sync::CancellationToken;

fn evaluator(members: &Value) -> Evaluator {
    Evaluator::new(serde_json::from_value(members.clone()).unwrap(), Method::Auto).unwrap()
}

fn unit(output: &str, expected: &Value) -> Unit {
    let inputs =
        EvalInputs { output: json!(output).into(), expected_output: expected.clone().into(), ..EvalInputs::default() };
    Unit { id: "u".to_owned(), inputs }
}

async fn evaluate(members: &Value, units: &[Unit]) -> Vec<Result<Outcome, Failure>> {
    let pool = Pool::new(PoolOptions::new("/no/such/program".into(), Vec::new()));
    let halt = CancellationToken::new();
    evaluator(members).evaluate(units, Means { code: &pool, templates: &pool, endpoint: None, halt: &halt }).await
}

#[tokio::test]
async fn a_rule_scores_rows_and_says_which_it_cannot() {
    let members = json!({"score_value_type": "boolean", "code_config": {"builtin": "exact_match"}});
    let results = evaluate(&members, &[unit("a", &json!("a")), unit("a", &json!(null)), unit("a", &json!("b"))]).await;
    let [Ok(right), Err(lacking), Ok(wrong)] = results.as_slice() else { panic!("{results:?}") };
    assert_eq!(
        (right.values.boolean, right.is_passed, right.scorer.as_str(), right.kind),
        (Some(true), Some(true), "code", "code")
    );
    assert_eq!((wrong.values.boolean, wrong.is_passed), (Some(false), Some(false)));
    assert!(matches!(&lacking.fault, Fault::Row(message) if message.contains("no `expected_output`")));
}

#[tokio::test]
async fn rules_on_other_scales() {
    let rows = [unit("abcd", &json!("abcx"))];
    let rule =
        |builtin: &str, value_type: &str| json!({"score_value_type": value_type, "code_config": {"builtin": builtin}});
    for (members, number) in [
        (rule("similarity", "numerical"), 0.75),
        (rule("similarity", "percentage"), 75.0),
        (rule("exact_match", "numerical"), 0.0),
        (rule("contains", "percentage"), 0.0),
    ] {
        let result = evaluate(&members, &rows).await.remove(0).unwrap();
        assert_eq!(result.values.numerical, Some(number), "{members}");
    }
    let mut conditions = rule("similarity", "numerical");
    conditions["passing_conditions"] = json!({"primary_score": {"operator": "gte", "value": 0.8}});
    assert_eq!(evaluate(&conditions, &rows).await.remove(0).unwrap().is_passed, Some(false));
    let mut bounded = rule("similarity", "numerical");
    bounded["score_config"] = json!({"min_score": 1, "max_score": 5});
    assert!(evaluate(&bounded, &rows).await.remove(0).unwrap_err().to_string().contains("outside its range"));
}

#[tokio::test]
async fn what_cannot_run_says_so() {
    let rows = [unit("a", &json!(null))];
    let judge = json!({"llm_config": {"model": "m", "evaluator_definition": "{{output}}"}});
    let failure = evaluate(&judge, &rows).await.remove(0).unwrap_err();
    let fault = Fault::Provider { message: NO_ENDPOINT.to_owned(), hopeless: true };
    assert_eq!(failure, Failure::free(fault, "m"));
    let python = json!({"code_config": {"eval_code_snippet": "def main(e): return 1"}});
    assert!(evaluate(&python, &rows).await.remove(0).unwrap_err().to_string().contains("cannot be started"));
    let people = evaluate(&json!({}), &rows).await.remove(0).unwrap_err();
    assert!(matches!(people.fault, Fault::Row(message) if message.contains("people score")));
}

#[test]
fn a_models_number_is_clamped_and_codes_is_not() {
    let evaluator =
        evaluator(&json!({"score_config": {"min_score": 1, "max_score": 5}, "configurations": {"passing_score": 4}}));
    let usage = Usage { model: "m".to_owned(), prompt_tokens: 2, completion_tokens: 1, cost: 0.5 };
    let outcome = evaluator.finish(Raw::bare(9), "llm", &usage).unwrap();
    assert_eq!((outcome.values.numerical, outcome.is_passed, outcome.cost), (Some(5.0), Some(true), 0.5));
    assert!(evaluator.finish(Raw::bare(9), "code", &usage).is_err());
}
