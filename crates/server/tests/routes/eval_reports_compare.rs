//! `/api/eval-reports/compare/`

use evalset_model::key::Environment;
use evalset_testkit::{TestApp, with_app};
use reqwest::Method;
use serde_json::{Value, json};

const PATH: &str = "/api/eval-reports/compare/";

/// Rows of a new dataset; the dataset's id and theirs, in order.
async fn rows(server: &TestApp, name: &str, bodies: &[Value]) -> (String, Vec<String>) {
    let dataset = server.dataset(name).await;
    let mut ids = Vec::new();
    for body in bodies {
        let row = server.post(&format!("/api/datasets/{dataset}/logs/"), body.clone()).await.expect_status(201);
        ids.push(row["unique_id"].as_str().unwrap().to_owned());
    }
    (dataset, ids)
}

/// A score under a custom slug.
async fn score(server: &TestApp, dataset: &str, row: &str, slug: &str, value: Value) {
    let mut body = json!({"log_id": row, "dataset_id": dataset, "evaluator_slug": slug});
    body.as_object_mut().unwrap().extend(value.as_object().unwrap().clone());
    server.post("/api/scores/", body).await.expect_status(201);
}

async fn number(server: &TestApp, dataset: &str, row: &str, slug: &str, value: f64) {
    score(server, dataset, row, slug, json!({"numerical_value": value})).await;
}

fn side(dataset: &str, evaluator: &str) -> Value {
    json!({"dataset_id": dataset, "evaluator": evaluator})
}

async fn compare(server: &TestApp, body: Value) -> Value {
    server.post(PATH, body).await.expect_status(200)
}

#[track_caller]
fn near(found: &Value, expected: f64) {
    near_by(found, expected, 1e-12);
}

#[track_caller]
fn near_by(found: &Value, expected: f64, allowed: f64) {
    let number = found.as_f64().unwrap_or(f64::NAN);
    assert!((number - expected).abs() <= allowed, "{found}, expected {expected}");
}

/// | row | r1 | r2   | r3 | r4 | r5 | r6 | mean                           |
/// |-----|----|------|----|----|----|----|--------------------------------|
/// | A   | 1  | 2    | 3  |    | 5  |    | (1 + 2 + 3 + 5) / 4 = 2.75     |
/// | B   | 4  | 0.5  | 3  | 1  |    | 9  | (4 + .5 + 3 + 1 + 9) / 5 = 3.5 |
/// | B−A | 3  | −1.5 | 0  |    |    |    | (3 − 1.5 + 0) / 3 = 0.5        |
///
/// One win (r1), one loss (r2), one tie (r3); r5 is only in A, r4 and r6 only in B. A bootstrap interval lies between
/// the least and the greatest value.
#[tokio::test]
async fn two_evaluators_by_hand() {
    with_app(async |server| {
        let names: Vec<Value> = (1..=6).map(|n| json!({"input": n, "custom_identifier": format!("r{n}")})).collect();
        let (dataset, ids) = rows(server, "by hand", &names).await;
        for (row, value) in [(0, 1.0), (1, 2.0), (2, 3.0), (4, 5.0)] {
            number(server, &dataset, &ids[row], "before", value).await;
        }
        for (row, value) in [(0, 4.0), (1, 0.5), (2, 3.0), (3, 1.0), (5, 9.0)] {
            number(server, &dataset, &ids[row], "after", value).await;
        }
        let body = json!({"a": side(&dataset, "before"), "b": side(&dataset, "after")});
        let told = compare(server, body.clone()).await;
        assert_eq!((&told["kind"], &told["match"]), (&json!("numbers"), &json!("unique_id")));
        assert_eq!((&told["a"]["count"], &told["b"]["count"], &told["pairs"]), (&json!(4), &json!(5), &json!(3)));
        near(&told["a"]["mean"], 2.75);
        near(&told["b"]["mean"], 3.5);
        near(&told["difference"]["mean"], 0.5);
        assert_eq!((&told["wins"], &told["losses"], &told["ties"]), (&json!(1), &json!(1), &json!(1)));
        assert_eq!((&told["only_in_a"], &told["only_in_b"]), (&json!(1), &json!(2)));
        let (low, high) = (&told["difference"]["interval"]["low"], &told["difference"]["interval"]["high"]);
        assert!(low.as_f64().unwrap() >= -1.5 && high.as_f64().unwrap() <= 3.0, "{told}");
        let changed = |row: usize, a: f64, b: f64| {
            let side = |value: f64| {
                json!({"unique_id": ids[row], "custom_identifier": format!("r{}", row + 1),
                "value": value, "is_passed": null})
            };
            json!({"key": ids[row], "a": side(a), "b": side(b), "change": b - a})
        };
        assert_eq!(told["changed"], json!([changed(0, 1.0, 4.0), changed(1, 2.0, 0.5)]));
        assert_eq!(told["a"]["label"], "before on by hand");

        assert_eq!(compare(server, body.clone()).await, told, "the same seed says the same");
        let mut named = body;
        named["match"] = "custom_identifier".into();
        named["limit"] = 1.into();
        named["epsilon"] = 1.5.into();
        let told = compare(server, named).await;
        assert_eq!((&told["wins"], &told["losses"], &told["ties"]), (&json!(1), &json!(0), &json!(2)));
        assert_eq!((told["changed"].as_array().unwrap().len(), &told["changed"][0]["key"]), (1, &json!("r1")));
    })
    .await;
}

/// | output | expected | exact_match | similarity |
/// |--------|----------|-------------|------------|
/// | abc    | abc      | true = 1    | 1          |
/// | abd    | abc      | false = 0   | 1 − 1/3    |
/// | xyz    | abc      | false = 0   | 1 − 3/3    |
///
/// Means 1/3 and 5/9, difference 2/9, one win and two ties; a third passes by `exact_match`, `similarity` says nothing
/// of it.
#[tokio::test]
async fn two_runs_and_a_run_with_scores() {
    with_app(async |server| {
        let texts = ["abc", "abd", "xyz"].map(|text| json!({"input": "q", "output": text, "expected_output": "abc"}));
        let (dataset, _) = rows(server, "runs", &texts).await;
        let body = json!({"evaluator_ids": ["builtin:exact_match", "builtin:similarity"]});
        let path = format!("/api/datasets/{dataset}/eval-reports/create/");
        let started = server.post(&path, body).await.expect_status(200);
        server.settle().await;
        let run = |number: usize| json!({"run": started["created_tasks"][number]["task_id"]});
        let told = compare(server, json!({"a": run(0), "b": run(1)})).await;
        near(&told["a"]["mean"], 1.0 / 3.0);
        near(&told["b"]["mean"], 5.0 / 9.0);
        near(&told["difference"]["mean"], 2.0 / 9.0);
        near(&told["a"]["pass_rate"], 1.0 / 3.0);
        assert_eq!((&told["b"]["pass_rate"], &told["b"]["judged"]), (&Value::Null, &json!(0)));
        assert_eq!((&told["wins"], &told["losses"], &told["ties"]), (&json!(1), &json!(0), &json!(2)));
        assert_eq!((&told["a"]["cost"], &told["a"]["status"]), (&json!(0.0), &json!("completed")));
        assert_eq!(
            (&told["a"]["label"], &told["a"]["evaluator_version"]),
            (&json!("exact_match:0 on runs"), &json!(0))
        );

        let id = &told["b"]["evaluator_id"];
        for named in [
            json!({"dataset_id": dataset, "evaluator": "similarity"}),
            json!({"dataset_id": dataset, "evaluator_slug": "similarity"}),
            json!({"dataset_id": dataset, "evaluator_id": id}),
        ] {
            let with = compare(server, json!({"a": run(0), "b": named})).await;
            assert_eq!((&with["difference"], &with["changed"]), (&told["difference"], &told["changed"]));
            assert_eq!((&with["b"]["run"], &with["b"]["cost"]), (&Value::Null, &Value::Null));
        }
        // Scores of a dataset may be by several versions.
        for version in ["similarity:0".to_owned(), format!("{}:0", id.as_str().unwrap())] {
            let one = json!({"a": run(0), "b": {"dataset_id": dataset, "evaluator": version}});
            assert!(server.post(PATH, one).await.expect_status(400)["errors"]["b.evaluator"].is_array());
        }
        // Scores outlive their evaluator, and are found by its id.
        server.delete("/api/evaluators/similarity/", None).await;
        let with = compare(server, json!({"a": run(0), "b": {"dataset_id": dataset, "evaluator": id}})).await;
        assert_eq!(with["difference"], told["difference"]);
        let none = json!({"a": run(0), "b": {"dataset_id": dataset, "evaluator": "similarity"}});
        assert!(server.post(PATH, none).await.expect_status(400)["errors"]["b.evaluator"].is_array());
    })
    .await;
}

#[tokio::test]
async fn two_datasets_are_joined_by_what_the_caller_named_their_rows() {
    with_app(async |server| {
        let named = |names: &[Option<&str>]| -> Vec<Value> {
            names.iter().map(|name| json!({"input": "q", "custom_identifier": name})).collect()
        };
        let (before, of_before) = rows(server, "before", &named(&[Some("x"), Some("y"), None])).await;
        let (after, of_after) = rows(server, "after", &named(&[Some("y"), Some("x"), Some("y"), None])).await;
        for (row, value) in of_before.iter().zip([0.0, 0.0, 0.0]) {
            number(server, &before, row, "s", value).await;
        }
        for (row, value) in of_after.iter().zip([7.0, 1.0, 2.0, 3.0]) {
            number(server, &after, row, "s", value).await;
        }
        let told = compare(server, json!({"a": side(&before, "s"), "b": side(&after, "s")})).await;
        // The later `y` counts: x went from 0 to 1 and y from 0 to 2. Rows without a name are in no pair.
        assert_eq!((&told["match"], &told["pairs"]), (&json!("custom_identifier"), &json!(2)));
        near(&told["difference"]["mean"], 1.5);
        assert_eq!((&told["only_in_a"], &told["only_in_b"], &told["repeated_in_b"]), (&json!(1), &json!(1), &json!(1)));
        assert_eq!(told["changed"][0]["b"]["unique_id"], json!(of_after[2]));
    })
    .await;
}

#[tokio::test]
async fn choices_are_compared_by_how_often_they_agree() {
    with_app(async |server| {
        let (dataset, ids) = rows(server, "labels", &vec![json!({"input": "q"}); 4]).await;
        let said = [("good", "good"), ("good", "bad"), ("bad", "bad"), ("bad", "bad")];
        for (row, (person, model)) in ids.iter().zip(said) {
            score(server, &dataset, row, "person", json!({"categorical_value": [person]})).await;
            score(server, &dataset, row, "model", json!({"categorical_value": [model]})).await;
        }
        number(server, &dataset, &ids[0], "number", 1.0).await;
        let told = compare(server, json!({"a": side(&dataset, "person"), "b": side(&dataset, "model")})).await;
        assert_eq!((&told["kind"], &told["difference"], &told["wins"]), (&json!("labels"), &Value::Null, &Value::Null));
        let cell = |a: &str, b: &str, count: u32| json!({"a": a, "b": b, "count": count});
        let cells = [cell("bad", "bad", 2), cell("good", "bad", 1), cell("good", "good", 1)];
        let agreement = json!({"share": 0.75, "agreed": 3, "confusion": cells, "left_out": 0});
        assert_eq!(told["agreement"], agreement);
        assert_eq!((&told["a"]["count"], &told["a"]["mean"]), (&json!(4), &Value::Null));
        assert_eq!((told["changed"].as_array().unwrap().len(), &told["changed"][0]["key"]), (1, &json!(ids[1])));
        assert_eq!((&told["changed"][0]["a"]["value"], &told["changed"][0]["change"]), (&json!("good"), &Value::Null));
        let mixed = json!({"a": side(&dataset, "person"), "b": side(&dataset, "number")});
        assert!(server.post(PATH, mixed).await.expect_status(400)["errors"]["b"].is_array());
    })
    .await;
}

/// The intervals are those of scipy 1.17.1, as in the tests of `evalset_model::comparison`, where the program stands:
/// `scipy.stats.bootstrap((x,), np.mean, n_resamples=200_000, method="percentile", confidence_level=0.95, rng=0)` of
/// `a = ((i * 7919) % 1000 / 1000) ** 3`, `b = ((i * 104729) % 1000 / 1000) ** 2` and `b - a`, for `i` below 200.
#[tokio::test]
async fn intervals_are_those_of_scipy() {
    with_app(async |server| {
        let (dataset, ids) = rows(server, "scipy", &vec![json!({"input": "q"}); 200]).await;
        let share = |number: usize| (number % 1_000) as f64 / 1_000.0;
        for (i, row) in ids.iter().enumerate() {
            number(server, &dataset, row, "a", share(i * 7_919).powi(3)).await;
            number(server, &dataset, row, "b", share(i * 104_729).powi(2)).await;
        }
        let body = json!({"a": side(&dataset, "a"), "b": side(&dataset, "b"), "resamples": 10_000, "confidence": 0.95});
        let told = compare(server, body).await;
        // A percentile of 10,000 drawings is off by about 0.03 standard errors there: five times that is allowed.
        for (interval, (low, high), error) in [
            (&told["a"]["interval"], (0.208_949, 0.286_830), 0.019_849),
            (&told["b"]["interval"], (0.288_668, 0.371_106), 0.020_985),
            (&told["difference"]["interval"], (0.022_596, 0.141_654), 0.030_349),
        ] {
            near_by(&interval["low"], low, 0.15 * error);
            near_by(&interval["high"], high, 0.15 * error);
        }
    })
    .await;
}

#[tokio::test]
async fn what_is_wrong_is_named() {
    with_app(async |server| {
        let (dataset, ids) = rows(server, "d", &[json!({"input": "q"})]).await;
        number(server, &dataset, &ids[0], "s", 1.0).await;
        let good = side(&dataset, "s");
        let no_one = "00000000-0000-0000-0000-000000000001";
        for (body, field) in [
            (json!({}), "a"),
            (json!({"a": good}), "b"),
            (json!({"a": 1, "b": good}), "a"),
            (json!({"a": {}, "b": good}), "a.run"),
            (json!({"a": {"run": 1}, "b": good}), "a.run"),
            (json!({"a": {"run": "x"}, "b": good}), "a.run"),
            (json!({"a": {"run": no_one}, "b": good}), "a.run"),
            (json!({"a": {"run": no_one, "dataset_id": dataset}, "b": good}), "a.run"),
            (json!({"a": {"dataset_id": dataset}, "b": good}), "a.evaluator"),
            (json!({"a": {"evaluator": "s"}, "b": good}), "a.dataset_id"),
            (json!({"a": good, "b": side(no_one, "s")}), "b.dataset_id"),
            (json!({"a": good, "b": side("_saved_logs", "s")}), "b.dataset_id"),
            (json!({"a": good, "b": side(&dataset, "other")}), "b.evaluator"),
            (json!({"a": good, "b": good, "match": "name"}), "match"),
            (json!({"a": good, "b": good, "confidence": 95}), "confidence"),
            (json!({"a": good, "b": good, "resamples": 0}), "resamples"),
            (json!({"a": good, "b": good, "resamples": 10_001}), "resamples"),
            (json!({"a": good, "b": good, "seed": -1}), "seed"),
            (json!({"a": good, "b": good, "epsilon": -1}), "epsilon"),
            (json!({"a": good, "b": good, "limit": 1_001}), "limit"),
            (json!({"a": good, "b": good, "order": "x"}), "order"),
            (json!({"a": good, "b": {"dataset": dataset}}), "b.dataset"),
        ] {
            let told = server.post(PATH, body.clone()).await.expect_status(400);
            assert!(told["errors"].as_object().unwrap().contains_key(field), "{body}: {told}");
        }
        let other = server.key_of("other", Environment::Prod).await;
        let body = json!({"a": good, "b": good});
        let told = server.send_as(&other, Method::POST, PATH, Some(body)).await.expect_status(400);
        assert!(told["errors"]["a.dataset_id"].is_array(), "{told}");
    })
    .await;
}
