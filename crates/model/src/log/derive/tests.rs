mod against_trees;
mod tree;

use super::*;
use crate::ids::LogId;
use serde_json::{Value, json};

pub(crate) fn prompt_text(log: &Log) -> Option<String> {
    prompt(log).map(|prose| prose.text().into_owned())
}

pub(crate) fn completion_text(log: &Log) -> Option<String> {
    completion(log).map(|prose| prose.text().into_owned())
}

pub(crate) fn system_text(log: &Log) -> Option<String> {
    system(log).map(|prose| prose.text().into_owned())
}

fn value(found: Option<Found<'_>>) -> Option<Value> {
    found.map(|found| json(&found).to_value())
}

pub(crate) fn messages(log: &Log) -> Option<Value> {
    value(input_messages(log))
}

pub(crate) fn completion_message(log: &Log) -> Option<Value> {
    value(output_message(log))
}

fn log(log_type: &str, input: &Value, output: &Value) -> Log {
    let mut log = Log::new(LogId("a".into()));
    log.scalars.set_text(Field::LogType, log_type);
    for (name, value) in [("input", input), ("output", output)] {
        if !value.is_null() {
            log.payload.insert(name.into(), value.clone());
        }
    }
    log
}

fn chat(input: &Value) -> Log {
    log("chat", input, &Value::Null)
}

fn answer(log_type: &str, output: &Value) -> Log {
    log(log_type, &Value::Null, output)
}

#[test]
fn nothing_derives_from_nothing() {
    let log = log("chat", &Value::Null, &Value::Null);
    assert_eq!(prompt_text(&log), None);
    assert_eq!(completion_text(&log), None);
    assert_eq!(messages(&log), None);
    assert_eq!(completion_message(&log), None);
    assert_eq!(system_text(&log), None);
}

#[test]
fn messages_are_read_in_all_three_forms() {
    let array = json!([{"role": "system", "content": "Be brief."}, {"role": "user", "content": "Hi"}]);
    let object = json!({"messages": array, "temperature": 0});
    for log_type in ["chat", "tool"] {
        for input in [&array, &object, &json!(array.to_string()), &json!(object.to_string())] {
            let log = log(log_type, input, &Value::Null);
            assert_eq!(messages(&log), Some(array.clone()), "{input}");
            assert_eq!(prompt_text(&log).as_deref(), Some("Hi"), "{input}");
            assert_eq!(system_text(&log).as_deref(), Some("Be brief."), "{input}");
        }
    }
}

#[test]
fn what_lacks_a_role_is_not_messages() {
    for input in [
        json!([]),
        json!([{"content": "x"}]),
        json!([{"role": "user", "content": "x"}, "y"]),
        json!({"messages": "none"}),
        json!({"messages": []}),
        json!("[{\"role\""),
        json!("plain"),
        json!(3),
    ] {
        assert!(!reads_as_messages(Json::written(&input.to_string())), "{input}");
    }
}

#[test]
fn string_input_is_one_message_for_chat_like_types_only() {
    for log_type in ["chat", "completion", "text", "response"] {
        let log = log(log_type, &json!("Hi"), &Value::Null);
        assert_eq!(messages(&log), Some(json!([{"role": "user", "content": "Hi"}])), "{log_type}");
        assert_eq!(prompt_text(&log).as_deref(), Some("Hi"));
    }
    for log_type in ["custom", "tool", "workflow", "embedding"] {
        let log = log(log_type, &json!("Hi"), &Value::Null);
        assert_eq!(messages(&log), None, "{log_type}");
        assert_eq!(prompt_text(&log).as_deref(), Some("Hi"));
    }
    assert_eq!(messages(&chat(&json!({"city": "Oslo"}))), None);
}

#[test]
fn prompt_joins_every_message_but_instructions() {
    let log = chat(&json!([
        {"role": "system", "content": "A"},
        {"role": "user", "content": "B"},
        {"role": "developer", "content": "C"},
        {"role": "assistant", "content": null, "tool_calls": []},
        {"role": "tool", "content": "D"}
    ]));
    assert_eq!(prompt_text(&log).as_deref(), Some("B\n\nD"));
    assert_eq!(system_text(&log).as_deref(), Some("A\n\nC"));
    assert_eq!(prompt_text(&chat(&json!([{"role": "system", "content": "A"}]))).as_deref(), Some(""));
    assert_eq!(system_text(&chat(&json!([{"role": "user", "content": "A"}]))), None);
}

#[test]
fn non_message_input_is_compact_json() {
    assert_eq!(prompt_text(&chat(&json!({"a": [1, 2], "b": null}))).as_deref(), Some(r#"{"a":[1,2],"b":null}"#));
    assert_eq!(prompt_text(&chat(&json!(7))).as_deref(), Some("7"));
    assert_eq!(prompt_text(&chat(&json!(false))).as_deref(), Some("false"));
    assert_eq!(prompt_text(&chat(&json!(r#"{"a": 1}"#))).as_deref(), Some(r#"{"a": 1}"#), "the string itself");
}

#[test]
fn content_parts_become_lines() {
    let log = chat(&json!([{"role": "user", "content": [
        {"type": "text", "text": "Look"},
        {"type": "image_url", "image_url": {"url": "https://example.com/a.png"}},
        {"type": "input_text", "text": "here"},
        {"type": "input_file", "file_id": "f"},
        {"type": "mystery"},
        "end"
    ]}]));
    assert_eq!(prompt_text(&log).as_deref(), Some("Look\n[image]\nhere\n[file]\nend"));
}

#[test]
fn completion_message_of_each_output_form() {
    let message = json!({"role": "assistant", "content": "Hello"});
    let response =
        json!({"id": "x", "choices": [{"index": 0, "message": message}, {"message": {"role": "assistant"}}]});
    for log_type in ["chat", "custom"] {
        for output in [&message, &response, &json!([message, {"role": "assistant", "content": "Other"}])] {
            let log = answer(log_type, output);
            assert_eq!(completion_message(&log), Some(message.clone()), "{output}");
            assert_eq!(completion_text(&log).as_deref(), Some("Hello"), "{output}");
        }
    }
    for output in [&json!(message.to_string()), &json!(response.to_string())] {
        let read = answer("chat", output);
        assert_eq!(completion_message(&read), Some(message.clone()));
        assert_eq!(completion_text(&read).as_deref(), Some("Hello"));
        let unread = answer("custom", output);
        assert_eq!(completion_message(&unread), None, "strings are parsed for chat-like types only");
        assert_eq!(completion_text(&unread).as_deref(), output.as_str());
    }
}

#[test]
fn other_outputs_become_an_assistant_message_for_chat_like_types() {
    let read = answer("text", &json!("Hello"));
    assert_eq!(completion_message(&read), Some(json!({"role": "assistant", "content": "Hello"})));
    assert_eq!(completion_text(&read).as_deref(), Some("Hello"));
    let read = answer("response", &json!({"a": 1}));
    assert_eq!(completion_message(&read), Some(json!({"role": "assistant", "content": "{\"a\":1}"})));
    assert_eq!(completion_text(&read).as_deref(), Some("{\"a\":1}"));
    let read = answer("task", &json!([0.5, 1]));
    assert_eq!(completion_message(&read), None);
    assert_eq!(completion_text(&read).as_deref(), Some("[0.5,1]"));
}

#[test]
fn a_message_without_content_has_empty_text() {
    let log = answer("chat", &json!({"role": "assistant", "tool_calls": [{"id": "c"}]}));
    assert_eq!(completion_text(&log).as_deref(), Some(""));
}

#[test]
fn what_the_caller_said_wins_over_the_derived_view() {
    let mut log = log("chat", &json!({"name": "Ada"}), &json!({"score": 1}));
    log.payload.insert(PROMPT_MESSAGES.into(), json!([{"role": "system", "content": "S"}]));
    log.payload.insert(COMPLETION_MESSAGE.into(), json!({"role": "assistant", "content": "ok"}));
    log.payload.insert(PROMPT.into(), json!("P"));
    log.payload.insert(COMPLETION.into(), json!("C"));
    assert_eq!(messages(&log), Some(json!([{"role": "system", "content": "S"}])));
    assert_eq!(system_text(&log).as_deref(), Some("S"));
    assert_eq!(completion_message(&log), Some(json!({"role": "assistant", "content": "ok"})));
    assert_eq!(prompt_text(&log).as_deref(), Some("P"));
    assert_eq!(completion_text(&log).as_deref(), Some("C"));
}

#[test]
fn stored_nonsense_is_passed_over() {
    let mut log = chat(&json!("Hi"));
    log.payload.insert(PROMPT_MESSAGES.into(), json!(["not an object"]));
    log.payload.insert(COMPLETION_MESSAGE.into(), json!(3));
    log.payload.insert(PROMPT.into(), json!([1]));
    assert_eq!(messages(&log), Some(json!([{"role": "user", "content": "Hi"}])));
    assert_eq!(completion_message(&log), None);
    assert_eq!(prompt_text(&log).as_deref(), Some("Hi"));
}
