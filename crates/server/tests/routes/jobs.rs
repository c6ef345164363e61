//! `/api/jobs/…`

use evalset_model::key::Environment;
use evalset_model::limits::Limits;
use evalset_testkit::{TestApp, with_queued_jobs};
use reqwest::Method;
use serde_json::{Value, json};

/// Queues an import of ten logs, five of them matching; the ids of the dataset and of its job.
async fn import(server: &TestApp) -> (String, String) {
    let logs: Vec<_> = (0..10).map(|n| json!({"input": n.to_string(), "model": format!("m{}", n % 2)})).collect();
    server.post("/api/request-logs/bulk/", json!({ "logs": logs })).await.expect_status(201);
    let dataset = server.dataset("jobs").await;
    let body = json!({"start_time": "2020-01-01", "end_time": "2100-01-01", "filters": {"model": "m1"}});
    let reply = server.post(&format!("/api/datasets/{dataset}/logs/import/"), body).await.expect_status(200);
    assert_eq!(reply["status_url"], format!("/api/jobs/{}/", reply["job_id"].as_str().unwrap()));
    (dataset, reply["job_id"].as_str().unwrap().to_owned())
}

async fn job(server: &TestApp, id: &str) -> Value {
    server.get(&format!("/api/jobs/{id}/")).await.expect_status(200)
}

#[tokio::test]
async fn a_job_is_watched_from_the_queue_to_its_end() {
    with_queued_jobs(Limits::default(), async |server| {
        let (dataset, id) = import(server).await;
        let queued = job(server, &id).await;
        assert_eq!(
            (&queued["kind"], &queued["status"], &queued["dataset_id"]),
            (&json!("import"), &json!("queued"), &json!(dataset))
        );
        assert_eq!(queued["progress"], json!({"total": null, "done": 0, "affected": 0, "skipped": 0, "percent": 0}));
        assert_eq!(
            (&queued["started_at"], &queued["completed_at"], &queued["rate"]),
            (&Value::Null, &Value::Null, &Value::Null)
        );
        let loading = server.get(&format!("/api/datasets/{dataset}/")).await.expect_status(200);
        assert_eq!(loading["status"], "loading");

        server.work().await;
        let ended = job(server, &id).await;
        assert_eq!((&ended["status"], &ended["error_message"]), (&json!("completed"), &Value::Null));
        assert_eq!(ended["progress"], json!({"total": 5, "done": 5, "affected": 5, "skipped": 0, "percent": 100}));
        assert!(ended["started_at"].is_string() && ended["completed_at"].is_string(), "{ended}");
        assert_eq!(ended["download_url"], Value::Null, "only exports have a file");
    })
    .await;
}

#[tokio::test]
async fn jobs_are_listed_newest_first_in_pages() {
    with_queued_jobs(Limits::default(), async |server| {
        let (dataset, first) = import(server).await;
        let body = json!({"filters": {"model": "m1"}});
        let removal =
            server.delete(&format!("/api/datasets/{dataset}/logs/import/"), Some(body)).await.expect_status(200);
        let export = server.post(&format!("/api/datasets/{dataset}/logs/list/"), json!({"is_exporting": true})).await;
        let export = export.expect_status(202)["job_id"].clone();
        let list = server.get("/api/jobs/").await.expect_status(200);
        let shown = |list: &Value| -> Vec<Value> {
            list["results"].as_array().unwrap().iter().map(|job| job["id"].clone()).collect()
        };
        assert_eq!(shown(&list), [export.clone(), removal["job_id"].clone(), json!(first)]);
        let kinds: Vec<_> =
            list["results"].as_array().unwrap().iter().map(|job| job["kind"].as_str().unwrap()).collect();
        assert_eq!((list["count"].as_u64(), kinds), (Some(3), vec!["export", "remove", "import"]));
        let page = server.get("/api/jobs/?page=2&page_size=2").await.expect_status(200);
        assert_eq!((shown(&page), &page["next"], page["count"].as_u64()), (vec![json!(first)], &Value::Null, Some(3)));
        let beyond = server.get("/api/jobs/?page=9").await.expect_status(200);
        assert_eq!(beyond["results"], json!([]));
        server.get("/api/jobs/?page=0").await.expect_status(400);
        server.work().await;
    })
    .await;
}

#[tokio::test]
async fn a_queued_job_is_cancelled_once_and_for_all() {
    with_queued_jobs(Limits::default(), async |server| {
        let (dataset, id) = import(server).await;
        let path = format!("/api/jobs/{id}/cancel/");
        let cancelled = server.post(&path, json!({})).await.expect_status(200);
        assert_eq!(cancelled["status"], "cancelled");
        server.work().await;
        assert_eq!(
            server.post(&path, json!({})).await.expect_status(200),
            cancelled,
            "a job that has ended stays as it is"
        );
        let dataset = server.get(&format!("/api/datasets/{dataset}/")).await.expect_status(200);
        assert_eq!((&dataset["status"], &dataset["log_count"]), (&json!("ready"), &json!(0)));
        let wrong = server.answer(server.request(Method::GET, &path).bearer_auth(&server.key)).await.expect_status(405);
        assert_eq!(wrong.header("allow"), "POST");
        assert!(wrong.json()["detail"].is_string());
    })
    .await;
}

#[tokio::test]
async fn jobs_of_others_and_of_nobody_are_not_found() {
    with_queued_jobs(Limits::default(), async |server| {
        let (_, id) = import(server).await;
        let other = server.key_of("other", Environment::Prod).await;
        let list = server.send_as(&other, Method::GET, "/api/jobs/", None).await.expect_status(200);
        assert_eq!((&list["count"], &list["results"]), (&json!(0), &json!([])));
        for path in [format!("/api/jobs/{id}/"), "/api/exports/".to_owned() + &id] {
            server.send_as(&other, Method::GET, &path, None).await.expect_status(404);
        }
        server.send_as(&other, Method::POST, &format!("/api/jobs/{id}/cancel/"), None).await.expect_status(404);
        assert_eq!(job(server, &id).await["status"], "queued");
        for unknown in ["00000000-0000-7000-8000-000000000000", "nothing"] {
            server.get(&format!("/api/jobs/{unknown}/")).await.expect_status(404);
            server.post(&format!("/api/jobs/{unknown}/cancel/"), json!({})).await.expect_status(404);
        }
        server.get(&format!("/api/exports/{id}/")).await.expect_status(404);
        server.work().await;
    })
    .await;
}
