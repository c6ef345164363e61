//! What tests of evaluation runs share: a dataset whose rows count, evaluators over it, and a run watched to its end.

use evalset_testkit::TestApp;
use evalset_testkit::provider::FakeProvider;
use serde_json::{Value, json};

/// A dataset whose rows output `0`, `1`, `2` …, and are named so.
pub async fn counting(server: &TestApp, rows: usize) -> String {
    let dataset = server.dataset("counting").await;
    add_rows(server, &dataset, 0..rows).await;
    dataset
}

/// Adds rows of these numbers.
pub async fn add_rows(server: &TestApp, dataset: &str, numbers: std::ops::Range<usize>) {
    let row = |n: usize| {
        let parity = if n.is_multiple_of(2) { "even" } else { "odd" };
        json!({"input": format!("count to {n}"), "output": n.to_string(), "custom_identifier": n.to_string(),
            "metadata": {"parity": parity}})
    };
    let logs: Vec<Value> = numbers.map(row).collect();
    server.post(&format!("/api/datasets/{dataset}/logs/bulk/"), json!({"logs": logs})).await.expect_status(201);
}

/// Stores an evaluator; its id.
pub async fn evaluator(server: &TestApp, slug: &str, change: Value) -> String {
    let mut body = json!({"name": slug, "evaluator_slug": slug});
    body.as_object_mut().unwrap().extend(change.as_object().unwrap().clone());
    let made = server.post("/api/evaluators/", body).await.expect_status(201);
    made["id"].as_str().unwrap().to_owned()
}

/// A rule that holds for rows whose output is one of these digits.
pub async fn rule(server: &TestApp, slug: &str, digits: &str) -> String {
    let parameters = json!({"pattern": format!("^[{digits}]$")});
    let code = json!({"builtin": "regex", "parameters": parameters});
    evaluator(server, slug, json!({"score_value_type": "boolean", "code_config": code})).await
}

/// Python, with the number that a row outputs as `n`.
pub async fn python(server: &TestApp, slug: &str, body: &str) -> String {
    let source = format!("def main(eval_inputs):\n    n = int(eval_inputs['output'])\n    {body}\n");
    evaluator(server, slug, json!({"code_config": {"eval_code_snippet": source}})).await
}

/// A judge that asks `provider`, so many rows at once and for so many USD each; the number that a row outputs is its
/// score.
pub async fn judge(server: &TestApp, provider: &FakeProvider, concurrency: u32, usd: f64) -> String {
    server.put("/api/llm-provider/", provider.settings(concurrency, usd)).await.expect_status(200);
    evaluator(server, "judge", json!({"llm_config": {"evaluator_definition": "<<{{output}}>>"}})).await
}

/// Starts one run; its URL.
pub async fn start(server: &TestApp, dataset: &str, evaluator: &str, more: Value) -> String {
    let mut body = json!({"evaluator_ids": [evaluator]});
    body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    let path = format!("/api/datasets/{dataset}/eval-reports/");
    let started = server.post(&format!("{path}create/"), body).await.expect_status(200);
    format!("{path}{}/", started["id"].as_str().unwrap())
}

/// The run as it is.
pub async fn run(server: &TestApp, url: &str) -> Value {
    server.get(url).await.expect_status(200)
}

/// The run once nothing works any more.
pub async fn ended(server: &TestApp, url: &str) -> Value {
    server.settle().await;
    run(server, url).await
}

/// Status and counts of a run: evaluated, failed, total.
pub fn counts(run: &Value) -> (&str, u64, u64, Value) {
    let count = |name: &str| run[name].as_u64().unwrap();
    let status = run["status"].as_str().unwrap();
    (status, count("evaluated_logs_count"), count("failed_logs_count"), run["total_logs_count"].clone())
}

/// `custom_identifier`s of a list's rows, sorted.
pub fn names(list: &Value) -> Vec<String> {
    let rows = list["results"].as_array().unwrap();
    let mut names: Vec<_> = rows.iter().map(|row| row["custom_identifier"].as_str().unwrap().to_owned()).collect();
    names.sort();
    names
}
