//! `/api/datasets/{dataset_id}/eval-reports/…` with a judge, whose provider is slow, expensive, or down.

use super::runs::{counting, counts, ended, judge, names, run, start};
use evalset_model::limits::Limits;
use evalset_testkit::provider::{FakeProvider, Fault};
use evalset_testkit::{TestApp, Under, with_app, with_limits};
use serde_json::{Value, json};

/// Takes a run up again and waits for its end.
async fn continued(server: &TestApp, url: &str, body: Value) -> Value {
    let taken_up = server.post(&format!("{url}continue/"), body).await.expect_status(200);
    assert!(matches!(taken_up["status"].as_str(), Some("pending" | "running" | "completed")), "{taken_up}");
    ended(server, url).await
}

/// Waits until the run has so many results.
async fn until_done(server: &TestApp, url: &str, rows: u64) -> Value {
    let waited = tokio::time::timeout(std::time::Duration::from_secs(30), async {
        loop {
            let run = run(server, url).await;
            let (_, evaluated, failed, _) = counts(&run);
            if evaluated + failed >= rows {
                return run;
            }
        }
    });
    waited.await.unwrap()
}

/// Rows of a run that is to stop long before their end.
const ROWS: usize = 100;

/// Answers one question after the other until no job is open.
async fn drip(server: &TestApp, provider: &FakeProvider) {
    while server.open_jobs().await > 0 {
        provider.let_through(1);
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn a_judge_asks_as_much_at_once_as_it_may_and_shows_how_far_it_is() {
    for under in [Under::Embedded, Under::Memory] {
        with_limits(under, Limits::default(), async |server| {
            let provider = FakeProvider::start().await;
            let dataset = counting(server, 8).await;
            let id = judge(server, &provider, 3, 0.25).await;
            provider.hold();
            let url = start(server, &dataset, &id, json!({})).await;
            provider.until_asked(3).await;
            let running = run(server, &url).await;
            assert_eq!(counts(&running), ("running", 0, 0, json!(8)));
            assert_eq!(
                (&running["progress"], &running["rate"], &running["seconds_left"]),
                (&json!(0), &Value::Null, &Value::Null)
            );
            let shown = server.get(&format!("/api/datasets/{dataset}/")).await.expect_status(200);
            assert_eq!(shown["running_status"], "running");
            provider.let_through(2);
            let running = until_done(server, &url, 2).await;
            assert_eq!(
                (counts(&running).0, &running["progress"], &running["cost"]),
                ("running", &json!(25), &json!(0.5))
            );
            assert!(running["rate"].as_f64() > Some(0.0) && running["seconds_left"].as_f64() >= Some(0.0), "{running}");
            assert_eq!(running["completed_at"], Value::Null);
            provider.release();

            let run = ended(server, &url).await;
            assert_eq!(counts(&run), ("completed", 8, 0, json!(8)));
            assert_eq!((&run["score"], &run["cost"], &run["seconds_left"]), (&json!(3.5), &json!(2.0), &Value::Null));
            assert_eq!((provider.asked(), provider.most_under_way()), (8, 3));
            let body = json!({"filters": {"numerical_value": 7}});
            let scores = server.post("/api/scores/list/", body).await.expect_status(200);
            let score = &scores["results"][0];
            assert_eq!(
                (&scores["count"], &score["scorer"], &score["type"], &score["explanation"], &score["cost"]),
                (&json!(1), &json!("judge"), &json!("llm"), &json!("It says 7."), &json!(0.25))
            );
        })
        .await;
    }
}

#[tokio::test]
async fn rows_that_failed_are_told_and_only_they_are_asked_again() {
    for under in [Under::Embedded, Under::Memory] {
        with_limits(under, Limits::default(), async |server| {
            let provider = FakeProvider::start().await;
            let dataset = counting(server, 6).await;
            let id = judge(server, &provider, 2, 0.5).await;
            provider.fail(|text| match text {
                "1" => Some(Fault::Nonsense),
                "4" => Some(Fault::Status(400)),
                _ => None,
            });
            let url = start(server, &dataset, &id, json!({})).await;
            let run = ended(server, &url).await;
            assert_eq!(counts(&run), ("completed", 4, 2, json!(6)), "{run}");
            assert!(run["error_message"].as_str().unwrap().contains("2 of 6 rows failed"), "{run}");
            assert_eq!(run["cost"], 2.5, "nonsense is paid for, a refusal is not");
            let failed = server.get(&format!("{url}results/?failed=true")).await.expect_status(200);
            assert_eq!(names(&failed), ["1", "4"]);

            provider.fail(|text| (text == "4").then_some(Fault::Status(400)));
            let run = continued(server, &url, json!({})).await;
            assert_eq!(counts(&run), ("completed", 5, 1, json!(6)), "{run}");
            assert_eq!(provider.asked(), 8);
            provider.fail(|_| None);
            let run = continued(server, &url, json!({})).await;
            assert_eq!(counts(&run), ("completed", 6, 0, json!(6)), "{run}");
            assert_eq!((&run["error_message"], &run["score"], &run["cost"]), (&Value::Null, &json!(2.5), &json!(3.5)));
            let asked = provider.asked_by_text();
            assert_eq!((asked["1"], asked["4"], asked["0"], provider.asked()), (2, 3, 1, 9));
            let run = continued(server, &url, json!({})).await;
            assert_eq!((counts(&run).0, provider.asked()), ("completed", 9), "nothing is left");
        })
        .await;
    }
}

#[tokio::test]
async fn a_cancelled_run_keeps_its_scores_and_goes_on_later() {
    for under in [Under::Embedded, Under::Memory] {
        with_limits(under, Limits::default(), async |server| {
            let provider = FakeProvider::start().await;
            let dataset = counting(server, ROWS).await;
            let id = judge(server, &provider, 2, 0.0).await;
            provider.hold();
            let url = start(server, &dataset, &id, json!({})).await;
            provider.until_asked(2).await;
            provider.let_through(3);
            until_done(server, &url, 3).await;
            provider.until_asked(5).await;
            server.post(&format!("{url}continue/"), json!({})).await.expect_status(409);
            let cancelled = server.post(&format!("{url}cancel/"), json!({})).await.expect_status(200);
            assert_eq!((&cancelled["status"], &cancelled["cancel_requested"]), (&json!("running"), &json!(true)));
            drip(server, &provider).await;
            let run = run(server, &url).await;
            let (status, evaluated, failed, total) = counts(&run);
            assert_eq!((status, failed, total), ("cancelled", 0, json!(ROWS)));
            assert!((5..ROWS).contains(&(evaluated as usize)), "what was under way is kept: {evaluated}");
            assert_eq!(evaluated as usize, provider.asked());
            provider.release();
            let scores = server.get("/api/scores/").await.expect_status(200);
            assert_eq!(scores["count"], evaluated);

            let run = continued(server, &url, json!({})).await;
            assert_eq!(counts(&run), ("completed", ROWS as u64, 0, json!(ROWS)));
            assert_eq!((&run["cancel_requested"], &run["progress"]), (&json!(false), &json!(100)));
            assert!(provider.asked_by_text().values().all(|times| *times == 1), "{:?}", provider.asked_by_text());
        })
        .await;
    }
}

#[tokio::test]
async fn a_spending_limit_stops_a_run_and_a_higher_one_finishes_it() {
    with_app(async |server| {
        let provider = FakeProvider::start().await;
        let dataset = counting(server, 10).await;
        let id = judge(server, &provider, 1, 0.25).await;
        let url = start(server, &dataset, &id, json!({"spending_limit": 1})).await;
        let run = ended(server, &url).await;
        assert_eq!(counts(&run), ("failed", 4, 0, json!(10)), "{run}");
        assert_eq!((&run["cost"], &run["spending_limit"], provider.asked()), (&json!(1.0), &json!(1.0), 4));
        assert!(run["error_message"].as_str().unwrap().contains("spending limit of 1 USD"), "{run}");

        for bad in [json!({"spending_limit": -1}), json!({"spending_limit": "much"})] {
            let reply = server.post(&format!("{url}continue/"), bad).await.expect_status(400);
            assert!(reply["errors"].get("spending_limit").is_some(), "{reply}");
        }
        let run = continued(server, &url, json!({})).await;
        assert_eq!((counts(&run), provider.asked()), (("failed", 4, 0, json!(10)), 4), "the limit is of the whole run");
        let run = continued(server, &url, json!({"spending_limit": 1.5})).await;
        assert_eq!(counts(&run), ("failed", 6, 0, json!(10)));
        let run = continued(server, &url, json!({"spending_limit": 5})).await;
        assert_eq!(counts(&run), ("completed", 10, 0, json!(10)));
        assert_eq!((&run["cost"], &run["spending_limit"], provider.asked()), (&json!(2.5), &json!(5.0), 10));
    })
    .await;
}

#[tokio::test]
async fn a_provider_that_is_down_ends_the_run_early() {
    let limits = Limits { run_faults_in_a_row: 4, ..Limits::default() };
    with_limits(Under::Embedded, limits, async |server| {
        let provider = FakeProvider::start().await;
        let dataset = counting(server, 20).await;
        let id = judge(server, &provider, 1, 0.0).await;
        provider.fail(|_| Some(Fault::Status(503)));
        let url = start(server, &dataset, &id, json!({})).await;
        let run = ended(server, &url).await;
        assert_eq!(counts(&run), ("failed", 0, 4, json!(20)), "{run}");
        assert_eq!(provider.asked(), 4);
        let text = run["error_message"].as_str().unwrap();
        assert!(text.contains("4 rows in a row") && text.contains("503"), "{text}");
        provider.fail(|_| None);
        let run = continued(server, &url, json!({})).await;
        assert_eq!(counts(&run), ("completed", 20, 0, json!(20)));
        assert_eq!(provider.asked(), 24);
    })
    .await;
}

#[tokio::test]
async fn a_later_failure_leaves_the_score_that_is_there() {
    with_app(async |server| {
        let provider = FakeProvider::start().await;
        let dataset = counting(server, 2).await;
        let id = judge(server, &provider, 1, 0.0).await;
        let first = start(server, &dataset, &id, json!({})).await;
        ended(server, &first).await;
        provider.fail(|text| (text == "1").then_some(Fault::Nonsense));
        let second = start(server, &dataset, &id, json!({})).await;
        assert_eq!(counts(&ended(server, &second).await), ("completed", 1, 1, json!(2)));
        let scores = server.post("/api/scores/list/", json!({"filters": {"status": "completed"}})).await;
        assert_eq!(scores.expect_status(200)["count"], 2);
    })
    .await;
}

#[tokio::test]
async fn a_run_ends_with_its_dataset() {
    for under in [Under::Embedded, Under::Memory] {
        with_limits(under, Limits::default(), async |server| {
            let provider = FakeProvider::start().await;
            let dataset = counting(server, ROWS).await;
            let id = judge(server, &provider, 2, 0.0).await;
            provider.hold();
            let url = start(server, &dataset, &id, json!({})).await;
            provider.until_asked(2).await;
            provider.let_through(1);
            until_done(server, &url, 1).await;
            assert_eq!(server.delete(&format!("/api/datasets/{dataset}/"), None).await.status, 204);
            for _ in 0..ROWS / 2 {
                provider.let_through(1);
                server.get(&url).await.expect_status(404);
            }
            provider.release();
            server.get(&url).await.expect_status(404);
            server.post(&format!("{url}continue/"), json!({})).await.expect_status(404);
            assert!(provider.asked() < ROWS, "the rest is not asked");
            assert_eq!(server.get("/api/scores/").await.expect_status(200)["count"], 0, "scores go with their rows");
        })
        .await;
    }
}

#[tokio::test]
async fn a_spending_limit_needs_a_price_and_learns_what_a_row_costs_before_it_asks_for_many() {
    with_app(async |server| {
        let provider = FakeProvider::start().await;
        let dataset = counting(server, 20).await;
        let id = judge(server, &provider, 8, 1.0).await;
        let url = start(server, &dataset, &id, json!({"spending_limit": 0.5})).await;
        let run = ended(server, &url).await;
        assert_eq!((counts(&run), &run["cost"]), (("failed", 1, 0, json!(20)), &json!(1.0)));
        assert_eq!(provider.asked(), 1);
        server.patch("/api/llm-provider/", json!({"prices": {"judge": null}})).await.expect_status(200);
        let body = json!({"evaluator_ids": [id], "spending_limit": 0.5});
        let refused = server.post(&format!("/api/datasets/{dataset}/eval-reports/create/"), body).await;
        let refused = refused.expect_status(400);
        assert!(refused["detail"].as_str().unwrap().contains("prices"), "{refused}");
    })
    .await;
}

#[tokio::test]
async fn a_refused_key_costs_one_question() {
    with_app(async |server| {
        let provider = FakeProvider::start().await;
        let dataset = counting(server, 20).await;
        let id = judge(server, &provider, 1, 0.0).await;
        provider.fail(|_| Some(Fault::Status(401)));
        let url = start(server, &dataset, &id, json!({})).await;
        let run = ended(server, &url).await;
        assert_eq!(counts(&run), ("failed", 0, 1, json!(20)));
        assert!(run["error_message"].as_str().unwrap().contains("refuses the API key"), "{run}");
        assert_eq!(provider.asked(), 1);
    })
    .await;
}
