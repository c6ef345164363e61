//! Views against `derive`, byte for byte, over payloads of every shape that matters and random mixtures of them.

use super::{View, Views};
use crate::field::Field;
use crate::ids::LogId;
use crate::log::text::PayloadText;
use crate::log::{Log, derive};
use proptest::prelude::*;
use serde::Serialize;
use serde_json::{Map, Value, json};

fn log(payload: &Map<String, Value>, log_type: &str) -> Log {
    let mut log = Log::new(LogId("a".to_owned()));
    log.payload = payload.clone();
    log.scalars.set_text(Field::LogType, log_type);
    log
}

fn json(value: &impl Serialize) -> String {
    serde_json::to_string(value).unwrap()
}

/// How many of the views were plain.
fn compare(payload: Value, log_type: &str) -> usize {
    let Value::Object(payload) = payload else { panic!("not an object") };
    let text = serde_json::to_vec(&payload).unwrap();
    let stored = PayloadText::parse(&text).unwrap();
    let views = Views::new(&stored, derive::is_chat_like(log_type));
    let log = log(&payload, log_type);
    let mut plain = 0;
    let mut same = |view: View<'_>, derived: &dyn Fn() -> String, name: &str| {
        let text = match view {
            View::Unknown => return,
            View::Copied(text) => text.to_owned(),
            View::Pieces(pieces) => pieces.concat(),
        };
        plain += 1;
        assert_eq!(text, derived(), "{name} of {payload:?} as {log_type}");
    };
    same(views.prompt(), &|| json(&derive::prompt(&log)), "prompt");
    same(views.completion(), &|| json(&derive::completion(&log)), "completion");
    same(views.messages(), &|| json(&derive::input_messages(&log)), "messages");
    same(views.completion_message(), &|| json(&derive::output_message(&log)), "completion_message");
    same(views.system(), &|| json(&derive::system_text(&log)), "system");
    same(views.tool_calls(), &|| json(&derive::tool_calls(&log)), "tool_calls");
    plain
}

#[test]
fn the_usual_shapes_are_all_plain() {
    let chat = json!([{"role": "system", "content": "Be \"kind\".\n"}, {"role": "user", "content": "Hi\\"},
        {"role": "assistant", "content": null}, {"role": "user", "content": "größer 🦀", "name": "x"}]);
    for (input, output) in [
        (chat.clone(), json!({"role": "assistant", "content": "Hello\u{1}"})),
        (chat, json!("Hello")),
        (json!("A question"), json!("An answer")),
        (json!("A question"), json!({"role": "assistant", "content": null})),
    ] {
        for log_type in ["chat", "custom"] {
            assert_eq!(compare(json!({"input": input, "output": output}), log_type), 6);
        }
    }
    assert_eq!(compare(json!({}), "chat"), 6);
}

/// Texts that look like something else.
fn text() -> impl Strategy<Value = String> {
    let odd = prop::sample::select(vec![
        "",
        " ",
        "x",
        "[",
        "{",
        " [1]",
        "\u{a0}{}",
        "\n[]",
        "null",
        "\"",
        "\\",
        "\u{0}",
        "[{\"role\":\"user\",\"content\":\"in\"}]",
        "{\"messages\":[{\"role\":\"system\",\"content\":\"in\"}]}",
        "{\"role\":\"assistant\",\"tool_calls\":[{\"id\":1}]}",
        "{\"role\":\"a\",\"tool_c\\u0061lls\":[{}],\"content\":\"b\"}",
        "tool_calls",
    ]);
    prop_oneof![odd.prop_map(str::to_owned), "\\PC{0,12}"]
}

fn content() -> impl Strategy<Value = Value> {
    prop_oneof![
        4 => text().prop_map(Value::from),
        1 => Just(Value::Null),
        1 => Just(json!([{"type": "text", "text": "part"}, "bare", {"type": "image_url"}])),
        1 => Just(json!({"a": 1.50})),
        1 => Just(json!(7)),
    ]
}

fn message() -> impl Strategy<Value = Value> {
    let role = prop::sample::select(vec![
        json!("user"),
        json!("system"),
        json!("developer"),
        json!("assistant"),
        json!(null),
        json!(1),
    ]);
    let tools = prop::sample::select(vec![json!(null), json!([{"id": "t"}]), json!([]), json!("x")]);
    (role, prop::option::of(content()), tools, 0..6).prop_map(|(role, content, tools, form)| {
        let mut message = json!({});
        if form != 0 {
            message["role"] = role;
        }
        if let Some(content) = content {
            message["content"] = content;
        }
        if form == 1 {
            message["tool_calls"] = tools;
        }
        message
    })
}

fn value() -> impl Strategy<Value = Value> {
    let messages = || prop::collection::vec(message(), 0..4).prop_map(Value::from);
    prop_oneof![
        content(),
        message(),
        messages(),
        messages().prop_map(|messages| json!({"messages": messages})),
        message().prop_map(|message| json!({"choices": [{"message": message}]})),
        messages().prop_map(|messages| json!(messages.to_string())),
        Just(json!([["role", "content"], 1])),
        Just(json!([{"role": "user", "content": "a"}, ["user", "b"]])),
    ]
}

fn member(name: &'static str, most: f64) -> impl Strategy<Value = Option<(&'static str, Value)>> {
    prop::option::weighted(most, value().prop_map(move |value| (name, value)))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(4_000))]
    #[test]
    fn plain_views_are_those_of_derive(
        input in member("input", 0.9),
        output in member("output", 0.9),
        prompt in member("prompt", 0.1),
        completion in member("completion", 0.1),
        messages in member("prompt_messages", 0.1),
        message in member("completion_message", 0.1),
        calls in member("tool_calls", 0.1),
        response in member("full_response", 0.1),
        log_type in prop::sample::select(vec!["chat", "custom", "text", "tool"]),
    ) {
        let members = [input, output, prompt, completion, messages, message, calls, response];
        let payload: Map<String, Value> = members.into_iter().flatten()
            .filter(|(_, value)| !value.is_null())
            .map(|(name, value)| (name.to_owned(), value)).collect();
        compare(Value::Object(payload), log_type);
    }
}
