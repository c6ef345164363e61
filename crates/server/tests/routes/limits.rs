//! What is too much, on any route: each limit is refused with a status of its own and named in the answer.

use evalset_model::limits::Limits;
use evalset_testkit::{Under, with_limits, with_queued_jobs};
use reqwest::Method;
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

fn says(body: &Value, limit: &str) {
    assert!(body["detail"].as_str().unwrap().contains(limit), "{body}");
}

#[tokio::test]
async fn a_body_larger_than_allowed_is_413() {
    with_limits(Under::Memory, Limits { max_body_bytes: 1_000, ..Limits::default() }, async |server| {
        let long = json!({"input": "x".repeat(1_000)});
        let reply = server.post("/api/request-logs/", long.clone()).await.expect_status(413);
        says(&reply, "limits.max_body_bytes");
        // Without a declared length it is found out while reading.
        let pieces = futures::stream::iter([Ok::<_, std::io::Error>(serde_json::to_vec(&long).unwrap())]);
        let request = server.request(Method::POST, "/api/request-logs/").bearer_auth(&server.key);
        let answer = server.answer(request.body(reqwest::Body::wrap_stream(pieces))).await.expect_status(413);
        says(&answer.json(), "limits.max_body_bytes");
        let reply = server.post("/api/request-logs/", json!({"input": "x".repeat(900)})).await;
        reply.expect_status(201);
    })
    .await;
}

/// Sends a request over a connection and reads the answer's head.
async fn ask(stream: &mut tokio::net::TcpStream, key: &str, body: &str) -> String {
    let head = format!(
        "POST /api/request-logs/ HTTP/1.1\r\nHost: here\r\nAuthorization: Bearer {key}\r\nContent-Length: {}\r\n\r\n",
        body.len()
    );
    stream.write_all(head.as_bytes()).await.unwrap();
    stream.write_all(body.as_bytes()).await.unwrap();
    let mut read = vec![0; 16_384];
    let length = stream.read(&mut read).await.unwrap();
    String::from_utf8_lossy(&read[..length]).to_lowercase()
}

/// Client libraries send the next request over the same connection unless the answer forbids it.
#[tokio::test]
async fn a_connection_goes_on_after_a_413_or_the_answer_says_that_it_does_not() {
    let limits = Limits { max_body_bytes: 1_000, unread_body_bytes: 500_000, ..Limits::default() };
    with_limits(Under::Memory, limits, async |server| {
        let address = server.url.strip_prefix("http://").unwrap();
        let mut stream = tokio::net::TcpStream::connect(address).await.unwrap();
        for _ in 0..3 {
            let refused = ask(&mut stream, &server.key, &"x".repeat(400_000)).await;
            assert!(refused.starts_with("http/1.1 413") && !refused.contains("connection: close"), "{refused}");
            let good = ask(&mut stream, &server.key, r#"{"input": "x"}"#).await;
            assert!(good.starts_with("http/1.1 201"), "{good}");
        }
        let refused = ask(&mut stream, &server.key, &"x".repeat(600_000)).await;
        assert!(refused.starts_with("http/1.1 413") && refused.contains("connection: close"), "{refused}");
    })
    .await;
}

/// Begins a request with a body of which only the first byte comes.
async fn begin(url: &str, key: &str, bytes: usize) -> tokio::net::TcpStream {
    let mut stream = tokio::net::TcpStream::connect(url.strip_prefix("http://").unwrap()).await.unwrap();
    let head = format!(
        "POST /api/request-logs/ HTTP/1.1\r\nHost: here\r\nAuthorization: Bearer {key}\r\nContent-Length: {bytes}\r\n\r\n{{"
    );
    stream.write_all(head.as_bytes()).await.unwrap();
    stream
}

#[tokio::test]
async fn bodies_share_a_budget_of_which_one_organization_does_not_get_all() {
    let limits = Limits {
        body_memory_bytes: 3 * 5_000,
        organization_body_memory_bytes: 3 * 3_000,
        organization_bodies: 2,
        ..Limits::default()
    };
    with_limits(Under::Memory, limits, async |server| {
        let other = server.key_of("Other", evalset_model::key::Environment::Prod).await;
        let body = |bytes: usize| json!({"input": "x".repeat(bytes)});
        let held = begin(&server.url, &server.key, 2_000).await;
        let refused = async |key: &str, bytes: usize, limit: &str| {
            // The body that was begun may not have been seen yet.
            for _ in 0..100 {
                let reply = server.send_as(key, Method::POST, "/api/request-logs/", Some(body(bytes))).await;
                if reply.status == 503 {
                    return says(&reply.expect_status(503), limit);
                }
                tokio::time::sleep(std::time::Duration::from_millis(20)).await;
            }
            panic!("never refused");
        };
        refused(&server.key, 1_500, "limits.organization_body_memory_bytes").await;
        refused(&other, 2_990, "limits.body_memory_bytes").await;
        let second = begin(&server.url, &server.key, 100).await;
        refused(&server.key, 10, "limits.organization_bodies").await;
        // Whoever sends no body is answered, and so are others within what is left.
        server.get("/api/request-logs/").await.expect_status(200);
        server.send_as(&other, Method::POST, "/api/request-logs/", Some(body(1_000))).await.expect_status(201);
        drop((held, second));
        for left in (0..100).rev() {
            if server.post("/api/request-logs/", body(1_500)).await.status == 201 {
                break;
            }
            assert!(left > 0, "what was taken is given back");
            tokio::time::sleep(std::time::Duration::from_millis(20)).await;
        }
    })
    .await;
}

#[tokio::test]
async fn a_body_that_does_not_go_on_is_408() {
    with_limits(Under::Memory, Limits { body_pause_seconds: 1, ..Limits::default() }, async |server| {
        let mut stream = begin(&server.url, &server.key, 100).await;
        let mut read = vec![0; 16_384];
        let length = stream.read(&mut read).await.unwrap();
        let answer = String::from_utf8_lossy(&read[..length]).into_owned();
        assert!(answer.starts_with("HTTP/1.1 408") && answer.contains("limits.body_pause_seconds"), "{answer}");
    })
    .await;
}

#[tokio::test]
async fn values_are_bounded_where_they_are_held_and_not_in_what_is_kept_as_text() {
    let limits = Limits { body_values: 100, metadata_values: 100, ..Limits::default() };
    with_limits(Under::Memory, limits, async |server| {
        let many = json!(vec![vec![1]; 200]);
        server.post("/api/request-logs/", json!({"input": many})).await.expect_status(201);
        let reply = server.post("/api/request-logs/", json!({"input": 1, "metadata": {"a": many}})).await;
        says(&reply.expect_status(413), "limits.metadata_values");
        let reply = server.post("/api/request-logs/list/", json!({"filters": many})).await;
        says(&reply.expect_status(413), "limits.body_values");
        let bulk = json!({"logs": [{"input": 1}], "no_member": many});
        server.post("/api/request-logs/bulk/", bulk).await.expect_status(201);
    })
    .await;
}

#[tokio::test]
async fn downloads_have_places_of_their_own() {
    with_limits(Under::Memory, Limits { streams: 0, ..Limits::default() }, async |server| {
        let reply = server.get("/api/request-logs/export/").await;
        says(&reply.expect_status(503), "limits.streams");
        server.get("/api/request-logs/").await.expect_status(200);
    })
    .await;
}

#[tokio::test]
async fn a_row_larger_than_allowed_is_413_alone_and_an_item_error_in_bulk() {
    with_limits(Under::Memory, Limits { max_row_bytes: 1_000, ..Limits::default() }, async |server| {
        let dataset = server.dataset("rows").await;
        let rows = format!("/api/datasets/{dataset}/logs/");
        let (long, short) = (json!({"input": "x".repeat(1_000)}), json!({"input": "x", "unique_id": "short"}));
        for path in [&rows, "/api/request-logs/"] {
            says(&server.post(path, long.clone()).await.expect_status(413), "limits.max_row_bytes");
            let bulk = server.post(&format!("{path}bulk/"), json!({"logs": [short, long]})).await.expect_status(201);
            assert_eq!((&bulk["success_count"], &bulk["error_count"]), (&json!(1), &json!(1)));
            assert_eq!(bulk["errors"][0]["index"], 1);
            assert!(bulk["errors"][0]["error"].as_str().unwrap().contains("limits.max_row_bytes"), "{bulk}");
            let all = server.post(&format!("{path}bulk/"), json!({"logs": [long]})).await.expect_status(400);
            assert_eq!((&all["success_count"], &all["total_errors"]), (&json!(0), &json!(1)));
        }
        // A row cannot be grown past the limit in steps either.
        let id = server.post(&rows, json!({"input": "x".repeat(600)})).await.expect_status(201)["unique_id"].clone();
        let row = format!("{rows}{}/", id.as_str().unwrap());
        let reply = server.patch(&row, json!({"output": "x".repeat(600)})).await.expect_status(413);
        says(&reply, "limits.max_row_bytes");
        assert_eq!(server.get(&row).await.expect_status(200)["output"], Value::Null);
    })
    .await;
}

#[tokio::test]
async fn too_many_items_of_a_bulk_call_are_422() {
    let limits = Limits { bulk_items: 2, batch_items: 3, ..Limits::default() };
    with_limits(Under::Memory, limits, async |server| {
        let dataset = server.dataset("bulk").await;
        let logs = |count: usize| json!({"logs": vec![json!({"input": "q"}); count]});
        for path in [format!("/api/datasets/{dataset}/logs/bulk/"), "/api/request-logs/bulk/".to_owned()] {
            server.post(&path, logs(2)).await.expect_status(201);
            for (body, text) in [(logs(3), "limits.bulk_items"), (logs(0), "empty"), (json!({}), "required")] {
                let reply = server.post(&path, body).await.expect_status(422);
                assert!(reply["errors"]["logs"].is_array(), "{reply}");
                says(&reply, text);
            }
        }
        server.post("/api/request-logs/batch/create/", logs(3)).await.expect_status(201);
        says(&server.post("/api/request-logs/batch/create/", logs(4)).await.expect_status(422), "limits.batch_items");
    })
    .await;
}

#[tokio::test]
async fn more_open_jobs_than_allowed_are_503_with_a_time_to_come_back() {
    with_queued_jobs(Limits { open_jobs: 1, ..Limits::default() }, async |server| {
        let dataset = server.dataset("jobs").await;
        let window = json!({"start_time": "2026-01-01", "end_time": "2026-01-02"});
        let import = format!("/api/datasets/{dataset}/logs/import/");
        server.post(&import, window.clone()).await.expect_status(200);
        for (path, body) in [
            (import.clone(), window.clone()),
            ("/api/datasets/".to_owned(), json!({"name": "filled", "sampling": 10})),
            (format!("/api/datasets/{dataset}/logs/list/"), json!({"is_exporting": true})),
        ] {
            let request = server.request(Method::POST, &path).bearer_auth(&server.key).json(&body);
            let refused = server.answer(request).await.expect_status(503);
            let wait: u64 = refused.header("retry-after").parse().unwrap();
            assert_eq!(refused.json()["retry_after"], wait, "{path}");
            says(&refused.json(), "limits.open_jobs");
        }
        let list = server.get("/api/datasets/").await.expect_status(200);
        assert_eq!(list["count"], 1, "a dataset whose job is refused is not made");
        server.work().await;
        server.post(&import, window).await.expect_status(200);
        server.work().await;
    })
    .await;
}

#[tokio::test]
async fn page_sizes_are_clamped_and_useless_ones_are_the_default() {
    let limits = Limits { max_page_size: 3, max_span_page_size: 4, ..Limits::default() };
    with_limits(Under::Memory, limits, async |server| {
        let dataset = server.dataset("pages").await;
        let rows = format!("/api/datasets/{dataset}/logs/");
        let logs = json!({"logs": vec![json!({"input": "q"}); 6]});
        for path in [&rows, "/api/request-logs/"] {
            server.post(&format!("{path}bulk/"), logs.clone()).await.expect_status(201);
        }
        for (path, query, shown) in [
            (&*rows, "page_size=1000", 3),
            (&rows, "page_size=2", 2),
            (&rows, "page_size=0", 3),
            (&rows, "page_size=many", 3),
            ("/api/request-logs/", "page_size=1000", 4),
        ] {
            let list = server.get(&format!("{path}list/?{query}")).await.expect_status(200);
            assert_eq!(
                (list["count"].as_u64(), list["results"].as_array().unwrap().len()),
                (Some(6), shown),
                "{query}"
            );
            let next = list["next"].as_str().unwrap();
            assert!(
                next.contains(&format!("page=2&page_size={shown}")),
                "the next page is as large as this one: {next}"
            );
        }
        for page in ["0", "-1", "x"] {
            let reply = server.get(&format!("{rows}list/?page={page}")).await.expect_status(400);
            assert!(reply["errors"]["page"].is_array(), "{reply}");
        }
    })
    .await;
}

#[tokio::test]
async fn filters_are_bounded_in_depth_and_size() {
    let limits = Limits { filter_depth: 3, filter_conditions: 4, ..Limits::default() };
    with_limits(Under::Memory, limits, async |server| {
        let nested = |depth: usize| {
            (0..depth).fold(json!({"model": "m"}), |filter, _| json!({"group": {"filter_params": filter}}))
        };
        let wide = |count: usize| -> Value { (0..count).map(|n| (format!("metadata__k{n}"), json!(n))).collect() };
        let list = "/api/datasets/_saved_logs/logs/list/";
        for fine in [nested(1), wide(4)] {
            server.post(list, json!({ "filters": fine })).await.expect_status(200);
        }
        for (much, limit) in [(nested(9), "limits.filter_depth"), (wide(5), "limits.filter_conditions")] {
            let reply = server.post(list, json!({ "filters": much })).await.expect_status(400);
            says(&reply, limit);
        }
    })
    .await;
}

#[tokio::test]
async fn a_page_of_large_rows_is_413_and_smaller_pages_are_not() {
    with_limits(Under::Embedded, Limits { page_bytes: 2_500, ..Limits::default() }, async |server| {
        let dataset = server.dataset("large").await;
        let rows = format!("/api/datasets/{dataset}/logs/");
        for size in [1_000, 1_000, 1_000, 9_000] {
            server.post(&rows, json!({"input": "x".repeat(size)})).await.expect_status(201);
        }
        let reply = server.get(&format!("{rows}?page_size=4")).await.expect_status(413);
        says(&reply, "limits.page_bytes");
        // A row that is larger than a page may be comes alone.
        for page in 1..=4 {
            let reply = server.get(&format!("{rows}?page_size=1&page={page}")).await.expect_status(200);
            assert_eq!((&reply["count"], reply["results"].as_array().unwrap().len()), (&json!(4), 1));
        }
    })
    .await;
}
