//! `/api/llm-provider/`

use evalset_model::key::Environment;
use evalset_testkit::{TestApp, with_app};
use reqwest::Method;
use secrecy::ExposeSecret;
use serde_json::{Value, json};

const PATH: &str = "/api/llm-provider/";
const KEY: &str = "sk-test-0123456789-wxyz";

async fn organization(server: &TestApp) -> evalset_model::ids::OrganizationId {
    server.app.stores.keys.organizations().await.unwrap()[0].id
}

/// The key that evaluations would use.
async fn key_in_use(server: &TestApp) -> Option<String> {
    let found = server.app.evaluators.settings().get(organization(server).await).await.unwrap();
    found.unwrap().1.map(|key| key.expose_secret().to_owned())
}

#[tokio::test]
async fn settings_are_set_read_changed_and_removed_and_the_key_never_shows() {
    with_app(async |server| {
        server.get(PATH).await.expect_status(404);
        server.patch(PATH, json!({"concurrency": 2})).await.expect_status(404);
        let body = json!({"base_url": "https://llm.example.com/v1/", "api_key": KEY, "requests_per_minute": 500,
            "prices": {"m": {"input_per_million": 0.15, "output_per_million": 0.6}}});
        let set = server.put(PATH, body).await.expect_status(200);
        let mut shown = set.clone();
        let updated_at = shown["updated_at"].take();
        assert!(updated_at.as_str().unwrap().ends_with('Z'));
        let expected = json!({"base_url": "https://llm.example.com/v1", "default_model": "gpt-4o-mini",
            "prices": {"m": {"input_per_million": 0.15, "output_per_million": 0.6}}, "requests_per_minute": 500,
            "tokens_per_minute": null, "concurrency": 8, "timeout_seconds": 60, "attempts": 5, "has_api_key": true,
            "api_key_hint": "wxyz", "api_key_error": null, "updated_at": null});
        assert_eq!(shown, expected);
        assert_eq!(server.get(PATH).await.expect_status(200), set);

        let patch =
            json!({"prices": {"m": null, "n": {"input_per_million": 1}}, "requests_per_minute": null, "attempts": 1});
        let changed = server.patch(PATH, patch).await.expect_status(200);
        assert_eq!(changed["prices"], json!({"n": {"input_per_million": 1.0, "output_per_million": 0.0}}));
        assert_eq!((&changed["requests_per_minute"], &changed["attempts"]), (&Value::Null, &json!(1)));
        assert_eq!(key_in_use(server).await.as_deref(), Some(KEY));
        let replaced = server.put(PATH, json!({"base_url": "https://LLM.example.com/v1"})).await.expect_status(200);
        assert_eq!(
            (&replaced["prices"], &replaced["attempts"], &replaced["has_api_key"]),
            (&json!({}), &json!(5), &json!(true))
        );

        assert_eq!(server.delete(PATH, None).await.status, 204);
        server.delete(PATH, None).await.expect_status(404);
        server.get(PATH).await.expect_status(404);
    })
    .await;
}

#[tokio::test]
async fn a_stored_key_is_not_sent_to_a_new_address() {
    with_app(async |server| {
        server.put(PATH, json!({"base_url": "https://a.example/v1", "api_key": KEY})).await.expect_status(200);
        for body in [
            json!({"base_url": "https://evil.example/v1"}),
            json!({"base_url": "https://a.example/v2"}),
            json!({"base_url": "http://a.example/v1"}),
        ] {
            for refused in [server.put(PATH, body.clone()).await, server.patch(PATH, body.clone()).await] {
                let told = refused.expect_status(400);
                assert!(told["errors"]["api_key"][0].as_str().unwrap().contains("another address"), "{told}");
            }
        }
        assert_eq!(server.get(PATH).await.body["base_url"], "https://a.example/v1");
        let moved = server.patch(PATH, json!({"base_url": "https://b.example", "api_key": "new-key"})).await;
        assert_eq!((&moved.body["has_api_key"], &moved.body["api_key_hint"]), (&json!(true), &Value::Null));
        assert_eq!(key_in_use(server).await.as_deref(), Some("new-key"));
        let bare = server.patch(PATH, json!({"base_url": "http://localhost:11434/v1", "api_key": null})).await;
        assert_eq!(bare.expect_status(200)["has_api_key"], false);
        assert_eq!(key_in_use(server).await, None);
        server.patch(PATH, json!({"base_url": "http://localhost:8000/v1"})).await.expect_status(200);
    })
    .await;
}

#[tokio::test]
async fn what_is_wrong_is_named_and_changes_nothing() {
    with_app(async |server| {
        let set = server.put(PATH, json!({"base_url": "http://a", "api_key": KEY})).await.expect_status(200);
        for (body, field) in [
            (json!({"base_url": "ftp://a"}), "base_url"),
            (json!({"base_url": "https://u:p@a"}), "base_url"),
            (json!({"base_url": null}), "base_url"),
            (json!({"base_url": 5}), "base_url"),
            (json!({"concurrency": 0}), "concurrency"),
            (json!({"concurrency": 257}), "concurrency"),
            (json!({"concurrency": 1.5}), "concurrency"),
            (json!({"concurrency": -1}), "concurrency"),
            (json!({"timeout_seconds": 601}), "timeout_seconds"),
            (json!({"attempts": 11}), "attempts"),
            (json!({"requests_per_minute": 0}), "requests_per_minute"),
            (json!({"tokens_per_minute": 0}), "tokens_per_minute"),
            (json!({"requests_per_minute": 5_000_000_000_u64}), "requests_per_minute"),
            (json!({"default_model": ""}), "default_model"),
            (json!({"prices": []}), "prices"),
            (json!({"prices": {"m": 1}}), "prices.m"),
            (json!({"prices": {"m": {"input_per_million": -1}}}), "prices.m.input_per_million"),
            (json!({"prices": {"m": {"output_per_million": "x"}}}), "prices.m.output_per_million"),
            (json!({"prices": {"m": {"per_token": 1}}}), "prices.m.per_token"),
            (json!({"api_key": ""}), "api_key"),
            (json!({"api_key": "two words"}), "api_key"),
            (json!({"api_key": {"key": "sk-secret"}}), "api_key"),
            (json!({"apikey": "x"}), "apikey"),
            (json!({"has_api_key": true}), "has_api_key"),
        ] {
            let told = server.patch(PATH, body.clone()).await.expect_status(400);
            assert!(told["errors"].as_object().unwrap().contains_key(field), "{body}: {told}");
            assert!(!told.to_string().contains("sk-secret"), "{told}");
        }
        server.put(PATH, json!({})).await.expect_status(400);
        assert_eq!(server.get(PATH).await.body, set);
    })
    .await;
}

#[tokio::test]
async fn a_copy_of_the_database_does_not_hold_the_key_and_a_lost_key_file_is_told() {
    with_app(async |server| {
        server.put(PATH, json!({"base_url": "http://a", "api_key": KEY})).await.expect_status(200);
        for file in ["evalset.db", "evalset.db-wal"] {
            let bytes = std::fs::read(server.data().join(file)).unwrap();
            assert!(!bytes.windows(KEY.len()).any(|part| part == KEY.as_bytes()), "{file}");
        }
        std::fs::remove_file(server.data().join("secret.key")).unwrap();
        let shown = server.get(PATH).await.expect_status(200);
        assert_eq!((&shown["has_api_key"], &shown["api_key_hint"]), (&json!(true), &Value::Null));
        assert!(shown["api_key_error"].as_str().unwrap().contains("Enter `api_key` again"), "{shown}");
        let error = server.app.evaluators.settings().get(organization(server).await).await.unwrap_err();
        assert!(error.to_string().contains("Enter `api_key` again"), "{error}");

        let before = server.app.evaluators.settings().version(organization(server).await).await.unwrap();
        let again = server.patch(PATH, json!({"api_key": KEY})).await.expect_status(200);
        assert_eq!((&again["api_key_hint"], &again["api_key_error"]), (&json!("wxyz"), &Value::Null));
        assert_eq!(key_in_use(server).await.as_deref(), Some(KEY));
        assert!(server.app.evaluators.settings().version(organization(server).await).await.unwrap() > before);
    })
    .await;
}

#[tokio::test]
async fn organizations_have_their_own() {
    with_app(async |server| {
        server.put(PATH, json!({"base_url": "http://a", "api_key": KEY})).await.expect_status(200);
        let other = server.key_of("other", Environment::Prod).await;
        assert_eq!(server.send_as(&other, Method::GET, PATH, None).await.status, 404);
        assert_eq!(server.send_as(&other, Method::DELETE, PATH, None).await.status, 404);
        let own = json!({"base_url": "http://b"});
        assert_eq!(server.send_as(&other, Method::PUT, PATH, Some(own)).await.status, 200);
        assert_eq!(server.get(PATH).await.body["base_url"], "http://a");
    })
    .await;
}
