//! Runs started and watched on a server.

use super::*;
use crate::config::{self, Sources};
use clap::Parser as _;
use evalset_testkit::with_app;

#[derive(clap::Parser)]
struct Cli {
    #[command(flatten)]
    arguments: Arguments,
}

fn arguments(words: &[&str]) -> Arguments {
    Cli::try_parse_from(std::iter::once(&"evaluate").chain(words)).unwrap_or_else(|error| panic!("{error}")).arguments
}

#[tokio::test(flavor = "multi_thread")]
async fn runs_are_started_watched_and_their_failure_is_an_error() {
    with_app(async |server| {
        let dataset = server.dataset("d").await;
        for (output, target) in [("a", Some("a")), ("b", Some("a")), ("c", None)] {
            let body = json!({"input": "q", "output": output, "expected_output": target});
            server.post(&format!("/api/datasets/{dataset}/logs/"), body).await.expect_status(201);
        }
        let config = config::load(&Sources::default()).unwrap();
        let through = ["--url", &server.url, "--api-key", &server.key];
        let evaluate = async |words: &[&str]| run(arguments(&[words, &through].concat()), config.clone()).await;
        evaluate(&["d", "builtin:exact_match", "builtin:similarity", "--wait"]).await.unwrap();
        let listed = async || {
            let list = server.get(&format!("/api/datasets/{dataset}/eval-reports/list/")).await.expect_status(200);
            list["results"].as_array().unwrap().clone()
        };
        let runs = listed().await;
        assert_eq!(runs.len(), 2);
        assert!(runs.iter().all(|run| run["evaluated_logs_count"] == 2 && run["failed_logs_count"] == 1), "{runs:?}");

        let filter = r#"{"output": {"operator": "contains", "value": "c"}}"#;
        let error = evaluate(&[&dataset, "exact_match", "--filter", filter, "--wait"]).await.unwrap_err().to_string();
        assert_eq!(error, "1 of 1 runs did not complete");
        let error = evaluate(&["d", "exact_match", "nobody", "--wait"]).await.unwrap_err().to_string();
        assert!(error.starts_with("not started: `nobody`: "), "{error}");
        let error = evaluate(&["d", "exact_match", "--sampling", "0"]).await.unwrap_err().to_string();
        assert!(error.contains("sampling_percentage"), "{error}");
        evaluate(&["d", "exact_match", "--spending-limit", "1", "--sampling", "50"]).await.unwrap();
        server.settle().await;
        assert_eq!(listed().await[0]["spending_limit"], 1.0);
    })
    .await;
}

#[tokio::test]
async fn a_server_is_needed() {
    let config = config::load(&Sources::default()).unwrap();
    let error = run(arguments(&["d", "e"]), config).await.unwrap_err();
    assert!(error.is::<Usage>() && error.to_string().contains("--url"), "{error}");
}

#[test]
fn a_line_says_how_far_it_is_and_how_it_ended() {
    let mut seen = json!({"task_id": "t", "status": "running", "evaluator_slug": "s", "evaluator_version": 2,
        "evaluated_logs_count": 7, "failed_logs_count": 3, "total_logs_count": 20, "score": 0.5, "cost": 0.01,
        "rate": 4.0, "seconds_left": 2.5, "error_message": null});
    let run: Seen = serde_json::from_value(seen.clone()).unwrap();
    assert_eq!(run.progress(), "s:2  10/20 rows, 3 failed, $0.0100, 4.0 rows/s, 2 s left");
    seen["status"] = "failed".into();
    seen["error_message"] = "No key.".into();
    let run: Seen = serde_json::from_value(seen).unwrap();
    assert_eq!(run.result(), "s:2  failed: 10 rows, 3 failed, score 0.5000, $0.0100  run:t\n  No key.");
}
