//! See the module: stored values, paths and scores.

use super::*;
use serde_json::json;

fn stored(columns: &DynamicColumns, path: &str) -> Option<Value> {
    let column = columns.column(path)?;
    column.value(&column.chunks.get(0)?.get(0))
}

fn columns_of(map: &Value, columns_max: usize) -> DynamicColumns {
    let mut columns = DynamicColumns::new(Shape::Paths, columns_max);
    columns.set(Grid::FULL, 0, map.as_object().unwrap());
    columns
}

#[test]
fn literal_keys_win_over_paths() {
    let map = json!({"a.b": 1, "a": {"b": 2, "c": {"d": 3}, "c.d": 4}, "x.y": {"z": 5}, "": {"e": null}});
    let columns = columns_of(&map, 100);
    assert_eq!(stored(&columns, "a.b"), Some(json!(1)));
    assert_eq!(stored(&columns, "a.c.d"), Some(json!(4)));
    assert_eq!(stored(&columns, "a.c"), Some(json!({"d": 3})));
    assert_eq!(stored(&columns, "x.y.z"), None);
    assert_eq!(stored(&columns, ".e"), Some(Value::Null));
    assert!(columns.doubtful("nothing").is_none());
}

#[test]
fn numbers_come_back_as_they_were_written() {
    for number in
        [json!(1), json!(1.0), json!(-0.0), json!(u64::MAX), json!(i64::MIN), json!(9_007_199_254_740_993_i64)]
    {
        let columns = columns_of(&json!({ "n": number }), 1);
        assert_eq!(stored(&columns, "n").unwrap().to_string(), number.to_string());
    }
}

#[test]
fn scores_are_found_by_key() {
    let names = ["a", "\"b\""].map(str::to_owned).to_vec();
    let scores = ComparedScores::from_iter([
        ("flag", ComparedScore::Bool(true)),
        ("number", ComparedScore::Number(4.0)),
        ("text", ComparedScore::Text("good".to_owned())),
        ("choices", ComparedScore::Choices(names)),
        ("none", ComparedScore::None),
    ]);
    let mut columns = DynamicColumns::new(Shape::Scores, usize::MAX);
    columns.set_scores(Grid::FULL, 0, &scores);
    columns.put_score(Grid::FULL, 0, "number", Some("slug"), &ComparedScore::Number(0.5));
    let found = ["flag", "number", "slug", "text", "choices", "none", "gone"].map(|key| stored(&columns, key));
    let expected = [json!(true), json!(0.5), json!(0.5), json!("good"), json!(["a", "\"b\""]), json!(null)].map(Some);
    assert_eq!((&found[..6], &found[6]), (&expected[..], &None));
    assert_eq!(columns.column("flag").unwrap().chunks.get(0).unwrap().get(0).number(), Some(1.0));
    columns.replace_scores(Grid::FULL, 0, &ComparedScores::none());
    assert_eq!((stored(&columns, "flag"), columns.filled()), (None, &[0][..]));
}

#[test]
fn paths_beyond_the_cap_or_too_deep_are_doubtful() {
    let columns = columns_of(&json!({"a": 1, "b": {"c": 2}}), 2);
    assert!(columns.doubtful("a").is_none() && columns.doubtful("b").is_none());
    assert_eq!(columns.doubtful("b.c"), Some(&[1][..]));
    let deep = json!({"1": {"2": {"3": {"4": {"5": {"6": {"7": {"8": {"9": 0}}}}}}}}});
    let columns = columns_of(&deep, 100);
    assert_eq!(stored(&columns, "1.2.3.4.5.6.7.8"), Some(json!({"9": 0})));
    assert_eq!(columns.doubtful("1.2.3.4.5.6.7.8.9"), Some(&[1][..]));
    assert!(columns.doubtful("1.2.3.4.5.6.7.8").is_none() && columns.doubtful("other").is_none());
}
