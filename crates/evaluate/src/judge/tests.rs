//! Judges against an endpoint that answers as told.

use super::*;
use evalset_model::evaluator::ScoreValueType;
use evalset_model::provider::{Price, Provider};
use secrecy::SecretString;
use std::time::Duration;
use tokio_util::sync::CancellationToken;
use wiremock::matchers::{header, method, path};
use wiremock::{Mock, MockServer, Request, ResponseTemplate};

const KEY: &str = "sk-very-secret";

fn endpoint(server: &MockServer, change: impl Fn(&mut Provider)) -> Endpoint {
    let mut settings = Provider {
        base_url: format!("{}/v1/", server.uri()),
        default_model: "default".to_owned(),
        attempts: 3,
        ..Provider::default()
    };
    settings.prices.insert("m".to_owned(), Price { input_per_million: 2.0, output_per_million: 10.0 });
    change(&mut settings);
    let pacing = Pacing { first: Duration::from_millis(1), longest: Duration::from_millis(20) };
    Endpoint::with_pacing(settings, Some(SecretString::from(KEY)), pacing).unwrap()
}

fn completion(content: &str) -> ResponseTemplate {
    ResponseTemplate::new(200)
        .set_body_json(json!({"choices": [{"message": {"role": "assistant", "content": content}}],
        "usage": {"prompt_tokens": 1_000, "completion_tokens": 100}}))
}

fn config(config: &Value) -> JudgeConfig {
    let mut whole = json!({"model": "m", "evaluator_definition": "Judge {{output}}", "scoring_rubric": "1 is bad."});
    for (name, value) in config.as_object().unwrap() {
        whole[name] = value.clone();
    }
    JudgeConfig::of_llm_config(whole.as_object().unwrap()).unwrap()
}

async fn ask(settings: &Value, endpoint: &Endpoint) -> Result<Judged, Failure> {
    let definition = Definition { score_value_type: ScoreValueType::Numerical, ..Definition::default() };
    judge(&config(settings), &definition, endpoint, "Judge the answer", "unit-1", &CancellationToken::new()).await
}

/// Answers in turn; the last one for ever.
async fn answering(answers: Vec<ResponseTemplate>) -> MockServer {
    let server = MockServer::start().await;
    let last = answers.len() - 1;
    for (position, answer) in answers.into_iter().enumerate() {
        let mock = Mock::given(method("POST")).and(path("/v1/chat/completions")).respond_with(answer);
        if position < last { mock.up_to_n_times(1).mount(&server).await } else { mock.mount(&server).await }
    }
    server
}

async fn bodies(server: &MockServer) -> Vec<Value> {
    let requests: Vec<Request> = server.received_requests().await.unwrap();
    requests.iter().map(|request| request.body_json().unwrap()).collect()
}

#[tokio::test]
async fn a_question_and_its_score() {
    let server = MockServer::start().await;
    Mock::given(method("POST"))
        .and(path("/v1/chat/completions"))
        .and(header("authorization", format!("Bearer {KEY}").as_str()))
        .and(header("idempotency-key", "unit-1"))
        .respond_with(completion(r#"{"score": 4, "explanation": "fine"}"#))
        .expect(1)
        .mount(&server)
        .await;
    let judged =
        ask(&json!({"temperature": 0, "max_tokens": 50, "unknown": 1}), &endpoint(&server, |_| {})).await.unwrap();
    assert_eq!(judged.raw, Raw { value: json!(4), explanation: Some("fine".to_owned()) });
    assert_eq!(
        (judged.usage.model.as_str(), judged.usage.prompt_tokens, judged.usage.completion_tokens),
        ("m", 1_000, 100)
    );
    assert!((judged.usage.cost - 0.003).abs() < 1e-12);
    let body = bodies(&server).await.remove(0);
    assert_eq!((&body["model"], &body["temperature"], &body["max_tokens"]), (&json!("m"), &json!(0), &json!(50)));
    assert_eq!(body["response_format"]["type"], "json_schema");
    assert!(body.get("unknown").is_none());
    let text = body["messages"][0]["content"].as_str().unwrap();
    let parts = ["Judge the answer", "1 is bad.", "JSON object", "The score is a number"];
    let places: Vec<usize> = parts.iter().map(|part| text.find(part).unwrap()).collect();
    assert!(places.is_sorted(), "{text}");
}

#[tokio::test]
async fn trouble_that_may_pass_is_tried_again() {
    let fine = || completion("Score: 5");
    for trouble in [
        ResponseTemplate::new(429).insert_header("retry-after", "0"),
        ResponseTemplate::new(500),
        ResponseTemplate::new(503).insert_header("retry-after", "3600"),
        ResponseTemplate::new(408),
        ResponseTemplate::new(200).set_body_string("not json"),
        ResponseTemplate::new(200).set_body_json(json!({"choices": []})),
    ] {
        let server = answering(vec![trouble, fine()]).await;
        let judged = ask(&json!({}), &endpoint(&server, |_| {})).await.unwrap();
        assert_eq!((judged.raw.value, bodies(&server).await.len()), (json!(5.0), 2));
        let keys: Vec<_> = server
            .received_requests()
            .await
            .unwrap()
            .iter()
            .map(|request| request.headers["idempotency-key"].clone())
            .collect();
        assert!(keys.iter().all(|key| key == "unit-1"));
    }
}

#[tokio::test]
async fn trouble_that_stays_is_told() {
    for (answer, requests, hopeless, said) in [
        (
            ResponseTemplate::new(500).set_body_json(json!({"error": {"message": "down"}})),
            3,
            false,
            "answered 500: down (after 3 tries)",
        ),
        (ResponseTemplate::new(200).set_body_string("<html>"), 2, false, "no chat completion: <html>"),
        (
            ResponseTemplate::new(401).set_body_json(json!({"error": {"message": format!("wrong key {KEY}")}})),
            1,
            true,
            "refuses the API key (401): wrong key [API key]",
        ),
        (ResponseTemplate::new(403), 1, false, "refuses the API key (403)"),
        (
            ResponseTemplate::new(404).set_body_json(json!({"detail": "no model m"})),
            1,
            true,
            "does not know the model or the address (404): no model m",
        ),
        (
            ResponseTemplate::new(400).set_body_string("bad temperature"),
            1,
            false,
            "refuses the request (400): bad temperature",
        ),
        (ResponseTemplate::new(302).insert_header("location", "http://127.0.0.1:1/"), 1, true, "redirects (302)"),
        (
            completion("I cannot say"),
            1,
            false,
            "no score of type `numerical` can be read from the model's reply: \"I cannot say\"",
        ),
    ] {
        let server = answering(vec![answer]).await;
        let failure = ask(&json!({}), &endpoint(&server, |_| {})).await.unwrap_err();
        let message = failure.to_string();
        assert!(message.contains(said) && !message.contains(KEY), "{message}");
        assert_eq!(bodies(&server).await.len(), requests, "{said}");
        // What the model said was paid for, and is no fault of its provider's.
        let of_row = said.contains("no score");
        assert_eq!(failure.usage.cost > 0.0, of_row);
        assert_eq!(
            failure.fault,
            if of_row { Fault::Row(message) } else { Fault::Provider { message, hopeless } },
            "{said}"
        );
    }
}

#[tokio::test]
async fn a_reply_too_large_is_not_read() {
    let server = answering(vec![completion(&"x".repeat(5_000_000))]).await;
    let message = ask(&json!({}), &endpoint(&server, |_| {})).await.unwrap_err().to_string();
    assert!(message.contains("more than 4194304 bytes"), "{message}");
}

#[tokio::test]
async fn an_endpoint_without_reply_formats_is_asked_plainly_from_then_on() {
    let refusal =
        ResponseTemplate::new(400).set_body_json(json!({"error": {"message": "response_format is not supported"}}));
    let server = answering(vec![refusal, completion("3")]).await;
    let endpoint = endpoint(&server, |_| {});
    for _ in 0..2 {
        assert_eq!(ask(&json!({}), &endpoint).await.unwrap().raw.value, json!(3));
    }
    let asked: Vec<bool> = bodies(&server).await.iter().map(|body| body.get("response_format").is_some()).collect();
    assert_eq!(asked, [true, false, false]);
}

#[tokio::test]
async fn the_callers_own_format_is_kept() {
    let refusal = ResponseTemplate::new(400).set_body_string("response_format is not supported");
    let server = answering(vec![refusal]).await;
    let own = json!({"response_format": {"type": "json_object"}});
    assert!(ask(&own, &endpoint(&server, |_| {})).await.is_err());
    let bodies = bodies(&server).await;
    assert_eq!((bodies.len(), &bodies[0]["response_format"]), (1, &json!({"type": "json_object"})));
}

#[tokio::test]
async fn an_endpoint_that_is_not_there_is_said_so() {
    let server = MockServer::start().await;
    let endpoint = endpoint(&server, |settings| settings.base_url = "http://127.0.0.1:9".to_owned());
    let message = ask(&json!({}), &endpoint).await.unwrap_err().to_string();
    assert!(message.contains("127.0.0.1 cannot be reached"), "{message}");
}

#[tokio::test]
async fn settings_can_be_replaced_and_are_checked() {
    let server = answering(vec![completion("1")]).await;
    let endpoint = endpoint(&server, |_| {});
    let mut settings = endpoint.settings();
    settings.default_model = "other".to_owned();
    endpoint.replace(settings.clone(), None).unwrap();
    let judged = ask(&json!({"model": null}), &endpoint).await.unwrap();
    assert_eq!((judged.usage.model.as_str(), judged.usage.cost), ("other", 0.0));
    assert!(!server.received_requests().await.unwrap()[0].headers.contains_key("authorization"));
    for (url, said) in [
        ("", "http or https"),
        ("ftp://a/v1", "http or https"),
        ("https://user:word@a/v1", "user name or password"),
        ("https://a/v1?key=1", "query"),
    ] {
        let error = endpoint.replace(Provider { base_url: url.to_owned(), ..settings.clone() }, None).unwrap_err();
        assert!(error.by_field().contains_key("base_url") && error.to_string().contains(said), "{error}");
    }
    let none = Provider { concurrency: 0, ..settings };
    assert!(endpoint.replace(none, None).unwrap_err().by_field().contains_key("concurrency"));
}

#[tokio::test]
async fn no_more_requests_at_once_than_allowed() {
    let server = answering(vec![completion("1").set_delay(Duration::from_millis(30))]).await;
    let endpoint = endpoint(&server, |settings| settings.concurrency = 1);
    let begin = std::time::Instant::now();
    let settings = json!({});
    let (first, second, third) =
        tokio::join!(ask(&settings, &endpoint), ask(&settings, &endpoint), ask(&settings, &endpoint));
    assert!(first.is_ok() && second.is_ok() && third.is_ok());
    // One after another: a lower bound, which a slow machine cannot break.
    assert!(begin.elapsed() >= Duration::from_millis(90));
}

#[tokio::test]
async fn once_halted_nothing_is_asked() {
    let server = answering(vec![completion("1")]).await;
    let (definition, halt) = (Definition::default(), CancellationToken::new());
    halt.cancel();
    let endpoint = endpoint(&server, |_| {});
    let failure = judge(&config(&json!({})), &definition, &endpoint, "?", "unit-1", &halt).await.unwrap_err();
    assert_eq!(failure, Failure::free(Fault::Halted, "m"));
    assert!(bodies(&server).await.is_empty());
}
