//! `/api/evaluators/{evaluator_id}/versions/`

use evalset_testkit::{TestApp, with_app};
use futures::future::join_all;
use serde_json::{Value, json};

/// A code evaluator with the slug `rule`; its id.
async fn rule(server: &TestApp) -> String {
    let body = json!({"name": "Rule", "evaluator_slug": "rule", "code_config": {"eval_code_snippet": "def main(e): return 0"}});
    let made = server.post("/api/evaluators/", body).await.expect_status(201);
    made["id"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn a_commit_seals_the_draft_and_opens_the_next() {
    with_app(async |server| {
        let id = rule(server).await;
        let base = format!("/api/evaluators/{id}/");
        let body = json!({"version_description": "first", "description": "second", "code_config": {"eval_code_snippet": "def main(e): return 1"}});
        let next = server.post(&format!("{base}versions/"), body).await.expect_status(201);
        assert_eq!((&next["id"], &next["version"], &next["is_read_only"]), (&json!(id), &json!(1), &json!(false)));
        assert_eq!((&next["version_description"], &next["description"]), (&Value::Null, &json!("second")));
        assert_eq!(server.get(&base).await.expect_status(200), next, "the draft answers for the evaluator");

        let first = server.get(&format!("{base}versions/0/")).await.expect_status(200);
        assert_eq!((&first["is_read_only"], &first["version_description"]), (&json!(true), &json!("first")));
        assert_eq!(first["code_config"]["eval_code_snippet"], "def main(e): return 0");
        assert_ne!(first["version_id"], next["version_id"]);
        let version_id = first["version_id"].as_str().unwrap();
        for path in [format!("{base}versions/{version_id}/"), format!("/api/evaluators/{id}:0/"), format!("/evaluators/{version_id}"),
            "/evaluators/rule/versions/0".to_owned(), format!("/evaluators/{id}:1/versions/0")]
        {
            assert_eq!(server.get(&path).await.expect_status(200), first, "{path}");
        }

        let empty = server.post("/api/evaluators/rule/versions/", json!({})).await.expect_status(201);
        assert_eq!((&empty["version"], &empty["description"]), (&json!(2), &json!("second")));
        let page = server.get(&format!("{base}versions/?page_size=2")).await.expect_status(200);
        let rows: Vec<_> = page["results"].as_array().unwrap().iter().map(|row| (row["version"].clone(), row["is_read_only"].clone())).collect();
        assert_eq!(rows, [(json!(2), json!(false)), (json!(1), json!(true))]);
        assert!(page["count"] == 3 && page["next"].is_string() && page["results"][0].get("code_config").is_none(), "{page}");

        assert_eq!(server.delete(&base, None).await.status, 204);
        assert_eq!(server.get(&format!("/api/evaluators/{version_id}/")).await.status, 404);
        assert_eq!(server.get(&format!("{base}versions/")).await.status, 404);
    })
    .await;
}

#[tokio::test]
async fn committed_versions_are_read_only_and_drafts_are_not() {
    with_app(async |server| {
        let id = rule(server).await;
        server.patch(&format!("/api/evaluators/{id}:0/"), json!({"name": "A"})).await.expect_status(200);
        server.post("/api/evaluators/rule/versions/", json!({})).await.expect_status(201);
        for path in ["/api/evaluators/rule/versions/0/", &format!("/api/evaluators/{id}:0/")] {
            for reply in [server.patch(path, json!({"name": "B"})).await, server.put(path, json!({"name": "B"})).await]
            {
                let body = reply.expect_status(403);
                assert!(body["detail"].as_str().unwrap().contains("version 1"), "{body}");
            }
            assert_eq!(server.get(path).await.expect_status(200)["name"], "A");
        }
        let draft = "/api/evaluators/rule/versions/1/";
        assert_eq!(server.patch(draft, json!({"description": "d"})).await.expect_status(200)["description"], "d");
        let put = server.put(draft, json!({"name": "C"})).await.expect_status(200);
        assert_eq!((&put["description"], &put["code_config"]), (&json!(""), &Value::Null));
        // A reference to one version deletes nothing.
        let refused = server.delete(&format!("/api/evaluators/{id}:0/"), None).await.expect_status(400);
        assert!(refused["detail"].as_str().unwrap().contains(&id), "{refused}");
        assert_eq!(server.delete(draft, None).await.status, 405);
        server.get(draft).await.expect_status(200);
    })
    .await;
}

#[tokio::test]
async fn what_is_not_there_is_404_and_bad_changes_commit_nothing() {
    with_app(async |server| {
        let id = rule(server).await;
        let other = server.post("/api/evaluators/", json!({"name": "other"})).await.expect_status(201);
        let stranger = format!("/api/evaluators/{id}/versions/{}/", other["version_id"].as_str().unwrap());
        for path in [
            "/api/evaluators/rule/versions/1/",
            "/api/evaluators/rule/versions/x/",
            "/api/evaluators/rule:9/",
            "/api/evaluators/nothing/versions/0/",
            "/api/evaluators/nothing/versions/",
            &stranger,
        ] {
            assert_eq!(server.get(path).await.status, 404, "{path}");
        }
        server.post("/api/evaluators/nothing/versions/", json!({})).await.expect_status(404);
        server.patch("/api/evaluators/rule/versions/7/", json!({"name": "x"})).await.expect_status(404);
        let refused = server
            .post("/api/evaluators/rule/versions/", json!({"code_config": {"eval_code_snippet": null}}))
            .await
            .expect_status(400);
        assert!(refused["errors"].get("code_config.eval_code_snippet").is_some(), "{refused}");
        server.post("/api/evaluators/rule/versions/", json!({"type": "colour"})).await.expect_status(400);
        assert_eq!(server.get("/api/evaluators/rule/versions/").await.expect_status(200)["count"], 1);
    })
    .await;
}

#[tokio::test]
async fn changes_at_the_same_time_all_apply() {
    with_app(async |server| {
        rule(server).await;
        let patches = (0..8).map(|number| {
            server.patch("/api/evaluators/rule/", json!({"configurations": {format!("k{number}"): number}}))
        });
        let commits = (0..4).map(|_| server.post("/api/evaluators/rule/versions/", json!({})));
        let (patched, committed) = tokio::join!(join_all(patches), join_all(commits));
        assert!(patched.iter().all(|reply| reply.status == 200), "{patched:?}");
        let mut versions: Vec<_> = committed.iter().map(|reply| reply.body["version"].as_u64().unwrap()).collect();
        versions.sort_unstable();
        assert_eq!(versions, [1, 2, 3, 4]);
        let last = server.get("/api/evaluators/rule/").await.expect_status(200);
        assert_eq!(last["configurations"].as_object().unwrap().len(), 8, "{last}");
    })
    .await;
}
