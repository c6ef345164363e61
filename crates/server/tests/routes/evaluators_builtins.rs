//! `/api/evaluators/builtins/`, and what `docs/evaluators.md` says of it.

use super::runs::{counting, counts, ended, evaluator, start};
use evalset_testkit::with_app;
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};

/// Built-in evaluator → its parameters, as the page lists them.
fn documented() -> BTreeMap<String, BTreeSet<String>> {
    let page = include_str!("../../../../docs/evaluators.md");
    let lines = page.lines().skip_while(|line| !line.starts_with("| name | gives |")).skip(2);
    let words = |cell: &str| -> Vec<String> { cell.split('`').skip(1).step_by(2).map(str::to_owned).collect() };
    let line = |line: &str| {
        // A bar inside a formula is written `\|`.
        let bare = line.replace("\\|", "");
        let cells: Vec<&str> = bare.trim_matches('|').split('|').collect();
        (words(cells[0]).remove(0), words(cells[cells.len() - 1]).into_iter().collect())
    };
    lines.take_while(|line| line.starts_with('|')).map(line).collect()
}

fn text(value: &Value) -> String {
    value.as_str().unwrap().to_owned()
}

#[tokio::test]
async fn the_catalogue_is_what_the_page_says() {
    with_app(async |server| {
        let told = server.get("/api/evaluators/builtins/").await.expect_status(200);
        let results = told["results"].as_array().unwrap();
        assert_eq!(told["count"], results.len());
        let parameters = |one: &Value| one["parameters"].as_array().unwrap().iter().map(|p| text(&p["name"])).collect();
        let listed: BTreeMap<String, BTreeSet<String>> =
            results.iter().map(|one| (text(&one["name"]), parameters(one))).collect();
        assert_eq!(documented(), listed);

        let similarity = results.iter().find(|one| one["name"] == "similarity").unwrap();
        assert_eq!(similarity["reference"], "builtin:similarity");
        assert_eq!(similarity["score_value_type"], "numerical");
        let field = json!({"name": "field", "type": "`output`, `input`, `expected_output` or `metadata.KEY`",
            "default": "output", "description": "The text looked at."});
        assert_eq!(similarity["parameters"][0], field);
        assert_eq!(similarity["parameters"][2]["default"], Value::Null);
    })
    .await;
}

#[tokio::test]
async fn a_built_in_evaluator_is_made_once_even_when_its_slug_is_taken() {
    with_app(async |server| {
        evaluator(server, "json_valid", json!({"type": "human"})).await;
        let dataset = counting(server, 2).await;
        for _ in 0..2 {
            let url = start(server, &dataset, "builtin:json_valid", json!({})).await;
            assert_eq!(counts(&ended(server, &url).await), ("completed", 2, 0, json!(2)));
        }
        let all = server.get("/api/evaluators/").await.expect_status(200);
        let mut slugs: Vec<_> =
            all["results"].as_array().unwrap().iter().map(|each| each["evaluator_slug"].as_str().unwrap()).collect();
        slugs.sort_unstable();
        assert_eq!(slugs, ["builtin_json_valid", "json_valid"]);
    })
    .await;
}
