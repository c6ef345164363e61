//! `/api/datasets/{dataset_id}/logs/list/` and `/api/request-logs/list/`: cursors and previews.

use evalset_model::limits::Limits;
use evalset_testkit::{TestApp, Under, with_app, with_limits};
use serde_json::{Value, json};
use std::collections::BTreeSet;

async fn rows(server: &TestApp, path: &str, count: usize) {
    let logs: Vec<_> = (0..count)
        .map(|n| json!({"input": format!("q{n}"), "output": "a", "cost": n % 3, "metadata": {"turn": n, "tier": if n % 2 == 0 { "gold" } else { "x" }}}))
        .collect();
    server.post(path, json!({ "logs": logs })).await.expect_status(201);
}

fn ids(page: &Value) -> Vec<String> {
    page["results"].as_array().unwrap().iter().map(|row| row["unique_id"].as_str().unwrap().to_owned()).collect()
}

/// All ids of a list by cursor; `meanwhile` is called after each page.
async fn walk(
    server: &TestApp,
    path: &str,
    query: &str,
    body: &Value,
    mut meanwhile: impl AsyncFnMut(&Value),
) -> Vec<String> {
    let (mut all, mut cursor) = (Vec::new(), String::new());
    loop {
        let page = server.post(&format!("{path}?{query}&cursor={cursor}"), body.clone()).await.expect_status(200);
        all.extend(ids(&page));
        meanwhile(&page).await;
        match &page["next_cursor"] {
            Value::Null => return all,
            next => cursor = next.as_str().unwrap().to_owned(),
        }
    }
}

#[tokio::test]
async fn a_walk_meets_the_rows_that_pages_show() {
    with_app(async |server| {
        let dataset = server.dataset("walked").await;
        rows(server, &format!("/api/datasets/{dataset}/logs/bulk/"), 23).await;
        let path = format!("/api/datasets/{dataset}/logs/list/");
        let gold = json!({"filters": {"metadata__tier": "gold"}});
        let text = json!({"filters": {"input": {"operator": "contains", "value": "1"}}});
        for body in [json!({}), gold, text] {
            for sort in ["", "-timestamp", "cost", "-metadata__turn", "unique_id", "note"] {
                let whole =
                    server.post(&format!("{path}?page_size=100&sort_by={sort}"), body.clone()).await.expect_status(200);
                assert!(whole.get("next_cursor").is_none(), "only who asks for cursors gets them");
                let found = walk(server, &path, &format!("page_size=4&sort_by={sort}"), &body, async |page: &Value| {
                    assert_eq!((&page["count"], &page["total_count"]), (&whole["count"], &whole["count"]));
                    assert_eq!(
                        (&page["previous"], page["next"].is_null()),
                        (&Value::Null, page["next_cursor"].is_null())
                    );
                })
                .await;
                assert_eq!(found, ids(&whole), "{sort} {body}");
            }
        }
        // `next` is the same page, and parameters may stand in the body.
        let first = server.get(&format!("{path}?cursor=&page_size=5")).await.expect_status(200);
        let next = first["next"].as_str().unwrap().strip_prefix(&server.url).unwrap().to_owned();
        let by_link = server.get(&next).await.expect_status(200);
        let by_body =
            server.post(&path, json!({"cursor": first["next_cursor"], "page_size": 5})).await.expect_status(200);
        assert_eq!((ids(&by_link), by_link["results"].as_array().unwrap().len()), (ids(&by_body), 5));
        let empty = server.dataset("empty").await;
        let none = server.get(&format!("/api/datasets/{empty}/logs/list/?cursor=")).await.expect_status(200);
        assert_eq!((&none["count"], &none["results"], &none["next_cursor"]), (&json!(0), &json!([]), &Value::Null));
        assert!(none.as_object().unwrap().contains_key("next_cursor"));
    })
    .await;
}

#[tokio::test]
async fn rows_that_come_and_go_disturb_no_walk() {
    with_app(async |server| {
        let dataset = server.dataset("busy").await;
        let rows_path = format!("/api/datasets/{dataset}/logs/");
        rows(server, &format!("{rows_path}bulk/"), 30).await;
        let list = format!("{rows_path}list/");
        let before: BTreeSet<_> =
            ids(&server.get(&format!("{list}?page_size=100")).await.expect_status(200)).into_iter().collect();
        let mut gone = BTreeSet::new();
        let found = walk(server, &list, "page_size=4&sort_by=-cost", &json!({}), async |page: &Value| {
            let last = ids(page).pop().unwrap();
            server.delete(&format!("{rows_path}{last}/"), None).await;
            gone.insert(last);
            server.post(&rows_path, json!({"input": "new", "metadata": {"cost": 2}})).await.expect_status(201);
        })
        .await;
        let met: BTreeSet<_> = found.iter().cloned().collect();
        assert_eq!(met.len(), found.len(), "no row twice");
        let stayed: Vec<_> = before.difference(&gone).collect();
        assert!(stayed.iter().all(|id| met.contains(*id)), "no row that stayed is missed");
    })
    .await;
}

#[tokio::test]
async fn cursors_are_refused_where_they_do_not_belong() {
    with_app(async |server| {
        let (one, other) = (server.dataset("one").await, server.dataset("other").await);
        rows(server, &format!("/api/datasets/{one}/logs/bulk/"), 9).await;
        let path = format!("/api/datasets/{one}/logs/list/");
        let filters = json!({"filters": {"metadata__turn": {"operator": "gte", "value": 1}}});
        let first =
            server.post(&format!("{path}?cursor=&page_size=2&sort_by=cost"), filters.clone()).await.expect_status(200);
        let cursor = first["next_cursor"].as_str().unwrap();
        let refused = async |path: &str, query: &str, body: Value, says: &str| {
            let reply = server.post(&format!("{path}?{query}"), body).await.expect_status(400);
            let text = reply["errors"]["cursor"][0].as_str().unwrap();
            assert!(text.contains(says), "{query}: {text}");
        };
        let same = format!("sort_by=cost&cursor={cursor}");
        server
            .post(&format!("{path}?{same}&page_size=3&include_fields=model"), filters.clone())
            .await
            .expect_status(200);
        refused(&path, &same, json!({}), "another list").await;
        refused(&path, &same, json!({"filters": {"metadata__turn": {"operator": "gte", "value": 2}}}), "another list")
            .await;
        refused(&path, &format!("sort_by=-cost&cursor={cursor}"), filters.clone(), "another list").await;
        refused(&format!("/api/datasets/{other}/logs/list/"), &same, filters.clone(), "another list").await;
        refused("/api/request-logs/list/", &same, filters.clone(), "another list").await;
        refused(&path, &format!("{same}&page=1"), filters.clone(), "`page` and `cursor`").await;
        refused(&path, &format!("{same}x"), filters.clone(), "damaged").await;
        for bad in ["1", "x", "%00", "AAAAAAAAAAAAAAAA", &cursor[1..], &cursor[..cursor.len() - 2], &"A".repeat(5_000)]
        {
            refused(&path, &format!("sort_by=cost&cursor={bad}"), filters.clone(), "damaged").await;
        }
    })
    .await;
}

#[tokio::test]
async fn request_logs_are_walked_within_the_hour_they_began_in() {
    with_app(async |server| {
        rows(server, "/api/request-logs/bulk/", 9).await;
        let whole = server.get("/api/request-logs/list/").await.expect_status(200);
        let found = walk(server, "/api/request-logs/list/", "page_size=2", &json!({}), async |_: &Value| {}).await;
        assert_eq!((found.len(), found), (9, ids(&whole)));
    })
    .await;
}

#[tokio::test]
async fn a_preview_shows_large_rows_that_are_too_much_for_a_page() {
    let limits = Limits { page_bytes: 200_000, ..Limits::default() };
    with_limits(Under::Embedded, limits, async |server| {
        let dataset = server.dataset("large").await;
        let path = format!("/api/datasets/{dataset}/logs/");
        let mut last = String::new();
        for _ in 0..4 {
            let body = json!({"input": "ü".repeat(90_000), "output": {"role": "assistant", "content": "fine"}});
            let row = server.post(&path, body).await.expect_status(201);
            last = row["unique_id"].as_str().unwrap().to_owned();
        }
        let refused = server.get(&format!("{path}?page_size=4")).await.expect_status(413);
        let text = refused["detail"].as_str().unwrap();
        assert!(
            ["limits.page_bytes", "page_size", "include_fields", "preview"].iter().all(|word| text.contains(word)),
            "{text}"
        );
        let page = server.get(&format!("{path}?preview=200")).await.expect_status(200);
        for row in page["results"].as_array().unwrap() {
            assert_eq!((&row["input"], &row["completion"]), (&json!("ü".repeat(200)), &json!("fine")));
            assert_eq!(
                row["truncated_fields"],
                json!([{"field": "prompt", "bytes": 180_002}, {"field": "input", "bytes": 180_002}])
            );
        }
        let some = server.get(&format!("{path}?include_fields=completion,cost")).await.expect_status(200);
        assert_eq!(some["results"][0], json!({"id": last, "unique_id": last, "completion": "fine", "cost": 0.0}));
        let whole = server.get(&format!("{path}{last}/?preview=200")).await.expect_status(200);
        assert_eq!((whole["input"].as_str().unwrap().len(), whole.get("truncated_fields")), (180_000, None));
        for bad in ["0", "-1", "10001", "99999999999999999999", "many", "", "1.5"] {
            let reply = server.get(&format!("{path}?preview={bad}")).await.expect_status(400);
            assert!(
                reply["errors"]["preview"][0].as_str().unwrap().contains("limits.preview_characters"),
                "{bad}: {reply}"
            );
        }
    })
    .await;
}
