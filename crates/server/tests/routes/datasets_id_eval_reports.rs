//! `/api/datasets/{dataset_id}/eval-reports/…` with evaluators that run on this machine.

use super::runs::{add_rows, counting, counts, ended, evaluator, names, python, rule, run, start};
use evalset_model::key::Environment;
use evalset_model::limits::Limits;
use evalset_testkit::{TestApp, Under, with_app, with_limits, with_queued_jobs};
use reqwest::Method;
use serde_json::{Value, json};

/// The rows of a dataset that pass a filter, by name.
async fn filtered(server: &TestApp, dataset: &str, filters: Value) -> Vec<String> {
    let path = format!("/api/datasets/{dataset}/logs/list/");
    names(&server.post(&path, json!({"filters": filters})).await.expect_status(200))
}

#[tokio::test]
async fn a_run_is_shown_by_itself_and_on_rows_lists_and_summaries() {
    for under in [Under::Embedded, Under::Memory] {
        with_limits(under, Limits::default(), async |server| {
            let dataset = counting(server, 4).await;
            let id = rule(server, "low", "01").await;
            let path = format!("/api/datasets/{dataset}/eval-reports/");
            let body = json!({"evaluator_ids": [&id], "experiment_id": "e7"});
            let started = server.post(&format!("{path}create/"), body).await.expect_status(200);
            let task = started["created_tasks"][0]["task_id"].as_str().unwrap();
            assert_eq!(
                (&started["errors"], &started["experiment_updated"], &started["experiment_evaluator_ids"]),
                (&json!({}), &json!(false), &json!([]))
            );
            assert_eq!(
                (&started["id"], &started["evaluation_id"], &started["evaluator_slugs"], &started["dataset_id"]),
                (&json!(task), &json!(task), &json!(["low"]), &json!(dataset))
            );

            let mut ended = ended(server, &format!("{path}{task}/")).await;
            let list = server.get(&format!("{path}list/")).await.expect_status(200);
            assert_eq!((&list["count"], &list["results"][0]), (&json!(1), &ended));
            for time in ["created_at", "updated_at", "started_at", "completed_at"] {
                assert!(ended[time].take().as_str().unwrap().ends_with('Z'), "{time}");
            }
            ended["rate"].take();
            ended["evaluator_version_id"].take();
            let results = json!({"score": 0.5, "evaluated_logs_count": 4, "failed_logs_count": 0});
            let expected = json!({"task_id": task, "id": task, "name": "low", "dataset_id": dataset, "evaluator_id": id,
                "evaluator_slug": "low", "evaluator_slugs": ["low"], "evaluator_version": 0, "evaluator_version_id": null,
                "status": "completed", "created_at": null, "updated_at": null, "started_at": null, "completed_at": null,
                "error_message": null, "evaluated_logs_count": 4, "failed_logs_count": 0, "total_logs_count": 4,
                "progress": 100, "score": 0.5, "cost": 0.0, "spending_limit": null, "rate": null, "seconds_left": null,
                "cancel_requested": false, "experiment_id": "e7", "results": results});
            assert_eq!(ended, expected);
            shown_on_rows(server, &dataset, &id, task).await;
        })
        .await;
    }
}

async fn shown_on_rows(server: &TestApp, dataset: &str, id: &str, task: &str) {
    let rows =
        server.get(&format!("/api/datasets/{dataset}/logs/list/?sort_by=custom_identifier")).await.expect_status(200);
    let mut listed = rows["results"][0]["scores"].clone();
    let row = rows["results"][0]["unique_id"].as_str().unwrap();
    let mut detail =
        server.get(&format!("/api/datasets/{dataset}/logs/{row}/")).await.expect_status(200)["scores"].take();
    assert_eq!(detail[0], listed[id], "an object in lists (T2), an array alone (T3)");
    assert_eq!((listed.as_object().unwrap().len(), detail.as_array().unwrap().len()), (1, 1));
    let summary = &mut listed[id];
    let score = summary["id"].take();
    assert_eq!(summary["boolean_value"].is_boolean(), summary["is_passed"].is_boolean());
    assert_eq!((&summary["evaluator_slug"], &summary["score_value_type"]), (&json!("low"), &json!("boolean")));
    detail[0].take();

    let score = server.get(&format!("/api/scores/{}/", score.as_str().unwrap())).await.expect_status(200);
    assert_eq!(
        (&score["log_id"], &score["dataset_id"], &score["run_id"], &score["scorer"], &score["type"], &score["status"]),
        (&json!(row), &json!(dataset), &json!(task), &json!("code"), &json!("code"), &json!("completed"))
    );
    let filter = |value: bool| json!({format!("scores__{id}"): {"operator": "eq", "value": value}});
    let by_slug = json!({"scores__low": {"operator": "eq", "value": true}});
    for (filters, expected) in [(filter(true), ["0", "1"]), (filter(false), ["2", "3"]), (by_slug, ["0", "1"])] {
        assert_eq!(filtered(server, dataset, filters.clone()).await, expected, "{filters}");
    }
    let summary = server.get(&format!("/api/datasets/{dataset}/logs/summary/")).await.expect_status(200);
    let expected = json!({id: {"evaluator_id": id, "evaluator_slug": "low", "evaluator_name": "low",
        "evaluator_family_id": id, "score_value_type": "boolean", "avg_score": null, "true_count": 2, "false_count": 2}});
    assert_eq!(summary["scores"], expected);
    let shown = server.get(&format!("/api/datasets/{dataset}/")).await.expect_status(200);
    assert_eq!((&shown["running_status"], &shown["running_progress"]), (&json!("completed"), &json!(100)));
}

#[tokio::test]
async fn python_scores_and_what_it_raises_is_told_by_row() {
    with_app(async |server| {
        let dataset = counting(server, 5).await;
        let half = python(server, "half", "return {'score': n / 2, 'explanation': str(n)}").await;
        let url = start(server, &dataset, &half, json!({})).await;
        let run = ended(server, &url).await;
        assert_eq!(counts(&run), ("completed", 5, 0, json!(5)), "{run}");
        assert_eq!((&run["score"], &run["error_message"]), (&json!(1.0), &Value::Null));

        let some = python(server, "some", "return n if n % 2 else n / 0").await;
        let url = start(server, &dataset, &some, json!({})).await;
        let run = ended(server, &url).await;
        assert_eq!(counts(&run), ("completed", 2, 3, json!(5)), "{run}");
        let text = run["error_message"].as_str().unwrap();
        assert!(text.starts_with("3 of 5 rows failed") && text.contains("division by zero"), "{text}");
        let failed = server.get(&format!("{url}results/?failed=true&page_size=2")).await.expect_status(200);
        assert_eq!((&failed["count"], failed["results"].as_array().unwrap().len()), (&json!(3), 2));
        assert!(failed["results"][0]["error_message"].as_str().unwrap().contains("division by zero"), "{failed}");
        assert_eq!(failed["results"][0]["status"], "failed");
        let good = server.get(&format!("{url}results/?failed=false")).await.expect_status(200);
        assert_eq!(names(&good), ["1", "3"]);
        assert_eq!(server.get(&format!("{url}results/")).await.expect_status(200)["count"], 5);

        let none = python(server, "none", "return n / 0").await;
        let url = start(server, &dataset, &none, json!({})).await;
        let run = ended(server, &url).await;
        assert_eq!(counts(&run), ("failed", 0, 5, json!(5)));
        assert_eq!(run["score"], Value::Null);
    })
    .await;
}

#[tokio::test]
async fn filters_and_sampling_choose_rows_and_rows_added_later_are_no_part_of_it() {
    with_queued_jobs(Limits::default(), async |server| {
        let dataset = counting(server, 10).await;
        rule(server, "low", "0-4").await;
        let even = start(server, &dataset, "low", json!({"filters": {"metadata__parity": "even"}})).await;
        let part = start(server, &dataset, "low", json!({"sampling_percentage": 40})).await;
        let both =
            json!({"filters": {"metadata__parity": {"operator": "eq", "value": "odd"}}, "sampling_percentage": 40});
        let both = start(server, &dataset, "low", both).await;
        add_rows(server, &dataset, 10..20).await;
        server.work().await;
        assert_eq!(counts(&run(server, &even).await), ("completed", 5, 0, json!(5)));
        assert_eq!(counts(&run(server, &part).await), ("completed", 4, 0, json!(4)));
        assert_eq!(counts(&run(server, &both).await), ("completed", 2, 0, json!(2)));
        let results = server.get(&format!("{even}results/")).await.expect_status(200);
        assert_eq!(names(&results), ["0", "2", "4", "6", "8"]);
    })
    .await;
}

#[tokio::test]
async fn a_run_keeps_the_version_it_was_started_with() {
    with_queued_jobs(Limits::default(), async |server| {
        let dataset = counting(server, 4).await;
        let id = rule(server, "low", "0").await;
        let old = start(server, &dataset, "low", json!({})).await;
        server.post(&format!("/api/evaluators/{id}/versions/"), json!({})).await.expect_status(201);
        let code = json!({"builtin": "regex", "parameters": {"pattern": "^[012]$"}});
        server.patch(&format!("/api/evaluators/{id}/"), json!({"code_config": code})).await.expect_status(200);
        let new = start(server, &dataset, "low", json!({})).await;
        let pinned = start(server, &dataset, &format!("{id}:0"), json!({})).await;
        server.work().await;
        let (old, new) = (run(server, &old).await, run(server, &new).await);
        assert_eq!((&old["score"], &new["score"]), (&json!(0.25), &json!(0.75)));
        assert_eq!((&old["evaluator_version"], &new["evaluator_version"]), (&json!(0), &json!(1)));
        assert_eq!(run(server, &pinned).await["score"], 0.25);
    })
    .await;
}

#[tokio::test]
async fn people_score_nothing_in_a_run_and_a_judge_needs_a_provider() {
    with_app(async |server| {
        let dataset = counting(server, 2).await;
        evaluator(server, "person", json!({"type": "human"})).await;
        let url = start(server, &dataset, "person", json!({})).await;
        let run = ended(server, &url).await;
        assert_eq!((&run["status"], &run["evaluated_logs_count"]), (&json!("completed"), &json!(0)));

        evaluator(server, "judge", json!({"llm_config": {"evaluator_definition": "{{output}}"}})).await;
        let url = start(server, &dataset, "judge", json!({})).await;
        let run = ended(server, &url).await;
        assert_eq!((&run["status"], &run["evaluated_logs_count"]), (&json!("failed"), &json!(0)));
        assert!(run["error_message"].as_str().unwrap().contains("/api/llm-provider/"), "{run}");
        let shown = server.get(&format!("/api/datasets/{dataset}/")).await.expect_status(200);
        assert_eq!(shown["running_status"], "failed");
    })
    .await;
}

#[tokio::test]
async fn bad_requests_name_the_member_and_unknown_evaluators_stand_beside_good_ones() {
    with_app(async |server| {
        let dataset = counting(server, 1).await;
        rule(server, "low", "0").await;
        let create = format!("/api/datasets/{dataset}/eval-reports/create/");
        let slugs = |change: Value| {
            let mut body = json!({"evaluator_slugs": ["low"]});
            body.as_object_mut().unwrap().extend(change.as_object().unwrap().clone());
            body
        };
        for (body, field) in [
            (json!({}), "evaluator_ids"),
            (json!({"evaluator_ids": []}), "evaluator_ids"),
            (json!({"evaluator_ids": "low"}), "evaluator_ids"),
            (json!({"evaluator_ids": ["nobody"]}), "evaluator_ids"),
            (json!({"evaluator_slugs": [{}]}), "evaluator_slugs"),
            (json!({"evaluator_ids": (0..101).map(|n| format!("e{n}")).collect::<Vec<_>>()}), "evaluator_ids"),
            (slugs(json!({"generation_method": "guess"})), "generation_method"),
            (slugs(json!({"sampling_percentage": 0})), "sampling_percentage"),
            (slugs(json!({"sampling_percentage": 101})), "sampling_percentage"),
            (slugs(json!({"spending_limit": 0})), "spending_limit"),
            (slugs(json!({"spending_limit": true})), "spending_limit"),
            (slugs(json!({"experiment_id": 5})), "experiment_id"),
        ] {
            let reply = server.post(&create, body.clone()).await.expect_status(400);
            assert!(reply["errors"].get(field).is_some(), "{body} → {reply}");
        }
        let filters = slugs(json!({"filters": {"model": {"operator": "near", "value": 1}}}));
        let reply = server.post(&create, filters).await.expect_status(400);
        assert!(reply["errors"].as_object().unwrap().keys().all(|field| field.starts_with("filters")), "{reply}");
        let as_llm = server.post(&create, slugs(json!({"generation_method": "llm"}))).await.expect_status(400);
        assert!(as_llm["detail"].as_str().unwrap().contains("low"), "{as_llm}");

        let mixed = json!({"evaluator_ids": ["nobody", "low", "low", "builtin:json_valid", "builtin:magic"]});
        let started = server.post(&create, mixed).await.expect_status(200);
        assert_eq!(started["created_tasks"].as_array().unwrap().len(), 2, "each evaluator once");
        let errors: Vec<_> = started["errors"].as_object().unwrap().keys().collect();
        assert_eq!(errors, ["nobody", "builtin:magic"]);
        server.settle().await;
    })
    .await;
}

#[tokio::test]
async fn runs_of_others_are_not_there_and_older_paths_lead_to_ours() {
    with_app(async |server| {
        let dataset = counting(server, 1).await;
        rule(server, "low", "0").await;
        let url = start(server, &dataset, "low", json!({})).await;
        let ended = ended(server, &url).await;
        let base = format!("/datasets/{dataset}/eval-reports");
        let task = ended["id"].as_str().unwrap();
        for path in [format!("{base}/{task}"), format!("/api{base}/{task}")] {
            assert_eq!(server.get(&path).await.expect_status(200), ended, "{path}");
        }
        let list = server.get(&format!("{base}/list/?page=1&page_size=1")).await.expect_status(200);
        assert_eq!((&list["count"], &list["results"][0]["id"]), (&json!(1), &json!(task)));
        assert_eq!(server.get(&format!("{base}/list/?page=2")).await.expect_status(200)["results"], json!([]));
        let again = server.post(&format!("/api{base}/create"), json!({"evaluator_slugs": ["low"]})).await;
        again.expect_status(200);
        let again = server.post(&format!("{base}/create"), json!({"evaluator_ids": ["low"]})).await;
        again.expect_status(200);
        server.settle().await;

        let other = server.dataset("other").await;
        let unknown = uuid::Uuid::now_v7();
        for path in [
            format!("/api/datasets/{other}/eval-reports/{task}/"),
            format!("/api/datasets/{unknown}/eval-reports/{task}/"),
            format!("/api/datasets/{unknown}/eval-reports/list/"),
            format!("{url}x/"),
            format!("/api/datasets/{dataset}/eval-reports/{unknown}/"),
            format!("/api/datasets/{dataset}/eval-reports/{unknown}/results/"),
        ] {
            assert_eq!(server.get(&path).await.status, 404, "{path}");
        }
        let stranger = server.key_of("strangers", Environment::Prod).await;
        for (method, end, body) in [
            (Method::GET, "", None),
            (Method::GET, "results/", None),
            (Method::POST, "cancel/", Some(json!({}))),
            (Method::POST, "continue/", Some(json!({}))),
        ] {
            let reply = server.send_as(&stranger, method, &format!("{url}{end}"), body).await;
            assert_eq!(reply.status, 404, "{end}");
        }
        let create = format!("/api/datasets/{dataset}/eval-reports/create/");
        let reply = server.send_as(&stranger, Method::POST, &create, Some(json!({"evaluator_ids": ["low"]}))).await;
        assert_eq!(reply.status, 404);
        let reply = server.send_as(&stranger, Method::GET, &format!("/api{base}/list/"), None).await;
        assert_eq!(reply.status, 404);
    })
    .await;
}

#[tokio::test]
async fn an_evaluator_of_others_cannot_be_run() {
    with_app(async |server| {
        let theirs = rule(server, "low", "0").await;
        let stranger = server.key_of("strangers", Environment::Prod).await;
        let made =
            server.send_as(&stranger, Method::POST, "/api/datasets/", Some(json!({"name": "x", "is_empty": true})));
        let dataset = made.await.expect_status(201)["id"].as_str().unwrap().to_owned();
        let create = format!("/api/datasets/{dataset}/eval-reports/create/");
        for name in [theirs.as_str(), "low"] {
            let reply = server.send_as(&stranger, Method::POST, &create, Some(json!({"evaluator_ids": [name]}))).await;
            reply.expect_status(400);
        }
    })
    .await;
}

#[tokio::test]
async fn a_dataset_that_is_being_filled_is_not_evaluated_yet() {
    with_queued_jobs(Limits::default(), async |server| {
        server.post("/api/request-logs/", json!({"input": "q", "output": "1"})).await.expect_status(201);
        let body = json!({"name": "filling", "initial_log_filters": {"status_code": 200}});
        let dataset = server.post("/api/datasets/", body).await.expect_status(201);
        let create = format!("/api/datasets/{}/eval-reports/create/", dataset["id"].as_str().unwrap());
        let body = json!({"evaluator_ids": ["builtin:json_valid"]});
        let refused = server.post(&create, body.clone()).await.expect_status(409);
        assert!(refused["detail"].as_str().unwrap().contains("`ready`"), "{refused}");
        server.work().await;
        let started = server.post(&create, body).await.expect_status(200);
        server.work().await;
        let url = create.replace("create", started["id"].as_str().unwrap());
        assert_eq!(counts(&run(server, &url).await), ("completed", 1, 0, json!(1)));
    })
    .await;
}

#[tokio::test]
async fn a_person_as_evaluator_ends_a_run_that_says_so() {
    with_app(async |server| {
        let dataset = counting(server, 2).await;
        let id = evaluator(server, "taste", json!({"type": "human"})).await;
        let url = start(server, &dataset, &id, json!({})).await;
        let run = ended(server, &url).await;
        assert_eq!((&run["status"], &run["evaluated_logs_count"]), (&json!("completed"), &json!(0)));
        assert!(run["error_message"].as_str().unwrap().contains("People"), "{run}");
    })
    .await;
}
