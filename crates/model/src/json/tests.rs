use super::*;
use proptest::prelude::*;
use serde_json::{Map, json};

fn tree(text: &str) -> Value {
    serde_json::from_str(text).unwrap()
}

fn read_text(text: &str) -> String {
    read(text.as_bytes(), usize::MAX).unwrap()
}

#[test]
fn text_comes_into_the_form_that_a_tree_is_written_in() {
    for text in [
        " [ 1 , 2.50 , -0 , 1e3, 1E+20, 0.1e-7 ]".to_owned(),
        r#"{"a\u0062":"\u00e4\/\n\ud83e\udd80","":{} , "x":[ ]}"#.to_owned(),
        "123456789012345678901234567890".to_owned(),
        "  null ".to_owned(),
        r#"{"a":1,"b":{"c":1,"d":[{}],"c":{"e":2,"e":3}},"a":[2],"b":7,"z":"\u0001\b"}"#.to_owned(),
    ] {
        assert_eq!(read_text(&text), tree(&text).to_string(), "{text}");
    }
}

#[test]
fn what_a_tree_refuses_is_refused_in_the_same_words() {
    let deep = "[".repeat(200) + &"]".repeat(200);
    for bad in ["", "{", "[1,]", r#"{"a":1,}"#, r#""\ud83d""#, "1e999", "nul", "1 2", "{1:2}", "\"\u{1}\"", &deep] {
        let expected = serde_json::from_slice::<Value>(bad.as_bytes()).unwrap_err().to_string();
        match read(bad.as_bytes(), usize::MAX) {
            Err(Unread::Invalid(error)) => assert_eq!(error.to_string(), expected, "{bad}"),
            other => panic!("{bad}: {other:?}"),
        }
    }
    let expected = serde_json::from_slice::<Value>(b"\"\xff\"").unwrap_err().to_string();
    assert_eq!(read(b"\"\xff\"", 99).unwrap_err().to_string(), expected);
}

#[test]
fn a_bound_is_held_whatever_is_repeated_and_however_numbers_grow() {
    assert!(matches!(read(b"[1,2,3]", 6), Err(Unread::TooLarge)));
    assert_eq!(read(b"[1, 2, 3]", 7).unwrap(), "[1,2,3]");
    assert!(matches!(read(b"[1e15,1e15]", 20), Err(Unread::TooLarge)));
}

#[test]
fn repeated_names_among_many_take_no_time_to_speak_of() {
    let many: Vec<String> = (0..200_000).map(|number| format!("\"{}\":{number}", number % 100_000)).collect();
    let text = format!("{{{}}}", many.join(","));
    let object = Object::read(text.as_bytes(), usize::MAX).unwrap().unwrap();
    assert_eq!(object.members().count(), 100_000);
    assert_eq!(object.get("7").map(Json::text), Some("100007"));
    assert_eq!(object.json().text(), tree(&text).to_string());
}

#[test]
fn members_and_elements_are_found() {
    let json = json!({"a": [1, "x,]}\"\\", {"b": {}}], "": null, "q\"": "y", "e": []});
    let text = json.to_string();
    let found = Json::written(&text);
    assert_eq!(found.members().map(|(name, _)| name).collect::<Vec<_>>(), ["a", "", "q\\\"", "e"]);
    let items: Vec<Value> = found.get("a").unwrap().items().map(Json::to_value).collect();
    assert_eq!(json!(items), json["a"]);
    assert_eq!(found.get("e").unwrap().items().count(), 0);
    assert_eq!((found.get("x"), Json::written("[1]").get("x"), Json::written("5").items().count()), (None, None, 0));
    assert!(found.get("a").unwrap().is_within(3) && !Json::written("[[[[[1]]]]]").is_within(4));
    assert_eq!(Json::written(r#"{"a":[1,"x"],"b":{}}"#).values(), 8, "never fewer than there are");
}

#[test]
fn what_is_kept_of_an_object_is_not_copied() {
    let object = Object::read(br#"{"a":[1,2],"b":{"c":"d"}}"#, 99).unwrap().unwrap();
    let inner = object.get("b").unwrap().get("c").unwrap();
    let kept = object.keep(inner);
    assert_eq!(kept.json().text().as_ptr(), inner.text().as_ptr());
    assert_eq!(kept.part(Json::written("[]")).json().text(), "[]", "what is from elsewhere is");
}

#[test]
fn damaged_text_ends_a_walk() {
    for bad in ["[1", "{\"a\"", "{\"a\":", "{\"a\\", "[\"", "{", "[", "{\"a\":[}", "\"", "", "{\"a\":1]x"] {
        let json = Json::written(bad);
        let walked = json.items().count() + json.members().count() + json.values();
        assert!(walked < 9, "{bad}");
        let _ = (json.string(), json.quoted(), json.is_within(0), json.to_value());
    }
}

#[test]
fn the_order_of_members_makes_no_difference() {
    let same_as = |left: &str, right: &str| same(Json::written(left), Json::written(right));
    assert!(same_as(r#"{"a":1,"b":[{"c":2,"d":3}]}"#, r#"{"b":[{"d":3,"c":2}],"a":1}"#));
    assert!(!same_as("[1,2]", "[2,1]") && !same_as(r#"{"a":1}"#, r#"{"b":1}"#) && same_as("[]", "[]"));
}

fn any_json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        ".{0,6}".prop_map(Value::from),
    ];
    leaf.prop_recursive(4, 40, 20, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..5).prop_map(Value::from),
            prop::collection::vec((".{0,2}", inner), 0..20)
                .prop_map(|pairs| Value::Object(pairs.into_iter().collect())),
        ]
    })
}

proptest! {
    /// However a value is laid out and whatever names come again: the text is that of the tree, and its parts are the
    /// tree's.
    #[test]
    fn compact_text_is_the_text_of_the_tree(value in any_json(), again in prop::collection::vec(("[a-c]", any_json()), 0..16)) {
        let pretty = serde_json::to_string_pretty(&value).unwrap();
        prop_assert_eq!(read_text(&pretty), value.to_string());
        let members: Vec<String> = again.iter().map(|(name, value)| format!("\"{name}\" : {value}")).collect();
        let text = format!("{{{}}}", members.join(" ,"));
        prop_assert_eq!(read_text(&text), tree(&text).to_string());
        let object = Object::read(text.as_bytes(), usize::MAX).unwrap().unwrap();
        let found: Map<String, Value> =
            object.members().map(|(name, value)| (name.to_owned(), object.keep(value).json().to_value())).collect();
        prop_assert_eq!(Value::Object(found), tree(&text));
    }
}
