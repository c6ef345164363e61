//! `/api/exports/…`, exports started by row lists, and downloads without a job.

use evalset_model::key::Environment;
use evalset_model::limits::Limits;
use evalset_testkit::{Answer, TestApp, with_app, with_queued_jobs};
use reqwest::Method;
use serde_json::{Value, json};

/// A dataset of three rows, `i0` to `i2`, costing 0, 1 and 2.
async fn dataset(server: &TestApp) -> String {
    let dataset = server.dataset("Exported").await;
    let rows: Vec<_> = (0..3)
        .map(|n| json!({"input": format!("i{n}"), "output": {"n": n}, "cost": n, "model": if n == 1 { "odd" } else { "even" }}))
        .collect();
    server.post(&format!("/api/datasets/{dataset}/logs/bulk/"), json!({ "logs": rows })).await.expect_status(201);
    dataset
}

/// Starts an export; the acknowledgement.
async fn start(server: &TestApp, dataset: &str, more: Value) -> Value {
    let mut body = json!({"is_exporting": true});
    body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    let path = format!("/api/datasets/{dataset}/logs/list/?sort_by=-cost&page=2&page_size=1");
    let reply = server.post(&path, body).await.expect_status(202);
    assert!(reply["message"].is_string(), "{reply}");
    reply
}

/// The path of an absolute URL on the server.
fn path<'a>(server: &TestApp, url: &'a Value) -> &'a str {
    url.as_str().unwrap().strip_prefix(&server.url).unwrap()
}

async fn download(server: &TestApp, path: &str) -> Answer {
    server.answer(server.request(Method::GET, path).bearer_auth(&server.key)).await
}

fn lines(answer: &Answer) -> Vec<Value> {
    answer.text().lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

#[tokio::test]
async fn a_jsonl_export_is_watched_and_downloaded() {
    with_queued_jobs(Limits::default(), async |server| {
        let dataset = dataset(server).await;
        let reply = start(server, &dataset, json!({"export_format": ".jsonl", "name": "my rows"})).await;
        let (status, file) = (path(server, &reply["status_url"]), path(server, &reply["download_url"]));
        let export = server.get(status).await.expect_status(200);
        assert_eq!(
            (&export["id"], &export["status"], &export["format"]),
            (&reply["export_id"], &json!("queued"), &json!(".jsonl"))
        );
        assert_eq!(
            (&export["name"], &export["dataset_id"], &export["download_url"]),
            (&json!("my rows.jsonl"), &json!(dataset), &Value::Null)
        );
        let early = server.get(file).await.expect_status(409);
        assert!(early["detail"].as_str().unwrap().contains("queued"), "{early}");

        server.work().await;
        let export = server.get(status).await.expect_status(200);
        assert_eq!((&export["status"], &export["row_count"]), (&json!("completed"), &json!(3)));
        assert_eq!(export["download_url"], reply["download_url"]);
        let answer = download(server, file).await.expect_status(200);
        assert_eq!(answer.header("content-type"), "application/x-ndjson");
        assert_eq!(answer.header("content-length"), answer.bytes.len().to_string());
        assert_eq!(
            answer.header("content-disposition"),
            "attachment; filename=\"my rows.jsonl\"; filename*=UTF-8''my%20rows.jsonl"
        );
        let rows = lines(&answer);
        let inputs: Vec<_> = rows.iter().map(|row| row["input"].as_str().unwrap()).collect();
        assert_eq!(inputs, ["i2", "i1", "i0"], "sorted as asked, not paged");
        assert!(rows.iter().all(|row| row["scores"] == json!([]) && row["dataset_id"] == json!(dataset)));
        let list = server.get("/api/exports/").await.expect_status(200);
        assert_eq!((&list["count"], &list["results"][0]), (&json!(1), &export));
    })
    .await;
}

#[tokio::test]
async fn a_csv_export_has_the_fields_and_rows_asked_for() {
    with_app(async |server| {
        let dataset = dataset(server).await;
        let more = json!({"filters": {"model": "even"}, "include_fields": "input,output,cost"});
        let reply = start(server, &dataset, more).await;
        server.settle().await;
        let answer = download(server, path(server, &reply["download_url"])).await.expect_status(200);
        assert_eq!(answer.header("content-type"), "text/csv; charset=utf-8");
        let name = format!("dataset-{dataset}-");
        assert!(answer.header("content-disposition").contains(&name), "{}", answer.header("content-disposition"));
        let mut table = csv::Reader::from_reader(answer.bytes.as_slice());
        assert_eq!(table.headers().unwrap(), vec!["id", "unique_id", "input", "output", "cost"]);
        let rows: Vec<Vec<String>> =
            table.records().map(|row| row.unwrap().iter().skip(2).map(str::to_owned).collect()).collect();
        assert_eq!(rows, [[r#""i2""#, r#"{"n":2}"#, "2"], [r#""i0""#, r#"{"n":0}"#, "0"]], "structures are JSON text");
    })
    .await;
}

#[tokio::test]
async fn a_name_cannot_leave_the_export_folder() {
    with_app(async |server| {
        let dataset = dataset(server).await;
        let outside = server.data().join("outside.csv");
        for (name, shown) in [
            ("../../outside.csv", "_.._outside.csv"),
            ("/etc/passwd", "_etc_passwd.csv"),
            ("..\\..\\x", "_.._x.csv"),
            ("a\r\nSet-Cookie: b", "a__Set-Cookie_ b.csv"),
        ] {
            let reply = start(server, &dataset, json!({ "name": name })).await;
            server.settle().await;
            let export = server.get(path(server, &reply["status_url"])).await.expect_status(200);
            assert_eq!((&export["status"], &export["name"]), (&json!("completed"), &json!(shown)), "{name:?}");
            let answer = download(server, path(server, &reply["download_url"])).await.expect_status(200);
            assert_eq!(answer.headers.get("set-cookie"), None);
            let written = server.data().join("exports").join(format!("{}.csv", reply["export_id"].as_str().unwrap()));
            assert_eq!(std::fs::read(written).unwrap(), answer.bytes);
        }
        assert!(!outside.exists());
        assert_eq!(std::fs::read_dir(server.data().join("exports")).unwrap().count(), 4);
    })
    .await;
}

#[tokio::test]
async fn what_cannot_be_exported_is_refused_before_anything_is_queued() {
    with_app(async |server| {
        let dataset = dataset(server).await;
        let list = format!("/api/datasets/{dataset}/logs/list/");
        for (body, field) in [
            (json!({"is_exporting": true, "export_format": ".xlsx"}), "export_format"),
            (json!({"is_exporting": true, "export_format": "csv"}), "export_format"),
            (json!({"is_exporting": true, "filters": {"cost": "dear"}}), "filters.cost"),
            (json!({"is_exporting": true, "sort_by": "colour"}), "sort_by"),
            (json!({"is_exporting": true, "name": ["x"]}), "name"),
        ] {
            let reply = server.post(&list, body.clone()).await.expect_status(400);
            assert!(reply["errors"].get(field).is_some(), "{body}: {reply}");
        }
        let unknown = "/api/datasets/00000000-0000-7000-8000-000000000000/logs";
        server.post(&format!("{unknown}/list/"), json!({"is_exporting": true})).await.expect_status(404);
        server.get(&format!("{unknown}/export/")).await.expect_status(404);
        server.get(&format!("/api/datasets/{dataset}/logs/export/?export_format=.pdf")).await.expect_status(400);
        assert_eq!(server.get("/api/exports/").await.expect_status(200)["count"], 0);
    })
    .await;
}

#[tokio::test]
async fn rows_are_downloaded_at_once_by_url_or_body() {
    with_app(async |server| {
        let dataset = dataset(server).await;
        let export = format!("/api/datasets/{dataset}/logs/export/");
        let by_url = format!("{export}?export_format=.jsonl&model=even&sort_by=cost&include_fields=input");
        let answer = download(server, &by_url).await.expect_status(200);
        assert_eq!(answer.header("content-type"), "application/x-ndjson");
        let rows = lines(&answer);
        let inputs: Vec<_> = rows.iter().map(|row| row["input"].as_str().unwrap()).collect();
        assert_eq!(inputs, ["i0", "i2"]);
        assert!(rows.iter().all(|row| row.as_object().unwrap().len() == 3), "id, unique_id and input only: {rows:?}");

        let body = json!({"filters": {"cost": {"operator": "gte", "value": 1}}, "sort_by": "cost", "name": "some", "export_format": ".csv"});
        let request = server.request(Method::POST, &export).bearer_auth(&server.key).json(&body);
        let answer = server.answer(request).await.expect_status(200);
        assert!(answer.header("content-disposition").starts_with("attachment; filename=\"some.csv\""));
        assert_eq!(csv::Reader::from_reader(answer.bytes.as_slice()).records().count(), 2);
        assert_eq!(server.get("/api/jobs/").await.expect_status(200)["count"], 0, "no job was needed");

        server.post("/api/datasets/_saved_logs/logs/", json!({"input": "kept"})).await.expect_status(201);
        let answer = download(server, "/api/datasets/_saved_logs/logs/export/?export_format=.jsonl").await.expect_status(200);
        assert_eq!(lines(&answer)[0]["input"], "kept");
        let old = json!({"input": "sent", "timestamp": "2025-01-01T00:00:00Z"});
        server.post("/api/request-logs/", old).await.expect_status(201);
        let answer = download(server, "/api/request-logs/export/?export_format=.jsonl").await.expect_status(200);
        assert_eq!(lines(&answer).len(), 1, "no window unless one is given");
    })
    .await;
}

#[tokio::test]
async fn exports_of_others_are_not_found() {
    with_app(async |server| {
        let dataset = dataset(server).await;
        let reply = start(server, &dataset, json!({})).await;
        server.settle().await;
        let other = server.key_of("other", Environment::Prod).await;
        let export = format!("/api/datasets/{dataset}/logs/export/");
        for path in [path(server, &reply["status_url"]), path(server, &reply["download_url"]), &export] {
            server.send_as(&other, Method::GET, path, None).await.expect_status(404);
        }
        let body = Some(json!({"is_exporting": true}));
        server
            .send_as(&other, Method::POST, &format!("/api/datasets/{dataset}/logs/list/"), body)
            .await
            .expect_status(404);
        let list = server.send_as(&other, Method::GET, "/api/exports/", None).await.expect_status(200);
        assert_eq!((&list["count"], &list["results"]), (&json!(0), &json!([])));
        for unknown in ["00000000-0000-7000-8000-000000000000", "..%2F..%2Fpasswd"] {
            server.get(&format!("/api/exports/{unknown}/")).await.expect_status(404);
            server.get(&format!("/api/exports/{unknown}/download/")).await.expect_status(404);
        }
    })
    .await;
}
