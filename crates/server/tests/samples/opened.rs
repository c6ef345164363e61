//! Old data folders opened: they answer as they did, jobs go on, new work is kept, the file is sound.

use super::compare::{Allowed, differences, rows_of_file};
use super::sample::{self, Ended, Exchange, Keys, Told};
use evalset_embedded as embedded;
use evalset_model::limits::Limits;
use evalset_testkit::provider::FakeProvider;
use evalset_testkit::{Reply, TestApp, Workers, with_folder};
use reqwest::Method;
use serde_json::{Value, json};
use std::path::Path;

/// The limits that samples were made with, as far as answers depend on them.
fn limits() -> Limits {
    Limits { concurrent_jobs: 1, concurrent_runs: 1, text_index_rows: 20, export_days: 36_500, ..Limits::default() }
}

/// Schema version of what is in a folder, after a thorough look that must find nothing wrong.
#[track_caller]
fn sound(folder: &Path) -> i64 {
    let report = embedded::doctor(folder, true).unwrap();
    assert!(report.healthy(), "{:#?}", report.findings);
    report.version
}

async fn ask(server: &TestApp, keys: &Keys, question: &Exchange) -> Reply {
    let method: Method = question.method.parse().unwrap();
    let reply = server.send_as(keys.of(&question.who), method, &question.path, question.body.clone()).await;
    // Links carry the address of the server.
    let text = serde_json::to_string(&reply.body).unwrap().replace(&server.url, "{url}");
    let mut body: Value = serde_json::from_str(&text).unwrap();
    // Each request has an id of its own.
    body.as_object_mut().and_then(|members| members.remove("request_id"));
    Reply { status: reply.status, body }
}

/// All answers as they were, but for what `left_out` says.
async fn answers_as_then(server: &TestApp, told: &Told, allowed: Allowed, left_out: impl Fn(&Exchange) -> bool) {
    let mut found = Vec::new();
    for question in told.answers.iter().filter(|question| !left_out(question)) {
        let now = ask(server, &told.keys, question).await;
        let then = json!([question.status, rows_of_file(question.answer.clone())]);
        let now = json!([now.status, rows_of_file(now.body)]);
        for difference in differences(&then, &now, allowed) {
            let Exchange { who, method, path, body, .. } = question;
            found.push(format!("{who}: {method} {path} {}: {difference}", body.as_ref().unwrap_or(&Value::Null)));
        }
    }
    let list = found.join("\n");
    assert!(found.is_empty(), "a file of version {}: {} answers differ\n{list}", told.schema, found.len());
}

/// All scores as they were, in any order: rows are evaluated side by side, and which has its score first is chance.
async fn scores_as_then(server: &TestApp, told: &Told, allowed: Allowed) {
    for who in ["default", "other"] {
        let (mut then, mut now) = (Vec::new(), Vec::new());
        for question in told.answers.iter().filter(|question| lists_scores(question) && question.who == who) {
            let reply = ask(server, &told.keys, question).await.expect_status(question.status);
            then.extend(question.answer["results"].as_array().unwrap().iter().cloned());
            now.extend(reply["results"].as_array().unwrap().iter().cloned());
        }
        for scores in [&mut then, &mut now] {
            scores.sort_by_key(|score| ["log_id", "dataset_id", "evaluator_id"].map(|name| score[name].to_string()));
        }
        let found = differences(&json!(then), &json!(now), allowed);
        assert!(found.is_empty(), "a file of version {}: scores of {who} differ: {found:#?}", told.schema);
    }
}

fn lists_scores(question: &Exchange) -> bool {
    question.path.starts_with("/api/scores/list/")
}

const NOTHING: Allowed = Allowed { made_after: None };

#[tokio::test]
async fn there_is_a_sample_of_every_version_before_the_present_one() {
    let fresh = tempfile::tempdir().unwrap();
    with_folder(fresh.path(), Limits::default(), Workers::None, async |_| {}).await;
    let present = sound(fresh.path());
    let missing: Vec<_> = (1..present).filter(|version| !sample::exists(*version)).collect();
    assert!(
        missing.is_empty(),
        "no sample of schema versions {missing:?}: tests/samples/README.md says how to make one"
    );
    let later: Vec<_> = sample::versions().into_iter().filter(|version| !(1..=present).contains(version)).collect();
    assert!(later.is_empty(), "samples of versions that no program wrote: {later:?}");
}

#[tokio::test]
async fn a_file_of_a_stopped_server_answers_as_it_did_and_takes_new_work() {
    for version in sample::versions() {
        let (folder, told) = sample::open(version, Ended::Stopped);
        assert_eq!(sound(folder.path()), version, "the doctor reads older files as they are");
        with_folder(folder.path(), limits(), Workers::None, async |server| {
            answers_as_then(server, &told, NOTHING, |_| false).await;
        })
        .await;
        let present = sound(folder.path());
        assert!(present >= version);
        let mut dataset = String::new();
        with_folder(folder.path(), limits(), Workers::All, async |server| dataset = work(server, &told).await).await;
        with_folder(folder.path(), limits(), Workers::None, async |server| {
            check_work(server, &told, &dataset).await;
            // What the new work did not touch is as it was, after a second start too.
            answers_as_then(server, &told, NOTHING, |question| {
                !question.path.contains("/datasets/") || lists_datasets(question)
            })
            .await;
        })
        .await;
        assert_eq!(sound(folder.path()), present);
    }
}

fn lists_datasets(question: &Exchange) -> bool {
    question.path.starts_with("/api/datasets/list/")
}

/// New logs, a dataset filled from old and new ones, a change and a score; the dataset's id.
async fn work(server: &TestApp, told: &Told) -> String {
    let key = &told.keys.default;
    let post = async |path: &str, body: Value, status: u16| {
        server.send_as(key, Method::POST, path, Some(body)).await.expect_status(status)
    };
    let log = json!({"unique_id": "log-new", "input": "new", "model": "small", "timestamp": "2026-01-05T00:00:00Z"});
    post("/api/request-logs/", log, 201).await;
    let filters =
        json!({"model": "small", "unique_id": {"operator": "in", "value": ["log-new", "log-003", "log-000"]}});
    let made =
        post("/api/datasets/", json!({"name": "new", "initial_log_filters": filters, "sampling": 100}), 201).await;
    server.settle().await;
    let dataset = made["id"].as_str().unwrap().to_owned();
    let row = format!("/api/datasets/{dataset}/logs/log-003/");
    server.send_as(key, Method::PATCH, &row, Some(json!({"note": "changed"}))).await.expect_status(200);
    let score = json!({"evaluator_slug": "new", "dataset_id": dataset, "log_id": "log-000", "numerical_value": 2});
    post("/api/scores/", score, 201).await;
    dataset
}

async fn check_work(server: &TestApp, told: &Told, dataset: &str) {
    let list = format!("/api/datasets/{dataset}/logs/list/?sort_by=unique_id&include_fields=note,scores");
    let rows = server.send_as(&told.keys.default, Method::POST, &list, Some(json!({}))).await.expect_status(200);
    let told: Vec<_> = rows["results"].as_array().unwrap().iter().collect();
    let ids: Vec<_> = told.iter().map(|row| row["unique_id"].as_str().unwrap()).collect();
    assert_eq!(ids, ["log-000", "log-003", "log-new"]);
    assert_eq!(told[1]["note"], "changed");
    assert_eq!(told[0]["scores"]["new"]["numerical_value"], 2.0);
}

#[tokio::test]
async fn jobs_of_a_killed_server_are_readable_and_go_on() {
    for version in sample::versions() {
        let (folder, told) = sample::open(version, Ended::Killed);
        with_folder(folder.path(), limits(), Workers::None, async |server| jobs_as_stored(server, &told).await).await;
        let provider = match &told.provider {
            Some(url) => Some(FakeProvider::at(address(url)).await),
            None => None,
        };
        with_folder(folder.path(), limits(), Workers::All, async |server| {
            server.settle().await;
            let allowed = Allowed { made_after: Some(told.killed_at) };
            answers_as_then(server, &told, allowed, lists_scores).await;
            scores_as_then(server, &told, allowed).await;
        })
        .await;
        if let Some(provider) = provider {
            assert!(provider.asked() > 0, "the stored key was unsealed and the judge asked");
        }
        sound(folder.path());
    }
}

/// `host:port` of a base URL.
fn address(url: &str) -> &str {
    url.strip_prefix("http://").and_then(|rest| rest.split_once('/')).unwrap().0
}

/// Every job that callers may see stands where the kill left it.
async fn jobs_as_stored(server: &TestApp, told: &Told) {
    assert!(told.jobs.iter().any(|job| job.state == "running"), "the sample has a job that was at work");
    for job in told.jobs.iter().filter(|job| job.kind != "purge") {
        let path = format!("/api/jobs/{}/", job.id);
        let now = server.send_as(&told.keys.default, Method::GET, &path, None).await;
        // Jobs of the other organization are not ours to see.
        let now = if now.status == 404 {
            server.send_as(&told.keys.other, Method::GET, &path, None).await.expect_status(200)
        } else {
            now.expect_status(200)
        };
        let found = json!([
            now["kind"],
            now["status"],
            now["progress"]["done"],
            now["progress"]["affected"],
            now["progress"]["total"]
        ]);
        let stored =
            json!([job.kind, job.state, job.progress["done"], job.progress["affected"], job.progress["total"]]);
        assert_eq!(found, stored, "{}", job.id);
    }
}
