//! Views found in text against those of trees, over payloads of every shape that matters and random mixtures of them.

use super::super::*;
use super::tree::{self, Tree};
use crate::ids::LogId;
use proptest::prelude::*;
use serde_json::{Map, Value, json};

fn told(prose: Option<Prose<'_>>) -> (Option<String>, String) {
    let mut written = Vec::new();
    match &prose {
        Some(prose) => prose.write(&mut written),
        None => written.extend_from_slice(b"null"),
    }
    (prose.map(|prose| prose.text().into_owned()), String::from_utf8(written).unwrap())
}

fn compare(payload: Value, log_type: &str) {
    let Value::Object(payload) = payload else { panic!("not an object") };
    let mut log = Log::new(LogId("a".to_owned()));
    log.payload = payload.clone().into_iter().collect();
    log.scalars.set_text(Field::LogType, log_type);
    let tree = Tree { payload, chat_like: is_chat_like(log_type) };
    for (name, found, text) in [
        ("prompt", prompt(&log), tree::prompt(&tree).map(Cow::into_owned)),
        ("completion", completion(&log), tree::completion(&tree).map(Cow::into_owned)),
        ("system", system(&log), tree::system_text(&tree)),
    ] {
        let json = json!(text).to_string();
        assert_eq!(told(found), (text, json), "{name} of {:?} as {log_type}", tree.payload);
    }
    for (name, found, value) in [
        ("messages", input_messages(&log), tree::input_messages(&tree)),
        ("completion_message", output_message(&log), tree::output_message(&tree)),
        ("tool_calls", tool_calls(&log), tree::tool_calls(&tree)),
    ] {
        let text = value.map(|value| value.to_string());
        assert_eq!(found.as_deref(), text.as_deref(), "{name} of {:?} as {log_type}", tree.payload);
    }
}

#[test]
fn the_usual_shapes() {
    let chat = json!([{"role": "system", "content": "Be \"kind\".\n"}, {"role": "user", "content": "Hi\\"},
        {"role": "assistant", "content": null}, {"role": "user", "content": "größer 🦀", "name": "x"}]);
    for (input, output) in [
        (chat.clone(), json!({"role": "assistant", "content": "Hello\u{1}"})),
        (chat, json!("Hello")),
        (json!("A question"), json!("An answer")),
        (json!("A question"), json!({"role": "assistant", "content": null})),
    ] {
        for log_type in ["chat", "custom"] {
            compare(json!({"input": input, "output": output}), log_type);
        }
    }
    compare(json!({}), "chat");
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
    fn views_found_in_text_are_those_of_trees(
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
