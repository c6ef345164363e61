//! See the module: which scores a record shows, and what filters compare of them.

use super::*;
use crate::ids::{DatasetId, ScoreId};
use crate::scalar::Scalar;
use uuid::Uuid;

fn row() -> Place {
    Place::Dataset(DatasetId(Uuid::from_u128(1)))
}

/// A score by an evaluator, or under a custom slug.
fn score(evaluator: Option<u128>, slug: &str, values: ScoreValues, at: i64) -> Score {
    let subject = Subject { organization: OrganizationId(Uuid::nil()), place: row(), log_id: LogId("a".to_owned()) };
    let source = Source {
        evaluator_id: evaluator.map(|id| EvaluatorId(Uuid::from_u128(id))),
        slug: slug.to_owned(),
        name: slug.to_owned(),
        value_type: ScoreValueType::Numerical,
    };
    Score { values, ..Score::unsaid(ScoreId(Uuid::from_u128(at as u128)), subject, source, at) }
}

fn number(number: f64) -> ScoreValues {
    ScoreValues { numerical: Some(number), ..ScoreValues::default() }
}

fn times(shown: &ShownScores) -> Vec<i64> {
    shown.iter().map(|score| score.updated_at).collect()
}

#[test]
fn one_score_of_each_source_is_shown_newest_first() {
    let failed = |score: Score| Score { status: ScoreStatus::Failed, ..score };
    let of_log = |score: Score| Score { subject: Subject { place: Place::RequestLogs, ..score.subject }, ..score };
    let scores = vec![
        score(Some(1), "tone", number(1.0), 1),
        score(Some(1), "tone", number(2.0), 2),
        failed(score(Some(1), "tone", ScoreValues::default(), 9)),
        score(None, "mine", number(3.0), 3),
        of_log(score(None, "mine", number(8.0), 8)),
        failed(score(Some(2), "facts", ScoreValues::default(), 4)),
    ];
    assert_eq!(times(&ShownScores::of(scores.clone(), row())), [4, 3, 2]);
    assert_eq!(times(&ShownScores::of(scores, Place::RequestLogs)), [8, 4, 2]);
    assert!(ShownScores::of(Vec::new(), row()).is_empty());
}

#[test]
fn a_slug_stands_for_its_newest_score_unless_it_is_a_key() {
    let key = |id: u128| Uuid::from_u128(id).to_string();
    let shown = ShownScores::of(
        vec![
            score(Some(1), "tone", number(1.0), 1),
            score(Some(2), "tone", number(2.0), 2),
            score(Some(3), "mine", number(3.0), 3),
            score(None, "mine", number(4.0), 1),
            score(Some(5), "empty", ScoreValues { json: Some("{}".to_owned()), ..ScoreValues::default() }, 5),
        ],
        row(),
    );
    let compared = shown.compared();
    let numbers = [key(1), key(2), "tone".to_owned(), "mine".to_owned(), key(3)].map(|key| compared.get(&key).cloned());
    assert_eq!(numbers, [1.0, 2.0, 2.0, 4.0, 3.0].map(|number| Some(ComparedScore::Number(number))));
    assert_eq!(compared.get("empty"), Some(&ComparedScore::None));
    assert_eq!(compared.get("none"), None);
    assert_eq!(shown.by_key("mine").and_then(|score| score.values.numerical), Some(4.0));
}

#[test]
fn the_first_value_that_is_set_is_compared() {
    let all = ScoreValues {
        numerical: Some(0.5),
        boolean: Some(true),
        string: Some("good".to_owned()),
        categorical: Some(vec!["red".to_owned()]),
        json: Some("{}".to_owned()),
    };
    let without_number = ScoreValues { numerical: None, ..all.clone() };
    let text = ScoreValues { boolean: None, ..without_number.clone() };
    let choices = ScoreValues { string: None, ..text.clone() };
    let json = ScoreValues { categorical: None, ..choices.clone() };
    assert_eq!(
        [all, without_number, text, choices, json].map(|values| ComparedScore::of(&values)),
        [
            ComparedScore::Number(0.5),
            ComparedScore::Bool(true),
            ComparedScore::Text("good".to_owned()),
            ComparedScore::Choices(vec!["red".to_owned()]),
            ComparedScore::None,
        ]
    );
}

#[test]
fn what_is_kept_as_one_value_comes_back() {
    let said = Score {
        kind: "llm".to_owned(),
        environment: "test".to_owned(),
        scorer: "m".to_owned(),
        is_passed: Some(false),
        cost: 0.25,
        evaluator_version: Some(3),
        error_message: Some("none".to_owned()),
        ..score(None, "s", ScoreValues::default(), 1)
    };
    let mut back = score(None, "s", ScoreValues::default(), 1);
    for field in ScoreField::PLAIN {
        let kept = match field.value(&said) {
            ScoreFieldValue::Null => None,
            ScoreFieldValue::Scalar(scalar) => Some(scalar),
            ScoreFieldValue::Text(text) => Some(Scalar::Text(text.into_owned())),
            other => panic!("{field:?} is kept as one value: {other:?}"),
        };
        assert!(field.put(&mut back, kept), "{field:?}");
    }
    assert_eq!(back, said);
    assert!(!ScoreField::Cost.put(&mut back, Some(Scalar::Bool(true))), "of another type");
    assert!(!ScoreField::Cost.put(&mut back, None), "always there");
    assert!(!ScoreField::Status.put(&mut back, None), "kept in another way");
    for field in ScoreField::ALL {
        assert_eq!(ScoreField::named(field.name()), Some(*field));
    }
}
