//! `/api/datasets/{dataset_id}/annotation/…`

use evalset_model::ids::{LogId, Place};
use evalset_model::limits::Limits;
use evalset_product::actor::Actor;
use evalset_product::ops::annotation::completed_by_score;
use evalset_testkit::{TestApp, Under, with_app, with_limits};
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// A dataset of rows with `metadata.turn` from 0.
async fn rows(server: &TestApp, count: usize) -> String {
    let dataset = server.dataset("to annotate").await;
    let body =
        |turn: usize| json!({"input": format!("q{turn}"), "metadata": {"turn": turn, "even": turn.is_multiple_of(2)}});
    let all: Vec<_> = (0..count).map(body).collect();
    for part in all.chunks(500) {
        server.post(&format!("/api/datasets/{dataset}/logs/bulk/"), json!({"logs": part})).await.expect_status(201);
    }
    dataset
}

async fn next(server: &TestApp, dataset: &str, body: Value) -> Value {
    let mut body = body;
    body["sort_by"] = "metadata__turn".into();
    server.post(&format!("/api/datasets/{dataset}/annotation/next/"), body).await.expect_status(200)
}

async fn call(server: &TestApp, dataset: &str, verb: &str, id: &str, who: &str) -> (u16, Value) {
    let body = json!({"unique_id": id, "annotator": who});
    let reply = server.post(&format!("/api/datasets/{dataset}/annotation/{verb}/"), body).await;
    (reply.status, reply.body)
}

fn id(handed: &Value) -> &str {
    handed["row"]["unique_id"].as_str().unwrap()
}

fn turn(handed: &Value) -> &Value {
    &handed["row"]["metadata"]["turn"]
}

async fn progress(server: &TestApp, dataset: &str) -> Value {
    server.get(&format!("/api/datasets/{dataset}/annotation/progress/")).await.expect_status(200)
}

#[tokio::test]
async fn rows_are_handed_out_kept_completed_and_counted() {
    with_app(async |server| {
        let dataset = rows(server, 3).await;
        let ann = next(server, &dataset, json!({"annotator": "ann"})).await;
        assert_eq!((turn(&ann), &ann["remaining"]), (&json!(0), &json!(2)));
        assert_eq!(ann["row"]["annotation_status"], "in_progress");
        assert_eq!((&ann["row"]["annotation_assignee"], &ann["row"]["annotation_lease_until"]), (&json!("ann"), &ann["lease_until"]));
        let bob = next(server, &dataset, json!({"annotator": "bob"})).await;
        assert_eq!((turn(&bob), &bob["remaining"]), (&json!(1), &json!(1)));
        let again = next(server, &dataset, json!({"annotator": "ann", "filters": {"metadata__turn": 2}})).await;
        assert_eq!(id(&again), id(&ann), "a reloaded page gets its row again, whatever it asks for now");
        assert!(again["lease_until"].as_str() > ann["lease_until"].as_str());

        let (status, told) = call(server, &dataset, "complete", id(&ann), "bob").await;
        assert!(status == 409 && told["detail"].as_str().unwrap().contains("`ann` holds the row"), "{told}");
        assert_eq!(call(server, &dataset, "release", id(&ann), "bob").await.0, 409);
        let (status, done) = call(server, &dataset, "complete", id(&ann), "ann").await;
        assert_eq!((status, &done["annotation_status"]), (200, &json!("completed")));
        assert_eq!(done["annotation_completed_by"], json!({"first_name": "", "last_name": "", "email": "ann"}));
        assert_eq!((&done["annotation_assignee"], &done["annotation_lease_until"]), (&Value::Null, &Value::Null));
        assert_eq!(call(server, &dataset, "complete", id(&ann), "ann").await, (200, done.clone()), "twice is as once");
        let (status, told) = call(server, &dataset, "complete", id(&ann), "bob").await;
        assert!(status == 409 && told["detail"].as_str().unwrap().contains("by `ann` already"), "{told}");
        assert_eq!(call(server, &dataset, "release", id(&ann), "ann").await.0, 409);

        assert_eq!(progress(server, &dataset).await, json!({"total": 3, "pending": 1, "in_progress": 1, "completed": 1,
            "annotators": [
                {"annotator": "ann", "completed": 1, "in_progress": 0, "last_completed_at": done["annotation_completed_at"]},
                {"annotator": "bob", "completed": 0, "in_progress": 1, "last_completed_at": null}]}));
        assert_eq!(server.get(&format!("/api/datasets/{dataset}/")).await.body["completed_annotation_count"], 1);
        assert_eq!(call(server, &dataset, "release", id(&bob), "bob").await.1["annotation_status"], "pending");
        assert_eq!(progress(server, &dataset).await["in_progress"], 0);
        let even = server.get(&format!("/api/datasets/{dataset}/annotation/progress/?even=true")).await.body;
        assert_eq!((&even["total"], &even["completed"]), (&json!(2), &json!(1)));
    })
    .await;
}

#[tokio::test]
async fn what_is_passed_over_comes_last_and_to_others_at_once() {
    with_app(async |server| {
        let dataset = rows(server, 2).await;
        let skip = || json!({"annotator": "ann", "skip": true});
        next(server, &dataset, json!({"annotator": "ann"})).await;
        let second = next(server, &dataset, skip()).await;
        assert_eq!((turn(&second), &second["remaining"]), (&json!(1), &json!(1)));
        let bob = next(server, &dataset, json!({"annotator": "bob"})).await;
        assert_eq!(turn(&bob), &json!(0));
        call(server, &dataset, "release", id(&bob), "bob").await;
        let first = next(server, &dataset, skip()).await;
        assert_eq!(turn(&first), &json!(0), "bob took and gave it back: it is fresh again");
        let second = next(server, &dataset, skip()).await;
        assert_eq!(turn(&second), &json!(1), "all were passed over: they come again, but for the one just passed over");
        call(server, &dataset, "complete", id(&second), "ann").await;
        let last = next(server, &dataset, json!({"annotator": "ann"})).await;
        assert_eq!((turn(&last), &last["remaining"]), (&json!(0), &json!(0)));
        let none = next(server, &dataset, skip()).await;
        assert_eq!(none, json!({"row": null, "lease_until": null, "remaining": 1}));
        let last = next(server, &dataset, skip()).await;
        assert_eq!(turn(&last), &json!(0), "nothing was held, so nothing is passed over");
        call(server, &dataset, "complete", id(&last), "ann").await;
        let none = next(server, &dataset, json!({"annotator": "ann"})).await;
        assert_eq!(none, json!({"row": null, "lease_until": null, "remaining": 0}));
    })
    .await;
}

#[tokio::test]
async fn a_lease_that_ran_out_is_handed_to_the_next() {
    for under in [Under::Embedded, Under::Memory] {
        with_limits(under, Limits::default(), async |server| {
            let dataset = rows(server, 1).await;
            let start = server.app.clock.now();
            server.app.clock.freeze(start);
            let ann = next(server, &dataset, json!({"annotator": "ann", "lease_seconds": 60})).await;
            server.app.clock.freeze(start + 59_999_999);
            assert_eq!(next(server, &dataset, json!({"annotator": "bob"})).await["row"], Value::Null);
            server.app.clock.freeze(start + 60_000_000);
            assert_eq!(progress(server, &dataset).await["pending"], 1);
            let bob = next(server, &dataset, json!({"annotator": "bob"})).await;
            assert_eq!(id(&bob), id(&ann));
            assert_eq!(call(server, &dataset, "complete", id(&ann), "ann").await.0, 409);
            server.app.clock.freeze(start + 1_000_000_000_000);
            assert_eq!(call(server, &dataset, "complete", id(&ann), "ann").await.0, 200, "nobody holds it any more");
            assert_eq!(call(server, &dataset, "complete", id(&ann), "bob").await.0, 409);
        })
        .await;
    }
}

/// Each annotator takes and completes rows until none is left; who got which.
async fn drain(server: &TestApp, dataset: &str, people: usize) {
    let work = (0..people).map(async |number| {
        let who = format!("annotator {number}");
        let mut done = Vec::new();
        loop {
            let handed = next(server, dataset, json!({ "annotator": who })).await;
            if handed["row"].is_null() {
                return done;
            }
            let id = id(&handed).to_owned();
            assert_eq!(call(server, dataset, "complete", &id, &who).await.0, 200);
            done.push(id);
        }
    });
    let done = futures::future::join_all(work).await;
    let mut times: BTreeMap<&str, usize> = BTreeMap::new();
    done.iter().flatten().for_each(|id| *times.entry(id).or_default() += 1);
    assert_eq!((times.len(), times.values().max()), (1_000, Some(&1)), "every row once");
    let told = progress(server, dataset).await;
    assert_eq!((&told["completed"], &told["pending"], &told["in_progress"]), (&json!(1_000), &json!(0), &json!(0)));
    for person in told["annotators"].as_array().unwrap() {
        let number: usize = person["annotator"].as_str().unwrap().rsplit_once(' ').unwrap().1.parse().unwrap();
        assert_eq!(person["completed"], json!(done[number].len()));
        assert!(done[number].len() > 1_000 / people / 4, "{number} got only {}", done[number].len());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn two_annotators_get_every_row_once() {
    with_app(async |server| {
        let dataset = rows(server, 1_000).await;
        drain(server, &dataset, 2).await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn eight_annotators_get_every_row_once() {
    with_app(async |server| {
        let dataset = rows(server, 1_000).await;
        drain(server, &dataset, 8).await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_double_click_gets_one_row() {
    with_app(async |server| {
        let dataset = rows(server, 10).await;
        let calls = (0..4).map(|_| next(server, &dataset, json!({"annotator": "ann"})));
        let handed = futures::future::join_all(calls).await;
        assert!(handed.iter().all(|one| id(one) == id(&handed[0])), "{handed:#?}");
        assert_eq!(progress(server, &dataset).await["in_progress"], 1);
    })
    .await;
}

#[tokio::test]
async fn patch_tells_who_and_when_and_filters_find_it() {
    with_app(async |server| {
        let dataset = rows(server, 2).await;
        let held = next(server, &dataset, json!({})).await;
        assert_eq!(held["row"]["annotation_assignee"], "test", "the key's name when nobody is named");
        let path = format!("/api/datasets/{dataset}/logs/{}/", id(&held));
        let patch =
            json!({"annotation_status": "completed", "annotation_completed_by": {"first_name": "A", "email": "a@b.c"}});
        let done = server.patch(&path, patch).await.expect_status(200);
        assert!(done["annotation_completed_at"].is_string() && done["annotation_lease_until"].is_null(), "{done}");
        let list = format!("/api/datasets/{dataset}/logs/list/");
        for (filters, count) in [
            (json!({"annotation_completed_at": {"operator": "lte", "value": done["annotation_completed_at"]}}), 1),
            (json!({"annotation_completed_at": {"operator": "gt", "value": done["annotation_completed_at"]}}), 0),
            (json!({"annotation_completed_at": {"operator": "isnull", "value": true}}), 1),
            (json!({"annotation_completed_by": "a@b.c", "annotation_status": "completed"}), 1),
            (json!({"annotation_assignee": "test"}), 0),
            (json!({"annotation_lease_until": {"operator": "isnull", "value": true}}), 2),
        ] {
            let page = server.post(&list, json!({ "filters": filters })).await.expect_status(200);
            assert_eq!(page["count"], count, "{filters}");
        }
        let sorted = server
            .post(&format!("{list}?sort_by=-annotation_completed_at&include_fields=annotation_completed_at"), json!({}))
            .await
            .expect_status(200);
        assert_eq!(sorted["results"][0]["annotation_completed_at"], done["annotation_completed_at"]);
        let copy = server.post("/api/datasets/", json!({"source_dataset_id": dataset})).await.expect_status(201);
        server.settle().await;
        let copied = server.get(&format!("/api/datasets/{}/logs/{}/", copy["id"].as_str().unwrap(), id(&held))).await;
        assert_eq!(copied.body["annotation_status"], "pending");
        assert_eq!(copied.body["annotation_completed_at"], Value::Null);

        let open = server.patch(&path, json!({"annotation_status": "pending"})).await.expect_status(200);
        assert_eq!(open["annotation_completed_at"], Value::Null);
        assert_eq!(open["annotation_completed_by"]["email"], "");
        server.patch(&path, json!({"annotation_status": "done"})).await.expect_status(400);
        let span = json!({"filters": {"annotation_completed_at": {"operator": "isnull", "value": true}}});
        server.post("/api/request-logs/list/", span).await.expect_status(400);
    })
    .await;
}

#[tokio::test]
async fn a_score_by_a_person_completes_the_row() {
    with_app(async |server| {
        let dataset = rows(server, 1).await;
        let list = server.post(&format!("/api/datasets/{dataset}/logs/list/"), json!({})).await.body;
        let row = LogId(list["results"][0]["unique_id"].as_str().unwrap().to_owned());
        let organization = server.app.stores.keys.organizations().await.unwrap()[0].id;
        let (actor, rows) = (Actor::local(organization), Place::Dataset(dataset.parse().unwrap()));
        completed_by_score(&server.app, &actor, Place::RequestLogs, &row, "ann").await.unwrap();
        completed_by_score(&server.app, &actor, rows, &LogId("unknown".into()), "ann").await.unwrap();
        assert_eq!(progress(server, &dataset).await["completed"], 0);
        completed_by_score(&server.app, &actor, rows, &row, "ann@example.com").await.unwrap();
        let first = progress(server, &dataset).await;
        assert_eq!(first["annotators"][0]["annotator"], "ann@example.com");
        completed_by_score(&server.app, &actor, rows, &row, "ann@example.com").await.unwrap();
        assert_eq!(progress(server, &dataset).await, first, "the first time counts");
        for second in ["bob@example.com", ""] {
            completed_by_score(&server.app, &actor, rows, &row, second).await.unwrap();
            assert_eq!(progress(server, &dataset).await, first, "a second opinion takes nothing from the first");
        }
    })
    .await;
}

#[tokio::test]
async fn wrong_requests_name_the_member() {
    with_app(async |server| {
        let dataset = rows(server, 1).await;
        let base = format!("/api/datasets/{dataset}/annotation");
        for (verb, body, field) in [
            ("next", json!({"annotator": ""}), "annotator"),
            ("next", json!({"annotator": 7}), "annotator"),
            ("next", json!({"annotator": "x".repeat(256)}), "annotator"),
            ("next", json!({"lease_seconds": 0}), "lease_seconds"),
            ("next", json!({"lease_seconds": 86_401}), "lease_seconds"),
            ("next", json!({"lease_seconds": -1}), "lease_seconds"),
            ("next", json!({"lease_second": 60}), "lease_second"),
            ("next", json!({"sort_by": "input"}), "sort_by"),
            ("next", json!({"filters": {"cost": {"operator": "near", "value": 1}}}), "filters.cost.operator"),
            ("complete", json!({"annotator": "ann"}), "unique_id"),
            ("complete", json!({"unique_id": 7}), "unique_id"),
            ("release", json!({"unique_id": "x", "id": "x"}), "id"),
        ] {
            let told = server.post(&format!("{base}/{verb}/"), body.clone()).await.expect_status(400);
            assert!(told["errors"].as_object().unwrap().contains_key(field), "{body}: {told}");
        }
        for verb in ["complete", "release"] {
            server.post(&format!("{base}/{verb}/"), json!({"unique_id": "unknown"})).await.expect_status(404);
        }
        let unknown = "00000000-0000-0000-0000-000000000001";
        for dataset in ["_saved_logs", unknown] {
            let path = format!("/api/datasets/{dataset}/annotation");
            server.post(&format!("{path}/next/"), json!({})).await.expect_status(404);
            server.post(&format!("{path}/complete/"), json!({"unique_id": "x"})).await.expect_status(404);
            server.post(&format!("{path}/release/"), json!({"unique_id": "x"})).await.expect_status(404);
            server.get(&format!("{path}/progress/")).await.expect_status(404);
        }
    })
    .await;
}
